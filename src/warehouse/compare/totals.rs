//! Figures of one side, in one scan.

use super::{Ability, Field, Side, Sides};
use crate::warehouse::Dialect;

/// Whether the engine knows how many rows a table has without reading it.
pub fn counting_is_free(dialect: &dyn Dialect) -> bool {
    dialect.name() == "duckdb"
}

/// One row: the number of rows of one side, and the sum of their hashes, each over all of `fields` in their forms. Rows
/// that are equal have equal hashes.
pub fn checksum(sides: &Sides<'_>, ability: Ability, fields: &[Field], side: Side) -> String {
    if fields.is_empty() {
        return format!("select count(*), null from {}", sides.rows(side));
    }
    let values = sides.forms(fields, side).join(", ");
    // The hash of a row is a sum of its columns' hashes times powers of 31 (or an exclusive or of them): two rows that
    // swap a value would cancel out in the sum of all rows. The outer hash keeps them apart.
    let hash = match sides.dialect.name() {
        "duckdb" => format!("hash(hash({values}), 42)"),
        _ if ability.row_hash => format!("hashint8extended(hash_record_extended(row({values}), 0), 42)"),
        _ => format!("hashtextextended(cast(row({values}) as text), 42)"),
    };
    format!("select count(*), cast(sum({hash}) as varchar) from {}", sides.rows(side))
}

/// One row: rows in which at least one column of the key is NULL, then for each column the rows in which it is.
pub fn rows_with_null(sides: &Sides<'_>, key: &[Field], side: Side) -> String {
    let absent: Vec<String> = key.iter().map(|field| format!("{} is null", sides.raw(field, side))).collect();
    let each: Vec<String> = absent.iter().map(|absent| format!("count(*) filter (where {absent})")).collect();
    let any = absent.join(" or ");
    format!("select count(*), {} from {} where {any}", each.join(", "), sides.rows(side))
}

/// One row: the number of rows, then for each column the number of values that are not NULL.
/// `source` is what follows `from`.
pub fn profile(dialect: &dyn Dialect, source: &str, columns: &[&str]) -> String {
    let counts = columns.iter().map(|column| format!(", count({})", dialect.quote(column)));
    format!("select count(*){} from {source}", counts.collect::<String>())
}
