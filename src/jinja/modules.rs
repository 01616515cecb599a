//! `modules`: the parts of Python's standard library that dbt lets templates use.

use minijinja::value::Value;

use super::values::record;
use crate::model;

/// What `modules` is.
pub(super) fn modules() -> Value {
    record([])
}

/// A date, time or timestamp that a query returned (`kind` says which), as templates see it; prints as ISO text.
pub(super) fn from_iso(kind: &model::Value, text: &str) -> Value {
    let _ = kind;
    Value::from(text)
}
