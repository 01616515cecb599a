//! The functions of dbt's context.
#![expect(clippy::unnecessary_wraps, reason = "functions of a table have one type")]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use md5::{Digest, Md5};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use serde_json::Value as Json;

use super::context::{RenderContext, RenderHandle, push_new};
use super::diagnose::{carried, coded};
use super::iterables::{self, Range};
use super::repr::{to_repr, to_str};
use super::values::{
    checked_dict, checked_set, dict, fail, from_json, items_of, list, record, split_args, to_json, tuple,
};
use super::{adapter, callable, operators, table, variables};
use crate::model::{Code, RefArgs};

type Run = fn(&mut State<'_, '_>, &[Value]) -> Result<Value, Error>;

/// A function of the context.
struct Function {
    name: &'static str,
    run: Run,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        (self.run)(state, args)
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match (self.name, method, args) {
            ("dict", "fromkeys", [keys, rest @ ..]) => {
                let value = rest.first().cloned().unwrap_or_else(|| Value::from(()));
                checked_dict(items_of(keys)?.into_iter().map(|key| (key, value.clone())).collect())
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    /// `ref.id`-like access gives nothing; only `builtins.ref` style calls exist.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

const FUNCTIONS: [(&str, Run); 33] = [
    ("ref", ref_),
    ("source", source),
    ("metric", metric),
    ("env_var", variables::env_var),
    ("return", callable::return_),
    ("log", log),
    ("print", print),
    ("store_result", variables::store_result),
    ("store_raw_result", variables::store_result),
    ("load_result", variables::load_result),
    ("fromjson", fromjson),
    ("tojson", tojson),
    ("fromyaml", fromyaml),
    ("toyaml", toyaml),
    ("zip", zip),
    ("zip_strict", zip_strict),
    ("set", set_),
    ("set_strict", set_strict),
    ("local_md5", local_md5),
    ("diff_of_two_dicts", diff_of_two_dicts),
    ("try_or_compiler_error", try_or_compiler_error),
    ("submit_python_job", submit_python_job),
    ("write", write),
    ("render", render),
    ("doc", doc),
    ("function", function_),
    ("load_agate_table", load_agate_table),
    ("model_version", none),
    ("cycler", cycler),
    ("joiner", joiner),
    ("lipsum", lipsum),
    ("dict", dict_),
    ("range", range),
];

static BY_NAME: LazyLock<HashMap<&'static str, Value>> = LazyLock::new(|| {
    let entry = |(name, run): (&'static str, Run)| (name, Value::from_object(Function { name, run }));
    FUNCTIONS.into_iter().map(entry).collect()
});

/// The function of the context called `name`.
pub(super) fn function(name: &str) -> Option<Value> {
    BY_NAME.get(name).cloned()
}

/// The names of the functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.into_iter().map(|(name, _)| name)
}

/// Whether the engine has a global of this name, which the context leaves to it.
pub(super) fn is_global(name: &str) -> bool {
    matches!(name, "namespace")
}

/// Adds the functions that rewritten templates call, under names that no template writes.
pub(super) fn install(env: &mut Environment<'static>) {
    let internal: [(&'static str, Run); 3] =
        [("__keep", callable::keep), ("__keep_loader", callable::keep_loader), ("__absent", callable::absent)];
    for (name, run) in internal.into_iter().chain(operators::FUNCTIONS) {
        env.add_global(name, Value::from_object(Function { name, run }));
    }
    for name in ["range", "dict", "debug"] {
        env.remove_global(name);
    }
}

/// What `builtins` holds.
const BUILTINS: [&str; 48] = [
    "adapter",
    "api",
    "column",
    "config",
    "database",
    "dbt_metadata_envs",
    "dbt_version",
    "diff_of_two_dicts",
    "env_var",
    "exceptions",
    "execute",
    "flags",
    "fromjson",
    "fromyaml",
    "function",
    "graph",
    "invocation_args_dict",
    "invocation_id",
    "load_agate_table",
    "load_result",
    "local_md5",
    "log",
    "metric",
    "model",
    "modules",
    "post_hooks",
    "pre_hooks",
    "print",
    "project_name",
    "ref",
    "render",
    "return",
    "run_started_at",
    "schema",
    "selected_resources",
    "set",
    "set_strict",
    "source",
    "store_result",
    "target",
    "this",
    "tojson",
    "toyaml",
    "try_or_compiler_error",
    "var",
    "write",
    "zip",
    "zip_strict",
];

/// `builtins`: the context's own functions, even where the project has a macro of the same name.
pub(super) fn builtins(ctx: &RenderHandle) -> Value {
    Value::from_object(Builtins(Arc::clone(ctx)))
}

#[derive(Debug)]
struct Builtins(RenderHandle);

impl Object for Builtins {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str().filter(|name| BUILTINS.contains(name))?;
        let value = self.0.builtin(name)?;
        if name != "ref" {
            return Some(value);
        }
        Some(Value::from_object(RefBuiltin { call: value, config: runtime_config(&self.0) }))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&BUILTINS)
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match (method, args) {
            ("get", [key]) => Ok(self.get_value(key).unwrap_or_else(|| Value::from(()))),
            ("get", [key, default]) => Ok(self.get_value(key).unwrap_or_else(|| default.clone())),
            _ => match self.get_value(&Value::from(method)) {
                Some(function) => function.call(state, args),
                None => Err(Error::from(ErrorKind::UnknownMethod)),
            },
        }
    }
}

/// What packages read of the project through `builtins.ref.config`.
fn runtime_config(ctx: &RenderHandle) -> Value {
    let setup = &ctx.setup;
    let package = |name: &String| {
        let version = setup.package_versions.get(name).map(String::as_str);
        let fields = [("project_name", Value::from(name.as_str())), ("version", Value::from(version))];
        (Value::from(name.as_str()), record(fields))
    };
    let text = |key: &str| setup.target.get(key).map_or_else(|| Value::from(()), from_json);
    record([
        ("project_name", Value::from(setup.project_name.as_str())),
        ("version", Value::from(setup.package_versions.get(&setup.project_name).map(String::as_str))),
        ("dependencies", dict(setup.packages.iter().map(package).collect::<Vec<_>>())),
        ("target_name", text("target_name")),
        ("profile_name", text("profile_name")),
        ("threads", text("threads")),
        ("args", from_json(&Json::Object(setup.invocation_args.clone()))),
    ])
}

/// `builtins.ref`: calls `ref`, and shows the project's configuration.
#[derive(Debug)]
struct RefBuiltin {
    call: Value,
    config: Value,
}

impl Object for RefBuiltin {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("config")).then(|| self.config.clone())
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        self.call.call(state, args)
    }
}

