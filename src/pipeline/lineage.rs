//! Column-level lineage of a project: compiled as far as that goes without a database, then followed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;

use super::commands::context;
use super::{Error, Invocation, Loaded};
use crate::build::{BuildContext, Compiler, Connection};
use crate::jinja::Renderer;
use crate::lineage::{self, Gap, GapReason, KnownColumns, ProjectCode, ProjectLineage};
use crate::model::{Detail, Event, Manifest, Node, NodeId, Observer, ResourceType};
use crate::plan::{self, Command};
use crate::select::Selection;
use crate::warehouse::{self, Warehouse};

/// Compiles all models and snapshots without a database and computes the lineage of their columns. A model that cannot
/// be compiled like that is a gap of the result.
///
/// # Errors
/// The plan cannot be made.
pub async fn lineage(invocation: &Invocation, loaded: &Loaded) -> Result<ProjectLineage, Error> {
    let has_query = |node: &&Node| {
        matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot) && node.language == "sql"
    };
    let compiler = OfflineCompiler::new(invocation, loaded, &loaded.manifest, &loaded.renderer)?;
    let given = ProjectCode {
        code: compiler.code(loaded.manifest.nodes.values().filter(has_query)).await,
        columns: seeds(&loaded.manifest),
        ..ProjectCode::default()
    };
    Ok(lineage::of_project(&loaded.manifest, &given))
}

/// Compiles nodes of one side without a database.
pub(super) struct OfflineCompiler {
    compiler: Arc<Compiler>,
    offline: Arc<dyn Warehouse>,
}

/// Compiled code, or why there is none.
pub(super) type Compiled = HashMap<NodeId, Result<String, Gap>>;

impl OfflineCompiler {
    /// A compiler for `manifest`, which was parsed for the target of `loaded`, with its macros.
    pub(super) fn new(
        invocation: &Invocation,
        loaded: &Loaded,
        manifest: &Arc<Manifest>,
        renderer: &Arc<Renderer>,
    ) -> Result<Self, Error> {
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
        let context = BuildContext {
            manifest: Arc::clone(manifest),
            renderer: Arc::clone(renderer),
            target_path: None,
            observer: Arc::new(Silent),
            ..context(invocation, loaded, Arc::clone(&offline), false)
        };
        Ok(Self { compiler: Arc::new(Compiler::new(&plan, &context)), offline })
    }

    /// The compiled code of some nodes.
    pub(super) async fn code(&self, nodes: impl Iterator<Item = &Node>) -> Compiled {
        let compiled = nodes.map(|node| {
            let (compiler, connection) = (Arc::clone(&self.compiler), Connection::new(Arc::clone(&self.offline)));
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
        futures::stream::iter(compiled).buffer_unordered(at_once).collect().await
    }
}

/// The columns of seeds, from the first line of their files.
pub(super) fn seeds(manifest: &Manifest) -> HashMap<NodeId, KnownColumns> {
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
