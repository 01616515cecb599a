//! What is compared of sources, exposures, unit tests and the semantic layer.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::config::{same, says_nothing, text, without_defaults};
use super::readable::difference;
use super::reason::{Finding, Pair};
use crate::model::node::{ExposureDetail, SourceDetail};
use crate::model::{Change, Detail, JsonMap, Node};

pub(super) fn source_relation(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(sources) = details(&pair.nodes, Node::as_source) else { return Vec::new() };
    let (database, schema) = if pair.options.more_unrendered {
        (
            sources.map(|source: &SourceDetail| source.unrendered_database.clone()),
            sources.map(|source: &SourceDetail| source.unrendered_schema.clone()),
        )
    } else {
        (pair.nodes.map(|node| node.database.clone()), pair.nodes.map(|node| Some(node.schema.clone())))
    };
    let identifier = sources.map(|source: &SourceDetail| Some(source.identifier.clone()));
    [("database", database), ("schema", schema), ("identifier", identifier)]
        .into_iter()
        .filter_map(|(what, values)| Finding::if_changed(what, values))
        .collect()
}

pub(super) fn source(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(sources) = details(&pair.nodes, Node::as_source) else { return Vec::new() };
    let quoting = sources.map(|source: &SourceDetail| Some(Json::Object(source.quoting.clone())));
    let freshness = sources.map(|source: &SourceDetail| source.freshness.clone());
    let external = sources.map(|source: &SourceDetail| source.external.clone());
    let loaded_at = sources.map(|source: &SourceDetail| source.loaded_at_field.clone().map(Json::String));
    [("quoting", quoting), ("freshness", freshness), ("loaded_at_field", loaded_at), ("external", external)]
        .into_iter()
        .filter_map(|(what, values)| json_change(what, &values.as_ref().map(Option::as_ref)))
        .collect()
}

