//! What goes wrong elsewhere: keys that are none, types that changed, odd names, very wide and very empty tables.

use slimdiff::diff::{Method, Options, SampleKind, TableDiff, comparable, diff_all};
use slimdiff::model::{Change, Event, Observer, Value};

use super::{Engine, comparison, runtime};

/// Makes `prod.t` and `pr.t` afresh on every engine, and hands over each engine in turn.
fn with_tables(setup: &str, check: impl Fn(&Engine)) {
    for engine in Engine::all() {
        engine.run(&format!("create schema prod; create schema pr; {setup}"));
        check(&engine);
    }
}

fn figures(diff: &TableDiff) -> [u64; 4] {
    assert!(!diff.has_failed(), "{:?}", diff.method);
    [diff.rows.added, diff.rows.removed, diff.rows.changed, diff.rows.unchanged]
}

/// Whole rows, without a search for a key.
fn wholes() -> Options {
    Options { search_key: false, ..Options::default() }
}

fn reasons(diff: &TableDiff) -> Vec<&str> {
    diff.rejected_keys.iter().map(|key| key.reason.as_str()).collect()
}

#[test]
fn a_key_is_used_only_if_the_data_of_both_sides_bears_it_out() {
    let setup = "create table prod.t (id integer, n integer, part varchar);
        insert into prod.t values (1, 1, 'p,'), (1, 2, 'q'), (2, null, 'r'), (3, 4, 's');
        create table pr.t (id integer, n integer, part varchar);
        insert into pr.t values (1, 1, 'p'), (1, 2, ',q'), (2, 3, 'r'), (3, 4, 's')";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["nope"], &["id"], &["n"], &["id", "part"]]);
        assert_eq!(
            reasons(&diff),
            [
                "unique_key (nope) has nope, which is no column of both tables",
                "unique_key (id) has 1 duplicate row in production and 1 duplicate row in the pull request",
                "unique_key (n) has 1 row with NULL in production",
            ]
        );
        let Method::Keyed { key, source, .. } = &diff.method else { panic!("{:?}", diff.method) };
        assert_eq!((key.join(","), source.as_str()), ("id,part".to_owned(), "unique_key"));
        assert_eq!(figures(&diff), [2, 2, 1, 1], "('p,', 'q') is not ('p', ',q')");
        assert_eq!(diff.rejected_keys[1].duplicates, Some(Change { baseline: 1, current: 1 }));
    });
}

#[test]
fn without_a_key_whole_rows_are_counted() {
    let setup = "create table prod.t (a integer, b varchar); insert into prod.t values (1, 'x'), (1, 'x'), (2, null);
        create table pr.t (a integer, b varchar); insert into pr.t values (1, 'x'), (2, null), (2, null), (2, null)";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[]);
        assert_eq!(figures(&diff), [2, 1, 0, 2]);
        assert_eq!(
            diff.method,
            Method::Multiset { reason: "no key is declared, and no column or pair of columns identifies a row".into() }
        );
        assert_eq!(diff.columns[1].nulls, Change { baseline: Some(1), current: Some(3) });
        assert_eq!(diff.columns[0].changed, None);
        let kinds: Vec<SampleKind> = diff.samples.iter().map(|sample| sample.kind).collect();
        assert_eq!(kinds, [SampleKind::Added, SampleKind::Removed]);
    });
}

#[test]
fn empty_tables_are_equal_to_themselves_and_differ_from_full_ones() {
    with_tables("create table prod.t (id integer, v varchar); create table pr.t (id integer, v varchar)", |engine| {
        assert!(engine.diff(&[&["id"]]).is_equal());
        assert!(engine.diff(&[]).is_equal());
        engine.run("insert into pr.t values (1, 'x'), (2, null)");
        assert_eq!(figures(&engine.diff(&[&["id"]])), [2, 0, 0, 0]);
        assert_eq!(figures(&engine.diff(&[])), [2, 0, 0, 0]);
    });
}

