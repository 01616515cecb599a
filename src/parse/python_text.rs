//! `str()` and `repr()` of Python for JSON values: dbt hashes and names tests by them.

use std::fmt::Write;

use serde_json::{Number, Value as Json};

/// `str(value)`.
pub(super) fn str(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`.
pub(super) fn repr(value: &Json) -> String {
    let mut out = String::new();
    write_repr(value, &mut out);
    out
}

fn write_repr(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("None"),
        Json::Bool(true) => out.push_str("True"),
        Json::Bool(false) => out.push_str("False"),
        Json::Number(number) => out.push_str(&number_text(number)),
        Json::String(text) => write_quoted(text, out),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(item, out);
            }
            out.push(']');
        }
        Json::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_quoted(key, out);
                out.push_str(": ");
                write_repr(item, out);
            }
            out.push('}');
        }
    }
}

/// Python prints the shortest digits that read back, with an exponent from 1e16 on and below 1e-4.
fn number_text(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{float:e}");
        let Some((digits, exponent)) = text.split_once('e') else { return text };
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    if float.fract() == 0.0 { format!("{float:.1}") } else { float.to_string() }
}

/// Single quotes, unless the text has some and no double ones.
pub(super) fn write_quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => write_escape(c as u32, out),
            '\u{80}'..='\u{a0}' | '\u{ad}' => write_escape(c as u32, out),
            c => out.push(c),
        }
    }
    out.push(quote);
}

fn write_escape(code: u32, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{code:02x}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{repr, str};

    #[test]
    fn values_read_as_python_prints_them() {
        assert_eq!(
            repr(&json!({"a": [1, 2.5, true, null, "it's", "a\"b", "'\""]})),
            r#"{'a': [1, 2.5, True, None, "it's", 'a"b', '\'"']}"#
        );
        assert_eq!(str(&json!("x")), "x");
        assert_eq!(repr(&json!(1e20)), "1e+20");
        assert_eq!(repr(&json!(0.00001)), "1e-05");
        assert_eq!(repr(&json!(3.0)), "3.0");
        assert_eq!(repr(&json!("a\nb\\")), r"'a\nb\\'");
    }
}
