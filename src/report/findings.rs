//! From outcomes to findings and the verdict: the one place that decides what is over policy.

use super::document::{Finding, FindingCode, ModelReport, TestReport, Verdict};
use super::words::{brief, count, list, plural, share};
use crate::build::{BuildOutcome, NodeResult};
use crate::config::Policy;
use crate::diff::{ColumnDiff, Method, TableDiff};
use crate::model::{NodeStatus, ResourceType, Severity};

/// How much of a database's message a finding shows; the whole is kept with the model or test.
const MESSAGE: usize = 300;

/// All findings, worst first; within one severity in the order of the plan.
pub(super) fn find(
    models: &[ModelReport],
    tests: &[TestReport],
    build: &BuildOutcome,
    policy: &Policy,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = build.results.iter().filter_map(of_hook).collect();
    findings.extend(models.iter().filter_map(of_build));
    findings.extend(models.iter().flat_map(of_contract));
    findings.extend(tests.iter().filter_map(of_test));
    for model in models {
        if let Some(diff) = &model.diff {
            of_diff(model, diff, policy, &mut findings);
        }
    }
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
    Finding { code, severity, node: Some(model.unique_id.clone()), subject: Some(subject), text }
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
        (_, Some(failures)) => format!("failed{place}: {}", results(failures)),
        _ => format!("failed{place}: {message}"),
    };
    Some(Finding { code, severity, node: Some(test.unique_id.clone()), subject: Some(test.name.clone()), text: said })
}

fn results(failures: i64) -> String {
    u64::try_from(failures).map_or_else(|_| format!("{failures} results"), |failures| plural(failures, "result"))
}

fn of_diff(model: &ModelReport, diff: &TableDiff, policy: &Policy, findings: &mut Vec<Finding>) {
    if let Method::Failed { reason } = &diff.method {
        let text = format!("could not be compared: {}", brief(reason, MESSAGE));
        findings.push(about(model, FindingCode::DiffFailed, Severity::Warning, None, text));
        return;
    }
    let (before, after) = (diff.rows.total.baseline, diff.rows.total.current);
    if let (Some(before @ 1..), Some(0)) = (before, after) {
        let text = format!("has no rows any more (production has {})", count(before));
        findings.push(about(model, FindingCode::TableEmptied, Severity::Error, None, text));
    }
    findings.extend(of_keys(model, diff));
    for column in &diff.columns {
        findings.extend(of_column(model, diff, column, policy));
    }
}

/// A key that holds in production and is broken in the pull request.
fn of_keys(model: &ModelReport, diff: &TableDiff) -> Vec<Finding> {
    let mut found = Vec::new();
    for key in &diff.rejected_keys {
        let mut faults = Vec::new();
        if let Some(rows) = key.duplicates.filter(|rows| rows.baseline == 0 && rows.current > 0) {
            faults.push(plural(rows.current, "duplicate row"));
        }
        if let Some(rows) = key.nulls.filter(|rows| rows.baseline == 0 && rows.current > 0) {
            faults.push(format!("{} with NULL", plural(rows.current, "row")));
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

fn of_column(model: &ModelReport, diff: &TableDiff, column: &ColumnDiff, policy: &Policy) -> Option<Finding> {
    let finding = |code, severity, text| Some(about(model, code, severity, Some(&column.name), text));
    let (nulls, total) = (column.nulls, diff.rows.total);
    match (nulls.baseline.zip(total.baseline), nulls.current.zip(total.current)) {
        (Some(_), None) => {
            finding(FindingCode::ColumnRemoved, Severity::Warning, "is gone; production has this column".to_owned())
        }
        (None, Some((nulls, rows @ 1..))) if nulls == rows => {
            let what = if total.baseline.is_some() { "is new and " } else { "" };
            let text = format!("{what}is NULL in all {}", plural(rows, "row"));
            finding(FindingCode::NewColumnAllNull, Severity::Warning, text)
        }
        (Some((was, rows_before @ 1..)), Some((now, rows @ 1..))) => {
            let was_share = share(was, rows_before);
            if now == rows && was < rows_before {
                let text = format!("is now NULL in all {} (was {was_share})", plural(rows, "row"));
                return finding(FindingCode::ColumnAllNull, Severity::Error, text);
            }
            let rise = ratio(now, rows) - ratio(was, rows_before);
            (policy.null_rate_increase.is_some_and(|limit| rise > limit)).then_some(())?;
            let text = format!(
                "is now NULL in {} of {} ({}, was {was_share})",
                count(now),
                plural(rows, "row"),
                share(now, rows)
            );
            finding(FindingCode::NullRate, Severity::Error, text)
        }
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with a threshold of a few digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn of_the_run(models: &[ModelReport], tests: &[TestReport], cancelled: bool) -> Vec<Finding> {
    let finding = |code, text| Finding { code, severity: Severity::Warning, node: None, subject: None, text };
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
