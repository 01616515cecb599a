//! Methods of Python's `str`, and of whatever else has no methods of its own.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::formatting::{format_braces, pad};
use super::operators::type_name;
use super::phantom::{is_undefined, undefined_error};
use super::repr::to_repr;
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
        ValueKind::Bytes if method == "decode" => {
            let text = String::from_utf8(value.as_bytes().unwrap_or_default().to_vec());
            text.map(Value::from).map_err(|_| fail("the bytes are not text in UTF-8"))
        }
        ValueKind::Number | ValueKind::Bool if method == "bit_length" && type_name(value) != "float" => {
            let bits = i64::try_from(value.clone()).map_or(0, |i| 64 - i.unsigned_abs().leading_zeros());
            Ok(Value::from(bits))
        }
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
    Ok(match method {
        "upper" => Value::from(text.to_uppercase()),
        "lower" => Value::from(text.to_lowercase()),
        "casefold" => Value::from(text.to_lowercase().replace('ß', "ss")),
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
        "startswith" => Value::from(any_of(method, args, |prefix| window(text, args).1.starts_with(prefix))?),
        "endswith" => Value::from(any_of(method, args, |suffix| window(text, args).1.ends_with(suffix))?),
        "replace" => {
            let (from, to) = (need(method, args, 0)?, need(method, args, 1)?);
            match count_arg(args, 2) {
                Some(count) => Value::from(text.replacen(from, to, count)),
                None => Value::from(text.replace(from, to)),
            }
        }
        "split" | "rsplit" => split_method(text, args, &named, method == "rsplit")?,
        "splitlines" => {
            let keep = args.first().or_else(|| named.first().map(|(_, value)| value)).is_some_and(Value::is_true);
            let cut = |line: &str| if keep { line.len() } else { line.trim_end_matches(['\n', '\r']).len() };
            list(lines(text).map(|line| Value::from(&line[..cut(line)])).collect())
        }
        "expandtabs" => {
            let width =
                count_arg(args, 0).or_else(|| named.first().and_then(|(_, width)| width.as_usize())).unwrap_or(8);
            Value::from(expand_tabs(text, width))
        }
        "translate" => translate(text, args.first().ok_or_else(|| fail("translate() needs a dict"))?)?,
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
        "find" | "index" | "rfind" | "rindex" => {
            let (wanted, (before, part)) = (need(method, args, 0)?, window(text, args));
            let found = if method.starts_with('r') { part.rfind(wanted) } else { part.find(wanted) };
            match found {
                Some(at) => Value::from(before + part[..at].chars().count()),
                None if method.ends_with("index") => return Err(fail("substring not found")),
                None => Value::from(-1),
            }
        }
        "count" => Value::from(window(text, args).1.matches(need(method, args, 0)?).count()),
        "zfill" => Value::from(zero_fill(text, count_arg(args, 0).unwrap_or(0))),
        "ljust" => Value::from(pad(text, count_arg(args, 0).unwrap_or(0), '<', fill_of(args))),
        "rjust" => Value::from(pad(text, count_arg(args, 0).unwrap_or(0), '>', fill_of(args))),
        "center" => Value::from(pad(text, count_arg(args, 0).unwrap_or(0), '|', fill_of(args))),
        "format" => Value::from(format_braces(text, args, &named)?),
        "encode" => Value::from_bytes(text.as_bytes().to_vec()),
        _ => return text_test(text, method).map(Value::from).ok_or_else(|| Error::from(ErrorKind::UnknownMethod)),
    })
}

/// The methods that ask something of the whole text.
fn text_test(text: &str, method: &str) -> Option<bool> {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let any = |test: fn(char) -> bool| text.chars().any(test);
    Some(match method {
        "isdecimal" => all(|c| c.is_ascii_digit()),
        "isdigit" => all(|c| c.is_ascii_digit() || "²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉".contains(c)),
        "isnumeric" => all(char::is_numeric),
        "istitle" => text == title(text) && any(char::is_alphabetic),
        "isascii" => text.is_ascii(),
        "isprintable" => !any(|c| c.is_control() || (c.is_whitespace() && c != ' ')),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isupper" => any(char::is_uppercase) && !any(char::is_lowercase),
        "islower" => any(char::is_lowercase) && !any(char::is_uppercase),
        "isidentifier" => {
            text.starts_with(|c: char| c == '_' || c.is_alphabetic()) && all(|c| c == '_' || c.is_alphanumeric())
        }
        _ => return None,
    })
}

