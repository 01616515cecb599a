//! What the statements of both dialects do: one story, told to both engines. The rows of the snapshots are those that
//! dbt-core 1.11 leaves in the same three runs.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use slimdiff::{
    model::{Column, Relation, RelationKind, Value},
    warehouse::{ColumnSpec, Dialect, SeedType, Session, SnapshotSpec, Target, Warehouse, connect},
};

use super::fresh;

struct Engine {
    warehouse: Arc<dyn Warehouse>,
    session: Box<dyn Session>,
    database: String,
}

impl Engine {
    async fn both() -> [Self; 2] {
        let (database, warehouse, session) = fresh().await;
        let postgres = Self { warehouse, session, database: database.name };
        let target = Target::from_url("duckdb::memory:", Path::new("/")).unwrap();
        let warehouse = connect(&target).await.unwrap();
        let session = warehouse.session().await.unwrap();
        let mut engines = [postgres, Self { warehouse, session, database: "memory".to_owned() }];
        for engine in &mut engines {
            let create = engine.dialect().create_schema(Some(&engine.database), "S x");
            engine.run(&[create.clone(), create]).await;
        }
        engines
    }

    fn dialect(&self) -> &dyn Dialect {
        self.warehouse.dialect()
    }

    fn relation(&self, name: &str) -> Relation {
        Relation::new(Some(&self.database), "S x", name)
    }

    async fn run(&mut self, statements: &[String]) {
        for statement in statements {
            self.session.execute(statement).await.unwrap_or_else(|error| panic!("{error}\nin: {statement}"));
        }
    }

    /// Rows as text, cells with a space between, sorted.
    async fn rows(&mut self, sql: &str) -> Vec<String> {
        let table = self.session.query(sql).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
        let line = |row: &Vec<Value>| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let mut rows: Vec<String> = table.rows.iter().map(line).collect();
        rows.sort();
        rows
    }

    async fn all(&mut self, relation: &Relation) -> Vec<String> {
        let sql = self.dialect().select_all(relation);
        self.rows(&sql).await
    }

