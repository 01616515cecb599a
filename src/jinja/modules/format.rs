//! Dates and times as text: `strftime`, `strptime`, ISO.

use std::fmt::{self, Write};

use chrono::format::{Parsed, StrftimeItems, parse};
use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use minijinja::Error;

use super::dates::DateTime;
use super::zones::Zone;
use crate::jinja::values::fail;

/// `HH:MM:SS`, with microseconds when there are any.
pub(super) fn clock(time: NaiveTime) -> String {
    let micros = if time.nanosecond() / 1000 == 0 { "" } else { "%.6f" };
    time.format(&format!("%H:%M:%S{micros}")).to_string()
}

/// The arguments with which Python's `repr` would make this time.
pub(super) fn clock_arguments(f: &mut fmt::Formatter<'_>, time: NaiveTime) -> fmt::Result {
    write!(f, "{}, {}", time.hour(), time.minute())?;
    match (time.second(), time.nanosecond() / 1000) {
        (0, 0) => Ok(()),
        (second, 0) => write!(f, ", {second}"),
        (second, micro) => write!(f, ", {second}, {micro}"),
    }
}

/// An offset from UTC in seconds, as `+HH:MM` with `colon` between.
pub(super) fn offset(seconds: i32, colon: &str) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
}

/// The date, `separator`, the time, and the offset when there is a zone.
pub(super) fn isoformat(at: &DateTime, separator: &str) -> String {
    let (date, time) = (at.local.date().format("%Y-%m-%d"), clock(at.local.time()));
    let zone = at.zone.as_ref().map(|(_, seconds)| offset(*seconds, ":")).unwrap_or_default();
    format!("{date}{separator}{time}{zone}")
}

/// The same, down to the unit that Python calls `timespec`.
pub(super) fn isoformat_as(at: &DateTime, separator: &str, timespec: Option<&str>) -> Result<String, Error> {
    let time = match timespec {
        None | Some("auto") => return Ok(isoformat(at, separator)),
        Some("hours") => "%H",
        Some("minutes") => "%H:%M",
        Some("seconds") => "%H:%M:%S",
        Some("milliseconds") => "%H:%M:%S%.3f",
        Some("microseconds") => "%H:%M:%S%.6f",
        Some(other) => return Err(fail(format!("isoformat() has no timespec '{other}'"))),
    };
    let zone = at.zone.as_ref().map(|(_, seconds)| offset(*seconds, ":")).unwrap_or_default();
    Ok(format!("{}{separator}{}{zone}", at.local.date().format("%Y-%m-%d"), at.local.time().format(time)))
}

/// `strftime`: directives of C; one that nobody knows stays as it is.
pub(super) fn strftime(at: &DateTime, format: &str) -> String {
    let mut text = String::with_capacity(format.len() + 16);
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let flag = rest.next_if(|c| matches!(c, '-' | '_' | '0'));
        let Some(directive) = rest.next() else {
            text.push('%');
            continue;
        };
        directive_text(&mut text, at, flag, directive);
    }
    text
}

fn directive_text(text: &mut String, at: &DateTime, flag: Option<char>, directive: char) {
    match directive {
        '%' => text.push('%'),
        // Microseconds: chrono would print nanoseconds.
        'f' => drop(write!(text, "{:06}", at.local.nanosecond() / 1000 % 1_000_000)),
        'z' => text.extend(at.zone.as_ref().map(|(_, seconds)| offset(*seconds, ""))),
        'Z' => text.extend(at.zone.as_ref().map(|(zone, _)| zone.abbreviation(at.utc()))),
        's' => drop(write!(text, "{}", at.utc().and_utc().timestamp())),
        _ => {
            let directive: String = std::iter::once('%').chain(flag).chain([directive]).collect();
            let before = text.len();
            if write!(text, "{}", at.local.format(&directive)).is_err() {
                text.truncate(before);
                text.push_str(&directive);
            }
        }
    }
}

