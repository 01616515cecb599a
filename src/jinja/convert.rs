//! Conversions between template values, JSON and database values.

use minijinja::Error;
use minijinja::value::{Value, ValueKind};
use serde_json::Value as Json;

use super::modules;
use super::operators::type_name;
use super::repr::to_repr;
use super::values::{Decimal, Dict, dict, fail, list, pairs_of};
use crate::model;

/// JSON as a template value; arrays and objects become mutable containers.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(*b),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Value::from(i),
            (None, Some(u)) => Value::from(u),
            (None, None) => Value::from(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::from(s.as_str()),
        Json::Array(items) => list(items.iter().map(from_json).collect()),
        Json::Object(map) => dict(map.iter().map(|(key, value)| (Value::from(key.as_str()), from_json(value)))),
    }
}

/// A template value as JSON: numbers, text, booleans and containers as themselves, everything else as its text.
/// Undefined becomes null.
pub(super) fn to_json(value: &Value) -> Json {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => number_to_json(value),
        ValueKind::String => Json::String(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Seq | ValueKind::Iterable => match value.try_iter() {
            Ok(items) => Json::Array(items.map(|item| to_json(&item)).collect()),
            Err(_) => Json::String(value.to_string()),
        },
        ValueKind::Map => match pairs_of(value) {
            Ok(pairs) => Json::Object(pairs.iter().map(|(key, value)| (json_key(key), to_json(value))).collect()),
            Err(_) => Json::String(value.to_string()),
        },
        _ => Json::String(value.to_string()),
    }
}

/// Whether Python's `json` can write `value`.
///
/// # Errors
/// Sets, relations, dates and whatever else is neither a number, text, a boolean, none, a list nor a dict.
pub(super) fn serializable(value: &Value) -> Result<(), Error> {
    let name = type_name(value);
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number | ValueKind::String => Ok(()),
        ValueKind::Seq if matches!(name, "list" | "tuple") => {
            value.try_iter()?.try_for_each(|item| serializable(&item))
        }
        ValueKind::Map if value.downcast_object_ref::<Dict>().is_some() => {
            pairs_of(value)?.iter().try_for_each(|(_, value)| serializable(value))
        }
        _ if value.kind() == ValueKind::Map => Ok(()),
        _ => Err(fail(format!("an object of type '{name}' cannot be written as JSON: {}", to_repr(value)))),
    }
}

/// A dict key as Python's `json` writes it.
fn json_key(key: &Value) -> String {
    match key.kind() {
        ValueKind::None => "null".to_owned(),
        ValueKind::Bool => if key.is_true() { "true" } else { "false" }.to_owned(),
        _ => key.to_string(),
    }
}

fn number_to_json(value: &Value) -> Json {
    if value.is_integer() {
        if let Ok(i) = i64::try_from(value.clone()) {
            return Json::from(i);
        }
        if let Ok(u) = u64::try_from(value.clone()) {
            return Json::from(u);
        }
    }
    f64::try_from(value.clone()).ok().and_then(serde_json::Number::from_f64).map_or(Json::Null, Json::Number)
}

/// A value that a query returned, as templates see it.
pub(super) fn from_database(value: &model::Value) -> Value {
    use model::Value as Db;
    match value {
        Db::Null => Value::from(()),
        Db::Bool(b) => Value::from(*b),
        Db::Int(i) => i64::try_from(*i).map_or_else(|_| Value::from(*i), Value::from),
        Db::Float(x) => Value::from(*x),
        Db::Decimal(text) => decimal(text),
        Db::Text(text) | Db::Interval(text) => Value::from(text.as_str()),
        Db::Bytes(bytes) => Value::from_bytes(bytes.clone()),
        Db::Date(text) | Db::Time(text) | Db::Timestamp(text) => modules::from_iso(value, text),
        Db::Json(json) => from_json(json),
        Db::List(items) => list(items.iter().map(from_database).collect()),
        Db::Struct(fields) => dict(fields.iter().map(|(name, v)| (Value::from(name.as_str()), from_database(v)))),
    }
}

/// An exact numeric: an integer when it is whole without a point, else an object that keeps every digit.
pub(super) fn decimal(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(i) => Value::from(i),
        Err(_) => Value::from_object(Decimal(text.to_owned())),
    }
}
