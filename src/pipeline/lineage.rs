//! Column-level lineage of a project: compiled as far as that goes without a database, then followed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;

use super::commands::context;
use super::{Error, Invocation, Loaded};
use crate::build::{Compiler, Connection};
use crate::lineage::{self, Gap, GapReason, KnownColumns, ProjectCode, ProjectLineage};
use crate::model::{Detail, Event, Manifest, Node, NodeId, Observer, ResourceType};
use crate::plan::{self, Command};
use crate::select::Selection;
use crate::warehouse;

/// Compiles all models and snapshots without a database and computes the lineage of their columns. A model that cannot
/// be compiled like that is a gap of the result.
///
/// # Errors
/// The plan cannot be made.
pub async fn lineage(invocation: &Invocation, loaded: &Loaded) -> Result<ProjectLineage, Error> {
    let given = ProjectCode {
        code: compile(invocation, loaded).await?,
        columns: seeds(&loaded.manifest),
        relations: HashMap::new(),
    };
    Ok(lineage::of_project(&loaded.manifest, &given))
}

async fn compile(invocation: &Invocation, loaded: &Loaded) -> Result<HashMap<NodeId, Result<String, Gap>>, Error> {
    let manifest = &loaded.manifest;
    let plan = plan::for_command(&plan::CommandPlan {
        command: Command::Compile,
        manifest,
        selection: &Selection::default(),
        defer: None,
        favor_state: false,
        exists: &|_| false,
        full_refresh: invocation.full_refresh,
    })?;
    let offline = warehouse::as_if_empty(&loaded.target);
    let mut context = context(invocation, loaded, Arc::clone(&offline), false);
    context.target_path = None;
    context.observer = Arc::new(Silent);
    let compiler = Arc::new(Compiler::new(&plan, &context));
    let has_query = |node: &&Node| {
        matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot) && node.language == "sql"
    };
    let compiled = manifest.nodes.values().filter(has_query).map(|node| {
        let (compiler, connection) = (Arc::clone(&compiler), Connection::new(Arc::clone(&offline)));
        async move {
            let code = match compiler.compile(node, &connection).await {
                Ok(compiled) => Ok(compiled.code),
                Err(failure) => {
                    let said = failure.to_string();
                    let line = said.lines().next().unwrap_or_default().to_owned();
                    Err(Gap::new(GapReason::NotCompiled, line))
                }
            };
            (node.unique_id.clone(), code)
        }
    });
    let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(futures::stream::iter(compiled).buffer_unordered(at_once).collect().await)
}

/// The columns of seeds, from the first line of their files.
fn seeds(manifest: &Manifest) -> HashMap<NodeId, KnownColumns> {
    let header = |node: &Node| {
        let Detail::Seed { root_path } = &node.detail else { return None };
        let path = Path::new(root_path).join(&node.original_file_path);
        let delimiter = node.config_str("delimiter").and_then(|text| text.bytes().next()).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_path(path).ok()?;
        let names = reader.headers().ok()?.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned());
        Some((node.unique_id.clone(), KnownColumns::all(names.collect::<Vec<_>>())))
    };
    manifest.of_type(ResourceType::Seed).filter_map(header).collect()
}

/// Templates may print while they are compiled; here nobody asked for it.
struct Silent;

impl Observer for Silent {
    fn observe(&self, _: &Event) {}
}
