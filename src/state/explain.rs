//! The difference of two manifests as a document: what changed and why, what is gone, what was renamed, which macros
//! reach what. Programs read it as JSON; `report` draws it for people.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::diff::unified;
use super::macros::MacroChanges;
use super::rename::{Rename, renames};
use super::{Hit, Severity, StateDiff};
use crate::model::{Change, Manifest, Node, NodeId, ResourceType};

/// The shape of [`Explanation`] as JSON. It grows when a field is renamed, removed or means something else; a field
/// more is no new shape.
pub const SCHEMA_VERSION: u32 = 1;

/// Lines around each change of code.
const CONTEXT: usize = 3;

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// slimdiff's own version.
    pub tool_version: String,
    /// The root project.
    pub project: String,
    /// What it was compared with, for people.
    pub baseline: String,
    /// Figures of all nodes, whatever is selected.
    pub totals: Totals,
    /// What changed, in manifest order.
    pub nodes: Vec<ChangedNode>,
    /// What the baseline has and the current side has not.
    pub removed: Vec<RemovedNode>,
    /// How many more are gone and not told, since a selector finds what is there.
    pub removed_left_out: usize,
    /// Which of those are likely the new nodes under another name.
    pub renames: Vec<Rename>,
    /// Macros that differ, those that reach no node among them.
    pub macros: Vec<ChangedMacro>,
}

/// How many nodes of each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// `state:modified` and not new.
    pub modified: usize,
    /// `state:new`.
    pub new: usize,
    /// In the baseline only.
    pub removed: usize,
    /// In both, and `state:unmodified`.
    pub unmodified: usize,
}

/// What dbt calls the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// `state:modified`.
    Modified,
    /// `state:new`.
    New,
    /// `state:unmodified`, though a sub-selector sees something.
    Unmodified,
}

/// A node about which there is something to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedNode {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its name for people: with the version of a versioned model, with the source of a source table.
    pub name: String,
    /// Its kind.
    pub resource_type: ResourceType,
    /// Its file, relative to the package's root.
    pub path: String,
    /// What dbt calls it.
    pub state: NodeState,
    /// The gravest of its reasons'.
    pub severity: Severity,
    /// Why.
    pub reasons: Vec<ChangeReason>,
}

/// One reason of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeReason {
    /// Its stable id.
    pub id: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What follows `state:modified.` in the selector that sees it.
    pub sub_selector: Option<&'static str>,
    /// Whether `state:modified` counts it.
    pub in_modified: bool,
    /// Whether dbt does not see it at all.
    pub beyond_dbt: bool,
    /// One line for people.
    pub summary: String,
    /// The two values, where there are two and they are not code.
    pub values: Option<Change<Option<String>>>,
    /// Of code that both sides have: a unified diff.
    pub diff: Option<String>,
    /// Of a macro: the calls that reach it, from the one that the node itself makes.
    pub macro_path: Vec<String>,
}

/// A node that is gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemovedNode {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its name for people.
    pub name: String,
    /// Its kind.
    pub resource_type: ResourceType,
    /// The file it was in.
    pub path: String,
    /// Whether it is still there, and disabled.
    pub disabled: bool,
    /// Breaking when its contract was enforced.
    pub severity: Severity,
    /// What read it in the baseline, its tests apart.
    pub dependents: Vec<Dependent>,
    /// How many tests it had.
    pub tests: usize,
}

/// What used to read a node that is gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dependent {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Whether it is gone too.
    pub removed: bool,
}

/// How a macro changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MacroChange {
    /// Its text differs.
    Edited,
    /// The baseline has none of its id.
    Added,
    /// The current side has none of its id.
    Removed,
}

/// A macro that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedMacro {
    /// dbt's id.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// Its file, relative to the package's root.
    pub path: String,
    /// How.
    pub change: MacroChange,
    /// What calls it, directly or through other macros, in manifest order.
    pub reached_by: Vec<NodeId>,
    /// Of an edited one: a unified diff.
    pub diff: Option<String>,
}

/// Tells the difference of two manifests. `baseline` says where the baseline came from.
pub fn explain(manifests: &Change<&Manifest>, diff: &StateDiff, baseline: &str, tool_version: &str) -> Explanation {
    let nodes: Vec<ChangedNode> = diff
        .changed
        .iter()
        .filter_map(|(id, hits)| Some(changed_node(manifests.current.node(id.as_str())?, hits, diff)))
        .collect();
    let modified = nodes.iter().filter(|node| node.state == NodeState::Modified).count();
    let compared = manifests.current.nodes.values().filter(|node| node.resource_type != ResourceType::Group).count();
    let totals = Totals {
        modified,
        new: diff.added.len(),
        removed: diff.removed.len(),
        unmodified: compared.saturating_sub(modified + diff.added.len()),
    };
    Explanation {
        schema_version: SCHEMA_VERSION,
        tool_version: tool_version.to_owned(),
        project: manifests.current.metadata.project_name.clone(),
        baseline: baseline.to_owned(),
        totals,
        removed: removed_nodes(manifests, diff),
        removed_left_out: 0,
        renames: renames(manifests, diff),
        macros: changed_macros(manifests, &nodes, diff),
        nodes,
    }
}

impl Explanation {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.removed.is_empty() && self.macros.is_empty()
    }

    /// Keeps what is said of the selected nodes. What is gone cannot be selected, so it is only counted.
    pub fn keep(&mut self, selected: &HashSet<&NodeId>) {
        self.nodes.retain(|node| selected.contains(&node.unique_id));
        self.removed_left_out += self.removed.len();
        self.removed.clear();
        self.renames.retain(|rename| selected.contains(&rename.to));
        for changed in &mut self.macros {
            changed.reached_by.retain(|id| selected.contains(id));
        }
        self.macros.retain(|changed| !changed.reached_by.is_empty());
    }
}

