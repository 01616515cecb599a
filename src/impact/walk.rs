//! What lies below the changed nodes: breadth first, so that distances are the least and paths the shortest.

use std::collections::VecDeque;

use crate::graph::Dag;
use crate::model::{Manifest, Node, NodeId, ResourceType};
use crate::state::StateDiff;

/// The changed nodes and all that is below them. Places are those of the manifest's nodes.
#[derive(Debug)]
pub struct Region<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) dag: &'a Dag<NodeId>,
    /// Places of the changed nodes, in manifest order.
    pub(super) starts: Vec<usize>,
    /// Places in the order of the walk, starts included.
    pub(super) order: Vec<usize>,
    /// By place: the distance and the place before it; none of what is not reached.
    steps: Vec<Option<(usize, Option<usize>)>>,
}

/// Everything new or modified that data flows out of, of those that `chosen` accepts, in manifest order.
pub fn starts<'a>(manifest: &'a Manifest, diff: &StateDiff, chosen: impl Fn(&NodeId) -> bool) -> Vec<&'a NodeId> {
    use ResourceType::{Analysis, Exposure, Group, Operation, Test, UnitTest};
    let flows = |id: &NodeId| {
        let node = manifest.node(id.as_str())?;
        let ends = matches!(node.resource_type, Test | UnitTest | Exposure | Analysis | Operation | Group);
        (!ends).then_some(&node.unique_id)
    };
    let counts = |id: &&NodeId| diff.is_modified(id.as_str()) || diff.is_new(id.as_str());
    diff.changed.keys().filter(counts).filter(|id| chosen(id)).filter_map(flows).collect()
}

impl<'a> Region<'a> {
    /// Walks down from `starts`. `dag` is the graph of all nodes of the manifest, in its order.
    pub fn below(manifest: &'a Manifest, dag: &'a Dag<NodeId>, starts: &[&NodeId]) -> Self {
        let mut steps: Vec<Option<(usize, Option<usize>)>> = vec![None; dag.len()];
        let starts: Vec<usize> = starts.iter().filter_map(|id| dag.position(id)).collect();
        let mut queue: VecDeque<usize> = VecDeque::new();
        for &start in &starts {
            if steps[start].replace((0, None)).is_none() {
                queue.push_back(start);
            }
        }
        let mut order = Vec::new();
        while let Some(place) = queue.pop_front() {
            order.push(place);
            let distance = steps[place].map_or(0, |(distance, _)| distance) + 1;
            let mut children: Vec<usize> = dag.children_at(place).filter(|child| steps[*child].is_none()).collect();
            children.sort_unstable();
            children.dedup();
            for child in children {
                steps[child] = Some((distance, Some(place)));
                queue.push_back(child);
            }
        }
        Self { manifest, dag, starts, order, steps }
    }

    /// Whether nothing changed that data flows out of.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The nodes whose queries tell what is touched: the changed ones, what is below them, and tests that are about more
    /// than one column.
    pub fn queries(&self) -> impl Iterator<Item = &'a Node> + '_ {
        self.order.iter().filter_map(|place| self.node(*place)).filter(|node| has_query(node))
    }

    /// The changed nodes.
    pub fn changed(&self) -> impl Iterator<Item = &'a Node> + '_ {
        self.starts.iter().filter_map(|place| self.node(*place))
    }

    /// Whether the node changed or lies below one that did.
    pub fn contains(&self, id: &NodeId) -> bool {
        self.dag.position(id).is_some_and(|place| self.steps[place].is_some())
    }

    /// Nodes between the changed ones: below one of them and above another, in no order.
    pub fn between(&self) -> Vec<&'a Node> {
        let above = self.dag.ancestors_at(self.starts.iter().copied(), None);
        above.into_iter().filter(|place| self.steps[*place].is_some()).filter_map(|place| self.node(place)).collect()
    }

    pub(super) fn node(&self, place: usize) -> Option<&'a Node> {
        self.manifest.nodes.get_index(place).map(|(_, node)| node)
    }

    /// Edges from the nearest changed node; none of what is not reached.
    pub(super) fn distance(&self, place: usize) -> Option<usize> {
        self.steps.get(place).copied().flatten().map(|(distance, _)| distance)
    }

    /// The parent on a shortest way from a changed node; none of a changed one.
    pub(super) fn before(&self, place: usize) -> Option<NodeId> {
        let (_, before) = self.steps.get(place).copied().flatten()?;
        self.node(before?).map(|node| node.unique_id.clone())
    }
}

/// Whether lineage reads the node's query: a model's or snapshot's, or a test's that is not about one column.
fn has_query(node: &Node) -> bool {
    match node.resource_type {
        ResourceType::Model | ResourceType::Snapshot => node.language == "sql",
        ResourceType::Test => node.as_test().is_some_and(|test| test.column_name.is_none()),
        _ => false,
    }
}
