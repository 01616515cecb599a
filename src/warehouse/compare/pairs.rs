//! Two relations whose rows are paired by a key: one join finds the keys of the rows that differ, and everything else
//! is asked of those.
//!
//! `slimdiff_keys` has a row a key that differs, with how many rows of each side it stands for, and one row for all
//! pairs that are equal. From it `slimdiff_rows_N` has the rows themselves, for the Nth batch of columns.

use super::{BATCH, Field, Scratch, Side, Sides, of_those};

/// How many rows that differ are kept for examples at most. Counts are of all, whatever their number.
const ROWS_KEPT: u64 = 200_000;

/// How many values of these are kept, of each side and in each batch of columns.
const VALUES_KEPT: u64 = 2_000_000;

/// How many columns of all rows DuckDB joins at a time.
const JOINED: usize = 50;

/// Figures a column in the answer to [`Pairs::columns`].
pub const STATISTICS: usize = 6;

/// The comparison.
#[derive(Clone)]
pub struct Pairs<'a> {
    /// The two relations.
    pub sides: Sides<'a>,
    /// The key.
    pub key: &'a [Field],
    /// For each column of the key whether it is NULL in some row. NULL pairs with NULL.
    pub null_in_key: Vec<bool>,
    /// The other columns.
    pub values: &'a [Field],
    /// Rows whose key is in `slimdiff_twice` are left out.
    pub leave_out_twice: bool,
}

