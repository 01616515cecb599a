//! JSON that is made only when a template looks: few templates look at `model`, and all of them are offered it.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

type Made = LazyLock<Arc<Json>, Box<dyn FnOnce() -> Arc<Json> + Send>>;

/// JSON that is made at its first use, once for all clones.
#[derive(Clone)]
pub struct LazyJson(Arc<Made>);

impl LazyJson {
    /// What `make` makes, not yet made.
    pub fn new(make: impl FnOnce() -> Json + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(move || Arc::new(make())))))
    }

    /// What `change` makes of it, made when it is needed.
    pub(super) fn map(&self, change: impl FnOnce(&Json) -> Json + Send + 'static) -> Self {
        let before = self.clone();
        Self::new(move || change(&before.shared()))
    }

    /// The JSON, shared.
    pub(super) fn shared(&self) -> Arc<Json> {
        Arc::clone(LazyLock::force(&self.0))
    }

    /// The value of a key of the object.
    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }
}

impl Default for LazyJson {
    fn default() -> Self {
        Self::new(|| Json::Null)
    }
}

impl From<Arc<Json>> for LazyJson {
    fn from(json: Arc<Json>) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(move || json))))
    }
}

impl From<Json> for LazyJson {
    fn from(json: Json) -> Self {
        Arc::new(json).into()
    }
}

impl fmt::Debug for LazyJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyJson")
    }
}
