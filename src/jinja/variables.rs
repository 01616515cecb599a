//! `var`, `env_var`, `config` and the arguments of a generic test.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use serde_json::Value as Json;

use super::context::{RenderContext, RenderHandle, push_new};
use super::diagnose::coded;
use super::values::{dict, fail, from_json, list, lock, record, split_args, to_json};
use super::{Vars, native, render, rewrite};
use crate::model::{Code, JsonMap};

/// The prefix of environment variables that only profiles and packages may read.
pub(super) const SECRET_PREFIX: &str = "DBT_ENV_SECRET";

impl Vars {
    /// The value of `name` for code of `package`: the command line, the root project's map for the package, the root
    /// project, the package's own map for itself, the package.
    pub(super) fn get(&self, name: &str, package: &str) -> Option<&Json> {
        let of_package = self.packages.get(package);
        self.cli
            .get(name)
            .or_else(|| self.root.get(package).and_then(Json::as_object).and_then(|own| own.get(name)))
            .or_else(|| self.root.get(name))
            .or_else(|| of_package.and_then(|vars| vars.get(package)?.as_object()?.get(name)))
            .or_else(|| of_package.and_then(|vars| vars.get(name)))
    }
}

/// `var`.
#[derive(Debug)]
pub(super) struct VarObject;

impl Object for VarObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let ctx = RenderContext::of(state)?;
        let (positional, named) = split_args(args);
        let named = |key: &str| named.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let name = positional.first().cloned().or_else(|| named("name")).or_else(|| named("var_name"));
        let name = name.ok_or_else(|| fail("var() needs the name of a variable"))?.to_string();
        ctx.note(|capture| push_new(&mut capture.vars, name.clone()));
        if let Some(found) = lookup(&ctx, &name) {
            return match found {
                Json::String(text) if native::has_jinja(text) => template_of(&ctx, &name, text),
                other => Ok(from_json(other)),
            };
        }
        if let Some(default) = positional.get(1).cloned().or_else(|| named("default")) {
            return Ok(default);
        }
        if !ctx.execute() {
            return Ok(Value::from(()));
        }
        let message = format!("variable '{name}' has no value: set it under vars in dbt_project.yml, or with --vars");
        Err(coded(Code::MissingVar, message))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if method != "has_var" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let ctx = RenderContext::of(state)?;
        let name = args.first().ok_or_else(|| fail("has_var() needs the name of a variable"))?.to_string();
        Ok(Value::from(lookup(&ctx, &name).is_some()))
    }
}

/// A variable whose value is a template: its text in the context of whoever asks, `ref` and `source` captured.
fn template_of(ctx: &RenderHandle, name: &str, text: &str) -> Result<Value, Error> {
    let rewritten = rewrite::rewrite(text.strip_suffix('\n').unwrap_or(text)).map_err(|error| fail(error.message))?;
    let child = ctx.child();
    let rendered = nested(name, || render::run(&child, &rewritten.text));
    ctx.absorb(&child);
    rendered.map(Value::from)
}

thread_local! {
    /// How many variables are being rendered for each other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Renders a variable's template, unless variables have led to each other too often.
pub(super) fn nested<T>(name: &str, render: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    const MAX: u32 = 20;
    if DEPTH.get() >= MAX {
        return Err(fail(format!("variable '{name}' is made of itself")));
    }
    DEPTH.set(DEPTH.get() + 1);
    let rendered = render();
    DEPTH.set(DEPTH.get() - 1);
    rendered
}

fn lookup<'c>(ctx: &'c RenderContext, name: &str) -> Option<&'c Json> {
    ctx.scope.overrides.vars.get(name).or_else(|| ctx.setup.vars.get(name, &ctx.scope.package))
}

