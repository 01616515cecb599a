//! Works through a plan: schemas, hooks of the start, steps side by side in dependency order, hooks of the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::task::{Id, JoinError, JoinSet};

use crate::model::{JsonMap, Node, NodeId, NodeStatus};
use crate::plan::{Action, Plan};

use super::schedule::Schedule;
use super::step::{Pool, Shared, label};
use super::{BuildContext, BuildOutcome, Compiler, Error, Failure, NodeResult, compile, hooks};

/// How long cancelled statements get to end before their tasks are given up.
const GRACE: Duration = Duration::from_secs(10);

/// Builds `plan`. Failures of nodes are results; what depends on them is skipped.
///
/// After the first failure with `fail_fast` set, what runs is let end and nothing else begins. When cancelled,
/// statements are cancelled on the server and their transactions undone, so that no half-built relation is left.
///
/// # Errors
/// When the warehouse cannot be reached, is lost, or refuses the schema.
pub async fn run(plan: &Plan, context: &BuildContext) -> Result<BuildOutcome, Error> {
    let clock = Instant::now();
    let mut build = Build::new(plan, context)?;
    build.create_schemas().await?;
    // A hook that failed is a result like any other; the steps run all the same, as in dbt.
    build.operations(&plan.on_run_start, JsonMap::new()).await?;
    build.steps().await?;
    if !build.cancelled {
        let extra = build.end_scope();
        build.operations(&plan.on_run_end, extra).await?;
    }
    Ok(BuildOutcome { results: build.results, cancelled: build.cancelled, elapsed: clock.elapsed() })
}

/// One build while it goes on.
struct Build {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    schedule: Schedule,
    results: Vec<NodeResult>,
    cancelled: bool,
}

/// A step that runs on a task of its own.
type Running = HashMap<Id, usize>;

impl Build {
    fn new(plan: &Plan, context: &BuildContext) -> Result<Self, Error> {
        for id in plan.steps.iter().map(|step| &step.unique_id).chain(&plan.on_run_start).chain(&plan.on_run_end) {
            compile::node(&context.manifest, id)?;
        }
        let compiler = Arc::new(Compiler::new(plan, context));
        Ok(Self {
            schedule: Schedule::new(&plan.steps),
            pool: Arc::new(Pool::new(Arc::clone(&context.warehouse))),
            shared: Arc::new(Shared { plan: Arc::new(plan.clone()), context: context.clone(), compiler }),
            results: Vec::with_capacity(plan.steps.len()),
            cancelled: false,
        })
    }

    async fn create_schemas(&self) -> Result<(), Error> {
        let connection = self.pool.take();
        for (database, schema) in &self.shared.plan.schemas {
            let sql = connection.dialect().create_schema(database.as_deref(), schema);
            let doing = || format!("create schema {schema}");
            connection.execute(&sql).await.map_err(|source| Error::Warehouse { doing: doing(), source })?;
        }
        self.pool.give_back(connection);
        Ok(())
    }

    /// Runs hooks one after the other; after the first that failed the rest is skipped.
    async fn operations(&mut self, ids: &[NodeId], extra: JsonMap) -> Result<(), Error> {
        let mut culprit: Option<&NodeId> = None;
        for id in ids {
            if self.shared.context.cancel.is_cancelled() {
                self.cancelled = true;
                return Ok(());
            }
            if let Some(culprit) = culprit {
                let why = format!("skipped because {culprit} failed");
                self.results.push(NodeResult::untried(id, NodeStatus::Skipped, why));
                continue;
            }
            let shared = Arc::clone(&self.shared);
            let node = compile::node(&shared.context.manifest, id)?;
            let result = self.operation(node, extra.clone()).await;
            self.check_connections()?;
            culprit = result.status.blocks().then_some(id);
            self.results.push(result);
        }
        Ok(())
    }

