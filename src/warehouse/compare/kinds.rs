//! What matters of a type when values of two columns are compared.

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
    /// As `Exact`, but rows cannot be joined by it or hashed: its text stands for it, one text a value.
    Unhashed,
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
            "money" | "tsvector" => Self::Unhashed,
            "\"char\"" | "inet" | "cidr" | "macaddr" | "macaddr8" | "oid" | "pg_lsn" | "int4range" | "int8range"
            | "numrange" | "daterange" | "tsrange" | "tstzrange" => Self::Exact,
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

impl Kind {
    pub(super) fn is_int(&self) -> bool {
        matches!(self, Self::Int { .. })
    }

    /// Whether values may have parts: what we know nothing about may be a struct, a map or a union.
    pub(super) fn is_nested(&self) -> bool {
        matches!(self, Self::List(_) | Self::Other)
    }
}
