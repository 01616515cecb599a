//! Reports of an invented project, made through `make`, for the tests of the renderers.

use std::time::Duration;

use serde_json::json;

use super::{Drift, Inputs, Report, make};
use crate::build::{BuildOutcome, NodeResult};
use crate::config::{Policy, Rules};
use crate::diff::{ColumnDiff, KeyFacts, Method, RejectedKey, RowCounts, Sample, SampleKind, SchemaDiff, TableDiff};
use crate::impact::{self, Impact, ModelChange, Region};
use crate::lineage::{self, ChangeSeverity, Evidence, ProjectCode};
use crate::model::node::{ExposureDetail, ModelDetail, TestDetail};
use crate::model::{
    Change, Checksum, Column, DependsOn, Detail, Manifest, Metadata, Node, NodeId, NodeStatus, Relation, ResourceType,
    Value,
};
use crate::plan::{Action, Plan, Step};
use crate::select;
use crate::state::{self, Hit, StateDiff};

/// Everything that a report is made of, to be changed before it is made.
pub(super) struct Run {
    pub(super) manifest: Manifest,
    pub(super) state: StateDiff,
    pub(super) plan: Plan,
    pub(super) build: BuildOutcome,
    pub(super) diffs: Vec<TableDiff>,
    pub(super) policy: Policy,
    pub(super) drift: Option<Drift>,
    pub(super) impact: Option<Impact>,
}

impl Run {
    fn new() -> Self {
        let metadata =
            Metadata { project_name: "shop".to_owned(), adapter_type: "duckdb".to_owned(), ..Metadata::default() };
        Self {
            manifest: Manifest { metadata, ..Manifest::default() },
            state: StateDiff::default(),
            plan: Plan::default(),
            build: BuildOutcome::default(),
            diffs: Vec::new(),
            policy: Policy::default(),
            drift: None,
            impact: None,
        }
    }

    pub(super) fn report(&self) -> Report {
        make(Inputs {
            manifest: &self.manifest,
            baseline: "production's manifest of 3 October 2026",
            drift: self.drift.as_ref(),
            state: &self.state,
            impact: self.impact.as_ref(),
            plan: &self.plan,
            build: &self.build,
            diffs: &self.diffs,
            environment: Some("pr_42"),
            pull_request: Some(42),
            head_sha: Some("0123456789abcdef0123456789abcdef01234567"),
            rules: &Rules::of(&self.policy, &self.manifest, |_| Ok(())).unwrap(),
            tool_version: "0.1.0",
            elapsed: Duration::from_millis(12_340),
        })
    }

    fn node(&mut self, id: &str, parents: &[&str], detail: Detail) -> &mut Node {
        let id = NodeId::from(id);
        let kind = ResourceType::parse(id.as_str().split('.').next().unwrap()).unwrap();
        let name = id.short().split('.').next().unwrap().to_owned();
        let node = Node {
            unique_id: id.clone(),
            resource_type: kind,
            name: name.clone(),
            package_name: "shop".to_owned(),
            path: format!("{name}.sql"),
            original_file_path: format!("models/{name}.sql"),
            fqn: vec!["shop".to_owned(), name.clone()],
            alias: name,
            database: None,
            schema: "analytics".to_owned(),
            relation: None,
            checksum: Checksum::none(),
            language: "sql".to_owned(),
            raw_code: String::new(),
            first_line: 1,
            config: serde_json::Map::from_iter([("materialized".to_owned(), json!("table"))]).into(),
            unrendered_config: serde_json::Map::new(),
            description: String::new(),
            tags: Vec::new(),
            meta: serde_json::Map::new(),
            group: None,
            columns: indexmap::IndexMap::new(),
            refs: Vec::new(),
            sources: Vec::new(),
            metrics: Vec::new(),
            functions: Vec::new(),
            depends_on: DependsOn { macros: Vec::new(), nodes: parents.iter().map(|&id| id.into()).collect() },
            patch_path: None,
            detail,
        };
        self.manifest.nodes.entry(id).or_insert(node)
    }

    /// A model that was planned and ended with `status`.
    fn model(&mut self, name: &str, parents: &[&str], status: NodeStatus, message: Option<&str>) -> NodeId {
        let id = format!("model.shop.{name}");
        self.node(&id, parents, Detail::Model(Box::default()));
        let relation = Relation::new(None, "pr_42", name);
        self.ended(&id, Action::Model, status, message, Some(relation));
        id.as_str().into()
    }

