//! What comes out of a build: one result a step.

use std::time::Duration;

use serde::Serialize;

use crate::model::{NodeId, NodeStatus, Relation};

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeResult {
    /// Which node.
    pub unique_id: NodeId,
    /// How it ended.
    pub status: NodeStatus,
    /// The database's words, the number of failures, or why it was skipped.
    pub message: Option<String>,
    /// Of a test: the result of its `fail_calc`.
    pub failures: Option<i64>,
    /// Rows affected by the main statement, where the engine tells.
    pub rows_affected: Option<u64>,
    /// Where it was built.
    pub relation: Option<Relation>,
    /// The SQL that ran, ephemeral parents included.
    pub compiled_code: Option<String>,
    /// When it began, in UTC.
    pub started_at: chrono::DateTime<chrono::Utc>,
    /// Wall-clock time it took.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
}

impl NodeResult {
    /// A result of a node on which no work was done: skipped or cancelled, and why.
    pub(crate) fn untried(unique_id: &NodeId, status: NodeStatus, message: String) -> Self {
        Self {
            unique_id: unique_id.clone(),
            status,
            message: Some(message),
            failures: None,
            rows_affected: None,
            relation: None,
            compiled_code: None,
            started_at: chrono::Utc::now(),
            elapsed: Duration::ZERO,
        }
    }
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct BuildOutcome {
    /// One result a step, hooks included, in the order in which they ended. Ephemeral models have none.
    pub results: Vec<NodeResult>,
    /// Whether it was cancelled before its end.
    pub cancelled: bool,
    /// Wall-clock time of the whole.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
