//! `adapter` and `api` as templates see them: relations, columns, and questions to the database.
//!
//! While parsing nothing is asked: every method answers what dbt's adapter answers then, and unknown ones answer
//! nothing.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, State};

use super::context::RenderHandle;
use super::diagnose::carried;
use super::dispatch;
use super::values::{fail, items_of, list, pairs_of, record, tuple};
use crate::model::{Code, Diagnostic, Relation, Table};

pub(super) mod arguments;
mod column;
mod engine;
mod index;
mod partition;
mod relation;
mod response;

use arguments::bind;
use column::{ColumnClass, ColumnValue};
use engine::Engine;
use relation::{RelationClass, RelationValue};
use response::{Behavior, Response};

/// What `adapter` is.
pub(super) fn adapter(ctx: RenderHandle) -> Value {
    Value::from_object(Adapter { ctx })
}

/// What `api` is.
pub(super) fn api() -> Value {
    record([("Relation", Value::from_object(RelationClass)), ("Column", Value::from_object(ColumnClass))])
}

/// `api.Column`, which the context has under a name of its own as well.
pub(super) fn column_class() -> Value {
    Value::from_object(ColumnClass)
}

/// A relation as templates see it.
pub(super) fn relation_value(relation: Relation, adapter_type: &str) -> Value {
    Value::from_object(RelationValue::new(relation, Engine::named(adapter_type)))
}

/// What Python's `repr()` of a relation is; none for anything else.
pub(super) fn repr_of(value: &Value) -> Option<String> {
    value.downcast_object_ref::<RelationValue>().map(|relation| format!("{relation:?}"))
}

/// The relation in a template value, if it is one.
pub(super) fn relation_of(value: &Value) -> Option<Relation> {
    value.downcast_object_ref::<RelationValue>().map(|value| value.relation.clone())
}

/// What to do about a question that cannot be asked.
const NO_CONNECTION: &str = "compile this node with dbt, or leave it out with `--exclude`";

struct Adapter {
    ctx: RenderHandle,
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<adapter {}>", self.ctx.setup.adapter_type)
    }
}

impl Object for Adapter {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "Relation" => Some(Value::from_object(RelationClass)),
            "Column" => Some(Value::from_object(ColumnClass)),
            "behavior" => Some(Value::from_object(Behavior { flags: self.ctx.setup.flags.clone() })),
            "config" => Some(self.config()),
            _ => None,
        }
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if method == "dispatch" {
            return dispatch::dispatch(state, args);
        }
        if let Some(answer) = self.names(method, args)? {
            return Ok(answer);
        }
        if method == "get_hard_deletes_behavior" {
            return hard_deletes(state, bind(method, &["config"], args)?.required("config")?);
        }
        if !self.ctx.execute() {
            return Ok(while_parsing(method));
        }
        if let Some(answer) = self.questions_of_columns(method, args)? {
            return Ok(answer);
        }
        if let Some(answer) = self.questions(state, method, args)? {
            return Ok(answer);
        }
        if let Some(answer) = self.statements(state, method, args)? {
            return Ok(answer);
        }
        Err(self.unknown(method))
    }
}

/// What dbt's adapter answers while parsing, when there is no connection.
fn while_parsing(method: &str) -> Value {
    match method {
        "get_relation"
        | "expand_target_column_types"
        | "create_schema"
        | "drop_schema"
        | "drop_relation"
        | "rename_relation"
        | "truncate_relation" => Value::from(()),
        "get_columns_in_relation"
        | "get_missing_columns"
        | "get_column_schema_from_query"
        | "list_relations"
        | "list_relations_without_caching"
        | "list_schemas" => list(Vec::new()),
        "check_schema_exists" | "already_exists" | "location_exists" | "is_motherduck" => Value::from(false),
        "execute" => tuple(vec![Value::from(""), super::table::empty()]),
        _ => Value::from(""),
    }
}

