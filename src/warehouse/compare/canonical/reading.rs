//! How the text of a value is read back.

use super::encoding::Encoding;
use crate::model::Value;
use crate::warehouse::json;

/// The value of a text.
pub(super) fn read(encoding: &Encoding, text: &str) -> Option<Value> {
    let owned = || text.to_owned();
    Some(match encoding {
        Encoding::Whole => Value::Int(text.parse().ok()?),
        Encoding::Decimal | Encoding::Number | Encoding::Widened => Value::Decimal(owned()),
        Encoding::Double => Value::Float(bits(text)?),
        Encoding::Bool => Value::Bool(text.parse().ok()?),
        Encoding::Date => Value::Date(owned()),
        Encoding::Timestamp => Value::Timestamp(owned()),
        Encoding::TimestampTz => Value::Timestamp(match text.strip_suffix(" BC") {
            Some(before) => format!("{before}+00 BC"),
            None if text.ends_with("infinity") => owned(),
            None => format!("{text}+00"),
        }),
        Encoding::Time => Value::Time(owned()),
        Encoding::Interval => Value::Interval(interval(text)?),
        Encoding::Json => json::value(text),
        Encoding::Bytes => Value::Bytes(bytes(text.strip_prefix('x')?)?),
        Encoding::List(item) => Value::List(items(item, text)?),
        Encoding::Text | Encoding::Uuid | Encoding::Bit | Encoding::Ranges | Encoding::Plain => Value::Text(owned()),
    })
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// The double of its bits.
pub(super) fn bits(text: &str) -> Option<f64> {
    if text == "nan" { Some(f64::NAN) } else { u64::from_str_radix(text, 16).ok().map(f64::from_bits) }
}

/// `14m3d5000000u` as `1 year 2 months 3 days 00:00:05`.
fn interval(text: &str) -> Option<String> {
    let (months, rest) = text.split_once('m')?;
    let (days, rest) = rest.split_once('d')?;
    let (months, days): (i64, i64) = (months.parse().ok()?, days.parse().ok()?);
    let micros: i64 = rest.strip_suffix('u')?.parse().ok()?;
    let mut parts = Vec::new();
    for (count, unit) in [(months / 12, "year"), (months % 12, "month"), (days, "day")] {
        if count != 0 {
            parts.push(format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" }));
        }
    }
    if micros != 0 || parts.is_empty() {
        let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
        parts.push(format!("{clock}{}", fraction.trim_end_matches('0')));
    }
    Some(parts.join(" "))
}

/// Each item behind its length in characters, or `N`; several dimensions of PostgreSQL's come in brackets first and are
/// not shown.
fn items(item: &Encoding, text: &str) -> Option<Vec<Value>> {
    let mut rest = text;
    while rest.starts_with('[') {
        rest = rest.split_once(']')?.1;
    }
    let mut values = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('N') {
            values.push(Value::Null);
            rest = after;
            continue;
        }
        let (length, after) = rest.split_once(':')?;
        let length: usize = length.parse().ok()?;
        let end = after.char_indices().nth(length).map_or(after.len(), |(at, _)| at);
        values.push(read(item, &after[..end]).unwrap_or_else(|| Value::Text(after[..end].to_owned())));
        rest = &after[end..];
    }
    Some(values)
}
