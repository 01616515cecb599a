//! The answer as plain data: it serializes, and other programs read it.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::lineage::{ChangeSeverity, Evidence, Gap, Unstable};
use crate::model::{NodeId, ResourceType};

/// What a change is and what it reaches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Impact {
    /// Changed models, snapshots and seeds with what their change breaks, the gravest first.
    pub changes: Vec<ModelChange>,
    /// What changed, one entry for each column, and one for rows; named by their places.
    pub causes: Vec<Cause>,
    /// All that lies below what changed, the nearest first.
    pub reached: Vec<ReachedNode>,
    /// Whose it is: owners of reached exposures, of groups, and of whatever names one in `meta.owner`.
    pub owners: Vec<ReachedOwner>,
    /// Groups of what is reached.
    pub groups: Vec<ReachedGroup>,
    /// The part of the graph that is reached, what changed included.
    pub graph: ReachedGraph,
    /// Columns of what changed and lies below whose values change by themselves. For whoever compares tables.
    #[serde(skip)]
    pub unstable: IndexMap<NodeId, Vec<Unstable>>,
}

/// What the change of one model breaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChange {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its name for people.
    pub name: String,
    /// Model, snapshot or seed.
    pub resource_type: ResourceType,
    /// The class of the change: the gravest of the evidence.
    pub class: ChangeSeverity,
    /// The evidence in one line, for people.
    pub summary: String,
    /// All that differs, the gravest first.
    pub evidence: Vec<Evidence>,
}

/// How a node is touched by what changed above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// It reads a column that changed, or rows that are other ones.
    Reads,
    /// Lineage could not be followed up to it, so it may be touched.
    Unknown,
    /// It lies below, and reads nothing of what changed.
    Untouched,
}

/// What changed, as seen from what it reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The changed node.
    pub node: NodeId,
    /// Its column; none when it has other rows, or all of it may differ.
    pub column: Option<Arc<str>>,
    /// Id of the kind of change, as in the evidence.
    pub kind: String,
    /// How grave it is.
    pub class: ChangeSeverity,
}

/// Something that a node reads and that carries a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The node that is read; a parent.
    pub node: NodeId,
    /// Its column; none of its rows.
    pub column: Option<Arc<str>>,
    /// What changed and comes down to it: places among the causes.
    pub causes: Vec<u32>,
}

/// Where lineage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The node that could not be followed.
    pub node: NodeId,
    /// Why.
    pub gap: Gap,
}

/// Who to talk to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Owner {
    /// Their name.
    pub name: Option<String>,
    /// Their address.
    pub email: Option<String>,
}

/// A node below what changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachedNode {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Its name for people.
    pub name: String,
    /// Its kind.
    pub resource_type: ResourceType,
    /// Edges from the nearest changed node.
    pub distance: usize,
    /// The parent on a shortest way from that node.
    pub before: NodeId,
    /// Whether it reads what changed.
    pub touch: Touch,
    /// The gravest class of what it reads; none when it is untouched.
    pub class: Option<ChangeSeverity>,
    /// What it reads of its parents that carries a change.
    pub reads: Vec<Read>,
    /// Its own columns that carry a change on.
    pub columns: Vec<Arc<str>>,
    /// Where lineage ended, of what could not be followed as a whole or in part.
    pub lost: Option<Lost>,
    /// Whose it is: an exposure's owner, or what `meta.owner` says.
    pub owner: Option<Owner>,
    /// Its group.
    pub group: Option<String>,
}

/// An owner with what is theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachedOwner {
    /// Who.
    pub owner: Owner,
    /// The reached nodes, those that read nothing of what changed included.
    pub nodes: Vec<NodeId>,
    /// How many of them are touched, or may be.
    pub touched: usize,
}

/// A group with what is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachedGroup {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub owner: Option<Owner>,
    /// The reached nodes.
    pub nodes: Vec<NodeId>,
    /// How many of them are touched, or may be.
    pub touched: usize,
}

/// A part of the graph.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ReachedGraph {
    /// What changed, then what it reaches, the nearest first.
    pub nodes: Vec<GraphNode>,
    /// All edges between them.
    pub edges: Vec<Edge>,
}

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphNode {
    /// dbt's id.
    pub unique_id: NodeId,
    /// Edges from the nearest changed node; 0 of what changed.
    pub distance: usize,
}

/// An edge of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// What is read.
    pub parent: NodeId,
    /// What reads it.
    pub child: NodeId,
}