impl Adapter {
    /// The error of a method that nothing above answers. Of an engine without a connection it is not known which
    /// methods there are: those that are not here ask the database.
    fn unknown(&self, method: &str) -> Error {
        let adapter = &self.ctx.setup.adapter_type;
        if self.ctx.world.as_ref().is_some_and(|world| world.has_database()) {
            return fail(format!("the {adapter} adapter has no method '{method}'"));
        }
        let message =
            format!("adapter.{method}() needs a connection to {adapter}, and slimdiff does not connect to it");
        carried(Diagnostic::error(Code::Unsupported, message).hint(NO_CONNECTION))
    }

    fn engine(&self) -> &'static Engine {
        Engine::named(&self.ctx.setup.adapter_type)
    }

    fn quoted(&self, name: &str) -> String {
        let q = self.ctx.setup.quoting.character;
        format!("{q}{name}{q}")
    }

    /// The project and its target without anything secret.
    fn config(&self) -> Value {
        let setup = &self.ctx.setup;
        let shown = |key: &str| setup.target.get(key).map_or_else(|| Value::from(()), super::values::from_json);
        let credentials = record([
            ("type", Value::from(setup.adapter_type.as_str())),
            ("database", shown("database")),
            ("schema", shown("schema")),
            ("threads", shown("threads")),
        ]);
        record([
            ("project_name", Value::from(setup.project_name.as_str())),
            ("target_name", shown("name")),
            ("profile_name", shown("profile_name")),
            ("credentials", credentials),
        ])
    }

    /// Methods that need no database, answered alike while parsing and at execution.
    fn names(&self, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
        let setup = &self.ctx.setup;
        Ok(Some(match method {
            "type" => Value::from(setup.adapter_type.as_str()),
            "quote" => Value::from(
                self.quoted(&super::repr::to_str(bind(method, &["identifier"], args)?.required("identifier")?)),
            ),
            "quote_as_configured" => {
                let args = bind(method, &["identifier", "quote_key"], args)?;
                let name = args.required("identifier")?.to_string();
                let quote = match args.required("quote_key")?.as_str() {
                    Some("database") => setup.quoting.database,
                    Some("schema") => setup.quoting.schema,
                    _ => setup.quoting.identifier,
                };
                Value::from(if quote { self.quoted(&name) } else { name })
            }
            "quote_seed_column" => {
                let args = bind(method, &["column", "quote_config"], args)?;
                let name = args.required("column")?.to_string();
                let quote = args.flag("quote_config").unwrap_or_else(|| self.engine().quotes_seed_columns());
                Value::from(if quote { self.quoted(&name) } else { name })
            }
            "valid_incremental_strategies" => {
                list(self.engine().strategies.iter().map(|name| Value::from(*name)).collect())
            }
            "standardize_grants_dict" => grants(bind(method, &["grants_table"], args)?.required("grants_table")?)?,
            "render_raw_columns_constraints" => {
                let args = bind(method, &["raw_columns"], args)?;
                self.columns_with_constraints(args.required("raw_columns")?)?
            }
            "render_raw_model_constraints" => {
                let args = bind(method, &["raw_constraints"], args)?;
                let constraints = items_of(args.required("raw_constraints")?)?;
                let texts = constraints.iter().filter_map(|constraint| constraint_text(self.engine(), constraint));
                list(texts.map(Value::from).collect())
            }
            // Not of dbt: whether relations are known, so that `is_incremental` may look.
            "has_database" => Value::from(self.ctx.world.as_ref().is_some_and(|world| world.has_database())),
            "cache_added" | "cache_dropped" | "cache_renamed" | "clear_cache" => Value::from(""),
            "get_binding_char" => Value::from(if setup.adapter_type == "duckdb" { "?" } else { "%s" }),
            "parse_index" if matches!(setup.adapter_type.as_str(), "duckdb" | "postgres") => {
                index::parse(bind(method, &["raw_index"], args)?.required("raw_index")?, &setup.adapter_type)?
            }
            "parse_partition_by" if setup.adapter_type == "bigquery" => {
                partition::parse(bind(method, &["raw_partition_by"], args)?.required("raw_partition_by")?)?
            }
            "verify_database" if matches!(setup.adapter_type.as_str(), "postgres" | "redshift") => {
                let asked = bind(method, &["database"], args)?.required("database")?.to_string();
                if setup.target.get("database").and_then(|name| name.as_str()) != Some(&asked) {
                    return Err(fail(format!(
                        "'{asked}' is another database than the target's, and cannot be reached"
                    )));
                }
                Value::from("")
            }
            _ if setup.adapter_type == "duckdb" => return self.names_of_duckdb(method, args),
            _ => return Ok(None),
        }))
    }

    /// Methods that only DuckDB's adapter has.
    fn names_of_duckdb(&self, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
        let setup = &self.ctx.setup;
        let text = |key: &str| setup.target.get(key).and_then(|value| value.as_str()).unwrap_or_default();
        Ok(Some(match method {
            "is_motherduck" => Value::from(text("path").starts_with("md:") || text("path").starts_with("motherduck:")),
            "is_ducklake" | "use_ducklake_table_workarounds" => Value::from(false),
            "disable_transactions" => Value::from(
                setup.target.get("disable_transactions").and_then(serde_json::Value::as_bool).unwrap_or(false),
            ),
            "escape_sql_string" => {
                let value = bind(method, &["value"], args)?.required("value")?.to_string();
                Value::from(value.replace('\'', "''"))
            }
            "warn_once" => {
                let message = bind(method, &["msg"], args)?.required("msg")?.to_string();
                tracing::warn!(path = self.ctx.scope.path, "{message}");
                Value::from(())
            }
            "external_root" => Value::from(setup.target.get("external_root").and_then(|v| v.as_str()).unwrap_or(".")),
            _ => return Ok(None),
        }))
    }

    /// Methods that ask which columns there are.
    fn questions_of_columns(&self, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
        let setup = &self.ctx.setup;
        Ok(Some(match method {
            "get_columns_in_relation" => {
                let args = bind(method, &["relation"], args)?;
                let relation = relation_argument(method, args.required("relation")?)?;
                list(self.columns(&relation)?.into_iter().map(Value::from_object).collect())
            }
            "get_columns_in_table" => {
                let args = bind(method, &["schema_name", "table_name"], args)?;
                let database = setup.target.get("database").and_then(|name| name.as_str());
                let (schema, name) =
                    (args.required("schema_name")?.to_string(), args.required("table_name")?.to_string());
                let table = Relation::new(database, &schema, &name);
                list(self.columns(&table)?.into_iter().map(Value::from_object).collect())
            }
            "valid_snapshot_target" | "assert_valid_snapshot_target_given_strategy" => {
                let args = bind(method, &["relation", "column_names", "strategy"], args)?;
                self.check_snapshot(args.required("relation")?, args.optional("column_names"))?;
                Value::from(())
            }
            "get_missing_columns" => {
                let args = bind(method, &["from_relation", "to_relation"], args)?;
                let from = self.columns(&relation_argument(method, args.required("from_relation")?)?)?;
                let to = self.columns(&relation_argument(method, args.required("to_relation")?)?)?;
                let missing = from.into_iter().filter(|column| !to.iter().any(|other| other.name() == column.name()));
                list(missing.map(Value::from_object).collect())
            }
            _ => return Ok(None),
        }))
    }

    /// Methods that ask the database something.
    fn questions(&self, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
        let (world, setup) = (self.ctx.world(method)?, &self.ctx.setup);
        Ok(Some(match method {
            "get_relation" => {
                let args = bind(method, &["database", "schema", "identifier", "needs_information"], args)?;
                let (database, schema) = (args.text("database"), args.text("schema").unwrap_or_default());
                let found =
                    self.relation_named(database.as_deref(), &schema, &args.required("identifier")?.to_string())?;
                found.map_or_else(|| Value::from(()), |found| relation_value(found, &setup.adapter_type))
            }
            "list_relations" => {
                let args = bind(method, &["database", "schema"], args)?;
                let schema = args.text("schema").unwrap_or_default();
                relation::relations(self.relations(args.text("database").as_deref(), &schema)?, self.engine())
            }
            "list_relations_without_caching" => {
                let args = bind(method, &["schema_relation"], args)?;
                let schema = relation_argument(method, args.required("schema_relation")?)?;
                relation::relations(self.relations(schema.database.as_deref(), schema.schema_name())?, self.engine())
            }
            "already_exists" => {
                let args = bind(method, &["schema", "name"], args)?;
                let database = self.ctx.setup.target.get("database").and_then(|name| name.as_str());
                let schema = args.required("schema")?.to_string();
                Value::from(self.relation_named(database, &schema, &args.required("name")?.to_string())?.is_some())
            }
            "get_column_schema_from_query" => {
                let sql = bind(method, &["sql"], args)?.required("sql")?.to_string();
                let table = world.query(&sql).map_err(carried)?;
                list(table.columns.iter().map(|column| Value::from_object(self.column(column))).collect())
            }
            "check_schema_exists" => {
                let args = bind(method, &["database", "schema"], args)?;
                let schema = args.required("schema")?.clone();
                let place = Relation {
                    database: args.text("database"),
                    schema: None,
                    identifier: None,
                    kind: None,
                    quoting: self.ctx.setup.quoting,
                };
                let place = RelationValue::new(place, self.engine());
                let catalog = Value::from_object(place.information_schema(self.engine(), None));
                let table = call_macro(state, "check_schema_exists", &[catalog, schema])?;
                let count = table.get_attr("rows")?.get_item_by_index(0)?.get_item_by_index(0)?;
                Value::from(count.is_true())
            }
            "convert_type" => {
                let args = bind(method, &["agate_table", "col_idx"], args)?;
                let index = usize::try_from(args.integer("col_idx")?.unwrap_or(0)).unwrap_or(0);
                let column = args.required("agate_table")?.get_attr("columns")?.get_item_by_index(index)?;
                let values = column.call_method(state, "values", &[])?;
                Value::from(self.engine().seed_types[response::agate_type(&items_of(&values)?)])
            }
            "get_incremental_strategy_macro" => {
                let args = bind(method, &["model_context", "strategy"], args)?;
                let strategy = args.required("strategy")?.to_string();
                let name = format!("get_incremental_{}_sql", strategy.replace('+', "_"));
                let missing =
                    || fail(format!("there is no incremental strategy '{strategy}': no macro is called {name}"));
                state.lookup(&name).filter(|found| !found.is_undefined()).ok_or_else(missing)?
            }
            _ => return Ok(None),
        }))
    }

    /// Methods that change the database. Each runs the macro of the same name, so that a project can replace it.
    fn statements(&self, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
        match method {
            "execute" => {
                let args = bind(method, &["sql", "auto_begin", "fetch", "limit"], args)?;
                let table = self.ctx.world(method)?.query(&args.required("sql")?.to_string()).map_err(carried)?;
                let response = Response::of(&self.ctx.setup.adapter_type, &table);
                let fetched = if args.flag("fetch").unwrap_or(false) { table } else { Table::default() };
                return Ok(Some(tuple(vec![Value::from_object(response), super::table::table_value(&fetched)])));
            }
            "create_schema" | "drop_schema" | "drop_relation" | "truncate_relation" | "rename_relation" => {
                call_macro(state, method, args)?;
            }
            "expand_target_column_types" => self.widen(state, args)?,
            "add_query" => {
                let args = bind(method, &["sql", "auto_begin", "bindings", "abridge_sql_log"], args)?;
                if args.optional("bindings").is_some_and(Value::is_true) {
                    return Err(fail(
                        "add_query() with bindings is not supported; write the values into the statement",
                    ));
                }
                let table = self.ctx.world(method)?.query(&args.required("sql")?.to_string()).map_err(carried)?;
                return Ok(Some(tuple(vec![Value::from(""), super::table::table_value(&table)])));
            }
            "commit" | "add_begin_query" | "add_commit_query" => {}
            _ => return Ok(None),
        }
        Ok(Some(Value::from(())))
    }

    fn relations(&self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Error> {
        let mut found = self.ctx.world("list_relations")?.list_relations(database, schema).map_err(carried)?;
        for relation in &mut found {
            relation.quoting = self.ctx.setup.quoting;
        }
        Ok(found)
    }

    /// The relation of that name. One that differs in case only is an error where names are quoted, as in dbt: it is
    /// more often a mistake than the relation that was meant.
    fn relation_named(&self, database: Option<&str>, schema: &str, name: &str) -> Result<Option<Relation>, Error> {
        let found = self.relations(database, schema)?;
        if let Some(exact) = found.iter().find(|relation| relation.name() == name) {
            return Ok(Some(exact.clone()));
        }
        let Some(close) = found.into_iter().find(|relation| relation.name().eq_ignore_ascii_case(name)) else {
            return Ok(None);
        };
        if self.ctx.setup.quoting.identifier {
            return Err(fail(format!(
                "'{name}' was looked for, and {close} differs from it only in case; rename or drop it"
            )));
        }
        Ok(Some(close))
    }

    fn columns(&self, relation: &Relation) -> Result<Vec<ColumnValue>, Error> {
        let found = self.ctx.world("get_columns_in_relation")?.columns(relation).map_err(carried)?;
        Ok(found.iter().map(|column| self.column(column)).collect())
    }

    fn column(&self, column: &crate::model::Column) -> ColumnValue {
        ColumnValue::described(self.engine(), self.ctx.setup.quoting.character, column)
    }

    /// `expand_target_column_types(from_relation, to_relation)`: text columns of the second that are too short for the
    /// first one's are altered.
    fn widen(&self, state: &mut State<'_, '_>, args: &[Value]) -> Result<(), Error> {
        let method = "expand_target_column_types";
        let args = bind(method, &["from_relation", "to_relation"], args)?;
        let from = self.columns(&relation_argument(method, args.required("from_relation")?)?)?;
        let target = args.required("to_relation")?;
        for column in self.columns(&relation_argument(method, target)?)? {
            let Some(wider) = from.iter().find(|other| other.name() == column.name()) else { continue };
            if column.can_expand_to(wider)? {
                let arguments = [target.clone(), Value::from(column.name()), Value::from(wider.data_type())];
                call_macro(state, "alter_column_type", &arguments)?;
            }
        }
        Ok(())
    }

    /// Whether `relation` has the columns of a snapshot, under the names given.
    fn check_snapshot(&self, relation: &Value, names: Option<&Value>) -> Result<(), Error> {
        let columns = self.columns(&relation_argument("valid_snapshot_target", relation)?)?;
        for column in ["dbt_scd_id", "dbt_valid_from", "dbt_valid_to"] {
            let named = names.and_then(|names| names.get_attr(column).ok()).filter(Value::is_true);
            let name = named.map_or_else(|| column.to_owned(), |name| name.to_string());
            if !columns.iter().any(|found| found.name().eq_ignore_ascii_case(&name)) {
                return Err(fail(format!("{relation} is no snapshot: it has no column '{name}'")));
            }
        }
        Ok(())
    }

    /// `name type constraints` of each column of a contract.
    fn columns_with_constraints(&self, columns: &Value) -> Result<Value, Error> {
        let mut lines = Vec::new();
        for (_, column) in pairs_of(columns)? {
            let name = column.get_attr("name")?.to_string();
            let name = if column.get_attr("quote")?.is_true() { self.quoted(&name) } else { name };
            let mut line = format!("{name} {}", column.get_attr("data_type")?);
            let constraints = column.get_attr("constraints")?;
            if constraints.kind() == ValueKind::Seq {
                for text in
                    items_of(&constraints)?.iter().filter_map(|constraint| constraint_text(self.engine(), constraint))
                {
                    line = format!("{line} {text}");
                }
            }
            lines.push(Value::from(line));
        }
        Ok(list(lines))
    }
}

