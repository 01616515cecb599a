//! One node as the manifest shows it, which is also what `model` shows in Jinja.

use serde_json::{Value as Json, json};

use crate::model::node::{ExposureDetail, ModelDetail, SourceDetail, TestDetail};
use crate::model::{ColumnInfo, Detail, JsonMap, Node, RefArgs, ResourceType};

/// The node in the shape of manifest version 12.
pub fn node_json(node: &Node) -> Json {
    match &node.detail {
        Detail::Other(map) => Json::Object(map.clone()),
        Detail::Source(source) => Json::Object(source_json(node, source)),
        Detail::Exposure(exposure) => Json::Object(exposure_json(node, exposure)),
        _ => Json::Object(sql_json(node)),
    }
}

fn sql_json(node: &Node) -> JsonMap {
    let mut out = JsonMap::new();
    put(&mut out, "database", json!(node.database));
    put(&mut out, "schema", json!(node.schema));
    identity(&mut out, node);
    put(&mut out, "fqn", json!(node.fqn));
    put(&mut out, "alias", json!(node.alias));
    put(&mut out, "checksum", json!({"name": node.checksum.name, "checksum": node.checksum.checksum}));
    put(&mut out, "config", Json::Object(node.config.clone()));
    put(&mut out, "tags", json!(node.tags));
    put(&mut out, "description", json!(node.description));
    put(&mut out, "columns", columns_json(node));
    put(&mut out, "meta", Json::Object(node.meta.clone()));
    put(&mut out, "group", json!(node.group));
    put(
        &mut out,
        "docs",
        node.config.get("docs").cloned().unwrap_or_else(|| json!({"show": true, "node_color": null})),
    );
    put(&mut out, "patch_path", json!(node.patch_path));
    put(&mut out, "build_path", Json::Null);
    put(&mut out, "unrendered_config", Json::Object(node.unrendered_config.clone()));
    put(&mut out, "relation_name", relation_name(node));
    put(&mut out, "raw_code", json!(node.raw_code));
    put(&mut out, "doc_blocks", json!([]));
    if let Detail::Seed { root_path } = &node.detail {
        put(&mut out, "root_path", json!(root_path));
        put(&mut out, "depends_on", json!({"macros": node.depends_on.macros}));
        return out;
    }
    put(&mut out, "language", json!(node.language));
    references(&mut out, node);
    put(&mut out, "functions", json!(node.functions));
    put(&mut out, "compiled_path", Json::Null);
    put(&mut out, "contract", contract_json(node));
    match &node.detail {
        Detail::Model(model) => model_json(&mut out, model),
        Detail::Test(test) => test_json(&mut out, test),
        Detail::Function { arguments, returns } => {
            put(&mut out, "arguments", arguments.clone());
            put(&mut out, "returns", returns.clone());
        }
        Detail::Operation { index, .. } => put(&mut out, "index", json!(index)),
        _ => {}
    }
    out
}

fn put(out: &mut JsonMap, key: &str, value: Json) {
    out.insert(key.to_owned(), value);
}

fn identity(out: &mut JsonMap, node: &Node) {
    put(out, "name", json!(node.name));
    put(out, "resource_type", json!(node.resource_type.as_str()));
    put(out, "package_name", json!(node.package_name));
    put(out, "path", json!(node.path));
    put(out, "original_file_path", json!(node.original_file_path));
    put(out, "unique_id", json!(node.unique_id));
}

fn references(out: &mut JsonMap, node: &Node) {
    put(out, "refs", Json::Array(node.refs.iter().map(ref_json).collect()));
    put(out, "sources", json!(node.sources));
    put(out, "metrics", json!(node.metrics));
    put(out, "depends_on", json!({"macros": node.depends_on.macros, "nodes": node.depends_on.nodes}));
}

fn ref_json(r: &RefArgs) -> Json {
    json!({"name": r.name, "package": r.package, "version": r.version})
}

fn relation_name(node: &Node) -> Json {
    node.relation.as_ref().map_or(Json::Null, |relation| Json::String(relation.to_string()))
}

fn contract_json(node: &Node) -> Json {
    let configured = |key: &str, default: bool| {
        node.config.get("contract").and_then(|contract| contract.get(key)).and_then(Json::as_bool).unwrap_or(default)
    };
    json!({
        "enforced": configured("enforced", false),
        "alias_types": configured("alias_types", true),
        "checksum": node.as_model().and_then(|model| model.contract_checksum.as_ref()),
    })
}

