//! Lineage against the database: what the queries are said to return is what the tables have.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::support::cli::Sandbox;

#[test]
fn the_columns_of_the_example_shop_are_those_that_duckdb_describes() {
    let mut sandbox = Sandbox::with_fixture("ecomm");
    let path = sandbox.join("shop.duckdb");
    duckdb::Connection::open(&path).unwrap().execute_batch(&sandbox.read("raw/generate.sql")).unwrap();
    sandbox.env("ECOMM_DUCKDB_PATH", &path.to_string_lossy());
    let said = sandbox.run(["build", "--target", "duckdb"]);
    assert_eq!(said.code, 0, "{said}");
    let connection = duckdb::Connection::open(&path).unwrap();
    let mut statement = connection
        .prepare(
            "select table_name, column_name from information_schema.columns \
             where table_schema like 'analytics%' order by table_schema, table_name, ordinal_position",
        )
        .unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        tables.entry(row.get(0).unwrap()).or_default().push(row.get(1).unwrap());
    }

    let said = sandbox.run(["lineage", "--target", "duckdb", "--output", "json"]);
    assert_eq!(said.code, 0, "{said}");
    let lineage: Json = serde_json::from_str(&said.stdout).unwrap();
    let mut compared = 0;
    for (id, node) in lineage["nodes"].as_object().unwrap() {
        if node.get("followed").is_none() {
            continue;
        }
        assert_eq!(node["followed"], "fully", "{id}: {}", node["lineage"]["gaps"]);
        let Some(table) = tables.get(node["name"].as_str().unwrap()) else { continue };
        let columns = node["lineage"]["columns"].as_array().unwrap();
        let names: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
        assert_eq!(names, *table, "{id}");
        compared += 1;
    }
    assert!(compared >= 18, "only {compared} of {} tables were compared", tables.len());

    let said = sandbox.run(["lineage", "stg_order_items.quantity", "--downstream", "--target", "duckdb"]);
    assert_eq!(said.code, 0, "{said}");
    insta::assert_snapshot!("downstream_of_a_column", said.stdout);
    let said = sandbox.run(["lineage", "daily_revenue", "--target", "duckdb"]);
    insta::assert_snapshot!("lineage_of_a_model", said.stdout);
    let said = sandbox.run(["lineage", "daily_revenue.nope", "--target", "duckdb"]);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.stderr.contains("has no column `nope`"), "{said}");
}