#[test]
fn columns_of_another_type_are_compared_by_value() {
    let setup = "create table prod.t (id integer, wider integer, exact numeric(10,2), lossy bigint, words varchar(5));
        insert into prod.t values (1, 7, 1.50, 9007199254740993, 'a'), (2, 8, 2.25, 5, 'b');
        create table pr.t (id bigint, wider bigint, exact numeric(12,4), lossy double precision, words text);
        insert into pr.t values (1, 7, 1.5000, 9007199254740992, 'a'), (2, 9, 2.2501, 5, 'b')";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        assert_eq!(figures(&diff), [0, 0, 2, 0]);
        let changed: Vec<_> = diff.columns.iter().map(|column| (column.name.as_str(), column.changed)).collect();
        assert_eq!(
            changed,
            [("id", Some(0)), ("wider", Some(1)), ("exact", Some(1)), ("lossy", Some(1)), ("words", Some(0))]
        );
        assert_eq!(diff.excluded, []);
        assert!(diff.notes.iter().any(|note| note.starts_with("lossy was compared by value")));
        // DuckDB does not keep the length of a varchar.
        let retyped = if engine.name == "duckdb" { 4 } else { 5 };
        assert_eq!(diff.schema.retyped.len(), retyped, "{:?}", diff.schema.retyped);
        assert!(
            diff.notes.iter().any(|note| note.starts_with("wider was compared as bigint, because its type changed"))
        );
    });
}

#[test]
fn json_is_compared_by_value() {
    let setup = "create table prod.t (id integer, j json); create table pr.t (id integer, j json);
        insert into prod.t values (1, '{\"a\": 1, \"b\": [1.0]}'), (2, '{\"a\": 1}');
        insert into pr.t values (1, '{\"b\":[1.0],\"a\":1}'), (2, '{\"a\":2}')";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        assert_eq!(figures(&diff), [0, 0, 1, 1]);
        assert_eq!(diff.notes, [""; 0]);
        assert_eq!(engine.diff_with(&[], &[], &wholes()).rows.added, diff.rows.changed, "as whole rows too");
    });
}

#[test]
fn names_may_be_keywords_and_hold_quotes_dots_and_emoji() {
    let columns = r#""select" integer, "a""b" varchar, "c.d" varchar, "🦆" varchar, "Group By" varchar, k0 varchar"#;
    let setup = format!(
        "create table prod.t ({columns}); insert into prod.t values (1, 'a', 'b', 'c', 'd', 'e'), (2, 'a', 'b', 'c', 'd', 'e');
        create table pr.t ({columns}); insert into pr.t values (1, 'a', 'x', 'c', 'd', 'e'), (2, 'a', 'b', 'y', 'd', 'e')"
    );
    with_tables(&setup, |engine| {
        let diff = engine.diff(&[&["select"]]);
        assert_eq!(figures(&diff), [0, 0, 2, 0]);
        let told: Vec<&str> = diff.samples.iter().map(|sample| sample.values[0].0.as_str()).collect();
        assert_eq!(told, ["c.d", "🦆"], "each example tells of another column");
        assert_eq!(engine.diff(&[&["select", "a\"b"]]).rows.changed, 2);
    });
}

#[test]
fn names_that_differ_only_in_case_are_one_column_where_the_engine_thinks_so() {
    let setup = r#"create table prod.t (id integer, "Value" varchar); insert into prod.t values (1, 'x');
        create table pr.t (id integer, "value" varchar); insert into pr.t values (1, 'y')"#;
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["ID"]]);
        if engine.name == "duckdb" {
            assert_eq!(figures(&diff), [0, 0, 1, 0]);
            assert_eq!(diff.notes, ["column Value is now written value"]);
        } else {
            assert_eq!(figures(&diff), [0, 0, 0, 1]);
            assert_eq!((diff.schema.added.len(), diff.schema.removed.len()), (1, 1));
        }
    });
    let engine = Engine::postgres();
    engine.run(
        r#"create schema prod; create schema pr; create table prod.t (id integer, a text, "A" text);
        create table pr.t (id integer, a text, "A" text);
        insert into prod.t values (1, 'x', 'y'); insert into pr.t values (1, 'x', 'z')"#,
    );
    let diff = engine.diff(&[&["id"]]);
    let changed: Vec<_> = diff.columns.iter().map(|column| (column.name.as_str(), column.changed)).collect();
    assert_eq!(changed, [("id", Some(0)), ("a", Some(0)), ("A", Some(1))]);
}

