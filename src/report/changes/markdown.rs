//! The changes as GitHub's Markdown, for a comment or a job's summary.

use super::Shown;
use super::groups::{
    Group, Seen, diffs, gone, gone_apart_from_tests, groups, headline, left_out, of_macro, summary, uncalled, word,
};
use crate::impact::Impact;
use crate::report::markdown::{cell, code, fenced, html, impact_changes, impact_reached, text};
use crate::report::words::plural;
use crate::state::{Explanation, Severity};

/// The longest diff that is shown whole, in characters.
const DIFF: usize = 6000;

/// The changes as Markdown.
pub fn changes_markdown(told: &Explanation, impact: &Impact, shown: Shown) -> String {
    let mut parts = vec![format!("**{}**", text(&headline(told)))];
    parts.push(reasons("", &groups(told, Seen::ByModified)));
    let sub = groups(told, Seen::BySubSelector);
    parts.push(reasons("Seen by a sub-selector alone, not by `state:modified`:", &sub));
    parts.push(reasons("Not seen by dbt:", &groups(told, Seen::BeyondDbt)));
    parts.push(removed(told));
    parts.push(macros(told));
    parts.push(
        impact_changes(impact, usize::MAX).map(|table| format!("What the changes do:\n\n{table}")).unwrap_or_default(),
    );
    parts
        .push(impact_reached(impact, usize::MAX).map(|text| format!("What they reach:\n\n{text}")).unwrap_or_default());
    if shown.diffs {
        parts.extend(diffs(told).iter().map(|(name, diff)| {
            format!("<details><summary>{}</summary>\n\n{}\n\n</details>", html(name), fenced(diff, "diff", DIFF))
        }));
    }
    let mut text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

fn table(title: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = vec!["---".to_owned(); header.len()];
    let mut lines: Vec<String> = rows.map(|cells| line(&cells)).collect();
    if lines.is_empty() {
        return String::new();
    }
    lines.splice(0..0, [line(&header), line(&rule)]);
    if title.is_empty() { lines.join("\n") } else { format!("{title}\n\n{}", lines.join("\n")) }
}

fn reasons(title: &str, groups: &[Group<'_>]) -> String {
    let rows = groups.iter().flat_map(|group| {
        group.reasons.iter().enumerate().map(|(at, reason)| {
            let who = if at == 0 { group.who(cell) } else { String::new() };
            let severity = match reason.severity {
                Severity::Breaking => "**breaking**".to_owned(),
                other => other.as_str().to_owned(),
            };
            vec![who, text(reason.title), text(&summary(reason)), severity]
        })
    });
    table(title, &["What", "Reason", "Change", "Severity"], rows)
}

fn removed(told: &Explanation) -> String {
    let (nodes, tests) = gone_apart_from_tests(told);
    let nodes = nodes.iter().map(|node| {
        vec![format!("{} {}", word(node.resource_type), cell(&node.name)), gone(node, &told.renames, cell)]
    });
    let tests = (tests > 0).then(|| vec![plural(tests as u64, "test"), String::new()]);
    let table = table("Removed:", &["What", "What follows"], nodes.chain(tests));
    table + &left_out(told).unwrap_or_default()
}

fn macros(told: &Explanation) -> String {
    let called = told.macros.iter().filter(|it| !it.reached_by.is_empty());
    let rows = called.map(|it| vec![cell(&it.name), text(&of_macro(it)), cell(&it.path)]);
    let table = table("Macros:", &["Macro", "Change", "File"], rows);
    [table, uncalled(told, code).unwrap_or_default()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}
