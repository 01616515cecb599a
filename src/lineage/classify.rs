//! What a change between two versions of a model's query breaks, with the evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::{ChangeSeverity, change_kind};
use super::resolve::{Traced, follow, with_deep_stack};
use super::same::{Equality, same_query};
use super::{Dialect, Gap, GapReason, RowRule, Schema};
use crate::model::Change;

/// One version of a model: its compiled SQL, and what is known of the relations it reads.
#[derive(Debug, Clone, Copy)]
pub struct Version<'v> {
    /// As the database sees it.
    pub sql: &'v str,
    /// Relations are compared by the ids that the schemas give them, so both versions should use the same ones.
    pub schema: &'v Schema,
}

/// A piece of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// Its text, as the parser writes it.
    pub text: String,
    /// Line of the compiled SQL, from 1, when known.
    pub line: Option<u32>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Id of a row of [`super::CHANGES`].
    pub kind: String,
    /// The column, as the side has it that has it; the new name of a renamed one.
    pub column: Option<Arc<str>>,
    /// The old name of a renamed one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub was: Option<Arc<str>>,
    /// What stands on either side.
    pub snippets: Change<Option<Snippet>>,
    /// What could not be followed, where that is the evidence.
    pub gap: Option<Gap>,
}

/// What a change is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The gravest of the evidence.
    pub severity: ChangeSeverity,
    /// All that differs, the gravest first.
    pub evidence: Vec<Evidence>,
}

impl Classification {
    /// The classification that follows from the evidence.
    pub fn of(mut evidence: Vec<Evidence>) -> Self {
        evidence.sort_by_key(|one| std::cmp::Reverse(one.severity()));
        let severity = evidence.first().map_or(ChangeSeverity::Neutral, Evidence::severity);
        Self { severity, evidence }
    }
}

impl Evidence {
    fn new(kind: &'static str, snippets: Change<Option<Snippet>>) -> Self {
        Self { kind: kind.to_owned(), column: None, was: None, snippets, gap: None }
    }

    /// Evidence without a place in either version.
    pub fn of(kind: &'static str) -> Self {
        Self::new(kind, Change { baseline: None, current: None })
    }

    fn of_column(kind: &'static str, column: &Arc<str>, snippets: Change<Option<Snippet>>) -> Self {
        Self { column: Some(Arc::clone(column)), ..Self::new(kind, snippets) }
    }

    /// How much it weighs.
    pub fn severity(&self) -> ChangeSeverity {
        change_kind(&self.kind).map_or(ChangeSeverity::Unknown, |kind| kind.severity)
    }
}

/// Says what the change from one version to the other is.
pub fn classify(versions: &Change<Version<'_>>, dialect: Dialect) -> Classification {
    let nothing = Change { baseline: None, current: None };
    let evidence = match same_query(&versions.map(|version| version.sql), dialect) {
        Equality::SameTokens if same_inputs(versions, dialect) => vec![Evidence::new("same_tokens", nothing)],
        Equality::SameAst if same_inputs(versions, dialect) => vec![Evidence::new("same_ast", nothing)],
        _ => {
            let traced =
                with_deep_stack(|| versions.map(|version| Shared(follow(version.sql, dialect, version.schema, true))));
            compare(&traced.as_ref().map(|shared| &shared.0))
        }
    };
    Classification::of(evidence)
}

struct Shared(Traced);

/// The same text over other columns (`select *`) may give other columns.
fn same_inputs(versions: &Change<Version<'_>>, dialect: Dialect) -> bool {
    std::ptr::eq(versions.baseline.schema, versions.current.schema) || {
        let of = |version: &Version<'_>| super::of_query(version.sql, dialect, version.schema);
        of(&versions.baseline).columns == of(&versions.current).columns
    }
}

fn compare(traced: &Change<&Traced>) -> Vec<Evidence> {
    let lost = |side: &Traced| side.lineage.columns.is_empty() && side.lineage.gaps.iter().any(is_fatal);
    if lost(traced.baseline) || lost(traced.current) {
        return gaps(traced, is_fatal);
    }
    let mut evidence = Vec::new();
    if traced.baseline.print != traced.current.print {
        rows(traced, &mut evidence);
        relations(traced, &mut evidence);
        let rows_differ = !evidence.is_empty();
        columns(traced, &mut evidence);
        if evidence.is_empty() || (!rows_differ && traced.baseline.rows_print != traced.current.rows_print) {
            evidence.push(Evidence::new("structure_changed", Change { baseline: None, current: None }));
        }
        let own = |gap: &Gap| {
            let has = |side: &Traced| {
                side.lineage.gaps.iter().any(|other| other.reason == gap.reason && other.what == gap.what)
            };
            has(traced.baseline) != has(traced.current)
        };
        evidence.extend(gaps(traced, own));
    }
    let order =
        traced.map(|side| side.order.as_ref().map(|order| Snippet { text: order.text.clone(), line: order.line }));
    if order.as_ref().map(|order| order.as_ref().map(|order| &order.text)).is_changed() {
        evidence.push(Evidence::new("order_changed", order));
    }
    if evidence.is_empty() {
        evidence.push(Evidence::new("equivalent", Change { baseline: None, current: None }));
    }
    evidence
}

