//! dbt's dialect of Jinja on top of minijinja: one shared environment with every macro, renders that capture what they
//! saw.
//!
//! Nothing here knows a driver: what needs a database asks the [`Introspect`] that the caller hands in.

mod adapter;
mod blocks;
mod builtin;
mod callable;
mod circles;
mod context;
mod convert;
mod diagnose;
mod dispatch;
mod exceptions;
mod filters;
mod formatting;
mod functions;
mod iterables;
mod keys;
mod lazy;
mod lexer;
mod methods;
mod modules;
mod native;
mod operators;
mod phantom;
mod registry;
mod render;
mod repr;
mod rewrite;
mod table;
mod values;
mod variables;
mod written;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

pub use blocks::Block;
pub use lazy::LazyJson;
pub use native::{render_without_context, render_yaml};
pub use render::Renderer;
pub use written::{Mention, config_call, mentions};

use crate::model::{Column, Diagnostic, JsonMap, Quoting, RefArgs, Relation, SharedMap, Table};

/// What is the same for every render of one invocation.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The root project's name.
    pub project_name: String,
    /// All packages, the root project first, then in the order in which they were installed.
    pub packages: Vec<String>,
    /// Versions of the packages that have one, by name.
    pub package_versions: HashMap<String, String>,
    /// e.g. `duckdb`; decides which built-in macros are loaded and how dispatch searches.
    pub adapter_type: String,
    /// What `target` shows: the profile's output without credentials.
    pub target: JsonMap,
    /// Variables.
    pub vars: Vars,
    /// The environment that templates may read.
    pub env: Env,
    /// `dispatch:` of `dbt_project.yml`: namespace to search order.
    pub dispatch: Vec<(String, Vec<String>)>,
    /// What `flags` shows.
    pub flags: JsonMap,
    /// What `invocation_args_dict` shows.
    pub invocation_args: JsonMap,
    /// What `dbt_version` shows.
    pub dbt_version: String,
    /// What `invocation_id` shows.
    pub invocation_id: String,
    /// What `run_started_at` shows, in UTC.
    pub run_started_at: chrono::DateTime<chrono::Utc>,
    /// How relations are quoted by default.
    pub quoting: Quoting,
}

/// Variables by where they were set; the command line wins, then the package's own, then the root project's, as in dbt.
#[derive(Debug, Clone, Default)]
pub struct Vars {
    /// From `--vars`.
    pub cli: JsonMap,
    /// `vars:` of the root project, its per-package maps included as written.
    pub root: JsonMap,
    /// `vars:` of each package by package name.
    pub packages: HashMap<String, JsonMap>,
}

/// The environment variables that templates may read.
#[derive(Debug, Clone, Default)]
pub struct Env(pub Arc<HashMap<String, String>>);

/// A macro block as found in a file; the renderer adds what reading it tells.
#[derive(Debug, Clone, Default)]
pub struct MacroSource {
    /// The package it belongs to.
    pub package: String,
    /// Its file, relative to the package's root.
    pub path: String,
    /// The whole file. Blocks that are not macros, tests or materializations are ignored.
    pub contents: String,
}

/// What a render at parse time saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Capture {
    /// `ref()` calls in order, with repeats: dbt keeps them.
    pub refs: Vec<RefArgs>,
    /// `source()` calls in order, with repeats: dbt keeps them.
    pub sources: Vec<[String; 2]>,
    /// `metric()` calls.
    pub metrics: Vec<Vec<String>>,
    /// `function()` calls.
    pub functions: Vec<Vec<String>>,
    /// All `config(...)` keyword arguments, rendered, later calls over earlier ones as dbt merges them
    /// (`pre_hook` and `post_hook` under `pre-hook` and `post-hook`).
    pub config: JsonMap,
    /// Unique ids of macros the node itself calls (dispatch candidates included as dbt captures them), in order of use.
    pub macros: Vec<String>,
    /// Names of variables read.
    pub vars: Vec<String>,
    /// Names of environment variables read.
    pub env_vars: Vec<String>,
}

