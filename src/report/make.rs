//! Makes the report out of the outcomes of a run. Pure: same inputs, same report.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::document::{
    BuildReport, Drift, ModelReport, ModelState, OtherChange, Reason, Report, SCHEMA_VERSION, TestReport, Totals,
    Verdict,
};
use super::findings;
use super::reach::{Below, name};
use crate::build::{BuildOutcome, NodeResult};
use crate::config::Rules;
use crate::diff::{Method, TableDiff};
use crate::impact::Impact;
use crate::model::{Manifest, Node, NodeId, NodeStatus, ResourceType};
use crate::plan::Plan;
use crate::state::{Hit, StateDiff};

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The pull request's project.
    pub manifest: &'a Manifest,
    /// What it was compared with, for people, e.g. `production's manifest of 3 October`.
    pub baseline: &'a str,
    /// How production differs from where the pull request began.
    pub drift: Option<&'a Drift>,
    /// What changed.
    pub state: &'a StateDiff,
    /// What the changes break and what they reach.
    pub impact: Option<&'a Impact>,
    /// What was to be done.
    pub plan: &'a Plan,
    /// What was done.
    pub build: &'a BuildOutcome,
    /// What was compared.
    pub diffs: &'a [TableDiff],
    /// The throw-away schema.
    pub environment: Option<&'a str>,
    /// The pull request's number.
    pub pull_request: Option<u64>,
    /// The commit that was checked.
    pub head_sha: Option<&'a str>,
    /// What counts as a finding, of each model.
    pub rules: &'a Rules,
    /// slimdiff's own version.
    pub tool_version: &'a str,
    /// Wall-clock time of the run.
    pub elapsed: Duration,
}

/// Makes the report.
pub fn make(inputs: Inputs<'_>) -> Report {
    let by_node: HashMap<&NodeId, &TableDiff> =
        inputs.diffs.iter().filter_map(|diff| Some((diff.unique_id.as_ref()?, diff))).collect();
    let results: HashMap<&NodeId, &NodeResult> =
        inputs.build.results.iter().map(|result| (&result.unique_id, result)).collect();
    let below = Below::walk(inputs.manifest, starts(&inputs));
    let models = models(&inputs, &results, &by_node, &below);
    let tests: Vec<TestReport> =
        inputs.build.results.iter().filter_map(|result| test(inputs.manifest, result)).collect();
    let built = built(&models);
    let reach = below.reach(&built, &by_node);
    let found = findings::find(&models, &tests, inputs.build, inputs.rules);
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        tool_version: inputs.tool_version.to_owned(),
        project: inputs.manifest.metadata.project_name.clone(),
        adapter: inputs.manifest.metadata.adapter_type.clone(),
        pull_request: inputs.pull_request,
        head_sha: inputs.head_sha.map(str::to_owned),
        baseline: inputs.baseline.to_owned(),
        drift: inputs.drift.cloned(),
        environment: inputs.environment.map(str::to_owned),
        verdict: Verdict::Clean,
        totals: totals(&models, &tests, &inputs.state.removed),
        findings: found,
        models,
        other_changes: other_changes(&inputs),
        removed: inputs.state.removed.clone(),
        tests,
        reach,
        impact: inputs.impact.cloned(),
        elapsed_seconds: inputs.elapsed.as_secs_f64(),
    };
    report.verdict = findings::verdict(&report.findings);
    report
}

/// Whether the node is a table or view of the project's own.
fn is_model(id: &NodeId) -> bool {
    let kind = id.as_str().split('.').next().unwrap_or_default();
    ResourceType::parse(kind).is_some_and(ResourceType::is_refable)
}

/// Where the walk down begins: everything new or changed that data flows out of.
fn starts<'a>(inputs: &Inputs<'a>) -> Vec<&'a NodeId> {
    let flows = |id: &&NodeId| {
        inputs.manifest.node(id.as_str()).is_some_and(|node| {
            !matches!(node.resource_type, ResourceType::Test | ResourceType::UnitTest | ResourceType::Exposure)
        })
    };
    let modified = inputs.state.changed.keys().filter(|id| inputs.state.is_modified(id.as_str()));
    inputs.state.added.iter().chain(modified).filter(flows).collect()
}

/// Models in the order of the plan, then those that changed and were not planned.
fn models(
    inputs: &Inputs<'_>,
    results: &HashMap<&NodeId, &NodeResult>,
    diffs: &HashMap<&NodeId, &TableDiff>,
    below: &Below<'_>,
) -> Vec<ModelReport> {
    let planned = inputs.plan.steps.iter().map(|step| &step.unique_id).filter(|id| is_model(id));
    let changed = starts(inputs).into_iter().filter(|id| is_model(id));
    let compared = inputs.diffs.iter().filter_map(|diff| diff.unique_id.as_ref());
    let mut seen = HashSet::new();
    planned
        .chain(changed)
        .chain(compared)
        .filter(|id| seen.insert(*id))
        .filter_map(|id| inputs.manifest.node(id.as_str()))
        .map(|node| model(inputs, node, results.get(&node.unique_id), diffs.get(&node.unique_id), below))
        .collect()
}

