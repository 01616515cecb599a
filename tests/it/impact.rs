//! What changes break and what they reach: a small shop, every kind of edit, and everything that can lie below.

use serde_json::{Value as Json, json};

use crate::support::cli::Sandbox;
use crate::support::git;

const SHOP: &[(&str, &str)] = &[
    (".gitignore", "target/\n*.duckdb*\n"),
    ("dbt_project.yml", "name: shop\nversion: '1'\nprofile: shop\nseeds: {shop: {+delimiter: ','}}\n"),
    ("profiles.yml", "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: main}}}\n"),
    ("seeds/countries.csv", "code,name,continent\nde,Germany,Europe\n"),
    (
        "models/staging.yml",
        "sources: [{name: app, tables: [{name: orders}, {name: customers}]}]\n\
         groups: [{name: finance, owner: {name: Finance, email: finance@shop.example}}]\n",
    ),
    (
        "models/stg_orders.sql",
        "select id, customer_id, amount, discount, status, cast(ordered_at as date) as day from {{ source('app', 'orders') }}\n",
    ),
    ("models/stg_customers.sql", "select id, name, country from {{ source('app', 'customers') }}\n"),
    (
        "models/net.sql",
        "{{ config(materialized='ephemeral') }}\nselect id, amount - discount as net from {{ ref('stg_orders') }}\n",
    ),
    ("models/everything.sql", "select * from {{ ref('stg_orders') }}\n"),
    (
        "models/revenue.sql",
        "{{ config(group='finance') }}\nselect day, sum(amount) as revenue, count(*) as orders from {{ ref('stg_orders') }} group by day\n",
    ),
    ("models/statuses.sql", "select distinct status from {{ ref('stg_orders') }}\n"),
    ("models/margins.sql", "select id, net from {{ ref('net') }}\n"),
    (
        "models/people.sql",
        "select c.id, c.name, o.status from {{ ref('stg_customers') }} as c left join {{ ref('stg_orders') }} as o on o.customer_id = c.id\n",
    ),
    (
        "models/python_scores.py",
        "def model(dbt, session):\n    dbt.config(materialized='table')\n    return dbt.ref('stg_orders')\n",
    ),
    ("models/regions.sql", "select code, continent from {{ ref('countries') }}\n"),
    (
        "models/days.yml",
        "models:\n  - name: days\n    time_spine: {standard_granularity_column: day}\n    columns: [{name: day, granularity: day}]\n",
    ),
    ("models/days.sql", "select cast('2024-01-01' as date) as day\n"),
    (
        "models/schema.yml",
        "models:\n\
         - {name: revenue, columns: [{name: revenue, tests: [not_null]}, {name: day, tests: [unique]}]}\n\
         - {name: statuses, columns: [{name: status, tests: [unique]}]}\n\
         exposures:\n\
         - {name: board, type: dashboard, owner: {name: Board, email: board@shop.example}, depends_on: [ref('revenue')]}\n\
         - {name: labels, type: application, owner: {name: Ops}, depends_on: [ref('statuses')]}\n\
         semantic_models:\n\
         - name: orders\n  model: ref('everything')\n  defaults: {agg_time_dimension: ordered}\n\
         \x20 entities: [{name: order, type: primary, expr: id}]\n\
         \x20 dimensions: [{name: ordered, type: time, expr: day, type_params: {time_granularity: day}}, {name: state, type: categorical, expr: status}]\n\
         \x20 measures: [{name: total, agg: sum, expr: amount}, {name: how_many, agg: count, expr: id}]\n\
         metrics:\n\
         - {name: turnover, label: Turnover, type: simple, type_params: {measure: total}}\n\
         - {name: volume, label: Volume, type: simple, type_params: {measure: how_many}}\n\
         saved_queries:\n\
         - {name: weekly, query_params: {metrics: [turnover], group_by: [\"TimeDimension('order__ordered', 'week')\"]}}\n",
    ),
    ("tests/positive.sql", "select day from {{ ref('revenue') }} where revenue < 0\n"),
];

fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, text) in SHOP {
        sandbox.write(path, text);
    }
    git(&sandbox, &["init", "--quiet", "--initial-branch=main"]);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "--quiet", "--message=production"]);
    git(&sandbox, &["switch", "--quiet", "--create=feature"]);
    sandbox
}

fn impact(sandbox: &Sandbox, more: &[&str]) -> Json {
    let said = sandbox.ok(["state", "--quiet", "--output", "json"].iter().chain(more));
    let mut told: Json = serde_json::from_str(&said.stdout).unwrap();
    told["impact"].take()
}

