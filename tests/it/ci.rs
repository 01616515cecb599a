//! `slimdiff ci` on small projects, one concern each, with git as the baseline.

use serde_json::Value as Json;

use crate::support::cli::{Said, Sandbox};
use crate::support::{git, put_into_production};

/// A committed project with its production built.
fn production(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\nmodels:\n  +materialized: table\n");
    sandbox
        .write("profiles.yml", "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 2}}}\n");
    put_into_production(&sandbox, files);
    sandbox
}

fn report(sandbox: &Sandbox) -> Json {
    serde_json::from_str(&sandbox.read("target/report.json")).unwrap()
}

#[track_caller]
fn check(sandbox: &Sandbox, code: i32) -> (Said, Json) {
    let said = sandbox.run(["ci", "--pull-request", "7"]);
    assert_eq!(said.code, code, "{said}");
    let report = report(sandbox);
    (said, report)
}

fn model<'a>(report: &'a Json, name: &str) -> &'a Json {
    let id = format!("model.shop.{name}");
    let models = report["models"].as_array().unwrap();
    models.iter().find(|model| model["unique_id"] == id.as_str()).unwrap_or_else(|| panic!("no {id} in {report:#}"))
}

fn count(sandbox: &Sandbox, sql: &str) -> i64 {
    let connection = duckdb::Connection::open(sandbox.join("shop.duckdb")).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

const TESTED: &str =
    "models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [unique, not_null]\n";

#[test]
fn rows_are_paired_by_a_key_that_the_data_confirms() {
    let sandbox = production(&[
        ("models/orders.sql", "select id, id * 10 as amount from range(1, 6) t(id)"),
        ("models/schema.yml", TESTED),
    ]);
    sandbox.write(
        "models/orders.sql",
        "select id, case id when 2 then 99 else id * 10 end as amount from range(2, 8) t(id)",
    );
    let (_, report) = check(&sandbox, 0);
    let rows = &model(&report, "orders")["diff"]["rows"];
    assert_eq!(
        (&rows["added"], &rows["removed"], &rows["changed"], &rows["unchanged"]),
        (&2.into(), &1.into(), &1.into(), &3.into())
    );
    assert_eq!(model(&report, "orders")["diff"]["method"]["method"], "keyed");
    let comment = sandbox.read("target/report.md");
    assert!(comment.contains("```diff") && comment.contains("+select id, case id when 2"), "{comment}");
}

#[test]
fn without_a_key_whole_rows_are_counted_with_their_multiplicity() {
    let sandbox = production(&[("models/orders.sql", "select * from (values (1, 'a'), (1, 'a'), (2, null)) t(a, b)")]);
    sandbox.write("models/orders.sql", "select * from (values (1, 'a'), (2, null), (2, 'b')) t(a, b)");
    let (_, report) = check(&sandbox, 0);
    let diff = &model(&report, "orders")["diff"];
    assert_eq!((&diff["rows"]["added"], &diff["rows"]["removed"]), (&1.into(), &1.into()));
    assert_eq!(diff["method"]["method"], "multiset");
}

#[test]
fn what_lies_below_a_failed_test_is_skipped_unless_the_policy_says_build() {
    let sandbox = production(&[
        ("models/orders.sql", "select 1 as id"),
        ("models/totals.sql", "select count(*) as orders from {{ ref('orders') }}"),
        ("models/schema.yml", TESTED),
    ]);
    sandbox.write("models/orders.sql", "select 1 as id union all select 1");
    let (said, report) = check(&sandbox, 1);
    assert_eq!(model(&report, "totals")["build"]["status"], "skipped", "{said}");
    assert!(said.stdout.contains("unique_orders_id"), "{said}");
    sandbox.write("slimdiff.yml", "policy:\n  build_below_failed_tests: true\n");
    let (_, report) = check(&sandbox, 1);
    assert_eq!(model(&report, "totals")["diff"]["rows"]["total"]["current"], 1);
}

#[test]
fn a_model_that_the_database_refuses_skips_its_descendants_and_is_a_finding() {
    let sandbox = production(&[
        ("models/orders.sql", "select 1 as id"),
        ("models/totals.sql", "select count(*) as orders from {{ ref('orders') }}"),
    ]);
    sandbox.write("models/orders.sql", "select nothing_like_it");
    let (said, report) = check(&sandbox, 1);
    assert_eq!(model(&report, "totals")["build"]["status"], "skipped");
    assert!(said.stdout.contains("nothing_like_it"), "{said}");
}

#[test]
fn unselected_parents_are_read_from_production_and_nothing_is_written_there() {
    let sandbox = production(&[
        ("models/raw.sql", "select 7 as id"),
        ("models/between.sql", "{{ config(materialized='ephemeral') }} select id + 1 as id from {{ ref('raw') }}"),
        ("models/orders.sql", "select id from {{ ref('between') }}"),
    ]);
    sandbox.write("models/orders.sql", "select id, 'new' as word from {{ ref('between') }}");
    let before = count(&sandbox, "select count(*) from information_schema.tables where table_schema = 'main'");
    check(&sandbox, 0);
    assert_eq!(count(&sandbox, "select id from pr_7.orders"), 8);
    assert_eq!(
        count(
            &sandbox,
            "select count(*) from information_schema.tables where table_schema = 'pr_7' and table_name in ('raw', 'between')"
        ),
        0
    );
    assert_eq!(count(&sandbox, "select count(*) from information_schema.tables where table_schema = 'main'"), before);
}

#[test]
fn one_alias_in_two_schemas_does_not_collide_in_the_one_throw_away_schema() {
    let sandbox = production(&[
        ("models/a.sql", "{{ config(schema='north', alias='orders') }} select 1 as id"),
        ("models/b.sql", "{{ config(schema='south', alias='orders') }} select 2 as id"),
    ]);
    sandbox.write("models/a.sql", "{{ config(schema='north', alias='orders') }} select 1 as id, 'n' as side");
    sandbox.write("models/b.sql", "{{ config(schema='south', alias='orders') }} select 2 as id, 's' as side");
    check(&sandbox, 0);
    assert_eq!(count(&sandbox, "select id from pr_7.main_north__orders"), 1);
    assert_eq!(count(&sandbox, "select id from pr_7.main_south__orders"), 2);
}

#[test]
fn hooks_that_write_to_the_targets_schema_write_to_the_throw_away_schema() {
    let sandbox = production(&[("models/orders.sql", "select 1 as id")]);
    sandbox.write(
        "dbt_project.yml",
        "name: shop\nversion: '1.0'\nprofile: shop\nmodels:\n  +materialized: table\n\
         on-run-end: [\"create or replace table {{ target.schema }}.audit as select 1 as runs\"]\n",
    );
    sandbox.write("models/orders.sql", "select 2 as id");
    check(&sandbox, 0);
    assert_eq!(
        count(
            &sandbox,
            "select count(*) from information_schema.tables where table_schema = 'main' and table_name = 'audit'"
        ),
        0
    );
    assert_eq!(count(&sandbox, "select runs from pr_7.audit"), 1);
}

#[test]
fn a_schema_without_our_marker_is_neither_used_nor_dropped() {
    let sandbox = production(&[("models/orders.sql", "select 1 as id")]);
    duckdb::Connection::open(sandbox.join("shop.duckdb"))
        .unwrap()
        .execute_batch("create schema pr_7; create table pr_7.precious as select 42 as answer")
        .unwrap();
    sandbox.write("models/orders.sql", "select 2 as id");
    let said = sandbox.run(["ci", "--pull-request", "7"]);
    assert_eq!(said.code, 5, "{said}");
    assert_eq!(count(&sandbox, "select answer from pr_7.precious"), 42);
    let said = sandbox.run(["ci", "--schema", "main"]);
    assert_eq!(said.code, 2, "the target's own schema is refused: {said}");
}

#[test]
fn masked_columns_show_no_values_and_the_schema_can_be_dropped_at_the_end() {
    let sandbox = production(&[
        ("models/orders.sql", "select 1 as id, 'ann' || chr(64) || 'shop' as email, 10 as amount"),
        ("models/schema.yml", TESTED),
        ("slimdiff.yml", "policy:\n  mask: [email]\n"),
    ]);
    sandbox.write("models/orders.sql", "select 1 as id, 'bob' || chr(64) || 'shop' as email, 11 as amount");
    let said = sandbox.run(["ci", "--pull-request", "7", "--drop"]);
    assert_eq!(said.code, 0, "{said}");
    for text in [&said.stdout, &sandbox.read("target/report.md"), &sandbox.read("target/report.json")] {
        assert!(!text.contains("ann@shop") && !text.contains("bob@shop"), "{text}");
    }
    assert_eq!(count(&sandbox, "select count(*) from information_schema.schemata where schema_name = 'pr_7'"), 0);
}

/// All that a run says and leaves behind for others to read.
fn published(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let said = sandbox.run(arguments);
    [said.stdout, said.stderr, sandbox.read("target/report.md"), sandbox.read("target/report.json")].join("\n")
}

#[test]
fn no_value_of_a_row_is_published_unless_the_policy_names_its_column() {
    let rows = |amount: &str| {
        format!("select n + 71700 as id, 'ann' || chr(64) || n as email, {amount} as amount from range(20) as g(n)")
    };
    let sandbox = production(&[("models/orders.sql", &rows("n * 10 + 51"))]);
    sandbox.write("models/orders.sql", rows("n * 10 + case when n = 3 then 90123 else 51 end"));
    sandbox.write("models/schema.yml", TESTED);
    let check = ["ci", "--pull-request", "7"];
    let text = published(&sandbox, &check);
    for value in ["71703", "71719", "ann@", "90153", "90072"] {
        assert!(!text.contains(value), "{value} is published:\n{text}");
    }
    assert!(text.contains("1 of 20 rows changed"), "{text}");
    sandbox.write("slimdiff.yml", "policy:\n  show_values: [id, email]\n  mask: [email]\n");
    let text = published(&sandbox, &check);
    assert!(text.contains("71703") && !text.contains("ann@") && !text.contains("90153"), "{text}");
    sandbox.write("slimdiff.yml", "policy:\n  show_values: all\n  min_count: 3\n");
    let text = published(&sandbox, &check);
    assert!(text.contains("90153") && text.contains("< 3 of 20 rows changed"), "{text}");
}

#[test]
fn a_message_of_the_database_is_published_without_the_value_it_quotes() {
    let sandbox = production(&[("models/orders.sql", "select 1 as id")]);
    sandbox.write("models/orders.sql", "select cast('top' || '-secret' || id as integer) as id from range(1) as g(id)");
    let check = ["ci", "--pull-request", "7"];
    let text = published(&sandbox, &check);
    assert!(text.contains("Conversion Error") && !text.contains("top-secret"), "{text}");
    sandbox.write("slimdiff.yml", "policy:\n  show_values: all\n");
    assert!(published(&sandbox, &check).contains("top-secret"));
}

#[test]
fn hidden_counts_are_told_nowhere() {
    let rows = |from: u32, to: u32, amount: &str| {
        format!("select id, id * 2 as double, {amount} as amount from range({from}, {to}) as g(id)")
    };
    let sandbox = production(&[("models/orders.sql", &rows(0, 1000, "id")), ("models/schema.yml", TESTED)]);
    // 2 rows are gone, 3 new, 2 changed; 2 are not unique.
    let edited = rows(2, 1003, "case when id < 4 then null else id end");
    sandbox.write("models/orders.sql", format!("{edited} union all select 500, 1000, 500"));
    sandbox.write("slimdiff.yml", "policy:\n  min_count: 5\n  show_values: all\n");
    let said = sandbox.run(["ci", "--pull-request", "7", "--log-format", "json"]);
    assert_eq!(said.code, 1, "{said}");
    let report = report(&sandbox);
    let diff = &model(&report, "orders")["diff"];
    let rows = &diff["rows"];
    let counts = ["added", "removed", "changed"].map(|name| rows[name].as_u64().unwrap());
    assert_eq!((counts, &rows["total"]["baseline"]), ([4, 4, 4], &1000.into()), "{diff:#}");
    assert_eq!((&rows["total"]["current"], &rows["inexact"]["current"]), (&1000.into(), &true.into()), "not 1,002");
    assert_eq!(rows["unchanged"], 992);
    assert_eq!((&diff["columns"][2]["changed"], &diff["columns"][2]["nulls"]["current"]), (&4.into(), &4.into()));
    let test = report["tests"].as_array().unwrap().iter().find(|test| test["status"] == "fail").unwrap();
    assert!(test["failures"].is_null() && test["message"].as_str().unwrap().contains("fewer than 5"), "{test:#}");
    let told =
        [said.stdout, said.stderr, sandbox.read("target/report.md"), sandbox.read("target/report.json")].join("\n");
    for count in
        ["1,002", "\"current\": 1002", "1,001", "2 changed", "3 added", "2 removed", "Got 1 result", ": 1 result"]
    {
        assert!(!told.contains(count), "{count}: {told}");
    }
    assert!(told.contains("1,000 → ≈ 1,000"), "{told}");
}

#[test]
fn a_distribution_that_moves_beyond_the_policy_is_a_finding() {
    let rows = |shift: u32| format!("select n as id, (n + {shift}) % 1000 + {shift} as score from range(1000) as g(n)");
    let sandbox = production(&[("models/orders.sql", &rows(0)), ("slimdiff.yml", "policy:\n  ks: 0.25\n")]);
    sandbox.write("models/orders.sql", rows(200));
    let check = ["ci", "--pull-request", "7"];
    assert_eq!(sandbox.run(check).code, 0, "0.2 is allowed");
    assert!(sandbox.read("target/report.md").contains("KS 0.200"), "{}", sandbox.read("target/report.md"));
    sandbox.write("models/orders.sql", rows(300));
    let said = sandbox.run(check);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stdout.contains("Kolmogorov–Smirnov statistic 0.300 (allowed: 0.25)"), "{said}");
}

