//! Jinja2's filters and tests where the engine's differ from Python's: lists stay mutable, text prints as in Python.
#![expect(clippy::unnecessary_wraps, reason = "functions of a table have one type")]

mod html;
mod text;

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State};

use super::adapter;
use super::convert::serializable;
use super::formatting::percent_format;
use super::functions::is_callable;
use super::iterables::{self, Iterator};
use super::operators::{compare, equal, type_name};
use super::phantom::{is_undefined, undefined_error};
use super::repr::to_str;
use super::values::{dict, fail, items_of, list, ordered, pairs_of, split_args, tuple};
use super::variables::ConfigObject;

type Run = fn(&mut State<'_, '_>, &Value, &Args) -> Result<Value, Error>;
type Check = fn(&Value, &[Value]) -> bool;

/// A filter's arguments after the value.
struct Args {
    positional: Vec<Value>,
    named: Vec<(String, Value)>,
}

impl Args {
    fn get(&self, at: usize, key: &str) -> Option<&Value> {
        let by_name = || self.named.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        self.positional.get(at).or_else(by_name)
    }

    fn text(&self, at: usize, key: &str) -> Option<String> {
        self.get(at, key).filter(|value| !value.is_none()).map(to_str)
    }

    fn count(&self, at: usize, key: &str) -> Option<usize> {
        self.get(at, key).and_then(Value::as_i64).and_then(|count| usize::try_from(count).ok())
    }

    fn truth(&self, at: usize, key: &str) -> bool {
        self.get(at, key).is_some_and(Value::is_true)
    }
}

/// Adds the filters and tests to `env`.
pub(super) fn install(env: &mut Environment<'static>) {
    for (name, run) in FILTERS {
        env.add_filter(name, move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            let (mut positional, named) = split_args(&args);
            let value = if positional.is_empty() { Value::UNDEFINED } else { positional.remove(0) };
            run(state, &value, &Args { positional, named })
        });
    }
    for (name, check) in TESTS {
        env.add_test(name, move |value: Value, rest: Rest<Value>| check(&value, &rest));
    }
}