#[test]
fn the_size_of_a_change_never_keeps_it_from_being_found() {
    let pairs = [
        ("", "integer", "-2147483648", "double precision", "5"),
        ("", "bigint", "-9223372036854775807 - 1", "double precision", "5"),
        ("", "smallint", "-32768", "real", "5"),
        ("", "date", "'infinity'", "date", "'2020-01-01'"),
        ("duckdb", "date", "'5881580-07-10'", "date", "'2020-01-01'"),
        ("duckdb", "date", "'5877642-06-25 (BC)'", "date", "'2020-01-01'"),
        ("duckdb", "timestamp", "'290309-12-22 (BC)'", "timestamp", "'294247-01-10 04:00:54.775806'"),
        ("duckdb", "hugeint", "-9223372036854775808", "double", "5"),
        ("postgres", "date", "'5874897-12-31'", "date", "'4713-01-01 BC'"),
        ("postgres", "numeric", "1e400", "double precision", "5"),
        ("postgres", "numeric", "1e-400", "double precision", "0"),
        ("postgres", "numeric", "1e-400", "numeric", "2e-400"),
        ("postgres", "json", "'{\"a\": \"\\u0000\"}'", "json", "'{\"a\": \"\"}'"),
        ("postgres", "json", "'[\"\\ud83d\"]'", "jsonb", "'[\"\"]'"),
        ("postgres", "json", "'[1e999999]'", "json", "'[1e999998]'"),
    ];
    for engine in Engine::all() {
        for (_, before, x, after, y) in pairs.iter().filter(|(of, ..)| of.is_empty() || *of == engine.name) {
            engine.run(&format!(
                "drop schema if exists prod cascade; drop schema if exists pr cascade; create schema prod; create schema pr;
                create table prod.t as select 1 as id, cast({x} as {before}) as v; create table pr.t as select 1 as id, cast({y} \
                 as {after}) as v"
            ));
            let diff = engine.diff(&[&["id"]]);
            assert_eq!(figures(&diff), [0, 0, 1, 0], "{}: {before} {x}: {:?}", engine.name, diff.method);
        }
    }
}

