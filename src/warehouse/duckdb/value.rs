//! DuckDB's values: from Arrow arrays to [`Value`]s without loss, written as DuckDB writes them.

use std::fmt::Write;

use ::duckdb::arrow::{
    array::{Array, ArrayRef, AsArray, UnionArray},
    datatypes::{
        DataType, Date32Type, Decimal32Type, Decimal64Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type,
        Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
        Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};

use crate::{
    model::Value,
    warehouse::{Error, json},
};

use super::types::{Extension, extension, words};

const DAY: i128 = 86_400;

/// The values of one column of one chunk.
///
/// # Errors
/// [`Error::Unsupported`] when a type has no way to us; none of DuckDB 1.5's comes this far.
pub(super) fn column(array: &ArrayRef, field: &Field) -> Result<Vec<Value>, Error> {
    if let Some(extension) = extension(field) {
        return extended(array, extension).ok_or_else(|| unreadable(field));
    }
    match array.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => lists(array, item),
        DataType::Struct(_) => structs(array),
        DataType::Map(_, _) => maps(array),
        DataType::Union(_, _) => unions(array, field),
        DataType::Dictionary(_, _) => enums(array).ok_or_else(|| unreadable(field)),
        DataType::Null => Ok(vec![Value::Null; array.len()]),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => integers(array).ok_or_else(|| unreadable(field)),
        DataType::Date32 | DataType::Time64(_) | DataType::Timestamp(_, _) | DataType::Interval(_) => {
            times(array).ok_or_else(|| unreadable(field))
        }
        _ => scalars(array).ok_or_else(|| unreadable(field)),
    }
}

fn unreadable(field: &Field) -> Error {
    Error::unsupported(format!(
        "cannot read column `{}` of a type that Arrow calls {}; cast it to varchar",
        field.name(),
        field.data_type()
    ))
}

/// `make` of each value that is there.
fn each(array: &ArrayRef, make: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..array.len()).map(|row| if array.is_null(row) { Value::Null } else { make(row) }).collect()
}

/// Reads a column of one primitive type.
macro_rules! primitive {
    ($array:expr, $kind:ty, $make:expr) => {{
        let values = $array.as_primitive_opt::<$kind>()?;
        let make = $make;
        Some(each($array, |row| make(values.value(row))))
    }};
}

fn integers(array: &ArrayRef) -> Option<Vec<Value>> {
    macro_rules! integer {
        ($kind:ty) => {
            primitive!(array, $kind, |i| Value::Int(i128::from(i)))
        };
    }
    match array.data_type() {
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::UInt64 => integer!(UInt64Type),
        _ => None,
    }
}

fn scalars(array: &ArrayRef) -> Option<Vec<Value>> {
    match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean_opt()?;
            Some(each(array, |row| Value::Bool(values.value(row))))
        }
        DataType::Float32 => primitive!(array, Float32Type, |x: f32| Value::Float(widened(x))),
        DataType::Float64 => primitive!(array, Float64Type, Value::Float),
        DataType::Decimal32(_, scale) => primitive!(array, Decimal32Type, |i| decimal(i128::from(i), *scale)),
        DataType::Decimal64(_, scale) => primitive!(array, Decimal64Type, |i| decimal(i128::from(i), *scale)),
        DataType::Decimal128(_, scale) => primitive!(array, Decimal128Type, |i| decimal(i, *scale)),
        DataType::Utf8 => {
            let values = array.as_string_opt::<i32>()?;
            Some(each(array, |row| Value::Text(values.value(row).to_owned())))
        }
        DataType::LargeUtf8 => {
            let values = array.as_string_opt::<i64>()?;
            Some(each(array, |row| Value::Text(values.value(row).to_owned())))
        }
        DataType::Utf8View => {
            let values = array.as_string_view_opt()?;
            Some(each(array, |row| Value::Text(values.value(row).to_owned())))
        }
        DataType::FixedSizeBinary(_) | DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            each_bytes(array, |bytes| Some(Value::Bytes(bytes.to_vec())))
        }
        _ => None,
    }
}

