//! dbt's commands in the target's own schemas: build and its parts, compile, show.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::project::{absolute, load};
use super::stop::unless_stopped;
use super::{Error, Invocation, Loaded, inline};
use crate::build::{self, BuildContext, BuildOutcome, Compiler, Connection, Failure};
use crate::checks::DataTests;
use crate::model::{Change, Event, JsonMap, Manifest, Node, NodeId, Relation, ResourceType, Stage, Table};
use crate::plan::{self, Command, Plan};
use crate::select::{self, Earlier, Method, Request, ResolvedSelector, Selection};
use crate::state::{self, StateDiff};
use crate::warehouse::{self, Warehouse};
use crate::{artifacts, baseline};

/// What production's manifest is used for.
#[derive(Debug, Clone, Default)]
pub struct DeferRequest {
    /// `--state`: a manifest, or the folder it is in.
    pub state: Option<PathBuf>,
    /// `--defer-state`: the manifest to defer to, when it is another.
    pub defer_state: Option<PathBuf>,
    /// `--defer`.
    pub defer: bool,
    /// `--favor-state`.
    pub favor_state: bool,
}

/// What is asked of a build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// Which command.
    pub command: Command,
    /// Which nodes.
    pub select: Request,
    /// Production's manifest.
    pub defer: DeferRequest,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Stop after the plan.
    pub dry_run: bool,
}

/// What came of a build.
#[derive(Debug)]
pub enum Built {
    /// Only the plan was asked for.
    Planned {
        /// The plan, as text.
        text: String,
    },
    /// It ran.
    Done {
        /// Results.
        outcome: BuildOutcome,
    },
}

/// Selects nodes with the state of `--state`, if given.
///
/// # Errors
/// The selector is wrong, or the state's manifest cannot be read.
pub fn choose(
    invocation: &Invocation,
    loaded: &Loaded,
    request: &Request,
    defer: &DeferRequest,
) -> Result<Selection, Error> {
    // What no criterion asks for is not read: the folder need not have it, as in dbt.
    let selector = select::resolve(request, &loaded.manifest.selectors)?;
    let state = match &defer.state {
        Some(path) if selector.uses(Method::State) => {
            Some(compare_with(loaded, &*read_state(invocation, loaded, path)?))
        }
        _ => None,
    };
    let request = Request { earlier: earlier(loaded, defer.state.as_deref(), &selector)?, ..request.clone() };
    let (selection, diagnostics) =
        select::select_resolved(&selector, &request, &loaded.manifest, &loaded.dag, state.as_ref())?;
    invocation.tell(diagnostics)?;
    Ok(selection)
}

/// The results of earlier runs that `selector` asks for: beside the manifest of `--state`, and those of now in the
/// target folder.
fn earlier(loaded: &Loaded, state: Option<&Path>, selector: &ResolvedSelector) -> Result<Earlier, Error> {
    let mut earlier = Earlier::default();
    let Some(state) = state else { return Ok(earlier) };
    let state = state_path(loaded, state);
    let folder = if state.is_file() { state.parent().unwrap_or(&state) } else { &state };
    if selector.uses(Method::Result) {
        earlier.results = artifacts::read_run_results(&folder.join("run_results.json")).map_err(Error::State)?;
    }
    if selector.uses(Method::SourceStatus) {
        let read = |folder: &Path| artifacts::read_source_freshness(&folder.join("sources.json")).map_err(Error::State);
        earlier.loaded_before = read(folder)?;
        earlier.loaded_now = read(&loaded.target_path)?;
    }
    Ok(earlier)
}

/// A path of the command line: relative to the current folder, else to the project's.
fn state_path(loaded: &Loaded, path: &Path) -> PathBuf {
    if path.exists() { path.to_owned() } else { absolute(&loaded.project.root.root, path) }
}

/// Reads and parses the project, and beside it the manifest of `--state`, which may be as large: neither waits for the
/// other.
///
/// # Errors
/// As [`load`]. That the manifest cannot be read is said where it is needed.
pub fn load_with_state(invocation: &Invocation, state: Option<&Path>) -> Result<Loaded, Error> {
    let Some(path) = state.filter(|path| path.exists()) else { return load(invocation) };
    let (loaded, state) = rayon::join(|| load(invocation), || state_at(invocation, path, path));
    let loaded = loaded?;
    if let Ok(state) = state {
        loaded.states.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Arc::new(state));
    }
    Ok(loaded)
}

/// The manifest of `--state`: a file, the folder it is in, or a URL; relative to the current folder, else to the
/// project's.
pub(super) fn read_state(invocation: &Invocation, loaded: &Loaded, path: &Path) -> Result<Arc<Manifest>, Error> {
    let mut states = loaded.states.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = states.get(path) {
        return Ok(Arc::clone(known));
    }
    let read = Arc::new(state_at(invocation, path, &loaded.project.root.root)?);
    states.insert(path.to_owned(), Arc::clone(&read));
    Ok(read)
}

