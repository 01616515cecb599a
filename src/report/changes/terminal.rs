//! The changes for a terminal: aligned tables, readable without colour.

use super::Shown;
use super::groups::{
    Group, Seen, diffs, gone, gone_apart_from_tests, groups, headline, left_out, of_macro, summary, uncalled, word,
};
use crate::impact::Impact;
use crate::report::terminal::{Ink, Page, plain};
use crate::report::words::plural;
use crate::state::Explanation;

/// The changes as text of at most `width` columns, with ANSI colours if asked for.
pub fn changes_terminal(told: &Explanation, impact: &Impact, shown: Shown, width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let mut parts = vec![page.paint(Ink::Bold, &plain(&headline(told)))];
    parts.push(reasons(page, &groups(told, Seen::ByModified)));
    parts.push(titled(
        page,
        "Seen by a sub-selector alone, not by state:modified",
        &reasons(page, &groups(told, Seen::BySubSelector)),
    ));
    parts.push(titled(page, "Not seen by dbt", &reasons(page, &groups(told, Seen::BeyondDbt))));
    parts.push(titled(page, "Removed", &removed(page, told)));
    parts.push(titled(page, "Macros", &macros(page, told)));
    parts.push(titled(page, "What the changes do", &page.changes(impact)));
    parts.push(titled(page, "What they reach", &page.reached(impact, usize::MAX)));
    if shown.diffs {
        parts.extend(diffs(told).iter().map(|(name, diff)| titled(page, name, &unified(page, diff))));
    }
    let mut text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

fn titled(page: Page, title: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{}\n{text}", page.paint(Ink::Bold, &plain(title))) }
}

fn reasons(page: Page, groups: &[Group<'_>]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let rows = groups.iter().flat_map(|group| {
        group.reasons.iter().enumerate().map(|(at, reason)| {
            let who = if at == 0 { group.who(str::to_owned) } else { String::new() };
            vec![who, reason.title.to_owned(), summary(reason), reason.severity.as_str().to_owned()]
        })
    });
    page.table(&["What", "Reason", "Change", "Severity"], rows, &[])
}

fn removed(page: Page, told: &Explanation) -> String {
    let (nodes, tests) = gone_apart_from_tests(told);
    let rows = nodes.iter().map(|node| {
        vec![format!("{} {}", word(node.resource_type), node.name), gone(node, &told.renames, str::to_owned)]
    });
    let mut text = if nodes.is_empty() { String::new() } else { page.table(&["What", "What follows"], rows, &[]) };
    if tests > 0 {
        text.push_str(if text.is_empty() { "" } else { "\nand " });
        text.push_str(&plural(tests as u64, "test"));
    }
    text.push_str(&left_out(told).unwrap_or_default());
    text
}

fn macros(page: Page, told: &Explanation) -> String {
    let called = told.macros.iter().filter(|it| !it.reached_by.is_empty());
    let rows: Vec<Vec<String>> = called.map(|it| vec![it.name.clone(), of_macro(it), it.path.clone()]).collect();
    let mut parts = Vec::new();
    if !rows.is_empty() {
        parts.push(page.table(&["Macro", "Change", "File"], rows, &[]));
    }
    parts.extend(uncalled(told, str::to_owned).iter().map(|line| plain(line)));
    parts.join("\n")
}

fn unified(page: Page, diff: &str) -> String {
    let line = |line: &str| {
        let line = plain(line);
        match line.as_bytes().first() {
            Some(b'+') => page.paint(Ink::Green, &line),
            Some(b'-') => page.paint(Ink::Red, &line),
            _ => line,
        }
    };
    diff.lines().map(line).collect::<Vec<_>>().join("\n")
}