fn split_method(text: &str, args: &[Value], named: &[(String, Value)], from_right: bool) -> Result<Value, Error> {
    let by_name = |key: &str| named.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    let separator = args.first().cloned().or_else(|| by_name("sep")).unwrap_or_else(|| Value::from(()));
    let most = args.get(1).cloned().or_else(|| by_name("maxsplit"));
    let most = most.and_then(|most| most.as_i64()).and_then(|most| usize::try_from(most).ok());
    Ok(list(split(text, separator.as_str(), most, from_right)?.into_iter().map(Value::from).collect()))
}

fn any_of(method: &str, args: &[Value], test: impl Fn(&str) -> bool) -> Result<bool, Error> {
    match args.first() {
        Some(options) if options.as_str().is_none() && !options.is_tuple() => {
            Err(fail(format!("{method}() takes text or a tuple of it, not {}", type_name(options))))
        }
        Some(options) if options.as_str().is_none() => {
            Ok(items_of(options)?.iter().any(|option| option.as_str().is_some_and(&test)))
        }
        _ => need(method, args, 0).map(test),
    }
}

/// The first letter of every word in upper case, the others in lower case.
fn title(text: &str) -> String {
    title_by(text, char::is_alphabetic)
}

/// The first letter of every word in upper case, the others in lower case; `goes_on` says after which characters a word
/// goes on.
pub(super) fn title_by(text: &str, goes_on: impl Fn(char) -> bool) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = goes_on(c);
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

/// The part of `text` between the positions in the second and third argument, and how many characters come before it.
fn window<'t>(text: &'t str, args: &[Value]) -> (usize, &'t str) {
    let len = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let bound = |at: usize, default: i64| {
        let given = args.get(at).and_then(Value::as_i64).unwrap_or(default);
        usize::try_from(if given < 0 { (given + len).max(0) } else { given.min(len) }).unwrap_or(0)
    };
    let (start, end) = (bound(1, 0), bound(2, len));
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    (start, text.get(byte(start)..byte(end.max(start))).unwrap_or_default())
}

/// Lines with what ends them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end =
            rest.find(['\n', '\r']).map_or(rest.len(), |at| at + if rest[at..].starts_with("\r\n") { 2 } else { 1 });
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

fn expand_tabs(text: &str, width: usize) -> String {
    let (mut out, mut column) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        if c == '\t' {
            let spaces = if width == 0 { 0 } else { width - column % width };
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            out.push(c);
            column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
        }
    }
    out
}

/// Characters replaced by what a dict has for their number: text, another number, or nothing for none.
fn translate(text: &str, table: &Value) -> Result<Value, Error> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let found = table.get_item(&Value::from(u32::from(c)))?;
        match (found.as_str(), found.as_i64()) {
            (Some(text), _) => out.push_str(text),
            (None, Some(number)) => out.extend(u32::try_from(number).ok().and_then(char::from_u32)),
            _ if found.is_none() => {}
            _ => out.push(c),
        }
    }
    Ok(Value::from(out))
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
        (None, Some(most)) if from_right => {
            let mut out = Vec::new();
            let mut rest = text.trim_end();
            while !rest.is_empty() {
                let start = rest.rfind(char::is_whitespace).filter(|_| out.len() < most);
                let word = start.map_or(rest.trim_start(), |start| rest[start..].trim_start());
                out.push(word.to_owned());
                rest = start.map_or("", |start| rest[..start].trim_end());
            }
            out.reverse();
            out
        }
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

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splitting_is_pythons() {
        assert_eq!(split("a-b-c", Some("-"), Some(1), true).expect("splits"), ["a-b", "c"]);
        assert_eq!(split("  a  b c ", None, Some(1), false).expect("splits"), ["a", "b c"]);
    }
}
