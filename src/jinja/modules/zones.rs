//! Time zones: `modules.pytz`.

use std::fmt;
use std::sync::Arc;

use chrono::{NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};
use minijinja::value::{DynObject, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::dates::{DateTime, Delta};
use super::format;
use crate::jinja::adapter::arguments::bind;
use crate::jinja::values::{fail, list, record};

/// A time zone.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Zone {
    Utc,
    Named(Tz),
    /// East of UTC, in seconds.
    Fixed(i32),
}

impl Zone {
    /// The zone that is always `seconds` east of UTC.
    pub(super) fn fixed(seconds: i32) -> Self {
        if seconds == 0 { Self::Utc } else { Self::Fixed(seconds) }
    }

    /// The zone's offset from UTC at the moment `utc`, in seconds.
    pub(super) fn offset_at(&self, utc: NaiveDateTime) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Named(zone) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
            Self::Fixed(seconds) => *seconds,
        }
    }

    /// The zone's offset from UTC when its clocks show `local`: standard time where they show it twice, and where they
    /// skip it.
    pub(super) fn offset_of(&self, local: NaiveDateTime) -> i32 {
        match self {
            Self::Named(zone) => {
                let offsets = zone.offset_from_local_datetime(&local);
                offsets.latest().map_or_else(|| self.offset_at(local), |offset| offset.fix().local_minus_utc())
            }
            other => other.offset_at(local),
        }
    }

    /// The offset with which the zone begins, to the minute, in seconds.
    pub(super) fn first_offset(&self) -> i32 {
        let first = self.offset_at(NaiveDateTime::MIN.checked_add_days(chrono::Days::new(400)).unwrap_or_default());
        (first + 30).div_euclid(60) * 60
    }

    /// What clocks of the zone call themselves at the moment `utc`, e.g. `EDT`.
    pub(super) fn abbreviation(&self, utc: NaiveDateTime) -> String {
        match self {
            Self::Utc => "UTC".to_owned(),
            Self::Named(zone) => {
                let offset = zone.offset_from_utc_datetime(&utc);
                offset.abbreviation().map_or_else(|| format::offset(offset.fix().local_minus_utc(), ""), str::to_owned)
            }
            Self::Fixed(seconds) => format!("UTC{}", format::offset(*seconds, ":")),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utc => f.write_str("UTC"),
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(seconds) => write!(f, "UTC{}", format::offset(*seconds, ":")),
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utc => f.write_str("<UTC>"),
            Self::Named(zone) => write!(f, "<DstTzInfo '{}'>", zone.name()),
            Self::Fixed(seconds) => {
                write!(f, "datetime.timezone({:?})", Delta(chrono::TimeDelta::seconds((*seconds).into())))
            }
        }
    }
}

impl Object for Zone {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        (key == "zone").then(|| Value::from(self.to_string()))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<std::cmp::Ordering> {
        Some(self.to_string().cmp(&other.downcast_ref::<Self>()?.to_string()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let datetime = || -> Result<DateTime, Error> {
            let args = bind(method, &["dt", "is_dst"], args)?;
            let given = args.required("dt")?.downcast_object_ref::<DateTime>().cloned();
            given.ok_or_else(|| fail(format!("{method}() needs a datetime")))
        };
        let changed = match method {
            "localize" => {
                let naive = datetime()?;
                if naive.zone.is_some() {
                    return Err(fail("Not naive datetime (tzinfo is already set)"));
                }
                DateTime::localized(naive.local, (**self).clone())
            }
            "normalize" | "fromutc" => DateTime::aware(datetime()?.utc(), (**self).clone()),
            "utcoffset" => {
                let seconds = self.offset_of(datetime()?.local);
                return Ok(Value::from_object(Delta(chrono::TimeDelta::seconds(seconds.into()))));
            }
            "tzname" => return Ok(Value::from(self.abbreviation(datetime()?.local))),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        Ok(Value::from_object(changed))
    }
}

/// The zone in a template value.
pub(super) fn zone_of(value: &Value) -> Result<Zone, Error> {
    value.downcast_object_ref::<Zone>().cloned().ok_or_else(|| fail(format!("{value:?} is not a time zone")))
}

/// `modules.pytz`.
pub(super) fn module() -> Value {
    let names: Vec<Value> = TZ_VARIANTS.iter().map(|zone| Value::from(zone.name())).collect();
    record([
        ("timezone", Value::from_function(timezone)),
        ("utc", Value::from_object(Zone::Utc)),
        ("FixedOffset", Value::from_function(fixed_offset)),
        ("all_timezones", list(names.clone())),
        ("common_timezones", list(names)),
    ])
}

fn timezone(name: &str) -> Result<Value, Error> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(Value::from_object(Zone::Utc));
    }
    let known = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
    known
        .map(|zone| Value::from_object(Zone::Named(*zone)))
        .ok_or_else(|| fail(format!("there is no time zone '{name}'")))
}

/// `FixedOffset(minutes)`.
fn fixed_offset(minutes: i32) -> Result<Value, Error> {
    let seconds = minutes.checked_mul(60).filter(|seconds| seconds.abs() < 86_400);
    seconds.map(|seconds| Value::from_object(Zone::fixed(seconds))).ok_or_else(|| fail("absolute offset is too large"))
}
