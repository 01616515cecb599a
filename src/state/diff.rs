//! The comparison itself: every reason of the table over every pair of nodes with the same id.

use indexmap::{IndexMap, IndexSet};
use rayon::prelude::*;
use serde::Serialize;

use super::beyond;
use super::macros::MacroChanges;
use super::reason::{Finding, MACRO, NEW, Pair, REASONS, Reason, is_modified_when_new, sees_new};
use super::semantic;
use super::severity::Severity;
use crate::model::{Change, Manifest, Node, NodeId, ResourceType};

/// One reason why a node counts as changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all are told")]
pub struct Hit {
    /// The reason's stable id, e.g. `body`, `config`, `fqn`, `macro`; `new` for a node that the baseline has not.
    pub reason: &'static str,
    /// The reason in a few words, e.g. `configuration`.
    pub title: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// The sub-selector that sees it, e.g. `body`; none for what only `modified` itself sees.
    pub sub_selector: Option<&'static str>,
    /// Whether `state:modified` counts it (some are seen by a sub-selector alone).
    pub in_modified: bool,
    /// Whether dbt does not see it at all.
    pub beyond_dbt: bool,
    /// One line for people, e.g. `materialized: view → table`, `macro cents_to_dollars changed (via orders →
    /// cents_to_dollars)`.
    pub summary: String,
    /// The two values as text, where there are two (for code, the code).
    pub values: Option<Change<Option<String>>>,
    /// Whether the values are code.
    pub is_code: bool,
    /// Whether the code differs in comments, white space and formatting alone.
    pub formatting_only: bool,
    /// Of a macro: the calls that reach it, from the one that the node itself makes.
    pub path: Vec<String>,
    /// Of a macro: its unique id.
    pub macro_id: Option<String>,
}

impl Hit {
    pub(super) fn of(reason: &Reason, in_modified: bool, finding: Finding) -> Self {
        Self {
            reason: reason.id,
            title: reason.title,
            severity: finding.severity.unwrap_or(reason.severity),
            sub_selector: reason.sub_selector,
            in_modified,
            beyond_dbt: reason.beyond_dbt,
            summary: finding.summary,
            values: finding.values,
            is_code: finding.is_code,
            formatting_only: false,
            path: finding.path,
            macro_id: finding.macro_id,
        }
    }

    /// Whether a promise to others is withdrawn.
    pub fn is_breaking(&self) -> bool {
        self.severity == Severity::Breaking
    }

    /// Of code that both sides have: a unified diff with `context` lines around each change; none when no line differs.
    pub fn code_diff(&self, context: usize) -> Option<String> {
        let values = self.values.as_ref().filter(|_| self.is_code)?;
        unified(values.as_ref().map(Option::as_deref), context)
    }
}

/// Of text that both sides have: a unified diff with `context` lines around each change; none when no line differs.
pub(super) fn unified(text: Change<Option<&str>>, context: usize) -> Option<String> {
    let diff = similar::TextDiff::from_lines(text.baseline?, text.current?);
    let text = diff.unified_diff().context_radius(context).missing_newline_hint(false).to_string();
    Some(text).filter(|text| !text.is_empty())
}

/// The difference of two manifests.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StateDiff {
    /// Every current node with at least one hit, in manifest order.
    pub changed: IndexMap<NodeId, Vec<Hit>>,
    /// Nodes of the current side that the baseline has not, in manifest order.
    pub added: IndexSet<NodeId>,
    /// Nodes of the baseline that the current side has not, in the baseline's order.
    pub removed: Vec<NodeId>,
}

/// What the project's flags say about comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// dbt's `state_modified_compare_more_unrendered_values`: sources are compared by what is written, not by what it
    /// renders to.
    pub more_unrendered: bool,
}

impl StateDiff {
    /// Whether `state:modified` selects the node. A new source, exposure, metric, semantic model or saved query is not
    /// modified, only new: so dbt has it.
    pub fn is_modified(&self, id: &str) -> bool {
        self.changed.get(id).is_some_and(|hits| hits.iter().any(|hit| hit.in_modified))
    }

