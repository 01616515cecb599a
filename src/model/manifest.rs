//! The parsed project: every node, macro and docs block, with the two maps of who depends on whom.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{JsonMap, Node, NodeId, RefArgs, ResourceType};

/// A macro as the manifest keeps it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Macro {
    /// e.g. `macro.shop.cents_to_dollars`.
    pub unique_id: String,
    /// e.g. `cents_to_dollars`; a test's begins with `test_`, a materialization's with `materialization_`.
    pub name: String,
    /// Its package; `dbt` and `dbt_<adapter>` for the built-in ones.
    pub package_name: String,
    /// Relative to the package's root.
    pub original_file_path: String,
    /// Line of the file on which the block begins, from 1.
    pub first_line: u32,
    /// The whole block, from its opening tag to its closing tag.
    pub macro_sql: String,
    /// Unique ids of the macros it calls, found by reading it.
    pub depends_on: Vec<String>,
    /// From a property file.
    pub description: String,
    /// From a property file.
    pub meta: JsonMap,
    /// `docs:` of a property file: `show`, `node_color`.
    pub docs: JsonMap,
    /// Arguments as a property file describes them.
    pub arguments: Vec<Json>,
    /// From a property file.
    pub patch_path: Option<String>,
    /// Of a materialization: the languages it supports.
    pub supported_languages: Option<Vec<String>>,
}

/// A docs block.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Doc {
    /// e.g. `doc.shop.orders_status`.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// Its package.
    pub package_name: String,
    /// Relative to the package's root.
    pub original_file_path: String,
    /// The text between the tags, both ends trimmed.
    pub block_contents: String,
}

/// Who made the manifest, and of what.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// e.g. `https://schemas.getdbt.com/dbt/manifest/v12.json`.
    pub schema_version: String,
    /// The version of dbt that wrote it, or the one whose behaviour we follow.
    pub dbt_version: String,
    /// The root project.
    pub project_name: String,
    /// e.g. `duckdb`.
    pub adapter_type: String,
    /// ISO timestamp in UTC.
    pub generated_at: String,
    /// One run's id.
    pub invocation_id: String,
    /// Whether quoting of relations is on by default, per part.
    pub quoting: JsonMap,
}

/// The hash of tables that are asked for every node: ids are long, and the standard library's hash is slow on them. It
/// is seeded anew in every process, so that nobody can choose ids that collide.
pub type FastHash = foldhash::fast::RandomState;

/// Things by unique id, in the order in which they came.
pub type NodeMap<T> = IndexMap<NodeId, T, FastHash>;

/// Everything the parse found. Made once, not changed after.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifest {
    /// Who made it.
    pub metadata: Metadata,
    /// All enabled nodes of every kind, sources and exposures among them, by unique id.
    pub nodes: NodeMap<Node>,
    /// All macros.
    pub macros: IndexMap<String, Macro>,
    /// All docs blocks.
    pub docs: IndexMap<String, Doc>,
    /// Disabled nodes; several may share an id.
    pub disabled: NodeMap<Vec<Node>>,
    /// Selectors of selectors.yml: name to definition.
    pub selectors: JsonMap,
    /// What the parse was given from outside; none of a manifest that was read.
    pub inputs: Option<Arc<Inputs>>,
    /// What models and snapshots compiled to, of a manifest that was read and has it.
    pub compiled_code: HashMap<NodeId, Arc<str>, FastHash>,
}

/// What a parse is given beside the project's files. It is never written.
#[derive(Clone, PartialEq, Default)]
pub struct Inputs {
    /// Variables as each package sees them, by the package's name.
    pub vars: HashMap<String, JsonMap>,
    /// The environment.
    pub env: Arc<HashMap<String, String>>,
    /// Digests of the contents of seeds that dbt takes for too large to compare.
    pub large_seeds: HashMap<NodeId, String>,
}

impl std::fmt::Debug for Inputs {
    /// The environment holds secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").field("vars", &self.vars.len()).field("env", &self.env.len()).finish_non_exhaustive()
    }
}

impl Manifest {
    /// The node with this id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Enabled nodes of one kind, in manifest order.
    pub fn of_type(&self, kind: ResourceType) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(move |node| node.resource_type == kind)
    }

    /// Edges as (parent, child), for every `depends_on.nodes` that exists.
    pub fn edges(&self) -> impl Iterator<Item = (&NodeId, &NodeId)> {
        self.nodes.values().flat_map(move |child| {
            child.depends_on.nodes.iter().filter_map(move |parent| {
                self.nodes.get_key_value(parent).map(|(parent, _)| (parent, &child.unique_id))
            })
        })
    }

    /// What `ref` names when called in `package`: the package given, else the root project, the caller's own package,
    /// then any other; of a versioned model without a version, the latest.
    pub fn resolve_ref(&self, r: &RefArgs, package: &str) -> Option<&Node> {
        self.lookup(&self.nodes_named(&r.name), r, package)
    }

    /// What `function` names when called in `package` with a name, or with a package and a name.
    pub fn resolve_function(&self, call: &[String], package: &str) -> Option<&Node> {
        let (name, wanted) = match call {
            [name] => (name, None),
            [wanted, name] => (name, Some(wanted.clone())),
            _ => return None,
        };
        let named: Vec<&Node> = self.of_type(ResourceType::Function).filter(|node| node.name == *name).collect();
        self.lookup(&named, &RefArgs { name: name.clone(), package: wanted, version: None }, package)
    }

    fn nodes_named(&self, name: &str) -> Vec<&Node> {
        self.nodes.values().filter(|node| node.resource_type.is_refable() && node.name == name).collect()
    }

    fn lookup<'a>(&self, named: &[&'a Node], r: &RefArgs, package: &str) -> Option<&'a Node> {
        let version_fits = |node: &Node| {
            let Some(model) = node.as_model() else { return r.version.is_none() };
            match &r.version {
                Some(version) => model.version.as_ref().is_some_and(|own| same_version(own, version)),
                None => model.version.is_none() || model.version == model.latest_version,
            }
        };
        let in_package = |wanted: &str| named.iter().copied().find(|n| n.package_name == wanted && version_fits(n));
        match &r.package {
            Some(wanted) => in_package(wanted),
            None => in_package(&self.metadata.project_name)
                .or_else(|| in_package(package))
                .or_else(|| named.iter().copied().find(|node| version_fits(node))),
        }
    }
}

/// Versions are equal when they read the same: `2` and `"2"` are.
fn same_version(a: &Json, b: &Json) -> bool {
    let text = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    text(a) == text(b)
}
