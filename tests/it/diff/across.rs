//! Two databases, of one engine and of two: what is equal is found equal, and what differs different, value by value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::Config;

use slimdiff::diff::{End, Method, NumberChange, Options, Sample, SampleKind, TableDiff, Tolerated, diff, diff_across};
use slimdiff::model::{Change, Event, Observer, Relation, Value};
use slimdiff::plan::{Comparison, KeyCandidate, KeySource};
use slimdiff::warehouse::compare::{TextRules, Tolerance};

use super::{Engine, comparison, runtime};

/// Nothing but the comparison of the rows.
fn plain() -> Options {
    Options { search_key: false, profile: false, ..Options::default() }
}

/// Remembers what it is told.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn observe(&self, event: &Event) {
        if let Event::NodeStarted { label, .. } = event {
            self.0.lock().unwrap().push(label.clone());
        }
    }
}

fn across(baseline: &Engine, current: &Engine, comparison: &Comparison, options: &Options) -> TableDiff {
    across_heard(baseline, current, comparison, options, &Heard::default())
}

fn across_heard(
    baseline: &Engine,
    current: &Engine,
    comparison: &Comparison,
    options: &Options,
    heard: &Heard,
) -> TableDiff {
    runtime().block_on(async {
        let mut before = baseline.warehouse.session().await.unwrap();
        let mut after = current.warehouse.session().await.unwrap();
        let ends = Change {
            baseline: End { session: &mut *before, dialect: baseline.warehouse.dialect() },
            current: End { session: &mut *after, dialect: current.warehouse.dialect() },
        };
        diff_across(ends, comparison, options, heard).await.unwrap()
    })
}

/// Compares the baseline's `prod.t` with the current one's `pr.t`.
fn tables(baseline: &Engine, current: &Engine, keys: &[&[&str]]) -> TableDiff {
    across(baseline, current, &comparison(keys), &plain())
}

fn figures(diff: &TableDiff) -> [u64; 4] {
    assert!(!diff.has_failed(), "{:?}", diff.method);
    [diff.rows.added, diff.rows.removed, diff.rows.changed, diff.rows.unchanged]
}

fn changed(diff: &TableDiff) -> Vec<(&str, Option<u64>)> {
    diff.columns.iter().map(|column| (column.name.as_str(), column.changed)).collect()
}

/// Hands over every pair of engines, each in a database of its own with the schemas `prod` and `pr`.
fn with_engines(check: impl Fn(&Engine, &Engine)) {
    let [duckdb, postgres] = Engine::all();
    let [other_duckdb, other_postgres] = Engine::all();
    for engine in [&duckdb, &postgres, &other_duckdb, &other_postgres] {
        engine.run("create schema prod; create schema pr");
    }
    for (baseline, current) in
        [(&duckdb, &postgres), (&postgres, &duckdb), (&postgres, &other_postgres), (&duckdb, &other_duckdb)]
    {
        for engine in [baseline, current] {
            engine.run("drop table if exists prod.t; drop table if exists pr.t");
        }
        check(baseline, current);
    }
}

/// A type on both engines, with values that are all different, each written for both or for PostgreSQL and DuckDB.
struct Sort {
    postgres: &'static str,
    duckdb: &'static str,
    values: &'static [&'static str],
    /// The same values as DuckDB reads them, where it reads them otherwise.
    for_duckdb: Option<&'static [&'static str]>,
}

const fn sort(postgres: &'static str, duckdb: &'static str, values: &'static [&'static str]) -> Sort {
    Sort { postgres, duckdb, values, for_duckdb: None }
}

