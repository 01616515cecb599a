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
