//! What one render knows: who is rendered, with what configuration, against which world, and what was captured.
//!
//! It is the root context object of the template. Names are answered lazily, so that a model pays for what it uses.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Environment, Error, State};
use serde_json::Value as Json;

use super::exceptions::Exceptions;
use super::functions;
use super::phantom::Phantom;
use super::registry::Registry;
use super::values::{dict, fail, from_json, list, lock, record};
use super::variables::{ConfigObject, TestArguments, VarObject};
use super::{Capture, Introspect, LazyJson, NodeScope, Setup, adapter, modules};
use crate::model::Relation;

/// Names of the context that are not functions.
const NAMED: [&str; 26] = [
    "adapter",
    "api",
    "builtins",
    "column",
    "config",
    "context",
    "database",
    "dbt_metadata_envs",
    "dbt_version",
    "exceptions",
    "execute",
    "flags",
    "graph",
    "invocation_args_dict",
    "invocation_id",
    "model",
    "modules",
    "post_hooks",
    "pre_hooks",
    "project_name",
    "run_started_at",
    "schema",
    "selected_resources",
    "target",
    "this",
    "var",
];

/// Shared by everything that takes part in a render.
pub(super) type RenderHandle = Arc<RenderContext>;

/// The name under which the context finds itself; not a name that a template would write.
pub(super) const SELF: &str = "__slimdiff";

/// Shared by all renders of one invocation.
pub(super) struct Shared {
    /// What is the same for every render.
    pub(super) setup: Arc<Setup>,
    /// All macros.
    pub(super) registry: Arc<Registry>,
    /// The engine, with every macro.
    pub(super) env: Environment<'static>,
    target: OnceLock<Value>,
    flags: OnceLock<Value>,
    plain_where_subquery: OnceLock<bool>,
    invocation_args: OnceLock<Value>,
    /// The graph that was converted last, with its conversion: a run has one.
    graph: Mutex<Option<(Arc<Json>, Value)>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("project", &self.setup.project_name).finish_non_exhaustive()
    }
}

impl Shared {
    /// What every render of `setup` shares.
    pub(super) fn new(setup: Setup, registry: Arc<Registry>, env: Environment<'static>) -> Self {
        Self {
            setup: Arc::new(setup),
            registry,
            env,
            target: OnceLock::new(),
            flags: OnceLock::new(),
            plain_where_subquery: OnceLock::new(),
            invocation_args: OnceLock::new(),
            graph: Mutex::new(None),
        }
    }

    /// Whether `get_where_subquery` is dbt's own, which gives its argument back while a project is parsed.
    pub(super) fn has_plain_where_subquery(&self) -> bool {
        *self.plain_where_subquery.get_or_init(|| self.registry.is_only_built_in("get_where_subquery"))
    }

    fn graph(&self, world: Option<&Arc<dyn Introspect>>) -> Value {
        let Some(world) = world else {
            let empty = |key| (key, dict([]));
            return record(["nodes", "sources", "exposures", "metrics", "groups"].map(empty));
        };
        let json = world.graph();
        let mut cached = lock(&self.graph);
        match &*cached {
            Some((known, value)) if Arc::ptr_eq(known, &json) => value.clone(),
            _ => {
                let value = Value::from_object(Lazy::new(Arc::clone(&json).into()));
                *cached = Some((json, value.clone()));
                value
            }
        }
    }
}

/// One render.
pub(super) struct RenderContext {
    /// What all renders share.
    pub(super) shared: Arc<Shared>,
    /// What is the same for every render.
    pub(super) setup: Arc<Setup>,
    /// Where the answers come from at execution; none while parsing.
    pub(super) world: Option<Arc<dyn Introspect>>,
    /// Who is rendered.
    pub(super) scope: Arc<NodeScope>,
    /// What was seen so far.
    pub(super) capture: Mutex<Capture>,
    /// Results of `statement` blocks by name: a dict with `response`, `table` and `data`.
    pub(super) results: Mutex<HashMap<String, Value>>,
    /// What imports a macro into this render; set by the prelude.
    pub(super) loader: Mutex<Option<Value>>,
    /// The value that was handed over last.
    pub(super) kept: Mutex<Option<Value>>,
    /// Macros that the arguments of a generic test called.
    argument_macros: Mutex<Vec<String>>,
    macros: Mutex<HashMap<String, Value>>,
    depth: Mutex<usize>,
    /// Values given to this render alone, under names that no template writes.
    pub(super) given: Mutex<HashMap<&'static str, Value>>,
    /// Values that were converted for this render, by name.
    converted: Mutex<HashMap<String, Value>>,
}

