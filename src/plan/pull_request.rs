//! A pull request: what it changes is built in one throw-away schema, everything else is read from the baseline.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::command::{hooks, in_production, read_by, stored_failures};
use super::keys::{self, TestsByNode};
use super::naming::identifiers;
use super::order::{self, Tests};
use super::{Action, Comparison, Error, Plan};
use crate::model::{Change, Manifest, Node, NodeId, Relation, ResourceType};
use crate::select::Selection;

/// What a pull request is planned from.
#[derive(Debug, Clone)]
pub struct PullRequest<'a> {
    /// The pull request's side.
    pub head: &'a Manifest,
    /// Production's side.
    pub baseline: &'a Manifest,
    /// What to build and test, e.g. `state:modified+`.
    pub selection: &'a Selection,
    /// The throw-away schema: database, schema.
    pub environment: (Option<String>, String),
    /// The longest identifier in bytes, where the engine has a limit.
    pub max_identifier: Option<usize>,
    /// Build also what lies below a failed test, instead of skipping it as dbt's `build` does.
    pub build_below_failed_tests: bool,
}

/// Plans the build of a pull request.
///
/// # Errors
/// [`Error::Unresolvable`] when a node that is built reads one that is neither built nor in the baseline,
/// [`Error::Graph`] when nodes depend on each other in a circle.
pub fn for_pull_request(request: &PullRequest<'_>) -> Result<Plan, Error> {
    let head = request.head;
    let selected: Vec<&Node> = request.selection.nodes.iter().filter_map(|id| head.node(id.as_str())).collect();
    let builds = |node: &&Node| node.resource_type.is_refable() && !node.is_ephemeral();
    let built: IndexMap<&NodeId, Relation> = {
        let nodes = || selected.iter().copied().filter(builds);
        let names = identifiers(nodes(), request.max_identifier);
        nodes().map(|node| (&node.unique_id, in_environment(request, node, &names[&node.unique_id]))).collect()
    };
    check_reads(request, &built)?;
    let (tests, left_out) = tests(request, &selected, &built);

    let mut chosen: HashMap<&NodeId, (Action, Option<Relation>)> = tests;
    for node in selected.iter().copied().filter(builds) {
        let action = match node.resource_type {
            ResourceType::Seed => Action::Seed,
            ResourceType::Snapshot => Action::Snapshot,
            _ => Action::Model,
        };
        chosen.insert(&node.unique_id, (action, built.get(&node.unique_id).cloned()));
    }
    let order = if request.build_below_failed_tests { Tests::Follow } else { Tests::Block };
    let steps = order::steps(head, &chosen, order)?;
    let relations = relations(request, &built);
    let read = read_by(head, steps.iter().map(|step| &step.unique_id));
    let is_deferred = |id: &NodeId| {
        read.contains(id)
            && !built.contains_key(id)
            && head.node(id.as_str()).is_some_and(|node| node.resource_type.is_refable())
    };
    let deferred = relations.keys().filter(|id| is_deferred(id)).cloned().collect();
    let hooks_at = |at_end| if steps.is_empty() { Vec::new() } else { hooks(head, at_end) };
    Ok(Plan {
        schemas: if steps.is_empty() { Vec::new() } else { vec![request.environment.clone()] },
        comparisons: comparisons(request, &built),
        on_run_start: hooks_at(false),
        on_run_end: hooks_at(true),
        steps,
        relations,
        deferred,
        left_out,
        // Nothing is there yet, and what an earlier push left behind must not be built upon.
        full_refresh: true,
    })
}

/// What the selected nodes read that nobody has: neither selected nor in the baseline. It is built as well. A pull
/// request may be ahead of production: what its base gained since production was last built is no change of its own.
pub fn missing_parents(head: &Manifest, baseline: &Manifest, selection: &Selection) -> Vec<NodeId> {
    let mut known: HashSet<&NodeId> = selection.nodes.iter().collect();
    let builds = |node: &&Node| node.resource_type.is_refable() && !node.is_ephemeral();
    let mut open: Vec<&NodeId> =
        head.nodes.values().filter(builds).map(|node| &node.unique_id).filter(|id| known.contains(id)).collect();
    let mut missing = Vec::new();
    while let Some(reader) = open.pop() {
        for parent in read_by(head, [reader]) {
            let exists = of_baseline(baseline, parent).is_some();
            let is_built = head.node(parent.as_str()).is_some_and(|node| builds(&node));
            if is_built && !exists && known.insert(parent) {
                missing.push(parent.clone());
                open.push(parent);
            }
        }
    }
    missing
}

