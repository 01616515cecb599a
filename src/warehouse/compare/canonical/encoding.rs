//! How the values of a column are written as text, so that equal values have equal texts in both databases.

use std::borrow::Cow;

use super::super::kinds::Kind;
use super::super::search;
use super::nearness;
use super::reading::{bits, read};
use super::scalars::postgres_digits;
use crate::model::{Change, Value};
use crate::warehouse::compare::{NumberSort, Side, TextRules, Tolerance};
use crate::warehouse::{Dialect, Postgres};

/// A column's type: as the database spells it, and what we take it for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// As the database spells it.
    pub name: String,
    pub(super) kind: Kind,
}

impl Typed {
    /// A type by its name.
    pub fn of(name: &str) -> Self {
        Self { name: name.to_owned(), kind: Kind::parse(name) }
    }

    /// Whether the two are one type to a reader, whatever the databases call it.
    pub fn is_like(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name) || alike(&self.kind, &other.kind)
    }
}

fn alike(a: &Kind, b: &Kind) -> bool {
    use Kind::{Char, Decimal, Exact, Json, Jsonb, List, Other, Text, Unhashed};
    match (a, b) {
        // What the one calls by name the other may not have at all.
        (Exact | Unhashed | Other, _) | (_, Exact | Unhashed | Other) => false,
        // Without a precision a decimal takes any.
        (Decimal(a), Decimal(b)) => a.is_none() || b.is_none() || a == b,
        (Text | Char, Text | Char) | (Json | Jsonb, Json | Jsonb) => true,
        (List(a), List(b)) => alike(a, b),
        _ => a == b,
    }
}

/// What the text of a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encoding {
    /// The digits of a whole number.
    Whole,
    /// A decimal number without zeros at the end of its fraction.
    Decimal,
    /// A double by its bits.
    Double,
    /// A double, or a float of 32 bits, as a decimal number, against exact numbers.
    Number,
    /// A floating-point number as a double, by the digits of that, against integers that all have a double.
    Widened,
    /// The text itself.
    Text,
    /// The engine's text of it, both engines writing the same.
    Bool,
    Date,
    /// Without a zone.
    Timestamp,
    /// In UTC.
    TimestampTz,
    Time,
    /// Months, days and microseconds.
    Interval,
    Json,
    Uuid,
    /// `x` and hexadecimal digits.
    Bytes,
    Bit,
    /// Its items with their lengths.
    List(Box<Encoding>),
    /// Ranges of decimal numbers without zeros at the ends of their fractions.
    Ranges,
    /// The engine's text of a type that only this engine has.
    Plain,
}

/// A column that both sides have, and how its values are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name on each side.
    pub name: Change<String>,
    kinds: Change<Kind>,
    encoding: Encoding,
    /// What of its texts does not count; of no text nothing.
    rules: TextRules,
    /// By how much its numbers may differ and still count as equal.
    pub tolerance: Option<Tolerance>,
}

impl Field {
    /// The column of these types in databases of these engines, with what a reader must know of how it is compared.
    ///
    /// # Errors
    /// Why its values cannot be compared.
    pub fn pair(
        engines: &Change<&str>,
        name: Change<String>,
        types: &Change<Typed>,
        rules: TextRules,
    ) -> Result<(Self, Option<String>), String> {
        let (baseline, current) = (&types.baseline, &types.current);
        let same_engine = engines.baseline == engines.current;
        let native = same_engine && engines.current == "postgres" && baseline.name == current.name;
        let encoding = match meet(&baseline.kind, &current.kind, same_engine) {
            Some(encoding) => encoding,
            None if native && baseline.name == "numrange" => Encoding::Ranges,
            None if native => Encoding::Plain,
            None => {
                return Err(format!(
                    "its types are {} and {}, which have no form in common that both databases write alike",
                    baseline.name, current.name
                ));
            }
        };
        let has_rules = [&baseline.kind, &current.kind].into_iter().all(|kind| matches!(kind, Kind::Text | Kind::Char));
        let rules = if has_rules { rules } else { TextRules::default() };
        let kinds = types.as_ref().map(|typed| typed.kind.clone());
        let field = Self { name, kinds, encoding, rules, tolerance: None };
        let note = field.note(types);
        Ok((field, note))
    }

