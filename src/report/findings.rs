//! From outcomes to findings and the verdict: the one place that decides what is over policy.

use super::counts::{below, rows_here, rows_in_production, rows_in_words};
use super::distributions::change_of_distinct;
use super::document::{Finding, FindingCode, ModelReport, TestReport, Verdict};
use super::words::{brief, count, list, plural, share};
use crate::build::{BuildOutcome, NodeResult};
use crate::config::{Rules, Thresholds};
use crate::diff::{ColumnDiff, Method, TableDiff};
use crate::model::{NodeStatus, ResourceType, Severity};

/// How much of a database's message a finding shows; the whole is kept with the model or test.
const MESSAGE: usize = 300;

/// All findings, worst first; within one severity in the order of the plan.
pub(super) fn find(models: &[ModelReport], tests: &[TestReport], build: &BuildOutcome, rules: &Rules) -> Vec<Finding> {
    let mut findings: Vec<Finding> = build.results.iter().filter_map(of_hook).collect();
    findings.extend(models.iter().filter_map(of_build));
    findings.extend(models.iter().flat_map(of_contract));
    // What happened to the data before the tests that noticed it.
    for model in models {
        if let Some(diff) = &model.diff {
            of_diff(model, diff, rules, &mut findings);
        }
    }
    findings.extend(tests.iter().filter_map(of_test));
    findings.extend(of_the_run(models, tests, build.cancelled));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// The verdict that follows from the findings.
pub(super) fn verdict(findings: &[Finding]) -> Verdict {
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        Verdict::Findings
    } else if findings.iter().any(|finding| finding.code.is_gap()) {
        Verdict::Incomplete
    } else {
        Verdict::Clean
    }
}

fn about(model: &ModelReport, code: FindingCode, severity: Severity, column: Option<&str>, text: String) -> Finding {
    let subject = column.map_or_else(|| model.name.clone(), |column| format!("{}.{column}", model.name));
    let (node, column) = (Some(model.unique_id.clone()), column.map(str::to_owned));
    Finding { code, severity, node, subject: Some(subject), column, text }
}

fn of_build(model: &ModelReport) -> Option<Finding> {
    let build = model.build.as_ref().filter(|build| build.status == NodeStatus::Error)?;
    let message = build.message.as_deref().map_or_else(|| "no message".to_owned(), |text| brief(text, MESSAGE));
    let verb = match model.resource_type {
        ResourceType::Seed => "could not be loaded",
        ResourceType::Snapshot => "could not be taken",
        _ => "could not be built",
    };
    Some(about(model, FindingCode::BuildError, Severity::Error, None, format!("{verb}: {message}")))
}

/// dbt warns of a broken contract, too: whether its readers mind is for people to say.
fn of_contract(model: &ModelReport) -> Vec<Finding> {
    let breaking = model.reasons.iter().filter(|reason| reason.breaking);
    breaking
        .map(|reason| {
            let what = reason.summary.strip_prefix("breaking: ").unwrap_or(&reason.summary);
            let text = format!("breaks its contract: {}", brief(what, MESSAGE));
            about(model, FindingCode::ContractBroken, Severity::Warning, None, text)
        })
        .collect()
}

/// A hook is neither a model nor a test, but the run is worth nothing when it failed.
fn of_hook(result: &NodeResult) -> Option<Finding> {
    let is_hook = result.unique_id.as_str().starts_with("operation.");
    (is_hook && result.status == NodeStatus::Error).then_some(())?;
    let message = result.message.as_deref().map_or_else(|| "no message".to_owned(), |text| brief(text, MESSAGE));
    Some(Finding {
        code: FindingCode::BuildError,
        severity: Severity::Error,
        node: Some(result.unique_id.clone()),
        subject: Some(result.unique_id.short().to_owned()),
        column: None,
        text: format!("did not run: {message}"),
    })
}

