//! What the changes are and what they reach, as Markdown.

use super::budget::Block;
use super::escape::{cell, code, text};
use crate::impact::Impact;
use crate::report::document::Report;
use crate::report::impact::{changes, lines, owners, row, touched};
use crate::report::words::size;

/// A table of the class of every change, at most `limit` rows; none when nothing is to be told.
pub(in crate::report) fn impact_changes(impact: &Impact, limit: usize) -> Option<String> {
    let rows = changes(impact, cell, text);
    if rows.is_empty() {
        return None;
    }
    let mut told = vec!["| What | Class | What differs |".to_owned(), "|:--|:--|:--|".to_owned()];
    told.extend(rows.iter().take(limit).map(|[who, class, what]| format!("| {who} | {} | {what} |", stress(class))));
    if rows.len() > limit {
        told.push(format!("| … and {} more | | |", size(rows.len() - limit)));
    }
    Some(told.join("\n"))
}

/// Makes the word bold that a reader looks for.
fn stress(class: &str) -> String {
    if class == "breaking" { format!("**{class}**") } else { class.to_owned() }
}

/// What is reached through which columns, at most `limit` rows; none when nothing lies below.
pub(in crate::report) fn impact_reached(impact: &Impact, limit: usize) -> Option<String> {
    if impact.reached.is_empty() {
        return None;
    }
    let nodes = touched(impact);
    let mut parts = Vec::new();
    if !nodes.is_empty() {
        let mut told = vec!["| What | Steps | Reads | Because of |".to_owned(), "|:--|--:|:--|:--|".to_owned()];
        told.extend(nodes.iter().take(limit).map(|node| {
            let [what, steps, reads, because] = row(impact, node, cell, text);
            format!("| {what} | {steps} | {reads} | {because} |")
        }));
        if nodes.len() > limit {
            told.push(format!("| … and {} more | | | |", size(nodes.len() - limit)));
        }
        parts.push(told.join("\n"));
    }
    parts.extend(lines(impact, code));
    parts.extend(owners(impact, text));
    Some(parts.join("\n\n"))
}

/// The class of every change, in the comment.
pub(super) fn changes_block(report: &Report) -> Option<Block> {
    let impact = report.impact.as_ref()?;
    impact_changes(impact, 1)?;
    let form = |limit: usize| {
        let table = impact_changes(impact, limit).unwrap_or_default();
        format!("### What the changes do\n\n{table}")
    };
    Some(Block { what: "what the changes do", forms: vec![form(60), form(20), form(5), String::new()], weight: 6 })
}

/// What is reached, folded, in the comment.
pub(super) fn reached_block(report: &Report) -> Option<Block> {
    let impact = report.impact.as_ref()?;
    impact_reached(impact, 1)?;
    let form = |limit: usize| {
        let whole = impact_reached(impact, limit).unwrap_or_default();
        format!("<details><summary>What they reach, through which columns</summary>\n\n{whole}\n\n</details>")
    };
    let forms = vec![form(100), form(30), form(10), String::new()];
    Some(Block { what: "what is reached through which columns", forms, weight: 3 })
}
