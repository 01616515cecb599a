//! What lies below the changed nodes: breadth-first, so that every path shown is a shortest one.

use std::collections::{HashMap, HashSet, VecDeque};

use super::document::{Reach, ReachedExposure, ReachedModel};
use crate::diff::TableDiff;
use crate::model::{Manifest, Node, NodeId, ResourceType};

/// Where the walk came from, for every node reached.
pub(super) struct Below<'a> {
    manifest: &'a Manifest,
    /// Reached node → its distance and the node before it, in the order of the walk. Starts have distance 0.
    steps: HashMap<&'a NodeId, (usize, Option<&'a NodeId>)>,
    order: Vec<&'a NodeId>,
}

impl<'a> Below<'a> {
    /// Walks down from `starts`.
    pub(super) fn walk(manifest: &'a Manifest, starts: impl IntoIterator<Item = &'a NodeId>) -> Self {
        let mut children: HashMap<&NodeId, Vec<&NodeId>> = HashMap::new();
        for (parent, child) in manifest.edges() {
            children.entry(parent).or_default().push(child);
        }
        let mut below = Self { manifest, steps: HashMap::new(), order: Vec::new() };
        let mut queue = VecDeque::new();
        for start in starts {
            if below.steps.insert(start, (0, None)).is_none() {
                queue.push_back(start);
            }
        }
        while let Some(id) = queue.pop_front() {
            below.order.push(id);
            let distance = below.steps[id].0 + 1;
            for child in children.get(id).into_iter().flatten() {
                if !below.steps.contains_key(child) {
                    below.steps.insert(child, (distance, Some(id)));
                    queue.push_back(child);
                }
            }
        }
        below
    }

    /// The changed node from which `id` was reached first.
    pub(super) fn origin(&self, id: &NodeId) -> Option<&'a NodeId> {
        self.path(id).first().copied()
    }

    fn path(&self, id: &NodeId) -> Vec<&'a NodeId> {
        let mut path = Vec::new();
        let mut at = self.steps.get_key_value(id).map(|(id, _)| *id);
        while let Some(id) = at {
            path.push(id);
            at = self.steps[id].1;
        }
        path.reverse();
        path
    }

    /// Sorts what was reached into models, tests and exposures.
    pub(super) fn reach(&self, built: &HashSet<&NodeId>, diffs: &HashMap<&NodeId, &TableDiff>) -> Reach {
        let mut reach = Reach::default();
        for id in &self.order {
            let (distance, _) = self.steps[id];
            let Some(node) = self.manifest.node(id.as_str()).filter(|_| distance > 0) else { continue };
            match node.resource_type {
                // An ephemeral model holds no data; what reads it is reached all the same.
                _ if node.is_ephemeral() => {}
                ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => reach.models.push(ReachedModel {
                    unique_id: (*id).clone(),
                    name: name(node),
                    distance,
                    built: built.contains(id),
                }),
                ResourceType::Test | ResourceType::UnitTest => reach.tests += 1,
                ResourceType::Exposure => reach.exposures.extend(self.exposure(node, distance, diffs)),
                _ => {}
            }
        }
        reach
    }

    fn exposure(&self, node: &Node, distance: usize, diffs: &HashMap<&NodeId, &TableDiff>) -> Option<ReachedExposure> {
        let exposure = node.as_exposure()?;
        let owner = |key: &str| exposure.owner.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let path = self.path(&node.unique_id);
        Some(ReachedExposure {
            unique_id: node.unique_id.clone(),
            name: exposure.label.clone().unwrap_or_else(|| node.name.clone()),
            kind: exposure.kind.clone(),
            url: exposure.url.clone(),
            owner: owner("name"),
            email: owner("email"),
            distance,
            path: path
                .iter()
                .map(|id| self.manifest.node(id.as_str()).map_or_else(|| id.short().to_owned(), name))
                .collect(),
            data_differs: self.data_differs(node, diffs),
        })
    }

    /// Whether a reached table that `node` reads differs; none unless all of those were compared.
    fn data_differs(&self, node: &Node, diffs: &HashMap<&NodeId, &TableDiff>) -> Option<bool> {
        let read = node.depends_on.nodes.iter().filter(|parent| self.steps.contains_key(parent));
        let mut differs = Some(false);
        for parent in read {
            match diffs.get(parent) {
                Some(diff) if diff.differs() => return Some(true),
                Some(diff) if diff.is_equal() => {}
                _ => differs = None,
            }
        }
        differs
    }
}

/// A node's name for people, with the version of a versioned model.
pub(super) fn name(node: &Node) -> String {
    match node.as_model().and_then(|model| model.version.as_ref()) {
        Some(version) => {
            format!("{}.v{}", node.name, version.as_str().map_or_else(|| version.to_string(), str::to_owned))
        }
        None => node.name.clone(),
    }
}
