//! Manifests of others: what is checked before one is believed.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use super::error::Error;
use super::node_in;
use crate::model::{Doc, JsonMap, Macro, Manifest, Metadata, Node, NodeId};

const OLDEST: u32 = 7;
const NEWEST: u32 = 12;

/// Sections whose entries become nodes.
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

/// Reads a `manifest.json`.
///
/// # Errors
/// The file cannot be read, is cut off, is no manifest, or has a version that is not read.
pub fn read_manifest(path: &Path) -> Result<Manifest, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    parse_manifest(&bytes, &path.display().to_string())
}

/// Reads a manifest's bytes; `name` is the file or URL for messages.
///
/// # Errors
/// The text is cut off, is no manifest, or has a version that is not read.
pub fn parse_manifest(bytes: &[u8], name: &str) -> Result<Manifest, Error> {
    let json: Json = serde_json::from_slice(bytes).map_err(|source| {
        if source.is_eof() && !bytes.is_empty() {
            Error::Truncated { name: name.to_owned(), line: source.line(), size: bytes.len() }
        } else {
            Error::NotJson { name: name.to_owned(), source }
        }
    })?;
    let not_a_manifest = |why: &str| Error::NotAManifest { name: name.to_owned(), why: why.to_owned() };
    let Json::Object(mut root) = json else { return Err(not_a_manifest("it is no JSON object")) };
    let metadata =
        root.get("metadata").and_then(Json::as_object).ok_or_else(|| not_a_manifest("it has no `metadata`"))?;
    check_version(metadata, name)?;
    if !root.get("nodes").is_some_and(Json::is_object) {
        return Err(not_a_manifest("it has no `nodes`"));
    }
    let mut manifest = Manifest { metadata: read_metadata(metadata), ..Manifest::default() };
    for section in SECTIONS {
        for (id, entry) in take_object(&mut root, section) {
            if let Some(node) = read_node(&id, &entry, name)? {
                manifest.nodes.insert(NodeId::from(id), node);
            }
        }
    }
    for (id, entries) in take_object(&mut root, "disabled") {
        let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
        let nodes: Vec<Node> = entries.iter().filter_map(|entry| node_in::node(entry.as_object()?).ok()).collect();
        manifest.disabled.insert(NodeId::from(id), nodes);
    }
    manifest.macros =
        take_object(&mut root, "macros").into_iter().map(|(id, entry)| (id.clone(), read_macro(id, &entry))).collect();
    manifest.docs =
        take_object(&mut root, "docs").into_iter().map(|(id, entry)| (id.clone(), read_doc(id, &entry))).collect();
    manifest.selectors = take_object(&mut root, "selectors");
    Ok(manifest)
}

fn take_object(root: &mut JsonMap, key: &str) -> JsonMap {
    match root.remove(key) {
        Some(Json::Object(map)) => map,
        _ => JsonMap::new(),
    }
}

/// The version is the number in `https://schemas.getdbt.com/dbt/manifest/v12.json`; dbt v2 writes versions above 12 whose
/// nodes have the same fields.
fn check_version(metadata: &JsonMap, name: &str) -> Result<(), Error> {
    let not_a_manifest = |why: String| Error::NotAManifest { name: name.to_owned(), why };
    let Some(schema) = metadata.get("dbt_schema_version").and_then(Json::as_str) else {
        return Err(not_a_manifest("its metadata has no `dbt_schema_version`".to_owned()));
    };
    let Some((_, file)) = schema.rsplit_once("manifest/") else {
        return Err(not_a_manifest(format!("its schema is {schema}")));
    };
    let digits: String = file.chars().filter(char::is_ascii_digit).collect();
    let Ok(found) = digits.parse::<u32>() else {
        return Err(not_a_manifest(format!("its schema is {schema}")));
    };
    let dbt = metadata.get("dbt_version").and_then(Json::as_str);
    let by_v2 = dbt.is_some_and(|version| version.starts_with("2."));
    if (OLDEST..=NEWEST).contains(&found) || (by_v2 && found > NEWEST) {
        return Ok(());
    }
    let written_by = dbt.map(|version| format!(" (written by dbt {version})")).unwrap_or_default();
    Err(Error::Version { name: name.to_owned(), found, oldest: OLDEST, newest: NEWEST, written_by })
}

fn read_metadata(metadata: &JsonMap) -> Metadata {
    let text = |key: &str| metadata.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    Metadata {
        schema_version: text("dbt_schema_version"),
        dbt_version: text("dbt_version"),
        project_name: text("project_name"),
        adapter_type: text("adapter_type"),
        generated_at: text("generated_at"),
        invocation_id: text("invocation_id"),
        quoting: metadata.get("quoting").and_then(Json::as_object).cloned().unwrap_or_default(),
    }
}

