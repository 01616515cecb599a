//! The configuration cascade: dbt_project.yml by folder, then the property file, then the file itself, then the root
//! project's word on its packages; and how two values of one key are merged.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value as Json, json};

use crate::model::{JsonMap, ResourceType, SharedMap};
use crate::project::Package;

/// What configures one node, before merging.
pub(super) struct Sources<'a> {
    /// The tree of dbt_project.yml: `models`, `seeds`, …
    pub(super) tree: &'a str,
    /// The node's package.
    pub(super) own: &'a Package,
    /// The root project.
    pub(super) root: &'a Package,
    /// The node's fully qualified name.
    pub(super) fqn: &'a [String],
    /// Of the property file.
    pub(super) patch: Option<&'a JsonMap>,
    /// Of `config(...)` in the file.
    pub(super) in_file: &'a JsonMap,
    /// Which merge rules hold.
    pub(super) rules: Rules,
}

/// Which merge rules hold for a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Models, seeds, snapshots, tests, analyses, operations: tags and hooks add up, mappings are updated.
    Node,
    /// Sources: only `meta` is updated.
    Source,
    /// Exposures, groups, the semantic layer: but for `meta`, the later value replaces the earlier.
    Replace,
}

impl Sources<'_> {
    /// Everything merged, without defaults.
    pub(super) fn merged(&self) -> JsonMap {
        let mut config = JsonMap::new();
        self.each(|package| &package.config, |layer| merge(&mut config, layer, self.rules));
        config
    }

    /// Every key as the last layer wrote it, nothing merged.
    pub(super) fn unrendered(&self) -> JsonMap {
        let mut config = JsonMap::new();
        self.each(
            |package| &package.unrendered_config,
            |layer| {
                for (key, value) in layer {
                    config.insert(key.clone(), value.clone());
                }
            },
        );
        config
    }

    fn each(&self, trees: impl Fn(&Package) -> &JsonMap, mut apply: impl FnMut(&JsonMap)) {
        for layer in layers(trees(self.own).get(self.tree), self.fqn) {
            apply(&layer);
        }
        if let Some(patch) = self.patch {
            apply(patch);
        }
        apply(self.in_file);
        if self.own.name != self.root.name {
            for layer in layers(trees(self.root).get(self.tree), self.fqn) {
                apply(&layer);
            }
        }
    }
}

/// The configuration at the tree's top and at every folder along `fqn`.
fn layers(tree: Option<&Json>, fqn: &[String]) -> Vec<JsonMap> {
    let mut found = Vec::new();
    let mut level = tree.and_then(Json::as_object);
    let mut names = fqn.iter();
    while let Some(map) = level {
        let layer: JsonMap = map
            .iter()
            .filter(|(key, value)| key.starts_with('+') || !value.is_object())
            .map(|(key, value)| (alias(key.trim_start_matches('+').trim()).to_owned(), value.clone()))
            .collect();
        if !layer.is_empty() {
            found.push(layer);
        }
        level = names.next().and_then(|name| map.get(name)).and_then(Json::as_object);
    }
    found
}

/// Other engines' words for database and schema.
fn alias(key: &str) -> &str {
    match key {
        "project" | "dbname" => "database",
        "dataset" => "schema",
        other => other,
    }
}

/// Lays `layer` over `config`.
pub(super) fn merge(config: &mut JsonMap, layer: &JsonMap, rules: Rules) {
    for (key, value) in layer {
        let key = match key.as_str() {
            "pre_hook" => "pre-hook",
            "post_hook" => "post-hook",
            other => other,
        };
        let merged = merge_value(key, config.get(key), value, rules);
        config.insert(key.to_owned(), merged);
    }
}

fn merge_value(key: &str, earlier: Option<&Json>, value: &Json, rules: Rules) -> Json {
    match (rules, key) {
        (_, "meta") | (Rules::Node, "docs" | "quoting" | "column_types" | "contract") => updated(earlier, value),
        (Rules::Node, "tags" | "packages" | "classifiers") => appended(earlier, value),
        (Rules::Node, "pre-hook" | "post-hook") => appended(earlier, &hooks(value)),
        (Rules::Node, "grants") => granted(earlier, value),
        _ => value.clone(),
    }
}

fn updated(earlier: Option<&Json>, value: &Json) -> Json {
    match (earlier, value) {
        (Some(Json::Object(earlier)), Json::Object(value)) => {
            let mut all = earlier.clone();
            all.extend(value.iter().map(|(key, value)| (key.clone(), value.clone())));
            Json::Object(all)
        }
        (Some(earlier), Json::Null) => earlier.clone(),
        _ => value.clone(),
    }
}

fn appended(earlier: Option<&Json>, value: &Json) -> Json {
    let mut all = earlier.map(listed).unwrap_or_default();
    all.extend(listed(value));
    Json::Array(all)
}

/// One value or several, as several.
pub(super) fn listed(value: &Json) -> Vec<Json> {
    match value {
        Json::Null => Vec::new(),
        Json::Array(items) => items.clone(),
        other => vec![other.clone()],
    }
}

