//! The difference of two relations: schema, row counts, changed rows by key, changed values by column, a few samples.
//!
//! Every figure is exact, or the comparison says that it failed. Holds no SQL: `warehouse::compare` writes it.

mod across;
mod align;
mod columns;
mod drift;
mod keyed;
mod keys;
mod many;
mod noise;
mod options;
mod outcome;
mod privacy;
mod profile;
mod renames;
mod samples;
mod search;
mod slices;
mod suppress;
mod table;
mod totals;

use options::numbers;

pub use across::{End, diff_across};
pub use align::diff_aligned;
pub use many::{comparable, diff_all};
pub use noise::{Noise, noise_all};
pub use options::{Alignment, Options, Tolerated};
pub use outcome::{
    Aligned, ColumnDiff, ColumnDrift, ColumnProfile, DriftGap, Inexact, KeyFacts, KeyProof, Method, NumberChange,
    RejectedKey, Renamed, RowCounts, Sample, SampleKind, SchemaDiff, Slice, TableDiff,
};
pub use table::diff;
