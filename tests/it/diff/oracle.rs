//! Generated pairs of tables, compared by each engine and by a naive comparison in memory: every figure must agree.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config;

use slimdiff::diff::{KeyFacts, Method, Options, SampleKind, TableDiff, diff};
use slimdiff::model::{Change, Relation, Value};
use slimdiff::plan::{Comparison, KeyCandidate, KeySource};

use super::{Engine, runtime};

/// What a generated column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Double,
    Decimal,
    Bool,
    Date,
    Timestamp,
    Uuid,
    Interval,
    Json,
    Bytes,
    List,
    Lists,
    Struct,
}

/// A value, such that equal values are equal: what can be written in several ways has a number besides its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
    Spelt(u64, String),
    Bool(bool),
}

impl Cell {
    fn float(literal: &str) -> Self {
        let number: f64 = literal.parse().unwrap();
        let bits = if number.is_nan() { f64::NAN.to_bits() } else { (number + 0.0).to_bits() };
        Self::Spelt(bits, literal.to_owned())
    }

    /// Without what two equal values may differ in.
    fn canonical(&self) -> Self {
        match self {
            Self::Spelt(value, _) => Self::Spelt(*value, String::new()),
            other => other.clone(),
        }
    }

    fn sql(&self, data_type: &str) -> String {
        match self {
            Self::Null => format!("cast(null as {data_type})"),
            Self::Number(number) if data_type.starts_with("decimal") => {
                format!("cast({number} as bigint)::decimal(18,2) / 100")
            }
            Self::Number(number) => format!("cast({number} as {data_type})"),
            Self::Text(text) => format!("cast('{}' as {data_type})", text.replace('\'', "''")),
            Self::Spelt(_, literal) if literal.starts_with("array") || literal.starts_with("row") => {
                format!("cast({literal} as {data_type})")
            }
            Self::Spelt(_, literal) => format!("cast('{literal}' as {data_type})"),
            Self::Bool(truth) => format!("cast({truth} as {data_type})"),
        }
    }
}

