//! The nouns of slimdiff: nodes, relations, values, diagnostics, events. Imported by every room, imports none.

pub mod change;
pub mod diagnostic;
pub mod event;
pub mod manifest;
pub mod nearest;
pub mod node;
pub mod python_json;
pub mod relation;
pub mod secret;
pub mod shared_map;
pub mod value;

pub use change::Change;
pub use diagnostic::{Code, Diagnostic, Frame, Location, Severity};
pub use event::{Event, NodeStatus, Observer, Stage};
pub use manifest::{Doc, FastHash, Inputs, Macro, Manifest, Metadata, NodeMap};
pub use nearest::nearest;
pub use node::{Checksum, ColumnInfo, DependsOn, Detail, Node, NodeId, RefArgs, ResourceType};
pub use python_json::{python_json, python_json_indented, write_float};
pub use relation::{Quoting, Relation, RelationKind};
pub use secret::Secret;
pub use shared_map::SharedMap;
pub use value::{Column, Table, Value};

/// The dbt-core whose behaviour is followed.
pub const DBT_VERSION: &str = "1.11.16";

/// A JSON object that keeps the order in which its keys were written.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