/// The bytes of one value that is not NULL, unless the array holds none.
fn bytes(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    match array.data_type() {
        DataType::FixedSizeBinary(_) => Some(array.as_fixed_size_binary_opt()?.value(row)),
        DataType::Binary => Some(array.as_binary_opt::<i32>()?.value(row)),
        DataType::LargeBinary => Some(array.as_binary_opt::<i64>()?.value(row)),
        DataType::BinaryView => Some(array.as_binary_view_opt()?.value(row)),
        _ => None,
    }
}

/// `read` of the bytes of each value that is there.
fn each_bytes(array: &ArrayRef, read: impl Fn(&[u8]) -> Option<Value>) -> Option<Vec<Value>> {
    let value = |row| if array.is_null(row) { Some(Value::Null) } else { read(bytes(array, row)?) };
    (0..array.len()).map(value).collect()
}

fn extended(array: &ArrayRef, extension: Extension) -> Option<Vec<Value>> {
    match extension {
        Extension::Boolean => return primitive!(array, Int8Type, |i| Value::Bool(i != 0)),
        Extension::Json => {
            let texts = scalars(array)?;
            let parsed = texts.into_iter().map(|text| text.as_str().map_or(Value::Null, json::value));
            return Some(parsed.collect());
        }
        _ => {}
    }
    each_bytes(array, |bytes| match extension {
        Extension::Uuid => Some(Value::Text(uuid::Uuid::from_slice(bytes).ok()?.to_string())),
        Extension::HugeInt => Some(Value::Int(i128::from_le_bytes(bytes.try_into().ok()?))),
        Extension::UHugeInt => {
            let number = u128::from_le_bytes(bytes.try_into().ok()?);
            Some(i128::try_from(number).map_or_else(|_| Value::Decimal(number.to_string()), Value::Int))
        }
        Extension::TimeTz => Some(Value::Time(time_tz(u64::from_le_bytes(bytes.try_into().ok()?)))),
        Extension::Bit => bits(bytes).map(Value::Text),
        Extension::BigNum => big_number(bytes).map(Value::Decimal),
        Extension::Geometry | Extension::Boolean | Extension::Json => Some(Value::Bytes(bytes.to_vec())),
    })
}

/// A float as the shortest decimal that names it says, as the database prints it.
fn widened(x: f32) -> f64 {
    x.to_string().parse().unwrap_or_else(|_| f64::from(x))
}

fn decimal(unscaled: i128, scale: i8) -> Value {
    let Ok(scale) = usize::try_from(scale) else { return Value::Decimal(unscaled.to_string()) };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    let dot = if scale == 0 { "" } else { "." };
    Value::Decimal(format!("{sign}{whole}{dot}{fraction}"))
}

fn enums(array: &ArrayRef) -> Option<Vec<Value>> {
    let words = words(Some(array))?;
    let keys: Vec<Option<usize>> = match array.data_type() {
        DataType::Dictionary(key, _) => match key.as_ref() {
            DataType::UInt8 => (0..array.len()).map(|row| array.as_dictionary::<UInt8Type>().key(row)).collect(),
            DataType::UInt16 => (0..array.len()).map(|row| array.as_dictionary::<UInt16Type>().key(row)).collect(),
            DataType::UInt32 => (0..array.len()).map(|row| array.as_dictionary::<UInt32Type>().key(row)).collect(),
            _ => return None,
        },
        _ => return None,
    };
    let word = |key: Option<usize>| key.and_then(|key| words.get(key)).map_or(Value::Null, |w| Value::Text(w.clone()));
    Some(keys.into_iter().map(word).collect())
}

fn lists(array: &ArrayRef, item: &Field) -> Result<Vec<Value>, Error> {
    let items = |row: usize| match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        _ => array.as_fixed_size_list().value(row),
    };
    let list = |row| if array.is_null(row) { Ok(Value::Null) } else { column(&items(row), item).map(Value::List) };
    (0..array.len()).map(list).collect()
}

