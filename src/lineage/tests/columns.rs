//! The cases of fixtures/lineage/columns.txt.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::lineage::{Dialect, KnownColumns, QueryLineage, Schema, of_query};

const CASES: &str = include_str!("../../../fixtures/lineage/columns.txt");

struct Case {
    title: String,
    dialects: Vec<Dialect>,
    schema: Schema,
    sql: String,
    expected: String,
}

/// Adds what `name(column, column, ...)` declares.
pub(super) fn table(schema: &mut Schema, declared: &str) {
    let (name, columns) = declared.trim_end_matches(')').split_once('(').unwrap();
    let names: Vec<&str> = columns.split(", ").filter(|name| !name.is_empty()).collect();
    let known = match names.split_last() {
        Some((&"...", known)) => KnownColumns::some(known),
        _ => KnownColumns::all(&names),
    };
    schema.add(&name.split('.').collect::<Vec<_>>(), name, known);
}

fn cases() -> Vec<Case> {
    let mut found = Vec::new();
    for block in CASES.split("\n## ").skip(1) {
        let (head, expected) = block.split_once("\n=>\n").unwrap_or_else(|| panic!("no `=>` in {block}"));
        let mut lines = head.lines();
        let title = lines.next().unwrap().to_owned();
        let (mut dialects, mut schema, mut sql) = (vec![Dialect::DuckDb], Schema::new(), String::new());
        for line in lines {
            if let Some(names) = line.strip_prefix("dialect: ") {
                dialects = names.split_whitespace().map(Dialect::of_adapter).collect();
            } else if let Some(declared) = line.strip_prefix("table: ") {
                table(&mut schema, declared);
            } else {
                sql.push_str(line);
                sql.push('\n');
            }
        }
        found.push(Case { title, dialects, schema, sql, expected: expected.trim().to_owned() });
    }
    found
}

/// A lineage as the cases write it.
fn shown(lineage: &QueryLineage) -> String {
    let list = |origins: BTreeSet<String>| origins.into_iter().collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    for column in &lineage.columns {
        let origins = column.origins.iter().map(|origin| format!("{}.{}", origin.relation, origin.column)).collect();
        let mark = if column.gaps.is_empty() { ":" } else { "?" };
        writeln!(text, "{}", format!("{}{mark} {} {}", column.name, column.how.as_str(), list(origins)).trim_end())
            .unwrap();
    }
    if !lineage.complete {
        text.push_str("...\n");
    }
    let mut rules: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for rule in &lineage.rows {
        let origins = rule.origins.iter().map(|origin| format!("{}.{}", origin.relation, origin.column));
        rules.entry(rule.rule).or_default().extend(origins);
    }
    for (rule, origins) in rules {
        writeln!(text, "{}", format!("rows {}: {}", rule.as_str(), list(origins)).trim_end()).unwrap();
    }
    if !lineage.gaps.is_empty() {
        let reasons = lineage.gaps.iter().map(|gap| serde_json::to_value(gap.reason).unwrap());
        let reasons: Vec<String> = reasons.map(|reason| reason.as_str().unwrap().to_owned()).collect();
        writeln!(text, "gap: {}", reasons.join(", ")).unwrap();
    }
    text.trim().to_owned()
}

#[test]
fn every_case_has_the_lineage_that_was_written_down_for_it() {
    let mut wrong = String::new();
    let (cases, mut count) = (cases(), 0);
    for case in &cases {
        for dialect in &case.dialects {
            count += 1;
            let lineage = of_query(&case.sql, *dialect, &case.schema);
            let shown = shown(&lineage);
            if shown != case.expected {
                writeln!(
                    wrong,
                    "## {} ({dialect:?})\n{}--- expected\n{}\n--- got\n{shown}",
                    case.title, case.sql, case.expected
                )
                .unwrap();
                for gap in &lineage.gaps {
                    writeln!(wrong, "    {gap}").unwrap();
                }
            }
        }
    }
    assert!(cases.len() >= 80 && count > 100, "{} cases, {count} with dialects", cases.len());
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn columns_that_change_by_themselves_are_named_with_the_reason() {
    let mut schema = Schema::new();
    table(&mut schema, "orders(id, amount)");
    let sql = "with base as (select id, amount, now() as seen, row_number() over () as n from orders), \
        next as (select *, date_trunc('day', seen) as day, row_number() over (order by id) as rank from base) \
        select id, amount, day, n + 1 as m, rank, current_date as today, (select random()) as r from next";
    let lineage = of_query(sql, Dialect::DuckDb, &schema);
    let unstable: Vec<(&str, Option<&str>)> =
        lineage.columns.iter().map(|column| (&*column.name, column.unstable.as_deref())).collect();
    assert_eq!(
        unstable,
        [
            ("id", None),
            ("amount", None),
            ("day", Some("now()")),
            ("m", Some("row_number() over unordered rows")),
            ("rank", None),
            ("today", Some("current_date")),
            ("r", Some("random()")),
        ]
    );
}
