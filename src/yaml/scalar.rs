//! What a plain scalar means in YAML 1.1, which is what dbt's reader speaks: `yes` is true, `1e3` is text, `1:30` is
//! 90.

use std::fmt::Write;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use regex::Regex;
use serde_json::Number;

use super::node::Value;

/// The value of an unquoted, untagged scalar.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Value::String(text.to_owned());
    }
    int(text).or_else(|| float(text)).or_else(|| timestamp(text)).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The truth of a scalar tagged `!!bool`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

static INT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*|[1-9][0-9_]*(?::[0-5]?[0-9])+)$")
});

static FLOAT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    )
});

static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ \t]+)(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d*))?(?:[ \t]*(Z|[-+]\d{1,2}(?::?\d{2})?))?)?$",
    )
});

#[expect(clippy::expect_used, reason = "the patterns are constants, compiled by the tests below")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern compiles")
}

/// An integer: decimal, `0x`, `0b`, a leading zero for octal, `:` for base sixty, underscores anywhere.
pub(super) fn int(text: &str) -> Option<Value> {
    if !INT.is_match(text) {
        return None;
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        i128::from_str_radix(binary, 2)
    } else if let Some(hex) = digits.strip_prefix("0x") {
        i128::from_str_radix(hex, 16)
    } else if digits.contains(':') {
        Ok(sexagesimal(digits)?)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i128::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    match magnitude {
        Ok(magnitude) => Some(number(if negative { -magnitude } else { magnitude })),
        // Python's integers have no bound; JSON's readers read such a number as a float.
        Err(_) => digits
            .parse()
            .ok()
            .and_then(|float: f64| Number::from_f64(if negative { -float } else { float }))
            .map(Value::Number),
    }
}

fn sexagesimal(digits: &str) -> Option<i128> {
    digits.split(':').try_fold(0_i128, |total, part| total.checked_mul(60)?.checked_add(part.parse().ok()?))
}

#[expect(clippy::cast_precision_loss, reason = "only integers beyond 64 bits become floats")]
fn number(value: i128) -> Value {
    if let Ok(small) = i64::try_from(value) {
        Value::Number(small.into())
    } else if let Ok(large) = u64::try_from(value) {
        Value::Number(large.into())
    } else {
        Number::from_f64(value as f64).map_or(Value::Null, Value::Number)
    }
}

/// A float: needs a dot. Infinities and not-a-number stay text, as JSON has no word for them.
pub(super) fn float(text: &str) -> Option<Value> {
    if !FLOAT.is_match(text) {
        return None;
    }
    let plain = text.replace('_', "");
    if plain.contains(':') {
        let (sign, digits) = plain.strip_prefix('-').map_or((1.0, plain.trim_start_matches('+')), |rest| (-1.0, rest));
        let total =
            digits.split(':').try_fold(0.0_f64, |total, part| Some(total * 60.0 + part.parse::<f64>().ok()?))?;
        return Number::from_f64(sign * total).map(Value::Number);
    }
    plain.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

/// A date or a date with a time. A date needs two digits for month and day; one that does not exist is text.
fn timestamp(text: &str) -> Option<Value> {
    let found = TIMESTAMP.captures(text)?;
    let group = |index: usize| found.get(index).map(|m| m.as_str());
    let number = |index: usize| group(index).and_then(|text| text.parse::<u32>().ok());
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(1)?).ok()?, number(2)?, number(3)?)?;
    let Some(hour) = number(4) else {
        return (text.len() == 10).then(|| Value::Date(date.to_string()));
    };
    let fraction: String = group(7).unwrap_or_default().chars().chain("000000".chars()).take(6).collect();
    let time = NaiveTime::from_hms_micro_opt(hour, number(5)?, number(6)?, fraction.parse().ok()?)?;
    Some(Value::Timestamp(isoformat(date.and_time(time), group(8))))
}

/// Writing to a String cannot fail.
fn isoformat(moment: NaiveDateTime, zone: Option<&str>) -> String {
    let mut out = moment.format("%Y-%m-%dT%H:%M:%S").to_string();
    let micros = moment.and_utc().timestamp_subsec_micros();
    if micros > 0 {
        let _ = write!(out, ".{micros:06}");
    }
    match zone {
        None => {}
        Some("Z") => out.push_str("+00:00"),
        Some(offset) => {
            let (sign, digits) = offset.split_at(1);
            let (hours, minutes) = match digits.split_once(':') {
                Some(parts) => parts,
                None if digits.len() > 2 => digits.split_at(digits.len() - 2),
                None => (digits, "00"),
            };
            let _ = write!(out, "{sign}{hours:0>2}:{minutes:0>2}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Value, resolve};
    use serde_json::json;

    fn json(text: &str) -> serde_json::Value {
        super::super::Node { value: resolve(text), line: 1, column: 1 }.to_json()
    }

    #[test]
    fn booleans_have_all_spellings_of_yaml_1_1_but_not_single_letters() {
        assert_eq!(json("on"), json!(true));
        assert_eq!(json("No"), json!(false));
        assert_eq!(json("y"), json!("y"));
        assert_eq!(json("yEs"), json!("yEs"));
    }

    #[test]
    fn integers_have_five_notations() {
        assert_eq!(json("017"), json!(15));
        assert_eq!(json("0o17"), json!("0o17"));
        assert_eq!(json("0x1F"), json!(31));
        assert_eq!(json("0b101"), json!(5));
        assert_eq!(json("1_000"), json!(1000));
        assert_eq!(json("1:30"), json!(90));
        assert_eq!(json("-12"), json!(-12));
        assert_eq!(json("08"), json!("08"));
        assert_eq!(json("18446744073709551615"), json!(18_446_744_073_709_551_615_u64));
    }

    #[test]
    fn floats_need_a_dot_and_a_signed_exponent() {
        assert_eq!(json("1e3"), json!("1e3"));
        assert_eq!(json("1.5e3"), json!("1.5e3"));
        assert_eq!(json("1.5e+3"), json!(1500.0));
        assert_eq!(json("1."), json!(1.0));
        assert_eq!(json(".5"), json!(0.5));
        assert_eq!(json("1.2.3"), json!("1.2.3"));
        assert_eq!(json("-"), json!("-"));
    }

    #[test]
    fn dates_and_timestamps_are_written_as_python_writes_them() {
        assert_eq!(resolve("2020-01-01"), Value::Date("2020-01-01".to_owned()));
        assert_eq!(json("2020-1-1"), json!("2020-1-1"));
        assert_eq!(json("2020-13-01"), json!("2020-13-01"));
        assert_eq!(json("2020-01-01 10:00:00"), json!("2020-01-01T10:00:00"));
        assert_eq!(json("2020-1-1T10:00:00.5Z"), json!("2020-01-01T10:00:00.500000+00:00"));
        assert_eq!(json("2020-01-01 10:00:00 +2"), json!("2020-01-01T10:00:00+02:00"));
    }
}
