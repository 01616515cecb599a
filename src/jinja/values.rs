//! Python's mutable containers for templates, and conversions between template values, JSON and database values.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::{IndexMap, IndexSet};
use minijinja::value::{DynObject, Enumerator, Kwargs, Object, ObjectRepr, Tuple, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::circles;
pub(super) use super::convert::{from_database, from_json, to_json};
use super::iterables::View;
use super::keys::Key;
use super::operators::compare;
use super::repr;

/// An error of the template's own making, without a place; the engine adds the place.
pub(super) fn fail(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// Locks, ignoring that a panicking thread held the lock: the containers are valid between any two operations.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A Python list: everyone who holds it sees a change.
#[derive(Default)]
pub(super) struct List(Mutex<Vec<Value>>);

/// A Python dict, in order of insertion.
#[derive(Default)]
pub(super) struct Dict(Mutex<IndexMap<Key, Value>>);

/// A Python set; iterates in order of insertion.
#[derive(Default)]
pub(super) struct Set(Mutex<IndexSet<Key>>);

/// A new list.
pub(super) fn list(items: Vec<Value>) -> Value {
    Value::from_object(List(Mutex::new(items)))
}

/// A new dict.
pub(super) fn dict(items: impl IntoIterator<Item = (Value, Value)>) -> Value {
    Value::from_object(Dict(Mutex::new(items.into_iter().map(|(key, value)| (Key::new(key), value)).collect())))
}

/// A new dict with text keys.
pub(super) fn record<'a>(items: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    dict(items.into_iter().map(|(key, value)| (Value::from(key), value)))
}

/// A new set.
pub(super) fn set(items: impl IntoIterator<Item = Value>) -> Value {
    Value::from_object(Set(Mutex::new(items.into_iter().map(Key::new).collect())))
}

fn of_keys(keys: impl IntoIterator<Item = Key>) -> Value {
    Value::from_object(Set(Mutex::new(keys.into_iter().collect())))
}

/// Pairs whose keys may be keys.
fn keyed(pairs: Vec<(Value, Value)>) -> Result<Vec<(Key, Value)>, Error> {
    pairs.into_iter().map(|(key, value)| Ok((Key::hashable(key)?, value))).collect()
}

/// A new dict of what a template wrote.
///
/// # Errors
/// A key that can change.
pub(super) fn checked_dict(pairs: Vec<(Value, Value)>) -> Result<Value, Error> {
    Ok(Value::from_object(Dict(Mutex::new(keyed(pairs)?.into_iter().collect()))))
}

/// A new set of what a template wrote.
///
/// # Errors
/// A member that can change.
pub(super) fn checked_set(items: Vec<Value>) -> Result<Value, Error> {
    Ok(of_keys(items.into_iter().map(Key::hashable).collect::<Result<Vec<_>, _>>()?))
}

/// A new tuple.
pub(super) fn tuple(items: Vec<Value>) -> Value {
    Value::from(Tuple::new(items))
}

/// All that iterating over `value` gives; an error when Python could not iterate over it.
pub(super) fn items_of(value: &Value) -> Result<Vec<Value>, Error> {
    if value.is_none() {
        return Err(fail("'NoneType' object is not iterable"));
    }
    value.try_iter()?.checked().collect()
}

impl List {
    /// What is in it now.
    pub(super) fn snapshot(&self) -> Vec<Value> {
        lock(&self.0).clone()
    }
}

impl Dict {
    /// What is in it now.
    pub(super) fn snapshot(&self) -> Vec<(Value, Value)> {
        lock(&self.0).iter().map(|(key, value)| (key.value.clone(), value.clone())).collect()
    }
}

impl Set {
    /// What is in it now.
    pub(super) fn snapshot(&self) -> Vec<Value> {
        lock(&self.0).iter().map(|key| key.value.clone()).collect()
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.snapshot()).finish()
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.snapshot()).finish()
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.snapshot()).finish()
    }
}

/// The positional arguments of a method call, with a readable error when there are too few or too many.
fn expect<'a>(method: &str, args: &'a [Value], range: std::ops::RangeInclusive<usize>) -> Result<&'a [Value], Error> {
    if range.contains(&args.len()) {
        return Ok(args);
    }
    Err(fail(format!("{method}() takes {} to {} arguments ({} given)", range.start(), range.end(), args.len())))
}

