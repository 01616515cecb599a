//! Keys of dicts and members of sets: values that are equal when Python finds them equal, as `1`, `1.0` and `true` are.

use std::hash::{Hash, Hasher};

use minijinja::Error;
use minijinja::value::{Value, ValueKind};

use super::circles;

/// A key, with what it is compared by.
#[derive(Clone)]
pub(super) struct Key {
    /// As it was written.
    pub(super) value: Value,
    /// The number that it is equal to, when it is not compared as itself.
    number: Option<i64>,
}

impl Key {
    /// The key that `value` is.
    pub(super) fn new(value: Value) -> Self {
        let number = match value.kind() {
            ValueKind::Bool => Some(i64::from(value.is_true())),
            ValueKind::Number => i64::try_from(value.clone()).ok(),
            _ => None,
        };
        Self { value, number }
    }

    /// The key that `value` is, unless it can change.
    ///
    /// # Errors
    /// Lists, dicts and sets cannot be keys.
    pub(super) fn hashable(value: Value) -> Result<Self, Error> {
        circles::hashable(&value)?;
        Ok(Self::new(value))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self.number, other.number) {
            (None, None) => self.value == other.value,
            (mine, theirs) => mine == theirs,
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.number {
            Some(number) => number.hash(state),
            None => self.value.hash(state),
        }
    }
}
