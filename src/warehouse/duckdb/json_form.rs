//! `slimdiff_json(text)`: the canonical text of a JSON document, so that two documents of one value are equal texts.
//! DuckDB compares JSON by its text. It is registered for the process, never in a database file.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::duckdb::Connection;
use ::duckdb::arrow::array::{Array, AsArray, RecordBatch, StringArray};
use ::duckdb::arrow::datatypes::DataType;
use ::duckdb::vscalar::arrow::{ArrowFunctionSignature, VArrowScalar};
use serde_json::value::RawValue;

/// Makes the function known to a database.
pub(super) fn register(connection: &Connection) -> ::duckdb::Result<()> {
    connection.register_scalar_function::<JsonForm>("slimdiff_json")
}

struct JsonForm;

impl VArrowScalar for JsonForm {
    type State = ();

    fn invoke((): &Self::State, input: RecordBatch) -> Result<Arc<dyn Array>, Box<dyn std::error::Error>> {
        let texts = input.column(0).as_string_opt::<i32>().ok_or("slimdiff_json takes one text")?;
        Ok(Arc::new(texts.iter().map(|text| text.map(canonical)).collect::<StringArray>()))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        vec![ArrowFunctionSignature::exact(vec![DataType::Utf8], DataType::Utf8)]
    }
}

/// Keys in order, each once (the last counts), no blanks, numbers without what does not change them. Text that is no
/// JSON stays as it is.
pub(super) fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => write(value, &mut out),
        Err(_) => out.push_str(text),
    }
    out
}

fn write(value: &RawValue, out: &mut String) {
    let text = value.get().trim();
    match text.as_bytes().first() {
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::Value::String(key).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            out.push('[');
            for (at, value) in items.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(string) => out.push_str(&serde_json::Value::String(string).to_string()),
            // An escape of half a character, which JSON's grammar allows and text cannot hold.
            Err(_) => out.push_str(text),
        },
        Some(b'-' | b'0'..=b'9') => number(text, out),
        _ => out.push_str(text),
    }
}

/// A number by its digits and the power of ten they are multiplied by: `1.50`, `150e-2` and `1.5` are one.
fn number(text: &str, out: &mut String) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        out.push('0');
        return;
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let Ok(exponent) = exponent.parse::<i64>() else {
        // An exponent beyond 64 bits: no two spellings of it are worth telling apart.
        out.push_str(text);
        return;
    };
    let power = exponent.saturating_sub(fraction.len() as i64).saturating_add(zeros as i64);
    if negative {
        out.push('-');
    }
    out.push_str(significant);
    if power != 0 {
        out.push('e');
        out.push_str(&power.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn documents_of_one_value_have_one_text() {
        for (one, other) in [
            (r#"{"b": 1, "a": [1, 2]}"#, r#"{"a":[1,2],"b":1}"#),
            ("1.50", "150e-2"),
            ("100", "1E2"),
            ("-0.0", "0"),
            (r#""\u00e9""#, "\"é\""),
            (r#"{"a": 1, "a": 2}"#, r#"{"a":2}"#),
            ("  [ ]", "[]"),
        ] {
            assert_eq!(canonical(one), canonical(other));
        }
    }

    #[test]
    fn documents_of_different_values_do_not() {
        let texts = [
            "1",
            "-1",
            "10",
            "0.1",
            "\"1\"",
            "null",
            "true",
            "[1]",
            "[[1]]",
            "{}",
            "[]",
            "\"\"",
            "{broken",
            "123456789012345678901234567890",
            "123456789012345678901234567891",
            r#"{"a":1}"#,
            r#"{"A":1}"#,
        ];
        for (at, one) in texts.iter().enumerate() {
            for other in &texts[at + 1..] {
                assert_ne!(canonical(one), canonical(other));
            }
        }
    }
}
