//! Finds the nodes of a resolved selector, with the tests that come along.
//!
//! Every part yields two sets, as dbt keeps them: the nodes it selects, and the tests it touches without selecting them
//! (a parent is missing). Combining parts combines both, and a touched test is selected once its parents all are.

use std::collections::HashSet;

use super::method::Matcher;
use super::request::{World, is_matched};
use super::{Error, Indirect, ResolvedSelector};
use crate::graph::Dag;
use crate::model::{Code, Diagnostic, NodeId, ResourceType};

type Set<'a> = HashSet<&'a NodeId>;

/// What a part selects, and which tests it touches.
#[derive(Debug, Clone, Default)]
struct Found<'a> {
    direct: Set<'a>,
    touched: Set<'a>,
}

/// The ids that `selector` means.
pub(super) fn evaluate<'a>(
    selector: &'a ResolvedSelector,
    world: &World<'a>,
    dag: &'a Dag<NodeId>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Set<'a>, Error> {
    Ok(Evaluation { world, dag, diagnostics }.find(selector)?.direct)
}

struct Evaluation<'w, 'a> {
    world: &'w World<'a>,
    dag: &'a Dag<NodeId>,
    diagnostics: &'w mut Vec<Diagnostic>,
}

impl<'a> Evaluation<'_, 'a> {
    fn find(&mut self, selector: &'a ResolvedSelector) -> Result<Found<'a>, Error> {
        match selector {
            ResolvedSelector::Criterion { indirect, .. } => {
                let selected = self.criterion(selector)?;
                Ok(self.with_tests(selected, *indirect))
            }
            ResolvedSelector::Union(parts, indirect) => self.combined(parts, *indirect, Extend::extend),
            ResolvedSelector::Intersection(parts, indirect) => {
                self.combined(parts, *indirect, |a, b| a.retain(|id| b.contains(id)))
            }
            ResolvedSelector::Difference(from, what, indirect) => {
                let (from, what) = (self.find(from)?, self.find(what)?);
                Ok(self.settle([from, what], *indirect, |a, b| a.retain(|id| !b.contains(id))))
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

    fn combined(
        &mut self,
        parts: &'a [ResolvedSelector],
        indirect: Indirect,
        combine: fn(&mut Set<'a>, Set<'a>),
    ) -> Result<Found<'a>, Error> {
        let found = parts.iter().map(|part| self.find(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.settle(found, indirect, combine))
    }

    /// Combines the selected of each part, and apart from it the selected or touched; then adds touched tests whose
    /// parents are all there by now.
    fn settle(
        &self,
        parts: impl IntoIterator<Item = Found<'a>>,
        indirect: Indirect,
        combine: fn(&mut Set<'a>, Set<'a>),
    ) -> Found<'a> {
        let mut result: Option<Found<'a>> = None;
        for Found { direct, mut touched } in parts {
            touched.extend(&direct);
            match result.as_mut() {
                None => result = Some(Found { direct, touched }),
                Some(so_far) => {
                    combine(&mut so_far.direct, direct);
                    combine(&mut so_far.touched, touched);
                }
            }
        }
        let mut found = result.unwrap_or_default();
        if found.direct.len() != found.touched.len()
            && let Some(enough) = self.enough(&found.direct, indirect)
        {
            let ready: Vec<_> = found
                .touched
                .iter()
                .copied()
                .filter(|id| self.is_test(id) && self.parents_are_in(id, &enough))
                .collect();
            found.direct.extend(ready);
        }
        found
    }

    fn criterion(&self, selector: &'a ResolvedSelector) -> Result<Set<'a>, Error> {
        let ResolvedSelector::Criterion { method, args, value, childrens_parents, parents, children, .. } = selector
        else {
            return Ok(Set::new());
        };
        let matcher = method.matcher(args, value, self.world)?;
        let chosen: Set<'a> = match matcher {
            Matcher::Known(nodes) => nodes.into_iter().map(|node| &node.unique_id).collect(),
            Matcher::Each(matches) => {
                let nodes = self.world.manifest.nodes.values();
                nodes.filter(|node| is_matched(node) && matches(node)).map(|node| &node.unique_id).collect()
            }
        };
        let mut selected = chosen.clone();
        if *childrens_parents {
            selected.extend(self.dag.descendants(chosen.iter().copied(), None));
            let ancestors = self.dag.ancestors(selected.iter().copied(), None);
            selected.extend(ancestors);
        }
        if let Some(reach) = parents {
            selected.extend(self.dag.ancestors(chosen.iter().copied(), reach.depth()));
        }
        if let Some(reach) = children {
            selected.extend(self.dag.descendants(chosen.iter().copied(), reach.depth()));
        }
        Ok(selected)
    }

    fn with_tests(&self, selected: Set<'a>, indirect: Indirect) -> Found<'a> {
        if indirect == Indirect::Empty {
            return Found { direct: selected, touched: Set::new() };
        }
        let tests: Vec<&'a NodeId> =
            selected.iter().flat_map(|id| self.dag.children(id)).filter(|id| self.is_test(id)).collect();
        let enough = self.enough(&selected, indirect);
        let mut found = Found { direct: selected, touched: Set::new() };
        for id in tests {
            match &enough {
                Some(enough) if !self.parents_are_in(id, enough) => found.touched.insert(id),
                _ => found.direct.insert(id),
            };
        }
        found
    }

    /// The nodes that a test's parents must be among; none where any single one is enough.
    fn enough(&self, selected: &Set<'a>, indirect: Indirect) -> Option<Set<'a>> {
        match indirect {
            Indirect::Eager | Indirect::Empty => None,
            Indirect::Cautious => Some(selected.clone()),
            Indirect::Buildable => {
                let mut enough = selected.clone();
                enough.extend(self.dag.ancestors(selected.iter().copied(), None));
                enough.extend(self.world.manifest.of_type(ResourceType::Source).map(|node| &node.unique_id));
                Some(enough)
            }
        }
    }

    fn is_test(&self, id: &NodeId) -> bool {
        let kind = self.world.manifest.node(id.as_str()).map(|node| node.resource_type);
        matches!(kind, Some(ResourceType::Test | ResourceType::UnitTest))
    }

    fn parents_are_in(&self, id: &NodeId, enough: &Set<'a>) -> bool {
        let node = self.world.manifest.node(id.as_str());
        node.is_some_and(|node| node.depends_on.nodes.iter().all(|parent| enough.contains(parent)))
    }
}
