//! The types of a seed's columns, inferred from their text by the rules of dbt: the first of integer, number, date,
//! datetime, boolean and text that every value fits.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::warehouse::SeedType;

/// The type that all `values` fit. Empty text and the word `null` fit every type.
pub(super) fn infer<'a>(values: &(impl Iterator<Item = &'a str> + Clone)) -> SeedType {
    let filled = || values.clone().map(str::trim).filter(|text| !is_null(text));
    let numbers: Option<Vec<_>> = filled().map(number).collect();
    if let Some(numbers) = numbers {
        // dbt looks at the values: 1.0 and 1e3 are integers.
        return if numbers.iter().all(Number::is_whole) { SeedType::Integer } else { SeedType::Number };
    }
    if filled().all(|text| date(text).is_some()) {
        SeedType::Date
    } else if filled().all(|text| plain_datetime(text).is_some()) || filled().all(|text| iso_datetime(text).is_some()) {
        SeedType::DateTime
    } else if filled().all(|text| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")) {
        SeedType::Boolean
    } else {
        SeedType::Text
    }
}

/// Whether dbt reads the text as NULL.
pub(super) fn is_null(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.eq_ignore_ascii_case("null")
}

/// The text as every engine reads a value of the type; none for NULL.
pub(super) fn canonical(text: &str, seed_type: SeedType) -> Option<String> {
    let trimmed = text.trim();
    if is_null(trimmed) {
        return None;
    }
    let written = match seed_type {
        SeedType::Integer => number(trimmed).map(|n| n.integer_text()),
        SeedType::Number => number(trimmed).map(|n| n.text),
        SeedType::Date => date(trimmed).map(|date| date.to_string()),
        SeedType::DateTime => plain_datetime(trimmed)
            .or_else(|| iso_datetime(trimmed))
            .map(|datetime| datetime.format("%Y-%m-%d %H:%M:%S%.f").to_string()),
        SeedType::Boolean => Some(trimmed.to_ascii_lowercase()),
        SeedType::Text => None,
    };
    Some(written.unwrap_or_else(|| text.to_owned()))
}

/// A number in the spelling of every engine.
#[derive(Debug, PartialEq, Eq)]
struct Number {
    text: String,
    /// Digits without leading and trailing zeros, and the power of ten they count; none for NaN and infinity.
    value: Option<(String, i64)>,
    negative: bool,
}

impl Number {
    fn is_whole(&self) -> bool {
        self.value.as_ref().is_none_or(|(_, exponent)| *exponent >= 0)
    }

    fn integer_text(&self) -> String {
        match &self.value {
            // Beyond any integer type: the database says so better than a text of a million zeros.
            Some((digits, exponent)) if self.is_whole() && *exponent < 100 => {
                let zeros = "0".repeat(usize::try_from(*exponent).unwrap_or(0));
                let sign = if self.negative && digits != "0" { "-" } else { "" };
                format!("{sign}{digits}{zeros}")
            }
            _ => self.text.clone(),
        }
    }
}

/// A number as dbt reads it: signs of percent and currency around it and commas between digits do not count.
fn number(text: &str) -> Option<Number> {
    let text = text.trim_matches('%');
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let text = text.trim_matches(|c| "$€£¥؋₩₪₫₭₮₱₲₴₹₺₼₽₡₦฿".contains(c)).replace([',', '_'], "");
    let text = if negative { text.as_str() } else { text.strip_prefix('+').unwrap_or(&text) };
    let sign = if negative { "-" } else { "" };
    if ["nan", "inf", "infinity"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(Number { text: format!("{sign}{text}"), value: None, negative });
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut exponent = i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    let digits = all.trim_start_matches('0');
    let kept = digits.trim_end_matches('0');
    exponent += i64::try_from(digits.len() - kept.len()).ok()?;
    let value = if kept.is_empty() { ("0".to_owned(), 0) } else { (kept.to_owned(), exponent) };
    Some(Number { text: format!("{sign}{text}"), value: Some(value), negative })
}

/// `YYYY-MM-DD`; month and day may lack their zero.
fn date(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = parts(text, '-')?;
    let fits = year.len() == 4 && (1..=2).contains(&month.len()) && (1..=2).contains(&day.len());
    fits.then(|| NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))?
}

