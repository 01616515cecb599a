//! From a request (arguments of the command line, or the name of a selector) to the nodes it means.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;

use super::definition::Definitions;
use super::evaluate::evaluate;
use super::expr::{SelectorExpr, write_intersection};
use super::index::Index;
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
    /// What earlier runs left behind.
    pub earlier: Earlier,
}

/// What earlier runs left behind, for `result:` and `source_status:`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier {
    /// Status words by node; none when there was no run.
    pub results: Option<HashMap<NodeId, String>>,
    /// When the newest row of each source was loaded, of the sources that an earlier check of freshness could read;
    /// none when there was none.
    pub loaded_before: Option<HashMap<NodeId, DateTime<Utc>>>,
    /// The same of the newest check.
    pub loaded_now: Option<HashMap<NodeId, DateTime<Utc>>>,
}

/// What a criterion looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Text, as all of the command line is.
    Text(String),
    /// A value of selectors.yml that is no text. Only configurations have such values.
    Other(Json),
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
        value: Wanted,
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

impl ResolvedSelector {
    /// Whether a criterion of this method is anywhere in it.
    pub fn uses(&self, wanted: Method) -> bool {
        match self {
            Self::Criterion { method, .. } => *method == wanted,
            Self::Union(parts, _) | Self::Intersection(parts, _) => parts.iter().any(|part| part.uses(wanted)),
            Self::Difference(from, what, _) => from.uses(wanted) || what.uses(wanted),
            Self::Expected(_, inner) => inner.uses(wanted),
        }
    }
}

/// What the methods look at.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) index: Index<'a>,
    pub(super) state: Option<&'a StateDiff>,
    pub(super) earlier: &'a Earlier,
}

/// The graph of a manifest: all enabled nodes, sources and exposures among them.
///
/// # Errors
/// [`graph::Error::Cycle`] when nodes depend on each other in a circle.
pub fn dag(manifest: &Manifest) -> Result<Dag<NodeId>, graph::Error<NodeId>> {
    Dag::new(manifest.nodes.keys().cloned(), manifest.edges().map(|(parent, child)| (parent.clone(), child.clone())))
}

/// Reads what the request says. `selectors` are those of selectors.yml: name to definition. All of them must be right,
/// also those that are not asked for, as in dbt.
///
/// # Errors
/// Every way in which a selector can be wrong; see [`Error`].
pub fn resolve(request: &Request, selectors: &JsonMap) -> Result<ResolvedSelector, Error> {
    let definitions = Definitions::new(selectors, request.indirect);
    definitions.check()?;
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
/// `dag` is the manifest's own, as [`dag`] makes it.
///
/// # Errors
/// Every way in which a selector can be wrong; see [`Error`].
pub fn select(
    request: &Request,
    manifest: &Manifest,
    dag: &Dag<NodeId>,
    state: Option<&StateDiff>,
) -> Result<(Selection, Vec<Diagnostic>), Error> {
    select_resolved(&resolve(request, &manifest.selectors)?, request, manifest, dag, state)
}

/// The same, where what the request says has been read already: `selector` is what [`resolve`] made of it.
///
/// # Errors
/// As [`select`], for what only the nodes tell.
pub fn select_resolved(
    selector: &ResolvedSelector,
    request: &Request,
    manifest: &Manifest,
    dag: &Dag<NodeId>,
    state: Option<&StateDiff>,
) -> Result<(Selection, Vec<Diagnostic>), Error> {
    let world = World { manifest, index: Index::new(manifest), state, earlier: &request.earlier };
    let mut diagnostics = Vec::new();
    let selected = evaluate(selector, &world, dag, &mut diagnostics)?;
    let wanted = |kind: &ResourceType| {
        (request.resource_types.is_empty() || request.resource_types.contains(kind))
            && !request.exclude_resource_types.contains(kind)
    };
    let nodes = selected.iter().map(|place| &manifest.nodes[place]);
    let nodes = nodes.filter(|node| is_selectable(node) && wanted(&node.resource_type));
    Ok((Selection { nodes: nodes.map(|node| node.unique_id.clone()).collect() }, diagnostics))
}

/// Hooks are no nodes of a selection.
fn is_selectable(node: &Node) -> bool {
    node.resource_type != ResourceType::Operation && is_matched(node)
}

/// What criteria look at: also hooks, which a criterion may find though no selection has them, but no groups. A test of
/// a disabled node stays in the manifest, disabled.
pub(super) fn is_matched(node: &Node) -> bool {
    node.resource_type != ResourceType::Group
        && node.config.get("enabled").and_then(serde_json::Value::as_bool) != Some(false)
}

fn everything(indirect: Indirect) -> ResolvedSelector {
    let all = [Method::Fqn, Method::Source].map(|method| ResolvedSelector::Criterion {
        method,
        args: Vec::new(),
        value: Wanted::Text("*".to_owned()),
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
        value: Wanted::Text(criterion.value.clone()),
        childrens_parents: criterion.childrens_parents,
        parents: criterion.parents,
        children: criterion.children,
        indirect,
    })
}
