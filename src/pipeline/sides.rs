//! What a pull request is compared with. Its changes are counted from where it left the branch it goes to; its tables
//! are compared with production's. The two are often not the same commit: a branch may be old, and production may lag.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::commands::state_options;
use super::{Error, Invocation, Loaded};
use crate::baseline::{self, Baseline, LoadContext, ParsedRevision};
use crate::diff::TableDiff;
use crate::model::{Change, Code, Diagnostic, Event, Manifest, Node, NodeId, Severity, Stage};
use crate::plan::Plan;
use crate::report::Drift;
use crate::state::{self, StateDiff};

/// The word for a comparison with production itself.
const NONE: &str = "none";

/// What the current side is held against.
pub(super) struct Sides {
    /// Where tables are compared and unchanged nodes are read.
    pub(super) production: baseline::Loaded,
    /// Where changes are counted from, when that is not production.
    merge_base: Option<MergeBase>,
    options: state::Options,
}

struct MergeBase {
    loaded: baseline::Loaded,
    /// What production and it differ by, once somebody asks.
    drift: OnceLock<StateDiff>,
}

impl Sides {
    /// Loads production and, where production is no git revision, the merge base beside it: `merge_base` names another
    /// revision, or is `none`.
    ///
    /// # Errors
    /// One of them cannot be used. A merge base that nobody asked for may be missing; that is told.
    pub(super) fn load(
        invocation: &Invocation,
        head: &Loaded,
        baseline: Option<&str>,
        merge_base: Option<&str>,
    ) -> Result<Self, Error> {
        let since = Instant::now();
        invocation.observer.observe(&Event::StageStarted {
            stage: Stage::Baseline,
            detail: String::new(),
            total: None,
        });
        let source = baseline.map_or(Ok(Baseline::MergeBase), Baseline::parse)?;
        let stop = || invocation.cancel.is_cancelled();
        let context = LoadContext {
            project: &head.project,
            load: invocation.load_options(),
            parse: invocation.parse_options(&head.project),
            stop: &stop,
        };
        let read = |source: &Baseline| tokio::task::block_in_place(|| baseline::load(source, &context));
        let production = read(&source)?;
        let mut diagnostics = production.diagnostics.clone();
        let is_revision = matches!(source, Baseline::Git(_) | Baseline::MergeBase);
        let base = match merge_base {
            Some(NONE) => None,
            _ if is_revision => None,
            Some(revision) => Some(read(&Baseline::Git(revision.to_owned()))?),
            None => match read(&Baseline::MergeBase) {
                Ok(loaded) => Some(loaded),
                Err(error) if error.is_stopped() => return Err(error.into()),
                Err(error) => {
                    diagnostics.push(without_merge_base(&error));
                    None
                }
            },
        };
        diagnostics.extend(base.iter().flat_map(|loaded| loaded.diagnostics.clone()));
        for diagnostic in diagnostics {
            invocation.observer.observe(&Event::Diagnostic(diagnostic));
        }
        let merge_base = base.map(|loaded| MergeBase { loaded, drift: OnceLock::new() });
        let sides = Self { production, merge_base, options: state_options(head) };
        invocation.finished(Stage::Baseline, sides.summary(), since);
        Ok(sides)
    }

    /// What changes are counted from.
    pub(super) fn before(&self) -> &Arc<Manifest> {
        &self.counted_from().manifest
    }

    /// What compiles the nodes of [`Self::before`], when it is a revision that was parsed.
    pub(super) fn before_parsed(&self) -> Option<&ParsedRevision> {
        self.counted_from().parsed.as_ref()
    }

    fn counted_from(&self) -> &baseline::Loaded {
        self.merge_base.as_ref().map_or(&self.production, |base| &base.loaded)
    }

    /// What changes are counted from, for people.
    pub(super) fn described(&self) -> &str {
        self.merge_base.as_ref().map_or(&self.production.description, |base| &base.loaded.description)
    }

    fn summary(&self) -> String {
        match &self.merge_base {
            Some(base) => format!("{}; changes since {}", self.production.description, base.loaded.description),
            None => self.production.description.clone(),
        }
    }

    /// The merge base with what production and it differ by.
    fn merge_base(&self) -> Option<(&baseline::Loaded, &StateDiff)> {
        let MergeBase { loaded, drift } = self.merge_base.as_ref()?;
        let sides = Change { baseline: &*self.production.manifest, current: &*loaded.manifest };
        Some((loaded, drift.get_or_init(|| state::compare(&sides, self.options))))
    }

    /// What production differs by from where the pull request began, for the report.
    pub(super) fn drift(&self) -> Option<Drift> {
        let (loaded, drift) = self.merge_base()?;
        let modified =
            drift.changed.iter().filter(|(id, _)| drift.is_modified(id.as_str()) && !drift.is_new(id.as_str()));
        let summary = |hits: &[state::Hit]| hits.first().map(|hit| hit.summary.clone()).unwrap_or_default();
        Some(Drift {
            merge_base: loaded.description.clone(),
            behind: drift.added.iter().cloned().collect(),
            modified: modified.map(|(id, hits)| (id.clone(), summary(hits))).collect(),
            gone: drift.removed.clone(),
        })
    }

    /// Says of each comparison whether production's own state has a share in it.
    pub(super) fn note(&self, head: &Manifest, plan: &Plan, diffs: &mut [TableDiff]) {
        let Some((_, drift)) = self.merge_base() else { return };
        let built: HashSet<&NodeId> = plan.steps.iter().map(|step| &step.unique_id).collect();
        for diff in diffs {
            let Some(id) = &diff.unique_id else { continue };
            let names = drifted_above(id, head, &built, drift);
            if !names.is_empty() {
                diff.notes.push(format!(
                    "production was built from another version of {} than the pull request began with: not every difference \
                     need be the pull request's",
                    names.join(", ")
                ));
            }
        }
    }
}

/// Names of what production has otherwise, among the node and what was built above it.
fn drifted_above(id: &NodeId, head: &Manifest, built: &HashSet<&NodeId>, drift: &StateDiff) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = HashSet::from([id]);
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        let Some(node) = head.node(id.as_str()) else { continue };
        if drift.is_modified(id.as_str()) && !drift.is_new(id.as_str()) {
            names.push(node.name.clone());
        }
        let goes_on = |parent: &&NodeId| {
            let ephemeral = head.node(parent.as_str()).is_some_and(Node::is_ephemeral);
            built.contains(*parent) || ephemeral
        };
        open.extend(node.depends_on.nodes.iter().filter(goes_on).filter(|parent| seen.insert(parent)));
    }
    names.sort();
    names
}

fn without_merge_base(error: &baseline::Error) -> Diagnostic {
    let message = format!("changes are counted from production itself, since the merge base cannot be used: {error}");
    let note = Diagnostic { severity: Severity::Note, ..Diagnostic::warning(Code::ProjectMessage, message) };
    match error.hint() {
        Some(hint) => note.hint(hint),
        None => note,
    }
}
