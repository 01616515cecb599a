//! Fixed rows that stand in for what a model reads while a unit test runs it.

use std::collections::HashMap;

use crate::jinja::Overrides;
use crate::model::{NodeId, Relation, RelationKind};

/// What a unit test puts in place of the world.
#[derive(Debug, Clone)]
pub struct Fixtures {
    /// The unit test.
    pub test: NodeId,
    /// Queries that give the rows, by the node that they stand in for.
    pub inputs: HashMap<NodeId, String>,
    /// The query that stands in for `this`, of an incremental model.
    pub this: Option<String>,
    /// Macros and variables with fixed answers.
    pub overrides: Overrides,
}

impl Fixtures {
    /// The name under which the rows of `this` stand in the query.
    pub(super) fn this_relation() -> Relation {
        let mut relation = Relation::new(None, "", "__dbt__cte__this");
        relation.schema = None;
        relation.quoting.identifier = false;
        relation.with_kind(RelationKind::Ephemeral)
    }
}
