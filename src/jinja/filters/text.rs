//! Filters of text and numbers.
#![expect(clippy::unnecessary_wraps, reason = "functions of a table have one type")]

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

use super::Args;
use crate::jinja::methods::title_by;
use crate::jinja::modules;
use crate::jinja::operators::type_name;
use crate::jinja::repr::to_str;
use crate::jinja::values::{Decimal, fail, to_json};
use crate::model::python_json_indented;

pub(super) fn replace(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let (Some(from), Some(to)) = (args.text(0, "old"), args.text(1, "new")) else {
        return Err(fail("replace() needs what to replace, and with what"));
    };
    let text = to_str(value);
    Ok(Value::from(match args.count(2, "count") {
        Some(count) => text.replacen(&from, &to, count),
        None => text.replace(&from, &to),
    }))
}

pub(super) fn capitalize(_state: &mut State<'_, '_>, value: &Value, _args: &Args) -> Result<Value, Error> {
    let text = to_str(value);
    let mut chars = text.chars();
    let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    Ok(Value::from(first + &chars.as_str().to_lowercase()))
}

pub(super) fn trim(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let text = to_str(value);
    Ok(Value::from(match args.text(0, "chars") {
        Some(chars) => text.trim_matches(chars.chars().collect::<Vec<_>>().as_slice()).to_owned(),
        None => text.trim().to_owned(),
    }))
}

pub(super) fn indent(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let margin = match args.get(0, "width") {
        Some(width) if width.as_str().is_some() => to_str(width),
        _ => " ".repeat(args.count(0, "width").unwrap_or(4)),
    };
    let (first, blank) = (args.truth(1, "first"), args.truth(2, "blank"));
    let text = to_str(value);
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if (at > 0 || first) && (blank || !line.is_empty()) {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

pub(super) fn center(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let text = to_str(value);
    let missing = args.count(0, "width").unwrap_or(80).saturating_sub(text.chars().count());
    let left = missing / 2;
    Ok(Value::from(format!("{}{text}{}", " ".repeat(left), " ".repeat(missing - left))))
}

pub(super) fn truncate(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let text = to_str(value);
    let length = args.count(0, "length").unwrap_or(255);
    let end = args.text(2, "end").unwrap_or_else(|| "...".to_owned());
    let leeway = args.count(3, "leeway").unwrap_or(5);
    if text.chars().count() <= length + leeway {
        return Ok(Value::from(text));
    }
    let cut: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    let kept =
        if args.truth(1, "killwords") { cut.as_str() } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(k, _)| k) };
    Ok(Value::from(format!("{kept}{end}")))
}

pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some(text) => text.trim().replace('_', "").parse().ok(),
        None if value.kind() == ValueKind::Bool => Some(if value.is_true() { 1.0 } else { 0.0 }),
        None => match value.downcast_object_ref::<Decimal>() {
            Some(decimal) => Some(decimal.as_f64()),
            None => f64::try_from(value.clone()).ok(),
        },
    }
}

pub(super) fn int(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let base = args.get(1, "base").and_then(Value::as_i64).and_then(|base| u32::try_from(base).ok()).unwrap_or(10);
    if value.is_integer() {
        return Ok(value.clone());
    }
    if let Some(text) = value.as_str() {
        let text = text.trim().replace('_', "");
        let digits = match base {
            16 => text.trim_start_matches("0x").trim_start_matches("0X"),
            8 => text.trim_start_matches("0o"),
            2 => text.trim_start_matches("0b"),
            _ => text.as_str(),
        };
        if let Ok(i) = i64::from_str_radix(digits, base.clamp(2, 36)) {
            return Ok(Value::from(i));
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "Python truncates as well; the range is checked")]
    match number_of(value) {
        Some(x) if x.is_finite() && x.abs() < 9.0e18 => Ok(Value::from(x as i64)),
        _ => Ok(args.get(0, "default").cloned().unwrap_or_else(|| Value::from(0))),
    }
}

pub(super) fn float(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    Ok(match number_of(value) {
        Some(x) => Value::from(x),
        None => args.get(0, "default").cloned().unwrap_or_else(|| Value::from(0.0)),
    })
}

pub(super) fn round(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let x = number_of(value).filter(|_| value.as_str().is_none());
    let x = x.ok_or_else(|| fail(format!("round() takes a number, not {}", type_name(value))))?;
    let precision = args.get(0, "precision").and_then(Value::as_i64).and_then(|p| i32::try_from(p).ok()).unwrap_or(0);
    let scale = 10_f64.powi(precision);
    let method = args.text(1, "method");
    if let Some(other) = method.as_deref().filter(|method| !matches!(*method, "common" | "ceil" | "floor")) {
        return Err(fail(format!("round() knows the methods common, ceil and floor, not '{other}'")));
    }
    if value.is_integer() && precision >= 0 && method.as_deref().is_none_or(|method| method == "common") {
        return Ok(value.clone());
    }
    let rounded = match method.as_deref() {
        Some("ceil") => (x * scale).ceil() / scale,
        Some("floor") => (x * scale).floor() / scale,
        _ if precision > 0 => format!("{x:.0$}", usize::try_from(precision).unwrap_or(0)).parse().unwrap_or(x),
        _ => (x * scale).round_ties_even() / scale,
    };
    Ok(Value::from(rounded))
}

pub(super) fn abs(_state: &mut State<'_, '_>, value: &Value, _args: &Args) -> Result<Value, Error> {
    match (value.as_i64().filter(|_| value.is_integer()), number_of(value)) {
        (Some(i), _) => Ok(Value::from(i.abs())),
        (None, Some(x)) => Ok(Value::from(x.abs())),
        (None, None) => {
            modules::absolute(value).ok_or_else(|| fail(format!("bad operand type for abs(): '{}'", type_name(value))))
        }
    }
}

/// Words with a first letter in upper case, the rest in lower case; a word ends at a space, a hyphen or an opening
/// bracket.
pub(super) fn title(text: &str) -> String {
    title_by(text, |c| !(c.is_whitespace() || "-({[<".contains(c)))
}

/// JSON with sorted keys, safe inside of HTML, as Jinja2's filter writes it.
pub(super) fn html_safe_json(value: &Value, indent: Option<usize>) -> String {
    python_json_indented(&to_json(value), true, indent)
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027")
}
