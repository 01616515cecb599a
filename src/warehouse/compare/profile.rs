//! The SQL of what one relation holds, column by column, in one scan: NULLs, extremes, mean, standard deviation, and an
//! estimate of the distinct values.

use super::kinds::Kind;
use super::{of_those, sketch};
use crate::model::{Column, Value};
use crate::warehouse::Dialect;

/// How many columns one query is asked about. Each takes up to seven select items, of which PostgreSQL takes 1,664;
/// DuckDB reads only the columns it is asked about, and plans a few at a time faster than many.
pub fn batch(dialect: &dyn Dialect) -> usize {
    if dialect.name() == "duckdb" { 50 } else { 200 }
}

/// Numbers beyond it, and NaN, are left out of means and standard deviations: their squares have no double.
const BEYOND: &str = "1e140";

/// How much of a long text is shown as an extreme, in characters.
const TEXT: usize = 256;

/// What can be measured of the values of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Int,
    /// Whether it has a precision, so that every value has a double.
    Decimal {
        bounded: bool,
    },
    Float,
    Date,
    Timestamp,
    TimestampTz,
    Time,
    Text,
    Bool,
    /// With a hash and without an order that people know: uuids, bytes.
    Unordered,
    /// Nothing but whether it is NULL.
    Opaque,
}

impl Nature {
    pub(super) fn of(data_type: &str) -> Self {
        match Kind::parse(data_type) {
            Kind::Int { .. } => Self::Int,
            Kind::Decimal(precision) => Self::Decimal { bounded: precision.is_some() },
            Kind::Float(_) => Self::Float,
            Kind::Date => Self::Date,
            Kind::Timestamp | Kind::TimestampNs => Self::Timestamp,
            Kind::TimestampTz => Self::TimestampTz,
            Kind::Time | Kind::TimeTz => Self::Time,
            Kind::Text | Kind::Char | Kind::Enum => Self::Text,
            Kind::Bool => Self::Bool,
            Kind::Uuid | Kind::Bytes => Self::Unordered,
            _ => Self::Opaque,
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Decimal { .. } | Self::Float)
    }

    /// Whether there may be values that are no number.
    pub(super) fn has_nan(self) -> bool {
        matches!(self, Self::Decimal { .. } | Self::Float)
    }

    fn has_extremes(self) -> bool {
        !matches!(self, Self::Unordered | Self::Opaque)
    }
}

/// A column as text, compared by its bytes.
pub(super) fn text(engine: &str, column: &str) -> String {
    let name = if engine == "duckdb" { "varchar" } else { "text" };
    format!("(cast({column} as {name}) collate \"C\")")
}

/// A PostgreSQL numeric as a double. One that is too small for it, an error to PostgreSQL, is 0.
pub(super) fn as_float8(column: &str) -> String {
    format!("cast(case when abs({column}) < 1e-300 then 0 else {column} end as float8)")
}

/// A column of which a profile is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profiled {
    name: String,
    nature: Nature,
    extremes: bool,
    moments: bool,
}

impl Profiled {
    /// The column, with its extremes, and its mean and standard deviation, or without.
    pub fn new(column: &Column, extremes: bool, moments: bool) -> Self {
        let nature = Nature::of(&column.data_type);
        Self {
            name: column.name.clone(),
            nature,
            extremes: extremes && nature.has_extremes(),
            moments: moments && nature.is_number(),
        }
    }

    /// Its select items.
    fn items(&self, dialect: &dyn Dialect) -> Vec<String> {
        let column = dialect.quote(&self.name);
        let engine = dialect.name();
        let mut items = vec![format!("count({column})")];
        if self.extremes || self.nature == Nature::Bool {
            items.extend(self.extremes(engine, &column));
        }
        if self.moments {
            items.extend(self.moments(engine, &column));
        }
        if let Some(hash) = self.hash(engine, &column) {
            items.extend(sketch::bitmaps(engine, &hash));
        }
        items
    }