impl fmt::Debug for RenderContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderContext").field("path", &self.scope.path).finish_non_exhaustive()
    }
}

impl RenderContext {
    /// A render of `scope`.
    pub(super) fn new(shared: Arc<Shared>, scope: Arc<NodeScope>, world: Option<Arc<dyn Introspect>>) -> Self {
        Self {
            setup: Arc::clone(&shared.setup),
            shared,
            world,
            scope,
            capture: Mutex::default(),
            results: Mutex::default(),
            loader: Mutex::default(),
            kept: Mutex::default(),
            argument_macros: Mutex::default(),
            macros: Mutex::default(),
            depth: Mutex::new(0),
            given: Mutex::default(),
            converted: Mutex::default(),
        }
    }

    /// The render that `state` belongs to.
    pub(super) fn of(state: &State<'_, '_>) -> Result<RenderHandle, Error> {
        state
            .lookup(SELF)
            .and_then(|value| value.downcast_object::<Self>())
            .ok_or_else(|| fail("called outside of a render"))
    }

    /// A render of its own for text inside of this one: macros have to be imported again there.
    pub(super) fn child(&self) -> RenderHandle {
        Arc::new(Self::new(Arc::clone(&self.shared), Arc::clone(&self.scope), self.world.clone()))
    }

    /// Adds what `child` captured.
    pub(super) fn absorb(&self, child: &Self) {
        let seen = child.take_capture();
        self.note(|capture| {
            capture.refs.extend(seen.refs);
            capture.sources.extend(seen.sources);
            seen.metrics.into_iter().for_each(|item| push_new(&mut capture.metrics, item));
            seen.functions.into_iter().for_each(|item| push_new(&mut capture.functions, item));
            seen.macros.into_iter().for_each(|item| push_new(&mut capture.macros, item));
            seen.vars.into_iter().for_each(|item| push_new(&mut capture.vars, item));
            seen.env_vars.into_iter().for_each(|item| push_new(&mut capture.env_vars, item));
            capture.config.extend(seen.config);
        });
    }

    /// What was captured so far, taken out.
    pub(super) fn take_capture(&self) -> Capture {
        let mut capture = std::mem::take(&mut *lock(&self.capture));
        let of_arguments = std::mem::take(&mut *lock(&self.argument_macros));
        for item in of_arguments {
            push_new(&mut capture.macros, item);
        }
        capture
    }

    /// Adds what `child`, an argument of the generic test, captured; dbt lists its macros after the test's own.
    pub(super) fn absorb_argument(&self, child: &Self) {
        lock(&self.argument_macros).append(&mut lock(&child.capture).macros);
        self.absorb(child);
    }

    /// What `execute` is.
    pub(super) fn execute(&self) -> bool {
        self.world.is_some()
    }

    /// The world, or an error that says that `what` needs it.
    pub(super) fn world(&self, what: &str) -> Result<&Arc<dyn Introspect>, Error> {
        self.world.as_ref().ok_or_else(|| fail(format!("{what} needs a database, and there is none while parsing")))
    }

    /// Changes what was captured.
    pub(super) fn note(&self, change: impl FnOnce(&mut Capture)) {
        change(&mut lock(&self.capture));
    }

    /// Notes that a macro begins; the depth at which it was called, 0 for the node's own calls, which dbt records.
    pub(super) fn enter(&self, unique_id: &str) -> usize {
        let mut depth = lock(&self.depth);
        let called_at = *depth;
        *depth += 1;
        if called_at == 0 {
            self.note(|capture| push_new(&mut capture.macros, unique_id.to_owned()));
        }
        called_at
    }

    /// Notes that a macro ended.
    pub(super) fn leave(&self) {
        *lock(&self.depth) -= 1;
    }

    /// A macro that this render has already imported.
    pub(super) fn loaded(&self, unique_id: &str) -> Option<Value> {
        lock(&self.macros).get(unique_id).cloned()
    }

    /// Remembers an imported macro.
    pub(super) fn remember(&self, unique_id: &str, body: &Value) {
        lock(&self.macros).insert(unique_id.to_owned(), body.clone());
    }

