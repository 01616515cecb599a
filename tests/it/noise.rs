//! What changes by itself, seen by building twice: on both engines, where the SQL does not say it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::support::cli::{Said, Sandbox};
use crate::support::postgres::{self, Database};
use crate::support::put_into_production;

/// A committed project on one engine with its production built, and a branch on which to change it. `{{ dice() }}` is a
/// number that is another one each time, which the compiled SQL does not say.
pub(crate) struct Shop {
    pub(crate) sandbox: Sandbox,
    pub(crate) database: Option<Database>,
}

const PROJECT: &str = "name: shop\nversion: '1.0'\nprofile: shop\nmodels:\n  +materialized: table\n";
const DICE: &str = "{% macro dice() %}{{ 'main' if target.type == 'duckdb' else 'public' }}.dice(){% endmacro %}
{% macro make_dice() %}{% if target.type == 'duckdb' %}create or replace macro main.dice() as random()
{% else %}create or replace function public.dice() returns double precision language sql volatile as 'select random()'
{% endif %}{% endmacro %}
{% macro numbers(n) %}{% if target.type == 'duckdb' %}range(1, {{ n + 1 }}) as g(id)
{% else %}generate_series(1, {{ n }}) as g(id){% endif %}{% endmacro %}";
const TESTED: &str =
    "models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [unique, not_null]\n";

impl Shop {
    pub(crate) fn both(files: &[(&str, &str)]) -> [Self; 2] {
        [Self::on(None, files), Self::on(Some(postgres::database()), files)]
    }

    pub(crate) fn on(database: Option<Database>, files: &[(&str, &str)]) -> Self {
        let project = format!("{PROJECT}on-run-start: \"{{{{ make_dice() }}}}\"\n");
        let mut all = vec![("dbt_project.yml", project.as_str()), ("macros/dice.sql", DICE)];
        all.extend(files);
        Self::with(database, &all)
    }

    pub(crate) fn with(database: Option<Database>, files: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::new();
        let output = database.as_ref().map_or_else(
            || serde_json::json!({"type": "duckdb", "path": "shop.duckdb", "threads": 2}),
            |database| database.output().into(),
        );
        let profiles = serde_json::json!({"shop": {"target": "dev", "outputs": {"dev": output}}});
        sandbox.write("profiles.yml", profiles.to_string());
        put_into_production(&sandbox, files);
        Self { sandbox, database }
    }

    #[track_caller]
    pub(crate) fn check(&self, code: i32) -> (Said, Json) {
        let said = self.sandbox.run(["ci", "--pull-request", "7"]);
        assert_eq!(said.code, code, "{said}");
        (said, serde_json::from_str(&self.sandbox.read("target/report.json")).unwrap())
    }

    /// Runs statements in the project's database.
    pub(crate) fn run(&self, sql: &str) {
        match &self.database {
            Some(database) => drop(postgres::cluster().psql(&database.name, sql)),
            None => duckdb::Connection::open(self.sandbox.join("shop.duckdb")).unwrap().execute_batch(sql).unwrap(),
        }
    }

    pub(crate) fn ask(&self, sql: &str) -> String {
        if let Some(database) = &self.database {
            return postgres::cluster().psql(&database.name, sql).trim().to_owned();
        }
        let connection = duckdb::Connection::open(self.sandbox.join("shop.duckdb")).unwrap();
        connection.query_row(&format!("select cast(({sql}) as varchar)"), [], |row| row.get(0)).unwrap()
    }

    fn schemas(&self) -> String {
        self.ask(
            "select string_agg(schema_name, ',' order by schema_name) from information_schema.schemata where schema_name \
             like 'pr%'",
        )
    }
}

