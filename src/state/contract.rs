//! What a model promises: its contract, and how others may refer to it.

use serde_json::Value as Json;

use super::config::text;
use super::reason::{Finding, Pair};
use super::severity::Severity;
use crate::model::node::ModelDetail;
use crate::model::{Change, Node};

pub(super) fn ref_representation(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(models) = models(&pair.nodes) else { return Vec::new() };
    let access = Finding::if_changed("access", models.map(|model| Some(model.access.clone())));
    let reach = models.map(|model| openness(&model.access));
    let narrower = reach.current < reach.baseline;
    let deprecation = Finding::if_changed("deprecation_date", models.map(|model| model.deprecation_date.clone()));
    [
        access.map(|finding| if narrower { broken(finding) } else { finding.graded(Severity::Metadata) }),
        Finding::if_changed("latest_version", models.map(|model| model.latest_version.as_ref().map(text))),
        deprecation.map(|finding| finding.graded(Severity::Metadata)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How far away from a model it may be referred to.
fn openness(access: &str) -> u8 {
    match access {
        "private" => 0,
        "public" => 2,
        _ => 1,
    }
}

pub(super) fn contract(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(models) = models(&pair.nodes) else { return Vec::new() };
    let enforced = models.map(|model| model.contract_enforced);
    match (enforced.baseline, enforced.current) {
        (false, false) => Vec::new(),
        (false, true) => vec![Finding::said("contract enforced now")],
        (true, false) => {
            vec![broken(Finding::said("contract is not enforced any more"))]
        }
        (true, true) => {
            let checksums = models.map(|model| model.contract_checksum.as_ref());
            if checksums.baseline.is_some() && !checksums.is_changed() {
                return Vec::new();
            }
            promises(pair, &models)
        }
    }
}

fn models<'a>(nodes: &Change<&'a Node>) -> Option<Change<&'a ModelDetail>> {
    Some(Change { baseline: nodes.baseline.as_model()?, current: nodes.current.as_model()? })
}

/// What differs between two enforced contracts whose checksums do.
fn promises(pair: &Pair<'_>, models: &Change<&ModelDetail>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, old) in &pair.nodes.baseline.columns {
        match pair.nodes.current.columns.get(name) {
            None => findings.push(broken(Finding::said(format!("column {name} removed from the contract")))),
            Some(new) => {
                let types = Change { baseline: old.data_type.clone(), current: new.data_type.clone() };
                let base = types.as_ref().map(|data_type| base_type(data_type.as_deref()));
                let finding = Finding::if_changed(&format!("type of column {name}"), types);
                findings.extend(finding.map(|finding| if base.is_changed() { broken(finding) } else { finding }));
                let constraints = Change { baseline: &old.constraints, current: &new.constraints };
                findings.extend(constraint_changes(pair, &format!(" of column {name}"), &constraints));
            }
        }
    }
    for name in pair.nodes.current.columns.keys().filter(|name| !pair.nodes.baseline.columns.contains_key(*name)) {
        findings.push(Finding::said(format!("column {name} added to the contract")));
    }
    findings.extend(constraint_changes(pair, "", &models.map(|model| &model.constraints)));
    let enforcing = pair.nodes.map(materialization_enforces);
    if enforcing.baseline && !enforcing.current && has_constraints(pair.nodes.baseline, models.baseline) {
        findings.push(broken(Finding::said("constraints are not enforced by the new materialization")));
    }
    if findings.is_empty() {
        findings.push(Finding::said("contract changed"));
    }
    findings
}

fn broken(finding: Finding) -> Finding {
    Finding { summary: format!("breaking: {}", finding.summary), ..finding }.graded(Severity::Breaking)
}

/// The type without size, precision and case: what a consumer relies on.
fn base_type(data_type: Option<&str>) -> Option<String> {
    data_type.map(|text| text.split('(').next().unwrap_or_default().trim().to_lowercase())
}

/// Only these materializations write constraints to the database.
fn materialization_enforces(node: &Node) -> bool {
    matches!(node.materialized(), "table" | "incremental")
}

fn has_constraints(node: &Node, model: &ModelDetail) -> bool {
    !model.constraints.is_empty() || node.columns.values().any(|column| !column.constraints.is_empty())
}

fn constraint_changes(pair: &Pair<'_>, of: &str, constraints: &Change<&Vec<Json>>) -> Vec<Finding> {
    let removed = constraints.baseline.iter().filter(|old| !constraints.current.contains(old)).map(|old| {
        let finding = Finding::said(format!("constraint {}{of} removed", kind(old)));
        if materialization_enforces(pair.nodes.baseline) && adapter_enforces(pair.adapter_type, kind(old)) {
            broken(finding)
        } else {
            finding
        }
    });
    let added = constraints.current.iter().filter(|new| !constraints.baseline.contains(new));
    removed.chain(added.map(|new| Finding::said(format!("constraint {}{of} added", kind(new))))).collect()
}

fn kind(constraint: &Json) -> &str {
    constraint.get("type").and_then(Json::as_str).unwrap_or("without a type")
}

/// Row stores check every constraint, most warehouses only `not_null`.
fn adapter_enforces(adapter_type: &str, kind: &str) -> bool {
    matches!(adapter_type, "postgres" | "duckdb" | "sqlite") || kind == "not_null"
}
