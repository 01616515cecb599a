//! One entry of a manifest as a node, for every version that is read.

use serde_json::{Value as Json, json};

use super::relation_name;
use crate::model::node::{ExposureDetail, ModelDetail, SourceDetail, TestDetail, TestMetadata};
use crate::model::{Checksum, ColumnInfo, DependsOn, Detail, JsonMap, Node, RefArgs, ResourceType};

/// What a node must have; anything else has a default.
pub(super) fn node(entry: &JsonMap) -> Result<Node, &'static str> {
    let unique_id = required(entry, "unique_id")?;
    let kind = match entry.get("resource_type").and_then(Json::as_str) {
        Some(word) => ResourceType::parse(word),
        None => unique_id.split('.').next().and_then(ResourceType::parse),
    };
    let resource_type = kind.ok_or("resource_type")?;
    let name = required(entry, "name")?;
    let original_file_path = text(entry, "original_file_path").unwrap_or_default();
    let config = object(entry, "config");
    Ok(Node {
        package_name: required(entry, "package_name")?,
        path: text(entry, "path").unwrap_or_else(|| original_file_path.clone()),
        original_file_path,
        fqn: texts(entry, "fqn"),
        alias: text(entry, "alias").or_else(|| text(entry, "identifier")).unwrap_or_else(|| name.clone()),
        database: text(entry, "database"),
        schema: text(entry, "schema").unwrap_or_default(),
        relation: text(entry, "relation_name").as_deref().and_then(relation_name::parse),
        checksum: checksum(entry),
        language: text(entry, "language").unwrap_or_else(|| "sql".to_owned()),
        raw_code: text(entry, "raw_code").or_else(|| text(entry, "raw_sql")).unwrap_or_default(),
        first_line: 1,
        unrendered_config: object(entry, "unrendered_config"),
        description: text(entry, "description").unwrap_or_default(),
        tags: texts(entry, "tags"),
        meta: object(entry, "meta"),
        group: text(entry, "group").or_else(|| text(&config, "group")),
        columns: columns(entry),
        refs: refs(entry),
        sources: sources(entry),
        metrics: entry.get("metrics").and_then(|m| serde_json::from_value(m.clone()).ok()).unwrap_or_default(),
        functions: entry.get("functions").and_then(|f| serde_json::from_value(f.clone()).ok()).unwrap_or_default(),
        depends_on: depends_on(entry),
        patch_path: text(entry, "patch_path"),
        detail: detail(entry, resource_type, &config),
        config,
        unique_id: unique_id.into(),
        resource_type,
        name,
    })
}

