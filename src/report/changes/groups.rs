//! The words and lines that the drawings have in common.

use indexmap::IndexMap;

use crate::model::{NodeId, ResourceType};
use crate::report::words::{brief, list, plural, size};
use crate::state::{
    ChangeReason, ChangedMacro, ChangedNode, Dependent, Explanation, MacroChange, NodeState, RemovedNode, Rename,
    Severity,
};

/// How many names of a group are spelled out.
const NAMES: usize = 4;
/// The longest name, in characters.
const NAME: usize = 60;
/// The longest summary, in characters.
const SUMMARY: usize = 240;

/// Nodes of a kind that changed for the same reasons.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) nodes: Vec<&'a ChangedNode>,
    pub(super) reasons: Vec<&'a ChangeReason>,
}

/// Which of a node's reasons are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// By `state:modified`, or the node is new.
    ByModified,
    /// By a sub-selector of dbt's alone.
    BySubSelector,
    /// Not by dbt.
    BeyondDbt,
}

impl Seen {
    fn holds(self, node: &ChangedNode, reason: &ChangeReason) -> bool {
        let told = if reason.beyond_dbt {
            Self::BeyondDbt
        } else if reason.in_modified || node.state == NodeState::New {
            Self::ByModified
        } else {
            Self::BySubSelector
        };
        self == told
    }
}

/// The nodes with reasons of this sort, those alike together: what is modified before what is new, the gravest first, models
/// before tests.
pub(super) fn groups(told: &Explanation, seen: Seen) -> Vec<Group<'_>> {
    type Key<'a> = (ResourceType, NodeState, Vec<(&'a str, Severity, &'a str)>);
    let mut groups: IndexMap<Key<'_>, Group<'_>> = IndexMap::new();
    for node in &told.nodes {
        let reasons: Vec<&ChangeReason> = node.reasons.iter().filter(|reason| seen.holds(node, reason)).collect();
        if reasons.is_empty() {
            continue;
        }
        let alike = reasons.iter().map(|reason| (reason.id, reason.severity, reason.summary.as_str())).collect();
        let key = (node.resource_type, node.state, alike);
        groups.entry(key).or_insert_with(|| Group { nodes: Vec::new(), reasons }).nodes.push(node);
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    groups.sort_by_key(|group| {
        let first = group.nodes.first();
        let worst = group.reasons.iter().map(|reason| reason.severity).max();
        let kind = first.map_or(u8::MAX, |node| rank(node.resource_type));
        (first.map(|node| node.state), kind, std::cmp::Reverse(worst))
    });
    groups
}

fn rank(kind: ResourceType) -> u8 {
    match kind {
        ResourceType::Model => 0,
        ResourceType::Seed | ResourceType::Snapshot => 1,
        ResourceType::Source => 2,
        ResourceType::Test | ResourceType::UnitTest => 4,
        _ => 3,
    }
}

impl Group<'_> {
    /// e.g. `model orders`, `12 tests: a, b, c, d and 8 more`.
    pub(super) fn who(&self, name: fn(&str) -> String) -> String {
        match self.nodes.as_slice() {
            [] => String::new(),
            [node] => format!("{} {}", word(node.resource_type), name(&brief(&node.name, NAME))),
            [first, ..] => {
                let mut names: Vec<String> =
                    self.nodes.iter().take(NAMES).map(|node| name(&brief(&node.name, NAME))).collect();
                if let more @ 1.. = self.nodes.len().saturating_sub(NAMES) {
                    names.push(format!("{} more", size(more)));
                }
                format!("{}: {}", many(first.resource_type, self.nodes.len()), list(&names))
            }
        }
    }
}

/// One line of a reason.
pub(super) fn summary(reason: &ChangeReason) -> String {
    brief(&reason.summary, SUMMARY)
}

/// dbt's word for a kind, with spaces.
pub(super) fn word(kind: ResourceType) -> String {
    kind.as_str().replace('_', " ")
}

fn many(kind: ResourceType, count: usize) -> String {
    match kind {
        ResourceType::Analysis if count != 1 => format!("{} analyses", size(count)),
        ResourceType::SavedQuery if count != 1 => format!("{} saved queries", size(count)),
        _ => plural(count as u64, &word(kind)),
    }
}

/// The line on top.
pub(super) fn headline(told: &Explanation) -> String {
    let totals = told.totals;
    if told.is_empty() && totals.modified + totals.new + totals.removed == 0 {
        return format!("{}: nothing changed, compared with {}", told.project, told.baseline);
    }
    let parts = [(totals.modified, "modified"), (totals.new, "new"), (totals.removed, "removed")];
    let counts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", size(*count))).collect();
    let counts = if counts.is_empty() { "no node modified".to_owned() } else { list(&counts) };
    format!("{}: {counts}, {} unchanged, compared with {}", told.project, size(totals.unmodified), told.baseline)
}

