//! A node's compiled SQL: its template rendered for real, with its ephemeral parents put in.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value as Json;
use tokio::runtime::Handle;

use crate::jinja::{Introspect, NodeScope, Renderer};
use crate::model::{JsonMap, Manifest, Node, NodeId, Observer, RefArgs, Relation, ResourceType};
use crate::plan::Plan;

use super::cte::{self, Cte};
use super::introspect::{World, ephemeral_relation};
use super::{BuildContext, Connection, Error, Failure, Fixtures};

/// A node's SQL as the database will see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// The query.
    pub code: String,
    /// The file it was written to, as people name it (`target/compiled/shop/models/orders.sql`).
    pub path: Option<String>,
    /// The ephemeral models that were put into it, each with its text in the list after `with`.
    pub ctes: Vec<(NodeId, String)>,
}

/// Compiles the nodes of one plan. Shared by all steps; ephemeral models are rendered once.
pub struct Compiler {
    pub(super) manifest: Arc<Manifest>,
    pub(super) observer: Arc<dyn Observer>,
    renderer: Arc<Renderer>,
    node_json: fn(&Node) -> Json,
    target_path: Option<PathBuf>,
    /// Where each node is built or read from.
    relations: HashMap<NodeId, Relation>,
    /// The adapter's package of macros, e.g. `dbt_duckdb`.
    built_in_package: String,
    /// dbt's adapter type.
    pub(super) adapter_type: &'static str,
    /// Materializations that the project brings itself: `name` or `name_adapter` to the macro's unique id.
    custom_materializations: HashMap<String, String>,
    graph: OnceLock<Arc<Json>>,
    ephemerals: Mutex<HashMap<NodeId, Arc<Ephemeral>>>,
}

/// An ephemeral model's own text, with the ephemeral models it reads.
struct Ephemeral {
    sql: String,
    parents: Vec<NodeId>,
}

impl Compiler {
    /// A compiler for the nodes of `plan`.
    pub fn new(plan: &Plan, context: &BuildContext) -> Self {
        let mut relations: HashMap<_, _> =
            plan.relations.iter().map(|(id, relation)| (id.clone(), relation.clone())).collect();
        let adapter_type = context.warehouse.adapter_type();
        let built_in_package = format!("dbt_{adapter_type}");
        // Where a step builds is where the node is, whatever else the plan says.
        relations.extend(plan.steps.iter().filter_map(|step| Some((step.unique_id.clone(), step.relation.clone()?))));
        Self {
            manifest: Arc::clone(&context.manifest),
            observer: Arc::clone(&context.observer),
            renderer: Arc::clone(&context.renderer),
            node_json: context.node_json,
            target_path: context.target_path.clone(),
            relations,
            custom_materializations: custom_materializations(&context.renderer, &built_in_package),
            built_in_package,
            adapter_type,
            graph: OnceLock::new(),
            ephemerals: Mutex::default(),
        }
    }

    /// A node's compiled SQL, also written below the target folder.
    ///
    /// # Errors
    /// [`Failure::Project`] when the template fails, [`Failure::File`] when the file cannot be written.
    pub async fn compile(self: &Arc<Self>, node: &Node, connection: &Connection) -> Result<Compiled, Failure> {
        let world = self.world(node, connection);
        let (code, ctes) =
            self.blocking(node, world, |compiler, world, node| compiler.code_blocking(node, &world)).await?;
        // As dbt does, which keeps a snapshot's query to itself.
        let is_written = node.resource_type != ResourceType::Snapshot;
        let path = if is_written { self.write("compiled", node, &code)? } else { None };
        let ctes = ctes.into_iter().filter_map(|cte| Some((cte.id.clone()?, cte.text()))).collect();
        Ok(Compiled { code, path, ctes })
    }