fn is_fatal(gap: &Gap) -> bool {
    use GapReason as G;
    matches!(gap.reason, G::Unparsable | G::NotCompiled | G::NotSql | G::NotAQuery | G::TooLarge)
}

fn gaps(traced: &Change<&Traced>, counts: impl Fn(&Gap) -> bool) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = Vec::new();
    let sides = traced.map(|side| side.lineage.gaps.iter().filter(|gap| counts(gap)).collect::<Vec<_>>());
    for (gap, is_baseline) in
        sides.baseline.iter().map(|gap| (*gap, true)).chain(sides.current.iter().map(|gap| (*gap, false)))
    {
        let snippet = Some(Snippet { text: gap.what.clone(), line: gap.line });
        let snippets = if is_baseline {
            Change { baseline: snippet, current: None }
        } else {
            Change { baseline: None, current: snippet }
        };
        found.push(Evidence { gap: Some(gap.clone()), ..Evidence::new("not_followed", snippets) });
    }
    found
}

/// Clauses that only one side has, those of one kind in pairs.
fn rows(traced: &Change<&Traced>, evidence: &mut Vec<Evidence>) {
    type Clauses = BTreeMap<RowRule, Vec<(u64, Snippet)>>;
    let clauses = traced.map(|side| {
        let mut by_rule: Clauses = BTreeMap::new();
        for (rule, print) in side.lineage.rows.iter().zip(&side.row_prints) {
            let snippet = Snippet { text: rule.text.clone(), line: rule.line };
            by_rule.entry(rule.rule).or_default().push((*print, snippet));
        }
        by_rule
    });
    let rules: BTreeSet<RowRule> = clauses.baseline.keys().chain(clauses.current.keys()).copied().collect();
    for rule in rules {
        let of = |side: &Clauses| side.get(&rule).cloned().unwrap_or_default();
        let (mut before, mut after) = (of(&clauses.baseline), of(&clauses.current));
        before.retain(|(print, _)| match after.iter().position(|(other, _)| other == print) {
            Some(at) => {
                after.remove(at);
                false
            }
            None => true,
        });
        let kind = match rule {
            RowRule::Where | RowRule::Having => "filter_changed",
            RowRule::Join => "join_changed",
            _ => "grain_changed",
        };
        let (mut before, mut after) = (before.into_iter(), after.into_iter());
        loop {
            let pair = Change { baseline: before.next(), current: after.next() };
            if pair.baseline.is_none() && pair.current.is_none() {
                break;
            }
            evidence.push(Evidence::new(kind, pair.map(|clause| clause.map(|(_, snippet)| snippet))));
        }
    }
}

/// Relations that only one side reads, unless a join or a set operation tells of them.
fn relations(traced: &Change<&Traced>, evidence: &mut Vec<Evidence>) {
    let is_told = |one: &Evidence| one.kind == "join_changed" || one.kind == "grain_changed";
    if evidence.iter().any(is_told) {
        return;
    }
    let only = |side: &Traced, other: &Traced| -> Option<Snippet> {
        let names = side.lineage.relations.iter().filter(|name| !other.lineage.relations.contains(name));
        let names: Vec<&str> = names.map(|name| &**name).collect();
        (!names.is_empty()).then(|| Snippet { text: names.join(", "), line: None })
    };
    let snippets =
        Change { baseline: only(traced.baseline, traced.current), current: only(traced.current, traced.baseline) };
    if snippets.baseline.is_some() || snippets.current.is_some() {
        evidence.push(Evidence::new("source_changed", snippets));
    }
}

/// Columns of one version by name.
struct Columns<'t> {
    traced: &'t Traced,
}

impl Columns<'_> {
    fn find(&self, name: &str) -> Option<usize> {
        self.traced.lineage.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    fn snippet(&self, at: usize) -> Option<Snippet> {
        let definition = self.traced.columns.get(at)?.definition.as_ref()?;
        Some(Snippet { text: definition.text.clone(), line: definition.line })
    }

    fn name(&self, at: usize) -> &Arc<str> {
        &self.traced.lineage.columns[at].name
    }

    fn len(&self) -> usize {
        self.traced.lineage.columns.len()
    }
}