/// Values of different types that are equal, or not.
#[test]
fn a_type_that_changed_is_compared_by_value() {
    let pairs = [
        ("duckdb", "timestamp_ns", "'2024-01-01 00:00:00'", "date", "'2024-01-01'", true),
        ("duckdb", "timestamp_ns", "'2024-01-01 00:00:00.000000001'", "date", "'2024-01-01'", false),
        ("duckdb", "timestamp_ns", "'2024-01-01 01:02:03.5'", "timestamptz", "'2024-01-01 01:02:03.5+00'", true),
        ("duckdb", "timestamp_ns", "'2024-01-01 01:02:03.5'", "timestamptz", "'2024-01-01 01:02:03.5+01'", false),
        ("duckdb", "timestamp_ns", "'2024-01-01 01:02:03.123456'", "timestamp", "'2024-01-01 01:02:03.123456'", true),
        (
            "duckdb",
            "timestamp_ns",
            "'2024-01-01 01:02:03.123456789'",
            "timestamp",
            "'2024-01-01 01:02:03.123456'",
            false,
        ),
        ("duckdb", "timestamp_ns", "'infinity'", "timestamp", "'infinity'", true),
        ("duckdb", "timestamp_ns", "'infinity'", "timestamptz", "'-infinity'", false),
        ("duckdb", "timestamp_ns", "'infinity'", "timestamptz", "null", false),
        ("duckdb", "float", "0.1", "decimal(5,2)", "0.1", true),
        ("duckdb", "float", "0.1", "decimal(38,20)", "0.1", true),
        ("duckdb", "float", "0.1", "decimal(18,9)", "0.100000001", false),
        ("duckdb", "float", "-0.0", "decimal(18,9)", "0", true),
        ("duckdb", "double", "0.1", "decimal(38,20)", "0.1", true),
        ("duckdb", "float", "1e10", "bigint", "10000000000", true),
        ("duckdb", "float", "1e10", "bigint", "10000000001", false),
        ("", "timestamp", "'infinity'", "timestamptz", "'infinity'", true),
        ("", "timestamp", "'infinity'", "timestamptz", "'-infinity'", false),
        ("", "timestamp", "'infinity'", "timestamptz", "null", false),
        ("", "date", "'-infinity'", "timestamptz", "null", false),
        ("", "date", "'-infinity'", "timestamptz", "'-infinity'", true),
        ("", "date", "'2024-01-01'", "timestamptz", "'2024-01-01 00:00:00+00'", true),
        ("", "date", "null", "timestamptz", "null", true),
        ("", "real", "0.1", "decimal(5,2)", "0.1", true),
        ("", "real", "0.1", "decimal(5,2)", "0.11", false),
        ("postgres", "json", "'{\"b\": 1.0, \"a\": \"\\ud83d\\ude00\"}'", "json", "'{\"a\": \"😀\", \"b\": 1}'", true),
        ("postgres", "json", "'[\"\\u0000\"]'", "json", "'[\"\\u0000\"]'", true),
        ("postgres", "json", "'[\"\\u0000\"]'", "json", "'\"[\\\"\\\\u0000\\\"]\"'", false),
        ("postgres", "json", "'{\"b\": 1.0}'", "jsonb", "'{\"b\": 1}'", true),
    ];
    for engine in Engine::all() {
        for (_, before, x, after, y, equal) in pairs.iter().filter(|(of, ..)| of.is_empty() || *of == engine.name) {
            for ((before, x), (after, y)) in [((before, x), (after, y)), ((after, y), (before, x))] {
                engine.run(&format!(
                    "drop schema if exists prod cascade; drop schema if exists pr cascade; create schema prod; create schema pr;
                    create table prod.t as select 1 as id, cast({x} as {before}) as v; create table pr.t as select 1 as id, \
                     cast({y} as {after}) as v"
                ));
                let truth = [0, 0, u64::from(!equal), u64::from(*equal)];
                for keys in [&[&["id"][..]][..], &[]] {
                    let options = Options { search_key: false, ..Options::default() };
                    let diff = engine.diff_with(keys, &[], &options);
                    let truth = if keys.is_empty() { [truth[2], truth[2], 0, truth[3]] } else { truth };
                    assert_eq!(figures(&diff), truth, "{}: {before} {x}, {after} {y}: {:?}", engine.name, diff.method);
                }
            }
        }
    }
}

#[test]
fn a_composite_value_of_nulls_is_not_null() {
    let engine = Engine::postgres();
    engine.run(
        "create schema prod; create schema pr; create type pair as (x integer, y text);
        create table prod.t (id integer, v pair); create table pr.t (id integer, v pair);
        insert into prod.t values (1, null), (2, row(null, null)), (3, row(1, 'a'));
        insert into pr.t values (1, row(1, null)), (2, row(1, 'a')), (3, row(null, null))",
    );
    let diff = engine.diff(&[&["id"]]);
    let v = &diff.columns[1];
    assert_eq!((v.changed, v.became_null, v.was_null), (Some(3), Some(0), Some(1)));
}

