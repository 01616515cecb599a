//! What can be asked of a comparison: tolerances, conditions, columns, samples, a search for the key.

use slimdiff::diff::{Method, NumberChange, Options, SampleKind, TableDiff, Tolerated};
use slimdiff::model::{Change, Value};
use slimdiff::warehouse::compare::{TextRules, Tolerance};

use super::Engine;

fn with_tables(setup: &str, check: impl Fn(&Engine)) {
    for engine in Engine::all() {
        engine.run(&format!("create schema prod; create schema pr; {setup}"));
        check(&engine);
    }
}

fn changed(diff: &TableDiff, column: &str) -> Option<u64> {
    assert!(!diff.has_failed(), "{:?}", diff.method);
    diff.columns.iter().find(|found| found.name == column).unwrap().changed
}

#[test]
fn a_tolerance_is_kept_to_the_last_digit() {
    let setup = "create table prod.t (id integer, n integer, d numeric(12,2), f double precision, t timestamp);
        create table pr.t (id integer, n integer, d numeric(12,2), f double precision, t timestamp);
        insert into prod.t values (1, 10, 8.02, 1.0, '2024-01-01 00:00:00'), (2, 10, 8.02, 'inf', '2024-01-01 00:00:00'),
            (3, null, 1, 'nan', '2024-01-01');
        insert into pr.t values (1, 11, 8.03, 1.0000001, '2024-01-01 00:00:00.001'), (2, 12, 8.04, 1, '2024-01-01 00:00:00.002'),
            (3, 1, 1, 'nan', null)";
    with_tables(setup, |engine| {
        let with = |rules: &[(Tolerated, Tolerance)]| {
            let options = Options { tolerance: rules.to_vec(), ..Options::default() };
            engine.diff_with(&[&["id"]], &[], &options)
        };
        let diff = with(&[(Tolerated::Numbers, Tolerance::Absolute(0.01))]);
        assert_eq!(changed(&diff, "d"), Some(1), "{}: 8.03 is 0.01 from 8.02, 8.04 is not", engine.name);
        assert_eq!(changed(&diff, "n"), Some(3), "{}", engine.name);
        assert_eq!(changed(&diff, "f"), Some(1), "{}: infinity is near nothing", engine.name);
        assert_eq!(changed(&diff, "t"), Some(3), "{}: times are no numbers", engine.name);
        let diff = with(&[
            (Tolerated::Numbers, Tolerance::Absolute(5.0)),
            (Tolerated::Column("N".into()), Tolerance::Absolute(1.0)),
        ]);
        assert_eq!(changed(&diff, "n"), Some(2), "{}: from NULL is no distance", engine.name);
        let diff = with(&[(Tolerated::Instants, Tolerance::Absolute(0.001))]);
        assert_eq!(changed(&diff, "t"), Some(2), "{}", engine.name);
        let relative = Tolerance::Relative(0.1);
        let diff = with(&[(Tolerated::Numbers, relative)]);
        assert_eq!((changed(&diff, "n"), changed(&diff, "d")), (Some(2), Some(0)), "{}: 10 of 11 is 9 %", engine.name);
        assert!(diff.notes.iter().any(|note| note == "n counts as unchanged within 10 %"), "{:?}", diff.notes);
        let column = |name: &str, limit| (Tolerated::Column(name.to_owned()), limit);
        let seconds = |name: &str| column(name, Tolerance::Seconds(9.0));
        let diff = with(&[(Tolerated::Numbers, relative), seconds("id"), seconds("n"), column("t", relative)]);
        assert_eq!((changed(&diff, "n"), changed(&diff, "d"), changed(&diff, "t")), (Some(3), Some(0), Some(3)));
        let does_not = |note: &&String| note.contains("does not count");
        assert_eq!(
            diff.notes.iter().filter(does_not).collect::<Vec<_>>(),
            [
                "the tolerance of id does not count: it is part of the key",
                "the tolerance of n does not count: its values are no times",
                "the tolerance of t does not count: times are seconds apart, and no share",
            ]
        );
    });
}