fn required(entry: &JsonMap, key: &'static str) -> Result<String, &'static str> {
    text(entry, key).ok_or(key)
}

fn text(entry: &JsonMap, key: &str) -> Option<String> {
    entry.get(key).and_then(Json::as_str).map(str::to_owned)
}

fn texts(entry: &JsonMap, key: &str) -> Vec<String> {
    match entry.get(key) {
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Some(Json::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

fn object(entry: &JsonMap, key: &str) -> JsonMap {
    entry.get(key).and_then(Json::as_object).cloned().unwrap_or_default()
}

fn array(entry: &JsonMap, key: &str) -> Vec<Json> {
    entry.get(key).and_then(Json::as_array).cloned().unwrap_or_default()
}

fn some(entry: &JsonMap, key: &str) -> Option<Json> {
    entry.get(key).filter(|value| !value.is_null()).cloned()
}

fn checksum(entry: &JsonMap) -> Checksum {
    let Some(map) = entry.get("checksum").and_then(Json::as_object) else { return Checksum::none() };
    Checksum {
        name: text(map, "name").unwrap_or_else(|| "none".to_owned()),
        checksum: text(map, "checksum").unwrap_or_default(),
    }
}

fn columns(entry: &JsonMap) -> indexmap::IndexMap<String, ColumnInfo> {
    // dbt v2 writes a list.
    let listed: Vec<&JsonMap> = match entry.get("columns") {
        Some(Json::Object(map)) => map.values().filter_map(Json::as_object).collect(),
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_object).collect(),
        _ => Vec::new(),
    };
    listed.into_iter().map(column).map(|column| (column.name.clone(), column)).collect()
}

const COLUMN_KEYS: [&str; 10] =
    ["name", "description", "meta", "data_type", "constraints", "quote", "config", "tags", "granularity", "doc_blocks"];

fn column(map: &JsonMap) -> ColumnInfo {
    ColumnInfo {
        name: text(map, "name").unwrap_or_default(),
        description: text(map, "description").unwrap_or_default(),
        meta: object(map, "meta"),
        data_type: text(map, "data_type"),
        constraints: array(map, "constraints"),
        quote: map.get("quote").and_then(Json::as_bool),
        tags: texts(map, "tags"),
        config: object(map, "config"),
        granularity: text(map, "granularity"),
        doc_blocks: texts(map, "doc_blocks"),
        extra: map
            .iter()
            .filter(|(key, _)| !COLUMN_KEYS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    }
}

/// `{name, package, version}` since version 10; before, a list of a name, or of a package and a name.
fn refs(entry: &JsonMap) -> Vec<RefArgs> {
    let list = entry.get("refs").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|item| match item {
            Json::Object(map) => {
                Some(RefArgs { name: text(map, "name")?, package: text(map, "package"), version: some(map, "version") })
            }
            Json::Array(parts) => {
                let mut names = parts.iter().filter_map(Json::as_str).map(str::to_owned);
                let first = names.next()?;
                Some(match names.next() {
                    Some(name) => RefArgs { name, package: Some(first), version: None },
                    None => RefArgs { name: first, package: None, version: None },
                })
            }
            _ => None,
        })
        .collect()
}

fn sources(entry: &JsonMap) -> Vec<[String; 2]> {
    let list = entry.get("sources").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| serde_json::from_value(item.clone()).ok()).collect()
}

fn depends_on(entry: &JsonMap) -> DependsOn {
    let map = object(entry, "depends_on");
    DependsOn { macros: texts(&map, "macros"), nodes: texts(&map, "nodes").into_iter().map(Into::into).collect() }
}

fn detail(entry: &JsonMap, kind: ResourceType, config: &JsonMap) -> Detail {
    match kind {
        ResourceType::Model => Detail::Model(Box::new(model(entry, config))),
        ResourceType::Seed => Detail::Seed { root_path: text(entry, "root_path").unwrap_or_default() },
        ResourceType::Snapshot => Detail::Snapshot,
        ResourceType::Test => Detail::Test(Box::new(test(entry))),
        ResourceType::Analysis => Detail::Analysis,
        ResourceType::Operation => Detail::Operation {
            index: entry.get("index").and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
            at_end: texts(entry, "tags").iter().any(|tag| tag == "on-run-end"),
        },
        ResourceType::Source => Detail::Source(Box::new(source(entry))),
        ResourceType::Exposure => Detail::Exposure(Box::new(exposure(entry))),
        _ => Detail::Other(entry.clone()),
    }
}

fn model(entry: &JsonMap, config: &JsonMap) -> ModelDetail {
    let contract = object(entry, "contract");
    let configured = object(config, "contract");
    let flag = |key: &str, default: bool| {
        contract.get(key).or_else(|| configured.get(key)).and_then(Json::as_bool).unwrap_or(default)
    };
    ModelDetail {
        access: text(entry, "access").or_else(|| text(config, "access")).unwrap_or_else(|| "protected".to_owned()),
        version: some(entry, "version"),
        latest_version: some(entry, "latest_version"),
        deprecation_date: text(entry, "deprecation_date"),
        contract_enforced: flag("enforced", false),
        contract_alias_types: flag("alias_types", true),
        contract_checksum: text(&contract, "checksum"),
        constraints: array(entry, "constraints"),
        primary_key: texts(entry, "primary_key"),
        time_spine: some(entry, "time_spine"),
    }
}

fn test(entry: &JsonMap) -> TestDetail {
    let metadata = entry.get("test_metadata").and_then(Json::as_object).and_then(|map| {
        Some(TestMetadata {
            name: text(map, "name")?,
            kwargs: object(map, "kwargs"),
            namespace: text(map, "namespace"),
        })
    });
    TestDetail {
        metadata,
        column_name: text(entry, "column_name"),
        attached_node: text(entry, "attached_node").map(Into::into),
        file_key_name: text(entry, "file_key_name"),
    }
}

fn source(entry: &JsonMap) -> SourceDetail {
    SourceDetail {
        source_name: text(entry, "source_name").unwrap_or_default(),
        source_description: text(entry, "source_description").unwrap_or_default(),
        source_meta: object(entry, "source_meta"),
        loader: text(entry, "loader").unwrap_or_default(),
        identifier: text(entry, "identifier").or_else(|| text(entry, "name")).unwrap_or_default(),
        quoting: object(entry, "quoting"),
        loaded_at_field: text(entry, "loaded_at_field"),
        loaded_at_query: text(entry, "loaded_at_query"),
        freshness: some(entry, "freshness"),
        external: some(entry, "external"),
        unrendered_database: text(entry, "unrendered_database"),
        unrendered_schema: text(entry, "unrendered_schema"),
    }
}

fn exposure(entry: &JsonMap) -> ExposureDetail {
    let owner = match entry.get("owner") {
        Some(Json::Object(map)) => map.clone(),
        Some(Json::String(name)) => json!({"name": name}).as_object().cloned().unwrap_or_default(),
        _ => JsonMap::new(),
    };
    ExposureDetail {
        kind: text(entry, "type").unwrap_or_default(),
        owner,
        maturity: text(entry, "maturity"),
        url: text(entry, "url"),
        label: text(entry, "label"),
    }
}
