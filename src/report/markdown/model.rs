//! The parts of the comment that are about one model: its line in the table, and what is folded below.

use super::budget::Block;
use super::escape::{apart, cell, code, html, text, value};
use super::sections::stress;
use crate::diff::{ColumnDiff, Method, Sample, SampleKind, TableDiff};
use crate::model::{Change, NodeStatus, Value};
use crate::report::counts::{changed_words, figures, null_share};
use crate::report::distributions::{HEADER, moved};
use crate::report::document::{ModelReport, ModelState, Report};
use crate::report::phrases::{evidence, headline, knows_nulls, method, name, result, telling, unsaid_keys};
use crate::report::words::{brief, list, plural, size};

/// One line of the table of models.
pub(super) fn row(model: &ModelReport) -> String {
    let figures = model.diff.as_ref().map_or_else(<[String; 4]>::default, figures);
    let cells = figures.join(" | ");
    format!("| {} | {} | {} | {cells} |", cell(&model.name), why(model), stress(result(model)))
}

/// Why the model was looked at.
fn why(model: &ModelReport) -> String {
    match (&model.state, model.reasons.as_slice()) {
        (ModelState::Added, _) => "new in the pull request".to_owned(),
        (ModelState::Modified, [first, more @ ..]) => {
            let more = if more.is_empty() { String::new() } else { format!(" (+{})", more.len()) };
            format!("{}{more}", text(&brief(&first.summary, 80)))
        }
        (ModelState::Modified, []) => "changed".to_owned(),
        (ModelState::Downstream, _) if model.because_of.is_empty() => "unchanged".to_owned(),
        (ModelState::Downstream, _) => {
            format!("below {}", list(&model.because_of.iter().map(|name| cell(name)).collect::<Vec<_>>()))
        }
    }
}

