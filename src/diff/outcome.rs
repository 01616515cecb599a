//! What a comparison found: schema, row counts, changed values by column, a few samples, and how it was computed.

use serde::{Deserialize, Serialize};

use crate::model::{Change, Column, NodeId, Relation, Value};

/// How the rows were compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Method {
    /// Both sides have as many rows, and the hashes of their rows (64 bits each, over every compared column) sum up to
    /// the same number: they are equal, and no row had to be paired.
    Checksum,
    /// Rows paired by a key. Rows whose key is not unique are compared as wholes within their key; see [`KeyFacts`].
    Keyed {
        /// Its columns.
        key: Vec<String>,
        /// Where the key came from, e.g. `unique_key`.
        source: String,
        /// How it was verified, and what was found.
        facts: KeyFacts,
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

/// How sure the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyProof {
    /// The database enforces it on both sides: a primary key, or a unique index over columns that are not NULL.
    Enforced,
    /// Counted while the rows were paired.
    #[default]
    Counted,
}

/// What was found out about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeyFacts {
    /// How it was verified.
    pub proof: KeyProof,
    /// Rows beyond the first of each value of the key, on each side, NULL being a value. Rows that share a key are
    /// compared as wholes within it: equal ones pair off, what is left counts as added and removed.
    pub duplicates: Change<u64>,
    /// Rows with NULL in a column of the key, on each side. NULL pairs with NULL.
    pub nulls: Change<u64>,
}

/// A column that has another name now, by the evidence of its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Renamed {
    /// Both names.
    pub name: Change<String>,
    /// Rows that were looked at, of those that both sides have.
    pub looked_at: u64,
    /// Those in which the one column's value equals the other's.
    pub equal: u64,
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
    /// Columns that may or may not be NULL by declaration, and did not or did before: name, whether NULL is allowed.
    pub nullability: Vec<(String, Change<bool>)>,
    /// Pairs of a removed and an added column that hold the same values. Both stay in `removed` and `added`.
    pub renamed: Vec<Renamed>,
}

/// Counts of rows. Where nothing was counted, as in a comparison that failed, they are written as `null`: a reader must
/// not take them for 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "WrittenCounts", into = "WrittenCounts")]
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
    /// Which of them are not as counted, so that they do not give a small count away.
    pub inexact: Inexact,
}

/// Counts of rows that are told as they follow from others that are told, see `min_count` of [`TableDiff`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each count")]
pub struct Inexact {
    /// `total.baseline`, which is roughly so many.
    pub baseline: bool,
    /// `total.current`, which is roughly so many.
    pub current: bool,
    /// `changed`, which is at least so many.
    pub changed: bool,
    /// `unchanged`, which is roughly so many.
    pub unchanged: bool,
}

/// [`RowCounts`] as they are written.
#[derive(Serialize, Deserialize)]
struct WrittenCounts {
    added: Option<u64>,
    removed: Option<u64>,
    changed: Option<u64>,
    unchanged: Option<u64>,
    total: Change<Option<u64>>,
    #[serde(default, skip_serializing_if = "is_exact")]
    inexact: Inexact,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this way")]
fn is_exact(inexact: &Inexact) -> bool {
    *inexact == Inexact::default()
}

impl From<RowCounts> for WrittenCounts {
    fn from(rows: RowCounts) -> Self {
        let known = rows.total != Change::default();
        let [added, removed, changed, unchanged] =
            [rows.added, rows.removed, rows.changed, rows.unchanged].map(|count| known.then_some(count));
        Self { added, removed, changed, unchanged, total: rows.total, inexact: rows.inexact }
    }
}

impl From<WrittenCounts> for RowCounts {
    fn from(written: WrittenCounts) -> Self {
        let [added, removed, changed, unchanged] =
            [written.added, written.removed, written.changed, written.unchanged].map(Option::unwrap_or_default);
        Self { total: written.total, added, removed, changed, unchanged, inexact: written.inexact }
    }
}

/// The size of the change of numbers, over the rows on both sides in which the column changed from a number to another.
/// Dates and times count in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NumberChange {
    /// The mean of current minus baseline.
    pub mean: f64,
    /// The mean of its absolute value.
    pub mean_absolute: f64,
    /// The largest absolute value; none of a column whose values must not be shown.
    pub largest: Option<f64>,
}