/// `strptime`: parts that the format does not name are those of midnight on 1 January 1900.
pub(super) fn strptime(text: &str, format: &str) -> Result<DateTime, Error> {
    let mismatch = || fail(format!("time data '{text}' does not match format '{format}'"));
    // chrono reads a fraction only together with its point.
    let chrono_format = format.replace(".%f", "%.f").replace("%f", "%6f");
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(&chrono_format)).map_err(|_| mismatch())?;
    if parsed.year().is_none() && parsed.year_mod_100().is_none() && parsed.isoyear().is_none() {
        parsed.set_year(1900).map_err(|_| mismatch())?;
    }
    let named_otherwise = parsed.ordinal().is_some() || parsed.isoweek().is_some() || parsed.week_from_mon().is_some();
    if parsed.timestamp().is_none() && !named_otherwise && parsed.week_from_sun().is_none() {
        if parsed.month().is_none() {
            parsed.set_month(1).map_err(|_| mismatch())?;
        }
        if parsed.day().is_none() {
            parsed.set_day(1).map_err(|_| mismatch())?;
        }
    }
    let date = parsed.to_naive_date().map_err(|_| mismatch())?;
    if parsed.hour_mod_12().is_none() {
        parsed.set_hour(0).map_err(|_| mismatch())?;
    } else if parsed.hour_div_12().is_none() {
        parsed.set_ampm(false).map_err(|_| mismatch())?;
    }
    if parsed.minute().is_none() {
        parsed.set_minute(0).map_err(|_| mismatch())?;
    }
    let local = date.and_time(parsed.to_naive_time().map_err(|_| mismatch())?);
    Ok(match parsed.offset() {
        Some(seconds) => DateTime::localized(local, Zone::fixed(seconds)),
        None => DateTime::naive(local),
    })
}

/// `YYYY-MM-DD` or `YYYYMMDD`.
pub(super) fn iso_date(text: &str) -> Option<NaiveDate> {
    let format = if text.len() == 8 { "%Y%m%d" } else { "%Y-%m-%d" };
    NaiveDate::parse_from_str(text, format).ok().filter(|date| (1..=9999).contains(&date.year()))
}

/// `HH[:MM[:SS[.ffffff]]]`.
pub(super) fn iso_time(text: &str) -> Option<NaiveTime> {
    let format = match text.len() {
        2 => return NaiveTime::from_hms_opt(text.parse().ok()?, 0, 0),
        5 => "%H:%M",
        _ => "%H:%M:%S%.f",
    };
    NaiveTime::parse_from_str(text, format).ok()
}

/// A date, then optionally any one character, a time and an offset from UTC.
pub(super) fn iso_datetime(text: &str) -> Option<DateTime> {
    let Some((date, rest)) = text.split_at_checked(10) else {
        return Some(DateTime::naive(iso_date(text)?.and_time(NaiveTime::MIN)));
    };
    let date = iso_date(date)?;
    let mut chars = rest.chars();
    if chars.next().is_none() {
        return Some(DateTime::naive(date.and_time(NaiveTime::MIN)));
    }
    let rest = chars.as_str();
    let at = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(at);
    let local = date.and_time(iso_time(time.trim_end())?);
    match zone {
        "" => Some(DateTime::naive(local)),
        "Z" => Some(DateTime::localized(local, Zone::Utc)),
        _ => Some(DateTime::localized(local, Zone::fixed(iso_offset(zone)?))),
    }
}

/// `+HH`, `+HHMM`, `+HH:MM` or `+HH:MM:SS` in seconds.
fn iso_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let part = |from: usize| -> Option<i32> {
        digits.get(from..from + 2).map_or_else(|| (digits.len() <= from).then_some(0), |part| part.parse().ok())
    };
    Some(sign * (part(0)? * 3600 + part(2)? * 60 + part(4)?))
}