    /// Whether `state:modified.semantic` selects the node: as [`Self::is_modified`], but for what is an edit of
    /// comments, white space or formatting alone. dbt has no such selector.
    pub fn is_semantically_modified(&self, id: &str) -> bool {
        self.changed.get(id).is_some_and(|hits| hits.iter().any(|hit| hit.in_modified && !hit.formatting_only))
    }

    /// Whether `state:unmodified` selects the node: exactly what `modified` does not.
    pub fn is_unmodified(&self, id: &str) -> bool {
        !self.is_modified(id)
    }

    /// Whether `state:new` selects the node: the baseline has no node of its id.
    pub fn is_new(&self, id: &str) -> bool {
        self.added.contains(id)
    }

    /// Whether `state:old` selects the node: the baseline has a node of its id.
    pub fn is_old(&self, id: &str) -> bool {
        !self.is_new(id)
    }

    /// Whether `state:modified.<sub_selector>` selects the node. A new node is selected by every sub-selector that can
    /// compare its kind.
    pub fn matches(&self, id: &str, sub_selector: &str) -> bool {
        if sub_selector == semantic::SEMANTIC {
            return self.is_semantically_modified(id);
        }
        let seen = |hits: &Vec<Hit>| hits.iter().any(|hit| hit.sub_selector == Some(sub_selector));
        self.changed.get(id).is_some_and(seen)
            || (self.is_new(id) && kind_of(id).is_some_and(|kind| sees_new(sub_selector, kind)))
    }
}

fn kind_of(id: &str) -> Option<ResourceType> {
    ResourceType::parse(id.split('.').next()?)
}

/// Compares the current manifest with the baseline's, node by node.
pub fn compare(manifests: &Change<&Manifest>, options: Options) -> StateDiff {
    let macros = MacroChanges::between(manifests);
    let mut diff = StateDiff::default();
    // Groups are kept with the nodes, but dbt does not compare them.
    let is_compared = |node: &Node| node.resource_type != ResourceType::Group;
    // A new node has a reason at least: that it is new.
    let hits = |(id, current): (&NodeId, &Node)| {
        let (is_new, hits) = match manifests.baseline.nodes.get(id) {
            _ if !is_compared(current) => return None,
            Some(baseline) => {
                let adapter_type = &manifests.current.metadata.adapter_type;
                (false, hits_of(&Pair { nodes: Change { baseline, current }, options, macros: &macros, adapter_type }))
            }
            None => (true, hits_of_new(current, &macros)),
        };
        (!hits.is_empty()).then(|| (id.clone(), is_new, hits))
    };
    // In the order of the manifest, however many cores there are.
    let found: Vec<(NodeId, bool, Vec<Hit>)> = manifests.current.nodes.par_iter().filter_map(hits).collect();
    diff.added = found.iter().filter(|(_, is_new, _)| *is_new).map(|(id, ..)| id.clone()).collect();
    diff.changed = found.into_iter().map(|(id, _, hits)| (id, hits)).collect();
    let removed = manifests
        .baseline
        .nodes
        .iter()
        .filter(|(id, node)| is_compared(node) && !manifests.current.nodes.contains_key(*id));
    diff.removed = removed.map(|(id, _)| id.clone()).collect();
    beyond::add(manifests, &macros, &mut diff);
    diff
}

fn hits_of_new(node: &Node, macros: &MacroChanges<'_>) -> Vec<Hit> {
    let new = Hit::of(&NEW, is_modified_when_new(node.resource_type), Finding::said("not in the baseline"));
    let reached = macros.reached_from(node).into_iter().map(|finding| Hit::of(&MACRO, true, finding));
    std::iter::once(new).chain(reached).collect()
}

fn hits_of(pair: &Pair<'_>) -> Vec<Hit> {
    let kind = pair.nodes.current.resource_type;
    let mut hits = Vec::new();
    for reason in REASONS.iter().filter(|reason| reason.applies_to.contains(&kind)) {
        let in_modified = (reason.counts)(pair.nodes.current);
        hits.extend((reason.compare)(pair).into_iter().map(|finding| Hit::of(reason, in_modified, finding)));
    }
    semantic::mark(pair.nodes.current, pair.adapter_type, &mut hits);
    hits
}
