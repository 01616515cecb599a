//! Snapshots over several runs, strategy by strategy.

use serde_json::{Value as Json, json};

use super::World;

const HISTORY: &str = "select id, v, dbt_valid_to is null as open from dev.s order by id, dbt_valid_from, v";

async fn world(config: Json, first: &str, second: &str) -> World {
    let mut world = World::new().await;
    world.snapshot("s", first, config);
    world.build().await;
    world.rewrite("s", second);
    world.build().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_rows_are_closed_and_opened_again() {
    let first =
        "select * from (values (1, 'a', timestamp '2024-01-01'), (2, 'b', timestamp '2024-01-01')) t(id, v, seen)";
    let second =
        "select * from (values (1, 'x', timestamp '2024-01-01'), (2, 'c', timestamp '2024-02-01')) t(id, v, seen)";
    let timestamp =
        world(json!({"strategy": "timestamp", "updated_at": "seen", "unique_key": "id"}), first, second).await;
    assert_eq!(timestamp.rows(HISTORY).await, "1,a,true|2,b,false|2,c,true");
    let check = world(json!({"strategy": "check", "check_cols": ["v"], "unique_key": ["id"]}), first, second).await;
    assert_eq!(check.rows(HISTORY).await, "1,a,false|1,x,true|2,b,false|2,c,true");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_rows_are_treated_as_configured() {
    let (first, second) = ("select * from (values (1, 'a'), (2, 'b')) t(id, v)", "select 1 as id, 'a' as v");
    let config =
        |mode: &str| json!({"strategy": "check", "check_cols": "all", "unique_key": "id", "hard_deletes": mode});
    assert_eq!(world(config("ignore"), first, second).await.rows(HISTORY).await, "1,a,true|2,b,true");
    assert_eq!(world(config("invalidate"), first, second).await.rows(HISTORY).await, "1,a,true|2,b,false");
    let recorded = world(config("new_record"), first, second).await;
    assert_eq!(recorded.rows("select id, dbt_is_deleted from dev.s order by all").await, "1,False|2,False|2,True");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_is_added_and_counts_as_a_change_of_every_row() {
    let config = json!({
        "strategy": "check",
        "check_cols": "all",
        "unique_key": "id",
        "snapshot_meta_column_names": {"dbt_valid_to": "until"},
        "dbt_valid_to_current": "timestamp '9999-12-31'",
    });
    let world = world(config, "select 1 as id", "select 1 as id, null::integer as n").await;
    assert_eq!(world.rows("select id, until = '9999-12-31' from dev.s order by all").await, "1,false|1,true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_no_snapshot_is_not_written_to() {
    let mut world = World::new().await;
    world.model("s", "select 1 as id", json!({"materialized": "table"}));
    world.build().await;
    world.plan.steps.clear();
    world.snapshot("s", "select 1 as id", json!({"strategy": "check", "check_cols": "all", "unique_key": "id"}));
    let message = world.failure("s").await;
    assert!(message.contains("is not a snapshot of this kind"), "{message}");
    assert_eq!(world.columns("s").await, "id INTEGER");
}