    fn ended(
        &mut self,
        id: &str,
        action: Action,
        status: NodeStatus,
        message: Option<&str>,
        relation: Option<Relation>,
    ) {
        let unique_id = NodeId::from(id);
        self.plan.steps.push(Step {
            unique_id: unique_id.clone(),
            action,
            relation: relation.clone(),
            after: Vec::new(),
        });
        self.build.results.push(NodeResult {
            unique_id,
            status,
            message: message.map(str::to_owned),
            failures: None,
            rows_affected: None,
            relation,
            compiled_code: None,
            started_at: chrono::DateTime::UNIX_EPOCH,
            elapsed: Duration::from_millis(120),
        });
    }

    fn test(&mut self, name: &str, model: &str, column: Option<&str>, status: NodeStatus, failures: i64) -> &mut Node {
        let id = format!("test.shop.{name}.0123456789");
        let message = (failures > 0).then(|| format!("Got {failures} results, configured to fail if != 0"));
        self.ended(&id, Action::Test, status, message.as_deref(), None);
        self.build.results.last_mut().unwrap().failures = Some(failures);
        let detail = TestDetail {
            column_name: column.map(str::to_owned),
            attached_node: Some(model.into()),
            ..TestDetail::default()
        };
        self.node(&id, &[model], Detail::Test(Box::new(detail)))
    }

    fn exposure(&mut self, name: &str, parents: &[&str], kind: &str, url: Option<&str>) {
        let owner = json!({"name": "Ana Lima", "email": "ana@shop.example"});
        let detail = ExposureDetail {
            kind: kind.to_owned(),
            owner: owner.as_object().unwrap().clone(),
            label: Some(name.replace('_', " ")),
            url: url.map(str::to_owned),
            ..ExposureDetail::default()
        };
        self.node(&format!("exposure.shop.{name}"), parents, Detail::Exposure(Box::new(detail)));
    }

