//! Python's text formatting: `text % values` and `text.format(…)`.

use std::fmt::Write as _;

use minijinja::Error;
use minijinja::value::{Value, ValueKind};

use super::operators::type_name;
use super::repr::{to_repr, to_str};
use super::values::{fail, items_of};

/// Pads to `width`: `<` on the right, `>` on the left, `^` on both sides, `|` as `str.center` does.
pub(super) fn pad(text: &str, width: usize, align: char, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let (left, right) = match align {
        '<' => (0, missing),
        '>' => (missing, 0),
        '^' => (missing / 2, missing - missing / 2),
        // `str.center` puts the odd space elsewhere than `format` does.
        _ => (missing / 2 + (missing & width & 1), missing - missing / 2 - (missing & width & 1)),
    };
    let repeat = |count| std::iter::repeat_n(fill, count).collect::<String>();
    format!("{}{text}{}", repeat(left), repeat(right))
}

/// `format % values`, as Python does it.
pub(super) fn percent_format(format: &str, values: &Value) -> Result<String, Error> {
    let listed = if values.is_tuple() { items_of(values)? } else { vec![values.clone()] };
    let mut listed = listed.into_iter();
    let mut out = String::with_capacity(format.len());
    let mut rest = format;
    let mut used_name = false;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut value = None;
        if let Some(after) = rest.strip_prefix('(') {
            let (name, after) = after.split_once(')').ok_or_else(|| fail("incomplete format key"))?;
            if values.kind() != ValueKind::Map {
                return Err(fail("format requires a mapping"));
            }
            value = Some(values.get_item(&Value::from(name))?);
            used_name = true;
            rest = after;
        }
        let (spec, conversion, after) = percent_spec(rest, &mut listed)?;
        rest = after;
        let value = match value {
            Some(value) => value,
            None => listed.next().ok_or_else(|| fail("not enough arguments for format string"))?,
        };
        out.push_str(&percent_value(&spec, conversion, &value)?);
    }
    out.push_str(rest);
    if !used_name && values.kind() != ValueKind::Map && listed.next().is_some() {
        return Err(fail("not all arguments converted during string formatting"));
    }
    Ok(out)
}

/// How one value is formatted.
#[derive(Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
}

fn percent_spec<'t>(text: &'t str, listed: &mut dyn Iterator<Item = Value>) -> Result<(Spec, char, &'t str), Error> {
    let mut spec = Spec::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next().filter(|c| "-+ #0".contains(*c)) {
        match flag {
            '-' => spec.align = Some('<'),
            '0' => spec.zero = true,
            '#' => spec.alternate = true,
            sign => spec.sign = Some(sign),
        }
        rest = &rest[1..];
    }
    rest = match rest.strip_prefix('*') {
        Some(after) => {
            let width = listed.next().and_then(|width| width.as_i64()).ok_or_else(|| fail("* wants int"))?;
            spec.align = if width < 0 { Some('<') } else { spec.align };
            spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(WIDEST).min(WIDEST);
            after
        }
        None => take_number(rest, |width| spec.width = width),
    };
    if let Some(after) = rest.strip_prefix('.') {
        spec.precision = Some(0);
        rest = take_number(after, |precision| spec.precision = Some(precision));
    }
    rest = rest.trim_start_matches(['l', 'h', 'L']);
    let conversion = rest.chars().next().ok_or_else(|| fail("incomplete format"))?;
    Ok((spec, conversion, &rest[conversion.len_utf8()..]))
}

/// The widest field: more is a mistake.
const WIDEST: usize = 100_000;

fn take_number(text: &str, mut found: impl FnMut(usize)) -> &str {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    if let Ok(number) = text[..len].parse::<usize>() {
        found(number.min(WIDEST));
    }
    &text[len..]
}

