//! Python's operators, as functions that rewritten templates call.
#![expect(clippy::unnecessary_wraps, reason = "functions of a table have one type")]

use std::cmp::Ordering;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::iterables::{Iterator, Range, View};
use super::phantom::{is_undefined, undefined_error};
use super::repr::{to_repr, to_str, write_str};
use super::values::{Decimal, Dict, List, Set, checked_dict, fail, items_of, list, pairs_of, set, tuple};

type Run = fn(&mut State<'_, '_>, &[Value]) -> Result<Value, Error>;

/// The functions, by the names that the rewriter writes.
pub(super) const FUNCTIONS: [(&str, Run); 21] = [
    ("__list", make_list),
    ("__dict", make_dict),
    ("__add", |_, args| fold(args, add)),
    ("__sub", |_, args| fold(args, sub)),
    ("__cat", cat),
    ("__mul", |_, args| fold(args, mul)),
    ("__div", |_, args| fold(args, |a, b| arithmetic("/", a, b))),
    ("__floordiv", |_, args| fold(args, |a, b| arithmetic("//", a, b))),
    ("__mod", |_, args| fold(args, modulo)),
    ("__pow", |_, args| fold(args, |a, b| arithmetic("**", a, b))),
    ("__neg", neg),
    ("__eq", |_, args| Ok(Value::from(equal(&args[0], &args[1])))),
    ("__ne", |_, args| Ok(Value::from(!equal(&args[0], &args[1])))),
    ("__lt", |_, args| compare("<", &args[0], &args[1]).map(|o| Value::from(o == Ordering::Less))),
    ("__le", |_, args| compare("<=", &args[0], &args[1]).map(|o| Value::from(o != Ordering::Greater))),
    ("__gt", |_, args| compare(">", &args[0], &args[1]).map(|o| Value::from(o == Ordering::Greater))),
    ("__ge", |_, args| compare(">=", &args[0], &args[1]).map(|o| Value::from(o != Ordering::Less))),
    ("__slice", slice),
    ("__iter", iter),
    ("__unpack", unpack),
    ("__do", |_, _| Ok(Value::from(()))),
];

fn make_list(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    items_of(&args[0]).map(list)
}

fn make_dict(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    pairs_of(&args[0]).and_then(checked_dict)
}

fn fold(args: &[Value], operator: fn(&Value, &Value) -> Result<Value, Error>) -> Result<Value, Error> {
    let mut rest = args.iter();
    let first = rest.next().cloned().unwrap_or_default();
    rest.try_fold(first, |left, right| {
        for side in [&left, right] {
            if is_undefined(side) {
                return Err(undefined_error(side));
            }
        }
        operator(&left, right)
    })
}

/// The name of a value's type in Python.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if value.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq if value.is_tuple() => "tuple",
        ValueKind::Seq if value.downcast_object_ref::<Range>().is_some() => "range",
        ValueKind::Seq => "list",
        ValueKind::Map => "dict",
        _ if value.downcast_object_ref::<Set>().is_some() => "set",
        _ if value.downcast_object_ref::<View>().is_some() => "dict view",
        _ if value.downcast_object_ref::<Iterator>().is_some() => "generator",
        _ if value.downcast_object_ref::<Decimal>().is_some() => "Decimal",
        _ => "object",
    }
}

fn unsupported(operator: &str, a: &Value, b: &Value) -> Error {
    fail(format!("unsupported operand type(s) for {operator}: '{}' and '{}'", type_name(a), type_name(b)))
}

/// A number of either kind.
#[derive(Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "Python rounds large integers in the same way")]
    fn as_f64(self) -> f64 {
        match self {
            Self::Int(i) => i as f64,
            Self::Float(x) => x,
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Int(i) => i64::try_from(i).map_or_else(|_| Value::from(i), Value::from),
            Self::Float(x) => Value::from(x),
        }
    }
}

fn number(value: &Value) -> Option<Number> {
    match value.kind() {
        ValueKind::Bool => Some(Number::Int(i128::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone()).ok().map(Number::Int),
        ValueKind::Number => f64::try_from(value.clone()).ok().map(Number::Float),
        _ => value.downcast_object_ref::<Decimal>().map(|decimal| Number::Float(decimal.as_f64())),
    }
}

fn add(a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(Value::from([a, b].concat()));
    }
    if a.as_str().is_some() {
        return Err(fail(format!("can only concatenate str (not \"{}\") to str", type_name(b))));
    }
    if a.kind() == ValueKind::Seq || a.kind() == ValueKind::Iterable {
        let (left, right) = (type_name(a), type_name(b));
        if !matches!(left, "list" | "tuple") {
            return Err(unsupported("+", a, b));
        }
        if left != right {
            return Err(fail(format!("can only concatenate {left} (not \"{right}\") to {left}")));
        }
        let mut items = items_of(a)?;
        items.extend(items_of(b)?);
        return Ok(if a.is_tuple() { tuple(items) } else { list(items) });
    }
    if let Some(result) = super::modules::date_arithmetic("+", a, b) {
        return result;
    }
    arithmetic("+", a, b)
}

