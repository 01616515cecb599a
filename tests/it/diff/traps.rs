//! What tools of this kind are known to get wrong, each as two small tables whose difference is known.

use slimdiff::diff::{Method, Options, SchemaDiff, TableDiff};

use super::Engine;

/// Two tables of the same columns, and what differs: rows added, removed, changed, unchanged.
struct Trap {
    what: &'static str,
    /// `{}` stands for what differs between engines, see [`Trap::sql`].
    baseline: &'static str,
    current: &'static str,
    baseline_rows: &'static str,
    current_rows: &'static str,
    key: &'static [&'static str],
    truth: [u64; 4],
}

impl Trap {
    fn sql(&self, engine: &str) -> String {
        let (bytes, list, one) =
            if engine == "duckdb" { ("blob", "[1, 2]", "[1, 3]") } else { ("bytea", "array[1, 2]", "array[1, 3]") };
        let table = |schema: &str, columns: &str, rows: &str| {
            let rows = if rows.is_empty() { String::new() } else { format!("insert into {schema}.t values {rows};") };
            format!("create table {schema}.t ({columns}); {rows}")
        };
        let both = table("prod", self.baseline, self.baseline_rows) + &table("pr", self.current, self.current_rows);
        let both = both.replace("{bytes}", bytes).replace("{list}", list).replace("{other list}", one);
        format!(
            "drop schema if exists prod cascade; drop schema if exists pr cascade; create schema prod; create schema pr; {both}"
        )
    }
}

/// A trap whose tables have the same columns.
const fn alike(
    what: &'static str,
    columns: &'static str,
    rows: [&'static str; 2],
    key: &'static [&'static str],
    truth: [u64; 4],
) -> Trap {
    Trap { what, baseline: columns, current: columns, baseline_rows: rows[0], current_rows: rows[1], key, truth }
}

/// A trap about one column, whose type may differ.
const fn value(what: &'static str, types: [&'static str; 2], rows: [&'static str; 2], truth: [u64; 4]) -> Trap {
    Trap {
        what,
        baseline: types[0],
        current: types[1],
        baseline_rows: rows[0],
        current_rows: rows[1],
        key: &["id"],
        truth,
    }
}

