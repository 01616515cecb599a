//! What changed since production, told node by node, without building anything.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Serialize;

use super::commands::{read_state, state_options};
use super::impact::{self, Before};
use super::project::timed;
use super::sides::Sides;
use super::{Error, Invocation, Loaded};
use crate::impact::Impact;
use crate::model::{Change, NodeId};
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

/// What there is to tell.
#[derive(Debug, Serialize)]
pub struct Told {
    /// What changed and why.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What the changes are and what they reach.
    pub impact: Impact,
}

/// Compares the project with its baseline and says what changed and why.
///
/// # Errors
/// The baseline cannot be read, or the selector is wrong.
pub async fn explain(invocation: &Invocation, head: &Loaded, request: &StateRequest) -> Result<Told, Error> {
    if let Some(path) = &request.state {
        let manifest = read_state(invocation, head, path)?;
        let version = &manifest.metadata.dbt_version;
        let described = format!("the manifest in {} (dbt {version})", path.display());
        let before = Before { manifest: &manifest, parsed: None };
        return told(invocation, head, before, &described, &request.select).await;
    }
    let baseline = request.baseline.as_deref().or(head.settings.baseline.as_deref());
    let merge_base = request.merge_base.as_deref().or(head.settings.merge_base.as_deref());
    let sides = Sides::load(invocation, head, baseline, merge_base)?;
    let before = Before { manifest: sides.before(), parsed: sides.before_parsed() };
    told(invocation, head, before, sides.described(), &request.select).await
}

async fn told(
    invocation: &Invocation,
    head: &Loaded,
    before: Before<'_>,
    described: &str,
    request: &Request,
) -> Result<Told, Error> {
    let manifests = Change { baseline: &**before.manifest, current: &*head.manifest };
    let diff = timed("state", || state::compare(&manifests, state_options(head)));
    let mut explanation = timed("reasons", || state::explain(&manifests, &diff, described, env!("CARGO_PKG_VERSION")));
    let mut chosen = None;
    if *request != Request::default() {
        let choose = || select::select(request, &head.manifest, &head.dag, Some(&diff));
        let (selection, diagnostics) = timed("selection", choose)?;
        invocation.tell(diagnostics)?;
        let kept: HashSet<NodeId> = selection.nodes.into_iter().collect();
        explanation.keep(&kept.iter().collect());
        chosen = Some(kept);
    }
    let is_chosen = |id: &NodeId| chosen.as_ref().is_none_or(|kept| kept.contains(id));
    let impact = impact::of(invocation, head, before, &diff, is_chosen).await?;
    Ok(Told { explanation, impact })
}