/// Of a node that is gone, what must be known of it.
pub(super) fn gone(node: &RemovedNode, renames: &[Rename], name: fn(&str) -> String) -> String {
    let mut said = Vec::new();
    if node.disabled {
        said.push("disabled, not deleted".to_owned());
    }
    if node.severity == Severity::Breaking {
        said.push("breaking: its contract was enforced".to_owned());
    }
    if let Some(rename) = renames.iter().find(|rename| rename.from == node.unique_id) {
        said.push(format!("likely renamed to {} ({})", name(rename.to.short()), likeness(rename)));
    }
    let readers = |removed: bool| {
        let of = node.dependents.iter().filter(|reader| reader.removed == removed);
        of.map(|reader| reader_name(reader, name)).collect::<Vec<_>>()
    };
    match readers(false) {
        still if still.is_empty() => {}
        still => said.push(format!("was read by {}", shortened(&still))),
    }
    match readers(true) {
        too if too.is_empty() => {}
        too => said.push(format!("was read by {}, gone too", shortened(&too))),
    }
    if node.tests > 0 {
        said.push(format!("had {}", plural(node.tests as u64, "test")));
    }
    if said.is_empty() { "nothing read it".to_owned() } else { said.join("; ") }
}

fn reader_name(reader: &Dependent, name: fn(&str) -> String) -> String {
    let kind = reader.unique_id.as_str().split('.').next().unwrap_or_default().replace('_', " ");
    format!("{kind} {}", name(&brief(reader.unique_id.short(), NAME)))
}

fn shortened(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMES).cloned().collect();
    if let more @ 1.. = names.len().saturating_sub(NAMES) {
        shown.push(format!("{} more", size(more)));
    }
    list(&shown)
}

/// How sure a rename is.
fn likeness(rename: &Rename) -> String {
    if rename.similarity >= 1.0 {
        return match rename.from.as_str().split('.').next() {
            Some("seed") => "same data".to_owned(),
            Some("source") => "same table".to_owned(),
            _ => "same code".to_owned(),
        };
    }
    format!("{:.0} % of the code is the same", (rename.similarity * 100.0).floor())
}

/// Nodes that are gone without those that come in numbers and follow from others: tests of nodes that are gone.
pub(super) fn gone_apart_from_tests(told: &Explanation) -> (Vec<&RemovedNode>, usize) {
    let is_test = |node: &&RemovedNode| matches!(node.resource_type, ResourceType::Test | ResourceType::UnitTest);
    let tests = told.removed.iter().filter(is_test).count();
    (told.removed.iter().filter(|node| !is_test(node)).collect(), tests)
}

/// How a macro changed, and what it reaches.
pub(super) fn of_macro(changed: &ChangedMacro) -> String {
    let how = match changed.change {
        MacroChange::Edited => "edited",
        MacroChange::Added => "new",
        MacroChange::Removed => "removed",
    };
    let mut counts: IndexMap<ResourceType, usize> = IndexMap::new();
    for id in &changed.reached_by {
        if let Some(kind) = kind_of(id) {
            *counts.entry(kind).or_default() += 1;
        }
    }
    let counts: Vec<String> = counts.iter().map(|(kind, count)| many(*kind, *count)).collect();
    let reach = if counts.is_empty() { "no node calls it".to_owned() } else { format!("reached by {}", list(&counts)) };
    format!("{how}, {reach}")
}

/// One line on the changed macros that no node calls.
pub(super) fn uncalled(told: &Explanation, name: fn(&str) -> String) -> Option<String> {
    let names: Vec<String> =
        told.macros.iter().filter(|it| it.reached_by.is_empty()).map(|it| name(&brief(&it.name, NAME))).collect();
    let verb = if names.len() == 1 { "macro that no node calls" } else { "macros that no node calls" };
    (!names.is_empty()).then(|| format!("{} {verb} changed: {}.", size(names.len()), shortened(&names)))
}

/// One line on what is gone and not told.
pub(super) fn left_out(told: &Explanation) -> Option<String> {
    let count = told.removed_left_out;
    (count > 0).then(|| format!("{} left out: a selector finds what is there.", plural(count as u64, "removed node")))
}

fn kind_of(id: &NodeId) -> Option<ResourceType> {
    ResourceType::parse(id.as_str().split('.').next()?)
}

/// Every unified diff, once: of nodes, then of macros.
pub(super) fn diffs(told: &Explanation) -> Vec<(String, &str)> {
    let of_nodes = told.nodes.iter().flat_map(|node| {
        let bodies = node.reasons.iter().filter(|reason| reason.id == "body");
        bodies.filter_map(move |reason| {
            Some((format!("{} {}", word(node.resource_type), node.name), reason.diff.as_deref()?))
        })
    });
    let of_macros = told.macros.iter();
    let of_macros = of_macros.filter_map(|it| Some((format!("macro {}", it.name), it.diff.as_deref()?)));
    of_nodes.chain(of_macros).collect()
}
