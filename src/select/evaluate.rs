//! Finds the nodes of a resolved selector, with the tests that come along.
//!
//! Every part yields two sets, as dbt keeps them: the nodes it selects, and the tests it touches without selecting them
//! (a parent is missing). Combining parts combines both, and a touched test is selected once its parents all are.

use super::method::Matcher;
use super::request::{World, is_matched};
use super::set::NodeSet;
use super::{Error, Indirect, ResolvedSelector};
use crate::graph::Dag;
use crate::model::{Code, Diagnostic, Manifest, Node, NodeId, ResourceType};

/// What a part selects, and which tests it touches.
#[derive(Debug, Clone)]
struct Found {
    direct: NodeSet,
    touched: NodeSet,
}

/// The nodes that `selector` means, by their places in the manifest, which are those in `dag`.
pub(super) fn evaluate<'a>(
    selector: &'a ResolvedSelector,
    world: &World<'a>,
    dag: &Dag<NodeId>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<NodeSet, Error> {
    Ok(Evaluation { world, dag, diagnostics }.find(selector)?.direct)
}

struct Evaluation<'w, 'a> {
    world: &'w World<'a>,
    dag: &'w Dag<NodeId>,
    diagnostics: &'w mut Vec<Diagnostic>,
}

impl<'a> Evaluation<'_, 'a> {
    fn find(&mut self, selector: &'a ResolvedSelector) -> Result<Found, Error> {
        match selector {
            ResolvedSelector::Criterion { indirect, .. } => {
                let selected = self.criterion(selector)?;
                Ok(self.with_tests(selected, *indirect))
            }
            ResolvedSelector::Union(parts, indirect) => self.combined(parts, *indirect, NodeSet::union),
            ResolvedSelector::Intersection(parts, indirect) => self.combined(parts, *indirect, NodeSet::intersect),
            ResolvedSelector::Difference(from, what, indirect) => {
                self.combined([&**from, &**what], *indirect, NodeSet::subtract)
            }
            ResolvedSelector::Expected(text, inner) => {
                let found = self.find(inner)?;
                if found.direct.is_empty() {
                    let message = format!("the selection criterion '{text}' does not match any enabled nodes");
                    self.diagnostics.push(Diagnostic::warning(Code::EmptySelection, message));
                }
                Ok(found)
            }
        }
    }

    /// Combines the selected of each part, and apart from it the selected or touched; then adds touched tests whose
    /// parents are all there by now.
    fn combined(
        &mut self,
        parts: impl IntoIterator<Item = &'a ResolvedSelector>,
        indirect: Indirect,
        combine: fn(&mut NodeSet, &NodeSet),
    ) -> Result<Found, Error> {
        let mut result: Option<Found> = None;
        for part in parts {
            let Found { direct, mut touched } = self.find(part)?;
            touched.union(&direct);
            match result.as_mut() {
                None => result = Some(Found { direct, touched }),
                Some(so_far) => {
                    combine(&mut so_far.direct, &direct);
                    combine(&mut so_far.touched, &touched);
                }
            }
        }
        let mut found = result.unwrap_or_else(|| Found { direct: self.nothing(), touched: self.nothing() });
        if found.direct != found.touched
            && let Some(enough) = self.enough(&found.direct, indirect)
        {
            let mut open = found.touched.clone();
            open.subtract(&found.direct);
            found.direct.extend(open.iter().filter(|&place| self.is_test(place) && enough.has_parents_of(place)));
        }
        Ok(found)
    }

    fn criterion(&self, selector: &'a ResolvedSelector) -> Result<NodeSet, Error> {
        let mut selected = self.nothing();
        let ResolvedSelector::Criterion { method, args, value, childrens_parents, parents, children, .. } = selector
        else {
            return Ok(selected);
        };
        let chosen: Vec<usize> = match method.matcher(args, value, self.world)? {
            Matcher::Known(places) => places,
            Matcher::Each(matches) => {
                let nodes = self.world.manifest.nodes.values().enumerate();
                nodes.filter(|(_, node)| is_matched(node) && matches(node)).map(|(place, _)| place).collect()
            }
        };
        let chosen = || chosen.iter().copied();
        selected.extend(chosen());
        if *childrens_parents {
            selected.extend(self.dag.descendants_at(chosen(), None));
            let ancestors = self.dag.ancestors_at(selected.iter(), None);
            selected.extend(ancestors);
        }
        if let Some(reach) = parents {
            selected.extend(self.dag.ancestors_at(chosen(), reach.depth()));
        }
        if let Some(reach) = children {
            selected.extend(self.dag.descendants_at(chosen(), reach.depth()));
        }
        Ok(selected)
    }

    fn with_tests(&self, selected: NodeSet, indirect: Indirect) -> Found {
        let mut found = Found { direct: selected, touched: self.nothing() };
        if indirect == Indirect::Empty {
            return found;
        }
        let mut tests = self.nothing();
        tests.extend(found.direct.iter().flat_map(|place| self.dag.children_at(place)).filter(|&i| self.is_test(i)));
        match self.enough(&found.direct, indirect) {
            None => found.direct.union(&tests),
            Some(enough) => {
                let ready: Vec<usize> = tests.iter().filter(|&place| enough.has_parents_of(place)).collect();
                found.direct.extend(ready);
                found.touched = tests;
            }
        }
        found
    }

    /// The nodes that a test's parents must be among; none where any single one is enough.
    fn enough(&self, selected: &NodeSet, indirect: Indirect) -> Option<Enough<'a>> {
        let mut nodes = match indirect {
            Indirect::Eager | Indirect::Empty => return None,
            Indirect::Cautious | Indirect::Buildable => selected.clone(),
        };
        let is_buildable = indirect == Indirect::Buildable;
        if is_buildable {
            nodes.extend(self.dag.ancestors_at(selected.iter(), None));
        }
        Some(Enough { manifest: self.world.manifest, nodes, or_sources: is_buildable })
    }

    fn nothing(&self) -> NodeSet {
        NodeSet::new(self.world.manifest.nodes.len())
    }

    fn is_test(&self, place: usize) -> bool {
        let kind = self.world.manifest.nodes[place].resource_type;
        matches!(kind, ResourceType::Test | ResourceType::UnitTest)
    }
}

/// What the parents of a test must be.
struct Enough<'a> {
    manifest: &'a Manifest,
    /// One of these,
    nodes: NodeSet,
    /// or any source.
    or_sources: bool,
}

impl Enough<'_> {
    fn has_parents_of(&self, test: usize) -> bool {
        let nodes = &self.manifest.nodes;
        let is_source = |node: &Node| node.resource_type == ResourceType::Source;
        nodes[test].depends_on.nodes.iter().all(|parent| {
            nodes
                .get_full(parent)
                .is_some_and(|(place, _, node)| self.nodes.contains(place) || (self.or_sources && is_source(node)))
        })
    }
}