/// A `+privilege` adds grantees, a plain one replaces them.
fn granted(earlier: Option<&Json>, value: &Json) -> Json {
    let mut all = earlier.and_then(Json::as_object).cloned().unwrap_or_default();
    let Some(value) = value.as_object() else { return value.clone() };
    for (key, grantees) in value {
        let grantees = listed(grantees);
        match key.strip_prefix('+') {
            Some(privilege) => {
                let mut list = all.get(privilege).map(listed).unwrap_or_default();
                list.extend(grantees);
                all.insert(privilege.to_owned(), Json::Array(list));
            }
            None => {
                all.insert(key.clone(), Json::Array(grantees));
            }
        }
    }
    Json::Object(all)
}

/// Hooks as dbt keeps them: `sql`, `transaction`, `index`. A hook is text, a mapping, or a mapping written as JSON.
fn hooks(value: &Json) -> Json {
    let hook = |item: &Json| -> Json {
        let parsed = item.as_str().and_then(|text| serde_json::from_str::<JsonMap>(text).ok());
        let map = parsed.as_ref().or(item.as_object()).filter(|map| map.contains_key("sql"));
        match map {
            Some(map) => json!({
                "sql": map.get("sql"),
                "transaction": map.get("transaction").and_then(Json::as_bool).unwrap_or(true),
                "index": map.get("index").unwrap_or(&Json::Null),
            }),
            None => json!({"sql": item, "transaction": true, "index": null}),
        }
    };
    Json::Array(listed(value).iter().map(hook).collect())
}

/// Lists of text, from one text or a list.
pub(super) fn texts(value: Option<&Json>) -> Vec<String> {
    let text = |item: &Json| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    value.map(|value| listed(value).iter().map(text).collect()).unwrap_or_default()
}

/// Adds every default that dbt's manifest shows for `kind` and brings values into dbt's shape.
pub(super) fn complete(config: JsonMap, kind: ResourceType) -> JsonMap {
    let mut full = known_defaults(kind).into_map();
    for (key, value) in config {
        let value = match key.as_str() {
            "tags" => Json::Array(listed(&value)),
            "docs" | "contract" | "snapshot_meta_column_names" => updated(full.get(&key), &value),
            "freshness" if kind == ResourceType::Model => build_freshness(value),
            "begin" => moment(value),
            "enabled" if value.is_null() => continue,
            _ => value,
        };
        full.insert(key, value);
    }
    if kind == ResourceType::Test {
        settle_store_failures(&mut full);
    }
    full
}

/// A date or a moment in the form in which dbt writes it, `2024-05-01T00:00:00`; other text is kept.
fn moment(value: Json) -> Json {
    let Json::String(text) = &value else { return value };
    let whole = if text.len() == 10 { format!("{text}T00:00:00") } else { text.replacen(' ', "T", 1) };
    match whole.parse::<chrono::NaiveDateTime>() {
        Ok(moment) => Json::String(moment.format("%Y-%m-%dT%H:%M:%S%.f").to_string()),
        Err(_) => value,
    }
}

fn build_freshness(value: Json) -> Json {
    let Some(build_after) = value.get("build_after").and_then(Json::as_object) else { return value };
    let mut full = json!({"count": null, "period": null, "updates_on": "any"});
    if let Some(full) = full.as_object_mut() {
        full.extend(build_after.clone());
    }
    json!({"build_after": full})
}

/// `store_failures` and `store_failures_as` say the same; the second wins.
fn settle_store_failures(config: &mut JsonMap) {
    if let Some(kind) = config.get("store_failures_as").and_then(Json::as_str) {
        let stored = kind != "ephemeral";
        config.insert("store_failures".to_owned(), Json::Bool(stored));
    } else if let Some(stored) = config.get("store_failures").and_then(Json::as_bool) {
        let kind = if stored { "table" } else { "ephemeral" };
        config.insert("store_failures_as".to_owned(), Json::String(kind.to_owned()));
    }
}

/// What a kind has without any configuration, made once.
pub(super) fn known_defaults(kind: ResourceType) -> SharedMap {
    static KNOWN: LazyLock<Mutex<HashMap<ResourceType, SharedMap>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(kind).or_insert_with(|| defaults(kind).into()).clone()
}

fn defaults(kind: ResourceType) -> JsonMap {
    let value = match kind {
        ResourceType::Test => json!({
            "enabled": true, "alias": null, "schema": "dbt_test__audit", "database": null, "tags": [], "meta": {},
            "group": null, "static_analysis": null, "materialized": "test", "severity": "ERROR",
            "store_failures": null, "store_failures_as": null, "where": null, "limit": null, "fail_calc": "count(*)",
            "warn_if": "!= 0", "error_if": "!= 0",
        }),
        ResourceType::Source => json!({
            "enabled": true, "event_time": null, "freshness": {
                "warn_after": {"count": null, "period": null}, "error_after": {"count": null, "period": null},
                "filter": null,
            },
            "loaded_at_field": null, "loaded_at_query": null, "meta": {}, "tags": [], "static_analysis": null,
        }),
        ResourceType::Exposure => json!({"enabled": true, "tags": [], "meta": {}}),
        ResourceType::UnitTest => json!({"tags": [], "meta": {}, "enabled": true, "static_analysis": null}),
        _ => return node_defaults(kind),
    };
    object(value)
}

