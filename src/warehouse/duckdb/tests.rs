//! DuckDB for real, in memory and in files.

use std::{path::Path, time::Duration};

use serde_json::json;

use crate::{
    model::{Column, Relation, RelationKind, Table, Value},
    warehouse::{Error, Session, Target, connect, without_values},
};

fn target(output: &serde_json::Value, folder: &Path) -> Target {
    Target::from_profile("duckdb", output.as_object().unwrap(), folder).unwrap()
}

async fn memory() -> Box<dyn Session> {
    connect(&target(&json!({}), Path::new("/"))).await.unwrap().session().await.unwrap()
}

async fn one(sql: &str) -> Table {
    memory().await.query(sql).await.unwrap()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

async fn check(cases: Vec<(&str, &str, Value)>) {
    let mut session = memory().await;
    for (expression, data_type, value) in cases {
        let table = session.query(&format!("select {expression} as x")).await.unwrap();
        assert_eq!(table.columns, [Column { name: "x".into(), data_type: data_type.into() }], "{expression}");
        assert_eq!(table.scalar(), Some(&value), "{expression}");
    }
}

#[tokio::test]
async fn rows_are_handed_over_as_they_come_until_nobody_wants_them() {
    let mut session = memory().await;
    let (sender, mut pieces) = tokio::sync::mpsc::channel::<Vec<Vec<Value>>>(1);
    let counting = async {
        let mut rows = 0;
        while let Some(piece) = pieces.recv().await {
            rows += piece.len();
        }
        rows
    };
    let (streamed, rows) = tokio::join!(session.stream("select range from range(10000)", sender), counting);
    streamed.unwrap();
    assert_eq!(rows, 10_000);

    // Far more than there is room for, of which one piece is taken.
    let (sender, mut pieces) = tokio::sync::mpsc::channel::<Vec<Vec<Value>>>(1);
    let taking = async move { pieces.recv().await.map(|piece| piece[0][0].clone()) };
    let (streamed, first) = tokio::join!(session.stream("select range from range(1000000000000)", sender), taking);
    streamed.unwrap();
    assert_eq!(first, Some(Value::Int(0)));

    let (sender, mut pieces) = tokio::sync::mpsc::channel::<Vec<Vec<Value>>>(1);
    let late = "select case when range = 9000 then error('no such luck') else 'x' end from range(10000)";
    let draining = async { while pieces.recv().await.is_some() {} };
    let (streamed, ()) = tokio::join!(session.stream(late, sender), draining);
    assert!(streamed.unwrap_err().to_string().contains("no such luck"));
    assert_eq!(session.query("select 1").await.unwrap().scalar(), Some(&Value::Int(1)), "the session goes on");
}

#[tokio::test]
async fn rows_are_handed_over_as_they_come_where_messages_are_hushed_too() {
    let warehouse = without_values(connect(&target(&json!({}), Path::new("/"))).await.unwrap());
    let mut session = warehouse.session().await.unwrap();
    // Far more than there is room for, of which one piece is taken.
    let (sender, mut pieces) = tokio::sync::mpsc::channel::<Vec<Vec<Value>>>(1);
    let taking = async move { pieces.recv().await.map(|piece| piece[0][0].clone()) };
    let (streamed, first) = tokio::join!(session.stream("select range from range(1000000000000)", sender), taking);
    streamed.unwrap();
    assert_eq!(first, Some(Value::Int(0)));

    let (sender, mut pieces) = tokio::sync::mpsc::channel::<Vec<Vec<Value>>>(1);
    let late = "select cast(case when range = 9000 then 'skrt' || range else '1' end as integer) from range(10000)";
    let draining = async { while pieces.recv().await.is_some() {} };
    let (streamed, ()) = tokio::join!(session.stream(late, sender), draining);
    let said = streamed.unwrap_err().to_string();
    assert!(said.contains("***") && !said.contains("skrt9000"), "{said}");
}

#[tokio::test]
async fn numbers_keep_every_digit_and_their_type() {
    check(vec![
        ("null", "INTEGER", Value::Null),
        ("true", "BOOLEAN", Value::Bool(true)),
        ("(-128)::tinyint", "TINYINT", Value::Int(-128)),
        ("65535::usmallint", "USMALLINT", Value::Int(65535)),
        ("(-9223372036854775808)::bigint", "BIGINT", Value::Int(i128::from(i64::MIN))),
        ("18446744073709551615::ubigint", "UBIGINT", Value::Int(i128::from(u64::MAX))),
        ("170141183460469231731687303715884105727::hugeint", "HUGEINT", Value::Int(i128::MAX)),
        ("340282366920938463463374607431768211455::uhugeint", "UHUGEINT", Value::Decimal(u128::MAX.to_string())),
        (
            "'-123456789012345678901234567890123456789012345'::bignum",
            "BIGNUM",
            Value::Decimal("-123456789012345678901234567890123456789012345".into()),
        ),
        ("0::bignum", "BIGNUM", Value::Decimal("0".into())),
        ("0.1::float", "FLOAT", Value::Float(0.1)),
        ("'inf'::double", "DOUBLE", Value::Float(f64::INFINITY)),
        ("1.50::decimal(4,2)", "DECIMAL(4,2)", Value::Decimal("1.50".into())),
        ("(-0.05)::decimal(18,3)", "DECIMAL(18,3)", Value::Decimal("-0.050".into())),
        (
            "12345678901234567890123456789012345678::decimal(38,0)",
            "DECIMAL(38,0)",
            Value::Decimal("12345678901234567890123456789012345678".into()),
        ),
    ])
    .await;
    let nan = one("select 'nan'::double").await;
    assert!(matches!(nan.scalar(), Some(Value::Float(x)) if x.is_nan()));
}

#[tokio::test]
async fn texts_and_bytes_keep_their_type() {
    check(vec![
        ("'ä'", "VARCHAR", text("ä")),
        ("'ab\\xFF'::blob", "BLOB", Value::Bytes(vec![97, 98, 255])),
        ("'3fa85f64-5717-4562-b3fc-2c963f66afa6'::uuid", "UUID", text("3fa85f64-5717-4562-b3fc-2c963f66afa6")),
        ("'010'::bit", "BIT", text("010")),
        ("'b''c'::enum('a', 'b''c')", "ENUM('a', 'b''c')", text("b'c")),
        ("'{\"a\": [1]}'::json", "JSON", Value::Json(json!({"a": [1]}))),
    ])
    .await;
}

#[tokio::test]
async fn times_keep_their_ends_and_precision() {
    check(vec![
        ("date '2024-02-29'", "DATE", Value::Date("2024-02-29".into())),
        ("'0044-03-15 (BC)'::date", "DATE", Value::Date("0044-03-15 (BC)".into())),
        ("'-infinity'::date", "DATE", Value::Date("-infinity".into())),
        ("time '10:11:12.120'", "TIME", Value::Time("10:11:12.12".into())),
        ("'24:00:00'::time", "TIME", Value::Time("24:00:00".into())),
        ("'10:11:12.123456789'::time_ns", "TIME_NS", Value::Time("10:11:12.123456789".into())),
        ("'10:00:00-02:30'::timetz", "TIME WITH TIME ZONE", Value::Time("10:00:00-02:30".into())),
        ("timestamp '1969-12-31 23:59:59.5'", "TIMESTAMP", Value::Timestamp("1969-12-31 23:59:59.5".into())),
        ("'290000-01-01'::timestamp", "TIMESTAMP", Value::Timestamp("290000-01-01 00:00:00".into())),
        ("'infinity'::timestamp", "TIMESTAMP", Value::Timestamp("infinity".into())),
        ("'2024-01-01'::timestamp_s", "TIMESTAMP_S", Value::Timestamp("2024-01-01 00:00:00".into())),
        ("'2024-01-01 00:00:00.007'::timestamp_ms", "TIMESTAMP_MS", Value::Timestamp("2024-01-01 00:00:00.007".into())),
        (
            "'2024-01-01 00:00:00.123456789'::timestamp_ns",
            "TIMESTAMP_NS",
            Value::Timestamp("2024-01-01 00:00:00.123456789".into()),
        ),
        (
            "timestamptz '2024-01-01 12:00:00+02'",
            "TIMESTAMP WITH TIME ZONE",
            Value::Timestamp("2024-01-01 10:00:00+00".into()),
        ),
        (
            "interval '-25 months 3 days -4.5 seconds'",
            "INTERVAL",
            Value::Interval("-2 years -1 month 3 days -00:00:04.5".into()),
        ),
        ("interval '0 days'", "INTERVAL", Value::Interval("00:00:00".into())),
    ])
    .await;
}

#[tokio::test]
async fn nested_values_are_read_whole() {
    check(vec![
        ("[1::hugeint, null]", "HUGEINT[]", Value::List(vec![Value::Int(1), Value::Null])),
        ("[true, false]::boolean[2]", "BOOLEAN[2]", Value::List(vec![Value::Bool(true), Value::Bool(false)])),
        (
            "{'a': 1, 'b c': '[1]'::json}",
            "STRUCT(a INTEGER, \"b c\" JSON)",
            Value::Struct(vec![("a".into(), Value::Int(1)), ("b c".into(), Value::Json(json!([1])))]),
        ),
        (
            "map {'k': 1.5}",
            "MAP(VARCHAR, DECIMAL(2,1))",
            Value::Struct(vec![("k".into(), Value::Decimal("1.5".into()))]),
        ),
        (
            "union_value(num := 2)::union(num int, str varchar)",
            "UNION(num INTEGER, str VARCHAR)",
            Value::Struct(vec![("num".into(), Value::Int(2))]),
        ),
    ])
    .await;
}

#[tokio::test]
async fn values_are_printed_as_duckdb_prints_them() {
    let columns = "int, bigint, hugeint, uhugeint, bignum, float, double, dec_4_1, dec_9_4, dec_18_6, dec38_10, uuid, \
                   date, time, timestamp, timestamp_s, timestamp_ms, timestamp_ns, time_tz, interval, varchar, bit";
    for column in columns.split(", ") {
        let sql = format!("select \"{column}\" as x, \"{column}\"::varchar as t from test_all_types()");
        for row in one(&sql).await.rows {
            if let Value::Float(x) = row[0] {
                let printed: f64 = row[1].as_str().unwrap().parse().unwrap();
                assert_eq!(x.to_string(), printed.to_string(), "{column}: {row:?}");
            } else {
                assert_eq!(row[0].to_string(), row[1].to_string(), "{column}");
            }
        }
    }
}

#[tokio::test]
async fn many_rows_and_no_rows_keep_their_columns() {
    let table = one("select i, i::varchar as t from range(5000) as r(i)").await;
    assert_eq!(table.rows.len(), 5000);
    assert_eq!(table.rows[4999], [Value::Int(4999), text("4999")]);
    let table = one("select 1::hugeint as a, 'x'::json as b where false").await;
    assert_eq!(table.columns.iter().map(|c| c.data_type.as_str()).collect::<Vec<_>>(), ["HUGEINT", "JSON"]);
    assert!(table.rows.is_empty());
}

#[tokio::test]
async fn several_statements_run_and_the_last_one_counts() {
    let mut session = memory().await;
    let sql = "create table t (a int); -- a comment; with a semicolon\n insert into t values (1), (2);";
    assert_eq!(session.execute(sql).await.unwrap(), Some(2));
    assert_eq!(
        session.query("insert into t values (3); select count(*) from t").await.unwrap().scalar(),
        Some(&Value::Int(3))
    );
    for nothing in ["", "-- nothing", " ; ;"] {
        assert_eq!(session.execute(nothing).await.unwrap(), None);
        assert_eq!(session.query(nothing).await.unwrap(), Table::default());
    }
}

#[tokio::test]
async fn a_refused_statement_says_why_and_where() {
    let mut session = memory().await;
    let error = session.query("select 1,\n  nosuch\nfrom range(3)").await.unwrap_err();
    let Error::Statement { message, line, sql, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("nosuch"), "{message}");
    assert_eq!((*line, sql.as_str()), (Some(2), "select 1,\n  nosuch\nfrom range(3)"));
    assert!(matches!(session.execute("select cast('x' as int)").await, Err(Error::Statement { .. })));
    assert_eq!(session.query("select 1").await.unwrap().rows.len(), 1, "the session goes on");
}

#[tokio::test]
async fn loaded_text_is_cast_to_the_columns_types() {
    let mut session = memory().await;
    session.execute("create table t (i int, d decimal(4,1), ts timestamp, t varchar, unused int)").await.unwrap();
    let relation = Relation::new(None, "main", "t");
    let columns = session.columns(&relation).await.unwrap();
    assert_eq!(columns[1].data_type, "DECIMAL(4,1)");
    let row = |cells: [Option<&str>; 4]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
    let rows =
        [row([Some("1"), Some("2.5"), Some("2024-01-01 10:00:00"), Some("a\n'b'")]), row([None, None, None, Some("")])];
    session.load(&relation, &columns[..4], &rows).await.unwrap();
    let table = session.query("select * from t order by i").await.unwrap();
    assert_eq!(
        table.rows[0][..4],
        [Value::Int(1), Value::Decimal("2.5".into()), Value::Timestamp("2024-01-01 10:00:00".into()), text("a\n'b'"),]
    );
    assert_eq!(table.rows[1], [Value::Null, Value::Null, Value::Null, text(""), Value::Null]);
    let error = session.load(&relation, &columns[..4], &[row([Some("x"), None, None, None])]).await.unwrap_err();
    assert!(error.to_string().contains("'x'"), "{error}");
}

#[tokio::test]
async fn relations_columns_and_schemas_are_listed() {
    let mut session = memory().await;
    let sql = "create schema \"We\"\"ird 🦆\"; create table \"We\"\"ird 🦆\".\"T 1\" (a int, b json);
        create view \"We\"\"ird 🦆\".v as select 1 as x; create temporary table a (t int); create table a (p varchar)";
    session.execute(sql).await.unwrap();
    let relations = session.relations(None, "We\"ird 🦆").await.unwrap();
    let seen: Vec<_> = relations.iter().map(|r| (r.name(), r.kind.unwrap(), r.database.as_deref())).collect();
    assert_eq!(seen, [("T 1", RelationKind::Table, Some("memory")), ("v", RelationKind::View, Some("memory"))]);
    let columns = session.columns(&relations[0]).await.unwrap();
    assert_eq!(columns.iter().map(|c| c.data_type.as_str()).collect::<Vec<_>>(), ["INTEGER", "JSON"]);
    assert!(session.relations(None, "none").await.unwrap().is_empty());
    assert!(session.columns(&Relation::new(None, "main", "none")).await.unwrap().is_empty());
    assert_eq!(session.schemas(None).await.unwrap(), ["We\"ird 🦆", "main"]);
    let mut temporary = Relation::new(None, "", "a");
    temporary.schema = None;
    assert_eq!(session.columns(&temporary).await.unwrap()[0].name, "t");
    assert_eq!(session.columns(&Relation::new(None, "main", "a")).await.unwrap()[0].name, "p");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_stops_a_running_statement() {
    let warehouse = connect(&target(&json!({}), Path::new("/"))).await.unwrap();
    let mut session = warehouse.session().await.unwrap();
    let running = tokio::spawn(async move {
        let sql = "select count(*) from range(1000000000) a, range(1000000000) b where a.range % 7 = b.range % 5";
        (session.query(sql).await, session.query("select 1").await)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    tokio::time::timeout(Duration::from_secs(9), warehouse.cancel()).await.unwrap();
    let (first, second) = running.await.unwrap();
    assert!(matches!(first, Err(Error::Cancelled)), "{first:?}");
    assert!(matches!(second, Err(Error::Cancelled)), "{second:?}");
    assert!(matches!(warehouse.session().await.err(), Some(Error::Cancelled)));
    warehouse.resume();
    assert!(warehouse.session().await.unwrap().query("select 1").await.is_ok());
}

#[tokio::test]
async fn a_file_is_opened_once_however_often_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(&json!({"path": "x.duckdb"}), folder.path());
    let first = connect(&target).await.unwrap();
    first.session().await.unwrap().execute("create table t as select 1 as a").await.unwrap();
    let second = connect(&target).await.unwrap();
    assert_eq!(second.session().await.unwrap().query("from t").await.unwrap().rows.len(), 1);
    assert_eq!(
        second.session().await.unwrap().query("select current_database()").await.unwrap().scalar(),
        Some(&text("x"))
    );
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.duckdb"), "not a database at all, just some text".repeat(200)).unwrap();
    for (path, words) in [("text.duckdb", "DuckDB file"), ("no/such/folder/x.duckdb", "folder")] {
        let error = connect(&target(&json!({"path": path}), folder.path())).await.err().unwrap();
        assert!(error.to_string().contains(path), "{error}");
        assert!(error.hint().unwrap().contains(words), "{error} {:?}", error.hint());
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.duckdb");
    let made = connect(&target(&json!({"path": "new.duckdb"}), folder.path())).await.unwrap();
    made.session().await.unwrap().execute("create table t as select 1 as a; checkpoint").await.unwrap();
    drop(made);
    // The storage version stands behind a checksum of 8 bytes and the letters DUCK.
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!(&bytes[8..12], b"DUCK");
    bytes[12] = 99;
    let words = bytes[8..4096].chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    let checksum = words.fold(5381, |sum, word| sum ^ word.wrapping_mul(0xbf58_476d_1ce4_e5b9));
    bytes[..8].copy_from_slice(&checksum.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let error = connect(&target(&json!({"path": "new.duckdb"}), folder.path())).await.err().unwrap();
    assert!(error.hint().unwrap_or_default().contains("1.5"), "{error} {:?}", error.hint());
}

#[tokio::test]
async fn settings_extensions_and_attached_files_are_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let output = json!({
        "path": "a.duckdb", "settings": {"TimeZone": "Asia/Tokyo"}, "extensions": ["json", "icu"],
        "attach": [{"path": "b.duckdb", "alias": "oth"}], "schema": "main",
    });
    let warehouse = connect(&target(&output, folder.path())).await.unwrap();
    let mut session = warehouse.session().await.unwrap();
    assert_eq!(session.query("select current_setting('TimeZone')").await.unwrap().scalar(), Some(&text("Asia/Tokyo")));
    session.execute("create table oth.main.t as select 1 as a").await.unwrap();
    assert_eq!(session.relations(Some("oth"), "main").await.unwrap()[0].to_string(), r#""oth"."main"."t""#);
    drop((session, warehouse));
    let wrong = json!({"path": "a.duckdb", "settings": {"nosuch": "hunter2"}});
    let warehouse = connect(&target(&wrong, folder.path())).await.unwrap();
    let error = warehouse.session().await.err().unwrap().to_string();
    assert!(error.contains("nosuch") && !error.contains("hunter2"), "{error}");
}

/// Not a test but in the folder of the next one, where it is the other process.
#[tokio::test]
async fn holds_a_file_open_for_the_next_test() {
    if !Path::new("hold x.duckdb").exists() {
        return;
    }
    let _held = connect(&target(&json!({"path": "x.duckdb"}), Path::new(""))).await.unwrap();
    std::fs::write("held", "").unwrap();
    std::io::stdin().lines().for_each(drop);
}

#[tokio::test]
async fn a_file_that_another_process_has_open_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hold x.duckdb"), "").unwrap();
    let mut other = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "warehouse::duckdb::tests::holds_a_file_open_for_the_next_test"])
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..500 {
        if folder.path().join("held").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = connect(&target(&json!({"path": "x.duckdb"}), folder.path())).await.err();
    drop(other.stdin.take());
    other.wait().unwrap();
    let error = error.expect("the file is locked");
    assert!(error.hint().unwrap().contains("another process"), "{error} {:?}", error.hint());
}

#[tokio::test]
async fn a_database_that_is_attached_can_be_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let output = json!({"path": "a.duckdb", "database": "oth", "attach": [{"path": "b.duckdb", "alias": "oth"}]});
    let warehouse = connect(&target(&output, folder.path())).await.unwrap();
    let mut session = warehouse.session().await.unwrap();
    session.execute("create schema oth.s; create table oth.s.t as select 1 as a").await.unwrap();
    assert_eq!(session.schemas(None).await.unwrap(), ["main", "s"]);
    assert_eq!(session.relations(None, "s").await.unwrap().len(), 1);
    assert_eq!(session.columns(&Relation::new(None, "s", "t")).await.unwrap().len(), 1);
}
