//! What a run found, as one versioned document with one verdict, and its pure renderers: `Report -> String`.
//!
//! Size budgets live here; nothing here talks to a database, a network or a terminal.

mod changes;
mod counts;
mod distributions;
mod document;
mod findings;
mod impact;
mod make;
mod markdown;
mod phrases;
mod reach;
mod terminal;
mod values;
mod words;

#[cfg(test)]
mod example;

pub use changes::{Shown, changes_markdown, changes_terminal};
pub use document::{
    BuildReport, Drift, Finding, FindingCode, ModelReport, ModelState, OtherChange, Reach, ReachedExposure,
    ReachedModel, Reason, Report, SCHEMA_VERSION, TestReport, Totals, Verdict,
};
pub use make::{Inputs, make};
pub use markdown::{Budget, markdown, table_markdown};
pub use terminal::{aligned, table_terminal, terminal};
pub use words::plural;

/// The report as JSON, for machines; `schema_version` says which shape.
///
/// # Errors
/// None in practice: every map of the report has text keys.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report)
}
