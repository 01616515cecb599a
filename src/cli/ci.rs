//! `ci`: the check of a pull request, told on the terminal and published where it was asked for.

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
    let settings = match args.publish {
        Some(PublishTo::Github) => Some(context.settings(args.pull_request)?),
        None => None,
    };
    let request = CiRequest {
        baseline: args.baseline.clone(),
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
        session.invocation.observer.observe(&Event::Message(format!("wrote {}", file.display())));
    }
    if cancelled {
        return Ok(Exit::Interrupted);
    }
    if let Some(settings) = settings {
        publish(session, &context, &settings, &report).await?;
    }
    Ok(if report.exit_code() == 0 { Exit::Clean } else { Exit::Findings })
}

async fn publish(
    session: &Session,
    context: &publish::Context,
    settings: &publish::Settings,
    report: &Report,
) -> Result<(), Failure> {
    let since = std::time::Instant::now();
    let markdown = session.ui.scrub(&report::markdown(report, report::Budget::default()));
    // The summary first: it needs no right that a fork's token lacks.
    if let Some(path) = &context.step_summary {
        publish::step_summary(path, &markdown)?;
    }
    if let Some(path) = &context.output {
        publish::outputs(path, &0)?;
    }
    let published = publish::github(settings, &markdown).await?;
    session.invocation.observer.observe(&Event::StageFinished {
        stage: Stage::Publish,
        detail: published.to_string(),
        elapsed: since.elapsed(),
    });
    Ok(())
}
