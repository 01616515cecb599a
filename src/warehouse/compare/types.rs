//! In which form two columns are compared, so that the engine's own equality is exact: text by bytes, JSON by value
//! where the engine can, numbers of different types as numbers, types without a sound equality by their text.

use super::Side;
use super::canonical::postgres_digits;
use super::kinds::Kind;
use crate::model::Change;

/// What of a text does not count. By default everything counts: trailing blanks, case, and how an accent is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextRules {
    /// Blanks at the end do not count.
    pub trim: bool,
    /// Upper and lower case are one.
    pub ignore_case: bool,
    /// Texts are brought into Unicode's normal form C first.
    pub normalize: bool,
}

impl TextRules {
    fn apply(self, engine: &str, sql: &str) -> String {
        let mut sql = sql.to_owned();
        if self.normalize {
            sql = if engine == "duckdb" { format!("nfc_normalize({sql})") } else { format!("normalize({sql}, NFC)") };
        }
        if self.ignore_case {
            sql = format!("lower({sql})");
        }
        if self.trim {
            // Without the blank DuckDB takes away what Unicode calls a space as well.
            sql = format!("rtrim({sql}, ' ')");
        }
        sql
    }
}

/// How a column's values are written on each side before they are compared, grouped or joined. Equal forms are equal
/// values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// SQL with `{}` in the place of the column.
    sql: Change<String>,
    /// What a reader must know of it.
    note: Option<String>,
    /// What the form is, whatever the columns were.
    kind: Kind,
}

impl Form {
    /// The form in which columns of these two types are compared.
    pub fn of(engine: &str, types: &Change<&str>, text: TextRules) -> Self {
        let kinds = types.map(Kind::parse);
        let form = if types.baseline.eq_ignore_ascii_case(types.current) {
            alike(engine, &kinds.current, types.current)
        } else {
            one_way(engine, &kinds.baseline, &kinds.current)
                .or_else(|| one_way(engine, &kinds.current, &kinds.baseline).map(Self::turned))
                .unwrap_or_else(|| Self::text(engine).with_note("by its text"))
        };
        let is_text = |kind: &Kind| matches!(kind, Kind::Text | Kind::Char);
        if text == TextRules::default() || !is_text(&kinds.baseline) || !is_text(&kinds.current) {
            return form;
        }
        // The column's own collation says what its lower case is: to "C" only A to Z have one.
        let ruled = |sql: String| format!("({} collate \"C\")", text.apply(engine, &sql.replace(" collate \"C\"", "")));
        Self { sql: form.sql.map(ruled), ..form }
    }

    /// The form `formed` of a column that may be NULL as something that never is, and that some value may have as well:
    /// whoever needs to tell them apart has to ask for NULL as well.
    pub(super) fn never_null(&self, formed: &str) -> String {
        let some = match &self.kind {
            Kind::Text | Kind::Bytes => "",
            Kind::Int { .. } | Kind::Decimal(_) | Kind::Float(_) | Kind::Json | Kind::Jsonb => "0",
            Kind::Bool => "false",
            Kind::Date | Kind::Timestamp | Kind::TimestampNs | Kind::TimestampTz => "2000-01-01",
            Kind::Time => "00:00",
            Kind::TimeTz => "00:00+00",
            Kind::Uuid => "00000000-0000-0000-0000-000000000000",
            Kind::List(_) => "{}",
            // Of these each value has a text of its own.
            _ => return format!("coalesce(cast({formed} as text), '')"),
        };
        format!("coalesce({formed}, '{some}')")
    }

    /// What a reader must know of how values were compared, e.g. `by its text`; none when it is what anyone expects.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether two values of one side that the engine tells apart have different forms.
    pub fn keeps_apart(&self) -> bool {
        [&self.sql.baseline, &self.sql.current].into_iter().all(|sql| sql == "{}" || sql == "({} collate \"C\")")
    }

    /// A column of one side in this form.
    pub(super) fn apply(&self, side: Side, column: &str) -> String {
        side.of(&self.sql).replace("{}", column)
    }

