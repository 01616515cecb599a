//! dbt's commands in the target's own schemas.

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

use super::order::{self, Tests};
use super::{Action, Error, Plan};
use crate::model::{Detail, Manifest, Node, NodeId, Relation, ResourceType};
use crate::select::Selection;

/// dbt's commands that compile nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "dbt's own words")]
pub enum Command {
    Build,
    Run,
    Test,
    Seed,
    Snapshot,
    Compile,
}

impl Command {
    /// What the command does with a node of this kind, if it does anything.
    fn action(self, kind: ResourceType) -> Option<Action> {
        let action = match kind {
            ResourceType::Model => Action::Model,
            ResourceType::Seed => Action::Seed,
            ResourceType::Snapshot => Action::Snapshot,
            ResourceType::Test | ResourceType::UnitTest => Action::Test,
            _ => return None,
        };
        let does = match self {
            Self::Build => true,
            Self::Run => action == Action::Model,
            Self::Test => action == Action::Test,
            Self::Seed => action == Action::Seed,
            Self::Snapshot => action == Action::Snapshot,
            Self::Compile => false,
        };
        does.then_some(action)
    }
}

/// What a command is planned from.
#[derive(Clone, Copy)]
pub struct CommandPlan<'a> {
    /// Which command.
    pub command: Command,
    /// The project.
    pub manifest: &'a Manifest,
    /// The selected nodes, of any kind; those that the command does nothing with are left alone.
    pub selection: &'a Selection,
    /// Production's manifest, with `--defer`.
    pub defer: Option<&'a Manifest>,
    /// `--favor-state`: read from production what is not selected, also where the target has it.
    pub favor_state: bool,
    /// Whether a relation exists in the target; asked only with `--defer`.
    pub exists: &'a dyn Fn(&Relation) -> bool,
    /// `--full-refresh`.
    pub full_refresh: bool,
}

/// Plans a command. With nothing to do there is no schema to create and no hook to run.
///
/// # Errors
/// [`Error::Graph`] when nodes depend on each other in a circle.
pub fn for_command(request: &CommandPlan<'_>) -> Result<Plan, Error> {
    let manifest = request.manifest;
    let mut chosen = HashMap::new();
    let mut selected: HashSet<&NodeId> = HashSet::new();
    for node in request.selection.nodes.iter().filter_map(|id| manifest.node(id.as_str())) {
        if let Some(action) = request.command.action(node.resource_type).filter(|_| !node.is_ephemeral()) {
            let relation = if action == Action::Test { stored_failures(node) } else { node.relation.clone() };
            chosen.insert(&node.unique_id, (action, relation));
        }
        if request.command == Command::Compile || request.command.action(node.resource_type).is_some() {
            selected.insert(&node.unique_id);
        }
    }
    let tests = if request.command == Command::Build { Tests::Block } else { Tests::Follow };
    let steps = order::steps(manifest, &chosen, tests)?;
    let (relations, from_production) = relations(request, &selected);
    let readers: Vec<&NodeId> = match request.command {
        Command::Compile => selected.iter().copied().collect(),
        _ => steps.iter().map(|step| &step.unique_id).collect(),
    };
    let read = read_by(manifest, readers);
    let deferred = from_production.into_iter().filter(|id| read.contains(id)).cloned().collect();
    let schemas: IndexSet<_> = steps.iter().filter_map(|step| step.relation.as_ref()).map(schema_of).collect();
    let hooks = |at_end| if steps.is_empty() { Vec::new() } else { hooks(manifest, at_end) };
    Ok(Plan {
        on_run_start: hooks(false),
        on_run_end: hooks(true),
        steps,
        schemas: schemas.into_iter().collect(),
        relations,
        deferred,
        full_refresh: request.full_refresh,
        ..Plan::default()
    })
}