pub(super) fn exposure(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(exposures) = details(&pair.nodes, Node::as_exposure) else { return Vec::new() };
    let owner = exposures.map(|exposure: &ExposureDetail| Some(Json::Object(exposure.owner.clone())));
    let parents = pair.nodes.map(|node| node.depends_on.nodes.iter().collect::<BTreeSet<_>>());
    let mut findings: Vec<Finding> = [
        ("type", exposures.map(|exposure: &ExposureDetail| Some(exposure.kind.clone()))),
        ("maturity", exposures.map(|exposure: &ExposureDetail| exposure.maturity.clone())),
        ("url", exposures.map(|exposure: &ExposureDetail| exposure.url.clone())),
        ("label", exposures.map(|exposure: &ExposureDetail| exposure.label.clone())),
        ("description", pair.nodes.map(|node| Some(node.description.clone()))),
    ]
    .into_iter()
    .filter_map(|(what, values)| Finding::if_changed(what, values))
    .collect();
    findings.extend(json_change("owner", &owner.as_ref().map(Option::as_ref)));
    if parents.is_changed() {
        let names = parents.map(|ids| Some(ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")));
        findings.push(Finding::of("depends on", names));
    }
    findings
}

pub(super) fn function(pair: &Pair<'_>) -> Vec<Finding> {
    let signature = |node: &Node| match &node.detail {
        Detail::Function { arguments, returns } => Some((undescribed(arguments), undescribed(returns))),
        _ => None,
    };
    let Change { baseline: Some(old), current: Some(new) } = pair.nodes.map(signature) else { return Vec::new() };
    let arguments = Change { baseline: Some(&old.0), current: Some(&new.0) };
    let returns = Change { baseline: Some(&old.1), current: Some(&new.1) };
    json_change("arguments", &arguments).into_iter().chain(json_change("returns", &returns)).collect()
}

fn undescribed(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.iter().filter(|(key, _)| *key != "description");
            Json::Object(kept.map(|(key, value)| (key.clone(), undescribed(value))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(undescribed).collect()),
        other => other.clone(),
    }
}

pub(super) fn metric(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = fields(pair, &["type", "label"]);
    findings.extend(description(pair));
    findings
}

pub(super) fn semantic_model(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = fields(pair, &["model", "defaults", "entities", "dimensions", "measures", "primary_entity"]);
    findings.extend(description(pair));
    findings.extend(Finding::if_changed("group", pair.nodes.map(group)));
    findings
}

pub(super) fn saved_query(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = fields(pair, &["query_params", "label"]);
    findings.extend(description(pair));
    findings.extend(Finding::if_changed("group", pair.nodes.map(group)));
    let tags = pair.nodes.map(|node| Some(node.tags.join(", ")));
    findings.extend(Finding::if_changed("tags", tags));
    let exports = pair.nodes.map(|node| other(node).and_then(|map| map.get("exports")).map(exports));
    if exports.is_changed() {
        findings.push(Finding::said("exports changed"));
    }
    findings
}

/// Of each export, its name and what is configured as written.
fn exports(list: &Json) -> Vec<(Option<Json>, Vec<Option<Json>>)> {
    let of_one = |export: &Json| {
        // A writer that renders nothing has the configuration as written alone.
        let unrendered = export.get("unrendered_config").or_else(|| export.get("config"));
        let keys = ["export_as", "schema", "schema_name", "alias"];
        (export.get("name").cloned(), keys.map(|key| unrendered.and_then(|map| map.get(key)).cloned()).into())
    };
    list.as_array().map(|items| items.iter().map(of_one).collect()).unwrap_or_default()
}

pub(super) fn unit_test(pair: &Pair<'_>) -> Vec<Finding> {
    let checksum = pair.nodes.map(|node| other(node).and_then(|map| map.get("checksum")).and_then(Json::as_str));
    if checksum.baseline.is_some() && !checksum.is_changed() {
        return Vec::new();
    }
    let mut findings = fields(pair, &["model", "versions", "given", "expect", "overrides"]);
    // A checksum also covers what is kept in fixture files.
    if findings.is_empty() && checksum.baseline.is_some() && checksum.current.is_some() {
        findings.push(Finding::said("unit test edited"));
    }
    findings
}

fn group(node: &Node) -> Option<String> {
    node.config_str("group").or(node.group.as_deref()).map(str::to_owned)
}

fn description(pair: &Pair<'_>) -> Option<Finding> {
    Finding::if_changed("description", pair.nodes.map(|node| Some(node.description.clone())))
}

fn details<'a, T>(nodes: &Change<&'a Node>, of: fn(&'a Node) -> Option<&'a T>) -> Option<Change<&'a T>> {
    Some(Change { baseline: of(nodes.baseline)?, current: of(nodes.current)? })
}

fn other(node: &Node) -> Option<&JsonMap> {
    match &node.detail {
        Detail::Other(map) => Some(map),
        _ => None,
    }
}

/// Fields of a resource that is kept as dbt's JSON.
fn fields(pair: &Pair<'_>, names: &[&str]) -> Vec<Finding> {
    let Some(maps) = details(&pair.nodes, other) else { return Vec::new() };
    names.iter().filter_map(|name| json_change(name, &maps.map(|map| map.get(*name)))).collect()
}

/// Null, false and empty count as absent: writers differ in whether they spell them out.
fn json_change(what: &str, values: &Change<Option<&Json>>) -> Option<Finding> {
    let stated = values.map(|value| value.map(without_defaults).filter(|value| !says_nothing(value)));
    let equal = match (&stated.baseline, &stated.current) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    };
    (!equal).then(|| {
        let said = match (&stated.baseline, &stated.current) {
            (Some(old), Some(new)) => difference(what, old, new),
            _ => String::new(),
        };
        let finding = Finding::of(what, stated.map(|value| value.as_ref().map(text)));
        if said.is_empty() { finding } else { Finding { summary: said, ..finding } }
    })
}
