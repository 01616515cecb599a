//! The graph itself. Every walk is linear in the nodes and edges it touches.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::hash::Hash;
use std::rc::Rc;

use foldhash::fast::RandomState as FastHash;
use indexmap::IndexSet;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

/// Why nodes and edges do not make a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error<Id> {
    /// One end of an edge is not among the nodes.
    UnknownNode {
        /// The end that is missing.
        missing: Id,
        /// The edge: parent, child.
        edge: (Id, Id),
    },
    /// Nodes that depend on each other in a circle.
    Cycle {
        /// From parent to child; the first node is repeated at the end.
        path: Vec<Id>,
    },
}

impl<Id: Display> Display for Error<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownNode { missing, edge: (parent, child) } => {
                write!(f, "{missing} is unknown, in the dependency of {child} on {parent}")
            }
            Self::Cycle { path } => {
                f.write_str("circular dependency: ")?;
                for (i, id) in path.iter().enumerate() {
                    write!(f, "{}{id}", if i == 0 { "" } else { " → " })?;
                }
                Ok(())
            }
        }
    }
}

impl<Id: fmt::Debug + Display> std::error::Error for Error<Id> {}

/// A directed graph without cycles; edges run from parent to child. Nodes keep the order in which they were given,
/// which is also the order of every answer unless said otherwise.
#[derive(Debug, Clone)]
pub struct Dag<Id> {
    ids: IndexSet<Id, FastHash>,
    graph: DiGraph<(), ()>,
    /// Length of the longest path from a root, by node.
    depths: Vec<usize>,
    /// Nodes by (depth, position).
    order: Vec<usize>,
}

impl<Id: Clone + Eq + Hash> Dag<Id> {
    /// Builds the graph of `nodes` and `edges` (parent, child). Repeated nodes and edges count once.
    ///
    /// # Errors
    /// [`Error::UnknownNode`] for an edge to or from a node that was not given, [`Error::Cycle`] for a circle.
    pub fn new(
        nodes: impl IntoIterator<Item = Id>,
        edges: impl IntoIterator<Item = (Id, Id)>,
    ) -> Result<Self, Error<Id>> {
        let ids: IndexSet<Id, FastHash> = nodes.into_iter().collect();
        let mut pairs: IndexSet<_, FastHash> = IndexSet::default();
        for (parent, child) in edges {
            match (ids.get_index_of(&parent), ids.get_index_of(&child)) {
                (Some(from), Some(to)) => {
                    pairs.insert((from, to));
                }
                (None, _) => return Err(Error::UnknownNode { missing: parent.clone(), edge: (parent, child) }),
                (_, None) => return Err(Error::UnknownNode { missing: child.clone(), edge: (parent, child) }),
            }
        }
        Self::from_indices(ids, pairs)
    }

    fn from_indices(
        ids: IndexSet<Id, FastHash>,
        pairs: impl IntoIterator<Item = (usize, usize)>,
    ) -> Result<Self, Error<Id>> {
        let mut graph = DiGraph::with_capacity(ids.len(), 0);
        for _ in 0..ids.len() {
            graph.add_node(());
        }
        for (from, to) in pairs {
            graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
        }
        match depths(&graph) {
            Ok(depths) => {
                let mut order: Vec<usize> = (0..ids.len()).collect();
                order.sort_by_key(|&i| (depths[i], i));
                Ok(Self { ids, graph, depths, order })
            }
            Err(cycle) => Err(Error::Cycle { path: cycle.into_iter().map(|i| ids[i].clone()).collect() }),
        }
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether `id` is a node.
    pub fn contains(&self, id: &Id) -> bool {
        self.ids.contains(id)
    }

    /// The nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &Id> {
        self.ids.iter()
    }

    /// The place of `id` among the nodes, from 0.
    pub fn position(&self, id: &Id) -> Option<usize> {
        self.ids.get_index_of(id)
    }

    /// Every node after all its parents: by level, and in the order of the nodes within one.
    pub fn topological(&self) -> impl Iterator<Item = &Id> {
        self.order.iter().map(|&i| &self.ids[i])
    }

