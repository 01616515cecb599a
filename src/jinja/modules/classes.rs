//! The classes of `modules.datetime`.

use std::fmt;
use std::sync::Arc;

use chrono::{Local, NaiveDate, NaiveTime, TimeDelta, Utc};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::dates::{DateTime, DateValue, Delta, TimeValue, new_date, time_of};
use super::format;
use super::zones::{Zone, zone_of};
use crate::jinja::adapter::arguments::{Bound, bind};
use crate::jinja::values::{fail, record};

const CLOCK: [&str; 4] = ["hour", "minute", "second", "microsecond"];

/// One of the classes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Date,
    Time,
    DateTime,
    TimeDelta,
}

/// `modules.datetime`.
pub(super) fn module() -> Value {
    record([
        ("date", Value::from_object(Class::Date)),
        ("datetime", Value::from_object(Class::DateTime)),
        ("time", Value::from_object(Class::Time)),
        ("timedelta", Value::from_object(Class::TimeDelta)),
    ])
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "datetime",
            Self::TimeDelta => "timedelta",
        }
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<class 'datetime.{}'>", self.name())
    }
}

impl Object for Class {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let (first, last) = (NaiveDate::from_ymd_opt(1, 1, 1)?, NaiveDate::from_ymd_opt(9999, 12, 31)?);
        Some(match (**self, key) {
            (Self::Date, "min") => Value::from_object(DateValue(first)),
            (Self::Date, "max") => Value::from_object(DateValue(last)),
            (Self::DateTime, "min") => Value::from_object(DateTime::naive(first.and_time(NaiveTime::MIN))),
            (Self::DateTime, "max") => {
                Value::from_object(DateTime::naive(last.and_hms_micro_opt(23, 59, 59, 999_999)?))
            }
            _ => return None,
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        match **self {
            Self::Date => {
                let args = bind("date", &["year", "month", "day"], args)?;
                Ok(Value::from_object(DateValue(date_of(&args)?)))
            }
            Self::Time => Ok(Value::from_object(TimeValue(time_of(&bind("time", &CLOCK, args)?, NaiveTime::MIN)?))),
            Self::DateTime => datetime(args),
            Self::TimeDelta => timedelta(args),
        }
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match **self {
            Self::Date => date_method(method, args),
            Self::DateTime => datetime_method(method, args),
            Self::Time if method == "fromisoformat" => {
                let text = bind(method, &["time_string"], args)?.required("time_string")?.to_string();
                let time = format::iso_time(&text).ok_or_else(|| invalid_iso(&text))?;
                Ok(Value::from_object(TimeValue(time)))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

fn invalid_iso(text: &str) -> Error {
    fail(format!("Invalid isoformat string: '{text}'"))
}

fn date_of(args: &Bound<'_>) -> Result<NaiveDate, Error> {
    let field = |name: &str| -> Result<i64, Error> {
        args.required(name)?;
        args.integer(name)?.ok_or_else(|| fail(format!("a date needs an integer for '{name}'")))
    };
    new_date(field("year")?, field("month")?, field("day")?)
}

fn datetime(args: &[Value]) -> Result<Value, Error> {
    const NAMES: [&str; 8] = ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"];
    let args = bind("datetime", &NAMES, args)?;
    let local = date_of(&args)?.and_time(time_of(&args, NaiveTime::MIN)?);
    Ok(Value::from_object(match args.optional("tzinfo") {
        Some(zone) => DateTime::stamped(local, zone_of(zone)?),
        None => DateTime::naive(local),
    }))
}

fn timedelta(args: &[Value]) -> Result<Value, Error> {
    /// Microseconds in each unit.
    const UNITS: [(&str, f64); 7] = [
        ("days", 86_400e6),
        ("seconds", 1e6),
        ("microseconds", 1.0),
        ("milliseconds", 1e3),
        ("minutes", 60e6),
        ("hours", 3_600e6),
        ("weeks", 604_800e6),
    ];
    let names = UNITS.map(|(name, _)| name);
    let args = bind("timedelta", &names, args)?;
    let mut micros = 0.0;
    for (name, unit) in UNITS {
        if let Some(value) = args.optional(name) {
            let amount = f64::try_from(value.clone());
            micros +=
                unit * amount.map_err(|_| fail(format!("timedelta() needs a number for '{name}', not {value:?}")))?;
        }
    }
    // A float holds microseconds exactly for 285 years either way; beyond, Python too is used for days at most.
    if micros.abs() > 9.0e18 {
        return Err(fail("timedelta() is out of range"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let whole = micros.round() as i64;
    Ok(Value::from_object(Delta(TimeDelta::microseconds(whole))))
}

fn date_method(method: &str, args: &[Value]) -> Result<Value, Error> {
    let date = match method {
        "today" => Local::now().date_naive(),
        "fromisoformat" => {
            let text = bind(method, &["date_string"], args)?.required("date_string")?.to_string();
            format::iso_date(&text).ok_or_else(|| invalid_iso(&text))?
        }
        "fromtimestamp" => moment(method, args)?.date(),
        "fromordinal" => {
            let days = bind(method, &["ordinal"], args)?.integer("ordinal")?.and_then(|days| i32::try_from(days).ok());
            let date = days.and_then(NaiveDate::from_num_days_from_ce_opt);
            date.ok_or_else(|| fail("ordinal is out of range"))?
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    Ok(Value::from_object(DateValue(date)))
}

fn datetime_method(method: &str, args: &[Value]) -> Result<Value, Error> {
    let text = |names: &'static [&'static str]| -> Result<String, Error> {
        Ok(bind(method, names, args)?.required(names[0])?.to_string())
    };
    let made = match method {
        "now" => match bind(method, &["tz"], args)?.optional("tz") {
            Some(zone) => DateTime::aware(Utc::now().naive_utc(), zone_of(zone)?),
            None => DateTime::naive(Local::now().naive_local()),
        },
        "today" => DateTime::naive(Local::now().naive_local()),
        "utcnow" => DateTime::naive(Utc::now().naive_utc()),
        "strptime" => {
            let args = bind(method, &["date_string", "format"], args)?;
            format::strptime(&args.required("date_string")?.to_string(), &args.required("format")?.to_string())?
        }
        "fromisoformat" => {
            let text = text(&["date_string"])?;
            format::iso_datetime(&text).ok_or_else(|| invalid_iso(&text))?
        }
        "combine" => {
            let args = bind(method, &["date", "time", "tzinfo"], args)?;
            let day = args.required("date")?;
            let date = day.downcast_object_ref::<DateValue>().map(|date| date.0);
            let date = date.or_else(|| day.downcast_object_ref::<DateTime>().map(|at| at.local.date()));
            let time = args.required("time")?.downcast_object_ref::<TimeValue>().map(|time| time.0);
            let (Some(date), Some(time)) = (date, time) else { return Err(fail("combine() needs a date and a time")) };
            match args.optional("tzinfo") {
                Some(zone) => DateTime::stamped(date.and_time(time), zone_of(zone)?),
                None => DateTime::naive(date.and_time(time)),
            }
        }
        "fromtimestamp" => {
            let utc = moment(method, args)?;
            match bind(method, &["timestamp", "tz"], args)?.optional("tz") {
                Some(zone) => DateTime::aware(utc, zone_of(zone)?),
                None => DateTime::naive(utc.and_utc().with_timezone(&Local).naive_local()),
            }
        }
        "utcfromtimestamp" => DateTime::naive(DateTime::aware(moment(method, args)?, Zone::Utc).local),
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    Ok(Value::from_object(made))
}

/// The moment so many seconds after 1970 in UTC.
fn moment(method: &str, args: &[Value]) -> Result<chrono::NaiveDateTime, Error> {
    let args = bind(method, &["timestamp", "tz"], args)?;
    let value = args.required("timestamp")?;
    let seconds =
        f64::try_from(value.clone()).map_err(|_| fail(format!("{method}() needs a number, not {value:?}")))?;
    let in_range = seconds.abs() < 2.0e11;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let moment = chrono::DateTime::from_timestamp_micros((seconds * 1e6).round() as i64).filter(|_| in_range);
    moment.map(|moment| moment.naive_utc()).ok_or_else(|| fail(format!("{method}() is out of range: {value}")))
}