/// A Python index into a container of `len`, clamped as `insert` clamps.
fn clamp(index: i64, len: usize) -> usize {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let index = if index < 0 { (index + len).max(0) } else { index.min(len) };
    usize::try_from(index).unwrap_or(0)
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        lock(&self.0).get(key.as_usize()?).cloned()
    }

    fn get_value_by_str(self: &Arc<Self>, _key: &str) -> Option<Value> {
        None
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(lock(&self.0).len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        repr::sequence(f, "[", &self.snapshot(), "]")
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let none = Value::from(());
        match method {
            "append" => {
                let item = &expect(method, args, 1..=1)?[0];
                circles::refuse(self, [item])?;
                lock(&self.0).push(item.clone());
            }
            "extend" => {
                let more = items_of(&expect(method, args, 1..=1)?[0])?;
                circles::refuse(self, &more)?;
                lock(&self.0).extend(more);
            }
            "insert" => {
                let args = expect(method, args, 2..=2)?;
                let index = args[0].as_i64().ok_or_else(|| fail("insert() needs an integer index"))?;
                circles::refuse(self, [&args[1]])?;
                let mut items = lock(&self.0);
                let at = clamp(index, items.len());
                items.insert(at, args[1].clone());
            }
            "pop" => {
                let index = expect(method, args, 0..=1)?.first().map_or(Some(-1), Value::as_i64);
                let index = index.ok_or_else(|| fail("pop() needs an integer index"))?;
                let mut items = lock(&self.0);
                let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let at = if index < 0 { index + len } else { index };
                return match usize::try_from(at) {
                    Ok(at) if at < items.len() => Ok(items.remove(at)),
                    _ if len == 0 => Err(fail("pop from empty list")),
                    _ => Err(fail("pop index out of range")),
                };
            }
            "remove" => {
                let wanted = &expect(method, args, 1..=1)?[0];
                let at = self.snapshot().iter().position(|item| item == wanted);
                let at = at.ok_or_else(|| fail("list.remove(x): x not in list"))?;
                lock(&self.0).remove(at);
            }
            "index" => {
                let args = expect(method, args, 1..=3)?;
                let wanted = &args[0];
                let items = self.snapshot();
                let bound = |at: usize, default: usize| {
                    args.get(at).and_then(Value::as_i64).map_or(default, |bound| clamp(bound, items.len()))
                };
                let (first, end) = (bound(1, 0), bound(2, items.len()));
                let at = (first..end).find(|at| items[*at] == *wanted);
                return at.map(Value::from).ok_or_else(|| fail(format!("{wanted:?} is not in list")));
            }
            "count" => {
                let wanted = &expect(method, args, 1..=1)?[0];
                return Ok(Value::from(self.snapshot().iter().filter(|item| *item == wanted).count()));
            }
            "clear" => lock(&self.0).clear(),
            "copy" => return Ok(list(self.snapshot())),
            "reverse" => lock(&self.0).reverse(),
            "sort" => {
                let sorted = sort(state, self.snapshot(), args)?;
                *lock(&self.0) = sorted;
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(none)
    }
}

/// `list.sort` and the function `sorted`: keyword arguments `key` (a callable) and `reverse`.
pub(super) fn sort(state: &mut State<'_, '_>, items: Vec<Value>, args: &[Value]) -> Result<Vec<Value>, Error> {
    let (key, reverse) = match args.last() {
        Some(last) if last.is_kwargs() => {
            let kwargs = Kwargs::try_from(last.clone())?;
            (kwargs.get::<Option<Value>>("key")?, kwargs.get::<Option<bool>>("reverse")?.unwrap_or(false))
        }
        _ => (None, false),
    };
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let by = match &key {
            Some(key) => key.call(state, std::slice::from_ref(&item))?,
            None => item.clone(),
        };
        keyed.push((by, item));
    }
    ordered(keyed, reverse)
}

/// Items in the order of their keys.
///
/// # Errors
/// Keys that cannot be compared, as a number with text.
pub(super) fn ordered(mut keyed: Vec<(Value, Value)>, reverse: bool) -> Result<Vec<Value>, Error> {
    let mut failed = None;
    keyed.sort_by(|(a, _), (b, _)| {
        let (a, b) = if reverse { (b, a) } else { (a, b) };
        compare("<", a, b).unwrap_or_else(|error| {
            failed.get_or_insert(error);
            std::cmp::Ordering::Equal
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
    }
}

/// Pairs that `dict(x)` and `d.update(x)` take: those of a mapping, or of an iterable of pairs.
pub(super) fn pairs_of(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if let Some(dict) = value.downcast_object_ref::<Dict>() {
        return Ok(dict.snapshot());
    }
    if value.kind() == ValueKind::Map {
        return items_of(value)?.into_iter().map(|key| Ok((key.clone(), value.get_item(&key)?))).collect();
    }
    let pair = |item: &Value| match items_of(item)?.as_slice() {
        [key, value] => Ok((key.clone(), value.clone())),
        other => Err(fail(format!("a pair of key and value was expected, not {} items", other.len()))),
    };
    items_of(value)?.iter().map(pair).collect()
}

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        // To hash this very dict would wait for its own lock for ever.
        circles::unhashable(key).is_none().then(|| lock(&self.0).get(&Key::new(key.clone())).cloned())?
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(lock(&self.0).keys().map(|key| key.value.clone()).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(lock(&self.0).len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        repr::mapping(f, &self.snapshot())
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let none = Value::from(());
        match method {
            "update" => {
                for arg in expect(method, args, 0..=2)? {
                    let pairs = keyed(pairs_of(arg)?)?;
                    circles::refuse(self, pairs.iter().map(|(_, value)| value))?;
                    lock(&self.0).extend(pairs);
                }
                Ok(none)
            }
            "pop" => {
                let args = expect(method, args, 1..=2)?;
                let key = Key::hashable(args[0].clone())?;
                let found = lock(&self.0).shift_remove(&key);
                found.or_else(|| args.get(1).cloned()).ok_or_else(|| fail(format!("KeyError: {:?}", args[0])))
            }
            "popitem" => {
                let last = lock(&self.0).pop();
                last.map(|(key, value)| tuple(vec![key.value, value]))
                    .ok_or_else(|| fail("popitem(): dictionary is empty"))
            }
            "setdefault" => {
                let args = expect(method, args, 1..=2)?;
                let default = args.get(1).cloned().unwrap_or(none);
                circles::refuse(self, [&default])?;
                Ok(lock(&self.0).entry(Key::hashable(args[0].clone())?).or_insert(default).clone())
            }
            "clear" => {
                lock(&self.0).clear();
                Ok(none)
            }
            _ => read_mapping(&self.snapshot(), method, args),
        }
    }
}

/// The methods of a dict that do not change it; for every mapping, also those that are not [`Dict`].
pub(super) fn read_mapping(pairs: &[(Value, Value)], method: &str, args: &[Value]) -> Result<Value, Error> {
    match method {
        "get" => {
            let args = expect(method, args, 1..=2)?;
            let found = pairs.iter().find(|(key, _)| *key == args[0]).map(|(_, value)| value.clone());
            Ok(found.or_else(|| args.get(1).cloned()).unwrap_or_else(|| Value::from(())))
        }
        "items" => {
            let items = pairs.iter().map(|(key, value)| tuple(vec![key.clone(), value.clone()]));
            Ok(View::value("items", items.collect()))
        }
        "keys" => Ok(View::value("keys", pairs.iter().map(|(key, _)| key.clone()).collect())),
        "values" => Ok(View::value("values", pairs.iter().map(|(_, value)| value.clone()).collect())),
        "copy" => Ok(dict(pairs.iter().cloned())),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

impl Object for Set {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(lock(&self.0).len())
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<std::cmp::Ordering> {
        let mut mine = self.snapshot();
        let mut theirs = other.downcast_ref::<Self>()?.snapshot();
        mine.sort();
        theirs.sort();
        Some(mine.cmp(&theirs))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.snapshot();
        if items.is_empty() { f.write_str("set()") } else { repr::sequence(f, "{", &items, "}") }
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let none = Value::from(());
        let other = || -> Result<IndexSet<Key>, Error> {
            let mut all = IndexSet::new();
            for arg in args {
                for item in items_of(arg)? {
                    all.insert(Key::hashable(item)?);
                }
            }
            Ok(all)
        };
        let mine: IndexSet<Key> = lock(&self.0).clone();
        Ok(match method {
            "add" => {
                let item = Key::hashable(expect(method, args, 1..=1)?[0].clone())?;
                lock(&self.0).insert(item);
                none
            }
            "remove" => {
                let wanted = &expect(method, args, 1..=1)?[0];
                if !lock(&self.0).shift_remove(&Key::hashable(wanted.clone())?) {
                    return Err(fail(format!("KeyError: {wanted:?}")));
                }
                none
            }
            "discard" => {
                let item = Key::hashable(expect(method, args, 1..=1)?[0].clone())?;
                lock(&self.0).shift_remove(&item);
                none
            }
            "update" => {
                let more = other()?;
                lock(&self.0).extend(more);
                none
            }
            "pop" => lock(&self.0).pop().map(|key| key.value).ok_or_else(|| fail("pop from an empty set"))?,
            "clear" => {
                lock(&self.0).clear();
                none
            }
            "copy" => of_keys(mine),
            "union" => of_keys(mine.into_iter().chain(other()?)),
            "intersection" => {
                let other = other()?;
                of_keys(mine.into_iter().filter(|item| other.contains(item)))
            }
            "difference" => {
                let other = other()?;
                of_keys(mine.into_iter().filter(|item| !other.contains(item)))
            }
            "symmetric_difference" => {
                let other = other()?;
                let left: Vec<Key> = mine.difference(&other).cloned().collect();
                of_keys(left.into_iter().chain(other.difference(&mine).cloned()))
            }
            "issubset" => Value::from(mine.is_subset(&other()?)),
            "issuperset" => Value::from(mine.is_superset(&other()?)),
            "isdisjoint" => Value::from(mine.is_disjoint(&other()?)),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        })
    }
}

/// An exact number with more digits than a float keeps; prints as the database printed it.
#[derive(Debug)]
pub(super) struct Decimal(pub(super) String);

impl Decimal {
    /// The nearest float.
    pub(super) fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl Object for Decimal {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.as_f64() != 0.0
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<std::cmp::Ordering> {
        Some(self.as_f64().total_cmp(&other.downcast_ref::<Self>()?.as_f64()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits a call's arguments into positional ones and keyword ones, the latter in the order in which they were written.
pub(super) fn split_args(args: &[Value]) -> (Vec<Value>, Vec<(String, Value)>) {
    match args.split_last() {
        Some((last, rest)) if last.is_kwargs() => {
            let pairs = pairs_of(last).unwrap_or_default();
            (rest.to_vec(), pairs.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
        }
        _ => (args.to_vec(), Vec::new()),
    }
}