    /// Nodes by the longest way from a root: level 0 has no parents, level n has a parent on level n - 1.
    pub fn levels(&self) -> Vec<Vec<&Id>> {
        let mut levels: Vec<Vec<&Id>> = Vec::new();
        for &i in &self.order {
            let depth = self.depths[i];
            if depth == levels.len() {
                levels.push(Vec::new());
            }
            levels[depth].push(&self.ids[i]);
        }
        levels
    }

    /// Direct parents; none of an unknown node.
    pub fn parents(&self, id: &Id) -> Vec<&Id> {
        self.neighbours(id, Direction::Incoming)
    }

    /// Direct children; none of an unknown node.
    pub fn children(&self, id: &Id) -> Vec<&Id> {
        self.neighbours(id, Direction::Outgoing)
    }

    /// The places of the nodes that depend on the one at `place`. A place is where a node was when the graph was made.
    ///
    /// # Panics
    /// There is no such place.
    pub fn children_at(&self, place: usize) -> impl Iterator<Item = usize> {
        self.graph.neighbors_directed(NodeIndex::new(place), Direction::Outgoing).map(NodeIndex::index)
    }

    /// The places of the nodes that the one at `place` depends on.
    ///
    /// # Panics
    /// There is no such place.
    pub fn parents_at(&self, place: usize) -> impl Iterator<Item = usize> {
        self.graph.neighbors_directed(NodeIndex::new(place), Direction::Incoming).map(NodeIndex::index)
    }

    /// The length of the longest way from a root to the node at `place`: sorted by it, every node stands after its parents.
    ///
    /// # Panics
    /// There is no such place.
    pub fn depth_at(&self, place: usize) -> usize {
        self.depths[place]
    }

    fn neighbours(&self, id: &Id, direction: Direction) -> Vec<&Id> {
        let Some(index) = self.ids.get_index_of(id) else { return Vec::new() };
        let mut found: Vec<usize> =
            self.graph.neighbors_directed(NodeIndex::new(index), direction).map(NodeIndex::index).collect();
        found.sort_unstable();
        found.into_iter().map(|i| &self.ids[i]).collect()
    }

    /// Everything that any of `of` depends on, at most `depth` edges away if given. The nodes of `of` themselves are
    /// left out, also where one is an ancestor of another. Unknown ids are ignored.
    pub fn ancestors<'a>(&'a self, of: impl IntoIterator<Item = &'a Id>, depth: Option<usize>) -> Vec<&'a Id> {
        self.reach(of, depth, Direction::Incoming)
    }

    /// [`Self::ancestors`] by their places, in no order.
    ///
    /// # Panics
    /// There is no such place.
    pub fn ancestors_at(&self, of: impl IntoIterator<Item = usize>, depth: Option<usize>) -> Vec<usize> {
        self.reach_at(of, depth, Direction::Incoming)
    }

    /// [`Self::descendants`] by their places, in no order.
    ///
    /// # Panics
    /// There is no such place.
    pub fn descendants_at(&self, of: impl IntoIterator<Item = usize>, depth: Option<usize>) -> Vec<usize> {
        self.reach_at(of, depth, Direction::Outgoing)
    }

    /// Everything that depends on any of `of`; as [`Self::ancestors`], the other way.
    pub fn descendants<'a>(&'a self, of: impl IntoIterator<Item = &'a Id>, depth: Option<usize>) -> Vec<&'a Id> {
        self.reach(of, depth, Direction::Outgoing)
    }