const FILTERS: [(&str, Run); 58] = [
    ("default", default),
    ("d", default),
    ("string", |_, value, _| Ok(Value::from(to_str(value)))),
    ("list", |_, value, _| items(value).map(list)),
    ("length", length),
    ("count", length),
    ("join", join),
    ("sort", sort),
    ("unique", |state, value, args| lazily("generator object do_unique", unique(state, value, args))),
    ("map", |state, value, args| lazily("generator object sync_do_map", map(state, value, args))),
    ("select", |state, value, args| pick(state, value, args, false, true)),
    ("reject", |state, value, args| pick(state, value, args, false, false)),
    ("selectattr", |state, value, args| pick(state, value, args, true, true)),
    ("rejectattr", |state, value, args| pick(state, value, args, true, false)),
    ("groupby", groupby),
    ("sum", sum),
    ("min", |_, value, args| extreme(value, args, std::cmp::Ordering::Less)),
    ("max", |_, value, args| extreme(value, args, std::cmp::Ordering::Greater)),
    ("first", |_, value, _| Ok(items(value)?.first().cloned().unwrap_or_default())),
    ("last", |_, value, _| Ok(items(value)?.last().cloned().unwrap_or_default())),
    ("reverse", |state, value, args| lazily("list_reverseiterator object", reverse(state, value, args))),
    ("batch", |state, value, args| lazily("generator object do_batch", batch(state, value, args))),
    ("slice", |state, value, args| lazily("generator object sync_do_slice", slice(state, value, args))),
    ("dictsort", dictsort),
    ("items", |_, value, _| {
        let pairs = if is_undefined(value) { Vec::new() } else { pairs_of(value)? };
        lazily("generator object do_items", Ok(pair_list(pairs)))
    }),
    ("replace", text::replace),
    ("upper", |_, value, _| Ok(Value::from(to_str(value).to_uppercase()))),
    ("lower", |_, value, _| Ok(Value::from(to_str(value).to_lowercase()))),
    ("title", |_, value, _| Ok(Value::from(text::title(&to_str(value))))),
    ("capitalize", text::capitalize),
    ("trim", text::trim),
    ("indent", text::indent),
    ("center", text::center),
    ("truncate", text::truncate),
    ("wordcount", |_, value, _| {
        let inside = |c: char| c == '_' || c.is_alphanumeric();
        Ok(Value::from(to_str(value).split(|c| !inside(c)).filter(|word| !word.is_empty()).count()))
    }),
    ("wordwrap", html::wordwrap),
    ("filesizeformat", html::filesizeformat),
    ("urlize", html::urlize),
    ("xmlattr", html::xmlattr),
    ("format", |_, value, args| {
        let values = if args.named.is_empty() {
            tuple(args.positional.clone())
        } else {
            dict(args.named.iter().map(|(key, value)| (Value::from(key.as_str()), value.clone())))
        };
        percent_format(&to_str(value), &values).map(Value::from)
    }),
    ("int", text::int),
    ("float", text::float),
    ("round", text::round),
    ("abs", text::abs),
    ("tojson", |_, value, args| {
        serializable(value)?;
        Ok(Value::from_safe_string(text::html_safe_json(value, args.count(0, "indent"))))
    }),
    ("urlencode", html::urlencode),
    ("striptags", |_, value, _| Ok(Value::from(html::strip_tags(&to_str(value))))),
    ("escape", html::escape_filter),
    ("e", html::escape_filter),
    ("forceescape", |_, value, _| Ok(Value::from_safe_string(html::escape(&to_str(value))))),
    ("safe", |_, value, _| Ok(Value::from_safe_string(to_str(value)))),
    ("attr", |_, value, args| attribute(value, args.get(0, "name").unwrap_or(&Value::UNDEFINED))),
    ("random", |_, value, _| Ok(items(value)?.first().cloned().unwrap_or_default())),
    ("pprint", |_, value, _| Ok(Value::from(super::repr::to_repr(value)))),
    ("as_text", |_, value, _| Ok(value.clone())),
    ("as_bool", |_, value, _| Ok(value.clone())),
    ("as_number", |_, value, _| Ok(value.clone())),
    ("as_native", |_, value, _| Ok(value.clone())),
];

const TESTS: [(&str, Check); 19] = [
    ("defined", |value, _| !is_undefined(value)),
    ("undefined", |value, _| is_undefined(value)),
    ("none", |value, _| value.is_none()),
    ("string", |value, _| value.kind() == ValueKind::String),
    ("number", |value, _| matches!(type_name(value), "int" | "float" | "bool" | "Decimal")),
    ("integer", |value, _| type_name(value) == "int"),
    ("float", |value, _| type_name(value) == "float"),
    ("boolean", |value, _| value.kind() == ValueKind::Bool),
    // To Python, a relation is a mapping.
    ("mapping", |value, _| {
        let is_config = value.downcast_object_ref::<ConfigObject>().is_some();
        (value.kind() == ValueKind::Map && !is_config) || adapter::relation_of(value).is_some()
    }),
    ("sequence", |value, _| {
        matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map) || is_undefined(value)
    }),
    ("iterable", |value, _| {
        is_undefined(value)
            || matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
    }),
    ("callable", |value, _| is_callable(value)),
    ("eq", |value, args| args.first().is_some_and(|other| equal(value, other))),
    ("equalto", |value, args| args.first().is_some_and(|other| equal(value, other))),
    ("ne", |value, args| args.first().is_some_and(|other| !equal(value, other))),
    ("in", |value, args| args.first().is_some_and(|other| contains(other, value))),
    ("true", |value, _| value.kind() == ValueKind::Bool && value.is_true()),
    ("false", |value, _| value.kind() == ValueKind::Bool && !value.is_true()),
    ("escaped", |value, _| value.is_safe()),
];