    async fn names(&mut self) -> Vec<String> {
        let relations = self.session.relations(None, "S x").await.unwrap();
        relations.iter().map(|relation| format!("{} {}", relation.kind.unwrap().as_str(), relation.name())).collect()
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn tables_and_views_are_made_swapped_and_dropped() {
    for mut engine in Engine::both().await {
        let (table, view) = (engine.relation("t \"1\""), engine.relation("v"));
        let dialect = engine.dialect();
        let statements = [
            dialect.create_table_as(&table, "select 1 as a -- the end", false),
            dialect.create_view_as(&view, &format!("select * from {table}")),
            dialect.create_view_as(&view, &format!("select *, 2 as b from {table} -- again")),
            dialect.rename_relation(&view, "w", RelationKind::View),
            dialect.create_table_as(&table.clone().with_identifier("new"), "select 5 as a", false),
        ];
        engine.run(&statements).await;
        assert_eq!(engine.names().await, ["table new", "table t \"1\"", "view w"]);
        let swap = [
            engine.dialect().rename_relation(&table, "old", RelationKind::Table),
            engine.dialect().rename_relation(&engine.relation("new"), "t \"1\"", RelationKind::Table),
            engine.dialect().drop_relation(&engine.relation("old"), RelationKind::Table),
            engine.dialect().drop_relation(&engine.relation("w"), RelationKind::View),
            engine.dialect().drop_relation(&engine.relation("w"), RelationKind::View),
        ];
        engine.run(&swap).await;
        assert_eq!(engine.names().await, ["table t \"1\""]);
        assert_eq!(engine.all(&table).await, ["5"]);
        let (count, truncate) = (engine.dialect().count(&table), engine.dialect().truncate(&table));
        assert_eq!(engine.rows(&count).await, ["1"]);
        engine.run(&[truncate]).await;
        assert_eq!(engine.rows(&count).await, ["0"]);
        let drop = engine.dialect().drop_schema(None, "S x");
        engine.run(&[drop.clone(), drop]).await;
        assert!(!engine.session.schemas(None).await.unwrap().contains(&"S x".to_owned()));
    }
}

#[tokio::test]
async fn temporary_tables_are_of_the_session_alone() {
    for mut engine in Engine::both().await {
        let mut temporary = engine.relation("t__dbt_tmp");
        (temporary.database, temporary.schema) = (None, None);
        let create = engine.dialect().create_table_as(&temporary, "select 1 as a", true);
        engine.run(&[create]).await;
        assert_eq!(engine.all(&temporary).await, ["1"]);
        assert_eq!(engine.session.columns(&temporary).await.unwrap().len(), 1);
        assert!(engine.names().await.is_empty());
        let mut other = engine.warehouse.session().await.unwrap();
        assert!(other.query("select * from t__dbt_tmp").await.is_err());
    }
}

/// A target with ids 1 and 2 and a source with ids 2 and 3.
async fn two_tables(engine: &mut Engine) -> (Relation, Relation, Vec<String>) {
    let (target, source) = (engine.relation("target"), engine.relation("source"));
    let rows = |first: &str, second: &str| format!("select {first} union all select {second}");
    let make = [
        engine.dialect().drop_relation(&target, RelationKind::Table),
        engine.dialect().drop_relation(&source, RelationKind::Table),
        engine.dialect().create_table_as(&target, &rows("1 as id, 'a' as \"K k\", 10 as n", "2, 'b', 20"), false),
        engine.dialect().create_table_as(&source, &rows("2 as id, 'b' as \"K k\", 21 as n", "3, 'c', 30"), false),
    ];
    engine.run(&make).await;
    (target, source, strings(&["id", "K k", "n"]))
}

#[tokio::test]
async fn incremental_strategies_leave_the_rows_they_should() {
    for mut engine in Engine::both().await {
        let (target, source, columns) = two_tables(&mut engine).await;
        let statement = engine.dialect().append(&target, &source, &columns);
        engine.run(&[statement]).await;
        assert_eq!(engine.all(&target).await, ["1 a 10", "2 b 20", "2 b 21", "3 c 30"]);

        let both = strings(&["1 a 10", "2 b 21", "3 c 30"]);
        for key in [strings(&["id"]), strings(&["id", "K k"]), strings(&["id + 0"])] {
            let (target, source, columns) = two_tables(&mut engine).await;
            let statements = engine.dialect().delete_insert(&target, &source, &key, &columns, &[]);
            engine.run(&statements).await;
            assert_eq!(engine.all(&target).await, both, "{key:?}");
        }
        for key in [strings(&["id"]), strings(&["id", "K k"])] {
            let (target, source, columns) = two_tables(&mut engine).await;
            let statements =
                engine.dialect().delete_insert(&target, &source, &key, &columns, &strings(&["n < 0", "1 = 1"]));
            engine.run(&statements).await;
            assert_eq!(engine.all(&target).await, ["1 a 10", "2 b 20", "2 b 21", "3 c 30"], "{key:?}");
            let (target, source, columns) = two_tables(&mut engine).await;
            let statements = engine.dialect().merge(&target, &source, &key, &columns, &columns, &[]);
            engine.run(&statements).await;
            assert_eq!(engine.all(&target).await, both, "{key:?}");
        }
        // A key with NULL in it is no key: such rows are kept, and come again.
        let (target, source, columns) = two_tables(&mut engine).await;
        let null = |relation: &Relation| format!("insert into {relation} values (4, null, 40)");
        engine.run(&[null(&target), null(&source)]).await;
        let statements = engine.dialect().delete_insert(&target, &source, &strings(&["id", "K k"]), &columns, &[]);
        engine.run(&statements).await;
        assert_eq!(engine.all(&target).await, ["1 a 10", "2 b 21", "3 c 30", "4 NULL 40", "4 NULL 40"]);
        let (target, source, columns) = two_tables(&mut engine).await;
        let statements = engine.dialect().merge(&target, &source, &strings(&["ID"]), &columns, &[], &[]);
        engine.run(&statements).await;
        assert_eq!(engine.all(&target).await, ["1 a 10", "2 b 20", "3 c 30"]);
        let (target, source, columns) = two_tables(&mut engine).await;
        let statements = engine.dialect().merge(&target, &source, &[], &columns, &columns, &[]);
        engine.run(&statements).await;
        assert_eq!(engine.all(&target).await.len(), 4);
        let (target, source, columns) = two_tables(&mut engine).await;
        let predicates = strings(&["DBT_INTERNAL_DEST.n > 100"]);
        let statements = engine.dialect().merge(&target, &source, &strings(&["id"]), &columns, &columns, &predicates);
        engine.run(&statements).await;
        assert_eq!(engine.all(&target).await.len(), 4);
    }
}

#[tokio::test]
async fn columns_are_added_dropped_and_change_their_type() {
    for mut engine in Engine::both().await {
        let table = engine.relation("t");
        let column = |name: &str, data_type: &str| Column { name: name.into(), data_type: data_type.into() };
        let create = engine.dialect().create_table_as(&table, "select 1 as a, 2 as gone, 3 as \"B b\"", false);
        let mut statements = vec![create];
        statements.extend(engine.dialect().alter_columns(
            &table,
            &[column("New", "varchar(5)")],
            &[column("gone", "")],
        ));
        statements.extend(engine.dialect().alter_type(&table, &column("B b", "numeric(9,2)")));
        engine.run(&statements).await;
        let columns = engine.session.columns(&table).await.unwrap();
        let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, BTreeSet::from(["B b", "New", "a"]));
        assert_eq!(engine.rows(&format!("select \"B b\" from {table}")).await, ["3.00"]);
    }
}

#[tokio::test]
async fn contracts_comments_grants_and_values_are_accepted() {
    for mut engine in Engine::both().await {
        let table = engine.relation("t");
        let column = |name: &str, data_type: &str, quote, constraints: &[&str]| ColumnSpec {
            name: name.into(),
            data_type: data_type.into(),
            quote,
            constraints: strings(constraints),
        };
        let dialect = engine.dialect();
        let columns = [
            column("id", "int", false, &["not null", "primary key"]),
            column("Group", dialect.seed_type(SeedType::Text), true, &[]),
        ];
        let awkward = "it's a \\ \"text\" $$ ü\nof two lines";
        let mut statements = vec![
            dialect.create_table(&table, &columns, &strings(&["constraint pos check (id > 0)"])),
            dialect.insert_values(&table, &["id", "Group"], &[Some("1"), Some(awkward)]),
            dialect.insert_values(&table, &["id", "Group"], &[Some("2"), None]),
        ];
        statements.extend(dialect.comment(&table, RelationKind::Table, awkward));
        statements.extend(dialect.comment_column(&table, "Group", awkward));
        statements.extend(dialect.grant(&table, "select", &strings(&["public", "nobody_special"])));
        statements.extend(dialect.comment_schema(None, "S x", awkward));
        engine.run(&statements).await;
        assert_eq!(engine.all(&table).await, [format!("1 {awkward}"), "2 NULL".to_owned()]);
        let violated = engine.dialect().insert_values(&table, &["id"], &[Some("-1")]);
        assert!(engine.session.execute(&violated).await.is_err());
    }
}

#[tokio::test]
async fn tests_count_their_failures() {
    for mut engine in Engine::both().await {
        let sql = "select 1 as n union all select 2 union all select 3 -- the end";
        let test = |limit| engine.dialect().test(sql, "count(*)", "> 1", ">= 3", limit);
        let (all, limited) = (test(None), test(Some(2)));
        assert_eq!(engine.rows(&all).await, ["3 true true"]);
        assert_eq!(engine.rows(&limited).await, ["2 true false"]);
        let (none, two) = (engine.dialect().select_none(sql), engine.dialect().limit(sql, 2));
        let table = engine.session.query(&none).await.unwrap();
        assert_eq!((table.columns.len(), table.rows.len()), (1, 0));
        assert_eq!(engine.rows(&two).await.len(), 2);
    }
}

/// The source of the snapshots as the three runs see it.
const RUNS: [&str; 3] = [
    "select 1 as id, 'a' as k, 'x' as v, cast('2024-01-01 10:00:00' as timestamp) as ts
     union all select 2, 'a', 'y', cast('2024-01-01' as timestamp)
     union all select 3, 'b', null, cast('2024-01-01' as timestamp)",
    "select 1 as id, 'a' as k, 'x2' as v, cast('2024-01-02 10:00:00' as timestamp) as ts
     union all select 3, 'b', null, cast('2024-01-01' as timestamp)
     union all select 4, 'c', 'n', cast('2024-01-02' as timestamp)",
    "select 1 as id, 'a' as k, 'x2' as v, cast('2024-01-02 10:00:00' as timestamp) as ts, 7 as extra
     union all select 2, 'a', 'y', cast('2024-01-03' as timestamp), null
     union all select 3, 'b', 'now', cast('2024-01-03' as timestamp), 9
     union all select 4, 'c', 'n', cast('2024-01-02' as timestamp), 9 -- the end",
];

fn spec(unique_key: &[&str], updated_at: Option<&str>, check_cols: &[&str], hard_deletes: &str) -> SnapshotSpec {
    let meta = ["dbt_valid_from", "dbt_valid_to", "dbt_scd_id", "dbt_updated_at", "dbt_is_deleted"];
    SnapshotSpec {
        unique_key: strings(unique_key),
        updated_at: updated_at.map(str::to_owned),
        check_cols: strings(check_cols),
        hard_deletes: hard_deletes.to_owned(),
        meta_columns: meta.map(str::to_owned),
        ..SnapshotSpec::default()
    }
}

fn until_the_end(spec: SnapshotSpec) -> SnapshotSpec {
    SnapshotSpec { valid_to_current: Some("cast('9999-12-31' as timestamp)".to_owned()), ..spec }
}

/// Runs a snapshot over the three runs and returns its rows, times of the clock replaced by their rank.
async fn snapshot(engine: &mut Engine, spec: &SnapshotSpec) -> Vec<String> {
    let relation = engine.relation("snapshot");
    let drop = engine.dialect().drop_relation(&relation, RelationKind::Table);
    let first = engine.dialect().create_table_as(&relation, &engine.dialect().snapshot_initial(RUNS[0], spec), false);
    engine.run(&[drop, first]).await;
    for sql in &RUNS[1..] {
        let columns = engine.session.query(&engine.warehouse.dialect().select_none(sql)).await.unwrap().columns;
        let present = engine.session.columns(&relation).await.unwrap();
        let missing: Vec<Column> =
            columns.iter().filter(|column| present.iter().all(|other| other.name != column.name)).cloned().collect();
        let mut spec = spec.clone();
        spec.check_cols_added = missing.iter().any(|column| spec.check_cols.contains(&column.name));
        spec.check_cols.retain(|name| columns.iter().any(|column| column.name == *name));
        let mut statements = engine.dialect().alter_columns(&relation, &missing, &[]);
        statements.push("begin".to_owned());
        statements.extend(engine.dialect().snapshot_update(&relation, sql, &columns, &spec));
        statements.push("commit".to_owned());
        engine.run(&statements).await;
    }
    assert_eq!(engine.names().await, ["table snapshot"], "nothing else is left");
    let id = "md5(coalesce(cast(id as varchar), '') || '|' || coalesce(cast(dbt_updated_at as varchar), ''))";
    let wrong = format!("select * from {relation} where dbt_updated_at > '2025-01-01' and dbt_scd_id <> {id}");
    if spec.unique_key.len() == 1 && spec.hard_deletes != "new_record" {
        assert!(engine.rows(&wrong).await.is_empty(), "ids are of the key and the time");
    }
    let table = engine.session.query(&engine.warehouse.dialect().select_all(&relation)).await.unwrap();
    normalized(&table.rows)
}

/// Short rows: no midnight, ids cut to eight letters or starred where they depend on the clock.
fn normalized(rows: &[Vec<Value>]) -> Vec<String> {
    let is_clock =
        |value: &Value| matches!(value, Value::Timestamp(time) if time.as_str() > "2025" && !time.starts_with('9'));
    let clocks: BTreeSet<String> = rows.iter().flatten().filter(|v| is_clock(v)).map(ToString::to_string).collect();
    let cell = |(i, value): (usize, &Value), row: &[Value]| match value {
        Value::Null => "-".to_owned(),
        _ if i == 4 && is_clock(&row[5]) => "*".to_owned(),
        _ if i == 4 => value.to_string()[..8].to_owned(),
        _ => match clocks.iter().position(|clock| *clock == value.to_string()) {
            Some(rank) => format!("clock_{}", rank + 1),
            None => value.to_string().replace(" 00:00:00", "").replace(' ', "_"),
        },
    };
    let line = |row: &Vec<Value>| row.iter().enumerate().map(|c| cell(c, row)).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.sort();
    lines
}

async fn check_snapshot(spec: SnapshotSpec, expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    for mut engine in Engine::both().await {
        let rows = snapshot(&mut engine, &spec).await;
        assert_eq!(rows, expected, "{}", engine.dialect().name());
    }
}

#[tokio::test]
async fn the_timestamp_strategy_with_records_of_deletions() {
    check_snapshot(
        spec(&["id"], Some("ts"), &[], "new_record"),
        "1 a x 2024-01-01_10:00:00 4f5746d2 2024-01-01_10:00:00 2024-01-01_10:00:00 2024-01-02_10:00:00 False -
         1 a x2 2024-01-02_10:00:00 334a6b01 2024-01-02_10:00:00 2024-01-02_10:00:00 - False -
         2 a y 2024-01-01 * clock_1 clock_1 2024-01-03 True -
         2 a y 2024-01-01 f8e4dcba 2024-01-01 2024-01-01 clock_1 False -
         2 a y 2024-01-03 a8a7cb50 2024-01-03 2024-01-03 - False -
         3 b - 2024-01-01 36d97e6f 2024-01-01 2024-01-01 2024-01-03 False -
         3 b now 2024-01-03 11540a04 2024-01-03 2024-01-03 - False 9
         4 c n 2024-01-02 c4b15436 2024-01-02 2024-01-02 - False -",
    )
    .await;
}

#[tokio::test]
async fn the_timestamp_strategy_with_two_keys_and_an_end_for_current_rows() {
    check_snapshot(
        until_the_end(spec(&["id", "k"], Some("ts"), &[], "invalidate")),
        "1 a x 2024-01-01_10:00:00 b63ddae1 2024-01-01_10:00:00 2024-01-01_10:00:00 2024-01-02_10:00:00 -
         1 a x2 2024-01-02_10:00:00 b74dc449 2024-01-02_10:00:00 2024-01-02_10:00:00 9999-12-31 -
         2 a y 2024-01-01 15c47b5e 2024-01-01 2024-01-01 clock_1 -
         2 a y 2024-01-03 bfce70cc 2024-01-03 2024-01-03 9999-12-31 -
         3 b - 2024-01-01 f80fb439 2024-01-01 2024-01-01 2024-01-03 -
         3 b now 2024-01-03 252d76c6 2024-01-03 2024-01-03 9999-12-31 9
         4 c n 2024-01-02 0bf27f4f 2024-01-02 2024-01-02 9999-12-31 -",
    )
    .await;
}

#[tokio::test]
async fn the_timestamp_strategy_that_ignores_deletions() {
    check_snapshot(
        spec(&["id"], Some("ts"), &[], "ignore"),
        "1 a x 2024-01-01_10:00:00 4f5746d2 2024-01-01_10:00:00 2024-01-01_10:00:00 2024-01-02_10:00:00 -
         1 a x2 2024-01-02_10:00:00 334a6b01 2024-01-02_10:00:00 2024-01-02_10:00:00 - -
         2 a y 2024-01-01 f8e4dcba 2024-01-01 2024-01-01 2024-01-03 -
         2 a y 2024-01-03 a8a7cb50 2024-01-03 2024-01-03 - -
         3 b - 2024-01-01 36d97e6f 2024-01-01 2024-01-01 2024-01-03 -
         3 b now 2024-01-03 11540a04 2024-01-03 2024-01-03 - 9
         4 c n 2024-01-02 c4b15436 2024-01-02 2024-01-02 - -",
    )
    .await;
}

#[tokio::test]
async fn the_check_strategy_with_records_of_deletions() {
    check_snapshot(
        spec(&["id"], None, &["v"], "new_record"),
        "1 a x 2024-01-01_10:00:00 * clock_1 clock_1 clock_2 False -
         1 a x2 2024-01-02_10:00:00 * clock_2 clock_2 - False -
         2 a y 2024-01-01 * clock_1 clock_1 clock_2 False -
         2 a y 2024-01-01 * clock_2 clock_2 clock_3 True -
         2 a y 2024-01-03 * clock_3 clock_3 - False -
         3 b - 2024-01-01 * clock_1 clock_1 clock_3 False -
         3 b now 2024-01-03 * clock_3 clock_3 - False 9
         4 c n 2024-01-02 * clock_2 clock_2 - False -",
    )
    .await;
}

#[tokio::test]
async fn the_check_strategy_of_all_columns_when_one_is_added() {
    check_snapshot(
        spec(&["id"], None, &["id", "k", "v", "ts", "extra"], "invalidate"),
        "1 a x 2024-01-01_10:00:00 * clock_1 clock_1 clock_2 -
         1 a x2 2024-01-02_10:00:00 * clock_2 clock_2 clock_3 -
         1 a x2 2024-01-02_10:00:00 * clock_3 clock_3 - 7
         2 a y 2024-01-01 * clock_1 clock_1 clock_2 -
         2 a y 2024-01-03 * clock_3 clock_3 - -
         3 b - 2024-01-01 * clock_1 clock_1 clock_3 -
         3 b now 2024-01-03 * clock_3 clock_3 - 9
         4 c n 2024-01-02 * clock_2 clock_2 clock_3 -
         4 c n 2024-01-02 * clock_3 clock_3 - 9",
    )
    .await;
}

#[tokio::test]
async fn the_check_strategy_with_a_time_of_its_own() {
    check_snapshot(
        until_the_end(spec(&["id", "k"], Some("ts"), &["v"], "new_record")),
        "1 a x 2024-01-01_10:00:00 b63ddae1 2024-01-01_10:00:00 2024-01-01_10:00:00 2024-01-02_10:00:00 False -
         1 a x2 2024-01-02_10:00:00 b74dc449 2024-01-02_10:00:00 2024-01-02_10:00:00 9999-12-31 False -
         2 a y 2024-01-01 * clock_1 clock_1 2024-01-03 True -
         2 a y 2024-01-01 15c47b5e 2024-01-01 2024-01-01 clock_1 False -
         2 a y 2024-01-03 bfce70cc 2024-01-03 2024-01-03 9999-12-31 False -
         3 b - 2024-01-01 f80fb439 2024-01-01 2024-01-01 2024-01-03 False -
         3 b now 2024-01-03 252d76c6 2024-01-03 2024-01-03 9999-12-31 False 9
         4 c n 2024-01-02 0bf27f4f 2024-01-02 2024-01-02 9999-12-31 False -",
    )
    .await;
}