fn cell(kind: Kind) -> BoxedStrategy<Cell> {
    let some = match kind {
        Kind::Int => (-3_i64..6).prop_map(Cell::Number).boxed(),
        Kind::Text => {
            prop::sample::select(vec!["", "a", "A", " a", "ä", "p,", "q", ",q", "NULL", "🦆", "it's", "\"x\""])
                .prop_map(|text| Cell::Text(text.to_owned()))
                .boxed()
        }
        Kind::Double => {
            prop::sample::select(vec!["nan", "0", "-0", "0.1", "0.30000000000000004", "0.3", "inf", "-inf", "1e300"])
                .prop_map(Cell::float)
                .boxed()
        }
        Kind::Decimal => (-300_i64..300).prop_map(Cell::Number).boxed(),
        Kind::Bool => any::<bool>().prop_map(Cell::Bool).boxed(),
        Kind::Date => spelt(&[&["2024-02-29"], &["2024-03-01"], &["1969-12-31"]]),
        Kind::Timestamp => spelt(&[
            &["2024-01-01 00:00:00", "2024-01-01 00:00:00.000", "2024-01-01"],
            &["2024-01-01 00:00:00.000001"],
            &["1969-12-31 23:59:59.999999"],
        ]),
        Kind::Uuid => spelt(&[
            &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
            &["00000000-0000-0000-0000-000000000000"],
        ]),
        Kind::Interval => spelt(&[&["1 month"], &["30 days"], &["1 hour", "60 minutes"], &["720 hours"]]),
        Kind::Json => spelt(&[
            &[r#"{"a": 1, "b": [1, 2.50]}"#, r#"{"b":[1,2.5],"a":1.0}"#],
            &[r#"{"a": 1, "b": [2.5, 1]}"#],
            &["null"],
            &["\"1\""],
            &["1", "1.0", "10e-1"],
            &["{}"],
            &[r#"{"a": []}"#],
            &[r#"{"a": [[], []]}"#],
        ]),
        Kind::Bytes => spelt(&[&[""], &["\\x00"], &["\\xff"], &["\\xFE"]]),
        Kind::List => spelt(&[
            &["array[]"],
            &["array[null]"],
            &["array[null, null]"],
            &["array[0]"],
            &["array[1, 2]"],
            &["array[2, 1]"],
        ]),
        Kind::Lists => spelt(&[
            &["array[]"],
            &["array[array[1], array[2]]"],
            &["array[array[1, 2]]"],
            &["array[array[null], array[null]]"],
            &["array[array[null, null]]"],
        ]),
        Kind::Struct => spelt(&[
            &["row(1, 'a')"],
            &["row(1, null)"],
            &["row(null, 'a')"],
            &["row(null, '')"],
            &["row(null, 'NULL')"],
            &["row(1, 'a,b')"],
            &["row(11, 'a')"],
        ]),
    };
    prop_oneof![1 => Just(Cell::Null), 6 => some].boxed()
}

/// One of several values, in one of the ways in which it can be written.
fn spelt(values: &'static [&'static [&'static str]]) -> BoxedStrategy<Cell> {
    let all: Vec<Cell> = (0_u64..)
        .zip(values)
        .flat_map(|(value, texts)| texts.iter().map(move |text| Cell::Spelt(value, (*text).to_owned())))
        .collect();
    prop::sample::select(all).boxed()
}

/// On which sides a column is, and whether the pull request widens its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Retyped,
    Added,
    Removed,
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    kind: Kind,
    fate: Fate,
}

impl Column {
    fn data_type(&self, current: bool) -> &'static str {
        let widened = current && self.fate == Fate::Retyped;
        match (self.kind, widened) {
            (Kind::Int, false) => "integer",
            (Kind::Int, true) => "bigint",
            (Kind::Text, _) => "varchar",
            (Kind::Double, _) => "double precision",
            (Kind::Decimal, false) => "decimal(18,2)",
            (Kind::Decimal, true) => "decimal(22,4)",
            (Kind::Bool, _) => "boolean",
            (Kind::Date, false) => "date",
            (Kind::Date, true) | (Kind::Timestamp, _) => "timestamp",
            (Kind::Uuid, _) => "uuid",
            (Kind::Interval, _) => "interval",
            (Kind::Json, _) => "json",
            // What DuckDB calls `blob`.
            (Kind::Bytes, _) => "bytea",
            (Kind::List, _) => "integer[]",
            (Kind::Lists, _) => "integer[][]",
            (Kind::Struct, _) => "oracle.a_struct",
        }
    }

    fn is_on(&self, current: bool) -> bool {
        self.fate != if current { Fate::Removed } else { Fate::Added }
    }
}

/// A pair of tables. All rows are as wide as `columns`; a side leaves out what it does not have.
#[derive(Debug, Clone)]
struct Pair {
    columns: Vec<Column>,
    key: Vec<usize>,
    rows: Change<Vec<Vec<Cell>>>,
}

/// Names that need care: keywords, quotes, dots, an emoji, blanks.
const NAMES: [&str; 6] = ["select", "a\"b", "c.d", "🦆", "k0", "Group By"];

fn pair() -> impl Strategy<Value = Pair> {
    let kinds = prop::sample::select(vec![
        Kind::Int,
        Kind::Int,
        Kind::Text,
        Kind::Text,
        Kind::Double,
        Kind::Decimal,
        Kind::Bool,
        Kind::Date,
        Kind::Timestamp,
        Kind::Uuid,
        Kind::Interval,
        Kind::Json,
        Kind::Bytes,
        Kind::List,
        Kind::Lists,
        Kind::Struct,
    ]);
    let fates =
        prop_oneof![6 => Just(Fate::Kept), 2 => Just(Fate::Retyped), 1 => Just(Fate::Added), 1 => Just(Fate::Removed)];
    (prop::collection::vec((kinds, fates), 1..NAMES.len()), 0_usize..3, any::<bool>()).prop_flat_map(
        |(columns, keys, numbered)| {
            let columns: Vec<Column> = columns
                .into_iter()
                .enumerate()
                .map(|(at, (kind, fate))| {
                    // The first column is mostly a good key.
                    let (kind, fate) = if at == 0 && numbered { (Kind::Int, Fate::Kept) } else { (kind, fate) };
                    Column { name: NAMES[at].to_owned(), kind, fate }
                })
                .collect();
            let key: Vec<usize> = (0..keys.min(columns.len())).collect();
            let row: Vec<BoxedStrategy<Cell>> = columns.iter().map(|column| cell(column.kind)).collect();
            // A logical row: where it is, its values, and for each value whether and how the pull request changes it.
            let changes: Vec<_> =
                columns.iter().map(|column| prop::option::weighted(0.15, cell(column.kind))).collect();
            let presence = prop::sample::select(vec![(1, 1), (1, 1), (1, 1), (1, 1), (1, 0), (0, 1), (2, 1), (1, 2)]);
            // Mostly a handful, now and then many.
            let row = (row, changes, presence);
            let rows = prop_oneof![
                80 => prop::collection::vec(row.clone(), 0..12),
                1 => prop::collection::vec(row, 1000..5000),
            ];
            (Just(columns), Just(key), rows).prop_map(move |(columns, key, rows)| {
                let mut sides = Change { baseline: Vec::new(), current: Vec::new() };
                for (number, (mut before, changes, (in_baseline, in_current))) in rows.into_iter().enumerate() {
                    let twice = numbered && number % 7 != 0;
                    if twice {
                        before[0] = Cell::Number(i64::try_from(number).unwrap());
                    }
                    let mut after = before.clone();
                    for (at, change) in changes.into_iter().enumerate() {
                        if let Some(change) = change.filter(|_| !(numbered && at == 0)) {
                            after[at] = change;
                        }
                    }
                    let at_most = |times: usize| if twice && number % 5 != 0 { times.min(1) } else { times };
                    sides.baseline.extend(std::iter::repeat_n(before, at_most(in_baseline)));
                    sides.current.extend(std::iter::repeat_n(after, at_most(in_current)));
                }
                Pair { columns, key, rows: sides }
            })
        },
    )
}

/// Changed rows, NULLs of the baseline, NULLs of the current side.
type OfColumn = (Option<u64>, Option<u64>, Option<u64>);

/// The figures that both comparisons give.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Figures {
    keyed: bool,
    total: (u64, u64),
    added: u64,
    removed: u64,
    changed: u64,
    unchanged: u64,
    columns: BTreeMap<String, OfColumn>,
    /// NULLs in the key and duplicates of it, production's before the pull request's.
    facts: Option<(u64, u64, u64, u64)>,
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.count() as u64
}

impl Pair {
    fn shared(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|&at| self.columns[at].is_on(false) && self.columns[at].is_on(true)).collect()
    }

    fn project(rows: &[Vec<Cell>], columns: &[usize]) -> Vec<Vec<Cell>> {
        rows.iter().map(|row| columns.iter().map(|&at| row[at].canonical()).collect()).collect()
    }

    /// Rows with NULL in the key, and rows beyond the first of each key, NULL being a value.
    fn faults(rows: &[Vec<Cell>], key: &[usize]) -> (u64, u64) {
        let nulls = count(rows.iter().filter(|row| key.iter().any(|&at| row[at] == Cell::Null)));
        let keys: Vec<Vec<Cell>> = Self::project(rows, key);
        let distinct: BTreeSet<&Vec<Cell>> = keys.iter().collect();
        (nulls, (keys.len() - distinct.len()) as u64)
    }

    /// The comparison as one would do it by hand.
    fn naive(&self) -> Option<Figures> {
        let shared = self.shared();
        let mut figures = Figures {
            keyed: false,
            total: (self.rows.baseline.len() as u64, self.rows.current.len() as u64),
            added: 0,
            removed: 0,
            changed: 0,
            unchanged: 0,
            columns: BTreeMap::new(),
            facts: None,
        };
        for (at, column) in self.columns.iter().enumerate() {
            let nulls = |rows: &[Vec<Cell>]| count(rows.iter().filter(|row| row[at] == Cell::Null));
            let baseline = column.is_on(false).then(|| nulls(&self.rows.baseline));
            let current = column.is_on(true).then(|| nulls(&self.rows.current));
            figures.columns.insert(column.name.clone(), (None, baseline, current));
        }
        if !self.key.is_empty() && self.key.iter().all(|at| shared.contains(at)) {
            let (b, c) = (Self::faults(&self.rows.baseline, &self.key), Self::faults(&self.rows.current, &self.key));
            figures.keyed = true;
            figures.facts = Some((b.0, c.0, b.1, c.1));
        }
        if figures.keyed {
            self.naive_by_key(&shared, &mut figures);
        } else if shared.is_empty() {
            return None;
        } else {
            self.naive_as_wholes(&shared, &mut figures);
        }
        Some(figures)
    }

    /// Rows that share a key with another of their side are compared as wholes within it; all others are paired.
    fn naive_by_key(&self, shared: &[usize], figures: &mut Figures) {
        let mut groups: BTreeMap<Vec<Cell>, Change<Vec<Vec<Cell>>>> = BTreeMap::new();
        for (current, rows) in [(false, &self.rows.baseline), (true, &self.rows.current)] {
            for row in rows {
                let key = self.key.iter().map(|&at| row[at].canonical()).collect();
                let group = groups.entry(key).or_insert_with(|| Change { baseline: Vec::new(), current: Vec::new() });
                let side = if current { &mut group.current } else { &mut group.baseline };
                side.push(row.iter().map(Cell::canonical).collect());
            }
        }
        for &at in shared {
            figures.columns.get_mut(&self.columns[at].name).unwrap().0 = Some(0);
        }
        for group in groups.values() {
            let ([before], [after]) = (group.baseline.as_slice(), group.current.as_slice()) else {
                Self::multiset(&group.baseline, &group.current, shared, figures);
                continue;
            };
            let differing: Vec<usize> = shared.iter().copied().filter(|&at| before[at] != after[at]).collect();
            figures.changed += u64::from(!differing.is_empty());
            figures.unchanged += u64::from(differing.is_empty());
            for at in differing {
                *figures.columns.get_mut(&self.columns[at].name).unwrap().0.as_mut().unwrap() += 1;
            }
        }
    }

    fn naive_as_wholes(&self, shared: &[usize], figures: &mut Figures) {
        Self::multiset(&self.rows.baseline, &self.rows.current, shared, figures);
    }

    fn multiset(baseline: &[Vec<Cell>], current: &[Vec<Cell>], shared: &[usize], figures: &mut Figures) {
        let mut counts: BTreeMap<Vec<Cell>, (u64, u64)> = BTreeMap::new();
        for row in Self::project(baseline, shared) {
            counts.entry(row).or_default().0 += 1;
        }
        for row in Self::project(current, shared) {
            counts.entry(row).or_default().1 += 1;
        }
        for (before, after) in counts.values() {
            figures.added += after.saturating_sub(*before);
            figures.removed += before.saturating_sub(*after);
            figures.unchanged += before.min(after);
        }
    }

    fn create(&self, current: bool) -> Option<String> {
        let columns: Vec<&Column> = self.columns.iter().filter(|column| column.is_on(current)).collect();
        if columns.is_empty() {
            return None;
        }
        let positions: Vec<usize> = (0..self.columns.len()).filter(|&at| self.columns[at].is_on(current)).collect();
        let name = if current { "oracle.c" } else { "oracle.b" };
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let described: Vec<String> =
            columns.iter().map(|column| format!("{} {}", quoted(&column.name), column.data_type(current))).collect();
        let table = format!("drop table if exists {name}; create table {name} ({});", described.join(", "));
        let rows = if current { &self.rows.current } else { &self.rows.baseline };
        let rows = rows.iter().map(|row| {
            let values = positions.iter().map(|&at| row[at].sql(self.columns[at].data_type(current)));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        Some(if rows.is_empty() { table } else { format!("{table} insert into {name} values {rows};") })
    }

    fn comparison(&self, baseline: &str, current: &str) -> Comparison {
        let columns = self.key.iter().map(|&at| self.columns[at].name.clone()).collect();
        Comparison {
            unique_id: "model.shop.t".into(),
            relation: Change {
                baseline: Some(Relation::new(None, "oracle", baseline)),
                current: Some(Relation::new(None, "oracle", current)),
            },
            keys: if self.key.is_empty() {
                Vec::new()
            } else {
                vec![KeyCandidate { columns, source: KeySource::UniqueKey }]
            },
            excluded: Vec::new(),
        }
    }
}

fn figures(diff: &TableDiff) -> Figures {
    let facts = match &diff.method {
        Method::Keyed { facts, .. } => {
            let KeyFacts { nulls, duplicates, .. } = facts;
            Some((nulls.baseline, nulls.current, duplicates.baseline, duplicates.current))
        }
        _ => None,
    };
    Figures {
        keyed: matches!(diff.method, Method::Keyed { .. }),
        total: (diff.rows.total.baseline.unwrap(), diff.rows.total.current.unwrap()),
        added: diff.rows.added,
        removed: diff.rows.removed,
        changed: diff.rows.changed,
        unchanged: diff.rows.unchanged,
        columns: diff
            .columns
            .iter()
            .map(|column| (column.name.clone(), (column.changed, column.nulls.baseline, column.nulls.current)))
            .collect(),
        facts,
    }
}

fn mirrored(mut figures: Figures) -> Figures {
    figures.total = (figures.total.1, figures.total.0);
    std::mem::swap(&mut figures.added, &mut figures.removed);
    figures.columns.values_mut().for_each(|(_, baseline, current)| std::mem::swap(baseline, current));
    figures.facts = figures.facts.map(|(a, b, c, d)| (b, a, d, c));
    figures
}

/// Compares b with c, c with b, and b with itself.
fn compare(engine: &Engine, pair: &Pair) -> Option<[TableDiff; 3]> {
    let (baseline, current) = (pair.create(false)?, pair.create(true)?);
    runtime().block_on(async {
        let mut session = engine.warehouse.session().await.unwrap();
        let types = if engine.name == "duckdb" {
            "create type if not exists oracle.a_struct as struct(x integer, y varchar);"
        } else {
            "do $$ begin if to_regtype('oracle.a_struct') is null then create type oracle.a_struct as (x integer, y text); \
             end if; end $$;"
        };
        session.query(&format!("create schema if not exists oracle; {types} {baseline}{current} select 1")).await.unwrap();
        let options = Options { samples: 9, search_key: false, ..Options::default() };
        let mut diffs = Vec::new();
        for (baseline, current) in [("b", "c"), ("c", "b"), ("b", "b")] {
            let comparison = pair.comparison(baseline, current);
            diffs.push(diff(&mut *session, engine.warehouse.dialect(), &comparison, &options).await.unwrap());
        }
        diffs.try_into().ok()
    })
}

/// Every example of a changed row tells of columns that did change, and of all of those.
fn check_samples(pair: &Pair, diff: &TableDiff) {
    let rows = &diff.rows;
    let of = |kind| count(diff.samples.iter().filter(|sample| sample.kind == kind));
    let most = |kind, available: u64| {
        assert!(of(kind) <= available && (available == 0 || of(kind) > 0), "{kind:?}: {} of {available}", of(kind));
    };
    most(SampleKind::Changed, rows.changed);
    most(SampleKind::Added, rows.added.min(9));
    most(SampleKind::Removed, rows.removed.min(9));
    let told: BTreeSet<&str> =
        diff.samples.iter().flat_map(|sample| sample.values.iter().map(|(name, _)| name.as_str())).collect();
    let changed = diff.columns.iter().filter(|column| column.changed.unwrap_or_default() > 0);
    if rows.added == 0 && rows.removed == 0 {
        for column in changed {
            assert!(told.contains(column.name.as_str()), "{} is not told of", column.name);
        }
    }
    for sample in diff.samples.iter().filter(|sample| sample.kind == SampleKind::Changed) {
        assert_eq!(sample.key.len(), pair.key.len());
        assert!(!sample.values.is_empty());
        for (name, values) in &sample.values {
            let nan = |value: &Value| matches!(value, Value::Float(float) if float.is_nan());
            let same = values.baseline == values.current || nan(&values.baseline) && nan(&values.current);
            assert!(!same, "{name}: {values:?}");
        }
    }
}

/// Every figure is the expected one. Of equal tables a checksum says so, and no key was needed.
fn agree(diff: &TableDiff, mut expected: Figures) -> Result<(), TestCaseError> {
    let found = figures(diff);
    if diff.method == Method::Checksum {
        prop_assert_eq!((expected.added, expected.removed, expected.changed), (0, 0, 0));
        (expected.keyed, expected.facts) = (false, None);
        for (name, (changed, _, _)) in &mut expected.columns {
            *changed = found.columns[name].0;
            prop_assert!(changed.is_none_or(|changed| changed == 0), "{name}");
        }
    }
    prop_assert_eq!(found, expected);
    Ok(())
}

/// One generated pair: every figure, mirrored too, and no difference of a table to itself.
fn check(engine: &Engine, pair: &Pair) -> Result<(), TestCaseError> {
    let Some([there, back, same]) = compare(engine, pair) else { return Ok(()) };
    let Some(expected) = pair.naive() else {
        prop_assert!(there.has_failed(), "nothing can be compared: {there:?}");
        return Ok(());
    };
    prop_assert!(!there.has_failed(), "{:?}", there.method);
    agree(&there, expected.clone())?;
    agree(&back, mirrored(expected))?;
    prop_assert!(same.is_equal(), "a table differs from itself: {same:?}");
    prop_assert!(same.samples.is_empty());
    check_samples(pair, &there);
    Ok(())
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() }
}

#[test]
fn every_figure_of_duckdb_equals_that_of_a_naive_comparison() {
    let engine = Engine::duckdb();
    proptest!(config(800), |(pair in pair())| check(&engine, &pair)?);
}

#[test]
fn every_figure_of_postgres_equals_that_of_a_naive_comparison() {
    let engine = Engine::postgres();
    proptest!(config(1500), |(pair in pair())| check(&engine, &pair)?);
}