    /// A model's SQL with fixed rows in place of what it reads, for a unit test. Nothing is written.
    ///
    /// # Errors
    /// [`Failure::Project`] when the template fails, or reads what has no fixed rows.
    pub async fn compile_with(
        self: &Arc<Self>,
        node: &Node,
        fixtures: Fixtures,
        connection: &Connection,
    ) -> Result<String, Failure> {
        let mut world = self.world(node, connection);
        world.fixtures = Some(Arc::new(fixtures));
        let (code, _) =
            self.blocking(node, world, |compiler, world, node| compiler.code_blocking(node, &world)).await?;
        Ok(code)
    }

    /// The node that `input` of a unit test names (`ref('orders')`, `source('shop', 'orders')`) when `node` reads it.
    pub fn input(&self, node: &Node, input: &str) -> Option<&Node> {
        let scope = NodeScope { package: node.package_name.clone(), ..NodeScope::default() };
        let seen = self.renderer.parse(&format!("{{{{ {input} }}}}"), &scope).ok()?.capture;
        match (seen.refs.as_slice(), seen.sources.as_slice()) {
            ([r], []) => self.resolve_ref(node, r),
            ([], [[source, table]]) => self.resolve_source(node, source, table),
            _ => None,
        }
    }

    /// The parsed project.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Renders `template` as if it stood in the node's file, e.g. a hook; `extra` are further names it may see.
    ///
    /// # Errors
    /// [`Failure::Project`] when the template fails.
    pub async fn render(
        self: &Arc<Self>,
        template: &str,
        node: &Node,
        extra: JsonMap,
        connection: &Connection,
    ) -> Result<String, Failure> {
        let template = template.to_owned();
        self.blocking(node, self.world(node, connection), move |compiler, world, node| {
            compiler.render_blocking(&template, node, Some(extra), &world)
        })
        .await
    }

    /// Whether the project, not dbt, brings a macro of this name that can be called from the node's package.
    pub(super) fn brings_macro(&self, name: &str, node: &Node) -> bool {
        self.renderer.find_macro(name, &node.package_name).is_some_and(|id| {
            let package = id.split('.').nth(1).unwrap_or_default();
            package != "dbt" && package != self.built_in_package
        })
    }

    /// The project's own macro for a materialization of this name on this adapter, if it brings one.
    pub(super) fn custom_materialization(&self, name: &str, adapter: &str) -> Option<&str> {
        [format!("{name}_{adapter}"), format!("{name}_default")]
            .iter()
            .find_map(|key| self.custom_materializations.get(key))
            .map(String::as_str)
    }

    /// A node as templates see it, where it is built now.
    pub(super) fn model_json(&self, node: &Node) -> Json {
        let mut json = (self.node_json)(node);
        if let (Json::Object(fields), Some(relation)) = (&mut json, self.relations.get(&node.unique_id)) {
            fields.insert("database".into(), relation.database.clone().into());
            fields.insert("schema".into(), relation.schema_name().into());
            if node.resource_type != ResourceType::Function {
                fields.insert("relation_name".into(), relation.to_string().into());
            }
            if node.resource_type != ResourceType::Source {
                fields.insert("alias".into(), relation.name().into());
            }
        }
        json
    }

    /// Where a node is built or read from.
    pub fn relation_of(&self, node: &Node) -> Option<Relation> {
        self.relations.get(&node.unique_id).or(node.relation.as_ref()).cloned()
    }

    /// What `ref` names when `node` calls it. Its known parents are tried first: the manifest's own search walks all
    /// nodes.
    pub(super) fn resolve_ref(&self, node: &Node, r: &RefArgs) -> Option<&Node> {
        let mut named =
            node.depends_on.nodes.iter().filter_map(|id| self.manifest.node(id.as_str())).filter(|parent| {
                parent.resource_type.is_refable()
                    && parent.name == r.name
                    && r.package.as_ref().is_none_or(|package| *package == parent.package_name)
            });
        match (named.next(), named.next()) {
            (Some(only), None)
                if only.as_model().is_none_or(|model| model.version.is_none()) && r.version.is_none() =>
            {
                Some(only)
            }
            _ => self.manifest.resolve_ref(r, &node.package_name),
        }
    }