    fn changed(&mut self, id: &NodeId, reasons: &[(&'static str, &str)]) {
        let severity = |text: &str| {
            if text.starts_with("breaking: ") { state::Severity::Breaking } else { state::Severity::Behaviour }
        };
        let hits = reasons.iter().map(|(reason, summary)| Hit {
            reason,
            title: reason,
            severity: severity(summary),
            sub_selector: Some(reason),
            in_modified: true,
            beyond_dbt: false,
            summary: (*summary).to_owned(),
            values: None,
            formatting_only: false,
            is_code: false,
            path: Vec::new(),
            macro_id: None,
        });
        self.state.changed.insert(id.clone(), hits.collect());
    }
}

/// A comparison by key without a difference.
fn equal(id: &NodeId, rows: u64) -> TableDiff {
    let name = id.short();
    TableDiff {
        unique_id: Some(id.clone()),
        relation: Change {
            baseline: Some(Relation::new(None, "analytics", name)),
            current: Some(Relation::new(None, "pr_42", name)),
        },
        method: Method::Keyed {
            key: vec!["order_id".to_owned()],
            source: "unique_key".to_owned(),
            facts: KeyFacts::default(),
        },
        schema: SchemaDiff::default(),
        rows: RowCounts {
            total: Change { baseline: Some(rows), current: Some(rows) },
            unchanged: rows,
            ..RowCounts::default()
        },
        rejected_keys: Vec::new(),
        columns: vec![column("order_id", "BIGINT", Some(0), 0, 0), column("status", "VARCHAR", Some(0), 12, 12)],
        samples: Vec::new(),
        slices: Vec::new(),
        filter: None,
        aligned: None,
        sampled: None,
        excluded: Vec::new(),
        notes: Vec::new(),
        min_count: 0,
    }
}

fn column(name: &str, data_type: &str, changed: Option<u64>, before: u64, after: u64) -> ColumnDiff {
    let data_type = Change { baseline: Some(data_type.to_owned()), current: Some(data_type.to_owned()) };
    ColumnDiff {
        changed,
        nulls: Change { baseline: Some(before), current: Some(after) },
        ..ColumnDiff::unknown(name, data_type)
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// `orders` changed by key, with one column emptied, one retyped and one gone.
fn orders(id: &NodeId) -> TableDiff {
    let mut diff = equal(id, 6021);
    diff.rows = RowCounts {
        total: Change { baseline: Some(6021), current: Some(6024) },
        added: 5,
        removed: 2,
        changed: 6019,
        unchanged: 0,
        ..RowCounts::default()
    };
    for (name, before) in [("days_since_last_order", 126), ("orders_7d", 0), ("orders_30d", 0)] {
        diff.columns.push(column(name, "INTEGER", Some(6021 - before - 2), before, 6024));
    }
    diff.columns.push(ColumnDiff {
        data_type: Change { baseline: Some("INTEGER".into()), current: Some("BIGINT".into()) },
        ..column("qty", "", Some(0), 0, 0)
    });
    diff.columns.push(column("amount", "DECIMAL(12,2)", Some(3), 0, 0));
    diff.columns.push(ColumnDiff {
        data_type: Change { baseline: Some("VARCHAR".into()), current: None },
        changed: None,
        nulls: Change { baseline: Some(7), current: None },
        ..column("discount|code", "", None, 0, 0)
    });
    diff.schema.removed.push(Column { name: "discount|code".into(), data_type: "VARCHAR".into() });
    diff.schema.retyped.push(("qty".into(), Change { baseline: "INTEGER".into(), current: "BIGINT".into() }));
    let key = |id: i128| vec![("order_id".to_owned(), Value::Int(id))];
    diff.samples = vec![
        Sample {
            kind: SampleKind::Changed,
            key: key(17),
            values: vec![
                ("days_since_last_order".into(), Change { baseline: Value::Int(3), current: Value::Null }),
                (
                    "amount".into(),
                    Change { baseline: Value::Decimal("19.90".into()), current: Value::Decimal("19.91".into()) },
                ),
            ],
        },
        Sample {
            kind: SampleKind::Changed,
            key: key(18),
            values: vec![("note".into(), Change { baseline: text("a | b"), current: text("`c`\n@team") })],
        },
        Sample { kind: SampleKind::Added, key: key(6022), values: Vec::new() },
        Sample { kind: SampleKind::Removed, key: key(5), values: Vec::new() },
    ];
    diff.notes.push("qty was compared as BIGINT, because its type changed".into());
    diff
}

fn customers(id: &NodeId) -> TableDiff {
    let mut diff = equal(id, 935);
    diff.method =
        Method::Multiset { reason: "unique_key (customer_id) has 3 duplicate rows in the pull request".into() };
    diff.rejected_keys.push(RejectedKey {
        columns: vec!["customer_id".into()],
        source: "unique_key".into(),
        duplicates: Some(Change { baseline: 0, current: 3 }),
        nulls: Some(Change { baseline: 0, current: 0 }),
        reason: "unique_key (customer_id) has 3 duplicate rows in the pull request".into(),
    });
    diff.rows.total.current = Some(938);
    diff.rows.added = 3;
    diff.columns.iter_mut().for_each(|column| column.changed = None);
    diff
}

/// Tests that failed, a model that failed, a column emptied, a key broken.
pub(super) fn with_findings() -> Report {
    let mut run = Run::new();
    let staging = run.model("stg_orders", &[], NodeStatus::Success, None);
    let orders_id = run.model("orders", &["model.shop.stg_orders"], NodeStatus::Success, None);
    let customers_id = run.model("customers", &["model.shop.orders"], NodeStatus::Success, None);
    let daily = run.model("daily_revenue", &["model.shop.orders"], NodeStatus::Success, None);
    let error = "Binder Error: Referenced column \"amout\" not found in FROM clause!\nCandidate bindings: \"amount\"\n\nLINE 3: select sum(amout)\n                   ^";
    run.model("refunds", &["model.shop.orders"], NodeStatus::Error, Some(error));
    run.model("churn", &["model.shop.refunds"], NodeStatus::Skipped, Some("refunds failed"));
    run.node("model.shop.weekly", &["model.shop.daily_revenue"], Detail::Model(Box::<ModelDetail>::default()));
    run.exposure("churn_model", &["model.shop.orders"], "ml", Some("https://ml.shop.example/churn"));
    run.exposure("weekly_mail", &["model.shop.weekly"], "application", None);
    run.changed(&staging, &[("body", "the SQL changed (+3 −1 lines)")]);
    run.changed(
        &orders_id,
        &[
            ("macro", "macro cents_to_dollars changed (via orders → cents_to_dollars)"),
            ("config", "materialized: view → table"),
            ("contract", "breaking: column qty is a bigint, was an integer"),
        ],
    );
    run.state.added.insert(daily.clone());
    run.state.removed.push("model.shop.old_orders".into());
    run.test("not_null_orders_order_id", "model.shop.orders", Some("order_id"), NodeStatus::Pass, 0);
    run.test("not_null_orders_status", "model.shop.orders", Some("status"), NodeStatus::Fail, 12);
    run.test("accepted_values_orders_status", "model.shop.orders", Some("status"), NodeStatus::Warn, 1);
    let coverage = run.test("order_customer_coverage", "model.shop.orders", None, NodeStatus::Fail, 1);
    coverage.meta.insert("slimdiff".to_owned(), json!({"check": "coverage"}));
    let changed_test = NodeId::from("test.shop.not_null_orders_status.0123456789");
    run.changed(&changed_test, &[("config", "severity: warn → error")]);
    let mut new = equal(&daily, 365);
    new.method = Method::OneSided;
    new.relation.baseline = None;
    new.rows = RowCounts { total: Change { baseline: None, current: Some(365) }, added: 365, ..RowCounts::default() };
    for column in &mut new.columns {
        *column = ColumnDiff {
            nulls: Change { baseline: None, current: column.nulls.current },
            ..ColumnDiff::unknown(&column.name, Change { baseline: None, current: column.data_type.current.clone() })
        };
    }
    run.diffs = vec![equal(&staging, 6021), orders(&orders_id), customers(&customers_id), new];
    run.impact = Some(impact_of(&run, &orders_id));
    run.report()
}

/// What follows when `orders` loses a column and computes another one otherwise.
fn impact_of(run: &Run, orders: &NodeId) -> Impact {
    let code = [
        ("customers", "select customer_id, sum(amount) as spent from orders group by customer_id"),
        ("daily_revenue", "select day, sum(qty) as pieces from orders group by day"),
        ("refunds", "select order_id, discount from orders"),
        ("churn", "pivot refunds on order_id"),
        ("weekly", "select pieces from daily_revenue"),
    ];
    let named = |kind: &'static str, name: &str| Evidence { column: Some(name.into()), ..Evidence::of(kind) };
    let evidence = vec![named("column_removed", "discount"), named("expression_changed", "amount")];
    let changes = [ModelChange {
        unique_id: orders.clone(),
        name: "orders".to_owned(),
        resource_type: ResourceType::Model,
        class: ChangeSeverity::Breaking,
        summary: "removed: discount; computed differently: amount".to_owned(),
        evidence,
    }];
    let mut manifest = run.manifest.clone();
    for node in manifest.nodes.values_mut().filter(|node| node.resource_type == ResourceType::Model) {
        node.relation = Some(Relation::new(None, "analytics", &node.name));
    }
    let given = ProjectCode {
        code: code.iter().map(|(name, sql)| (format!("model.shop.{name}").into(), Ok((*sql).to_owned()))).collect(),
        ..ProjectCode::default()
    };
    let lineage = lineage::of_project(&manifest, &given);
    let dag = select::dag(&manifest).unwrap();
    let region = Region::below(&manifest, &dag, &[orders]);
    impact::impact(&impact::Inputs { region: &region, diff: &run.state, changes: &changes, lineage: &lineage })
}

/// Data differs, nothing is over policy.
pub(super) fn clean() -> Report {
    let mut run = Run::new();
    run.drift = Some(Drift {
        merge_base: "main at 1a2b3c4 (merge base)".to_owned(),
        behind: vec!["model.shop.weekly".into()],
        modified: vec![("model.shop.returns".into(), "the SQL changed (+3 −1 lines)".to_owned())],
        gone: Vec::new(),
    });
    let staging = run.model("stg_orders", &[], NodeStatus::Success, None);
    let orders_id = run.model("orders", &["model.shop.stg_orders"], NodeStatus::Success, None);
    run.changed(&staging, &[("body", "the SQL changed (+3 −1 lines)")]);
    run.exposure("churn_model", &["model.shop.orders"], "ml", None);
    run.test("not_null_orders_order_id", "model.shop.orders", Some("order_id"), NodeStatus::Pass, 0).tags =
        vec!["coverage".to_owned()];
    let mut diff = equal(&orders_id, 1_234_567);
    diff.rows.changed = 12;
    diff.rows.unchanged -= 12;
    diff.columns[1].changed = Some(12);
    run.diffs = vec![equal(&staging, 1_234_567), diff];
    run.report()
}

/// One table could not be compared.
pub(super) fn incomplete() -> Report {
    let mut run = Run::new();
    let staging = run.model("stg_orders", &[], NodeStatus::Success, None);
    run.changed(&staging, &[("body", "the SQL changed (+3 −1 lines)")]);
    let mut diff = equal(&staging, 0);
    diff.method = Method::Failed { reason: "permission denied for table stg_orders".to_owned() };
    diff.rows = RowCounts::default();
    diff.columns = Vec::new();
    run.diffs = vec![diff];
    run.report()
}

/// A change that changes no data.
pub(super) fn unchanged() -> Report {
    let mut run = Run::new();
    let staging = run.model("stg_orders", &[], NodeStatus::Success, None);
    run.changed(&staging, &[("body", "the SQL changed (+3 −1 lines)")]);
    run.diffs = vec![equal(&staging, 6021)];
    run.report()
}

/// One changed model of 1,000 rows, whose comparison is as `change` makes it.
pub(super) fn with_diff(policy: Policy, change: impl FnOnce(&mut TableDiff)) -> Report {
    let mut run = Run::new();
    let staging = run.model("stg_orders", &[], NodeStatus::Success, None);
    run.changed(&staging, &[("body", "the SQL changed (+3 −1 lines)")]);
    let mut diff = equal(&staging, 1000);
    change(&mut diff);
    run.diffs = vec![diff];
    run.policy = policy;
    run.report()
}
