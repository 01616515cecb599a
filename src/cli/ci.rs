//! `ci`: the check of a pull request, told on the terminal and published where it was asked for.

use std::path::PathBuf;

use super::Exit;
use super::args::{CiArgs, PublishTo};
use super::invoke::Session;
use super::output::{Failure, print, terminal};
use crate::model::{Event, Stage};
use crate::pipeline::{self, CiOutcome, CiRequest};
use crate::publish;
use crate::report::{self, Report};

/// Checks a pull request.
pub(super) async fn ci(session: &Session, args: &CiArgs) -> Result<Exit, Failure> {
    let env = session.invocation.env.clone();
    let context = publish::Context::from_env(&|name: &str| env.get(name).cloned())?;
    if let Some(reason) = context.refuses() {
        return Err(Failure::usage(reason, "run the check on `pull_request`, where a fork's run has no secrets"));
    }
    // Asked before anything is built: what cannot be published is said at once.
    let mut settings = match args.publish {
        Some(PublishTo::Github) => Some(context.settings(args.pull_request)?),
        None => None,
    };
    let request = CiRequest {
        baseline: args.baseline.clone(),
        merge_base: args.merge_base.clone(),
        select: args.select.clone(),
        exclude: args.exclude.clone(),
        schema: args.schema.clone(),
        pull_request: args.pull_request.or(context.pull_request),
        branch: context.branch.clone(),
        head_sha: context.head_sha.clone(),
        drop: args.drop,
        dry_run: args.dry_run,
        fail_fast: args.fail_fast,
    };
    let (report, files, cancelled) = match pipeline::ci(&session.invocation, &request).await? {
        CiOutcome::Planned { text } => {
            session.ui.finish();
            print(&text);
            return Ok(Exit::Clean);
        }
        CiOutcome::Checked { report, files, cancelled } => (report, files, cancelled),
    };
    session.ui.finish();
    let (width, color) = terminal();
    print(&session.ui.scrub(&report::terminal(&report, width, color)));
    for file in &files {
        session.wrote(file);
    }
    if cancelled {
        return Ok(Exit::Interrupted);
    }
    tell_actions(session, &context, &report, &files)?;
    if let Some(settings) = &mut settings {
        settings.key.clone_from(&report.project);
        settings.head_sha.clone_from(&report.head_sha);
        let since = std::time::Instant::now();
        let detail = match publish::github(settings, &comment(session, &report)).await {
            Ok(published) => published.to_string(),
            // A fork's token may only read. The job's summary has the report all the same.
            Err(error) if error.is_read_only() && context.is_fork => {
                format!(
                    "no comment, since the token of a fork's run may not write one; see the job's summary ({error})"
                )
            }
            Err(error) => return Err(error.into()),
        };
        let elapsed = since.elapsed();
        session.invocation.observer.observe(&Event::StageFinished { stage: Stage::Publish, detail, elapsed });
    }
    Ok(if report.exit_code() == 0 { Exit::Clean } else { Exit::Findings })
}

fn comment(session: &Session, report: &Report) -> String {
    session.ui.scrub(&report::markdown(report, report::Budget::default()))
}

/// In GitHub Actions: the job's summary and the step's outputs. They need no right that a fork's token lacks.
fn tell_actions(
    session: &Session,
    context: &publish::Context,
    report: &Report,
    files: &[PathBuf],
) -> Result<(), Failure> {
    if !context.in_actions {
        return Ok(());
    }
    if let Some(path) = &context.step_summary {
        publish::step_summary(path, &comment(session, report))?;
    }
    let file = |extension: &str| {
        let found = files.iter().find(|file| file.extension().is_some_and(|found| found == extension));
        found.map(|file| file.display().to_string()).unwrap_or_default()
    };
    if let Some(path) = &context.output {
        let verdict = serde_json::to_value(report.verdict).unwrap_or_default();
        let outputs = [
            ("verdict", verdict.as_str().unwrap_or_default().to_owned()),
            ("report-json", file("json")),
            ("report-md", file("md")),
            ("schema", report.environment.clone().unwrap_or_default()),
        ];
        publish::outputs(path, &outputs)?;
    }
    Ok(())
}
