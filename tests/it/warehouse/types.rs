//! Every type's value and name.

use serde_json::json;
use slimdiff::model::{Column, Table, Value};

use super::{fresh, text};

fn decimal(value: &str) -> Value {
    Value::Decimal(value.to_owned())
}

fn stamp(value: &str) -> Value {
    Value::Timestamp(value.to_owned())
}

async fn check(cases: Vec<(&str, &str, Value)>) {
    let (_database, _warehouse, mut session) = fresh().await;
    session.execute("set timezone to 'UTC'").await.unwrap();
    for (expression, data_type, value) in cases {
        let table = session.query(&format!("select {expression} as x")).await.unwrap();
        assert_eq!(table.columns, [Column { name: "x".into(), data_type: data_type.into() }], "{expression}");
        assert_eq!(table.scalar(), Some(&value), "{expression}");
    }
}

#[tokio::test]
async fn numbers_keep_every_digit() {
    let long = "12345678901234567890123456789012345678901234567890.123456789012345678901234567890";
    check(vec![
        ("null::int", "integer", Value::Null),
        ("true", "boolean", Value::Bool(true)),
        ("(-32768)::smallint", "smallint", Value::Int(-32768)),
        ("9223372036854775807", "bigint", Value::Int(i128::from(i64::MAX))),
        ("0.1::real", "real", Value::Float(0.1)),
        ("0.1::float8 + 0.2::float8", "double precision", Value::Float(0.1 + 0.2)),
        ("'-Infinity'::float8", "double precision", Value::Float(f64::NEG_INFINITY)),
        ("1.50::numeric(18,3)", "numeric(18,3)", decimal("1.500")),
        (long, "numeric", decimal(long)),
        ("'NaN'::numeric", "numeric", decimal("NaN")),
        ("'Infinity'::numeric", "numeric", decimal("Infinity")),
        ("'12.50'::money", "money", text("$12.50")),
        ("4294967295::oid", "oid", Value::Int(4_294_967_295)),
    ])
    .await;
}

#[tokio::test]
async fn times_keep_their_ends_and_zones() {
    check(vec![
        ("date '2024-02-29'", "date", Value::Date("2024-02-29".into())),
        ("date 'infinity'", "date", Value::Date("infinity".into())),
        ("date '0044-03-15 BC'", "date", Value::Date("0044-03-15 BC".into())),
        ("time '10:11:12.123456'", "time without time zone", Value::Time("10:11:12.123456".into())),
        ("time(0) '10:11:12.9'", "time(0) without time zone", Value::Time("10:11:13".into())),
        ("timetz '10:00:00-02:30'", "time with time zone", Value::Time("10:00:00-02:30".into())),
        ("timestamp '1969-12-31 23:59:59.5'", "timestamp without time zone", stamp("1969-12-31 23:59:59.5")),
        ("timestamp '-infinity'", "timestamp without time zone", stamp("-infinity")),
        ("timestamp '294276-12-31 00:00'", "timestamp without time zone", stamp("294276-12-31 00:00:00")),
        ("timestamptz '2024-01-01 12:00:00+02'", "timestamp with time zone", stamp("2024-01-01 10:00:00+00")),
        ("interval '1 year -2 days 03:04:05.6'", "interval", Value::Interval("1 year -2 days +03:04:05.6".into())),
    ])
    .await;
}

