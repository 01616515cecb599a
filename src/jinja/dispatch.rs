//! `adapter.dispatch`: which of several macros answers for this adapter.

use minijinja::value::Value;
use minijinja::{Error, State};

use super::values::fail;

/// `adapter.dispatch(macro_name, macro_namespace=none)`: the macro, as a callable value.
pub(super) fn dispatch(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let _ = (state, args);
    Err(fail("dispatch is not there yet"))
}