const TRAPS: &[Trap] = &[
    alike(
        "a NULL in the key pairs with NULL",
        "id integer, v varchar",
        ["(null, 'a'), (1, 'b')", "(null, 'x'), (1, 'b')"],
        &["id"],
        [0, 0, 1, 1],
    ),
    alike(
        "a NULL in a part of the key is not the empty text",
        "id integer, part varchar, v varchar",
        ["(1, null, 'a'), (1, '', 'b'), (null, null, 'c')", "(1, null, 'a'), (1, '', 'x'), (null, null, 'c')"],
        &["id", "part"],
        [0, 0, 1, 2],
    ),
    alike(
        "NULL in the key on one side only",
        "id integer, v varchar",
        ["(null, 'a'), (1, 'b')", "(1, 'b'), (2, 'a')"],
        &["id"],
        [1, 1, 0, 1],
    ),
    alike(
        "many NULLs in the key",
        "id integer, v varchar",
        ["(null, 'a'), (null, 'b')", "(null, 'a'), (null, 'c'), (null, 'c')"],
        &["id"],
        [2, 1, 0, 1],
    ),
    alike(
        "a row that was there twice",
        "id integer, v varchar",
        ["(1, 'a'), (1, 'a'), (2, 'b')", "(1, 'a'), (2, 'b')"],
        &["id"],
        [0, 1, 0, 2],
    ),
    alike(
        "rows that share a key are compared as wholes",
        "id integer, v varchar",
        ["(1, 'a'), (1, 'b')", "(1, 'a'), (1, 'c')"],
        &["id"],
        [1, 1, 0, 1],
    ),
    alike(
        "duplicates on both sides whose counts balance",
        "id integer, v varchar",
        ["(1, 'x'), (2, 'x'), (2, 'y')", "(1, 'x'), (1, 'y'), (2, 'x')"],
        &["id"],
        [1, 1, 0, 2],
    ),
    alike(
        "a duplicate key that only the engine takes for another",
        "id interval, v integer",
        [
            "(interval '1' month, 1), (interval '30' day, 2), (interval '1' hour, 3)",
            "(interval '1' month, 1), (interval '1' month, 1), (interval '30' day, 2), (interval '1' hour, 4)",
        ],
        &["id"],
        [1, 0, 1, 2],
    ),
    alike(
        "duplicates that are equal on both sides",
        "id integer, v varchar",
        ["(1, 'a'), (1, 'a'), (2, 'b')", "(1, 'a'), (1, 'a'), (2, 'c')"],
        &["id"],
        [0, 0, 1, 2],
    ),
    alike(
        "parts of a key are not glued",
        "a varchar, b varchar, v integer",
        ["('p,', 'q', 1), ('x', 'y|z', 2)", "('p', ',q', 1), ('x|y', 'z', 2)"],
        &["a", "b"],
        [2, 2, 0, 0],
    ),
    alike(
        "a key of text that is not alphanumeric",
        "id varchar, v integer",
        [
            r"('a b', 1), ('ä''\', 2), ('🦆', 3), ('%_', 4), (' ', 5), ('', 6)",
            r"('a b', 1), ('ä''\', 2), ('🦆', 9), ('%_', 4), (' ', 5), ('', 7)",
        ],
        &["id"],
        [0, 0, 2, 4],
    ),
    alike(
        "two rows that swap a value",
        "id integer, v varchar",
        ["(1, 'a'), (2, 'b')", "(1, 'b'), (2, 'a')"],
        &["id"],
        [0, 0, 2, 0],
    ),
    alike(
        "two columns that swap their values",
        "id integer, a integer, b integer",
        ["(1, 5, 7), (2, 3, 3)", "(1, 7, 5), (2, 3, 3)"],
        &["id"],
        [0, 0, 1, 1],
    ),
    alike("two empty tables", "id integer, v varchar", ["", ""], &["id"], [0, 0, 0, 0]),
    alike("an empty table that is filled", "id integer, v varchar", ["", "(1, 'a'), (2, null)"], &["id"], [2, 0, 0, 0]),
    alike("a table that is emptied", "id integer, v varchar", ["(1, 'a'), (2, null)", ""], &["id"], [0, 2, 0, 0]),
    alike("a table of nothing but its key", "id integer", ["(1), (2)", "(2), (3)"], &["id"], [1, 1, 0, 1]),
    alike(
        "whole rows without a key",
        "a integer, b varchar",
        ["(1, 'x'), (1, 'x'), (2, null)", "(1, 'x'), (2, null), (2, null)"],
        &[],
        [1, 1, 0, 2],
    ),
    value(
        "the tenth decimal",
        ["id integer, v numeric(20,10)"; 2],
        ["(1, 0.0000000001), (2, 1)", "(1, 0.0000000002), (2, 1.0)"],
        [0, 0, 1, 1],
    ),
    value(
        "the 38th digit",
        ["id integer, v numeric(38,0)"; 2],
        ["(1, 12345678901234567890123456789012345678), (2, 1)", "(1, 12345678901234567890123456789012345679), (2, 1)"],
        [0, 0, 1, 1],
    ),
    value(
        "the last bit of a double",
        ["id integer, v double precision"; 2],
        ["(1, 0.1), (2, 0.3)", "(1, 0.1), (2, 0.30000000000000004)"],
        [0, 0, 1, 1],
    ),
    value(
        "NaN and the infinities",
        ["id integer, v double precision"; 2],
        [
            "(1, 'nan'), (2, 'infinity'), (3, 'nan'), (4, '-infinity')",
            "(1, 'nan'), (2, '-infinity'), (3, null), (4, '-infinity')",
        ],
        [0, 0, 2, 2],
    ),
    value(
        "zero has no sign",
        ["id integer, v double precision"; 2],
        ["(1, -0.0), (2, 1)", "(1, 0.0), (2, 2)"],
        [0, 0, 1, 1],
    ),
    value(
        "to NULL, from NULL, and NULL to NULL",
        ["id integer, v varchar"; 2],
        ["(1, 'a'), (2, null), (3, null)", "(1, null), (2, 'b'), (3, null)"],
        [0, 0, 2, 1],
    ),
    value(
        "NULL is not the text NULL",
        ["id integer, v varchar"; 2],
        ["(1, null), (2, '')", "(1, 'NULL'), (2, null)"],
        [0, 0, 2, 0],
    ),
    value(
        "blanks at the end count",
        ["id integer, v varchar"; 2],
        ["(1, 'a'), (2, 'b ')", "(1, 'a '), (2, 'b ')"],
        [0, 0, 1, 1],
    ),
    value(
        "an accent in two encodings",
        ["id integer, v varchar"; 2],
        ["(1, 'é'), (2, 'e')", "(1, 'e\u{301}'), (2, 'e')"],
        [0, 0, 1, 1],
    ),
    value("case counts", ["id integer, v varchar"; 2], ["(1, 'a')", "(1, 'A')"], [0, 0, 1, 0]),
    value(
        "JSON is its value, not its text",
        ["id integer, v json"; 2],
        [
            r#"(1, '{"a": 1, "b": [1, 2]}'), (2, '[1, 2]'), (3, '1.0')"#,
            r#"(1, '{"b":[1,2],"a":1}'), (2, '[2, 1]'), (3, '1')"#,
        ],
        [0, 0, 1, 2],
    ),
    value(
        "a microsecond",
        ["id integer, v timestamp"; 2],
        [
            "(1, '2024-02-29 23:59:59.999999'), (2, '2024-01-01')",
            "(1, '2024-02-29 23:59:59.999998'), (2, '2024-01-01')",
        ],
        [0, 0, 1, 1],
    ),
    value(
        "one instant in two zones",
        ["id integer, v timestamptz"; 2],
        [
            "(1, '2024-01-01 12:00:00+00'), (2, '2024-01-01 12:00:00+00')",
            "(1, '2024-01-01 13:00:00+01'), (2, '2024-01-01 12:00:00+01')",
        ],
        [0, 0, 1, 1],
    ),
    value(
        "a month is not 30 days",
        ["id integer, v interval"; 2],
        ["(1, interval '1' month), (2, interval '1' day)", "(1, interval '30' day), (2, interval '1' day)"],
        [0, 0, 1, 1],
    ),
    value("bytes", ["id integer, v {bytes}"; 2], ["(1, 'ab'), (2, '')", "(1, 'ac'), (2, '')"], [0, 0, 1, 1]),
    value(
        "lists",
        ["id integer, v integer[]"; 2],
        ["(1, {list}), (2, {list})", "(1, {other list}), (2, {list})"],
        [0, 0, 1, 1],
    ),
    value(
        "uuids",
        ["id integer, v uuid"; 2],
        ["(1, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')", "(1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')"],
        [0, 0, 0, 1],
    ),
    value(
        "a month is not 30 days inside a list either",
        ["id integer, v interval[]"; 2],
        [
            "(1, array[interval '1' month]), (2, array[interval '1' day])",
            "(1, array[interval '30' day]), (2, array[interval '1' day])",
        ],
        [0, 0, 1, 1],
    ),
    value(
        "a numeric that became a bigint",
        ["id integer, v numeric(38,0)", "id integer, v bigint"],
        ["(1, 5), (2, 9007199254740993)", "(1, 5), (2, 9007199254740992)"],
        [0, 0, 1, 1],
    ),
    value(
        "a bigint that became a double",
        ["id integer, v bigint", "id integer, v double precision"],
        ["(1, 5), (2, 9007199254740993), (3, -7)", "(1, 5), (2, 9007199254740992), (3, -7)"],
        [0, 0, 1, 2],
    ),
    value(
        "a numeric that became a double",
        ["id integer, v numeric(38,4)", "id integer, v double precision"],
        ["(1, 0.1), (2, 0.3), (3, 100)", "(1, 0.1), (2, 0.30000000000000004), (3, 1e2)"],
        [0, 0, 1, 2],
    ),
    value(
        "numerics of another scale",
        ["id integer, v numeric(10,2)", "id integer, v numeric(38,0)"],
        ["(1, 1.50), (2, 2.00)", "(1, 2), (2, 2)"],
        [0, 0, 1, 1],
    ),
    value(
        "an integer that became text",
        ["id integer, v integer", "id integer, v varchar"],
        ["(1, 7), (2, 8)", "(1, '7'), (2, '08')"],
        [0, 0, 1, 1],
    ),
    value(
        "a boolean that became a number",
        ["id integer, v boolean", "id integer, v integer"],
        ["(1, true), (2, false), (3, true)", "(1, 1), (2, 0), (3, 2)"],
        [0, 0, 1, 2],
    ),
    value(
        "a date that became a timestamp",
        ["id integer, v date", "id integer, v timestamp"],
        ["(1, '2024-01-01'), (2, '2024-01-02')", "(1, '2024-01-01'), (2, '2024-01-02 00:00:01')"],
        [0, 0, 1, 1],
    ),
    value(
        "a time that got a zone",
        ["id integer, v timestamp", "id integer, v timestamptz"],
        [
            "(1, '2024-01-01 12:00:00'), (2, '2024-01-01')",
            "(1, '2024-01-01 12:00:00+00'), (2, '2024-01-01 00:00:00+05')",
        ],
        [0, 0, 1, 1],
    ),
    value(
        "text that became JSON",
        ["id integer, v varchar", "id integer, v json"],
        ["(1, '[1]'), (2, '[2]')", "(1, '[1]'), (2, '[3]')"],
        [0, 0, 1, 1],
    ),
    value(
        "a key that became text",
        ["id integer, v integer", "id varchar, v integer"],
        ["(1, 1), (2, 2)", "('1', 1), ('2', 3)"],
        [0, 0, 1, 1],
    ),
    value(
        "a key that became a wider number",
        ["id integer, v integer", "id numeric(38,0), v integer"],
        ["(1, 1), (2, 2)", "(1, 1), (2, 3)"],
        [0, 0, 1, 1],
    ),
];

