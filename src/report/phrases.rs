//! What the report says in words without markup, shared by the renderers.

use std::fmt::Write as _;

use super::counts::{below, least, null_share, rows_here, rows_in_production};
use super::document::{Drift, Finding, FindingCode, ModelReport, ReachedExposure, Report, TestReport, Verdict};
use super::words::{count, plural, share, size};
use crate::diff::{ColumnDiff, KeyFacts, KeyProof, Method, RejectedKey, TableDiff};
use crate::model::{Change, NodeStatus, Severity};

/// `2 findings, 1 warning`, `no findings`.
pub(super) fn finding_counts(report: &Report) -> String {
    let of = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let errors = match of(Severity::Error) {
        0 => "no findings".to_owned(),
        errors => plural(errors, "finding"),
    };
    match of(Severity::Warning) {
        0 => errors,
        warnings => format!("{errors}, {}", plural(warnings, "warning")),
    }
}

/// What a comparison is of: the relation of the pull request, else production's.
pub(super) fn name(diff: &TableDiff) -> String {
    let relation = diff.relation.current.as_ref().or(diff.relation.baseline.as_ref());
    relation.map_or_else(String::new, crate::model::Relation::short)
}

/// Findings that are told in one line.
pub(super) struct Told<'a> {
    /// The first of them.
    pub(super) first: &'a Finding,
    /// Of several findings, what they say.
    pub(super) columns: Option<ManyColumns>,
}

/// What is said of several columns of one model.
pub(super) struct ManyColumns {
    /// The model.
    pub(super) model: String,
    /// What is said of each, e.g. `is now NULL in all 9 rows`.
    pub(super) said: String,
    /// The columns, with what is said of each alone, e.g. ` (was 2.1 %)`.
    pub(super) columns: Vec<(String, String)>,
}

/// The findings in order, those that say the same of three or more columns of one model as one.
pub(super) fn told(findings: &[Finding]) -> Vec<Told<'_>> {
    let mut told: Vec<Told<'_>> = Vec::new();
    let mut rest = findings;
    while let Some(first) = rest.first() {
        let (said, _) = apart(&first.text);
        let alike = |finding: &&Finding| {
            finding.column.is_some()
                && (&finding.node, finding.code) == (&first.node, first.code)
                && apart(&finding.text).0 == said
        };
        let count = rest.iter().take_while(alike).count();
        let taken = if count >= 3 { count } else { 1 };
        let columns = (taken > 1).then(|| {
            let model = first.subject.as_deref().zip(first.column.as_deref());
            let model = model.and_then(|(subject, column)| subject.strip_suffix(column)?.strip_suffix('.'));
            let columns = rest[..taken]
                .iter()
                .map(|finding| (finding.column.clone().unwrap_or_default(), apart(&finding.text).1.to_owned()));
            ManyColumns {
                model: model.unwrap_or_default().to_owned(),
                said: said.to_owned(),
                columns: columns.collect(),
            }
        });
        told.push(Told { first, columns });
        rest = &rest[taken..];
    }
    told
}

/// `is now NULL in all 9 rows (was 2.1 %)` as what it says of any column, and ` (was 2.1 %)`.
fn apart(text: &str) -> (&str, &str) {
    text.split_at(text.rfind(" (was ").unwrap_or(text.len()))
}

/// Keys that could not be used and that [`method`] does not speak of.
pub(super) fn unsaid_keys(diff: &TableDiff) -> impl Iterator<Item = &RejectedKey> {
    let said = match &diff.method {
        Method::Multiset { reason } => reason.as_str(),
        _ => "",
    };
    diff.rejected_keys.iter().filter(move |key| key.reason != said)
}

/// What could not be measured, in a few words.
pub(super) fn gaps(report: &Report) -> String {
    let has = |code| report.findings.iter().any(|finding| finding.code == code);
    let mut gaps = Vec::new();
    if has(FindingCode::Cancelled) {
        gaps.push("the run was cancelled".to_owned());
    }
    if report.totals.tables_failed > 0 {
        gaps.push(format!("{} could not be compared", plural(report.totals.tables_failed as u64, "table")));
    }
    if gaps.is_empty() {
        gaps.push("not everything was tried".to_owned());
    }
    gaps.join(" and ")
}