fn columns_json(node: &Node) -> Json {
    Json::Object(node.columns.iter().map(|(name, column)| (name.clone(), column_json(column))).collect())
}

fn column_json(column: &ColumnInfo) -> Json {
    let mut whole = json!({
        "name": column.name,
        "description": column.description,
        "meta": column.meta,
        "data_type": column.data_type,
        "constraints": column.constraints,
        "quote": column.quote,
        "config": column.config,
        "tags": column.tags,
        "granularity": column.granularity,
        "doc_blocks": column.doc_blocks,
    });
    if let Some(whole) = whole.as_object_mut() {
        whole.extend(column.extra.clone());
    }
    whole
}

fn model_json(out: &mut JsonMap, model: &ModelDetail) {
    put(out, "access", json!(model.access));
    put(out, "constraints", json!(model.constraints));
    put(out, "version", json!(model.version));
    put(out, "latest_version", json!(model.latest_version));
    put(out, "deprecation_date", json!(model.deprecation_date));
    put(out, "primary_key", json!(model.primary_key));
    put(out, "time_spine", json!(model.time_spine));
}

fn test_json(out: &mut JsonMap, test: &TestDetail) {
    let Some(metadata) = &test.metadata else { return };
    put(out, "column_name", json!(test.column_name));
    put(out, "file_key_name", json!(test.file_key_name));
    put(out, "attached_node", json!(test.attached_node));
    put(
        out,
        "test_metadata",
        json!({"name": metadata.name, "kwargs": metadata.kwargs, "namespace": metadata.namespace}),
    );
}

fn source_json(node: &Node, source: &SourceDetail) -> JsonMap {
    let mut out = JsonMap::new();
    put(&mut out, "database", json!(node.database));
    put(&mut out, "schema", json!(node.schema));
    identity(&mut out, node);
    put(&mut out, "fqn", json!(node.fqn));
    put(&mut out, "source_name", json!(source.source_name));
    put(&mut out, "source_description", json!(source.source_description));
    put(&mut out, "loader", json!(source.loader));
    put(&mut out, "identifier", json!(source.identifier));
    put(&mut out, "quoting", Json::Object(source.quoting.clone()));
    put(&mut out, "loaded_at_field", json!(source.loaded_at_field));
    put(&mut out, "loaded_at_query", json!(source.loaded_at_query));
    put(&mut out, "freshness", json!(source.freshness));
    put(&mut out, "external", json!(source.external));
    put(&mut out, "description", json!(node.description));
    put(&mut out, "columns", columns_json(node));
    put(&mut out, "meta", Json::Object(node.meta.clone()));
    put(&mut out, "source_meta", Json::Object(source.source_meta.clone()));
    put(&mut out, "tags", json!(node.tags));
    put(&mut out, "config", Json::Object(node.config.clone()));
    put(&mut out, "patch_path", json!(node.patch_path));
    put(&mut out, "unrendered_config", Json::Object(node.unrendered_config.clone()));
    put(&mut out, "relation_name", relation_name(node));
    put(&mut out, "unrendered_database", json!(source.unrendered_database));
    put(&mut out, "unrendered_schema", json!(source.unrendered_schema));
    put(&mut out, "doc_blocks", json!([]));
    out
}

fn exposure_json(node: &Node, exposure: &ExposureDetail) -> JsonMap {
    let mut out = JsonMap::new();
    identity(&mut out, node);
    put(&mut out, "fqn", json!(node.fqn));
    put(&mut out, "type", json!(exposure.kind));
    put(&mut out, "owner", Json::Object(exposure.owner.clone()));
    put(&mut out, "description", json!(node.description));
    put(&mut out, "label", json!(exposure.label));
    put(&mut out, "maturity", json!(exposure.maturity));
    put(&mut out, "meta", Json::Object(node.meta.clone()));
    put(&mut out, "tags", json!(node.tags));
    put(&mut out, "config", Json::Object(node.config.clone()));
    put(&mut out, "unrendered_config", Json::Object(node.unrendered_config.clone()));
    put(&mut out, "url", json!(exposure.url));
    references(&mut out, node);
    out
}

/// The manifest's section for nodes of a kind.
pub(super) fn section(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Source => "sources",
        ResourceType::Exposure => "exposures",
        ResourceType::Metric => "metrics",
        ResourceType::SemanticModel => "semantic_models",
        ResourceType::SavedQuery => "saved_queries",
        ResourceType::UnitTest => "unit_tests",
        ResourceType::Group => "groups",
        ResourceType::Function => "functions",
        _ => "nodes",
    }
}
