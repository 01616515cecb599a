//! The difference of two relations: schema, row counts, changed rows by key, changed values by column, a few samples.

use serde::{Deserialize, Serialize};

use crate::model::{Change, Column, NodeId, Relation, Value};

/// How the rows were compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Method {
    /// Rows paired by a key that is unique and not null on both sides, as verified on the data.
    Keyed {
        /// Its columns.
        key: Vec<String>,
        /// Where the key came from, e.g. `unique_key`.
        source: String,
    },
    /// Whole rows counted on both sides; there is no usable key.
    Multiset {
        /// Why not by key.
        reason: String,
    },
    /// Only one side exists; nothing to compare with.
    OneSided,
    /// The comparison could not be made.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What happened to the columns.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SchemaDiff {
    /// Only in the pull request.
    pub added: Vec<Column>,
    /// Only in production.
    pub removed: Vec<Column>,
    /// Of another type now: name, types.
    pub retyped: Vec<(String, Change<String>)>,
    /// Same columns, other order.
    pub reordered: bool,
}

/// Counts of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows of each side; none where the relation does not exist.
    pub total: Change<Option<u64>>,
    /// Only in the pull request.
    pub added: u64,
    /// Only in production.
    pub removed: u64,
    /// On both sides with at least one value changed.
    pub changed: u64,
    /// Equal on both sides.
    pub unchanged: u64,
}

/// What happened to the values of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDiff {
    /// Its name.
    pub name: String,
    /// Its types.
    pub data_type: Change<String>,
    /// Rows on both sides whose value differs; none when rows were not paired.
    pub changed: Option<u64>,
    /// NULLs on each side, over all rows.
    pub nulls: Change<u64>,
}

/// One row shown as an example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// `added`, `removed` or `changed`.
    pub kind: String,
    /// Key columns and their values; of a multiset comparison the whole row.
    pub key: Vec<(String, Value)>,
    /// Of a changed row: the columns that differ.
    pub values: Vec<(String, Change<Value>)>,
}

/// The difference of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDiff {
    /// The node, when the relations belong to one.
    pub unique_id: Option<NodeId>,
    /// The two relations.
    pub relation: Change<Option<Relation>>,
    /// How it was computed.
    pub method: Method,
    /// Columns.
    pub schema: SchemaDiff,
    /// Rows.
    pub rows: RowCounts,
    /// Every column that both sides have and that was compared.
    pub columns: Vec<ColumnDiff>,
    /// A few rows.
    pub samples: Vec<Sample>,
    /// Columns left out of the comparison, each with its reason.
    pub excluded: Vec<(String, String)>,
    /// What a reader must know: duplicate keys, types compared as text.
    pub notes: Vec<String>,
}

impl TableDiff {
    /// Whether the two relations hold the same columns and rows.
    pub fn is_equal(&self) -> bool {
        !matches!(self.method, Method::Failed { .. } | Method::OneSided)
            && self.schema == SchemaDiff::default()
            && self.rows.added + self.rows.removed + self.rows.changed == 0
    }
}