/// The figures of the run, each a few words.
pub(super) fn summary(report: &Report) -> Vec<String> {
    let totals = &report.totals;
    let mut parts = vec![format!("{} changed", plural(totals.models_changed as u64, "model"))];
    if totals.models_removed > 0 {
        parts.push(format!("{} removed", size(totals.models_removed)));
    }
    let tried = totals.models_built + totals.models_failed + totals.models_skipped;
    match (totals.models_built, tried) {
        (_, 0) => {}
        (built, tried) if built == tried => parts.push(format!("{} built", size(built))),
        (built, tried) => parts.push(format!("{} of {} built", size(built), size(tried))),
    }
    match (totals.tests_passed, totals.tests()) {
        (_, 0) => {}
        (1, 1) => parts.push("the one test passed".to_owned()),
        (passed, all) if passed == all => parts.push(format!("all {} tests passed", size(all))),
        (passed, all) => parts.push(format!("{} of {} passed", size(passed), plural(all as u64, "test"))),
    }
    match (totals.tables_different, totals.tables_compared) {
        (_, 0) => {}
        (0, 1) => parts.push("the one table compared equals production".to_owned()),
        (0, all) => parts.push(format!("all {} tables compared equal production", size(all))),
        (different, all) => {
            let verb = if different == 1 { "differs" } else { "differ" };
            parts.push(format!("{} of {} {verb} from production", size(different), plural(all as u64, "table")));
        }
    }
    if totals.tables_new > 0 {
        parts.push(plural(totals.tables_new as u64, "new table"));
    }
    let exposures = report.reach.exposures.len();
    if exposures > 0 {
        parts.push(format!("reaches {}", plural(exposures as u64, "exposure")));
    }
    parts
}

/// What the pull request's changes were counted from, and whether production is that.
pub(super) fn drift_words(drift: &Drift) -> String {
    let from = format!("Changes are counted from {}", drift.merge_base);
    if drift.is_empty() {
        return format!("{from}, which is what production has");
    }
    let nodes = plural(drift.len() as u64, "node");
    format!("{from}; production differs from it by {nodes}, which is not this pull request's doing")
}

/// Said only when every table that was built was compared and is equal.
pub(super) fn no_data_changes(report: &Report) -> Option<String> {
    let totals = &report.totals;
    let all_equal = report.verdict == Verdict::Clean
        && totals.tables_compared > 0
        && totals.tables_different == 0
        && totals.tables_new == 0
        && totals.models_removed == 0
        && report.models.iter().all(|model| model.diff.is_some() || model.build.is_none());
    all_equal.then(|| "Every rebuilt table equals production's: in them, merging changes no data.".to_owned())
}

/// Whether a reader must see the test.
pub(super) fn is_bad(test: &TestReport) -> bool {
    matches!(test.status, NodeStatus::Fail | NodeStatus::Error | NodeStatus::Warn)
}

/// One line on the coverage checks, when there are any.
pub(super) fn coverage(report: &Report) -> Option<String> {
    let checks: Vec<_> = report.tests.iter().filter(|test| test.coverage).collect();
    let passed = checks.iter().filter(|test| test.status == NodeStatus::Pass).count();
    match (passed, checks.len()) {
        (_, 0) => None,
        (1, 1) => Some("Coverage: the one check passed.".to_owned()),
        (passed, all) if passed == all => Some(format!("Coverage: all {} checks passed.", size(all))),
        (passed, all) => Some(format!("Coverage: {} of {} passed.", size(passed), plural(all as u64, "check"))),
    }
}

/// `3 models (2 built here), 14 tests and 2 exposures lie below what changed.`
pub(super) fn reach_counts(report: &Report) -> String {
    let reach = &report.reach;
    let built = reach.models.iter().filter(|model| model.built).count();
    let built = match (reach.models.len(), built) {
        (0, _) => "",
        (1, 1) => " (built here)",
        (all, built) if all == built => " (all built here)",
        (_, 0) => " (none built here)",
        (_, built) => &format!(" ({} built here)", size(built)),
    };
    format!(
        "{}{built}, {} and {} lie below what changed.",
        plural(reach.models.len() as u64, "model"),
        plural(reach.tests as u64, "test"),
        plural(reach.exposures.len() as u64, "exposure"),
    )
}

/// What is known of the data that an exposure reads.
pub(super) fn data_words(exposure: &ReachedExposure) -> &'static str {
    match exposure.data_differs {
        Some(true) => "differs",
        Some(false) => "equal",
        None => "not measured",
    }
}

/// Models as a reader wants them: those that failed, then those that differ, then the rest; else as planned.
pub(super) fn order(report: &Report) -> Vec<&ModelReport> {
    let rank = |model: &&ModelReport| match (&model.build, &model.diff) {
        (Some(build), _) if build.status == NodeStatus::Error => 0,
        (_, Some(diff)) if matches!(diff.method, Method::Failed { .. }) => 1,
        (_, Some(diff)) if diff.differs() => 2,
        (_, Some(diff)) if diff.method == Method::OneSided => 3,
        (_, Some(_)) => 5,
        (_, None) => 4,
    };
    let mut models: Vec<&ModelReport> = report.models.iter().collect();
    models.sort_by_key(rank);
    models
}

