//! The text of each intent's statements. What they do is tested on both engines in `tests/it/warehouse/dialect.rs`.

use std::fmt::Write;

use super::*;

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn column(name: &str, data_type: &str) -> Column {
    Column { name: name.to_owned(), data_type: data_type.to_owned() }
}

fn temporary(name: &str) -> Relation {
    let mut relation = Relation::new(None, "", name);
    relation.schema = None;
    relation
}

fn spec(check_cols: &[&str], hard_deletes: &str) -> SnapshotSpec {
    let meta = ["dbt_valid_from", "dbt_valid_to", "dbt_scd_id", "dbt_updated_at", "dbt_is_deleted"];
    SnapshotSpec {
        unique_key: strings(&["id"]),
        updated_at: check_cols.is_empty().then(|| "updated_at".to_owned()),
        check_cols: strings(check_cols),
        hard_deletes: hard_deletes.to_owned(),
        meta_columns: meta.map(str::to_owned),
        ..SnapshotSpec::default()
    }
}

/// Every intent's statements, one after the other.
fn all(dialect: &dyn Dialect) -> String {
    let (table, source) = (Relation::new(Some("db"), "s", "t"), temporary("t__dbt_tmp"));
    let columns = strings(&["id", "Name"]);
    let (key, keys, predicates) = (strings(&["id"]), strings(&["id", "lower(x)"]), strings(&["d > 1"]));
    let contract = ColumnSpec {
        name: "id".to_owned(),
        data_type: "int".to_owned(),
        quote: false,
        constraints: strings(&["not null"]),
    };
    let view = RelationKind::View;
    let one = |statement: String| vec![statement];
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("create schema", one(dialect.create_schema(Some("db"), "s"))),
        ("drop schema", one(dialect.drop_schema(None, "s"))),
        ("comment on a schema", dialect.comment_schema(Some("db"), "s", "ours")),
        ("schemas with a table", one(dialect.schemas_with_table(None, "marker"))),
        ("drop a table", one(dialect.drop_relation(&table, RelationKind::Table))),
        ("drop a materialized view", one(dialect.drop_relation(&table, RelationKind::MaterializedView))),
        ("drop an external table", one(dialect.drop_relation(&table, RelationKind::External))),
        ("rename a view", one(dialect.rename_relation(&table, "t__dbt_backup", view))),
        ("create table as", one(dialect.create_table_as(&table, "select 1 as id -- x", false))),
        ("create temporary table as", one(dialect.create_table_as(&source, "select 1 as id", true))),
        ("create view as", one(dialect.create_view_as(&table, "select 1 as id"))),
        ("create table", one(dialect.create_table(&table, &[contract], &strings(&["primary key (id)"])))),
        ("truncate", one(dialect.truncate(&table))),
        ("insert values", one(dialect.insert_values(&table, &["id", "Name"], &[Some("it's \\ x"), None]))),
        ("append", one(dialect.append(&table, &source, &columns))),
        ("delete+insert", dialect.delete_insert(&table, &source, &key, &columns, &predicates)),
        ("delete+insert, two keys", dialect.delete_insert(&table, &source, &keys, &columns, &[])),
        ("delete+insert, no key", dialect.delete_insert(&table, &source, &[], &columns, &predicates)),
        ("merge", dialect.merge(&table, &source, &key, &columns, &columns, &predicates)),
        ("merge, no key and nothing to update", dialect.merge(&table, &source, &[], &columns, &[], &[])),
        ("alter columns", dialect.alter_columns(&table, &[column("New", "text")], &[column("old", "int")])),
        ("alter a type", dialect.alter_type(&table, &column("n", "bigint"))),
        ("comment on a view", dialect.comment(&table, view, "what it's for")),
        ("comment on a column", dialect.comment_column(&table, "Name", "")),
        ("grant", dialect.grant(&table, "select", &strings(&["public", "a-b"]))),
        ("test", one(dialect.test("select 1", "count(*)", "!= 0", "> 5", Some(10)))),
        ("limit", one(dialect.limit("select 1", 5))),
        ("select none", one(dialect.select_none("select 1"))),
        ("count", one(dialect.count(&table))),
        ("snapshot, first", one(dialect.snapshot_initial("select * from x", &spec(&[], "ignore")))),
        (
            "snapshot by time",
            dialect.snapshot_update(&table, "select * from x", &[column("id", "int")], &spec(&[], "ignore")),
        ),
        (
            "snapshot by check, with records of deletions",
            dialect.snapshot_update(&table, "select * from x", &[column("id", "int")], &spec(&["id"], "new_record")),
        ),
    ];
    let mut text = String::new();
    for (title, statements) in cases {
        writeln!(text, "-- {title}").unwrap();
        for statement in statements {
            writeln!(text, "{statement};").unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn duckdb_writes_these_statements() {
    insta::assert_snapshot!("duckdb", all(&DuckDb));
}

#[test]
fn postgres_writes_these_statements() {
    insta::assert_snapshot!("postgres", all(&Postgres));
}

#[test]
fn quotes_inside_names_and_texts_are_doubled() {
    for dialect in [&DuckDb as &dyn Dialect, &Postgres] {
        assert_eq!(dialect.quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(dialect.literal("it's"), "'it''s'");
    }
    assert_eq!(Postgres.literal("a\\'"), "E'a\\\\'''");
    assert_eq!(DuckDb.literal("a\\"), "'a\\'");
}
