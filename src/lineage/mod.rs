//! Column-level lineage: what each column of a query is computed from, what decides its rows, whether two texts are the
//! same query, and what a change between two versions breaks. The only import of sqlparser.
//!
//! Nothing here fails or invents: what cannot be followed is a [`Gap`] with its reason and place.

mod answer;
mod change;
mod classify;
mod dialect;
mod flow;
mod gap;
mod grammar;
mod project;
mod resolve;
mod same;
mod schema;
mod trace;

pub use answer::{Followed, How, Origin, OutputColumn, QueryLineage, RowInfluence, RowRule};
pub use change::{CHANGES, ChangeKind, ChangeSeverity, OTHER_CHANGES, change_kind};
pub use classify::{Classification, Evidence, Snippet, Version, classify};
pub use dialect::Dialect;
pub use gap::{Gap, GapReason};
pub use project::{NodeLineage, ProjectCode, ProjectLineage, Unstable, columns_of, of_nodes, of_project, schema_of};
pub use resolve::{of_query, with_deep_stack};
pub use same::{Equality, Spot, same_query, same_template};
pub use schema::{KnownColumn, KnownColumns, Schema};
pub use trace::{Place, Reached, Tracer};

#[cfg(test)]
mod tests;
