//! What a profile says of each column, on each engine.

use slimdiff::diff::{ColumnProfile, Options, TableDiff};
use slimdiff::model::{Change, Value};

use super::Engine;

const SCHEMAS: &str = "create schema prod; create schema pr";

fn profiled(engine: &Engine) -> TableDiff {
    engine.diff_with(&[&["k"]], &[], &Options { profile: true, ..Options::default() })
}

fn both<'a>(diff: &'a TableDiff, name: &str) -> Change<&'a ColumnProfile> {
    let column = diff.columns.iter().find(|column| column.name == name).unwrap_or_else(|| panic!("{:?}", diff.method));
    column.profile.as_ref().map(|profile| profile.as_ref().unwrap())
}

fn near(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-9)
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

#[test]
fn every_type_has_the_figures_that_make_sense_for_it() {
    for engine in Engine::all() {
        let (double, bytes) = if engine.name == "duckdb" { ("double", "blob") } else { ("float8", "bytea") };
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t (k int, i bigint, d decimal(10,2), f {double}, s text, b boolean, day date, \
             moment timestamp, tz timestamp with time zone, u uuid, x {bytes}, j json, l int[]);
             insert into prod.t values
                (1, 10, 1.50, 0.5, 'b', true, '2020-01-02', '2020-01-02 03:04:05', '2020-01-02 03:04:05+00',
                 '00000000-0000-0000-0000-000000000001', 'x', '{{}}', null),
                (2, 20, 2.50, 'NaN', 'B', true, '1999-12-31', '2020-01-01', '2020-01-01 00:00:00+00', null, 'y', '[]', null),
                (3, 30, -1, 'infinity', 'ä', null, '2020-01-01', null, null, null, 'x', '1', null),
                (4, null, null, 1.5, null, true, null, null, null, null, null, null, null);
             create table pr.t as select * from prod.t where k < 1"
        ));
        let diff = profiled(&engine);
        let name = engine.name;
        let of = |column: &str| both(&diff, column).baseline;
        assert_eq!(of("i").distinct, Some(3), "{name}");
        assert!(near(of("i").mean, 20.0) && near(of("i").stddev, (200.0_f64 / 3.0).sqrt()), "{name} {:?}", of("i"));
        assert_eq!((shown(of("i").min.as_ref()), shown(of("i").max.as_ref())), ("10".into(), "30".into()), "{name}");
        assert!(near(of("d").mean, 1.0) && of("d").distinct == Some(3), "{name} {:?}", of("d"));
        assert!(near(of("f").mean, 1.0), "{name}: NaN and infinity have no mean: {:?}", of("f"));
        assert_eq!(shown(of("f").min.as_ref()), "0.5", "{name}");
        assert_eq!(of("f").max, Some(Value::Float(f64::INFINITY)), "{name}");
        assert_eq!((shown(of("s").min.as_ref()), shown(of("s").max.as_ref())), ("B".into(), "ä".into()), "{name}");
        assert_eq!((of("s").mean, of("s").distinct), (None, Some(3)), "{name}");
        assert_eq!(of("b").min, Some(Value::Bool(true)), "{name}");
        assert_eq!((of("b").distinct, of("b").distinct_is_estimate), (Some(1), false), "{name}");
        assert_eq!((shown(of("day").min.as_ref()), of("day").distinct), ("1999-12-31".into(), Some(3)), "{name}");
        assert_eq!(of("moment").distinct, Some(2), "{name}");
        assert_eq!((of("tz").distinct, of("tz").distinct_is_estimate), (Some(2), true), "{name}");
        assert_eq!((of("u").min.clone(), of("u").distinct), (None, Some(1)), "{name}");
        assert_eq!((of("x").min.clone(), of("x").distinct), (None, Some(2)), "{name}");
        for column in ["j", "l"] {
            assert_eq!(*of(column), ColumnProfile::default(), "{name}: {column}");
        }
        let empty = both(&diff, "i").current;
        assert_eq!((empty.min.clone(), empty.mean, empty.distinct), (None, None, Some(0)), "{name}");
        let counted = diff.columns.iter().find(|column| column.name == "tz").unwrap();
        assert_eq!(counted.nulls, Change { baseline: Some(2), current: Some(0) }, "{name}");
        assert_eq!((diff.rows.total.baseline, diff.rows.removed), (Some(4), 4), "{name}");
    }
}

