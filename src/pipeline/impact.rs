//! What the changes reach, column by column: both sides are compiled as far as that goes without a database.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::lineage::{Compiled, OfflineCompiler, seeds};
use super::project::{timed, took};
use super::{Error, Invocation, Loaded};
use crate::baseline::ParsedRevision;
use crate::impact::{self, Code, Impact, ModelChange, Region};
use crate::lineage::{self, Dialect, KnownColumn, ProjectCode, ProjectLineage, Schema, columns_of};
use crate::model::{Change, Manifest, Node, NodeId, ResourceType};
use crate::state::StateDiff;

/// The side that changes are counted from.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) manifest: &'a Arc<Manifest>,
    /// What compiles its nodes; without it, the manifest's own compiled code is used where it has some.
    pub(super) parsed: Option<&'a ParsedRevision>,
}

/// What the changes of the nodes that `chosen` accepts are, and what they reach.
///
/// # Errors
/// The plan of what is compiled cannot be made.
pub(super) async fn of(
    invocation: &Invocation,
    head: &Loaded,
    before: Before<'_>,
    diff: &StateDiff,
    chosen: impl Fn(&NodeId) -> bool,
) -> Result<Impact, Error> {
    let region = timed("what is below", || {
        Region::below(&head.manifest, &head.dag, &impact::starts(&head.manifest, diff, chosen))
    });
    if region.is_empty() {
        return Ok(Impact::default());
    }
    let since = Instant::now();
    let work = Work { invocation, head, before, region: &region };
    let mut given = work.current().await?;
    took("compiling the current side", since);
    let current = timed("lineage", || work.lineage(&given));
    let earlier = work.earlier(&given, &current).await?;
    let earlier_lineage = lineage::of_nodes(before.manifest, &earlier, known(before.manifest, &earlier));
    let sides = Change {
        baseline: Code { manifest: before.manifest, given: &earlier, lineage: &earlier_lineage },
        current: Code { manifest: &head.manifest, given: &given, lineage: &current },
    };
    let changes = impact::classes(&sides, diff, region.changed());
    for change in &changes {
        given.former.extend(former(change));
    }
    let lineage = if given.former.is_empty() { current } else { work.lineage(&given) };
    took("columns", since);
    let inputs = impact::Inputs { region: &region, diff, changes: &changes, lineage: &lineage };
    Ok(timed("impact", || impact::impact(&inputs)))
}

/// Columns that are gone under their name.
fn former(change: &ModelChange) -> Option<(NodeId, Vec<KnownColumn>)> {
    let gone = |one: &lineage::Evidence| match one.kind.as_str() {
        "column_removed" => one.column.clone(),
        "column_renamed" => one.was.clone(),
        _ => None,
    };
    let gone: Vec<KnownColumn> =
        change.evidence.iter().filter_map(gone).map(|name| KnownColumn::new(name.to_string())).collect();
    (!gone.is_empty()).then(|| (change.unique_id.clone(), gone))
}

/// The nodes of which something is given, with the seeds and sources that they read.
fn known<'m>(manifest: &'m Manifest, given: &'m ProjectCode) -> impl Iterator<Item = &'m Node> {
    let read: HashSet<&NodeId> = given
        .code
        .keys()
        .filter_map(|id| manifest.node(id.as_str()))
        .flat_map(|node| &node.depends_on.nodes)
        .filter(|id| !given.code.contains_key(*id))
        .collect();
    manifest.nodes.values().filter(move |node| {
        let is_stored = matches!(node.resource_type, ResourceType::Seed | ResourceType::Source);
        given.code.contains_key(&node.unique_id) || (is_stored && read.contains(&node.unique_id))
    })
}

struct Work<'a> {
    invocation: &'a Invocation,
    head: &'a Loaded,
    before: Before<'a>,
    region: &'a Region<'a>,
}

