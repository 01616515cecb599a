//! A JSON object that many nodes share: most nodes of a project have one of a few configurations.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::JsonMap;

/// A JSON object that is cheap to clone, and copied only when one of its owners changes it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SharedMap(Arc<JsonMap>);

impl SharedMap {
    /// The object, copied if others share it.
    pub fn into_map(self) -> JsonMap {
        Arc::unwrap_or_clone(self.0)
    }
}

impl Deref for SharedMap {
    type Target = JsonMap;

    fn deref(&self) -> &JsonMap {
        &self.0
    }
}

impl DerefMut for SharedMap {
    fn deref_mut(&mut self) -> &mut JsonMap {
        Arc::make_mut(&mut self.0)
    }
}

impl From<JsonMap> for SharedMap {
    fn from(map: JsonMap) -> Self {
        Self(Arc::new(map))
    }
}

impl PartialEq for SharedMap {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl fmt::Debug for SharedMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::SharedMap;
    use crate::model::JsonMap;

    #[test]
    fn a_change_is_not_seen_by_the_others() {
        let first = SharedMap::from(JsonMap::from_iter([("a".to_owned(), 1.into())]));
        let mut second = first.clone();
        second.insert("b".to_owned(), 2.into());
        assert_eq!((first.len(), second.len()), (1, 2));
        assert_ne!(first, second);
    }
}
