//! Functions that every database we open gets, for what DuckDB's SQL cannot say: how a double or a JSON document is
//! written so that equal values have equal texts, on every engine.

use std::{error::Error as StdError, sync::Arc};

use ::duckdb::{
    Connection,
    arrow::{
        array::{Array, AsArray, RecordBatch, StringArray},
        datatypes::{DataType, Float64Type},
    },
    vscalar::{ArrowFunctionSignature, VArrowScalar},
};

use crate::warehouse::compare::canonical::{double_bits, double_digits, float_digits, json};

/// Makes the functions known to the database of `connection`, on all of its connections.
pub(super) fn register(connection: &Connection) -> ::duckdb::Result<()> {
    connection.register_scalar_function::<DoubleBits>("slimdiff_double_bits")?;
    connection.register_scalar_function::<DoubleDigits>("slimdiff_double_digits")?;
    connection.register_scalar_function::<FloatDigits>("slimdiff_float_digits")?;
    connection.register_scalar_function::<Json>("slimdiff_json")
}

type Answer = Result<Arc<dyn Array>, Box<dyn StdError>>;

/// See [`double_bits`].
struct DoubleBits;

impl VArrowScalar for DoubleBits {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Answer {
        Ok(of_doubles(&input, double_bits))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        vec![ArrowFunctionSignature::exact(vec![DataType::Float64], DataType::Utf8)]
    }
}

/// See [`double_digits`].
struct DoubleDigits;

impl VArrowScalar for DoubleDigits {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Answer {
        Ok(of_doubles(&input, double_digits))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        vec![ArrowFunctionSignature::exact(vec![DataType::Float64], DataType::Utf8)]
    }
}

/// See [`float_digits`].
struct FloatDigits;

impl VArrowScalar for FloatDigits {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Answer {
        Ok(of_doubles(&input, float_digits))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        vec![ArrowFunctionSignature::exact(vec![DataType::Float64], DataType::Utf8)]
    }
}

/// See [`json`].
struct Json;

impl VArrowScalar for Json {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Answer {
        let texts = input.column(0).as_string::<i32>();
        Ok(Arc::new(texts.iter().map(|text| text.map(json)).collect::<StringArray>()))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        vec![ArrowFunctionSignature::exact(vec![DataType::Utf8], DataType::Utf8)]
    }
}

fn of_doubles(input: &RecordBatch, write: impl Fn(f64) -> String) -> Arc<dyn Array> {
    let doubles = input.column(0).as_primitive::<Float64Type>();
    Arc::new(doubles.iter().map(|double| double.map(&write)).collect::<StringArray>())
}
