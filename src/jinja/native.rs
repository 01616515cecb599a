//! Renders text to what it means rather than to text: YAML strings, and the arguments of generic tests.

use std::sync::{Arc, LazyLock, Mutex};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Environment, Error, ErrorKind, State};
use serde_json::Value as Json;

use super::YamlScope;
use super::context::{RenderHandle, SELF};
use super::diagnose::{self, Origin, coded};
use super::lexer::{Kind, Lexer, Piece, Token};
use super::phantom::{Phantom, is_undefined, undefined_error};
use super::repr::{to_str, write_str};
use super::values::{fail, from_json, lock, split_args, to_json};
use super::variables::{SECRET_PREFIX, missing_env_var, nested};
use super::{functions, modules, render, rewrite};
use crate::model::{Code, Diagnostic, RefArgs};

/// Renders one YAML string to what it means, as dbt's native environment does: a template that puts out one value is
/// that value, a constant or several parts are text, and `as_bool`, `as_number`, `as_native` read the text as a
/// literal.
///
/// # Errors
/// The message of the template error (unknown variable, syntax), without a place.
pub fn render_yaml(text: &str, scope: &YamlScope) -> Result<Json, Diagnostic> {
    if !has_jinja(text) {
        return Ok(Json::String(text.to_owned()));
    }
    let text = text.strip_suffix('\n').unwrap_or(text);
    let origin = Origin { path: "", first_line: 1, source: text };
    let without_place = |mut diagnostic: Diagnostic| {
        diagnostic.location = None;
        diagnostic.trace.clear();
        diagnostic
    };
    let rewritten = rewrite::rewrite(text).map_err(|error| without_place(diagnose::syntax(&error, "", 1, text)))?;
    let context = Arc::new(YamlContext { scope: scope.clone(), printed: Mutex::default(), marked: Mutex::default() });
    let failed = |error: Error| without_place(diagnose::runtime(&error, &origin));
    let rendered = ENVIRONMENT.render_str(&rewritten.text, Value::from_dyn_object(Arc::clone(&context)));
    let rendered = rendered.map_err(failed)?;
    let printed = std::mem::take(&mut *lock(&context.printed));
    let marked = std::mem::take(&mut *lock(&context.marked));
    match printed.as_slice() {
        [only] if is_undefined(only) => Err(failed(undefined_error(only))),
        [only] if to_str(only) == rendered && !is_constant(text) => native_json(only, &marked).map_err(failed),
        _ => Ok(Json::String(rendered)),
    }
}

/// Renders text in which no name means anything, as that of a docs block.
///
/// # Errors
/// The message of the template error, without a place.
pub fn render_without_context(text: &str) -> Result<String, Diagnostic> {
    if !has_jinja(text) {
        return Ok(text.to_owned());
    }
    let origin = Origin { path: "", first_line: 1, source: text };
    let rewritten = rewrite::rewrite(text).map_err(|error| diagnose::syntax(&error, "", 1, text))?;
    ENVIRONMENT.render_str(&rewritten.text, ()).map_err(|error| diagnose::runtime(&error, &origin))
}

/// Whether the expressions that `text` prints name nothing, so that Jinja2 makes them text before it runs them.
fn is_constant(text: &str) -> bool {
    let mut lexer = Lexer::new(text);
    while let Ok(Some(piece)) = lexer.next_piece() {
        let Piece::Tag(tag) = piece else { continue };
        let names = |(at, token): (usize, &Token<'_>)| match token.kind {
            Kind::Name(name) => {
                let before = at.checked_sub(1).map(|at| &tag.tokens[at].kind);
                let is_filter = matches!(before, Some(Kind::Op("|")));
                if is_filter { name.starts_with("as_") } else { !is_keyword(name) }
            }
            _ => false,
        };
        if tag.prints && tag.tokens.iter().enumerate().any(names) {
            return false;
        }
    }
    true
}

fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "true" | "True" | "false" | "False" | "none" | "None" | "and" | "or" | "not" | "if" | "else" | "in" | "is"
    )
}

/// Whether `text` has anything to render.
pub(super) fn has_jinja(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// The rewritten expression, when the template is nothing but one `{{ … }}`.
fn single_expression<'r>(source: &str, rewritten: &'r str) -> Option<&'r str> {
    match Lexer::new(source).next_piece() {
        Ok(Some(Piece::Tag(tag))) if tag.prints && tag.end == source.len() => {
            rewritten.strip_prefix(tag.open)?.strip_suffix(tag.close)
        }
        _ => None,
    }
}

