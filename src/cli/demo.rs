//! `demo`: an example shop is built as production, a pull request changes it, and `ci` says what merging would do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use super::Exit;
use super::args::{DemoArgs, Global};
use super::commands::write_what_ran;
use super::invoke::Session;
use super::output::{Failure, print};
use super::ui::Ui;
use crate::artifacts;
use crate::model::{Event, NodeStatus, Observer, Stage, event::Silent};
use crate::pipeline::{self, BuildRequest, Built, CiOutcome, CiRequest, DeferRequest};
use crate::plan::Command;
use crate::report;
use crate::select::Request;
use crate::warehouse;

/// The shop's project, and the files that the pull request changes.
static PROJECT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/ecomm");
static CHANGE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/ecomm-change/models");

/// Runs the demo and prints the comment.
pub(super) async fn demo(global: &Global, ui: &Arc<Ui>, args: &DemoArgs) -> Result<Exit, Failure> {
    let dir = folder(args)?;
    let shop = dir.join("shop");
    lay_out(&PROJECT, &shop)?;
    let global = Global {
        project_dir: Some(shop.clone()),
        profiles_dir: Some(shop.clone()),
        profile: None,
        target: Some("duckdb".to_owned()),
        target_path: Some(dir.join("production")),
        vars: None,
        ..global.clone()
    };
    let mut session = Session::new(&global, ui, "build", false)?;
    let mut env = (*session.invocation.env).clone();
    env.insert("ECOMM_DUCKDB_PATH".to_owned(), dir.join("shop.duckdb").display().to_string());
    session.invocation.env = Arc::new(env);

    say(&format!("demo      working in {}", dir.display()), ui);
    say("demo      1. production: the shop's raw data, and its project built on DuckDB", ui);
    production(&session).await?;

    say("demo      2. a pull request: sessions are joined by a renamed column, and a window is widened", ui);
    lay_out(&CHANGE, &shop.join("models"))?;
    say("demo      3. slimdiff ci, as a runner would run it", ui);
    session.invocation.target_path = Some(dir.join("target"));
    session.invocation.full_refresh = true;
    let request = CiRequest {
        baseline: Some(format!("manifest:{}", dir.join("production").display())),
        pull_request: Some(42),
        ..CiRequest::default()
    };
    let outcome = pipeline::ci(&session.invocation, &request).await?;
    let CiOutcome::Checked { report, files, cancelled } = outcome else { return Ok(Exit::Clean) };
    ui.finish();
    print(&report::markdown(&report, report::Budget::default()));
    let files: Vec<String> = files.iter().map(|file| format!("  {}", file.display())).collect();
    say(
        &format!(
            "\nThat was the comment (exit code {}: {}).\n\nThe report:\n{}\nThe project, the database and the throw-away schema pr_42:\n  {}\n  {}",
            report.exit_code(),
            if report.exit_code() == 0 { "clean" } else { "findings, so the check is red" },
            files.join("\n"),
            shop.display(),
            dir.join("shop.duckdb").display(),
        ),
        ui,
    );
    Ok(match (cancelled, report.exit_code()) {
        (true, _) => Exit::Interrupted,
        (_, 0) => Exit::Clean,
        _ => Exit::Findings,
    })
}

fn say(text: &str, ui: &Ui) {
    ui.observe(&Event::Message(text.to_owned()));
}

/// A new folder, or the one given, which must be empty.
fn folder(args: &DemoArgs) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("cannot make a folder for the demo: {error}"), "give one with `--dir`")
    };
    let Some(dir) = &args.dir else {
        return tempfile::Builder::new()
            .prefix("slimdiff-demo-")
            .tempdir()
            .map(tempfile::TempDir::keep)
            .map_err(failed);
    };
    fs::create_dir_all(dir).map_err(failed)?;
    if fs::read_dir(dir).map_err(failed)?.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty", dir.display()), "give a new folder with `--dir`"));
    }
    dir.canonicalize().map_err(failed)
}

/// Writes embedded files below `to`.
fn lay_out(from: &Dir<'_>, to: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("cannot write the demo's project: {error}"), "give a folder with `--dir`")
    };
    fs::create_dir_all(to).map_err(failed)?;
    for file in from.files() {
        fs::write(to.join(file.path().file_name().unwrap_or_default()), file.contents()).map_err(failed)?;
    }
    for dir in from.dirs() {
        lay_out(dir, &to.join(dir.path().file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// Loads the raw data and builds the project in the target's own schemas.
async fn production(session: &Session) -> Result<(), Failure> {
    let loaded = session.load()?;
    let raw = PROJECT.get_file("raw/generate.sql").and_then(include_dir::File::contents_utf8).unwrap_or_default();
    let warehouse = warehouse::connect(&loaded.target).await.map_err(pipeline::Error::from)?;
    let mut connection = warehouse.session().await.map_err(pipeline::Error::from)?;
    connection.execute(raw).await.map_err(pipeline::Error::from)?;
    drop(connection);
    drop(warehouse);
    artifacts::write_manifest(&loaded.manifest, &loaded.target_path.join("manifest.json"))?;
    let request = BuildRequest {
        command: Command::Build,
        select: Request::default(),
        defer: DeferRequest::default(),
        fail_fast: false,
        dry_run: false,
    };
    // Production's build is not the show: it is told in one line.
    let mut quiet = session.invocation.clone();
    quiet.observer = Arc::new(Silent);
    let since = std::time::Instant::now();
    let Built::Done { outcome } = pipeline::build(&quiet, &loaded, &request).await? else { return Ok(()) };
    write_what_ran(&loaded, &outcome)?;
    if let Some(failed) =
        outcome.results.iter().find(|result| matches!(result.status, NodeStatus::Error | NodeStatus::Fail))
    {
        let message =
            format!("production did not build: {}: {}", failed.unique_id, failed.message.clone().unwrap_or_default());
        return Err(Failure { exit: Exit::Findings, message, hint: None });
    }
    session.invocation.observer.observe(&Event::StageFinished {
        stage: Stage::Build,
        detail: format!("production: {} nodes built and tested", outcome.results.len()),
        elapsed: since.elapsed(),
    });
    Ok(())
}
