//! The manifest as dbt writes it, schema version 12.

use std::path::Path;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::error::Error;
use super::node_out::{node_json, section};
use super::write_whole;
use crate::build::Compiled;
use crate::model::{Doc, JsonMap, Macro, Manifest, Node, NodeId, ResourceType};

/// Sections of nodes, in dbt's order.
const SECTIONS: [&str; 9] = [
    "nodes",
    "sources",
    "exposures",
    "metrics",
    "groups",
    "saved_queries",
    "semantic_models",
    "unit_tests",
    "functions",
];

/// Writes `manifest.json`.
///
/// # Errors
/// The file cannot be written.
pub fn write_manifest(manifest: &Manifest, path: &Path) -> Result<(), Error> {
    write_whole(path, &manifest_json(manifest)).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Writes `manifest.json` with what some of its nodes were compiled to.
///
/// # Errors
/// The file cannot be written.
pub fn write_compiled_manifest<'a>(
    manifest: &Manifest,
    compiled: impl Iterator<Item = (&'a NodeId, &'a Compiled)>,
    path: &Path,
) -> Result<(), Error> {
    let mut json = manifest_json(manifest);
    for (id, compiled) in compiled {
        if let Some(Json::Object(node)) = json.get_mut("nodes").and_then(|nodes| nodes.get_mut(id.as_str())) {
            let ctes: Vec<Json> = compiled.ctes.iter().map(|(id, sql)| json!({"id": id, "sql": sql})).collect();
            node.insert("compiled_path".to_owned(), json!(compiled.path));
            node.insert("compiled".to_owned(), json!(true));
            node.insert("compiled_code".to_owned(), json!(compiled.code));
            node.insert("extra_ctes_injected".to_owned(), json!(true));
            node.insert("extra_ctes".to_owned(), json!(ctes));
        }
    }
    write_whole(path, &json).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// The manifest in dbt's shape.
pub fn manifest_json(manifest: &Manifest) -> Json {
    let mut sections: IndexMap<&str, JsonMap> = SECTIONS.iter().map(|name| (*name, JsonMap::new())).collect();
    for (id, node) in &manifest.nodes {
        if let Some(entries) = sections.get_mut(section(node.resource_type)) {
            entries.insert(id.to_string(), node_json(node));
        }
    }
    let (parents, children) = edges(manifest);
    let mut out = JsonMap::new();
    out.insert("metadata".to_owned(), metadata(manifest));
    out.extend(sections.into_iter().map(|(name, entries)| (name.to_owned(), Json::Object(entries))));
    out.insert("macros".to_owned(), collect(manifest.macros.iter().map(|(id, m)| (id.clone(), macro_json(m)))));
    out.insert("docs".to_owned(), collect(manifest.docs.iter().map(|(id, doc)| (id.clone(), doc_json(doc)))));
    out.insert("selectors".to_owned(), Json::Object(manifest.selectors.clone()));
    out.insert(
        "disabled".to_owned(),
        collect(manifest.disabled.iter().map(|(id, nodes)| (id.to_string(), nodes.iter().map(node_json).collect()))),
    );
    out.insert("parent_map".to_owned(), parents);
    out.insert("child_map".to_owned(), children);
    out.insert("group_map".to_owned(), group_map(manifest));
    Json::Object(out)
}

fn collect(entries: impl Iterator<Item = (String, Json)>) -> Json {
    Json::Object(entries.collect())
}

fn metadata(manifest: &Manifest) -> Json {
    let metadata = &manifest.metadata;
    json!({
        "dbt_schema_version": metadata.schema_version,
        "dbt_version": metadata.dbt_version,
        "generated_at": metadata.generated_at,
        "invocation_id": metadata.invocation_id,
        "env": {},
        "project_name": metadata.project_name,
        "user_id": null,
        "send_anonymous_usage_stats": false,
        "adapter_type": metadata.adapter_type,
        "quoting": metadata.quoting,
    })
}

/// Whether dbt lists the node in its maps of parents and children.
fn is_in_graph(node: &Node) -> bool {
    node.resource_type != ResourceType::Group
}

fn edges(manifest: &Manifest) -> (Json, Json) {
    let mut parents: IndexMap<&NodeId, Vec<&NodeId>> = IndexMap::new();
    let mut children: IndexMap<&NodeId, Vec<&NodeId>> = IndexMap::new();
    for (id, node) in manifest.nodes.iter().filter(|(_, node)| is_in_graph(node)) {
        parents.entry(id).or_default();
        children.entry(id).or_default();
        let mut own: Vec<&NodeId> = Vec::with_capacity(node.depends_on.nodes.len());
        for parent in &node.depends_on.nodes {
            if !own.contains(&parent) {
                own.push(parent);
                children.entry(parent).or_default().push(id);
            }
        }
        parents.insert(id, own);
    }
    let shown =
        |map: IndexMap<&NodeId, Vec<&NodeId>>| collect(map.into_iter().map(|(id, list)| (id.to_string(), json!(list))));
    (shown(parents), shown(children))
}

fn group_map(manifest: &Manifest) -> Json {
    let mut groups: IndexMap<&str, Vec<&NodeId>> =
        manifest.of_type(ResourceType::Group).map(|group| (group.name.as_str(), Vec::new())).collect();
    for (id, node) in &manifest.nodes {
        if let Some(members) = node.group.as_deref().and_then(|group| groups.get_mut(group)) {
            members.push(id);
        }
    }
    collect(groups.into_iter().map(|(name, members)| (name.to_owned(), json!(members))))
}

fn macro_json(m: &Macro) -> Json {
    let mut docs = json!({"show": true, "node_color": null});
    if let Some(docs) = docs.as_object_mut() {
        docs.extend(m.docs.clone());
    }
    json!({
        "name": m.name,
        "resource_type": "macro",
        "package_name": m.package_name,
        "path": m.original_file_path,
        "original_file_path": m.original_file_path,
        "unique_id": m.unique_id,
        "macro_sql": m.macro_sql,
        "depends_on": {"macros": m.depends_on},
        "description": m.description,
        "meta": m.meta,
        "docs": docs,
        "config": {"meta": m.meta, "docs": docs},
        "patch_path": m.patch_path,
        "arguments": m.arguments,
        "supported_languages": m.supported_languages,
    })
}

fn doc_json(doc: &Doc) -> Json {
    // dbt shows the path relative to the folder that it searched.
    let path = doc.original_file_path.split_once('/').map_or(doc.original_file_path.as_str(), |(_, rest)| rest);
    json!({
        "name": doc.name,
        "resource_type": "doc",
        "package_name": doc.package_name,
        "path": path,
        "original_file_path": doc.original_file_path,
        "unique_id": doc.unique_id,
        "block_contents": doc.block_contents,
    })
}
