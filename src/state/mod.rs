//! What changed between two manifests, and why: dbt's `state:modified`, reason by reason. No I/O.

use indexmap::IndexMap;
use serde::Serialize;

use crate::model::{Change, NodeId};

/// One reason why a node counts as changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// The reason's stable id, e.g. `body`, `config`, `fqn`, `macro`.
    pub reason: &'static str,
    /// dbt's sub-selector that sees it, e.g. `body`; none for what only `modified` itself sees.
    pub sub_selector: Option<&'static str>,
    /// Whether `state:modified` counts it (some are seen by a sub-selector alone).
    pub in_modified: bool,
    /// One line for people, e.g. `materialized: view → table`, `macro cents_to_dollars changed (via orders → cents_to_dollars)`.
    pub summary: String,
    /// The two values as text, where there are two (for code, the code).
    pub values: Option<Change<Option<String>>>,
}

/// The difference of two manifests.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StateDiff {
    /// Every current node with at least one hit, in manifest order.
    pub changed: IndexMap<NodeId, Vec<Hit>>,
    /// Nodes of the current side that the baseline has not.
    pub added: Vec<NodeId>,
    /// Nodes of the baseline that the current side has not.
    pub removed: Vec<NodeId>,
}

impl StateDiff {
    /// Whether `state:modified` selects the node.
    pub fn is_modified(&self, id: &str) -> bool {
        self.changed.get(id).is_some_and(|hits| hits.iter().any(|hit| hit.in_modified))
    }
}
