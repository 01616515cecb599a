//! Python's iterables that are not lists: ranges, the views of a dict, and iterators that can be walked through once.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Value};

use super::repr;
use super::values::lock;

/// `range(start, stop, step)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    start: i64,
    stop: i64,
    step: i64,
}

impl Range {
    /// A range whose step is not zero.
    pub(super) fn new(start: i64, stop: i64, step: i64) -> Self {
        Self { start, stop, step }
    }

    /// How many numbers it has.
    pub(super) fn len(self) -> usize {
        let span = i128::from(self.stop) - i128::from(self.start);
        let step = i128::from(self.step);
        if span == 0 || (span > 0) != (step > 0) {
            return 0;
        }
        usize::try_from((span.abs() + step.abs() - 1) / step.abs()).unwrap_or(usize::MAX)
    }

    /// The number at a position, which may lie outside.
    fn at(self, position: i64) -> i64 {
        self.start.saturating_add(position.saturating_mul(self.step))
    }

    /// What the slice of these positions gives, which is a range again.
    pub(super) fn slice(self, (start, stop): (i64, i64), by: i64) -> Value {
        Value::from_object(Self { start: self.at(start), stop: self.at(stop), step: self.step.saturating_mul(by) })
    }
}

impl Object for Range {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str() {
            Some("start") => Some(Value::from(self.start)),
            Some("stop") => Some(Value::from(self.stop)),
            Some("step") => Some(Value::from(self.step)),
            Some(_) => None,
            None => {
                let position = key.as_usize().filter(|position| *position < self.len())?;
                Some(Value::from(self.at(i64::try_from(position).ok()?)))
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.len())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.len())
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        let key = |range: &Self| {
            let len = range.len();
            (len, if len > 0 { range.start } else { 0 }, if len > 1 { range.step } else { 0 })
        };
        Some(key(self).cmp(&key(other)))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "range({}, {}", self.start, self.stop)?;
        if self.step != 1 {
            write!(f, ", {}", self.step)?;
        }
        f.write_str(")")
    }
}

/// What `keys()`, `values()` and `items()` of a dict give.
#[derive(Debug)]
pub(super) struct View {
    kind: &'static str,
    items: Vec<Value>,
}

impl View {
    /// A view of a `kind`: `keys`, `values` or `items`.
    pub(super) fn value(kind: &'static str, items: Vec<Value>) -> Value {
        Value::from_object(Self { kind, items })
    }

    /// What is in it.
    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.items.is_empty()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items.clone())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items.len())
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let (mut mine, mut theirs) = (self.items.clone(), other.downcast_ref::<Self>()?.items.clone());
        mine.sort();
        theirs.sort();
        Some(mine.cmp(&theirs))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dict_{}(", self.kind)?;
        repr::sequence(f, "[", &self.items, "]")?;
        f.write_str(")")
    }
}

/// An iterator: it is true, has no length, and what was taken out of it once is gone.
pub(super) struct Iterator {
    /// What it prints itself as, e.g. `generator object sync_do_map`.
    name: String,
    rest: Mutex<VecDeque<Value>>,
}

impl Iterator {
    /// An iterator over `items`.
    pub(super) fn value(name: impl Into<String>, items: Vec<Value>) -> Value {
        Value::from_object(Self { name: name.into(), rest: Mutex::new(items.into()) })
    }
}

impl fmt::Debug for Iterator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where it lies in memory is of no use to anybody, and differs from run to run.
        write!(f, "<{} at 0x0>", self.name)
    }
}

impl Object for Iterator {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(lock(&self.rest).drain(..).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        None
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other: *const Self = other.downcast_ref::<Self>()?;
        Some(Arc::as_ptr(self).cmp(&other))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A list as an iterator; anything else as it is.
pub(super) fn once(name: impl Into<String>, value: Value) -> Value {
    match value.downcast_object_ref::<super::values::List>() {
        Some(items) => Iterator::value(name, items.snapshot()),
        None => value,
    }
}