    async fn operation(&self, node: &Node, extra: JsonMap) -> NodeResult {
        let label = format!("hook {}", node.name);
        self.shared.started(node, &label);
        let (started_at, clock) = (chrono::Utc::now(), Instant::now());
        let connection = self.pool.take();
        let work = hooks::run_operation(node, extra, &self.shared.compiler, &connection);
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => done,
            () = self.shared.context.cancel.cancelled() => {
                self.shared.context.warehouse.cancel().await;
                work.await
            }
        };
        self.pool.give_back(connection.clone());
        let (status, message, compiled_code) = match done {
            Ok(sql) => (NodeStatus::Success, None, Some(sql)),
            Err(Failure::Cancelled) => (NodeStatus::Cancelled, Some("cancelled".to_owned()), None),
            Err(failure) => (NodeStatus::Error, Some(failure.to_string()), None),
        };
        let untried = NodeResult::untried(&node.unique_id, status, String::new());
        let result = NodeResult { message, compiled_code, started_at, elapsed: clock.elapsed(), ..untried };
        self.shared.finished(&result, label);
        result
    }

    async fn steps(&mut self) -> Result<(), Error> {
        let cancel = self.shared.context.cancel.clone();
        let (mut tasks, mut running) = (JoinSet::new(), Running::new());
        loop {
            while !self.cancelled && running.len() < self.shared.context.threads.max(1) {
                let Some(step) = self.schedule.start() else { break };
                if self.is_pass_through(step) {
                    self.schedule.succeed(step);
                    continue;
                }
                running.insert(self.spawn(step, &mut tasks), step);
            }
            let joined = tokio::select! {
                biased;
                () = cancel.cancelled(), if !self.cancelled => {
                    self.cancelled = true;
                    self.shared.context.warehouse.cancel().await;
                    let begun: Vec<_> = running.values().copied().collect();
                    let left = self.schedule.abandon(&begun);
                    self.note_untried(left.into_iter(), NodeStatus::Cancelled, "cancelled before it began");
                    continue;
                }
                joined = tasks.join_next_with_id() => joined,
                () = tokio::time::sleep(GRACE), if self.cancelled => {
                    let begun: Vec<_> = running.values().copied().collect();
                    self.note_untried(begun.into_iter(), NodeStatus::Cancelled, "cancelled while it ran");
                    break;
                }
            };
            let Some(joined) = joined else { break };
            self.ended(joined, &mut running)?;
        }
        Ok(())
    }

    fn spawn(&self, step: usize, tasks: &mut JoinSet<NodeResult>) -> Id {
        let (shared, pool) = (Arc::clone(&self.shared), Arc::clone(&self.pool));
        let task = async move {
            let connection = pool.take();
            let planned = &shared.plan.steps[step];
            let result = match shared.context.manifest.node(planned.unique_id.as_str()) {
                Some(node) => shared.run(planned, node, &connection).await,
                None => NodeResult::untried(&planned.unique_id, NodeStatus::Error, "not in the project".to_owned()),
            };
            pool.give_back(connection);
            result
        };
        tasks.spawn(task).id()
    }

    fn ended(&mut self, joined: Result<(Id, NodeResult), JoinError>, running: &mut Running) -> Result<(), Error> {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(step) = running.remove(&id) else { return Ok(()) };
        self.check_connections()?;
        let result = joined.map_or_else(|_| self.died(step), |(_, result)| result);
        let blocks = result.status.blocks();
        let culprit = result.unique_id.clone();
        self.results.push(result);
        if !blocks {
            self.schedule.succeed(step);
            return Ok(());
        }
        for skipped in self.schedule.fail(step) {
            let why = format!("skipped because {} failed", skipped.culprit);
            self.note_untried(std::iter::once(skipped.step), NodeStatus::Skipped, &why);
        }
        if self.shared.context.fail_fast && !self.cancelled {
            let begun: Vec<_> = running.values().copied().collect();
            let left = self.schedule.abandon(&begun);
            let why = format!("skipped because {culprit} failed and --fail-fast is set");
            self.note_untried(left.into_iter(), NodeStatus::Skipped, &why);
        }
        Ok(())
    }

    /// An ephemeral model only hands on what it waits for, and so does an empty file: they are no steps of their own to
    /// dbt, and have no result.
    fn is_pass_through(&self, step: usize) -> bool {
        let planned = &self.shared.plan.steps[step];
        let is_empty = |node: &Node| planned.action == Action::Model && node.raw_code.trim().is_empty();
        let node = self.shared.context.manifest.node(planned.unique_id.as_str());
        node.is_some_and(|node| node.is_ephemeral() || is_empty(node))
    }

    /// The result of a step whose task ended without one, which is a bug of ours.
    fn died(&self, step: usize) -> NodeResult {
        let unique_id = &self.shared.plan.steps[step].unique_id;
        let failure = Failure::Worker { unique_id: unique_id.to_string() };
        NodeResult::untried(unique_id, NodeStatus::Error, failure.to_string())
    }

    fn note_untried(&mut self, steps: impl Iterator<Item = usize>, status: NodeStatus, why: &str) {
        for step in steps.filter(|step| !self.is_pass_through(*step)).collect::<Vec<_>>() {
            let planned = &self.shared.plan.steps[step];
            let result = NodeResult::untried(&planned.unique_id, status, why.to_owned());
            if let Some(node) = self.shared.context.manifest.node(planned.unique_id.as_str()) {
                self.shared.finished(&result, label(planned, node));
            }
            self.results.push(result);
        }
    }

    /// A lost connection ends the build: what follows would fail as well, each with a message that hides the cause.
    fn check_connections(&self) -> Result<(), Error> {
        match self.pool.broken() {
            // Cancelling may end connections, which is then no news.
            Some(source) if !self.cancelled => Err(Error::Warehouse { doing: "go on building".to_owned(), source }),
            _ => Ok(()),
        }
    }

    /// What hooks of the end may see of the run: `results`, `schemas`, `database_schemas`.
    fn end_scope(&self) -> JsonMap {
        let plan = &self.shared.plan;
        let mut places: Vec<(Option<String>, String)> = Vec::new();
        for relation in plan.steps.iter().filter_map(|step| step.relation.as_ref()) {
            let place = (relation.database.clone(), relation.schema_name().to_owned());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let mut schemas: Vec<_> = places.iter().map(|(_, schema)| schema.clone()).collect();
        schemas.dedup();
        let of_steps = self.results.iter().filter(|result| !plan.on_run_start.contains(&result.unique_id));
        let results: Vec<_> = of_steps.map(|result| self.result_json(result)).collect();
        JsonMap::from_iter([
            ("results".to_owned(), Json::Array(results)),
            ("schemas".to_owned(), json!(schemas)),
            ("database_schemas".to_owned(), json!(places)),
        ])
    }

    fn result_json(&self, result: &NodeResult) -> Json {
        let node = self.shared.context.manifest.node(result.unique_id.as_str());
        json!({
            "unique_id": result.unique_id,
            "status": result.status.as_str(),
            "message": result.message,
            "failures": result.failures,
            "execution_time": result.elapsed.as_secs_f64(),
            "thread_id": "main",
            "adapter_response": {"rows_affected": result.rows_affected},
            "timing": [],
            "relation_name": result.relation.as_ref().map(ToString::to_string),
            "compiled_code": result.compiled_code,
            "node": node.map(|node| self.shared.compiler.model_json(node)),
        })
    }
}
