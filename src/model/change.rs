//! The one pair type: production's side and the pull request's side of a thing, named so that they cannot be swapped.

use serde::{Deserialize, Serialize};

/// Two sides of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Change<T> {
    /// As production has it (or the merge base, where the report says so).
    pub baseline: T,
    /// As the pull request has it.
    pub current: T,
}

impl<T> Change<T> {
    /// Applies `f` to both sides.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Change<U> {
        Change { baseline: f(self.baseline), current: f(self.current) }
    }

    /// Borrows both sides.
    pub fn as_ref(&self) -> Change<&T> {
        Change { baseline: &self.baseline, current: &self.current }
    }
}

impl<T: PartialEq> Change<T> {
    /// Whether the two sides differ.
    pub fn is_changed(&self) -> bool {
        self.baseline != self.current
    }
}