fn sub(a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(left), Some(right)) = (a.downcast_object_ref::<Set>(), b.downcast_object_ref::<Set>()) {
        let right = right.snapshot();
        return Ok(set(left.snapshot().into_iter().filter(|item| !right.contains(item))));
    }
    if let Some(view) = a.downcast_object_ref::<View>() {
        let right = items_of(b)?;
        return Ok(set(view.items().iter().filter(|item| !right.contains(item)).cloned()));
    }
    if let Some(result) = super::modules::date_arithmetic("-", a, b) {
        return result;
    }
    arithmetic("-", a, b)
}

/// The longest text or list that multiplication may make.
const LONGEST: usize = 10_000_000;

fn mul(a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(result) = super::modules::date_arithmetic("*", a, b) {
        return result;
    }
    let (repeated, times) = if number(a).is_some() { (b, a) } else { (a, b) };
    let Some(Number::Int(times)) = number(times) else { return arithmetic("*", a, b) };
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    let too_long = |len: usize| len.saturating_mul(times) > LONGEST;
    if let Some(text) = repeated.as_str() {
        if too_long(text.len()) {
            return Err(fail("the repeated text would be too long"));
        }
        return Ok(Value::from(text.repeat(times)));
    }
    if matches!(type_name(repeated), "list" | "tuple") {
        let items = items_of(repeated)?;
        if too_long(items.len()) {
            return Err(fail("the repeated list would be too long"));
        }
        let all: Vec<Value> = (0..times).flat_map(|_| items.iter().cloned()).collect();
        return Ok(if repeated.is_tuple() { tuple(all) } else { list(all) });
    }
    arithmetic("*", a, b)
}

fn modulo(a: &Value, b: &Value) -> Result<Value, Error> {
    match a.as_str() {
        Some(format) => super::formatting::percent_format(format, b).map(Value::from),
        None => arithmetic("%", a, b),
    }
}

fn arithmetic(operator: &str, a: &Value, b: &Value) -> Result<Value, Error> {
    if matches!(operator, "/" | "//" | "%")
        && let Some(result) = super::modules::date_arithmetic(operator, a, b)
    {
        return result;
    }
    let (Some(left), Some(right)) = (number(a), number(b)) else { return Err(unsupported(operator, a, b)) };
    let by_zero = || fail("division by zero");
    let overflow = || fail(format!("{} {operator} {} is too large", to_repr(a), to_repr(b)));
    if let (Number::Int(left), Number::Int(right)) = (left, right) {
        let result = match operator {
            "+" => left.checked_add(right),
            "-" => left.checked_sub(right),
            "*" => left.checked_mul(right),
            "//" | "%" if right == 0 => return Err(by_zero()),
            "//" => Some(left.div_euclid(right) - i128::from(right < 0 && left.rem_euclid(right) != 0)),
            "%" => Some((left % right + right) % right),
            "**" if right >= 0 => u32::try_from(right).ok().and_then(|right| left.checked_pow(right)),
            _ => return float_arithmetic(operator, Number::Int(left).as_f64(), Number::Int(right).as_f64(), by_zero),
        };
        return result.map(|result| Number::Int(result).value()).ok_or_else(overflow);
    }
    float_arithmetic(operator, left.as_f64(), right.as_f64(), by_zero)
}

fn float_arithmetic(operator: &str, left: f64, right: f64, by_zero: impl Fn() -> Error) -> Result<Value, Error> {
    if right == 0.0 && matches!(operator, "/" | "//" | "%") {
        return Err(by_zero());
    }
    Ok(Value::from(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "//" => (left / right).floor(),
        "%" => left - right * (left / right).floor(),
        _ => left.powf(right),
    }))
}

fn neg(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    match number(&args[0]) {
        Some(Number::Int(i)) => Ok(Number::Int(-i).value()),
        Some(Number::Float(x)) => Ok(Value::from(-x)),
        None if is_undefined(&args[0]) => Err(undefined_error(&args[0])),
        None => super::modules::negated(&args[0])
            .ok_or_else(|| fail(format!("bad operand type for unary -: '{}'", type_name(&args[0])))),
    }
}

fn cat(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let mut text = String::new();
    for arg in args {
        // Writing to a String cannot fail.
        let _ = write_str(&mut text, arg);
    }
    Ok(Value::from(text))
}

/// Python's `==`.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (is_undefined(a), is_undefined(b)) {
        (true, true) => return true,
        (true, false) | (false, true) => return false,
        (false, false) => {}
    }
    if a.downcast_object_ref::<Range>().is_some() != b.downcast_object_ref::<Range>().is_some() {
        return false;
    }
    let is_decimal = |value: &Value| value.downcast_object_ref::<Decimal>().is_some();
    if is_decimal(a) || is_decimal(b) {
        return match (number(a), number(b)) {
            #[expect(clippy::float_cmp, reason = "exact equality is what was asked")]
            (Some(a), Some(b)) => a.as_f64() == b.as_f64(),
            _ => false,
        };
    }
    a == b
}