fn percent_value(spec: &Spec, conversion: char, value: &Value) -> Result<String, Error> {
    let text = match conversion {
        'c' if value.is_integer() => character(value)?.to_string(),
        's' | 'c' => to_str(value),
        'r' => to_repr(value),
        'a' => ascii(&to_repr(value)),
        'd' | 'i' | 'u' => {
            let number = as_float(value).ok_or_else(|| {
                fail(format!("%{conversion} format: a real number is required, not {}", type_name(value)))
            })?;
            let whole = value.as_i64().map_or_else(|| format!("{:.0}", number.trunc()), |i| i.to_string());
            return Ok(number_field(spec, &whole));
        }
        'x' | 'X' | 'o' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            return Ok(number_field(spec, &number_text(spec, conversion, value)?));
        }
        other => return Err(fail(format!("unsupported format character '{other}'"))),
    };
    let text = spec.precision.map_or(text.clone(), |most| text.chars().take(most).collect());
    Ok(pad(&text, spec.width, spec.align.unwrap_or('>'), spec.fill.unwrap_or(' ')))
}

fn as_float(value: &Value) -> Option<f64> {
    f64::try_from(value.clone()).ok().or_else(|| to_str(value).parse().ok().filter(|_| value.as_str().is_none()))
}

fn number_text(spec: &Spec, conversion: char, value: &Value) -> Result<String, Error> {
    let needs = |what: &str| fail(format!("{what} is required, not {}", type_name(value)));
    let precision = spec.precision.unwrap_or(6);
    Ok(match conversion {
        'x' | 'X' | 'o' | 'b' => {
            let i = value.as_i64().ok_or_else(|| needs("an integer"))?;
            let digits = match conversion {
                'x' => format!("{:x}", i.unsigned_abs()),
                'X' => format!("{:X}", i.unsigned_abs()),
                'o' => format!("{:o}", i.unsigned_abs()),
                _ => format!("{:b}", i.unsigned_abs()),
            };
            let prefix = if spec.alternate { format!("0{}", conversion.to_ascii_lowercase()) } else { String::new() };
            format!("{}{prefix}{digits}", if i < 0 { "-" } else { "" })
        }
        'e' | 'E' => {
            let text = format!("{:.precision$e}", as_float(value).ok_or_else(|| needs("a number"))?);
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            format!("{digits}{conversion}{sign}{exponent:0>2}")
        }
        'g' | 'G' => {
            let text = general(as_float(value).ok_or_else(|| needs("a number"))?, precision.max(1), spec.alternate);
            if conversion == 'G' { text.to_uppercase() } else { text }
        }
        _ => format!("{:.precision$}", as_float(value).ok_or_else(|| needs("a number"))?),
    })
}

/// A number with so many significant digits, in the shorter notation, without zeros at its end unless they are wanted.
fn general(x: f64, digits: usize, zeros: bool) -> String {
    if !x.is_finite() {
        return to_repr(&Value::from(x));
    }
    let scientific = format!("{x:.0$e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        let cut = text.contains('.') && !zeros;
        (if cut { text.trim_end_matches('0').trim_end_matches('.') } else { text }).to_owned()
    };
    let most = i32::try_from(digits).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= most {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    trim(&format!("{x:.0$}", usize::try_from(most - 1 - exponent).unwrap_or(0)))
}

/// The character that an integer numbers.
fn character(value: &Value) -> Result<char, Error> {
    let found = value.as_i64().and_then(|number| u32::try_from(number).ok()).and_then(char::from_u32);
    found.ok_or_else(|| fail(format!("{} is not the number of a character", to_repr(value))))
}

/// Text with everything beyond ASCII as escapes.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match u32::from(c) {
            0..=0x7f => write!(out, "{c}"),
            number @ 0x80..=0xff => write!(out, "\\x{number:02x}"),
            number @ 0x100..=0xffff => write!(out, "\\u{number:04x}"),
            number => write!(out, "\\U{number:08x}"),
        };
    }
    out
}

