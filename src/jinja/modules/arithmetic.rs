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
        ("+" | "-", ..) => None,
        _ => scaled(operator, a, b),
    };
    if result.is_none() && !known(a) && !known(b) {
        return None;
    }
    Some(result.unwrap_or_else(|| Err(fail(format!("unsupported operand types for {operator}: {a:?} and {b:?}")))))
}

/// `a operator b` for `*`, `/`, `//` and `%`, where one side is a timedelta; none when Python has no such operation.
fn scaled(operator: &str, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    let micros = |value: &Value| {
        let delta = value.downcast_object_ref::<Delta>()?.0;
        delta.num_microseconds().map(i128::from)
    };
    let whole = |value: &Value| i128::try_from(value.clone()).ok().filter(|_| value.is_integer());
    let made = |micros: i128| {
        let delta = i64::try_from(micros).ok().map(|micros| Value::from_object(Delta(TimeDelta::microseconds(micros))));
        Some(delta.ok_or_else(out_of_range))
    };
    if let (Some(x), Some(y)) = (micros(a), micros(b)) {
        if y == 0 {
            return Some(Err(fail("division by zero")));
        }
        #[expect(clippy::cast_precision_loss, reason = "Python's quotient is a float as well")]
        return match operator {
            "/" => Some(Ok(Value::from(x as f64 / y as f64))),
            "//" => i64::try_from(floored(x, y)).ok().map(|quotient| Ok(Value::from(quotient))),
            "%" => made(x - y * floored(x, y)),
            _ => None,
        };
    }
    let (delta, factor) = if operator == "*" && micros(a).is_none() { (b, a) } else { (a, b) };
    let x = micros(delta)?;
    match (operator, whole(factor)) {
        ("*", Some(times)) => made(x * times),
        ("/" | "//", Some(0)) => Some(Err(fail("division by zero"))),
        ("/", Some(by)) => made(rounded(x, by)),
        ("//", Some(by)) => made(floored(x, by)),
        ("*" | "/", None) => {
            let factor = f64::try_from(factor.clone()).ok().filter(|factor| operator == "*" || *factor != 0.0)?;
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "out of range is refused")]
            let micros =
                (if operator == "*" { x as f64 * factor } else { x as f64 / factor }).round_ties_even() as i128;
            made(micros)
        }
        _ => None,
    }
}

fn floored(x: i128, y: i128) -> i128 {
    x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0)
}

/// The quotient, halves to the even neighbour.
fn rounded(x: i128, y: i128) -> i128 {
    let (quotient, twice) = (floored(x, y), 2 * (x - y * floored(x, y)).abs());
    match twice.cmp(&y.abs()) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
        std::cmp::Ordering::Greater => quotient + 1,
    }
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