    /// What `source` names when `node` calls it.
    pub(super) fn resolve_source(&self, node: &Node, source: &str, table: &str) -> Option<&Node> {
        let matches = |candidate: &&Node| {
            candidate.name == table && candidate.as_source().is_some_and(|detail| detail.source_name == source)
        };
        let known = node.depends_on.nodes.iter().filter_map(|id| self.manifest.node(id.as_str()));
        known.into_iter().find(matches).or_else(|| self.manifest.of_type(ResourceType::Source).find(matches))
    }

    /// What `graph` shows, made when it is first asked for.
    pub(super) fn graph(&self) -> Arc<Json> {
        Arc::clone(self.graph.get_or_init(|| Arc::new(self.graph_json())))
    }

    fn graph_json(&self) -> Json {
        let mut graph = JsonMap::new();
        for kind in
            ["exposures", "functions", "groups", "metrics", "nodes", "semantic_models", "saved_queries", "sources"]
        {
            graph.insert(kind.into(), Json::Object(JsonMap::new()));
        }
        for node in self.manifest.nodes.values() {
            let kind = match node.resource_type {
                ResourceType::Exposure => "exposures",
                ResourceType::Group => "groups",
                ResourceType::Metric => "metrics",
                ResourceType::SemanticModel => "semantic_models",
                ResourceType::SavedQuery => "saved_queries",
                ResourceType::Source => "sources",
                ResourceType::UnitTest | ResourceType::Function => continue,
                _ => "nodes",
            };
            if let Some(Json::Object(of_kind)) = graph.get_mut(kind) {
                of_kind.insert(node.unique_id.to_string(), self.model_json(node));
            }
        }
        Json::Object(graph)
    }

    fn world(self: &Arc<Self>, node: &Node, connection: &Connection) -> World {
        World {
            compiler: Arc::clone(self),
            node: node.unique_id.clone(),
            connection: connection.clone(),
            runtime: Handle::current(),
            ephemerals: Mutex::default(),
            fixtures: None,
        }
    }

    /// The node's text with all that it reads from put in front of it.
    fn code_blocking(&self, node: &Node, world: &Arc<World>) -> Result<(String, Vec<Cte>), Failure> {
        let text = self.render_blocking(&node.raw_code, node, None, world)?;
        let mut ctes = Vec::new();
        if let Some(rows) = world.fixtures.as_ref().and_then(|given| given.this.as_ref()) {
            ctes.push(Cte { id: None, name: Fixtures::this_relation().name().to_owned(), sql: rows.clone() });
        }
        ctes.extend(self.ctes(&world.ephemerals(), world)?);
        Ok((cte::inject(&text, &ctes), ctes))
    }

