//! What the nodes together must not do: share a name or a relation, or depend on each other in a circle.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::model::{Code, Diagnostic, Location, Node, NodeId, ResourceType};

/// Two nodes that would be built into the same relation.
pub(super) fn duplicate_relations(
    nodes: &IndexMap<NodeId, Node>,
    place: &dyn Fn(&Node) -> Location,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<String, &Node> = HashMap::new();
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

/// A circle of nodes, if there is one: `a → b → a`.
pub(super) fn cycle(
    nodes: &IndexMap<NodeId, Node>,
    place: &dyn Fn(&Node) -> Location,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(path) = find(nodes) else { return };
    let Some((_, first)) = path.first().and_then(|index| nodes.get_index(*index)) else { return };
    let names: Vec<&str> = path.iter().filter_map(|index| nodes.get_index(*index)).map(|(id, _)| id.short()).collect();
    let message = format!("nodes depend on each other in a circle: {}", names.join(" → "));
    let hint = "remove one of the references";
    diagnostics.push(Diagnostic::error(Code::Cycle, message).at(place(first)).hint(hint));
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

/// Walks from every node to its parents, without recursion; an open node met again closes a circle.
fn find(nodes: &IndexMap<NodeId, Node>) -> Option<Vec<usize>> {
    let parents: Vec<Vec<usize>> = nodes
        .values()
        .map(|node| node.depends_on.nodes.iter().filter_map(|parent| nodes.get_index_of(parent)).collect())
        .collect();
    let mut state = vec![State::New; nodes.len()];
    for start in 0..nodes.len() {
        if state[start] != State::New {
            continue;
        }
        let mut stack: Vec<(usize, usize)> = vec![(start, 0)];
        state[start] = State::Open;
        while let Some((node, next)) = stack.last_mut() {
            let node = *node;
            let Some(parent) = parents[node].get(*next).copied() else {
                state[node] = State::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            match state[parent] {
                State::New => {
                    state[parent] = State::Open;
                    stack.push((parent, 0));
                }
                State::Done => {}
                State::Open => {
                    let open = stack.iter().map(|(node, _)| *node).skip_while(|node| *node != parent);
                    return Some(open.chain([parent]).collect());
                }
            }
        }
    }
    None
}

/// Adds a node unless its id or its name in the package is taken.
pub(super) struct Names {
    by_name: HashMap<(String, String, Option<String>), NodeId>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { by_name: HashMap::new() }
    }

    /// The node that has the same id, or the same name among what `ref` can name in the package.
    pub(super) fn claim(&mut self, node: &Node, nodes: &IndexMap<NodeId, Node>) -> Option<NodeId> {
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

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::find;
    use crate::artifacts::parse_manifest;
    use crate::model::{Node, NodeId};

    fn nodes(edges: &[(&str, &[&str])]) -> IndexMap<NodeId, Node> {
        let entries: serde_json::Map<_, _> = edges
            .iter()
            .map(|(name, parents)| {
                let node = serde_json::json!({
                    "unique_id": name, "name": name, "package_name": "p", "resource_type": "model",
                    "depends_on": {"nodes": parents},
                });
                ((*name).to_owned(), node)
            })
            .collect();
        let manifest = serde_json::json!({
            "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}, "nodes": entries,
        });
        parse_manifest(manifest.to_string().as_bytes(), "m").unwrap().nodes
    }

    #[test]
    fn a_circle_is_found_as_a_path_that_returns_to_its_start() {
        let nodes = nodes(&[("a", &["b"]), ("b", &["c", "d"]), ("c", &[]), ("d", &["b"])]);
        let path = find(&nodes).unwrap();
        let names: Vec<_> = path.iter().map(|i| nodes.get_index(*i).unwrap().0.as_str()).collect();
        assert_eq!(names, ["b", "d", "b"]);
    }

    #[test]
    fn a_deep_chain_is_no_circle() {
        let names: Vec<String> = (0..20_000).map(|n| format!("n{n}")).collect();
        let parents: Vec<Vec<&str>> =
            (0..names.len()).map(|n| names.get(n + 1).map(String::as_str).into_iter().collect()).collect();
        let edges: Vec<(&str, &[&str])> = names.iter().zip(&parents).map(|(n, p)| (n.as_str(), p.as_slice())).collect();
        assert!(find(&nodes(&edges)).is_none());
    }
}