/// What came of it, in a word or two.
pub(super) fn result(model: &ModelReport) -> &'static str {
    match (&model.build, &model.diff) {
        (Some(build), _) if build.status == NodeStatus::Error => "❌ not built",
        (Some(build), _) if build.status == NodeStatus::Skipped => "skipped",
        (Some(build), _) if build.status == NodeStatus::Cancelled => "cancelled",
        (_, Some(diff)) => match &diff.method {
            Method::Failed { .. } => "⚠️ not compared",
            Method::OneSided if diff.rows.total.baseline.is_none() => "new table",
            Method::OneSided => "not there",
            _ if diff.is_equal() => "equal",
            _ => "differs",
        },
        (Some(_), None) => "built",
        (None, None) => "not built here",
    }
}

/// The difference in one line, without markup.
pub(super) fn headline(diff: &TableDiff) -> String {
    let rows = &diff.rows;
    let before = rows.total.baseline.unwrap_or_default();
    match &diff.method {
        Method::Failed { .. } => return "could not be compared".to_owned(),
        Method::OneSided => {
            return match rows.total.current {
                Some(_) => format!("new, with {}", rows_here(diff)),
                None => format!("not there; production has {}", rows_in_production(diff)),
            };
        }
        _ if diff.is_equal() => return format!("equal, {}", rows_in_production(diff)),
        _ => {}
    }
    let rows_of = |number: u64| below(diff, number).map_or_else(|| plural(number, "row"), |few| format!("{few} rows"));
    let mut parts = Vec::new();
    if rows.changed > 0 {
        let number = below(diff, rows.changed).unwrap_or_else(|| least(rows.inexact.changed, rows.changed));
        let exact = !rows.inexact.changed && below(diff, rows.changed).is_none();
        let share = if exact { format!(" ({})", share(rows.changed, before)) } else { String::new() };
        parts.push(format!("{number} of {} changed{share}", rows_in_production(diff)));
    }
    if rows.added > 0 {
        parts.push(format!("{} added", rows_of(rows.added)));
    }
    if rows.removed > 0 {
        parts.push(format!("{} removed", rows_of(rows.removed)));
    }
    let schema = [
        (diff.schema.added.len(), "new"),
        (diff.schema.removed.len(), "gone"),
        (diff.schema.retyped.len(), "of another type"),
        (diff.schema.nullability.len(), "declared otherwise about NULL"),
    ];
    for (columns, word) in schema.into_iter().filter(|(columns, _)| *columns > 0) {
        parts.push(format!("{} {word}", plural(columns as u64, "column")));
    }
    if diff.schema.reordered {
        parts.push("columns in another order".to_owned());
    }
    parts.join(", ")
}

/// Whether a column is on one side only, or has another type there. Two engines call equal types by different names.
fn is_retyped(diff: &TableDiff, column: &ColumnDiff) -> bool {
    let Change { baseline, current } = &column.data_type;
    let is_lone = baseline.is_none() || current.is_none();
    diff.is_compared() && (is_lone || diff.schema.retyped.iter().any(|(name, _)| *name == column.name))
}

/// The columns about which there is something to say, those with most changed rows first.
pub(super) fn telling(diff: &TableDiff) -> Vec<&ColumnDiff> {
    let is_telling = |column: &&ColumnDiff| {
        column.changed.unwrap_or_default() > 0
            || is_retyped(diff, column)
            || null_share(diff, column).is_changed() && diff.is_compared()
            || diff.method == Method::OneSided
                && column.nulls.current.or(column.nulls.baseline).is_some_and(|nulls| nulls > 0)
    };
    let mut columns: Vec<_> = diff.columns.iter().filter(is_telling).collect();
    columns.sort_by_key(|column| std::cmp::Reverse(column.changed));
    columns
}

/// Whether it is known of any column how often it is NULL.
pub(super) fn knows_nulls(diff: &TableDiff) -> bool {
    diff.columns.iter().any(|column| column.nulls.baseline.is_some() || column.nulls.current.is_some())
}

