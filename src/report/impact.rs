//! What the changes are and what they reach, in words: the rows and lines that all renderers draw.

use indexmap::IndexMap;

use super::words::{brief, count, list, plural, size};
use crate::impact::{Cause, Impact, Lost, ModelChange, Owner, ReachedNode, Touch};
use crate::lineage::{ChangeSeverity, GapReason};
use crate::model::{NodeId, ResourceType};

/// How many names are spelled out.
const NAMES: usize = 4;
/// How many nodes that are read are spelled out.
const READS: usize = 3;
/// The longest evidence in one line, in characters.
const SUMMARY: usize = 240;

/// What stands for the rows of a node.
const ROWS: &str = "its rows";

/// How a renderer writes a name.
pub(super) type Name = fn(&str) -> String;

/// A class for people.
pub(super) fn class(class: ChangeSeverity) -> &'static str {
    match class {
        ChangeSeverity::Breaking => "breaking",
        ChangeSeverity::Unknown => "not known",
        ChangeSeverity::ChangedValues => "other values",
        ChangeSeverity::Additive => "additive",
        ChangeSeverity::Neutral => "neutral",
    }
}

/// One row for each class and evidence: which models, the class, what differs. New models are left out: nothing is there to
/// be broken.
pub(super) fn changes(impact: &Impact, name: Name, text: fn(&str) -> String) -> Vec<[String; 3]> {
    let is_new = |change: &&ModelChange| change.evidence.iter().any(|one| one.kind == "new_model");
    let mut groups: IndexMap<(ChangeSeverity, ResourceType, &str), Vec<&str>> = IndexMap::new();
    for change in impact.changes.iter().filter(|change| !is_new(change)) {
        let key = (change.class, change.resource_type, change.summary.as_str());
        groups.entry(key).or_default().push(&change.name);
    }
    let row = |((severity, kind, summary), names): ((ChangeSeverity, ResourceType, &str), Vec<&str>)| {
        [who(kind, &names, name), class(severity).to_owned(), text(&brief(summary, SUMMARY))]
    };
    groups.into_iter().map(row).collect()
}

/// `model orders`, `12 models: a, b, c, d and 8 more`.
pub(super) fn who(kind: ResourceType, names: &[&str], name: Name) -> String {
    let word = kind.as_str().replace('_', " ");
    match names {
        [one] => format!("{word} {}", name(&brief(one, 60))),
        all => {
            let mut shown: Vec<String> = all.iter().take(NAMES).map(|one| name(&brief(one, 60))).collect();
            if let more @ 1.. = all.len().saturating_sub(NAMES) {
                shown.push(format!("{} more", size(more)));
            }
            format!("{}: {}", many(kind, all.len()), list(&shown))
        }
    }
}

fn many(kind: ResourceType, count: usize) -> String {
    match kind {
        ResourceType::SavedQuery if count != 1 => format!("{} saved queries", size(count)),
        ResourceType::Analysis if count != 1 => format!("{} analyses", size(count)),
        _ => plural(count as u64, &kind.as_str().replace('_', " ")),
    }
}

/// Whether a node is told in a row of its own: tests are counted.
fn is_told(node: &ReachedNode) -> bool {
    !matches!(node.resource_type, ResourceType::Test | ResourceType::UnitTest)
}

/// What is reached and read, or may be, in the order in which a reader looks for it: what is used outside first, then the
/// nearest.
pub(super) fn touched(impact: &Impact) -> Vec<&ReachedNode> {
    let mut nodes: Vec<&ReachedNode> =
        impact.reached.iter().filter(|node| is_told(node)).filter(|node| node.touch != Touch::Untouched).collect();
    nodes.sort_by_key(|node| (rank(node.resource_type), std::cmp::Reverse(node.class), node.distance));
    nodes
}

fn rank(kind: ResourceType) -> u8 {
    match kind {
        ResourceType::Exposure => 0,
        ResourceType::SavedQuery => 1,
        ResourceType::Metric => 2,
        ResourceType::SemanticModel => 3,
        _ => 4,
    }
}

