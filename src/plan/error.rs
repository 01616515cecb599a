//! Why no plan can be made.

use crate::graph;
use crate::model::NodeId;

/// What keeps a plan from being made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The project's nodes depend on each other in a circle.
    #[error(transparent)]
    Graph(#[from] graph::Error<NodeId>),
    /// A node that is built reads one that is neither built nor known to the baseline.
    #[error(
        "{reader} reads {missing}, which is not selected, and the baseline {}; select it too, e.g. with '+{name}'",
        if *ephemeral { "has it only as an ephemeral model, without a relation" } else { "does not have it" }
    )]
    Unresolvable {
        /// The node that is built.
        reader: NodeId,
        /// What it reads.
        missing: NodeId,
        /// Its name.
        name: String,
        /// Whether the baseline has it without a relation.
        ephemeral: bool,
    },
}