#[test]
fn a_condition_that_no_row_meets_is_told() {
    let setup = "create table prod.t (id integer); create table pr.t (id integer); insert into prod.t values (1); insert into pr.t values (2)";
    with_tables(setup, |engine| {
        let options = Options { filter: Some("id > 5".into()), ..Options::default() };
        let diff = engine.diff_with(&[&["id"]], &[], &options);
        assert_eq!(diff.notes, ["no row of either side meets the condition"], "{}", engine.name);
    });
}

#[test]
fn figures_are_of_all_rows_however_many_differ() {
    for engine in Engine::all() {
        let rows = if engine.name == "duckdb" { "range(420000) as g(n)" } else { "generate_series(0, 419999) as g(n)" };
        engine.run(&format!(
            "create schema prod; create schema pr; create table prod.t as select n as id, n as v, n % 3 as w from {rows};
            create table pr.t as select id, case when id % 2 = 0 then v + 2 else v end as v, case when id % 10 = 0 then null else w \
             end as w from prod.t"
        ));
        for most in [false, true] {
            if most {
                engine.run("delete from pr.t where id % 2 = 1; delete from pr.t where id = 0");
            }
            let diff = engine.diff(&[&["id"]]);
            let truth = if most { [0, 210_001, 209_999, 0] } else { [0, 0, 210_000, 210_000] };
            assert_eq!(figures(&diff), truth, "{}", engine.name);
            let [v, w] = ["v", "w"].map(|name| diff.columns.iter().find(|column| column.name == name).unwrap());
            let n = if most { [209_999, 41_999] } else { [210_000, 42_000] };
            assert_eq!([v.changed, w.changed, w.became_null], [Some(n[0]), Some(n[1]), Some(n[1])], "{}", engine.name);
            let change = v.change.unwrap();
            assert_eq!((change.mean, change.largest), (2.0, Some(2.0)), "{}", engine.name);
        }
    }
}

/// Too many rows to be kept, and too many columns to be asked of all rows in one query.
#[test]
fn figures_are_of_all_rows_of_wide_tables_too() {
    for engine in Engine::all() {
        let rows = if engine.name == "duckdb" { "range(80000) as g(n)" } else { "generate_series(0, 79999) as g(n)" };
        let columns = |changed: &dyn Fn(usize) -> &'static str| {
            (0..120).map(|at| format!("{} as v{at}", changed(at))).collect::<Vec<_>>().join(", ")
        };
        let as_is = columns(&|_| "n");
        let changed = columns(&|at| match at {
            3 => "case when n % 2 = 0 then n + 1 else n end",
            60 => "case when n % 10 = 0 then null else n end",
            119 => "n + 5",
            _ => "n",
        });
        engine.run(&format!(
            "create schema prod; create schema pr; create table prod.t as select n as id, {as_is} from {rows};
            create table pr.t as select n as id, {changed} from {rows} where n < 30000 or n >= 70000 union all select n, {as_is} \
             from {rows} where n >= 30000 and n < 70000"
        ));
        for most in [false, true] {
            if most {
                engine.run("delete from pr.t where id >= 30000 and id < 69000");
            }
            let diff = engine.diff(&[&["id"]]);
            let truth = if most { [0, 39_000, 40_000, 1_000] } else { [0, 0, 40_000, 40_000] };
            assert_eq!(figures(&diff), truth, "{}", engine.name);
            let of = |name: &str| diff.columns.iter().find(|column| column.name == name).unwrap();
            let counts: Vec<Option<u64>> = ["v3", "v60", "v119", "v4", "v118"].map(|name| of(name).changed).to_vec();
            let truth = [Some(20_000), Some(4_000), Some(40_000), Some(0), Some(0)];
            assert_eq!(counts, truth, "{}", engine.name);
            assert_eq!(of("v60").became_null, Some(4_000), "{}", engine.name);
            assert_eq!(of("v119").change.unwrap().largest, Some(5.0), "{}", engine.name);
        }
    }
}