    /// The value kept under `name`, made at its first use: the same object every time, as in Python.
    fn once(&self, name: &str, make: impl FnOnce() -> Value) -> Value {
        if let Some(known) = lock(&self.converted).get(name) {
            return known.clone();
        }
        let value = make();
        lock(&self.converted).insert(name.to_owned(), value.clone());
        value
    }

    /// What `this` is: the node's relation, or one without names for what has none.
    pub(super) fn this(&self) -> Relation {
        self.scope.this.clone().unwrap_or_else(|| {
            let schema = self.setup.target.get("schema").and_then(Json::as_str).unwrap_or_default();
            Relation::new(self.setup.target.get("database").and_then(Json::as_str), schema, &self.scope.name)
        })
    }

    fn json(map: &OnceLock<Value>, from: &crate::model::JsonMap) -> Value {
        map.get_or_init(|| from_json(&Json::Object(from.clone()))).clone()
    }

    /// A name of dbt's context that is not a plain function.
    fn named(self: &Arc<Self>, name: &str) -> Option<Value> {
        let setup = &self.setup;
        let of_node = |key: &str| {
            let own = self.scope.model.get(key).filter(|value| !value.is_null());
            own.or_else(|| setup.target.get(key)).map_or_else(|| Value::from(()), from_json)
        };
        Some(match name {
            "this" => self.once(name, || adapter::relation_value(self.this(), &setup.adapter_type)),
            "model" => self.once("model", || Value::from_object(Lazy::new(self.scope.model.map(shown)))),
            "graph" => self.shared.graph(self.world.as_ref()),
            "execute" => Value::from(self.execute()),
            "target" => Self::json(&self.shared.target, &setup.target),
            "flags" => Self::json(&self.shared.flags, &setup.flags),
            "invocation_args_dict" => Self::json(&self.shared.invocation_args, &setup.invocation_args),
            "database" | "schema" => of_node(name),
            "project_name" => Value::from(setup.project_name.as_str()),
            "dbt_version" => Value::from(setup.dbt_version.as_str()),
            "invocation_id" => Value::from(setup.invocation_id.as_str()),
            "run_started_at" => modules::run_started_at(setup.run_started_at),
            "config" => Value::from_object(ConfigObject),
            "var" => Value::from_object(VarObject),
            "adapter" => adapter::adapter(Arc::clone(self)),
            "api" => adapter::api(),
            "modules" => modules::modules(),
            "exceptions" => Value::from_object(Exceptions),
            "context" => Value::from_object(ContextObject(Arc::clone(self))),
            "builtins" => functions::builtins(self),
            "thread_id" => Value::from("Thread-1"),
            "sql" | "defer_relation" => Value::from(()),
            "column" => adapter::column_class(),
            "selected_resources" | "pre_hooks" | "post_hooks" => list(Vec::new()),
            "dbt_metadata_envs" => dict([]),
            "_dbt_generic_test_kwargs" => Value::from_object(TestArguments::of(self)?),
            _ => return None,
        })
    }

    /// Whether a macro or a unit test stands for one of dbt's own functions.
    pub(super) fn is_overridden(&self, name: &str) -> bool {
        let scope = &self.scope;
        scope.extra.contains_key(name)
            || scope.overrides.macros.contains_key(name)
            || self.shared.registry.find(name, &scope.package).is_some()
    }

    /// A name that only dbt answers, macros left out.
    pub(super) fn builtin(self: &Arc<Self>, name: &str) -> Option<Value> {
        self.named(name).or_else(|| functions::function(name))
    }

    fn resolve(self: &Arc<Self>, name: &str) -> Option<Value> {
        if name.starts_with("__") {
            // One name of the engine's kind, for finding the render again.
            return (name == SELF).then(|| Value::from_dyn_object(Arc::clone(self)));
        }
        if name.starts_with("slimdiff_") {
            return lock(&self.given).get(name).cloned();
        }
        if let Some(json) = self.scope.extra.get(name) {
            return Some(self.once(name, || from_json(json)));
        }
        if let Some(answer) = self.scope.overrides.macros.get(name) {
            return Some(Value::from_object(Always(answer.clone())));
        }
        let registry = &self.shared.registry;
        if let Some((_, value)) = registry.find(name, &self.scope.package) {
            return Some(value.clone());
        }
        if let Some(value) = self.builtin(name) {
            return Some(value);
        }
        registry.is_package(name).then(|| {
            Value::from_object(PackageNamespace { package: name.to_owned(), shared: Arc::clone(&self.shared) })
        })
    }
}

