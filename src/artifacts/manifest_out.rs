//! The manifest as dbt writes it, schema version 12.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;

use indexmap::IndexMap;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::error::Error;
use super::node_out::{DependsOnMacros, NodeOut, section};
use super::write_whole;
use crate::build::Compiled;
use crate::model::{Doc, FastHash, JsonMap, Macro, Manifest, Metadata, Node, NodeId, ResourceType};

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
    let document = Document { manifest, compiled: HashMap::default() };
    write_whole(path, &document).map_err(|source| Error::Write { path: path.to_owned(), source })
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
    let document = Document { manifest, compiled: compiled.collect() };
    write_whole(path, &document).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// The manifest in dbt's shape.
#[cfg(test)]
pub(crate) fn manifest_json(manifest: &Manifest) -> Json {
    serde_json::to_value(Document { manifest, compiled: HashMap::default() }).unwrap()
}

/// The whole file. Every node is written as it is reached.
struct Document<'a> {
    manifest: &'a Manifest,
    /// What some nodes were compiled to.
    compiled: HashMap<&'a NodeId, &'a Compiled, FastHash>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let manifest = self.manifest;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("metadata", &MetadataOut::of(&manifest.metadata))?;
        for section in SECTIONS {
            out.serialize_entry(section, &Section { document: self, section })?;
        }
        out.serialize_entry("macros", &by_id(manifest.macros.iter().map(|(id, m)| (id, MacroOut::of(m)))))?;
        out.serialize_entry("docs", &by_id(manifest.docs.iter().map(|(id, doc)| (id, DocOut::of(doc)))))?;
        out.serialize_entry("selectors", &manifest.selectors)?;
        out.serialize_entry("disabled", &by_id(manifest.disabled.iter().map(|(id, nodes)| (id, Listed(nodes)))))?;
        let (parents, children) = edges(manifest);
        out.serialize_entry("parent_map", &parents)?;
        out.serialize_entry("child_map", &children)?;
        out.serialize_entry("group_map", &group_map(manifest))?;
        out.end()
    }
}

/// The nodes of one section.
struct Section<'a> {
    document: &'a Document<'a>,
    section: &'static str,
}

impl Serialize for Section<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Document { manifest, compiled } = self.document;
        let own = manifest.nodes.iter().filter(|(_, node)| section(node.resource_type) == self.section);
        serializer.collect_map(own.map(|(id, node)| (id, NodeOut { node, compiled: compiled.get(id).copied() })))
    }
}

/// Nodes that share an id.
struct Listed<'a>(&'a [Node]);

impl Serialize for Listed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(NodeOut::parsed))
    }
}

/// An object of what `entries` gives.
fn by_id<K: Hash + Eq, V>(entries: impl Iterator<Item = (K, V)>) -> IndexMap<K, V> {
    entries.collect()
}

#[derive(Serialize)]
struct MetadataOut<'a> {
    dbt_schema_version: &'a str,
    dbt_version: &'a str,
    generated_at: &'a str,
    invocation_id: &'a str,
    env: Empty,
    project_name: &'a str,
    user_id: (),
    send_anonymous_usage_stats: bool,
    adapter_type: &'a str,
    quoting: &'a JsonMap,
}

/// An object without keys.
#[derive(Serialize)]
struct Empty {}

impl<'a> MetadataOut<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        Self {
            dbt_schema_version: &metadata.schema_version,
            dbt_version: &metadata.dbt_version,
            generated_at: &metadata.generated_at,
            invocation_id: &metadata.invocation_id,
            env: Empty {},
            project_name: &metadata.project_name,
            user_id: (),
            send_anonymous_usage_stats: false,
            adapter_type: &metadata.adapter_type,
            quoting: &metadata.quoting,
        }
    }
}

/// Whether dbt lists the node in its maps of parents and children.
fn is_in_graph(node: &Node) -> bool {
    node.resource_type != ResourceType::Group
}

/// Parents and children by id.
type Edges<'a> = IndexMap<&'a NodeId, Vec<&'a NodeId>, FastHash>;

fn edges(manifest: &Manifest) -> (Edges<'_>, Edges<'_>) {
    let mut parents = Edges::with_capacity_and_hasher(manifest.nodes.len(), FastHash::default());
    let mut children = Edges::with_capacity_and_hasher(manifest.nodes.len(), FastHash::default());
    for (id, node) in manifest.nodes.iter().filter(|(_, node)| is_in_graph(node)) {
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
    (parents, children)
}

fn group_map(manifest: &Manifest) -> IndexMap<&str, Vec<&NodeId>> {
    let mut groups: IndexMap<&str, Vec<&NodeId>> =
        manifest.of_type(ResourceType::Group).map(|group| (group.name.as_str(), Vec::new())).collect();
    for (id, node) in &manifest.nodes {
        if let Some(members) = node.group.as_deref().and_then(|group| groups.get_mut(group)) {
            members.push(id);
        }
    }
    groups
}

/// A macro as the manifest shows it; `docs` are said twice, as dbt does.
#[derive(Serialize)]
struct MacroOut<'a> {
    name: &'a str,
    resource_type: &'static str,
    package_name: &'a str,
    path: &'a str,
    original_file_path: &'a str,
    unique_id: &'a str,
    macro_sql: &'a str,
    depends_on: DependsOnMacros<'a>,
    description: &'a str,
    meta: &'a JsonMap,
    docs: JsonMap,
    config: MacroConfig<'a>,
    patch_path: Option<&'a str>,
    arguments: &'a [Json],
    supported_languages: Option<&'a [String]>,
}

#[derive(Serialize)]
struct MacroConfig<'a> {
    meta: &'a JsonMap,
    docs: JsonMap,
}

impl<'a> MacroOut<'a> {
    fn of(m: &'a Macro) -> Self {
        let mut docs =
            JsonMap::from_iter([("show".to_owned(), Json::Bool(true)), ("node_color".to_owned(), Json::Null)]);
        docs.extend(m.docs.clone());
        Self {
            name: &m.name,
            resource_type: "macro",
            package_name: &m.package_name,
            path: &m.original_file_path,
            original_file_path: &m.original_file_path,
            unique_id: &m.unique_id,
            macro_sql: &m.macro_sql,
            depends_on: DependsOnMacros { macros: &m.depends_on },
            description: &m.description,
            meta: &m.meta,
            config: MacroConfig { meta: &m.meta, docs: docs.clone() },
            docs,
            patch_path: m.patch_path.as_deref(),
            arguments: &m.arguments,
            supported_languages: m.supported_languages.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct DocOut<'a> {
    name: &'a str,
    resource_type: &'static str,
    package_name: &'a str,
    path: &'a str,
    original_file_path: &'a str,
    unique_id: &'a str,
    block_contents: &'a str,
}

impl<'a> DocOut<'a> {
    fn of(doc: &'a Doc) -> Self {
        // dbt shows the path relative to the folder that it searched.
        let path = doc.original_file_path.split_once('/').map_or(doc.original_file_path.as_str(), |(_, rest)| rest);
        Self {
            name: &doc.name,
            resource_type: "doc",
            package_name: &doc.package_name,
            path,
            original_file_path: &doc.original_file_path,
            unique_id: &doc.unique_id,
            block_contents: &doc.block_contents,
        }
    }
}