    fn extremes(&self, engine: &str, column: &str) -> [String; 2] {
        match (self.nature, engine) {
            (Nature::Bool, "postgres") => [format!("bool_and({column})"), format!("bool_or({column})")],
            (Nature::Text, _) => {
                let value = text(engine, column);
                [format!("left(min({value}), {TEXT})"), format!("left(max({value}), {TEXT})")]
            }
            (Nature::Float, "duckdb") => {
                ["min", "max"].map(|name| of_those(name, column, &format!("not isnan({column})")))
            }
            (nature, "postgres") if nature.has_nan() => {
                ["min", "max"].map(|name| of_those(name, column, &format!("{column} <> 'NaN'")))
            }
            _ => [format!("min({column})"), format!("max({column})")],
        }
    }

    /// What cannot be squared is not even cast: the condition is looked at first.
    fn moments(&self, engine: &str, column: &str) -> [String; 2] {
        let double = if engine == "duckdb" {
            format!("try_cast({column} as double)")
        } else if self.nature == (Nature::Decimal { bounded: false }) {
            as_float8(column)
        } else {
            format!("cast({column} as float8)")
        };
        let looked_at = match (engine, self.nature) {
            (_, Nature::Decimal { .. }) if engine != "duckdb" => column,
            _ => double.as_str(),
        };
        let small = format!("{looked_at} between -{BEYOND} and {BEYOND}");
        ["avg", "stddev_pop"].map(|name| match self.nature {
            Nature::Int if engine != "duckdb" => format!("{name}({double})"),
            _ => of_those(name, &double, &small),
        })
    }

    /// 64 bits that are equal for equal values.
    fn hash(&self, engine: &str, column: &str) -> Option<String> {
        if matches!(self.nature, Nature::Opaque | Nature::Bool) {
            return None;
        }
        if engine == "duckdb" {
            // NULL has a hash there, and of wide numbers 0 and -1 have the same.
            let wide = matches!(self.nature, Nature::Int | Nature::Decimal { .. });
            let sign = if wide { format!(", {column} < 0") } else { String::new() };
            return Some(format!("(case when {column} is not null then hash({column}{sign}) end)"));
        }
        Some(match self.nature {
            // Of the upper half of a bigint little is left in its hash, of the sign of a numeric nothing.
            Nature::Int => format!("hashint8extended({column}, cast({column} as bigint) >> 32)"),
            Nature::Decimal { .. } => {
                format!("hash_numeric_extended({column}, case when {column} < 0 then 1 else 0 end)")
            }
            Nature::Float => format!("hashfloat8extended({column}, 0)"),
            Nature::Text => format!("hashtextextended({}, 0)", text(engine, column)),
            Nature::Timestamp => format!("timestamp_hash_extended({column}, 0)"),
            Nature::TimestampTz => format!("timestamp_hash_extended({column} at time zone 'UTC', 0)"),
            _ => format!("(case when {column} is not null then hash_array_extended(array[{column}], 0) end)"),
        })
    }

    /// Reads what [`Profiled::items`] asks for, in the same order.
    fn read(&self, row: &mut impl Iterator<Item = Value>) -> Option<Figures> {
        let mut figures = Figures { present: u64::try_from(row.next()?.as_i64()?).ok()?, ..Figures::default() };
        let value = |value: Value| (!value.is_null()).then_some(value);
        if self.extremes || self.nature == Nature::Bool {
            (figures.min, figures.max) = (value(row.next()?), value(row.next()?));
        }
        if self.nature == Nature::Bool {
            let both = figures.min != figures.max;
            figures.distinct = Some(u64::from(figures.min.is_some()) + u64::from(both));
        }
        if !self.extremes {
            (figures.min, figures.max) = (None, None);
        }
        if self.moments {
            (figures.mean, figures.stddev) = (number(&row.next()?), number(&row.next()?));
        }
        if !matches!(self.nature, Nature::Opaque | Nature::Bool) {
            let bitmaps = [row.next()?, row.next()?];
            let [linear, ranked] = bitmaps.each_ref().map(Value::as_str);
            figures.distinct = Some(sketch::estimate(linear, ranked).min(figures.present));
            figures.distinct_is_estimate = figures.present > 1;
        }
        Some(figures)
    }
}

