//! From a request (arguments of the command line, or the name of a selector) to the nodes it means.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::definition::Definitions;
use super::evaluate::evaluate;
use super::expr::{SelectorExpr, write_intersection};
use super::method::self_and_folders;
use super::{Criterion, Error, Method, Reach};
use crate::graph::{self, Dag};
use crate::model::{Diagnostic, JsonMap, Manifest, Node, NodeId, ResourceType};
use crate::state::StateDiff;

/// The nodes that were selected, in manifest order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Selection {
    /// Their ids.
    pub nodes: Vec<NodeId>,
}

impl Selection {
    /// Whether the node was selected.
    pub fn contains(&self, id: &str) -> bool {
        self.nodes.iter().any(|node| node.as_str() == id)
    }
}

/// Which tests come along with the nodes they test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Indirect {
    /// Every test with at least one selected parent.
    #[default]
    Eager,
    /// Tests whose parents are all selected.
    Cautious,
    /// Tests whose parents are all selected, or direct or remote ancestors of selected nodes, or sources.
    Buildable,
    /// None: only tests that are selected themselves.
    Empty,
}

impl Indirect {
    /// The mode for dbt's word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "eager" => Some(Self::Eager),
            "cautious" => Some(Self::Cautious),
            "buildable" => Some(Self::Buildable),
            "empty" => Some(Self::Empty),
            _ => None,
        }
    }
}

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// `--select` arguments; empty means everything.
    pub select: Vec<String>,
    /// `--exclude` arguments.
    pub exclude: Vec<String>,
    /// `--selector`: a name in selectors.yml. It wins over `select` and `exclude`, as in dbt.
    pub selector: Option<String>,
    /// `--resource-type`; empty means all that are not left out below. Hooks and groups are never selected.
    pub resource_types: Vec<ResourceType>,
    /// `--exclude-resource-type`.
    pub exclude_resource_types: Vec<ResourceType>,
    /// `--indirect-selection`.
    pub indirect: Indirect,
    /// Status words of an earlier run by node, for `result:`; none when there was no run.
    pub results: Option<HashMap<NodeId, String>>,
}

/// What a selector means: methods checked, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedSelector {
    /// One criterion.
    Criterion {
        /// What it looks at.
        method: Method,
        /// Its dotted arguments.
        args: Vec<String>,
        /// What it looks for.
        value: String,
        /// With all descendants, and all that those descend from.
        childrens_parents: bool,
        /// With ancestors.
        parents: Option<Reach>,
        /// With descendants.
        children: Option<Reach>,
        /// Which tests come along.
        indirect: Indirect,
    },
    /// All of each.
    Union(Vec<ResolvedSelector>, Indirect),
    /// What all have in common.
    Intersection(Vec<ResolvedSelector>, Indirect),
    /// The first without the second.
    Difference(Box<ResolvedSelector>, Box<ResolvedSelector>, Indirect),
    /// As written on the command line: warned about when it matches nothing.
    Expected(String, Box<ResolvedSelector>),
}

/// What the methods look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) state: Option<&'a StateDiff>,
    pub(super) results: Option<&'a HashMap<NodeId, String>>,
}

impl<'a> World<'a> {
    /// Files and folders of the root project that the manifest knows of, relative to its root.
    pub(super) fn root_paths(&self) -> impl Iterator<Item = &'a str> {
        let root = self.manifest.metadata.project_name.as_str();
        let manifest = self.manifest;
        let nodes = manifest.nodes.values().chain(manifest.disabled.values().flatten());
        let files = nodes.filter(|node| node.package_name == root).map(|node| node.original_file_path.as_str());
        let patches = manifest.nodes.values().filter_map(|node| node.patch_path.as_deref()?.split_once("://"));
        let patches = patches.filter(|(package, _)| *package == root).map(|(_, path)| path);
        let paths: BTreeSet<&'a str> = files.chain(patches).flat_map(self_and_folders).collect();
        paths.into_iter()
    }
}

/// The graph of a manifest: all enabled nodes, sources and exposures among them.
///
/// # Errors
/// [`graph::Error::Cycle`] when nodes depend on each other in a circle.
pub fn dag(manifest: &Manifest) -> Result<Dag<NodeId>, graph::Error<NodeId>> {
    Dag::new(manifest.nodes.keys().cloned(), manifest.edges().map(|(parent, child)| (parent.clone(), child.clone())))
}

