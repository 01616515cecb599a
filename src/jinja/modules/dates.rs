//! Dates, times, datetimes and timedeltas as Python has them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use minijinja::value::{DynObject, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::format;
use super::zones::{Zone, zone_of};
use crate::jinja::adapter::arguments::{Bound, bind};
use crate::jinja::values::{fail, tuple};

/// `datetime.date`.
#[derive(Clone, Copy)]
pub(super) struct DateValue(pub(super) NaiveDate);

/// `datetime.time`.
#[derive(Clone, Copy)]
pub(super) struct TimeValue(pub(super) NaiveTime);

/// `datetime.timedelta`.
#[derive(Clone, Copy)]
pub(super) struct Delta(pub(super) TimeDelta);

/// `datetime.datetime`.
#[derive(Clone)]
pub(super) struct DateTime {
    /// What the clock on the wall says.
    pub(super) local: NaiveDateTime,
    /// The zone with its offset from UTC in seconds at that time; none for a naive datetime.
    pub(super) zone: Option<(Zone, i32)>,
}

impl DateTime {
    /// A datetime without a zone.
    pub(super) fn naive(local: NaiveDateTime) -> Self {
        Self { local, zone: None }
    }

    /// The moment `utc`, on the clocks of `zone`.
    pub(super) fn aware(utc: NaiveDateTime, zone: Zone) -> Self {
        let offset = zone.offset_at(utc);
        Self { local: utc + TimeDelta::seconds(offset.into()), zone: Some((zone, offset)) }
    }

    /// The time `local` as clocks of `zone` show it.
    pub(super) fn localized(local: NaiveDateTime, zone: Zone) -> Self {
        let offset = zone.offset_of(local);
        Self { local, zone: Some((zone, offset)) }
    }

    /// The time `local` with `zone` put onto it: a named zone of pytz that was not asked for the time has the offset of
    /// its first days, when clocks followed the sun.
    pub(super) fn stamped(local: NaiveDateTime, zone: Zone) -> Self {
        let offset = zone.first_offset();
        Self { local, zone: Some((zone, offset)) }
    }

    /// The moment in UTC; a naive datetime is taken as UTC.
    pub(super) fn utc(&self) -> NaiveDateTime {
        self.local - TimeDelta::seconds(self.zone.as_ref().map_or(0, |(_, offset)| *offset).into())
    }

    /// The same with another time on the wall and the offset unchanged.
    pub(super) fn at(&self, local: NaiveDateTime) -> Self {
        Self { local, zone: self.zone.clone() }
    }
}

/// Year, month and day from a call's arguments, what is missing from `from`.
fn date_of(args: &Bound<'_>, from: NaiveDate) -> Result<NaiveDate, Error> {
    let year = args.integer("year")?.unwrap_or(from.year().into());
    let month = args.integer("month")?.unwrap_or(from.month().into());
    let day = args.integer("day")?.unwrap_or(from.day().into());
    new_date(year, month, day)
}

/// A date, or what Python says when there is none such.
pub(super) fn new_date(year: i64, month: i64, day: i64) -> Result<NaiveDate, Error> {
    if !(1..=9999).contains(&year) {
        return Err(fail(format!("year {year} is out of range")));
    }
    if !(1..=12).contains(&month) {
        return Err(fail("month must be in 1..12"));
    }
    let parts = (i32::try_from(year), u32::try_from(month), u32::try_from(day));
    match parts {
        (Ok(year), Ok(month), Ok(day)) => NaiveDate::from_ymd_opt(year, month, day),
        _ => None,
    }
    .ok_or_else(|| fail("day is out of range for month"))
}

/// Hour, minute, second and microsecond from a call's arguments, what is missing from `from`.
pub(super) fn time_of(args: &Bound<'_>, from: NaiveTime) -> Result<NaiveTime, Error> {
    let field = |name: &str, default: u32| -> Result<u32, Error> {
        let value = args.integer(name)?.unwrap_or(default.into());
        u32::try_from(value).map_err(|_| fail(format!("{name} cannot be {value}")))
    };
    let (hour, minute) = (field("hour", from.hour())?, field("minute", from.minute())?);
    let (second, micro) = (field("second", from.second())?, field("microsecond", from.nanosecond() / 1000)?);
    NaiveTime::from_hms_micro_opt(hour, minute, second, micro)
        .ok_or_else(|| fail(format!("{hour}:{minute}:{second}.{micro} is not a time of day")))
}