/// A reached node: what it is and whose, how far, what it reads, and from where that changed.
pub(super) fn row(impact: &Impact, node: &ReachedNode, name: Name, text: fn(&str) -> String) -> [String; 4] {
    let kind = node.resource_type.as_str().replace('_', " ");
    let owner = node.owner.as_ref().map(|owner| format!(" ({})", text(&owner_name(owner)))).unwrap_or_default();
    let what = format!("{kind} {}{owner}", name(&brief(&node.name, 60)));
    let (mut reads, because) = through(impact, node, name);
    if let Some(lost) = &node.lost {
        let is_all = reads.is_empty();
        reads.push_str(if is_all { "" } else { "; " });
        reads.push_str(&lost_words(impact, lost, &node.unique_id, is_all, name, text));
    }
    [what, size(node.distance), reads, because]
}

/// `Finance (finance@example.com)`.
pub(super) fn owner_name(owner: &Owner) -> String {
    match (&owner.name, &owner.email) {
        (Some(name), Some(email)) => format!("{name}, {email}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    }
}

/// What of which node, e.g. `amount (removed)` of `orders`.
type Places<'a> = IndexMap<&'a NodeId, Vec<String>>;

/// What a node reads, and what changed above that: `daily_traffic: customers` and `stg_sessions: customer_id`.
fn through(impact: &Impact, node: &ReachedNode, name: Name) -> (String, String) {
    let (mut reads, mut because): (Places<'_>, Places<'_>) = Default::default();
    let rows_last = node
        .reads
        .iter()
        .filter(|read| read.column.is_some())
        .chain(node.reads.iter().filter(|read| read.column.is_none()));
    for read in rows_last {
        let causes = || read.causes.iter().filter_map(|at| impact.causes.get(*at as usize));
        let same = |cause: &&Cause| cause.node == read.node && cause.column == read.column;
        let own = causes().filter(same).max_by_key(|cause| cause.class);
        reads.entry(&read.node).or_default().push(item(
            read.column.as_deref(),
            own.map(|cause| cause.kind.as_str()),
            name,
        ));
        for cause in causes().filter(|cause| !same(cause)) {
            let said = item(cause.column.as_deref(), Some(&cause.kind), name);
            let of_node = because.entry(&cause.node).or_default();
            if !of_node.contains(&said) {
                of_node.push(said);
            }
        }
    }
    (places(&reads, name), places(&because, name))
}

/// A column with how it changed where that breaks its readers; rows with how they changed.
fn item(column: Option<&str>, kind: Option<&str>, name: Name) -> String {
    let breaking = ["column_removed", "column_renamed", "column_retyped"];
    match (column, kind) {
        (Some(column), Some(kind)) if breaking.contains(&kind) => format!("{} ({})", name(column), verb(kind)),
        (Some(column), _) => name(column),
        (None, Some(kind)) => verb(kind).to_owned(),
        (None, None) => ROWS.to_owned(),
    }
}

fn places(places: &Places<'_>, name: Name) -> String {
    let shown = places.iter().take(READS).map(|(node, items)| {
        let mut shown: Vec<&str> = items.iter().take(NAMES).map(String::as_str).collect();
        let more = format!("{} more", size(items.len().saturating_sub(NAMES)));
        if items.len() > NAMES {
            shown.push(&more);
        }
        // A metric has no rows: it is read as a whole.
        if node.as_str().starts_with("metric.") && items.iter().all(|item| item == ROWS) {
            return name(&short(node));
        }
        format!("{}: {}", name(&short(node)), shown.join(", "))
    });
    let mut shown: Vec<String> = shown.collect();
    if let more @ 1.. = places.len().saturating_sub(READS) {
        shown.push(format!("{} more", size(more)));
    }
    shown.join("; ")
}

/// A node's name; of a source table, the source's too.
fn short(id: &NodeId) -> String {
    match id.as_str().splitn(3, '.').collect::<Vec<_>>().as_slice() {
        [_, _, rest] => (*rest).to_owned(),
        _ => id.to_string(),
    }
}

fn verb(kind: &str) -> &'static str {
    match kind {
        "column_removed" => "removed",
        "column_renamed" => "renamed",
        "column_retyped" => "type changed",
        "expression_changed" => "computed differently",
        "column_added_last" | "column_added_between" => "new",
        "filter_changed" => "filter changed",
        "join_changed" => "join changed",
        "grain_changed" => "grain changed",
        "source_changed" => "reads another table",
        "structure_changed" => "rearranged",
        "seed_data_changed" => "data edited",
        "not_followed" => "not known",
        _ => "changed",
    }
}

/// Why it is not known what a node reads, or whether that is all.
fn lost_words(
    impact: &Impact,
    lost: &Lost,
    node: &NodeId,
    is_all: bool,
    name: Name,
    text: fn(&str) -> String,
) -> String {
    let told = |change: &ModelChange| change.evidence.iter().any(|one| one.gap.as_ref() == Some(&lost.gap));
    let is_a_change = impact.changes.iter().any(|change| change.unique_id == lost.node && told(change));
    if is_a_change && lost.node != *node {
        let what = if is_all { "not known" } else { "perhaps more" };
        return format!("{what}, since the change of {} is not known", name(&short(&lost.node)));
    }
    let past = if lost.node == *node { String::new() } else { format!(" past {}", name(&short(&lost.node))) };
    let gap = match lost.gap.reason {
        GapReason::NotSql | GapReason::NotCompiled => lost.gap.what.clone(),
        _ => lost.gap.to_string(),
    };
    format!("{}{past}: {}", if is_all { "not known" } else { "perhaps more" }, text(&brief(&gap, 120)))
}

/// What there is to say beside the rows: how many tests, and what is below and reads nothing of what changed.
pub(super) fn lines(impact: &Impact, name: Name) -> Vec<String> {
    let mut lines = Vec::new();
    let tests: Vec<&ReachedNode> = impact.reached.iter().filter(|node| !is_told(node)).collect();
    let of = |touch: Touch| tests.iter().filter(|node| node.touch == touch).count() as u64;
    let (read, unknown) = (of(Touch::Reads), of(Touch::Unknown));
    if !tests.is_empty() {
        let all = plural(tests.len() as u64, "test");
        lines.push(match (read, unknown) {
            (0, 0) => format!("Of {all} below none reads what changed."),
            (0, unknown) => format!("Of {all} below {} may read what changed.", count(unknown)),
            (read, 0) => format!("Of {all} below {} read what changed.", count(read)),
            (read, unknown) => format!("Of {all} below {} read what changed and {} may.", count(read), count(unknown)),
        });
    }
    let mut untouched: IndexMap<ResourceType, Vec<&str>> = IndexMap::new();
    for node in impact.reached.iter().filter(|node| is_told(node)).filter(|node| node.touch == Touch::Untouched) {
        untouched.entry(node.resource_type).or_default().push(&node.name);
    }
    if !untouched.is_empty() {
        let parts: Vec<String> = untouched.iter().map(|(kind, names)| who(*kind, names, name)).collect();
        lines.push(format!("Below, but reading none of the changed columns: {}.", parts.join("; ")));
    }
    lines
}

/// Who has something that is touched, or may be, each with how much.
pub(super) fn owners(impact: &Impact, text: fn(&str) -> String) -> Option<String> {
    let owners = impact.owners.iter().filter(|owner| owner.touched > 0);
    let said: Vec<String> =
        owners.map(|owner| format!("{} ({})", text(&owner_name(&owner.owner)), size(owner.touched))).collect();
    (!said.is_empty()).then(|| format!("Owners of what is touched: {}.", brief(&said.join("; "), 400)))
}
