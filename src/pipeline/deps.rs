//! `deps`: the packages of a project.

use std::time::Instant;

use super::{Error, Invocation};
use crate::model::{Event, Stage};
use crate::project::LoadOptions;
use crate::project::deps::{self, Outcome, Request};

/// Installs the packages that the project declares.
///
/// # Errors
/// What is declared cannot be had; the packages are then as they were.
pub fn deps(invocation: &Invocation, request: &Request) -> Result<Outcome, Error> {
    let since = Instant::now();
    let observer = &invocation.observer;
    observer.observe(&Event::StageStarted { stage: Stage::Deps, detail: "fetching".to_owned(), total: None });
    let load = LoadOptions { require_profile: false, ..invocation.load_options() };
    let tell = |event: &Event| observer.observe(event);
    let stop = || invocation.cancel.is_cancelled();
    let outcome = tokio::task::block_in_place(|| deps::install(&load, request, &tell, &stop))?;
    let done = if request.lock_only { "resolved" } else { "installed" };
    let count = outcome.packages.len();
    let detail = format!("{count} {} {done}", if count == 1 { "package" } else { "packages" });
    invocation.finished(Stage::Deps, detail, since);
    Ok(outcome)
}
