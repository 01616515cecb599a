//! Changes on their way down: which columns and rows of each node carry what changed above it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::document::{Cause, Edge, GraphNode, Impact, Lost, ModelChange, ReachedGraph, ReachedNode, Read, Touch};
use super::reads::{self, Elements};
use super::walk::Region;
use super::{owners, words};
use crate::lineage::{ChangeSeverity, Gap, GapReason, ProjectLineage, change_kind};
use crate::model::{FastHash, Node, NodeId, ResourceType};
use crate::state::StateDiff;

/// What an impact is computed from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What is reached.
    pub region: &'a Region<'a>,
    /// What changed.
    pub diff: &'a StateDiff,
    /// The class of each changed model.
    pub changes: &'a [ModelChange],
    /// Lineage of the current side, where columns that are gone still count as columns.
    pub lineage: &'a ProjectLineage,
}

/// Places among the causes.
pub(super) type Causes = BTreeSet<u32>;

/// What of a node carries a change on.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// By name in lower case.
    pub(super) columns: BTreeMap<String, (Arc<str>, Causes)>,
    /// Of which rows it has, or of all of it.
    pub(super) rows: Causes,
    /// Where lineage ended.
    pub(super) lost: Option<Lost>,
}

impl Carried {
    fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.rows.is_empty() && self.lost.is_none()
    }

    pub(super) fn add(&mut self, column: &Arc<str>, causes: impl IntoIterator<Item = u32>) {
        self.columns
            .entry(column.to_lowercase())
            .or_insert_with(|| (Arc::clone(column), Causes::new()))
            .1
            .extend(causes);
    }
}

/// What a node reads of what is carried.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) places: BTreeMap<(NodeId, Option<Arc<str>>), Causes>,
    pub(super) lost: Option<Lost>,
}

impl Reads {
    pub(super) fn add(&mut self, node: &NodeId, column: Option<&Arc<str>>, causes: &Causes) {
        if !causes.is_empty() {
            self.places.entry((node.clone(), column.cloned())).or_default().extend(causes);
        }
    }

    /// All that `carried` carries: of what reads the node as a whole.
    pub(super) fn add_all(&mut self, node: &NodeId, carried: &Carried) {
        for (column, causes) in carried.columns.values() {
            self.add(node, Some(column), causes);
        }
        self.add(node, None, &carried.rows);
        self.lose(carried.lost.as_ref());
    }

    pub(super) fn lose(&mut self, lost: Option<&Lost>) {
        if self.lost.is_none() {
            self.lost = lost.cloned();
        }
    }

    fn causes(&self) -> Causes {
        self.places.values().flatten().copied().collect()
    }
}

/// The walk down.
pub(super) struct Flow<'a> {
    inputs: &'a Inputs<'a>,
    causes: Vec<Cause>,
    pub(super) carried: HashMap<NodeId, Carried, FastHash>,
    elements: Elements,
}

/// Follows every change down and says what it reaches.
pub fn impact(inputs: &Inputs<'_>) -> Impact {
    let region = inputs.region;
    let mut flow = Flow { inputs, causes: Vec::new(), carried: HashMap::default(), elements: Elements::default() };
    flow.start();
    let mut reached = vec![None; region.dag.len()];
    let mut downwards = region.order.clone();
    downwards.sort_unstable_by_key(|place| (region.dag.depth_at(*place), *place));
    for place in downwards {
        let Some(node) = region.node(place) else { continue };
        let reads = flow.pass(node);
        if region.distance(place).is_some_and(|distance| distance > 0) {
            reached[place] = Some(flow.reached(node, place, reads));
        }
    }
    let reached: Vec<ReachedNode> = region.order.iter().filter_map(|place| reached[*place].take()).collect();
    let (owners, groups) = owners::of(region.manifest, &reached);
    let causes = flow.causes;
    Impact {
        changes: inputs.changes.to_vec(),
        causes,
        owners,
        groups,
        graph: graph(region),
        reached,
        unstable: inputs.lineage.unstable(),
    }
}

fn graph(region: &Region<'_>) -> ReachedGraph {
    let mut graph = ReachedGraph::default();
    for &place in &region.order {
        let (Some(node), Some(distance)) = (region.node(place), region.distance(place)) else { continue };
        graph.nodes.push(GraphNode { unique_id: node.unique_id.clone(), distance });
        let parents = region.dag.parents_at(place).filter(|parent| region.distance(*parent).is_some());
        let edge = |parent: &Node| Edge { parent: parent.unique_id.clone(), child: node.unique_id.clone() };
        graph.edges.extend(parents.filter_map(|parent| region.node(parent)).map(edge));
    }
    graph
}