/// Where a test keeps the rows that failed, if it keeps them.
pub(super) fn stored_failures(test: &Node) -> Option<Relation> {
    let kept_as = test.config_str("store_failures_as");
    let keeps = match kept_as {
        Some(kind) => matches!(kind, "table" | "view"),
        None => test.config.get("store_failures").and_then(serde_json::Value::as_bool) == Some(true),
    };
    if !keeps || test.resource_type != ResourceType::Test {
        return None;
    }
    let named = || Relation::new(test.database.as_deref(), &test.schema, &test.alias);
    Some(test.relation.clone().unwrap_or_else(named))
}

/// Where each node is read from, and which of them in production.
fn relations<'a>(
    request: &CommandPlan<'a>,
    selected: &HashSet<&NodeId>,
) -> (IndexMap<NodeId, Relation>, Vec<&'a NodeId>) {
    let mut relations = IndexMap::new();
    let mut deferred = Vec::new();
    for (id, node) in &request.manifest.nodes {
        let Some(own) = &node.relation else { continue };
        let is_function = node.resource_type == ResourceType::Function;
        let is_deferrable = is_function || node.resource_type.is_refable();
        if !is_deferrable && node.resource_type != ResourceType::Source {
            continue;
        }
        let production = request.defer.filter(|_| is_deferrable && !selected.contains(id));
        let production = production.and_then(|manifest| manifest.node(id.as_str())).filter(|node| !node.is_ephemeral());
        // Whether the target has a function is not asked: dbt keeps relations in its cache, not functions.
        match production.and_then(|node| in_production(node, own)) {
            Some(there) if request.favor_state || is_function || !(request.exists)(own) => {
                relations.insert(id.clone(), there);
                deferred.push(id);
            }
            _ => {
                relations.insert(id.clone(), own.clone());
            }
        }
    }
    (relations, deferred)
}

/// The relation of production's `node`. A manifest has a function's in parts only; it is quoted as our `own`.
pub(super) fn in_production(node: &Node, own: &Relation) -> Option<Relation> {
    if node.resource_type != ResourceType::Function {
        return node.relation.clone();
    }
    let (database, schema) = (node.database.clone(), Some(node.schema.clone()));
    Some(Relation { database, schema, identifier: Some(node.alias.clone()), ..own.clone() })
}

/// What the nodes read: their parents, and through ephemeral ones the parents of those. A unit test reads what the
/// model it tests reads.
pub(super) fn read_by<'a>(
    manifest: &'a Manifest,
    readers: impl IntoIterator<Item = &'a NodeId>,
) -> IndexSet<&'a NodeId> {
    let mut read = IndexSet::new();
    let mut open: Vec<&Node> = readers.into_iter().filter_map(|id| manifest.node(id.as_str())).collect();
    let mut seen: HashSet<&NodeId> = open.iter().map(|node| &node.unique_id).collect();
    while let Some(node) = open.pop() {
        for parent in node.depends_on.nodes.iter().filter_map(|id| manifest.node(id.as_str())) {
            let passes_on = parent.is_ephemeral() || node.resource_type == ResourceType::UnitTest;
            if !passes_on {
                read.insert(&parent.unique_id);
            } else if seen.insert(&parent.unique_id) {
                open.push(parent);
            }
        }
    }
    read
}

/// Database and schema.
pub(super) fn schema_of(relation: &Relation) -> (Option<String>, String) {
    (relation.database.clone(), relation.schema_name().to_owned())
}

/// Hooks of one moment: those of the root project, then each package's in manifest order, each list in its own order.
pub(super) fn hooks(manifest: &Manifest, at_end: bool) -> Vec<NodeId> {
    let mut packages: IndexSet<&str> = IndexSet::from([manifest.metadata.project_name.as_str()]);
    let mut hooks = Vec::new();
    for node in manifest.of_type(ResourceType::Operation) {
        if let Detail::Operation { index, at_end: end } = node.detail
            && end == at_end
        {
            let (package, _) = packages.insert_full(&node.package_name);
            hooks.push((package, index, &node.unique_id));
        }
    }
    hooks.sort_by_key(|(package, index, _)| (*package, *index));
    hooks.into_iter().map(|(_, _, id)| id.clone()).collect()
}