const SORTS: &[Sort] = &[
    sort("smallint", "smallint", &["0", "1", "-32768", "32767"]),
    sort("integer", "integer", &["0", "-2147483648", "2147483647", "10"]),
    sort("bigint", "bigint", &["-9223372036854775808", "9223372036854775807", "9223372036854775806", "0"]),
    sort("integer", "bigint", &["0", "1", "-1"]),
    sort(
        "numeric(38)",
        "hugeint",
        &["12345678901234567890123456789012345678", "12345678901234567890123456789012345679"],
    ),
    sort("numeric(20)", "ubigint", &["18446744073709551615", "18446744073709551614", "0"]),
    sort("bigint", "utinyint", &["255", "0", "7"]),
    sort("numeric(12,2)", "decimal(12,2)", &["0", "0.01", "-0.01", "1.50", "100", "9999999999.99"]),
    sort(
        "numeric",
        "decimal(38,10)",
        &["1.5000000000", "1.5000000001", "0", "-0.1", "1234567890123456789012345678.0000000001"],
    ),
    sort(
        "numeric(38,37)",
        "decimal(38,37)",
        &["1.1234567890123456789012345678901234567", "1.1234567890123456789012345678901234568"],
    ),
    sort("numeric(38,38)", "decimal(38,38)", &["0.00000000000000000000000000000000000001", "-0.1", "0", "0.5"]),
    sort("numeric(2,2)", "decimal(2,2)", &["0.25", "-0.25", "0", "0.50"]),
    sort("integer", "decimal(12,3)", &["1", "100", "-7", "0"]),
    sort(
        "double precision",
        "double",
        &[
            "0",
            "0.1",
            "0.30000000000000004",
            "0.3",
            "1e23",
            "1.0000000000000001e23",
            "5e-324",
            "1e-323",
            "2.2250738585072014e-308",
            "2.225073858507201e-308",
            "1.7976931348623157e308",
            "-1e20",
            "1e15",
            "1e16",
            "123456789012345680",
            "9007199254740993",
            "9007199254740994",
            "nan",
            "infinity",
            "-infinity",
            "1e-5",
            "1e-4",
        ],
    ),
    sort(
        "real",
        "float",
        &["0", "0.1", "1e-45", "3.4028235e38", "16777216", "16777217.5", "nan", "infinity", "-infinity"],
    ),
    sort("real", "double", &["0", "0.5", "0.25", "nan"]),
    sort("integer", "boolean", &["1", "0"]),
    sort("boolean", "utinyint", &["1", "0"]),
    sort("boolean", "hugeint", &["1", "0"]),
    sort("bigint", "double", &["0", "9007199254740992", "-9007199254740992", "1152921504606846976", "12"]),
    sort("double precision", "bigint", &["0", "9007199254740992", "-9007199254740992", "1152921504606846976", "12"]),
    sort("integer", "double", &["0", "2147483647", "-2147483648"]),
    sort("integer", "float", &["0", "16777216", "-2147483648", "7"]),
    sort("real", "smallint", &["0", "32767", "-7"]),
    sort("bigint", "float", &["0", "16777216", "2147483648", "-7"]),
    sort("real", "decimal(12,3)", &["0", "0.1", "-16777216", "0.001", "123456.79"]),
    sort(
        "numeric",
        "float",
        &["0", "0.1", "-16777216", "0.001", "0.000000000000000000000000000000000000000000001", "nan"],
    ),
    sort("numeric(38,2)", "double", &["0.1", "0.5", "1152921504606846976", "1152921504606846720", "-0.01", "3"]),
    sort(
        "double precision",
        "decimal(38,2)",
        &["0.1", "0.5", "1152921504606846976", "1152921504606846720", "-0.01", "3"],
    ),
    sort("double precision", "decimal(38,0)", &["99999999999999991611392", "1", "1000000000", "-999999999"]),
    sort("double precision", "decimal(2,2)", &["0.25", "0", "-0.5"]),
    sort(
        "text",
        "varchar",
        &[
            "",
            " ",
            "a",
            "A",
            "a ",
            "NULL",
            "N",
            "0:",
            ",",
            "p,",
            "ä",
            "a\u{308}",
            "🦆",
            "\\",
            "it''s",
            "\u{1f926}\u{1f3fc}",
        ],
    ),
    sort("varchar(5)", "varchar", &["", "a", "a "]),
    sort("char(5)", "varchar", &["a", "b", "a  b"]),
    sort("name", "varchar", &["a", "b"]),
    sort("prod.mood", "varchar", &["sad", "so so", "ok"]),
    sort("prod.mood", "enum('ok', 'so so', 'sad')", &["sad", "so so", "ok"]),
    sort("prod.small", "integer", &["1", "2"]),
    sort("boolean", "boolean", &["true", "false"]),
    sort("date", "date", &["1970-01-01", "2024-02-29", "12024-03-15", "infinity", "-infinity", "0001-01-01"]),
    Sort {
        postgres: "date",
        duckdb: "date",
        values: &["0044-03-15 BC", "0044-03-15"],
        for_duckdb: Some(&["0044-03-15 (BC)", "0044-03-15"]),
    },
    Sort {
        postgres: "timestamp",
        duckdb: "timestamp",
        values: &["0044-03-15 01:02:03.5 BC", "2024-01-01"],
        for_duckdb: Some(&["0044-03-15 (BC) 01:02:03.5", "2024-01-01"]),
    },
    sort(
        "timestamp",
        "timestamp",
        &[
            "2024-01-01",
            "2024-01-01 00:00:00.000001",
            "1900-12-31 23:59:59.999999",
            "12024-03-15 01:02:03.5",
            "infinity",
            "-infinity",
        ],
    ),
    sort("timestamp(0)", "timestamp_s", &["2024-01-01", "2024-01-01 00:00:01"]),
    sort("timestamp(3)", "timestamp_ms", &["2024-01-01", "2024-01-01 00:00:01.120"]),
    sort("timestamp", "timestamp_ns", &["2024-01-01", "2024-01-01 00:00:01.120001"]),
    sort("date", "timestamp", &["2024-01-01", "1969-12-31"]),
    sort("timestamp", "date", &["2024-01-01", "1969-12-31"]),
    sort("date", "timestamptz", &["2024-01-01", "1969-12-31", "infinity"]),
    sort("timestamptz", "date", &["2024-01-01", "1969-12-31", "-infinity"]),
    sort("timestamp", "timestamptz", &["2024-01-01 12:00:00", "1969-12-31 23:59:59.999999", "infinity"]),
    sort("timestamptz", "timestamp", &["2024-01-01 12:00:00", "1969-12-31 23:59:59.999999", "-infinity"]),
    sort("timestamptz", "timestamp_ns", &["2024-01-01 12:00:00.000001"]),
    sort(
        "timestamptz",
        "timestamptz",
        &[
            "2024-01-01 00:00:00+00",
            "2024-01-01 00:00:00+02",
            "2024-06-01 12:00:00.000001-07:30",
            "infinity",
            "-infinity",
            "1890-01-01 00:00:00+00",
        ],
    ),
    sort("time", "time", &["00:00:00", "12:34:56.12", "23:59:59.999999"]),
    sort("timetz", "timetz", &["00:00:00+00", "12:34:56.12+02:30", "12:34:56.12+02", "12:34:56.12-02"]),
    sort(
        "interval",
        "interval",
        &[
            "1 month",
            "30 days",
            "720 hours",
            "1 day",
            "24 hours",
            "-1 month",
            "14 months -3 days",
            "00:00:00.000001",
            "-26:00:00.5",
            "0 days",
        ],
    ),
    sort("uuid", "uuid", &["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "00000000-0000-0000-0000-000000000000"]),
    sort("uuid", "varchar", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"]),
    Sort {
        postgres: "bytea",
        duckdb: "blob",
        values: &["\\x", "\\x00", "\\xff00ab", "\\x61"],
        for_duckdb: Some(&["", "\\x00", "\\xff\\x00\\xab", "a"]),
    },
    sort("bit(3)", "bit", &["101", "000"]),
    Sort {
        postgres: "jsonb",
        duckdb: "json",
        values: &[
            r#"{"a": 1, "b": [1.0, 2.50, "1.50"], "aa": null}"#,
            r#""1.0""#,
            "1.0",
            r#""\u00e9 \" \\ \n 2.0""#,
            "-0.0",
            "1e3",
            "{}",
            "[]",
            "null",
            r#"{"b": 1, "a": 2}"#,
            "123456789012345678901234567890.10",
            r#"{"k1.00": 10.0}"#,
        ],
        for_duckdb: Some(&[
            r#"{"aa":null,"b":[1,2.5,"1.50"],"a":7,"a":1.00}"#,
            r#""1.0""#,
            "1",
            r#""é \" \\ \u000A 2.0""#,
            "0",
            "1000.0",
            "{ }",
            "[ ]",
            " null",
            r#"{"a":2,"b":1}"#,
            "123456789012345678901234567890.1",
            r#"{"k1.00":1e1}"#,
        ]),
    },
    sort("json", "json", &[r#"{"a": [1]}"#, r#"{"a": [2]}"#]),
    Sort {
        postgres: "integer[]",
        duckdb: "integer[]",
        values: &["{}", "{1,2}", "{12}", "{NULL}", "{1,NULL}", "{NULL,1}"],
        for_duckdb: Some(&["[]", "[1,2]", "[12]", "[NULL]", "[1,NULL]", "[NULL,1]"]),
    },
    Sort {
        postgres: "text[]",
        duckdb: "varchar[]",
        values: &["{a,b}", "{\"a,b\"}", "{\"\"}", "{\"NULL\"}", "{NULL}", "{ä,\"1:N\"}"],
        for_duckdb: Some(&["[a,b]", "[\"a,b\"]", "[\"\"]", "[\"NULL\"]", "[NULL]", "[ä, \"1:N\"]"]),
    },
    Sort {
        postgres: "double precision[]",
        duckdb: "double[2]",
        values: &["{0.1,nan}", "{0,-0}"],
        for_duckdb: Some(&["[0.1, nan]", "[-0, 0]"]),
    },
];

impl Sort {
    fn data_type(&self, engine: &Engine) -> &'static str {
        if engine.name == "duckdb" { self.duckdb } else { self.postgres }
    }

    /// The value as a literal without quotes; NULL behind the last.
    fn literal(&self, engine: &Engine, at: usize) -> Option<&'static str> {
        let own = self.for_duckdb.filter(|_| engine.name == "duckdb");
        own.unwrap_or(self.values).get(at).copied()
    }

    fn sql(&self, engine: &Engine, at: usize) -> String {
        let data_type = self.data_type(engine);
        match self.literal(engine, at % (self.values.len() + 1)) {
            None => format!("cast(null as {data_type})"),
            Some(text) => {
                let quote = if text.contains("''") { text.to_owned() } else { text.replace('\'', "''") };
                format!("cast('{quote}' as {data_type})")
            }
        }
    }
}

/// Makes a table with a column for each type. Each row has another of its values, `shift` places further on.
fn create_all(engine: &Engine, schema: &str, shift: usize) {
    let columns = SORTS.iter().enumerate();
    let columns: Vec<String> = columns.map(|(at, sort)| format!("v{at} {}", sort.data_type(engine))).collect();
    let row = |row: usize| {
        let values: Vec<String> = SORTS.iter().map(|sort| sort.sql(engine, row + shift)).collect();
        format!("({row}, {})", values.join(", "))
    };
    let rows: Vec<String> = (0..ROWS).map(row).collect();
    let types = if engine.name == "postgres" {
        "drop type if exists prod.mood cascade; create type prod.mood as enum ('sad', 'so so', 'ok');
         drop domain if exists prod.small cascade; create domain prod.small as integer;"
    } else {
        ""
    };
    engine.run(&format!(
        "drop table if exists {schema}.t; {types} create table {schema}.t (id integer, {}); \
         insert into {schema}.t values {}",
        columns.join(", "),
        rows.join(", ")
    ));
}

/// More than any type has values.
const ROWS: usize = 25;

#[test]
fn equal_values_are_equal_and_others_are_not_whatever_their_types_and_engines() {
    with_engines(|baseline, current| {
        create_all(baseline, "prod", 0);
        create_all(current, "pr", 0);
        let words = |at: usize| {
            let sort = &SORTS[at];
            format!("{} {} against {}", baseline.name, sort.data_type(baseline), sort.data_type(current))
        };
        let equal = tables(baseline, current, &[&["id"]]);
        let samples: Vec<&Sample> = equal.samples.iter().collect();
        assert_eq!(figures(&equal), [0, 0, 0, ROWS as u64], "{samples:#?}");
        assert_eq!((&equal.method, &equal.excluded), (&Method::Checksum, &vec![]));
        assert!(equal.columns.iter().all(|column| column.changed == Some(0)));
        assert_eq!(figures(&tables(baseline, current, &[])), [0, 0, 0, ROWS as u64]);

        create_all(current, "pr", 1);
        let other = tables(baseline, current, &[&["id"]]);
        assert_eq!(figures(&other), [0, 0, ROWS as u64, 0]);
        for (at, column) in other.columns[1..].iter().enumerate() {
            let values = SORTS[at].values.len() + 1;
            let is_null = |row: usize| row % values == values - 1;
            let became = (0..ROWS).filter(|&row| is_null(row + 1)).count() as u64;
            let was = (0..ROWS).filter(|&row| is_null(row)).count() as u64;
            assert_eq!(column.nulls, Change { baseline: Some(was), current: Some(became) });
            let counts = (column.changed, column.became_null, column.was_null);
            assert_eq!(counts, (Some(ROWS as u64), Some(became), Some(was)), "{}", words(at));
        }
        let rows = ROWS as u64;
        assert_eq!(figures(&tables(baseline, current, &[])), [rows, rows, 0, 0]);
    });
}

#[test]
fn examples_show_values_as_they_are() {
    let [duckdb, postgres] = Engine::all();
    let setup = "create schema prod; create schema pr;
        create table prod.t (id integer, n bigint, f double precision, d decimal(9,3), t timestamp, b boolean, s varchar,
            z timestamptz, i interval, y date);
        create table pr.t (id integer, n bigint, f double precision, d decimal(9,3), t timestamp, b boolean, s varchar,
            z timestamptz, i interval, y date)";
    for engine in [&duckdb, &postgres] {
        engine.run(setup);
    }
    duckdb.run(
        "insert into prod.t values (1, 5, 0.1, 1.500, '2024-01-01 00:00:01.5', true, 'a', '2024-01-01 02:00:00+02',
            interval '14 months 3 days', '2024-01-01')",
    );
    postgres.run(
        "insert into pr.t values (1, 8, '-inf', 2, '2024-01-01', null, '', '2024-01-01 01:00:00+00',
            interval '-1.5 seconds', '2024-01-03')",
    );
    let diff = tables(&duckdb, &postgres, &[&["id"]]);
    let [sample] = &diff.samples[..] else { panic!("{diff:?}") };
    assert_eq!((sample.kind, &sample.key[..]), (SampleKind::Changed, &[("id".to_owned(), Value::Int(1))][..]));
    let text = |text: &str| text.to_owned();
    let pairs: Vec<(Value, Value)> =
        sample.values.iter().map(|(_, value)| (value.baseline.clone(), value.current.clone())).collect();
    assert_eq!(
        pairs,
        [
            (Value::Int(5), Value::Int(8)),
            (Value::Float(0.1), Value::Float(f64::NEG_INFINITY)),
            (Value::Decimal(text("1.5")), Value::Decimal(text("2"))),
            (Value::Timestamp(text("2024-01-01 00:00:01.5")), Value::Timestamp(text("2024-01-01 00:00:00"))),
            (Value::Bool(true), Value::Null),
            (Value::Text(text("a")), Value::Text(text(""))),
            (Value::Timestamp(text("2024-01-01 00:00:00+00")), Value::Timestamp(text("2024-01-01 01:00:00+00"))),
            (Value::Interval(text("1 year 2 months 3 days")), Value::Interval(text("-00:00:01.5"))),
            (Value::Date(text("2024-01-01")), Value::Date(text("2024-01-03"))),
        ]
    );
    let change = |at: usize| diff.columns[at].change;
    assert_eq!(change(1), Some(NumberChange { mean: 3.0, mean_absolute: 3.0, largest: Some(3.0) }));
    assert_eq!(change(2), None, "there is no size of an infinite change");
    assert_eq!(change(3).map(|change| change.mean), Some(0.5));
    assert_eq!(change(4).map(|change| (change.mean, change.largest)), Some((-1.5, Some(1.5))));
    assert_eq!(change(9).map(|change| change.mean), Some(172_800.0));
}

#[test]
fn types_that_do_not_meet_are_left_out_and_named() {
    let [duckdb, postgres] = Engine::all();
    duckdb.run(
        "create schema prod; create table prod.t (id integer, m map(varchar, integer), s struct(a integer), f float,
            b boolean, j json, l integer[][]); insert into prod.t (id) values (1)",
    );
    postgres.run(
        "create schema pr; create type pr.pair as (a integer); create table pr.t (id integer, m jsonb, s pr.pair,
            f text, b numeric(9,2), j text, l integer[]); insert into pr.t (id) values (1)",
    );
    let diff = tables(&duckdb, &postgres, &[&["m"], &["nope"], &["id"]]);
    assert_eq!(figures(&diff), [0, 0, 0, 1]);
    let names: Vec<&str> = diff.excluded.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["m", "s", "f", "b", "j", "l"]);
    assert!(diff.excluded[2].1.starts_with("its types are FLOAT and text, which have no form in common"), "{diff:?}");
    let reasons: Vec<&str> = diff.rejected_keys.iter().map(|key| key.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "unique_key (m) has m, whose values are not compared",
            "unique_key (nope) has nope, which is no column of both tables"
        ]
    );
    assert!(!diff.is_equal(), "retyped columns are a difference");
    assert_eq!(diff.columns[1].changed, None);

    postgres.run("create table pr.u (n integer)");
    let other = Comparison {
        relation: Change {
            baseline: Some(Relation::new(None, "prod", "t")),
            current: Some(Relation::new(None, "pr", "u")),
        },
        ..comparison(&[])
    };
    let diff = across(&duckdb, &postgres, &other, &plain());
    assert!(diff.has_failed(), "{:?}", diff.method);
}