/// A range of keys in the middle is looked at first.
#[test]
fn a_change_is_found_wherever_in_the_range_of_keys_it_is() {
    let keys = [
        ("bigint", ["-9223372036854775807", "0", "9223372036854775807"]),
        ("smallint", ["-32768", "0", "32767"]),
        ("integer", ["5", "6", "7"]),
        ("numeric(38,0)", ["1", "2", "99999999999999999999"]),
        ("varchar", ["'a'", "'b'", "'c'"]),
    ];
    for engine in Engine::all() {
        for primary_key in ["", " primary key"] {
            for (data_type, ids) in keys {
                for changed in 0..=ids.len() {
                    let rows = |at: usize| {
                        let row = |(n, id): (usize, &&str)| format!("({id}, {})", usize::from(n == at));
                        ids.iter().enumerate().map(row).collect::<Vec<_>>().join(", ")
                    };
                    engine.run(&format!(
                        "drop schema if exists prod cascade; drop schema if exists pr cascade; create schema prod; create schema pr;
                        create table prod.t (id {data_type}{primary_key}, v integer); insert into prod.t values {};
                        create table pr.t (id {data_type}{primary_key}, v integer); insert into pr.t values {};",
                        rows(usize::MAX),
                        rows(changed),
                    ));
                    let n = u64::from(changed < ids.len());
                    let diff = engine.diff(&[&["id"]]);
                    assert_eq!(figures(&diff), [0, 0, n, 3 - n], "{} {data_type}{primary_key} {changed}", engine.name);
                    assert_eq!(diff.rows.total, Change { baseline: Some(3), current: Some(3) });
                }
            }
        }
    }
}

#[test]
fn tables_as_wide_as_they_get_are_compared_by_key_and_as_wholes() {
    // As wide as a page of PostgreSQL.
    let name = |at| format!("c{at} {}", if at < 810 { "bigint" } else { "smallint" });
    let names: Vec<String> = (0..1500).map(name).collect();
    let zeros = vec!["0"; 1500].join(", ");
    let mut changed = vec!["0"; 1500];
    (changed[3], changed[700], changed[1499]) = ("1", "null", "2");
    let columns = names.join(", ");
    let setup = format!(
        "create table prod.t (id integer, {columns}); create table pr.t (id integer, {columns});
        insert into prod.t values (1, {zeros}), (2, {zeros}); insert into pr.t values (1, {zeros}), (2, {})",
        changed.join(", ")
    );
    with_tables(&setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        assert_eq!(figures(&diff), [0, 0, 1, 1]);
        let changed: Vec<&str> =
            diff.columns.iter().filter(|column| column.changed != Some(0)).map(|column| column.name.as_str()).collect();
        assert_eq!(changed, ["c3", "c700", "c1499"]);
        assert_eq!(diff.columns[701].nulls, Change { baseline: Some(0), current: Some(1) });
        assert_eq!(figures(&engine.diff_with(&[], &[], &wholes())), [1, 1, 0, 1]);
    });
}

#[test]
fn a_relation_that_is_missing_makes_a_one_sided_comparison() {
    with_tables("create table pr.t (id integer, v integer); insert into pr.t values (1, null), (2, null)", |engine| {
        let diff = engine.diff(&[&["id"]]);
        assert_eq!(diff.method, Method::OneSided);
        assert_eq!(diff.rows.total, Change { baseline: None, current: Some(2) });
        assert_eq!(diff.columns[1].nulls, Change { baseline: None, current: Some(2) });
        assert_eq!(diff.notes, ["production has no relation prod.t"]);
        assert!(!diff.is_equal() && !diff.differs());
    });
}

#[test]
fn values_are_masked_or_not_read_at_all() {
    let setup = "create table prod.t (id integer, email varchar); insert into prod.t values (1, 'a@x'), (2, 'b@x');
        create table pr.t (id integer, email varchar); insert into pr.t values (1, 'c@x'), (3, 'd@x')";
    with_tables(setup, |engine| {
        let masked = Options { mask: vec!["EMAIL".to_owned()], ..Options::default() };
        for keys in [&[&["id"][..]][..], &[]] {
            let diff = engine.diff_with(keys, &[], &masked);
            assert!(!format!("{:?}", diff.samples).contains("@x"), "{:?}", diff.samples);
            assert!(format!("{:?}", diff.samples).contains("***"));
        }
        let hidden = Options { show_values: false, ..Options::default() };
        assert_eq!(engine.diff_with(&[&["id"]], &[], &hidden).samples, []);
    });
}