/// A constraint of a contract in SQL; none for a kind that the engine has not.
fn constraint_text(engine: &Engine, constraint: &Value) -> Option<String> {
    let text = |key: &str| constraint.get_attr(key).ok().filter(Value::is_true).map(|value| value.to_string());
    let columns = constraint.get_attr("columns").ok().and_then(|columns| items_of(&columns).ok()).unwrap_or_default();
    let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let expression = text("expression");
    let kind = text("type").filter(|kind| engine.constraints.contains(&kind.as_str()))?;
    let body = match kind.as_str() {
        "not_null" => format!("not null{}", expression.map(|e| format!(" {e}")).unwrap_or_default()),
        "unique" => format!("unique{columns}{}", expression.map(|e| format!(" {e}")).unwrap_or_default()),
        "primary_key" => format!("primary key{columns}{}", expression.map(|e| format!(" {e}")).unwrap_or_default()),
        "check" => format!("check ({})", expression?),
        "foreign_key" => {
            let key = if columns.is_empty() { String::new() } else { format!("foreign key{columns} ") };
            match (text("to"), expression) {
                (Some(to), _) => {
                    let there = constraint
                        .get_attr("to_columns")
                        .ok()
                        .and_then(|names| items_of(&names).ok())
                        .unwrap_or_default();
                    let there: Vec<String> = there.iter().map(ToString::to_string).collect();
                    format!("{key}references {to} ({})", there.join(", "))
                }
                (None, expression) => format!("{key}references {}", expression?),
            }
        }
        "custom" => expression?,
        _ => return None,
    };
    let body = if kind.ends_with("_key") { body + engine.key_suffix() } else { body };
    Some(match text("name") {
        Some(name) => format!("constraint {name} {body}"),
        None => body,
    })
}