/// A call's arguments by name or position.
pub(super) struct Args {
    pub(super) positional: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
}

impl Args {
    /// Of a call.
    pub(super) fn of(args: &[Value]) -> Self {
        let (positional, named) = split_args(args);
        Self { positional, named }
    }

    /// The argument at a position, or of a name.
    pub(super) fn get(&self, at: usize, key: &str) -> Option<Value> {
        let by_name = || self.named.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        self.positional.get(at).cloned().or_else(by_name)
    }

    fn need(&self, at: usize, key: &str, function: &str) -> Result<Value, Error> {
        self.get(at, key).ok_or_else(|| fail(format!("{function}() needs the argument '{key}'")))
    }
}

fn ref_(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let args = Args::of(args);
    if let Some(bad) = args.positional.iter().find(|arg| arg.as_str().is_none()) {
        return Err(fail(format!("ref() takes names as text, not {}", to_repr(bad))));
    }
    let text = |value: &Value| value.to_string();
    let (package, name) = match args.positional.as_slice() {
        [name] => (None, text(name)),
        [package, name] => (Some(text(package)), text(name)),
        other => return Err(fail(format!("ref() takes one or two names, not {}", other.len()))),
    };
    let version = args.get(usize::MAX, "version").or_else(|| args.get(usize::MAX, "v"));
    let version = version.filter(|version| !version.is_none()).map(|version| to_json(&version));
    referenced(&ctx, RefArgs { name, package, version })
}

/// What `ref` answers: the relation, while parsing the node's own.
pub(super) fn referenced(ctx: &RenderContext, reference: RefArgs) -> Result<Value, Error> {
    let relation = match &ctx.world {
        Some(world) => world.resolve_ref(&reference).map_err(carried),
        None => Ok(ctx.this()),
    };
    ctx.note(|capture| capture.refs.push(reference));
    relation.map(|found| adapter::relation_value(found, &ctx.setup.adapter_type))
}

fn source(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let args = Args::of(args);
    let [source, table] = args.positional.as_slice() else {
        return Err(fail(format!("source() takes two names, not {}", args.positional.len())));
    };
    let (source, table) = (source.to_string(), table.to_string());
    ctx.note(|capture| capture.sources.push([source.clone(), table.clone()]));
    match &ctx.world {
        Some(world) => world
            .resolve_source(&source, &table)
            .map(|found| adapter::relation_value(found, &ctx.setup.adapter_type))
            .map_err(carried),
        None => Ok(adapter::relation_value(ctx.this(), &ctx.setup.adapter_type)),
    }
}