#[test]
fn columns_that_the_plan_leaves_out_are_neither_compared_nor_a_key() {
    let setup = "create table prod.t (id integer, tick integer); insert into prod.t values (1, 1);
        create table pr.t (id integer, tick integer); insert into pr.t values (1, 2)";
    with_tables(setup, |engine| {
        let diff =
            engine.diff_with(&[&["tick"], &["id"]], &[("tick", "a clock column of the snapshot")], &Options::default());
        assert!(diff.is_equal(), "{diff:?}");
        assert_eq!(diff.excluded, [("tick".to_owned(), "a clock column of the snapshot".to_owned())]);
        assert_eq!(reasons(&diff), ["unique_key (tick) has tick, whose values are not compared"]);
    });
}

#[test]
fn text_is_told_apart_by_its_bytes_whatever_the_collation() {
    for engine in Engine::all() {
        let text = if engine.name == "duckdb" {
            engine.run("create schema prod; create schema pr");
            "varchar collate nocase"
        } else {
            engine.run(
                "create schema prod; create schema pr;
                create collation blunt (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            );
            "text collate blunt"
        };
        engine.run(&format!(
            "create table prod.t (k {text}, v {text}); insert into prod.t values ('a', 'x'), ('A', 'y');
            create table pr.t (k {text}, v {text}); insert into pr.t values ('a', 'X'), ('A', 'y')"
        ));
        let diff = engine.diff(&[&["k"]]);
        assert!(matches!(diff.method, Method::Keyed { .. }), "{:?} {:?}", diff.method, diff.rejected_keys);
        assert_eq!(figures(&diff), [0, 0, 1, 1], "{}", engine.name);
        assert_eq!(figures(&engine.diff_with(&[], &[], &wholes())), [1, 1, 0, 1], "{}", engine.name);
    }
}

#[test]
fn every_type_can_be_compared_with_itself() {
    let postgres = "smallint, integer, bigint, numeric, numeric(8,3), real, double precision, money, text, varchar(3), \
        char(5), \"char\", name, bytea, timestamp, timestamptz, date, time, timetz, interval, boolean, point, line, box, \
        path, polygon, circle, inet, cidr, macaddr, bit(3), varbit, tsvector, tsquery, uuid, xml, json, jsonb, \
        integer[], text[], json[], xml[], interval[], int4range, numrange, oid, pg_lsn, prod.mood, prod.pair, prod.positive";
    let duckdb = "tinyint, smallint, integer, bigint, hugeint, utinyint, ubigint, uhugeint, bignum, decimal(8,3), float, \
        double, varchar, blob, timestamp, timestamp_s, timestamp_ms, timestamp_ns, timestamptz, date, time, timetz, \
        interval, boolean, bit, uuid, json, integer[], varchar[], integer[2], struct(a integer, b double[]), \
        map(varchar, integer), union(n integer, s varchar), enum('a', 'b')";
    for engine in Engine::all() {
        engine.run("create schema prod; create schema pr");
        let types = if engine.name == "duckdb" { duckdb } else { postgres };
        if engine.name == "postgres" {
            engine.run(
                "create type prod.mood as enum ('x'); create type prod.pair as (a integer, j json);
                create domain prod.positive as integer check (value > 0)",
            );
        }
        let mut columns = Vec::new();
        let (mut depth, mut word) = (0, String::new());
        for c in types.chars().chain([',']) {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth == 0 => {
                    columns.push(format!("c{} {}", columns.len(), std::mem::take(&mut word)));
                    continue;
                }
                _ => {}
            }
            word.push(c);
        }
        let columns = columns.join(", ");
        for schema in ["prod", "pr"] {
            engine.run(&format!(
                "create table {schema}.t (id integer, {columns}); insert into {schema}.t (id) values (1), (2)"
            ));
        }
        for keys in [&[&["id"][..]][..], &[]] {
            let diff = engine.diff(keys);
            assert!(diff.is_equal(), "{}: {:?} {:?}", engine.name, diff.method, diff.excluded);
        }
    }
}

