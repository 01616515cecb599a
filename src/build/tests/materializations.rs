//! Views, tables, seeds and contracts, and relations that change their kind.

use serde_json::json;

use super::World;
use crate::model::ColumnInfo;

#[tokio::test(flavor = "multi_thread")]
async fn views_and_tables_are_built_and_replace_each_other() {
    let mut world = World::new().await;
    world.model("a", "select 1 as id", json!({"materialized": "view"}));
    world.model("b", "select id + 1 as id from {{ ref('a') }}", json!({"materialized": "table"}));
    world.build().await;
    assert_eq!(world.relations().await, "view a, table b");
    assert_eq!(world.rows("from dev.b").await, "2");

    world.manifest.nodes["model.shop.a"].config["materialized"] = json!("table");
    world.manifest.nodes["model.shop.b"].config["materialized"] = json!("view");
    world.rewrite("a", "select 5 as id, 6 as other");
    world.build().await;
    assert_eq!(world.relations().await, "table a, view b");
    assert_eq!(world.rows("from dev.b").await, "6");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_may_read_the_table_that_it_replaces() {
    let mut world = World::new().await;
    world.model("t", "select 1 as n", json!({"materialized": "table"}));
    world.build().await;
    world.rewrite("t", "select max(n) + 1 as n from {{ this }}");
    world.build().await;
    assert_eq!(world.rows("from dev.t").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_rebuild_leaves_the_old_relation_and_nothing_half_built() {
    let mut world = World::new().await;
    world.model("t", "select 1 as n", json!({"materialized": "table"}));
    world.model("v", "select 1 as n", json!({"materialized": "view"}));
    world.build().await;
    world.rewrite("t", "select 1 as n\n\nunion all select error('boom')::integer");
    world.rewrite("v", "select nope");
    assert!(world.failure("t").await.contains("boom"));
    let message = world.failure("v").await;
    assert!(
        message.contains("nope") && message.contains("compiled code at target/compiled/shop/models/v.sql"),
        "{message}"
    );
    assert_eq!(world.relations().await, "table t, view v");
    assert_eq!(world.rows("from dev.t union all from dev.v").await, "1|1");
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_see_their_relation_inside_the_transaction_and_empty_ones_are_left_out() {
    let mut world = World::new().await;
    let config = json!({
        "materialized": "table",
        "pre-hook": [{"sql": "create table if not exists dev.log (x text)", "transaction": false}, "{{ '' }}"],
        "post-hook": [
            "insert into dev.log select '{{ this.name }} has ' || count(*) from {{ this }}; select 1;",
            "insert into dev.log values ('{{ run_query('select 40 + max(n) from ' ~ this).rows[0][0] }}')"
        ],
    });
    world.model("t", "select 2 as n", config);
    world.build().await;
    assert_eq!(world.rows("from dev.log").await, "t has 1|42");
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_get_the_types_of_dbt_and_are_reloaded() {
    let mut world = World::new().await;
    world.seed(
        "s",
        "id,amount,day,at,ok,note\n1,1.5,2024-01-05,2024-01-05 10:00:00,true,\"a, b\"\n2,,,,FALSE,null\n\n",
        json!({}),
    );
    world.seed("d", "zip;n\n01234;7\n", json!({"delimiter": ";", "column_types": {"zip": "varchar(5)"}}));
    world.build().await;
    let columns = "id INTEGER, amount DOUBLE, day DATE, at TIMESTAMP, ok BOOLEAN, note VARCHAR";
    assert_eq!(world.columns("s").await, columns);
    assert_eq!(world.columns("d").await, "zip VARCHAR, n INTEGER");
    world.build().await;
    assert_eq!(
        world.rows("from dev.s").await,
        "1,1.5,2024-01-05,2024-01-05 10:00:00,true,a, b|2,NULL,NULL,NULL,false,null"
    );
    assert_eq!(world.rows("from dev.d").await, "01234,7");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enforced_contract_orders_types_and_constrains_columns() {
    let mut world = World::new().await;
    let node = world.model("t", "select 1::smallint::integer as a, 'x' as b", json!({"materialized": "table"}));
    contract(node, &[("b", "varchar"), ("a", "int")]);
    node.columns["a"].constraints =
        vec![json!({"type": "primary_key"}), json!({"type": "check", "expression": "a > 0"})];
    world.build().await;
    world.build().await;
    assert_eq!(world.columns("t").await, "b VARCHAR, a INTEGER");
    assert_eq!(world.rows("from dev.t").await, "x,1");
    world.rewrite("t", "select 0 as a, 'x' as b");
    assert!(world.failure("t").await.to_lowercase().contains("check"));
    assert_eq!(world.relations().await, "table t");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_contract_is_told_column_by_column() {
    let mut world = World::new().await;
    let node = world.model("v", "select 1 as a, current_date as b", json!({"materialized": "view"}));
    contract(node, &[("a", "bigint"), ("c", "text")]);
    let message = world.failure("v").await;
    for line in [
        "| a      | INTEGER       | BIGINT           | data type mismatch  |",
        "| b      | DATE          |                  | missing in contract |",
        "| c      |               | VARCHAR          | missing in query    |",
    ] {
        assert!(message.contains(line), "{message}");
    }
    assert_eq!(world.relations().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_supported_says_so_and_names_it() {
    let mut world = World::new().await;
    world.macros = "{% materialization mine, default %}{% endmaterialization %}".to_owned();
    world.model("custom", "select 1", json!({"materialized": "mine"}));
    world.model("unknown", "select 1", json!({"materialized": "tabel"}));
    world.model("py", "def model(dbt, session): pass", json!({"materialized": "table"})).language = "python".to_owned();
    let message = world.failure("custom").await;
    assert!(
        message.contains("custom materializations are not supported yet: model.shop.custom uses mine"),
        "{message}"
    );
    assert!(world.failure("unknown").await.contains("materialized: tabel, which nothing defines"));
    assert!(world.failure("py").await.contains("Python models are not supported"));
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_written_for_what_exists() {
    let mut world = World::new().await;
    let node = world.model(
        "t",
        "select 1 as id",
        json!({"materialized": "table", "persist_docs": {"relation": true, "columns": true}}),
    );
    node.description = "it's a table".to_owned();
    for name in ["id", "gone"] {
        let info = ColumnInfo { name: name.to_owned(), description: format!("about {name}"), ..ColumnInfo::default() };
        node.columns.insert(name.to_owned(), info);
    }
    world.build().await;
    assert_eq!(world.rows("select comment from duckdb_tables() where table_name = 't'").await, "it's a table");
    assert_eq!(world.rows("select comment from duckdb_columns() where table_name = 't'").await, "about id");
}

fn contract(node: &mut crate::model::Node, columns: &[(&str, &str)]) {
    let crate::model::Detail::Model(detail) = &mut node.detail else { panic!("a model has a contract") };
    detail.contract_enforced = true;
    for (name, data_type) in columns {
        let info =
            ColumnInfo { name: (*name).to_owned(), data_type: Some((*data_type).to_owned()), ..ColumnInfo::default() };
        node.columns.insert((*name).to_owned(), info);
    }
}
