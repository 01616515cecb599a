//! Methods of Python's `str`, and of whatever else has no methods of its own; text formatting.

use std::fmt::Write as _;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::operators::type_name;
use super::phantom::{is_undefined, undefined_error};
use super::repr::{to_repr, to_str};
use super::values::{fail, items_of, list, pairs_of, read_mapping, split_args, tuple};

/// What the engine asks when a value does not know a method itself.
pub(super) fn unknown_method(
    _state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    if is_undefined(value) {
        return Err(undefined_error(value));
    }
    let result = match value.kind() {
        ValueKind::String => string_method(value.as_str().unwrap_or_default(), method, args),
        ValueKind::Map => pairs_of(value).and_then(|pairs| read_mapping(&pairs, method, args)),
        ValueKind::Seq | ValueKind::Iterable => sequence_method(value, method, args),
        ValueKind::Number if method == "is_integer" => {
            Ok(Value::from(f64::try_from(value.clone()).is_ok_and(|x| x.fract() == 0.0)))
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    };
    // A value that the object holds under this name may be called all the same.
    let holds = || value.as_object().is_some_and(|object| object.get_value(&Value::from(method)).is_some());
    match result {
        Err(error) if error.kind() == ErrorKind::UnknownMethod && !holds() => {
            Err(fail(format!("'{}' object has no attribute '{method}'", type_name(value))))
        }
        other => other,
    }
}

fn sequence_method(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let items = items_of(value)?;
    match (method, args) {
        ("index", [wanted]) => {
            let at = items.iter().position(|item| item == wanted);
            at.map(Value::from).ok_or_else(|| fail(format!("{} is not in the sequence", to_repr(wanted))))
        }
        ("count", [wanted]) => Ok(Value::from(items.iter().filter(|item| *item == wanted).count())),
        ("copy", []) => Ok(list(items)),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn text_arg<'a>(method: &str, args: &'a [Value], at: usize) -> Result<Option<&'a str>, Error> {
    match args.get(at) {
        None => Ok(None),
        Some(arg) if arg.is_none() => Ok(None),
        Some(arg) => {
            arg.as_str().map(Some).ok_or_else(|| fail(format!("{method}() takes text, not {}", type_name(arg))))
        }
    }
}

fn need<'a>(method: &str, args: &'a [Value], at: usize) -> Result<&'a str, Error> {
    text_arg(method, args, at)?.ok_or_else(|| fail(format!("{method}() needs an argument")))
}

fn count_arg(args: &[Value], at: usize) -> Option<usize> {
    args.get(at).and_then(Value::as_i64).and_then(|count| usize::try_from(count).ok())
}

