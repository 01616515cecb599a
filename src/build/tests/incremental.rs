//! Incremental models: every strategy, twice, and changes of schema.

use serde_json::{Value as Json, json};

use super::World;

const FIRST: &str = "select * from (values (1, 'a'), (2, 'b')) t(id, v)";
const SECOND: &str = "select * from (values (2, 'c'), (3, 'd')) t(id, v) where {{ is_incremental() }}";

/// Builds twice, the second time with other rows; the rows then.
async fn twice(config: Json) -> String {
    let world = built(config, FIRST, SECOND).await;
    world.rows("from dev.m order by all").await
}

async fn built(mut config: Json, first: &str, second: &str) -> World {
    config["materialized"] = json!("incremental");
    let mut world = World::new().await;
    world.model("m", first, config);
    world.build().await;
    world.rewrite("m", second);
    world.build().await;
    assert_eq!(world.relations().await, "table m");
    world
}

// The expected rows are what dbt-core 1.11 with dbt-duckdb left for the same models.

#[tokio::test(flavor = "multi_thread")]
async fn the_default_is_to_append_and_with_a_key_to_replace() {
    assert_eq!(twice(json!({})).await, "1,a|2,b|2,c|3,d");
    assert_eq!(twice(json!({"unique_key": "id"})).await, "1,a|2,c|3,d");
    assert_eq!(twice(json!({"unique_key": ["id", "v"]})).await, "1,a|2,b|2,c|3,d");
    assert_eq!(twice(json!({"unique_key": "id+0"})).await, "1,a|2,c|3,d");
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_do_what_they_are_called() {
    for (strategy, expected) in
        [("append", "1,a|2,b|2,c|3,d"), ("delete+insert", "1,a|2,c|3,d"), ("merge", "1,a|2,c|3,d")]
    {
        let config = json!({"incremental_strategy": strategy, "unique_key": "id"});
        assert_eq!(twice(config).await, expected, "{strategy}");
        let without_key = json!({"incremental_strategy": strategy});
        assert_eq!(twice(without_key).await, "1,a|2,b|2,c|3,d", "{strategy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_set_the_wanted_columns_and_predicates_narrow() {
    let merge = |more: Json| {
        let mut config = json!({"incremental_strategy": "merge", "unique_key": "id"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    assert_eq!(twice(merge(json!({"merge_update_columns": ["v"]}))).await, "1,a|2,c|3,d");
    assert_eq!(twice(merge(json!({"merge_exclude_columns": ["V"]}))).await, "1,a|2,b|3,d");
    let narrowed = merge(json!({"incremental_predicates": ["DBT_INTERNAL_DEST.id > 2"]}));
    assert_eq!(twice(narrowed).await, "1,a|2,b|2,c|3,d");
    let deleted =
        json!({"incremental_strategy": "delete+insert", "unique_key": "id", "incremental_predicates": "id > 2"});
    assert_eq!(twice(deleted).await, "1,a|2,b|2,c|3,d");
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_changes_are_followed_as_configured() {
    let wider = "select id, 7 as extra, v from (values (1, 'a')) t(id, v)";
    let world = built(json!({}), FIRST, wider).await;
    assert_eq!(world.columns("m").await, "id INTEGER, v VARCHAR");
    let world = built(json!({"on_schema_change": "append_new_columns"}), FIRST, wider).await;
    assert_eq!(world.rows("from dev.m order by all").await, "1,a,7|1,a,NULL|2,b,NULL");
    let narrower = "select 3 as id";
    let world = built(json!({"on_schema_change": "sync_all_columns"}), FIRST, narrower).await;
    assert_eq!(world.rows("from dev.m order by all").await, "1|2|3");
    let retyped = "select 3000000000 as id, 'z' as v";
    let world = built(json!({"on_schema_change": "sync_all_columns"}), FIRST, retyped).await;
    assert_eq!(world.columns("m").await, "id BIGINT, v VARCHAR");

    let mut world = World::new().await;
    world.model("m", FIRST, json!({"materialized": "incremental", "on_schema_change": "fail"}));
    world.build().await;
    world.rewrite("m", wider);
    let message = world.failure("m").await;
    assert!(message.contains("added: extra INTEGER") && message.contains("--full-refresh"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_refresh_and_a_view_in_its_place_mean_a_new_table() {
    let mut world = World::new().await;
    world.model("m", FIRST, json!({"materialized": "view"}));
    world.build().await;
    world.manifest.nodes["model.shop.m"].config["materialized"] = json!("incremental");
    world.build().await;
    assert_eq!(world.relations().await, "table m");
    world.rewrite("m", "select 9 as other where not {{ is_incremental() }}");
    world.plan.full_refresh = true;
    world.build().await;
    assert_eq!(world.rows("from dev.m").await, "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_of_the_project_is_called_with_dbts_arguments() {
    let mut world = World::new().await;
    world.macros = "{% macro get_incremental_twice_sql(arg_dict) %}\
        insert into {{ arg_dict['target_relation'] }} ({{ arg_dict['dest_columns'] | map(attribute='name') | join(', ') }})\
        select id, v || v from {{ arg_dict['temp_relation'] }}{% endmacro %}"
        .to_owned();
    world.model("m", FIRST, json!({"materialized": "incremental", "incremental_strategy": "twice"}));
    world.build().await;
    world.rewrite("m", SECOND);
    world.build().await;
    assert_eq!(world.rows("from dev.m order by all").await, "1,a|2,b|2,cc|3,dd");
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_that_the_engine_lacks_are_refused() {
    for (strategy, word) in [("microbatch", "not supported yet"), ("insert_overwrite", "is not one that duckdb has")] {
        let mut world = World::new().await;
        world.model("m", FIRST, json!({"materialized": "incremental", "incremental_strategy": strategy}));
        assert!(world.failure("m").await.contains(word), "{strategy}");
    }
}