    /// What is hashed for a value in its form `formed`: values that are not equal have different hashes then, but for
    /// chance. The engines' own hashes do not see to that. DuckDB's of nested values leave out where a part ends (`[]`,
    /// `[NULL]` and NULL are one), and those of 128 bits are alike where their halves are (0 and -1). PostgreSQL's leave
    /// out the sign of a numeric, the dimensions of an array, and half of a bigint or a timestamp (-1 and 4294967295).
    ///
    /// Some nested values that are equal have different texts (`[0.0]` and `[-0.0]`): see [`Self::is_nested`].
    pub(super) fn hashed(&self, engine: &str, formed: &str) -> Vec<String> {
        let also = |more: String| vec![formed.to_owned(), more];
        if engine == "duckdb" {
            return match &self.kind {
                // Of a union the text alone would not tell the member.
                kind if kind.is_nested() => also(format!("cast({formed} as varchar)")),
                Kind::Int { bits: 128, .. } | Kind::Decimal(Some((19.., _)) | None) => {
                    also(format!("cast({formed} as double)"))
                }
                Kind::Uuid => vec![format!("cast({formed} as varchar)")],
                _ => vec![formed.to_owned()],
            };
        }
        match &self.kind {
            Kind::Int { bits: 64, .. } => also(format!("{formed} >> 32")),
            // With its sign, and with what tells NaN from the infinities. Zeros at the end count.
            Kind::Decimal(_) => vec![format!("numeric_send({formed})")],
            Kind::Timestamp => vec![format!("timestamp_send({formed})")],
            Kind::TimestampTz => vec![format!("timestamptz_send({formed})")],
            Kind::Text
            | Kind::Int { bits: 16 | 32, .. }
            | Kind::Float(_)
            | Kind::Bool
            | Kind::Date
            | Kind::Uuid
            | Kind::Bytes => vec![formed.to_owned()],
            _ => vec![format!("cast({formed} as text)")],
        }
    }

    /// Whether two values that are equal may be hashed as different ones.
    pub(super) fn is_nested(&self) -> bool {
        self.kind.is_nested()
    }

    /// Whether values are whole numbers on both sides, compared as they are.
    pub(super) fn is_plain_integer(&self) -> bool {
        self.kind.is_int() && self.keeps_apart()
    }

    fn as_is(kind: &Kind) -> Self {
        Self::each("{}", "{}", kind.clone())
    }

    fn each(baseline: &str, current: &str, kind: Kind) -> Self {
        Self { sql: Change { baseline: baseline.to_owned(), current: current.to_owned() }, note: None, kind }
    }

    fn cast(name: &str) -> Self {
        let sql = format!("cast({{}} as {name})");
        Self::each(&sql, &sql, Kind::parse(name)).with_note(&format!("as {name}"))
    }

    /// As text, byte by byte.
    fn text(engine: &str) -> Self {
        let name = if engine == "duckdb" { "varchar" } else { "text" };
        let sql = format!("(cast({{}} as {name}) collate \"C\")");
        Self::each(&sql, &sql, Kind::Text)
    }

    fn with_note(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }

    fn without_note(self) -> Self {
        Self { note: None, ..self }
    }

    fn turned(self) -> Self {
        let Change { baseline, current } = self.sql;
        Self { sql: Change { baseline: current, current: baseline }, ..self }
    }
}

/// Two columns of one type.
fn alike(engine: &str, kind: &Kind, name: &str) -> Form {
    let by_text = || Form::text(engine).with_note("by its text");
    match (engine, kind) {
        (_, Kind::Text) => Form::each("({} collate \"C\")", "({} collate \"C\")", Kind::Text),
        // Equal to an engine is that a month has 30 days; to a reader it is not.
        (_, Kind::Interval) => by_text().without_note(),
        ("duckdb", Kind::Json) => Form::each(DUCKDB_JSON, DUCKDB_JSON, Kind::Text),
        // A struct or list of JSON is compared by the text of the JSON.
        ("duckdb", _) if name.to_ascii_uppercase().contains("JSON") => {
            Form::as_is(kind).with_note("with JSON by its text")
        }
        ("duckdb", _) if name.to_ascii_uppercase().contains("INTERVAL") => by_text().without_note(),
        ("duckdb", _) => Form::as_is(kind),
        (_, Kind::Json) => Form::each(POSTGRES_JSON, POSTGRES_JSON, Kind::Jsonb),
        (_, Kind::Char | Kind::Unhashed | Kind::Bit) => by_text().without_note(),
        (_, Kind::List(inner)) => match **inner {
            Kind::Json => Form::cast("jsonb[]").without_note(),
            Kind::Unhashed | Kind::Bit | Kind::Interval => by_text().without_note(),
            Kind::Other | Kind::Char | Kind::List(_) => by_text(),
            _ => Form::as_is(kind),
        },
        (_, Kind::Other) => by_text(),
        _ => Form::as_is(kind),
    }
}