/// Renders an argument of a generic test in the context of `ctx`: the value itself when it is one expression, else
/// text.
pub(super) fn argument(ctx: &RenderHandle, text: &str) -> Result<Value, Error> {
    if let Some(value) = usual_argument(ctx, text)? {
        return Ok(value);
    }
    let rewritten = rewrite::rewrite(text).map_err(|error| fail(error.message))?;
    let child = ctx.child();
    let value = match single_expression(text, &rewritten.text) {
        Some(expression) => {
            render::run(&child, &format!("{{% do __keep({expression}) %}}"))?;
            lock(&child.kept).take().unwrap_or_default()
        }
        None => Value::from(render::run(&child, &rewritten.text)?),
    };
    ctx.absorb_argument(&child);
    Ok(value)
}

/// The arguments that nearly every test has, without compiling them: the tested model, and `to: ref('…')`.
fn usual_argument(ctx: &RenderHandle, text: &str) -> Result<Option<Value>, Error> {
    const WHERE_SUBQUERY: &str = "{% do __keep(get_where_subquery(slimdiff_relation)) %}";
    let Some(call) = text.strip_prefix("{{ ").and_then(|rest| rest.strip_suffix(" }}")) else { return Ok(None) };
    let inner = call.strip_prefix("get_where_subquery(").and_then(|rest| rest.strip_suffix(')'));
    let Some(name) = inner.unwrap_or(call).strip_prefix("ref('").and_then(|rest| rest.strip_suffix("')")) else {
        return Ok(None);
    };
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_plain || ctx.is_overridden("ref") {
        return Ok(None);
    }
    let child = ctx.child();
    let reference = RefArgs { name: name.to_owned(), package: None, version: None };
    let mut value = functions::referenced(&child, reference)?;
    if inner.is_some() && !ctx.execute() && ctx.shared.has_plain_where_subquery() {
        child.enter("macro.dbt.get_where_subquery");
    } else if inner.is_some() {
        lock(&child.given).insert("slimdiff_relation", value);
        let Some(rendered) = render::run_kept(&child, WHERE_SUBQUERY) else { return Ok(None) };
        rendered?;
        value = lock(&child.kept).take().unwrap_or_default();
    }
    ctx.absorb_argument(&child);
    Ok(Some(value))
}

/// Renders `text` in the context of `ctx` to text.
pub(super) fn text(ctx: &RenderHandle, text: &str) -> Result<String, Error> {
    let rewritten = rewrite::rewrite(text).map_err(|error| fail(error.message))?;
    let child = ctx.child();
    let rendered = render::run(&child, &rewritten.text)?;
    ctx.absorb(&child);
    Ok(rendered)
}

/// A text that `as_number` or one of its kin made: it has to read as a value of a kind if it is what is printed.
#[derive(Debug)]
struct Marked {
    kind: &'static str,
    text: String,
}

fn native_json(value: &Value, marked: &[Marked]) -> Result<Json, Error> {
    let Some(marked) = value.as_str().and_then(|text| marked.iter().rev().find(|marked| marked.text == text)) else {
        return Ok(to_json(value));
    };
    let literal = literal(&marked.text);
    let fits = match marked.kind {
        "text" => return Ok(Json::String(marked.text.clone())),
        "bool" => literal.as_ref().is_some_and(Json::is_boolean),
        "number" => literal.as_ref().is_some_and(Json::is_number),
        _ => true,
    };
    match literal {
        Some(literal) if fits => Ok(literal),
        None if marked.kind == "native" => Ok(Json::String(marked.text.clone())),
        _ => Err(fail(format!("'{}' does not read as a {}", marked.text, marked.kind))),
    }
}

