//! The SQL of comparing two relations. `diff` asks by intent; what is text is here.
//!
//! Columns get names of our own (`k0`, `v0`) in subqueries, so that no name of the project's can clash or need quoting
//! twice. The side is `b` for the baseline and `c` for the current one.

pub mod canonical;
mod types;

use std::ops::Range;

pub use self::types::Form;
use super::Dialect;
use crate::model::{Change, Relation};

/// How many columns one query is asked about: a select list has room for 1,664 on PostgreSQL.
pub const BATCH: usize = 400;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Production's.
    Baseline,
    /// The pull request's.
    Current,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Baseline => Self::Current,
            Self::Current => Self::Baseline,
        }
    }

    /// This side's half of a pair.
    pub fn of<T>(self, pair: &Change<T>) -> &T {
        match self {
            Self::Baseline => &pair.baseline,
            Self::Current => &pair.current,
        }
    }

    /// This side's half of a pair, to be changed.
    pub fn of_mut<T>(self, pair: &mut Change<T>) -> &mut T {
        match self {
            Self::Baseline => &mut pair.baseline,
            Self::Current => &mut pair.current,
        }
    }

    fn alias(self) -> &'static str {
        match self {
            Self::Baseline => "b",
            Self::Current => "c",
        }
    }
}

/// A column that is compared: what each side calls it, and the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name on each side.
    pub name: Change<String>,
    /// Its form on both.
    pub form: Form,
}

/// The statement with which a comparison begins: all queries after it see one state of the data. It only reads.
pub fn begin(dialect: &dyn Dialect) -> &'static str {
    match dialect.name() {
        "postgres" => "begin transaction isolation level repeatable read, read only",
        _ => "begin transaction",
    }
}

/// The statement with which a comparison ends.
pub fn end() -> &'static str {
    "rollback"
}

/// Whether two names of columns are one to the engine.
pub fn same_column(dialect: &dyn Dialect, a: &str, b: &str) -> bool {
    a == b || dialect.name() == "duckdb" && a.to_lowercase() == b.to_lowercase()
}

/// One row: the number of rows, then for each column the number of values that are not NULL.
pub fn profile(dialect: &dyn Dialect, relation: &Relation, columns: &[&str]) -> String {
    let counts = columns.iter().map(|column| format!(", count({})", dialect.quote(column)));
    format!("select count(*){} from {relation}", counts.collect::<String>())
}

/// One number: rows beyond the first of each value of the key. Rows with NULL in the key are not asked about.
pub fn duplicates(dialect: &dyn Dialect, relation: &Relation, key: &[Field], side: Side) -> String {
    let columns: Vec<String> = key.iter().map(|field| dialect.quote(side.of(&field.name).as_str())).collect();
    let groups: Vec<String> = key.iter().zip(&columns).map(|(field, column)| field.form.apply(column)).collect();
    let present: Vec<String> = columns.iter().map(|column| format!("{column} is not null")).collect();
    format!(
        "select cast(coalesce(sum(n - 1), 0) as bigint) from (\n    select count(*) as n from {relation}\n    \
         where {}\n    group by {}\n    having count(*) > 1\n) as duplicate_keys",
        present.join(" and "),
        groups.join(", "),
    )
}

/// One number: rows in which at least one column of the key is NULL.
pub fn rows_with_null(dialect: &dyn Dialect, relation: &Relation, key: &[Field], side: Side) -> String {
    let absent = key.iter().map(|field| format!("{} is null", dialect.quote(side.of(&field.name).as_str())));
    format!("select count(*) from {relation} where {}", absent.collect::<Vec<_>>().join(" or "))
}

/// Two relations whose rows are paired by a key that is unique and not NULL on both sides.
#[derive(Clone, Copy)]
pub struct Keyed<'a> {
    /// How the engine writes SQL.
    pub dialect: &'a dyn Dialect,
    /// The two relations.
    pub relation: Change<&'a Relation>,
    /// The key.
    pub key: &'a [Field],
    /// The other columns.
    pub values: &'a [Field],
}

