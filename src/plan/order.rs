//! In which order steps are done, and what each waits for.

use std::collections::HashMap;

use super::{Action, Error, Step};
use crate::graph::Dag;
use crate::model::{Manifest, Node, NodeId, Relation, ResourceType};

/// Whether tests hold up what comes after the nodes they test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tests {
    /// They do, as in dbt's `build`: a failed test skips what descends from all that it reads.
    Block,
    /// They only wait for what they read.
    Follow,
}

/// The steps for `chosen` (what is done, and where), each after what it waits for.
pub(super) fn steps(
    manifest: &Manifest,
    chosen: &HashMap<&NodeId, (Action, Option<Relation>)>,
    tests: Tests,
) -> Result<Vec<Step>, Error> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let is_chosen = |id: &NodeId| chosen.contains_key(id);
    let edges = || edges(manifest, &is_chosen, tests);
    let graph = Dag::new(manifest.nodes.keys().cloned(), edges())?;
    let graph = match tests {
        Tests::Follow => graph,
        Tests::Block => {
            let extra = blocking_edges(manifest, &graph, &is_chosen);
            Dag::new(manifest.nodes.keys().cloned(), edges().chain(extra))?
        }
    };
    let planned = graph.subgraph(is_chosen);
    let step = |id: &NodeId| {
        let (action, relation) = chosen.get(id)?;
        let after = planned.parents(id).into_iter().cloned().collect();
        Some(Step { unique_id: id.clone(), action: *action, relation: relation.clone(), after })
    };
    Ok(planned.topological().filter_map(step).collect())
}

/// Who waits for whom. A unit test needs only the parents of the model that it tests, so it goes beside that model, or
/// before it where tests block.
fn edges<'a>(
    manifest: &'a Manifest,
    is_chosen: &'a impl Fn(&NodeId) -> bool,
    tests: Tests,
) -> impl Iterator<Item = (NodeId, NodeId)> + 'a {
    manifest.edges().flat_map(move |(parent, child)| {
        let is_unit_test = manifest.node(child.as_str()).is_some_and(|it| it.resource_type == ResourceType::UnitTest);
        if !is_unit_test {
            return vec![(parent.clone(), child.clone())];
        }
        let Some(tested) = manifest.node(parent.as_str()).filter(|_| is_chosen(child)) else { return Vec::new() };
        let needed = tested.depends_on.nodes.iter().filter(|id| manifest.nodes.contains_key(*id));
        let mut edges: Vec<(NodeId, NodeId)> = needed.map(|id| (id.clone(), child.clone())).collect();
        if tests == Tests::Block {
            edges.push((child.clone(), tested.unique_id.clone()));
        }
        edges
    })
}

/// From each chosen test to the nearest nodes that descend from everything it reads.
fn blocking_edges(
    manifest: &Manifest,
    graph: &Dag<NodeId>,
    is_chosen: &impl Fn(&NodeId) -> bool,
) -> Vec<(NodeId, NodeId)> {
    let can_wait = |id: &NodeId| {
        let kind = manifest.node(id.as_str()).map(|node| node.resource_type);
        !matches!(kind, None | Some(ResourceType::Test | ResourceType::Operation))
    };
    let tests: Vec<&Node> = manifest.of_type(ResourceType::Test).filter(|test| is_chosen(&test.unique_id)).collect();
    let read: Vec<Vec<&NodeId>> = tests.iter().map(|test| graph.parents(&test.unique_id)).collect();
    let blocked = graph.nearest_common_descendants(&read);
    let edges = tests.iter().zip(blocked).flat_map(|(test, blocked)| {
        blocked.into_iter().filter(|id| can_wait(id)).map(|id| (test.unique_id.clone(), id.clone()))
    });
    edges.collect()
}
