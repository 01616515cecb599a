//! `ls`: the selected nodes in dbt's formats.

use serde_json::{Map, Value as Json};

use super::Exit;
use super::args::{LsArgs, LsOutput};
use super::commands::{defer, leave_to_the_system, request};
use super::invoke::Session;
use super::output::{Failure, print};
use crate::artifacts;
use crate::model::{Manifest, Node, ResourceType};
use crate::pipeline;

/// The keys of `--output json` when none are named, as in dbt.
const DEFAULT_KEYS: &[&str] = &[
    "alias",
    "name",
    "package_name",
    "depends_on",
    "tags",
    "config",
    "resource_type",
    "source_name",
    "original_file_path",
    "unique_id",
];

/// Lists nodes, one a line.
pub(super) fn ls(session: &Session, args: &LsArgs) -> Result<Exit, Failure> {
    let loaded = session.load_with_state(args.state.state.as_deref())?;
    let request = request(&args.select)?;
    let selection = pipeline::choose(&session.invocation, &loaded, &request, &defer(&args.state))?;
    session.ui.finish();
    let mut lines = String::new();
    for node in selection.nodes.iter().filter_map(|id| loaded.manifest.node(id.as_str())) {
        // dbt lists analyses only where they are asked for, and hooks never.
        let unasked = node.resource_type == ResourceType::Analysis && args.select.resource_type.is_empty();
        if node.resource_type == ResourceType::Operation || unasked {
            continue;
        }
        lines.push_str(&line(node, &loaded.manifest, args));
        lines.push('\n');
    }
    if !lines.is_empty() {
        print(&lines);
    }
    leave_to_the_system(loaded);
    Ok(Exit::Clean)
}

fn line(node: &Node, manifest: &Manifest, args: &LsArgs) -> String {
    match args.output {
        LsOutput::Name => match node.as_source() {
            Some(source) => format!("{}.{}", source.source_name, node.name),
            None => node.name.clone(),
        },
        LsOutput::Path => node.original_file_path.clone(),
        LsOutput::Selector => selector(node),
        LsOutput::Json => json(node, manifest, &args.output_keys),
    }
}

/// What `--select` takes to select this node alone.
fn selector(node: &Node) -> String {
    let dotted = node.fqn.join(".");
    match node.resource_type {
        ResourceType::Source
        | ResourceType::Exposure
        | ResourceType::Metric
        | ResourceType::SemanticModel
        | ResourceType::SavedQuery => match node.as_source() {
            Some(source) => format!("source:{}.{}.{}", node.package_name, source.source_name, node.name),
            None => format!("{}:{}.{}", node.resource_type, node.package_name, node.name),
        },
        ResourceType::UnitTest => format!("unit_test:{}.{}", node.package_name, node.name),
        _ => dotted,
    }
}

fn json(node: &Node, _manifest: &Manifest, keys: &[String]) -> String {
    let Json::Object(all) = artifacts::node_json(node) else { return String::new() };
    let mut picked = Map::new();
    let wanted = |key: &str| match keys {
        [] => DEFAULT_KEYS.contains(&key),
        keys => keys.iter().any(|wanted| wanted == key),
    };
    for (key, value) in &all {
        if wanted(key) {
            picked.insert(key.clone(), value.clone());
        }
    }
    // Nested keys, as `--output-keys config.materialized` asks for them.
    for key in keys.iter().filter(|key| key.contains('.')) {
        let whole = Json::Object(all.clone());
        let found = key.split('.').try_fold(&whole, |at, part| at.get(part)).cloned();
        if let Some(found) = found {
            picked.insert(key.clone(), found);
        }
    }
    Json::Object(picked).to_string()
}
