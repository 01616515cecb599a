//! What changed since production, told node by node, without building anything.

use std::collections::HashSet;
use std::path::PathBuf;

use super::ci::load_baseline;
use super::commands::{read_state, state_options};
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
}

/// Compares the project with its baseline and says what changed and why.
///
/// # Errors
/// The baseline cannot be read, or the selector is wrong.
pub fn explain(invocation: &Invocation, head: &Loaded, request: &StateRequest) -> Result<Explanation, Error> {
    if let Some(path) = &request.state {
        let manifest = read_state(head, path)?;
        let version = &manifest.metadata.dbt_version;
        let described = format!("the manifest in {} (dbt {version})", path.display());
        return told(invocation, head, &manifest, &described, &request.select);
    }
    let base = load_baseline(invocation, head, request.baseline.as_deref())?;
    told(invocation, head, &base.manifest, &base.description, &request.select)
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
