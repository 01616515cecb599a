//! A node of the project: model, seed, snapshot, test, source, exposure and the rest, in dbt's terms.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{JsonMap, Relation, SharedMap};

/// dbt's `unique_id`, e.g. `model.shop.orders`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part of the id (a test's has its hash): `orders` of `model.shop.orders`.
    pub fn short(&self) -> &str {
        self.0.splitn(3, '.').nth(2).unwrap_or(&self.0)
    }
}

impl From<&str> for NodeId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for NodeId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for NodeId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// dbt's resource types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "dbt's own words")]
pub enum ResourceType {
    Model,
    Seed,
    Snapshot,
    Test,
    Analysis,
    Operation,
    Source,
    Exposure,
    Metric,
    SemanticModel,
    SavedQuery,
    UnitTest,
    Group,
    Function,
}

impl ResourceType {
    /// dbt's word, also the first part of a unique id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Test => "test",
            Self::Analysis => "analysis",
            Self::Operation => "operation",
            Self::Source => "source",
            Self::Exposure => "exposure",
            Self::Metric => "metric",
            Self::SemanticModel => "semantic_model",
            Self::SavedQuery => "saved_query",
            Self::UnitTest => "unit_test",
            Self::Group => "group",
            Self::Function => "function",
        }
    }

    /// The types that a selector can select: all but hooks and groups.
    pub fn selectable() -> impl Iterator<Item = Self> {
        [
            Self::Model,
            Self::Seed,
            Self::Snapshot,
            Self::Test,
            Self::UnitTest,
            Self::Source,
            Self::Exposure,
            Self::Metric,
            Self::SemanticModel,
            Self::SavedQuery,
            Self::Function,
            Self::Analysis,
        ]
        .into_iter()
    }

    /// The type for dbt's word, if it is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::selectable().chain([Self::Operation, Self::Group]).find(|kind| kind.as_str() == word)
    }

    /// Whether `ref()` can name it.
    pub fn is_refable(self) -> bool {
        matches!(self, Self::Model | Self::Seed | Self::Snapshot)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The arguments of one `ref()` call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RefArgs {
    /// The name.
    pub name: String,
    /// The package, of a two-argument call.
    pub package: Option<String>,
    /// The version, a string or a number.
    pub version: Option<Json>,
}

/// dbt's file checksum.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checksum {
    /// `sha256`, `path` (a seed over 1 MiB) or `none`.
    pub name: String,
    /// The digest in hex, or the path.
    pub checksum: String,
}

impl Checksum {
    /// No checksum, as generic tests and hooks have.
    pub fn none() -> Self {
        Self { name: "none".to_owned(), checksum: String::new() }
    }
}

/// A column as a property file describes it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Its name as written.
    pub name: String,
    /// Its description, docs blocks resolved.
    pub description: String,
    /// Free-form data.
    pub meta: JsonMap,
    /// The declared type.
    pub data_type: Option<String>,
    /// Constraints as written.
    pub constraints: Vec<Json>,
    /// Whether to quote it.
    pub quote: Option<bool>,
    /// Tags of the column.
    pub tags: Vec<String>,
    /// The whole of its `config`.
    pub config: SharedMap,
    /// `granularity`, of a time spine's column.
    pub granularity: Option<String>,
    /// Unique ids of the docs blocks that the description names.
    pub doc_blocks: Vec<String>,
    /// Keys that dbt does not know and keeps, as `policy_tags`.
    pub extra: JsonMap,
}

/// What a node depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DependsOn {
    /// Unique ids of macros, in the order of first use.
    pub macros: Vec<String>,
    /// Unique ids of nodes and sources, in the order of first use.
    pub nodes: Vec<NodeId>,
}