fn node_defaults(kind: ResourceType) -> JsonMap {
    let materialized = match kind {
        ResourceType::Seed => "seed",
        ResourceType::Snapshot => "snapshot",
        ResourceType::Function => "function",
        _ => "view",
    };
    let mut full = object(json!({
        "enabled": true, "alias": null, "schema": null, "database": null, "tags": [], "meta": {}, "group": null,
        "static_analysis": null, "materialized": materialized, "incremental_strategy": null, "batch_size": null,
        "lookback": 1, "begin": null, "persist_docs": {}, "post-hook": [], "pre-hook": [], "quoting": {},
        "column_types": {}, "full_refresh": null, "unique_key": null, "on_schema_change": "ignore",
        "on_configuration_change": "apply", "grants": {}, "packages": [], "docs": {"show": true, "node_color": null},
        "contract": {"enforced": false, "alias_types": true}, "event_time": null, "concurrent_batches": null,
    }));
    let own = match kind {
        ResourceType::Model => json!({"access": "protected", "freshness": null}),
        ResourceType::Seed => json!({"delimiter": ",", "quote_columns": null}),
        ResourceType::Function => {
            json!({"type": "scalar", "volatility": null, "runtime_version": null, "entry_point": null})
        }
        ResourceType::Snapshot => json!({
            "strategy": null, "target_schema": null, "target_database": null, "updated_at": null, "check_cols": null,
            "snapshot_meta_column_names": {
                "dbt_valid_to": null, "dbt_valid_from": null, "dbt_scd_id": null, "dbt_updated_at": null,
                "dbt_is_deleted": null,
            },
            "dbt_valid_to_current": null,
        }),
        _ => json!({}),
    };
    full.extend(object(own));
    full
}

fn object(value: Json) -> JsonMap {
    match value {
        Json::Object(map) => map,
        _ => JsonMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{JsonMap, Rules, complete, layers, merge};
    use crate::model::ResourceType;

    #[expect(clippy::needless_pass_by_value, reason = "callers write the JSON in place")]
    fn map(value: serde_json::Value) -> JsonMap {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn folders_of_the_tree_are_walked_along_the_fqn() {
        let tree = json!({"+tags": ["a"], "shop": {"materialized": "table", "staging": {"+meta": {"x": 1}, "other": {"+tags": "no"}}}});
        let fqn = ["shop", "staging", "orders"].map(str::to_owned);
        let found = layers(Some(&tree), &fqn);
        assert_eq!(json!(found), json!([{"tags": ["a"]}, {"materialized": "table"}, {"meta": {"x": 1}}]));
    }

    #[test]
    fn each_key_has_its_way_of_merging() {
        let mut config = JsonMap::new();
        merge(
            &mut config,
            &map(
                json!({"tags": "a", "meta": {"x": 1, "y": 1}, "grants": {"select": ["u1"]}, "pre-hook": "s0", "unique_key": "id"}),
            ),
            Rules::Node,
        );
        merge(
            &mut config,
            &map(
                json!({"tags": ["b"], "meta": {"y": 2}, "grants": {"+select": "u2", "insert": "u3"}, "pre_hook": ["s1"], "unique_key": ["a", "b"]}),
            ),
            Rules::Node,
        );
        assert_eq!(config["tags"], json!(["a", "b"]));
        assert_eq!(config["meta"], json!({"x": 1, "y": 2}));
        assert_eq!(config["grants"], json!({"select": ["u1", "u2"], "insert": ["u3"]}));
        assert_eq!(config["pre-hook"].as_array().unwrap().len(), 2);
        assert_eq!(config["unique_key"], json!(["a", "b"]));
    }

    #[test]
    fn hooks_take_three_forms() {
        let mut config = JsonMap::new();
        let layer =
            json!({"post-hook": ["a", {"sql": "b", "transaction": false}, "{\"sql\": \"c\", \"transaction\": false}"]});
        merge(&mut config, &map(layer), Rules::Node);
        assert_eq!(
            config["post-hook"],
            json!([
                {"sql": "a", "transaction": true, "index": null},
                {"sql": "b", "transaction": false, "index": null},
                {"sql": "c", "transaction": false, "index": null},
            ])
        );
    }

    #[test]
    fn stored_failures_are_said_twice() {
        let config = complete(map(json!({"store_failures": true})), ResourceType::Test);
        assert_eq!(config["store_failures_as"], json!("table"));
        let config = complete(map(json!({"store_failures_as": "ephemeral"})), ResourceType::Test);
        assert_eq!(config["store_failures"], json!(false));
    }
}