fn columns(traced: &Change<&Traced>, evidence: &mut Vec<Evidence>) {
    let sides = traced.map(|traced| Columns { traced });
    let (before, after) = (&sides.baseline, &sides.current);
    let rows_differ = evidence.iter().any(|one| one.severity() == ChangeSeverity::Breaking);
    let mut pairs = Vec::new();
    let mut removed = Vec::new();
    for at in 0..before.len() {
        match after.find(before.name(at)) {
            Some(now) => pairs.push((at, now)),
            None => removed.push(at),
        }
    }
    let mut added: Vec<usize> = (0..after.len()).filter(|at| before.find(after.name(*at)).is_none()).collect();
    for at in removed {
        let print = before.traced.columns[at].print;
        let is_alike = |now: &&usize| after.traced.columns[**now].print == print;
        let mut alike = added.iter().filter(is_alike).copied();
        match (alike.next(), alike.next()) {
            (Some(now), None) if before.snippet(at).is_some() => {
                added.retain(|other| *other != now);
                let named = |columns: &Columns<'_>, at: usize| {
                    columns
                        .snippet(at)
                        .map(|snippet| Snippet { text: format!("{} as {}", snippet.text, columns.name(at)), ..snippet })
                };
                let snippets = Change { baseline: named(before, at), current: named(after, now) };
                let was = Some(Arc::clone(before.name(at)));
                evidence.push(Evidence { was, ..Evidence::of_column("column_renamed", after.name(now), snippets) });
            }
            _ => evidence.push(gone(before, after, at)),
        }
    }
    for (at, now) in &pairs {
        value(before, after, *at, *now, rows_differ, evidence);
    }
    let last_known = pairs.iter().map(|(_, now)| *now).max();
    for now in added {
        let is_last = last_known.is_none_or(|last| now > last);
        let kind = if is_last { "column_added_last" } else { "column_added_between" };
        let snippets = Change { baseline: None, current: after.snippet(now) };
        evidence.push(Evidence::of_column(kind, after.name(now), snippets));
    }
    if pairs.windows(2).any(|pair| pair[0].1 > pair[1].1) {
        let names = |columns: &Columns<'_>, order: &mut dyn Iterator<Item = usize>| {
            let names: Vec<&str> = order.map(|at| &**columns.name(at)).collect();
            Some(Snippet { text: names.join(", "), line: None })
        };
        let mut now: Vec<usize> = pairs.iter().map(|(_, now)| *now).collect();
        now.sort_unstable();
        let snippets = Change {
            baseline: names(before, &mut pairs.iter().map(|(at, _)| *at)),
            current: names(after, &mut now.into_iter()),
        };
        evidence.push(Evidence::new("column_moved", snippets));
    }
}

/// A column that is not there any more, or may be among those that are not known.
fn gone(before: &Columns<'_>, after: &Columns<'_>, at: usize) -> Evidence {
    let snippets = Change { baseline: before.snippet(at), current: None };
    if after.traced.lineage.complete {
        return Evidence::of_column("column_removed", before.name(at), snippets);
    }
    let gap = after.traced.lineage.gaps.first().cloned();
    Evidence { gap, ..Evidence::of_column("not_followed", before.name(at), snippets) }
}

/// A column that both versions have.
fn value(
    before: &Columns<'_>,
    after: &Columns<'_>,
    at: usize,
    now: usize,
    rows_differ: bool,
    evidence: &mut Vec<Evidence>,
) {
    let (was, is) = (&before.traced.columns[at], &after.traced.columns[now]);
    let types =
        (before.traced.lineage.columns[at].data_type.as_ref(), after.traced.lineage.columns[now].data_type.as_ref());
    let is_retyped =
        matches!(types, (Some(was), Some(is)) if was != is) || (was.print != is.print && was.uncast == is.uncast);
    let snippets = Change { baseline: before.snippet(at), current: after.snippet(now) };
    if is_retyped {
        evidence.push(Evidence::of_column("column_retyped", after.name(now), snippets.clone()));
    }
    let is_another = was.uncast != is.uncast
        || (!rows_differ
            && was.print == is.print
            && was.exact != is.exact
            && before.traced.rows_print == after.traced.rows_print);
    if is_another {
        evidence.push(Evidence::of_column("expression_changed", after.name(now), snippets));
    }
}
