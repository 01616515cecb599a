//! A name that means nothing: prints nothing, is not defined, and remembers what it was called for the error message.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

/// An undefined name.
#[derive(Debug)]
pub(super) struct Phantom {
    name: String,
    /// Whether attributes and calls give the same again, as in dbt while it parses.
    chains: bool,
}

impl Phantom {
    /// The value of an unknown `name`.
    pub(super) fn value(name: &str, chains: bool) -> Value {
        Value::from_object(Self { name: name.to_owned(), chains })
    }

    fn error(&self) -> Error {
        Error::new(ErrorKind::UndefinedError, format!("'{}' is undefined", self.name))
    }
}

/// Whether `value` is undefined, in either form.
pub(super) fn is_undefined(value: &Value) -> bool {
    value.is_undefined() || (value.kind() == ValueKind::Plain && value.downcast_object_ref::<Phantom>().is_some())
}

/// The error of using `value` as if it were defined.
pub(super) fn undefined_error(value: &Value) -> Error {
    match value.downcast_object_ref::<Phantom>() {
        Some(phantom) => phantom.error(),
        None => Error::new(ErrorKind::UndefinedError, "the value is undefined"),
    }
}

impl Object for Phantom {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn get_value(self: &Arc<Self>, _key: &Value) -> Option<Value> {
        Some(if self.chains { Value::from_dyn_object(Arc::clone(self)) } else { Value::from(self.error()) })
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
        if self.chains { Ok(Value::from_dyn_object(Arc::clone(self))) } else { Err(self.error()) }
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        _method: &str,
        _args: &[Value],
    ) -> Result<Value, Error> {
        if self.chains { Ok(Value::from_dyn_object(Arc::clone(self))) } else { Err(self.error()) }
    }

    fn render(self: &Arc<Self>, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
