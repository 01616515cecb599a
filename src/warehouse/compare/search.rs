//! What the data itself says: which columns could be a key, and which column became which.

use super::kinds::Kind;
use super::{Field, Side, Sides, of_those};

/// Rows that are looked at for a key before all are, and pairs of rows for columns that were renamed.
pub const LOOK: u64 = 20_000;

/// Questions of a search for a key.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// The two relations.
    pub sides: Sides<'a>,
}

impl Search<'_> {
    /// How good a part of a key columns of this type are: 1 best; none: never.
    pub fn rank(data_type: &str) -> Option<u8> {
        rank(&Kind::parse(data_type))
    }

    /// One row: how many rows were looked at on one side, then for each set of columns how many different values they
    /// have in them. NULLs are not counted.
    pub fn look(&self, side: Side, candidates: &[&[Field]]) -> String {
        let mut fields: Vec<&Field> = Vec::new();
        for field in candidates.iter().copied().flatten() {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        let columns: Vec<String> = fields.iter().map(|field| self.sides.formed(field, side)).collect();
        let place = |field: &Field| fields.iter().position(|other| *other == field).unwrap_or_default();
        let places: Vec<Vec<usize>> =
            candidates.iter().map(|candidate| candidate.iter().map(place).collect()).collect();
        look(&self.sides.rows(side), &columns, &places)
    }
}

/// How good a part of a key columns of this kind are: 1 best; none: never. A measure is no key, even where no two rows
/// have the same.
pub(super) fn rank(kind: &Kind) -> Option<u8> {
    match kind {
        Kind::Int { .. } | Kind::Uuid => Some(1),
        Kind::Text | Kind::Char => Some(2),
        Kind::Decimal(Some((_, 0))) => Some(3),
        Kind::Date | Kind::Timestamp | Kind::TimestampNs | Kind::TimestampTz | Kind::Enum => Some(4),
        _ => None,
    }
}

/// One row: how many of the rows were looked at, then for each set of columns how many different values they have in
/// them, NULLs not being counted. `columns` are expressions over `rows`, an item of a FROM clause; a candidate is the
/// places of its columns among them.
pub(super) fn look(rows: &str, columns: &[String], candidates: &[Vec<usize>]) -> String {
    let columns: Vec<String> = columns.iter().enumerate().map(|(at, column)| format!("{column} as v{at}")).collect();
    let counts = candidates.iter().map(|candidate| {
        let names: Vec<String> = candidate.iter().map(|at| format!("v{at}")).collect();
        let present: Vec<String> = names.iter().map(|name| format!("{name} is not null")).collect();
        let value = if let [name] = names.as_slice() { name.clone() } else { format!("row({})", names.join(", ")) };
        format!(", count(distinct case when {} then {value} end)", present.join(" and "))
    });
    format!(
        "select count(*){} from (select {} from {rows} limit {LOOK}) as looked_at",
        counts.collect::<String>(),
        columns.join(", "),
    )
}

/// One row: pairs that were looked at, then for each candidate (a column of production, one of the pull request) the
/// pairs with equal values that are not NULL, and how many different values those are.
pub fn evidence_of_rename(sides: &Sides<'_>, key: &[Field], candidates: &[Field]) -> String {
    let source = |side: Side| {
        let keys = key.iter().enumerate().map(|(at, field)| format!("{} as k{at}", sides.formed(field, side)));
        let values = candidates.iter().enumerate().map(|(at, field)| format!("{} as v{at}", sides.formed(field, side)));
        let columns = keys.chain(values).collect::<Vec<_>>().join(", ");
        format!("(select {columns} from {}) as {}", sides.rows(side), side.alias())
    };
    let on: Vec<String> = (0..key.len()).map(|at| format!("b.k{at} = c.k{at}")).collect();
    let values = (0..candidates.len()).map(|at| format!("b.v{at} as b{at}, c.v{at} as c{at}")).collect::<Vec<_>>();
    let counts = (0..candidates.len()).map(|at| {
        let equal = of_those("count", "1", &format!("b{at} = c{at}"));
        format!(", {equal}, count(distinct case when b{at} = c{at} then b{at} end)")
    });
    format!(
        "select count(*){} from (select {} from {} join {} on {} limit {LOOK}) as pairs",
        counts.collect::<String>(),
        values.join(", "),
        source(Side::Baseline),
        source(Side::Current),
        on.join(" and "),
    )
}
