//! Which types can be compared without loss, and how a value of each is written so that the engine's own comparison is
//! exact: text by bytes, JSON by value where the engine can, types without a sound equality by their text.

use crate::model::Change;

/// How a column's values are written on both sides before they are compared, grouped or joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    cast: Option<String>,
    bytewise: bool,
    by_text: bool,
}

impl Form {
    /// The form in which columns of these two types can be compared, if there is one without loss.
    pub fn of(engine: &str, types: &Change<&str>) -> Option<Self> {
        let kinds = types.map(Kind::parse);
        let form = if types.baseline.eq_ignore_ascii_case(types.current) {
            Self::alike(engine, &kinds.current)
        } else {
            common(engine, &kinds)?
        };
        Some(form)
    }

    /// The type both sides are cast to, if they are.
    pub fn cast(&self) -> Option<&str> {
        self.cast.as_deref()
    }

    /// Whether values that are not text are compared as text, so that two spellings of one value would count as
    /// different.
    pub fn is_by_text(&self) -> bool {
        self.by_text
    }

    /// The expression `sql` in this form.
    pub(super) fn apply(&self, sql: &str) -> String {
        let cast = self.cast.as_ref().map_or_else(|| sql.to_owned(), |name| format!("cast({sql} as {name})"));
        if self.bytewise { format!("({cast} collate \"C\")") } else { cast }
    }

    /// Two columns of one type.
    fn alike(engine: &str, kind: &Kind) -> Self {
        match (engine, kind) {
            (_, Kind::Text) => Self::text(engine, false),
            // Equal to an engine is that a month has 30 days; to a reader it is not.
            (_, Kind::Interval) => Self::text(engine, true).without_note(),
            ("duckdb", Kind::Json) => Self::text(engine, true),
            ("duckdb", _) => Self::as_is(),
            (_, Kind::Json) => Self::cast_to("jsonb"),
            (_, Kind::Char) => Self::text(engine, false),
            (_, Kind::List(inner)) => match **inner {
                Kind::Json => Self::cast_to("jsonb[]"),
                Kind::Other | Kind::Interval | Kind::Char | Kind::List(_) => Self::text(engine, true),
                _ => Self::as_is(),
            },
            (_, Kind::Other) => Self::text(engine, true),
            _ => Self::as_is(),
        }
    }

    fn as_is() -> Self {
        Self { cast: None, bytewise: false, by_text: false }
    }

    fn cast_to(name: &str) -> Self {
        Self { cast: Some(name.to_owned()), ..Self::as_is() }
    }

    /// As text, byte by byte.
    fn text(engine: &str, by_text: bool) -> Self {
        let name = if engine == "duckdb" { "varchar" } else { "text" };
        Self { cast: by_text.then(|| name.to_owned()), bytewise: true, by_text }
    }

    fn without_note(self) -> Self {
        Self { by_text: false, ..self }
    }
}

/// What matters of a type when two are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bits, and whether negative numbers fit. 0 bits: no limit.
    Int {
        bits: u16,
        signed: bool,
    },
    /// Precision and scale; none: as many digits as it takes.
    Decimal(Option<(u16, u16)>),
    /// Bits.
    Float(u8),
    Text,
    /// Padded with blanks.
    Char,
    Bool,
    Date,
    /// Without a zone, to the microsecond or coarser.
    Timestamp,
    TimestampNs,
    TimestampTz,
    Time,
    TimeTz,
    Interval,
    Json,
    Jsonb,
    Uuid,
    Bytes,
    Bit,
    Enum,
    List(Box<Kind>),
    /// Known to have a sound equality, and to have nothing in common with other types.
    Exact,
    /// A type we know nothing about.
    Other,
}