#[test]
fn distinct_values_are_estimated_well_from_few_to_many() {
    for engine in Engine::all() {
        let rows = if engine.name == "duckdb" { "range(200000) as g(n)" } else { "generate_series(0, 199999) as g(n)" };
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t as select n as k, n % 3 as few, cast(n % 1000 as text) as some, \
             cast(n % 30000 as decimal(12,2)) as more, cast(n as double precision) / 7 as every from {rows};
             create table pr.t as select * from prod.t where k % 3 <> 0"
        ));
        let diff = profiled(&engine);
        for (column, values) in [("k", 200_000_u64), ("few", 3), ("some", 1000), ("more", 30_000), ("every", 200_000)] {
            let found = both(&diff, column).baseline.distinct.unwrap();
            let off = found.abs_diff(values);
            assert!(off * 100 <= values * 15, "{}: {column} has {values} values, not {found}", engine.name);
        }
        // The two estimates of one set of values are one number.
        let some = both(&diff, "some");
        assert_eq!(some.baseline.distinct, some.current.distinct, "{}", engine.name);
        // One value in three is gone, and the difference shows it well.
        let k = both(&diff, "k").map(|profile| f64::from(u32::try_from(profile.distinct.unwrap()).unwrap()));
        assert!((k.current / k.baseline - 2.0 / 3.0).abs() < 0.1, "{}: {k:?}", engine.name);
    }
}

#[test]
fn a_sign_makes_two_values() {
    for engine in Engine::all() {
        let wide = if engine.name == "duckdb" { "hugeint" } else { "bigint" };
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t (k integer, d numeric(38,2), w {wide}, i bigint); create table pr.t (k integer, \
             d numeric(38,2), w {wide}, i bigint); insert into prod.t values (1, 1, 0, -1), (2, -1, -1, 4294967295); \
             insert into pr.t values (1, 0, 1, 0), (2, -0.01, 1, 0), (3, -2147483648, 1, -9223372036854775807)"
        ));
        let diff = profiled(&engine);
        for (column, values) in [("d", [2, 3]), ("w", [2, 1]), ("i", [2, 2])] {
            let found = both(&diff, column).map(|profile| profile.distinct.unwrap());
            assert_eq!([found.baseline, found.current], values, "{}: {column}", engine.name);
        }
    }
}

#[test]
fn a_masked_column_shows_nothing_that_is_a_value() {
    for engine in Engine::all() {
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t as select 1 as k, 12345 as salary, true as b; \
             create table pr.t as select * from prod.t"
        ));
        let options = Options { profile: true, mask: vec!["SALARY".into(), "b".into()], ..Options::default() };
        let diff = engine.diff_with(&[&["k"]], &[], &options);
        for column in ["salary", "b"] {
            let hidden = both(&diff, column).current;
            assert_eq!((&hidden.min, &hidden.max, hidden.mean, hidden.stddev), (&None, &None, None, None), "{column}");
            assert_eq!(hidden.distinct, Some(1));
        }
        assert!(!format!("{diff:?}").contains("12345"), "{}", engine.name);
    }
}

#[test]
fn a_table_of_1500_columns_is_profiled_and_its_drift_measured() {
    for engine in Engine::all() {
        let columns: Vec<String> = (0..1500).map(|at| format!("{at} as c{at}")).collect();
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t as select 1 as k, {}; create table pr.t as select * from prod.t; \
             insert into pr.t (k) values (2)",
            columns.join(", ")
        ));
        let options = Options { profile: true, drift: true, ..Options::default() };
        let diff = engine.diff_with(&[&["k"]], &[], &options);
        assert_eq!(diff.columns.len(), 1501, "{}", engine.name);
        assert_eq!(shown(both(&diff, "c1499").current.max.as_ref()), "1499", "{}", engine.name);
        assert!(diff.columns.iter().all(|column| column.drift.is_some_and(|drift| drift.psi > Some(0.1))));
    }
}
