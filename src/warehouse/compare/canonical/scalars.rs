//! How a double and a JSON document are written so that equal values have equal texts: what DuckDB's functions of ours
//! do, as PostgreSQL's SQL does it in [`super::encoding`].

use std::fmt::Write as _;

/// How deep a document may nest; a deeper one stays as it is.
const DEEPEST: usize = 256;
/// A number with more zeros than this at its ends stays in powers of ten. PostgreSQL has no such numbers.
const MOST_ZEROS: i64 = 150_000;

/// A double by its 64 bits, as hexadecimal digits. There is one zero and one NaN, `nan`.
pub(in crate::warehouse) fn double_bits(double: f64) -> String {
    if double.is_nan() {
        return "nan".to_owned();
    }
    // Minus zero plus zero is zero.
    format!("{:016x}", (double + 0.0).to_bits())
}

/// From here on a whole floating-point number goes by its name as well.
const MOST_DIGITS: f64 = 1e47;

/// A double as a decimal number without an exponent: a whole one below [`MOST_DIGITS`] with all of its digits, another
/// one as the shortest that names it.
pub(in crate::warehouse) fn double_digits(double: f64) -> String {
    digits(double, |buffer| buffer.format_finite(double))
}

/// A float of 32 bits likewise, whose fraction has fewer digits to its name than that of the double that it is.
#[expect(clippy::cast_possible_truncation, reason = "it is a float of 32 bits")]
pub(in crate::warehouse) fn float_digits(double: f64) -> String {
    digits(double, |buffer| buffer.format_finite(double as f32))
}