/// `env_var(name, default=none)`.
pub(super) fn env_var(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let (positional, named) = split_args(args);
    let name = positional.first().ok_or_else(|| fail("env_var() needs the name of a variable"))?.to_string();
    let default = positional.get(1).or_else(|| named.iter().find(|(key, _)| key == "default").map(|(_, value)| value));
    // As in dbt, a default of none is no default.
    let default = default.filter(|default| !default.is_none());
    if name.starts_with(SECRET_PREFIX) {
        let message = format!("'{name}' is a secret: only profiles.yml and packages.yml may read it");
        return Err(coded(Code::MissingEnvVar, message));
    }
    ctx.note(|capture| push_new(&mut capture.env_vars, name.clone()));
    if let Some(answer) = ctx.scope.overrides.env_vars.get(&name) {
        return Ok(from_json(answer));
    }
    match (ctx.setup.env.0.get(&name), default) {
        (Some(value), _) => Ok(Value::from(value.as_str())),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(missing_env_var(&name)),
    }
}

/// The error of an environment variable that is not set.
pub(super) fn missing_env_var(name: &str) -> Error {
    let message = format!("environment variable '{name}' is not set: set it, or give env_var() a default");
    coded(Code::MissingEnvVar, message)
}

/// `config`.
#[derive(Debug)]
pub(super) struct ConfigObject;

impl Object for ConfigObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let ctx = RenderContext::of(state)?;
        let (positional, named) = split_args(args);
        let given: Vec<(String, Value)> = match (positional.as_slice(), named.is_empty()) {
            ([only], true) => {
                super::values::pairs_of(only)?.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
            }
            ([], _) => named,
            _ => return Err(fail("config() takes keyword arguments, or one dict")),
        };
        ctx.note(|capture| merge_config(&mut capture.config, given));
        Ok(Value::from(""))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let ctx = RenderContext::of(state)?;
        let (positional, named) = split_args(args);
        let named = |key: &str| named.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let name = positional.first().cloned().or_else(|| named("name")).map(|name| name.to_string());
        let default = positional.get(1).cloned().or_else(|| named("default"));
        let persist = |what: &str| {
            let wanted = ctx.scope.config.get("persist_docs").and_then(|docs| docs.get(what)).and_then(Json::as_bool);
            Ok(Value::from(ctx.execute() && wanted.unwrap_or(false)))
        };
        match (method, name) {
            ("persist_relation_docs", _) => persist("relation"),
            ("persist_column_docs", _) => persist("columns"),
            ("set", Some(name)) => {
                let value = default.unwrap_or_else(|| Value::from(()));
                ctx.note(|capture| merge_config(&mut capture.config, vec![(name, value)]));
                Ok(Value::from(""))
            }
            ("get" | "require" | "meta_get" | "meta_require", Some(_)) if !ctx.execute() => Ok(Value::from("")),
            ("get" | "meta_get", Some(name)) => {
                let found = config_value(&ctx, method, &name);
                Ok(found.or(default).unwrap_or_else(|| Value::from(())))
            }
            ("require" | "meta_require", Some(name)) => config_value(&ctx, method, &name)
                .ok_or_else(|| fail(format!("config '{name}' is required and not set: set it in config() or in YAML"))),
            ("get" | "require" | "set" | "meta_get" | "meta_require", None) => {
                Err(fail(format!("config.{method}() needs a name")))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

fn config_value(ctx: &RenderContext, method: &str, name: &str) -> Option<Value> {
    let config = &ctx.scope.config;
    let found =
        if method.starts_with("meta_") { config.get("meta").and_then(|meta| meta.get(name)) } else { config.get(name) };
    found.filter(|value| !value.is_null()).map(from_json)
}

/// Merges one `config(…)` call into those before it.
///
/// Hooks and tags add up, maps that dbt merges are merged, everything else is replaced.
fn merge_config(into: &mut JsonMap, given: Vec<(String, Value)>) {
    let hyphenated = |key: &str| match key {
        "pre_hook" => Some("pre-hook"),
        "post_hook" => Some("post-hook"),
        _ => None,
    };
    let (hooks, others): (Vec<_>, Vec<_>) = given.into_iter().partition(|(key, _)| hyphenated(key).is_some());
    let hooks = hooks.into_iter().map(|(key, value)| (hyphenated(&key).unwrap_or_default().to_owned(), value));
    for (key, value) in others.into_iter().chain(hooks) {
        let value = to_json(&value);
        match (key.as_str(), into.get_mut(&key)) {
            ("pre-hook" | "post-hook" | "tags" | "packages", Some(existing)) => {
                let mut all = as_list(existing.take());
                all.extend(as_list(value));
                *existing = Json::Array(all);
            }
            ("quoting" | "column_types" | "meta" | "docs" | "contract" | "grants", Some(Json::Object(existing))) => {
                match value {
                    Json::Object(more) => existing.extend(more),
                    other => drop(into.insert(key, other)),
                }
            }
            _ => drop(into.insert(key, value)),
        }
    }
}

fn as_list(value: Json) -> Vec<Json> {
    match value {
        Json::Array(items) => items,
        Json::Null => Vec::new(),
        other => vec![other],
    }
}

/// `_dbt_generic_test_kwargs`: the arguments of a generic test, strings with Jinja rendered to what they mean.
pub(super) struct TestArguments {
    ctx: RenderHandle,
}

impl fmt::Debug for TestArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestArguments")
    }
}