fn state_at(invocation: &Invocation, path: &Path, project: &Path) -> Result<Manifest, Error> {
    let stop = || invocation.cancel.is_cancelled();
    let reach = baseline::Reach { env: &invocation.env, stop: &stop };
    baseline::Place::of(path).and_then(|place| baseline::read(&place, project, &reach)).map_err(|error| match error {
        baseline::Error::Manifest(error) => Error::State(error),
        other => Error::Baseline(other),
    })
}

fn compare_with(loaded: &Loaded, baseline: &Manifest) -> StateDiff {
    state::compare(&Change { baseline, current: &*loaded.manifest }, state_options(loaded))
}

/// What the project's flags say about comparing.
pub(super) fn state_options(loaded: &Loaded) -> state::Options {
    state::Options { more_unrendered: loaded.project.more_unrendered() }
}

/// Runs a command that builds or tests.
///
/// # Errors
/// What kept it from building; nodes that failed are results.
pub async fn build(invocation: &Invocation, loaded: &Loaded, request: &BuildRequest) -> Result<Built, Error> {
    let selection = choose(invocation, loaded, &request.select, &request.defer)?;
    let warehouse = warehouse::connect(&loaded.target).await?;
    let plan = make_plan(invocation, loaded, request.command, &selection, &request.defer, &*warehouse).await?;
    if request.dry_run {
        return Ok(Built::Planned { text: plan::render(&plan) });
    }
    if plan.steps.is_empty() {
        invocation.observer.observe(&Event::Message("nothing to do: no node is selected".to_owned()));
        return Ok(Built::Done { outcome: BuildOutcome::default() });
    }
    let context = context(invocation, loaded, warehouse, request.fail_fast);
    invocation.building(&plan);
    let outcome = build::run(&plan, &context).await?;
    let path = loaded.target_path.join("run_results.json");
    let info = artifacts::RunInfo {
        dbt_version: crate::parse::DBT_VERSION.to_owned(),
        invocation_id: invocation.invocation_id.clone(),
        args: JsonMap::from_iter([("which".to_owned(), invocation.which.into())]),
    };
    artifacts::write_run_results(&outcome, &loaded.manifest, &info, &path)
        .map_err(|error| Error::usage(error.to_string(), "check the rights of the target folder"))?;
    Ok(Built::Done { outcome })
}

async fn make_plan(
    invocation: &Invocation,
    loaded: &Loaded,
    command: Command,
    selection: &Selection,
    defer: &DeferRequest,
    warehouse: &dyn Warehouse,
) -> Result<Plan, Error> {
    let path = defer.defer_state.as_ref().or(defer.state.as_ref()).filter(|_| defer.defer);
    if defer.defer && path.is_none() {
        return Err(Error::usage("--defer needs production's manifest", "give its folder with `--state`"));
    }
    let production = path.map(|path| read_state(invocation, loaded, path)).transpose()?;
    let existing = match &production {
        // Where nothing can be asked, all that is not selected is read from production.
        Some(_) if !defer.favor_state && warehouse.can_open() => {
            existing_relations(&loaded.manifest, warehouse).await?
        }
        _ => HashSet::new(),
    };
    Ok(plan::for_command(&plan::CommandPlan {
        command,
        manifest: &loaded.manifest,
        selection,
        defer: production.as_deref(),
        favor_state: defer.favor_state,
        exists: &|relation: &Relation| existing.contains(&key(relation)),
        full_refresh: invocation.full_refresh,
    })?)
}

/// Schema and name, in lower case: names that differ in case only are one to every engine that folds.
fn key(relation: &Relation) -> (String, String) {
    (relation.schema_name().to_lowercase(), relation.name().to_lowercase())
}

async fn existing_relations(
    manifest: &Manifest,
    warehouse: &dyn Warehouse,
) -> Result<HashSet<(String, String)>, Error> {
    let relations = manifest.nodes.values().filter(|node| node.resource_type.is_refable());
    let schemas: HashSet<(Option<String>, String)> = relations
        .filter_map(|node| node.relation.as_ref())
        .map(|relation| (relation.database.clone(), relation.schema_name().to_owned()))
        .collect();
    let mut session = warehouse.session().await?;
    let mut existing = HashSet::new();
    for (database, schema) in schemas {
        existing.extend(session.relations(database.as_deref(), &schema).await?.iter().map(key));
    }
    Ok(existing)
}

pub(super) fn context(
    invocation: &Invocation,
    loaded: &Loaded,
    warehouse: Arc<dyn Warehouse>,
    fail_fast: bool,
) -> BuildContext {
    BuildContext {
        manifest: Arc::clone(&loaded.manifest),
        renderer: Arc::clone(&loaded.renderer),
        warehouse,
        observer: Arc::clone(&invocation.observer),
        tests: Arc::new(DataTests),
        node_json: artifacts::node_json,
        threads: loaded.threads,
        fail_fast,
        cancel: invocation.cancel.clone(),
        target_path: Some(loaded.target_path.clone()),
    }
}

/// A node with its compiled SQL.
#[derive(Debug)]
pub struct CompiledNode {
    /// Which.
    pub unique_id: NodeId,
    /// Its name.
    pub name: String,
    /// Its SQL, and what was put into it.
    pub compiled: build::Compiled,
}