#[test]
fn columns_rows_and_texts_can_be_left_out() {
    let setup = "create table prod.t (id integer, a varchar, b varchar); create table pr.t (id integer, a varchar, b varchar);
        insert into prod.t values (1, 'x ', 'p'), (2, 'y', 'q'); insert into pr.t values (1, 'X', 'p'), (2, 'y', 'r'), (3, 'z', 'z')";
    with_tables(setup, |engine| {
        let with = |options: Options| engine.diff_with(&[&["id"]], &[], &options);
        let only = with(Options { columns: vec!["b".into()], ..Options::default() });
        assert_eq!((only.rows.changed, changed(&only, "a"), changed(&only, "b")), (1, None, Some(1)));
        let without = with(Options { exclude: vec!["A".into(), "b".into()], ..Options::default() });
        assert_eq!((without.rows.changed, without.rows.unchanged, without.rows.added), (0, 2, 1));
        let few = with(Options { filter: Some("id < 2 -- the first".into()), ..Options::default() });
        assert_eq!((few.rows.total, few.rows.changed), (Change { baseline: Some(1), current: Some(1) }, 1));
        assert_eq!(few.filter.as_deref(), Some("id < 2 -- the first"));
        let text = TextRules { trim: true, ignore_case: true, normalize: true };
        let blunt = with(Options { text, ..Options::default() });
        assert_eq!((changed(&blunt, "a"), changed(&blunt, "b")), (Some(0), Some(1)));
        let wrong = with(Options { filter: Some("nonsense".into()), ..Options::default() });
        assert!(wrong.has_failed(), "{:?}", wrong.method);
    });
}

#[test]
fn case_is_ignored_beyond_ascii_where_the_collation_of_the_column_knows_it() {
    for engine in Engine::all() {
        let text = if engine.name == "duckdb" { "varchar" } else { "varchar collate \"und-x-icu\"" };
        engine.run(&format!(
            "create schema prod; create schema pr; create table prod.t (id integer, v {text}); create table pr.t (id integer, v \
             {text}); insert into prod.t values (1, 'Ä'), (2, 'a '), (3, 'a\u{2003}'); insert into pr.t values (1, 'ä'), (2, \
             'A'), (3, 'a')"
        ));
        let text = TextRules { trim: true, ignore_case: true, normalize: false };
        let diff = engine.diff_with(&[&["id"]], &[], &Options { text, ..Options::default() });
        // A blank is U+0020, as --ignore says.
        assert_eq!((diff.rows.changed, diff.rows.unchanged), (1, 2), "{}: {:?}", engine.name, diff.samples);
    }
}

#[test]
fn a_key_is_found_in_the_data_where_there_is_one() {
    let setup = "create table prod.t (price numeric(10,2), region varchar, customer_id integer, day date);
        insert into prod.t select i + 0.5, case when i % 2 = 0 then 'n' else 's' end, i / 3, date '2024-01-01' + cast(i % 3 as integer)
            from generate_series(0, 299) as s(i);
        create table pr.t as select * from prod.t; update pr.t set price = price + 1 where customer_id = 7";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[]);
        let Method::Keyed { key, source, .. } = &diff.method else { panic!("{}: {:?}", engine.name, diff.method) };
        assert_eq!((key.join(","), source.as_str()), ("customer_id,day".to_owned(), "a search of the data"));
        assert_eq!((diff.rows.changed, diff.rows.unchanged), (3, 297));
    });
}

#[test]
fn examples_tell_of_every_column_before_they_tell_twice_of_one() {
    // Every column changed in three ways, each in rows of its own, and `d` most often.
    let setup = "create table prod.t (id integer, a integer, b integer, c integer, d integer); create table pr.t (id integer, a \
                 integer, b integer, c integer, d integer);
        insert into prod.t select n, case when n = 2 then null else 0 end, case when n in (5, 6) then null else 0 end,
            case when n in (10, 11, 12) then null else 0 end, case when n in (20, 21, 22, 23) then null else 0 end
            from generate_series(1, 30) as s(n);
        insert into pr.t select n, case when n = 3 then null when n = 1 then 1 else 0 end,
            case when n in (7, 8) then null when n in (4, 9) then 1 else 0 end,
            case when n in (13, 14, 15) then null when n in (16, 17, 18) then 1 else 0 end,
            case when n in (24, 25, 26, 27) then null when n in (28, 29, 30, 19) then 1 else 0 end
            from generate_series(1, 30) as s(n)";
    with_tables(setup, |engine| {
        let diff = engine.diff_with(&[&["id"]], &[], &Options { samples: 4, ..Options::default() });
        assert_eq!((diff.rows.changed, diff.samples.len()), (30, 4), "{}", engine.name);
        let mut told: Vec<&str> =
            diff.samples.iter().flat_map(|sample| sample.values.iter().map(|(name, _)| name.as_str())).collect();
        told.sort_unstable();
        assert_eq!(told, ["a", "b", "c", "d"], "{}", engine.name);
    });
}

