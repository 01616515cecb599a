//! What a template may ask while a node is compiled: relations from the plan, rows and columns from the step's session.
//!
//! Renders run on blocking threads, so the answers of the warehouse are waited for here.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;
use tokio::runtime::Handle;

use crate::jinja::Introspect;
use crate::model::{
    Code, Column, Diagnostic, Event, Location, Node, NodeId, Quoting, RefArgs, Relation, RelationKind, ResourceType,
    Table,
};
use crate::warehouse;

use super::{Compiler, Connection, Fixtures};

/// The world as one node sees it.
pub(super) struct World {
    pub(super) compiler: Arc<Compiler>,
    pub(super) node: NodeId,
    pub(super) connection: Connection,
    pub(super) runtime: Handle,
    /// Ephemeral models that were referred to, in the order of first use.
    pub(super) ephemerals: Mutex<Vec<NodeId>>,
    /// Of a unit test: the rows that stand in for what the node reads.
    pub(super) fixtures: Option<Arc<Fixtures>>,
}

impl World {
    /// The ephemeral models that the render referred to, in the order of first use.
    pub(super) fn ephemerals(&self) -> Vec<NodeId> {
        self.ephemerals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same world for another node.
    pub(super) fn of(&self, node: &Node) -> Self {
        Self {
            compiler: Arc::clone(&self.compiler),
            node: node.unique_id.clone(),
            connection: self.connection.clone(),
            runtime: self.runtime.clone(),
            ephemerals: Mutex::default(),
            fixtures: None,
        }
    }

    /// What `this` is.
    pub(super) fn this(&self, node: &Node) -> Option<Relation> {
        if self.fixtures.as_ref().is_some_and(|given| given.this.is_some()) {
            return Some(Fixtures::this_relation());
        }
        if node.is_ephemeral() { Some(ephemeral_relation(node)) } else { self.compiler.relation_of(node) }
    }

    fn node(&self) -> Result<&Node, Box<Diagnostic>> {
        self.compiler.manifest.node(self.node.as_str()).ok_or_else(|| {
            Box::new(Diagnostic::error(Code::UnknownRef, format!("{} is not part of the project", self.node)))
        })
    }

    fn find_ref(&self, r: &RefArgs) -> Result<Relation, Box<Diagnostic>> {
        let (node, call) = (self.node()?, ref_call(r));
        let target = self.compiler.resolve_ref(node, r).ok_or_else(|| missing(node, &call, Code::UnknownRef))?;
        check_dependency(node, target, &call)?;
        self.relation_of(target)
    }

    fn find_source(&self, source: &str, table: &str) -> Result<Relation, Box<Diagnostic>> {
        let node = self.node()?;
        let target = self.compiler.resolve_source(node, source, table);
        let call = || format!("source('{source}', '{table}')");
        let target = target.ok_or_else(|| missing(node, &call(), Code::UnknownSource))?;
        let mut relation = self.relation_of(target)?;
        if let Some(detail) = target.as_source().filter(|_| relation.kind.is_none() && relation.schema.is_some()) {
            // `quoting:` of the project is not for sources, though their name in the manifest follows it.
            let default = Quoting::of_adapter(self.compiler.adapter_type);
            let part = |name: &str, default| detail.quoting.get(name).and_then(Json::as_bool).unwrap_or(default);
            relation.quoting.database = part("database", default.database);
            relation.quoting.schema = part("schema", default.schema);
            relation.quoting.identifier = part("identifier", default.identifier);
        }
        Ok(relation)
    }

    fn relation_of(&self, target: &Node) -> Result<Relation, Box<Diagnostic>> {
        if let Some(fixtures) = self.fixtures.as_ref().filter(|given| !given.inputs.contains_key(&target.unique_id)) {
            let message = format!("{} gives no rows for {}, which the model reads", fixtures.test, target.unique_id);
            return Err(Box::new(Diagnostic::error(Code::InvalidProperty, message)));
        }
        if target.is_ephemeral() || self.fixtures.is_some() {
            let mut seen = self.ephemerals.lock().unwrap_or_else(PoisonError::into_inner);
            if !seen.contains(&target.unique_id) {
                seen.push(target.unique_id.clone());
            }
            return Ok(ephemeral_relation(target));
        }
        self.compiler.relation_of(target).ok_or_else(|| {
            let message = format!("{} has no relation to read from", target.unique_id);
            Box::new(Diagnostic::error(Code::UnknownRef, message))
        })
    }

    /// What a call of `function` names. It may be one that the parser could not see: functions are never built here.
    fn find_function(&self, call: &[String]) -> Result<Relation, Box<Diagnostic>> {
        let node = self.node()?;
        let names = || call.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let target = self.compiler.manifest.resolve_function(call, &node.package_name);
        let target = target.ok_or_else(|| missing(node, &format!("function({})", names()), Code::UnknownRef))?;
        self.compiler.relation_of(target).ok_or_else(|| {
            let message = format!("{} has no name to call it by", target.unique_id);
            Box::new(Diagnostic::error(Code::UnknownRef, message))
        })
    }

    /// Waits for the database; `what` says what it is asked, for the error of an engine that cannot be.
    fn wait<T>(
        &self,
        what: impl FnOnce() -> String,
        work: impl Future<Output = Result<T, warehouse::Error>>,
    ) -> Result<T, Diagnostic> {
        self.runtime.block_on(work).map_err(|error| match &error {
            warehouse::Error::NoConnection { adapter_type } => {
                let message = format!("this asks {adapter_type} {}, and slimdiff does not connect to it", what());
                let advice = "compile this node with dbt, or leave it out with `--exclude`";
                Diagnostic::error(Code::Unsupported, message).hint(advice)
            }
            error => Diagnostic::error(Code::JinjaRuntime, error.to_string()),
        })
    }
}

impl Introspect for World {
    fn resolve_ref(&self, r: &RefArgs) -> Result<Relation, Diagnostic> {
        self.find_ref(r).map_err(|diagnostic| *diagnostic)
    }

    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation, Diagnostic> {
        self.find_source(source, table).map_err(|diagnostic| *diagnostic)
    }

