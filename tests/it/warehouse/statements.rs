//! Statements, their errors, loading, listing, and what the dialect's statements do.

use slimdiff::{
    model::{Column, Relation, RelationKind, Value},
    warehouse::Error,
};

use super::{fresh, text};

#[tokio::test]
async fn several_statements_run_and_the_last_one_counts() {
    let (_database, _warehouse, mut session) = fresh().await;
    let sql = "create table t (a int); insert into t select generate_series(1, 3); update t set a = 0 where a > 1;";
    assert_eq!(session.execute(sql).await.unwrap(), Some(2));
    let table = session.query("insert into t values (9); select sum(a) from t; -- the end").await.unwrap();
    assert_eq!(table.scalar(), Some(&Value::Int(10)));
    assert_eq!(session.execute(" -- nothing").await.unwrap(), None);
    session.execute("create function f() returns int language plpgsql as $$ begin return 1; end $$").await.unwrap();
    assert_eq!(session.query("select f()").await.unwrap().scalar(), Some(&Value::Int(1)));
}

#[tokio::test]
async fn a_refused_statement_says_why_and_on_which_line() {
    let (_database, _warehouse, mut session) = fresh().await;
    for sql in ["select 1,\n  'ü',\n  nosuch", "select 1;\nselect 'ü',\n  nosuch"] {
        let error = session.query(sql).await.unwrap_err();
        let Error::Statement { message, code, line, sql: given } = &error else { panic!("{error:?}") };
        assert_eq!((code.as_deref(), *line, given.as_str()), (Some("42703"), Some(3), sql));
        assert!(message.contains("nosuch"), "{message}");
    }
    session.execute("create table t (a int primary key)").await.unwrap();
    let error = session.execute("insert into t values (1), (1)").await.unwrap_err();
    let Error::Statement { message, code, line, .. } = &error else { panic!("{error:?}") };
    assert_eq!((code.as_deref(), *line), (Some("23505"), None));
    assert!(message.contains("DETAIL:  Key (a)=(1) already exists."), "{message}");
    let error = session.execute("select 'a\0b'").await.unwrap_err();
    assert!(matches!(error, Error::Statement { .. }), "{error:?}");
    let error = session.query("select lenght('x')").await.unwrap_err();
    assert!(error.to_string().contains("HINT:"), "{error}");
}

#[tokio::test]
async fn a_missing_right_is_told_from_a_wrong_statement() {
    let (database, _warehouse, mut session) = fresh().await;
    session.execute("create table t (a int)").await.unwrap();
    let target = database.target_with(&serde_json::json!({"user": "nobody_special"}));
    let mut other = slimdiff::warehouse::connect(&target).await.unwrap().session().await.unwrap();
    for sql in ["select * from t", "create schema mine"] {
        let error = other.execute(sql).await.unwrap_err();
        assert!(matches!(&error, Error::Permission { sql: given, .. } if given == sql), "{error:?}");
        assert!(error.hint().is_some());
    }
}

#[tokio::test]
async fn dropping_a_session_rolls_back() {
    let (_database, warehouse, mut session) = fresh().await;
    session.execute("begin; create table t (a int)").await.unwrap();
    drop(session);
    let mut session = warehouse.session().await.unwrap();
    for _ in 0..50 {
        if session.relations(None, "public").await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the table is still there");
}

#[tokio::test]
async fn loaded_text_is_cast_to_the_columns_types() {
    let (_database, _warehouse, mut session) = fresh().await;
    session.execute("create table t (i int, d numeric(9,2), ts timestamp, t text, unused int)").await.unwrap();
    let relation = Relation::new(None, "public", "t");
    let columns = session.columns(&relation).await.unwrap();
    assert_eq!(columns[1], Column { name: "d".into(), data_type: "numeric(9,2)".into() });
    let row = |cells: [Option<&str>; 4]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
    let awkward = "a\tb\nc\\N\r'\"\u{7f}ü\\.";
    let mut rows = vec![
        row([Some("1"), Some("2.5"), Some("2024-01-01 10:00:00"), Some(awkward)]),
        row([None, None, None, Some("\\N")]),
        row([Some("3"), None, None, Some("")]),
    ];
    let long = "x".repeat(50_000);
    rows.extend((10..40).map(|i| row([Some(&i.to_string()), None, None, Some(&long)])));
    session.load(&relation, &columns[..4], &rows).await.unwrap();
    let table = session.query("select * from t order by i nulls last limit 2").await.unwrap();
    let stamp = Value::Timestamp("2024-01-01 10:00:00".into());
    assert_eq!(table.rows[0][..4], [Value::Int(1), Value::Decimal("2.50".into()), stamp, text(awkward)]);
    assert_eq!(table.rows[1][3], text(""));
    let table = session.query("select t, (select count(*) from t) from t where i is null").await.unwrap();
    assert_eq!(table.rows[0], [text("\\N"), Value::Int(33)]);
    let error = session.load(&relation, &columns[..1], &[vec![Some("x".into())]]).await.unwrap_err();
    assert!(error.to_string().contains("column i: \"x\""), "{error}");
    assert_eq!(session.execute("select 1").await.unwrap(), Some(1), "the session goes on");
}

#[tokio::test]
async fn relations_columns_and_schemas_are_listed() {
    let (database, _warehouse, mut session) = fresh().await;
    let schema = "We\"ird 🦆";
    let sql = "create schema \"We\"\"ird 🦆\"; set search_path to \"We\"\"ird 🦆\";
        create table \"T 1\" (a int, b varchar(3), gone int); alter table \"T 1\" drop column gone;
        create view v as select 1 as x; create materialized view m as select 2 as y;
        create table p (a int) partition by range (a); create sequence s; create index i on \"T 1\" (a);
        create temporary table \"T 1\" (t date)";
    session.execute(sql).await.unwrap();
    let relations = session.relations(Some(&database.name), schema).await.unwrap();
    let seen: Vec<_> = relations.iter().map(|relation| (relation.name(), relation.kind.unwrap())).collect();
    let expected = [
        ("T 1", RelationKind::Table),
        ("m", RelationKind::MaterializedView),
        ("p", RelationKind::Table),
        ("v", RelationKind::View),
    ];
    assert_eq!(seen, expected);
    let columns = session.columns(&relations[0]).await.unwrap();
    assert_eq!(
        columns.iter().map(|column| column.data_type.as_str()).collect::<Vec<_>>(),
        ["integer", "character varying(3)"]
    );
    let mut temporary = relations[0].clone();
    (temporary.database, temporary.schema) = (None, None);
    assert_eq!(session.columns(&temporary).await.unwrap()[0].data_type, "date");
    assert!(session.columns(&Relation::new(None, "none", "none")).await.unwrap().is_empty());
    assert!(session.relations(None, "none").await.unwrap().is_empty());
    assert_eq!(session.schemas(None).await.unwrap(), [schema, "public"]);
    let error = session.relations(Some("elsewhere"), "public").await.unwrap_err();
    assert!(error.to_string().contains("elsewhere"), "{error}");
}
