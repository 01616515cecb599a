//! Which columns hold other values on the other side, whatever rows they stand in.

use super::totals::of_row;
use super::{Ability, Field, Side, Sides};

/// One row: for each of `fields` the sum of the hashes of its values on one side, each hashed as [`super::checksum`] does
/// it. Columns that hold the same values, each as often, have the same sum.
pub fn value_sums(sides: &Sides<'_>, ability: Ability, fields: &[Field], side: Side) -> String {
    let sum = |field: &Field| {
        let values = sides.hashed(field, side);
        let hash = match sides.dialect.name() {
            "duckdb" => format!("hash(hash({}), 42)", values.join(", ")),
            _ if ability.row_hash => format!("hashfloat8extended(cast({} as double precision), 42)", of_row(&values)),
            _ => format!("hashtextextended(cast(row({}) as text), 42)", sides.formed(field, side)),
        };
        format!("cast(sum({hash}) as varchar)")
    };
    let sums: Vec<String> = fields.iter().map(sum).collect();
    format!("select {} from {}", sums.join(", "), sides.rows(side))
}