#[test]
fn a_dry_run_prints_the_plan_and_makes_nothing() {
    let sandbox = production(&[("models/orders.sql", "select 1 as id")]);
    sandbox.write("models/orders.sql", "select 2 as id");
    let said = sandbox.ok(["ci", "--pull-request", "7", "--dry-run"]);
    assert!(said.stdout.contains("pr_7") && said.stdout.contains("model.shop.orders"), "{said}");
    assert_eq!(count(&sandbox, "select count(*) from information_schema.schemata where schema_name = 'pr_7'"), 0);
}

#[test]
fn a_baseline_of_another_project_is_warned_about() {
    let sandbox = production(&[("models/orders.sql", "select 1 as id")]);
    let theirs =
        sandbox.read("target/manifest.json").replace("\"project_name\": \"shop\"", "\"project_name\": \"other\"");
    let theirs = theirs.replace("\"project_name\":\"shop\"", "\"project_name\":\"other\"");
    sandbox.write("other.json", theirs);
    let said = sandbox.run(["ci", "--pull-request", "7", "--baseline", "manifest:other.json"]);
    assert!(said.stderr.contains("manifest of the project 'other'"), "{said}");
}

/// Production was built from a commit that main has left behind; the branch began at main's tip and changes `orders`.
fn lagging_production() -> Sandbox {
    let sandbox = production(&[
        ("models/orders.sql", "select 1 as id"),
        ("models/customers.sql", "select 1 as id"),
        ("models/totals.sql", "select count(*) as orders from {{ ref('orders') }}"),
    ]);
    sandbox.ok(["parse", "--quiet", "--target-path", "prod"]);
    git(&sandbox, &["switch", "--quiet", "main"]);
    sandbox.write("models/customers.sql", "select 2 as id");
    sandbox.write("models/regions.sql", "select 'eu' as region");
    sandbox.write("models/totals.sql", "select count(*) + 1 as orders from {{ ref('orders') }}");
    git(&sandbox, &["add", "models"]);
    git(&sandbox, &["commit", "--quiet", "--message=not deployed yet"]);
    git(&sandbox, &["switch", "--quiet", "--force-create=feature"]);
    sandbox.write("models/orders.sql", "select 1 as id union all select 2");
    sandbox.write("models/by_region.sql", "select region, 1 as n from {{ ref('regions') }}");
    sandbox
}