fn of_test(test: &TestReport) -> Option<Finding> {
    let (code, severity) = match test.status {
        NodeStatus::Fail if test.coverage => (FindingCode::CoverageFailed, Severity::Error),
        NodeStatus::Fail => (FindingCode::TestFailed, Severity::Error),
        NodeStatus::Warn => (FindingCode::TestWarned, Severity::Warning),
        NodeStatus::Error => (FindingCode::TestError, Severity::Error),
        _ => return None,
    };
    let place = match (&test.model, &test.column) {
        (Some(model), Some(column)) => format!(" (column {column} of {model})"),
        (Some(model), None) => format!(" (on {model})"),
        _ => String::new(),
    };
    let message = test.message.as_deref().map_or_else(|| "no message".to_owned(), |text| brief(text, MESSAGE));
    let said = match (code, test.failures) {
        (FindingCode::TestError, _) => format!("could not run{place}: {message}"),
        (FindingCode::CoverageFailed, Some(failures)) => {
            format!("found too little coverage{place}: {}", results(failures))
        }
        (FindingCode::TestWarned, Some(failures)) => format!("warns{place}: {}", results(failures)),
        (FindingCode::TestWarned, None) => format!("warns{place}: {message}"),
        (_, Some(failures)) => format!("failed{place}: {}", results(failures)),
        _ => format!("failed{place}: {message}"),
    };
    let (node, subject) = (Some(test.unique_id.clone()), Some(test.name.clone()));
    Some(Finding { code, severity, node, subject, column: None, text: said })
}

fn results(failures: i64) -> String {
    u64::try_from(failures).map_or_else(|_| format!("{failures} results"), |failures| plural(failures, "result"))
}

fn of_diff(model: &ModelReport, diff: &TableDiff, rules: &Rules, findings: &mut Vec<Finding>) {
    if let Method::Failed { reason } = &diff.method {
        let text = format!("could not be compared: {}", brief(reason, MESSAGE));
        findings.push(about(model, FindingCode::DiffFailed, Severity::Warning, None, text));
        return;
    }
    let (before, after) = (diff.rows.total.baseline, diff.rows.total.current);
    if let (Some(1..), Some(0)) = (before, after) {
        let before = rows_in_production(diff);
        let text = format!("has no rows any more (production has {})", before.trim_end_matches(" rows"));
        findings.push(about(model, FindingCode::TableEmptied, Severity::Error, None, text));
    }
    let paired = diff.rows.changed + diff.rows.unchanged;
    if let (Method::Keyed { key, .. }, Some(1..), Some(1..), 0) = (&diff.method, before, after, paired) {
        let text = format!("has no {} in common with production", key.join(", "));
        findings.push(about(model, FindingCode::NoRowInCommon, Severity::Warning, None, text));
    }
    findings.extend(of_keys(model, diff));
    let rules = rules.model(&model.unique_id);
    for column in &diff.columns {
        let limits = rules.column(&column.name, |name| diff.columns.iter().any(|column| column.name == name));
        findings.extend(of_column(model, diff, column, limits));
        findings.extend(of_distribution(model, column, limits));
    }
}

/// A key that holds in production and is broken in the pull request.
fn of_keys(model: &ModelReport, diff: &TableDiff) -> Vec<Finding> {
    let mut found = Vec::new();
    for key in &diff.rejected_keys {
        let mut faults = Vec::new();
        if let Some(rows) = key.duplicates.filter(|rows| rows.baseline == 0 && rows.current > 0) {
            faults.push(rows_in_words(diff, rows.current, "duplicate row"));
        }
        if let Some(rows) = key.nulls.filter(|rows| rows.baseline == 0 && rows.current > 0) {
            faults.push(format!("{} with NULL", rows_in_words(diff, rows.current, "row")));
        }
        if !faults.is_empty() {
            let text = format!("is no longer a key: {} (production has none)", list(&faults));
            let columns = format!("({})", key.columns.join(", "));
            let mut finding = about(model, FindingCode::KeyBroken, Severity::Error, None, text);
            finding.subject = Some(format!("{} {columns}", model.name));
            found.push(finding);
        }
    }
    found
}