impl Keyed<'_> {
    /// One row: rows added, removed and changed, then for each value of `batch` the rows in which it changed. The
    /// first three are of all values, whatever the batch.
    pub fn counts(&self, batch: Range<usize>) -> String {
        let (added, removed, both) = ("b.k0 is null", "c.k0 is null", "b.k0 is not null and c.k0 is not null");
        let mut counts: Vec<String> =
            [added, removed, both].map(|condition| format!("count(*) filter (where {condition})")).into();
        counts.extend(batch.map(|at| format!("count(*) filter (where {both} and {})", differs(at))));
        let unequal = self.unequal(0..self.values.len());
        let mut conditions = vec![added.to_owned(), removed.to_owned()];
        conditions.extend(unequal);
        format!(
            "select\n    {}\nfrom {}\nfull outer join {}\non {}\nwhere {}",
            counts.join(",\n    "),
            self.source(Side::Baseline),
            self.source(Side::Current),
            self.on("b", "c"),
            conditions.join("\n    or "),
        )
    }

    /// Some changed rows, at most `limit`, chosen so that the columns of `telling` (positions in `values`) are all
    /// covered as far as the limit allows, the first ones first; in the order of the key among rows that tell of the
    /// same column. Each row: the key as it is in the pull request, then for each column of `telling` production's
    /// value, the pull request's, and whether they differ.
    pub fn changed_samples(&self, telling: &[usize], limit: usize) -> String {
        let first: Vec<String> =
            telling.iter().enumerate().map(|(rank, &at)| format!("when {} then {rank}", differs(at))).collect();
        let keys = self.key_names("b");
        let unequal: Vec<String> = telling.iter().map(|&at| differs(at)).collect();
        let mut shown: Vec<String> = (0..self.key.len()).map(|at| format!("c.q{at}")).collect();
        shown.extend(telling.iter().map(|&at| format!("b.r{at}, c.r{at}, {}", differs(at))));
        let (baseline, current) = (self.source_of(Side::Baseline, telling), self.source_of(Side::Current, telling));
        format!(
            "with p as (\n    select {names}, nth, tells from (\n        select {keys}, tells,\n            \
             row_number() over (partition by tells order by {keys}) as nth\n        from (\n            \
             select {keys}, case {first} end as tells\n            from {baseline}\n            join {current}\n            \
             on {on}\n            where {unequal}\n        ) as b\n    ) as ranked\n    where nth <= {limit}\n    \
             order by nth, tells limit {limit}\n)\n\
             select {shown}\nfrom p\njoin {baseline} on {on_b}\njoin {current} on {on_c}\norder by p.nth, p.tells",
            names = (0..self.key.len()).map(|at| format!("k{at}")).collect::<Vec<_>>().join(", "),
            keys = keys.join(", "),
            first = first.join(" "),
            on = self.on("b", "c"),
            unequal = unequal.join(" or "),
            shown = shown.join(", "),
            on_b = self.on("p", "b"),
            on_c = self.on("p", "c"),
        )
    }

    /// The keys of rows that only `side` has: the first `limit` in the order of the key.
    pub fn lone_samples(&self, side: Side, limit: usize) -> String {
        let (own, other) = (side.alias(), side.other().alias());
        let shown: Vec<String> = (0..self.key.len()).map(|at| format!("{own}.q{at}")).collect();
        format!(
            "select {} from {}\nleft join {}\non {}\nwhere {other}.k0 is null\norder by {} limit {limit}",
            shown.join(", "),
            self.source_of(side, &[]),
            self.source_of(side.other(), &[]),
            self.on("b", "c"),
            self.key_names(own).join(", "),
        )
    }

    /// Conditions of which one holds for every changed row.
    fn unequal(&self, values: Range<usize>) -> Vec<String> {
        debug_assert!(values.end <= self.values.len());
        values.map(differs).collect()
    }

    fn on(&self, a: &str, b: &str) -> String {
        let pairs = (0..self.key.len()).map(|at| format!("{a}.k{at} = {b}.k{at}"));
        pairs.collect::<Vec<_>>().join(" and ")
    }

    fn key_names(&self, alias: &str) -> Vec<String> {
        (0..self.key.len()).map(|at| format!("{alias}.k{at}")).collect()
    }

    /// One side with key and values in their forms.
    fn source(&self, side: Side) -> String {
        let fields = self.key.iter().enumerate().map(|(at, field)| (format!("k{at}"), field));
        let fields = fields.chain(self.values.iter().enumerate().map(|(at, field)| (format!("v{at}"), field)));
        let columns = fields.map(|(name, field)| {
            let column = self.dialect.quote(side.of(&field.name).as_str());
            format!("{} as {name}", field.form.apply(&column))
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("(select {columns} from {}) as {}", side.of(&self.relation), side.alias())
    }

    /// One side with the key and some values, both in their forms (`k0`, `v0`) and as they are (`q0`, `r0`).
    fn source_of(&self, side: Side, values: &[usize]) -> String {
        let mut columns = Vec::new();
        for (at, field) in self.key.iter().enumerate() {
            let column = self.dialect.quote(side.of(&field.name).as_str());
            columns.push(format!("{} as k{at}, {column} as q{at}", field.form.apply(&column)));
        }
        for &at in values {
            let field = &self.values[at];
            let column = self.dialect.quote(side.of(&field.name).as_str());
            columns.push(format!("{} as v{at}, {column} as r{at}", field.form.apply(&column)));
        }
        format!("(select {} from {}) as {}", columns.join(", "), side.of(&self.relation), side.alias())
    }
}

fn differs(at: usize) -> String {
    format!("b.v{at} is distinct from c.v{at}")
}

/// Two relations whose rows are compared as wholes, each as often as it is there.
#[derive(Clone, Copy)]
pub struct Whole<'a> {
    /// How the engine writes SQL.
    pub dialect: &'a dyn Dialect,
    /// The two relations.
    pub relation: Change<&'a Relation>,
    /// The columns.
    pub fields: &'a [Field],
}