fn names(report: &Json) -> Vec<String> {
    let models = report["models"].as_array().unwrap().iter();
    let mut names: Vec<String> = models.map(|model| model["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_production_lags_behind_is_told_apart_from_what_the_pull_request_changes() {
    let sandbox = lagging_production();
    let said = sandbox.run(["ci", "--pull-request", "7", "--baseline", "manifest:prod"]);
    assert_eq!(said.code, 0, "{said}");
    let report = report(&sandbox);
    // `regions` did not change, but production has none that `by_region` could read.
    assert_eq!(names(&report), ["by_region", "orders", "regions", "totals"], "{said}");
    assert_eq!(report["drift"]["behind"], serde_json::json!(["model.shop.regions"]));
    let modified = report["drift"]["modified"].as_array().unwrap();
    let modified: Vec<&Json> = modified.iter().map(|of| &of[0]).collect();
    assert_eq!(modified, ["model.shop.customers", "model.shop.totals"]);
    assert!(said.stdout.contains("production differs from it by 3 nodes"), "{said}");
    let note = |name: &str| model(&report, name)["diff"]["notes"].to_string();
    assert!(note("totals").contains("another version of totals"), "{}", note("totals"));
    assert!(!note("orders").contains("another version"), "{}", note("orders"));
}

#[test]
fn changes_are_counted_from_production_itself_where_that_is_asked_for_or_all_there_is() {
    let sandbox = lagging_production();
    let said = sandbox.run(["ci", "--pull-request", "7", "--baseline", "manifest:prod", "--merge-base", "none"]);
    assert_eq!(said.code, 0, "{said}");
    let all = ["by_region", "customers", "orders", "regions", "totals"];
    assert_eq!((names(&report(&sandbox)), &report(&sandbox)["drift"]), (all.map(str::to_owned).to_vec(), &Json::Null));

    std::fs::remove_dir_all(sandbox.join(".git")).unwrap();
    let said = sandbox.run(["ci", "--pull-request", "7", "--baseline", "manifest:prod"]);
    assert_eq!(names(&report(&sandbox)), all, "{said}");
    assert!(said.stderr.contains("not in a git repository"), "{said}");
}

#[test]
fn columns_that_change_by_themselves_are_named_and_set_apart() {
    let sandbox = production(&[
        ("models/stg.sql", "select id, id * 10 as amount, now() as loaded_at from range(1, 6) t(id)"),
        (
            "models/orders.sql",
            "select id, amount, date_trunc('minute', loaded_at) as minute, random() as dice from {{ ref('stg') }}",
        ),
        ("models/schema.yml", TESTED),
    ]);
    sandbox.write(
        "models/stg.sql",
        "select id, id * 10 + (id = 3)::int as amount, now() as loaded_at from range(1, 6) t(id)",
    );
    let (_, report) = check(&sandbox, 0);
    let diff = &model(&report, "orders")["diff"];
    assert_eq!((&diff["rows"]["changed"], &diff["rows"]["unchanged"]), (&1.into(), &4.into()), "{diff:#}");
    let excluded = diff["excluded"].to_string();
    assert!(excluded.contains("they change by themselves, by now() in stg"), "{excluded}");
    assert!(excluded.contains("they change by themselves, by random()"), "{excluded}");
    assert!(sandbox.read("target/report.md").contains("change by themselves"));
}

#[test]
fn a_column_that_changes_by_itself_is_still_watched_for_nulls() {
    let rows = |dice: &str| format!("select id, id * 10 as amount, {dice} as dice from range(1, 201) t(id)");
    let sandbox = production(&[("models/orders.sql", &rows("random()")), ("models/schema.yml", TESTED)]);
    sandbox.write("models/orders.sql", rows("case when id > 100 then random() end"));
    let (said, report) = check(&sandbox, 1);
    let diff = &model(&report, "orders")["diff"];
    assert_eq!((&diff["rows"]["changed"], diff["excluded"][0][0].as_str()), (&0.into(), Some("dice")), "{diff:#}");
    assert!(said.stdout.contains("orders.dice is now NULL in 100 of 200 rows (50.0 %, was 0 %)"), "{said}");
}

#[test]
fn names_mean_the_column_that_is_written_so_and_conditions_stand_alone() {
    let database = crate::support::postgres::database();
    let (cluster, name) = (database.cluster, &database.name);
    cluster.psql(
        name,
        "create table a as select i as id, i as v, i as \"V\" from generate_series(1, 9) i; create table b as select id, v + 1 \
         as v, \"V\" + 1 as \"V\" from a; create table c (id int, \"V\" int, \"v\" int, \"W\" int, \"w\" int)",
    );
    let url = format!("postgres://postgres@127.0.0.1:{}/{name}?sslmode=disable", cluster.port);
    let sandbox = Sandbox::new();
    let diff = |arguments: &[&str]| sandbox.run([&["diff", "--url", &url, "--key", "id"], arguments].concat());
    let said = diff(&["a", "b", "--exclude", "v", "--output", "json"]);
    let found: Json = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(found["excluded"][0][0], "v", "{said}");
    assert_eq!((found["excluded"].as_array().unwrap().len(), &found["rows"]["changed"]), (1, &9.into()), "{said}");
    assert_eq!(diff(&["a", "b", "--columns", "ID"]).code, 0, "no other column is meant");
    assert_eq!(diff(&["a", "b", "--tolerance", "v=1"]).code, 1, "V is not v");
    assert_eq!(diff(&["a", "b", "--tolerance", "v=1", "--tolerance", "V=1"]).code, 0);
    let said = diff(&["a", "b", "--mask", "Vv"]);
    assert!(said.code == 5 && said.to_string().contains("neither side has a column Vv (--mask)"), "{said}");
    cluster.psql(name, "alter table a add \"Xy\" int, add \"xY\" int");
    let said = diff(&["a", "b", "--exclude", "xy"]);
    assert!(said.code == 5 && said.to_string().contains("--exclude xy can mean several columns"), "{said}");
    for condition in ["true)or(id=1", "id = 1; select 1", "id = 'a", "id = 1 /* x", ""] {
        let said = diff(&["a", "b", "--where", condition]);
        assert!(said.code == 2 && said.to_string().contains("is no condition of its own"), "{said}");
    }
}

#[test]
fn relations_are_compared_by_url_and_the_exit_code_says_how_it_went() {
    let sandbox = Sandbox::new();
    let connection = duckdb::Connection::open(sandbox.join("a.duckdb")).unwrap();
    let sql = "create table t as select i as id, i * 2 as v from range(100) s(i);
        create table same as select * from t; create table other as select id, v + (id = 7)::int as v from t where id <> 9;
        create table unlike as select 1 as y";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let diff = |arguments: &[&str]| sandbox.run([&["diff", "--url", "duckdb:a.duckdb"], arguments].concat());
    assert_eq!(diff(&["t", "same", "--key", "id"]).code, 0);
    let said = diff(&["t", "other", "--key", "id", "--output", "json"]);
    assert_eq!(said.code, 1, "{said}");
    let found: Json = serde_json::from_str(&said.stdout).unwrap();
    let rows = &found["rows"];
    assert_eq!((&rows["removed"], &rows["changed"], &rows["unchanged"]), (&1.into(), &1.into(), &98.into()));
    for wrong in [&["t", "nowhere"][..], &["t", "other", "--key", "idd"], &["t", "other", "--where", "nonsense"]] {
        let said = diff(wrong);
        assert_eq!(said.code, 5, "{said}");
    }
    assert!(diff(&["t", "other", "--key", "ix"]).to_string().contains("has no column ix"));
    for slip in ["--columns", "--exclude", "--mask"] {
        let said = diff(&["t", "other", "--key", "id", slip, "vv"]);
        assert_eq!(said.code, 5, "{said}");
        assert!(said.to_string().contains(&format!("neither side has a column vv ({slip})")), "{said}");
    }
    assert_eq!(diff(&["t", "other", "--key", "id", "--tolerance", "vv=1"]).code, 5);
    assert_eq!(
        diff(&["t", "other", "--key", "id", "--columns", "V", "--tolerance", "v=1", "--where", "id <> 9"]).code,
        0
    );
    let said = diff(&["t", "unlike", "--output", "json"]);
    assert_eq!(said.code, 5, "{said}");
    let found: Json = serde_json::from_str(&said.stdout).unwrap();
    for count in ["added", "removed", "changed", "unchanged"] {
        assert_eq!(found["rows"].get(count), Some(&Json::Null), "nothing was counted: {said}");
    }
    let said = sandbox.run(["diff", "t", "other", "--url", "duckdb:missing.duckdb"]);
    assert_eq!(said.code, 5, "{said}");
    assert!(!sandbox.join("missing.duckdb").exists(), "a file to read is not made");
    assert_eq!(sandbox.run(["diff", "t", "other", "--url", "mysql://x"]).code, 2);
    assert_eq!(diff(&["t", "other", "--tolerance", "much"]).code, 2);
}

#[test]
fn relations_of_two_databases_are_compared() {
    let sandbox = Sandbox::new();
    for (file, sql) in [
        ("a.duckdb", "create table t as select i as id, i * 2 as v, 'x' as w from range(1000) s(i)"),
        (
            "b.duckdb",
            "create table t as select i as id, case when i = 5 then null else i * 2 end as v, 'y' as w from range(1, 1001) s(i)",
        ),
    ] {
        duckdb::Connection::open(sandbox.join(file)).unwrap().execute_batch(sql).unwrap();
    }
    let both =
        ["diff", "t", "t", "--baseline-url", "duckdb:a.duckdb", "--current-url", "duckdb:b.duckdb", "--key", "id"];
    let said = sandbox.run([&both[..], &["--exclude", "w", "--output", "json"]].concat());
    assert_eq!(said.code, 1, "{said}");
    let found: Json = serde_json::from_str(&said.stdout).unwrap();
    let rows = &found["rows"];
    assert_eq!(
        (&rows["added"], &rows["removed"], &rows["changed"], &rows["unchanged"]),
        (&1.into(), &1.into(), &1.into(), &998.into())
    );
    let asked = ["--tolerance", "0.5", "--ignore", "case", "--sample", "50%", "--describe", "--output", "json"];
    let said = sandbox.run([&both[..7], &asked[..]].concat());
    assert_eq!(said.code, 1, "{said}");
    let found: Json = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&found["sampled"], &found["method"]["source"]), (&0.5.into(), &"a search of the data".into()));
    let total = found["rows"]["total"]["baseline"].as_u64().unwrap();
    assert!((400..600).contains(&total), "{total}");
    let v = found["columns"].as_array().unwrap().iter().find(|column| column["name"] == "v").unwrap();
    assert!(v["profile"]["baseline"]["mean"].is_number() && v["profile"]["current"]["distinct"].is_number(), "{v}");
    let said = sandbox.run([&both[..], &["--drift"]].concat());
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stdout.contains("KS or JS") && said.stdout.contains("JS 1.000"), "{said}");
    let said = sandbox.run([&both[..], &["--align", "id"]].concat());
    assert_eq!(said.code, 5, "{said}");
    assert!(said.to_string().contains("leave `--align` out"), "{said}");
}
