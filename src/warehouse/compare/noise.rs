//! Which columns hold other values on the other side, whatever rows they stand in.

use super::totals::row_hash;
use super::{Ability, Field, Side, Sides};

/// One row: for each of `fields` the sum of the hashes of its values on one side, each hashed as [`super::checksum`] does
/// it. Columns that hold the same values, each as often, have the same sum.
pub fn value_sums(sides: &Sides<'_>, ability: Ability, fields: &[Field], side: Side) -> String {
    let sum = |field: &Field| {
        format!("cast(sum({}) as varchar)", row_hash(sides, ability, std::slice::from_ref(field), side))
    };
    let sums: Vec<String> = fields.iter().map(sum).collect();
    format!("select {} from {}", sums.join(", "), sides.rows(side))
}
