//! `state`: what changed since production, and why.

use super::Exit;
use super::args::{DiffOutput, StateCommandArgs};
use super::commands::{leave_to_the_system, request};
use super::invoke::Session;
use super::output::{Failure, print, terminal};
use crate::pipeline::{self, StateRequest};
use crate::report::{self, Shown};

/// Tells what changed. That something did is no failure.
pub(super) async fn state(session: &Session, args: &StateCommandArgs) -> Result<Exit, Failure> {
    let loaded = session.load_with_state(args.state.as_deref())?;
    let wanted = StateRequest {
        select: request(&args.select, &loaded)?,
        state: args.state.clone(),
        baseline: args.baseline.clone(),
        merge_base: args.merge_base.clone(),
    };
    let told = pipeline::explain(&session.invocation, &loaded, &wanted).await?;
    session.ui.finish();
    let (width, color) = terminal();
    let shown = Shown { diffs: args.diff };
    let text = match args.output {
        DiffOutput::Json => serde_json::to_string_pretty(&told)
            .map_err(|error| Failure::usage(format!("cannot write JSON: {error}"), "try another --output"))?,
        DiffOutput::Table => report::changes_terminal(&told.explanation, &told.impact, shown, width, color),
        DiffOutput::Markdown => report::changes_markdown(&told.explanation, &told.impact, shown),
    };
    print(&session.ui.scrub(&text));
    leave_to_the_system(loaded);
    Ok(Exit::Clean)
}
