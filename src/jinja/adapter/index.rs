//! `adapter.parse_index`: one entry of a model's `indexes`.

use std::fmt;
use std::sync::Arc;

use minijinja::Error;
use minijinja::value::{Object, ObjectRepr, Value};

use crate::jinja::repr::to_repr;
use crate::jinja::values::{fail, items_of, list, pairs_of};

/// An index that a model asks for.
pub(super) struct IndexConfig {
    columns: Vec<Value>,
    unique: bool,
    /// e.g. `hash`; DuckDB knows one kind only.
    kind: Option<String>,
    class: &'static str,
}

/// What `raw`, an entry of `indexes`, asks for; none for none.
///
/// # Errors
/// No columns, or keys that no index has.
pub(super) fn parse(raw: &Value, adapter_type: &str) -> Result<Value, Error> {
    if raw.is_none() {
        return Ok(Value::from(()));
    }
    let class = if adapter_type == "duckdb" { "DuckDBIndexConfig" } else { "PostgresIndexConfig" };
    let mut config = IndexConfig { columns: Vec::new(), unique: false, kind: None, class };
    for (key, value) in pairs_of(raw)? {
        match key.as_str() {
            Some("columns") => config.columns = items_of(&value)?,
            Some("unique") => config.unique = value.is_true(),
            Some("type") if adapter_type != "duckdb" => {
                config.kind = Some(value.to_string()).filter(|_| !value.is_none());
            }
            _ => return Err(fail(format!("an index has no setting {}", to_repr(&key)))),
        }
    }
    if config.columns.is_empty() {
        return Err(fail("an index needs columns"));
    }
    Ok(Value::from_object(config))
}

impl fmt::Debug for IndexConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (columns, unique) = (list(self.columns.clone()), to_repr(&Value::from(self.unique)));
        write!(f, "{}(columns={columns}, unique={unique}", self.class)?;
        if self.class == "PostgresIndexConfig" {
            write!(f, ", type={}", to_repr(&Value::from(self.kind.as_deref())))?;
        }
        f.write_str(")")
    }
}

impl Object for IndexConfig {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "columns" => Some(list(self.columns.clone())),
            "unique" => Some(Value::from(self.unique)),
            "type" if self.class == "PostgresIndexConfig" => Some(Value::from(self.kind.as_deref())),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
