//! Values as a database returns them, without loss: what an Arrow scalar can hold, held as itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One value of one column of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "value")]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A boolean.
    Bool(bool),
    /// Any integer type, up to 128 bits.
    Int(i128),
    /// A float of 32 or 64 bits. JSON has no numbers for NaN and the infinities: there they are text.
    Float(#[serde(with = "float")] f64),
    /// An exact numeric as the database prints it, all digits kept.
    Decimal(String),
    /// Text, also enums and uuids.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// `YYYY-MM-DD`.
    Date(String),
    /// `HH:MM:SS[.ffffff]`.
    Time(String),
    /// `YYYY-MM-DD HH:MM:SS[.ffffff]`, with a UTC offset when the type has a zone.
    Timestamp(String),
    /// An interval as the database prints it.
    Interval(String),
    /// A JSON document.
    Json(serde_json::Value),
    /// An array or list.
    List(Vec<Value>),
    /// A struct or map: names with values.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The integer in it: of an integer, a whole decimal, or text that spells one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(i) => i64::try_from(*i).ok(),
            Self::Decimal(text) | Self::Text(text) => text.parse().ok(),
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
            Self::Float(f) if f.fract() == 0.0 && f.abs() < 9.0e15 => Some(*f as i64),
            _ => None,
        }
    }

    /// The text in it, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth of it: a boolean, or an integer other than zero.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::Int(i) => Some(*i != 0),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Decimal(t)
            | Self::Text(t)
            | Self::Date(t)
            | Self::Time(t)
            | Self::Timestamp(t)
            | Self::Interval(t) => f.write_str(t),
            Self::Bytes(bytes) => {
                f.write_str("\\x")?;
                bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
            Self::Json(json) => write!(f, "{json}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Struct(fields) => {
                f.write_str("{")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Floats in JSON, none of them lost.
mod float {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(float: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if float.is_finite() { serializer.serialize_f64(*float) } else { serializer.serialize_str(&float.to_string()) }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(number),
            Written::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

/// A column of a relation or of a query result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, unquoted, in the case that the database keeps.
    pub name: String,
    /// Its type as the database prints it, with length, precision and scale where it has them.
    pub data_type: String,
}

/// A query result held in memory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Table {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows; each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// The value in the first row and first column, if there is one.
    pub fn scalar(&self) -> Option<&Value> {
        self.rows.first().and_then(|row| row.first())
    }

    /// The position of the column called `name` (exact, then ignoring case).
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn floats_that_are_no_numbers_survive_json() {
        for (float, json) in [(f64::NEG_INFINITY, "\"-inf\""), (f64::INFINITY, "\"inf\""), (0.1, "0.1")] {
            let text = serde_json::to_string(&Value::Float(float)).unwrap();
            assert_eq!(text, format!("{{\"type\":\"float\",\"value\":{json}}}"));
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), Value::Float(float));
        }
        assert!(serde_json::to_string(&Value::Float(f64::NAN)).unwrap().contains("NaN"));
    }
}
