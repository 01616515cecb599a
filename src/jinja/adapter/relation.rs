//! Relations as templates see them, and `api.Relation`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{DynObject, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::arguments::{Bound, bind};
use super::engine::Engine;
use crate::jinja::context::RenderContext;
use crate::jinja::values::{fail, list, pairs_of, record, split_args};
use crate::model::{Quoting, Relation, RelationKind};

const PARTS: [&str; 3] = ["database", "schema", "identifier"];

/// A relation with what is shown of it.
#[derive(Clone)]
pub(super) struct RelationValue {
    /// The name and kind.
    pub(super) relation: Relation,
    /// Which parts are rendered.
    include: [bool; 3],
    /// Set when this is an information schema rather than a table.
    catalog: Option<Catalog>,
    /// The adapter's, for the name of its class.
    engine: &'static Engine,
}

/// A database's information schema, or one view of it, in place of a table.
#[derive(Clone)]
struct Catalog {
    view: Option<String>,
}

impl RelationValue {
    pub(super) fn new(relation: Relation, engine: &'static Engine) -> Self {
        Self { relation, include: engine.include, catalog: None, engine }
    }

    /// All that makes two relations the same.
    fn key(&self) -> impl Ord {
        let Relation { database, schema, identifier, .. } = self.relation.clone();
        let view = self.catalog.as_ref().map(|catalog| catalog.view.clone());
        (database, schema, identifier, self.kind_name(), self.quote_policy(), self.include, view)
    }

    fn part(&self, name: &str) -> Option<&str> {
        match name {
            "database" => self.relation.database.as_deref(),
            "schema" => self.relation.schema.as_deref(),
            _ => self.relation.identifier.as_deref(),
        }
    }

    /// What is left of the relation when only the included parts count.
    fn shown(&self) -> Relation {
        let mut shown = self.relation.clone();
        let keep = |part: Option<String>, included: bool| part.filter(|_| included);
        shown.database = keep(shown.database, self.include[0]);
        shown.schema = keep(shown.schema, self.include[1]);
        shown.identifier = keep(shown.identifier, self.include[2]);
        // A common table expression of whoever refers to it.
        if shown.kind == Some(RelationKind::Ephemeral) && shown.schema.is_none() {
            shown.quoting.identifier = false;
        }
        shown
    }

    fn with_path(&self, changes: &[(String, Value)]) -> Result<Self, Error> {
        let mut moved = self.clone();
        for (name, value) in changes {
            let part = (!value.is_none()).then(|| value.to_string());
            match name.as_str() {
                "database" => moved.relation.database = part,
                "schema" => moved.relation.schema = part,
                "identifier" => moved.relation.identifier = part,
                other => return Err(fail(format!("a relation's path has no part '{other}'"))),
            }
        }
        Ok(moved)
    }

    /// The information schema of this relation's database (of its schema, where each has its own), or one view of it.
    pub(super) fn information_schema(&self, engine: &Engine, view: Option<String>) -> Self {
        let view_is_absent = view.is_none();
        let mut catalog = self.clone();
        if view_is_absent || !engine.catalog_per_schema() {
            catalog.relation.schema = None;
        }
        catalog.relation.identifier = None;
        catalog.relation.kind = None;
        catalog.catalog = Some(Catalog { view });
        catalog
    }

    /// `matches(database=…, schema=…, identifier=…)`: whether every part that was given is this relation's.
    fn matches(&self, wanted: &Bound<'_>) -> Result<bool, Error> {
        let asked: Vec<(&str, String)> = PARTS.iter().filter_map(|part| Some((*part, wanted.text(part)?))).collect();
        if asked.is_empty() {
            return Err(fail("matches() was given no database, schema or identifier to look for"));
        }
        let exact = asked.iter().all(|(part, text)| self.part(part) == Some(text));
        let close = asked.iter().all(|(part, text)| self.part(part).is_some_and(|own| own.eq_ignore_ascii_case(text)));
        if close && !exact {
            return Err(fail(format!("{self} differs from what was looked for only in case; rename or drop it")));
        }
        Ok(exact)
    }

    fn kind_name(&self) -> Option<&'static str> {
        self.relation.kind.map(|kind| match kind {
            RelationKind::Ephemeral => "cte",
            other => other.as_str(),
        })
    }

    fn is(&self, kind: RelationKind) -> Value {
        Value::from(self.relation.kind == Some(kind))
    }

    fn quoted(&self, text: &str) -> String {
        let q = self.relation.quoting.character;
        format!("{q}{text}{q}")
    }

    fn quote_policy(&self) -> [bool; 3] {
        let quoting = self.relation.quoting;
        [quoting.database, quoting.schema, quoting.identifier]
    }

    fn as_dict(&self) -> Value {
        record([
            ("path", path(&self.relation)),
            ("type", Value::from(self.kind_name())),
            ("quote_character", Value::from(self.relation.quoting.character.to_string())),
            ("include_policy", policy(self.include)),
            ("quote_policy", policy(self.quote_policy())),
        ])
    }
}

