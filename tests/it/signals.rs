//! A run that is stopped: cancelled on the server, nothing half-built, and a killed one is found by the sweep.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::cli::Sandbox;
use crate::support::postgres::{self, Database};
use crate::support::put_into_production;

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

/// How many statements sleep, by themselves or through a view.
const SLEEPING: &str =
    "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";

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
fn questions_to_a_database_are_cancelled_there_whatever_command_asks_them() {
    let database = postgres::database();
    let sandbox = slow_project(&database);
    let slow = "select 1 as id, pg_sleep(60)::text as slept";
    ask(
        &database,
        &format!("create view public.slow as {slow}; create table public.t as select 1 as id, ''::text as slept"),
    );
    let cluster = postgres::cluster();
    let url = format!("postgres://postgres@127.0.0.1:{}/{}?sslmode=disable", cluster.port, database.name);
    let diff = ["diff", "public.t", "public.slow", "--url", &url, "--key", "id"];
    let show = ["show", "--inline", slow];
    let compile = ["compile", "--inline", "{{ run_query('select pg_sleep(60)') }}"];
    for args in [&diff[..], &show, &compile] {
        let mut run = start(&sandbox, args);
        until("the statement runs", 60, || ask(&database, SLEEPING) != "0");
        signal(&run, "TERM");
        until("the run ends", 20, || run.try_wait().unwrap().is_some());
        assert_eq!(run.wait().unwrap().code(), Some(130), "{args:?}");
        assert_eq!(ask(&database, SLEEPING), "0", "{args:?}: the statement is cancelled on the server");
    }
}

#[test]
fn a_check_that_is_stopped_while_it_compares_says_so() {
    let database = postgres::database();
    let sandbox = slow_project(&database);
    let slow = "{{ config(materialized='view') }} select 1 as id, pg_sleep(60)::text as slept";
    let files = [("models/slow.sql", slow), ("slimdiff.yml", "policy:\n  noise: none\n")];
    put_into_production(&sandbox, &files);
    sandbox.write("models/slow.sql", slow.replace("1 as id", "2 as id"));
    let mut check = start(&sandbox, &["ci", "--pull-request", "9"]);
    until("the comparison runs", 60, || ask(&database, SLEEPING) != "0");
    signal(&check, "TERM");
    until("the run ends", 20, || check.try_wait().unwrap().is_some());
    assert_eq!(check.wait().unwrap().code(), Some(130));
    assert_eq!(ask(&database, SLEEPING), "0", "the statement is cancelled on the server");
    assert!(sandbox.read("target/report.md").contains("cancelled"), "{}", sandbox.read("target/report.md"));
}

#[test]
fn a_second_signal_ends_what_the_first_does_not() {
    // A server that takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::new();
    sandbox.write("dbt_project.yml", "name: slow\nversion: '1.0'\nprofile: slow\n");
    let port = silent.local_addr().unwrap().port();
    sandbox.write(
        "profiles.yml",
        format!(
            "slow:\n  target: dev\n  outputs:\n    dev: {{type: postgres, host: 127.0.0.1, port: {port}, user: postgres, \
             password: x, dbname: db, schema: analytics, connect_timeout: 60}}\n"
        ),
    );
    sandbox.write("models/m.sql", "select 1 as id");
    let mut run = start(&sandbox, &["run"]);
    let _asked = silent.accept().unwrap();
    signal(&run, "INT");
    std::thread::sleep(Duration::from_millis(300));
    assert!(run.try_wait().unwrap().is_none(), "the first waits for what can be ended in order");
    signal(&run, "INT");
    until("the run ends", 10, || run.try_wait().unwrap().is_some());
    assert_eq!(run.wait().unwrap().code(), Some(130));
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