fn model(
    inputs: &Inputs<'_>,
    node: &Node,
    result: Option<&&NodeResult>,
    diff: Option<&&TableDiff>,
    below: &Below<'_>,
) -> ModelReport {
    let id = &node.unique_id;
    let state = if inputs.state.added.contains(id) {
        ModelState::Added
    } else if inputs.state.is_modified(id.as_str()) {
        ModelState::Modified
    } else {
        ModelState::Downstream
    };
    let origin = below.origin(id).filter(|origin| state == ModelState::Downstream && *origin != id);
    let because_of = origin.and_then(|origin| inputs.manifest.node(origin.as_str())).map(name);
    ModelReport {
        unique_id: id.clone(),
        name: name(node),
        resource_type: node.resource_type,
        materialized: node.materialized().to_owned(),
        path: node.original_file_path.clone(),
        state,
        reasons: reasons(inputs.state.changed.get(id)),
        because_of: because_of.into_iter().collect(),
        build: result.map(|result| BuildReport {
            status: result.status,
            message: result.message.clone(),
            relation: result.relation.as_ref().map(crate::model::Relation::short),
            seconds: result.elapsed.as_secs_f64(),
        }),
        diff: diff.map(|diff| (**diff).clone()),
    }
}

fn reasons(hits: Option<&Vec<Hit>>) -> Vec<Reason> {
    let hits = hits.into_iter().flatten().filter(|hit| hit.in_modified);
    let reason = |hit: &Hit| Reason {
        reason: hit.reason.to_owned(),
        title: hit.title.to_owned(),
        severity: hit.severity,
        summary: hit.summary.clone(),
        breaking: hit.is_breaking(),
        code_diff: hit.code_diff(2).filter(|_| hit.reason == "body"),
    };
    let mut reasons: Vec<Reason> = hits.map(reason).collect();
    // A line of its own has room for the first alone.
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    reasons
}

fn test(manifest: &Manifest, result: &NodeResult) -> Option<TestReport> {
    let node = manifest.node(result.unique_id.as_str());
    let of_type = node.map_or_else(
        || ResourceType::parse(result.unique_id.as_str().split('.').next().unwrap_or_default()),
        |node| Some(node.resource_type),
    );
    matches!(of_type, Some(ResourceType::Test | ResourceType::UnitTest)).then_some(())?;
    let detail = node.and_then(Node::as_test);
    let attached = detail.and_then(|detail| detail.attached_node.as_ref());
    let about = attached.or_else(|| node.and_then(|node| node.depends_on.nodes.first()));
    let about = about.and_then(|id| manifest.node(id.as_str()));
    Some(TestReport {
        unique_id: result.unique_id.clone(),
        name: node.map_or_else(|| result.unique_id.short().to_owned(), |node| node.name.clone()),
        model: about.map(name),
        column: detail.and_then(|detail| detail.column_name.clone()),
        status: result.status,
        failures: result.failures,
        message: result.message.clone(),
        coverage: node.is_some_and(is_coverage),
        seconds: result.elapsed.as_secs_f64(),
    })
}

/// `meta.slimdiff.check: coverage` (of the node or its config), or the tag `coverage`.
fn is_coverage(node: &Node) -> bool {
    let check =
        |meta: Option<&serde_json::Value>| meta.and_then(|meta| meta.pointer("/check")?.as_str()) == Some("coverage");
    node.tags.iter().any(|tag| tag == "coverage")
        || check(node.meta.get("slimdiff"))
        || check(node.config.get("meta").and_then(|meta| meta.get("slimdiff")))
}

fn other_changes(inputs: &Inputs<'_>) -> Vec<OtherChange> {
    let added = inputs.state.added.iter().map(|id| (id, true));
    let modified = inputs.state.changed.keys().filter(|id| inputs.state.is_modified(id.as_str()));
    let modified = modified.filter(|id| !inputs.state.added.contains(*id)).map(|id| (id, false));
    added
        .chain(modified)
        .filter(|(id, _)| !is_model(id))
        .filter_map(|(id, added)| {
            let node = inputs.manifest.node(id.as_str())?;
            let reasons = reasons(inputs.state.changed.get(id));
            Some(OtherChange { unique_id: id.clone(), resource_type: node.resource_type, added, reasons })
        })
        .collect()
}

fn built(models: &[ModelReport]) -> HashSet<&NodeId> {
    let success = |model: &&ModelReport| model.build.as_ref().is_some_and(|build| build.status == NodeStatus::Success);
    models.iter().filter(success).map(|model| &model.unique_id).collect()
}

fn totals(models: &[ModelReport], tests: &[TestReport], removed: &[NodeId]) -> Totals {
    let built = |status| models.iter().filter_map(|m| m.build.as_ref()).filter(|build| build.status == status).count();
    let ended = |status| tests.iter().filter(|test| test.status == status).count();
    let diffs = || models.iter().filter_map(|model| model.diff.as_ref());
    Totals {
        models_changed: models.iter().filter(|m| m.state != ModelState::Downstream && is_model(&m.unique_id)).count(),
        models_removed: removed.iter().filter(|id| is_model(id)).count(),
        models_built: built(NodeStatus::Success),
        models_failed: built(NodeStatus::Error),
        models_skipped: built(NodeStatus::Skipped) + built(NodeStatus::Cancelled),
        tests_passed: ended(NodeStatus::Pass),
        tests_failed: ended(NodeStatus::Fail),
        tests_warned: ended(NodeStatus::Warn),
        tests_errored: ended(NodeStatus::Error),
        tests_skipped: ended(NodeStatus::Skipped) + ended(NodeStatus::Cancelled),
        tables_compared: diffs().filter(|diff| diff.is_compared()).count(),
        tables_different: diffs().filter(|diff| diff.differs()).count(),
        tables_new: diffs()
            .filter(|diff| diff.method == Method::OneSided && diff.rows.total.baseline.is_none())
            .count(),
        tables_failed: diffs().filter(|diff| matches!(diff.method, Method::Failed { .. })).count(),
    }
}