#[test]
fn a_changed_column_is_told_of_however_many_others_changed_in_the_same_row() {
    // One row has all changes but one: it is the best example of six columns, and there is room for three.
    let setup = "create table prod.t as select n as id, 0 as a, 0 as b, 0 as c, 0 as d, 0 as e, 0 as f, 0 as g
            from generate_series(1, 9) as s(n);
        create table pr.t as select id, case when id = 1 then 1 else 0 end as a, case when id = 1 then 1 else 0 end as b,
            case when id = 1 then 1 else 0 end as c, case when id = 1 then 1 else 0 end as d,
            case when id = 1 then 1 else 0 end as e, case when id = 1 then 1 else 0 end as f,
            case when id in (2, 3) then 1 else 0 end as g from prod.t";
    with_tables(setup, |engine| {
        let diff = engine.diff_with(&[&["id"]], &[], &Options { samples: 3, ..Options::default() });
        let mut told: Vec<(Value, usize)> =
            diff.samples.iter().map(|sample| (sample.key[0].1.clone(), sample.values.len())).collect();
        told.sort_by_key(|(id, _)| id.as_i64());
        assert_eq!(told, [(Value::Int(1), 6), (Value::Int(2), 1), (Value::Int(3), 1)], "{}", engine.name);
    });
}

#[test]
fn rows_that_share_a_key_leave_room_for_examples_of_the_other_side() {
    let setup = "create table prod.t (id integer, v integer); create table pr.t (id integer, v integer);
        insert into prod.t select 2 + n / 3, n from generate_series(1, 6) as s(n);
        insert into pr.t select 1, n from generate_series(1, 20) as s(n)";
    with_tables(setup, |engine| {
        let diff = engine.diff_with(&[&["id"]], &[], &Options { samples: 5, ..Options::default() });
        assert_eq!((diff.rows.added, diff.rows.removed), (20, 6), "{:?}", diff.method);
        let kinds: Vec<SampleKind> = diff.samples.iter().map(|sample| sample.kind).collect();
        assert_eq!(kinds[..3], [SampleKind::Added; 3], "{}", engine.name);
        assert_eq!(kinds[3..], [SampleKind::Removed; 2], "{}", engine.name);
    });
}

#[test]
fn what_is_said_against_a_key_gives_no_small_count_away() {
    let setup = "create table prod.t (id integer, k integer, v integer); create table pr.t (id integer, k integer, v integer);
        insert into prod.t values (1, 1, 1), (1, 2, 2), (3, 3, 3); insert into pr.t values (1, 1, 1), (2, 2, 4), (3, 3, 3)";
    with_tables(setup, |engine| {
        let options = Options { min_count: 5, ..Options::default() };
        let diff = engine.diff_with(&[&["id"], &["k"]], &[], &options);
        let rejected = &diff.rejected_keys[0];
        assert_eq!(rejected.reason, "unique_key (id) has fewer than 5 duplicate rows in production", "{}", engine.name);
    });
}

#[test]
fn a_key_that_the_database_enforces_is_believed() {
    let setup = "create table prod.t (id integer primary key, v integer); create table pr.t (id integer primary key, v integer);
        insert into prod.t values (1, 1), (2, 2), (3, 3); insert into pr.t values (2, 2), (3, 4), (4, 4)";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        let Method::Keyed { facts, .. } = &diff.method else { panic!("{:?}", diff.method) };
        assert_eq!(facts.proof, slimdiff::diff::KeyProof::Enforced, "{}", engine.name);
        let rows = &diff.rows;
        assert_eq!([rows.added, rows.removed, rows.changed, rows.unchanged], [1, 1, 1, 1]);
    });
}