#[test]
fn types_that_only_postgres_has_are_compared_by_their_text() {
    let (before, after) = (Engine::postgres(), Engine::postgres());
    let table = "t (id integer, i inet, r int4range, p point, x xml, m money, c citext, n numrange)";
    for (engine, schema) in [(&before, "prod"), (&after, "pr")] {
        engine.run(&format!("create extension citext; create schema {schema}; create table {schema}.{table}"));
    }
    before.run("set datestyle to german; insert into prod.t values (1, '10.0.0.1', '[1,2]', '(1,2)', '<a/>', 1, 'A', '[1.0,20.50)')");
    after.run("insert into pr.t values (1, '10.0.0.1', '[1,3)', '(1,3)', '<a/>', 1, 'a', '[1,20.5)')");
    let diff = tables(&before, &after, &[&["id"]]);
    assert_eq!(figures(&diff), [0, 0, 1, 0]);
    let counts: Vec<u64> = diff.columns.iter().map(|column| column.changed.unwrap()).collect();
    assert_eq!(counts, [0, 0, 0, 1, 0, 0, 1, 0], "{:?}", diff.columns);
    assert!(diff.notes.contains(&"i was compared by its text, byte by byte (its type is inet)".to_owned()));
}

#[test]
fn schemas_are_compared_by_what_types_are_and_not_by_what_they_are_called() {
    let [duckdb, postgres] = Engine::all();
    duckdb.run(
        "create schema prod; create table prod.t (\"Id\" integer, v varchar, n decimal(12,2), gone date, w integer)",
    );
    postgres
        .run("create schema pr; create table pr.t (v varchar(5), id integer, n numeric(12,3), w bigint, come text)");
    let diff = tables(&duckdb, &postgres, &[&["id"]]);
    let names = |columns: &[slimdiff::model::Column]| columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&diff.schema.added), names(&diff.schema.removed)),
        (vec!["come".to_owned()], vec!["gone".to_owned()])
    );
    let retyped: Vec<String> =
        diff.schema.retyped.iter().map(|(name, t)| format!("{name}: {} {}", t.baseline, t.current)).collect();
    assert_eq!(retyped, ["n: DECIMAL(12,2) numeric(12,3)", "w: INTEGER bigint"]);
    assert!(diff.schema.reordered);
    assert_eq!(diff.notes, ["column Id is now written id"]);
    assert_eq!(figures(&diff), [0, 0, 0, 0], "two empty tables");
}

#[test]
fn a_missing_relation_makes_a_one_sided_comparison() {
    let [duckdb, postgres] = Engine::all();
    postgres
        .run("create schema pr; create table pr.t (id integer, v text); insert into pr.t values (1, null), (2, 'x')");
    let diff = tables(&duckdb, &postgres, &[&["id"]]);
    assert_eq!(diff.method, Method::OneSided);
    assert_eq!(diff.rows.total, Change { baseline: None, current: Some(2) });
    assert_eq!((diff.rows.added, diff.columns[1].nulls.current), (2, Some(1)));
    assert_eq!(diff.notes, ["production has no relation prod.t"]);
}