fn structs(array: &ArrayRef) -> Result<Vec<Value>, Error> {
    let values = array.as_struct();
    let names: Vec<&String> = values.fields().iter().map(|field| field.name()).collect();
    let columns = values.fields().iter().zip(values.columns());
    let columns: Vec<Vec<Value>> = columns.map(|(field, array)| column(array, field)).collect::<Result<_, _>>()?;
    Ok(each(array, |row| {
        Value::Struct(names.iter().zip(&columns).map(|(name, column)| ((*name).clone(), column[row].clone())).collect())
    }))
}

/// Maps: keys as the database prints them, values as they are.
fn maps(array: &ArrayRef) -> Result<Vec<Value>, Error> {
    let values = array.as_map();
    let (keys, items) = values.entries_fields();
    let map = |row: usize| {
        if array.is_null(row) {
            return Ok(Value::Null);
        }
        let entries = values.value(row);
        let keys = column(entries.column(0), keys)?;
        let items = column(entries.column(1), items)?;
        Ok(Value::Struct(keys.iter().map(ToString::to_string).zip(items).collect()))
    };
    (0..array.len()).map(map).collect()
}

/// Unions: the member's name with its value.
fn unions(array: &ArrayRef, field: &Field) -> Result<Vec<Value>, Error> {
    let Some(values) = array.as_any().downcast_ref::<UnionArray>() else { return Err(unreadable(field)) };
    let DataType::Union(members, _) = array.data_type() else { return Err(unreadable(field)) };
    let member = |row: usize| {
        let id = values.type_id(row);
        let Some((_, member)) = members.iter().find(|(other, _)| *other == id) else { return Err(unreadable(field)) };
        let value = column(&values.value(row), member)?.pop().unwrap_or(Value::Null);
        // A NULL union comes as its first member being NULL, and so does a NULL in it.
        Ok(if value.is_null() { Value::Null } else { Value::Struct(vec![(member.name().clone(), value)]) })
    };
    (0..array.len()).map(member).collect()
}

fn times(array: &ArrayRef) -> Option<Vec<Value>> {
    macro_rules! stamps {
        ($kind:ty, $per_second:expr, $zone:expr) => {
            primitive!(array, $kind, |t| Value::Timestamp(timestamp(t, $per_second, $zone)))
        };
    }
    match array.data_type() {
        DataType::Date32 => primitive!(array, Date32Type, |day| Value::Date(date(day))),
        DataType::Time64(TimeUnit::Microsecond) => {
            primitive!(array, Time64MicrosecondType, |t: i64| Value::Time(clock(i128::from(t), 1_000_000)))
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            primitive!(array, Time64NanosecondType, |t: i64| Value::Time(clock(i128::from(t), 1_000_000_000)))
        }
        DataType::Timestamp(TimeUnit::Second, zone) => stamps!(TimestampSecondType, 1, zone.is_some()),
        DataType::Timestamp(TimeUnit::Millisecond, zone) => stamps!(TimestampMillisecondType, 1_000, zone.is_some()),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            stamps!(TimestampMicrosecondType, 1_000_000, zone.is_some())
        }
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            stamps!(TimestampNanosecondType, 1_000_000_000, zone.is_some())
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            primitive!(
                array,
                IntervalMonthDayNanoType,
                |i: <IntervalMonthDayNanoType as ::duckdb::arrow::datatypes::ArrowPrimitiveType>::Native| {
                    Value::Interval(interval(i.months, i.days, i.nanoseconds))
                }
            )
        }
        _ => None,
    }
}

/// A day counted from 1970-01-01; the ends of the range are the infinities.
fn date(day: i32) -> String {
    match day {
        i32::MAX => "infinity".to_owned(),
        day if day == -i32::MAX => "-infinity".to_owned(),
        day => calendar(i128::from(day), ""),
    }
}