    fn note(&self, types: &Change<Typed>) -> Option<String> {
        let by = match self.encoding {
            Encoding::Number => {
                "by value, a fraction of the floating-point one by the shortest decimal number that names it"
            }
            Encoding::Widened => "as double",
            Encoding::Whole if self.has_bool() => "with false as 0 and true as 1",
            Encoding::Timestamp if self.kinds.as_ref().map(|kind| *kind == Kind::TimestampTz).is_changed() => {
                "with the one without a time zone taken to be in UTC"
            }
            Encoding::Plain => "by its text, byte by byte",
            Encoding::Text if !self.kinds.as_ref().map(is_text).baseline || !is_text(&self.kinds.current) => {
                "by its text, byte by byte"
            }
            Encoding::Timestamp if self.kinds.baseline == Kind::Date || self.kinds.current == Kind::Date => {
                "as a timestamp"
            }
            _ => return None,
        };
        let of_type = if types.baseline.is_like(&types.current) {
            format!("its type is {}", types.current.name)
        } else {
            format!("its types are {} and {}", types.baseline.name, types.current.name)
        };
        Some(format!("{} was compared {by} ({of_type})", self.name.current))
    }

    /// The column's values on this side as text.
    pub(super) fn text(&self, dialect: &dyn Dialect, side: Side) -> String {
        let column = dialect.quote(side.of(&self.name).as_str());
        write(dialect, &self.encoding, side.of(&self.kinds), &column)
    }

    /// The column with this tolerance.
    #[must_use]
    pub fn within(self, tolerance: Option<Tolerance>) -> Self {
        Self { tolerance, ..self }
    }

    /// The text by which rows are told apart: where two are the same, the values are equal.
    pub(super) fn formed(&self, dialect: &dyn Dialect, side: Side) -> String {
        let text = self.text(dialect, side);
        if self.has_rules() { self.rules.formed(dialect, &text) } else { text }
    }

    /// The text by which rows are put together: where values are equal, the two are the same.
    pub(super) fn coarse(&self, dialect: &dyn Dialect, side: Side) -> String {
        let text = self.text(dialect, side);
        if self.has_rules() { self.rules.coarse(dialect, &text) } else { text }
    }

    /// Whether some of its texts are equal and not the same.
    pub fn has_rules(&self) -> bool {
        self.rules != TextRules::default()
    }

    /// How good a part of a key it is: 1 best; none: never.
    pub fn rank(&self) -> Option<u8> {
        Some(search::rank(&self.kinds.baseline)?.max(search::rank(&self.kinds.current)?))
    }

    /// What sort of number it is, if it is one on both sides.
    pub fn sort(&self) -> Option<NumberSort> {
        NumberSort::of(&self.kinds)
    }