/// The canonical text of a JSON document: keys sorted, numbers as numbers, no blanks.
const DUCKDB_JSON: &str = "slimdiff_json(cast({} as varchar))";

/// The document by value. What jsonb has no room for (the character 0, half of a surrogate pair, numbers with large
/// exponents) is taken by its text, as a string that no other document is: whatever has one of these marks is such a string.
const POSTGRES_JSON: &str = r"case when cast({} as text) ~* '\\u0000|(?<!\\ud[89ab][0-9a-f][0-9a-f])\\ud[c-f]|\\ud[89ab][0-9a-f][0-9a-f](?!\\ud[c-f])|[0-9]e[+-]?[0-9]{5,}' then to_jsonb(cast({} as text)) else cast({} as jsonb) end";

/// A form for two different types that says of no two values that they are equal when they are not.
fn one_way(engine: &str, a: &Kind, b: &Kind) -> Option<Form> {
    use Kind::{Bit, Bool, Char, Date, Decimal, Enum, Float, Int, Json, Jsonb, Text, Time, TimeTz};
    use Kind::{Interval, Timestamp, TimestampNs, TimestampTz};
    let duckdb = engine == "duckdb";
    let name = |duck: &str, postgres: &str| Some(Form::cast(if duckdb { duck } else { postgres }));
    match (a, b) {
        (Int { .. }, Int { .. }) => Some(Form::cast(&wider_int(a, b)?)),
        (Decimal(a), Decimal(b)) if duckdb => Some(duckdb_decimal((*a)?, (*b)?)),
        (Int { bits, signed }, Decimal(b)) if duckdb => Some(duckdb_decimal(digits(*bits, *signed), (*b)?)),
        (Decimal(_) | Int { .. }, Decimal(_)) => name("", "numeric"),
        // Every integer of 32 bits has a double of its own; of 64 bits not.
        (Float(_) | Int { bits: 1..=32, .. }, Float(_)) => name("double", "double precision"),
        (Int { .. } | Decimal(_), Float(bits)) => Some(exact_and_float(duckdb, a, *bits)),
        (Text | Char | Enum, Text | Char | Enum) => Some(Form::text(engine).with_note("as text")),
        (Bool, Int { .. }) => Some(
            Form::each("cast({} as integer)", "{}", b.clone())
                .with_note("with false as 0 and true as 1")
                .widened(engine, b),
        ),
        (Json, Text) if duckdb => Some(Form::text(engine).with_note("by its text")),
        (Json, Jsonb) if !duckdb => Some(Form::each(POSTGRES_JSON, "{}", Jsonb).with_note("as jsonb")),
        (Jsonb, Jsonb) => Some(Form::as_is(b)),
        (Date | Timestamp, Timestamp) => name("timestamp", "timestamp without time zone"),
        (Date | Timestamp, TimestampTz) => Some(in_utc(duckdb)),
        (TimestampNs, TimestampNs) => name("timestamp_ns", "timestamp"),
        (Date | Timestamp, TimestampNs) if duckdb => Some(nanoseconds("cast({} as timestamp)", "2000-01-01")),
        (TimestampTz, TimestampNs) if duckdb => Some(nanoseconds("{}", INSTANT).with_note(IN_UTC)),
        (TimestampTz, TimestampTz) => name("timestamptz", "timestamp with time zone"),
        (Time, Time) => name("time", "time without time zone"),
        (TimeTz, TimeTz) => name("timetz", "time with time zone"),
        (Interval, Interval) | (Bit, Bit) => Some(Form::text(engine)),
        (Bool, Bool) => Some(Form::as_is(&Bool)),
        _ => None,
    }
}

impl Form {
    /// For a boolean against an integer: both as the integer's type, or PostgreSQL's own bigint.
    fn widened(self, engine: &str, int: &Kind) -> Self {
        let Kind::Int { bits: 65.. | 0, .. } = int else {
            let cast =
                |sql: String| format!("cast({sql} as {})", if engine == "duckdb" { "hugeint" } else { "bigint" });
            return Self { sql: self.sql.map(cast), kind: Kind::parse("bigint"), ..self };
        };
        Self { sql: self.sql.map(|sql| format!("cast({sql} as varchar)")), kind: Kind::Text, ..self }
    }
}