/// What Jinja2 makes lazily: an iterator, which can be walked through once.
fn lazily(name: &str, made: Result<Value, Error>) -> Result<Value, Error> {
    made.map(|made| iterables::once(name, made))
}

/// What a lazy filter iterates over: nothing for whatever counts as false.
fn some_items(value: &Value) -> Result<Vec<Value>, Error> {
    if value.is_true() { items(value) } else { Ok(Vec::new()) }
}

/// What a filter iterates over: nothing for an undefined value.
fn items(value: &Value) -> Result<Vec<Value>, Error> {
    if is_undefined(value) { Ok(Vec::new()) } else { items_of(value) }
}

fn pair_list(pairs: Vec<(Value, Value)>) -> Value {
    list(pairs.into_iter().map(|(key, value)| tuple(vec![key, value])).collect())
}

fn contains(container: &Value, item: &Value) -> bool {
    match (container.as_str(), item.as_str()) {
        (Some(text), Some(part)) => text.contains(part),
        _ => items_of(container).is_ok_and(|items| items.iter().any(|other| equal(other, item))),
    }
}

fn default(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let missing = is_undefined(value) || (args.truth(1, "boolean") && !value.is_true());
    Ok(if missing { args.get(0, "default_value").cloned().unwrap_or_else(|| Value::from("")) } else { value.clone() })
}

fn length(_state: &mut State<'_, '_>, value: &Value, _args: &Args) -> Result<Value, Error> {
    if is_undefined(value) {
        return Ok(Value::from(0));
    }
    value.len().map(Value::from).ok_or_else(|| fail(format!("object of type '{}' has no len()", type_name(value))))
}

/// An attribute by name, by index, or along a dotted path.
fn attribute(value: &Value, name: &Value) -> Result<Value, Error> {
    if let Some(index) = name.as_i64() {
        return value.get_item(&Value::from(index));
    }
    let path = to_str(name);
    let mut current = value.clone();
    for part in path.split('.') {
        if is_undefined(&current) {
            return Err(undefined_error(&current));
        }
        current = match part.parse::<i64>() {
            Ok(index) => current.get_item(&Value::from(index))?,
            Err(_) => current.get_attr(part)?,
        };
    }
    Ok(current)
}

fn join(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let by = args.text(0, "d").unwrap_or_default();
    let by_attribute = args.get(1, "attribute").filter(|name| !name.is_none());
    let mut parts = Vec::new();
    for item in items(value)? {
        parts.push(match by_attribute {
            Some(name) => to_str(&attribute(&item, name)?),
            None => to_str(&item),
        });
    }
    Ok(Value::from(parts.join(&by)))
}

/// A value to sort or group by: text in lower case unless case matters.
fn fold_case(value: Value, sensitive: bool) -> Value {
    match value.as_str() {
        Some(text) if !sensitive => Value::from(text.to_lowercase()),
        _ => value,
    }
}

fn keyed(value: &Value, by: Option<&Value>, sensitive: bool) -> Result<Vec<(Value, Value)>, Error> {
    let by = by.filter(|by| !by.is_none());
    let names: Vec<String> = by.map(|by| to_str(by).split(',').map(str::to_owned).collect()).unwrap_or_default();
    let key = |item: &Value| -> Result<Value, Error> {
        let part = |name: &String| Ok(fold_case(attribute(item, &Value::from(name.as_str()))?, sensitive));
        match (by, names.as_slice()) {
            (None, _) => Ok(fold_case(item.clone(), sensitive)),
            (Some(by), [_]) => Ok(fold_case(attribute(item, by)?, sensitive)),
            _ => Ok(tuple(names.iter().map(part).collect::<Result<_, Error>>()?)),
        }
    };
    items(value)?.into_iter().map(|item| Ok((key(&item)?, item))).collect()
}

