//! PostgreSQL's values: from the text the server prints to [`Value`]s, by type.

use tokio_postgres::types::{Kind, Type};

use crate::{model::Value, warehouse::json};

use super::arrays;

/// The value that `text` spells. What cannot be read as its type says stays text, so that nothing is lost.
pub(super) fn value(data_type: &Type, text: &str) -> Value {
    read(data_type, text).unwrap_or_else(|| Value::Text(text.to_owned()))
}

fn read(data_type: &Type, text: &str) -> Option<Value> {
    let owned = || text.to_owned();
    Some(match *data_type {
        Type::BOOL => Value::Bool(match text {
            "t" => true,
            "f" => false,
            _ => return None,
        }),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Value::Int(text.parse().ok()?),
        Type::FLOAT4 | Type::FLOAT8 => Value::Float(text.parse().ok()?),
        Type::NUMERIC => Value::Decimal(owned()),
        Type::JSON | Type::JSONB => json::value(text),
        Type::BYTEA => Value::Bytes(bytes(text)?),
        Type::DATE => Value::Date(owned()),
        Type::TIME | Type::TIMETZ => Value::Time(owned()),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => Value::Timestamp(owned()),
        Type::INTERVAL => Value::Interval(owned()),
        _ => match data_type.kind() {
            Kind::Domain(base) => return read(base, text),
            Kind::Array(item) => arrays::parse(item, text)?,
            _ => Value::Text(owned()),
        },
    })
}

/// Both ways in which the server prints bytes (`bytea_output`).
fn bytes(text: &str) -> Option<Vec<u8>> {
    if let Some(digits) = text.strip_prefix("\\x") {
        let pairs = digits.as_bytes().chunks_exact(2);
        return pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (value, tail) = match (byte, tail) {
            (b'\\', [b'\\', tail @ ..]) => (b'\\', tail),
            (b'\\', [a, b, c, tail @ ..]) => {
                let octal = [*a, *b, *c];
                (u8::from_str_radix(std::str::from_utf8(&octal).ok()?, 8).ok()?, tail)
            }
            _ => (byte, tail),
        };
        bytes.push(value);
        rest = tail;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_both_spellings() {
        assert_eq!(bytes("\\x00ff61"), Some(vec![0, 255, 97]));
        assert_eq!(bytes("\\000\\377a\\\\"), Some(vec![0, 255, 97, 92]));
        assert_eq!(bytes("\\xzz"), None);
    }

    #[test]
    fn numbers_keep_their_digits_and_their_ends() {
        assert_eq!(value(&Type::NUMERIC, "1.500"), Value::Decimal("1.500".into()));
        assert_eq!(value(&Type::NUMERIC, "NaN"), Value::Decimal("NaN".into()));
        assert_eq!(value(&Type::FLOAT8, "-Infinity"), Value::Float(f64::NEG_INFINITY));
        assert_eq!(value(&Type::MONEY, "$1,000.00"), Value::Text("$1,000.00".into()));
        assert_eq!(value(&Type::INT4, "odd"), Value::Text("odd".into()));
    }
}
