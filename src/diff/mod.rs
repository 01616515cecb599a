//! The difference of two relations: schema, row counts, changed rows by key, changed values by column, a few samples.
//!
//! Every figure is exact, or the comparison says that it failed. Holds no SQL: `warehouse::compare` writes it.

mod outcome;

pub use outcome::{ColumnDiff, Method, RejectedKey, RowCounts, Sample, SampleKind, SchemaDiff, TableDiff};
