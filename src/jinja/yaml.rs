//! `fromyaml` and `toyaml`.

use minijinja::value::Value;
use serde_json::{Map, Value as Json};

use super::modules;
use super::values::{dict, from_json, list};
use crate::model;
use crate::yaml::{Node, Value as Yaml};

/// What a YAML document says; none when it is not YAML.
pub(super) fn parse(text: &str) -> Option<Value> {
    crate::yaml::parse(text).ok().map(|parsed| value_of(&parsed.root))
}

fn value_of(node: &Node) -> Value {
    match &node.value {
        Yaml::Date(text) => modules::from_iso(&model::Value::Date(text.clone()), text),
        Yaml::Timestamp(text) => modules::from_iso(&model::Value::Timestamp(text.clone()), text),
        Yaml::Sequence(items) => list(items.iter().map(value_of).collect()),
        Yaml::Mapping(map) => dict(map.iter().map(|(key, value)| (Value::from(key), value_of(value)))),
        _ => from_json(&node.to_json()),
    }
}

/// `json` as Python's YAML writes it: block style, lists not indented below their key.
pub(super) fn dump(json: &Json, sorted: bool) -> String {
    let mut out = String::new();
    match json {
        Json::Array(items) if !items.is_empty() => write_list(&mut out, items, 0, sorted),
        Json::Object(map) if !map.is_empty() => write_map(&mut out, map, 0, sorted),
        other => {
            out.push_str(&inline(other));
            out.push('\n');
            // A scalar without quotes ends the document itself.
            if !matches!(other, Json::Array(_) | Json::Object(_)) && !out.starts_with(['\'', '"']) {
                out.push_str("...\n");
            }
        }
    }
    out
}

fn pad(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn write_list(out: &mut String, items: &[Json], depth: usize, sorted: bool) {
    for item in items {
        pad(out, depth);
        out.push_str("- ");
        write_item(out, item, depth, sorted);
    }
}

/// What follows `- `: the first line of a container stands on the same line.
fn write_item(out: &mut String, item: &Json, depth: usize, sorted: bool) {
    let mut inner = String::new();
    match item {
        Json::Array(items) if !items.is_empty() => write_list(&mut inner, items, depth + 1, sorted),
        Json::Object(map) if !map.is_empty() => write_map(&mut inner, map, depth + 1, sorted),
        other => {
            out.push_str(&inline(other));
            out.push('\n');
            return;
        }
    }
    out.push_str(inner.trim_start_matches(' '));
}

fn write_map(out: &mut String, map: &Map<String, Json>, depth: usize, sorted: bool) {
    let mut pairs: Vec<(&String, &Json)> = map.iter().collect();
    if sorted {
        pairs.sort_by_key(|(key, _)| *key);
    }
    for (key, value) in pairs {
        pad(out, depth);
        out.push_str(&scalar(key));
        out.push(':');
        match value {
            Json::Array(items) if !items.is_empty() => {
                out.push('\n');
                write_list(out, items, depth, sorted);
            }
            Json::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                write_map(out, inner, depth + 1, sorted);
            }
            other => {
                out.push(' ');
                out.push_str(&inline(other));
                out.push('\n');
            }
        }
    }
}

fn inline(json: &Json) -> String {
    match json {
        Json::String(text) => scalar(text),
        Json::Array(_) => "[]".to_owned(),
        Json::Object(_) => "{}".to_owned(),
        other => other.to_string(),
    }
}

/// Text as a scalar, quoted when it would read as something else.
fn scalar(text: &str) -> String {
    let reads_as_other = matches!(
        text.to_ascii_lowercase().as_str(),
        "" | "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    ) || text.parse::<f64>().is_ok();
    let special = text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@` ".contains(c))
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with([':', ' ']);
    if text.contains(|c: char| c.is_control()) || !text.is_ascii() {
        return model::python_json(&Json::String(text.to_owned()), false);
    }
    if reads_as_other || special { format!("'{}'", text.replace('\'', "''")) } else { text.to_owned() }
}
