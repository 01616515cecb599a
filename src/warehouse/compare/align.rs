//! The SQL of relations of different age: from when to when each side has rows, and which of them both can have.

use super::{Side, Sides};
use crate::model::Change;
use crate::warehouse::Dialect;

/// One row about a column of dates or times that both sides have: as text the oldest and the newest of the baseline, of
/// the current side, the later of the oldest and the earlier of the newest, then the type of the last two, and whether
/// one side has nothing before the earlier of the newest, and nothing in between. `name` is the column's on each side.
pub fn extents(sides: &Sides<'_>, name: &Change<String>) -> String {
    let (text, of) = match sides.dialect.name() {
        "duckdb" => ("varchar", "typeof"),
        _ => ("text", "pg_typeof"),
    };
    let side = |side: Side| {
        let column = sides.dialect.quote(side.of::<String>(name));
        format!("(select min({column}) as lo, max({column}) as hi from {}) as {}", sides.rows(side), side.alias())
    };
    let as_text = |expression: &str| format!("cast({expression} as {text})");
    let (later, earlier) = ("greatest(b.lo, c.lo)", "least(b.hi, c.hi)");
    let values = ["b.lo", "b.hi", "c.lo", "c.hi", later, earlier].map(as_text).join(", ");
    format!(
        "select {values}, {}, {later} > {earlier}\nfrom {}\ncross join {}",
        as_text(&format!("{of}({earlier})")),
        side(Side::Baseline),
        side(Side::Current),
    )
}

/// The condition that a row is not younger than `newest` and, where one is given, not older than `oldest`, both of the
/// type `data_type`. Rows of unknown age meet it. Never NULL.
pub fn in_time(dialect: &dyn Dialect, column: &str, oldest: Option<&str>, newest: &str, data_type: &str) -> String {
    let column = dialect.quote(column);
    let value = |text: &str| format!("cast({} as {data_type})", dialect.literal(text));
    let after = oldest.map(|oldest| format!("{column} >= {} and ", value(oldest))).unwrap_or_default();
    format!("({column} is null or {after}{column} <= {})", value(newest))
}

/// A condition that somebody wrote, and another.
pub fn both(written: &str, other: &str) -> String {
    // What is written ends on a line of its own, since it may end with a comment.
    format!("({written}\n) and {other}")
}

/// One row: how many rows of one side do not meet a condition, and how many there are.
pub fn left_out(sides: &Sides<'_>, side: Side, condition: &str) -> String {
    format!("select count(*) filter (where not {condition}), count(*) from {}", sides.rows(side))
}