fn figures(diff: &TableDiff) -> [u64; 4] {
    [diff.rows.added, diff.rows.removed, diff.rows.changed, diff.rows.unchanged]
}

#[test]
fn no_trap_gives_a_wrong_number() {
    for engine in Engine::all() {
        for trap in TRAPS {
            let keys: Vec<&[&str]> = if trap.key.is_empty() { Vec::new() } else { vec![trap.key] };
            let options = Options { search_key: false, ..Options::default() };
            let [added, removed, changed, unchanged] = trap.truth;
            let turned = Trap {
                baseline: trap.current,
                current: trap.baseline,
                baseline_rows: trap.current_rows,
                current_rows: trap.baseline_rows,
                ..*trap
            };
            for (trap, truth) in [(trap, trap.truth), (&turned, [removed, added, changed, unchanged])] {
                engine.run(&trap.sql(engine.name));
                let diff = engine.diff_with(&keys, &[], &options);
                let what = format!("{}: {}: {:?}", engine.name, trap.what, diff.method);
                assert!(!diff.has_failed(), "{what}");
                assert_eq!(figures(&diff), truth, "{what}");
                let same = truth[..3] == [0, 0, 0] && diff.schema == SchemaDiff::default();
                assert_eq!(diff.is_equal(), same, "{what}");
            }
        }
    }
}

