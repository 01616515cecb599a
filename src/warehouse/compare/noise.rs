//! Which columns hold other values on the other side, whatever rows they stand in.

use super::{Ability, Field, Side, Sides};

/// One row: for each of `fields` the sum of the hashes of its values on one side. Columns that hold the same values, each
/// as often, have the same sum; that others have is as unlikely as with [`super::checksum`].
pub fn value_sums(sides: &Sides<'_>, ability: Ability, fields: &[Field], side: Side) -> String {
    let sum = |value: String| match sides.dialect.name() {
        "duckdb" => format!("cast(sum(hash(hash({value}), 42)) as varchar)"),
        _ if ability.row_hash => {
            format!("cast(sum(hashint8extended(hash_record_extended(row({value}), 0), 42)) as varchar)")
        }
        _ => format!("cast(sum(hashtextextended(cast(row({value}) as text), 42)) as varchar)"),
    };
    let sums: Vec<String> = sides.forms(fields, side).into_iter().map(sum).collect();
    format!("select {} from {}", sums.join(", "), sides.rows(side))
}