#[test]
fn values_are_masked_or_not_shown_at_all() {
    let [duckdb, postgres] = Engine::all();
    duckdb.run("create schema prod; create table prod.t as select 1 as id, 'a@x' as email");
    postgres
        .run("create schema pr; create table pr.t as select 1 as id, text 'b@x' as email union all select 2, 'c@x'");
    for keys in [&[&["id"][..]][..], &[]] {
        let masked = Options { mask: vec!["EMAIL".to_owned()], ..plain() };
        let diff = across(&duckdb, &postgres, &comparison(keys), &masked);
        assert!(format!("{:?}", diff.samples).contains("***") && !format!("{:?}", diff.samples).contains("@x"));
        let hidden = Options { show_values: false, ..plain() };
        assert_eq!(across(&duckdb, &postgres, &comparison(keys), &hidden).samples, []);
    }
}

#[test]
fn what_was_asked_for_is_done_or_refused() {
    let [duckdb, postgres] = Engine::all();
    duckdb.run(
        "create schema prod; create table prod.t as select 1 as id, 1.5 as v, 'a' as w union all select 2, 7, 'x'",
    );
    postgres.run(
        "create schema pr; create table pr.t as select 1 as id, 1.25 as v, text 'b' as w union all select 3, 7, 'x'",
    );
    let asked = Options { filter: Some("id = 1 -- one".to_owned()), columns: vec!["w".to_owned()], ..plain() };
    let diff = across(&duckdb, &postgres, &comparison(&[&["id"]]), &asked);
    assert_eq!(figures(&diff), [0, 0, 1, 0]);
    assert_eq!(changed(&diff), [("id", Some(0)), ("v", None), ("w", Some(1))]);
    assert_eq!(diff.filter.as_deref(), Some("id = 1 -- one"));
    let none = Options { filter: Some("id > 7".to_owned()), ..plain() };
    assert_eq!(
        across(&duckdb, &postgres, &comparison(&[&["id"]]), &none).notes,
        ["no row of either side meets the condition"]
    );
}

#[test]
fn a_tolerance_is_kept_to_the_last_digit_as_in_one_database() {
    let columns =
        "(id integer, n integer, d numeric(12,2), f double precision, x double precision, t timestamp, z timestamptz)";
    let before = "insert into prod.t values (1, 10, 8.02, 1.0, 3, '2024-01-01 00:00:00', '2024-01-01 00:00:00+00'),
        (2, 10, 8.02, 'inf', 3, '2024-01-01 00:00:00', '0044-03-15 00:00:00+00'), (3, null, 1, 'nan', 0, '2024-01-01', null)";
    let after = "insert into pr.t values (1, 11, 8.03, 1.0000001, 3, '2024-01-01 00:00:00.001', '2024-01-01 00:00:00.001+00'),
        (2, 12, 8.04, 1, 4, '2024-01-01 00:00:00.002', '0044-03-15 00:00:00.001+00'), (3, 1, 1, 'nan', 0, null, 'infinity')";
    let column = |name: &str| Tolerated::Column(name.to_owned());
    with_engines(|baseline, current| {
        for (engine, schema, rows, x) in
            [(baseline, "prod", before, "double precision"), (current, "pr", after, "integer")]
        {
            let columns = columns.replace("x double precision", &format!("x {x}"));
            engine.run(&format!("create table {schema}.t {columns}; {rows}"));
        }
        let with = |rules: &[(Tolerated, Tolerance)]| {
            let options = Options { tolerance: rules.to_vec(), ..plain() };
            let diff = across(baseline, current, &comparison(&[&["id"]]), &options);
            assert!(!diff.has_failed(), "{:?}", diff.method);
            let counts = diff.columns.iter().map(|column| column.changed.unwrap()).collect::<Vec<_>>();
            (counts, diff)
        };
        let (counts, _) = with(&[(Tolerated::Numbers, Tolerance::Absolute(0.01))]);
        assert_eq!(counts, [0, 3, 1, 1, 1, 3, 3]);
        let (counts, diff) =
            with(&[(Tolerated::Numbers, Tolerance::Absolute(5.0)), (column("N"), Tolerance::Absolute(1.0))]);
        assert_eq!(counts, [0, 2, 0, 1, 0, 3, 3]);
        assert!(diff.notes.iter().any(|note| note == "n counts as unchanged within 1"), "{:?}", diff.notes);
        let (counts, _) = with(&[(Tolerated::Instants, Tolerance::Absolute(0.001))]);
        assert_eq!(counts, [0, 3, 2, 2, 1, 2, 1]);
        let (counts, diff) =
            with(&[(Tolerated::Numbers, Tolerance::Relative(0.1)), (Tolerated::Floats, Tolerance::Relative(0.25))]);
        assert_eq!(counts, [0, 2, 0, 1, 0, 3, 3], "10 of 11 is 9 %, and 3 of 4 a quarter");
        assert!(diff.notes.iter().any(|note| note == "n counts as unchanged within 10 %"), "{:?}", diff.notes);
        let all = [(Tolerated::Numbers, Tolerance::Absolute(9.0)), (Tolerated::Instants, Tolerance::Absolute(9.0))];
        let only = Options { tolerance: all.to_vec(), columns: vec!["d".to_owned()], ..plain() };
        let diff = across(baseline, current, &comparison(&[&["id"]]), &only);
        assert_eq!(figures(&diff), [0, 0, 0, 3]);
        let diff = across(baseline, current, &comparison(&[]), &only);
        assert_eq!(figures(&diff), [2, 2, 0, 1], "whole rows are compared exactly");
        assert!(diff.notes.iter().any(|note| note.starts_with("whole rows are compared exactly")), "{:?}", diff.notes);
    });
}

#[test]
fn what_of_texts_does_not_count_does_not_count_in_keys_either() {
    let before = "('Ä ', 'x'), ('b', 'X'), ('c', 'ä'), ('I', 'Σ'), ('漢 ', 'K'), ('e', 'e\u{301}'), ('f', 'f'), ('F', 'f2'), ('é', '1')";
    let after = "('a\u{308}', 'X '), ('B', 'y'), ('C', 'A\u{308}'), ('i', 'σ'), ('漢', 'k'), ('E', 'É'), ('f ', 'F'), ('F', 'g'), ('É', '1')";
    let text = TextRules { trim: true, ignore_case: true, normalize: true };
    with_engines(|baseline, current| {
        baseline.run(&format!("create table prod.t (k varchar, v varchar); insert into prod.t values {before}"));
        current.run(&format!("create table pr.t (k varchar, v varchar); insert into pr.t values {after}"));
        let diff = across(baseline, current, &comparison(&[&["k"]]), &Options { text, ..plain() });
        assert_eq!(figures(&diff), [1, 1, 1, 7], "{:#?}", diff.samples);
        assert_eq!(changed(&diff), [("k", Some(0)), ("v", Some(1))]);
        let Method::Keyed { facts, .. } = &diff.method else { panic!("{:?}", diff.method) };
        assert_eq!(facts.duplicates, Change { baseline: 1, current: 1 });
        let diff = across(baseline, current, &comparison(&[]), &Options { text, ..plain() });
        assert_eq!(figures(&diff), [2, 2, 0, 7]);
        let case = TextRules { trim: false, ignore_case: true, normalize: false };
        let diff = across(baseline, current, &comparison(&[&["v"]]), &Options { text: case, ..plain() });
        let Method::Keyed { facts, .. } = &diff.method else { panic!("{:?}", diff.method) };
        assert_eq!(facts.duplicates, Change { baseline: 1, current: 0 }, "x and X");
    });
}