impl Pairs<'_> {
    /// The keys that differ. With `enforced` no key is looked for twice.
    pub fn keys(&self, enforced: bool) -> String {
        let keys = self.key_count();
        let (by_hash, by_value): (Vec<usize>, Vec<usize>) =
            (0..self.values.len()).partition(|&at| self.goes_by_hash(at));
        let mut unequal = vec!["b.k0 is null".to_owned(), "c.k0 is null".to_owned()];
        if !by_hash.is_empty() {
            unequal.push("b.h <> c.h".to_owned());
        }
        unequal.extend(by_value.iter().map(|&at| self.differs(at)));
        let unequal = unequal.join("\n    or ");
        let key: Vec<String> = (0..keys).map(|at| format!("coalesce(b.k{at}, c.k{at}) as k{at}")).collect();
        let key = key.join(", ");
        let join = format!(
            "{}\nfull outer join {}\non {}",
            self.source(Side::Baseline, &by_hash, &by_value),
            self.source(Side::Current, &by_hash, &by_value),
            self.on("b", "c"),
        );
        if enforced {
            return format!(
                "select row_number() over () as i, true as u, {key}, 1 as n,\n    case when b.k0 is null then 0 else 1 \
                 end as nb, case when c.k0 is null then 0 else 1 end as nc\nfrom {join}\nwhere {unequal}"
            );
        }
        let names = (0..keys).map(|at| format!("k{at}")).collect::<Vec<_>>().join(", ");
        let grouped: Vec<String> = (0..keys).map(|at| format!("case when u then k{at} end")).collect();
        let named: Vec<String> = grouped.iter().enumerate().map(|(at, key)| format!("{key} as k{at}")).collect();
        // The fence keeps PostgreSQL from computing `u` once for every use of it.
        let fence = if self.sides.dialect.name() == "postgres" { "\n    offset 0" } else { "" };
        format!(
            "select row_number() over () as i, u, {names}, n, nb, nc from (\n    select u, {named}, count(*) as n, \
             count(b0) as nb, count(c0) as nc from (\n    select ({unequal}) as u, {key}, b.k0 as b0, c.k0 as c0\n    from \
             {join}{fence}\n    ) as joined group by u, {grouped}\n) as counted",
            named = named.join(", "),
            grouped = grouped.join(", "),
        )
    }

    /// One row: pairs that are equal, pairs that are not, rows only in production, only in the pull request, keys that
    /// paired more than once among those that are not equal, and rows beyond the first of each key that only one side
    /// has, production's and the pull request's.
    pub fn counts() -> String {
        let sum =
            |what: &str, condition: &str| format!("cast(coalesce({}, 0) as bigint)", of_those("sum", what, condition));
        format!(
            "select {}, {}, {}, {}, {}, {}, {} from slimdiff_keys",
            sum("n", "not u"),
            sum("n", "u and nb > 0 and nc > 0"),
            sum("nb", "u and nc = 0"),
            sum("nc", "u and nb = 0"),
            sum("1", "u and nb > 0 and nc > 0 and n > 1"),
            sum("nb - 1", "u and nc = 0"),
            sum("nc - 1", "u and nb = 0"),
        )
    }

    /// The keys that occur more than once on either side.
    pub fn twice(&self) -> String {
        let sides = Side::BOTH.map(|side| {
            let keys = self.key_expressions(side);
            let named: Vec<String> = keys.iter().enumerate().map(|(at, key)| format!("{key} as k{at}")).collect();
            format!(
                "select {} from {} group by {} having count(*) > 1",
                named.join(", "),
                self.sides.rows(side),
                keys.join(", "),
            )
        });
        format!("{}\nunion\n{}", sides[0], sides[1])
    }

    /// One number: rows of one side beyond the first of each key.
    pub fn duplicates(&self, side: Side) -> String {
        format!(
            "select cast(coalesce(sum(n - 1), 0) as bigint) from (select count(*) as n from {} group by {} having \
             count(*) > 1) as twice",
            self.sides.rows(side),
            self.key_expressions(side).join(", "),
        )
    }

    /// The rows of one side with their key as `k0` and so on, and `columns`; joined with `slimdiff_twice`. It is no
    /// subquery with `exists` over the columns themselves, because DuckDB first makes those distinct by its own equality,
    /// to which a month is 30 days.
    pub(super) fn beside_twice(&self, side: Side, columns: &str, join: &str) -> String {
        let keys = self.key_expressions(side).into_iter().enumerate().map(|(at, key)| format!("{key} as k{at}"));
        let keys = keys.collect::<Vec<_>>().join(", ");
        let comma = if columns.is_empty() { "" } else { ", " };
        format!(
            "(select {keys}{comma}{columns} from {}) as s {join} slimdiff_twice as twice on {}",
            self.sides.rows(side),
            self.on("twice", "s"),
        )
    }

    /// The rows that differ: an `i` each, their `kind` (`c` changed, `a` added, `r` removed), the keys and a batch of
    /// columns of both sides as they are. With `all` without the limit of [`Self::rows_kept`].
    pub fn rows(&self, batch: std::ops::Range<usize>, all: bool) -> String {
        let mut shown = vec![
            "d.i as i".to_owned(),
            "case when d.nb = 0 then 'a' when d.nc = 0 then 'r' else 'c' end as kind".to_owned(),
        ];
        shown.extend((0..self.key_count()).map(|at| format!("d.k{at} as k{at}")));
        shown.extend((0..self.key.len()).map(|at| format!("b.q{at} as bq{at}, c.q{at} as cq{at}")));
        shown.extend(batch.clone().map(|at| format!("b.w{at} as b{at}, c.w{at} as c{at}")));
        let limit = if all { String::new() } else { format!(" and i <= {}", self.rows_kept()) };
        let keys = format!("(select * from slimdiff_keys where u{limit})");
        format!(
            "select {}\nfrom {keys} as d\nleft join {} on {}\nleft join {} on {}",
            shown.join(", "),
            self.rows_with(&keys, Side::Baseline, batch.clone()),
            self.on("d", "b"),
            self.rows_with(&keys, Side::Current, batch),
            self.on("d", "c"),
        )
    }

    /// One side as in [`Self::raw_source`], of it no more than has one of `keys` where the engine would otherwise put all
    /// of it into a hash table.
    fn rows_with(&self, keys: &str, side: Side, values: std::ops::Range<usize>) -> String {
        let source = self.raw_source(side, values);
        let alias = side.alias();
        if self.sides.dialect.name() != "duckdb" {
            return source;
        }
        format!("(select {alias}.* from {source} semi join {keys} as d on {}) as {alias}", self.on("d", alias))
    }

    /// How many rows that differ are kept for examples: fewer of a wide table.
    pub fn rows_kept(&self) -> u64 {
        let width = self.values.len().clamp(1, BATCH) as u64;
        ROWS_KEPT.min(VALUES_KEPT / width)
    }

    /// The columns of a batch in parts, each for a query of its own over all rows. DuckDB, which reads columns one by one,
    /// joins fewer at a time in less memory and time; PostgreSQL would read all of them for each part.
    pub fn parts(&self, batch: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
        let width = if self.sides.dialect.name() == "duckdb" { JOINED } else { BATCH };
        batch.clone().step_by(width).map(|from| from..(from + width).min(batch.end)).collect()
    }

    /// A batch of columns of all rows that both sides have, in the form of [`Self::rows`]: one join, where looking up the
    /// changed ones would take two. Of use where most rows changed; the others add nothing to what is asked of columns.
    pub fn all_pairs(&self, batch: std::ops::Range<usize>) -> String {
        let columns = batch.clone().map(|at| format!("b.w{at} as b{at}, c.w{at} as c{at}")).collect::<Vec<_>>();
        format!(
            "(select 'c' as kind, {}\nfrom {}\njoin {} on {}) as all_pairs",
            columns.join(", "),
            self.raw_source(Side::Baseline, batch.clone()),
            self.raw_source(Side::Current, batch),
            self.on("b", "c"),
        )
    }

    /// One row: for each column of `batch` the changed rows in which it differs, in which it became NULL, in which it
    /// was NULL, and the mean, the mean absolute and the largest absolute distance. `rows` is what [`Pairs::rows`] says.
    pub fn columns(&self, batch: std::ops::Range<usize>, rows: &str) -> String {
        let mut figures = Vec::new();
        for at in batch {
            let (b, c, differs) = (format!("b{at}"), format!("c{at}"), self.differs_in_rows(at));
            figures.push(of_those("count", "1", &differs));
            // PostgreSQL takes a composite value of which all parts are NULL for NULL, unless asked so.
            figures.push(of_those(
                "count",
                "1",
                &format!("{b} is distinct from null and {c} is not distinct from null"),
            ));
            figures.push(of_those(
                "count",
                "1",
                &format!("{b} is not distinct from null and {c} is distinct from null"),
            ));
            match &self.values[at].number {
                Some(number) => {
                    let distance = number.distance(&b, &c);
                    for (function, of) in [
                        ("avg", distance.clone()),
                        ("avg", format!("abs({distance})")),
                        ("max", format!("abs({distance})")),
                    ] {
                        figures.push(of_those(function, &of, &differs));
                    }
                }
                None => figures.extend(["null", "null", "null"].map(str::to_owned)),
            }
        }
        if figures.is_empty() {
            figures.push("null".to_owned());
        }
        format!("select {}\nfrom {rows}\nwhere kind = 'c'", figures.join(",\n    "))
    }

    /// The rows in `slimdiff_rows_N` that tell most of a change, at most `limit`: their `i`.
    /// `cell` is what happened to the column.
    pub fn telling(&self, at: usize, cell: Cell, by_size: bool, limit: usize) -> String {
        let (b, c) = (format!("b{at}"), format!("c{at}"));
        let what = match cell {
            Cell::BecameNull => format!("{b} is distinct from null and {c} is not distinct from null"),
            Cell::WasNull => format!("{b} is not distinct from null and {c} is distinct from null"),
            Cell::OtherValue => {
                format!("{b} is distinct from null and {c} is distinct from null and {}", self.differs_in_rows(at))
            }
        };
        let size = match &self.values[at].number {
            Some(number) if by_size && cell == Cell::OtherValue => {
                format!("abs({}) desc nulls first, ", number.distance(&b, &c))
            }
            _ => String::new(),
        };
        format!(
            "select i from slimdiff_rows_{} where kind = 'c' and {what} order by {size}{} limit {limit}",
            at / BATCH,
            self.key_order(),
        )
    }

    /// Rows that only one side has: the `i` of the first `limit` in the order of the key.
    pub fn lone(&self, side: Side, limit: usize) -> String {
        let kind = if side == Side::Current { 'a' } else { 'r' };
        format!("select i from slimdiff_rows_0 where kind = '{kind}' order by {} limit {limit}", self.key_order())
    }

    /// For each `i` of `rows`: the `i`, the key on both sides, then for each column of `shown`, all of batch `batch`,
    /// both values and whether they differ.
    pub fn examples(&self, batch: usize, shown: &[usize], rows: &[i64]) -> String {
        let mut columns = vec!["i".to_owned(), "kind".to_owned()];
        columns.extend((0..self.key.len()).map(|at| format!("bq{at}, cq{at}")));
        columns.extend(shown.iter().map(|&at| format!("b{at}, c{at}, {}", self.differs_in_rows(at))));
        let rows = rows.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        format!("select {} from slimdiff_rows_{batch} where i in ({rows})", columns.join(", "))
    }

    /// The name under which a batch of rows is kept.
    pub fn rows_name(batch: usize) -> String {
        format!("slimdiff_rows_{batch}")
    }

    /// Columns of ours that make up the key: a column that is NULL somewhere takes two.
    fn key_count(&self) -> usize {
        self.key.len() + self.null_in_key.iter().filter(|&&null| null).count()
    }

    fn key_order(&self) -> String {
        (0..self.key_count()).map(|at| format!("k{at}")).collect::<Vec<_>>().join(", ")
    }

    /// The key of one side. Its first part is never NULL: a column that is NULL somewhere begins with whether it is.
    fn key_expressions(&self, side: Side) -> Vec<String> {
        let mut keys = Vec::new();
        for (field, &null) in self.key.iter().zip(&self.null_in_key) {
            let formed = self.sides.formed(field, side);
            if null {
                keys.push(format!("case when {} is null then 1 else 0 end", self.sides.raw(field, side)));
            }
            keys.push(if null && !self.joins_nulls() { field.form.never_null(&formed) } else { formed });
        }
        keys
    }

    /// Whether the engine can join by `is not distinct from` as fast as by `=`. PostgreSQL cannot.
    fn joins_nulls(&self) -> bool {
        self.sides.dialect.name() == "duckdb"
    }

    /// Two texts of SQL as equal parts of a key.
    fn same(&self, a: &str, b: &str) -> String {
        let null = self.joins_nulls() && self.null_in_key.contains(&true);
        if null { format!("{a} is not distinct from {b}") } else { format!("{a} = {b}") }
    }

    fn on(&self, a: &str, b: &str) -> String {
        let pairs = (0..self.key_count()).map(|at| self.same(&format!("{a}.k{at}"), &format!("{b}.k{at}")));
        pairs.collect::<Vec<_>>().join(" and ")
    }

    /// Whether a value differs in the join of both sources.
    fn differs(&self, at: usize) -> String {
        self.values[at].differs(&format!("b.v{at}"), &format!("c.v{at}"), (&format!("b.w{at}"), &format!("c.w{at}")))
    }

    /// Whether a value differs in `slimdiff_rows`.
    fn differs_in_rows(&self, at: usize) -> String {
        let field = &self.values[at];
        let (b, c) = (format!("b{at}"), format!("c{at}"));
        field.differs(&field.form.apply(Side::Baseline, &b), &field.form.apply(Side::Current, &c), (&b, &c))
    }

    /// One side with its key in its form, one hash of the values `by_hash`, and the values `by_value` in their forms;
    /// those that have a tolerance also as they are.
    fn source(&self, side: Side, by_hash: &[usize], by_value: &[usize]) -> String {
        let hashed: Vec<String> = by_hash.iter().flat_map(|&at| self.sides.hashed(&self.values[at], side)).collect();
        let hash = (!hashed.is_empty()).then(|| format!("hash({}) as h", hashed.join(", ")));
        let values = by_value.iter().flat_map(|&at| {
            let field = &self.values[at];
            let raw = field.tolerance.map(|_| format!("{} as w{at}", self.sides.raw(field, side)));
            std::iter::once(format!("{} as v{at}", self.sides.formed(field, side))).chain(raw)
        });
        self.select(side, hash.into_iter().chain(values))
    }

    /// Whether the join carries a hash of the value instead of the value. DuckDB's hashes have 64 bits and cost little,
    /// and its joins are the cheaper the narrower they are; to PostgreSQL the hash costs more than it saves.
    fn goes_by_hash(&self, at: usize) -> bool {
        let field = &self.values[at];
        self.sides.dialect.name() == "duckdb" && field.tolerance.is_none() && !field.form.is_nested()
    }

    /// One side with its key in its form, and key and values as they are.
    fn raw_source(&self, side: Side, values: std::ops::Range<usize>) -> String {
        let keys = self.key.iter().enumerate().map(|(at, field)| format!("{} as q{at}", self.sides.raw(field, side)));
        let values = values.map(|at| format!("{} as w{at}", self.sides.raw(&self.values[at], side)));
        self.select(side, keys.chain(values))
    }

    fn select(&self, side: Side, columns: impl Iterator<Item = String>) -> String {
        let columns: Vec<String> = columns.collect();
        let alias = side.alias();
        if self.leave_out_twice {
            let rows = self.beside_twice(side, &columns.join(", "), "left join");
            return format!("(select s.* from {rows} where twice.k0 is null) as {alias}");
        }
        let keys = self.key_expressions(side).into_iter().enumerate().map(|(at, key)| format!("{key} as k{at}"));
        let columns: Vec<String> = keys.chain(columns).collect();
        format!("(select {} from {}) as {alias}", columns.join(", "), self.sides.rows(side))
    }
}

/// What happened to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// It was a value and is NULL.
    BecameNull,
    /// It was NULL and is a value.
    WasNull,
    /// It is another value.
    OtherValue,
}

impl Scratch {
    /// Several queries' rows as one, each query's with its number.
    pub fn numbered(&self, queries: &[String]) -> String {
        let parts =
            queries.iter().enumerate().map(|(at, query)| format!("select {at} as q, i from ({query}) as q{at}"));
        self.over(&parts.collect::<Vec<_>>().join("\nunion all\n"))
    }
}