/// What else is known of the difference, a sentence each, without markup: likely renames, columns that may be NULL now,
/// where changes concentrate, and which rows were looked at.
pub(super) fn evidence(diff: &TableDiff) -> Vec<String> {
    let mut said: Vec<String> = diff.filter.iter().map(|filter| format!("Only rows where {filter}.")).collect();
    said.extend(diff.schema.renamed.iter().map(|renamed| {
        let Change { baseline, current } = &renamed.name;
        let of = plural(renamed.looked_at, "row");
        format!("{baseline} is probably called {current} now: equal in {} of {of} looked at.", count(renamed.equal))
    }));
    said.extend(diff.schema.nullability.iter().map(|(column, nullable)| {
        let now = if nullable.current { "may be NULL now" } else { "may not be NULL any more" };
        format!("{column} {now}, by its declaration.")
    }));
    said.extend(diff.slices.iter().map(|slice| {
        format!(
            "{} of the {} with {} = {} differ, {:.1} times as many as of all.",
            count(slice.affected),
            plural(slice.rows, "row"),
            slice.column,
            slice.value,
            slice.lift,
        )
    }));
    said
}

/// How the rows were compared, as a sentence without markup.
pub(super) fn method(diff: &TableDiff) -> String {
    match &diff.method {
        Method::Checksum => {
            format!("Compared by row counts and a 64-bit checksum of every row; {}.", rows_compared(diff))
        }
        Method::Keyed { key, source, facts } => keyed(diff, key, source, facts),
        Method::Multiset { reason } => format!(
            "Compared as whole rows, {}, because {reason}; a changed row counts as one removed and one added.",
            rows_compared(diff),
        ),
        Method::OneSided if diff.rows.total.current.is_some() => "Nothing to compare with in production.".to_owned(),
        Method::OneSided => "There is nothing of the pull request's to compare.".to_owned(),
        Method::Failed { reason } => format!("Not compared: {reason}."),
    }
}

/// Which rows the figures are of.
fn rows_compared(diff: &TableDiff) -> String {
    match diff.sampled {
        Some(share) => format!("a sample of {} % of the keys", (share * 100_000.0).round() / 1000.0),
        None if diff.filter.is_some() || diff.aligned.is_some() => "all rows that are to be compared".to_owned(),
        None => "all rows of both tables".to_owned(),
    }
}

/// `Compared by key id (from unique_key), counted to be unique on both sides; all rows of both tables.`
fn keyed(diff: &TableDiff, key: &[String], source: &str, facts: &KeyFacts) -> String {
    let proof = match facts.proof {
        _ if facts.duplicates != Change::default() => "which is not unique",
        KeyProof::Enforced => "which the database keeps unique on both sides",
        KeyProof::Counted => "verified on the data to be unique on both sides",
    };
    let mut text = format!("Compared by key {} (from {source}), {proof}; {}.", key.join(", "), rows_compared(diff));
    let sides = |counts: &Change<u64>| {
        let places = [(counts.baseline, "in production"), (counts.current, "here")];
        let said = places.into_iter().filter(|(count, _)| *count > 0);
        let words = |rows| below(diff, rows).map_or_else(|| plural(rows, "row"), |few| format!("{few} rows"));
        said.map(|(rows, place)| format!("{} {place}", words(rows))).collect::<Vec<_>>().join(" and ")
    };
    if facts.duplicates != Change::default() {
        let _ = write!(
            text,
            " Beyond the first of their key: {}; rows that share a key are compared as wholes within it, so that a changed \
             one counts as one removed and one added.",
            sides(&facts.duplicates)
        );
    }
    if facts.nulls != Change::default() {
        let _ = write!(text, " The key has NULL in {}; NULL pairs with NULL.", sides(&facts.nulls));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{headline, telling};
    use crate::config::Policy;
    use crate::model::Change;
    use crate::report::example;

    #[test]
    fn equal_rows_that_are_declared_otherwise_have_a_headline_and_equal_types_of_two_engines_no_line() {
        let report = example::with_diff(Policy::default(), |diff| {
            (diff.rows.added, diff.rows.removed, diff.rows.changed, diff.rows.unchanged) = (0, 0, 0, 1000);
            diff.rows.total = diff.rows.total.map(|_| Some(1000));
            diff.columns.truncate(1);
            let column = &mut diff.columns[0];
            column.changed = Some(0);
            column.nulls = Change { baseline: Some(0), current: Some(0) };
            column.data_type = Change { baseline: Some("INTEGER".into()), current: Some("integer".into()) };
            let name = column.name.clone();
            diff.schema = crate::diff::SchemaDiff::default();
            diff.schema.nullability.push((name, Change { baseline: true, current: false }));
        });
        let mut diff = report.models[0].diff.clone().unwrap();
        assert_eq!(headline(&diff), "1 column declared otherwise about NULL");
        assert_eq!(telling(&diff).len(), 0);
        let types = Change { baseline: "INTEGER".to_owned(), current: "bigint".to_owned() };
        diff.schema.retyped.push((diff.columns[0].name.clone(), types));
        assert_eq!(headline(&diff), "1 column of another type, 1 column declared otherwise about NULL");
        assert_eq!(telling(&diff).len(), 1);
    }
}