#[test]
fn a_sample_takes_the_same_keys_in_both_databases() {
    let rows = 20_000_u64;
    let mut totals = BTreeSet::new();
    let sums = Mutex::new(&mut totals);
    with_engines(|baseline, current| {
        let series = |engine: &Engine| {
            if engine.name == "duckdb" { "range(1, 20001) as s(i)" } else { "generate_series(1, 20000) as s(i)" }
        };
        baseline.run(&format!(
            "create table prod.t as select cast(i as integer) as id, cast(i % 10 as integer) as v from {}",
            series(baseline)
        ));
        current.run(&format!(
            "create table pr.t as select cast(i as numeric(20,4)) as id, case when i % 100 = 0 then 77 when i % 2 = 0 \
             then null else i % 10 end as v from {} where i % 1000 <> 1",
            series(current)
        ));
        let asked = Options { sample: Some(0.1), ..plain() };
        let diff = across(baseline, current, &comparison(&[&["id"]]), &asked);
        let total = diff.rows.total.baseline.unwrap();
        let rows_of = &diff.rows;
        sums.lock().unwrap().insert([total, rows_of.removed, rows_of.changed, rows_of.unchanged]);
        assert_eq!(diff.sampled, Some(0.1));
        assert!((rows / 11..rows / 9).contains(&total), "{total} of {rows}");
        assert_eq!(diff.rows.added, 0, "a key is in the sample of both sides or of none");
        assert!(diff.rows.removed > 0);
        assert_eq!(total, diff.rows.removed + diff.rows.changed + diff.rows.unchanged);
        assert_eq!(diff.columns[1].nulls.baseline, Some(0));
        let nulls = diff.columns[1].nulls.current.unwrap();
        assert!((total * 4 / 10..total * 6 / 10).contains(&nulls), "NULLs are of the sample: {nulls}");
        assert!((total * 4 / 10..total * 6 / 10).contains(&diff.rows.changed));
        let whole = across(baseline, current, &comparison(&[]), &asked);
        let found = whole.rows.total.baseline.unwrap();
        assert!((rows / 11..rows / 9).contains(&found), "{found} of {rows}");
        assert!(whole.rows.unchanged > 0);
        let all = across(baseline, current, &comparison(&[&["id"]]), &Options { sample: Some(1.0), ..plain() });
        assert_eq!((all.sampled, all.rows.total.baseline), (None, Some(rows)));
    });
    assert_eq!(totals.len(), 1, "whatever the engines: {totals:?}");
}

#[test]
fn a_key_is_found_in_the_data_of_both_databases() {
    let asked = Options { search_key: true, ..plain() };
    with_engines(|baseline, current| {
        for (engine, schema, price) in
            [(baseline, "prod", "0.5"), (current, "pr", "case when i / 3 = 7 then 1.5 else 0.5 end")]
        {
            let (series, whole) = if engine.name == "duckdb" {
                ("range(0, 300) as s(i)", "i // 3")
            } else {
                ("generate_series(0, 299) as s(i)", "i / 3")
            };
            let price = price.replace("i / 3", whole);
            engine.run(&format!(
                "create table {schema}.t as select cast(i + {price} as numeric(10,2)) as price, case when i % 2 = 0 then \
                 'n' else 's' end as region, cast({whole} as integer) as customer_id, date '2024-01-01' + cast(i % 3 as \
                 integer) as day from {series}"
            ));
        }
        let diff = across(baseline, current, &comparison(&[]), &asked);
        let Method::Keyed { key, source, .. } = &diff.method else { panic!("{:?}", diff.method) };
        assert_eq!((key.join(","), source.as_str()), ("customer_id,day".to_owned(), "a search of the data"));
        assert_eq!(figures(&diff), [0, 0, 3, 297]);
        // What is a key on one side alone is none.
        current.run("update pr.t set day = date '2024-01-01'");
        let diff = across(baseline, current, &comparison(&[]), &asked);
        let Method::Multiset { reason } = &diff.method else { panic!("{:?}", diff.method) };
        assert_eq!(reason, "no key is declared, and no column or pair of columns identifies a row");
        assert!(!diff.is_equal());
    });
}

#[test]
fn columns_are_described_on_either_side() {
    let asked = Options { profile: true, ..plain() };
    with_engines(|baseline, current| {
        create_all(baseline, "prod", 0);
        create_all(current, "pr", 0);
        let equal = across(baseline, current, &comparison(&[&["id"]]), &asked);
        assert!(!equal.has_failed(), "{:?}", equal.method);
        let two_engines = baseline.name != current.name;
        let retyped: Vec<&str> = equal.schema.retyped.iter().map(|(name, _)| name.as_str()).collect();
        for column in &equal.columns {
            let Change { baseline: Some(before), current: Some(after) } = &column.profile else { panic!("{column:?}") };
            let shown = |value: &Option<Value>| value.as_ref().map(ToString::to_string);
            let distinct = (before.distinct, after.distinct);
            assert_eq!(distinct.0, distinct.1, "{}: an estimate is no difference", column.name);
            if !two_engines || !retyped.contains(&column.name.as_str()) {
                assert_eq!(shown(&before.min), shown(&after.min), "{} {}", baseline.name, column.name);
                assert_eq!(shown(&before.max), shown(&after.max), "{} {}", baseline.name, column.name);
            }
        }
        let id = |diff: &TableDiff| diff.columns[0].profile.as_ref().map(|side| side.clone().unwrap());
        let of_id = id(&equal);
        assert_eq!((of_id.baseline.min, of_id.current.max), (Some(Value::Int(0)), Some(Value::Int(24))));
        assert_eq!((of_id.baseline.mean, of_id.current.distinct.is_some()), (Some(12.0), !two_engines));
        let few = Options { filter: Some("id < 5".to_owned()), mask: vec!["id".to_owned()], ..asked.clone() };
        let few = id(&across(baseline, current, &comparison(&[&["id"]]), &few));
        assert_eq!((few.baseline.min, few.current.mean), (None, None), "what is masked is not shown");
    });
}

/// Makes one of two tables with some of everything: rows that changed by region, columns that moved, one that was renamed,
/// one that may be NULL now, and keys of which the last is the best.
fn create_some(engine: &Engine, schema: &str, is_after: bool) {
    let (not_null, name) = if is_after { ("", "label") } else { ("not null", "title") };
    let mut rows: Vec<String> = Vec::new();
    for i in (0..3000).filter(|i| if is_after { i % 100 != 7 } else { i % 100 != 8 }) {
        let region = ["north", "south", "east", "west"][i % 4];
        let amount = if is_after && i % 4 == 1 && i % 3 == 0 { 30 * i } else { i };
        let (few, day) = if is_after && i % 20 == 0 { (9, 5) } else { (i % 3, i % 28 + 1) };
        let maybe = if i == 5 { "null".to_owned() } else { i.to_string() };
        rows.push(format!(
            "({i}, {maybe}, '{region}', {amount}, {few}, date '2024-01-{day:02}', {}, 'n{i}', {}, '{}')",
            i % 2 == 0,
            if i % 50 == 0 { "'nan'".to_owned() } else { format!("{i}.5") },
            "x",
        ));
    }
    engine.run(&format!(
        "create table {schema}.t (id integer {not_null}, maybe integer, region varchar, amount numeric(12,2), few smallint, \
         day date, is_even boolean, {name} varchar, f double precision, one varchar); \
         insert into {schema}.t values {}",
        rows.join(", ")
    ));
}