fn relation_argument(method: &str, value: &Value) -> Result<Relation, Error> {
    relation_of(value).ok_or_else(|| fail(format!("{method}() needs a relation, not {value:?}")))
}

/// Calls a macro by the name under which the template would find it.
fn call_macro(state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
    let found = state.lookup(name).filter(|found| !found.is_undefined());
    found.ok_or_else(|| fail(format!("there is no macro called {name}")))?.call(state, args)
}

/// `{privilege: [grantees]}` from a table with the columns `grantee` and `privilege_type`.
fn grants(table: &Value) -> Result<Value, Error> {
    if table.kind() == ValueKind::Map && table.len() == Some(0) {
        return Ok(record([]));
    }
    let mut by_privilege: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for row in items_of(&table.get_attr("rows")?)? {
        let privilege = row.get_item(&Value::from("privilege_type"))?.to_string();
        by_privilege.entry(privilege).or_default().push(row.get_item(&Value::from("grantee"))?);
    }
    Ok(super::values::dict(by_privilege.into_iter().map(|(privilege, who)| (Value::from(privilege), list(who)))))
}

/// What a snapshot does with rows that are gone: `ignore`, `invalidate` or `new_record`.
///
/// `config` is the node's `config` or a dict: both have `get`.
fn hard_deletes(state: &mut State<'_, '_>, config: &Value) -> Result<Value, Error> {
    let mut get = |key: &str| -> Result<Option<Value>, Error> {
        let value = config.call_method(state, "get", &[Value::from(key)])?;
        Ok(Some(value).filter(|value| !value.is_none() && !value.is_undefined()))
    };
    let (choice, invalidate) = (get("hard_deletes")?.filter(Value::is_true), get("invalidate_hard_deletes")?);
    match choice {
        Some(_) if invalidate.is_some() => {
            Err(fail("a snapshot sets hard_deletes and invalidate_hard_deletes; keep hard_deletes only"))
        }
        Some(choice) if ["ignore", "invalidate", "new_record"].contains(&choice.to_string().as_str()) => Ok(choice),
        Some(choice) => Err(fail(format!("hard_deletes is '{choice}', not ignore, invalidate or new_record"))),
        None if invalidate.is_some_and(|value| value.is_true()) => Ok(Value::from("invalidate")),
        None => Ok(Value::from("ignore")),
    }
}

#[cfg(test)]
mod tests;