    /// A text without what of it does not count. Equal values have one such text.
    pub fn fold<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.rules.fold(text)
    }

    /// Whether two values are equal, or as near as the tolerance allows.
    pub fn is_same(&self, baseline: Option<&str>, current: Option<&str>) -> bool {
        let (Some(baseline), Some(current)) = (baseline, current) else { return baseline == current };
        baseline == current
            || self.has_rules() && self.fold(baseline) == self.fold(current)
            || self.is_near(baseline, current).unwrap_or_default()
    }

    fn is_near(&self, baseline: &str, current: &str) -> Option<bool> {
        let tolerance = self.tolerance.as_ref()?;
        match self.sort()? {
            NumberSort::Exact => nearness::exact(tolerance, baseline, current),
            NumberSort::Float => nearness::float(tolerance, self.number(baseline)?, self.number(current)?),
            NumberSort::Instant => nearness::instant(tolerance, baseline, current),
        }
    }

    /// An expression that the engine groups as the formed texts would be grouped.
    pub(super) fn group(&self, dialect: &dyn Dialect, side: Side) -> String {
        let column = dialect.quote(side.of(&self.name).as_str());
        match self.encoding {
            Encoding::Whole
            | Encoding::Decimal
            | Encoding::Bool
            | Encoding::Date
            | Encoding::Timestamp
            | Encoding::TimestampTz
            | Encoding::Time
            | Encoding::Uuid => column,
            _ => format!("({} collate \"C\")", self.formed(dialect, side)),
        }
    }

    /// What `concat` is given of this column, whose text is `text`, so that no two rows give the same. A NULL adds
    /// nothing where every other value adds something.
    pub(super) fn parts(&self, text: &str, md5: impl Fn(&str) -> String) -> Vec<String> {
        match self.encoding {
            Encoding::Text | Encoding::Bit => {
                vec![format!("length({text})"), "':'".to_owned(), text.to_owned(), "','".to_owned()]
            }
            Encoding::Json | Encoding::List(_) | Encoding::Plain => vec![md5(text), "','".to_owned()],
            // These have no comma and are never empty.
            _ => vec![text.to_owned(), "','".to_owned()],
        }
    }

    /// The value of this side's text.
    pub fn value(&self, side: Side, text: Option<&str>) -> Value {
        let Some(text) = text else { return Value::Null };
        if self.encoding == Encoding::Whole && *side.of(&self.kinds) == Kind::Bool {
            return Value::Bool(text == "1");
        }
        read(&self.encoding, text).unwrap_or_else(|| Value::Text(text.to_owned()))
    }

    fn has_bool(&self) -> bool {
        self.kinds.baseline == Kind::Bool || self.kinds.current == Kind::Bool
    }

    /// Whether the size of a change of this column can be told.
    pub fn is_measured(&self) -> bool {
        use Encoding::{Date, Decimal, Double, Number, Timestamp, TimestampTz, Whole, Widened};
        let has_size =
            matches!(self.encoding, Whole | Decimal | Double | Number | Widened | Date | Timestamp | TimestampTz);
        has_size && !self.has_bool()
    }

    /// A text as a number, dates and times in seconds since 1970; none of what is no finite number.
    pub fn number(&self, text: &str) -> Option<f64> {
        let number = match self.encoding {
            Encoding::Whole | Encoding::Decimal | Encoding::Number | Encoding::Widened => text.parse().ok()?,
            Encoding::Double => bits(text)?,
            Encoding::Date | Encoding::Timestamp | Encoding::TimestampTz => seconds(text)?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// Current minus baseline, both as texts; whole numbers are subtracted as such.
    pub fn difference(&self, baseline: &str, current: &str) -> Option<f64> {
        if self.encoding == Encoding::Whole
            && let (Ok(baseline), Ok(current)) = (baseline.parse::<i128>(), current.parse::<i128>())
        {
            // The nearest double is what is asked for.
            #[expect(clippy::cast_precision_loss, reason = "a size is told to some digits")]
            return current.checked_sub(baseline).map(|difference| difference as f64);
        }
        Some(self.number(current)? - self.number(baseline)?)
    }
}

fn is_text(kind: &Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Char | Kind::Enum)
}

/// How values of these two types are written, if they can be written alike.
fn meet(a: &Kind, b: &Kind, same_engine: bool) -> Option<Encoding> {
    one_way(a, b, same_engine).or_else(|| one_way(b, a, same_engine))
}

