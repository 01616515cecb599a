//! Two relations whose rows are compared as wholes, each as often as it is there.

use super::{Field, Pairs, Side, Sides};

/// The comparison. What is left on either side after equal rows paired off is kept as `slimdiff_left`.
#[derive(Clone)]
pub struct Whole<'a> {
    /// The two relations.
    pub sides: Sides<'a>,
    /// The columns.
    pub fields: &'a [Field],
    /// Only rows take part whose key is in `slimdiff_twice`.
    pub only_twice: Option<&'a Pairs<'a>>,
}

impl Whole<'_> {
    /// Every distinct row that one side has more often than the other, with how often each has it.
    pub fn left(&self) -> String {
        let columns = self.names();
        format!(
            "select row_number() over () as i, {columns}, nb, nc from (\n    select {columns}, sum(ib) as nb, sum(ic) as \
             nc from (\n        {}\n        union all\n        {}\n    ) as both_sides\n    group by {columns}\n    having \
             sum(ib) <> sum(ic)\n) as counted",
            self.rows(Side::Baseline),
            self.rows(Side::Current),
        )
    }

    /// One row: rows added and removed.
    pub fn counts() -> &'static str {
        "select cast(coalesce(sum(case when nc > nb then nc - nb else 0 end), 0) as bigint), cast(coalesce(sum(case when \
         nb > nc then nb - nc else 0 end), 0) as bigint) from slimdiff_left"
    }

    /// One row: how many rows of each side take part, production's first.
    pub fn totals(&self) -> String {
        let counts = Side::BOTH.map(|side| match self.only_twice {
            Some(pairs) => format!("(select count(*) from {})", pairs.beside_twice(side, "", "join")),
            None => format!("(select count(*) from {})", self.sides.rows(side)),
        });
        format!("select {}", counts.join(", "))
    }

    /// Rows that `side` has more often than the other: the first `limit` in their own order, in the form in which
    /// they were compared.
    pub fn samples(&self, side: Side, limit: usize) -> String {
        let columns = self.names();
        let (own, other) = if side == Side::Baseline { ("nb", "nc") } else { ("nc", "nb") };
        format!("select {columns} from slimdiff_left\nwhere {own} > {other}\norder by {columns} limit {limit}")
    }

    fn names(&self) -> String {
        (0..self.fields.len()).map(|at| format!("v{at}")).collect::<Vec<_>>().join(", ")
    }

    fn rows(&self, side: Side) -> String {
        let columns = self.sides.forms(self.fields, side).into_iter().enumerate();
        let columns = columns.map(|(at, form)| format!("{form} as v{at}")).collect::<Vec<_>>().join(", ");
        let (b, c) = if side == Side::Baseline { (1, 0) } else { (0, 1) };
        match self.only_twice {
            Some(pairs) => {
                let rows = pairs.beside_twice(side, &columns, "join");
                format!("select {}, {b} as ib, {c} as ic from {rows}", self.names())
            }
            None => format!("select {columns}, {b} as ib, {c} as ic from {}", self.sides.rows(side)),
        }
    }
}
