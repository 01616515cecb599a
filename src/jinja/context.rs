//! What one render knows: who is rendered, with what configuration, against which world, and what was captured.
//!
//! It is the root context object of the template. Names are answered lazily, so that a model pays for what it uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};

use super::values::{fail, lock};
use super::{Capture, Introspect, NodeScope, Setup};

/// Shared by everything that takes part in a render.
pub(super) type RenderHandle = Arc<RenderContext>;

/// The name under which the context finds itself; not a name that a template would write.
pub(super) const SELF: &str = "__slimdiff";

/// One render.
pub(super) struct RenderContext {
    /// What is the same for every render.
    pub(super) setup: Arc<Setup>,
    /// Where the answers come from at execution; none while parsing.
    pub(super) world: Option<Arc<dyn Introspect>>,
    /// Who is rendered.
    pub(super) scope: NodeScope,
    /// What was seen so far.
    pub(super) capture: Mutex<Capture>,
    /// Results of `statement` blocks by name: a dict with `response`, `table` and `data`.
    pub(super) results: Mutex<HashMap<String, Value>>,
}

impl std::fmt::Debug for RenderContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderContext").field("path", &self.scope.path).finish_non_exhaustive()
    }
}

impl RenderContext {
    /// The render that `state` belongs to.
    pub(super) fn of(state: &State<'_, '_>) -> Result<RenderHandle, Error> {
        state
            .lookup(SELF)
            .and_then(|value| value.downcast_object::<Self>())
            .ok_or_else(|| fail("called outside of a render"))
    }

    /// What `execute` is.
    pub(super) fn execute(&self) -> bool {
        self.world.is_some()
    }

    /// The world, or an error that says that `what` needs it.
    pub(super) fn world(&self, what: &str) -> Result<&Arc<dyn Introspect>, Error> {
        self.world.as_ref().ok_or_else(|| fail(format!("{what} needs a database, and there is none while parsing")))
    }

    /// Changes what was captured.
    pub(super) fn note(&self, change: impl FnOnce(&mut Capture)) {
        change(&mut lock(&self.capture));
    }
}

impl Object for RenderContext {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            SELF => Some(Value::from_dyn_object(Arc::clone(self))),
            _ => None,
        }
    }
}