/// What a Python literal means: numbers, booleans, none, text, lists and dicts.
fn literal(text: &str) -> Option<Json> {
    let text = text.trim();
    match text {
        "True" => return Some(Json::Bool(true)),
        "False" => return Some(Json::Bool(false)),
        "None" => return Some(Json::Null),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Json::from);
    }
    if let Ok(i) = text.replace('_', "").parse::<i64>() {
        return Some(Json::from(i));
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    if let Some(x) = text.parse::<f64>().ok().filter(|_| is_number) {
        return serde_json::Number::from_f64(x).map(Json::Number);
    }
    if !text.starts_with(['[', '{', '(', '"', '\'']) {
        return None;
    }
    // A container or text: the expression language without names reads it.
    let rewritten = rewrite::rewrite(&format!("{{{{ {text} }}}}")).ok()?;
    let expression = rewritten.text.strip_prefix("{{")?.strip_suffix("}}")?;
    let value = ENVIRONMENT.compile_expression_owned(expression.to_owned()).ok()?.eval(()).ok()?;
    Some(to_json(&value))
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = render::environment();
    for (name, kind) in [("as_text", "text"), ("as_bool", "bool"), ("as_number", "number"), ("as_native", "native")] {
        env.add_filter(name, move |state: &State<'_, '_>, value: Value| {
            let text = to_str(&value);
            if let Some(context) = state.lookup(SELF).and_then(|context| context.downcast_object::<YamlContext>()) {
                lock(&context.marked).push(Marked { kind, text: text.clone() });
            }
            // To everything that looks at it before it is printed it is text, as in dbt.
            text
        });
    }
    env.set_formatter(|out, state, value| {
        if let Some(context) = state.lookup(SELF).and_then(|context| context.downcast_object::<YamlContext>()) {
            lock(&context.printed).push(value.clone());
        }
        write_str(out, value).map_err(Error::from)
    });
    env
});

/// What YAML strings may see, what was printed, and what was marked on the way.
#[derive(Debug)]
struct YamlContext {
    scope: YamlScope,
    printed: Mutex<Vec<Value>>,
    marked: Mutex<Vec<Marked>>,
}

impl Object for YamlContext {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let function = |name| Some(Value::from_object(YamlFunction { name, context: Arc::clone(self) }));
        match key {
            "var" => function("var"),
            "env_var" => function("env_var"),
            "doc" => function("doc"),
            "target" => Some(from_json(&Json::Object(self.scope.target.clone()))),
            "dbt_version" => Some(Value::from(crate::model::DBT_VERSION)),
            "modules" => Some(modules::modules()),
            SELF => Some(Value::from_dyn_object(Arc::clone(self))),
            "namespace" => None,
            _ if key.starts_with("__") => None,
            "return" | "ref" | "source" | "metric" | "log" | "store_result" | "load_result" | "render" | "write" => {
                Some(Phantom::value(key, false))
            }
            _ => functions::function(key).or_else(|| Some(Phantom::value(key, false))),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }
}

/// `var`, `env_var` and `doc` in YAML.
#[derive(Debug)]
struct YamlFunction {
    name: &'static str,
    context: Arc<YamlContext>,
}

impl YamlFunction {
    fn doc(&self, args: &[Value]) -> Result<Value, Error> {
        let name = args.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        match self.context.scope.docs.as_ref().and_then(|docs| docs.get(&name)) {
            Some(text) => Ok(Value::from(text.as_str())),
            None => Err(coded(Code::InvalidProperty, format!("there is no docs block '{name}'"))),
        }
    }
}

impl Object for YamlFunction {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (args, named) = split_args(args);
        let scope = &self.context.scope;
        if self.name == "doc" {
            return self.doc(&args);
        }
        let name = args.first().ok_or_else(|| fail(format!("{}() needs a name", self.name)))?.to_string();
        let default =
            args.get(1).cloned().or_else(|| named.into_iter().find(|(key, _)| key == "default").map(|(_, v)| v));
        let found = if self.name == "var" {
            match scope.vars.get(&name) {
                // Property files, which have docs, see variables as they are written.
                Some(Json::String(text)) if has_jinja(text) && scope.docs.is_none() => {
                    let rendered =
                        nested(&name, || render_yaml(text, scope).map_err(|diagnostic| fail(diagnostic.message)))?;
                    Some(Value::from(to_str(&from_json(&rendered))))
                }
                other => other.map(from_json),
            }
        } else {
            if name.starts_with(SECRET_PREFIX) && !scope.allow_secrets {
                let message = format!("'{name}' is a secret: only profiles.yml and packages.yml may read it");
                return Err(coded(Code::MissingEnvVar, message));
            }
            scope.env.0.get(&name).map(|value| Value::from(value.as_str()))
        };
        // As in dbt, an environment variable's default of none is no default.
        let default = default.filter(|default| self.name == "var" || !default.is_none());
        match found.or(default) {
            Some(value) => Ok(value),
            None if self.name == "var" => {
                let message = format!("variable '{name}' has no value here: set it with --vars, or give a default");
                Err(coded(Code::MissingVar, message))
            }
            None => Err(missing_env_var(&name)),
        }
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match (self.name, method, args) {
            ("var", "has_var", [name]) => Ok(Value::from(self.context.scope.vars.contains_key(&name.to_string()))),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}
