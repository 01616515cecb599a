//! Compiled SQL as text: common table expressions of ephemeral parents.

use serde_json::json;

use super::World;

async fn compiled(world: &World, name: &str) -> String {
    world.build().await;
    std::fs::read_to_string(world.folder.path().join(format!("target/compiled/shop/models/{name}.sql"))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ephemeral_parents_are_put_in_once_each_after_those_they_need() {
    let mut world = World::new().await;
    world.model("e1", "\nselect 1 as id", json!({"materialized": "ephemeral"}));
    world.model(
        "e2",
        "with a as (select * from {{ ref('e1') }}) select * from a",
        json!({"materialized": "ephemeral"}),
    );
    world.model(
        "m",
        "-- hi\nselect * from {{ ref('e2') }} join {{ ref('e1') }} using (id)",
        json!({"materialized": "table"}),
    );
    // As dbt-core 1.11 compiled it.
    assert_eq!(
        compiled(&world, "m").await,
        "with __dbt__cte__e1 as (\n\nselect 1 as id\n),  __dbt__cte__e2 as (\n\
         with a as (select * from __dbt__cte__e1) select * from a\n) -- hi\n\
         select * from __dbt__cte__e2 join __dbt__cte__e1 using (id)"
    );
    assert_eq!(world.relations().await, "table m");
    assert_eq!(world.build().await.results.len(), 1, "ephemeral models have no result of their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_may_ask_the_database() {
    let mut world = World::new().await;
    world.model("a", "select 1 as x, 2 as y", json!({"materialized": "table"}));
    world.model(
        "b",
        "select {% for c in adapter.get_columns_in_relation(ref('a')) %}{{ c.name }} + {% endfor %}\
         {{ run_query('select sum(y) from ' ~ ref('a')).rows[0][0] }} as n",
        json!({"materialized": "table"}),
    );
    world.rewrite("b", &format!("{} from {{{{ ref('a') }}}}", world.manifest.nodes["model.shop.b"].raw_code));
    world.build().await;
    assert_eq!(world.rows("from dev.b").await, "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_parsing_could_not_see_is_refused_with_advice() {
    let mut world = World::new().await;
    world.model("a", "select 1 as x", json!({"materialized": "table"}));
    world.model("b", "select * from {{ ref('a') }}", json!({"materialized": "table"})).depends_on.nodes.clear();
    let message = world.failure("b").await;
    assert!(message.contains("-- depends_on: {{ ref('a') }}"), "{message}");
    world.rewrite("b", "select * from {{ ref('nowhere') }}");
    let message = world.failure("b").await;
    assert!(message.contains("ref('nowhere')") && message.contains("models/b.sql"), "{message}");
}
