//! The parts of the comment that are about the whole run: verdict, findings, numbers, tests, what lies downstream.

use super::budget::Block;
use super::escape::{cell, code, html, link, text};
use super::model::row;
use crate::model::{NodeStatus, Severity};
use crate::report::document::{ReachedExposure, Report, TestReport, Verdict};
use crate::report::phrases::{ManyColumns, Told, told};
use crate::report::phrases::{
    coverage, data_words, drift_words, finding_counts, gaps, is_bad, no_data_changes, order, reach_counts, summary,
};
use crate::report::words::{brief, duration, plural, size};

/// One line with the verdict in words.
pub(super) fn title(report: &Report) -> Block {
    let project = code(&brief(&report.project, 60));
    let words = match report.verdict {
        Verdict::Findings => format!("❌ {project}: {}", finding_counts(report)),
        Verdict::Clean => format!("✅ {project}: {}", finding_counts(report)),
        Verdict::Incomplete => format!("⚠️ {project}: incomplete, {}", gaps(report)),
    };
    Block::fixed(format!("## {words}"))
}

/// The findings as a list, worst first.
pub(super) fn findings(report: &Report) -> Block {
    let told = told(&report.findings);
    let form = |limit: usize, width: usize| {
        let mut lines: Vec<String> = told.iter().take(limit).map(|told| finding_line(told, width)).collect();
        if told.len() > limit {
            lines.push(format!("- … and {} more", size(told.len() - limit)));
        }
        lines.join("\n")
    };
    let forms = vec![form(100, 400), form(20, 200), form(5, 120)];
    Block { what: "findings", forms, weight: 8 }
}

fn finding_line(told: &Told<'_>, width: usize) -> String {
    let icon = match told.first.severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Note => "ℹ️",
    };
    if let Some(ManyColumns { model, said, columns }) = &told.columns {
        let listed = columns.iter().take(width / 10).map(|(name, alone)| format!("{}{}", code(name), text(alone)));
        let listed = listed.collect::<Vec<_>>().join(", ");
        let more = if columns.len() > width / 10 { ", …" } else { "" };
        let count = size(columns.len());
        return format!("- {icon} {}: {count} columns, each of which {}: {listed}{more}", code(model), text(said));
    }
    let subject = told.first.subject.as_ref();
    let subject = subject.map(|subject| format!("{} ", code(&brief(subject, 120)))).unwrap_or_default();
    format!("- {icon} {subject}{}", text(&brief(&told.first.text, width)))
}

/// The figures of the run in one line, and one sentence where they say something that can be said shorter.
pub(super) fn numbers(report: &Report) -> Block {
    let mut paragraphs = vec![summary(report).into_iter().map(|part| text(&part)).collect::<Vec<_>>().join(" · ")];
    if let Some(sentence) = no_data_changes(report) {
        paragraphs.push(text(&sentence));
    }
    Block::fixed(paragraphs.join("\n\n"))
}

/// One line a model.
pub(super) fn models(report: &Report) -> Option<Block> {
    let models = order(report);
    if models.is_empty() && report.removed.is_empty() {
        return None;
    }
    let form = |limit: usize| {
        let mut lines = vec![
            "| Model | Why | Result | Rows | Added | Removed | Changed |".to_owned(),
            "|:--|:--|:--|--:|--:|--:|--:|".to_owned(),
        ];
        lines.extend(models.iter().take(limit).map(|model| row(model)));
        lines.extend(
            report
                .removed
                .iter()
                .take(limit)
                .map(|id| format!("| {} | removed in the pull request | gone | | | | |", cell(id.short()))),
        );
        let hidden = models.len().saturating_sub(limit) + report.removed.len().saturating_sub(limit);
        if hidden > 0 {
            lines.push(format!("| … and {} more | | | | | | |", size(hidden)));
        }
        lines.join("\n")
    };
    let forms = vec![form(usize::MAX), form(100), form(30), form(10), String::new()];
    Some(Block { what: "models", forms, weight: 7 })
}