    fn reach<'a>(
        &'a self,
        of: impl IntoIterator<Item = &'a Id>,
        depth: Option<usize>,
        direction: Direction,
    ) -> Vec<&'a Id> {
        let mut found =
            self.reach_at(of.into_iter().filter_map(|start| self.ids.get_index_of(start)), depth, direction);
        found.sort_unstable();
        found.into_iter().map(|i| &self.ids[i]).collect()
    }

    fn reach_at(&self, of: impl IntoIterator<Item = usize>, depth: Option<usize>, direction: Direction) -> Vec<usize> {
        let mut seen = vec![false; self.ids.len()];
        let mut frontier: Vec<usize> = Vec::new();
        for start in of {
            if !std::mem::replace(&mut seen[start], true) {
                frontier.push(start);
            }
        }
        let mut found = Vec::new();
        let mut steps = 0;
        // Breadth first from all starts at once: each node is met at its least distance from any of them.
        while !frontier.is_empty() && depth.is_none_or(|limit| steps < limit) {
            let mut next = Vec::new();
            for i in frontier {
                for neighbour in self.graph.neighbors_directed(NodeIndex::new(i), direction) {
                    if !std::mem::replace(&mut seen[neighbour.index()], true) {
                        next.push(neighbour.index());
                    }
                }
            }
            found.extend_from_slice(&next);
            frontier = next;
            steps += 1;
        }
        found
    }

    /// Of each group of nodes, the nearest ones that descend from every member: no parent of them does. Unknown ids are
    /// ignored; a group without members has none.
    pub fn nearest_common_descendants<'a>(&'a self, groups: &[Vec<&'a Id>]) -> Vec<Vec<&'a Id>> {
        let mut found = vec![Vec::new(); groups.len()];
        let members = |group: &Vec<&Id>| group.iter().filter_map(|id| self.ids.get_index_of(*id)).collect::<Vec<_>>();
        let mut batch = Batch::default();
        for (place, group) in groups.iter().enumerate() {
            let members = members(group);
            if members.len() > Batch::SIZE {
                found[place] = self.common_to_many(group);
                continue;
            }
            if !batch.has_room_for(&members) {
                self.search(&std::mem::take(&mut batch), &mut found);
            }
            batch.add(place, &members);
        }
        self.search(&batch, &mut found);
        found.into_iter().map(|group: Vec<usize>| group.into_iter().map(|i| &self.ids[i]).collect()).collect()
    }

    /// The same for one group that is too large for a batch: one walk a member.
    fn common_to_many(&self, group: &[&Id]) -> Vec<usize> {
        let members: IndexSet<&Id> = group.iter().copied().filter(|id| self.contains(id)).collect();
        let mut met = vec![0_usize; self.ids.len()];
        for member in &members {
            for descendant in self.descendants([*member], None) {
                met[self.ids.get_index_of(descendant).unwrap_or_default()] += 1;
            }
        }
        let descends = |i: usize| met[i] == members.len();
        let parents = |i: usize| self.graph.neighbors_directed(NodeIndex::new(i), Direction::Incoming);
        (0..met.len()).filter(|&i| descends(i) && !parents(i).any(|parent| descends(parent.index()))).collect()
    }

    /// One walk for a whole batch: a bit a member, handed down from parents to children.
    fn search(&self, batch: &Batch, found: &mut [Vec<usize>]) {
        let mut own = vec![0_u64; self.ids.len()];
        for (&member, &bit) in &batch.bits {
            own[member] = bit;
        }
        // Which members each node descends from.
        let mut above = vec![0_u64; self.ids.len()];
        for &i in &self.order {
            let parents =
                || self.graph.neighbors_directed(NodeIndex::new(i), Direction::Incoming).map(NodeIndex::index);
            for parent in parents() {
                above[i] |= above[parent] | own[parent];
            }
            // With the same members above as a parent it is the nearest to nothing.
            if above[i] == 0 || parents().any(|parent| above[parent] == above[i]) {
                continue;
            }
            for &(place, wanted) in &batch.groups {
                let descends = |i: usize| above[i] & wanted == wanted;
                if descends(i) && !parents().any(descends) {
                    found[place].push(i);
                }
            }
        }
        for group in batch.groups.iter().map(|&(place, _)| place) {
            found[group].sort_unstable();
        }
    }

    /// The graph of the nodes that `keep` accepts, with an edge wherever a path through left-out nodes leads from one
    /// to the other: what was reachable stays so, and parents are the nearest kept ancestors.
    #[must_use]
    pub fn subgraph(&self, mut keep: impl FnMut(&Id) -> bool) -> Self {
        let kept: Vec<bool> = self.ids.iter().map(&mut keep).collect();
        let mut new_index = vec![usize::MAX; self.ids.len()];
        let mut ids = IndexSet::default();
        for (i, id) in self.ids.iter().enumerate().filter(|&(i, _)| kept[i]) {
            new_index[i] = ids.len();
            ids.insert(id.clone());
        }
        // Of each left-out node, its nearest kept ancestors; shared, as a chain of left-out nodes has the same ones.
        let mut nearest: Vec<Rc<IndexSet<usize>>> = vec![Rc::default(); self.ids.len()];
        let mut pairs = IndexSet::new();
        for &i in &self.order {
            let found = self.nearest_kept(i, &kept, &nearest);
            if kept[i] {
                pairs.extend(found.iter().map(|&parent| (new_index[parent], new_index[i])));
            } else {
                nearest[i] = found;
            }
        }
        match Self::from_indices(ids, pairs) {
            Ok(dag) => dag,
            Err(_) => unreachable!("every new edge follows a path of a graph without cycles"),
        }
    }

    fn nearest_kept(&self, i: usize, kept: &[bool], nearest: &[Rc<IndexSet<usize>>]) -> Rc<IndexSet<usize>> {
        let mut union: Option<Rc<IndexSet<usize>>> = None;
        for parent in self.graph.neighbors_directed(NodeIndex::new(i), Direction::Incoming).map(NodeIndex::index) {
            let of_parent = if kept[parent] { Rc::new(IndexSet::from([parent])) } else { Rc::clone(&nearest[parent]) };
            union = Some(match union {
                None => of_parent,
                Some(so_far) if Rc::ptr_eq(&so_far, &of_parent) => so_far,
                Some(mut so_far) => {
                    Rc::make_mut(&mut so_far).extend(of_parent.iter().copied());
                    so_far
                }
            });
        }
        union.unwrap_or_default()
    }
}

