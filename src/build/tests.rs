//! Whole builds on `DuckDB` in a file of its own, from hand-made manifests: what stands in the database afterwards, and
//! what is said.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

use super::*;
use crate::checks::DataTests;
use crate::jinja::{Env, Renderer, Setup, Vars};
use crate::model::{
    Detail, Event, JsonMap, Manifest, Node, NodeId, NodeStatus, Observer, Relation, ResourceType, SharedMap,
};
use crate::plan::{Action, Plan, Step};
use crate::warehouse::{self, Target, Warehouse};

mod incremental;
mod materializations;
mod scheduling;
mod snapshots;
mod texts;
mod unit_tests;

/// Takes note of what it is told, one line an event.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn observe(&self, event: &Event) {
        let line = match event {
            Event::NodeStarted { label, .. } => format!("start {label}"),
            Event::NodeFinished { label, status, .. } => format!("{} {label}", status.as_str()),
            Event::Diagnostic(diagnostic) => diagnostic.message.clone(),
            Event::Message(text) => text.clone(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// A project under test with its database.
struct World {
    manifest: Manifest,
    plan: Plan,
    warehouse: Arc<dyn Warehouse>,
    notes: Arc<Notes>,
    folder: tempfile::TempDir,
    macros: String,
    threads: usize,
    fail_fast: bool,
    cancel: CancelToken,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = json!({"type": "duckdb", "path": folder.path().join("w.duckdb"), "schema": "dev"});
        let target = Target::from_profile("duckdb", output.as_object().unwrap(), folder.path()).unwrap();
        let plan = Plan { schemas: vec![(None, "dev".to_owned())], ..Plan::default() };
        let mut manifest = Manifest::default();
        manifest.metadata.project_name = "shop".to_owned();
        Self {
            manifest,
            plan,
            warehouse: warehouse::connect(&target).await.unwrap(),
            notes: Arc::default(),
            folder,
            macros: String::new(),
            threads: 2,
            fail_fast: false,
            cancel: CancelToken::never(),
        }
    }

    /// Adds a model with its step; every `ref` in it that names a node becomes a dependency.
    fn model(&mut self, name: &str, sql: &str, config: Json) -> &mut Node {
        let mut node = node(ResourceType::Model, name, sql, config);
        node.detail = Detail::Model(Box::default());
        self.add(node, Action::Model)
    }

    fn seed(&mut self, name: &str, csv: &str, config: Json) -> &mut Node {
        let mut node = node(ResourceType::Seed, name, "", config);
        node.original_file_path = format!("seeds/{name}.csv");
        let root = self.folder.path();
        std::fs::create_dir_all(root.join("seeds")).unwrap();
        std::fs::write(root.join(&node.original_file_path), csv).unwrap();
        node.detail = Detail::Seed { root_path: root.to_string_lossy().into_owned() };
        self.add(node, Action::Seed)
    }

    fn snapshot(&mut self, name: &str, sql: &str, config: Json) -> &mut Node {
        let mut node = node(ResourceType::Snapshot, name, sql, config);
        node.detail = Detail::Snapshot;
        self.add(node, Action::Snapshot)
    }

    /// Adds a singular test; what depends on the nodes that it tests waits for it too, as in `dbt build`.
    fn test(&mut self, name: &str, sql: &str, config: Json) -> &mut Node {
        let mut node = node(ResourceType::Test, name, sql, config);
        node.relation = None;
        node.detail = Detail::Test(Box::default());
        self.add(node, Action::Test)
    }

    fn hook(&mut self, index: usize, at_end: bool, sql: &str) {
        let place = if at_end { "on-run-end" } else { "on-run-start" };
        let mut node = node(ResourceType::Operation, &format!("shop-{place}-{index}"), sql, json!({}));
        node.detail = Detail::Operation { index, at_end };
        let hooks = if at_end { &mut self.plan.on_run_end } else { &mut self.plan.on_run_start };
        hooks.push(node.unique_id.clone());
        self.manifest.nodes.insert(node.unique_id.clone(), node);
    }

    fn add(&mut self, mut node: Node, action: Action) -> &mut Node {
        let id = node.unique_id.clone();
        let named = |other: &&Node| node.raw_code.contains(&format!("ref('{}')", other.name));
        node.depends_on.nodes = self.manifest.nodes.values().filter(named).map(|n| n.unique_id.clone()).collect();
        let relation = node.relation.clone().filter(|_| !node.is_ephemeral());
        let after = node.depends_on.nodes.clone();
        if let Some(relation) = &relation {
            self.plan.relations.insert(id.clone(), relation.clone());
        }
        self.plan.steps.push(Step { unique_id: id.clone(), action, relation, after });
        self.manifest.nodes.insert(id.clone(), node);
        &mut self.manifest.nodes[&id]
    }

    /// Writes another text over a node's.
    fn rewrite(&mut self, name: &str, sql: &str) {
        let node = self.manifest.nodes.values_mut().find(|node| node.name == name).unwrap();
        sql.clone_into(&mut node.raw_code);
    }

    fn context(&self) -> BuildContext {
        let source = crate::jinja::MacroSource {
            package: "shop".to_owned(),
            path: "macros/all.sql".to_owned(),
            contents: self.macros.clone(),
        };
        let (renderer, problems) = Renderer::new(setup(self.plan.full_refresh), vec![source]);
        assert!(problems.is_empty(), "{problems:?}");
        BuildContext {
            manifest: Arc::new(self.manifest.clone()),
            renderer: Arc::new(renderer),
            warehouse: Arc::clone(&self.warehouse),
            observer: Arc::clone(&self.notes) as Arc<dyn Observer>,
            tests: Arc::new(DataTests),
            node_json,
            threads: self.threads,
            fail_fast: self.fail_fast,
            cancel: self.cancel.clone(),
            target_path: Some(self.folder.path().join("target")),
        }
    }

    async fn try_build(&self) -> Result<BuildOutcome, Error> {
        run(&self.plan, &self.context()).await
    }

    /// Builds; every step must end well.
    async fn build(&self) -> BuildOutcome {
        let outcome = self.try_build().await.unwrap();
        for result in &outcome.results {
            assert!(!result.status.blocks(), "{}: {:?}", result.unique_id, result.message);
        }
        outcome
    }

    /// Builds one node that must fail; its message.
    async fn failure(&self, name: &str) -> String {
        let outcome = self.try_build().await.unwrap();
        let result = outcome.results.iter().find(|result| result.unique_id.short() == name).unwrap();
        assert_eq!(result.status, NodeStatus::Error, "{result:?}");
        result.message.clone().unwrap()
    }

    /// Rows of a query, values with commas and rows with bars between them.
    async fn rows(&self, sql: &str) -> String {
        let table = self.warehouse.session().await.unwrap().query(sql).await.unwrap();
        let row = |row: &Vec<crate::model::Value>| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        table.rows.iter().map(row).collect::<Vec<_>>().join("|")
    }

    /// Columns of a relation with their types.
    async fn columns(&self, name: &str) -> String {
        let relation = Relation::new(None, "dev", name);
        let columns = self.warehouse.session().await.unwrap().columns(&relation).await.unwrap();
        columns.iter().map(|c| format!("{} {}", c.name, c.data_type)).collect::<Vec<_>>().join(", ")
    }

    /// What stands in the schema.
    async fn relations(&self) -> String {
        let mut found = self.warehouse.session().await.unwrap().relations(None, "dev").await.unwrap();
        found.sort_by(|a, b| a.name().cmp(b.name()));
        let shown = found.iter().map(|r| format!("{} {}", r.kind.map_or("?", |kind| kind.as_str()), r.name()));
        shown.collect::<Vec<_>>().join(", ")
    }
}

fn node(kind: ResourceType, name: &str, sql: &str, config: Json) -> Node {
    Node {
        name: name.to_owned(),
        package_name: "shop".to_owned(),
        path: format!("{name}.sql"),
        original_file_path: format!("{kind}s/{name}.sql"),
        fqn: vec!["shop".to_owned(), name.to_owned()],
        alias: name.to_owned(),
        schema: "dev".to_owned(),
        relation: Some(Relation::new(None, "dev", name)),
        raw_code: sql.to_owned(),
        config: match config {
            Json::Object(map) => map.into(),
            _ => SharedMap::default(),
        },
        ..Node::new(NodeId::from(format!("{kind}.shop.{name}")), kind, Detail::Analysis)
    }
}

fn node_json(node: &Node) -> Json {
    json!({"unique_id": node.unique_id, "name": node.name, "config": node.config, "alias": node.alias})
}

fn setup(full_refresh: bool) -> Setup {
    Setup {
        project_name: "shop".to_owned(),
        packages: vec!["shop".to_owned()],
        package_versions: std::collections::HashMap::new(),
        adapter_type: "duckdb".to_owned(),
        target: JsonMap::from_iter([("schema".to_owned(), json!("dev"))]),
        vars: Vars::default(),
        env: Env::default(),
        dispatch: Vec::new(),
        flags: JsonMap::from_iter([("FULL_REFRESH".to_owned(), json!(full_refresh))]),
        invocation_args: JsonMap::new(),
        dbt_version: "1.11.0".to_owned(),
        invocation_id: "id".to_owned(),
        run_started_at: chrono::DateTime::default(),
        quoting: crate::model::Quoting::default(),
    }
}