fn digits(double: f64, name: impl FnOnce(&mut ryu::Buffer) -> &str) -> String {
    if double.is_nan() {
        "NaN".to_owned()
    } else if double.is_infinite() {
        if double > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else if double.fract() == 0.0 && double.abs() < MOST_DIGITS {
        // Minus zero plus zero is zero.
        format!("{:.0}", double + 0.0)
    } else {
        let mut buffer = ryu::Buffer::new();
        let name = name(&mut buffer);
        number(name).unwrap_or_else(|| name.to_owned())
    }
}

/// PostgreSQL's expression of the same as a `numeric`, of a `double precision` or a `real`. A cast would round to fifteen
/// digits, or six; so a whole number is put together of three parts of 53 bits, each of which is exact.
pub(in crate::warehouse::compare) fn postgres_digits(x: &str) -> String {
    let double = format!("cast({x} as double precision)");
    let limb = "9007199254740992";
    let whole = |x: &str| format!("cast(cast({x} as bigint) as numeric)");
    let upper = format!("trunc({double} / {limb} / {limb})");
    let middle = format!("(trunc({double} / {limb}) - {upper} * {limb})");
    let lower = format!("({double} - trunc({double} / {limb}) * {limb})");
    format!(
        "case when abs({double}) < 1e9 and {double} = trunc({double}) then {} \
         when abs({double}) < {MOST_DIGITS:e} and {double} = trunc({double}) then ({} * {limb} + {}) * {limb} + {} \
         else cast(cast({x} as text) as numeric) end",
        whole(&double),
        whole(&upper),
        whole(&middle),
        whole(&lower),
    )
}

/// A JSON document by its value: no blanks but one behind every colon and comma, the keys of an object shorter ones
/// first and then by their bytes, the last of equal keys alone, numbers without an exponent and without zeros at the
/// end of a fraction. What is no JSON stays as it is.
pub(in crate::warehouse) fn json(text: &str) -> String {
    let mut reader = Reader { rest: text };
    let document = reader.value(0);
    reader.blanks();
    match document {
        Some(document) if reader.rest.is_empty() => {
            let mut out = String::with_capacity(text.len());
            document.write(&mut out);
            out
        }
        _ => text.to_owned(),
    }
}

enum Node {
    /// A number, a truth value or null, as it is written.
    Plain(String),
    /// With its quotes and escapes.
    Text(String),
    List(Vec<Node>),
    /// Keys as texts are, in order.
    Object(Vec<(String, Node)>),
}

impl Node {
    fn write(&self, out: &mut String) {
        match self {
            Self::Plain(text) | Self::Text(text) => out.push_str(text),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    out.push_str(&quoted(key));
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Whether the next token is this one, which is then behind us.
    fn takes(&mut self, token: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        for word in ["true", "false", "null"] {
            if self.takes(word) {
                return Some(Node::Plain(word.to_owned()));
            }
        }
        if self.rest.starts_with('"') {
            return self.text().map(|text| Node::Text(quoted(&text)));
        }
        if self.takes("[") {
            return self.list(depth);
        }
        if self.takes("{") {
            return self.object(depth);
        }
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let (token, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        number(token).map(Node::Plain)
    }

    fn list(&mut self, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        if self.takes("]") {
            return Some(Node::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.takes("]") {
                return Some(Node::List(items));
            }
            if !self.takes(",") {
                return None;
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Node> {
        let mut members: Vec<(String, Node)> = Vec::new();
        if self.takes("}") {
            return Some(Node::Object(members));
        }
        loop {
            self.blanks();
            let key = self.text()?;
            if !self.takes(":") {
                return None;
            }
            members.push((key, self.value(depth + 1)?));
            if self.takes("}") {
                break;
            }
            if !self.takes(",") {
                return None;
            }
        }
        // The sort is stable, so that the last of equal keys is the one that was written last.
        members.sort_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
        let mut kept: Vec<(String, Node)> = Vec::with_capacity(members.len());
        for member in members {
            match kept.last_mut() {
                Some(last) if last.0 == member.0 => *last = member,
                _ => kept.push(member),
            }
        }
        Some(Node::Object(kept))
    }

    /// A text without its quotes and escapes. An escape that stands for no character stays, behind a NUL.
    fn text(&mut self) -> Option<String> {
        let inner = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        let mut characters = inner.char_indices();
        loop {
            match characters.next()? {
                (at, '"') => {
                    self.rest = &inner[at + 1..];
                    return Some(text);
                }
                (_, '\\') => match characters.next()?.1 {
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'u' => unicode(&mut characters, &mut text)?,
                    c @ ('"' | '\\' | '/') => text.push(c),
                    _ => return None,
                },
                (_, c) => text.push(c),
            }
        }
    }
}

/// The character of the four digits that follow, or of two such escapes that make one.
fn unicode(characters: &mut std::str::CharIndices<'_>, text: &mut String) -> Option<()> {
    let digits = |characters: &mut std::str::CharIndices<'_>| {
        (0..4).try_fold(0_u32, |number, _| Some(number * 16 + characters.next()?.1.to_digit(16)?))
    };
    let first = digits(characters)?;
    if (0xD800..0xDC00).contains(&first) {
        let mut ahead = characters.clone();
        if ahead.next()?.1 == '\\' && ahead.next()?.1 == 'u' {
            let second = digits(&mut ahead)?;
            if (0xDC00..0xE000).contains(&second) {
                text.push(char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))?);
                *characters = ahead;
                return Some(());
            }
        }
    }
    match char::from_u32(first) {
        Some(c) if c != '\0' => text.push(c),
        // Writing to a String cannot fail.
        _ => {
            let _ = write!(text, "\0u{first:04x}");
        }
    }
    Some(())
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // What stood for no character, see `Reader::text`.
            '\0' => out.push('\\'),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A number without an exponent and without zeros that say nothing; none of what is no number.
fn number(token: &str) -> Option<String> {
    let (negative, rest) = token.strip_prefix('-').map_or((false, token), |rest| (true, rest));
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let point = point.checked_sub(i64::try_from(leading).ok()?)?;
    let digits = digits.trim_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let sign = if negative { "-" } else { "" };
    if point.abs() > MOST_ZEROS {
        return Some(format!("{sign}0.{digits}e{point}"));
    }
    Some(match usize::try_from(point) {
        Ok(0) | Err(_) => format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-point).ok()?)),
        Ok(point) if point >= digits.len() => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
        Ok(point) => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
    })
}

#[cfg(test)]
mod tests {
    use super::{double_bits, double_digits, float_digits, json};

    #[test]
    fn equal_documents_have_one_text() {
        for (text, canonical) in [
            (r#"{"b":1,"a":[1.0, 2.50 ,-0.0],"aa":null}"#, r#"{"a": [1, 2.5, 0], "b": 1, "aa": null}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a": 2}"#),
            (r#" "\u00e9\n\/\ud83e\udd86" "#, "\"é\\n/🦆\""),
            ("1e3", "1000"),
            ("-12.340e-3", "-0.01234"),
            ("123456789012345678901234567890.10", "123456789012345678901234567890.1"),
            ("0.00", "0"),
            ("1E+2", "100"),
            ("[]", "[]"),
            ("{ }", "{}"),
            (r#""\ud800x\u0000""#, r#""\ud800x\u0000""#),
            (r#""\u001f""#, r#""\u001f""#),
            ("{broken", "{broken"),
            ("1e999999999", "0.1e1000000000"),
        ] {
            assert_eq!(json(text), canonical, "{text}");
            assert_eq!(json(canonical), canonical, "{text} once more");
        }
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(json(&deep), deep, "too deep to read");
    }

    #[test]
    fn doubles_are_written_without_loss() {
        assert_eq!(double_bits(-0.0), double_bits(0.0));
        assert_eq!(double_bits(f64::NAN), double_bits(-f64::NAN));
        assert_eq!(double_bits(1.5), "3ff8000000000000");
        assert_eq!(double_digits(-0.0), "0");
        assert_eq!(double_digits(0.1), "0.1");
        assert_eq!(double_digits(2_f64.powi(60)), "1152921504606846976");
        assert_eq!(double_digits(-1e23), "-99999999999999991611392");
        assert_eq!(double_digits(1e50), format!("1{}", "0".repeat(50)));
        assert_eq!(double_digits(5e-324), format!("0.{}5", "0".repeat(323)));
        assert_eq!([float_digits(0.1_f32.into()), float_digits((-0.0_f32).into())], ["0.1", "0"]);
        assert_eq!([float_digits(3e9), double_digits(0.1_f32.into())], ["3000000000", "0.10000000149011612"]);
        assert_eq!(double_digits(f64::NEG_INFINITY), "-Infinity");
    }
}
