//! Bad input, as a user meets it: one clear error with its place, the right exit code, nothing left behind.

use crate::support::cli::{Said, Sandbox};
use crate::support::postgres;

const PROJECT: &str = "name: shop\nversion: '1.0'\nprofile: shop\n";
const PROFILE: &str = "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb, threads: 2}\n";

fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("dbt_project.yml", PROJECT).write("profiles.yml", PROFILE);
    sandbox.write("models/orders.sql", "select 1 as id");
    sandbox
}

/// One error, said once, without a trace of Rust.
#[track_caller]
fn refused(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, code, "{said}");
    for part in parts {
        assert!(said.stderr.contains(part), "`{part}` is missing in:\n{said}");
    }
    for leak in ["panicked", "RUST_BACKTRACE", "Error {", "Some("] {
        assert!(!said.stderr.contains(leak), "`{leak}` in:\n{said}");
    }
}

#[test]
fn a_folder_without_a_project_names_the_folder_and_the_flag() {
    let sandbox = Sandbox::new();
    refused(&sandbox.run(["parse"]), 2, &["no dbt_project.yml in [DIR]", "--project-dir"]);
    refused(&sandbox.run(["parse", "--project-dir", "nowhere"]), 2, &["no folder nowhere"]);
}

#[test]
fn malformed_yaml_is_shown_with_its_line() {
    let sandbox = shop();
    sandbox.write("models/schema.yml", "models:\n  - name: orders\n   columns: []\n");
    refused(&sandbox.run(["parse"]), 3, &["models/schema.yml:3"]);
    let sandbox = shop();
    sandbox.write("dbt_project.yml", "name: shop\nprofile: [shop\n");
    let said = sandbox.run(["parse"]);
    refused(&said, 3, &["dbt_project.yml:"]);
}

#[test]
fn an_unknown_ref_names_the_file_and_the_line() {
    let sandbox = shop();
    sandbox.write("models/late.sql", "select *\nfrom {{ ref('ordres') }}\n");
    refused(&sandbox.run(["parse"]), 3, &["ordres", "models/late.sql"]);
}

#[test]
fn a_cycle_is_a_path() {
    let sandbox = shop();
    sandbox.write("models/a.sql", "select * from {{ ref('b') }}");
    sandbox.write("models/b.sql", "select * from {{ ref('c') }}");
    sandbox.write("models/c.sql", "select * from {{ ref('a') }}");
    let said = sandbox.run(["parse"]);
    refused(&said, 3, &["a", "→"]);
}

#[test]
fn two_models_of_one_name_name_both_files() {
    let sandbox = shop();
    sandbox.write("models/other/orders.sql", "select 2 as id");
    refused(&sandbox.run(["parse"]), 3, &["orders", "models/orders.sql", "models/other/orders.sql"]);
}

#[test]
fn a_jinja_error_inside_a_macro_shows_the_way_there() {
    let sandbox = shop();
    sandbox.write("macros/money.sql", "{% macro cents(column) %}\n  {{ column.no_such_thing() }}\n{% endmacro %}\n");
    sandbox.write("models/sums.sql", "select\n  {{ cents('amount') }}\n");
    let said = sandbox.run(["parse"]);
    refused(&said, 3, &["macros/money.sql:2", "models/sums.sql:2"]);
    let sandbox = shop();
    sandbox.write("models/open.sql", "select {% if true %} 1");
    refused(&sandbox.run(["parse"]), 3, &["models/open.sql"]);
}

#[test]
fn several_problems_are_told_in_one_run() {
    let sandbox = shop();
    sandbox.write("models/one.sql", "select * from {{ ref('nothing') }}");
    sandbox.write("models/two.sql", "select {{ 1 + }}");
    sandbox.write("models/three.sql", "select * from {{ source('raw', 'gone') }}");
    let said = sandbox.run(["parse"]);
    refused(&said, 3, &["models/one.sql", "models/two.sql", "models/three.sql", "3 errors"]);
}