fn class(impact: &Json, name: &str) -> (String, String) {
    let change = impact["changes"].as_array().unwrap().iter().find(|change| change["name"] == name);
    let change = change.unwrap_or_else(|| panic!("no change of {name} in {}", impact["changes"]));
    (change["class"].as_str().unwrap().to_owned(), change["summary"].as_str().unwrap().to_owned())
}

/// `touch` of a reached node, and what it reads as `node.column`, `node` for rows.
fn reached(impact: &Json, id: &str) -> (String, Vec<String>) {
    let node =
        impact["reached"].as_array().unwrap().iter().find(|node| node["unique_id"].as_str().unwrap().starts_with(id));
    let node = node.unwrap_or_else(|| panic!("{id} is not reached"));
    let place = |read: &Json| {
        let name = read["node"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
        read["column"].as_str().map_or_else(|| name.clone(), |column| format!("{name}.{column}"))
    };
    (node["touch"].as_str().unwrap().to_owned(), node["reads"].as_array().unwrap().iter().map(place).collect())
}

fn yes(reads: &[&str]) -> (String, Vec<String>) {
    ("reads".to_owned(), reads.iter().map(|read| (*read).to_owned()).collect())
}

fn no() -> (String, Vec<String>) {
    ("untouched".to_owned(), Vec::new())
}

#[test]
fn a_removed_column_is_followed_to_all_that_still_reads_it_and_to_nothing_else() {
    let shop = shop();
    shop.write(
        "models/stg_orders.sql",
        "select id, customer_id, discount, status, cast(ordered_at as date) as day from {{ source('app', 'orders') }}\n",
    );
    let impact = impact(&shop, &[]);
    assert_eq!(class(&impact, "stg_orders"), ("breaking".to_owned(), "removed: amount".to_owned()));
    assert_eq!(reached(&impact, "model.shop.revenue"), yes(&["stg_orders.amount"]));
    assert_eq!(reached(&impact, "model.shop.everything"), yes(&["stg_orders.amount"]), "through `select *`");
    assert_eq!(reached(&impact, "model.shop.margins"), yes(&["net.net"]), "through an ephemeral model");
    assert_eq!(reached(&impact, "model.shop.statuses"), no());
    assert_eq!(reached(&impact, "model.shop.people"), no());
    assert_eq!(reached(&impact, "model.shop.python_scores").0, "unknown");
    assert_eq!(reached(&impact, "exposure.shop.board"), yes(&["revenue.revenue"]));
    assert_eq!(reached(&impact, "exposure.shop.labels"), no());
    assert_eq!(reached(&impact, "test.shop.not_null_revenue_revenue"), yes(&["revenue.revenue"]));
    assert_eq!(reached(&impact, "test.shop.unique_revenue_day"), no());
    assert_eq!(reached(&impact, "test.shop.positive"), yes(&["revenue.revenue"]), "a query of its own");
    assert_eq!(reached(&impact, "metric.shop.turnover"), yes(&["orders.total"]));
    assert_eq!(reached(&impact, "metric.shop.volume"), no());
    assert_eq!(reached(&impact, "saved_query.shop.weekly"), yes(&["turnover"]));
    let owners = impact["owners"].as_array().unwrap();
    let touched = |name: &str| owners.iter().find(|owner| owner["owner"]["name"] == name).unwrap()["touched"].clone();
    assert_eq!((touched("Finance"), touched("Board"), touched("Ops")), (json!(1), json!(1), json!(0)));
    assert_eq!(impact["groups"][0]["name"], "finance");
    assert_eq!(impact["graph"]["nodes"][0], json!({"unique_id": "model.shop.stg_orders", "distance": 0}));
    let commit = regex::Regex::new("main at [0-9a-f]{7}").unwrap();
    let said = |more: &[&str]| {
        let said = shop.ok(["state", "--quiet"].iter().chain(more)).stdout;
        commit.replace(&said, "main at 1a2b3c4").into_owned()
    };
    insta::assert_snapshot!("removed_column", said(&[]));
    insta::assert_snapshot!("removed_column_markdown", said(&["--output", "markdown"]));
}

#[test]
fn each_kind_of_edit_has_its_class_and_its_evidence() {
    let shop = shop();
    let edited = |sql: &str| {
        shop.write("models/stg_orders.sql", sql);
        class(&impact(&shop, &[]), "stg_orders")
    };
    let is = |class: &str, said: &str| (class.to_owned(), said.to_owned());
    let all = "select id, customer_id, amount, discount, status, cast(ordered_at as date) as day";
    let from = "from {{ source('app', 'orders') }}";
    assert_eq!(edited(&format!("-- orders\n{all} {from}")), is("neutral", "the same query"));
    assert_eq!(edited(&format!("{all}, channel {from}")), is("additive", "added: channel"));
    assert_eq!(
        edited(&format!("{all} {from} where status <> 'test'")),
        is("breaking", "filter added: status <> 'test'")
    );
    assert_eq!(
        edited(&format!("{} {from}", all.replace("amount,", "amount as gross,"))),
        is("breaking", "renamed: amount → gross")
    );
    assert_eq!(
        edited(&format!("{} {from}", all.replace("amount,", "amount / 100 as amount,"))),
        is("changed_values", "computed differently: amount")
    );
    assert_eq!(
        edited(&format!("{} {from}", all.replace("as date", "as timestamp"))),
        is("breaking", "type changed: day")
    );
}

#[test]
fn other_rows_reach_all_that_is_below_and_a_new_column_only_who_takes_all() {
    let shop = shop();
    let all = "select id, customer_id, amount, discount, status, cast(ordered_at as date) as day";
    shop.write("models/stg_orders.sql", format!("{all} from {{{{ source('app', 'orders') }}}} where amount > 0"));
    let rows = impact(&shop, &[]);
    assert_eq!(reached(&rows, "model.shop.statuses"), yes(&["stg_orders"]));
    assert_eq!(reached(&rows, "exposure.shop.labels"), yes(&["statuses"]));
    assert_eq!(reached(&rows, "metric.shop.volume"), yes(&["orders"]));
    shop.write("models/stg_orders.sql", format!("{all}, channel from {{{{ source('app', 'orders') }}}}"));
    let more = impact(&shop, &[]);
    assert_eq!(reached(&more, "model.shop.everything"), yes(&["stg_orders.channel"]));
    assert_eq!(reached(&more, "model.shop.statuses"), no());
    assert_eq!(reached(&more, "metric.shop.turnover"), no());
}

#[test]
fn seeds_and_ephemeral_models_are_told_as_well() {
    let shop = shop();
    shop.write("seeds/countries.csv", "code,name\nde,Germany\n");
    shop.write(
        "models/net.sql",
        "{{ config(materialized='ephemeral') }}\nselect id, amount as net from {{ ref('stg_orders') }}\n",
    );
    let impact = impact(&shop, &[]);
    assert_eq!(
        class(&impact, "countries"),
        ("breaking".to_owned(), "removed: continent; seed data changed".to_owned())
    );
    assert_eq!(class(&impact, "net").1, "computed differently: net");
    assert_eq!(reached(&impact, "model.shop.margins"), yes(&["net.net"]));
    assert_eq!(reached(&impact, "model.shop.regions").1, ["countries", "countries.continent"]);
}

#[test]
fn a_manifest_without_compiled_code_is_not_guessed_from_and_one_with_it_is_used() {
    let shop = shop();
    shop.ok(["parse", "--quiet", "--target-path", "parsed"]);
    shop.ok(["compile", "--quiet", "--target-path", "compiled"]);
    shop.write(
        "models/stg_orders.sql",
        "select id, customer_id, discount, status, cast(ordered_at as date) as day from {{ source('app', 'orders') }}\n",
    );
    let parsed = impact(&shop, &["--state", "parsed"]);
    let (unknown, said) = class(&parsed, "stg_orders");
    assert_eq!(unknown, "unknown");
    assert!(said.contains("the baseline's manifest has no compiled code"), "{said}");
    assert_eq!(reached(&parsed, "exposure.shop.labels").0, "unknown");
    let compiled = impact(&shop, &["--state", "compiled"]);
    assert_eq!(class(&compiled, "stg_orders"), ("breaking".to_owned(), "removed: amount".to_owned()));
    assert_eq!(reached(&compiled, "exposure.shop.labels"), no());
}

#[test]
fn what_a_selector_leaves_out_is_not_followed() {
    let shop = shop();
    shop.write("models/stg_customers.sql", "select id, name from {{ source('app', 'customers') }}\n");
    shop.write("models/statuses.sql", "select status from {{ ref('stg_orders') }}\n");
    let whole = impact(&shop, &[]);
    assert_eq!(whole["changes"].as_array().unwrap().len(), 2);
    let some = impact(&shop, &["--select", "stg_customers"]);
    assert_eq!(some["changes"].as_array().unwrap().len(), 1);
    assert!(some["reached"].as_array().unwrap().iter().all(|node| node["unique_id"] != "exposure.shop.labels"));
}
