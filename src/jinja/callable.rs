//! Macros as values: a call loads the macro into the running render, sorts its arguments as Python would, and turns
//! `return(value)` back into the value.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::context::RenderContext;
use super::diagnose::carried;
use super::phantom::Phantom;
use super::registry::{Compiled, MacroEntry};
use super::rewrite::Param;
use super::values::{dict, fail, lock, split_args, tuple};
use crate::model::{Code, Diagnostic, nearest};

/// The name of a macro inside of its own template. Differs from every name that a template uses, so that a macro that
/// calls itself goes through [`MacroValue`].
pub(super) const BODY: &str = "slimdiff_macro_body";

/// Put before every template: what imports a macro into the running render. One line, so that lines stay true; in a
/// scope of its own, so that macros do not see the names that the template sets.
pub(super) const PRELUDE: &str = "{% with slimdiff_scope = 0 %}{% macro slimdiff_load(slimdiff_template) %}\
    {% import slimdiff_template as slimdiff_module %}{% do __keep(slimdiff_module.slimdiff_macro_body) %}{% endmacro %}\
    {% do __keep_loader(slimdiff_load) %}{% endwith %}";

/// How deep macros may call each other. The engine stops a little later, and before the stack of a thread is used up.
const DEEPEST: usize = 70;

/// What is said when macros call each other deeper than that.
pub(super) const TOO_DEEP: &str = "macros call each other too many levels deep: does one call itself without end?";

/// A macro of the project, of a package, or a built-in one.
pub(super) struct MacroValue(pub(super) Arc<MacroEntry>);

impl fmt::Debug for MacroValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}>", self.0.unique_id)
    }
}

/// What `return(value)` throws and the macro that is returned from catches.
#[derive(Debug)]
struct Returned(Value);

impl fmt::Display for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("return() was called outside of a macro")
    }
}

impl std::error::Error for Returned {}

/// One step of a trace: an error that passed through a macro.
#[derive(Debug)]
pub(super) struct Through {
    /// The macro it came out of.
    pub(super) entry: Arc<MacroEntry>,
    /// The error inside.
    pub(super) inner: Error,
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in macro {}", self.entry.name)
    }
}

impl std::error::Error for Through {}

/// `return(value)`.
pub(super) fn return_(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let value = args.first().cloned().unwrap_or_else(|| Value::from(()));
    Err(Error::new(ErrorKind::InvalidOperation, "return() was called outside of a macro").with_source(Returned(value)))
}

/// The value that `error` returns, if it is a return.
fn returned(error: &Error) -> Option<Value> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(Returned(value)) = error.downcast_ref::<Returned>() {
            return Some(value.clone());
        }
        source = error.source();
    }
    None
}

impl Object for MacroValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}>", self.0.unique_id)
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        call(&self.0, state, args)
    }
}

/// Calls a macro in the running render.
pub(super) fn call(entry: &Arc<MacroEntry>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let depth = ctx.enter(&entry.unique_id);
    let result = if depth >= DEEPEST { Err(fail(TOO_DEEP)) } else { run(&ctx, entry, state, args) };
    ctx.leave();
    result.or_else(|error| match returned(&error) {
        Some(value) => Ok(value),
        None => Err(Error::new(ErrorKind::InvalidOperation, format!("error in macro {}", entry.name))
            .with_source(Through { entry: Arc::clone(entry), inner: error })),
    })
}

fn run(
    ctx: &RenderContext,
    entry: &Arc<MacroEntry>,
    state: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let compiled =
        entry.compiled().map_err(|error| fail(format!("{} ({}:{})", error.message, entry.place, error.line)))?;
    let body = match ctx.loaded(&entry.unique_id) {
        Some(body) => body,
        None => load(ctx, entry, state)?,
    };
    let args = sort_arguments(&entry.name, compiled, args)?;
    body.call(state, &args)
}

/// Imports the macro into the running render.
fn load(ctx: &RenderContext, entry: &MacroEntry, state: &mut State<'_, '_>) -> Result<Value, Error> {
    let loader = lock(&ctx.loader).clone().ok_or_else(|| fail("macros cannot be called here"))?;
    loader.call(state, &[Value::from(entry.unique_id.as_str())])?;
    let body = lock(&ctx.kept).take().ok_or_else(|| fail(format!("macro {} did not load", entry.name)))?;
    ctx.remember(&entry.unique_id, &body);
    Ok(body)
}

/// Arguments in the order of the macro's parameters, then `varargs` and `kwargs` where it reads them, then `caller`.
fn sort_arguments(name: &str, compiled: &Compiled, args: &[Value]) -> Result<Vec<Value>, Error> {
    let (positional, mut named) = split_args(args);
    let mut sorted = Vec::with_capacity(compiled.params.len() + 3);
    let mut rest = positional.into_iter();
    for param in &compiled.params {
        let by_name = named.iter().position(|(key, _)| *key == param.name).map(|at| named.remove(at).1);
        sorted.push(match (rest.next(), by_name) {
            (Some(_), Some(_)) => {
                return Err(fail(format!("macro '{name}' got more than one value for argument '{}'", param.name)));
            }
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) if param.default.is_none() => Phantom::value(&param.name, false),
            (None, None) => Value::from_object(Absent),
        });
    }
    let rest: Vec<Value> = rest.collect();
    let caller =
        named.iter().position(|(key, _)| key == "caller").filter(|_| compiled.caller).map(|at| named.remove(at).1);
    if compiled.varargs {
        sorted.push(tuple(rest));
    } else if !rest.is_empty() {
        let given = compiled.params.len() + rest.len();
        return Err(fail(format!("macro '{name}' takes {}, but {given} are given", signature(&compiled.params))));
    }
    if compiled.kwargs {
        sorted.push(dict(named.into_iter().map(|(key, value)| (Value::from(key), value))));
    } else if let Some((key, _)) = named.first() {
        let near = nearest(key, compiled.params.iter().map(|param| param.name.as_str()));
        let advice = near.map_or_else(
            || format!("it takes {}", signature(&compiled.params)),
            |near| format!("did you mean '{near}'?"),
        );
        let message = format!("macro '{name}' takes no argument '{key}'");
        return Err(carried(Diagnostic::error(Code::JinjaRuntime, message).hint(advice)));
    }
    if let Some(caller) = caller {
        sorted.push(Value::from(Kwargs::from_iter([("caller", caller)])));
    }
    Ok(sorted)
}

/// Stands for an argument that was not given, until the macro puts the default in its place.
#[derive(Debug)]
struct Absent;

impl Object for Absent {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// `__absent(argument)`: whether an argument was not given.
#[expect(clippy::unnecessary_wraps, reason = "functions of a table have one type")]
pub(super) fn absent(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    Ok(Value::from(args.first().is_some_and(|arg| arg.downcast_object_ref::<Absent>().is_some())))
}

/// What a macro takes, in words.
fn signature(params: &[Param]) -> String {
    let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
    match names.len() {
        0 => "no arguments".to_owned(),
        1 => format!("1 argument ({})", names.join(", ")),
        count => format!("{count} arguments ({})", names.join(", ")),
    }
}

/// `__keep(value)`: hands an imported macro to [`load`].
pub(super) fn keep(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    *lock(&ctx.kept) = args.first().cloned();
    Ok(Value::from(()))
}

/// `__keep_loader(macro)`: what [`PRELUDE`] defines.
pub(super) fn keep_loader(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    *lock(&ctx.loader) = args.first().cloned();
    Ok(Value::from(()))
}