/// A node's name for people.
fn name(node: &Node) -> String {
    match (node.resource_type, node.as_source()) {
        (_, Some(source)) => format!("{}.{}", source.source_name, node.name),
        (ResourceType::Model, _) => node.unique_id.short().to_owned(),
        _ => node.name.clone(),
    }
}

fn changed_node(node: &Node, hits: &[Hit], diff: &StateDiff) -> ChangedNode {
    let id = node.unique_id.as_str();
    let mut reasons: Vec<ChangeReason> = hits.iter().map(change_reason).collect();
    reasons.sort_by_key(|reason| (reason.beyond_dbt, !reason.in_modified, std::cmp::Reverse(reason.severity)));
    ChangedNode {
        unique_id: node.unique_id.clone(),
        name: name(node),
        resource_type: node.resource_type,
        path: node.original_file_path.clone(),
        state: match (diff.is_new(id), diff.is_modified(id)) {
            (true, _) => NodeState::New,
            (false, true) => NodeState::Modified,
            (false, false) => NodeState::Unmodified,
        },
        severity: hits.iter().map(|hit| hit.severity).max().unwrap_or_default(),
        reasons,
    }
}

fn change_reason(hit: &Hit) -> ChangeReason {
    let diff = hit.code_diff(CONTEXT);
    ChangeReason {
        id: hit.reason,
        title: hit.title,
        severity: hit.severity,
        sub_selector: hit.sub_selector,
        in_modified: hit.in_modified,
        beyond_dbt: hit.beyond_dbt,
        summary: match (hit.reason, &hit.values) {
            ("body", Some(code)) => format!("{}: {}", hit.summary, extent(code)),
            _ => hit.summary.clone(),
        },
        values: hit.values.clone().filter(|_| !hit.is_code),
        diff,
        macro_path: hit.path.clone(),
    }
}

/// How much of a piece of code is edited, in lines.
fn extent(code: &Change<Option<String>>) -> String {
    let sides = code.as_ref().map(|side| side.as_deref().unwrap_or_default());
    if sides.map(|text| text.split_whitespace().collect::<String>()).is_changed() {
        let diff = similar::TextDiff::from_lines(sides.baseline, sides.current);
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        let lines = |count: usize| format!("{count} line{}", if count == 1 { "" } else { "s" });
        let (added, removed) = (count(similar::ChangeTag::Insert), count(similar::ChangeTag::Delete));
        return match (added, removed) {
            (added, 0) => format!("{} added", lines(added)),
            (0, removed) => format!("{} removed", lines(removed)),
            (added, removed) => format!("{} added, {removed} removed", lines(added)),
        };
    }
    "white space only".to_owned()
}

fn removed_nodes(manifests: &Change<&Manifest>, diff: &StateDiff) -> Vec<RemovedNode> {
    let mut readers: HashMap<&NodeId, Vec<&Node>> = diff.removed.iter().map(|id| (id, Vec::new())).collect();
    if readers.is_empty() {
        return Vec::new();
    }
    for node in manifests.baseline.nodes.values() {
        for parent in &node.depends_on.nodes {
            if let Some(known) = readers.get_mut(parent) {
                known.push(node);
            }
        }
    }
    let is_test = |node: &Node| matches!(node.resource_type, ResourceType::Test | ResourceType::UnitTest);
    let told = |id: &NodeId| {
        let node = manifests.baseline.node(id.as_str())?;
        let readers = readers.get(id).map(Vec::as_slice).unwrap_or_default();
        let dependent = |node: &&&Node| Dependent {
            unique_id: node.unique_id.clone(),
            removed: !manifests.current.nodes.contains_key(&node.unique_id),
        };
        let promised = node.as_model().is_some_and(|model| model.contract_enforced);
        Some(RemovedNode {
            unique_id: id.clone(),
            name: name(node),
            resource_type: node.resource_type,
            path: node.original_file_path.clone(),
            disabled: manifests.current.disabled.contains_key(id),
            severity: if promised { Severity::Breaking } else { Severity::Behaviour },
            dependents: readers.iter().filter(|node| !is_test(node)).map(|node| dependent(&node)).collect(),
            tests: readers.iter().filter(|node| is_test(node)).count(),
        })
    };
    diff.removed.iter().filter_map(told).collect()
}

fn changed_macros(manifests: &Change<&Manifest>, nodes: &[ChangedNode], diff: &StateDiff) -> Vec<ChangedMacro> {
    let mut reached: HashMap<&str, Vec<NodeId>> = HashMap::new();
    for node in nodes {
        for hit in diff.changed.get(&node.unique_id).into_iter().flatten() {
            if let Some(id) = &hit.macro_id {
                reached.entry(id).or_default().push(node.unique_id.clone());
            }
        }
    }
    let changes = MacroChanges::between(manifests);
    let told = |(id, change): (&str, MacroChange)| {
        let it = manifests.current.macros.get(id).or_else(|| manifests.baseline.macros.get(id))?;
        let code = manifests.map(|manifest| manifest.macros.get(id).map(|it| it.macro_sql.as_str()));
        Some(ChangedMacro {
            unique_id: id.to_owned(),
            name: it.name.clone(),
            path: it.original_file_path.clone(),
            change,
            reached_by: reached.remove(id).unwrap_or_default(),
            diff: unified(code, CONTEXT),
        })
    };
    changes.in_order().into_iter().filter_map(told).collect()
}