fn one_way(a: &Kind, b: &Kind, same_engine: bool) -> Option<Encoding> {
    use Kind::{Bit, Bool, Bytes, Char, Date, Decimal, Enum, Float, Int, Interval, Json, Jsonb, List};
    use Kind::{Text, Time, TimeTz, Timestamp, TimestampNs, TimestampTz, Uuid};
    Some(match (a, b) {
        (Int { .. } | Bool, Int { .. }) => Encoding::Whole,
        (Int { .. } | Decimal(_), Decimal(_)) => Encoding::Decimal,
        (Float(_), Float(_)) => Encoding::Double,
        (Int { bits: 1..=32, .. }, Float(_)) => Encoding::Widened,
        (Int { .. } | Decimal(_), Float(_)) => Encoding::Number,
        (Text | Char | Enum | Int { .. } | Uuid, Text) | (Char | Enum, Char | Enum) => Encoding::Text,
        (Bool, Bool) => Encoding::Bool,
        (Date, Date) => Encoding::Date,
        (Date | Timestamp | TimestampNs, Timestamp | TimestampNs | TimestampTz) => Encoding::Timestamp,
        (TimestampTz, TimestampTz) => Encoding::TimestampTz,
        (Time, Time) | (TimeTz, TimeTz) => Encoding::Time,
        (Interval, Interval) => Encoding::Interval,
        (Json | Jsonb, Json | Jsonb) => Encoding::Json,
        (Uuid, Uuid) => Encoding::Uuid,
        (Bytes, Bytes) => Encoding::Bytes,
        (Bit, Bit) => Encoding::Bit,
        // PostgreSQL's arrays have their dimensions in their values, DuckDB's lists in their types.
        (List(a), List(b)) if same_engine || !matches!((&**a, &**b), (List(_), _) | (_, List(_))) => {
            Encoding::List(Box::new(meet(a, b, same_engine)?))
        }
        _ => return None,
    })
}

fn write(dialect: &dyn Dialect, encoding: &Encoding, kind: &Kind, x: &str) -> String {
    if dialect.name() == "duckdb" { duckdb(encoding, kind, x) } else { postgres(encoding, kind, x) }
}

fn duckdb(encoding: &Encoding, kind: &Kind, x: &str) -> String {
    let text = format!("cast({x} as varchar)");
    match (encoding, kind) {
        (Encoding::Decimal | Encoding::Number, Kind::Decimal(Some((_, 0)))) => text,
        (Encoding::Decimal | Encoding::Number, Kind::Decimal(digits)) => {
            // With as many digits behind the point as there are at all, none is printed before it.
            let text = match digits {
                Some((precision, scale)) if precision > scale => text,
                _ => format!("regexp_replace({text}, '^(-?)[.]', '\\10.')"),
            };
            format!("rtrim(rtrim({text}, '0'), '.')")
        }
        (Encoding::Double, _) => format!("slimdiff_double_bits(cast({x} as double))"),
        (Encoding::Number, Kind::Float(32)) => format!("slimdiff_float_digits(cast({x} as double))"),
        (Encoding::Number | Encoding::Widened, Kind::Float(_)) => {
            format!("slimdiff_double_digits(cast({x} as double))")
        }
        (Encoding::Whole, Kind::Bool) => format!("cast(cast({x} as integer) as varchar)"),
        (Encoding::Timestamp, Kind::Date) => duckdb_era(&format!("cast(cast({x} as timestamp) as varchar)")),
        (Encoding::TimestampTz, _) | (Encoding::Timestamp, Kind::TimestampTz) => {
            let utc = format!("cast(make_timestamp(epoch_us({x})) as varchar)");
            duckdb_era(&format!("case when isfinite({x}) then {utc} else {text} end"))
        }
        (Encoding::Date | Encoding::Timestamp, _) => duckdb_era(&text),
        (Encoding::Interval, _) => format!(
            "(cast(datepart('year', {x}) * 12 + datepart('month', {x}) as varchar) || 'm' || \
             cast(datepart('day', {x}) as varchar) || 'd' || cast(datepart('hour', {x}) * 3600000000 + \
             datepart('minute', {x}) * 60000000 + datepart('microsecond', {x}) as varchar) || 'u')"
        ),
        (Encoding::Json, _) => format!("slimdiff_json({text})"),
        (Encoding::Bytes, _) => format!("('x' || lower(hex({x})))"),
        (Encoding::List(item), Kind::List(kind)) => {
            // A list in a list has a name of its own.
            let name = if x.starts_with("item") { format!("{x}n") } else { "item".to_owned() };
            let item = duckdb(item, kind, &name);
            format!(
                "array_to_string(list_transform({x}, lambda {name}: \
                 coalesce(cast(length({item}) as varchar) || ':' || {item}, 'N')), '')"
            )
        }
        _ => text,
    }
}