/// Groups of nodes that fit into one machine word together.
#[derive(Debug, Default)]
struct Batch {
    /// The bit of each member.
    bits: HashMap<usize, u64>,
    /// Place among all groups, bits of the members.
    groups: Vec<(usize, u64)>,
}

impl Batch {
    /// How many members fit: one a bit.
    const SIZE: usize = 64;

    fn has_room_for(&self, members: &[usize]) -> bool {
        let new = members.iter().filter(|member| !self.bits.contains_key(member)).count();
        self.bits.len() + new <= Self::SIZE
    }

    fn add(&mut self, place: usize, members: &[usize]) {
        let mut wanted = 0_u64;
        for member in members {
            let taken = self.bits.len();
            wanted |= *self.bits.entry(*member).or_insert_with(|| 1 << taken);
        }
        if wanted != 0 {
            self.groups.push((place, wanted));
        }
    }
}

/// The longest distance of each node from a root, or the nodes of one cycle with the first repeated at the end.
fn depths(graph: &DiGraph<(), ()>) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<usize> =
        graph.node_indices().map(|i| graph.neighbors_directed(i, Direction::Incoming).count()).collect();
    let mut depths = vec![0; waiting.len()];
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|&i| waiting[i] == 0).collect();
    let mut done = 0;
    while let Some(i) = ready.pop() {
        done += 1;
        for child in graph.neighbors_directed(NodeIndex::new(i), Direction::Outgoing).map(NodeIndex::index) {
            depths[child] = depths[child].max(depths[i] + 1);
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.push(child);
            }
        }
    }
    if done == waiting.len() { Ok(depths) } else { Err(cycle_among(graph, &waiting)) }
}