fn metric(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let names: Vec<String> = args.iter().map(ToString::to_string).collect();
    let name = names.last().cloned().unwrap_or_default();
    ctx.note(|capture| push_new(&mut capture.metrics, names));
    Ok(Value::from(name))
}

fn log(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let args = Args::of(args);
    let text = to_str(&args.need(0, "msg", "log")?);
    match &ctx.world {
        Some(world) if args.get(1, "info").is_some_and(|info| info.is_true()) => world.message(&text),
        _ => tracing::debug!(path = ctx.scope.path, "{text}"),
    }
    Ok(Value::from(""))
}

fn print(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    if let Some(world) = &ctx.world {
        world.message(&to_str(&Args::of(args).need(0, "msg", "print")?));
    }
    Ok(Value::from(""))
}

fn fromjson(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    let text = args.need(0, "string", "fromjson")?.to_string();
    Ok(match serde_json::from_str::<Json>(&text) {
        Ok(json) => from_json(&json),
        Err(_) => args.get(1, "default").unwrap_or_else(|| Value::from(())),
    })
}

fn tojson(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    let value = args.need(0, "value", "tojson")?;
    let sorted = args.get(2, "sort_keys").is_some_and(|sorted| sorted.is_true());
    super::convert::serializable(&value)?;
    Ok(Value::from(crate::model::python_json(&to_json(&value), sorted)))
}

fn fromyaml(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    let text = args.need(0, "value", "fromyaml")?.to_string();
    Ok(match super::yaml::parse(&text) {
        Some(value) => value,
        None => args.get(1, "default").unwrap_or_else(|| Value::from(())),
    })
}

fn toyaml(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    let value = args.need(0, "value", "toyaml")?;
    let sorted = args.get(2, "sort_keys").is_some_and(|sorted| sorted.is_true());
    if super::convert::serializable(&value).is_err() {
        return Ok(args.get(1, "default").unwrap_or_else(|| Value::from(())));
    }
    Ok(Value::from(super::yaml::dump(&to_json(&value), sorted)))
}

fn zipped(args: &[Value]) -> Result<Vec<Value>, Error> {
    let columns = args.iter().map(items_of).collect::<Result<Vec<_>, _>>()?;
    let shortest = columns.iter().map(Vec::len).min().unwrap_or(0);
    Ok((0..shortest).map(|at| tuple(columns.iter().map(|column| column[at].clone()).collect())).collect())
}

fn zip(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    match (zipped(&args.positional), args.get(usize::MAX, "default")) {
        (Ok(rows), _) => Ok(iterables::Iterator::value("zip object", rows)),
        (Err(_), Some(default)) => Ok(default),
        (Err(_), None) => Ok(Value::from(())),
    }
}

fn zip_strict(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    Ok(iterables::Iterator::value("zip object", zipped(args)?))
}

fn set_(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    match items_of(&args.need(0, "value", "set")?).and_then(checked_set) {
        Ok(made) => Ok(made),
        Err(_) => Ok(args.get(1, "default").unwrap_or_else(|| Value::from(()))),
    }
}

fn set_strict(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    checked_set(items_of(&Args::of(args).need(0, "value", "set_strict")?)?)
}

fn local_md5(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let value = Args::of(args).need(0, "value", "local_md5")?;
    let text = value.as_str().ok_or_else(|| fail(format!("local_md5() takes text, not {}", to_repr(&value))))?;
    Ok(Value::from(format!("{:x}", Md5::digest(text.as_bytes()))))
}

/// Of two dicts of lists: what is in the first and not in the second, keys and members compared ignoring case.
fn diff_of_two_dicts(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    let pairs = |at: usize, key: &str| super::values::pairs_of(&args.need(at, key, "diff_of_two_dicts")?);
    let lower = |value: &Value| value.to_string().to_lowercase();
    let right = pairs(1, "dict_b")?;
    let mut out = Vec::new();
    for (key, members) in pairs(0, "dict_a")? {
        let other = right.iter().find(|(name, _)| lower(name) == lower(&key));
        let known: Vec<String> = match other {
            Some((_, members)) => items_of(members)?.iter().map(&lower).collect(),
            None => Vec::new(),
        };
        let kept: Vec<Value> =
            items_of(&members)?.into_iter().filter(|member| !known.contains(&lower(member))).collect();
        if !kept.is_empty() {
            out.push((key, list(kept)));
        }
    }
    Ok(dict(out))
}

/// `try_or_compiler_error(message_if_exception, func, *args, **kwargs)`.
fn try_or_compiler_error(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [message, func, rest @ ..] = args else {
        return Err(fail("try_or_compiler_error() needs a message and a function"));
    };
    func.call(state, rest).map_err(|_| coded(Code::RaisedByProject, message.to_string()))
}

