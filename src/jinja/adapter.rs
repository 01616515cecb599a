//! `adapter`, `api` and relations as templates see them.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::context::RenderHandle;
use super::dispatch;
use crate::model::Relation;

#[derive(Debug)]
struct Adapter;

impl Object for Adapter {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "dispatch" => dispatch::dispatch(state, args),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

#[derive(Debug)]
struct RelationValue(Relation);

impl Object for RelationValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What `adapter` is.
pub(super) fn adapter(ctx: RenderHandle) -> Value {
    drop(ctx);
    Value::from_object(Adapter)
}

/// What `api` is.
pub(super) fn api() -> Value {
    super::values::record([])
}

/// A relation as templates see it.
pub(super) fn relation_value(relation: Relation) -> Value {
    Value::from_object(RelationValue(relation))
}

/// The relation in a template value, if it is one.
pub(super) fn relation_of(value: &Value) -> Option<Relation> {
    value.downcast_object_ref::<RelationValue>().map(|relation| relation.0.clone())
}
