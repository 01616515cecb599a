//! Order, skipping, failing fast, and cancellation.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{CancelSource, World};
use crate::model::NodeStatus;

fn statuses(outcome: &super::BuildOutcome) -> Vec<(String, NodeStatus)> {
    let mut found: Vec<_> = outcome.results.iter().map(|r| (r.unique_id.short().to_owned(), r.status)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_a_failure_is_skipped_and_the_rest_goes_on() {
    let mut world = World::new().await;
    world.model("a", "select nope", json!({"materialized": "table"}));
    world.model("b", "select * from {{ ref('a') }}", json!({"materialized": "table"}));
    world.model("c", "select * from {{ ref('b') }}", json!({"materialized": "view"}));
    world.model("z", "select 1 as id", json!({"materialized": "view"}));
    let outcome = world.try_build().await.unwrap();
    let expected =
        [("a", NodeStatus::Error), ("b", NodeStatus::Skipped), ("c", NodeStatus::Skipped), ("z", NodeStatus::Success)];
    assert_eq!(statuses(&outcome), expected.map(|(name, status)| (name.to_owned(), status)));
    let c = outcome.results.iter().find(|r| r.unique_id.short() == "c").unwrap();
    assert_eq!(c.message.as_deref(), Some("skipped because model.shop.a failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_test_blocks_what_comes_after_it_and_a_warning_does_not() {
    let mut world = World::new().await;
    world.model("a", "select 1 as id union all select 2", json!({"materialized": "table"}));
    world.test("t_pass", "select * from {{ ref('a') }} where id > 5", json!({}));
    world.test("t_warn", "select * from {{ ref('a') }}", json!({"severity": "warn", "warn_if": "> 1"}));
    world.test("t_fail", "select * from {{ ref('a') }}", json!({"severity": "ERROR", "limit": 1}));
    world.model("b", "select 1 as id", json!({"materialized": "table"}));
    world.model("c", "select 1 as id", json!({"materialized": "table"}));
    let after = |world: &mut World, id: &str, test: &str| {
        let step = world.plan.steps.iter_mut().find(|step| step.unique_id.as_str() == id).unwrap();
        step.after.push(test.into());
    };
    after(&mut world, "model.shop.b", "test.shop.t_warn");
    after(&mut world, "model.shop.c", "test.shop.t_fail");
    let outcome = world.try_build().await.unwrap();
    let of = |name: &str| outcome.results.iter().find(|r| r.unique_id.short() == name).unwrap();
    assert_eq!((of("t_pass").status, of("t_pass").failures), (NodeStatus::Pass, Some(0)));
    assert_eq!((of("t_warn").status, of("b").status), (NodeStatus::Warn, NodeStatus::Success));
    assert_eq!(of("t_warn").message.as_deref(), Some("Got 2 results, configured to warn if > 1"));
    assert_eq!((of("t_fail").status, of("c").status), (NodeStatus::Fail, NodeStatus::Skipped));
    assert_eq!(of("t_fail").message.as_deref(), Some("Got 1 result, configured to fail if != 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_rows_are_stored_where_the_plan_says() {
    let mut world = World::new().await;
    world.test("t", "select 7 as bad", json!({"store_failures": true}));
    world.plan.steps[0].relation = Some(crate::model::Relation::new(None, "dev_audit", "t"));
    for _ in 0..2 {
        let outcome = world.try_build().await.unwrap();
        assert_eq!(outcome.results[0].status, NodeStatus::Fail, "{:?}", outcome.results[0].message);
    }
    assert_eq!(world.rows("from dev_audit.t").await, "7");
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_fast_starts_nothing_more() {
    let mut world = World::new().await;
    (world.threads, world.fail_fast) = (1, true);
    world.model("a", "select nope", json!({"materialized": "table"}));
    world.model("b", "select 1 as id", json!({"materialized": "table"}));
    let outcome = world.try_build().await.unwrap();
    assert_eq!(outcome.results[1].status, NodeStatus::Skipped);
    assert_eq!(
        outcome.results[1].message.as_deref(),
        Some("skipped because model.shop.a failed and --fail-fast is set")
    );
    assert!(!outcome.cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_of_the_run_see_its_results() {
    let mut world = World::new().await;
    world.hook(0, false, "create table dev.log (x text); insert into dev.log values ('{{ execute }}')");
    world.hook(1, false, "{% if false %}select 1{% endif %}");
    world.hook(
        0,
        true,
        "{% for r in results %}insert into dev.log values ('{{ r.node.name }} {{ r.status }}');{% endfor %}",
    );
    world.hook(1, true, "insert into dev.log values ({{ \"'\" ~ schemas | join(' ') ~ \"'\" }})");
    world.model("a", "select 1 as id", json!({"materialized": "view"}));
    world.build().await;
    let rows = world.rows("from dev.log").await;
    assert_eq!(rows, "True|a success|dev");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_hook_skips_the_hooks_after_it_but_not_the_models() {
    let mut world = World::new().await;
    world.hook(0, false, "select nope");
    world.hook(1, false, "select 1");
    world.model("a", "select 1 as id", json!({"materialized": "view"}));
    let outcome = world.try_build().await.unwrap();
    let statuses: Vec<_> = outcome.results.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [NodeStatus::Error, NodeStatus::Skipped, NodeStatus::Success]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_what_runs_and_leaves_nothing_half_built() {
    let mut world = World::new().await;
    world.model("a", "select 1 as id", json!({"materialized": "table"}));
    world.build().await;
    world.rewrite("a", "select count(*) as id from range(100000000000) a(x) where x % 7 = 3");
    world.model("b", "select * from {{ ref('a') }}", json!({"materialized": "table"}));
    let (source, token) = CancelSource::new();
    world.cancel = token;
    let clock = Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        source.cancel();
    });
    let outcome = world.try_build().await.unwrap();
    assert!(clock.elapsed() < Duration::from_secs(9), "{:?}", clock.elapsed());
    assert!(outcome.cancelled);
    let statuses = statuses(&outcome);
    assert!(statuses.iter().all(|(_, status)| *status == NodeStatus::Cancelled), "{statuses:?}");
    world.warehouse.resume();
    assert_eq!(world.relations().await, "table a");
    assert_eq!(world.rows("from dev.a").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_observer_is_told_of_starts_and_ends_with_the_same_label() {
    let mut world = World::new().await;
    world.threads = 1;
    world.model("a", "select nope", json!({"materialized": "table"}));
    world.model("b", "select * from {{ ref('a') }}", json!({"materialized": "view"}));
    world.try_build().await.unwrap();
    let notes = world.notes.0.lock().unwrap().clone();
    assert_eq!(notes, ["start table model dev.a", "error table model dev.a", "skipped view model dev.b"]);
}
