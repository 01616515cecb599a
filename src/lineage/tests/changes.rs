//! The cases of fixtures/lineage/changes.txt.

use std::fmt::Write as _;

use super::columns::table;
use crate::lineage::{CHANGES, Dialect, Schema, Version, classify};
use crate::model::Change;

const CASES: &str = include_str!("../../../fixtures/lineage/changes.txt");

#[test]
fn every_change_has_the_class_that_was_written_down_for_it() {
    let mut wrong = String::new();
    let mut count = 0;
    for block in CASES.split("\n## ").skip(1) {
        let (head, expected) = block.split_once("\n=>\n").unwrap_or_else(|| panic!("no `=>` in {block}"));
        let (head, texts) = head.split_once("\n--- baseline\n").unwrap();
        let (baseline, current) = texts.split_once("\n--- current\n").unwrap();
        let (mut dialect, mut schema) = (Dialect::DuckDb, Schema::new());
        for line in head.lines().skip(1) {
            match line.split_once(": ").unwrap() {
                ("dialect", name) => dialect = Dialect::of_adapter(name),
                (_, declared) => table(&mut schema, declared),
            }
        }
        let version = |sql| Version { sql, schema: &schema };
        let sides = Change { baseline: version(baseline), current: version(current) };
        let mut shown = serde_json::to_value(classify(&sides, dialect).severity).unwrap().as_str().unwrap().to_owned();
        for one in classify(&sides, dialect).evidence {
            write!(shown, "\n{} {}", one.kind, one.column.as_deref().unwrap_or_default()).unwrap();
            shown.truncate(shown.trim_end().len());
        }
        count += 1;
        if shown != expected.trim() {
            writeln!(wrong, "## {}\n--- expected\n{}\n--- got\n{shown}", head.lines().next().unwrap(), expected.trim())
                .unwrap();
        }
        let same = Change { baseline: version(baseline), current: version(baseline) };
        assert_eq!(classify(&same, dialect).evidence[0].kind, "same_tokens", "a version against itself: {head}");
    }
    assert!(count >= 40, "{count} cases");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_kind_of_change_has_a_case_and_an_id_of_its_own() {
    let mut ids: Vec<&str> = CHANGES.iter().map(|kind| kind.id).collect();
    for id in &ids {
        assert!(CASES.lines().any(|line| line.split(' ').next() == Some(id)), "no case of {id}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), CHANGES.len());
}

#[test]
fn evidence_shows_both_sides_with_their_lines() {
    let schema = Schema::new().with("t", ["a", "b"]);
    let version = |sql| Version { sql, schema: &schema };
    let sides = Change {
        baseline: version("select\n  a,\n  b * 2 as v\nfrom t\nwhere a > 1"),
        current: version("select\n  a,\n\n  b * 3 as v\nfrom t\n\nwhere a > 2"),
    };
    let found = classify(&sides, Dialect::DuckDb).evidence;
    let shown: Vec<_> = found
        .iter()
        .map(|one| {
            let side = |snippet: &Option<crate::lineage::Snippet>| {
                snippet.as_ref().map(|snippet| (snippet.text.clone(), snippet.line.unwrap_or_default()))
            };
            (one.kind.as_str(), side(&one.snippets.baseline), side(&one.snippets.current))
        })
        .collect();
    let pair = |text: &str, line| Some((text.to_owned(), line));
    assert_eq!(
        shown,
        [
            ("filter_changed", pair("a > 1", 5), pair("a > 2", 7)),
            ("expression_changed", pair("b * 2", 3), pair("b * 3", 4)),
        ]
    );
}

#[test]
fn the_documentation_has_the_table_of_changes() {
    let text = include_str!("../../../docs/lineage.md");
    for kind in CHANGES {
        let severity = serde_json::to_value(kind.severity).unwrap().as_str().unwrap().replace('_', " ");
        let row = format!("| `{}` | {severity} | {} |", kind.id, kind.doc);
        assert!(text.contains(&row), "docs/lineage.md lacks\n{row}");
    }
}