fn number(n: impl Into<i64>) -> Value {
    Value::from(n.into())
}

fn date_field(date: NaiveDate, key: &str) -> Option<Value> {
    Some(match key {
        "year" => number(date.year()),
        "month" => number(date.month()),
        "day" => number(date.day()),
        _ => return None,
    })
}

fn time_field(time: NaiveTime, key: &str) -> Option<Value> {
    Some(match key {
        "hour" => number(time.hour()),
        "minute" => number(time.minute()),
        "second" => number(time.second()),
        "microsecond" => number(time.nanosecond() / 1000),
        _ => return None,
    })
}

/// Methods that dates and datetimes share.
fn date_method(date: NaiveDate, method: &str) -> Option<Value> {
    Some(match method {
        "weekday" => number(date.weekday().num_days_from_monday()),
        "isoweekday" => number(date.weekday().number_from_monday()),
        "toordinal" => number(date.num_days_from_ce()),
        "isocalendar" => {
            let week = date.iso_week();
            tuple(vec![number(week.year()), number(week.week()), number(date.weekday().number_from_monday())])
        }
        _ => return None,
    })
}

fn format_argument(args: &[Value]) -> Result<String, Error> {
    Ok(bind("strftime", &["format"], args)?.required("format")?.to_string())
}

impl fmt::Debug for DateValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "datetime.date({}, {}, {})", self.0.year(), self.0.month(), self.0.day())
    }
}

impl Object for DateValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        date_field(self.0, key)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let midnight = DateTime::naive(self.0.and_time(NaiveTime::MIN));
        Ok(match method {
            "strftime" => Value::from(format::strftime(&midnight, &format_argument(args)?)),
            "isoformat" => Value::from(self.0.format("%Y-%m-%d").to_string()),
            "ctime" => Value::from(format::strftime(&midnight, "%a %b %e %H:%M:%S %Y")),
            "replace" => Value::from_object(Self(date_of(&bind(method, &["year", "month", "day"], args)?, self.0)?)),
            _ => return date_method(self.0, method).ok_or_else(|| Error::from(ErrorKind::UnknownMethod)),
        })
    }
}

impl fmt::Debug for TimeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("datetime.time(")?;
        format::clock_arguments(f, self.0)?;
        f.write_str(")")
    }
}

impl Object for TimeValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        time_field(self.0, key)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format::clock(self.0))
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "isoformat" => Ok(Value::from(format::clock(self.0))),
            "strftime" => {
                let on_that_day =
                    DateTime::naive(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default().and_time(self.0));
                Ok(Value::from(format::strftime(&on_that_day, &format_argument(args)?)))
            }
            "replace" => {
                let args = bind(method, &["hour", "minute", "second", "microsecond"], args)?;
                Ok(Value::from_object(Self(time_of(&args, self.0)?)))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.local.date();
        write!(f, "datetime.datetime({}, {}, {}, ", date.year(), date.month(), date.day())?;
        format::clock_arguments(f, self.local.time())?;
        if let Some((zone, _)) = &self.zone {
            write!(f, ", tzinfo={zone:?}")?;
        }
        f.write_str(")")
    }
}

impl Object for DateTime {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == "tzinfo" {
            let zone = self.zone.as_ref().map(|(zone, _)| Value::from_object(zone.clone()));
            return Some(zone.unwrap_or_else(|| Value::from(())));
        }
        date_field(self.local.date(), key).or_else(|| time_field(self.local.time(), key))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.utc().cmp(&other.downcast_ref::<Self>()?.utc()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format::isoformat(self, " "))
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        Ok(match method {
            "strftime" => Value::from(format::strftime(self, &format_argument(args)?)),
            "isoformat" => {
                let args = bind(method, &["sep", "timespec"], args)?;
                let separator = args.text("sep").unwrap_or_else(|| "T".to_owned());
                Value::from(format::isoformat_as(self, &separator, args.text("timespec").as_deref())?)
            }
            "ctime" => Value::from(format::strftime(self, "%a %b %e %H:%M:%S %Y")),
            "date" => Value::from_object(DateValue(self.local.date())),
            "time" | "timetz" => Value::from_object(TimeValue(self.local.time())),
            "timestamp" => {
                let moment = self.utc().and_utc();
                #[expect(clippy::cast_precision_loss, reason = "Python's timestamp is a float as well")]
                let seconds = moment.timestamp_micros() as f64 / 1e6;
                Value::from(seconds)
            }
            "replace" => Value::from_object(self.replaced(args)?),
            "astimezone" => {
                let zone = bind(method, &["tz"], args)?.optional("tz").map_or(Ok(Zone::Utc), zone_of)?;
                Value::from_object(Self::aware(self.utc(), zone))
            }
            "utcoffset" => match &self.zone {
                Some((_, offset)) => Value::from_object(Delta(TimeDelta::seconds((*offset).into()))),
                None => Value::from(()),
            },
            "tzname" => Value::from(self.zone.as_ref().map(|(zone, _)| zone.abbreviation(self.utc()))),
            _ => {
                let known = date_method(self.local.date(), method);
                return known.ok_or_else(|| Error::from(ErrorKind::UnknownMethod));
            }
        })
    }
}