/// A node; none for kinds that we do not know, which newer versions may have.
fn read_node(id: &str, entry: &Json, name: &str) -> Result<Option<Node>, Error> {
    let wrong = |field| Error::Node { name: name.to_owned(), node: id.to_owned(), field };
    let entry = entry.as_object().ok_or_else(|| wrong("unique_id"))?;
    match node_in::node(entry) {
        Ok(node) => Ok(Some(node)),
        Err("resource_type") => Ok(None),
        Err(field) => Err(wrong(field)),
    }
}

fn read_macro(unique_id: String, entry: &Json) -> Macro {
    let text = |key: &str| entry.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let depends_on = entry.get("depends_on").and_then(|depends_on| depends_on.get("macros"));
    Macro {
        name: text("name"),
        package_name: text("package_name"),
        original_file_path: text("original_file_path"),
        macro_sql: text("macro_sql"),
        depends_on: depends_on.and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default(),
        description: text("description"),
        meta: entry.get("meta").and_then(Json::as_object).cloned().unwrap_or_default(),
        docs: entry.get("docs").and_then(Json::as_object).cloned().unwrap_or_default(),
        arguments: entry.get("arguments").and_then(Json::as_array).cloned().unwrap_or_default(),
        patch_path: entry.get("patch_path").and_then(Json::as_str).map(str::to_owned),
        supported_languages: entry
            .get("supported_languages")
            .and_then(|list| serde_json::from_value(list.clone()).ok()),
        unique_id,
        ..Macro::default()
    }
}

fn read_doc(unique_id: String, entry: &Json) -> Doc {
    let text = |key: &str| entry.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    Doc {
        name: text("name"),
        package_name: text("package_name"),
        original_file_path: text("original_file_path"),
        block_contents: text("block_contents"),
        unique_id,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::{Error, manifest_json};
    use super::parse_manifest;

    #[expect(clippy::needless_pass_by_value, reason = "callers write the JSON in place")]
    fn manifest(version: u32, node: Json) -> Vec<u8> {
        let schema = format!("https://schemas.getdbt.com/dbt/manifest/v{version}.json");
        json!({
            "metadata": {"dbt_schema_version": schema, "dbt_version": "1.9.0"},
            "nodes": {"model.shop.a": node}, "unknown_section": {"x": 1},
        })
        .to_string()
        .into_bytes()
    }

    fn model() -> Json {
        json!({
            "unique_id": "model.shop.a", "resource_type": "model", "name": "a", "package_name": "shop",
            "fqn": ["shop", "a"], "refs": [["b"], ["pkg", "c"]], "relation_name": "\"db\".\"s\".\"a\"", "raw_code": "select 1",
            "depends_on": {"macros": [], "nodes": ["model.shop.b"]}, "config": {"materialized": "table"}, "new_field": 1,
        })
    }

    #[test]
    fn old_and_new_shapes_are_read() {
        let read = parse_manifest(&manifest(8, model()), "m.json").unwrap();
        let node = read.node("model.shop.a").unwrap();
        assert_eq!(node.refs[1].package.as_deref(), Some("pkg"));
        assert_eq!(node.relation.as_ref().unwrap().to_string(), "\"db\".\"s\".\"a\"");
        assert_eq!(node.materialized(), "table");
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let read = parse_manifest(&manifest(12, model()), "m.json").unwrap();
        let written = manifest_json(&read);
        let again = parse_manifest(written.to_string().as_bytes(), "m.json").unwrap();
        assert_eq!(read.nodes, again.nodes);
        assert_eq!(written["parent_map"]["model.shop.a"], json!(["model.shop.b"]));
        assert_eq!(written["child_map"]["model.shop.b"], json!(["model.shop.a"]));
    }

    #[test]
    fn errors_say_what_the_file_is() {
        let error = |bytes: &[u8]| parse_manifest(bytes, "m.json").unwrap_err();
        let whole = manifest(12, model());
        assert!(matches!(error(&whole[..whole.len() / 2]), Error::Truncated { .. }));
        assert!(matches!(error(b""), Error::NotJson { .. }));
        assert!(matches!(error(b"<html>"), Error::NotJson { .. }));
        assert!(error(b"[]").to_string().contains("no JSON object"));
        assert!(error(b"{}").to_string().contains("no `metadata`"));
        let message = error(&manifest(4, model())).to_string();
        assert!(
            message.contains("version 4") && message.contains("7 to 12") && message.contains("dbt 1.9.0"),
            "{message}"
        );
        let message = error(&manifest(12, json!({"resource_type": "model"}))).to_string();
        assert!(message.contains("model.shop.a has no usable `unique_id`"), "{message}");
    }
}