/// `YYYY-MM-DD HH:MM:SS`.
fn plain_datetime(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = text.split_once(char::is_whitespace)?;
    let [hour, minute, second] = parts(time.trim_start(), ':')?;
    let fits = [hour, minute, second].iter().all(|part| (1..=2).contains(&part.len()));
    let time =
        fits.then(|| NaiveTime::from_hms_opt(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?))??;
    Some(date(day)?.and_time(time))
}

/// ISO 8601 with a `T`; an offset is counted in, the result is in UTC.
fn iso_datetime(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = text.split_once('T')?;
    let day = match day.len() {
        8 => NaiveDate::parse_from_str(day, "%Y%m%d").ok()?,
        10 => date(day)?,
        _ => return None,
    };
    let (time, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => (&time[..at], offset(&time[at..])?),
        None => (time, TimeDelta::zero()),
    };
    let time = time.replace(',', ".");
    let format = match (time.contains(':'), time.split('.').next().unwrap_or_default().len()) {
        (true, 8) => "%H:%M:%S%.f",
        (true, 5) => "%H:%M",
        (false, 6) => "%H%M%S%.f",
        (false, 4) => "%H%M",
        (false, 2) => return Some(day.and_hms_opt(time.parse().ok()?, 0, 0)? - offset),
        _ => return None,
    };
    Some(day.and_time(NaiveTime::parse_from_str(&time, format).ok()?) - offset)
}

/// `Z`, `+02:00`, `+0200` or `+02`.
fn offset(text: &str) -> Option<TimeDelta> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("Z", "") => return Some(TimeDelta::zero()),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits[..2].parse::<i64>().ok()?, digits[2..].parse::<i64>().ok()?),
        _ => return None,
    };
    Some(TimeDelta::minutes(sign * (hours * 60 + minutes)))
}

/// Exactly three parts, each of digits.
fn parts(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let found = [parts.next()?, parts.next()?, parts.next()?];
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (parts.next().is_none() && found.iter().all(digits)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::{canonical, infer};
    use crate::warehouse::SeedType::{Boolean, Date, DateTime, Integer, Number, Text};

    // What dbt-core 1.11 made of the same columns.
    #[test]
    fn types_are_those_that_dbt_infers() {
        let of = |values: &[&'static str]| infer(&values.iter().copied());
        assert_eq!(of(&["1", "-2", "+3", "007"]), Integer);
        assert_eq!(of(&["1.0", "2.00", "1e3", "$4", "1,000", "10%"]), Integer);
        assert_eq!(of(&["", "null", "NULL"]), Integer);
        assert_eq!(of(&["1.50", ".5", "1_000", "NaN", "inf"]), Number);
        assert_eq!(of(&["2024-01-05", "2024-1-6", ""]), Date);
        assert_eq!(of(&["2024-01-05 10:00:00", "2024-01-05  1:2:3"]), DateTime);
        assert_eq!(of(&["2024-01-05T10:00:00Z", "20240105T101112", "2024-01-05T10", "2024-01-05T10:30"]), DateTime);
        assert_eq!(of(&["true", "FALSE", " True "]), Boolean);
        for text in ["t", "yes", "2024-13-01", "01/02/2024", "2024-01", "2024-01-01 10:00:00.5", "10:00:00", "-", "1e"]
        {
            assert_eq!(of(&[text]), Text, "{text}");
        }
        assert_eq!(of(&["2024-01-05", "2024-01-05 10:00:00"]), Text);
    }

    #[test]
    fn values_are_spelt_for_every_engine() {
        let cases = [
            ("1e3", Integer, "1000"),
            ("-2.0", Integer, "-2"),
            ("007", Integer, "7"),
            ("-0", Integer, "0"),
            ("$1,250", Integer, "1250"),
            ("1,000.5", Number, "1000.5"),
            ("2024-1-6", Date, "2024-01-06"),
            ("2024-01-05T10:00:00+02:00", DateTime, "2024-01-05 08:00:00"),
            ("2024-01-05T10:00:00.250Z", DateTime, "2024-01-05 10:00:00.250"),
            (" TRUE ", Boolean, "true"),
            (" x ", Text, " x "),
        ];
        for (text, kind, expected) in cases {
            assert_eq!(canonical(text, kind).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(canonical("null", Integer), None);
    }
}
