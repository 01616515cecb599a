//! Sums and differences of dates, datetimes and timedeltas.

use chrono::TimeDelta;
use minijinja::Error;
use minijinja::value::Value;

use super::dates::{DateTime, DateValue, Delta, TimeValue};
use crate::jinja::values::fail;

fn out_of_range() -> Error {
    fail("date value out of range")
}

/// `a operator b`; none when neither is a date, a datetime or a timedelta.
pub(super) fn apply(operator: &str, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    let delta = |value: &Value| value.downcast_object_ref::<Delta>().map(|delta| delta.0);
    let known = |value: &Value| {
        delta(value).is_some()
            || value.downcast_object_ref::<DateValue>().is_some()
            || value.downcast_object_ref::<DateTime>().is_some()
            || value.downcast_object_ref::<TimeValue>().is_some()
    };
    let result = match (operator, delta(a), delta(b)) {
        ("+", Some(x), Some(y)) => x.checked_add(&y).map(|sum| Ok(Value::from_object(Delta(sum)))),
        ("-", Some(x), Some(y)) => x.checked_sub(&y).map(|rest| Ok(Value::from_object(Delta(rest)))),
        ("+", None, Some(by)) => shift(a, by),
        ("+", Some(by), None) => shift(b, by),
        ("-", None, Some(by)) => shift(a, -by),
        ("-", None, None) => distance(a, b),
        _ => None,
    };
    if result.is_none() && !known(a) && !known(b) {
        return None;
    }
    Some(result.unwrap_or_else(|| Err(fail(format!("unsupported operand types for {operator}: {a:?} and {b:?}")))))
}

/// A date or datetime moved by `by`; of a date, whole days count only.
fn shift(value: &Value, by: TimeDelta) -> Option<Result<Value, Error>> {
    if let Some(DateValue(date)) = value.downcast_object_ref::<DateValue>() {
        // Python floors: minus one hour is a day less.
        let days = by.num_seconds().div_euclid(86_400);
        let moved = TimeDelta::try_days(days).and_then(|days| date.checked_add_signed(days));
        return Some(moved.map(|date| Value::from_object(DateValue(date))).ok_or_else(out_of_range));
    }
    let at = value.downcast_object_ref::<DateTime>()?;
    Some(at.local.checked_add_signed(by).map(|local| Value::from_object(at.at(local))).ok_or_else(out_of_range))
}

fn distance(a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    if let (Some(x), Some(y)) = (a.downcast_object_ref::<DateValue>(), b.downcast_object_ref::<DateValue>()) {
        return Some(Ok(Value::from_object(Delta(x.0 - y.0))));
    }
    let (x, y) = (a.downcast_object_ref::<DateTime>()?, b.downcast_object_ref::<DateTime>()?);
    if x.zone.is_some() != y.zone.is_some() {
        return Some(Err(fail("can't subtract offset-naive and offset-aware datetimes")));
    }
    Some(Ok(Value::from_object(Delta(x.utc() - y.utc()))))
}
