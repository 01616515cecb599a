//! One copy of each configuration: most of a project's tests, and many of its models, have the same one.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;

use crate::model::{FastHash, JsonMap, ResourceType, SharedMap};

/// The maps seen so far, by a hash of what they hold in its order.
#[derive(Default)]
pub(super) struct Interner {
    hash: FastHash,
    seen: Mutex<ByHash<SharedMap>>,
    completed: Mutex<ByHash<Completed>>,
}

type ByHash<T> = HashMap<u64, Vec<T>, FastHash>;

/// A configuration as it was merged, and with the defaults of its kind.
struct Completed {
    kind: ResourceType,
    merged: JsonMap,
    whole: SharedMap,
}

impl Interner {
    /// `map`, or the same one as seen before. Maps whose keys are in another order are not the same: they are written
    /// in that order.
    pub(super) fn share(&self, map: JsonMap) -> SharedMap {
        let hash = self.hash_of(&map);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = seen.entry(hash).or_default();
        if let Some(known) = alike.iter().find(|known| same_maps(known, &map)) {
            return known.clone();
        }
        let new = SharedMap::from(map);
        alike.push(new.clone());
        new
    }

    /// `merged` with the defaults of its kind, which `complete` adds when it was not seen before.
    pub(super) fn completed(
        &self,
        merged: JsonMap,
        kind: ResourceType,
        complete: impl FnOnce(JsonMap, ResourceType) -> JsonMap,
    ) -> SharedMap {
        let hash = self.hash_of(&merged);
        let find = |all: &ByHash<Completed>| {
            let alike = all.get(&hash)?;
            alike.iter().find(|known| known.kind == kind && same_maps(&known.merged, &merged)).map(|k| k.whole.clone())
        };
        if let Some(known) = find(&self.completed.lock().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        let whole = self.share(complete(merged.clone(), kind));
        let new = Completed { kind, merged, whole: whole.clone() };
        self.completed.lock().unwrap_or_else(PoisonError::into_inner).entry(hash).or_default().push(new);
        whole
    }

    fn hash_of(&self, map: &JsonMap) -> u64 {
        let mut hasher = self.hash.build_hasher();
        hash_map(map, &mut hasher);
        hasher.finish()
    }
}

fn hash_map(map: &JsonMap, into: &mut impl Hasher) {
    map.len().hash(into);
    for (key, value) in map {
        key.hash(into);
        hash_value(value, into);
    }
}

fn hash_value(value: &Json, into: &mut impl Hasher) {
    match value {
        Json::Object(map) => hash_map(map, into),
        Json::Array(items) => items.iter().for_each(|item| hash_value(item, into)),
        scalar => scalar.hash(into),
    }
}

fn same_maps(a: &JsonMap, b: &JsonMap) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
}

fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => same_maps(a, b),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::Interner;
    use crate::model::SharedMap;

    #[test]
    fn equal_maps_are_one_and_their_order_counts() {
        let interner = Interner::default();
        let share = |json: &Json| interner.share(json.as_object().unwrap().clone());
        let place = |map: &SharedMap| std::ptr::from_ref(&**map);
        let first = share(&json!({"a": 1, "b": {"x": [1, 2], "y": null}}));
        assert_eq!(place(&first), place(&share(&json!({"a": 1, "b": {"x": [1, 2], "y": null}}))));
        for other in [
            json!({"b": {"x": [1, 2], "y": null}, "a": 1}),
            json!({"a": 1, "b": {"y": null, "x": [1, 2]}}),
            json!({"a": 1, "b": {"x": [2, 1], "y": null}}),
            json!({"a": "1", "b": {"x": [1, 2], "y": null}}),
        ] {
            let shared = share(&other);
            assert_ne!(place(&first), place(&shared));
            assert_eq!(Json::Object(shared.into_map()).to_string(), other.to_string());
        }
    }
}
