//! Small values that adapters hand out: responses of statements, behaviour flags, types of a result's columns.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value, ValueKind};

use crate::jinja::repr::to_repr;
use crate::model::{JsonMap, Table};

/// What a statement said when it was done.
pub(super) struct Response {
    message: String,
    code: Option<String>,
    rows: Option<usize>,
}

impl Response {
    /// The response that goes with `table`.
    pub(super) fn of(adapter_type: &str, table: &Table) -> Self {
        if adapter_type == "duckdb" {
            return Self { message: "OK".to_owned(), code: None, rows: None };
        }
        let rows = table.rows.len();
        Self { message: format!("SELECT {rows}"), code: Some("SELECT".to_owned()), rows: Some(rows) }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (message, code) = (Value::from(self.message.as_str()), Value::from(self.code.as_deref()));
        let (message, code, rows) = (to_repr(&message), to_repr(&code), to_repr(&Value::from(self.rows)));
        write!(f, "AdapterResponse(_message={message}, code={code}, rows_affected={rows}, query_id=None)")
    }
}

impl Object for Response {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "_message" | "message" => Value::from(self.message.as_str()),
            "code" => Value::from(self.code.as_deref()),
            "rows_affected" => Value::from(self.rows),
            "query_id" => Value::from(()),
            _ => return None,
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// `adapter.behavior`: flags of `flags:` in `dbt_project.yml`, off unless set.
#[derive(Debug)]
pub(super) struct Behavior {
    pub(super) flags: JsonMap,
}

#[derive(Debug)]
struct Flag(bool);

impl Object for Behavior {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let find = |name: &str| self.flags.get(name).and_then(serde_json::Value::as_bool);
        Some(Value::from_object(Flag(find(key).or_else(|| find(&key.to_uppercase())).unwrap_or(false))))
    }
}

impl Object for Flag {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        matches!(key, "no_warn" | "setting").then(|| Value::from(self.0))
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "True" } else { "False" })
    }
}

/// Which of text, number with a fraction, integer, boolean, timestamp, date and time holds all of `values`: an index
/// into `Engine::seed_types`.
pub(super) fn agate_type(values: &[Value]) -> usize {
    let mut kinds = values.iter().filter(|value| !value.is_none()).map(|value| match value.kind() {
        ValueKind::Bool => 3,
        ValueKind::Number if value.is_integer() => 2,
        ValueKind::Number => 1,
        ValueKind::Plain => plain(&value.to_string()),
        _ => 0,
    });
    let Some(first) = kinds.next() else { return 2 };
    kinds.fold(first, |so_far, kind| match (so_far, kind) {
        (a, b) if a == b => a,
        (1, 2) | (2, 1) => 1,
        (4, 5) | (5, 4) => 4,
        _ => 0,
    })
}

/// Dates and times print as ISO text, exact numbers as digits.
fn plain(text: &str) -> usize {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if text.parse::<f64>().is_ok() {
        1
    } else if text.len() == 10 && text.split('-').all(digits) {
        5
    } else if text.len() > 10 && text[..10].split('-').all(digits) {
        4
    } else if text.contains(':') {
        6
    } else {
        0
    }
}
