//! What a comparison found: schema, row counts, changed values by column, a few samples, and how it was computed.

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

/// What happened to one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDiff {
    /// Its name, as the pull request writes it where both sides have it.
    pub name: String,
    /// Its type on each side; none on a side that does not have the column.
    pub data_type: Change<Option<String>>,
    /// Rows on both sides whose value differs; none when rows were not paired or the column's values not compared.
    pub changed: Option<u64>,
    /// NULLs on each side, over all rows; none on a side that does not have the column.
    pub nulls: Change<Option<u64>>,
}

impl ColumnDiff {
    /// Whether both sides have the column.
    pub fn is_on_both_sides(&self) -> bool {
        self.data_type.baseline.is_some() && self.data_type.current.is_some()
    }
}

/// A key that was tried and cannot pair rows, with what the data said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedKey {
    /// Its columns.
    pub columns: Vec<String>,
    /// Where it came from, e.g. `unique_key`.
    pub source: String,
    /// Rows beyond the first of each key value, on each side; none when the data was not asked.
    pub duplicates: Option<Change<u64>>,
    /// Rows in which a column of the key is NULL, on each side; none when the data was not asked.
    pub nulls: Option<Change<u64>>,
    /// One line for people.
    pub reason: String,
}

/// What happened to a row that is shown as an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleKind {
    /// It is on both sides, with different values.
    Changed,
    /// Only the pull request has it.
    Added,
    /// Only production has it.
    Removed,
}

/// One row shown as an example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What happened to it.
    pub kind: SampleKind,
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
    /// Keys that could not be used, in the order in which they were tried.
    pub rejected_keys: Vec<RejectedKey>,
    /// Every column of either side but those the plan left out: the pull request's in order, then production's own.
    pub columns: Vec<ColumnDiff>,
    /// A few rows.
    pub samples: Vec<Sample>,
    /// Columns whose values were not compared though both sides have them, each with its reason.
    pub excluded: Vec<(String, String)>,
    /// What a reader must know, e.g. types compared as text.
    pub notes: Vec<String>,
}

impl TableDiff {
    /// A comparison about which nothing is known yet.
    pub(super) fn unknown(unique_id: Option<NodeId>, relation: Change<Option<Relation>>, method: Method) -> Self {
        Self {
            unique_id,
            relation,
            method,
            schema: SchemaDiff::default(),
            rows: RowCounts::default(),
            rejected_keys: Vec::new(),
            columns: Vec::new(),
            samples: Vec::new(),
            excluded: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whether the comparison could not be made.
    pub fn has_failed(&self) -> bool {
        matches!(self.method, Method::Failed { .. })
    }

    /// Whether both relations were compared.
    pub fn is_compared(&self) -> bool {
        matches!(self.method, Method::Keyed { .. } | Method::Multiset { .. })
    }

    /// Whether the two relations hold the same columns and rows.
    pub fn is_equal(&self) -> bool {
        self.is_compared()
            && self.schema == SchemaDiff::default()
            && self.rows.added + self.rows.removed + self.rows.changed == 0
    }

    /// Whether they were compared and found different.
    pub fn differs(&self) -> bool {
        self.is_compared() && !self.is_equal()
    }
}
