//! Columns and constraints as a property file describes them.

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::config::{listed, texts};
use super::docs::DocIds;
use crate::model::{ColumnInfo, JsonMap};

/// The columns of a rendered entry; `written` is the entry before it was rendered, for the docs blocks it names.
pub(super) fn read(entry: &JsonMap, written: &JsonMap, docs: &DocIds) -> IndexMap<String, ColumnInfo> {
    let mut columns: IndexMap<String, ColumnInfo> = list(entry)
        .iter()
        .filter_map(|item| column(item.as_object()?))
        .map(|column| (column.name.clone(), column))
        .collect();
    for item in list(written) {
        let text = |key: &str| item.get(key).and_then(Json::as_str);
        // Of a column that is listed twice, the last counts.
        if let Some(column) = text("name").and_then(|name| columns.get_mut(name)) {
            let description = text("description").filter(|text| text.contains("doc"));
            column.doc_blocks = description.map(|text| docs.named_in(text)).unwrap_or_default();
        }
    }
    columns
}

fn list(entry: &JsonMap) -> &[Json] {
    entry.get("columns").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Keys of a column that dbt knows; others are kept as they are.
const KNOWN: [&str; 12] = [
    "name",
    "description",
    "meta",
    "data_type",
    "constraints",
    "quote",
    "config",
    "tags",
    "granularity",
    "doc_blocks",
    "tests",
    "data_tests",
];

/// One column; none without a name.
pub(super) fn column(map: &JsonMap) -> Option<ColumnInfo> {
    let text = |key: &str| map.get(key).filter(|value| !value.is_null()).map(plain);
    let mut config = map.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    let meta = either(map, &config, "meta").and_then(|meta| meta.as_object().cloned()).unwrap_or_default();
    let mut tags = texts(map.get("tags"));
    for tag in texts(config.get("tags")) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    config.insert("meta".to_owned(), Json::Object(meta.clone()));
    config.insert("tags".to_owned(), json!(tags));
    Some(ColumnInfo {
        name: text("name")?,
        description: text("description").unwrap_or_default(),
        meta,
        data_type: text("data_type"),
        constraints: constraints(map, false),
        quote: map.get("quote").and_then(Json::as_bool),
        tags,
        config: config.into(),
        granularity: text("granularity"),
        doc_blocks: Vec::new(),
        extra: map
            .iter()
            .filter(|(key, _)| !KNOWN.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    })
}

fn either(map: &JsonMap, config: &JsonMap, key: &str) -> Option<Json> {
    config.get(key).or_else(|| map.get(key)).cloned()
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Constraints with dbt's defaults; those of a model have `columns` too.
pub(super) fn constraints(entry: &JsonMap, of_model: bool) -> Vec<Json> {
    let list = entry.get("constraints").map(listed).unwrap_or_default();
    list.iter().filter_map(Json::as_object).map(|written| constraint(written, of_model)).collect()
}

fn constraint(written: &JsonMap, of_model: bool) -> Json {
    let or_null = |key: &str| written.get(key).cloned().unwrap_or(Json::Null);
    let flag = |key: &str| written.get(key).and_then(Json::as_bool).unwrap_or(true);
    let list = |key: &str| Json::Array(written.get(key).map(listed).unwrap_or_default());
    let mut full = json!({
        "type": or_null("type"),
        "name": or_null("name"),
        "expression": or_null("expression"),
        "warn_unenforced": flag("warn_unenforced"),
        "warn_unsupported": flag("warn_unsupported"),
        "to": or_null("to"),
        "to_columns": list("to_columns"),
    });
    if of_model && let Some(map) = full.as_object_mut() {
        map.insert("columns".to_owned(), list("columns"));
    }
    full
}

/// `ref(...)` and `source(...)` texts in `to:` of foreign keys.
pub(super) fn constraint_targets<'c>(
    columns: &'c IndexMap<String, ColumnInfo>,
    of_model: &'c [Json],
) -> impl Iterator<Item = &'c str> {
    let of_columns = columns.values().flat_map(|column| column.constraints.iter());
    of_columns.chain(of_model).filter_map(|constraint| constraint.get("to").and_then(Json::as_str))
}