fn of_column(model: &ModelReport, diff: &TableDiff, column: &ColumnDiff, limits: &Thresholds) -> Option<Finding> {
    let finding = |code, severity, text| Some(about(model, code, severity, Some(&column.name), text));
    let (nulls, total) = (column.nulls, diff.rows.total);
    // What a hidden count is judged by: the least that it can be here, the most in production.
    let is_few = |count: u64| below(diff, count).is_some();
    let least = |count: u64| if is_few(count) { 1 } else { count };
    let inexact = diff.rows.inexact.current;
    match (nulls.baseline.zip(total.baseline), nulls.current.zip(total.current)) {
        _ if column.data_type.baseline.is_some() && column.data_type.current.is_none() => {
            finding(FindingCode::ColumnRemoved, Severity::Warning, "is gone; production has this column".to_owned())
        }
        (None, Some((nulls, rows @ 1..))) if nulls == rows && !is_few(nulls) && column.data_type.baseline.is_none() => {
            let what = if total.baseline.is_some() { "is new and " } else { "" };
            let text = format!("{what}is NULL in all {}", rows_here(diff));
            finding(FindingCode::NewColumnAllNull, Severity::Warning, text)
        }
        (Some((was, rows_before @ 1..)), Some((now, rows @ 1..))) => {
            let was_share = below(diff, was).unwrap_or_else(|| share(was, rows_before));
            // Where rows are hidden, so is whether the last of them have a value.
            let few = if inexact { diff.min_count } else { 0 };
            if now + few >= rows && !is_few(now) && was < rows_before {
                let all = if inexact { "all or nearly all of" } else { "all" };
                let text = format!("is now NULL in {all} {} (was {was_share})", rows_here(diff));
                return finding(FindingCode::ColumnAllNull, Severity::Error, text);
            }
            let rise = ratio(least(now), rows) - ratio(was, rows_before);
            (limits.null_rate_increase.is_some_and(|limit| rise > limit)).then_some(())?;
            let here = rows_here(diff);
            let text = if let Some(few) = below(diff, now) {
                format!("is now NULL in {few} of {here} (was {was_share})")
            } else {
                format!("is now NULL in {} of {here} ({}, was {was_share})", count(now), share(now, rows))
            };
            finding(FindingCode::NullRate, Severity::Error, text)
        }
        _ => None,
    }
}

/// A distribution that moved by more than the policy allows. Each threshold that is set speaks for itself.
fn of_distribution(model: &ModelReport, column: &ColumnDiff, limits: &Thresholds) -> Vec<Finding> {
    let finding = |code, text| about(model, code, Severity::Error, Some(&column.name), text);
    let drift = column.drift.unwrap_or_default();
    let figures = [
        ("population stability index", drift.psi, limits.psi),
        ("Kolmogorov–Smirnov statistic", drift.ks, limits.ks),
        ("Jensen–Shannon distance", drift.js, limits.js),
    ];
    let over: Vec<String> = figures
        .into_iter()
        .filter_map(|(name, figure, limit)| figure.zip(limit).map(|(figure, limit)| (name, figure, limit)))
        .filter(|(_, figure, limit)| figure > limit)
        .map(|(name, figure, limit)| format!("{name} {} (allowed: {limit})", above(figure, limit)))
        .collect();
    let mut found = Vec::new();
    if !over.is_empty() {
        found
            .push(finding(FindingCode::Drift, format!("has another distribution than in production: {}", list(&over))));
    }
    if let (Some((shown, share)), Some(limit)) = (change_of_distinct(column), limits.distinct_change)
        && share > limit
    {
        let text = format!("now has {} distinct values (was {})", shown.current, shown.baseline);
        found.push(finding(FindingCode::DistinctChanged, text));
    }
    found
}

