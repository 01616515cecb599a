//! What a node says: its code or data, its place, its descriptions.

use super::reason::{Finding, Pair};
use crate::model::{Change, Checksum, Node};

pub(super) fn body(pair: &Pair<'_>) -> Vec<Finding> {
    let code = pair.nodes.map(|node| Some(node.raw_code.clone()));
    if !code.is_changed() {
        return Vec::new();
    }
    vec![Finding::code("code edited", code)]
}

pub(super) fn seed(pair: &Pair<'_>) -> Vec<Finding> {
    let checksum = pair.nodes.map(|node| &node.checksum);
    let summary = match (checksum.baseline.name.as_str(), checksum.current.name.as_str()) {
        // Both are too large for a checksum: dbt takes them for the same.
        ("path", "path") => return Vec::new(),
        (a, b) if a == b && a != Checksum::none().name && !checksum.is_changed() => return Vec::new(),
        ("path", _) => "seed data shrank below 1 MiB, so it has a checksum now",
        (_, "path") => "seed data grew over 1 MiB, so it has no checksum any more",
        _ => "seed data edited",
    };
    vec![Finding::said(summary)]
}

pub(super) fn fqn(pair: &Pair<'_>) -> Vec<Finding> {
    let place = pair.nodes.map(|node| Some(node.fqn.join(".")));
    if !place.is_changed() {
        return Vec::new();
    }
    let folders = pair.nodes.map(|node| folder(&node.original_file_path));
    let Change { baseline: old, current: new } = folders;
    let finding = Finding::of("moved", place);
    if folders.is_changed() {
        vec![Finding { summary: format!("moved from folder {old} to {new}"), ..finding }]
    } else {
        vec![finding]
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// The current side's `persist_docs` decides; a change of the setting itself is a change of configuration.
pub(super) fn persisted_description(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if persists(pair.nodes.current, "relation") {
        let description = pair.nodes.map(|node| Some(node.description.clone()));
        findings.extend(Finding::if_changed("description", description));
    }
    if persists(pair.nodes.current, "columns") {
        findings.extend(column_descriptions(&pair.nodes));
    }
    findings
}

fn persists(node: &Node, what: &str) -> bool {
    node.config.get("persist_docs").and_then(|docs| docs.get(what)).and_then(serde_json::Value::as_bool) == Some(true)
}

fn column_descriptions(nodes: &Change<&Node>) -> Vec<Finding> {
    let all = nodes.baseline.columns.keys();
    let added = nodes.current.columns.keys().filter(|name| !nodes.baseline.columns.contains_key(*name));
    all.chain(added)
        .filter_map(|name| {
            let description = nodes.map(|node| node.columns.get(name).map(|column| column.description.clone()));
            Finding::if_changed(&format!("description of column {name}"), description)
        })
        .collect()
}
