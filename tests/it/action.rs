//! The action itself, executed by a runner on this machine against a stateful GitHub API: one sticky comment, whatever
//! happens, and a red check when there are findings.

use std::process::Command;

use serde_json::json;

use crate::support::cli::{Sandbox, fixture};
use crate::support::github::{GitHub, TOKEN, act};

fn git(sandbox: &Sandbox, args: &[&str]) {
    let output = Command::new("git")
        .current_dir(sandbox.path())
        .args(["-c", "user.name=Octo", "-c", "user.email=octo@example.com", "-c", "init.defaultBranch=main"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository whose main branch is the shop, with production built, and whose pull request is the change.
fn repository() -> Sandbox {
    let mut sandbox = Sandbox::with_fixture("ecomm");
    let database = sandbox.join("shop.duckdb");
    duckdb::Connection::open(&database).unwrap().execute_batch(&sandbox.read("raw/generate.sql")).unwrap();
    let database = database.to_string_lossy().into_owned();
    sandbox.env("ECOMM_DUCKDB_PATH", &database);
    sandbox.ok(["build", "--quiet"]);
    let action = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml")).unwrap();
    sandbox.write(".github/actions/slimdiff/action.yml", action);
    sandbox.write(
        ".github/workflows/pr.yml",
        format!(
            "on: pull_request\npermissions:\n  contents: read\n  pull-requests: write\njobs:\n  check:\n    runs-on: ubuntu-latest\n    \
             steps:\n      - uses: actions/checkout@v4\n        with:\n          fetch-depth: 0\n      - uses: ./.github/actions/slimdiff\n        \
             with:\n          binary: {}\n          profiles-dir: .\n        env:\n          ECOMM_DUCKDB_PATH: {database}\n",
            env!("CARGO_BIN_EXE_slimdiff")
        ),
    );
    sandbox.write(".gitignore", "target/\n*.duckdb\n*.wal\nhome/\n.cache/\n");
    git(&sandbox, &["init", "--quiet"]);
    git(&sandbox, &["remote", "add", "origin", "https://github.com/octocat/shop.git"]);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "--quiet", "-m", "production"]);
    git(&sandbox, &["switch", "--quiet", "-c", "account-ref"]);
    for file in ["staging/stg_app_sessions.sql", "marts/ml/customer_rolling_features.sql"] {
        let changed = std::fs::read_to_string(fixture("ecomm-change/models").join(file)).unwrap();
        sandbox.write(&format!("models/{file}"), changed);
    }
    git(&sandbox, &["commit", "--quiet", "-a", "-m", "join sessions by the account"]);
    sandbox
}

#[test]
fn a_pull_request_gets_one_comment_that_follows_its_pushes() {
    let github = GitHub::start();
    let sandbox = repository();
    let event = json!({
        "action": "synchronize", "number": 1,
        "pull_request": {"number": 1, "head": {"ref": "account-ref", "sha": "0".repeat(40)}, "base": {"ref": "main"}},
        "repository": {"full_name": "octocat/shop"},
    });
    let home = sandbox.join("home");

    let (green, log) = act(sandbox.path(), &home, &event, &github);
    assert!(!green, "findings make the check red:\n{log}");
    assert!(!log.contains(TOKEN), "the token is not printed:\n{log}");
    let comments = github.comments();
    assert_eq!(comments.len(), 1, "{log}");
    assert!(comments[0].contains("sessions_30d") && comments[0].contains("assert_feature_coverage"), "{}", comments[0]);

    // The next push takes the change back: the same comment now says so, and the check is green.
    git(&sandbox, &["revert", "--no-edit", "HEAD"]);
    let (green, log) = act(sandbox.path(), &home, &event, &github);
    assert!(green, "{log}");
    let comments = github.comments();
    assert_eq!(comments.len(), 1, "one sticky comment:\n{log}");
    assert!(!comments[0].contains("sessions_30d"), "{}", comments[0]);
}