#[test]
fn two_databases_say_what_one_says_of_the_same_rows() {
    let asked = Options { profile: true, drift: true, ..plain() };
    let keys: &[&[&str]] = &[&["region", "nope"], &["region"], &["maybe"], &["id"]];
    with_engines(|baseline, current| {
        create_some(baseline, "prod", false);
        create_some(baseline, "pr", true);
        if baseline.name != current.name {
            create_some(current, "pr", true);
        }
        let one = baseline.diff_with(keys, &[], &asked);
        if baseline.name == current.name {
            create_some(current, "pr", true);
            baseline.run("drop table pr.t");
        }
        let two = across(baseline, current, &comparison(keys), &asked);
        assert_eq!(figures(&two), figures(&one));
        assert!(two.rows.changed > 100 && two.rows.added > 0, "{:?}", two.rows);
        assert_eq!((&two.method, &two.rejected_keys), (&one.method, &one.rejected_keys));
        assert_eq!(two.rejected_keys.len(), 3, "{:?}", two.rejected_keys);
        assert_eq!(changed(&two), changed(&one));
        assert_eq!(two.schema.nullability, one.schema.nullability);
        assert_eq!(two.schema.nullability, [("id".to_owned(), Change { baseline: false, current: true })]);
        assert_eq!((&two.schema.renamed, two.schema.renamed.len()), (&one.schema.renamed, 1));
        assert_eq!((&two.slices, two.slices.is_empty()), (&one.slices, false));
        let drift = |diff: &TableDiff| {
            let of = |column: &slimdiff::diff::ColumnDiff| (column.name.clone(), column.drift);
            diff.columns.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(drift(&two), drift(&one));
        assert!(two.columns.iter().any(|column| column.drift.is_some_and(|drift| drift.psi > Some(0.01))));
    });
}

#[test]
fn exact_and_floating_point_numbers_are_equal_to_one_database_where_they_are_to_two() {
    let numbers = [
        "0",
        "1",
        "7",
        "16777216",
        "16777217",
        "2147483600",
        "2147483648",
        "9007199254740992",
        "9007199254740993",
        "1152921504606846976",
        "1152921504606847000",
        "1152921504606847001",
    ];
    let with_fractions = ["0.1", "0.5", "123456.79", "0.30000000000000004", "12345678.901234567"];
    let all: Vec<&str> = numbers.iter().chain(&with_fractions).copied().collect();
    let create = |engine: &Engine, schema: &str, exact: &str, float: &str| {
        let values = if exact.contains(',') { &all[..] } else { &numbers[..] };
        let data_type = if schema == "prod" { exact } else { float };
        let pairs = values.iter().flat_map(|before| values.iter().map(move |after| (before, after)));
        let own = pairs.map(|(before, after)| if schema == "prod" { before } else { after });
        let rows: Vec<String> =
            own.enumerate().map(|(at, value)| format!("({at}, cast('{value}' as {data_type}))")).collect();
        engine.run(&format!(
            "drop table if exists {schema}.t; create table {schema}.t (id integer, v {data_type}); \
             insert into {schema}.t values {}",
            rows.join(", ")
        ));
    };
    for (exact, float) in [
        ("bigint", "double precision"),
        ("bigint", "real"),
        ("decimal(38,17)", "double precision"),
        ("decimal(38,17)", "real"),
    ] {
        let found = Mutex::new(BTreeSet::new());
        with_engines(|baseline, current| {
            create(baseline, "prod", exact, float);
            create(baseline, "pr", exact, float);
            found.lock().unwrap().insert(baseline.diff_with(&[&["id"]], &[], &plain()).rows.unchanged);
            create(current, "pr", exact, float);
            found.lock().unwrap().insert(tables(baseline, current, &[&["id"]]).rows.unchanged);
        });
        let found = found.into_inner().unwrap();
        assert_eq!(found.len(), 1, "{exact} {float}: {found:?}");
        assert!(found.iter().all(|equal| *equal > 5));
    }
}

#[test]
fn what_a_database_refuses_is_a_failed_comparison() {
    let [duckdb, postgres] = Engine::all();
    duckdb.run("create schema prod; create view prod.t as select 1 as id, error('no such luck') as v");
    postgres.run("create schema pr; create table pr.t as select 1 as id, text 'x' as v");
    let diff = tables(&duckdb, &postgres, &[&["id"]]);
    let Method::Failed { reason } = &diff.method else { panic!("{:?}", diff.method) };
    assert!(reason.contains("no such luck"), "{reason}");
}

#[test]
fn texts_are_compared_by_their_characters_whatever_the_servers_encoding() {
    let duckdb = Engine::duckdb();
    duckdb.run(
        "create schema prod; create table prod.t as select 1 as id, 'äé' as v, ['ä'] as l union all select 2, 'ä', []",
    );
    for (encoding, is_known) in [("LATIN1", true), ("SQL_ASCII", false)] {
        let postgres = Engine::postgres_encoded(encoding);
        postgres.run(
            "create schema pr; create table pr.t as select 1 as id, text 'äé' as v, array[text 'ä'] as l
             union all select 2, 'a', array[]::text[]",
        );
        for keys in [&[&["id"][..]][..], &[&["v"]], &[]] {
            let diff = tables(&duckdb, &postgres, keys);
            assert_eq!(diff.has_failed(), !is_known, "{:?}", diff.method);
            if is_known {
                assert_eq!(diff.rows.unchanged, 1, "{keys:?}: {diff:?}");
            }
        }
    }
}

#[test]
fn names_may_be_any_and_tables_as_wide_as_they_get() {
    let named =
        ["k", "r", "t0", "select", "a\"b", "c.d", "🦆", "item", "place", "segment", "Group By", "slimdiff_rows"];
    let mut columns: Vec<String> =
        named.iter().map(|name| format!("\"{}\" integer[]", name.replace('"', "\"\""))).collect();
    columns.extend((0..1450).map(|at| format!("c{at} integer")));
    let table = format!("t (id integer, {})", columns.join(", "));
    with_engines(|baseline, current| {
        let list = |engine: &Engine| if engine.name == "duckdb" { "[1, 2]" } else { "'{1,2}'" };
        for (engine, schema) in [(baseline, "prod"), (current, "pr")] {
            let lists = vec![list(engine); named.len()].join(", ");
            engine.run(&format!(
                "create table {schema}.{table}; insert into {schema}.t values (1, {lists}, {}), (2, {lists}, {})",
                vec!["7"; 1450].join(", "),
                vec!["null"; 1450].join(", "),
            ));
        }
        assert_eq!(tables(baseline, current, &[&["id"]]).method, Method::Checksum);
        current.run("update pr.t set c3 = 8, c700 = null, c1449 = 1, \"🦆\" = null where id = 1");
        for keys in [&[&["id"][..]][..], &[&["id", "item", "a\"b", "c5"]]] {
            let diff = tables(baseline, current, keys);
            assert_eq!(figures(&diff), [0, 0, 1, 1]);
            let changed = changed(&diff).into_iter().filter(|(_, changed)| *changed != Some(0));
            assert_eq!(changed.map(|(name, _)| name).collect::<Vec<_>>(), ["🦆", "c3", "c700", "c1449"]);
        }
        assert_eq!(figures(&tables(baseline, current, &[])), [1, 1, 0, 1]);
    });
}

#[test]
fn tables_of_many_pages_are_compared_and_the_passes_are_told() {
    let rows = 40_000_u64;
    with_engines(|baseline, current| {
        let create = |engine: &Engine, schema: &str, values: &str, condition: &str| {
            let series =
                if engine.name == "duckdb" { "range(40000) as g(n)" } else { "generate_series(0, 39999) as g(n)" };
            engine.run(&format!(
                "create table {schema}.t as select cast(n as integer) as id, cast({values} as varchar) as v, \
                 cast(n % 7 as bigint) as w, cast(null as integer) as o from {series} where {condition}"
            ));
        };
        create(baseline, "prod", "n", "n % 100 <> 1");
        create(current, "pr", "n", "n % 100 <> 1");
        assert_eq!(tables(baseline, current, &[&["id"]]).method, Method::Checksum);
        current.run("drop table pr.t");
        create(current, "pr", "n + 1", "n % 100 <> 2");
        let each = rows / 100;
        let diff = tables(baseline, current, &[&["id"]]);
        assert_eq!(figures(&diff), [each, each, rows - 2 * each, 0]);
        assert_eq!(changed(&diff), [("id", Some(0)), ("v", Some(rows - 2 * each)), ("w", Some(0)), ("o", Some(0))]);
        assert_eq!(figures(&tables(baseline, current, &[])), [rows - each, rows - each, 0, 0]);
        // Seven keys with thousands of rows each.
        let diff = tables(baseline, current, &[&["w"]]);
        assert_eq!(figures(&diff), [rows - each, rows - each, 0, 0]);
        let Method::Keyed { facts, .. } = &diff.method else { panic!("{:?}", diff.method) };
        assert_eq!(facts.duplicates, Change { baseline: rows - each - 7, current: rows - each - 7 });
        // One key with more rows than a page has.
        assert_eq!(figures(&tables(baseline, current, &[&["o"]])), [rows - each, rows - each, 0, 0]);
        current.run("drop table pr.t");
        create(current, "pr", "case when n = 12345 then 0 else n end", "n % 100 <> 1");
        let heard = Heard::default();
        let diff = across_heard(baseline, current, &comparison(&[&["id"]]), &plain(), &heard);
        assert_eq!(figures(&diff), [0, 0, 1, rows - each - 1]);
        assert_eq!(
            heard.0.into_inner().unwrap(),
            [
                "pr.t: counting rows",
                "pr.t: summing up the rows of 8192 segments",
                "pr.t: counting the key",
                "pr.t: comparing the rows of 1 segment that differs"
            ]
        );
        assert_eq!(figures(&tables(baseline, current, &[])), [1, 1, 0, rows - each - 1]);
    });
}

/// What a generated column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Double,
    Decimal,
    Bool,
    Time,
}

