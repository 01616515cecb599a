//! What could be a primary key of a node, by the evidence the project gives; the diff verifies it on the data.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::{Excluded, KeyCandidate, KeySource};
use crate::model::{Manifest, Node, NodeId, ResourceType};

/// Names under which tests of unique combinations take their columns.
const COMBINATION_ARGUMENTS: &[&str] = &["combination_of_columns", "column_list", "columns", "column_names", "fields"];

/// Tests by the node that they are attached to.
pub(super) struct TestsByNode<'a>(HashMap<&'a NodeId, Vec<&'a Node>>);

impl<'a> TestsByNode<'a> {
    pub(super) fn of(manifest: &'a Manifest) -> Self {
        let mut tests: HashMap<&NodeId, Vec<&Node>> = HashMap::new();
        for test in manifest.of_type(ResourceType::Test) {
            if let Some(attached) = test.as_test().and_then(|detail| detail.attached_node.as_ref()) {
                tests.entry(attached).or_default().push(test);
            }
        }
        Self(tests)
    }

    fn attached_to(&self, node: &Node) -> impl Iterator<Item = &'a Node> {
        self.0.get(&node.unique_id).into_iter().flatten().copied()
    }
}

/// Keys to try, best first, each column set once: what the project says outright, then what the database enforces, what
/// an incremental model merges by, and what tests assert.
pub(super) fn candidates(node: &Node, tests: &TestsByNode<'_>) -> Vec<KeyCandidate> {
    let mut found = Vec::new();
    let mut add = |columns: Vec<String>, source: KeySource| {
        if !columns.is_empty() {
            found.push(KeyCandidate { columns, source });
        }
    };
    add(stated(node), KeySource::Meta);
    if node.resource_type == ResourceType::Snapshot {
        add(snapshot_key(node), KeySource::UniqueKey);
        return distinct(found);
    }
    for columns in constraints(node) {
        add(columns, KeySource::Constraint);
    }
    add(node.unique_key(), KeySource::UniqueKey);
    for column in unique_and_not_null(node, tests) {
        add(vec![column], KeySource::Tests);
    }
    for columns in tests.attached_to(node).filter_map(combination) {
        add(columns, KeySource::UniqueCombination);
    }
    distinct(found)
}

fn distinct(candidates: Vec<KeyCandidate>) -> Vec<KeyCandidate> {
    let mut seen = HashSet::new();
    let new = |candidate: &KeyCandidate| {
        let mut columns: Vec<String> = candidate.columns.iter().map(|column| column.to_lowercase()).collect();
        columns.sort();
        seen.insert(columns)
    };
    let mut new = new;
    candidates.into_iter().filter(|candidate| new(candidate)).collect()
}

/// A text or a list of texts.
fn names(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::String(name)) => vec![name.clone()],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// `meta.slimdiff.key`.
fn stated(node: &Node) -> Vec<String> {
    let of = |meta: Option<&Json>| names(meta.and_then(|meta| meta.get("slimdiff")).and_then(|ours| ours.get("key")));
    let in_meta = names(node.meta.get("slimdiff").and_then(|ours| ours.get("key")));
    if in_meta.is_empty() { of(node.config.get("meta")) } else { in_meta }
}

fn constraints(node: &Node) -> Vec<Vec<String>> {
    let is_primary = |constraint: &Json| constraint.get("type").and_then(Json::as_str) == Some("primary_key");
    let of_model = node.as_model().map(|model| model.constraints.as_slice()).unwrap_or_default();
    let of_model = of_model.iter().filter(|it| is_primary(it)).map(|it| names(it.get("columns")));
    let of_columns = node.columns.values().filter(|column| column.constraints.iter().any(is_primary));
    of_model.chain(of_columns.map(|column| vec![column.name.clone()])).collect()
}

/// Columns that one test calls unique and another not null. A test of some rows only says nothing of the others.
fn unique_and_not_null(node: &Node, tests: &TestsByNode<'_>) -> Vec<String> {
    let columns_of = |wanted: &str| -> Vec<String> {
        let of_kind = tests.attached_to(node).filter(|test| is_built_in_test(test, wanted) && tests_all_rows(test));
        of_kind.filter_map(|test| test.as_test()?.column_name.clone()).collect()
    };
    let not_null = columns_of("not_null");
    columns_of("unique").into_iter().filter(|column| not_null.contains(column)).collect()
}

fn is_built_in_test(test: &Node, name: &str) -> bool {
    let metadata = test.as_test().and_then(|detail| detail.metadata.as_ref());
    metadata.is_some_and(|metadata| metadata.name == name && metadata.namespace.is_none())
}

fn tests_all_rows(test: &Node) -> bool {
    test.config_str("where").is_none_or(str::is_empty)
}

/// The columns of a test such as `dbt_utils.unique_combination_of_columns`, whatever package it is of.
fn combination(test: &Node) -> Option<Vec<String>> {
    let metadata = test.as_test()?.metadata.as_ref()?;
    if !metadata.name.contains("unique") || !tests_all_rows(test) {
        return None;
    }
    let argument =
        COMBINATION_ARGUMENTS.iter().find_map(|name| metadata.kwargs.get(*name).filter(|it| it.is_array()))?;
    Some(names(Some(argument)))
}

/// A snapshot's rows are told apart by its key and the time from which they hold. With the check strategy that time is
/// the clock's, so only the key is left.
fn snapshot_key(node: &Node) -> Vec<String> {
    let mut columns = node.unique_key();
    if !columns.is_empty() && !is_checked(node) {
        columns.push(meta_column(node, "dbt_valid_from"));
    }
    columns
}

/// Whether the snapshot takes its times from the clock.
fn is_checked(node: &Node) -> bool {
    node.config_str("strategy") == Some("check")
}

/// A column that dbt adds, under the name it has been given.
fn meta_column(node: &Node, name: &str) -> String {
    let renamed =
        node.config.get("snapshot_meta_column_names").and_then(|names| names.get(name)).and_then(Json::as_str);
    renamed.unwrap_or(name).to_owned()
}

/// Columns that differ between any two builds.
pub(super) fn excluded(node: &Node) -> Vec<Excluded> {
    if node.resource_type != ResourceType::Snapshot || !is_checked(node) {
        return Vec::new();
    }
    ["dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_scd_id"]
        .iter()
        .map(|name| Excluded {
            column: meta_column(node, name),
            reason: "holds the time of the snapshot's run (strategy: check)".to_owned(),
            is_noise: false,
        })
        .collect()
}