#[test]
fn a_missing_profile_or_target_lists_what_there_is() {
    let sandbox = shop();
    refused(&sandbox.run(["run", "--target", "prd"]), 2, &["prd", "dev"]);
    refused(&sandbox.run(["run", "--profile", "other"]), 2, &["other", "shop"]);
    std::fs::remove_file(sandbox.join("profiles.yml")).unwrap();
    refused(&sandbox.run(["run"]), 2, &["profiles.yml", "--profiles-dir"]);
}

#[test]
fn a_selector_that_is_wrong_says_what_would_be_right() {
    let sandbox = shop();
    refused(&sandbox.run(["ls", "--select", "tgas:nightly"]), 2, &["tgas", "tag"]);
    let said = sandbox.run(["ls", "--select", "nothing_like_it"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stderr.contains("nothing_like_it"), "{said}");
}

#[test]
fn a_baseline_that_is_no_manifest_is_exit_code_4() {
    let sandbox = shop();
    let ci = |baseline: &str| sandbox.run(["ci", "--schema", "check_it", "--baseline", baseline]);
    refused(&ci("manifest:gone.json"), 4, &["gone.json"]);
    sandbox
        .write("cut.json", "{\"metadata\": {\"dbt_schema_version\": \"https://schemas.getdbt.com/dbt/manifest/v12.j");
    refused(&ci("manifest:cut.json"), 4, &["cut.json"]);
    sandbox.write(
        "v4.json",
        r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v4.json"}, "nodes": {}}"#,
    );
    refused(&ci("manifest:v4.json"), 4, &["v4"]);
    sandbox.write("list.json", "[1, 2]");
    refused(&ci("manifest:list.json"), 4, &["list.json"]);
    refused(&ci("git:HEAD"), 4, &["git"]);
    refused(&ci("ftp:somewhere"), 4, &["manifest:", "git:"]);
    assert!(!sandbox.join("shop.duckdb").exists(), "nothing was made");
}

#[test]
fn a_file_that_is_no_database_is_exit_code_5() {
    let sandbox = shop();
    sandbox.write("shop.duckdb", "this is not a database, but it is long enough to be read as one. ".repeat(200));
    refused(&sandbox.run(["run"]), 5, &["shop.duckdb"]);
}

#[test]
fn postgresql_that_does_not_let_us_in_says_where_and_why_and_never_the_password() {
    let cluster = postgres::cluster();
    let database = postgres::database();
    let sandbox = shop();
    let profile = |user: &str, password: &str, port: u16, dbname: &str| {
        sandbox.write(
            "profiles.yml",
            format!(
                "shop:\n  target: dev\n  outputs:\n    dev: {{type: postgres, host: 127.0.0.1, port: {port}, user: {user}, \
                 password: '{password}', dbname: {dbname}, schema: analytics, threads: 2}}\n"
            ),
        );
        sandbox.run(["run"])
    };
    let said = profile("secured", "hunter-2-wrong", cluster.port, &database.name);
    refused(&said, 5, &["127.0.0.1", "password"]);
    assert!(!said.stderr.contains("hunter-2"), "{said}");
    refused(&profile("plain", "x", 1, &database.name), 5, &["127.0.0.1:1"]);
    refused(&profile("plain", "x", cluster.port, "no_such_database"), 5, &["no_such_database"]);
}

#[test]
fn sql_that_the_database_refuses_is_a_finding_with_its_file() {
    let sandbox = shop();
    sandbox.write("models/bad.sql", "select nothing_like_it from {{ ref('orders') }}");
    sandbox.write("models/after.sql", "select * from {{ ref('bad') }}");
    let said = sandbox.run(["run"]);
    refused(&said, 1, &["nothing_like_it", "bad"]);
    assert!(said.stdout.contains("ERROR=1 SKIP=1"), "{said}");
}

#[test]
fn slimdiff_yml_with_a_misspelt_key_is_an_error() {
    let sandbox = shop();
    sandbox.write("slimdiff.yml", "polcy:\n  samples: 3\n");
    refused(&sandbox.run(["parse"]), 2, &["slimdiff.yml", "polcy"]);
}

#[test]
fn variables_that_are_no_mapping_are_an_error() {
    let sandbox = shop();
    refused(&sandbox.run(["parse", "--vars", "[1, 2"]), 2, &["--vars"]);
    refused(&sandbox.run(["parse", "--vars", "just text"]), 2, &["--vars", "mapping"]);
}
