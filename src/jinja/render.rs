//! The renderer: one environment with every macro, shared by all threads.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use serde_json::Value as Json;

use super::callable::PRELUDE;
use super::context::{Lazy, RenderContext, RenderHandle, Shared};
use super::diagnose::{self, Origin};
use super::registry::Registry;
use super::rewrite;
use super::values::{from_json, lock, to_json};
use super::{Introspect, MacroSource, NodeScope, Rendered, Setup, filters, functions, methods, native, repr};
use crate::model::{Code, Diagnostic, JsonMap, Location, Macro, nearest};

/// The name under which the engine knows the text that is rendered.
const TEMPLATE: &str = "<template>";

/// Put before the source of a template that is kept once it is compiled. No macro's id begins so.
const KEPT: &str = "\0";

/// The template that calls what [`Renderer::call`] was asked to call.
const CALL: &str = "{% do __keep(slimdiff_callee(*slimdiff_args, **slimdiff_kwargs)) %}";

/// The compiled environment. Shared by every thread.
pub struct Renderer {
    shared: Arc<Shared>,
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

/// An environment that behaves like Jinja2 in dbt, without macros.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    // Costs little, and lets the engine say which value was undefined.
    env.set_debug(true);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_formatter(|out, _state, value| repr::write_str(out, value).map_err(Error::from));
    env.set_unknown_method_callback(methods::unknown_method);
    // Macros count their own depth; the engine's count would end a render earlier, and with a worse message.
    env.set_recursion_limit(10_000);
    functions::install(&mut env);
    filters::install(&mut env);
    env
}

/// Renders `source`, already in the engine's dialect, in `ctx`.
pub(super) fn run(ctx: &RenderHandle, source: &str) -> Result<String, Error> {
    let template = [PRELUDE, source].concat();
    ctx.shared.env.render_named_str(TEMPLATE, &template, Value::from_dyn_object(Arc::clone(ctx)))
}

/// Renders `source`, not yet in the engine's dialect, in `ctx`, and keeps what was compiled for the next time. For
/// templates that are rendered over and over; none when `source` does not parse.
pub(super) fn run_kept(ctx: &RenderHandle, source: &str) -> Option<Result<String, Error>> {
    let template = ctx.shared.env.get_template(&[KEPT, source].concat()).ok()?;
    Some(template.render(Value::from_dyn_object(Arc::clone(ctx))))
}

impl Renderer {
    /// Compiles every macro of `files` and the built-in ones of the adapter. Files that do not parse are reported and
    /// left out.
    pub fn new(setup: Setup, files: Vec<MacroSource>) -> (Self, Vec<Diagnostic>) {
        let (registry, problems) = Registry::new(&setup, files);
        let registry = Arc::new(registry);
        let mut env = environment();
        let macros = Arc::clone(&registry);
        // The engine compiles a macro when a render first calls it, and keeps it for all renders.
        env.set_loader(move |name| {
            if let Some(source) = name.strip_prefix(KEPT) {
                // What does not parse is reported by the render that comes after.
                return Ok(rewrite::rewrite(source).ok().map(|rewritten| [PRELUDE, &rewritten.text].concat()));
            }
            let compiled = macros.entry(name).and_then(|entry| entry.compiled().ok());
            Ok(compiled.map(|compiled| compiled.template.clone()))
        });
        (Self { shared: Arc::new(Shared::new(setup, registry, env)) }, problems)
    }

    /// The same macros for templates that see another `target`, e.g. with the schema of a pull request.
    #[must_use]
    pub fn with_target(&self, target: JsonMap) -> Self {
        let setup = Setup { target, ..(*self.shared.setup).clone() };
        let (registry, env) = (Arc::clone(&self.shared.registry), self.shared.env.clone());
        Self { shared: Arc::new(Shared::new(setup, registry, env)) }
    }

    /// The same macros in another run: another `invocation_id`, another `run_started_at`.
    #[must_use]
    pub fn with_run(&self, invocation_id: String, run_started_at: chrono::DateTime<chrono::Utc>) -> Self {
        let setup = Setup { invocation_id, run_started_at, ..(*self.shared.setup).clone() };
        let (registry, env) = (Arc::clone(&self.shared.registry), self.shared.env.clone());
        Self { shared: Arc::new(Shared::new(setup, registry, env)) }
    }

    /// All macros by unique id, built-in ones included, each with the macros it calls.
    pub fn macros(&self) -> &IndexMap<String, Macro> {
        self.shared.registry.models()
    }

    /// Whether a macro of this name can be called from `package`; its unique id.
    pub fn find_macro(&self, name: &str, package: &str) -> Option<&str> {
        let found = match name.split_once('.') {
            Some((package, name)) => self.shared.registry.find_qualified(package, name),
            None => self.shared.registry.find(name, package),
        };
        found.map(|(entry, _)| entry.unique_id.as_str())
    }

    /// The names of all generic tests.
    pub fn test_names(&self) -> impl Iterator<Item = &str> {
        self.shared.registry.tests()
    }

    /// Renders `source` with `execute` false.
    ///
    /// # Errors
    /// What does not parse or fails, with its place and the way through macros.
    pub fn parse(&self, source: &str, scope: &NodeScope) -> Result<Rendered, Box<Diagnostic>> {
        self.render_with(source, scope, None)
    }