/// Signs, groups and pads a number.
fn number_field(spec: &Spec, text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let sign = match (sign, spec.sign) {
        ("-", _) => "-".to_owned(),
        (_, Some(plus @ ('+' | ' '))) => plus.to_string(),
        _ => String::new(),
    };
    let digits = spec.grouping.map_or_else(|| digits.to_owned(), |mark| group(digits, mark));
    if spec.zero && spec.align.is_none() {
        let width = spec.width.saturating_sub(sign.len());
        return format!("{sign}{}", pad(&digits, width, '>', '0'));
    }
    if spec.align == Some('=') {
        let width = spec.width.saturating_sub(sign.len());
        return format!("{sign}{}", pad(&digits, width, '>', spec.fill.unwrap_or(' ')));
    }
    pad(&format!("{sign}{digits}"), spec.width, spec.align.unwrap_or('>'), spec.fill.unwrap_or(' '))
}

fn group(digits: &str, mark: char) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(mark);
        }
        out.push(digit);
    }
    out + fraction
}

/// `text.format(…)`, as Python does it.
pub(super) fn format_braces(text: &str, args: &[Value], named: &[(String, Value)]) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    let mut automatic = 0;
    while let Some((at, c)) = chars.next() {
        let doubled = chars.peek().is_some_and(|(_, next)| *next == c);
        match c {
            '{' | '}' if doubled => {
                out.push(c);
                chars.next();
            }
            '}' => return Err(fail("single '}' encountered in format string")),
            '{' => {
                let len = field_end(&text[at..]).ok_or_else(|| fail("expected '}' before end of string"))?;
                let field = &text[at + 1..at + len];
                out.push_str(&format_field(field, args, named, &mut automatic)?);
                while chars.peek().is_some_and(|(next, _)| *next <= at + len) {
                    chars.next();
                }
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

/// Where the field that begins with `text` ends; its format may hold fields itself.
fn field_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

fn format_field(
    field: &str,
    args: &[Value],
    named: &[(String, Value)],
    automatic: &mut usize,
) -> Result<String, Error> {
    let (target, spec) = field.split_once(':').unwrap_or((field, ""));
    let (target, conversion) = target.split_once('!').map_or((target, None), |(target, c)| (target, Some(c)));
    let name_len = target.find(['.', '[']).unwrap_or(target.len());
    let (name, path) = target.split_at(name_len);
    let mut value = if name.is_empty() {
        *automatic += 1;
        args.get(*automatic - 1).cloned()
    } else if let Ok(index) = name.parse::<usize>() {
        args.get(index).cloned()
    } else {
        named.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }
    .ok_or_else(|| fail(format!("format() has no argument for '{{{field}}}'")))?;
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let key = part.trim_end_matches(']');
        value = match key.parse::<usize>() {
            Ok(index) => value.get_item(&Value::from(index))?,
            Err(_) => value.get_attr(key)?,
        };
    }
    match conversion {
        Some("r") => value = Value::from(to_repr(&value)),
        Some("s") => value = Value::from(to_str(&value)),
        Some("a") => value = Value::from(ascii(&to_repr(&value))),
        _ => {}
    }
    if spec.contains('{') {
        let mut filled = String::new();
        let mut rest = spec;
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            let end = field_end(&rest[open..]).ok_or_else(|| fail("expected '}' before end of string"))?;
            filled.push_str(&format_field(&rest[open + 1..open + end], args, named, automatic)?);
            rest = &rest[open + end + 1..];
        }
        filled.push_str(rest);
        return format_value(&filled, &value);
    }
    format_value(spec, &value)
}

fn format_value(text: &str, value: &Value) -> Result<String, Error> {
    if let Some(formatted) = super::modules::formatted(value, text) {
        return Ok(formatted);
    }
    let is_number = matches!(value.kind(), ValueKind::Number | ValueKind::Bool)
        || value.downcast_object_ref::<super::values::Decimal>().is_some();
    if !text.is_empty() && !is_number && value.as_str().is_none() {
        return Err(fail(format!("unsupported format string passed to {}.__format__", type_name(value))));
    }
    let mut spec = Spec::default();
    let chars: Vec<char> = text.chars().collect();
    let is_align = |c: Option<&char>| c.is_some_and(|c| "<>^=".contains(*c));
    let mut at = 0;
    if is_align(chars.get(1)) {
        (spec.fill, spec.align, at) = (Some(chars[0]), Some(chars[1]), 2);
    } else if is_align(chars.first()) {
        (spec.align, at) = (Some(chars[0]), 1);
    }
    if let Some(sign) = chars.get(at).filter(|c| "+- ".contains(**c)) {
        spec.sign = Some(*sign);
        at += 1;
    }
    if chars.get(at) == Some(&'#') {
        spec.alternate = true;
        at += 1;
    }
    let rest: String = chars[at..].iter().collect();
    let rest = rest.strip_prefix('0').map_or(rest.as_str(), |after| {
        spec.zero = true;
        after
    });
    let mut rest = take_number(rest, |width| spec.width = width).to_owned();
    if let Some(mark) = rest.chars().next().filter(|c| matches!(c, ',' | '_')) {
        spec.grouping = Some(mark);
        rest.remove(0);
    }
    if let Some(after) = rest.strip_prefix('.') {
        rest = take_number(after, |precision| spec.precision = Some(precision)).to_owned();
    }
    // With a format a boolean is the number that it is.
    let number = if value.kind() == ValueKind::Bool && !text.is_empty() {
        &Value::from(i64::from(value.is_true()))
    } else {
        value
    };
    let value = number;
    if value.as_str().is_some() && !matches!(rest.as_str(), "" | "s") {
        return Err(fail(format!("unknown format code '{rest}' for object of type 'str'")));
    }
    match rest.as_str() {
        "" if !is_number => {
            let whole = to_str(value);
            let cut = spec.precision.map_or(whole.clone(), |most| whole.chars().take(most).collect());
            Ok(pad(&cut, spec.width, spec.align.unwrap_or('<'), spec.fill.unwrap_or(' ')))
        }
        "" if spec.precision.is_none() => Ok(number_field(&spec, &to_str(value))),
        "" => number_text(&spec, 'g', value).map(|digits| number_field(&spec, &digits)),
        "s" => Ok(pad(&to_str(value), spec.width, spec.align.unwrap_or('<'), spec.fill.unwrap_or(' '))),
        "c" => character(value).map(|c| number_field(&spec, &c.to_string())),
        "d" | "n" => Ok(number_field(&spec, &value.as_i64().map_or_else(|| to_str(value), |i| i.to_string()))),
        "%" => {
            let percent = as_float(value).unwrap_or(f64::NAN) * 100.0;
            let mut digits = format!("{percent:.0$}", spec.precision.unwrap_or(6));
            let _ = write!(digits, "%");
            Ok(number_field(&spec, &digits))
        }
        other => match other.chars().next() {
            Some(conversion @ ('x' | 'X' | 'o' | 'b' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G')) => {
                number_text(&spec, conversion, value).map(|digits| number_field(&spec, &digits))
            }
            _ => Err(fail(format!("unknown format code '{other}'"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::Value;

    use super::{format_braces, percent_format};
    use crate::jinja::values::tuple;

    #[test]
    fn percent_formatting_is_pythons() {
        let values = tuple(vec![Value::from(1.234), Value::from(3), Value::from("a"), Value::from(255)]);
        assert_eq!(percent_format("%05.2f %5d|%-5s|%x %%", &values).expect("formats"), "01.23     3|a    |ff %");
        assert!(percent_format("%s %s", &Value::from("x")).is_err());
    }

    #[test]
    fn brace_formatting_is_pythons() {
        let args = [Value::from(12345), Value::from("x")];
        assert_eq!(format_braces("{:,} {{}} {:>3}|{0:.2f}", &args, &[]).expect("formats"), "12,345 {}   x|12345.00");
    }
}
