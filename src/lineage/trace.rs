//! From a column to all that is computed from it, and to all that it is computed from.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{How, ProjectLineage};
use crate::model::NodeId;

/// A column of a node; without a column, the node's rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The node, or the name of a relation that is none.
    pub node: NodeId,
    /// Its column; none when it is decided which rows the node has.
    pub column: Option<Arc<str>>,
}

/// Something that a trace reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// What.
    pub place: Place,
    /// How the column comes from the one before it on the path; none for rows.
    pub how: Option<How>,
    /// Steps from the start, from 1.
    pub distance: usize,
    /// A shortest way from the start to here, both included.
    pub path: Vec<Place>,
}

/// Relation and column in lower case, to the places that read it and how.
type Readers = HashMap<(Arc<str>, String), Vec<(Place, Option<How>)>>;

/// Answers questions about one project's lineage; made once, asked often.
#[derive(Debug)]
pub struct Tracer<'l> {
    lineage: &'l ProjectLineage,
    readers: Readers,
}

impl ProjectLineage {
    /// A tracer of this lineage.
    pub fn tracer(&self) -> Tracer<'_> {
        let mut readers = Readers::new();
        for node in self.nodes.values() {
            for column in &node.lineage.columns {
                let place = Place { node: node.unique_id.clone(), column: Some(Arc::clone(&column.name)) };
                for origin in &column.origins {
                    let key = (Arc::clone(&origin.relation), origin.column.to_lowercase());
                    readers.entry(key).or_default().push((place.clone(), Some(column.how)));
                }
            }
            let mut seen = HashSet::new();
            for origin in node.lineage.rows.iter().flat_map(|rule| &rule.origins) {
                let key = (Arc::clone(&origin.relation), origin.column.to_lowercase());
                if seen.insert(key.clone()) {
                    readers.entry(key).or_default().push((Place { node: node.unique_id.clone(), column: None }, None));
                }
            }
        }
        Tracer { lineage: self, readers }
    }

    /// All that is computed from a column; see [`Tracer::downstream`].
    pub fn downstream(&self, node: &str, column: &str) -> Vec<Reached> {
        self.tracer().downstream(node, column)
    }

    /// All that a column is computed from; see [`Tracer::upstream`].
    pub fn upstream(&self, node: &str, column: &str) -> Vec<Reached> {
        self.tracer().upstream(node, column)
    }
}

impl Tracer<'_> {
    /// Columns that are computed from this one, the nearest first, and nodes whose rows it decides. What is computed
    /// from such a node is not followed further: all of it is touched.
    pub fn downstream(&self, node: &str, column: &str) -> Vec<Reached> {
        self.walk(node, column, |place| {
            let Some(column) = &place.column else { return Vec::new() };
            let key = (Arc::from(place.node.as_str()), column.to_lowercase());
            self.readers.get(&key).cloned().unwrap_or_default()
        })
    }

    /// Columns that this one is computed from, the nearest first, down to those of sources and seeds.
    pub fn upstream(&self, node: &str, column: &str) -> Vec<Reached> {
        self.walk(node, column, |place| {
            let of = self.lineage.nodes.get(place.node.as_str());
            let found = of.zip(place.column.as_deref()).and_then(|(node, column)| node.lineage.column(column));
            let Some(column) = found else { return Vec::new() };
            let place = |origin: &super::Origin| Place {
                node: NodeId::from(&*origin.relation),
                column: Some(self.named_as_known(&origin.relation, &origin.column)),
            };
            column.origins.iter().map(|origin| (place(origin), Some(column.how))).collect()
        })
    }

    /// The column's name as its own node writes it.
    fn named_as_known(&self, node: &str, column: &Arc<str>) -> Arc<str> {
        let known = self.lineage.nodes.get(node).and_then(|node| node.lineage.column(column));
        known.map_or_else(|| Arc::clone(column), |known| Arc::clone(&known.name))
    }

    fn walk(&self, node: &str, column: &str, next: impl Fn(&Place) -> Vec<(Place, Option<How>)>) -> Vec<Reached> {
        let column = self.named_as_known(node, &Arc::from(column));
        let start = Place { node: NodeId::from(node), column: Some(column) };
        let mut reached: Vec<Reached> = Vec::new();
        let mut seen: HashSet<Place> = HashSet::from([start.clone()]);
        let mut open = VecDeque::from([(start.clone(), None::<usize>)]);
        while let Some((here, at)) = open.pop_front() {
            for (place, how) in next(&here) {
                if !seen.insert(place.clone()) {
                    continue;
                }
                let mut path = at.map_or_else(|| vec![start.clone()], |at| reached[at].path.clone());
                path.push(place.clone());
                reached.push(Reached { place: place.clone(), how, distance: path.len() - 1, path });
                open.push_back((place, Some(reached.len() - 1)));
            }
        }
        reached
    }
}