/// Tests that did not pass, and the coverage checks.
pub(super) fn tests(report: &Report) -> Option<Block> {
    let failed: Vec<&TestReport> = report.tests.iter().filter(|test| is_bad(test)).collect();
    let coverage = coverage(report);
    if failed.is_empty() {
        return coverage.map(Block::fixed);
    }
    let form = |limit: usize, width: usize| {
        let mut lines: Vec<String> = vec!["### Tests".to_owned(), String::new()];
        if let Some(line) = &coverage {
            lines.extend([line.clone(), String::new()]);
        }
        lines.push("| Test | Model | Column | Result | Message |".to_owned());
        lines.push("|:--|:--|:--|:--|:--|".to_owned());
        lines.extend(failed.iter().take(limit).map(|test| test_row(test, width)));
        if failed.len() > limit {
            lines.push(format!("| … and {} more | | | | |", size(failed.len() - limit)));
        }
        lines.join("\n")
    };
    let forms = vec![form(200, 300), form(30, 160), form(10, 80), String::new()];
    Some(Block { what: "tests", forms, weight: 6 })
}

fn test_row(test: &TestReport, width: usize) -> String {
    let optional = |value: Option<&String>| value.map(|value| cell(value)).unwrap_or_default();
    let result = match test.status {
        NodeStatus::Warn => "⚠️ warns",
        NodeStatus::Error => "❌ could not run",
        _ => "❌ failed",
    };
    let message = test.message.as_deref().map(|message| text(&brief(message, width))).unwrap_or_default();
    let kind = if test.coverage { " (coverage)" } else { "" };
    let (model, column) = (optional(test.model.as_ref()), optional(test.column.as_ref()));
    format!("| {}{kind} | {model} | {column} | {result} | {message} |", cell(&test.name))
}

/// What lies below the changed models.
pub(super) fn downstream(report: &Report) -> Option<Block> {
    let reach = &report.reach;
    if reach.models.is_empty() && reach.exposures.is_empty() {
        return None;
    }
    let title = "### Downstream";
    let counts = reach_counts(report);
    let form = |limit: usize| {
        let mut lines = vec![title.to_owned(), String::new(), counts.clone()];
        let unbuilt: Vec<_> = reach.models.iter().filter(|model| !model.built).map(|model| code(&model.name)).collect();
        if !unbuilt.is_empty() {
            let more = unbuilt.len().saturating_sub(limit);
            let more = if more > 0 { format!(" and {} more", size(more)) } else { String::new() };
            let shown = unbuilt.into_iter().take(limit).collect::<Vec<_>>().join(", ");
            lines.push(format!("Not built here: {shown}{more}."));
        }
        if !reach.exposures.is_empty() {
            lines.push(String::new());
            lines.push("| Exposure | Type | Owner | How it is reached | Its data |".to_owned());
            lines.push("|:--|:--|:--|:--|:--|".to_owned());
            lines.extend(reach.exposures.iter().take(limit).map(exposure_row));
            if reach.exposures.len() > limit {
                lines.push(format!("| … and {} more | | | | |", size(reach.exposures.len() - limit)));
            }
        }
        lines.join("\n")
    };
    let forms = vec![form(100), form(20), form(5), format!("{title}\n\n{counts}"), String::new()];
    Some(Block { what: "what lies downstream", forms, weight: 5 })
}

fn exposure_row(exposure: &ReachedExposure) -> String {
    let owner = match (&exposure.owner, &exposure.email) {
        (Some(name), Some(email)) => format!("{} ({})", text(name), text(email)),
        (Some(one), None) | (None, Some(one)) => text(one),
        (None, None) => String::new(),
    };
    let path = exposure.path.split_last().map_or(&[][..], |(_, path)| path);
    let path = path.iter().map(|name| cell(name)).collect::<Vec<_>>().join(" → ");
    let (name, kind) = (link(&exposure.name, exposure.url.as_deref()), text(&exposure.kind));
    format!("| {name} | {kind} | {owner} | {path} | {} |", stress(data_words(exposure)))
}