fn sort(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let keyed = keyed(value, args.get(2, "attribute"), args.truth(1, "case_sensitive"))?;
    ordered(keyed, args.truth(0, "reverse")).map(list)
}

fn unique(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    for (key, item) in keyed(value, args.get(1, "attribute"), args.truth(0, "case_sensitive"))? {
        if !seen.contains(&key) {
            seen.push(key);
            kept.push(item);
        }
    }
    Ok(list(kept))
}

fn map(state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let mut out = Vec::new();
    if let Some(name) = args.get(usize::MAX, "attribute") {
        let default = args.get(usize::MAX, "default");
        for item in some_items(value)? {
            let found = attribute(&item, name)?;
            out.push(if found.is_undefined() { default.cloned().unwrap_or(found) } else { found });
        }
        return Ok(list(out));
    }
    let Some((name, rest)) = args.positional.split_first() else {
        return Err(fail("map() needs the name of a filter, or attribute="));
    };
    let name = to_str(name);
    for item in some_items(value)? {
        let mut call = vec![item];
        call.extend_from_slice(rest);
        if !args.named.is_empty() {
            call.push(Value::from(args.named.iter().cloned().collect::<Kwargs>()));
        }
        out.push(state.apply_filter(&name, &call)?);
    }
    Ok(list(out))
}

fn pick(state: &mut State<'_, '_>, value: &Value, args: &Args, by_attribute: bool, keep: bool) -> Result<Value, Error> {
    let mut rest = args.positional.as_slice();
    let name = if by_attribute {
        let (name, after) = rest.split_first().ok_or_else(|| fail("the name of an attribute is needed"))?;
        rest = after;
        Some(name)
    } else {
        None
    };
    let mut kept = Vec::new();
    for item in some_items(value)? {
        let tested = match name {
            Some(name) => attribute(&item, name)?,
            None => item.clone(),
        };
        let passes = match rest.split_first() {
            Some((test, test_args)) => {
                let mut call = vec![tested];
                call.extend_from_slice(test_args);
                state.perform_test(operator_test(&to_str(test)), &call)?
            }
            None => tested.is_true(),
        };
        if passes == keep {
            kept.push(item);
        }
    }
    Ok(Iterator::value("generator object select_or_reject", kept))
}

/// The name of a test that may be written as an operator.
fn operator_test(name: &str) -> &str {
    match name {
        "==" => "eq",
        "!=" => "ne",
        "<" => "lt",
        "<=" => "le",
        ">" => "gt",
        ">=" => "ge",
        other => other,
    }
}

fn groupby(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let by = args.get(0, "attribute").ok_or_else(|| fail("groupby() needs an attribute"))?;
    let (default, sensitive) = (args.get(1, "default"), args.truth(2, "case_sensitive"));
    let mut keyed = Vec::new();
    for item in items(value)? {
        let found = attribute(&item, by)?;
        let key = if is_undefined(&found) { default.cloned().unwrap_or(found) } else { found };
        keyed.push((fold_case(key.clone(), sensitive), tuple(vec![key, item])));
    }
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    let mut last: Option<Value> = None;
    for pair in ordered(keyed, false)? {
        // A group is named by the key of its first member, as that wrote it.
        let (key, item) = (pair.get_item_by_index(0)?, pair.get_item_by_index(1)?);
        let folded = fold_case(key.clone(), sensitive);
        match groups.last_mut().filter(|_| last.as_ref() == Some(&folded)) {
            Some((_, members)) => members.push(item),
            None => groups.push((key, vec![item])),
        }
        last = Some(folded);
    }
    let group = |(grouper, members)| Value::from_object(Group { grouper, members: list(members) });
    Ok(list(groups.into_iter().map(group).collect()))
}

/// What `groupby` gives: a pair whose parts also have names.
#[derive(Debug)]
struct Group {
    grouper: Value,
    members: Value,
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_str(), key.as_usize()) {
            (Some("grouper"), _) | (None, Some(0)) => Some(self.grouper.clone()),
            (Some("list"), _) | (None, Some(1)) => Some(self.members.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::repr::sequence(f, "(", &[self.grouper.clone(), self.members.clone()], ")")
    }
}

