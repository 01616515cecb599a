//! The SQL of comparing two relations. `diff` asks by intent; what is text is here.
//!
//! Columns get names of our own (`k0`, `v0`) in subqueries, so that no name of the project's can clash or need quoting
//! twice. The side is `b` for the baseline and `c` for the current one.

mod align;
pub mod canonical;
pub mod drift;
mod kinds;
mod noise;
mod numbers;
mod pairs;
pub mod profile;
mod scratch;
mod search;
mod sides;
mod sketch;
mod slices;
mod totals;
mod types;
mod whole;

pub use self::align::{both, extents, in_time, left_out};
pub use self::noise::value_sums;
pub use self::numbers::{Number, NumberSort, Tolerance};
pub use self::pairs::{Cell, Pairs, STATISTICS};
pub use self::scratch::{Ability, Scratch};
pub use self::search::{LOOK, Search, evidence_of_rename};
pub use self::sides::{
    Part, Side, Sides, begin, end, enforced_keys, leads_an_index, not_null_columns, rows_of, same_column,
};
pub use self::slices::{affected, all as all_by_value, can_name_a_group};
pub use self::totals::{bounds, checksum, counting_is_free, profile, rows_with_null};
pub use self::types::{Form, TextRules};
pub use self::whole::Whole;

use crate::model::Change;

/// How many columns one query is asked about: a select list has room for 1,664 on PostgreSQL, and a column takes up to
/// six places of it.
pub const BATCH: usize = 200;

/// An aggregate over the values for which a condition is true. It has no `filter`: DuckDB cuts all columns that a query
/// reads for each of these, so that its time grows with the square of their number.
fn of_those(aggregate: &str, value: &str, condition: &str) -> String {
    format!("{aggregate}(case when {condition} then {value} end)")
}

/// A column that is compared: what each side calls it, and how its values are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name on each side.
    pub name: Change<String>,
    /// The form in which both sides' values are compared.
    pub form: Form,
    /// What it is as a number, if it is one on both sides.
    pub number: Option<Number>,
    /// By how much numbers may differ and still count as equal.
    pub tolerance: Option<Tolerance>,
}

impl Field {
    /// Whether the values `x` and `y`, both in the field's form, are unequal; `raw` are the same as they are. Never
    /// NULL.
    fn differs(&self, x: &str, y: &str, raw: (&str, &str)) -> String {
        let unequal = format!("{x} is distinct from {y}");
        match (&self.number, &self.tolerance) {
            (Some(number), Some(tolerance)) => {
                format!("({unequal} and not coalesce({}, false))", number.within(tolerance, raw.0, raw.1))
            }
            _ => unequal,
        }
    }
}
