//! Manifests of others: what is checked before one is believed.

use std::path::Path;
use std::{fmt, fs};

use rayon::prelude::*;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::error::Error;
use super::lenient::{Entries, Key, Object};
use super::node_in::{Configs, Entry};
use crate::model::{Doc, JsonMap, Macro, Manifest, Metadata, Node, NodeId};

const OLDEST: u32 = 7;
const NEWEST: u32 = 12;

/// Sections besides `nodes` whose entries become nodes.
const SECTIONS: [&str; 8] =
    ["sources", "exposures", "metrics", "groups", "saved_queries", "semantic_models", "unit_tests", "functions"];

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
    // Text is checked once as a whole rather than value by value; what is no text is told by the reader of bytes.
    let document: Result<Document<'_>, _> = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    };
    let document = document.map_err(|source| {
        let name = name.to_owned();
        match source.classify() {
            Category::Eof if !bytes.is_empty() => Error::Truncated { name, line: source.line(), size: bytes.len() },
            Category::Data => Error::NotAManifest { name, why: source.to_string() },
            _ => Error::NotJson { name, source },
        }
    })?;
    let not_a_manifest = |why: &str| Error::NotAManifest { name: name.to_owned(), why: why.to_owned() };
    let Document(mut sections) = document;
    let metadata = sections.metadata.take().ok_or_else(|| not_a_manifest("it has no `metadata`"))?.0;
    check_version(&metadata, name)?;
    let nodes = sections.nodes.take().ok_or_else(|| not_a_manifest("it has no `nodes`"))?.0;
    let configs = Configs::default();
    let mut manifest = Manifest { metadata: read_metadata(&metadata), ..Manifest::default() };
    let read: Vec<_> = nodes
        .into_par_iter()
        .map(|(id, entry)| (entry.compiled(), read_node(id, entry, None, &configs, name)))
        .collect();
    for (compiled, node) in read {
        let node = node?;
        manifest.compiled_code.extend(node.as_ref().zip(compiled).map(|((id, _), code)| (id.clone(), code)));
        manifest.nodes.extend(node);
    }
    for (id, raw) in sections.others.into_iter().flat_map(|entries| entries.0) {
        let entry = entry(raw, &id, name)?;
        manifest.nodes.extend(read_node(id, entry, Some(raw), &configs, name)?);
    }
    for (id, entries) in sections.disabled.0 {
        let nodes = entries.into_iter().filter_map(|raw| entry(raw, &id, name).ok()?.node(&configs, Some(raw)).ok());
        manifest.disabled.insert(NodeId::from(id.as_str()), nodes.collect());
    }
    manifest.macros = sections.macros.0.into_iter().map(|(id, m)| (id.clone(), read_macro(id, &m))).collect();
    manifest.docs = sections.docs.0.into_iter().map(|(id, doc)| (id.clone(), read_doc(id, &doc))).collect();
    manifest.selectors = sections.selectors.0;
    Ok(manifest)
}

/// The file's sections. Nodes are read as they come; what is rare stays text.
#[derive(Default)]
struct Sections<'m> {
    metadata: Option<Object>,
    nodes: Option<Entries<Entry<'m>>>,
    others: Vec<Entries<&'m RawValue>>,
    disabled: Entries<Vec<&'m RawValue>>,
    macros: Entries<Json>,
    docs: Entries<Json>,
    selectors: Object,
}

/// The file.
struct Document<'m>(Sections<'m>);

struct DocumentVisitor;

impl<'m> Visitor<'m> for DocumentVisitor {
    type Value = Document<'m>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'m>>(self, mut map: A) -> Result<Document<'m>, A::Error> {
        let mut found = Sections::default();
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "metadata" => found.metadata = Some(map.next_value()?),
                "nodes" => found.nodes = map.next_value()?,
                "disabled" => found.disabled = map.next_value()?,
                "macros" => found.macros = map.next_value()?,
                "docs" => found.docs = map.next_value()?,
                "selectors" => found.selectors = map.next_value()?,
                other if SECTIONS.contains(&other) => found.others.push(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Document(found))
    }
}

impl<'m> Deserialize<'m> for Document<'m> {
    fn deserialize<D: Deserializer<'m>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

/// The version is the number in `https://schemas.getdbt.com/dbt/manifest/v12.json`; dbt v2 writes versions above 12
/// whose nodes have the same fields.
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

/// An entry that was left as text.
fn entry<'m>(raw: &'m RawValue, id: &str, name: &str) -> Result<Entry<'m>, Error> {
    serde_json::from_str(raw.get())
        .map_err(|source| Error::NotAManifest { name: name.to_owned(), why: format!("{id}: {source}") })
}

/// A node; none for kinds that we do not know, which newer versions may have.
fn read_node<'m>(
    id: String,
    entry: Entry<'m>,
    whole: Option<&'m RawValue>,
    configs: &Configs<'m>,
    name: &str,
) -> Result<Option<(NodeId, Node)>, Error> {
    match entry.node(configs, whole) {
        Ok(node) => Ok(Some((NodeId::from(id), node))),
        Err("resource_type") => Ok(None),
        Err(field) => Err(Error::Node { name: name.to_owned(), node: id, field }),
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
        assert!(error(b"[]").to_string().contains("expected a JSON object"));
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
