//! dbt's node selection: `SelectorExpr` (as written) → `ResolvedSelector` → `Selection` (which nodes).

use serde::Serialize;

use crate::model::NodeId;

/// The nodes that were selected, in manifest order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Selection {
    /// Their ids.
    pub nodes: Vec<NodeId>,
}
