//! One step from its start to its result: compile, hooks, transaction, materialization or test.

use std::sync::Arc;
use std::time::Instant;

use crate::model::{Event, Node, NodeStatus, Relation, ResourceType, Stage};
use crate::plan::{Action, Plan, Step};
use crate::warehouse::Warehouse;

use super::hooks::{Hooks, Moment};
use super::materialize::{self, Job};
use super::{BuildContext, Compiled, Compiler, Connection, Failure, NodeResult, TestJob, Verdict};

/// What all steps of a build share.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) context: BuildContext,
    pub(super) compiler: Arc<Compiler>,
}

/// What a step's work came to.
struct Done {
    verdict: Verdict,
    rows_affected: Option<u64>,
}

impl Shared {
    /// Works on one step, telling the observer of its start and end. Never fails: a failure is a result.
    pub(super) async fn run(&self, step: &Step, node: &Node, connection: &Connection) -> NodeResult {
        let label = label(step, node);
        self.started(node, &label);
        let (started_at, clock) = (chrono::Utc::now(), Instant::now());
        let mut compiled = None;
        let done = self.perform(step, node, connection, &mut compiled).await;
        if done.is_err() {
            connection.rollback().await;
        }
        let is_test = step.action == Action::Test;
        let result = NodeResult {
            unique_id: node.unique_id.clone(),
            relation: step.relation.clone().filter(|_| !is_test || done.is_ok()),
            started_at,
            elapsed: clock.elapsed(),
            compiled_code: compiled,
            ..Self::result_of(node, done)
        };
        self.finished(&result, label);
        result
    }

    /// Tells the observer that a node began.
    pub(super) fn started(&self, node: &Node, label: &str) {
        let (stage, unique_id) = (Stage::Build, node.unique_id.clone());
        self.context.observer.observe(&Event::NodeStarted { stage, unique_id, label: label.to_owned() });
    }

    /// Tells the observer that a node ended.
    pub(super) fn finished(&self, result: &NodeResult, label: String) {
        self.context.observer.observe(&Event::NodeFinished {
            stage: Stage::Build,
            unique_id: result.unique_id.clone(),
            label,
            status: result.status,
            message: result.message.clone(),
            elapsed: result.elapsed,
        });
    }

    /// Status, message and counts; the rest is the caller's.
    fn result_of(node: &Node, done: Result<Done, Failure>) -> NodeResult {
        let untried = |status, message| NodeResult::untried(&node.unique_id, status, message);
        match done {
            Ok(Done { verdict, rows_affected }) => NodeResult {
                message: verdict.message,
                failures: verdict.failures,
                rows_affected,
                ..untried(verdict.status, String::new())
            },
            Err(Failure::Cancelled) => untried(NodeStatus::Cancelled, "cancelled while it ran".to_owned()),
            Err(failure) => untried(NodeStatus::Error, failure.to_string()),
        }
    }

    async fn perform(
        &self,
        step: &Step,
        node: &Node,
        connection: &Connection,
        compiled: &mut Option<String>,
    ) -> Result<Done, Failure> {
        if step.action == Action::Test {
            let verdict = self.context.tests.run(self.test_job(step, node, connection)).await?;
            compiled.clone_from(&verdict.compiled_code);
            return Ok(Done { verdict, rows_affected: None });
        }
        let code = if step.action == Action::Seed {
            Compiled { code: String::new(), path: None, ctes: Vec::new() }
        } else {
            materialize::check_supported(node, &self.compiler, connection.dialect())?;
            let code = self.compiler.compile(node, connection).await?;
            *compiled = Some(code.code.clone());
            code
        };
        let rows_affected = match &step.relation {
            Some(relation) if !node.is_ephemeral() => self.build(node, relation, &code, connection).await?,
            _ => None,
        };
        let verdict = Verdict { status: NodeStatus::Success, failures: None, message: None, compiled_code: None };
        Ok(Done { verdict, rows_affected })
    }

    fn test_job<'a>(&'a self, step: &'a Step, node: &'a Node, connection: &'a Connection) -> TestJob<'a> {
        TestJob {
            node,
            relation: step.relation.as_ref(),
            plan: &self.plan,
            compiler: &self.compiler,
            connection,
            dialect: connection.dialect(),
        }
    }

    /// Hooks and materialization around one transaction, so that nothing half-built can be seen or left behind.
    async fn build(
        &self,
        node: &Node,
        relation: &Relation,
        compiled: &Compiled,
        connection: &Connection,
    ) -> Result<Option<u64>, Failure> {
        let hooks = Hooks::of(node);
        let run_hooks = |moment| hooks.run(moment, node, &self.compiler, connection);
        run_hooks(Moment::BeforeBegin).await?;
        connection.begin().await?;
        run_hooks(Moment::AfterBegin).await?;
        let job = Job::prepare(node, relation, compiled, connection, &self.compiler, self.plan.full_refresh).await?;
        let rows_affected =
            materialize::run(&job).await.map_err(|f| f.in_compiled(&compiled.code, compiled.path.as_deref()))?;
        run_hooks(Moment::BeforeCommit).await?;
        connection.commit().await?;
        run_hooks(Moment::AfterCommit).await?;
        Ok(rows_affected)
    }
}

/// A short name for people: what is made, and where.
pub(super) fn label(step: &Step, node: &Node) -> String {
    let place = step.relation.as_ref().map_or_else(|| node.name.clone(), Relation::short);
    match (step.action, node.resource_type) {
        (Action::Test, ResourceType::UnitTest) => format!("unit test {}", node.name),
        (Action::Test, _) => format!("test {}", node.name),
        (Action::Seed, _) => format!("seed {place}"),
        (Action::Snapshot, _) => format!("snapshot {place}"),
        (Action::Model, _) => format!("{} model {place}", node.materialized()),
    }
}

/// Opens connections for steps, and takes them back.
pub(super) struct Pool {
    warehouse: Arc<dyn Warehouse>,
    broken: super::connection::Broken,
    idle: std::sync::Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(warehouse: Arc<dyn Warehouse>) -> Self {
        Self { warehouse, broken: super::connection::Broken::default(), idle: std::sync::Mutex::default() }
    }

    /// An idle connection, or a new one.
    pub(super) fn take(&self) -> Connection {
        let idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Connection::watched(Arc::clone(&self.warehouse), self.broken.clone()))
    }

    /// Takes a connection back for the next step.
    pub(super) fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(connection);
    }

    /// The error that broke a connection, if one did.
    pub(super) fn broken(&self) -> Option<crate::warehouse::Error> {
        self.broken.take()
    }
}
