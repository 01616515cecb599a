//! The evidence of a change in one line, as a reader wants it: the gravest first, alike things together.

use crate::lineage::{Evidence, Gap, GapReason, change_kind};
use crate::model::Node;
use crate::model::ResourceType;

/// Columns of one kind of change that are named.
const NAMES: usize = 5;
/// The longest piece of SQL that is shown, in characters.
const SQL: usize = 80;

/// A node's name for people: with the version of a versioned model, with the source of a source table.
pub(super) fn name(node: &Node) -> String {
    match (node.resource_type, node.as_source()) {
        (_, Some(source)) => format!("{}.{}", source.source_name, node.name),
        (ResourceType::Model, _) => node.unique_id.short().to_owned(),
        _ => node.name.clone(),
    }
}

/// All of the evidence.
pub(super) fn summary(evidence: &[Evidence]) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for one in evidence {
        if told.contains(&one.kind.as_str()) {
            continue;
        }
        let alike: Vec<&Evidence> = evidence.iter().filter(|other| other.kind == one.kind).collect();
        told.push(&one.kind);
        said.push(phrase(&one.kind, &alike));
    }
    said.join("; ")
}

fn phrase(kind: &str, alike: &[&Evidence]) -> String {
    let names: Vec<String> = alike.iter().filter_map(|one| one.column.as_deref().map(str::to_owned)).collect();
    match kind {
        "column_removed" => format!("removed: {}", listed(&names)),
        "column_renamed" => {
            let names: Vec<String> = alike
                .iter()
                .map(|one| {
                    let (was, is) = (one.was.as_deref().unwrap_or("?"), one.column.as_deref().unwrap_or("?"));
                    format!("{was} → {is}")
                })
                .collect();
            format!("renamed: {}", listed(&names))
        }
        "column_retyped" => format!("type changed: {}", listed(&names)),
        "expression_changed" => format!("computed differently: {}", listed(&names)),
        "column_added_last" => format!("added: {}", listed(&names)),
        "column_added_between" => format!("added between others: {}", listed(&names)),
        "column_moved" => "columns in another order".to_owned(),
        "filter_changed" => clauses("filter", alike),
        "join_changed" => clauses("join", alike),
        "grain_changed" => clauses("what makes up a row", alike),
        "source_changed" => sources(alike),
        "not_followed" => lost(alike),
        "structure_changed" => "rearranged, and not shown to have the same rows".to_owned(),
        "order_changed" => "sorted differently, the same rows".to_owned(),
        "equivalent" | "same_ast" | "same_tokens" => "the same query".to_owned(),
        other => change_kind(other).map_or(other, |kind| kind.title).to_owned(),
    }
}

fn clauses(what: &str, alike: &[&Evidence]) -> String {
    let said = alike.iter().take(2).map(|one| {
        let text = |snippet: &Option<crate::lineage::Snippet>| snippet.as_ref().map(|snippet| sql(&snippet.text));
        match (text(&one.snippets.baseline), text(&one.snippets.current)) {
            // The same words, over what is computed otherwise or comes from elsewhere.
            (Some(was), Some(is)) if was == is => format!("{what} over other columns: {is}"),
            (Some(was), Some(is)) => format!("{what} changed: {was} → {is}"),
            (Some(was), None) => format!("{what} removed: {was}"),
            (None, Some(is)) => format!("{what} added: {is}"),
            (None, None) => format!("{what} changed"),
        }
    });
    let mut said: Vec<String> = said.collect();
    if let more @ 1.. = alike.len().saturating_sub(2) {
        said.push(format!("{more} more of the kind"));
    }
    said.join("; ")
}

fn sources(alike: &[&Evidence]) -> String {
    let said = alike.iter().flat_map(|one| {
        let text = |snippet: &Option<crate::lineage::Snippet>| snippet.as_ref().map(|snippet| short_ids(&snippet.text));
        let was = text(&one.snippets.baseline).map(|was| format!("no longer reads {was}"));
        let is = text(&one.snippets.current).map(|is| format!("now reads {is}"));
        was.into_iter().chain(is)
    });
    said.collect::<Vec<_>>().join(", ")
}

fn lost(alike: &[&Evidence]) -> String {
    let first = alike.iter().find_map(|one| one.gap.as_ref());
    first.map_or_else(|| "could not be compared".to_owned(), |gap| format!("could not be compared: {}", gap_words(gap)))
}

/// A gap in one line; where only the reason's own words would stand before it, without them.
pub(super) fn gap_words(gap: &Gap) -> String {
    match gap.reason {
        GapReason::NotSql | GapReason::NotCompiled => brief(&gap.what),
        _ => brief(&gap.to_string()),
    }
}

/// Unique ids as people say them.
fn short_ids(text: &str) -> String {
    let short = |id: &str| match id.split('.').collect::<Vec<_>>().as_slice() {
        ["model" | "seed" | "snapshot" | "source", _, rest @ ..] if !rest.is_empty() => rest.join("."),
        _ => id.to_owned(),
    };
    text.split(", ").map(short).collect::<Vec<_>>().join(", ")
}

/// On one line, cut where it is long.
fn sql(text: &str) -> String {
    brief(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn brief(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= SQL {
        return line.to_owned();
    }
    let cut: String = line.chars().take(SQL).collect();
    format!("{}…", cut.trim_end())
}

/// `a, b, c`, the first few.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        all if all.len() > NAMES => format!("{} and {} more", all[..NAMES].join(", "), all.len() - NAMES),
        all => all.join(", "),
    }
}
