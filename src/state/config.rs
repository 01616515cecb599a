//! Configuration as written, key by key.

use std::borrow::Cow;

use indexmap::IndexSet;
use serde_json::Value as Json;

use super::reason::{Finding, Pair};
use super::severity::Severity;
use crate::jinja::config_call;
use crate::model::{Change, JsonMap, Node, ResourceType};

/// Keys of the node's name in the database; they have a reason of their own.
const RELATION_KEYS: &[&str] = &["database", "schema", "alias"];
/// Keys that never count, beside those.
const LABEL_KEYS: &[&str] = &["tags", "group"];
/// The only keys of a test that count.
const TEST_KEYS: &[&str] = &[
    "severity",
    "where",
    "limit",
    "fail_calc",
    "warn_if",
    "error_if",
    "store_failures",
    "store_failures_as",
    "sql_header",
];

/// Keys that say something about the node and change nothing about how it is built.
const DESCRIPTIVE_KEYS: &[&str] = &["meta", "docs", "tags", "group", "description"];

pub(super) fn config(pair: &Pair<'_>) -> Vec<Finding> {
    let kind = pair.nodes.current.resource_type;
    let Change { baseline, current } = pair.nodes.map(|node| &node.unrendered_config);
    let by_code = pair.options.more_unrendered;
    if !by_code && baseline == current && !matches!(kind, ResourceType::SemanticModel | ResourceType::SavedQuery) {
        return Vec::new();
    }
    let maps = match kind {
        // These compare the whole rendered configuration.
        ResourceType::SemanticModel | ResourceType::SavedQuery => pair.nodes.map(|node| stated(&node.config)),
        _ => pair.nodes.map(|node| with_hyphens(&as_written(node, by_code))),
    };
    let keys: IndexSet<&String> = maps.baseline.keys().chain(maps.current.keys()).collect();
    let keys = keys.into_iter().filter(|key| counts(kind, key));
    keys.flat_map(|key| changed_values(key, maps.as_ref().map(|map| map.get(key)))).collect()
}

pub(super) fn relation(pair: &Pair<'_>) -> Vec<Finding> {
    let maps = pair.nodes.map(|node: &Node| as_written(node, pair.options.more_unrendered));
    RELATION_KEYS
        .iter()
        .filter_map(|key| {
            let values = maps.as_ref().map(|map| map.get(*key).filter(|value| !value.is_null()));
            (!same_option(values.baseline, values.current))
                .then(|| Finding::of(key, values.map(|value| value.map(text))))
        })
        .collect()
}

/// The configuration as written. By the flag, that of the code is read from the code itself: writers differ in how they
/// keep it, some as rendered, some as text, dbt 1.11 as its parser sees it.
fn as_written(node: &Node, by_code: bool) -> Cow<'_, JsonMap> {
    if !by_code {
        return Cow::Borrowed(&node.unrendered_config);
    }
    let code = config_call(&node.raw_code).unwrap_or_default();
    let mut map: JsonMap =
        node.unrendered_config.iter().map(|(key, value)| (key.clone(), without_repeats(value))).collect();
    map.extend(code);
    Cow::Owned(map)
}

/// dbt 1.11 adds the lists of a property file up twice where the flag is on.
fn without_repeats(value: &Json) -> Json {
    match value {
        Json::Array(items) => {
            let (first, second) = items.split_at(items.len() / 2);
            let items = if first == second { first } else { items.as_slice() };
            Json::Array(items.iter().map(without_repeats).collect())
        }
        Json::Object(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.clone(), without_repeats(value))).collect())
        }
        other => other.clone(),
    }
}

fn counts(kind: ResourceType, key: &str) -> bool {
    match kind {
        ResourceType::Test => TEST_KEYS.contains(&key),
        ResourceType::Metric => key != "group",
        ResourceType::Source | ResourceType::Exposure | ResourceType::SemanticModel | ResourceType::SavedQuery => true,
        _ => !RELATION_KEYS.contains(&key) && !LABEL_KEYS.contains(&key),
    }
}

/// Manifests of older versions hold `pre_hook` where newer ones hold `pre-hook`.
fn with_hyphens(config: &JsonMap) -> JsonMap {
    config
        .iter()
        .map(|(key, value)| {
            let key = match key.as_str() {
                "pre_hook" => "pre-hook",
                "post_hook" => "post-hook",
                other => other,
            };
            (key.to_owned(), value.clone())
        })
        .collect()
}

/// What differs at one key: of two maps, each key inside of them apart, as `meta.owner`.
fn changed_values(key: &str, values: Change<Option<&Json>>) -> Vec<Finding> {
    let Change { baseline, current } = values;
    if same_option(baseline, current) {
        return Vec::new();
    }
    let found = match (baseline, current) {
        (Some(Json::Object(old)), Some(Json::Object(new))) => {
            let keys: IndexSet<&String> = old.keys().chain(new.keys()).collect();
            let inside = |inner: &String| {
                let values = Change { baseline: old.get(inner), current: new.get(inner) };
                changed_values(&format!("{key}.{inner}"), values)
            };
            return keys.into_iter().flat_map(inside).collect();
        }
        _ => Finding::of(key, values.map(|value| value.map(text))),
    };
    let descriptive = DESCRIPTIVE_KEYS.contains(&key.split('.').next().unwrap_or(key));
    vec![if descriptive { found.graded(Severity::Metadata) } else { found }]
}

fn same_option(a: Option<&Json>, b: Option<&Json>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Equality as Python has it: 1 equals 1.0, and the order of a map's keys does not matter.
pub(super) fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Json::Array(xs), Json::Array(ys)) => xs.len() == ys.len() && xs.iter().zip(ys).all(|(x, y)| same(x, y)),
        (Json::Object(xs), Json::Object(ys)) => {
            xs.len() == ys.len() && xs.iter().all(|(key, x)| ys.get(key).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

/// What a map says beyond the defaults that some writers spell out and others leave out.
fn stated(map: &JsonMap) -> JsonMap {
    let stated = map.iter().map(|(key, value)| (key, without_defaults(value)));
    let is_default = |key: &str, value: &Json| says_nothing(value) || (key == "enabled" && *value == Json::Bool(true));
    stated.filter(|(key, value)| !is_default(key, value)).map(|(key, value)| (key.clone(), value)).collect()
}

/// A value of the semantic layer, without what is null, false or empty inside of it.
pub(super) fn without_defaults(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.iter().map(|(key, value)| (key.clone(), without_defaults(value)));
            Json::Object(kept.filter(|(_, value)| !says_nothing(value)).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(without_defaults).collect()),
        other => other.clone(),
    }
}

/// Whether a value is what is meant where none is given.
pub(super) fn says_nothing(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        Json::String(text) => text.is_empty(),
        Json::Bool(true) | Json::Number(_) => false,
    }
}

/// A value for people: text without quotes.
pub(super) fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
