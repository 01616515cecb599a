//! What a template may ask while a node is compiled: relations from the plan, rows and columns from the step's session.
//!
//! Renders run on blocking threads, so the answers of the warehouse are waited for here.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;
use tokio::runtime::Handle;

use crate::jinja::Introspect;
use crate::model::{
    Code, Column, Diagnostic, Event, Location, Node, NodeId, RefArgs, Relation, RelationKind, ResourceType, Table,
};
use crate::warehouse;

use super::{Compiler, Connection};

/// The world as one node sees it.
pub(super) struct World {
    pub(super) compiler: Arc<Compiler>,
    pub(super) node: NodeId,
    pub(super) connection: Connection,
    pub(super) runtime: Handle,
    /// Ephemeral models that were referred to, in the order of first use.
    pub(super) ephemerals: Mutex<Vec<NodeId>>,
}

impl World {
    /// The ephemeral models that the render referred to, in the order of first use.
    pub(super) fn ephemerals(&self) -> Vec<NodeId> {
        self.ephemerals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn node(&self) -> Result<&Node, Diagnostic> {
        self.compiler
            .manifest
            .node(self.node.as_str())
            .ok_or_else(|| Diagnostic::error(Code::UnknownRef, format!("{} is not part of the project", self.node)))
    }

    /// dbt refuses what it could not have seen while it parsed: the node would have run before what it reads.
    fn check_dependency(node: &Node, target: &Node, call: &str) -> Result<(), Diagnostic> {
        let exempt = node.resource_type == ResourceType::Operation || node.unique_id == target.unique_id;
        if exempt || node.depends_on.nodes.contains(&target.unique_id) {
            return Ok(());
        }
        let message = format!(
            "{} reads {call} only when it runs, so the dependency was not seen when the project was parsed",
            node.unique_id
        );
        Err(Diagnostic::error(Code::UnknownRef, message)
            .at(Location::file(&node.original_file_path))
            .hint(format!("add this line to the top of the file: -- depends_on: {{{{ {call} }}}}")))
    }

    fn relation_of(&self, target: &Node) -> Result<Relation, Diagnostic> {
        if target.is_ephemeral() {
            let mut seen = self.ephemerals.lock().unwrap_or_else(PoisonError::into_inner);
            if !seen.contains(&target.unique_id) {
                seen.push(target.unique_id.clone());
            }
            return Ok(ephemeral_relation(target));
        }
        self.compiler.relation_of(target).ok_or_else(|| {
            Diagnostic::error(Code::UnknownRef, format!("{} has no relation to read from", target.unique_id))
        })
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, warehouse::Error>>) -> Result<T, String> {
        self.runtime.block_on(work).map_err(|error| error.to_string())
    }
}

impl Introspect for World {
    fn resolve_ref(&self, r: &RefArgs) -> Result<Relation, Diagnostic> {
        let node = self.node()?;
        let call = ref_call(r);
        let Some(target) = self.compiler.resolve_ref(node, r) else {
            let message = format!("{} depends on {call}, which does not exist or is disabled", node.unique_id);
            return Err(Diagnostic::error(Code::UnknownRef, message).at(Location::file(&node.original_file_path)));
        };
        Self::check_dependency(node, target, &call)?;
        self.relation_of(target)
    }

    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation, Diagnostic> {
        let node = self.node()?;
        let call = format!("source('{source}', '{table}')");
        let Some(target) = self.compiler.resolve_source(node, source, table) else {
            let message = format!("{} depends on {call}, which does not exist or is disabled", node.unique_id);
            return Err(Diagnostic::error(Code::UnknownSource, message).at(Location::file(&node.original_file_path)));
        };
        self.relation_of(target)
    }

    fn graph(&self) -> Arc<Json> {
        self.compiler.graph()
    }

    fn query(&self, sql: &str) -> Result<Table, String> {
        self.wait(self.connection.query(sql))
    }

    fn list_relations(&self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, String> {
        self.wait(self.connection.relations(database, schema))
    }

    fn columns(&self, relation: &Relation) -> Result<Vec<Column>, String> {
        self.wait(self.connection.columns(relation))
    }

    fn message(&self, text: &str) {
        self.compiler.observer.observe(&Event::Message(text.to_owned()));
    }
}

/// The name under which an ephemeral model stands in the queries that read it.
pub(super) fn ephemeral_relation(node: &Node) -> Relation {
    let mut relation = Relation::new(None, "", &format!("__dbt__cte__{}", node.alias));
    relation.schema = None;
    relation.quoting.identifier = false;
    relation.with_kind(RelationKind::Ephemeral)
}

fn ref_call(r: &RefArgs) -> String {
    let package = r.package.as_ref().map(|package| format!("'{package}', ")).unwrap_or_default();
    let version = r.version.as_ref().map(|version| format!(", v={version}")).unwrap_or_default();
    format!("ref({package}'{}'{version})", r.name)
}