pub(super) fn compare(operator: &str, a: &Value, b: &Value) -> Result<Ordering, Error> {
    for side in [a, b] {
        if is_undefined(side) {
            return Err(undefined_error(side));
        }
    }
    if let (Some(left), Some(right)) = (number(a), number(b)) {
        return Ok(match (left, right) {
            (Number::Int(left), Number::Int(right)) => left.cmp(&right),
            _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Greater),
        });
    }
    let comparable = a.kind() == b.kind() && !matches!(a.kind(), ValueKind::None | ValueKind::Map);
    if comparable {
        return Ok(a.cmp(b));
    }
    let (left, right) = (type_name(a), type_name(b));
    Err(fail(format!("'{operator}' not supported between instances of '{left}' and '{right}'")))
}

/// `value[start:stop:step]`.
fn slice(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, bounds @ ..] = args else { return Err(fail("a slice needs a value")) };
    if is_undefined(value) {
        return Err(undefined_error(value));
    }
    let bound = |at: usize| match bounds.get(at) {
        None => Ok(None),
        Some(bound) if bound.is_none() => Ok(None),
        Some(bound) => bound.as_i64().map(Some).ok_or_else(|| fail("slice indices must be integers or None")),
    };
    let (start, stop, by) = (bound(0)?, bound(1)?, bound(2)?.unwrap_or(1));
    if by == 0 {
        return Err(fail("slice step cannot be zero"));
    }
    if let Some(range) = value.downcast_object_ref::<Range>() {
        return Ok(range.slice(slice_ends(range.len(), start, stop, by), by));
    }
    let items: Vec<Value> = match value.as_str() {
        Some(text) => text.chars().map(Value::from).collect(),
        None if value.kind() == ValueKind::Map => return Err(fail("a dict cannot be sliced")),
        None => items_of(value)?,
    };
    let picked: Vec<Value> = indices(items.len(), start, stop, by).map(|at| items[at].clone()).collect();
    Ok(match value.as_str() {
        Some(_) => Value::from(picked.iter().map(to_str).collect::<String>()),
        None if value.is_tuple() => tuple(picked),
        None => list(picked),
    })
}

/// The positions at which a slice of `len` items begins and ends.
fn slice_ends(len: usize, start: Option<i64>, stop: Option<i64>, by: i64) -> (i64, i64) {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let (lowest, highest) = if by > 0 { (0, len) } else { (-1, len - 1) };
    let place = |bound: Option<i64>, default: i64| match bound {
        None => default,
        Some(at) if at < 0 => (at + len).clamp(lowest, highest),
        Some(at) => at.clamp(lowest, highest),
    };
    if by > 0 { (place(start, 0), place(stop, len)) } else { (place(start, len - 1), place(stop, -1)) }
}

/// The positions that a slice of `len` items picks.
fn indices(len: usize, start: Option<i64>, stop: Option<i64>, by: i64) -> impl std::iter::Iterator<Item = usize> {
    let (start, stop) = slice_ends(len, start, stop, by);
    let mut at = start;
    std::iter::from_fn(move || {
        let more = if by > 0 { at < stop } else { at > stop };
        let found = more.then(|| usize::try_from(at).ok()).flatten()?;
        at += by;
        Some(found)
    })
}

/// What several names on the left of `=` are taken from.
fn unpack(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    match args[0].as_str() {
        Some(text) => Ok(list(text.chars().map(Value::from).collect())),
        None => items_of(&args[0]).map(list),
    }
}

/// What a loop iterates over.
fn iter(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let value = &args[0];
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number => {
            Err(fail(format!("'{}' object is not iterable", type_name(value))))
        }
        _ if is_undefined(value) => Ok(list(Vec::new())),
        // A copy, so that a loop may change what it iterates over.
        _ if value.downcast_object_ref::<List>().is_some() || value.downcast_object_ref::<Dict>().is_some() => {
            Ok(value.clone())
        }
        _ => items_of(value).map(list).map_err(|_| {
            Error::new(ErrorKind::InvalidOperation, format!("'{}' object is not iterable", type_name(value)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::indices;

    #[test]
    fn slices_pick_what_python_picks() {
        let pick = |start, stop, step| indices(5, start, stop, step).collect::<Vec<_>>();
        assert_eq!(pick(Some(1), Some(-1), 1), [1, 2, 3]);
        assert_eq!(pick(None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(pick(Some(10), None, -2), [4, 2, 0]);
        assert_eq!(pick(Some(-100), Some(2), 1), [0, 1]);
        assert_eq!(pick(Some(3), Some(1), 1), Vec::<usize>::new());
    }
}
