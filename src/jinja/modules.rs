//! `modules`: the parts of Python's standard library that dbt lets templates use.

use chrono::Utc;
use minijinja::Error;
use minijinja::value::Value;

use super::values::record;
use crate::model;

mod arithmetic;
mod classes;
mod dates;
mod engines;
mod format;
mod iteration;
mod regexes;
mod rewriting;
mod zones;

use dates::{DateTime, DateValue, TimeValue};
use zones::Zone;

/// What `modules` is.
pub(super) fn modules() -> Value {
    record([
        ("pytz", zones::module()),
        ("datetime", classes::module()),
        ("re", regexes::module()),
        ("itertools", iteration::module()),
    ])
}

/// `run_started_at`: a datetime in UTC.
pub(super) fn run_started_at(at: chrono::DateTime<Utc>) -> Value {
    datetime_value(at)
}

/// A datetime in UTC, as templates see it.
pub(super) fn datetime_value(at: chrono::DateTime<Utc>) -> Value {
    Value::from_object(DateTime::aware(at.naive_utc(), Zone::Utc))
}

/// A date, time or timestamp that a query returned (`kind` says which), as templates see it; prints as ISO text.
pub(super) fn from_iso(kind: &model::Value, text: &str) -> Value {
    let read = match kind {
        model::Value::Date(_) => format::iso_date(text).map(|date| Value::from_object(DateValue(date))),
        model::Value::Time(_) => format::iso_time(text).map(|time| Value::from_object(TimeValue(time))),
        _ => format::iso_datetime(text).map(Value::from_object),
    };
    // What chrono cannot hold (year 294276, infinity) stays text.
    read.unwrap_or_else(|| Value::from(text))
}

/// `a operator b` (`+`, `-`, `*`, `/`, `//` or `%`) when one of them is a date, a datetime or a timedelta; none when
/// neither is.
pub(super) fn date_arithmetic(operator: &str, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    arithmetic::apply(operator, a, b)
}

/// What Python's `repr()` of a date, a time, a datetime, a timedelta or a zone is; none for anything else.
pub(super) fn repr_of(value: &Value) -> Option<String> {
    dates::repr_of(value)
}

/// A timedelta with the other sign; none for anything else.
pub(super) fn negated(value: &Value) -> Option<Value> {
    value.downcast_object_ref::<dates::Delta>().map(|delta| Value::from_object(dates::Delta(-delta.0)))
}

/// A timedelta without its sign; none for anything else.
pub(super) fn absolute(value: &Value) -> Option<Value> {
    value.downcast_object_ref::<dates::Delta>().map(|delta| Value::from_object(dates::Delta(delta.0.abs())))
}

/// What `format` gives for a date, a datetime or a time; none for anything else.
pub(super) fn formatted(value: &Value, text: &str) -> Option<String> {
    let at = dates::as_datetime(value)?;
    Some(if text.is_empty() { value.to_string() } else { format::strftime(&at, text) })
}

#[cfg(test)]
mod tests;