/// A number of exact digits against a floating-point one: equal when that is whole and the same number, or when the
/// shortest decimal number that names it is.
fn exact_and_float(duckdb: bool, exact: &Kind, bits: u8) -> Form {
    let note = "by value, a fraction of the floating-point one by the shortest decimal number that names it";
    if !duckdb {
        return Form::each("cast({} as numeric)", &postgres_digits("{}"), Kind::Decimal(None)).with_note(note);
    }
    let exact = match exact {
        Kind::Decimal(Some(digits)) => trimmed(*digits),
        _ => trimmed((0, 0)),
    };
    let digits = if bits == 32 { "slimdiff_float_digits" } else { "slimdiff_double_digits" };
    Form::each(&exact, &format!("{digits}(cast({{}} as double))"), Kind::Text).with_note(note)
}

const IN_UTC: &str = "with the one without a time zone taken to be in UTC";

/// Any instant, which the infinite ones are before or after.
const INSTANT: &str = "2000-01-01 00:00:00+00";

/// A time without a zone, or a date, against an instant: the former is taken to be in UTC.
fn in_utc(duckdb: bool) -> Form {
    let form = if duckdb {
        let microseconds = |time: &str, some: &str| counted(time, some, &format!("epoch_us({time})"), "bigint");
        let (without, with) = (microseconds("cast({} as timestamp)", "2000-01-01"), microseconds("{}", INSTANT));
        Form::each(&without, &with, Kind::parse("bigint"))
    } else {
        Form::each("cast({} as timestamp without time zone)", "({} at time zone 'UTC')", Kind::Timestamp)
    };
    form.with_note(IN_UTC)
}

/// A time, `time` in SQL, against one in nanoseconds, which counts fewer years: both as nanoseconds.
fn nanoseconds(time: &str, some: &str) -> Form {
    let number = format!("cast(epoch_us({time}) as hugeint) * 1000");
    Form::each(&counted(time, some, &number, "hugeint"), "cast(epoch_ns({}) as hugeint)", Kind::parse("hugeint"))
}