impl Work<'_> {
    /// The current side's code: of all that is reached, and of what has to be known of what is above it.
    async fn current(&self) -> Result<ProjectCode, Error> {
        let manifest = &self.head.manifest;
        let compiler = OfflineCompiler::new(self.invocation, self.head, manifest, &self.head.renderer)?;
        let mut code = compiler.code(self.region.queries()).await;
        let mut open: Vec<NodeId> = code.keys().cloned().collect();
        loop {
            let above = parents(manifest, &open, &code);
            if above.is_empty() {
                break;
            }
            let compiled = compiler.code(above.into_iter()).await;
            // Whoever names all its columns needs nothing of what it reads.
            let dialect = Dialect::of_adapter(&manifest.metadata.adapter_type);
            let is_open = |sql: &str| !lineage::of_query(sql, dialect, &Schema::new()).complete;
            open = compiled
                .iter()
                .filter(|(_, code)| code.as_deref().is_ok_and(is_open))
                .map(|(id, _)| id.clone())
                .collect();
            code.extend(compiled);
        }
        Ok(ProjectCode { code, columns: seeds(manifest), ..ProjectCode::default() })
    }

    fn lineage(&self, given: &ProjectCode) -> ProjectLineage {
        lineage::of_nodes(&self.head.manifest, given, known(&self.head.manifest, given))
    }

    /// The earlier side's code: of what changed, and of what lies between. What is above them all is as it is now.
    async fn earlier(&self, given: &ProjectCode, current: &ProjectLineage) -> Result<ProjectCode, Error> {
        let manifest = self.before.manifest;
        let has_query = |node: &&Node| {
            matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot) && node.language == "sql"
        };
        let now = self.region.changed().chain(self.region.between());
        let mut wanted: HashSet<&NodeId> = now.map(|node| &node.unique_id).collect();
        let nodes = |ids: &HashSet<&NodeId>| -> Vec<&Node> {
            ids.iter().filter_map(|id| manifest.node(id.as_str())).filter(has_query).collect()
        };
        // What is gone has no code on the current side.
        let gone: Vec<&NodeId> = nodes(&wanted)
            .into_iter()
            .flat_map(|node| &node.depends_on.nodes)
            .filter(|id| !self.head.manifest.nodes.contains_key(*id))
            .collect();
        wanted.extend(gone);
        let nodes = nodes(&wanted);
        let code: Compiled = if let Some(parsed) = self.before.parsed {
            let compiler = OfflineCompiler::new(self.invocation, self.head, manifest, &parsed.renderer)?;
            compiler.code(nodes.iter().copied()).await
        } else {
            let compiled = |node: &&Node| {
                let code = manifest.compiled_code.get(&node.unique_id)?;
                Some((node.unique_id.clone(), Ok(code.to_string())))
            };
            nodes.iter().filter_map(compiled).collect()
        };
        let mut columns = seeds(manifest);
        for node in nodes.iter().flat_map(|node| &node.depends_on.nodes) {
            let unchanged = self.head.manifest.node(node.as_str()).filter(|_| !self.region.contains(node));
            if let Some(above) = unchanged {
                columns.entry(node.clone()).or_insert_with(|| columns_of(above, given, &current.nodes));
            }
        }
        Ok(ProjectCode { code, columns, ..ProjectCode::default() })
    }
}

/// Models and snapshots that `of` read and whose code is not there yet.
fn parents<'m>(manifest: &'m Manifest, of: &[NodeId], code: &Compiled) -> Vec<&'m Node> {
    let mut seen = HashSet::new();
    let ids = of.iter().filter_map(|id| manifest.node(id.as_str())).flat_map(|node| &node.depends_on.nodes);
    let has_query = |node: &&Node| {
        matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot) && node.language == "sql"
    };
    ids.filter(|id| !code.contains_key(*id) && seen.insert(*id))
        .filter_map(|id| manifest.node(id.as_str()))
        .filter(has_query)
        .collect()
}