fn path(relation: &Relation) -> Value {
    record([
        ("database", Value::from(relation.database.as_deref())),
        ("schema", Value::from(relation.schema.as_deref())),
        ("identifier", Value::from(relation.identifier.as_deref())),
    ])
}

/// Whether database, schema and identifier are quoted or shown, as a dict.
pub(super) fn policy(parts: [bool; 3]) -> Value {
    record(PARTS.into_iter().zip(parts).map(|(name, on)| (name, Value::from(on))))
}

fn apply_policy(mut policy: [bool; 3], changes: &Bound<'_>) -> [bool; 3] {
    for (on, part) in policy.iter_mut().zip(PARTS) {
        if let Some(flag) = changes.flag(part) {
            *on = flag;
        }
    }
    policy
}

fn with_quoting(mut quoting: Quoting, [database, schema, identifier]: [bool; 3]) -> Quoting {
    (quoting.database, quoting.schema, quoting.identifier) = (database, schema, identifier);
    quoting
}

/// The kind that dbt calls `name`.
fn kind_of(name: &str) -> Result<RelationKind, Error> {
    match name {
        "table" => Ok(RelationKind::Table),
        "view" => Ok(RelationKind::View),
        "materialized_view" => Ok(RelationKind::MaterializedView),
        "external" => Ok(RelationKind::External),
        "function" => Ok(RelationKind::Function),
        "cte" | "ephemeral" => Ok(RelationKind::Ephemeral),
        other => Err(fail(format!(
            "a relation cannot be of type '{other}', only table, view, materialized_view, external, function or cte"
        ))),
    }
}

impl fmt::Display for RelationValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown();
        let Some(catalog) = &self.catalog else { return write!(f, "{shown}") };
        if shown.database.is_some() || shown.schema.is_some() {
            write!(f, "{shown}.")?;
        }
        f.write_str("INFORMATION_SCHEMA")?;
        catalog.view.iter().try_for_each(|view| write!(f, ".{view}"))
    }
}

// What a list of relations shows.
impl fmt::Debug for RelationValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} {self}>", self.engine.relation_class())
    }
}

impl Object for RelationValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        use RelationKind::{Ephemeral, External, MaterializedView, Table, View};
        Some(match key {
            "database" | "schema" | "identifier" => Value::from(self.part(key)),
            "name" | "table" => Value::from(self.relation.identifier.as_deref()),
            "type" => Value::from(self.kind_name()),
            "is_table" => self.is(Table),
            "is_view" => self.is(View),
            "is_cte" => self.is(Ephemeral),
            "is_materialized_view" => self.is(MaterializedView),
            "is_external" => self.is(External),
            "is_function" => self.is(RelationKind::Function),
            "is_dynamic_table" | "is_pointer" | "is_iceberg_format" | "dbt_created" => Value::from(false),
            "can_be_renamed" | "can_be_replaced" => Value::from(matches!(self.relation.kind, Some(Table | View))),
            "path" => path(&self.relation),
            "quote_policy" => policy(self.quote_policy()),
            "include_policy" => policy(self.include),
            "quote_character" => Value::from(self.relation.quoting.character.to_string()),
            "information_schema_view" => Value::from(self.catalog.as_ref()?.view.as_deref()),
            "metadata" => record([("type", Value::from("BaseRelation"))]),
            "limit" | "event_time_filter" | "catalog" => Value::from(()),
            _ => return constant(key),
        })
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        Some(self.key().cmp(&other.key()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let mut changed = (**self).clone();
        match method {
            "include" => changed.include = apply_policy(self.include, &bind(method, &PARTS, args)?),
            "quote" => {
                let policy = apply_policy(self.quote_policy(), &bind(method, &PARTS, args)?);
                changed.relation.quoting = with_quoting(self.relation.quoting, policy);
            }
            "without_identifier" => changed.include[2] = false,
            "incorporate" | "replace" => changed = incorporate(self, method, args)?,
            "replace_path" => {
                let (_, parts) = split_args(args);
                changed = self.with_path(&parts)?;
            }
            "information_schema" => {
                changed = {
                    let view = bind(method, &["view_name"], args)?.text("view_name");
                    self.information_schema(Engine::of(state)?, view)
                }
            }
            "information_schema_only" => changed = self.information_schema(Engine::of(state)?, None),
            "matches" => return self.matches(&bind(method, &PARTS, args)?).map(Value::from),
            "render" | "render_limited" => return Ok(Value::from(self.to_string())),
            "quoted" => {
                return Ok(Value::from(self.quoted(&bind(method, &["text"], args)?.required("text")?.to_string())));
            }
            "get" => {
                let args = bind(method, &["key", "default"], args)?;
                let found = self.get_value(args.required("key")?);
                return Ok(found.or_else(|| args.passed("default").cloned()).unwrap_or_else(|| Value::from(())));
            }
            "to_dict" => return Ok(self.as_dict()),
            "add_ephemeral_prefix" => {
                let name = bind(method, &["name"], args)?.required("name")?.to_string();
                return Ok(Value::from(format!("__dbt__cte__{name}")));
            }
            // Only Databricks tells its older catalog apart from the others.
            "is_hive_metastore" => {
                let hive = self.relation.database.as_deref().is_none_or(|name| name == "hive_metastore");
                return Ok(Value::from(hive));
            }
            "create" => return create(state, args),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Value::from_object(changed))
    }
}