/// Adds `item` unless it is there.
pub(super) fn push_new<T: PartialEq>(items: &mut Vec<T>, item: T) {
    if !items.contains(&item) {
        items.push(item);
    }
}

impl Object for RenderContext {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match self.resolve(key) {
            Some(value) => Some(value),
            // The engine's own globals come after this object, so only what they do not have is unknown.
            None if key.starts_with("__") || key.starts_with("slimdiff_") || functions::is_global(key) => None,
            None => Some(Phantom::value(key, !self.execute())),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<context>")
    }
}

/// A node as its own template sees it: what it does not set is not there.
fn shown(node: &Json) -> Json {
    let mut node = node.clone();
    let empty_fields = |json: &mut Json| {
        if let Json::Object(fields) = json {
            fields.retain(|_, value| !value.is_null());
        }
    };
    for path in ["", "/config", "/config/docs", "/config/contract", "/docs", "/contract", "/checksum"] {
        node.pointer_mut(path).map(empty_fields);
    }
    if let Some(Json::Object(columns)) = node.get_mut("columns") {
        for column in columns.values_mut() {
            empty_fields(column);
            column.get_mut("config").map(empty_fields);
        }
    }
    node
}

/// `context`: everything that a template can name, as a dict.
#[derive(Debug)]
struct ContextObject(RenderHandle);

impl ContextObject {
    fn names(&self) -> Vec<Value> {
        let macros = self.0.shared.registry.names(&self.0.scope.package);
        let packages = self.0.setup.packages.iter().map(String::as_str).chain(["dbt"]);
        let mut names: BTreeSet<&str> = macros.into_iter().chain(packages).collect();
        for name in functions::names().chain(NAMED) {
            names.insert(name);
        }
        names.into_iter().map(Value::from).collect()
    }

    fn pairs(&self) -> Vec<(Value, Value)> {
        let pair = |name: Value| Some((name.clone(), self.0.resolve(name.as_str()?)?));
        self.names().into_iter().filter_map(pair).collect()
    }
}

impl Object for ContextObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.resolve(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names())
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match (method, args) {
            ("get", [key]) => Ok(self.get_value(key).unwrap_or_else(|| Value::from(()))),
            ("get", [key, default]) => Ok(self.get_value(key).unwrap_or_else(|| default.clone())),
            ("keys" | "values" | "items", []) => super::values::read_mapping(&self.pairs(), method, args),
            _ => match self.0.resolve(method) {
                Some(value) => value.call(state, args),
                None => Err(fail(format!("the context has no '{method}'"))),
            },
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<context>")
    }
}

/// A macro that a unit test replaced: whatever it is called with, the answer is the same.
#[derive(Debug)]
struct Always(Json);

impl Object for Always {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
        Ok(from_json(&self.0))
    }
}

/// The macros of one package: `dbt_utils` in `dbt_utils.star(…)`.
#[derive(Debug)]
struct PackageNamespace {
    package: String,
    shared: Arc<Shared>,
}

impl Object for PackageNamespace {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let found = self.shared.registry.find_qualified(&self.package, key.as_str()?);
        found.map(|(_, value)| value.clone())
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let ctx = RenderContext::of(state)?;
        if let Some(answer) = ctx.scope.overrides.macros.get(&format!("{}.{method}", self.package)) {
            return Ok(from_json(answer));
        }
        if let Some((entry, _)) = self.shared.registry.find_qualified(&self.package, method) {
            return super::callable::call(entry, state, args);
        }
        Phantom::value(&format!("{}.{method}", self.package), !ctx.execute()).call(state, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<package {}>", self.package)
    }
}

/// JSON that becomes a mutable container only when a template looks into it.
pub(super) struct Lazy {
    json: LazyJson,
    value: OnceLock<Value>,
}

impl Lazy {
    /// `json`, not yet converted.
    pub(super) fn new(json: LazyJson) -> Self {
        Self { json, value: OnceLock::new() }
    }

    fn value(&self) -> &Value {
        self.value.get_or_init(|| from_json(&self.json.shared()))
    }
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.value())
    }
}

impl Object for Lazy {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.value().as_object().and_then(|object| object.get_value(key))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.value().as_object().map_or(Enumerator::Empty, minijinja::value::DynObject::enumerate)
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        self.value().call_method(state, method, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}
