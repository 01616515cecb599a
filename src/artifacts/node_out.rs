//! One node as the manifest shows it, which is also what `model` shows in Jinja.
//!
//! Nodes are written as they are read, field by field: a tree of JSON for each would double the memory of a parse.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::build::Compiled;
use crate::model::node::{ExposureDetail, ModelDetail, SourceDetail, TestDetail};
use crate::model::{Checksum, ColumnInfo, Detail, Node, NodeId, RefArgs, Relation, ResourceType};

/// The node in the shape of manifest version 12.
pub fn node_json(node: &Node) -> Json {
    // Keys are text and no value fails to serialize, which is all that could go wrong.
    serde_json::to_value(NodeOut::parsed(node)).unwrap_or(Json::Null)
}

/// A node that serializes as the manifest shows it.
pub(super) struct NodeOut<'a> {
    pub(super) node: &'a Node,
    /// What it was compiled to, if it was.
    pub(super) compiled: Option<&'a Compiled>,
}

impl<'a> NodeOut<'a> {
    /// The node as it was parsed.
    pub(super) fn parsed(node: &'a Node) -> Self {
        Self { node, compiled: None }
    }
}

impl Serialize for NodeOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let node = self.node;
        if let Detail::Other(map) = &node.detail {
            return map.serialize(serializer);
        }
        let mut out = serializer.serialize_map(None)?;
        match &node.detail {
            Detail::Source(source) => put_source(&mut out, node, source)?,
            Detail::Exposure(exposure) => put_exposure(&mut out, node, exposure)?,
            _ => put_sql(&mut out, node, self.compiled)?,
        }
        if let Some(compiled) = self.compiled {
            put_compiled(&mut out, compiled)?;
        }
        out.end()
    }
}

/// Puts fields in order: `fields!(out, "name" => value, …)`.
macro_rules! fields {
    ($out:expr, $($key:literal => $value:expr),+ $(,)?) => {
        $($out.serialize_entry($key, &$value)?;)+
    };
}

fn put_sql<M: SerializeMap>(out: &mut M, node: &Node, compiled: Option<&Compiled>) -> Result<(), M::Error> {
    fields!(out, "database" => node.database, "schema" => node.schema);
    put_identity(out, node)?;
    fields!(out,
        "fqn" => node.fqn,
        "alias" => node.alias,
        "checksum" => ChecksumOut::of(&node.checksum),
        "config" => node.config,
        "tags" => node.tags,
        "description" => node.description,
        "columns" => Columns(node),
        "meta" => node.meta,
        "group" => node.group,
    );
    match node.config.get("docs") {
        Some(docs) => out.serialize_entry("docs", docs)?,
        None => out.serialize_entry("docs", &Docs::default())?,
    }
    fields!(out,
        "patch_path" => node.patch_path,
        "build_path" => (),
        "unrendered_config" => node.unrendered_config,
        // dbt has a function's name in its parts only.
        "relation_name" => Text(node.relation.as_ref().filter(|_| node.resource_type != ResourceType::Function)),
        "raw_code" => node.raw_code,
        "doc_blocks" => [(); 0],
    );
    if let Detail::Seed { root_path } = &node.detail {
        fields!(out, "root_path" => root_path, "depends_on" => DependsOnMacros { macros: &node.depends_on.macros });
        return Ok(());
    }
    fields!(out, "language" => node.language);
    put_references(out, node)?;
    fields!(out, "functions" => node.functions, "compiled_path" => compiled.map(|compiled| &compiled.path), "contract" => Contract::of(node));
    match &node.detail {
        Detail::Model(model) => put_model(out, model),
        Detail::Test(test) => put_test(out, test),
        Detail::Function { arguments, returns } => {
            fields!(out, "arguments" => arguments, "returns" => returns);
            Ok(())
        }
        Detail::Operation { index, .. } => out.serialize_entry("index", index),
        _ => Ok(()),
    }
}

fn put_compiled<M: SerializeMap>(out: &mut M, compiled: &Compiled) -> Result<(), M::Error> {
    let ctes: Vec<CteOut<'_>> = compiled.ctes.iter().map(|(id, sql)| CteOut { id: id.as_str(), sql }).collect();
    fields!(out,
        "compiled" => true,
        "compiled_code" => compiled.code,
        "extra_ctes_injected" => true,
        "extra_ctes" => ctes,
    );
    Ok(())
}

/// An ephemeral model that a query begins with.
#[derive(Serialize)]
struct CteOut<'a> {
    id: &'a str,
    sql: &'a str,
}

fn put_identity<M: SerializeMap>(out: &mut M, node: &Node) -> Result<(), M::Error> {
    fields!(out,
        "name" => node.name,
        "resource_type" => node.resource_type.as_str(),
        "package_name" => node.package_name,
        "path" => node.path,
        "original_file_path" => node.original_file_path,
        "unique_id" => node.unique_id,
    );
    Ok(())
}

fn put_references<M: SerializeMap>(out: &mut M, node: &Node) -> Result<(), M::Error> {
    let refs: Vec<Ref<'_>> = node.refs.iter().map(Ref::of).collect();
    fields!(out,
        "refs" => refs,
        "sources" => node.sources,
        "metrics" => node.metrics,
        "depends_on" => DependsOnOut { macros: &node.depends_on.macros, nodes: &node.depends_on.nodes },
    );
    Ok(())
}