    /// Runs `work` on a blocking thread with the node's world.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        node: &Node,
        world: World,
        work: impl FnOnce(&Self, Arc<World>, &Node) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let world = Arc::new(world);
        let (compiler, node) = (Arc::clone(self), node.clone());
        let unique_id = node.unique_id.to_string();
        let done = tokio::task::spawn_blocking(move || work(&compiler, world, &node)).await;
        done.unwrap_or(Err(Failure::Worker { unique_id }))
    }

    fn render_blocking(
        &self,
        template: &str,
        node: &Node,
        extra: Option<JsonMap>,
        world: &Arc<World>,
    ) -> Result<String, Failure> {
        let scope = NodeScope {
            package: node.package_name.clone(),
            path: node.original_file_path.clone(),
            first_line: node.first_line,
            name: node.name.clone(),
            model: self.model_json(node).into(),
            this: world.this(node),
            config: node.config.clone(),
            test_kwargs: node.as_test().and_then(|test| Some(test.metadata.as_ref()?.kwargs.clone())),
            extra: extra.unwrap_or_default(),
            overrides: world.fixtures.as_ref().map(|given| given.overrides.clone()).unwrap_or_default(),
        };
        let world: Arc<dyn Introspect> = Arc::clone(world) as Arc<dyn Introspect>;
        Ok(self.renderer.render(template, &scope, &world)?.text)
    }

    /// The ephemeral models that a query needs, each after those it needs itself.
    fn ctes(&self, roots: &[NodeId], world: &Arc<World>) -> Result<Vec<Cte>, Failure> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for root in roots {
            self.collect_ctes(root, world, &mut seen, &mut found)?;
        }
        Ok(found)
    }

    fn collect_ctes(
        &self,
        id: &NodeId,
        world: &Arc<World>,
        seen: &mut HashSet<NodeId>,
        found: &mut Vec<Cte>,
    ) -> Result<(), Failure> {
        let Some(node) = self.manifest.node(id.as_str()).filter(|_| seen.insert(id.clone())) else { return Ok(()) };
        if let Some(rows) = world.fixtures.as_ref().and_then(|given| given.inputs.get(id)) {
            found.push(Cte { id: None, name: ephemeral_relation(node).name().to_owned(), sql: rows.clone() });
            return Ok(());
        }
        let ephemeral = self.ephemeral(node, world)?;
        for parent in &ephemeral.parents {
            self.collect_ctes(parent, world, seen, found)?;
        }
        let name = ephemeral_relation(node).name().to_owned();
        found.push(Cte { id: Some(id.clone()), name, sql: ephemeral.sql.clone() });
        Ok(())
    }

    fn ephemeral(&self, node: &Node, asker: &Arc<World>) -> Result<Arc<Ephemeral>, Failure> {
        let cached = self.ephemerals.lock().unwrap_or_else(PoisonError::into_inner).get(&node.unique_id).cloned();
        if let Some(cached) = cached {
            return Ok(cached);
        }
        let world = Arc::new(asker.of(node));
        let sql = self.render_blocking(&node.raw_code, node, None, &world)?;
        let made = Arc::new(Ephemeral { sql, parents: world.ephemerals() });
        self.ephemerals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(node.unique_id.clone(), Arc::clone(&made));
        Ok(made)
    }

    /// Writes `code` to the node's file below `folder` of the target folder; the file's name for people.
    pub(super) fn write(&self, folder: &str, node: &Node, code: &str) -> Result<Option<String>, Failure> {
        let Some(target) = &self.target_path else { return Ok(None) };
        let relative = Path::new(folder).join(&node.package_name).join(written_path(node));
        let path = target.join(&relative);
        let fail = |source| Failure::File { doing: "write", path: path.clone(), source };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(fail)?;
        }
        std::fs::write(&path, code).map_err(fail)?;
        let shown = Path::new(target.file_name().unwrap_or_default()).join(relative);
        Ok(Some(shown.to_string_lossy().replace('\\', "/")))
    }
}

/// Where dbt writes a node's code: a node whose own file name differs from its file's (a test in a property file) gets
/// a folder named after that file.
fn written_path(node: &Node) -> PathBuf {
    let original = Path::new(&node.original_file_path);
    let own = Path::new(&node.path);
    if own.file_name() == original.file_name() { original.to_owned() } else { original.join(own) }
}

/// Macros `materialization_…` that are not dbt's own.
fn custom_materializations(renderer: &Renderer, built_in: &str) -> HashMap<String, String> {
    let own = renderer.macros().values().filter(|m| m.package_name != "dbt" && m.package_name != built_in);
    own.filter_map(|m| Some((m.name.strip_prefix("materialization_")?.to_owned(), m.unique_id.clone()))).collect()
}

/// The node of a step.
pub(super) fn node<'a>(manifest: &'a Manifest, id: &NodeId) -> Result<&'a Node, Error> {
    manifest.node(id.as_str()).ok_or_else(|| Error::UnknownNode { unique_id: id.to_string() })
}
