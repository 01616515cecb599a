//! Likely renames: a node that is gone and one that is new with the same code, or nearly so.

use std::collections::HashSet;

use serde::Serialize;

use super::StateDiff;
use crate::model::{Change, Manifest, Node, NodeId, ResourceType};

/// The least share of equal text at which two nodes count as one renamed.
const LIKELY: f32 = 0.75;
/// No more pairs than this are compared text by text; past it, only equal code is found.
const PAIRS: usize = 4_000;
/// Longer code than this is compared for equality alone, in bytes.
const LONGEST: usize = 100_000;

/// A node that dbt sees as one removed and one new.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rename {
    /// Its id in the baseline.
    pub from: NodeId,
    /// Its id now.
    pub to: NodeId,
    /// How much of the code is the same, from 0 to 1; of a seed, 1 when the data is the same; of a source, 1 when it is
    /// the same table.
    pub similarity: f32,
}

/// Pairs each removed node with the new node of its kind that is most like it.
pub(super) fn renames(manifests: &Change<&Manifest>, diff: &StateDiff) -> Vec<Rename> {
    let gone: Vec<&Node> = diff.removed.iter().filter_map(|id| manifests.baseline.node(id.as_str())).collect();
    let new: Vec<&Node> = diff.added.iter().filter_map(|id| manifests.current.node(id.as_str())).collect();
    let count = |kind: ResourceType| {
        let of_kind = |nodes: &[&Node]| nodes.iter().filter(|node| node.resource_type == kind).count();
        of_kind(&gone) * of_kind(&new)
    };
    let mut candidates = Vec::new();
    for kind in [ResourceType::Model, ResourceType::Seed, ResourceType::Snapshot, ResourceType::Source] {
        let reads_text = count(kind) <= PAIRS;
        for from in gone.iter().filter(|node| node.resource_type == kind) {
            for to in new.iter().filter(|node| node.resource_type == kind) {
                if let Some(similarity) = similarity(from, to, reads_text).filter(|likeness| *likeness >= LIKELY) {
                    let id = |node: &Node| node.unique_id.clone();
                    candidates.push(Rename { from: id(from), to: id(to), similarity });
                }
            }
        }
    }
    candidates.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    let (mut taken, mut found) = (HashSet::new(), Vec::new());
    for rename in candidates {
        if !taken.contains(&rename.from) && !taken.contains(&rename.to) {
            taken.extend([rename.from.clone(), rename.to.clone()]);
            found.push(rename);
        }
    }
    found
}

fn similarity(from: &Node, to: &Node, reads_text: bool) -> Option<f32> {
    match from.resource_type {
        ResourceType::Seed => {
            let equal = from.checksum == to.checksum && !matches!(from.checksum.name.as_str(), "path" | "none");
            equal.then_some(1.0)
        }
        ResourceType::Source => {
            let (old, new) = (from.as_source()?, to.as_source()?);
            let table = |node: &Node| (node.database.clone(), node.schema.clone());
            (table(from) == table(to) && old.identifier == new.identifier).then_some(1.0)
        }
        _ if from.raw_code.trim().is_empty() || from.language != to.language => None,
        _ if from.raw_code == to.raw_code => Some(1.0),
        _ if !reads_text || from.raw_code.len().max(to.raw_code.len()) > LONGEST => None,
        _ => Some(similar::TextDiff::from_words(&from.raw_code, &to.raw_code).ratio()),
    }
}