/// A model's own part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelDetail {
    /// `private`, `protected` or `public`.
    pub access: String,
    /// The version, a string or a number.
    pub version: Option<Json>,
    /// The latest version of its family.
    pub latest_version: Option<Json>,
    /// ISO date after which it should not be used.
    pub deprecation_date: Option<String>,
    /// Whether the contract is enforced.
    pub contract_enforced: bool,
    /// The contract's `alias_types`.
    pub contract_alias_types: bool,
    /// dbt's checksum of the contract, if enforced.
    pub contract_checksum: Option<String>,
    /// Model-level constraints as written.
    pub constraints: Vec<Json>,
    /// The primary key dbt infers.
    pub primary_key: Vec<String>,
    /// Time spine, as written.
    pub time_spine: Option<Json>,
}

/// A data test's own part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestDetail {
    /// Of a generic test: its macro and arguments. A singular test has none.
    pub metadata: Option<TestMetadata>,
    /// The column it is attached to.
    pub column_name: Option<String>,
    /// The node it is attached to (none for a source's test).
    pub attached_node: Option<NodeId>,
    /// dbt's `file_key_name`, e.g. `models.orders`.
    pub file_key_name: Option<String>,
}

/// dbt's `test_metadata`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestMetadata {
    /// The test's name, e.g. `unique`.
    pub name: String,
    /// Its arguments, `model` among them as Jinja text.
    pub kwargs: JsonMap,
    /// The package named before the dot, e.g. `dbt_utils`.
    pub namespace: Option<String>,
}

/// A source's own part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceDetail {
    /// The source's name (the node's name is the table's).
    pub source_name: String,
    /// Its description.
    pub source_description: String,
    /// Free-form data of the source.
    pub source_meta: JsonMap,
    /// Who loads it.
    pub loader: String,
    /// The table's name in the database.
    pub identifier: String,
    /// Quoting as written: database, schema, identifier, column.
    pub quoting: JsonMap,
    /// The column or expression of freshness.
    pub loaded_at_field: Option<String>,
    /// The query of freshness.
    pub loaded_at_query: Option<String>,
    /// Thresholds as dbt writes them.
    pub freshness: Option<Json>,
    /// External-table settings.
    pub external: Option<Json>,
    /// The database as written, unrendered.
    pub unrendered_database: Option<String>,
    /// The schema as written, unrendered.
    pub unrendered_schema: Option<String>,
}

/// An exposure's own part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExposureDetail {
    /// `dashboard`, `notebook`, `analysis`, `ml` or `application`.
    pub kind: String,
    /// Who owns it.
    pub owner: JsonMap,
    /// `high`, `medium` or `low`.
    pub maturity: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// Its name for people.
    pub label: Option<String>,
}

/// What only some nodes have.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// A model.
    Model(Box<ModelDetail>),
    /// A seed, with the root of its package on disk.
    Seed {
        /// Folder of the package that holds the file.
        root_path: String,
    },
    /// A snapshot.
    Snapshot,
    /// A data test.
    Test(Box<TestDetail>),
    /// An analysis.
    Analysis,
    /// A user-defined function.
    Function {
        /// What it takes, as dbt writes it.
        arguments: Json,
        /// What it gives, as dbt writes it.
        returns: Json,
    },
    /// A hook of `on-run-start` or `on-run-end`; `index` is its place in the list.
    Operation {
        /// From 0.
        index: usize,
        /// Whether it runs at the end.
        at_end: bool,
    },
    /// A source table.
    Source(Box<SourceDetail>),
    /// An exposure.
    Exposure(Box<ExposureDetail>),
    /// A resource kept as dbt's JSON: metric, semantic model, saved query, unit test, group, function.
    Other(JsonMap),
}