/// Types, and values of theirs of which no two are equal.
const APART: &[(&str, &str, &[&str])] = &[
    ("", "smallint", &["null", "0", "-1", "1", "255", "32767"]),
    ("", "integer", &["null", "0", "-1", "1", "2", "65535", "65536", "2147483647", "-2147483648"]),
    (
        "",
        "bigint",
        &[
            "null",
            "0",
            "-1",
            "1",
            "4294967295",
            "4294967296",
            "4294967297",
            "-4294967296",
            "-4294967297",
            "9223372036854775807",
        ],
    ),
    ("", "numeric(12,2)", &["null", "0", "1", "-1", "100", "-100", "0.01", "-0.01", "10000", "0.1"]),
    (
        "",
        "numeric(38,2)",
        &[
            "null",
            "0",
            "-0.01",
            "0.01",
            "1",
            "-1",
            "184467440737095516.16",
            "184467440737095516.17",
            "123456789012345678901234567890.12",
        ],
    ),
    ("", "real", &["null", "0", "1", "-1", "'nan'", "'infinity'", "'-infinity'", "0.1", "1e-30"]),
    (
        "",
        "double precision",
        &[
            "null",
            "0",
            "1",
            "-1",
            "'nan'",
            "'infinity'",
            "'-infinity'",
            "0.1",
            "0.10000000000000002",
            "1e300",
            "1e-300",
        ],
    ),
    ("", "boolean", &["null", "true", "false"]),
    ("", "varchar", &["null", "''", "' '", "'0'", "'a'", "'A'", "'NULL'", "'a '", "'ä'"]),
    ("", "date", &["null", "'1970-01-01'", "'2000-01-01'", "'1999-12-31'", "'infinity'", "'-infinity'"]),
    (
        "",
        "timestamp",
        &[
            "null",
            "'1970-01-01'",
            "'2000-01-01'",
            "'1999-12-31 23:59:59.999999'",
            "'2000-01-01 01:11:34.967295'",
            "'infinity'",
        ],
    ),
    (
        "",
        "timestamptz",
        &[
            "null",
            "'1970-01-01'",
            "'2000-01-01'",
            "'1999-12-31 23:59:59.999999'",
            "'2000-01-01 01:11:34.967295'",
            "'infinity'",
        ],
    ),
    ("", "time", &["null", "'00:00'", "'01:11:34.967297'", "'00:00:00.000001'", "'23:59:59'"]),
    ("", "interval", &["null", "'0 days'", "'1 day'", "'24 hours'", "'1 month'", "'30 days'", "'-1 days'"]),
    (
        "",
        "uuid",
        &[
            "null",
            "'00000000-0000-0000-0000-000000000000'",
            "'80000000-0000-0000-0000-000000000000'",
            "'80000000-0000-0001-0000-000000000001'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'7fffffff-ffff-ffff-ffff-ffffffffffff'",
        ],
    ),
    (
        "",
        "json",
        &[
            "null",
            "'null'",
            "'[]'",
            "'[[],[]]'",
            "'{}'",
            "'1'",
            "'-1'",
            "'{\"a\": []}'",
            "'{\"a\": [[], []]}'",
            "'\"1\"'",
        ],
    ),
    (
        "",
        "integer[]",
        &["null", "array[]", "array[null]", "array[null, null]", "array[0]", "array[1, 2]", "array[2, 1]", "array[-1]"],
    ),
    ("", "numeric(9,2)[]", &["null", "array[1]", "array[-1]", "array[0]", "array[null]"]),
    ("duckdb", "blob", &["null", "''", "'\\x00'", "'\\x00\\x00'", "'a'"]),
    ("postgres", "bytea", &["null", "''", "'\\x00'", "'\\x0000'", "'a'"]),
    (
        "duckdb",
        "integer[][]",
        &["null", "[]", "[[]]", "[null]", "[[null]]", "[[1], [2]]", "[[1, 2]]", "[[], [1]]", "[[1], []]"],
    ),
    ("duckdb", "integer[2]", &["null", "[1, 2]", "[2, 1]", "[null, null]", "[null, 1]", "[1, null]"]),
    ("duckdb", "struct(a integer)", &["null", "{'a': null}", "{'a': 0}", "{'a': 1}"]),
    ("duckdb", "struct(a integer[], b integer[])", &["{'a': [1, 2], 'b': [3]}", "{'a': [1], 'b': [2, 3]}", "null"]),
    ("duckdb", "struct(a varchar)[]", &["null", "[]", "[null]", "[{'a': null}]", "[{'a': 'NULL'}]", "[{'a': ''}]"]),
    ("duckdb", "map(integer, integer)", &["null", "map {}", "map {1: null}", "map {1: 2}", "map {2: 1}"]),
    (
        "duckdb",
        "union(a integer, b integer)",
        &["null", "union_value(a := 1)", "union_value(b := 1)", "union_value(a := null)"],
    ),
    (
        "duckdb",
        "hugeint",
        &["null", "0", "-1", "1", "18446744073709551616", "18446744073709551617", "-18446744073709551616"],
    ),
    ("duckdb", "uhugeint", &["null", "0", "1", "18446744073709551616", "18446744073709551617"]),
    ("duckdb", "ubigint", &["null", "0", "1", "18446744073709551615", "4294967296", "4294967297"]),
    ("duckdb", "utinyint", &["null", "0", "1", "255"]),
    ("duckdb", "timestamp_ns", &["null", "'1970-01-01'", "'1970-01-01 00:00:00.000000001'"]),
    ("duckdb", "enum('a', 'b')", &["null", "'a'", "'b'"]),
    ("duckdb", "bit", &["null", "'0'", "'1'", "'01'", "'001'"]),
    (
        "postgres",
        "numeric",
        &["null", "0", "1", "-1", "'nan'", "'infinity'", "'-infinity'", "10000", "1e-20", "-1e-20"],
    ),
    (
        "postgres",
        "integer[]",
        &["'{1,2}'", "'{{1,2}}'", "'{{1},{2}}'", "'[0:1]={1,2}'", "'{NULL,NULL}'", "'{{NULL,NULL}}'"],
    ),
    (
        "postgres",
        "jsonb",
        &["'{\"a\": []}'", "'{\"a\": [[], []]}'", "'{\"a\": 1}'", "'{\"a\": -1}'", "'{\"a\": null}'", "null"],
    ),
    ("postgres", "jsonb[]", &["array['{\"a\": []}'::jsonb]", "array['{\"a\": [[], []]}'::jsonb]"]),
    ("postgres", "numrange", &["'[1,2)'", "'[-1,2)'", "'empty'", "'(,)'", "'(,2)'", "'(1,2)'", "null"]),
    ("postgres", "int8range", &["'[4294967295,4294967299)'", "'[-1,4294967299)'", "null"]),
    ("postgres", "timetz", &["'12:00+00'", "'13:00+01'", "'00:00+00'", "null"]),
    ("postgres", "inet", &["'10.0.0.1'", "'10.0.0.1/8'", "'::1'", "null"]),
    ("postgres", "money", &["'1'", "'-1'", "'0'", "null"]),
    ("postgres", "bit varying", &["'0'", "'00'", "'1'", "''", "null"]),
    ("postgres", "character(3)", &["'a'", "'b'", "''", "null"]),
];