/// A figure with as many digits as it takes to be seen to be above its limit.
fn above(figure: f64, limit: f64) -> String {
    let shown = |digits: usize| format!("{figure:.digits$}");
    let is_above = |text: &String| text.parse::<f64>().is_ok_and(|number| number > limit);
    (3..9).map(shown).find(is_above).unwrap_or_else(|| figure.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "compared with a threshold of a few digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn of_the_run(models: &[ModelReport], tests: &[TestReport], cancelled: bool) -> Vec<Finding> {
    let finding =
        |code, text| Finding { code, severity: Severity::Warning, node: None, subject: None, column: None, text };
    let statuses = models.iter().filter_map(|model| model.build.as_ref().map(|build| build.status));
    let skipped = statuses.chain(tests.iter().map(|test| test.status)).filter(|s| *s == NodeStatus::Skipped).count();
    let mut found = Vec::new();
    if cancelled {
        found.push(finding(FindingCode::Cancelled, "the run was cancelled before its end".to_owned()));
    }
    if skipped > 0 {
        let what = plural(skipped as u64, "model or test").replace("model or tests", "models and tests");
        let verb = if skipped == 1 { "was" } else { "were" };
        let text = format!("{what} {verb} not tried, because something above failed");
        found.push(finding(FindingCode::Skipped, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::config::Policy;
    use crate::diff::{ColumnDrift, ColumnProfile, Method, TableDiff};
    use crate::report::document::{FindingCode, Verdict};
    use crate::report::{Report, example};

    fn report(change: impl FnOnce(&mut TableDiff)) -> Report {
        example::with_diff(Policy::default(), change)
    }

    /// Code and text of the findings.
    fn said(report: &Report) -> Vec<(FindingCode, &str)> {
        report.findings.iter().map(|finding| (finding.code, finding.text.as_str())).collect()
    }

    #[test]
    fn a_share_of_nulls_is_a_finding_only_beyond_the_policy() {
        let rate = |after| move |diff: &mut TableDiff| diff.columns[1].nulls.current = Some(after);
        assert_eq!(said(&report(rate(62))), [], "12 of 1,000 before: five points more are allowed");
        let over = report(rate(63));
        assert_eq!(said(&over), [(FindingCode::NullRate, "is now NULL in 63 of 1,000 rows (6.3 %, was 1.2 %)")]);
        assert_eq!((over.verdict, over.exit_code()), (Verdict::Findings, 1));
        let never = Policy { null_rate_increase: None, ..Policy::default() };
        assert_eq!(said(&example::with_diff(never.clone(), rate(999))), []);
        let all = example::with_diff(never, rate(1000));
        assert_eq!(said(&all), [(FindingCode::ColumnAllNull, "is now NULL in all 1,000 rows (was 1.2 %)")]);
    }

    #[test]
    fn a_distribution_is_a_finding_only_beyond_the_policy() {
        let moved = |diff: &mut TableDiff| {
            let drift = ColumnDrift { psi: Some(0.250_04), ks: Some(0.1), ..ColumnDrift::default() };
            diff.columns[1].drift = Some(drift);
            let profile = |distinct| Some(ColumnProfile { distinct: Some(distinct), ..ColumnProfile::default() });
            diff.columns[1].profile.baseline = profile(10);
            diff.columns[1].profile.current = profile(4);
        };
        assert_eq!(said(&report(moved)), [], "no threshold, no finding");
        let policy = Policy { psi: Some(0.25), ks: Some(0.1), distinct_change: Some(0.5), ..Policy::default() };
        let over = example::with_diff(policy, moved);
        assert_eq!(
            said(&over),
            [
                (
                    FindingCode::Drift,
                    "has another distribution than in production: population stability index 0.25004 (allowed: 0.25)"
                ),
                (FindingCode::DistinctChanged, "now has 4 distinct values (was 10)"),
            ]
        );
        assert_eq!(over.exit_code(), 1);
    }

    #[test]
    fn a_column_that_was_always_null_is_nothing_new() {
        let report = report(|diff| {
            diff.columns[1].nulls.baseline = Some(1000);
            diff.columns[1].nulls.current = Some(1000);
        });
        assert_eq!((said(&report), report.verdict), (Vec::new(), Verdict::Clean));
    }

    #[test]
    fn a_new_column_without_a_value_and_one_that_is_gone_are_warnings() {
        let report = report(|diff| {
            diff.columns[0].data_type.baseline = None;
            diff.columns[0].nulls = crate::model::Change { baseline: None, current: Some(1000) };
            diff.columns[1].data_type.current = None;
            diff.columns[1].nulls.current = None;
        });
        assert_eq!(
            said(&report),
            [
                (FindingCode::NewColumnAllNull, "is new and is NULL in all 1,000 rows"),
                (FindingCode::ColumnRemoved, "is gone; production has this column"),
            ]
        );
        assert_eq!((report.verdict, report.exit_code()), (Verdict::Clean, 0));
    }

    #[test]
    fn a_table_that_lost_all_its_rows_or_all_its_keys_is_told_of() {
        let emptied = report(|diff| {
            diff.rows.total.current = Some(0);
            (diff.rows.removed, diff.rows.unchanged) = (1000, 0);
        });
        assert_eq!(said(&emptied), [(FindingCode::TableEmptied, "has no rows any more (production has 1,000)")]);
        let strangers = report(|diff| (diff.rows.added, diff.rows.removed, diff.rows.unchanged) = (1000, 1000, 0));
        assert_eq!(said(&strangers), [(FindingCode::NoRowInCommon, "has no order_id in common with production")]);
        assert_eq!(strangers.verdict, Verdict::Clean, "for people to judge");
    }

    #[test]
    fn what_could_not_be_compared_is_no_approval() {
        let report = report(|diff| diff.method = Method::Failed { reason: "permission denied\nfor table".into() });
        assert_eq!(said(&report), [(FindingCode::DiffFailed, "could not be compared: permission denied …")]);
        assert_eq!((report.verdict, report.exit_code()), (Verdict::Incomplete, 1));
    }
}
