//! The report itself: plain data that serializes, versioned because other programs read it.

use serde::{Deserialize, Serialize};

use crate::diff::TableDiff;
use crate::impact::Impact;
use crate::model::{NodeId, NodeStatus, ResourceType, Severity};
use crate::state;

/// The version of the JSON's shape. Fields are added without a new version; one that changes its meaning needs one.
pub const SCHEMA_VERSION: u32 = 1;

/// The one answer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything was measured and nothing is over policy. Data may well differ.
    Clean,
    /// At least one finding is over policy.
    Findings,
    /// Nothing found is over policy, but not everything could be measured.
    Incomplete,
}

/// A stable name of one kind of finding. Names are added, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingCode {
    /// A node could not be built.
    BuildError,
    /// A test found failing rows.
    TestFailed,
    /// A coverage check found too little.
    CoverageFailed,
    /// A test could not run.
    TestError,
    /// A test of severity `warn` found failing rows.
    TestWarned,
    /// A column that had values is NULL in every row.
    ColumnAllNull,
    /// A new column is NULL in every row.
    NewColumnAllNull,
    /// A column's share of NULLs rose by more than the policy allows.
    NullRate,
    /// A column's distribution moved by more than the policy allows.
    Drift,
    /// A column's number of distinct values changed by more than the policy allows.
    DistinctChanged,
    /// A column is gone.
    ColumnRemoved,
    /// A table that had rows has none.
    TableEmptied,
    /// A key that production's rows keep is broken.
    KeyBroken,
    /// A table could not be compared.
    DiffFailed,
    /// Nodes were not tried, because of another's failure.
    Skipped,
    /// The run was cancelled before its end.
    Cancelled,
    /// A change breaks an enforced contract.
    ContractBroken,
    /// Production's keys and the pull request's have nothing in common.
    NoRowInCommon,
}

impl FindingCode {
    /// Whether it says that something could not be measured, rather than that something is wrong.
    pub fn is_gap(self) -> bool {
        matches!(self, Self::DiffFailed | Self::Skipped | Self::Cancelled)
    }
}

/// One thing that a reviewer must see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of thing.
    pub code: FindingCode,
    /// Errors are over policy; warnings are shown and change nothing.
    pub severity: Severity,
    /// The node it is about, if it is about one.
    pub node: Option<NodeId>,
    /// What it is about, for people: a model, a test, `model.column`.
    pub subject: Option<String>,
    /// The column it is about, if it is about one.
    pub column: Option<String>,
    /// What is said of the subject, as the rest of the sentence, e.g. `is now NULL in all 6,021 rows (was 2.1 %)`.
    pub text: String,
}

/// Why a node counts as changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Its stable id, e.g. `body`.
    pub reason: String,
    /// The reason in a few words, e.g. `configuration`.
    #[serde(default)]
    pub title: String,
    /// How grave it is.
    #[serde(default)]
    pub severity: state::Severity,
    /// One line for people.
    pub summary: String,
    /// Whether it breaks a contract.
    pub breaking: bool,
    /// Of edited code: a unified diff of it, two lines of context around each change.
    pub code_diff: Option<String>,
}

/// How a model came into the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// Production does not have it.
    Added,
    /// It changed.
    Modified,
    /// It did not change, something above it did.
    Downstream,
}

/// How a node was built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildReport {
    /// How it ended.
    pub status: NodeStatus,
    /// The database's words, or why it was skipped.
    pub message: Option<String>,
    /// `schema.identifier` of what was built.
    pub relation: Option<String>,
    /// Wall-clock time in seconds.
    pub seconds: f64,
}

/// One model, seed or snapshot that changed or was built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its name, with the version of a versioned model.
    pub name: String,
    /// Model, seed or snapshot.
    pub resource_type: ResourceType,
    /// How it is materialized.
    pub materialized: String,
    /// Its file, relative to the package's root.
    pub path: String,
    /// How it came here.
    pub state: ModelState,
    /// Why it counts as changed; of a downstream model, empty.
    pub reasons: Vec<Reason>,
    /// Of a downstream model: the nearest changed nodes above it.
    pub because_of: Vec<String>,
    /// How it was built; none when it was not part of the plan.
    pub build: Option<BuildReport>,
    /// Its data against production's; none when it was not compared.
    pub diff: Option<TableDiff>,
}

/// A changed node that is no table: a test, a source, an exposure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherChange {
    /// dbt's id.
    pub unique_id: NodeId,
    /// What it is.
    pub resource_type: ResourceType,
    /// Whether production does not have it.
    pub added: bool,
    /// Why it counts as changed.
    pub reasons: Vec<Reason>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its name.
    pub name: String,
    /// The name of the model it is about.
    pub model: Option<String>,
    /// The column it is about.
    pub column: Option<String>,
    /// How it ended.
    pub status: NodeStatus,
    /// The result of its `fail_calc`, usually failing rows.
    pub failures: Option<i64>,
    /// The database's or dbt's words.
    pub message: Option<String>,
    /// Whether it measures coverage (`meta.slimdiff.check: coverage`, or the tag `coverage`).
    pub coverage: bool,
    /// Wall-clock time in seconds.
    pub seconds: f64,
}

