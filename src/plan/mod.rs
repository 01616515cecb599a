//! What to build where, what is read from production instead, and what is compared with what. Pure; printable.

mod again;
mod command;
mod error;
mod keys;
mod naming;
mod order;
mod pull_request;
mod render;
#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use serde::Serialize;

use crate::model::{Change, NodeId, Relation};

pub use again::{again, again_schema};
pub use command::{Command, CommandPlan, for_command};
pub use error::Error;
pub use pull_request::{PullRequest, for_pull_request, missing_parents};
pub use render::render;

/// What is done with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Build a model by its materialization.
    Model,
    /// Load a seed.
    Seed,
    /// Take a snapshot.
    Snapshot,
    /// Run a data test.
    Test,
}

/// One node to work on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Which node.
    pub unique_id: NodeId,
    /// What is done.
    pub action: Action,
    /// Where it is built; none for tests (unless failures are stored) and ephemeral models.
    pub relation: Option<Relation>,
    /// Steps of this plan that must have ended before, and whose failure skips this one: the node's nearest planned
    /// ancestors, and the tests of those ancestors when tests run between models as in `build`.
    pub after: Vec<NodeId>,
}

/// Where a primary key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// `unique_key` of the configuration.
    UniqueKey,
    /// A primary-key constraint of the contract.
    Constraint,
    /// `unique` and `not_null` tests on the same column.
    Tests,
    /// A test of a unique combination of columns.
    UniqueCombination,
    /// `meta.slimdiff.key`.
    Meta,
    /// Given on the command line.
    CommandLine,
}

/// A possible primary key: each source of evidence stands alone, never united with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyCandidate {
    /// Its columns.
    pub columns: Vec<String>,
    /// Why it is believed to be a key.
    pub source: KeySource,
}

/// Two relations to compare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The node.
    pub unique_id: NodeId,
    /// Production's relation (none for a new node) and the pull request's.
    pub relation: Change<Option<Relation>>,
    /// Keys to try, best first; empty means a multiset comparison.
    pub keys: Vec<KeyCandidate>,
    /// Columns whose values are not compared.
    pub excluded: Vec<Excluded>,
}

/// A column whose values are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excluded {
    /// Its name, as the table writes it.
    pub column: String,
    /// Why, for a reader.
    pub reason: String,
    /// Whether it is set apart because its values change by themselves, so that what it holds is told all the same. A
    /// snapshot's bookkeeping is not.
    pub is_noise: bool,
}

impl Excluded {
    /// Whether this is the column of that name.
    pub fn is(&self, name: &str) -> bool {
        self.column == name
    }
}

/// The whole plan. Steps are in an order in which they can be done one after the other.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Plan {
    /// What is built and tested.
    pub steps: Vec<Step>,
    /// Schemas to create before the first step: database, schema.
    pub schemas: Vec<(Option<String>, String)>,
    /// Where `ref` and `source` read each node from: built here, or deferred to production.
    pub relations: IndexMap<NodeId, Relation>,
    /// The nodes that are read from production, a subset of `relations`.
    pub deferred: Vec<NodeId>,
    /// What is compared after the build.
    pub comparisons: Vec<Comparison>,
    /// `on-run-start` hooks, in order.
    pub on_run_start: Vec<NodeId>,
    /// `on-run-end` hooks, in order.
    pub on_run_end: Vec<NodeId>,
    /// Selected tests that cannot run, each with the reason.
    pub left_out: Vec<(NodeId, String)>,
    /// Rebuild incremental models and seeds from nothing.
    pub full_refresh: bool,
}