/// The engines' own hashes of some of these are alike. Tables that differ in one value alone must not be taken for equal.
#[test]
fn one_value_that_became_another_is_seen_whatever_the_two_are() {
    std::thread::scope(|scope| {
        let engines = [Engine::duckdb, Engine::postgres];
        let threads = engines.map(|engine| scope.spawn(move || one_value_is_seen(&engine())));
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

fn one_value_is_seen(engine: &Engine) {
    for (_, data_type, values) in APART.iter().filter(|(of, ..)| of.is_empty() || *of == engine.name) {
        let table = |schema: &str, at: usize| {
            let value = values[at];
            format!(
                "create schema if not exists {schema}; drop table if exists {schema}.t; create table {schema}.t (id \
                 integer, v {data_type}); insert into {schema}.t values (1, cast({value} as {data_type})), (2, null);"
            )
        };
        for before in 0..values.len() {
            engine.run(&table("prod", before));
            for after in before..values.len() {
                engine.run(&table("pr", after));
                let n = u64::from(before != after);
                for (keys, truth) in [(vec![&["id"][..]], [0, 0, n, 2 - n]), (Vec::new(), [n, n, 0, 2 - n])] {
                    let options = Options { search_key: false, profile: false, ..Options::default() };
                    let diff = engine.diff_with(&keys, &[], &options);
                    let what = format!("{}: {data_type}: {}, {}", engine.name, values[before], values[after]);
                    assert_eq!(figures(&diff), truth, "{what}: {:?}", diff.method);
                }
            }
        }
    }
}

#[test]
fn without_a_key_a_changed_row_is_one_removed_and_one_added() {
    for engine in Engine::all() {
        for trap in TRAPS.iter().filter(|trap| trap.baseline == trap.current) {
            engine.run(&trap.sql(engine.name));
            let options = Options { search_key: false, ..Options::default() };
            let [added, removed, changed, unchanged] = trap.truth;
            let diff = engine.diff_with(&[], &[], &options);
            assert_eq!(
                figures(&diff),
                [added + changed, removed + changed, 0, unchanged],
                "{}: {}",
                engine.name,
                trap.what
            );
        }
    }
}

#[test]
fn what_only_looks_equal_is_told() {
    for engine in Engine::all() {
        engine.run(
            "create schema prod; create schema pr; create table prod.t (id integer, old varchar, v integer not null);
            create table pr.t (v integer, id integer, fresh varchar);
            insert into prod.t values (1, 'a', 1), (2, 'b', 2), (3, 'c', 3); insert into pr.t values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')",
        );
        let diff = engine.diff(&[&["id"]]);
        assert_eq!((figures(&diff), diff.method.clone()), ([0, 0, 0, 3], Method::Checksum), "{}", engine.name);
        assert!(!diff.is_equal() && diff.differs());
        assert!(diff.schema.reordered);
        assert_eq!((diff.schema.added.len(), diff.schema.removed.len()), (1, 1));
        assert_eq!(
            diff.schema.nullability,
            [("v".to_owned(), slimdiff::model::Change { baseline: false, current: true })]
        );
        let renamed = &diff.schema.renamed[0];
        assert_eq!((renamed.name.baseline.as_str(), renamed.name.current.as_str()), ("old", "fresh"));
        assert_eq!((renamed.looked_at, renamed.equal), (3, 3));
    }
}