/// What is folded below: none for a model of which the table says all.
pub(super) fn details(report: &Report, model: &ModelReport) -> Option<Block> {
    let failed = model.build.as_ref().filter(|build| build.status == NodeStatus::Error);
    if let Some(message) = failed.and_then(|build| build.message.as_deref()) {
        let form = |limit: usize| fold(model, "could not be built", &[fenced(message, "text", limit)]);
        return Some(Block { what: "details of models", forms: vec![form(3000), form(500), String::new()], weight: 4 });
    }
    let diff = model.diff.as_ref()?;
    if diff.is_equal() && diff.rejected_keys.is_empty() && diff.notes.is_empty() && diff.excluded.is_empty() {
        return None;
    }
    let headline = headline(diff);
    let how = [sides(report, diff), how(diff)]
        .iter()
        .filter(|line| !line.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join("\\\n");
    let short_columns = columns(diff, 8);
    let forms = vec![
        fold(
            model,
            &headline,
            &[
                reasons(model),
                columns(diff, 100),
                distributions(diff, 40),
                samples(diff),
                code_diffs(model),
                how.clone(),
            ],
        ),
        fold(model, &headline, &[columns(diff, 40), distributions(diff, 10), how.clone()]),
        fold(model, &headline, &[short_columns, how]),
        String::new(),
    ];
    let weight = if diff.differs() { 3 } else { 2 };
    Some(Block { what: "details of models", forms, weight })
}

/// One comparison on its own, without a run around it.
pub(super) fn table(diff: &TableDiff) -> String {
    let title = format!("### {}: {}", code(&name(diff)), text(&headline(diff)));
    let relations =
        [&diff.relation.baseline, &diff.relation.current].map(|side| side.as_ref().map(|r| code(&r.short())));
    let sides = match relations {
        [Some(baseline), Some(current)] => format!("Production is {baseline}, the pull request {current}."),
        _ => String::new(),
    };
    let parts = [title, columns(diff, 100), distributions(diff, 40), samples(diff), sides, how(diff)];
    let mut text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

fn fold(model: &ModelReport, headline: &str, parts: &[String]) -> String {
    let body = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n\n");
    let name = html(&model.name);
    format!("<details><summary><b>{name}</b>: {}</summary>\n\n{body}\n\n</details>", html(headline))
}

/// A message as it was written, in a fence that it cannot close.
pub(in crate::report) fn fenced(message: &str, language: &str, limit: usize) -> String {
    let shown: String = message.trim_end().chars().take(limit).collect();
    let more = if shown.len() < message.trim_end().len() { "\n…" } else { "" };
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{shown}{more}\n{fence}")
}

fn reasons(model: &ModelReport) -> String {
    if model.reasons.len() < 2 {
        return String::new();
    }
    let lines = model.reasons.iter().map(|reason| format!("- {}", text(&brief(&reason.summary, 200))));
    format!("Why it counts as changed:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// What was edited, as far as it is short.
fn code_diffs(model: &ModelReport) -> String {
    let diffs = model.reasons.iter().filter_map(|reason| reason.code_diff.as_deref());
    diffs.map(|diff| fenced(diff, "diff", 2000)).collect::<Vec<_>>().join("\n\n")
}

fn columns(diff: &TableDiff, limit: usize) -> String {
    let telling = telling(diff);
    if telling.is_empty() {
        return match &diff.method {
            Method::Checksum | Method::Keyed { .. } if diff.differs() => {
                "No value changed in the rows that both sides have.".to_owned()
            }
            Method::Multiset { .. } if diff.differs() => "No column's share of NULLs changed.".to_owned(),
            Method::OneSided if !diff.columns.is_empty() => "No value is NULL.".to_owned(),
            _ => String::new(),
        };
    }
    let header = if diff.is_compared() && !knows_nulls(diff) {
        ["| Column | Type | Rows changed |", "|:--|:--|--:|"]
    } else if diff.is_compared() {
        ["| Column | Type | Rows changed | NULL in production | NULL here |", "|:--|:--|--:|--:|--:|"]
    } else {
        ["| Column | Type | NULL |", "|:--|:--|--:|"]
    };
    let mut lines: Vec<String> = header.map(str::to_owned).into();
    lines.extend(telling.iter().take(limit).map(|column| column_row(diff, column)));
    let shown = telling.len().min(limit);
    if telling.len() > shown {
        lines.push(format!("| … and {} more | | | | |", size(telling.len() - shown)));
    }
    // Of a column that is not compared it is told elsewhere.
    let is_compared = |column: &&ColumnDiff| !diff.excluded.iter().any(|(name, _)| *name == column.name);
    let told = telling.iter().copied().filter(is_compared).count();
    let silent = diff.columns.iter().filter(is_compared).count() - told;
    if silent > 0 {
        let (one, many) = match diff.method {
            Method::OneSided => ("is never NULL", "are never NULL"),
            Method::Checksum | Method::Keyed { .. } => ("is unchanged", "are unchanged"),
            _ => ("has the same share of NULLs", "have the same share of NULLs"),
        };
        lines.push(String::new());
        lines.push(match silent {
            1 => format!("The other column {one}."),
            silent => format!("The other {} columns {many}.", size(silent)),
        });
    }
    lines.join("\n")
}

fn column_row(diff: &TableDiff, column: &ColumnDiff) -> String {
    let of = |side: &Option<String>| side.as_deref().map(cell);
    let data_type = match (of(&column.data_type.baseline), of(&column.data_type.current)) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (Some(_), Some(same)) => same,
        (None, Some(after)) if diff.is_compared() => format!("new, {after}"),
        (Some(before), None) if diff.is_compared() => format!("gone, {before}"),
        (one, other) => one.or(other).unwrap_or_default(),
    };
    let changed = changed_words(diff, column);
    let nulls = null_share(diff, column);
    let name = cell(&column.name);
    if !diff.is_compared() {
        return format!("| {name} | {data_type} | {}{} |", nulls.baseline, nulls.current);
    }
    if !knows_nulls(diff) {
        return format!("| {name} | {data_type} | {changed} |");
    }
    format!("| {name} | {data_type} | {changed} | {} | {} |", nulls.baseline, nulls.current)
}

/// What the columns that moved hold on both sides.
fn distributions(diff: &TableDiff, limit: usize) -> String {
    let moved = moved(diff);
    if moved.is_empty() {
        return String::new();
    }
    let mut lines = vec![format!("| {} |", HEADER.join(" | ")), "|:--|:--|--:|--:|--:|--:|".to_owned()];
    lines.extend(moved.iter().take(limit).map(|moved| {
        let cells: Vec<String> = moved.cells.iter().map(|words| text(words)).collect();
        format!("| {} | {} |", cell(moved.name), cells.join(" | "))
    }));
    if moved.len() > limit {
        lines.push(format!("| … and {} more | | | | | |", size(moved.len() - limit)));
    }
    lines.join("\n")
}

fn samples(diff: &TableDiff) -> String {
    if diff.samples.is_empty() {
        return String::new();
    }
    let changed: Vec<&Sample> = diff.samples.iter().filter(|sample| sample.kind == SampleKind::Changed).collect();
    let mut lines = vec!["Examples:".to_owned(), String::new()];
    if !changed.is_empty() {
        lines.push("| Row | Column | Production | Pull request |".to_owned());
        lines.push("|:--|:--|:--|:--|".to_owned());
        for sample in changed {
            lines.extend(changed_rows(sample));
        }
        lines.push(String::new());
    }
    for sample in diff.samples.iter().filter(|sample| sample.kind != SampleKind::Changed) {
        let word = if sample.kind == SampleKind::Added { "only here" } else { "only in production" };
        lines.push(format!("- {word}: {}", row_words(&sample.key, code)));
    }
    lines.join("\n").trim_end().to_owned()
}

/// One line a changed column of a row, the first four.
fn changed_rows(sample: &Sample) -> Vec<String> {
    let mut rows = Vec::new();
    for (at, (column, values)) in sample.values.iter().take(4).enumerate() {
        let key = if at == 0 { row_words(&sample.key, cell) } else { String::new() };
        let Change { baseline, current } = apart(values, cell);
        rows.push(format!("| {key} | {} | {baseline} | {current} |", cell(column)));
    }
    if sample.values.len() > 4 {
        rows.push(format!("| | … and {} | | |", plural(sample.values.len() as u64 - 4, "more column")));
    }
    rows
}

/// The first eight columns of a row with their values, written by `code` or `cell`.
fn row_words(values: &[(String, Value)], write: fn(&str) -> String) -> String {
    let shown = values.iter().take(8).map(|(name, shown)| format!("{} = {}", write(name), value(shown, write)));
    let mut parts: Vec<String> = shown.collect();
    if values.len() > 8 {
        parts.push(format!("… {} more", size(values.len() - 8)));
    }
    parts.join(", ")
}

/// Where the two tables are, for whoever wants to query them.
fn sides(report: &Report, diff: &TableDiff) -> String {
    let relations =
        [&diff.relation.baseline, &diff.relation.current].map(|side| side.as_ref().map(|r| code(&r.short())));
    match relations {
        [Some(baseline), Some(current)] if report.environment.is_some() => {
            format!("{baseline} is production's, {current} the pull request's.")
        }
        _ => String::new(),
    }
}

/// How the figures were computed, and what they leave out.
fn how(diff: &TableDiff) -> String {
    let mut lines = vec![text(&method(diff))];
    for key in unsaid_keys(diff) {
        lines.push(format!("Not used as a key: {}.", text(&key.reason)));
    }
    for (column, reason) in &diff.excluded {
        lines.push(format!("Values of {} not compared: {}.", code(column), text(reason)));
    }
    lines.extend(diff.notes.iter().map(|note| format!("{}.", text(note))));
    lines.extend(evidence(diff).iter().map(|said| text(said)));
    lines.join("\\\n")
}
