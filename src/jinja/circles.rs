//! What containers must not hold: themselves, which would never end to print, and keys that change.
//!
//! Python allows a list that holds itself, but no template has a use for one, and all that walks values would have to
//! look out for it.

use std::collections::HashSet;
use std::sync::Arc;

use minijinja::Error;
use minijinja::value::{Value, ValueKind};

use super::values::{Dict, List, Set, fail};

/// Fails when one of `values` is or holds the container `into`.
pub(super) fn refuse<'v, T>(into: &Arc<T>, values: impl IntoIterator<Item = &'v Value>) -> Result<(), Error> {
    let mut walk = Walk { wanted: Arc::as_ptr(into).cast(), seen: HashSet::new() };
    if values.into_iter().any(|value| walk.reaches(value)) {
        return Err(fail("a list or dict cannot be put into itself"));
    }
    Ok(())
}

struct Walk {
    wanted: *const (),
    seen: HashSet<*const ()>,
}

impl Walk {
    fn reaches(&mut self, value: &Value) -> bool {
        if let Some(list) = value.downcast_object::<List>() {
            return self.enter(Arc::as_ptr(&list).cast(), || list.snapshot());
        }
        if let Some(dict) = value.downcast_object::<Dict>() {
            return self
                .enter(Arc::as_ptr(&dict).cast(), || dict.snapshot().into_iter().map(|(_, value)| value).collect());
        }
        // Of the other containers only tuples can hold what changes: keys and the items of sets are of the rest.
        value.kind() == ValueKind::Seq && value.try_iter().is_ok_and(|mut items| items.any(|item| self.reaches(&item)))
    }

    fn enter(&mut self, id: *const (), items: impl FnOnce() -> Vec<Value>) -> bool {
        id == self.wanted || (self.seen.insert(id) && items().iter().any(|item| self.reaches(item)))
    }
}

/// Fails when `value` cannot be a key or an item of a set, as in Python.
pub(super) fn hashable(value: &Value) -> Result<(), Error> {
    match unhashable(value) {
        Some(kind) => Err(fail(format!("unhashable type: '{kind}'"))),
        None => Ok(()),
    }
}

/// Python's name of what cannot be hashed in `value`.
pub(super) fn unhashable(value: &Value) -> Option<&'static str> {
    if value.downcast_object_ref::<List>().is_some() {
        return Some("list");
    }
    if value.downcast_object_ref::<Dict>().is_some() {
        return Some("dict");
    }
    if value.downcast_object_ref::<Set>().is_some() {
        return Some("set");
    }
    if value.kind() == ValueKind::Seq {
        return value.try_iter().ok()?.find_map(|item| unhashable(&item));
    }
    None
}