/// What `compile` and `show` work on.
#[derive(Debug, Clone)]
pub struct CompileRequest {
    /// Which nodes.
    pub select: Request,
    /// A query instead of nodes.
    pub inline: Option<String>,
    /// Production's manifest.
    pub defer: DeferRequest,
}

/// What came of compiling.
#[derive(Debug, Default)]
pub struct CompileOutcome {
    /// What compiled, in order.
    pub nodes: Vec<CompiledNode>,
    /// What did not, and why.
    pub failures: Vec<Error>,
}

/// Compiles the selected nodes, or the query, and writes them below the target folder. A node that does not compile
/// does not keep the others from it.
///
/// # Errors
/// No selection or no connection could be made.
pub async fn compile(
    invocation: &Invocation,
    loaded: &Loaded,
    request: &CompileRequest,
) -> Result<CompileOutcome, Error> {
    let warehouse = warehouse::connect_to_compile(&loaded.target).await?;
    let compiled = async {
        let work = Work::new(invocation, loaded, request, Arc::clone(&warehouse)).await?;
        let mut outcome = CompileOutcome::default();
        let since = Instant::now();
        for id in &work.nodes {
            let Some(node) = work.manifest.node(id.as_str()) else { continue };
            match work.compiler.compile(node, &work.connection).await.map_err(failed(node)) {
                Ok(compiled) => {
                    outcome.nodes.push(CompiledNode { unique_id: id.clone(), name: node.name.clone(), compiled });
                }
                Err(failure) => outcome.failures.push(failure),
            }
        }
        invocation.finished(Stage::Build, format!("{} compiled", outcome.nodes.len()), since);
        Ok(outcome)
    };
    unless_stopped(&invocation.cancel, &[&*warehouse], compiled).await.ok_or(warehouse::Error::Cancelled)?
}

/// Rows of the selected nodes, or of the query; at most `limit` of each, all when none.
///
/// # Errors
/// The first node that does not compile or that the database refuses.
pub async fn show(
    invocation: &Invocation,
    loaded: &Loaded,
    request: &CompileRequest,
    limit: Option<u64>,
) -> Result<Vec<(String, Table)>, Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let shown = async {
        let work = Work::new(invocation, loaded, request, Arc::clone(&warehouse)).await?;
        let mut shown = Vec::new();
        for id in &work.nodes {
            let Some(node) = work.manifest.node(id.as_str()) else { continue };
            let rows = build::show(node, limit.unwrap_or(i64::MAX as u64), &work.compiler, &work.connection).await;
            shown.push((node.name.clone(), rows.map_err(failed(node))?));
        }
        Ok(shown)
    };
    unless_stopped(&invocation.cancel, &[&*warehouse], shown).await.ok_or(warehouse::Error::Cancelled)?
}

fn failed(node: &Node) -> impl FnOnce(Failure) -> Error {
    let name = node.unique_id.clone();
    move |failure| Error::Node { unique_id: name, failure: Box::new(failure) }
}

/// What is needed to compile nodes outside of a build.
struct Work {
    manifest: Arc<Manifest>,
    nodes: Vec<NodeId>,
    compiler: Arc<Compiler>,
    connection: Connection,
}

impl Work {
    async fn new(
        invocation: &Invocation,
        loaded: &Loaded,
        request: &CompileRequest,
        warehouse: Arc<dyn Warehouse>,
    ) -> Result<Self, Error> {
        let mut manifest = Arc::clone(&loaded.manifest);
        let mut selection = Selection::default();
        let nodes = if let Some(sql) = &request.inline {
            let (with_query, id) = inline::with_query(loaded, sql)
                .map_err(|found| invocation.tell(found).err().unwrap_or(Error::Unparsable { count: 1 }))?;
            manifest = Arc::new(with_query);
            vec![id]
        } else {
            selection = choose(invocation, loaded, &request.select, &request.defer)?;
            let mut nodes: Vec<NodeId> =
                selection.nodes.iter().filter(|id| manifest.node(id.as_str()).is_some_and(compiles)).cloned().collect();
            if request.select == Request::default() {
                // Hooks cannot be selected; they are compiled when everything is.
                nodes.extend(manifest.of_type(ResourceType::Operation).map(|hook| hook.unique_id.clone()));
            }
            nodes
        };
        let plan = make_plan(invocation, loaded, Command::Compile, &selection, &request.defer, &*warehouse).await?;
        let mut context = context(invocation, loaded, Arc::clone(&warehouse), false);
        context.manifest = Arc::clone(&manifest);
        Ok(Self {
            manifest,
            nodes,
            compiler: Arc::new(Compiler::new(&plan, &context)),
            connection: Connection::new(warehouse),
        })
    }
}

/// Whether a node has SQL to compile.
fn compiles(node: &Node) -> bool {
    use ResourceType::{Analysis, Function, Model, Snapshot, Test};
    matches!(node.resource_type, Model | Test | Analysis | Snapshot | Function) && node.language == "sql"
}