/// Years before Christ are marked behind the date and not behind the time.
fn duckdb_era(text: &str) -> String {
    format!("case when {text} like '%(BC)%' then replace({text}, ' (BC)', '') || ' BC' else {text} end")
}

fn postgres(encoding: &Encoding, kind: &Kind, x: &str) -> String {
    let text = format!("cast({x} as text)");
    match (encoding, kind) {
        (Encoding::Decimal | Encoding::Number, Kind::Decimal(digits)) if digits.is_none_or(|(_, scale)| scale > 0) => {
            format!("cast(trim_scale({x}) as text)")
        }
        // One NaN, and minus zero plus zero is zero.
        (Encoding::Double, _) => {
            let double = format!("cast({x} as double precision)");
            format!("case when {double} = 'NaN' then 'nan' else encode(float8send({double} + 0), 'hex') end")
        }
        (Encoding::Number, Kind::Float(_)) => postgres_number(x),
        (Encoding::Widened, Kind::Float(_)) => postgres_number(&format!("cast({x} as double precision)")),
        (Encoding::Whole, Kind::Bool) => format!("cast(cast({x} as integer) as text)"),
        (Encoding::Timestamp, Kind::Date) => format!("cast(cast({x} as timestamp) as text)"),
        (Encoding::TimestampTz, _) | (Encoding::Timestamp, Kind::TimestampTz) => {
            format!("cast({x} at time zone 'UTC' as text)")
        }
        (Encoding::Interval, _) => format!(
            "case when isfinite({x}) then cast(extract(year from {x}) * 12 + extract(month from {x}) as bigint) || 'm' \
             || cast(extract(day from {x}) as bigint) || 'd' || cast(extract(hour from {x}) * 3600000000 + \
             extract(minute from {x}) * 60000000 + extract(microseconds from {x}) as bigint) || 'u' else {text} end"
        ),
        // Zeros at the end of a fraction go; texts, which may look like numbers, are taken whole and kept.
        (Encoding::Json, _) => format!(
            "regexp_replace(cast(cast({x} as jsonb) as text), {}, {}, 'g')",
            Postgres.literal(r#"("(?:[^"\\]|\\.)*")|([.][0-9]*[1-9])0+(?![0-9])|[.]0+(?![0-9])"#),
            Postgres.literal(r"\1\2"),
        ),
        (Encoding::Ranges, _) => format!(
            "regexp_replace({text}, {}, {}, 'g')",
            Postgres.literal("([.][0-9]*[1-9])0+(?![0-9])|[.]0+(?![0-9])"),
            Postgres.literal(r"\1"),
        ),
        (Encoding::Bytes, _) => format!("('x' || encode({x}, 'hex'))"),
        (Encoding::List(item), Kind::List(kind)) => {
            let item = postgres(item, kind, "item");
            format!(
                "case when {x} is not null then case when array_ndims({x}) > 1 then array_dims({x}) else '' end || \
                 coalesce((select string_agg(coalesce(length({item}) || ':' || {item}, 'N'), '' order by place) \
                 from unnest({x}) with ordinality as items (item, place)), '') end"
            )
        }
        _ => text,
    }
}

/// The text of a floating-point number's digits. Not all servers have a `numeric` that is infinite.
fn postgres_number(x: &str) -> String {
    format!(
        "case when {x} in ('NaN', 'Infinity', '-Infinity') then cast({x} as text) else cast({} as text) end",
        postgres_digits(x)
    )
}

/// Seconds since 1970 of `YYYY-MM-DD[ HH:MM:SS[.ffffff]]`.
fn seconds(text: &str) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a size is told to some digits")]
    nearness::nanoseconds(text).map(|nanoseconds| nanoseconds as f64 / 1e9)
}