impl Kind {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        if let Some(inner) = text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
            return Self::List(Box::new(Self::parse(inner.0)));
        }
        let (before, rest) = text.split_once('(').unwrap_or((&text, ""));
        let (arguments, after) = rest.split_once(')').unwrap_or((rest, ""));
        let name = format!("{}{}", before.trim(), after.trim_end());
        let int = |bits, signed| Self::Int { bits, signed };
        match name.as_str() {
            "tinyint" => int(8, true),
            "smallint" => int(16, true),
            "integer" | "int" => int(32, true),
            "bigint" => int(64, true),
            "hugeint" => int(128, true),
            "bignum" => int(0, true),
            "utinyint" => int(8, false),
            "usmallint" => int(16, false),
            "uinteger" => int(32, false),
            "ubigint" => int(64, false),
            "uhugeint" => int(128, false),
            "numeric" | "decimal" => Self::Decimal(precision(arguments)),
            "real" | "float" => Self::Float(32),
            "double" | "double precision" => Self::Float(64),
            "text" | "varchar" | "character varying" => Self::Text,
            "character" | "bpchar" => Self::Char,
            "boolean" => Self::Bool,
            "date" => Self::Date,
            "timestamp" | "timestamp_s" | "timestamp_ms" | "timestamp without time zone" => Self::Timestamp,
            "timestamp_ns" => Self::TimestampNs,
            "timestamp with time zone" => Self::TimestampTz,
            "time" | "time without time zone" => Self::Time,
            "time with time zone" => Self::TimeTz,
            "json" => Self::Json,
            "jsonb" => Self::Jsonb,
            "uuid" => Self::Uuid,
            "bytea" | "blob" => Self::Bytes,
            "bit" | "bit varying" => Self::Bit,
            "enum" => Self::Enum,
            "\"char\"" | "inet" | "cidr" | "macaddr" | "macaddr8" | "money" | "oid" | "pg_lsn" | "tsvector"
            | "int4range" | "int8range" | "numrange" | "daterange" | "tsrange" | "tstzrange" => Self::Exact,
            name if name.starts_with("interval") => Self::Interval,
            _ => Self::Other,
        }
    }
}

/// `12,2` as precision and scale; a negative scale, or one above the precision, has no counterpart elsewhere.
fn precision(arguments: &str) -> Option<(u16, u16)> {
    let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    (scale <= precision).then_some((precision, scale))
}

/// A form for two different types that loses nothing of either, if there is one.
fn common(engine: &str, kinds: &Change<Kind>) -> Option<Form> {
    one_way(engine, &kinds.baseline, &kinds.current).or_else(|| one_way(engine, &kinds.current, &kinds.baseline))
}

fn one_way(engine: &str, a: &Kind, b: &Kind) -> Option<Form> {
    use Kind::{Bit, Bool, Char, Date, Decimal, Enum, Float, Int, Json, Jsonb, Text, Time, TimeTz};
    use Kind::{Interval, Timestamp, TimestampTz, Uuid};
    let duckdb = engine == "duckdb";
    let name = |duck: &str, postgres: &str| Some(Form::cast_to(if duckdb { duck } else { postgres }));
    match (a, b) {
        (Int { .. }, Int { .. }) => Some(Form::cast_to(&wider_int(a, b)?)),
        (Decimal(a), Decimal(b)) if duckdb => duckdb_decimal((*a)?, (*b)?),
        (Int { bits, signed }, Decimal(b)) if duckdb => duckdb_decimal((digits(*bits, *signed)?, 0), (*b)?),
        (Decimal(_) | Int { .. }, Decimal(_)) => name("", "numeric"),
        // Every integer of 32 bits has a double of its own; of 64 bits not.
        (Float(_) | Int { bits: 1..=32, .. }, Float(_)) => name("double", "double precision"),
        (Text | Char | Enum, Text | Char | Enum) => {
            Some(Form { cast: name("varchar", "text")?.cast, ..Form::text(engine, false) })
        }
        (Int { .. } | Uuid, Text) => Some(Form::text(engine, true)),
        (Json, Text) if duckdb => Some(Form::text(engine, true)),
        (Json | Jsonb, Json | Jsonb) if !duckdb => Some(Form::cast_to("jsonb")),
        (Date | Timestamp, Timestamp) => name("timestamp", "timestamp without time zone"),
        (TimestampTz, TimestampTz) => name("timestamptz", "timestamp with time zone"),
        (Time, Time) => name("time", "time without time zone"),
        (TimeTz, TimeTz) => name("timetz", "time with time zone"),
        (Interval, Interval) => Some(Form::text(engine, true).without_note()),
        (Bit, Bit) => name("bit", "bit varying"),
        (Bool, Bool) => Some(Form::as_is()),
        _ => None,
    }
}

/// The narrowest integer type that holds both.
fn wider_int(a: &Kind, b: &Kind) -> Option<String> {
    let (Kind::Int { bits: a_bits, signed: a_signed }, Kind::Int { bits: b_bits, signed: b_signed }) = (a, b) else {
        return None;
    };
    if *a_bits == 0 || *b_bits == 0 {
        return Some("bignum".to_owned());
    }
    let need = |bits: u16, signed: bool, other_signed: bool| if other_signed && !signed { bits + 1 } else { bits };
    let bits = need(*a_bits, *a_signed, *b_signed).max(need(*b_bits, *b_signed, *a_signed));
    let signed = *a_signed || *b_signed;
    let name = match bits {
        0..=8 => "tinyint",
        9..=16 => "smallint",
        17..=32 => "integer",
        33..=64 => "bigint",
        65..=128 => "hugeint",
        _ => return Some("bignum".to_owned()),
    };
    Some(if signed { name.to_owned() } else { format!("u{name}") })
}