#[tokio::test]
async fn texts_documents_and_nested_values_are_read() {
    check(vec![
        ("'ä'::varchar(10)", "character varying(10)", text("ä")),
        ("'a'::char(3)", "character(3)", text("a  ")),
        ("''", "text", text("")),
        ("null", "text", Value::Null),
        ("'\\x00ff'::bytea", "bytea", Value::Bytes(vec![0, 255])),
        ("'3fa85f64-5717-4562-b3fc-2c963f66afa6'::uuid", "uuid", text("3fa85f64-5717-4562-b3fc-2c963f66afa6")),
        ("'{\"b\": [1, 2.5], \"a\": null}'::jsonb", "jsonb", Value::Json(json!({"a": null, "b": [1, 2.5]}))),
        ("'{\"a\":1,\"a\":2}'::json", "json", text("{\"a\":1,\"a\":2}")),
        ("array[1,null,3]", "integer[]", Value::List(vec![Value::Int(1), Value::Null, Value::Int(3)])),
        ("array[1.50,2]::numeric(5,2)[]", "numeric(5,2)[]", Value::List(vec![decimal("1.50"), decimal("2.00")])),
        ("array['a,b','NULL']", "text[]", Value::List(vec![text("a,b"), text("NULL")])),
        ("'{}'::date[]", "date[]", Value::List(vec![])),
        ("'1 2'::int2vector", "int2vector", text("1 2")),
        ("row(1,'a b')", "record", text("(1,\"a b\")")),
        ("'[1,5)'::int4range", "int4range", text("[1,5)")),
        ("'10.0.0.1/8'::inet", "inet", text("10.0.0.1/8")),
        ("B'0101'::bit(4)", "bit(4)", text("0101")),
        ("point(1,2)", "point", text("(1,2)")),
        ("to_tsvector('simple', 'b a')", "tsvector", text("'a':2 'b':1")),
    ])
    .await;
}

#[tokio::test]
async fn types_of_the_database_itself_are_read() {
    let (_database, _warehouse, mut session) = fresh().await;
    let sql = "create type mood as enum ('sad', 'ok'); create domain amount as numeric(9,2) check (value >= 0);
        create type pair as (a int, b text); create schema \"S p\"; create type \"S p\".\"E\" as enum ('x')";
    session.execute(sql).await.unwrap();
    let sql = "select 'ok'::mood as a, 1::amount as b, row(1, 'x')::pair as c, array['sad', 'ok']::mood[] as d,
        'x'::\"S p\".\"E\" as e";
    let table = session.query(sql).await.unwrap();
    // Of a domain, the server tells the type it stands on.
    let types: Vec<&str> = table.columns.iter().map(|column| column.data_type.as_str()).collect();
    assert_eq!(types, ["mood", "numeric(9,2)", "pair", "mood[]", "\"S p\".\"E\""]);
    let moods = Value::List(vec![text("sad"), text("ok")]);
    assert_eq!(table.rows[0], [text("ok"), decimal("1.00"), text("(1,x)"), moods, text("x")]);
}

#[tokio::test]
async fn other_settings_of_the_server_do_not_change_values() {
    let (database, _warehouse, _session) = fresh().await;
    let sql = format!("alter database {} set datestyle to 'SQL, DMY'", database.name);
    database.cluster.psql("postgres", &sql);
    let warehouse = slimdiff::warehouse::connect(&database.target()).await.unwrap();
    let mut session = warehouse.session().await.unwrap();
    let table =
        session.query("set bytea_output to 'escape'; select date '2024-02-01', '\\x00ff5c'::bytea").await.unwrap();
    assert_eq!(table.rows[0], [Value::Date("2024-02-01".into()), Value::Bytes(vec![0, 255, 92])]);
}

#[tokio::test]
async fn no_rows_and_no_columns_are_results_too() {
    let (_database, _warehouse, mut session) = fresh().await;
    let table = session.query("select 1::smallint as a, 'x'::text as b where false").await.unwrap();
    assert_eq!(table.columns.len(), 2);
    assert!(table.rows.is_empty());
    assert_eq!(session.query("create table t (a int)").await.unwrap(), Table::default());
    assert_eq!(session.query("-- nothing").await.unwrap(), Table::default());
    assert_eq!(session.query("insert into t values (1) returning a").await.unwrap().rows, [[Value::Int(1)]]);
    assert_eq!(session.query("show datestyle").await.unwrap().rows.len(), 1);
    assert!(!session.query("explain select 1").await.unwrap().rows.is_empty());
}
