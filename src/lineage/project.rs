//! The lineage of a whole project: every model after those it reads, in parallel where none waits for another.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::resolve::{follow, with_deep_stack};
use super::{
    Dialect, Followed, Gap, GapReason, How, KnownColumn, KnownColumns, Origin, OutputColumn, QueryLineage, Schema,
};
use crate::graph::Dag;
use crate::model::{Manifest, Node, NodeId, Relation, ResourceType};

/// What the lineage of a project is made from, beside its manifest.
#[derive(Debug, Default)]
pub struct ProjectCode {
    /// The compiled SQL of models and snapshots, or why there is none.
    pub code: HashMap<NodeId, Result<String, Gap>>,
    /// Columns that are known from elsewhere: a catalog, the header of a seed. They win over what the project declares.
    pub columns: HashMap<NodeId, KnownColumns>,
    /// Where compiled SQL reads a node from, when it is not where the manifest has it: a throw-away schema, production.
    pub relations: HashMap<NodeId, Vec<Relation>>,
    /// Columns that a former version of a node returned and that who reads it may still ask for.
    pub former: HashMap<NodeId, Vec<KnownColumn>>,
}

/// The lineage of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLineage {
    /// The node.
    pub unique_id: NodeId,
    /// Its name.
    pub name: String,
    /// How far its query could be followed; none for what has no query.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub followed: Option<Followed>,
    /// Its columns, what they come from and what decides its rows. Relations are the ids of nodes where they are nodes.
    pub lineage: QueryLineage,
}

/// The lineage of all models, snapshots, seeds and sources of a project, each after what it reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProjectLineage {
    /// By unique id.
    pub nodes: IndexMap<NodeId, NodeLineage>,
}

/// A column whose values change by themselves, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstable {
    /// The column.
    pub column: String,
    /// What makes it so, e.g. `now()`, or `now() in stg_orders`.
    pub because: String,
}

impl ProjectLineage {
    /// The columns of each node that are another value each time it is built, by what its query says or that of a node
    /// it reads.
    pub fn unstable(&self) -> IndexMap<NodeId, Vec<Unstable>> {
        let mut found: IndexMap<NodeId, Vec<Unstable>> = IndexMap::new();
        for (id, node) in &self.nodes {
            let of_origin = |origin: &Origin| {
                let known = found.get(&NodeId::from(&*origin.relation))?;
                let column = known.iter().find(|column| column.column.eq_ignore_ascii_case(&origin.column))?;
                let place = self.nodes.get(&NodeId::from(&*origin.relation)).map(|node| node.name.as_str());
                let is_placed = column.because.contains(" in ");
                let place =
                    if is_placed { String::new() } else { format!(" in {}", place.unwrap_or(&origin.relation)) };
                Some(format!("{}{place}", column.because))
            };
            let unstable = node.lineage.columns.iter().filter_map(|column| {
                let own = column.unstable.as_deref().map(str::to_owned);
                let because = own.or_else(|| column.origins.iter().find_map(of_origin))?;
                Some(Unstable { column: column.name.to_string(), because })
            });
            let unstable: Vec<Unstable> = unstable.collect();
            if !unstable.is_empty() {
                found.insert(id.clone(), unstable);
            }
        }
        found
    }
}

/// Computes the lineage of every model and snapshot of the project.
pub fn of_project(manifest: &Manifest, given: &ProjectCode) -> ProjectLineage {
    let counts = |node: &&Node| {
        use ResourceType::{Model, Seed, Snapshot, Source};
        matches!(node.resource_type, Model | Snapshot | Seed | Source)
    };
    of_nodes(manifest, given, manifest.nodes.values().filter(counts))
}

/// Computes the lineage of some nodes. Of what they read beside them nothing is known but what the project declares and what
/// is given.
pub fn of_nodes<'m>(
    manifest: &'m Manifest,
    given: &ProjectCode,
    nodes: impl Iterator<Item = &'m Node>,
) -> ProjectLineage {
    let dialect = Dialect::of_adapter(&manifest.metadata.adapter_type);
    let nodes: Vec<&Node> = nodes.collect();
    let ids: std::collections::HashSet<&NodeId> = nodes.iter().map(|node| &node.unique_id).collect();
    let edges = nodes.iter().flat_map(|node| {
        let parents = node.depends_on.nodes.iter().filter(|parent| ids.contains(parent) && **parent != node.unique_id);
        parents.map(|parent| (parent.clone(), node.unique_id.clone()))
    });
    // A project that parsed has no circles; should there be one, every node stands alone.
    let dag = Dag::new(nodes.iter().map(|node| node.unique_id.clone()), edges)
        .or_else(|_| Dag::new(nodes.iter().map(|node| node.unique_id.clone()), []))
        .ok();
    let mut done: IndexMap<NodeId, NodeLineage> = IndexMap::new();
    for level in dag.as_ref().map(Dag::levels).unwrap_or_default() {
        let level: Vec<&Node> = level.into_iter().filter_map(|id| manifest.node(id.as_str())).collect();
        let made: Vec<NodeLineage> =
            with_deep_stack(|| level.par_iter().map(|node| of_node(node, manifest, given, &done, dialect)).collect());
        done.extend(made.into_iter().map(|node| (node.unique_id.clone(), node)));
    }
    ProjectLineage { nodes: done }
}