/// What was found of one column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Values that are not NULL.
    pub present: u64,
    /// The smallest of them that is not NaN; of text the first characters.
    pub min: Option<Value>,
    /// The largest.
    pub max: Option<Value>,
    /// The mean of the numbers, without NaN and what is too large to be squared.
    pub mean: Option<f64>,
    /// Their standard deviation, of the population.
    pub stddev: Option<f64>,
    /// Distinct values.
    pub distinct: Option<u64>,
    /// Whether that is an estimate.
    pub distinct_is_estimate: bool,
}

/// One row about `source`, an item of a FROM clause: its number of rows, then what [`figures`] reads.
pub fn figures_sql(dialect: &dyn Dialect, source: &str, columns: &[Profiled]) -> String {
    let mut items = vec!["count(*)".to_owned()];
    items.extend(columns.iter().flat_map(|column| column.items(dialect)));
    format!("select\n    {}\nfrom {source}", items.join(",\n    "))
}

/// The number of rows and the figures of each column, out of the row that [`figures_sql`] asks for; none when it is not
/// such a row.
pub fn figures(columns: &[Profiled], row: Vec<Value>) -> Option<(u64, Vec<Figures>)> {
    let mut row = row.into_iter();
    let rows = u64::try_from(row.next()?.as_i64()?).ok()?;
    let found: Option<Vec<Figures>> = columns.iter().map(|column| column.read(&mut row)).collect();
    Some((rows, found?))
}

/// A number as a double; none of NULL.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        #[expect(clippy::cast_precision_loss, reason = "a double is what is asked for")]
        Value::Int(number) => Some(*number as f64),
        Value::Decimal(text) | Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Nature, Profiled, figures, figures_sql};
    use crate::model::{Column, Value};
    use crate::warehouse::{DuckDb, Postgres};

    fn column(data_type: &str) -> Column {
        Column { name: "x".to_owned(), data_type: data_type.to_owned() }
    }

    #[test]
    fn types_are_measured_as_what_they_are() {
        for (data_type, nature) in [
            ("bigint", Nature::Int),
            ("numeric(12,2)", Nature::Decimal { bounded: true }),
            ("numeric", Nature::Decimal { bounded: false }),
            ("DOUBLE", Nature::Float),
            ("timestamp(3) with time zone", Nature::TimestampTz),
            ("ENUM('a', 'b')", Nature::Text),
            ("uuid", Nature::Unordered),
            ("JSON", Nature::Opaque),
            ("integer[]", Nature::Opaque),
            ("STRUCT(a INTEGER)", Nature::Opaque),
        ] {
            assert_eq!(Nature::of(data_type), nature, "{data_type}");
        }
    }

    #[test]
    fn what_is_hidden_is_not_asked_for() {
        for dialect in [&DuckDb as &dyn crate::warehouse::Dialect, &Postgres] {
            let hidden = figures_sql(dialect, "t", &[Profiled::new(&column("integer"), false, false)]);
            assert!(!hidden.contains("min(") && !hidden.contains("avg("), "{hidden}");
            let shown = figures_sql(dialect, "t", &[Profiled::new(&column("integer"), true, true)]);
            assert!(shown.contains("min(") && shown.contains("avg("), "{shown}");
        }
    }

    #[test]
    fn a_boolean_counts_its_values_exactly_and_hides_them() {
        let hidden = [Profiled::new(&column("boolean"), false, false)];
        let row = vec![Value::Int(3), Value::Int(2), Value::Bool(false), Value::Bool(true)];
        let (rows, found) = figures(&hidden, row).unwrap();
        assert_eq!((rows, found[0].distinct, found[0].distinct_is_estimate), (3, Some(2), false));
        assert_eq!((&found[0].min, &found[0].max), (&None, &None));
    }

    #[test]
    fn a_row_of_another_shape_is_none() {
        assert_eq!(figures(&[Profiled::new(&column("integer"), true, true)], vec![Value::Int(1)]), None);
        assert_eq!(figures(&[], Vec::new()), None);
    }
}