fn string_method(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (args, named) = split_args(args);
    let args = args.as_slice();
    let trimmed = |args: &[Value]| -> Result<Option<Vec<char>>, Error> {
        Ok(text_arg(method, args, 0)?.map(|chars| chars.chars().collect()))
    };
    let all = |test: fn(char) -> bool| Value::from(!text.is_empty() && text.chars().all(test));
    Ok(match method {
        "upper" => Value::from(text.to_uppercase()),
        "lower" | "casefold" => Value::from(text.to_lowercase()),
        "title" => Value::from(title(text)),
        "capitalize" => Value::from(capitalize(text)),
        "swapcase" => Value::from(text.chars().map(swap_case).collect::<String>()),
        "strip" => match trimmed(args)? {
            Some(chars) => Value::from(text.trim_matches(chars.as_slice())),
            None => Value::from(text.trim()),
        },
        "lstrip" => match trimmed(args)? {
            Some(chars) => Value::from(text.trim_start_matches(chars.as_slice())),
            None => Value::from(text.trim_start()),
        },
        "rstrip" => match trimmed(args)? {
            Some(chars) => Value::from(text.trim_end_matches(chars.as_slice())),
            None => Value::from(text.trim_end()),
        },
        "removeprefix" => Value::from(text.strip_prefix(need(method, args, 0)?).unwrap_or(text)),
        "removesuffix" => Value::from(text.strip_suffix(need(method, args, 0)?).unwrap_or(text)),
        "startswith" => Value::from(any_of(method, args, |prefix| text.starts_with(prefix))?),
        "endswith" => Value::from(any_of(method, args, |suffix| text.ends_with(suffix))?),
        "replace" => {
            let (from, to) = (need(method, args, 0)?, need(method, args, 1)?);
            match count_arg(args, 2) {
                Some(count) => Value::from(text.replacen(from, to, count)),
                None => Value::from(text.replace(from, to)),
            }
        }
        "split" | "rsplit" => {
            let by_name = |key: &str| named.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            let separator = args.first().cloned().or_else(|| by_name("sep")).unwrap_or_else(|| Value::from(()));
            let most = args.get(1).cloned().or_else(|| by_name("maxsplit"));
            let most = most.and_then(|most| most.as_i64()).and_then(|most| usize::try_from(most).ok());
            list(split(text, separator.as_str(), most, method == "rsplit")?.into_iter().map(Value::from).collect())
        }
        "splitlines" => list(text.lines().map(Value::from).collect()),
        "partition" | "rpartition" => partition(text, need(method, args, 0)?, method == "rpartition"),
        "join" => {
            let parts = items_of(args.first().ok_or_else(|| fail("join() needs a list"))?)?;
            let mut texts = Vec::with_capacity(parts.len());
            for (at, part) in parts.iter().enumerate() {
                let part = part.as_str().ok_or_else(|| {
                    fail(format!("sequence item {at}: expected str instance, {} found", type_name(part)))
                })?;
                texts.push(part.to_owned());
            }
            Value::from(texts.join(text))
        }
        "find" | "index" => position(text, method, text.find(need(method, args, 0)?))?,
        "rfind" | "rindex" => position(text, method, text.rfind(need(method, args, 0)?))?,
        "count" => Value::from(text.matches(need(method, args, 0)?).count()),
        "zfill" => Value::from(zero_fill(text, count_arg(args, 0).unwrap_or(0))),
        "ljust" => Value::from(pad(text, count_arg(args, 0).unwrap_or(0), '<', fill_of(args))),
        "rjust" => Value::from(pad(text, count_arg(args, 0).unwrap_or(0), '>', fill_of(args))),
        "center" => Value::from(pad(text, count_arg(args, 0).unwrap_or(0), '|', fill_of(args))),
        "format" => Value::from(format_braces(text, args, &named)?),
        "encode" => Value::from_bytes(text.as_bytes().to_vec()),
        "isdigit" | "isnumeric" | "isdecimal" => all(|c| c.is_ascii_digit()),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isupper" => Value::from(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)),
        "islower" => Value::from(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)),
        "isidentifier" => Value::from(
            text.starts_with(|c: char| c == '_' || c.is_alphabetic())
                && text.chars().all(|c| c == '_' || c.is_alphanumeric()),
        ),
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn any_of(method: &str, args: &[Value], test: impl Fn(&str) -> bool) -> Result<bool, Error> {
    match args.first() {
        Some(options) if options.as_str().is_none() => {
            Ok(items_of(options)?.iter().any(|option| option.as_str().is_some_and(&test)))
        }
        _ => need(method, args, 0).map(test),
    }
}

/// The first letter of every word in upper case, the others in lower case.
pub(super) fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        inside = c.is_alphabetic();
    }
    out
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect())
        .unwrap_or_default()
}

fn swap_case(c: char) -> char {
    let swapped = if c.is_uppercase() { c.to_lowercase().next() } else { c.to_uppercase().next() };
    swapped.unwrap_or(c)
}

fn position(text: &str, method: &str, found: Option<usize>) -> Result<Value, Error> {
    match found {
        Some(at) => Ok(Value::from(text[..at].chars().count())),
        None if method.ends_with("index") => Err(fail("substring not found")),
        None => Ok(Value::from(-1)),
    }
}

fn split(text: &str, separator: Option<&str>, most: Option<usize>, from_right: bool) -> Result<Vec<String>, Error> {
    let own = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    let reversed = |mut parts: Vec<&str>| {
        parts.reverse();
        own(parts)
    };
    Ok(match (separator, most) {
        (Some(""), _) => return Err(fail("empty separator")),
        (Some(by), None) => own(text.split(by).collect()),
        (Some(by), Some(most)) if from_right => reversed(text.rsplitn(most + 1, by).collect()),
        (Some(by), Some(most)) => own(text.splitn(most + 1, by).collect()),
        (None, None) => own(text.split_whitespace().collect()),
        (None, Some(most)) => {
            let mut out = Vec::new();
            let mut rest = text.trim_start();
            while !rest.is_empty() {
                let end = rest.find(char::is_whitespace).filter(|_| out.len() < most);
                let (word, after) = end.map_or((rest.trim_end(), ""), |end| rest.split_at(end));
                out.push(word.to_owned());
                rest = after.trim_start();
            }
            out
        }
    })
}