    /// Renders `source`, the code of a generic test, with `execute` false. Many tests have the same code, which is
    /// compiled once.
    ///
    /// # Errors
    /// What does not parse or fails, with its place and the way through macros.
    pub fn parse_test(&self, source: &str, scope: &NodeScope) -> Result<Rendered, Box<Diagnostic>> {
        let ctx = Arc::new(RenderContext::new(Arc::clone(&self.shared), Arc::new(scope.clone()), None));
        match run_kept(&ctx, source) {
            Some(Ok(text)) => Ok(Rendered { text, capture: ctx.take_capture() }),
            Some(Err(error)) => Err(Box::new(self.diagnostic(&error, scope, source))),
            None => self.parse(source, scope),
        }
    }

    /// Renders `source` with `execute` true.
    ///
    /// # Errors
    /// What does not parse or fails, with its place and the way through macros.
    pub fn render(
        &self,
        source: &str,
        scope: &NodeScope,
        world: &Arc<dyn Introspect>,
    ) -> Result<Rendered, Box<Diagnostic>> {
        self.render_with(source, scope, Some(world))
    }

    fn render_with(
        &self,
        source: &str,
        scope: &NodeScope,
        world: Option<&Arc<dyn Introspect>>,
    ) -> Result<Rendered, Box<Diagnostic>> {
        if !native::has_jinja(source) {
            return Ok(Rendered { text: source.to_owned(), ..Rendered::default() });
        }
        // Jinja knows one line break.
        let unix;
        let source = if source.contains('\r') {
            unix = source.replace("\r\n", "\n").replace('\r', "\n");
            unix.as_str()
        } else {
            source
        };
        let rewritten = rewrite::rewrite(source)
            .map_err(|error| Box::new(diagnose::syntax(&error, &scope.path, scope.first_line, source)))?;
        let ctx = Arc::new(RenderContext::new(Arc::clone(&self.shared), Arc::new(scope.clone()), world.cloned()));
        let text = run(&ctx, &rewritten.text).map_err(|error| Box::new(self.diagnostic(&error, scope, source)))?;
        Ok(Rendered { text, capture: ctx.take_capture() })
    }

    /// Calls a macro by name (searched from `scope.package`, root project's override first) with JSON arguments and
    /// returns its value: text for an ordinary macro, anything for one that uses `return`. `world` is none while
    /// parsing.
    ///
    /// # Errors
    /// No such macro, or what failed in it.
    pub fn call(
        &self,
        name: &str,
        args: &[Json],
        kwargs: &JsonMap,
        scope: &NodeScope,
        world: Option<&Arc<dyn Introspect>>,
    ) -> Result<Json, Box<Diagnostic>> {
        let callee = self.callee(name, scope)?;
        let args = args.iter().map(from_json).collect();
        let kwargs = kwargs.iter().map(|(key, value)| (key.clone(), from_json(value))).collect();
        let value = self.call_with(callee, args, kwargs, scope, world)?;
        Ok(to_json(&value))
    }

    /// Calls one of dbt's `generate_…_name` macros: with the custom name, if there is one, and the node of `scope`.
    ///
    /// # Errors
    /// No such macro, or what failed in it.
    pub fn generate_name(&self, name: &str, custom: Option<&str>, scope: &NodeScope) -> Result<Json, Box<Diagnostic>> {
        let callee = self.callee(name, scope)?;
        let node = Value::from_object(Lazy::new(scope.model.clone()));
        let args = vec![custom.map_or_else(|| Value::from(()), Value::from), node];
        Ok(to_json(&self.call_with(callee, args, Vec::new(), scope, None)?))
    }

    fn callee(&self, name: &str, scope: &NodeScope) -> Result<&Value, Box<Diagnostic>> {
        let registry = &self.shared.registry;
        let found = match name.split_once('.') {
            Some((package, name)) => registry.find_qualified(package, name),
            None => registry.find_override(name, &scope.package),
        };
        found.map(|(_, callee)| callee).ok_or_else(|| {
            let missing = Diagnostic::error(Code::UnknownMacro, format!("there is no macro '{name}'"));
            Box::new(missing.at(Location::file(scope.path.as_str())))
        })
    }

    fn call_with(
        &self,
        callee: &Value,
        args: Vec<Value>,
        kwargs: Vec<(String, Value)>,
        scope: &NodeScope,
        world: Option<&Arc<dyn Introspect>>,
    ) -> Result<Value, Box<Diagnostic>> {
        let ctx = Arc::new(RenderContext::new(Arc::clone(&self.shared), Arc::new(scope.clone()), world.cloned()));
        lock(&ctx.given).extend([
            ("slimdiff_callee", callee.clone()),
            ("slimdiff_args", Value::from(args)),
            ("slimdiff_kwargs", Value::from(Kwargs::from_iter(kwargs))),
        ]);
        run(&ctx, CALL).map_err(|error| Box::new(self.diagnostic(&error, scope, "")))?;
        let value = lock(&ctx.kept).take().unwrap_or_default();
        Ok(value)
    }

    fn diagnostic(&self, error: &Error, scope: &NodeScope, source: &str) -> Diagnostic {
        let origin = Origin { path: &scope.path, first_line: scope.first_line, source };
        let mut diagnostic = diagnose::runtime(error, &origin);
        if let Some(name) = diagnostic.message.strip_prefix('\'').and_then(|rest| rest.strip_suffix("' is undefined"))
            && let Some(near) = nearest(name, self.shared.registry.names(&scope.package))
        {
            diagnostic.hint = Some(format!("did you mean the macro '{near}'?"));
        }
        diagnostic
    }
}