/// A node. Which fields are filled depends on the resource type as it does in dbt's manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// dbt's id.
    pub unique_id: NodeId,
    /// What it is.
    pub resource_type: ResourceType,
    /// Its name.
    pub name: String,
    /// Its package.
    pub package_name: String,
    /// Its file, relative to the folder of its kind (`staging/orders.sql`).
    pub path: String,
    /// Its file, relative to the package's root (`models/staging/orders.sql`).
    pub original_file_path: String,
    /// Fully qualified name: package, folders, name.
    pub fqn: Vec<String>,
    /// The identifier in the database.
    pub alias: String,
    /// The database.
    pub database: Option<String>,
    /// The schema.
    pub schema: String,
    /// Where it lives; none for what has no relation (ephemerals, tests, exposures).
    pub relation: Option<Relation>,
    /// Of its file.
    pub checksum: Checksum,
    /// `sql` or `python`.
    pub language: String,
    /// The code as written, both ends trimmed.
    pub raw_code: String,
    /// Line of the file on which `raw_code` begins, from 1 (a snapshot's block is not at the top).
    pub first_line: u32,
    /// Configuration, rendered and complete with defaults.
    pub config: SharedMap,
    /// Configuration as written, without defaults.
    pub unrendered_config: JsonMap,
    /// Description, docs blocks resolved.
    pub description: String,
    /// Tags, merged.
    pub tags: Vec<String>,
    /// Free-form data, merged.
    pub meta: JsonMap,
    /// Group, if any.
    pub group: Option<String>,
    /// Described columns by name.
    pub columns: IndexMap<String, ColumnInfo>,
    /// Calls of `ref()`.
    pub refs: Vec<RefArgs>,
    /// Calls of `source()`: source name, table name.
    pub sources: Vec<[String; 2]>,
    /// Calls of `metric()`.
    pub metrics: Vec<Vec<String>>,
    /// `function()` calls: the name, or package and name.
    pub functions: Vec<Vec<String>>,
    /// What it depends on.
    pub depends_on: DependsOn,
    /// `package://path` of the property file that describes it.
    pub patch_path: Option<String>,
    /// What only its kind has.
    pub detail: Detail,
}

impl Node {
    /// A node that has nothing but its id, its kind and what only its kind has.
    pub fn new(unique_id: impl Into<NodeId>, resource_type: ResourceType, detail: Detail) -> Self {
        Self {
            unique_id: unique_id.into(),
            resource_type,
            name: String::new(),
            package_name: String::new(),
            path: String::new(),
            original_file_path: String::new(),
            fqn: Vec::new(),
            alias: String::new(),
            database: None,
            schema: String::new(),
            relation: None,
            checksum: Checksum::none(),
            language: "sql".to_owned(),
            raw_code: String::new(),
            first_line: 1,
            config: SharedMap::default(),
            unrendered_config: JsonMap::new(),
            description: String::new(),
            tags: Vec::new(),
            meta: JsonMap::new(),
            group: None,
            columns: IndexMap::new(),
            refs: Vec::new(),
            sources: Vec::new(),
            metrics: Vec::new(),
            functions: Vec::new(),
            depends_on: DependsOn::default(),
            patch_path: None,
            detail,
        }
    }

    /// The materialization, or the empty string.
    pub fn materialized(&self) -> &str {
        self.config_str("materialized").unwrap_or_default()
    }

    /// Whether it is a model without a relation of its own.
    pub fn is_ephemeral(&self) -> bool {
        self.resource_type == ResourceType::Model && self.materialized() == "ephemeral"
    }

    /// A text value of its configuration.
    pub fn config_str(&self, key: &str) -> Option<&str> {
        self.config.get(key).and_then(Json::as_str)
    }

    /// A model's own part.
    pub fn as_model(&self) -> Option<&ModelDetail> {
        match &self.detail {
            Detail::Model(model) => Some(model),
            _ => None,
        }
    }

    /// A test's own part.
    pub fn as_test(&self) -> Option<&TestDetail> {
        match &self.detail {
            Detail::Test(test) => Some(test),
            _ => None,
        }
    }

    /// A source's own part.
    pub fn as_source(&self) -> Option<&SourceDetail> {
        match &self.detail {
            Detail::Source(source) => Some(source),
            _ => None,
        }
    }

    /// An exposure's own part.
    pub fn as_exposure(&self) -> Option<&ExposureDetail> {
        match &self.detail {
            Detail::Exposure(exposure) => Some(exposure),
            _ => None,
        }
    }

    /// Columns of the unique key, from `unique_key` (a name or a list of names).
    pub fn unique_key(&self) -> Vec<String> {
        match self.config.get("unique_key") {
            Some(Json::String(key)) => vec![key.clone()],
            Some(Json::Array(keys)) => keys.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}