#[test]
fn floats_and_intervals_are_told_apart_where_a_reader_would() {
    let setup = "create table prod.t (id integer, f double precision, i interval);
        create table pr.t (id integer, f double precision, i interval);
        insert into prod.t values (1, 'nan', interval '1' month), (2, -0.0, interval '1' day), (3, 0.1, null);
        insert into pr.t values (1, 'nan', interval '30' day), (2, 0.0, interval '1' day), (3, 0.30000000000000004, null)";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        let changed: Vec<_> = diff.columns.iter().map(|column| column.changed).collect();
        assert_eq!(changed, [Some(0), Some(1), Some(1)], "{}", engine.name);
        assert_eq!(diff.notes, [""; 0]);
    });
}

/// Remembers how comparisons ended.
#[derive(Default)]
struct Ends(std::sync::Mutex<Vec<String>>);

impl Observer for Ends {
    fn observe(&self, event: &Event) {
        if let Event::NodeFinished { label, message, .. } = event {
            self.0.lock().unwrap().push(format!("{label}: {}", message.clone().unwrap_or_default()));
        }
    }
}

#[test]
fn one_comparison_that_fails_does_not_keep_the_others_from_being_made() {
    let setup = "create table prod.t (id integer, v varchar); insert into prod.t values (1, 'x');
        create table pr.t (id integer, v varchar); insert into pr.t values (1, 'y');
        create view pr.broken as select cast(v as integer) as id from pr.t";
    with_tables(setup, |engine| {
        let good = comparison(&[&["id"]]);
        let mut broken = good.clone();
        broken.unique_id = "model.shop.broken".into();
        broken.relation = broken.relation.map(|side| side.map(|relation| relation.with_identifier("broken")));
        broken.relation.baseline = good.relation.baseline.clone();
        let ends = Ends::default();
        let comparisons = comparable(&[good.clone(), broken, good.clone()], |_| true);
        let comparisons: Vec<_> = comparisons.into_iter().map(|comparison| (comparison, Options::default())).collect();
        let made = runtime().block_on(diff_all(&engine.warehouse, &comparisons, 2, &ends)).unwrap();
        assert_eq!(made.iter().map(TableDiff::has_failed).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(made[2].rows.changed, 1);
        let Method::Failed { reason } = &made[1].method else { unreachable!() };
        assert!(reason.contains("'y'") || reason.contains("\"y\""), "{reason}");
        let ends = ends.0.lock().unwrap().clone();
        assert!(ends.contains(&"pr.t: 0 added, 0 removed, 1 changed".to_owned()), "{ends:?}");
        assert_eq!(ends.len(), 3);
    });
}

#[test]
fn examples_show_values_as_they_are() {
    let setup =
        "create table prod.t (id bigint, amount numeric(10,2), v varchar); insert into prod.t values (1, 1.10, 'a');
        create table pr.t (id bigint, amount numeric(10,2), v varchar); insert into pr.t values (1, 1.11, null)";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        let sample = &diff.samples[0];
        assert_eq!(sample.key, [("id".to_owned(), Value::Int(1))]);
        let decimal = |text: &str| Value::Decimal(text.to_owned());
        assert_eq!(
            sample.values,
            [
                ("amount".to_owned(), Change { baseline: decimal("1.10"), current: decimal("1.11") }),
                ("v".to_owned(), Change { baseline: Value::Text("a".to_owned()), current: Value::Null }),
            ]
        );
    });
}
