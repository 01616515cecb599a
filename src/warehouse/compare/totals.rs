//! Figures of one side, in one scan.

use super::{Ability, Field, Side, Sides, of_those};
use crate::warehouse::Dialect;

/// One row: the smallest and the largest whole number of a column of one side. None where it has other values.
pub fn bounds(sides: &Sides<'_>, field: &Field, side: Side) -> Option<String> {
    let column = sides.raw(field, side);
    let known = field.form.is_plain_integer();
    known.then(|| format!("select min({column}), max({column}) from {}", sides.rows(side)))
}

/// Whether the engine knows how many rows a table has without reading it.
pub fn counting_is_free(dialect: &dyn Dialect) -> bool {
    dialect.name() == "duckdb"
}

/// Where PostgreSQL's hashes begin. They take a number that is 0 for what they begin with, and NULL for 0.
const SEED: i64 = 5_871_781_006_564_002_453;

/// Items that one row of PostgreSQL is made of; it has room for 1,664.
const ITEMS: usize = 1_600;

/// One row: the number of rows of one side, and the sum of their hashes, each over all of `fields` in their forms. Rows
/// that are not equal have different hashes but for chance; equal rows have equal ones, but for spellings of nested
/// values and of decimals without a declared scale.
pub fn checksum(sides: &Sides<'_>, ability: Ability, fields: &[Field], side: Side) -> String {
    if fields.is_empty() {
        return format!("select count(*), null from {}", sides.rows(side));
    }
    format!(
        "select count(*), cast(sum({}) as varchar) from {}",
        row_hash(sides, ability, fields, side),
        sides.rows(side)
    )
}

/// A number that tells rows of one side apart by the values of `fields`, to be summed up.
pub(super) fn row_hash(sides: &Sides<'_>, ability: Ability, fields: &[Field], side: Side) -> String {
    let values: Vec<String> = fields.iter().flat_map(|field| sides.hashed(field, side)).collect();
    // The hash of a row is a sum of its columns' hashes times powers of 31 (or an exclusive or of them): two rows that
    // swap a value would cancel out in the sum of all rows. The outer hash keeps them apart. PostgreSQL's of a bigint has
    // 32 bits, of a double 64 of which a bigint fills 53.
    match sides.dialect.name() {
        "duckdb" => format!("hash(hash({}), 42)", values.join(", ")),
        _ if ability.row_hash => format!("hashfloat8extended(cast({} as double precision), 42)", of_row(&values)),
        _ => format!("hashtextextended(cast(row({}) as text), 42)", sides.forms(fields, side).join(", ")),
    }
}

/// PostgreSQL's hash of so many values.
fn of_row(values: &[String]) -> String {
    let one = |values: &[String]| format!("hash_record_extended(row({}), {SEED})", values.join(", "));
    if values.len() <= ITEMS {
        return one(values);
    }
    let parts: Vec<String> = values.chunks(ITEMS).map(|values| format!("int8send({})", one(values))).collect();
    one(&parts)
}

/// One row: rows in which at least one column of the key is NULL, then for each column the rows in which it is.
pub fn rows_with_null(sides: &Sides<'_>, key: &[Field], side: Side) -> String {
    let absent: Vec<String> = key.iter().map(|field| format!("{} is null", sides.raw(field, side))).collect();
    let each: Vec<String> = absent.iter().map(|absent| of_those("count", "1", absent)).collect();
    let any = absent.join(" or ");
    format!("select count(*), {} from {} where {any}", each.join(", "), sides.rows(side))
}

/// One row: the number of rows, then for each column the number of values that are not NULL.
/// `source` is what follows `from`.
pub fn profile(dialect: &dyn Dialect, source: &str, columns: &[&str]) -> String {
    let counts = columns.iter().map(|column| format!(", count({})", dialect.quote(column)));
    format!("select count(*){} from {source}", counts.collect::<String>())
}
