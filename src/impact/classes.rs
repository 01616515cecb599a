//! What the change of each model is: both sides' compiled queries, compared column by column and clause by clause.

use rayon::prelude::*;

use super::document::ModelChange;
use super::words::{name, summary};
use crate::lineage::{
    self, Classification, Dialect, Evidence, Gap, GapReason, KnownColumns, ProjectCode, ProjectLineage, Version,
    schema_of,
};
use crate::model::{Change, Manifest, Node, ResourceType};
use crate::state::StateDiff;

/// Compiled code and what follows from it, of one side.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    /// The side's project.
    pub manifest: &'a Manifest,
    /// Its compiled code, and columns that are known from elsewhere.
    pub given: &'a ProjectCode,
    /// The lineage that follows from it.
    pub lineage: &'a ProjectLineage,
}

/// Both sides.
pub type Sides<'a> = Change<Code<'a>>;

/// The class of every changed model, snapshot and seed: the gravest first, else in manifest order.
pub fn classes<'a>(sides: &Sides<'_>, diff: &StateDiff, changed: impl Iterator<Item = &'a Node>) -> Vec<ModelChange> {
    let dialect = Dialect::of_adapter(&sides.current.manifest.metadata.adapter_type);
    let is_data =
        |node: &&Node| matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot | ResourceType::Seed);
    let changed: Vec<&Node> = changed.filter(is_data).collect();
    let class = |node: &&Node| {
        let before = sides.baseline.manifest.node(node.unique_id.as_str());
        let found = match before {
            None => said("new_model", None),
            Some(before) if node.resource_type == ResourceType::Seed => seed(before, node, sides, diff),
            Some(before) => query(before, node, sides, diff, dialect),
        };
        ModelChange {
            unique_id: node.unique_id.clone(),
            name: name(node),
            resource_type: node.resource_type,
            class: found.severity,
            summary: summary(&found.evidence),
            evidence: found.evidence,
        }
    };
    let mut changes: Vec<ModelChange> = lineage::with_deep_stack(|| changed.par_iter().map(class).collect());
    changes.sort_by_key(|change| std::cmp::Reverse(change.class));
    changes
}

/// A classification of one piece of evidence.
fn said(kind: &'static str, gap: Option<Gap>) -> Classification {
    Classification::of(vec![Evidence { gap, ..Evidence::of(kind) }])
}

fn query(before: &Node, node: &Node, sides: &Sides<'_>, diff: &StateDiff, dialect: Dialect) -> Classification {
    if before.language != "sql" || node.language != "sql" {
        return said("not_followed", Some(Gap::new(GapReason::NotSql, format!("written in {}", node.language))));
    }
    let code = |side: &Code<'_>, what: &str| match side.given.code.get(&node.unique_id) {
        Some(Ok(sql)) => Ok(sql.clone()),
        Some(Err(gap)) => Err(gap.clone()),
        None => Err(Gap::new(GapReason::NotCompiled, what)),
    };
    let current = code(&sides.current, "there is no compiled code");
    let baseline = code(&sides.baseline, "the baseline's manifest has no compiled code");
    match (baseline, current) {
        (Ok(was), Ok(is)) => {
            let schema = |node: &Node, side: &Code<'_>| schema_of(node, side.manifest, side.given, &side.lineage.nodes);
            let schemas = Change { baseline: schema(before, &sides.baseline), current: schema(node, &sides.current) };
            let versions = Change {
                baseline: Version { sql: &was, schema: &schemas.baseline },
                current: Version { sql: &is, schema: &schemas.current },
            };
            lineage::classify(&versions, dialect)
        }
        _ if has_same_code(node, diff) => said("same_code", None),
        (Err(gap), _) | (_, Err(gap)) => said("not_followed", Some(gap)),
    }
}

/// Whether neither the code nor a macro that it calls was edited.
fn has_same_code(node: &Node, diff: &StateDiff) -> bool {
    let edits = ["body", "macro", "value_macro", "vars", "env_vars", "ephemeral"];
    diff.changed.get(&node.unique_id).is_none_or(|hits| !hits.iter().any(|hit| edits.contains(&hit.reason)))
}

fn seed(before: &Node, node: &Node, sides: &Sides<'_>, diff: &StateDiff) -> Classification {
    let edits = ["seed", "seed_content"];
    let is_edited =
        diff.changed.get(&node.unique_id).is_some_and(|hits| hits.iter().any(|hit| edits.contains(&hit.reason)));
    if !is_edited {
        return said("same_code", None);
    }
    let columns = |node: &Node, side: &Code<'_>| side.given.columns.get(&node.unique_id).cloned();
    let mut evidence = vec![Evidence::of("seed_data_changed")];
    if let (Some(was), Some(is)) = (columns(before, &sides.baseline), columns(node, &sides.current)) {
        let only = |one: &KnownColumns, other: &KnownColumns| -> Vec<String> {
            let is_there = |name: &str| other.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
            one.columns.iter().map(|column| column.name.clone()).filter(|name| !is_there(name)).collect()
        };
        let named = |kind: &'static str| {
            move |name: String| Evidence { column: Some(name.as_str().into()), ..Evidence::of(kind) }
        };
        evidence.extend(only(&was, &is).into_iter().map(named("column_removed")));
        evidence.extend(only(&is, &was).into_iter().map(named("column_added_last")));
    }
    Classification::of(evidence)
}
