//! How Python prints values: `str()` for output, `repr()` inside containers.

use std::fmt;

use minijinja::value::{Value, ValueKind};

use crate::model::write_float;

use super::phantom::is_undefined;
use super::values::Decimal;

/// Writes `value` as Python's `str()` does, and nothing for an undefined one.
pub(super) fn write_str(f: &mut dyn fmt::Write, value: &Value) -> fmt::Result {
    match value.kind() {
        ValueKind::Undefined => Ok(()),
        ValueKind::String => f.write_str(value.as_str().unwrap_or_default()),
        ValueKind::Bool | ValueKind::None | ValueKind::Number | ValueKind::Bytes => write_repr(f, value),
        _ => write!(f, "{value}"),
    }
}

/// `value` as Python's `str()` gives it.
pub(super) fn to_str(value: &Value) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_str(&mut text, value);
    text
}

/// `value` as Python's `repr()` gives it.
pub(super) fn to_repr(value: &Value) -> String {
    let mut text = String::new();
    let _ = write_repr(&mut text, value);
    text
}

/// Writes `value` as Python's `repr()` does.
pub(super) fn write_repr(f: &mut dyn fmt::Write, value: &Value) -> fmt::Result {
    match value.kind() {
        ValueKind::Undefined => f.write_str("Undefined"),
        ValueKind::Plain if is_undefined(value) => f.write_str("Undefined"),
        ValueKind::None => f.write_str("None"),
        ValueKind::Bool => f.write_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number if !value.is_integer() => write_float(f, f64::try_from(value.clone()).unwrap_or(f64::NAN)),
        ValueKind::Number => write!(f, "{value}"),
        ValueKind::Bytes => bytes(f, value.as_bytes().unwrap_or_default()),
        ValueKind::Plain | ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            let own = super::adapter::repr_of(value).or_else(|| super::modules::repr_of(value));
            let decimal = || value.downcast_object_ref::<Decimal>().map(|decimal| format!("Decimal('{}')", decimal.0));
            match own.or_else(decimal) {
                Some(text) => f.write_str(&text),
                None => write!(f, "{value:?}"),
            }
        }
        // The engine's own debug form of text is Python's.
        _ => write!(f, "{value:?}"),
    }
}

fn bytes(f: &mut dyn fmt::Write, bytes: &[u8]) -> fmt::Result {
    f.write_str("b'")?;
    for byte in bytes {
        match byte {
            b'\\' | b'\'' => write!(f, "\\{}", char::from(*byte))?,
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            0x20..=0x7e => write!(f, "{}", char::from(*byte))?,
            other => write!(f, "\\x{other:02x}")?,
        }
    }
    f.write_str("'")
}

/// Writes items between brackets.
pub(super) fn sequence(f: &mut dyn fmt::Write, open: &str, items: &[Value], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write_repr(f, item)?;
    }
    f.write_str(close)
}

/// Writes pairs between braces.
pub(super) fn mapping(f: &mut dyn fmt::Write, pairs: &[(Value, Value)]) -> fmt::Result {
    f.write_str("{")?;
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write_repr(f, key)?;
        f.write_str(": ")?;
        write_repr(f, value)?;
    }
    f.write_str("}")
}
