//! Which rows of a table have one value of a column, among the rows that differ and among all.

use super::kinds::Kind;
use super::{BATCH, Field, Pairs, Side, Sides};

/// Whether values of this type can name a group of rows.
pub fn can_name_a_group(data_type: &str) -> bool {
    matches!(
        Kind::parse(data_type),
        Kind::Text | Kind::Char | Kind::Bool | Kind::Enum | Kind::Date | Kind::Int { .. } | Kind::Other
    )
}

/// Of each column (positions in `values`), a row a value: the column's position, the value as text, the rows that differ
/// with it.
pub fn affected(values: &[usize]) -> String {
    let parts = values.iter().map(|at| {
        let value = format!("cast(case when kind = 'r' then b{at} else c{at} end as varchar)");
        format!(
            "select {at} as at, {value} as value, count(*) as n from {} group by {value}",
            Pairs::rows_name(at / BATCH)
        )
    });
    parts.collect::<Vec<_>>().join("\nunion all\n")
}

/// The same of all rows of one side.
pub fn all(sides: &Sides<'_>, side: Side, values: &[(usize, &Field)]) -> String {
    let parts = values.iter().map(|(at, field)| {
        let value = format!("cast({} as varchar)", sides.raw(field, side));
        format!("select {at} as at, {value} as value, count(*) as n from {} group by {value}", sides.rows(side))
    });
    parts.collect::<Vec<_>>().join("\nunion all\n")
}
