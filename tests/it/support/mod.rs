//! What tests stand on.

use std::process::Command;

use cli::Sandbox;

pub(crate) mod cli;
pub(crate) mod github;
pub(crate) mod postgres;

/// Runs git in the sandbox.
pub(crate) fn git(sandbox: &Sandbox, args: &[&str]) {
    let identity = ["-c", "user.name=Octo", "-c", "user.email=octo@example.com"];
    let status = Command::new("git").current_dir(sandbox.path()).args(identity).args(args).status().unwrap();
    assert!(status.success(), "git {args:?}");
}

/// Commits these files, builds them, and switches to a branch of a pull request.
pub(crate) fn put_into_production(sandbox: &Sandbox, files: &[(&str, &str)]) {
    sandbox.write(".gitignore", "target/\n*.duckdb*\n");
    for (path, text) in files {
        sandbox.write(path, text);
    }
    git(sandbox, &["init", "--quiet", "--initial-branch=main"]);
    git(sandbox, &["add", "."]);
    git(sandbox, &["commit", "--quiet", "--message=production"]);
    sandbox.ok(["build", "--quiet"]);
    git(sandbox, &["switch", "--quiet", "--create=feature"]);
}