/// `relation.incorporate(path=…, type=…, quote_policy=…, include_policy=…)`.
fn incorporate(relation: &RelationValue, method: &str, args: &[Value]) -> Result<RelationValue, Error> {
    const NAMES: [&str; 4] = ["path", "type", "quote_policy", "include_policy"];
    let args = bind(method, &NAMES, args)?;
    let mut changed = match args.optional("path") {
        Some(path) => {
            let parts: Vec<(String, Value)> = pairs_of(path)?.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
            relation.with_path(&parts)?
        }
        None => relation.clone(),
    };
    if let Some(kind) = args.passed("type") {
        changed.relation.kind = if kind.is_none() { None } else { Some(kind_of(&kind.to_string())?) };
    }
    if let Some(policy) = args.optional("quote_policy") {
        let quoting = read_policy(policy, changed.quote_policy())?;
        changed.relation.quoting = with_quoting(changed.relation.quoting, quoting);
    }
    if let Some(policy) = args.optional("include_policy") {
        changed.include = read_policy(policy, changed.include)?;
    }
    Ok(changed)
}

fn read_policy(value: &Value, mut policy: [bool; 3]) -> Result<[bool; 3], Error> {
    for (name, on) in pairs_of(value)? {
        if let Some(at) = PARTS.iter().position(|part| name.as_str() == Some(part)) {
            policy[at] = on.is_true();
        }
    }
    Ok(policy)
}

/// Names of kinds, as `api.Relation.View` and `this.View` give them.
fn constant(key: &str) -> Option<Value> {
    Some(Value::from(match key {
        "Table" => "table",
        "View" => "view",
        "CTE" => "cte",
        "MaterializedView" => "materialized_view",
        "External" => "external",
        "Function" => "function",
        "DynamicTable" => "dynamic_table",
        _ => return None,
    }))
}

/// `api.Relation.create(database=…, schema=…, identifier=…, type=…, quote_policy=…, include_policy=…)`.
fn create(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    const NAMES: [&str; 6] = ["database", "schema", "identifier", "type", "quote_policy", "include_policy"];
    let quoting = RenderContext::of(state)?.setup.quoting;
    let (positional, keywords) = split_args(args);
    // Adapters know further fields (metadata, options, …) that say nothing about the name.
    let known = keywords.into_iter().filter(|(name, _)| NAMES.contains(&name.as_str()));
    let kwargs: minijinja::value::Kwargs = known.collect();
    let mut all = positional;
    all.push(Value::from(kwargs));
    let args = bind("create", &NAMES, &all)?;
    let relation = Relation {
        database: args.text("database"),
        schema: args.text("schema"),
        identifier: args.text("identifier"),
        kind: args.text("type").map(|name| kind_of(&name)).transpose()?,
        quoting,
    };
    let mut created = RelationValue::new(relation, Engine::of(state)?);
    if let Some(policy) = args.optional("quote_policy") {
        let policy = read_policy(policy, created.quote_policy())?;
        created.relation.quoting = with_quoting(quoting, policy);
    }
    if let Some(policy) = args.optional("include_policy") {
        created.include = read_policy(policy, created.include)?;
    }
    Ok(Value::from_object(created))
}

/// `api.Relation`.
#[derive(Debug)]
pub(super) struct RelationClass;

impl Object for RelationClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        constant(key)
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<class Relation>")
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "create" => create(state, args),
            "get_default_quote_policy" => Ok(policy([Engine::of(state)?.quotes_relations; 3])),
            "get_default_include_policy" => Ok(policy(Engine::of(state)?.include)),
            "get_relation_type" => match bind(method, &["name"], args)?.text("name") {
                Some(name) => kind_of(&name).map(|_| Value::from(name)),
                None => Ok(list(KINDS.iter().map(|kind| Value::from(*kind)).collect())),
            },
            "scrub_ephemeral_prefix" | "add_ephemeral_prefix" => {
                let name = bind(method, &["name"], args)?.required("name")?.to_string();
                Ok(Value::from(match method {
                    "add_ephemeral_prefix" => format!("__dbt__cte__{name}"),
                    _ => name.trim_start_matches("__dbt__cte__").to_owned(),
                }))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
        Err(fail("a relation is made with api.Relation.create(…)"))
    }
}

const KINDS: [&str; 5] = ["table", "view", "cte", "materialized_view", "external"];

/// A list of relations.
pub(super) fn relations(found: Vec<Relation>, engine: &'static Engine) -> Value {
    list(found.into_iter().map(|relation| Value::from_object(RelationValue::new(relation, engine))).collect())
}