fn partition(text: &str, separator: &str, from_right: bool) -> Value {
    let found = if from_right { text.rsplit_once(separator) } else { text.split_once(separator) };
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None if from_right => ["", "", text],
        None => [text, "", ""],
    };
    tuple(parts.map(Value::from).to_vec())
}

fn zero_fill(text: &str, width: usize) -> String {
    let (sign, digits) = match text.chars().next() {
        Some(sign @ ('+' | '-')) => (sign.to_string(), &text[1..]),
        _ => (String::new(), text),
    };
    let missing = width.saturating_sub(text.chars().count());
    format!("{sign}{}{digits}", "0".repeat(missing))
}

fn fill_of(args: &[Value]) -> char {
    args.get(1).and_then(|fill| fill.as_str()?.chars().next()).unwrap_or(' ')
}

/// Pads to `width`: `<` on the right, `>` on the left, `^` on both sides, `|` as `str.center` does.
fn pad(text: &str, width: usize, align: char, fill: char) -> String {
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
        let (spec, conversion, after) = percent_spec(rest)?;
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

fn percent_spec(text: &str) -> Result<(Spec, char, &str), Error> {
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
    rest = take_number(rest, |width| spec.width = width);
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
        's' => to_str(value),
        'r' | 'a' => to_repr(value),
        'c' => to_str(value),
        'd' | 'i' | 'u' => {
            let number = as_float(value).ok_or_else(|| {
                fail(format!("%{conversion} format: a real number is required, not {}", type_name(value)))
            })?;
            let whole = value.as_i64().map_or_else(|| format!("{:.0}", number.trunc()), |i| i.to_string());
            return Ok(number_field(spec, whole));
        }
        'x' | 'X' | 'o' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            return Ok(number_field(spec, number_text(spec, conversion, value)?));
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
            let x = as_float(value).ok_or_else(|| needs("a number"))?;
            let text = format!("{x:.0$}", precision.saturating_sub(1));
            let short = to_repr(&Value::from(x));
            short.strip_suffix(".0").map_or(if short.len() < text.len() { short.clone() } else { text }, str::to_owned)
        }
        _ => format!("{:.precision$}", as_float(value).ok_or_else(|| needs("a number"))?),
    })
}

/// Signs, groups and pads a number.
fn number_field(spec: &Spec, text: String) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
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
fn format_braces(text: &str, args: &[Value], named: &[(String, Value)]) -> Result<String, Error> {
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
                let len = text[at..].find('}').ok_or_else(|| fail("expected '}' before end of string"))?;
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
    if conversion == Some("r") {
        value = Value::from(to_repr(&value));
    }
    format_value(spec, &value)
}

fn format_value(text: &str, value: &Value) -> Result<String, Error> {
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
    let is_number = matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    match rest.as_str() {
        "" if !is_number => {
            let whole = to_str(value);
            let cut = spec.precision.map_or(whole.clone(), |most| whole.chars().take(most).collect());
            Ok(pad(&cut, spec.width, spec.align.unwrap_or('<'), spec.fill.unwrap_or(' ')))
        }
        "" if spec.precision.is_none() => Ok(number_field(&spec, to_str(value))),
        "" => number_text(&spec, 'g', value).map(|digits| number_field(&spec, digits)),
        "s" => Ok(pad(&to_str(value), spec.width, spec.align.unwrap_or('<'), spec.fill.unwrap_or(' '))),
        "d" | "n" => Ok(number_field(&spec, value.as_i64().map_or_else(|| to_str(value), |i| i.to_string()))),
        "%" => {
            let percent = as_float(value).unwrap_or(f64::NAN) * 100.0;
            let mut digits = format!("{percent:.0$}", spec.precision.unwrap_or(6));
            let _ = write!(digits, "%");
            Ok(number_field(&spec, digits))
        }
        other => match other.chars().next() {
            Some(conversion @ ('x' | 'X' | 'o' | 'b' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G')) => {
                number_text(&spec, conversion, value).map(|digits| number_field(&spec, digits))
            }
            _ => Err(fail(format!("unknown format code '{other}'"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::Value;

    use super::{format_braces, percent_format, split};
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

    #[test]
    fn splitting_is_pythons() {
        assert_eq!(split("a-b-c", Some("-"), Some(1), true).expect("splits"), ["a-b", "c"]);
        assert_eq!(split("  a  b c ", None, Some(1), false).expect("splits"), ["a", "b c"]);
    }
}
