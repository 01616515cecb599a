//! What happens while a run goes on, told to whoever draws it. Stages emit; only the command line draws.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Diagnostic, NodeId};

/// The stages of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Fetching and installing packages.
    Deps,
    /// Reading and parsing the project.
    Parse,
    /// Reading or parsing the baseline.
    Baseline,
    /// Creating the throw-away schema.
    Environment,
    /// Building and testing nodes.
    Build,
    /// Comparing relations.
    Diff,
    /// Writing the report.
    Report,
    /// Publishing it.
    Publish,
}

/// How a node ended, in dbt's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Built.
    Success,
    /// The database or Jinja refused it.
    Error,
    /// Not tried, because something it depends on failed.
    Skipped,
    /// A test that passed.
    Pass,
    /// A test that failed.
    Fail,
    /// A test that failed with severity `warn`.
    Warn,
    /// Cancelled before it ended.
    Cancelled,
}

impl NodeStatus {
    /// dbt's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether what depends on the node must not be built.
    pub fn blocks(self) -> bool {
        matches!(self, Self::Error | Self::Skipped | Self::Fail | Self::Cancelled)
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A stage began; `total` counts its steps, when known.
    StageStarted {
        /// Which.
        stage: Stage,
        /// One line on what it works on.
        detail: String,
        /// How many steps it has.
        total: Option<usize>,
    },
    /// A stage ended.
    StageFinished {
        /// Which.
        stage: Stage,
        /// One line on what came of it.
        detail: String,
        /// Wall-clock time it took.
        elapsed: Duration,
    },
    /// A node (or a table's diff) began.
    NodeStarted {
        /// In which stage.
        stage: Stage,
        /// Which node.
        unique_id: NodeId,
        /// A short name with what is made of it, e.g. `table model analytics.orders`.
        label: String,
    },
    /// A node (or a table's diff) ended.
    NodeFinished {
        /// In which stage.
        stage: Stage,
        /// Which node.
        unique_id: NodeId,
        /// The same short name as at its start.
        label: String,
        /// How it ended.
        status: NodeStatus,
        /// What the database said, or what was found.
        message: Option<String>,
        /// Wall-clock time it took.
        elapsed: Duration,
    },
    /// Something about the project.
    Diagnostic(Diagnostic),
    /// A line of the project's own (`log(…, info=true)`, `print`).
    Message(String),
}

/// Whoever wants to know. Called from any thread; must not block for long.
pub trait Observer: Send + Sync {
    /// Takes note of `event`.
    fn observe(&self, event: &Event);
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _event: &Event) {}
}