impl TestArguments {
    /// The arguments of the test that is rendered, if it is one.
    pub(super) fn of(ctx: &RenderHandle) -> Option<Self> {
        ctx.scope.test_kwargs.as_ref().map(|_| Self { ctx: Arc::clone(ctx) })
    }
}

impl Object for TestArguments {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let json = self.ctx.scope.test_kwargs.as_ref()?.get(name)?;
        Some(match name {
            // dbt leaves the column's name alone.
            "column_name" => from_json(json),
            _ => rendered(&self.ctx, json).unwrap_or_else(Value::from),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let kwargs = self.ctx.scope.test_kwargs.iter().flat_map(JsonMap::keys);
        Enumerator::Values(kwargs.map(|key| Value::from(key.as_str())).collect())
    }
}

fn rendered(ctx: &RenderHandle, json: &Json) -> Result<Value, Error> {
    Ok(match json {
        Json::String(text) if text.contains("{{") || text.contains("{%") => native::argument(ctx, text)?,
        Json::String(text) if is_call(text) => native::argument(ctx, &format!("{{{{ {text} }}}}"))?,
        Json::Array(items) => list(items.iter().map(|item| rendered(ctx, item)).collect::<Result<_, _>>()?),
        Json::Object(map) => {
            let pair = |(key, value): (&String, &Json)| Ok((Value::from(key.as_str()), rendered(ctx, value)?));
            dict(map.iter().map(pair).collect::<Result<Vec<_>, Error>>()?)
        }
        other => from_json(other),
    })
}

/// Whether a test's argument is a call that dbt evaluates without braces, as `to: ref('orders')` of `relationships`.
fn is_call(text: &str) -> bool {
    let text = text.trim();
    ["env_var", "ref", "var", "source", "doc"].iter().any(|name| {
        let after = text.strip_prefix(name).map(str::trim_start);
        after.is_some_and(|rest| rest.len() > 2 && rest.starts_with('(') && rest.ends_with(')'))
    })
}

/// `store_result(name, response, agate_table=none)` and `store_raw_result`: keeps a statement's result.
pub(super) fn store_result(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let (positional, named) = split_args(args);
    let arg = |at: usize, key: &str| {
        let by_name = named.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        positional.get(at).cloned().or(by_name).unwrap_or_else(|| Value::from(()))
    };
    let table = arg(2, "agate_table");
    let data = super::table::data_of(&table);
    let result = record([("response", arg(1, "response")), ("data", data), ("table", table)]);
    lock(&ctx.results).insert(arg(0, "name").to_string(), result);
    Ok(Value::from(""))
}

/// `load_result(name)`: what the statement of that name returned, or none. As in dbt, it can be taken once.
pub(super) fn load_result(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let ctx = RenderContext::of(state)?;
    let (positional, named) = split_args(args);
    let name = positional.first().or_else(|| named.first().map(|(_, value)| value));
    let name = name.ok_or_else(|| fail("load_result() needs the name of a statement"))?.to_string();
    let mut results = lock(&ctx.results);
    match results.get_mut(&name) {
        None => Ok(Value::from(())),
        Some(result) if result.is_undefined() => {
            Err(fail(format!("the result of statement '{name}' was already loaded: keep it in a variable")))
        }
        Some(result) => Ok(std::mem::replace(result, Value::UNDEFINED)),
    }
}