impl DateTime {
    fn replaced(&self, args: &[Value]) -> Result<Self, Error> {
        const NAMES: [&str; 8] = ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"];
        let args = bind("replace", &NAMES, args)?;
        let local = date_of(&args, self.local.date())?.and_time(time_of(&args, self.local.time())?);
        Ok(match args.passed("tzinfo") {
            Some(zone) if zone.is_none() => Self::naive(local),
            Some(zone) => Self::stamped(local, zone_of(zone)?),
            None => self.at(local),
        })
    }
}

/// What Python's `repr()` of one of these is; none for anything else.
pub(super) fn repr_of(value: &Value) -> Option<String> {
    let date = || value.downcast_object_ref::<DateValue>().map(|date| format!("{date:?}"));
    let time = || value.downcast_object_ref::<TimeValue>().map(|time| format!("{time:?}"));
    let datetime = || value.downcast_object_ref::<DateTime>().map(|at| format!("{at:?}"));
    let delta = || value.downcast_object_ref::<Delta>().map(|delta| format!("{delta:?}"));
    let zone = || value.downcast_object_ref::<Zone>().map(|zone| format!("{zone:?}"));
    datetime().or_else(date).or_else(time).or_else(delta).or_else(zone)
}

/// A date (at midnight), a datetime or a time (of the first of January 1900) as a datetime.
pub(super) fn as_datetime(value: &Value) -> Option<DateTime> {
    if let Some(DateValue(date)) = value.downcast_object_ref::<DateValue>() {
        return Some(DateTime::naive(date.and_time(NaiveTime::MIN)));
    }
    if let Some(TimeValue(time)) = value.downcast_object_ref::<TimeValue>() {
        return Some(DateTime::naive(NaiveDate::from_ymd_opt(1900, 1, 1)?.and_time(*time)));
    }
    value.downcast_object_ref::<DateTime>().cloned()
}

impl Delta {
    /// Days and the rest of a day in microseconds, the latter never negative, as Python keeps them.
    fn parts(self) -> (i64, i64) {
        let micros = self.0.num_microseconds().unwrap_or(if self.0 > TimeDelta::zero() { i64::MAX } else { i64::MIN });
        (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000))
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, micros) = self.parts();
        if days != 0 {
            write!(f, "{days} day{}, ", if days.abs() == 1 { "" } else { "s" })?;
        }
        let seconds = micros / 1_000_000;
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match micros % 1_000_000 {
            0 => Ok(()),
            rest => write!(f, ".{rest:06}"),
        }
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, micros) = self.parts();
        let fields = [("days", days), ("seconds", micros / 1_000_000), ("microseconds", micros % 1_000_000)];
        let shown: Vec<String> =
            fields.iter().filter(|(_, n)| *n != 0).map(|(name, n)| format!("{name}={n}")).collect();
        write!(f, "datetime.timedelta({})", if shown.is_empty() { "0".to_owned() } else { shown.join(", ") })
    }
}

impl Object for Delta {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let (days, micros) = self.parts();
        Some(match key {
            "days" => number(days),
            "seconds" => number(micros / 1_000_000),
            "microseconds" => number(micros % 1_000_000),
            _ => return None,
        })
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_zero()
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        _args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "total_seconds" => {
                let (days, micros) = self.parts();
                #[expect(clippy::cast_precision_loss, reason = "Python's total_seconds is a float as well")]
                Ok(Value::from(days as f64 * 86_400.0 + micros as f64 / 1e6))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}
