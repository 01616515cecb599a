//! Names of DuckDB's types as DuckDB prints them, from the Arrow types its results come in.

use std::sync::Arc;

use ::duckdb::arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Field, IntervalUnit, TimeUnit, UInt8Type, UInt16Type, UInt32Type},
};

use crate::model::Column;

/// A type that Arrow has no type for, told by the field's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    Boolean,
    Json,
    Uuid,
    HugeInt,
    UHugeInt,
    TimeTz,
    Bit,
    BigNum,
    Geometry,
}

/// The extension type of a field, if it is one.
pub(super) fn extension(field: &Field) -> Option<Extension> {
    match field.metadata().get("ARROW:extension:name")?.as_str() {
        "arrow.bool8" => Some(Extension::Boolean),
        "arrow.json" => Some(Extension::Json),
        "arrow.uuid" => Some(Extension::Uuid),
        "geoarrow.wkb" => Some(Extension::Geometry),
        "arrow.opaque" => {
            let opaque = field.metadata().get("ARROW:extension:metadata")?;
            let opaque: serde_json::Value = serde_json::from_str(opaque).ok()?;
            match opaque.get("type_name")?.as_str()? {
                "hugeint" => Some(Extension::HugeInt),
                "uhugeint" => Some(Extension::UHugeInt),
                "time_tz" => Some(Extension::TimeTz),
                "bit" => Some(Extension::Bit),
                "bignum" | "varint" => Some(Extension::BigNum),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The column of a result. Its values, if there are any, tell the words of an enum.
pub(super) fn column(field: &Field, values: Option<&ArrayRef>) -> Column {
    Column { name: field.name().clone(), data_type: name(field, values) }
}

fn name(field: &Field, values: Option<&ArrayRef>) -> String {
    if let Some(extension) = extension(field) {
        return match extension {
            Extension::Boolean => "BOOLEAN",
            Extension::Json => "JSON",
            Extension::Uuid => "UUID",
            Extension::HugeInt => "HUGEINT",
            Extension::UHugeInt => "UHUGEINT",
            Extension::TimeTz => "TIME WITH TIME ZONE",
            Extension::Bit => "BIT",
            Extension::BigNum => "BIGNUM",
            Extension::Geometry => "GEOMETRY",
        }
        .to_owned();
    }
    match field.data_type() {
        DataType::Decimal32(width, scale)
        | DataType::Decimal64(width, scale)
        | DataType::Decimal128(width, scale)
        | DataType::Decimal256(width, scale) => format!("DECIMAL({width},{scale})"),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            format!("{}[]", name(item, None))
        }
        DataType::FixedSizeList(item, length) => format!("{}[{length}]", name(item, None)),
        DataType::Struct(fields) => {
            format!("STRUCT({})", members(fields.iter()))
        }
        DataType::Union(fields, _) => {
            format!("UNION({})", members(fields.iter().map(|(_, field)| field)))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                format!("MAP({}, {})", name(&fields[0], None), name(&fields[1], None))
            }
            _ => "MAP".to_owned(),
        },
        DataType::Dictionary(_, _) => words(values).map_or_else(
            || "ENUM".to_owned(),
            |words| {
                let words: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "''"))).collect();
                format!("ENUM({})", words.join(", "))
            },
        ),
        other => scalar(other).to_owned(),
    }
}

fn scalar(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "UTINYINT",
        DataType::UInt16 => "USMALLINT",
        DataType::UInt32 => "UINTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float16 | DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BLOB",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time64(TimeUnit::Nanosecond) => "TIME_NS",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Timestamp(TimeUnit::Second, None) => "TIMESTAMP_S",
        DataType::Timestamp(TimeUnit::Millisecond, None) => "TIMESTAMP_MS",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "TIMESTAMP",
        DataType::Timestamp(TimeUnit::Nanosecond, None) => "TIMESTAMP_NS",
        DataType::Interval(IntervalUnit::MonthDayNano | IntervalUnit::DayTime | IntervalUnit::YearMonth) => "INTERVAL",
        _ => "UNKNOWN",
    }
}

fn members<'a>(fields: impl Iterator<Item = &'a Arc<Field>>) -> String {
    let member = |field: &Arc<Field>| {
        let plain = field.name().chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !field.name().starts_with(|c: char| c.is_ascii_digit());
        let quoted = if plain && !field.name().is_empty() {
            field.name().clone()
        } else {
            format!("\"{}\"", field.name().replace('"', "\"\""))
        };
        format!("{quoted} {}", name(field, None))
    };
    fields.map(member).collect::<Vec<_>>().join(", ")
}

/// The words of an enum, which every chunk carries whole.
pub(super) fn words(values: Option<&ArrayRef>) -> Option<Vec<String>> {
    let array = values?;
    let words = match array.data_type() {
        DataType::Dictionary(key, _) => match key.as_ref() {
            DataType::UInt8 => array.as_dictionary_opt::<UInt8Type>()?.values(),
            DataType::UInt16 => array.as_dictionary_opt::<UInt16Type>()?.values(),
            DataType::UInt32 => array.as_dictionary_opt::<UInt32Type>()?.values(),
            _ => return None,
        },
        _ => return None,
    };
    let words = words.as_string_opt::<i32>()?;
    Some((0..words.len()).map(|i| words.value(i).to_owned()).collect())
}