#[track_caller]
pub(crate) fn diff<'a>(report: &'a Json, name: &str) -> &'a Json {
    let models = report["models"].as_array().unwrap();
    let model = models.iter().find(|model| model["name"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"));
    &model["diff"]
}

#[track_caller]
pub(crate) fn counts(diff: &Json) -> [u64; 4] {
    ["added", "removed", "changed", "unchanged"].map(|name| diff["rows"][name].as_u64().unwrap())
}

const TWICE: &str = "policy:\n  noise: build_twice\n";

#[test]
fn columns_that_two_builds_differ_by_are_named_and_set_apart() {
    let stg =
        "select id, id * 10 as amount, {{ dice() }} as luck, '{{ run_started_at }}' as run from {{ numbers(200) }}";
    let orders = "select id, amount, round(cast(luck * 1000000 as numeric), 2) as lucky, run from {{ ref('stg') }}";
    let shops = Shop::both(&[
        ("models/stg.sql", stg),
        ("models/orders.sql", orders),
        ("models/seen.sql", "{{ config(materialized='view') }} select id, amount, lucky from {{ ref('orders') }}"),
        ("models/schema.yml", TESTED),
    ]);
    for shop in shops {
        let change = "id * 10 + case when id = 3 then 1 else 0 end as amount";
        shop.sandbox.write("models/stg.sql", stg.replace("id * 10 as amount", change));
        let (_, report) = shop.check(0);
        assert_eq!(counts(diff(&report, "orders")), [0, 0, 200, 0], "the SQL alone does not say it");

        shop.sandbox.write("slimdiff.yml", TWICE);
        let (said, report) = shop.check(0);
        for (name, luck) in [("stg", "luck"), ("orders", "lucky"), ("seen", "lucky")] {
            let diff = diff(&report, name);
            assert_eq!(counts(diff), [0, 0, 1, 199], "{name}: {said}");
            let excluded = diff["excluded"].to_string();
            let reason =
                format!("[\"{luck}\",\"they differ between two builds of the same code (in 200 of 200 rows)\"]");
            assert!(excluded.contains(&reason), "{name}: {excluded}");
            assert!(name == "seen" || excluded.contains("[\"run\",\"they differ"), "{name}: {excluded}");
        }
        assert!(said.stderr.contains("3 nodes a second time, in pr_7__again"), "{said}");
        assert!(shop.sandbox.read("target/report.md").contains("two builds of the same code"));
        assert_eq!(shop.schemas(), "pr_7", "the second build is gone");
        assert!(!shop.sandbox.read("target/compiled/shop/models/orders.sql").contains("again"));
    }
}

#[test]
fn new_columns_that_change_by_themselves_are_told_and_described() {
    let files = [("models/orders.sql", "select id from {{ numbers(9) }}"), ("slimdiff.yml", TWICE)];
    for shop in Shop::both(&files) {
        let new = "select id, {{ dice() }} as luck, now() as at from {{ numbers(9) }}";
        shop.sandbox.write("models/orders.sql", new);
        shop.sandbox.write("models/others.sql", new);
        let (said, report) = shop.check(0);
        for name in ["orders", "others"] {
            let diff = diff(&report, name);
            let notes = diff["notes"].to_string();
            assert!(
                notes.contains("values of luck, which production does not have: they differ between two"),
                "{said}"
            );
            assert!(
                notes.contains("values of at, which production does not have: they change by themselves"),
                "{said}"
            );
            assert!(diff["columns"].as_array().unwrap().iter().any(|column| column["name"] == "luck"), "{diff:#}");
            assert!(diff["excluded"].as_array().unwrap().is_empty(), "{diff:#}");
        }
    }
}

#[test]
fn a_column_of_another_case_is_not_set_apart_with_the_one_that_changes() {
    let orders = "select id, now() as v, id as \"V\" from {{ numbers(9) }}";
    let tested = ("models/schema.yml", TESTED);
    let shop = Shop::on(Some(postgres::database()), &[("models/orders.sql", orders), tested]);
    shop.sandbox.write("models/orders.sql", orders.replace("id as \"V\"", "id % 8 as \"V\""));
    let (said, report) = shop.check(0);
    let diff = diff(&report, "orders");
    assert_eq!(counts(diff), [0, 0, 2, 7], "{said}");
    let excluded = diff["excluded"].as_array().unwrap();
    assert!(excluded.len() == 1 && excluded[0][0] == "v", "{excluded:?}");
}

#[test]
fn what_two_builds_round_otherwise_is_compared_with_as_much_allowed_for() {
    let orders = "select id, cast(id * 10 + {{ dice() }} * 1e-12 as double precision) as total, \
                  cast(id + {{ dice() }} as double precision) as luck from {{ numbers(50) }}";
    for shop in Shop::both(&[("models/orders.sql", orders), ("models/schema.yml", TESTED), ("slimdiff.yml", TWICE)]) {
        shop.sandbox
            .write("models/orders.sql", orders.replace("id * 10", "id * 10 + case when id = 3 then 0.001 else 0 end"));
        let (said, report) = shop.check(0);
        let diff = diff(&report, "orders");
        assert_eq!(counts(diff), [0, 0, 1, 49], "{said}");
        assert_eq!(diff["excluded"].as_array().unwrap().len(), 1, "{diff:#}");
        let notes = diff["notes"].to_string();
        assert!(notes.contains("two builds of the same code differ by rounding in total"), "{notes}");
        assert!(notes.contains("total counts as unchanged within 0.000000001 %"), "{notes}");
    }
}

#[test]
fn rows_that_only_one_of_two_builds_has_are_said() {
    let orders = "select id, id * 10 as amount from {{ numbers(2000) }} where {{ dice() }} < 0.5";
    for shop in Shop::both(&[("models/orders.sql", orders), ("models/schema.yml", TESTED), ("slimdiff.yml", TWICE)]) {
        shop.sandbox.write("models/orders.sql", orders.replace("id * 10", "id * 11"));
        let (_, report) = shop.check(0);
        let diff = diff(&report, "orders");
        assert!(diff["excluded"].as_array().unwrap().is_empty(), "{diff:#}");
        let [added, removed, changed, _] = counts(diff);
        assert!(added > 100 && removed > 100 && changed > 100, "{diff:#}");
        let notes = diff["notes"].to_string();
        assert!(
            notes.contains("rows differ between two builds of the same code") && notes.contains("only in the second")
        );
        assert!(shop.sandbox.read("target/report.md").contains("rows differ between two builds of the same code"));
    }
}

#[test]
fn rows_that_differ_are_said_on_the_terminal_even_where_the_table_equals_production() {
    let files = [
        ("models/orders.sql", "{{ config(tags='a') }} select {{ dice() }} as luck, 1 as one"),
        ("slimdiff.yml", TWICE),
    ];
    let shop = Shop::on(None, &files);
    shop.sandbox.write("models/orders.sql", "select {{ dice() }} as luck, 1 as one -- edited");
    let (said, report) = shop.check(0);
    assert_eq!(counts(diff(&report, "orders")), [0, 0, 0, 1], "{report:#}");
    assert!(said.stdout.contains("Values of luck not compared: they differ between two builds"), "{said}");
}

#[test]
fn without_a_key_columns_are_told_from_rows_by_the_values_they_hold() {
    let noisy = "select id % 5 as kind, id % 3 as size, {{ dice() }} as luck from {{ numbers(90) }}";
    let rows = "select id % 5 as kind, id % 7 as size from {{ numbers(5000) }} where {{ dice() }} < 0.2";
    // Values that are unique, and others each time: no key.
    let key = "select cast({{ dice() }} as varchar) || id as surrogate, id % 5 as kind from {{ numbers(90) }}";
    for shop in Shop::both(&[
        ("models/noisy.sql", noisy),
        ("models/orders.sql", rows),
        ("models/keyed.sql", key),
        ("slimdiff.yml", TWICE),
    ]) {
        for (path, text) in [("noisy", noisy), ("orders", rows), ("keyed", key)] {
            shop.sandbox.write(&format!("models/{path}.sql"), format!("{text} -- edited"));
        }
        let (_, report) = shop.check(0);
        for (name, column) in [("noisy", "luck"), ("keyed", "surrogate")] {
            let diff = diff(&report, name);
            assert_eq!(counts(diff), [0, 0, 0, 90], "{diff:#}");
            assert!(diff["excluded"].to_string().contains(&format!("[[\"{column}\",\"they differ between two")));
        }
        let orders = diff(&report, "orders");
        assert!(orders["excluded"].as_array().unwrap().is_empty(), "{orders:#}");
        assert!(orders["notes"].to_string().contains("rows differ between two builds of the same code"), "{orders:#}");
    }
}

#[test]
fn incremental_models_snapshots_and_seeds_begin_where_the_first_build_began() {
    let incremental = "{{ config(materialized='incremental', unique_key='id') }}
        select id, {{ dice() }} as luck, {{ 'true' if is_incremental() else 'false' }} as later from {{ ref('raw') }}";
    let snapshot = "{% snapshot history %}{{ config(unique_key='id', strategy='check', check_cols=['id']) }}
        select id, luck from {{ ref('orders') }}{% endsnapshot %}";
    for shop in Shop::both(&[
        ("seeds/raw.csv", "id\n1\n2\n3\n"),
        ("models/orders.sql", incremental),
        ("snapshots/history.sql", snapshot),
        ("slimdiff.yml", TWICE),
    ]) {
        shop.sandbox.write("seeds/raw.csv", "id\n1\n2\n4\n");
        let (said, report) = shop.check(0);
        let orders = diff(&report, "orders");
        assert_eq!(counts(orders), [1, 1, 0, 2], "{said}");
        assert!(orders["excluded"].to_string().contains("(in 3 of 3 rows)"), "{orders:#}");
        assert!(orders["excluded"].as_array().unwrap().len() == 1, "it is no later run of the first: {orders:#}");
        assert!(diff(&report, "history")["excluded"].to_string().contains("[\"luck\",\"they differ between two"));
        assert!(diff(&report, "raw")["notes"].as_array().unwrap().is_empty());
        assert!(said.stderr.contains("2 nodes a second time"), "{said}");
    }
}

#[test]
fn a_second_build_that_fails_is_told_and_fails_nothing() {
    let orders = "select id, {{ dice() }} as luck from {{ numbers(20) }}";
    for shop in Shop::both(&[
        ("models/orders.sql", orders),
        ("models/totals.sql", "select count(*) as orders from {{ ref('orders') }}"),
        ("models/schema.yml", TESTED),
        ("slimdiff.yml", TWICE),
    ]) {
        let only_then =
            "cast({{ \"'top' || '-secret'\" if target.schema.endswith('again') else '1' }} as integer) as one";
        shop.sandbox.write("models/orders.sql", orders.replace("select id,", &format!("select id, {only_then},")));
        let (_, report) = shop.check(0);
        assert_eq!(counts(diff(&report, "orders")), [0, 0, 20, 0]);
        for (name, why) in [("orders", "nvalid input syntax|Conversion Error"), ("totals", "skipped because")] {
            let notes = diff(&report, name)["notes"].to_string();
            let is_said = why.split('|').any(|why| notes.contains(why));
            assert!(notes.contains("could not be compared with a second build") && is_said, "{notes}");
            assert!(!notes.contains("secret"), "{notes}");
        }
        assert_eq!(shop.schemas(), "pr_7");
    }
}

#[test]
fn a_second_schema_that_is_not_ours_is_left_alone() {
    let files = [("models/orders.sql", "select 1 as id"), ("slimdiff.yml", TWICE)];
    for shop in Shop::both(&files) {
        let made = "create schema pr_7__again; create table pr_7__again.precious as select 42 as answer";
        shop.run(made);
        shop.sandbox.write("models/orders.sql", "select 2 as id");
        let (_, report) = shop.check(0);
        let notes = diff(&report, "orders")["notes"].to_string();
        assert!(notes.contains("does not carry slimdiff's marker"), "{notes}");
        assert_eq!(shop.ask("select answer from pr_7__again.precious"), "42");
    }
}

#[test]
fn a_dry_run_says_that_there_would_be_a_second_build() {
    let files = [("models/orders.sql", "select 1 as id"), ("slimdiff.yml", TWICE)];
    let shop = Shop::on(None, &files);
    shop.sandbox.write("models/orders.sql", "select 2 as id");
    let said = shop.sandbox.ok(["ci", "--pull-request", "7", "--dry-run"]);
    assert!(said.stdout.contains("then build 1 node a second time in pr_7__again"), "{said}");
    assert_eq!(shop.ask("select count(*) from information_schema.schemata where schema_name like 'pr%'"), "0");
}

#[test]
fn counts_of_a_second_build_are_as_coarse_as_the_policy_wants_them() {
    let orders = "select id, case when id = 3 then {{ dice() }} else 1 end as luck from {{ numbers(20) }} \
                  where id <> 7 or {{ dice() }} < 2";
    let files = [("models/orders.sql", orders), ("models/schema.yml", TESTED)];
    let shop = Shop::on(None, &files);
    shop.sandbox.write("models/orders.sql", format!("{orders} -- edited"));
    shop.sandbox.write("slimdiff.yml", "policy:\n  noise: build_twice\n  min_count: 5\n");
    let (said, report) = shop.check(0);
    let excluded = diff(&report, "orders")["excluded"].to_string();
    assert!(excluded.contains("(in fewer than 5 rows)"), "{said}");
}

#[test]
fn an_interrupt_while_it_is_built_again_leaves_no_second_schema() {
    let slow = "select id, {{ \"cast(pg_sleep(60) as text)\" if target.schema.endswith('again') else \"''\" }} as slept \
                from {{ numbers(1) }}";
    let shop = Shop::on(Some(postgres::database()), &[("models/orders.sql", slow), ("slimdiff.yml", TWICE)]);
    shop.sandbox.write("models/orders.sql", format!("{slow} -- edited"));
    let mut check = shop.sandbox.command(["ci", "--pull-request", "7"]);
    let mut check = check.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let sleeping = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep%' and datname = \
                    current_database() and pid <> pg_backend_pid()";
    let until = |what: &str, seconds, is_so: &mut dyn FnMut() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}: not within {seconds} seconds");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    until("the second build runs", 60, &mut || shop.ask(sleeping) != "0");
    assert!(Command::new("kill").args(["-INT", &check.id().to_string()]).status().unwrap().success());
    until("the check ends", 20, &mut || check.try_wait().unwrap().is_some());
    assert_eq!(check.wait().unwrap().code(), Some(130));
    assert_eq!((shop.ask(sleeping), shop.schemas()), ("0".to_owned(), "pr_7".to_owned()));
}
