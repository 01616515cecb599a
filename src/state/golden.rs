//! Reads dbt's manifest.json for the tests of this room and of the rooms that build on it.

use serde_json::Value as Json;

use crate::model::manifest::{Macro, Manifest, Metadata};
use crate::model::node::{
    Checksum, ColumnInfo, DependsOn, Detail, ExposureDetail, ModelDetail, Node, NodeId, RefArgs, ResourceType,
    SourceDetail, TestDetail, TestMetadata,
};
use crate::model::{JsonMap, Relation};

fn text(json: &Json, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}

fn option(json: &Json, key: &str) -> Option<String> {
    json[key].as_str().map(str::to_owned)
}

fn map(json: &Json) -> JsonMap {
    json.as_object().cloned().unwrap_or_default()
}

fn list(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn present(json: &Json) -> Option<Json> {
    (!json.is_null()).then(|| json.clone())
}

/// Code, or its hash where the file has only that.
fn code(json: &Json, key: &str) -> String {
    option(json, key).unwrap_or_else(|| text(json, &format!("{key}_sha")))
}

fn detail(kind: ResourceType, json: &Json) -> Detail {
    match kind {
        ResourceType::Model => Detail::Model(Box::new(ModelDetail {
            access: text(json, "access"),
            version: present(&json["version"]),
            latest_version: present(&json["latest_version"]),
            deprecation_date: option(json, "deprecation_date"),
            contract_enforced: json["config"]["contract"]["enforced"].as_bool().unwrap_or(false),
            contract_alias_types: true,
            contract_checksum: option(&json["contract"], "checksum"),
            constraints: json["constraints"].as_array().cloned().unwrap_or_default(),
            primary_key: list(&json["primary_key"]),
            time_spine: present(&json["time_spine"]),
        })),
        ResourceType::Test => Detail::Test(Box::new(TestDetail {
            metadata: present(&json["test_metadata"]).map(|metadata| TestMetadata {
                name: text(&metadata, "name"),
                kwargs: map(&metadata["kwargs"]),
                namespace: option(&metadata, "namespace"),
            }),
            column_name: option(json, "column_name"),
            attached_node: option(json, "attached_node").map(NodeId::from),
            file_key_name: option(json, "file_key_name"),
        })),
        ResourceType::Seed => Detail::Seed { root_path: text(json, "root_path") },
        ResourceType::Snapshot => Detail::Snapshot,
        ResourceType::Analysis => Detail::Analysis,
        ResourceType::Operation => Detail::Operation {
            index: usize::try_from(json["index"].as_u64().unwrap_or(0)).unwrap(),
            at_end: list(&json["tags"]).iter().any(|tag| tag == "on-run-end"),
        },
        ResourceType::Source => Detail::Source(Box::new(SourceDetail {
            source_name: text(json, "source_name"),
            identifier: text(json, "identifier"),
            quoting: map(&json["quoting"]),
            loaded_at_field: option(json, "loaded_at_field"),
            freshness: present(&json["freshness"]),
            external: present(&json["external"]),
            unrendered_database: option(json, "unrendered_database"),
            unrendered_schema: option(json, "unrendered_schema"),
            ..SourceDetail::default()
        })),
        ResourceType::Exposure => Detail::Exposure(Box::new(ExposureDetail {
            kind: text(json, "type"),
            owner: map(&json["owner"]),
            maturity: option(json, "maturity"),
            url: option(json, "url"),
            label: option(json, "label"),
        })),
        _ => Detail::Other(map(json)),
    }
}

fn node(json: &Json) -> Node {
    let kind = ResourceType::parse(&text(json, "resource_type")).unwrap();
    let alias = if kind == ResourceType::Source { text(json, "identifier") } else { text(json, "alias") };
    let relation = option(json, "relation_name").map(|_| {
        let mut relation = Relation::new(json["database"].as_str(), &text(json, "schema"), &alias);
        relation.kind = None;
        relation
    });
    let columns = map(&json["columns"]).into_iter().map(|(name, column)| {
        let info = ColumnInfo {
            name: text(&column, "name"),
            description: text(&column, "description"),
            data_type: option(&column, "data_type"),
            constraints: column["constraints"].as_array().cloned().unwrap_or_default(),
            ..ColumnInfo::default()
        };
        (name, info)
    });
    let refs = json["refs"].as_array().into_iter().flatten().map(|r| RefArgs {
        name: text(r, "name"),
        package: option(r, "package"),
        version: present(&r["version"]),
    });
    Node {
        unique_id: text(json, "unique_id").into(),
        resource_type: kind,
        name: text(json, "name"),
        package_name: text(json, "package_name"),
        path: text(json, "path"),
        original_file_path: text(json, "original_file_path"),
        fqn: list(&json["fqn"]),
        alias,
        database: option(json, "database"),
        schema: text(json, "schema"),
        relation,
        checksum: Checksum { name: text(&json["checksum"], "name"), checksum: text(&json["checksum"], "checksum") },
        language: "sql".to_owned(),
        raw_code: code(json, "raw_code"),
        first_line: 1,
        config: map(&json["config"]),
        unrendered_config: map(&json["unrendered_config"]),
        description: text(json, "description"),
        tags: list(&json["tags"]),
        meta: map(&json["meta"]),
        group: option(json, "group"),
        columns: columns.collect(),
        refs: refs.collect(),
        sources: Vec::new(),
        metrics: Vec::new(),
        depends_on: DependsOn {
            macros: list(&json["depends_on"]["macros"]),
            nodes: list(&json["depends_on"]["nodes"]).into_iter().map(NodeId::from).collect(),
        },
        patch_path: option(json, "patch_path"),
        detail: detail(kind, json),
    }
}

/// The manifest that the text of a manifest.json describes.
pub(crate) fn read(json: &Json) -> Manifest {
    let mut manifest = Manifest {
        metadata: Metadata {
            dbt_version: text(&json["metadata"], "dbt_version"),
            project_name: text(&json["metadata"], "project_name"),
            adapter_type: text(&json["metadata"], "adapter_type"),
            ..Metadata::default()
        },
        selectors: map(&json["selectors"]),
        ..Manifest::default()
    };
    let sections =
        ["nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries", "unit_tests", "groups"];
    for section in sections {
        for entry in map(&json[section]).values() {
            let node = node(entry);
            manifest.nodes.insert(node.unique_id.clone(), node);
        }
    }
    for (id, entry) in map(&json["macros"]) {
        let it = Macro {
            unique_id: id.clone(),
            name: text(&entry, "name"),
            package_name: text(&entry, "package_name"),
            macro_sql: code(&entry, "macro_sql"),
            depends_on: list(&entry["depends_on"]["macros"]),
            ..Macro::default()
        };
        manifest.macros.insert(id, it);
    }
    for (id, entries) in map(&json["disabled"]) {
        manifest.disabled.insert(id.into(), entries.as_array().into_iter().flatten().map(node).collect());
    }
    manifest
}

/// Reads a file of the fixtures.
pub(crate) fn json(path: &str) -> Json {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}