fn of_node(
    node: &Node,
    manifest: &Manifest,
    given: &ProjectCode,
    done: &IndexMap<NodeId, NodeLineage>,
    dialect: Dialect,
) -> NodeLineage {
    let has_query = matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot | ResourceType::Test);
    let lineage = match given.code.get(&node.unique_id) {
        _ if !has_query => stored(node, given),
        _ if node.language != "sql" => {
            QueryLineage::unknown(Gap::new(GapReason::NotSql, format!("written in {}", node.language)))
        }
        None => QueryLineage::unknown(Gap::new(GapReason::NotCompiled, "there is no compiled SQL")),
        Some(Err(gap)) => QueryLineage::unknown(gap.clone()),
        Some(Ok(sql)) => {
            let schema = schema_of(node, manifest, given, done);
            let mut lineage = follow(sql, dialect, &schema, false).lineage;
            if node.resource_type == ResourceType::Snapshot {
                lineage.columns.extend(snapshot_columns(node));
            }
            in_order_of_contract(&mut lineage, node);
            lineage
        }
    };
    NodeLineage {
        unique_id: node.unique_id.clone(),
        name: node.name.clone(),
        followed: has_query.then(|| lineage.followed()),
        lineage,
    }
}

/// What the query of `node` may read: its parents, and itself.
pub fn schema_of(
    node: &Node,
    manifest: &Manifest,
    given: &ProjectCode,
    done: &IndexMap<NodeId, NodeLineage>,
) -> Schema {
    let mut schema = Schema::new();
    let parents = node.depends_on.nodes.iter().filter(|parent| **parent != node.unique_id);
    for parent in parents.filter_map(|id| manifest.node(id.as_str())) {
        let known = columns_of(parent, given, done);
        let id = parent.unique_id.as_str();
        for relation in given.relations.get(&parent.unique_id).into_iter().flatten() {
            schema.add_relation(relation, id, known.clone());
        }
        if parent.is_ephemeral() {
            schema.add(&[&format!("__dbt__cte__{}", parent.alias)], id, known);
        } else if let Some(relation) = &parent.relation {
            schema.add_relation(relation, id, known);
        }
    }
    // An incremental model may read itself.
    if let Some(relation) = &node.relation {
        schema.add_relation(relation, node.unique_id.as_str(), declared(node));
    }
    schema
}

/// The columns of a node, from the best that is known, with those that it had formerly.
pub fn columns_of(node: &Node, given: &ProjectCode, done: &IndexMap<NodeId, NodeLineage>) -> KnownColumns {
    let mut known = present_columns_of(node, given, done);
    let former = given.former.get(&node.unique_id).into_iter().flatten();
    let is_gone = |column: &&KnownColumn| !known.columns.iter().any(|now| now.name.eq_ignore_ascii_case(&column.name));
    let gone: Vec<KnownColumn> = former.filter(is_gone).cloned().collect();
    known.columns.extend(gone);
    known
}

fn present_columns_of(node: &Node, given: &ProjectCode, done: &IndexMap<NodeId, NodeLineage>) -> KnownColumns {
    if let Some(known) = given.columns.get(&node.unique_id) {
        return known.clone();
    }
    let declared = declared(node);
    let Some(lineage) = done.get(&node.unique_id).map(|node| &node.lineage) else { return declared };
    let mut columns: Vec<KnownColumn> = lineage
        .columns
        .iter()
        .map(|column| KnownColumn {
            name: column.name.to_string(),
            data_type: column.data_type.as_deref().map(str::to_owned),
        })
        .collect();
    if !lineage.complete {
        if declared.complete {
            return declared;
        }
        let is_new = |name: &str| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let more: Vec<KnownColumn> = declared.columns.into_iter().filter(|column| is_new(&column.name)).collect();
        columns.extend(more);
    }
    KnownColumns { columns, complete: lineage.complete }
}

/// A contract decides the order of the columns, whatever order the query has them in.
fn in_order_of_contract(lineage: &mut QueryLineage, node: &Node) {
    let declared = declared(node);
    if declared.complete && lineage.complete {
        let place = |name: &str| declared.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
        lineage.columns.sort_by_cached_key(|column| place(&column.name).unwrap_or(usize::MAX));
    }
}

/// What a property file says of the columns; it is all of them when a contract holds.
fn declared(node: &Node) -> KnownColumns {
    let columns = node.columns.values().map(|column| KnownColumn {
        name: column.name.clone(),
        data_type: column.data_type.clone().map(|data_type| data_type.to_lowercase()),
    });
    let contract = node.config.get("contract").and_then(|contract| contract.get("enforced"));
    let complete = contract.and_then(serde_json::Value::as_bool).unwrap_or(false);
    KnownColumns { columns: columns.collect(), complete }
}

/// A seed or a source: its columns, which come from nowhere.
fn stored(node: &Node, given: &ProjectCode) -> QueryLineage {
    let known = given.columns.get(&node.unique_id).cloned().unwrap_or_else(|| declared(node));
    let columns = known.columns.iter().map(|column| OutputColumn {
        name: Arc::from(column.name.as_str()),
        is_named: true,
        how: How::Constant,
        origins: Vec::new(),
        data_type: column.data_type.as_deref().map(Arc::from),
        unstable: None,
        gaps: Vec::new(),
    });
    QueryLineage { columns: columns.collect(), complete: known.complete, ..QueryLineage::default() }
}

/// The columns that a snapshot adds to those of its query.
fn snapshot_columns(node: &Node) -> Vec<OutputColumn> {
    let renamed = node.config.get("snapshot_meta_column_names");
    let name = |default: &'static str| {
        let configured = renamed.and_then(|names| names.get(default)).and_then(serde_json::Value::as_str);
        configured.unwrap_or(default).to_owned()
    };
    let mut names: Vec<String> =
        ["dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"].into_iter().map(name).collect();
    if node.config_str("hard_deletes") == Some("new_record") {
        names.push(name("dbt_is_deleted"));
    }
    let column = |name: String| OutputColumn {
        name: name.into(),
        is_named: true,
        how: How::Computed,
        origins: Vec::new(),
        data_type: None,
        unstable: None,
        gaps: Vec::new(),
    };
    names.into_iter().map(column).collect()
}