/// DuckDB's number `number` of a time, where the time has one; the infinite ones, whose microseconds are NULL, get the
/// ends of a bigint, as their nanoseconds do.
fn counted(time: &str, some: &str, number: &str, name: &str) -> String {
    let largest = i64::MAX;
    format!(
        "cast(case when isfinite({time}) then {number} when {time} > '{some}' then {largest} when {time} < '{some}' then \
         -{largest} end as {name})"
    )
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

/// Decimal digits of the largest number of a DuckDB integer type, as precision and scale.
fn digits(bits: u16, signed: bool) -> (u16, u16) {
    let digits = match (bits, signed) {
        (8, _) => 3,
        (16, _) => 5,
        (32, _) => 10,
        (64, true) => 19,
        (64, false) => 20,
        (128, _) => 39,
        _ => u16::MAX,
    };
    (digits, 0)
}

/// DuckDB's decimals have at most 38 digits; what needs more meets in a text without the zeros at the end.
fn duckdb_decimal(a: (u16, u16), b: (u16, u16)) -> Form {
    let scale = a.1.max(b.1);
    let whole = (a.0 - a.1).max(b.0 - b.1);
    match whole.saturating_add(scale) {
        digits @ ..=38 => Form::cast(&format!("decimal({digits},{scale})")),
        _ => Form::each(&trimmed(a), &trimmed(b), Kind::Text).with_note("by all its digits"),
    }
}

/// The digits of an exact number of this precision and scale without zeros at the end of its fraction.
fn trimmed((precision, scale): (u16, u16)) -> String {
    match scale {
        0 => "cast({} as varchar)".to_owned(),
        // With as many digits behind the point as there are at all, none is printed before it.
        _ if scale == precision => {
            "rtrim(rtrim(regexp_replace(cast({} as varchar), '^(-?)[.]', '\\10.'), '0'), '.')".to_owned()
        }
        _ => "rtrim(rtrim(cast({} as varchar), '0'), '.')".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Side, TextRules};
    use crate::model::Change;

    /// The forms of both sides; it does not matter which side is which.
    fn forms(engine: &str, baseline: &str, current: &str) -> [String; 2] {
        let of = |baseline, current| {
            let form = Form::of(engine, &Change { baseline, current }, TextRules::default());
            [form.apply(Side::Baseline, "x"), form.apply(Side::Current, "x")]
        };
        let (there, back) = (of(baseline, current), of(current, baseline));
        assert_eq!([&there[0], &there[1]], [&back[1], &back[0]], "it does not matter which side is which");
        there
    }

    /// The form of both sides, which is the same.
    fn form(engine: &str, baseline: &str, current: &str) -> String {
        let [there, here] = forms(engine, baseline, current);
        assert_eq!(there, here);
        there
    }

    #[test]
    fn numbers_meet_in_a_type_that_holds_both() {
        assert_eq!(form("duckdb", "INTEGER", "BIGINT"), "cast(x as bigint)");
        assert_eq!(form("duckdb", "UBIGINT", "BIGINT"), "cast(x as hugeint)");
        assert_eq!(form("duckdb", "UTINYINT", "USMALLINT"), "cast(x as usmallint)");
        assert_eq!(form("duckdb", "UHUGEINT", "TINYINT"), "cast(x as bignum)");
        assert_eq!(form("duckdb", "INTEGER", "DECIMAL(12,2)"), "cast(x as decimal(12,2))");
        assert_eq!(form("duckdb", "BIGINT", "DECIMAL(18,3)"), "cast(x as decimal(22,3))");
        assert_eq!(form("postgres", "bigint", "numeric(12,2)"), "cast(x as numeric)");
        assert_eq!(form("postgres", "numeric(38,10)", "numeric"), "cast(x as numeric)");
        assert_eq!(form("postgres", "integer", "double precision"), "cast(x as double precision)");
    }

    #[test]
    fn numbers_that_no_type_holds_meet_in_their_digits() {
        assert_eq!(
            forms("duckdb", "DECIMAL(38,0)", "DECIMAL(10,2)"),
            ["cast(x as varchar)", "rtrim(rtrim(cast(x as varchar), '0'), '.')"]
        );
        assert_eq!(
            forms("postgres", "bigint", "double precision"),
            ["cast(x as numeric)".to_owned(), super::postgres_digits("x")]
        );
    }

    #[test]
    fn types_that_have_nothing_in_common_meet_in_their_text() {
        for (baseline, current) in [("text", "jsonb"), ("a_type", "text"), ("bytea", "uuid")] {
            assert_eq!(form("postgres", baseline, current), "(cast(x as text) collate \"C\")", "{baseline} {current}");
        }
        assert_eq!(form("duckdb", "TIMESTAMP_NS", "TIME"), "(cast(x as varchar) collate \"C\")");
        let note = Form::of("postgres", &Change { baseline: "text", current: "jsonb" }, TextRules::default());
        assert_eq!(note.note(), Some("by its text"));
    }

    #[test]
    fn text_is_compared_by_bytes_and_what_has_no_equality_by_its_text() {
        assert_eq!(form("postgres", "text", "text"), "(x collate \"C\")");
        assert_eq!(form("postgres", "character varying(3)", "text"), "(cast(x as text) collate \"C\")");
        assert!(form("postgres", "json", "json").ends_with("else cast(x as jsonb) end"));
        assert_eq!(form("postgres", "json[]", "json[]"), "cast(x as jsonb[])");
        assert_eq!(form("postgres", "xml", "xml"), "(cast(x as text) collate \"C\")");
        assert_eq!(form("postgres", "citext", "citext"), "(cast(x as text) collate \"C\")");
        assert_eq!(form("postgres", "integer[]", "integer[]"), "x");
        assert_eq!(
            form("postgres", "timestamp(3) with time zone", "timestamp with time zone"),
            "cast(x as timestamp with time zone)"
        );
        assert_eq!(form("duckdb", "JSON", "JSON"), "slimdiff_json(cast(x as varchar))");
        assert_eq!(form("duckdb", "ENUM('a')", "ENUM('a', 'b')"), "(cast(x as varchar) collate \"C\")");
        assert_eq!(form("duckdb", "STRUCT(a INTEGER)", "STRUCT(a INTEGER)"), "x");
        assert_eq!(form("duckdb", "INTERVAL", "INTERVAL"), "(cast(x as varchar) collate \"C\")");
    }

    #[test]
    fn what_of_a_text_does_not_count_is_taken_away() {
        let rules = TextRules { trim: true, ignore_case: true, normalize: true };
        let text = Form::of("postgres", &Change { baseline: "text", current: "text" }, rules);
        assert_eq!(text.apply(Side::Current, "x"), "(rtrim(lower(normalize((x), NFC)), ' ') collate \"C\")");
        let number = Form::of("postgres", &Change { baseline: "integer", current: "integer" }, rules);
        assert_eq!(number.apply(Side::Current, "x"), "x");
    }
}
