//! `adapter.dispatch`: which of several macros answers for this adapter.

use minijinja::value::Value;
use minijinja::{Error, State};

use super::context::RenderContext;
use super::diagnose::coded;
use super::values::{fail, split_args};
use crate::model::Code;

/// `adapter.dispatch(macro_name, macro_namespace=none)`: the macro, as a callable value.
pub(super) fn dispatch(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let (positional, named) = split_args(args);
    let arg = |at: usize, key: &str| {
        let by_name = || named.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        positional.get(at).or_else(by_name).filter(|value| !value.is_none()).cloned()
    };
    let name = arg(0, "macro_name").ok_or_else(|| fail("dispatch() needs the name of a macro"))?.to_string();
    if name.contains('.') {
        return Err(fail(format!("dispatch('{name}'): give the package as the second argument, macro_namespace")));
    }
    let namespace = arg(1, "macro_namespace").map(|namespace| namespace.to_string());
    match ctx.shared.registry.dispatch(&name, namespace.as_deref(), &ctx.scope.package) {
        Ok((_, value)) => Ok(value.clone()),
        Err(tried) => {
            let tried = tried.join(", ");
            let message = format!("dispatch found no macro '{name}' for this adapter; searched for {tried}");
            Err(coded(Code::UnknownMacro, message))
        }
    }
}