/// Answers that a unit test gives in place of the real ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Macros by name, with their package before a dot where it is named: every call answers the value.
    pub macros: JsonMap,
    /// Variables by name.
    pub vars: JsonMap,
    /// Environment variables by name.
    pub env_vars: JsonMap,
}

/// What a node's template may see of itself.
#[derive(Debug, Clone, Default)]
pub struct NodeScope {
    /// The package whose macros and variables win.
    pub package: String,
    /// The file, relative to the project's root, for errors.
    pub path: String,
    /// The line of the file on which the template begins, from 1.
    pub first_line: u32,
    /// The node's name, which `this` has where the node has no relation.
    pub name: String,
    /// What `model` (and `node`) shows: the node as in the manifest.
    pub model: LazyJson,
    /// What `this` is.
    pub this: Option<Relation>,
    /// What `config.get` answers at execution; ignored while parsing.
    pub config: SharedMap,
    /// `_dbt_generic_test_kwargs`: strings with Jinja are rendered natively, so that `model` becomes a relation.
    pub test_kwargs: Option<JsonMap>,
    /// Further top-level names, e.g. `sql`, `pre_hooks`.
    pub extra: JsonMap,
    /// What a unit test puts in place of macros and variables.
    pub overrides: Overrides,
}

/// What a template can ask of the world while it runs for real (`execute` is true).
///
/// The methods block; the caller runs renders on blocking threads.
pub trait Introspect: Send + Sync {
    /// The relation that `ref` names for the node being rendered. For an ephemeral model, a relation whose only part is
    /// the identifier `__dbt__cte__<name>` and whose kind is `Ephemeral`.
    fn resolve_ref(&self, r: &RefArgs) -> Result<Relation, Diagnostic>;
    /// The relation that `source` names.
    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation, Diagnostic>;
    /// The relation that a call of `function` names, by its name or by package and name.
    fn resolve_function(&self, call: &[String]) -> Result<Relation, Diagnostic>;
    /// What `graph` shows.
    fn graph(&self) -> Arc<Json>;
    /// Whether there is a database to ask. Without one the three methods below fail.
    fn has_database(&self) -> bool {
        true
    }
    /// Runs `sql` and returns what it returns; the error has the database's own words.
    fn query(&self, sql: &str) -> Result<Table, Diagnostic>;
    /// Relations of one schema.
    fn list_relations(&self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Diagnostic>;
    /// Columns of a relation, empty when it does not exist.
    fn columns(&self, relation: &Relation) -> Result<Vec<Column>, Diagnostic>;
    /// A line the template wants the user to see (`log(…, info=true)`, `print`).
    fn message(&self, text: &str);
}

/// A render's text with what it captured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// What was captured, at parse time and at execution alike.
    pub capture: Capture,
}

/// What strings in YAML files may see: no macros, no nodes.
#[derive(Debug, Clone, Default)]
pub struct YamlScope {
    /// What `target` shows; empty while the profile itself is rendered.
    pub target: JsonMap,
    /// `--vars`, over the project's own where the file may see them.
    pub vars: JsonMap,
    /// The environment, secrets included only for profiles and packages.
    pub env: Env,
    /// Whether `DBT_ENV_SECRET_…` may be read (profiles.yml, packages.yml).
    pub allow_secrets: bool,
    /// `doc()` for descriptions: block name (`name` or `package.name`) to text.
    pub docs: Option<Arc<HashMap<String, String>>>,
}

/// Keywords of tags outside of every block of a file, with their lines. Nothing when the file does not parse.
pub fn stray_tags(source: &str) -> Vec<(String, u32)> {
    let mut strays = Vec::new();
    match blocks::find_with(source, &mut |keyword, line| strays.push((keyword.to_owned(), line))) {
        Ok(_) => strays,
        Err(_) => Vec::new(),
    }
}

/// Finds the top-level blocks of a file. Comments, `{% raw %}` and strings are respected.
///
/// # Errors
/// A block that is never closed, a tag that does not parse; with its place in `path`.
pub fn blocks(source: &str, path: &str) -> Result<Vec<Block>, Box<Diagnostic>> {
    blocks::find(source).map_err(|error| Box::new(diagnose::syntax(&error, path, 1, source)))
}
