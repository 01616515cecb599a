//! Columns as templates see them, and `api.Column`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{DynObject, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::arguments::{Bound, bind};
use super::engine::Engine;
use crate::jinja::context::RenderContext;
use crate::jinja::repr::to_repr;
use crate::jinja::values::{fail, list, record};
use crate::model::Column;

const FIELDS: [&str; 5] = ["column", "dtype", "char_size", "numeric_precision", "numeric_scale"];

/// A column with its type taken apart.
#[derive(Clone)]
pub(super) struct ColumnValue {
    engine: &'static Engine,
    name: String,
    dtype: String,
    char_size: Option<i64>,
    precision: Option<i64>,
    scale: Option<i64>,
    /// The quote of the adapter's identifiers.
    quote: char,
}

/// Digits that PostgreSQL reports for numbers of fixed width: type, bits, scale.
const WIDTHS: [(&str, i64, Option<i64>); 5] = [
    ("smallint", 16, Some(0)),
    ("integer", 32, Some(0)),
    ("bigint", 64, Some(0)),
    ("real", 24, None),
    ("double precision", 53, None),
];

impl ColumnValue {
    /// A column that the database described.
    pub(super) fn described(engine: &'static Engine, quote: char, column: &Column) -> Self {
        let text = column.data_type.as_str();
        let mut described = Self::plain(engine, quote, &column.name, text);
        if engine.plain_arrays() {
            described.take_apart(text);
            if text.ends_with("[]") {
                "ARRAY".clone_into(&mut described.dtype);
            } else if let Some((_, bits, scale)) = WIDTHS.iter().find(|(name, ..)| *name == described.dtype) {
                (described.precision, described.scale) = (Some(*bits), *scale);
            }
        }
        described
    }

    fn plain(engine: &'static Engine, quote: char, name: &str, dtype: &str) -> Self {
        let (name, dtype) = (name.to_owned(), dtype.to_owned());
        Self { engine, name, dtype, char_size: None, precision: None, scale: None, quote }
    }

    /// Reads `varchar(10)` and `numeric(10,2)`; what follows the parenthesis (`with time zone`) stays in the name.
    fn take_apart(&mut self, text: &str) {
        let Some((head, rest)) = text.split_once('(') else { return };
        let Some((inside, tail)) = rest.split_once(')') else { return };
        let numbers: Option<Vec<i64>> = inside.split(',').map(|part| part.trim().parse().ok()).collect();
        let base = format!("{}{tail}", head.trim_end());
        match numbers.as_deref() {
            Some([size]) if self.engine.is_string(&base) || base == "character" => self.char_size = Some(*size),
            Some([precision]) if self.engine.is_numeric(&base) => {
                (self.precision, self.scale) = (Some(*precision), Some(0));
            }
            Some([precision, scale]) => (self.precision, self.scale) = (Some(*precision), Some(*scale)),
            Some([_]) if base.starts_with("time") => {}
            _ => return,
        }
        self.dtype = base;
    }

    fn is_string(&self) -> bool {
        self.engine.is_string(&self.dtype)
    }

    fn is_numeric(&self) -> bool {
        self.engine.is_numeric(&self.dtype)
    }

    /// The column's name, unquoted.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether both are text and `other` holds longer text.
    pub(super) fn can_expand_to(&self, other: &Self) -> Result<bool, Error> {
        Ok(self.is_string() && other.is_string() && other.string_size()? > self.string_size()?)
    }

    fn string_size(&self) -> Result<i64, Error> {
        if !self.is_string() {
            return Err(fail(format!("column '{}' is of type {}, which has no string size", self.name, self.dtype)));
        }
        Ok(self.size())
    }

    /// The size of a string; one without a limit has the engine's default, whatever it was given.
    fn size(&self) -> i64 {
        let given = self.char_size.filter(|_| !self.dtype.eq_ignore_ascii_case("text"));
        given.unwrap_or(self.engine.default_string_size)
    }

    /// The type with its size, precision and scale.
    pub(super) fn data_type(&self) -> String {
        if self.engine.plain_types() {
            return if self.engine.translates_columns() {
                self.engine.translate_type(&self.dtype)
            } else {
                self.dtype.clone()
            };
        }
        if self.engine.names_strings() && self.is_string() {
            return self.char_size.map_or_else(|| self.dtype.clone(), |size| format!("{}({size})", self.dtype));
        }
        if self.is_string() && (self.char_size.is_some() || !self.engine.keeps_name(&self.dtype)) {
            return format!("character varying({})", self.size());
        }
        if self.is_numeric() {
            return numeric_type(self.engine, &self.dtype, self.precision, self.scale);
        }
        self.dtype.clone()
    }

    fn quoted(&self) -> String {
        format!("{q}{}{q}", self.name, q = self.quote)
    }

    fn key(&self) -> (&str, &str, Option<i64>, Option<i64>, Option<i64>) {
        (&self.name, &self.dtype, self.char_size, self.precision, self.scale)
    }
}

fn numeric_type(engine: &Engine, dtype: &str, precision: Option<i64>, scale: Option<i64>) -> String {
    // Spark has one exact number, whatever macros call it.
    let dtype = if matches!(engine.column_class, "SparkColumn" | "DatabricksColumn") { "decimal" } else { dtype };
    match (precision, scale) {
        (Some(precision), Some(scale)) if engine.column_class != "BigQueryColumn" => {
            format!("{dtype}({precision},{scale})")
        }
        _ => dtype.to_owned(),
    }
}