fn submit_python_job(_state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
    Err(coded(Code::Unsupported, "Python models cannot be run"))
}

fn write(_state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
    Ok(Value::from(""))
}

/// `render(text)`: renders text in the running context; hooks use it.
fn render(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let text = Args::of(args).need(0, "string", "render")?.to_string();
    if !text.contains('{') {
        return Ok(Value::from(text));
    }
    super::native::text(&ctx, &text).map(Value::from)
}

fn doc(_state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
    Err(fail("doc() is only for descriptions in YAML"))
}

fn function_(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let names: Vec<String> = args.iter().map(ToString::to_string).collect();
    if !matches!(names.len(), 1 | 2) {
        return Err(fail(format!("function() takes one or two names, not {}", names.len())));
    }
    let relation = match &ctx.world {
        Some(world) => world.resolve_function(&names).map_err(carried)?,
        None => ctx.this(),
    };
    ctx.note(|capture| push_new(&mut capture.functions, names));
    Ok(adapter::relation_value(relation, &ctx.setup.adapter_type))
}

fn load_agate_table(_state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
    Ok(table::empty())
}

/// Random text has no place in SQL.
fn lipsum(_state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
    Err(coded(Code::Unsupported, "lipsum() is not supported: it makes random text"))
}

fn none(_state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
    Ok(Value::from(()))
}

fn dict_(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = Args::of(args);
    let mut pairs = match args.positional.first() {
        Some(first) => super::values::pairs_of(first)?,
        None => Vec::new(),
    };
    pairs.extend(args.named.into_iter().map(|(key, value)| (Value::from(key), value)));
    checked_dict(pairs)
}

/// How long a range may be; longer ones are a mistake, and would take the memory of the machine.
const LONGEST_RANGE: usize = 10_000_000;

fn range(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let number =
        |value: &Value| value.as_i64().ok_or_else(|| fail(format!("range() takes integers, not {}", to_repr(value))));
    let (start, stop, by) = match args {
        [stop] => (0, number(stop)?, 1),
        [start, stop] => (number(start)?, number(stop)?, 1),
        [start, stop, by] => (number(start)?, number(stop)?, number(by)?),
        _ => return Err(fail(format!("range() takes one to three integers, not {}", args.len()))),
    };
    if by == 0 {
        return Err(fail("range() with a step of zero never ends"));
    }
    let range = Range::new(start, stop, by);
    if range.len() > LONGEST_RANGE {
        return Err(fail(format!("range() of more than {LONGEST_RANGE} numbers")));
    }
    Ok(Value::from_object(range))
}

/// `cycler(a, b, …)`: `.next()`, `.current`, `.reset()`.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: std::sync::Mutex<usize>,
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("current")).then(|| self.items[*super::values::lock(&self.at)].clone())
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        _args: &[Value],
    ) -> Result<Value, Error> {
        let mut at = super::values::lock(&self.at);
        match method {
            "next" => {
                let item = self.items[*at].clone();
                *at = (*at + 1) % self.items.len();
                Ok(item)
            }
            "reset" => {
                *at = 0;
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

fn cycler(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    if args.is_empty() {
        return Err(fail("cycler() needs at least one item"));
    }
    Ok(Value::from_object(Cycler { items: args.to_vec(), at: std::sync::Mutex::new(0) }))
}

/// `joiner(separator)`: nothing at the first call, the separator at every later one.
#[derive(Debug)]
struct Joiner {
    separator: Value,
    used: std::sync::atomic::AtomicBool,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, _args: &[Value]) -> Result<Value, Error> {
        let used = self.used.swap(true, std::sync::atomic::Ordering::Relaxed);
        Ok(if used { self.separator.clone() } else { Value::from("") })
    }
}

fn joiner(_state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let separator = Args::of(args).get(0, "sep").unwrap_or_else(|| Value::from(", "));
    Ok(Value::from_object(Joiner { separator, used: std::sync::atomic::AtomicBool::new(false) }))
}

/// Whether `value` can be called.
pub(super) fn is_callable(value: &Value) -> bool {
    let called = value.downcast_object_ref::<Function>().is_some()
        || value.downcast_object_ref::<RefBuiltin>().is_some()
        || value.downcast_object_ref::<callable::MacroValue>().is_some()
        || value.downcast_object_ref::<variables::VarObject>().is_some()
        || value.downcast_object_ref::<variables::ConfigObject>().is_some();
    // Jinja2's undefined values have a `__call__`, which fails.
    called
        || super::phantom::is_undefined(value)
        || (value.kind() == ValueKind::Plain && value.to_string().starts_with("<macro"))
}