/// Reads what the request says. `selectors` are those of selectors.yml: name to definition.
///
/// # Errors
/// Every way in which a selector can be wrong; see [`Error`].
pub fn resolve(request: &Request, selectors: &JsonMap) -> Result<ResolvedSelector, Error> {
    let definitions = Definitions::new(selectors, request.indirect);
    if let Some(name) = &request.selector {
        return definitions.resolve(name);
    }
    if request.select.is_empty()
        && request.exclude.is_empty()
        && let Some(name) = definitions.default_name()
    {
        return definitions.resolve(name);
    }
    let included = match request.select.as_slice() {
        [] => everything(request.indirect),
        arguments => union(arguments, request.indirect)?,
    };
    if request.exclude.is_empty() {
        return Ok(included);
    }
    let excluded = union(&request.exclude, request.indirect)?;
    Ok(ResolvedSelector::Difference(Box::new(included), Box::new(excluded), request.indirect))
}

/// Finds the nodes that a request means, in manifest order, with a warning for each criterion that matches nothing.
///
/// # Errors
/// Every way in which a selector can be wrong; see [`Error`].
pub fn select(
    request: &Request,
    manifest: &Manifest,
    dag: &Dag<NodeId>,
    state: Option<&StateDiff>,
) -> Result<(Selection, Vec<Diagnostic>), Error> {
    let selector = resolve(request, &manifest.selectors)?;
    let world = World { manifest, state, results: request.results.as_ref() };
    let mut diagnostics = Vec::new();
    let selected = evaluate(&selector, &world, dag, &mut diagnostics)?;
    let wanted = |kind: &ResourceType| {
        (request.resource_types.is_empty() || request.resource_types.contains(kind))
            && !request.exclude_resource_types.contains(kind)
    };
    let selected =
        |node: &&Node| is_selectable(node) && wanted(&node.resource_type) && selected.contains(&node.unique_id);
    let nodes = manifest.nodes.values().filter(selected);
    Ok((Selection { nodes: nodes.map(|node| node.unique_id.clone()).collect() }, diagnostics))
}

/// Hooks and groups are no nodes of a selection. A test of a disabled node stays in the manifest, disabled.
pub(super) fn is_selectable(node: &Node) -> bool {
    !matches!(node.resource_type, ResourceType::Operation | ResourceType::Group)
        && node.config.get("enabled").and_then(serde_json::Value::as_bool) != Some(false)
}

fn everything(indirect: Indirect) -> ResolvedSelector {
    let all = [Method::Fqn, Method::Source].map(|method| ResolvedSelector::Criterion {
        method,
        args: Vec::new(),
        value: "*".to_owned(),
        childrens_parents: false,
        parents: None,
        children: None,
        indirect,
    });
    ResolvedSelector::Union(all.into(), indirect)
}

fn union(arguments: &[String], indirect: Indirect) -> Result<ResolvedSelector, Error> {
    let mut parts = Vec::new();
    for argument in arguments {
        parts.extend(of_expr(&SelectorExpr::parse(argument)?, indirect)?);
    }
    Ok(ResolvedSelector::Union(parts, indirect))
}

/// The parts of the union that the expression is.
fn of_expr(expr: &SelectorExpr, indirect: Indirect) -> Result<Vec<ResolvedSelector>, Error> {
    let part = |criteria: &Vec<Criterion>| {
        let resolved = criteria.iter().map(|criterion| of_criterion(criterion, indirect)).collect::<Result<_, _>>()?;
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write_intersection(criteria, &mut text);
        Ok(ResolvedSelector::Expected(text, Box::new(ResolvedSelector::Intersection(resolved, indirect))))
    };
    expr.unions.iter().map(part).collect()
}

/// One criterion with its method checked.
pub(super) fn of_criterion(criterion: &Criterion, indirect: Indirect) -> Result<ResolvedSelector, Error> {
    let (method, args) = Method::of(criterion.method.as_deref(), &criterion.value, &criterion.to_string())?;
    Ok(ResolvedSelector::Criterion {
        method,
        args,
        value: criterion.value.clone(),
        childrens_parents: criterion.childrens_parents,
        parents: criterion.parents,
        children: criterion.children,
        indirect,
    })
}
