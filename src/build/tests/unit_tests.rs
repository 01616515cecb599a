//! Unit tests: fixtures in place of inputs.

use serde_json::{Value as Json, json};

use super::{World, node};
use crate::model::{Detail, NodeId, NodeStatus, ResourceType};
use crate::plan::{Action, Step};

/// A model that adds a column of a variable and a macro to what it reads, with one unit test of it.
async fn world(entry: Json) -> World {
    let mut world = World::new().await;
    world.macros = "{% macro bonus() %}1{% endmacro %}".to_owned();
    world.model("base", "select 1 as id, 1.5::decimal(9, 2) as n", json!({"materialized": "table"}));
    let sql = "select id, n * 2 as twice, {{ bonus() }} + {{ var('more', 1) }} as more from {{ ref('base') }}";
    world.model("m", sql, json!({"materialized": "view"}));
    let mut test = node(ResourceType::UnitTest, "t", "", json!({}));
    let Json::Object(entry) = entry else { panic!("an entry is a map") };
    (test.detail, test.relation) = (Detail::Other(entry), None);
    test.depends_on.nodes = vec![NodeId::from("model.shop.m")];
    let after = vec![NodeId::from("model.shop.base")];
    world.plan.steps.push(Step { unique_id: test.unique_id.clone(), action: Action::Test, relation: None, after });
    world.manifest.nodes.insert(test.unique_id.clone(), test);
    world
}

fn entry(given: &Json, expect: &Json) -> Json {
    let given = json!([{"input": "ref('base')", "rows": given, "format": "dict"}]);
    json!({"model": "m", "given": given, "expect": {"rows": expect}})
}

async fn result(entry: Json) -> (NodeStatus, String) {
    let outcome = world(entry).await.try_build().await.unwrap();
    let result = outcome.results.into_iter().find(|result| result.unique_id.short() == "t").unwrap();
    (result.status, result.message.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_run_on_the_given_rows_whatever_their_order() {
    let given = json!([{"id": 1, "n": 2}, {"id": 2}]);
    let expect = json!([{"id": 2, "twice": null}, {"id": 1, "twice": 4.0}]);
    assert_eq!(result(entry(&given, &expect)).await, (NodeStatus::Pass, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_differ_are_shown() {
    let (status, message) = result(entry(&json!([{"id": 1}]), &json!([{"id": 1}, {"id": 7}]))).await;
    assert_eq!(status, NodeStatus::Fail);
    assert!(message.contains("| expected | 7  |"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn macros_and_variables_are_overridden() {
    let mut whole = entry(&json!([{"id": 1}]), &json!([{"more": 30}]));
    whole["overrides"] = json!({"macros": {"bonus": 10}, "vars": {"more": 20}, "env_vars": {}});
    assert_eq!(result(whole).await, (NodeStatus::Pass, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_given_or_not_known_is_named() {
    let mut whole = entry(&json!([]), &json!([{"id": 1}]));
    whole["given"] = json!([]);
    assert!(result(whole).await.1.contains("gives no rows for model.shop.base"));
    let unknown = entry(&json!([{"nope": 1}]), &json!([]));
    assert!(result(unknown).await.1.contains("ref('base') has no column nope; it has id, n"));
    let other = json!({"model": "m", "given": [{"input": "ref('nobody')", "rows": []}], "expect": {"rows": []}});
    assert!(result(other).await.1.contains("ref('nobody') names nothing"));
}