    fn resolve_function(&self, call: &[String]) -> Result<Relation, Diagnostic> {
        self.find_function(call).map_err(|diagnostic| *diagnostic)
    }

    fn graph(&self) -> Arc<Json> {
        self.compiler.graph()
    }

    fn has_database(&self) -> bool {
        self.connection.can_open()
    }

    fn query(&self, sql: &str) -> Result<Table, Diagnostic> {
        self.wait(|| format!("for `{}`", first_words(sql)), self.connection.query(sql))
    }

    fn list_relations(&self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Diagnostic> {
        let place = || database.into_iter().chain([schema]).collect::<Vec<_>>().join(".");
        self.wait(|| format!("which relations {} has", place()), self.connection.relations(database, schema))
    }

    fn columns(&self, relation: &Relation) -> Result<Vec<Column>, Diagnostic> {
        self.wait(|| format!("which columns {relation} has"), self.connection.columns(relation))
    }

    fn message(&self, text: &str) {
        self.compiler.observer.observe(&Event::Message(text.to_owned()));
    }
}

/// The name under which an ephemeral model stands in the queries that read it.
pub(super) fn ephemeral_relation(node: &Node) -> Relation {
    let name = node.as_source().map_or_else(|| node.alias.clone(), |it| format!("{}__{}", it.source_name, node.name));
    let mut relation = Relation::new(None, "", &format!("__dbt__cte__{name}"));
    relation.schema = None;
    relation.quoting.identifier = false;
    relation.with_kind(RelationKind::Ephemeral)
}

/// The beginning of a query in one line.
fn first_words(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_QUERY) {
        Some((at, _)) => format!("{}…", line[..at].trim_end()),
        None => line,
    }
}

/// How many characters of a query a message shows.
const LONGEST_QUERY: usize = 80;

fn ref_call(r: &RefArgs) -> String {
    let package = r.package.as_ref().map(|package| format!("'{package}', ")).unwrap_or_default();
    let version = r.version.as_ref().map(|version| format!(", v={version}")).unwrap_or_default();
    format!("ref({package}'{}'{version})", r.name)
}

fn missing(node: &Node, call: &str, code: Code) -> Box<Diagnostic> {
    let message = format!("{} depends on {call}, which does not exist or is disabled", node.unique_id);
    Box::new(Diagnostic::error(code, message).at(Location::file(&node.original_file_path)))
}

/// dbt refuses what it could not have seen while it parsed: the node might run before what it reads.
fn check_dependency(node: &Node, target: &Node, call: &str) -> Result<(), Box<Diagnostic>> {
    let is_exempt = node.resource_type == ResourceType::Operation || node.unique_id == target.unique_id;
    if is_exempt || node.depends_on.nodes.contains(&target.unique_id) {
        return Ok(());
    }
    let message = format!(
        "{} reads {call} only when it runs, so the dependency was not seen when the project was parsed",
        node.unique_id
    );
    let diagnostic = Diagnostic::error(Code::UnknownRef, message).at(Location::file(&node.original_file_path));
    Err(Box::new(diagnostic.hint(format!("add this line to the top of the file: -- depends_on: {{{{ {call} }}}}"))))
}