fn put_model<M: SerializeMap>(out: &mut M, model: &ModelDetail) -> Result<(), M::Error> {
    fields!(out,
        "access" => model.access,
        "constraints" => model.constraints,
        "version" => model.version,
        "latest_version" => model.latest_version,
        "deprecation_date" => model.deprecation_date,
        "primary_key" => model.primary_key,
        "time_spine" => model.time_spine,
    );
    Ok(())
}

fn put_test<M: SerializeMap>(out: &mut M, test: &TestDetail) -> Result<(), M::Error> {
    let Some(metadata) = &test.metadata else { return Ok(()) };
    fields!(out,
        "column_name" => test.column_name,
        "file_key_name" => test.file_key_name,
        "attached_node" => test.attached_node,
        "test_metadata" => TestMetadataOut {
            name: &metadata.name,
            kwargs: &metadata.kwargs,
            namespace: metadata.namespace.as_deref(),
        },
    );
    Ok(())
}

fn put_source<M: SerializeMap>(out: &mut M, node: &Node, source: &SourceDetail) -> Result<(), M::Error> {
    fields!(out, "database" => node.database, "schema" => node.schema);
    put_identity(out, node)?;
    fields!(out,
        "fqn" => node.fqn,
        "source_name" => source.source_name,
        "source_description" => source.source_description,
        "loader" => source.loader,
        "identifier" => source.identifier,
        "quoting" => source.quoting,
        "loaded_at_field" => source.loaded_at_field,
        "loaded_at_query" => source.loaded_at_query,
        "freshness" => source.freshness,
        "external" => source.external,
        "description" => node.description,
        "columns" => Columns(node),
        "meta" => node.meta,
        "source_meta" => source.source_meta,
        "tags" => node.tags,
        "config" => node.config,
        "patch_path" => node.patch_path,
        "unrendered_config" => node.unrendered_config,
        "relation_name" => Text(node.relation.as_ref()),
        "unrendered_database" => source.unrendered_database,
        "unrendered_schema" => source.unrendered_schema,
        "doc_blocks" => [(); 0],
    );
    Ok(())
}

fn put_exposure<M: SerializeMap>(out: &mut M, node: &Node, exposure: &ExposureDetail) -> Result<(), M::Error> {
    put_identity(out, node)?;
    fields!(out,
        "fqn" => node.fqn,
        "type" => exposure.kind,
        "owner" => exposure.owner,
        "description" => node.description,
        "label" => exposure.label,
        "maturity" => exposure.maturity,
        "meta" => node.meta,
        "tags" => node.tags,
        "config" => node.config,
        "unrendered_config" => node.unrendered_config,
        "url" => exposure.url,
    );
    put_references(out, node)
}

/// A relation as SQL names it, or null.
struct Text<'a>(Option<&'a Relation>);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(relation) => serializer.collect_str(relation),
            None => serializer.serialize_none(),
        }
    }
}

#[derive(Serialize)]
struct ChecksumOut<'a> {
    name: &'a str,
    checksum: &'a str,
}

impl<'a> ChecksumOut<'a> {
    fn of(checksum: &'a Checksum) -> Self {
        Self { name: &checksum.name, checksum: &checksum.checksum }
    }
}

/// `docs` of what says nothing about it.
#[derive(Serialize)]
pub(super) struct Docs {
    show: bool,
    node_color: (),
}

impl Default for Docs {
    fn default() -> Self {
        Self { show: true, node_color: () }
    }
}

#[derive(Serialize)]
struct Ref<'a> {
    name: &'a str,
    package: Option<&'a str>,
    version: Option<&'a Json>,
}

impl<'a> Ref<'a> {
    fn of(r: &'a RefArgs) -> Self {
        Self { name: &r.name, package: r.package.as_deref(), version: r.version.as_ref() }
    }
}

#[derive(Serialize)]
struct DependsOnOut<'a> {
    macros: &'a [String],
    nodes: &'a [NodeId],
}

/// Seeds depend on no nodes, and dbt has no key for them.
#[derive(Serialize)]
pub(super) struct DependsOnMacros<'a> {
    pub(super) macros: &'a [String],
}

#[derive(Serialize)]
struct TestMetadataOut<'a> {
    name: &'a str,
    kwargs: &'a crate::model::JsonMap,
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
struct Contract<'a> {
    enforced: bool,
    alias_types: bool,
    checksum: Option<&'a str>,
}

impl<'a> Contract<'a> {
    fn of(node: &'a Node) -> Self {
        let configured = node.config.get("contract");
        let flag = |key: &str| configured.and_then(|contract| contract.get(key)).and_then(Json::as_bool);
        Self {
            enforced: flag("enforced").unwrap_or(false),
            alias_types: flag("alias_types").unwrap_or(true),
            checksum: node.as_model().and_then(|model| model.contract_checksum.as_deref()),
        }
    }
}

/// The columns of a node by name.
struct Columns<'a>(&'a Node);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.columns.iter().map(|(name, column)| (name, Column(column))))
    }
}

struct Column<'a>(&'a ColumnInfo);

impl Serialize for Column<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let column = self.0;
        let mut out = serializer.serialize_map(None)?;
        fields!(out,
            "name" => column.name,
            "description" => column.description,
            "meta" => column.meta,
            "data_type" => column.data_type,
            "constraints" => column.constraints,
            "quote" => column.quote,
            "config" => column.config,
            "tags" => column.tags,
            "granularity" => column.granularity,
            "doc_blocks" => column.doc_blocks,
        );
        // Keys that dbt does not know: none of those above is among them.
        column.extra.iter().try_for_each(|(key, value)| out.serialize_entry(key, value))?;
        out.end()
    }
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
