//! JSON as Python writes it, and its floats.

use std::fmt::{self, Write as _};

use serde_json::Value as Json;

/// JSON as Python's `json.dumps` writes it: a space after commas and colons, nothing but ASCII.
pub fn python_json(json: &Json, sorted: bool) -> String {
    python_json_indented(json, sorted, None)
}

/// The same, one item a line when `indent` says how many spaces a level takes.
pub fn python_json_indented(json: &Json, sorted: bool, indent: Option<usize>) -> String {
    let mut out = String::new();
    write(&mut out, json, sorted, indent, 0);
    out
}

/// What stands between items: a line break with indentation, or a space after the comma.
fn separate(out: &mut String, at: usize, indent: Option<usize>, depth: usize) {
    out.push_str(match (at, indent) {
        (0, _) => "",
        (_, Some(_)) => ",",
        (_, None) => ", ",
    });
    if let Some(width) = indent {
        let _ = write!(out, "\n{}", " ".repeat(width * depth));
    }
}

fn close(out: &mut String, bracket: char, indent: Option<usize>, depth: usize) {
    if let Some(width) = indent {
        let _ = write!(out, "\n{}", " ".repeat(width * depth));
    }
    out.push(bracket);
}

fn write(out: &mut String, json: &Json, sorted: bool, indent: Option<usize>, depth: usize) {
    match json {
        Json::Array(items) if items.is_empty() => out.push_str("[]"),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(out, at, indent, depth + 1);
                write(out, item, sorted, indent, depth + 1);
            }
            close(out, ']', indent, depth);
        }
        Json::Object(map) if map.is_empty() => out.push_str("{}"),
        Json::Object(map) => {
            let mut pairs: Vec<(&String, &Json)> = map.iter().collect();
            if sorted {
                pairs.sort_by_key(|(key, _)| *key);
            }
            out.push('{');
            for (at, (key, value)) in pairs.into_iter().enumerate() {
                separate(out, at, indent, depth + 1);
                write_text(out, key);
                out.push_str(": ");
                write(out, value, sorted, indent, depth + 1);
            }
            close(out, '}', indent, depth);
        }
        Json::String(text) => write_text(out, text),
        Json::Number(n) if n.is_f64() => {
            // Writing to a String cannot fail.
            let _ = write_float(out, n.as_f64().unwrap_or(f64::NAN));
        }
        other => out.push_str(&other.to_string()),
    }
}

/// Writes a float with the shortest digits that read back as the same, in Python's choice of notation.
pub fn write_float(f: &mut dyn fmt::Write, x: f64) -> fmt::Result {
    if x.is_nan() {
        return f.write_str("nan");
    }
    if x.is_infinite() {
        return f.write_str(if x > 0.0 { "inf" } else { "-inf" });
    }
    let magnitude = x.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        return write!(f, "{digits}e{sign}{exponent:0>2}");
    }
    write!(f, "{x:?}")
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}