impl Whole<'_> {
    /// One row: rows added, removed, and on both sides.
    pub fn counts(&self) -> String {
        format!(
            "select\n    cast(coalesce(sum(case when nc > nb then nc - nb else 0 end), 0) as bigint),\n    \
             cast(coalesce(sum(case when nb > nc then nb - nc else 0 end), 0) as bigint),\n    \
             cast(coalesce(sum(case when nb < nc then nb else nc end), 0) as bigint)\nfrom {}",
            self.grouped(),
        )
    }

    /// Rows that `side` has more often than the other: the first `limit` in their own order, in the form in which
    /// they were compared.
    pub fn samples(&self, side: Side, limit: usize) -> String {
        let columns: Vec<String> = (0..self.fields.len()).map(|at| format!("v{at}")).collect();
        let columns = columns.join(", ");
        let (own, other) = (side.alias(), side.other().alias());
        format!("select {columns} from {}\nwhere n{own} > n{other}\norder by {columns} limit {limit}", self.grouped())
    }

    /// Every distinct row with how often each side has it.
    fn grouped(&self) -> String {
        let columns: Vec<String> = (0..self.fields.len()).map(|at| format!("v{at}")).collect();
        let columns = columns.join(", ");
        format!(
            "(\n    select {columns}, sum(ib) as nb, sum(ic) as nc from (\n        {}\n        union all\n        {}\n    \
             ) as both_sides\n    group by {columns}\n) as counted",
            self.rows(Side::Baseline),
            self.rows(Side::Current),
        )
    }

    fn rows(&self, side: Side) -> String {
        let columns = self.fields.iter().enumerate().map(|(at, field)| {
            let column = self.dialect.quote(side.of(&field.name).as_str());
            format!("{} as v{at}", field.form.apply(&column))
        });
        let (b, c) = if side == Side::Baseline { (1, 0) } else { (0, 1) };
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("select {columns}, {b} as ib, {c} as ic from {}", side.of(&self.relation))
    }
}