impl Kind {
    fn data_type(self) -> &'static str {
        match self {
            Self::Int => "integer",
            Self::Text => "varchar",
            Self::Double => "double precision",
            Self::Decimal => "decimal(18,2)",
            Self::Bool => "boolean",
            Self::Time => "timestamp",
        }
    }

    /// Texts of values, such that different texts are different values.
    fn values(self) -> &'static [&'static str] {
        match self {
            Self::Int => &["0", "1", "2", "-1", "10"],
            Self::Text => &[
                "",
                "a",
                "A",
                " a",
                "a ",
                "A ",
                "ä",
                "Ä",
                "a\u{308}",
                "A\u{308} ",
                "p,",
                "q",
                ",q",
                "p",
                "NULL",
                "🦆",
                "it's",
                "\"x\"",
                "1:",
                ":",
                "k",
                "\u{212a}",
                "i",
                "\u{130}",
                "Σ",
                "ς",
                "漢",
                "漢 ",
                "Я",
                "я",
            ],
            Self::Double => &["nan", "0", "0.1", "0.30000000000000004", "0.3", "infinity", "1e300", "5e-324"],
            Self::Decimal => &["0", "0.01", "1.5", "-100"],
            Self::Bool => &["true", "false"],
            Self::Time => &["2024-01-01", "2024-01-01 00:00:00.000001", "infinity", "1969-12-31 23:59:59.9"],
        }
    }
}

type Cell = Option<&'static str>;

/// What two values may differ in and count as equal.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    /// One of numbers, a hundredth of decimals, a second of times.
    near: bool,
    text: TextRules,
}

impl Asked {
    fn options(self) -> Options {
        let of = |about, limit| (about, Tolerance::Absolute(limit));
        let rules = vec![of(Tolerated::Numbers, 1.0), of(Tolerated::Instants, 1.0)];
        Options { samples: 9, tolerance: if self.near { rules } else { Vec::new() }, text: self.text, ..plain() }
    }

    /// A value without what does not count.
    fn fold(self, kind: Kind, cell: Cell) -> Option<String> {
        let mut text = cell?.to_owned();
        if kind == Kind::Text {
            if self.text.normalize {
                text = text.replace("a\u{308}", "ä").replace("A\u{308}", "Ä").replace('\u{212a}', "K");
            }
            if self.text.ignore_case {
                text = text.replace('\u{130}', "i").replace('Σ', "σ").to_lowercase();
            }
            if self.text.trim {
                text.truncate(text.trim_end_matches(' ').len());
            }
        }
        Some(text)
    }