/// Makes the one word bold that a reader looks for.
pub(super) fn stress(word: &str) -> String {
    if word == "differs" { format!("**{word}**") } else { word.to_owned() }
}

/// What production differs by before the pull request.
pub(super) fn drift(report: &Report) -> Option<Block> {
    let drift = report.drift.as_ref().filter(|drift| !drift.is_empty())?;
    let form = |limit: usize| {
        let mut lines = vec![format!("<details><summary>{}</summary>", text(&drift_words(drift))), String::new()];
        let behind = drift.behind.iter().map(|id| (id, "not in production yet".to_owned()));
        let modified = drift.modified.iter().map(|(id, why)| (id, brief(why, 120)));
        let gone = drift.gone.iter().map(|id| (id, "only in production".to_owned()));
        let all = behind.chain(modified).chain(gone);
        lines.extend(all.take(limit).map(|(id, why)| format!("- {}: {}", code(id.as_str()), text(&why))));
        if drift.len() > limit {
            lines.push(format!("- … and {} more", size(drift.len() - limit)));
        }
        lines.extend([String::new(), "</details>".to_owned()]);
        lines.join("\n")
    };
    Some(Block {
        what: "what production differs by",
        forms: vec![form(50), form(10), form(3), String::new()],
        weight: 2,
    })
}

/// Changed nodes that are no tables.
pub(super) fn other_changes(report: &Report) -> Option<Block> {
    if report.other_changes.is_empty() {
        return None;
    }
    let form = |limit: usize| {
        let count = plural(report.other_changes.len() as u64, "other change");
        let mut lines = vec![format!("<details><summary>{count}: tests, sources, exposures</summary>"), String::new()];
        lines.extend(report.other_changes.iter().take(limit).map(|change| {
            let why = match (change.added, change.reasons.first()) {
                (true, _) => "new".to_owned(),
                (false, Some(reason)) => text(&brief(&reason.summary, 120)),
                (false, None) => "changed".to_owned(),
            };
            format!("- {} {}: {why}", change.resource_type, code(change.unique_id.short()))
        }));
        if report.other_changes.len() > limit {
            lines.push(format!("- … and {} more", size(report.other_changes.len() - limit)));
        }
        lines.extend([String::new(), "</details>".to_owned()]);
        lines.join("\n")
    };
    Some(Block { what: "other changes", forms: vec![form(50), form(10), String::new()], weight: 1 })
}

/// What was compared with what, and where to look.
pub(super) fn measured(report: &Report) -> Block {
    let mut lines = vec![format!("Compared with {}.", text(&report.baseline))];
    if let Some(schema) = &report.environment {
        let built = |model: &&crate::report::ModelReport| {
            model.build.as_ref().is_some_and(|build| build.status == NodeStatus::Success)
        };
        let example = report.models.iter().find(built).and_then(|model| model.build.as_ref()?.relation.as_deref());
        let example = example.map(|relation| format!(", e.g. {}", code(relation))).unwrap_or_default();
        lines.push(format!("The pull request's tables are in schema {}{example}, for you to query.", code(schema)));
    }
    Block::fixed(lines.join(" "))
}

/// Who says this, of which commit.
pub(super) fn footer(report: &Report) -> Block {
    let mut parts = vec![format!("slimdiff {}", html(&report.tool_version)), html(&report.adapter)];
    if let Some(sha) = &report.head_sha {
        parts.push(format!("commit {}", html(&sha.chars().take(7).collect::<String>())));
    }
    parts.push(duration(report.elapsed_seconds));
    Block::fixed(format!("<sub>{}</sub>", parts.join(" · ")))
}