/// Decimal digits of the largest number of a DuckDB integer type.
fn digits(bits: u16, signed: bool) -> Option<u16> {
    Some(match (bits, signed) {
        (8, _) => 3,
        (16, _) => 5,
        (32, _) => 10,
        (64, true) => 19,
        (64, false) => 20,
        _ => return None,
    })
}

/// DuckDB's decimals have at most 38 digits.
fn duckdb_decimal(a: (u16, u16), b: (u16, u16)) -> Option<Form> {
    let scale = a.1.max(b.1);
    let whole = (a.0 - a.1).max(b.0 - b.1);
    (whole + scale <= 38).then(|| Form::cast_to(&format!("decimal({},{scale})", whole + scale)))
}

#[cfg(test)]
mod tests {
    use super::Form;
    use crate::model::Change;

    fn cast(engine: &str, baseline: &str, current: &str) -> String {
        let forms = [(baseline, current), (current, baseline)]
            .map(|(baseline, current)| Form::of(engine, &Change { baseline, current }).map(|form| form.apply("x")));
        assert_eq!(forms[0], forms[1], "it does not matter which side is which");
        forms[0].clone().unwrap_or_else(|| "none".to_owned())
    }

    #[test]
    fn numbers_meet_in_a_type_that_holds_both() {
        assert_eq!(cast("duckdb", "INTEGER", "BIGINT"), "cast(x as bigint)");
        assert_eq!(cast("duckdb", "UBIGINT", "BIGINT"), "cast(x as hugeint)");
        assert_eq!(cast("duckdb", "UTINYINT", "USMALLINT"), "cast(x as usmallint)");
        assert_eq!(cast("duckdb", "UHUGEINT", "TINYINT"), "cast(x as bignum)");
        assert_eq!(cast("duckdb", "INTEGER", "DECIMAL(12,2)"), "cast(x as decimal(12,2))");
        assert_eq!(cast("duckdb", "BIGINT", "DECIMAL(18,3)"), "cast(x as decimal(22,3))");
        assert_eq!(cast("duckdb", "DECIMAL(38,0)", "DECIMAL(10,2)"), "none");
        assert_eq!(cast("postgres", "bigint", "numeric(12,2)"), "cast(x as numeric)");
        assert_eq!(cast("postgres", "numeric(38,10)", "numeric"), "cast(x as numeric)");
        assert_eq!(cast("postgres", "integer", "double precision"), "cast(x as double precision)");
    }

    #[test]
    fn types_that_would_lose_something_do_not_meet() {
        for (baseline, current) in [
            ("bigint", "double precision"),
            ("numeric", "double precision"),
            ("timestamp without time zone", "timestamp with time zone"),
            ("boolean", "integer"),
            ("text", "jsonb"),
            ("a_type", "text"),
        ] {
            assert_eq!(cast("postgres", baseline, current), "none", "{baseline} {current}");
        }
        assert_eq!(cast("duckdb", "TIMESTAMP_NS", "TIMESTAMP"), "none");
        assert_eq!(cast("duckdb", "STRUCT(a INTEGER)", "STRUCT(a BIGINT)"), "none");
    }

    #[test]
    fn text_is_compared_by_bytes_and_what_has_no_equality_by_its_text() {
        assert_eq!(cast("postgres", "text", "text"), "(x collate \"C\")");
        assert_eq!(cast("postgres", "character varying(3)", "text"), "(cast(x as text) collate \"C\")");
        assert_eq!(cast("postgres", "json", "json"), "cast(x as jsonb)");
        assert_eq!(cast("postgres", "json[]", "json[]"), "cast(x as jsonb[])");
        assert_eq!(cast("postgres", "xml", "xml"), "(cast(x as text) collate \"C\")");
        assert_eq!(cast("postgres", "citext", "citext"), "(cast(x as text) collate \"C\")");
        assert_eq!(cast("postgres", "integer[]", "integer[]"), "x");
        assert_eq!(
            cast("postgres", "timestamp(3) with time zone", "timestamp with time zone"),
            "cast(x as timestamp with time zone)"
        );
        assert_eq!(cast("duckdb", "JSON", "JSON"), "(cast(x as varchar) collate \"C\")");
        assert_eq!(cast("duckdb", "ENUM('a')", "ENUM('a', 'b')"), "(cast(x as varchar) collate \"C\")");
        assert_eq!(cast("duckdb", "STRUCT(a INTEGER)", "STRUCT(a INTEGER)"), "x");
        assert_eq!(cast("duckdb", "INTERVAL", "INTERVAL"), "(cast(x as varchar) collate \"C\")");
    }
}
