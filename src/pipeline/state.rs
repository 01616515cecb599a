//! What changed since production, told node by node, without building anything.

use std::collections::HashSet;
use std::path::PathBuf;

use super::commands::{read_state, state_options};
use super::sides::Sides;
use super::{Error, Invocation, Loaded};
use crate::model::{Change, Manifest};
use crate::select::{self, Request};
use crate::state::{self, Explanation};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct StateRequest {
    /// Which nodes; everything by default.
    pub select: Request,
    /// `--state`: a manifest, or the folder it is in.
    pub state: Option<PathBuf>,
    /// Without it: `manifest:PATH` or `git:REV`; slimdiff.yml's, then the merge base, by default.
    pub baseline: Option<String>,
    /// The revision that changes are counted from when the baseline is a manifest, or `none`.
    pub merge_base: Option<String>,
}

/// Compares the project with its baseline and says what changed and why.
///
/// # Errors
/// The baseline cannot be read, or the selector is wrong.
pub fn explain(invocation: &Invocation, head: &Loaded, request: &StateRequest) -> Result<Explanation, Error> {
    if let Some(path) = &request.state {
        let manifest = read_state(invocation, head, path)?;
        let version = &manifest.metadata.dbt_version;
        let described = format!("the manifest in {} (dbt {version})", path.display());
        return told(invocation, head, &manifest, &described, &request.select);
    }
    let baseline = request.baseline.as_deref().or(head.settings.baseline.as_deref());
    let merge_base = request.merge_base.as_deref().or(head.settings.merge_base.as_deref());
    let sides = Sides::load(invocation, head, baseline, merge_base)?;
    told(invocation, head, sides.before(), sides.described(), &request.select)
}

fn told(
    invocation: &Invocation,
    head: &Loaded,
    baseline: &Manifest,
    described: &str,
    request: &Request,
) -> Result<Explanation, Error> {
    let manifests = Change { baseline, current: &*head.manifest };
    let diff = state::compare(&manifests, state_options(head));
    let mut explanation = state::explain(&manifests, &diff, described, env!("CARGO_PKG_VERSION"));
    if *request != Request::default() {
        let dag = select::dag(&head.manifest).map_err(|error| Error::usage(error.to_string(), "break the circle"))?;
        let (selection, diagnostics) = select::select(request, &head.manifest, &dag, Some(&diff))?;
        invocation.tell(diagnostics)?;
        explanation.keep(&selection.nodes.iter().collect::<HashSet<_>>());
    }
    Ok(explanation)
}