/// Walks up from the first node that never became ready: it has a parent that did not either, and so on, until one
/// repeats.
fn cycle_among(graph: &DiGraph<(), ()>, waiting: &[usize]) -> Vec<usize> {
    let mut at = vec![None; waiting.len()];
    let mut walk: Vec<usize> = Vec::new();
    let mut current = waiting.iter().position(|&parents| parents > 0);
    while let Some(i) = current {
        if let Some(start) = at[i] {
            let mut path: Vec<usize> = walk[start..].to_vec();
            path.reverse();
            let first = path.iter().enumerate().min_by_key(|&(_, node)| node).map_or(0, |(place, _)| place);
            path.rotate_left(first);
            path.extend(path.first().copied());
            return path;
        }
        at[i] = Some(walk.len());
        walk.push(i);
        current = graph
            .neighbors_directed(NodeIndex::new(i), Direction::Incoming)
            .map(NodeIndex::index)
            .filter(|&parent| waiting[parent] > 0)
            .min();
    }
    walk
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{Dag, Error};

    fn dag(
        nodes: &[&'static str],
        edges: &[(&'static str, &'static str)],
    ) -> Result<Dag<&'static str>, Error<&'static str>> {
        Dag::new(nodes.iter().copied(), edges.iter().copied())
    }

    #[test]
    fn an_edge_to_an_unknown_node_is_an_error_that_names_both_ends() {
        let error = dag(&["a"], &[("a", "b")]).unwrap_err();
        assert_eq!(error.to_string(), "b is unknown, in the dependency of b on a");
    }

    #[test]
    fn a_cycle_is_told_as_a_path_from_parent_to_child() {
        let error = dag(&["x", "a", "b", "c"], &[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")]).unwrap_err();
        assert_eq!(error.to_string(), "circular dependency: a → b → c → a");
        let itself = dag(&["a"], &[("a", "a")]).unwrap_err();
        assert_eq!(itself.to_string(), "circular dependency: a → a");
    }

    #[test]
    fn levels_keep_the_order_of_the_nodes() {
        let dag = dag(&["d", "b", "a", "c"], &[("a", "d"), ("b", "d"), ("d", "c")]).unwrap();
        assert_eq!(dag.levels(), [vec![&"b", &"a"], vec![&"d"], vec![&"c"]]);
        assert_eq!(dag.topological().copied().collect::<Vec<_>>(), ["b", "a", "d", "c"]);
        assert_eq!(dag.parents(&"d"), [&"b", &"a"]);
        assert_eq!(dag.children(&"a"), [&"d"]);
    }

    #[test]
    fn ancestors_stop_at_the_depth_given() {
        let dag = dag(&["a", "b", "c", "d"], &[("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")]).unwrap();
        assert_eq!(dag.ancestors([&"d"], Some(1)), [&"a", &"c"]);
        assert_eq!(dag.ancestors([&"d"], Some(0)), Vec::<&&str>::new());
        assert_eq!(dag.ancestors([&"d"], None), [&"a", &"b", &"c"]);
        assert_eq!(dag.descendants([&"a", &"b"], None), [&"c", &"d"]);
    }

    #[test]
    fn ten_thousand_nodes_take_milliseconds() {
        let edges = (1..10_000_u32).flat_map(|i| [(i / 2, i), (i - 1, i), (i / 7, i)]).filter(|(a, b)| a != b);
        let start = Instant::now();
        let dag = Dag::new(0..10_000_u32, edges).unwrap();
        assert_eq!(dag.descendants([&0], None).len(), 9_999);
        assert_eq!(dag.subgraph(|i| i % 3 == 0).len(), 3_334);
        let chain = Dag::new(0..10_000_u32, (1..10_000_u32).map(|i| (i - 1, i))).unwrap();
        assert_eq!(chain.levels().len(), 10_000);
        assert_eq!(chain.subgraph(|&i| i == 0 || i == 9_999).parents(&9_999), [&0]);
        assert!(start.elapsed() < Duration::from_secs(2), "took {:?}", start.elapsed());
    }

    #[test]
    fn a_group_may_be_larger_than_a_machine_word() {
        let edges = (0..100_u32).flat_map(|i| [(i, 100), (i, 101)]).chain([(100, 102), (102, 103)]);
        let dag = Dag::new(0..104_u32, edges).unwrap();
        let all: Vec<u32> = (0..100).collect();
        let groups = [all.iter().collect::<Vec<_>>(), all.iter().chain([&102]).collect(), vec![&102, &5]];
        assert_eq!(dag.nearest_common_descendants(&groups), [vec![&100, &101], vec![&103], vec![&103]]);
    }

    /// Edges from lower to higher numbers: never a cycle.
    fn acyclic() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (2_usize..14).prop_flat_map(|n| {
            let edge = (0..n - 1).prop_flat_map(move |a| (Just(a), a + 1..n));
            (Just(n), proptest::collection::vec(edge, 0..30))
        })
    }

    fn reachable(edges: &[(usize, usize)], from: usize, through: &dyn Fn(usize) -> bool) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for &(_, child) in edges.iter().filter(|(parent, _)| *parent == from) {
            found.insert(child);
            if through(child) {
                found.extend(reachable(edges, child, through));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn descendants_are_what_the_naive_walk_finds((n, edges) in acyclic(), start in 0_usize..14) {
            let dag = Dag::new(0..n, edges.iter().copied()).unwrap();
            let start = start % n;
            let naive: Vec<usize> = reachable(&edges, start, &|_| true).into_iter().collect();
            prop_assert_eq!(dag.descendants([&start], None).into_iter().copied().collect::<Vec<_>>(), naive.clone());
            for end in 0..n {
                prop_assert_eq!(dag.ancestors([&end], None).contains(&&start), naive.contains(&end));
            }
            let mut stepwise: BTreeSet<usize> = BTreeSet::from([start]);
            for depth in 1..4 {
                stepwise = stepwise.iter().flat_map(|i| reachable(&edges, *i, &|_| false)).chain(stepwise.iter().copied()).collect();
                let expected: Vec<usize> = stepwise.iter().copied().filter(|i| *i != start).collect();
                prop_assert_eq!(dag.descendants([&start], Some(depth)).into_iter().copied().collect::<Vec<_>>(), expected);
            }
        }

        #[test]
        fn the_topological_order_has_parents_before_children((n, edges) in acyclic()) {
            let dag = Dag::new(0..n, edges.iter().copied()).unwrap();
            let order: Vec<usize> = dag.topological().copied().collect();
            prop_assert_eq!(order.iter().collect::<HashSet<_>>().len(), n);
            for (parent, child) in edges {
                prop_assert!(order.iter().position(|i| *i == parent) < order.iter().position(|i| *i == child));
            }
        }

        #[test]
        fn a_subgraph_links_exactly_the_nearest_kept_nodes((n, edges) in acyclic(), mask in any::<u16>()) {
            let dag = Dag::new(0..n, edges.iter().copied()).unwrap();
            let kept = |i: usize| mask & (1 << i) != 0;
            let sub = dag.subgraph(|i| kept(*i));
            prop_assert_eq!(sub.nodes().copied().collect::<Vec<_>>(), (0..n).filter(|i| kept(*i)).collect::<Vec<_>>());
            for parent in sub.nodes() {
                let naive: Vec<usize> = reachable(&edges, *parent, &|i| !kept(i)).into_iter().filter(|i| kept(*i)).collect();
                prop_assert_eq!(sub.children(parent).into_iter().copied().collect::<Vec<_>>(), naive);
            }
        }

        #[test]
        fn nearest_common_descendants_are_what_the_naive_walk_finds(
            (n, edges) in acyclic(), groups in proptest::collection::vec(proptest::collection::vec(0_usize..14, 0..4), 0..40)
        ) {
            let dag = Dag::new(0..n, edges.iter().copied()).unwrap();
            let ids: Vec<usize> = (0..n).collect();
            let groups: Vec<Vec<&usize>> = groups.iter().map(|group| group.iter().map(|i| &ids[i % n]).collect()).collect();
            let found = dag.nearest_common_descendants(&groups);
            for (group, found) in groups.iter().zip(found) {
                let descends = |i: usize| group.iter().all(|member| reachable(&edges, **member, &|_| true).contains(&i));
                let nearest = |i: &usize| descends(*i) && !edges.iter().any(|(parent, child)| child == i && descends(*parent));
                let naive: Vec<usize> = if group.is_empty() { Vec::new() } else { (0..n).filter(nearest).collect() };
                prop_assert_eq!(found.into_iter().copied().collect::<Vec<_>>(), naive);
            }
        }

        #[test]
        fn a_graph_is_refused_exactly_when_a_node_reaches_itself(
            edges in proptest::collection::vec((0_usize..8, 0_usize..8), 0..14)
        ) {
            let mut closure: HashSet<(usize, usize)> = edges.iter().copied().collect();
            for via in 0..8 {
                for a in 0..8 {
                    for b in 0..8 {
                        if closure.contains(&(a, via)) && closure.contains(&(via, b)) {
                            closure.insert((a, b));
                        }
                    }
                }
            }
            let cyclic = (0..8).any(|i| closure.contains(&(i, i)));
            match Dag::new(0..8_usize, edges.iter().copied()) {
                Ok(_) => prop_assert!(!cyclic),
                Err(Error::Cycle { path }) => {
                    prop_assert!(path.len() >= 2 && path.first() == path.last());
                    for pair in path.windows(2) {
                        prop_assert!(edges.contains(&(pair[0], pair[1])));
                    }
                }
                Err(Error::UnknownNode { .. }) => prop_assert!(false),
            }
        }
    }
}