/// A model below the changed ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachedModel {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its name.
    pub name: String,
    /// Edges from the nearest changed node.
    pub distance: usize,
    /// Whether it was built in this run.
    pub built: bool,
}

/// A dashboard, a machine-learning model or an application below the changed models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachedExposure {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its label, else its name.
    pub name: String,
    /// dbt's `type`, e.g. `dashboard`.
    pub kind: String,
    /// Where it is.
    pub url: Option<String>,
    /// Its owner's name.
    pub owner: Option<String>,
    /// Its owner's address.
    pub email: Option<String>,
    /// Edges from the nearest changed node.
    pub distance: usize,
    /// Names from that node to the exposure, both included.
    pub path: Vec<String>,
    /// Whether the data of a table it reads differs from production; none when that was not measured for all of them.
    pub data_differs: Option<bool>,
}

/// What lies below the changed nodes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reach {
    /// Models, seeds and snapshots, nearest first.
    pub models: Vec<ReachedModel>,
    /// How many tests.
    pub tests: usize,
    /// Exposures, nearest first.
    pub exposures: Vec<ReachedExposure>,
}

/// The figures of the one-line summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Models, seeds and snapshots that are new or changed.
    pub models_changed: usize,
    /// Models, seeds and snapshots that production has and the pull request has not.
    pub models_removed: usize,
    /// Built without an error.
    pub models_built: usize,
    /// Refused by the database or by Jinja.
    pub models_failed: usize,
    /// Not tried.
    pub models_skipped: usize,
    /// Tests that passed.
    pub tests_passed: usize,
    /// Tests that failed.
    pub tests_failed: usize,
    /// Tests that failed with severity `warn`.
    pub tests_warned: usize,
    /// Tests that could not run.
    pub tests_errored: usize,
    /// Tests that were not tried.
    pub tests_skipped: usize,
    /// Tables that were compared with production.
    pub tables_compared: usize,
    /// Of those, tables that differ in columns or rows.
    pub tables_different: usize,
    /// Tables that production does not have.
    pub tables_new: usize,
    /// Tables that could not be compared.
    pub tables_failed: usize,
}

impl Totals {
    /// Tests that were tried or should have been.
    pub fn tests(&self) -> usize {
        self.tests_passed + self.tests_failed + self.tests_warned + self.tests_errored + self.tests_skipped
    }
}

/// All that a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// slimdiff's own version.
    pub tool_version: String,
    /// The dbt project.
    pub project: String,
    /// dbt's adapter type, e.g. `duckdb`.
    pub adapter: String,
    /// The pull request's number.
    pub pull_request: Option<u64>,
    /// The commit that was checked.
    pub head_sha: Option<String>,
    /// What it was compared with, for people.
    pub baseline: String,
    /// How production differs from where the pull request began, when the two were told apart.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// The throw-away schema.
    pub environment: Option<String>,
    /// The answer.
    pub verdict: Verdict,
    /// Figures.
    pub totals: Totals,
    /// What a reviewer must see, worst first.
    pub findings: Vec<Finding>,
    /// Models, seeds and snapshots that changed or were built, in the order of the plan.
    pub models: Vec<ModelReport>,
    /// Everything else that changed.
    pub other_changes: Vec<OtherChange>,
    /// Nodes that production has and the pull request has not.
    pub removed: Vec<NodeId>,
    /// Tests that were run, in the order in which they ended.
    pub tests: Vec<TestReport>,
    /// What lies below.
    pub reach: Reach,
    /// What the changes break and what they reach, column by column.
    #[serde(default)]
    pub impact: Option<Impact>,
    /// Wall-clock time of the run in seconds.
    pub elapsed_seconds: f64,
}

/// What production differs by from the commit that the pull request began with. None of it is the pull request's doing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Drift {
    /// Where changes are counted from, for people, e.g. `main at 1a2b3c4 (merge base)`.
    pub merge_base: String,
    /// Nodes that production does not have yet.
    pub behind: Vec<NodeId>,
    /// Nodes of which production has another version, with the first reason.
    pub modified: Vec<(NodeId, String)>,
    /// Nodes that only production has.
    pub gone: Vec<NodeId>,
}

impl Drift {
    /// How many nodes it is about.
    pub fn len(&self) -> usize {
        self.behind.len() + self.modified.len() + self.gone.len()
    }

    /// Whether production is what the pull request began with.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Report {
    /// The process's exit code: 0 when clean; 1 for findings, and for a run that could not measure everything, since
    /// that is no approval either.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.verdict != Verdict::Clean)
    }
}

impl ModelReport {
    /// Whether its data was compared and found different.
    pub fn differs(&self) -> bool {
        self.diff.as_ref().is_some_and(TableDiff::differs)
    }
}