impl Flow<'_> {
    fn cause(&mut self, node: &NodeId, column: Option<&Arc<str>>, kind: &str) -> u32 {
        let class = change_kind(kind).map_or(ChangeSeverity::Unknown, |kind| kind.severity);
        self.causes.push(Cause { node: node.clone(), column: column.cloned(), kind: kind.to_owned(), class });
        u32::try_from(self.causes.len() - 1).unwrap_or(u32::MAX)
    }

    /// What the changes themselves carry.
    fn start(&mut self) {
        let inputs = self.inputs;
        for change in inputs.changes {
            let mut carried = Carried::default();
            for one in &change.evidence {
                match (one.kind.as_str(), &one.column) {
                    ("column_moved" | "new_model", _) => {}
                    ("not_followed", None) => {
                        let gap = one.gap.clone();
                        let gap = gap.unwrap_or_else(|| Gap::new(GapReason::NotCompiled, "its change is not known"));
                        carried.lost.get_or_insert(Lost { node: change.unique_id.clone(), gap });
                    }
                    (kind, Some(column)) => {
                        let cause = self.cause(&change.unique_id, Some(column), kind);
                        carried.add(column, [cause]);
                        if let Some(was) = &one.was {
                            let cause = self.cause(&change.unique_id, Some(was), kind);
                            carried.add(was, [cause]);
                        }
                    }
                    (kind, None) if one.severity() > ChangeSeverity::Neutral => {
                        carried.rows.insert(self.cause(&change.unique_id, None, kind));
                    }
                    _ => {}
                }
            }
            self.carried.insert(change.unique_id.clone(), carried);
        }
        for node in inputs.region.changed() {
            let hits = inputs.diff.changed.get(&node.unique_id);
            let is_moved = hits.is_some_and(|hits| hits.iter().any(|hit| hit.reason == "source_relation"));
            let kind = match node.resource_type {
                ResourceType::Source if is_moved => "source_changed",
                ResourceType::Function
                | ResourceType::SemanticModel
                | ResourceType::Metric
                | ResourceType::SavedQuery
                    if !inputs.diff.is_new(node.unique_id.as_str()) =>
                {
                    "definition_changed"
                }
                _ => continue,
            };
            let cause = self.cause(&node.unique_id, None, kind);
            self.carried.entry(node.unique_id.clone()).or_default().rows.insert(cause);
        }
    }

    /// What the node reads of what its parents carry; what it carries on is kept.
    fn pass(&mut self, node: &Node) -> Reads {
        let reads = match node.resource_type {
            ResourceType::Model | ResourceType::Snapshot => self.query(node, true),
            ResourceType::Test => self.test(node),
            ResourceType::SemanticModel => reads::semantic_model(node, &mut self.carried, &mut self.elements),
            ResourceType::Metric => reads::metric(node, &self.carried, &mut self.elements),
            ResourceType::SavedQuery => reads::saved_query(node, &self.carried, &mut self.elements),
            _ => self.whole(node),
        };
        let carries_on = matches!(node.resource_type, ResourceType::Metric | ResourceType::SavedQuery);
        if carries_on && (!reads.places.is_empty() || reads.lost.is_some()) {
            let carried = self.carried.entry(node.unique_id.clone()).or_default();
            carried.rows.extend(reads.causes());
            carried.lost = carried.lost.take().or_else(|| reads.lost.clone());
        }
        reads
    }

    /// All that the parents carry.
    fn whole(&self, node: &Node) -> Reads {
        let mut reads = Reads::default();
        for parent in &node.depends_on.nodes {
            if let Some(carried) = self.carried.get(parent) {
                reads.add_all(parent, carried);
            }
        }
        reads
    }

    fn test(&mut self, node: &Node) -> Reads {
        let Some(column) = node.as_test().and_then(|test| test.column_name.as_ref()) else {
            return self.query(node, false);
        };
        let attached = node.as_test().and_then(|test| test.attached_node.as_ref());
        let mut reads = Reads::default();
        for parent in &node.depends_on.nodes {
            let Some(carried) = self.carried.get(parent) else { continue };
            if attached.is_some_and(|attached| attached != parent) {
                // What else the test reads, as the other side of a relationship: its arguments do not say which columns.
                reads.add_all(parent, carried);
                continue;
            }
            let name = column.trim_matches(['"', '`', '[', ']']).to_lowercase();
            if let Some((column, causes)) = carried.columns.get(&name) {
                reads.add(parent, Some(column), causes);
            }
            reads.add(parent, None, &carried.rows);
            reads.lose(carried.lost.as_ref());
        }
        reads
    }

    /// What a query reads, and its columns that carry it on.
    fn query(&mut self, node: &Node, carries_on: bool) -> Reads {
        let mut reads = Reads::default();
        let lineage = self.inputs.lineage.nodes.get(&node.unique_id).map(|node| &node.lineage);
        let parents = || node.depends_on.nodes.iter().filter(|parent| **parent != node.unique_id);
        if !parents().any(|parent| self.carried.get(parent).is_some_and(|carried| !carried.is_empty())) {
            return reads;
        }
        let Some(lineage) = lineage.filter(|lineage| lineage.complete || !lineage.columns.is_empty()) else {
            let gap = lineage.and_then(|lineage| lineage.gaps.first().cloned()).unwrap_or_else(|| {
                let what = if node.language == "sql" { "its query is not known" } else { "written in Python" };
                Gap::new(if node.language == "sql" { GapReason::NotCompiled } else { GapReason::NotSql }, what)
            });
            reads.lose(Some(&Lost { node: node.unique_id.clone(), gap }));
            if carries_on {
                self.carry(node, Carried { lost: reads.lost.clone(), ..Carried::default() });
            }
            return reads;
        };
        let mut carried = Carried::default();
        let read = |reads: &mut Reads, relation: &str, name: &str| -> Causes {
            let Some(parent) = self.carried.get(relation) else { return Causes::new() };
            reads.lose(parent.lost.as_ref());
            let Some((column, causes)) = parent.columns.get(&name.to_lowercase()) else { return Causes::new() };
            reads.add(&NodeId::from(relation), Some(column), causes);
            causes.clone()
        };
        for column in &lineage.columns {
            let mut causes = Causes::new();
            for origin in &column.origins {
                causes.extend(read(&mut reads, &origin.relation, &origin.column));
            }
            if !causes.is_empty() {
                carried.add(&column.name, causes);
            }
        }
        for origin in lineage.rows.iter().flat_map(|rule| &rule.origins) {
            carried.rows.extend(read(&mut reads, &origin.relation, &origin.column));
        }
        for relation in &lineage.relations {
            if let Some(parent) = self.carried.get(&**relation) {
                reads.add(&NodeId::from(&**relation), None, &parent.rows);
                carried.rows.extend(&parent.rows);
                reads.lose(parent.lost.as_ref());
            }
        }
        if let Some(gap) = lineage.gaps.first() {
            reads.lose(Some(&Lost { node: node.unique_id.clone(), gap: gap.clone() }));
        }
        carried.lost.clone_from(&reads.lost);
        if carries_on {
            self.carry(node, carried);
        }
        reads
    }

    fn carry(&mut self, node: &Node, more: Carried) {
        let carried = self.carried.entry(node.unique_id.clone()).or_default();
        for (column, causes) in more.columns.into_values() {
            carried.add(&column, causes);
        }
        carried.rows.extend(more.rows);
        carried.lost = carried.lost.take().or(more.lost);
    }

    fn reached(&self, node: &Node, place: usize, reads: Reads) -> ReachedNode {
        let causes = reads.causes();
        let touch = match (causes.is_empty(), &reads.lost) {
            (false, _) => Touch::Reads,
            (true, Some(_)) => Touch::Unknown,
            (true, None) => Touch::Untouched,
        };
        let unknown = reads.lost.as_ref().map(|_| ChangeSeverity::Unknown);
        let carried = self.carried.get(&node.unique_id).filter(|_| node.resource_type.is_refable());
        ReachedNode {
            unique_id: node.unique_id.clone(),
            name: words::name(node),
            resource_type: node.resource_type,
            distance: self.inputs.region.distance(place).unwrap_or_default(),
            before: self.inputs.region.before(place).unwrap_or_else(|| node.unique_id.clone()),
            touch,
            class: causes.iter().filter_map(|at| Some(self.causes.get(*at as usize)?.class)).chain(unknown).max(),
            reads: reads
                .places
                .into_iter()
                .map(|((node, column), causes)| Read { node, column, causes: causes.into_iter().collect() })
                .collect(),
            columns: carried
                .map(|carried| carried.columns.values().map(|(name, _)| Arc::clone(name)).collect())
                .unwrap_or_default(),
            lost: reads.lost,
            owner: owners::of_node(node),
            group: node.group.clone(),
        }
    }
}
