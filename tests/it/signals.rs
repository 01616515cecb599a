//! A run that is stopped: cancelled on the server, nothing half-built, and a killed one is found by the sweep.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::cli::Sandbox;
use crate::support::postgres::{self, Database};

/// A project with one model that is quick and one that takes a minute.
fn slow_project(database: &Database) -> Sandbox {
    let cluster = postgres::cluster();
    let sandbox = Sandbox::new();
    sandbox.write("dbt_project.yml", "name: slow\nversion: '1.0'\nprofile: slow\nmodels:\n  +materialized: table\n");
    sandbox.write(
        "profiles.yml",
        format!(
            "slow:\n  target: dev\n  outputs:\n    dev: {{type: postgres, host: '{}', port: {}, user: postgres, password: x, \
             dbname: {}, schema: analytics, threads: 2}}\n",
            cluster.folder.display(),
            cluster.port,
            database.name
        ),
    );
    sandbox.write("models/quick.sql", "select 1 as id");
    sandbox.write("models/slow.sql", "select id, pg_sleep(60)::text as slept from {{ ref('quick') }}");
    sandbox
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    sandbox.command(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn ask(database: &Database, sql: &str) -> String {
    postgres::cluster().psql(&database.name, sql).trim().to_owned()
}

const SLEEPING: &str = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep%' \
                        and datname = current_database() and pid <> pg_backend_pid()";

#[track_caller]
fn until(what: &str, seconds: u64, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {seconds} seconds");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn stopped_by(name: &str) {
    let database = postgres::database();
    let sandbox = slow_project(&database);
    let mut run = start(&sandbox, &["run"]);
    until("the slow model runs", 60, || ask(&database, SLEEPING) != "0");
    signal(&run, name);
    until("the run ends", 20, || run.try_wait().unwrap().is_some());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(ask(&database, SLEEPING), "0", "the statement is cancelled on the server");
    let relations = ask(
        &database,
        "select string_agg(relname, ',' order by relname) from pg_class c join pg_namespace n \
                                    on n.oid = c.relnamespace where n.nspname = 'analytics' and relkind in ('r', 'v')",
    );
    assert_eq!(relations, "quick", "what was finished stays, nothing half-built does");
}

#[test]
fn an_interrupt_cancels_on_the_server_and_leaves_nothing_half_built() {
    stopped_by("INT");
}

#[test]
fn a_termination_cancels_on_the_server_and_leaves_nothing_half_built() {
    stopped_by("TERM");
}

#[test]
fn a_killed_check_leaves_only_what_the_sweep_finds() {
    let database = postgres::database();
    let sandbox = slow_project(&database);
    sandbox.write("empty.json", empty_manifest());
    ask(&database, "create schema bystander; create table bystander.kept as select 1 as id");
    let mut check = start(&sandbox, &["ci", "--baseline", "manifest:empty.json", "--pull-request", "9"]);
    until("the slow model runs", 60, || ask(&database, SLEEPING) != "0");
    signal(&check, "KILL");
    check.wait().unwrap();
    let said = sandbox.ok(["env", "list"]);
    assert!(said.stdout.contains("pr_9"), "{said}");
    ask(
        &database,
        "select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()",
    );
    let said = sandbox.ok(["env", "sweep", "--older-than", "0m"]);
    assert!(said.stdout.contains("Dropped pr_9"), "{said}");
    let schemas = "select string_agg(nspname, ',' order by nspname) from pg_namespace where nspname in ('pr_9', 'bystander', 'analytics')";
    assert_eq!(ask(&database, schemas), "bystander", "swept, and nothing else is touched");
}

/// A production that has nothing yet.
fn empty_manifest() -> String {
    serde_json::json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.11.16",
            "project_name": "slow", "adapter_type": "postgres",
        },
        "nodes": {}, "sources": {}, "macros": {}, "docs": {}, "exposures": {}, "metrics": {}, "groups": {}, "selectors": {},
        "disabled": {}, "parent_map": {}, "child_map": {}, "group_map": {}, "saved_queries": {}, "semantic_models": {}, "unit_tests": {},
    })
    .to_string()
}
