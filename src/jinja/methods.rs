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
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
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

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splitting_is_pythons() {
        assert_eq!(split("a-b-c", Some("-"), Some(1), true).expect("splits"), ["a-b", "c"]);
        assert_eq!(split("  a  b c ", None, Some(1), false).expect("splits"), ["a", "b c"]);
    }
}
