//! What the nodes together must not do: share a name or a relation, or depend on each other in a circle.

use std::collections::HashMap;

use crate::graph;
use crate::model::{Code, Diagnostic, FastHash, Location, Node, NodeId, NodeMap, ResourceType};

/// Two nodes that would be built into the same relation.
pub(super) fn duplicate_relations(
    nodes: &NodeMap<Node>,
    place: &dyn Fn(&Node) -> Location,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<String, &Node, FastHash> = HashMap::default();
    for node in nodes.values() {
        let Some(relation) = &node.relation else { continue };
        if !node.resource_type.is_refable() {
            continue;
        }
        if let Some(first) = seen.insert(relation.to_string(), node) {
            let message = format!("{} and {} would both be built as {relation}", first.unique_id, node.unique_id);
            let hint = "give one of them another alias or schema";
            diagnostics.push(Diagnostic::error(Code::DuplicateRelation, message).at(place(node)).hint(hint));
        }
    }
}

/// The graph of all nodes. None where they depend on each other in a circle, which is told from parent to child:
/// `a → b → a`.
pub(super) fn dag(
    nodes: &NodeMap<Node>,
    place: &dyn Fn(&Node) -> Location,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<graph::Dag<NodeId>> {
    let edges = nodes.iter().flat_map(|(child, node)| {
        let known = node.depends_on.nodes.iter().filter(|parent| nodes.contains_key(*parent));
        known.map(move |parent| (parent.clone(), child.clone()))
    });
    let path = match graph::Dag::new(nodes.keys().cloned(), edges) {
        Ok(dag) => return Some(dag),
        Err(graph::Error::Cycle { path }) => path,
        Err(graph::Error::UnknownNode { .. }) => return None,
    };
    let names: Vec<&str> = path.iter().map(NodeId::short).collect();
    let message = format!("nodes depend on each other in a circle: {}", names.join(" → "));
    let complaint = Diagnostic::error(Code::Cycle, message).hint("remove one of the references");
    diagnostics.push(match path.first().and_then(|id| nodes.get(id)) {
        Some(first) => complaint.at(place(first)),
        None => complaint,
    });
    None
}

/// Adds a node unless its id or its name in the package is taken.
pub(super) struct Names {
    by_name: HashMap<(String, String, Option<String>), NodeId, FastHash>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { by_name: HashMap::default() }
    }

    /// The node that has the same id, or the same name among what `ref` can name in the package.
    pub(super) fn claim(&mut self, node: &Node, nodes: &NodeMap<Node>) -> Option<NodeId> {
        if let Some((id, _)) = nodes.get_key_value(&node.unique_id) {
            return Some(id.clone());
        }
        if !matches!(node.resource_type, ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot) {
            return None;
        }
        let version = node.as_model().and_then(|model| model.version.as_ref()).map(ToString::to_string);
        let key = (node.package_name.clone(), node.name.clone(), version);
        let earlier = self.by_name.get(&key).cloned();
        self.by_name.entry(key).or_insert_with(|| node.unique_id.clone());
        earlier
    }
}