/// One column of one side, over all its rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Smallest value that is not NaN, of text by its bytes and at most 256 characters of it; none of a type without
    /// order, of a column whose values must not be shown, or where all are NULL.
    pub min: Option<Value>,
    /// Largest value.
    pub max: Option<Value>,
    /// Mean of a numeric column, over its numbers up to 1e140; none of a masked column, or of very few values that must
    /// not be shown.
    pub mean: Option<f64>,
    /// Standard deviation (of the population) of a numeric column.
    pub stddev: Option<f64>,
    /// Number of distinct values that are not NULL.
    pub distinct: Option<u64>,
    /// Whether `distinct` is an estimate.
    pub distinct_is_estimate: bool,
}

/// Why there is no figure of how far a column's distribution moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftGap {
    /// One side has no rows.
    NoRows,
    /// Values of the two types have no order or no text in common, e.g. lists, or numbers against text.
    Types,
    /// Most rows of production have a value of their own, as identifiers do.
    ManyValues,
}

/// How far a column's distribution moved. Definitions and sources are in docs/diff.md.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// Population stability index over the bins; 0 is no change.
    pub psi: Option<f64>,
    /// Kolmogorov–Smirnov statistic of a continuous column, 0 to 1, at the bins' bounds.
    pub ks: Option<f64>,
    /// Jensen–Shannon distance (base 2) of a categorical column, 0 to 1.
    pub js: Option<f64>,
    /// The number of bins `psi` is over.
    #[serde(default)]
    pub bins: u32,
    /// Why there is no figure at all.
    #[serde(default)]
    pub gap: Option<DriftGap>,
}

/// Where changes concentrate: the rows in which a column has one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value on the pull request's side; for removed rows on production's.
    pub value: Value,
    /// Rows of the slice that were added, removed or changed.
    pub affected: u64,
    /// Rows of the slice, on the larger side.
    pub rows: u64,
    /// How many times as likely as on the whole a row of the slice is affected.
    pub lift: f64,
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
    /// Of the changed: value before, NULL now.
    pub became_null: Option<u64>,
    /// Of the changed: NULL before, value now.
    pub was_null: Option<u64>,
    /// The size of the change, of numbers, dates and times.
    pub change: Option<NumberChange>,
    /// NULLs on each side, over all rows; none on a side that does not have the column, or that was not profiled.
    pub nulls: Change<Option<u64>>,
    /// What each side holds, when it was profiled.
    pub profile: Change<Option<ColumnProfile>>,
    /// How far its distribution moved, when it was asked for.
    pub drift: Option<ColumnDrift>,
}

impl ColumnDiff {
    /// A column about whose values nothing is known yet.
    pub fn unknown(name: &str, data_type: Change<Option<String>>) -> Self {
        Self {
            name: name.to_owned(),
            data_type,
            changed: None,
            became_null: None,
            was_null: None,
            change: None,
            nulls: Change::default(),
            profile: Change::default(),
            drift: None,
        }
    }

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

/// Which rows of relations of different age were compared, and how many were not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aligned {
    /// The column that tells how old a row is.
    pub column: String,
    /// Rows of each side that the other cannot have.
    pub left_out: Change<u64>,
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
    /// Where changes concentrate, the strongest first.
    pub slices: Vec<Slice>,
    /// The condition that rows of both sides had to meet to be compared, when there was one.
    pub filter: Option<String>,
    /// Of relations of different age that were aligned: by what, and what was left out. Counts of rows are of the rest.
    #[serde(default)]
    pub aligned: Option<Aligned>,
    /// The share of keys that was compared (0 to 1), when not all were. Counts of rows are of these.
    pub sampled: Option<f64>,
    /// Columns whose values were not compared though both sides have them, each with its reason.
    pub excluded: Vec<(String, String)>,
    /// What a reader must know, e.g. types compared as text.
    pub notes: Vec<String>,
    /// When not 0: counts of rows from 1 to below it are given as it minus one, and stand for any of them. What they would
    /// follow from is not given as counted either: see [`Inexact`]; NULLs and distinct values of the pull request's side
    /// are given as far as the other counts explain them; `became_null` and `was_null` only where they are all changes.
    #[serde(default)]
    pub min_count: u64,
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
            slices: Vec::new(),
            filter: None,
            aligned: None,
            sampled: None,
            excluded: Vec::new(),
            notes: Vec::new(),
            min_count: 0,
        }
    }

    /// Whether the comparison could not be made.
    pub fn has_failed(&self) -> bool {
        matches!(self.method, Method::Failed { .. })
    }

    /// Whether both relations were compared.
    pub fn is_compared(&self) -> bool {
        matches!(self.method, Method::Checksum | Method::Keyed { .. } | Method::Multiset { .. })
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