    fn is_same(self, kind: Kind, before: Cell, after: Cell) -> bool {
        let (Some(b), Some(c)) = (before, after) else { return before == after };
        let seconds = |text: &str| match text {
            "2024-01-01" | "2024-01-01 00:00:00.000001" => 0.0,
            "1969-12-31 23:59:59.9" => -9e9,
            _ => f64::INFINITY,
        };
        let near = |b: f64, c: f64| b.is_finite() && c.is_finite() && b.max(c) < 1e300 && (b - c).abs() <= 1.0;
        let is_near = self.near
            && match kind {
                Kind::Int | Kind::Double | Kind::Decimal => near(b.parse().unwrap(), c.parse().unwrap()),
                Kind::Time => near(seconds(b), seconds(c)),
                Kind::Text | Kind::Bool => false,
            };
        is_near || self.fold(kind, before) == self.fold(kind, after)
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let rules = |(trim, ignore_case, normalize)| TextRules { trim, ignore_case, normalize };
    let rules = prop_oneof![2 => Just(TextRules::default()), 3 => any::<(bool, bool, bool)>().prop_map(rules)];
    (any::<bool>(), rules).prop_map(|(near, text)| Asked { near, text })
}

/// Two tables of the same columns, of which the first `keys` are the key.
#[derive(Debug, Clone)]
struct Pair {
    kinds: Vec<Kind>,
    keys: usize,
    rows: Change<Vec<Vec<Cell>>>,
}

fn cell(kind: Kind) -> impl Strategy<Value = Cell> {
    prop_oneof![1 => Just(None), 7 => prop::sample::select(kind.values()).prop_map(Some)]
}

fn pairs() -> impl Strategy<Value = Pair> {
    let kind = prop::sample::select(vec![
        Kind::Int,
        Kind::Text,
        Kind::Text,
        Kind::Double,
        Kind::Decimal,
        Kind::Bool,
        Kind::Time,
    ]);
    (prop::collection::vec(kind, 1..6), 0_usize..4).prop_flat_map(|(kinds, keys)| {
        let keys = keys.min(kinds.len());
        let row: Vec<_> = kinds.iter().map(|kind| cell(*kind)).collect();
        let changes: Vec<_> = kinds.iter().map(|kind| prop::option::weighted(0.2, cell(*kind))).collect();
        let times = prop::sample::select(vec![(1, 1), (1, 1), (1, 1), (1, 0), (0, 1), (2, 1), (1, 2), (2, 2)]);
        prop::collection::vec((row, changes, times), 0..14).prop_map(move |rows| {
            let mut sides = Change { baseline: Vec::new(), current: Vec::new() };
            for (before, changes, (in_baseline, in_current)) in rows {
                let mut after = before.clone();
                for (at, change) in changes.into_iter().enumerate().skip(keys) {
                    after[at] = change.unwrap_or(after[at]);
                }
                sides.baseline.extend(std::iter::repeat_n(before, in_baseline));
                sides.current.extend(std::iter::repeat_n(after, in_current));
            }
            Pair { kinds: kinds.clone(), keys, rows: sides }
        })
    })
}

/// Changed values, those that became NULL, and those that were.
type OfColumn = (Option<u64>, Option<u64>, Option<u64>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Figures {
    rows: [u64; 4],
    columns: Vec<OfColumn>,
    /// Rows beyond the first of a key, and rows with NULL in the key.
    facts: Option<(Change<u64>, Change<u64>)>,
}

impl Pair {
    /// The values without what does not count.
    fn folded(&self, asked: Asked, row: &[Cell]) -> Vec<Option<String>> {
        row.iter().zip(&self.kinds).map(|(cell, kind)| asked.fold(*kind, *cell)).collect()
    }

    /// The comparison as one would do it by hand. By a checksum alone it is known of no key whether it is one.
    fn naive(&self, asked: Asked, by_checksum: bool) -> Figures {
        let all = self.kinds.len();
        let keys = if self.keys == 0 { all } else { self.keys };
        let key = |row: &Vec<Cell>| self.folded(asked, &row[..keys]);
        let mut groups: BTreeMap<Vec<Option<String>>, Change<Vec<&[Cell]>>> = BTreeMap::new();
        self.rows.baseline.iter().for_each(|row| groups.entry(key(row)).or_default().baseline.push(row));
        self.rows.current.iter().for_each(|row| groups.entry(key(row)).or_default().current.push(row));
        let mut figures = Figures::default();
        let mut columns = vec![(0, 0, 0); all];
        for group in groups.values() {
            if let ([before], [after]) = (&group.baseline[..], &group.current[..]) {
                let is_same = |at: usize| at < keys || asked.is_same(self.kinds[at], before[at], after[at]);
                let differing: Vec<usize> = (0..all).filter(|&at| !is_same(at)).collect();
                figures.rows[if differing.is_empty() { 3 } else { 2 }] += 1;
                for at in differing {
                    columns[at].0 += 1;
                    columns[at].1 += u64::from(after[at].is_none());
                    columns[at].2 += u64::from(before[at].is_none());
                }
                continue;
            }
            let mut rows: BTreeMap<Vec<Option<String>>, Change<u64>> = BTreeMap::new();
            group.baseline.iter().for_each(|row| rows.entry(self.folded(asked, row)).or_default().baseline += 1);
            group.current.iter().for_each(|row| rows.entry(self.folded(asked, row)).or_default().current += 1);
            for count in rows.values() {
                figures.rows[0] += count.current.saturating_sub(count.baseline);
                figures.rows[1] += count.baseline.saturating_sub(count.current);
                figures.rows[3] += count.current.min(count.baseline);
            }
        }
        let is_paired = by_checksum || self.keys > 0;
        let some = |count| is_paired.then_some(count);
        figures.columns = columns.into_iter().map(|(a, b, c)| (some(a), some(b), some(c))).collect();
        if !by_checksum && self.keys > 0 {
            let of = |rows: &Vec<Vec<Cell>>| {
                let distinct: BTreeSet<_> = rows.iter().map(key).collect();
                let nulls = rows.iter().filter(|row| row[..keys].contains(&None)).count();
                ((rows.len() - distinct.len()) as u64, nulls as u64)
            };
            let (b, c) = (of(&self.rows.baseline), of(&self.rows.current));
            figures.facts = Some((Change { baseline: b.0, current: c.0 }, Change { baseline: b.1, current: c.1 }));
        }
        figures
    }

    fn create(&self, schema: &str, rows: &[Vec<Cell>]) -> String {
        let columns: Vec<String> =
            self.kinds.iter().enumerate().map(|(at, kind)| format!("c{at} {}", kind.data_type())).collect();
        let mut sql = format!("drop table if exists {schema}.t; create table {schema}.t ({});", columns.join(", "));
        for row in rows {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| cell.map_or("null".to_owned(), |text| format!("'{}'", text.replace('\'', "''"))))
                .collect();
            write!(sql, "insert into {schema}.t values ({});", cells.join(", ")).unwrap();
        }
        sql
    }

    fn comparison(&self) -> Comparison {
        let columns = (0..self.keys).map(|at| format!("c{at}")).collect();
        let key = KeyCandidate { columns, source: KeySource::CommandLine };
        Comparison { keys: if self.keys == 0 { Vec::new() } else { vec![key] }, ..comparison(&[]) }
    }

    fn check(&self, baseline: &Engine, current: &Engine, asked: Asked) -> Result<(), TestCaseError> {
        baseline.run(&format!("{} select 1", self.create("prod", &self.rows.baseline)));
        current.run(&format!("{} select 1", self.create("pr", &self.rows.current)));
        let found = across(baseline, current, &self.comparison(), &asked.options());
        prop_assert!(!found.has_failed(), "{:?}", found.method);
        let by_checksum = found.method == Method::Checksum;
        let naive = self.naive(asked, by_checksum);
        prop_assert_eq!(of_diff(&found), naive.clone());
        let is_equal = naive.rows[..3] == [0, 0, 0];
        let counts_all = !asked.near && asked.text == TextRules::default();
        prop_assert!(is_equal || !by_checksum);
        prop_assert!(by_checksum || !is_equal || !counts_all);
        let shown = found.samples.len() as u64;
        let rows = &found.rows;
        prop_assert_eq!(shown, (rows.added + rows.removed + rows.changed).min(9));
        for column in &found.columns {
            let told = found.samples.iter().any(|sample| sample.values.iter().any(|(name, _)| *name == column.name));
            prop_assert!(told || column.changed.unwrap_or_default() == 0 || shown == 9, "{} is told of", column.name);
        }
        Ok(())
    }
}

fn of_diff(diff: &TableDiff) -> Figures {
    let facts = match &diff.method {
        Method::Keyed { facts, .. } => Some((facts.duplicates, facts.nulls)),
        _ => None,
    };
    let columns = diff.columns.iter().map(|column| (column.changed, column.became_null, column.was_null)).collect();
    Figures { rows: figures(diff), columns, facts }
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

#[test]
fn every_figure_across_engines_equals_that_of_a_naive_comparison() {
    let [duckdb, postgres] = Engine::all();
    for engine in [&duckdb, &postgres] {
        engine.run("create schema prod; create schema pr");
    }
    proptest!(config(240), |(pair in pairs(), turned in any::<bool>(), asked in asked())| {
        if turned { pair.check(&postgres, &duckdb, asked)? } else { pair.check(&duckdb, &postgres, asked)? }
    });
}

#[test]
fn every_figure_across_servers_equals_that_of_a_naive_comparison() {
    let (before, after) = (Engine::postgres(), Engine::postgres());
    before.run("create schema prod");
    after.run("create schema pr");
    proptest!(config(60), |(pair in pairs(), asked in asked())| pair.check(&before, &after, asked)?);
}

#[test]
fn two_databases_and_one_give_the_same_figures() {
    for engine in Engine::all() {
        engine.run("create schema prod; create schema pr");
        proptest!(config(60), |(pair in pairs(), asked in asked())| {
            // Which letters have another case is each engine's own matter in one database.
            let asked = Asked { text: TextRules { ignore_case: false, ..asked.text }, ..asked };
            pair.check(&engine, &engine, asked)?;
            let naive = pair.naive(asked, false);
            // Where the key is none, the one-database comparison may choose another way.
            if pair.keys > 0 && naive.facts == Some((Change::default(), Change::default())) {
                let one = runtime().block_on(async {
                    let mut session = engine.warehouse.session().await.unwrap();
                    diff(&mut *session, engine.warehouse.dialect(), &pair.comparison(), &asked.options()).await.unwrap()
                });
                prop_assert_eq!(figures(&one), naive.rows);
                let changed: Vec<_> = one.columns.iter().map(|column| column.changed).collect();
                let expected: Vec<_> = naive.columns.iter().map(|column| column.0).collect();
                prop_assert_eq!(changed, expected);
            }
        });
    }
}

proptest! {
    #![proptest_config(config(3))]
    #[test]
    fn doubles_of_all_sizes_are_told_apart_by_both_engines_alike(bits in prop::collection::vec(any::<u64>(), 1500)) {
        let doubles = bits.iter().map(|bits| f64::from_bits(*bits)).filter(|double| double.is_finite());
        let near = bits.iter().map(|bits| f64::from_bits(bits >> 12)).chain((0..300).map(|at| 10_f64.powi(at - 150)));
        let near = near.chain((0..200).map(|at| 2_f64.powi(at - 100)));
        let rows: Vec<String> =
            doubles.chain(near).enumerate().map(|(at, double)| format!("({at}, '{double:e}')")).collect();
        let [duckdb, postgres] = Engine::all();
        let table = "t (id integer, v double precision)";
        duckdb.run(&format!("create schema prod; create table prod.{table}; insert into prod.t values {}", rows.join(",")));
        postgres.run(&format!("create schema pr; create table pr.{table}; insert into pr.t values {}", rows.join(",")));
        prop_assert_eq!(&tables(&duckdb, &postgres, &[&["id"]]).method, &Method::Checksum);
        // Against exact numbers they have the same digits, a whole one all that it is.
        for float in ["double precision", "real"] {
            let is_real = float == "real";
            let own = |double: f64| if is_real { f64::from(double.to_string().parse::<f32>().unwrap()) } else { double };
            let fits = |double: &f64| !is_real || (double.abs() < 1e37 && double.abs() > 1e-30);
            let doubles = bits.iter().map(|bits| f64::from_bits(bits >> 1));
            let doubles = doubles.chain(bits.iter().map(|bits| format!("{bits}e6").parse().unwrap()));
            let doubles = doubles.chain((0..300).map(|at| 10_f64.powi(at - 150)));
            let doubles = doubles.chain((0..200).map(|at| 2_f64.powi(at - 100)));
            let doubles: Vec<f64> = doubles.filter(|double| double.is_finite()).filter(fits).map(own).collect();
            let rows = |exact: &dyn Fn(f64) -> String| {
                let row = |(at, double): (usize, &f64)| format!("({at}, {})", exact(*double));
                doubles.iter().enumerate().map(row).collect::<Vec<_>>().join(",")
            };
            let as_float = |double: f64| format!("'{double:e}'");
            let as_exact = |double: f64| if double.fract() == 0.0 && double.abs() < 1e47 {
                format!("'{double:.0}'")
            } else {
                format!("cast(cast(cast('{double:e}' as {float}) as text) as numeric)")
            };
            let table = format!("create or replace table prod.t (id integer, v {float})");
            duckdb.run(&format!("{table}; insert into prod.t values {}", rows(&as_float)));
            let table = "drop table pr.t; create table pr.t (id integer, v numeric)";
            postgres.run(&format!("{table}; insert into pr.t values {}", rows(&as_exact)));
            let diff = tables(&duckdb, &postgres, &[&["id"]]);
            prop_assert_eq!(&diff.method, &Method::Checksum, "{:?}", diff.samples);
        }
    }
}