// A column prints its fields, in lists and alone alike.
impl fmt::Debug for ColumnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.engine.column_class {
            "BigQueryColumn" => return write!(f, "<BigQueryColumn {} ({}, NULLABLE)>", self.name, self.dtype),
            "SparkColumn" | "DatabricksColumn" => {
                return write!(f, "<{} {} ({})>", self.engine.column_class, self.name, self.dtype);
            }
            _ => {}
        }
        let number = |n: Option<i64>| to_repr(&Value::from(n));
        let (name, dtype) = (to_repr(&Value::from(self.name.as_str())), to_repr(&Value::from(self.dtype.as_str())));
        write!(f, "{}(column={name}, dtype={dtype}", self.engine.column_class)?;
        write!(f, ", char_size={}", number(self.char_size))?;
        write!(f, ", numeric_precision={}, numeric_scale={}", number(self.precision), number(self.scale))?;
        f.write_str(match self.engine.column_class {
            "DuckDBColumn" => ", fields=[])",
            "SnowflakeColumn" => ", collation=None)",
            _ => ")",
        })
    }
}

impl Object for ColumnValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "name" | "column" => Value::from(self.name.as_str()),
            "quoted" => Value::from(self.quoted()),
            "dtype" => Value::from(self.dtype.as_str()),
            "data_type" => Value::from(self.data_type()),
            "char_size" => Value::from(self.char_size),
            "numeric_precision" => Value::from(self.precision),
            "numeric_scale" => Value::from(self.scale),
            // Nested columns are not taken apart.
            "fields" => list(Vec::new()),
            "mode" => Value::from("NULLABLE"),
            _ => return None,
        })
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.key().cmp(&other.downcast_ref::<Self>()?.key()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let (integer, float) = (self.engine.is_integer(&self.dtype), self.engine.is_float(&self.dtype));
        Ok(match method {
            "is_string" => Value::from(self.is_string()),
            "is_integer" => Value::from(integer),
            "is_float" => Value::from(float),
            "is_numeric" => Value::from(self.is_numeric()),
            "is_number" => Value::from(integer || float || self.is_numeric()),
            "string_size" => Value::from(self.string_size()?),
            "can_expand_to" => {
                let args = bind(method, &["other_column"], args)?;
                let other = args.required("other_column")?.downcast_object_ref::<Self>();
                Value::from(self.can_expand_to(other.ok_or_else(|| fail("can_expand_to() needs a column"))?)?)
            }
            "literal" => {
                let args = bind(method, &["value"], args)?;
                Value::from(format!("{}::{}", args.required("value")?, self.data_type()))
            }
            "to_column_dict" => {
                record([("name", Value::from(self.name.as_str())), ("data_type", Value::from(self.data_type()))])
            }
            "flatten" => list(vec![Value::from_object((**self).clone())]),
            _ => return Maker::of(state)?.method(method, args),
        })
    }
}

/// `api.Column`: makes columns and names types.
#[derive(Debug)]
pub(super) struct ColumnClass;

/// Makes columns for one adapter.
struct Maker {
    engine: &'static Engine,
    quote: char,
}

impl Maker {
    fn of(state: &State<'_, '_>) -> Result<Self, Error> {
        let context = RenderContext::of(state)?;
        Ok(Self { engine: Engine::named(&context.setup.adapter_type), quote: context.setup.quoting.character })
    }

    fn build(&self, args: &Bound<'_>) -> Result<ColumnValue, Error> {
        let (name, dtype) = (args.required("column")?.to_string(), args.required("dtype")?.to_string());
        Ok(ColumnValue {
            char_size: args.integer("char_size")?,
            precision: args.integer("numeric_precision")?,
            scale: args.integer("numeric_scale")?,
            ..ColumnValue::plain(self.engine, self.quote, &name, &dtype)
        })
    }

    fn method(&self, method: &str, args: &[Value]) -> Result<Value, Error> {
        Ok(match method {
            "translate_type" => {
                let args = bind(method, &["dtype"], args)?;
                Value::from(self.engine.translate_type(&args.required("dtype")?.to_string()))
            }
            "create" => {
                let args = bind(method, &["name", "label_or_dtype"], args)?;
                let dtype = self.engine.translate_type(&args.required("label_or_dtype")?.to_string());
                let name = args.required("name")?.to_string();
                Value::from_object(ColumnValue::plain(self.engine, self.quote, &name, &dtype))
            }
            "from_description" => {
                let args = bind(method, &["name", "raw_data_type"], args)?;
                let (name, text) = (args.required("name")?.to_string(), args.required("raw_data_type")?.to_string());
                let mut column = ColumnValue::plain(self.engine, self.quote, &name, &text);
                column.take_apart(&text);
                if !text.contains(',') {
                    // A description with one number is of a string; dbt forgets it for any other type.
                    (column.precision, column.scale) = (None, None);
                }
                if self.engine.names_strings() && !column.is_string() {
                    // Two numbers stay behind a type that is no decimal.
                    let keeps = text.contains(',') && !column.is_numeric();
                    column.dtype =
                        if keeps { text } else { column.dtype.split('(').next().unwrap_or_default().to_owned() };
                }
                Value::from_object(column)
            }
            "string_type" => {
                let size = bind(method, &["size"], args)?.required("size")?.clone();
                let name = if self.engine.names_strings() { "varchar" } else { "character varying" };
                Value::from(format!("{name}({})", crate::jinja::repr::to_str(&size)))
            }
            "numeric_type" => {
                let args = bind(method, &["dtype", "precision", "scale"], args)?;
                let dtype = args.required("dtype")?.to_string();
                let (precision, scale) = (args.integer("precision")?, args.integer("scale")?);
                Value::from(numeric_type(self.engine, &dtype, precision, scale))
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        })
    }
}

impl Object for ColumnClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<class Column>")
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        Ok(Value::from_object(Maker::of(state)?.build(&bind("Column", &FIELDS, args)?)?))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        Maker::of(state)?.method(method, args)
    }
}
