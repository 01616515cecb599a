//! `ls`: the selected nodes in dbt's formats.

use serde_json::{Map, Value as Json};

use super::Exit;
use super::args::{LsArgs, LsOutput, SelectArgs};
use super::commands::{default_types, defer, leave_to_the_system, request};
use super::invoke::Session;
use super::output::{Failure, print};
use crate::artifacts;
use crate::model::{Detail, Node, ResourceType, python_json};
use crate::pipeline::{self, Loaded};
use crate::select::Request;

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

/// Lists nodes, one a line, by their ids.
pub(super) fn ls(session: &Session, args: &LsArgs) -> Result<Exit, Failure> {
    let loaded = session.load_with_state(args.state.state.as_deref())?;
    let request = wanted(&args.select, &loaded)?;
    let selection = pipeline::choose(&session.invocation, &loaded, &request, &defer(&args.state))?;
    session.ui.finish();
    let mut nodes: Vec<&Node> = selection.nodes.iter().filter_map(|id| loaded.manifest.node(id.as_str())).collect();
    nodes.sort_by(|a, b| a.unique_id.cmp(&b.unique_id));
    let keys: Vec<&str> = args.output_keys.iter().flat_map(|keys| keys.split_whitespace()).collect();
    let mut lines = String::new();
    for node in nodes {
        lines.push_str(&line(node, args.output, &keys));
        lines.push('\n');
    }
    if !lines.is_empty() {
        print(&lines);
    }
    leave_to_the_system(loaded);
    Ok(Exit::Clean)
}

/// The request, with what is special to `ls`: analyses are listed when they are asked for, and `--models` lists models alone.
fn wanted(args: &SelectArgs, loaded: &Loaded) -> Result<Request, Failure> {
    let mut request = request(args, loaded)?;
    if !args.models.is_empty() {
        for (flag, values) in [("--select", &args.select), ("--resource-type", &args.resource_type)] {
            if !values.is_empty() {
                let message = format!("`--models` and `{flag}` do not go together in `ls`");
                return Err(Failure::usage(message, "use `--select`, with `--resource-type model` for models alone"));
            }
        }
        request.resource_types = vec![ResourceType::Model];
        request.exclude_resource_types.clear();
    } else if request.resource_types.is_empty() {
        request.resource_types = default_types().collect();
    }
    Ok(request)
}

fn line(node: &Node, output: LsOutput, keys: &[&str]) -> String {
    match output {
        LsOutput::Name => name(node),
        LsOutput::Path => node.original_file_path.clone(),
        LsOutput::Selector => selector(node),
        LsOutput::Json => json(node, keys),
    }
}

/// The name as dbt shows it: a source's table has its source before it, a version follows its model.
fn name(node: &Node) -> String {
    let version = node.as_model().and_then(|model| model.version.as_ref());
    match (node.as_source(), version) {
        (Some(source), _) => format!("{}.{}", source.source_name, node.name),
        (None, Some(version)) => format!("{}.v{}", node.name, plain(version)),
        (None, None) => node.name.clone(),
    }
}

/// The name of a unit test; one of a versioned model is there once for each version, which follows the name.
fn unit_test_name(node: &Node) -> String {
    let Detail::Other(test) = &node.detail else { return node.name.clone() };
    match test.get("version").filter(|version| !version.is_null()) {
        Some(version) => format!("{}_v{}", node.name, plain(version)),
        None => node.name.clone(),
    }
}

/// A version as it is read: text without quotes.
fn plain(version: &Json) -> String {
    version.as_str().map_or_else(|| version.to_string(), str::to_owned)
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
        ResourceType::UnitTest => format!("unit_test:{}.{}", node.package_name, unit_test_name(node)),
        _ => dotted,
    }
}

/// The node's JSON with the keys that are asked for, in their order; those of the default in dbt's. What the node has not is
/// left out.
fn json(node: &Node, keys: &[&str]) -> String {
    let whole = artifacts::node_json(node);
    let mut picked = Map::new();
    if keys.is_empty() {
        let known = whole.as_object().into_iter().flatten().filter(|(key, _)| DEFAULT_KEYS.contains(&key.as_str()));
        picked.extend(known.map(|(key, value)| (key.clone(), value.clone())));
        let last: &[&str] = match node.resource_type {
            ResourceType::Metric => &["config", "depends_on"],
            ResourceType::SemanticModel => &["config"],
            _ => &[],
        };
        for key in last {
            if let Some((key, value)) = picked.shift_remove_entry(*key) {
                picked.insert(key, value);
            }
        }
    }
    for key in keys {
        if let Some(found) = key.split('.').try_fold(&whole, |at, part| at.get(part)) {
            picked.insert((*key).to_owned(), found.clone());
        }
    }
    python_json(&Json::Object(picked), false)
}
