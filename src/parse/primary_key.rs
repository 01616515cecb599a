//! The primary key that dbt infers for a model: from constraints, else from its tests.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

use super::config::texts;
use crate::model::{Detail, FastHash, Node, NodeId, NodeMap};

/// The columns that one kind of test vouches for.
#[derive(Default)]
struct Evidence {
    unique: BTreeSet<String>,
    not_null: BTreeSet<String>,
    combinations: BTreeSet<String>,
    disabled: BTreeSet<String>,
}

/// What was found, by model.
type Found = HashMap<NodeId, Evidence, FastHash>;

/// Sets `primary_key` of every model.
pub(super) fn infer(nodes: &mut NodeMap<Node>, disabled: &NodeMap<Vec<Node>>) {
    let mut evidence = Found::default();
    for node in nodes.values().chain(disabled.values().flatten()) {
        collect(node, &mut evidence);
    }
    for node in nodes.values_mut() {
        let found = evidence.get(&node.unique_id);
        let columns = &node.columns;
        if let Detail::Model(model) = &mut node.detail {
            let of_model = constrained(model.constraints.iter());
            let of_columns = columns
                .values()
                .find(|column| column.constraints.iter().any(is_primary_key))
                .map(|column| vec![column.name.clone()]);
            model.primary_key = of_model.or(of_columns).or_else(|| found.map(Evidence::key)).unwrap_or_default();
        }
    }
}

fn is_primary_key(constraint: &Json) -> bool {
    constraint.get("type").and_then(Json::as_str) == Some("primary_key")
}

fn constrained<'c>(mut constraints: impl Iterator<Item = &'c Json>) -> Option<Vec<String>> {
    constraints.find(|constraint| is_primary_key(constraint)).map(|constraint| texts(constraint.get("columns")))
}

fn collect(node: &Node, evidence: &mut Found) {
    let Some(test) = node.as_test() else { return };
    let (Some(metadata), Some(attached)) = (&test.metadata, &test.attached_node) else { return };
    let enabled = node.config.get("enabled").and_then(Json::as_bool) != Some(false);
    let column = metadata.kwargs.get("column_name").and_then(Json::as_str).map(str::to_owned);
    let found = evidence.entry(attached.clone()).or_default();
    match (metadata.name.as_str(), column) {
        ("unique", Some(column)) if enabled => found.unique.insert(column),
        ("unique", Some(column)) => found.disabled.insert(column),
        ("not_null", Some(column)) => found.not_null.insert(column),
        ("unique_combination_of_columns", _) => {
            let columns = texts(metadata.kwargs.get("combination_of_columns"));
            let into = if enabled { &mut found.combinations } else { &mut found.disabled };
            into.extend(columns);
            true
        }
        _ => false,
    };
}

impl Evidence {
    fn key(&self) -> Vec<String> {
        // A disabled test vouches too, for a column that is not null.
        let vouched: BTreeSet<&String> = self
            .unique
            .iter()
            .chain(&self.combinations)
            .chain(&self.disabled)
            .filter(|c| self.not_null.contains(*c))
            .collect();
        if !vouched.is_empty() {
            return vouched.into_iter().cloned().collect();
        }
        let enabled: BTreeSet<&String> = self.unique.union(&self.combinations).collect();
        if !enabled.is_empty() {
            return enabled.into_iter().cloned().collect();
        }
        self.disabled.iter().cloned().collect()
    }
}