#[test]
fn a_sample_takes_the_same_keys_on_both_sides() {
    let setup = "create table prod.t as select i as id, i % 10 as v from generate_series(1, 20000) as s(i);
        create table pr.t as select cast(id as numeric(20,4)) as id, case when id % 100 = 0 then v + 1 when id % 2 = 0 then null else v end as v from prod.t
            where id % 1000 <> 1";
    with_tables(setup, |engine| {
        let options = Options { sample: Some(0.1), ..Options::default() };
        let diff = engine.diff_with(&[&["id"]], &[], &options);
        let rows = diff.rows;
        assert_eq!(diff.sampled, Some(0.1));
        let total = rows.total.baseline.unwrap();
        assert!((1500..2500).contains(&total), "{}: {total} of 20000", engine.name);
        assert_eq!(rows.added, 0, "a key is in the sample of both sides or of none");
        assert_eq!(total, rows.removed + rows.changed + rows.unchanged);
        let id = &diff.columns[0];
        assert_eq!(id.nulls, Change { baseline: Some(0), current: Some(0) });
        let v = diff.columns[1].nulls.current.unwrap();
        assert!(v > 0 && v < rows.total.current.unwrap(), "NULLs are of the sample: {v}");
        assert!((750..1250).contains(&rows.changed), "{}: {}", engine.name, rows.changed);
    });
}

#[test]
fn the_size_of_a_change_and_its_direction_to_null_are_told() {
    let setup = "create table prod.t (id integer, n bigint, d date); create table pr.t (id integer, n bigint, d date);
        insert into prod.t values (1, 9223372036854775807, '2024-01-01'), (2, 5, '2024-01-01'), (3, null, null), (4, 7, null);
        insert into pr.t values (1, -9223372036854775807, '2024-01-03'), (2, 3, '2024-01-01'), (3, 1, null), (4, null, null)";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        let of = |name: &str| diff.columns.iter().find(|column| column.name == name).unwrap();
        let (n, d) = (of("n"), of("d"));
        assert_eq!((n.changed, n.became_null, n.was_null), (Some(4), Some(1), Some(1)), "{}", engine.name);
        let size = n.change.unwrap();
        assert!((size.largest.unwrap() - 18_446_744_073_709_551_614.0).abs() < 1e4, "{size:?}");
        assert_eq!(
            d.change,
            Some(NumberChange { mean: 172_800.0, mean_absolute: 172_800.0, largest: Some(172_800.0) })
        );
    });
}

#[test]
fn examples_tell_of_every_way_in_which_a_column_changed() {
    let setup = "create table prod.t as select i as id, i as n from generate_series(1, 1000) as s(i);
        create table pr.t as select id, case when id = 500 then null when id = 900 then n + 1000000 when id % 3 = 0 then n + 1 else n end as n
            from prod.t";
    with_tables(setup, |engine| {
        let options = Options { samples: 2, ..Options::default() };
        let diff = engine.diff_with(&[&["id"]], &[], &options);
        let ids: Vec<&Value> = diff.samples.iter().map(|sample| &sample.key[0].1).collect();
        assert_eq!(
            ids,
            [&Value::Int(500), &Value::Int(900)],
            "{}: the only NULL, then the largest change",
            engine.name
        );
    });
}

#[test]
fn a_server_that_allows_no_temporary_tables_gives_the_same_answer() {
    let engine = Engine::postgres();
    engine.run(
        "create schema prod; create schema pr; create table prod.t as select i as id, i as n from generate_series(1, 500) as s(i);
        create table pr.t as select id + 5 as id, case when id % 50 = 0 then null else n + 5 end as n from prod.t;
        insert into pr.t values (100, 1), (null, 2)",
    );
    let before = engine.diff(&[&["id"]]);
    engine.run("do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$");
    let after = engine.diff(&[&["id"]]);
    engine.run("set default_transaction_read_only = off");
    assert_eq!((before.rows, before.method.clone()), (after.rows, after.method.clone()));
    assert_eq!((before.columns.clone(), before.samples.len()), (after.columns.clone(), after.samples.len()));
    assert!(before.rows.added > 0 && before.rows.removed > 0 && before.rows.changed > 0);
}

#[test]
fn it_is_told_where_changes_concentrate() {
    let setup = "create table prod.t as select i as id, case i % 4 when 0 then 'north' when 1 then 'south' when 2 then 'east' else 'west' end as region,
            i % 3 as store, i as amount from generate_series(1, 2000) as s(i);
        create table pr.t as select id, region, store, case when region = 'north' and id % 5 <> 0 then amount + 1 else amount end as amount from prod.t";
    with_tables(setup, |engine| {
        let diff = engine.diff(&[&["id"]]);
        let slices: Vec<_> = diff
            .slices
            .iter()
            .map(|slice| (slice.column.as_str(), slice.value.to_string(), slice.affected, slice.rows))
            .collect();
        assert_eq!(slices, [("region", "north".to_owned(), 400, 500)], "{}", engine.name);
        assert!((diff.slices[0].lift - 4.0).abs() < 1e-9, "{:?}", diff.slices);
    });
}