fn in_environment(request: &PullRequest<'_>, node: &Node, identifier: &str) -> Relation {
    let (database, schema) = &request.environment;
    let mut relation = Relation::new(database.as_deref(), schema, identifier);
    if let Some(own) = &node.relation {
        relation.quoting = own.quoting;
    }
    relation
}

/// The baseline's relation of a node.
fn of_baseline<'a>(baseline: &'a Manifest, id: &NodeId) -> Option<&'a Relation> {
    baseline.node(id.as_str()).filter(|node| !node.is_ephemeral())?.relation.as_ref()
}

/// Whether a node can be read: built here, a source, or in the baseline.
fn is_readable(request: &PullRequest<'_>, built: &IndexMap<&NodeId, Relation>, id: &NodeId) -> bool {
    let kind = request.head.node(id.as_str()).map(|node| node.resource_type);
    built.contains_key(id) || !kind.is_some_and(ResourceType::is_refable) || of_baseline(request.baseline, id).is_some()
}

fn check_reads(request: &PullRequest<'_>, built: &IndexMap<&NodeId, Relation>) -> Result<(), Error> {
    for reader in built.keys() {
        let read = read_by(request.head, [*reader]);
        if let Some(missing) = read.into_iter().find(|id| !is_readable(request, built, id)) {
            return Err(Error::Unresolvable {
                reader: (*reader).clone(),
                missing: missing.clone(),
                name: request.head.node(missing.as_str()).map(|node| node.name.clone()).unwrap_or_default(),
                ephemeral: request.baseline.nodes.contains_key(missing),
            });
        }
    }
    Ok(())
}

type Chosen<'a> = HashMap<&'a NodeId, (Action, Option<Relation>)>;

/// The selected tests that can run, and those that cannot, with the reason.
fn tests<'a>(
    request: &PullRequest<'a>,
    selected: &[&'a Node],
    built: &IndexMap<&NodeId, Relation>,
) -> (Chosen<'a>, Vec<(NodeId, String)>) {
    let mut chosen = HashMap::new();
    let mut left_out = Vec::new();
    let taken: HashSet<String> = built.values().map(|relation| relation.name().to_lowercase()).collect();
    let is_test = |node: &&&Node| matches!(node.resource_type, ResourceType::Test | ResourceType::UnitTest);
    for test in selected.iter().filter(is_test).copied() {
        let unreadable =
            read_by(request.head, [&test.unique_id]).into_iter().find(|id| !is_readable(request, built, id));
        if let Some(missing) = unreadable {
            left_out
                .push((test.unique_id.clone(), format!("reads {missing}, which is neither built nor in the baseline")));
            continue;
        }
        // Failing rows are kept beside the tables that they were found in, unless a table has the name.
        let kept = stored_failures(test).filter(|_| !taken.contains(&test.alias.to_lowercase()));
        let relation = kept.map(|_| {
            let names = identifiers([test], request.max_identifier);
            in_environment(request, test, &names[&test.unique_id])
        });
        chosen.insert(&test.unique_id, (Action::Test, relation));
    }
    (chosen, left_out)
}

/// Where each node is read from: what is built here, sources as they are, the rest in the baseline.
fn relations(request: &PullRequest<'_>, built: &IndexMap<&NodeId, Relation>) -> IndexMap<NodeId, Relation> {
    let place = |(id, node): (&NodeId, &Node)| {
        let relation = match node.resource_type {
            ResourceType::Source => node.relation.clone()?,
            // Functions are not built: production's is called, or the target's where production has none.
            ResourceType::Function => {
                let own = node.relation.as_ref()?;
                let there = request.baseline.node(id.as_str()).and_then(|node| in_production(node, own));
                there.unwrap_or_else(|| own.clone())
            }
            kind if kind.is_refable() && !node.is_ephemeral() => {
                built.get(id).or_else(|| of_baseline(request.baseline, id))?.clone()
            }
            _ => return None,
        };
        Some((id.clone(), relation))
    };
    request.head.nodes.iter().filter_map(place).collect()
}

fn comparisons(request: &PullRequest<'_>, built: &IndexMap<&NodeId, Relation>) -> Vec<Comparison> {
    let tests = TestsByNode::of(request.head);
    let compare = |(id, current): (&&NodeId, &Relation)| {
        let node = request.head.node(id.as_str())?;
        Some(Comparison {
            unique_id: (*id).clone(),
            relation: Change { baseline: of_baseline(request.baseline, id).cloned(), current: Some(current.clone()) },
            keys: keys::candidates(node, &tests),
            excluded: keys::excluded(node),
        })
    };
    built.iter().filter_map(compare).collect()
}