fn sum(state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let add = state.env().globals().find(|(name, _)| *name == "__add").map(|(_, add)| add);
    let add = add.ok_or_else(|| fail("addition is missing"))?;
    let by = args.get(0, "attribute").filter(|name| !name.is_none()).cloned();
    let mut total = args.get(1, "start").cloned().unwrap_or_else(|| Value::from(0));
    for item in items(value)? {
        let item = match &by {
            Some(name) => attribute(&item, name)?,
            None => item,
        };
        total = add.call(state, &[total, item])?;
    }
    Ok(total)
}

fn extreme(value: &Value, args: &Args, wanted: std::cmp::Ordering) -> Result<Value, Error> {
    let keyed = keyed(value, args.get(1, "attribute"), args.truth(0, "case_sensitive"))?;
    let mut best: Option<(Value, Value)> = None;
    for next in keyed {
        let better = match &best {
            None => true,
            Some((key, _)) => compare("<", &next.0, key)? == wanted,
        };
        best = if better { Some(next) } else { best };
    }
    Ok(best.map(|(_, item)| item).unwrap_or_default())
}

fn reverse(_state: &mut State<'_, '_>, value: &Value, _args: &Args) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut all = items(value)?;
    all.reverse();
    Ok(list(all))
}

fn batch(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let size = args.count(0, "linecount").filter(|size| *size > 0).ok_or_else(|| fail("batch() needs a size"))?;
    let fill = args.get(1, "fill_with").filter(|fill| !fill.is_none());
    let group = |chunk: &[Value]| {
        let mut chunk = chunk.to_vec();
        if let Some(fill) = fill {
            chunk.resize(size, fill.clone());
        }
        list(chunk)
    };
    Ok(list(items(value)?.chunks(size).map(group).collect()))
}

fn slice(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let count = args.count(0, "slices").filter(|count| *count > 0).ok_or_else(|| fail("slice() needs a number"))?;
    let fill = args.get(1, "fill_with").filter(|fill| !fill.is_none());
    let all = items(value)?;
    let (each, extra) = (all.len() / count, all.len() % count);
    let mut rest = all.as_slice();
    let mut out = Vec::new();
    for at in 0..count {
        let (mine, after) = rest.split_at(each + usize::from(at < extra));
        rest = after;
        let mut mine = mine.to_vec();
        if let Some(fill) = fill.filter(|_| extra > 0 && at >= extra) {
            mine.push(fill.clone());
        }
        out.push(list(mine));
    }
    Ok(list(out))
}

fn dictsort(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let sensitive = args.truth(0, "case_sensitive");
    let by_value = match args.text(1, "by").as_deref() {
        None | Some("key") => false,
        Some("value") => true,
        Some(other) => return Err(fail(format!("dictsort() sorts by 'key' or 'value', not by '{other}'"))),
    };
    let keyed = pairs_of(value)?.into_iter().map(|(key, value)| {
        (fold_case(if by_value { value.clone() } else { key.clone() }, sensitive), tuple(vec![key, value]))
    });
    ordered(keyed.collect(), args.truth(2, "reverse")).map(list)
}

#[cfg(test)]
mod tests {
    use minijinja::{Environment, context};

    use crate::jinja::values::List;

    #[test]
    fn filters_that_make_lists_make_mutable_ones() {
        let mut env = Environment::new();
        super::install(&mut env);
        for text in ["x|list", "x|sort", "x|unique|list", "x|map('string')|list", "x|batch(1)|list", "x|select|list"] {
            let made = env.compile_expression(text).and_then(|e| e.eval(context! { x => [2, 1] }));
            let made = made.expect("the filter works");
            assert!(made.downcast_object_ref::<List>().is_some(), "{text}");
        }
    }
}