/// A moment counted from 1970-01-01; the ends of the range are the infinities. One with a zone is shown in UTC.
fn timestamp(count: i64, per_second: i128, zone: bool) -> String {
    if count == i64::MAX {
        return "infinity".to_owned();
    }
    if count == -i64::MAX {
        return "-infinity".to_owned();
    }
    let (count, per_day) = (i128::from(count), DAY * per_second);
    let mut time = format!(" {}", clock(count.rem_euclid(per_day), per_second));
    if zone {
        time.push_str("+00");
    }
    calendar(count.div_euclid(per_day), &time)
}

/// Year, month and day of a day counted from 1970-01-01, then `time`, then `(BC)` before the first year.
fn calendar(day: i128, time: &str) -> String {
    // Days are counted from 1 March of the year 0, so that a leap day ends its year, in eras of 400 years:
    // <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
    let day = day + 719_468;
    let (era, day_of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    let (year, suffix) = if year > 0 { (year, "") } else { (1 - year, " (BC)") };
    format!("{year:04}-{month:02}-{day:02}{suffix}{time}")
}

/// Hours, minutes, seconds, and a fraction without trailing zeros, of a count that is not negative.
fn clock(count: i128, per_second: i128) -> String {
    let (seconds, fraction) = (count / per_second, count % per_second);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let digits = format!("{:0>9}", fraction * (1_000_000_000 / per_second));
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// Time of day in the upper 40 bits, and in the lower 24 the seconds by which the offset stays under its highest.
fn time_tz(packed: u64) -> String {
    const HIGHEST: i64 = 16 * 3600 - 1;
    let offset = HIGHEST - i64::try_from(packed & 0x00FF_FFFF).unwrap_or_default();
    let mut text = clock(i128::from(packed >> 24), 1_000_000);
    let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    // Writing to a String cannot fail.
    let _ = write!(text, "{sign}{:02}", offset / 3600);
    if offset % 3600 != 0 {
        let _ = write!(text, ":{:02}", offset / 60 % 60);
    }
    if offset % 60 != 0 {
        let _ = write!(text, ":{:02}", offset % 60);
    }
    text
}

/// `1 year 2 months 3 days 00:00:04.5`, each part with its own sign.
fn interval(months: i32, days: i32, nanoseconds: i64) -> String {
    let mut parts = Vec::new();
    for (count, unit) in [(months / 12, "year"), (months % 12, "month"), (days, "day")] {
        if count != 0 {
            let plural = if count.abs() == 1 { "" } else { "s" };
            parts.push(format!("{count} {unit}{plural}"));
        }
    }
    if nanoseconds != 0 || parts.is_empty() {
        let sign = if nanoseconds < 0 { "-" } else { "" };
        parts.push(format!("{sign}{}", clock(i128::from(nanoseconds).abs(), 1_000_000_000)));
    }
    parts.join(" ")
}

/// A bit string: the first byte counts the padding bits at the front of the rest.
fn bits(bytes: &[u8]) -> Option<String> {
    let (padding, rest) = bytes.split_first()?;
    let mut all = String::with_capacity(rest.len() * 8);
    for byte in rest {
        let _ = write!(all, "{byte:08b}");
    }
    all.get(usize::from(*padding)..).map(str::to_owned)
}

/// A whole number of any length: three bytes of sign and length, then the magnitude, highest byte first; of a negative
/// number every bit is turned over.
fn big_number(bytes: &[u8]) -> Option<String> {
    let negative = bytes.first()? & 0x80 == 0;
    let magnitude = bytes.get(3..)?.iter().map(|byte| if negative { !byte } else { *byte });
    // Digits in groups of nine, lowest first.
    let mut groups: Vec<u64> = vec![0];
    for byte in magnitude {
        let mut carry = u64::from(byte);
        for group in &mut groups {
            let value = *group * 256 + carry;
            (*group, carry) = (value % 1_000_000_000, value / 1_000_000_000);
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let mut text = if negative { "-".to_owned() } else { String::new() };
    let mut groups = groups.iter().rev();
    let _ = write!(text, "{}", groups.next()?);
    groups.for_each(|group| {
        let _ = write!(text, "{group:09}");
    });
    Some(text)
}
