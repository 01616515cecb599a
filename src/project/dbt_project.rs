//! One `dbt_project.yml`: its checks, its defaults, its old names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::error::Error;
use super::files::{Folders, Text};
use super::keys;
use super::render::{is_template, render};
use super::version;
use crate::jinja::{YamlScope, render_yaml};
use crate::model::{Code, Diagnostic, JsonMap, Location};
use crate::yaml::{self, Node};

/// Its name.
pub(super) const FILE: &str = "dbt_project.yml";

/// Keys of `dbt_project.yml` that hold configuration by folder.
const TREES: [&str; 11] = [
    "models",
    "seeds",
    "snapshots",
    "data_tests",
    "sources",
    "exposures",
    "metrics",
    "semantic-models",
    "saved-queries",
    "unit_tests",
    "functions",
];

/// A `dbt_project.yml` as read, nothing rendered yet.
pub(super) struct ProjectFile {
    dir: PathBuf,
    /// For messages: relative to the root project.
    shown: String,
    root: Node,
    contents: Arc<str>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// What a rendered `dbt_project.yml` says.
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) version: Option<String>,
    /// `require-dbt-version:`.
    pub(super) requires: Vec<String>,
    pub(super) folders: Folders,
    pub(super) config: JsonMap,
    pub(super) unrendered_config: JsonMap,
    pub(super) quoting: JsonMap,
    pub(super) dispatch: Vec<(String, Vec<String>)>,
    pub(super) on_run_start: Vec<String>,
    pub(super) on_run_end: Vec<String>,
    pub(super) query_comment: Option<Json>,
    pub(super) flags: JsonMap,
    pub(super) vars: JsonMap,
    pub(super) target_path: Option<String>,
    pub(super) packages_path: String,
    pub(super) file: Text,
}

impl Settings {
    /// Whether the version of dbt that we follow is one that the project wants.
    pub(super) fn check_version(&self) -> Result<(), Error> {
        if version::fits(version::FOLLOWED, &self.requires) {
            return Ok(());
        }
        let required = self.requires.join(",");
        Err(Error::Version { package: self.name.clone(), required, ours: version::FOLLOWED })
    }
}

impl ProjectFile {
    /// Reads `dir/dbt_project.yml`; `shown` is the folder's path in messages, with a trailing `/` unless empty.
    pub(super) fn read(dir: &Path, shown: &str) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let contents = fs::read_to_string(&path).map_err(|source| Error::Unreadable { path, source })?;
        let shown = format!("{shown}{FILE}");
        let parsed = yaml::parse(contents.trim_end()).map_err(|error| Error::invalid(error.into_diagnostic(&shown)))?;
        let diagnostics = parsed
            .duplicates
            .iter()
            .map(|duplicate| {
                let location = Location { path: shown.clone(), line: duplicate.line, column: duplicate.column };
                let message = format!(
                    "`{}` is given twice, first in line {}; the later value counts",
                    duplicate.key, duplicate.first_line
                );
                Diagnostic::warning(Code::DuplicateKey, message).at(location).with_excerpt_of(&contents)
            })
            .collect();
        let mut file = Self { dir: dir.to_owned(), shown, root: parsed.root, contents: contents.into(), diagnostics };
        let Some(root) = file.root.as_mapping() else {
            let why = if file.root.is_null() { "it is empty" } else { "it holds no keys" };
            return Err(file.invalid(&file.root, why, "it needs at least `name:` and `profile:`"));
        };
        let wrong = keys::check(root, &file.shown, &file.contents);
        file.diagnostics.extend(wrong);
        Ok(file)
    }

    /// `profile:`, rendered.
    pub(super) fn profile_name(&self, scope: &YamlScope) -> Result<Option<String>, Error> {
        let Some(node) = self.root.get("profile") else { return Ok(None) };
        let Some(text) = node.as_str() else { return Ok(None) };
        if !is_template(text) {
            return Ok(Some(text.to_owned()));
        }
        match render_yaml(text, scope) {
            Ok(Json::String(name)) => Ok(Some(name)),
            Ok(other) => Ok(Some(other.to_string())),
            Err(diagnostic) => Err(Error::invalid(diagnostic.at(node.location(&self.shown)))),
        }
    }

    /// `name:` as written.
    pub(super) fn written_name(&self) -> Result<String, Error> {
        match self.root.to_json() {
            Json::Object(map) => self.name(&map),
            _ => self.name(&JsonMap::new()),
        }
    }

    /// Renders the file and takes it apart. `any_version` allows it to require another dbt.
    pub(super) fn settings(&self, scope: &YamlScope, any_version: bool) -> Result<Settings, Error> {
        let rendered = render(&self.root, scope, &self.shown, &renders_later).map_err(Error::invalid)?;
        let Json::Object(rendered) = rendered else {
            return Err(self.invalid(&self.root, "it holds no keys", "it needs at least `name:` and `profile:`"));
        };
        let name = self.name(&rendered)?;
        let unrendered = match self.root.to_json() {
            Json::Object(map) => map,
            _ => JsonMap::new(),
        };
        let vars = match self.root.get("vars").map(Node::to_printed_json) {
            Some(Json::Object(map)) => map,
            _ => JsonMap::new(),
        };
        let settings = Settings {
            name,
            requires: strings(rendered.get("require-dbt-version")),
            version: rendered.get("version").filter(|v| !v.is_null()).map(plain_text),
            folders: folders(&rendered),
            config: self.trees(&rendered)?,
            unrendered_config: self.trees(&unrendered)?,
            quoting: object(&rendered, "quoting"),
            dispatch: dispatch(&rendered),
            on_run_start: strings(rendered.get("on-run-start")),
            on_run_end: strings(rendered.get("on-run-end")),
            query_comment: rendered.get("query-comment").cloned(),
            flags: object(&rendered, "flags"),
            vars,
            target_path: rendered.get("target-path").and_then(Json::as_str).map(str::to_owned),
            packages_path: rendered
                .get("packages-install-path")
                .or_else(|| rendered.get("modules-path"))
                .and_then(Json::as_str)
                .unwrap_or("dbt_packages")
                .to_owned(),
            file: Text { path: FILE.to_owned(), contents: Arc::clone(&self.contents) },
        };
        if !any_version {
            settings.check_version()?;
        }
        Ok(settings)
    }

    fn name(&self, rendered: &JsonMap) -> Result<String, Error> {
        let Some(name) = rendered.get("name").and_then(Json::as_str) else {
            let node = self.root.get("name").unwrap_or(&self.root);
            return Err(self.invalid(node, "it has no `name:` that is text", "add `name: my_project`"));
        };
        let fits = |c: char| c == '_' || c.is_alphanumeric();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fits) {
            let node = self.root.get("name").unwrap_or(&self.root);
            return Err(self.invalid(
                node,
                &format!("`{name}` is no name: only letters, digits and underscores are allowed"),
                &format!("write `name: {}`", suggested(name)),
            ));
        }
        Ok(name.to_owned())
    }

    fn trees(&self, all: &JsonMap) -> Result<JsonMap, Error> {
        if all.contains_key("tests") && all.contains_key("data_tests") {
            let node = self.root.get("tests").unwrap_or(&self.root);
            let why = "it has both `tests:` and `data_tests:`, which are the same";
            return Err(self.invalid(node, why, "move all below `data_tests:`"));
        }
        let mut trees = JsonMap::new();
        for tree in TREES {
            let value = all.get(tree).or_else(|| (tree == "data_tests").then(|| all.get("tests")).flatten());
            match value {
                None | Some(Json::Null) => {}
                Some(Json::Object(map)) => {
                    trees.insert(tree.to_owned(), Json::Object(map.clone()));
                }
                Some(_) => {
                    let node = self.root.get(tree).unwrap_or(&self.root);
                    let why = format!("`{tree}:` takes a mapping, not {}", node.value.kind());
                    return Err(self.invalid(
                        node,
                        &why,
                        &format!("write the project's name and `+` keys below `{tree}:`"),
                    ));
                }
            }
        }
        Ok(trees)
    }

    fn invalid(&self, node: &Node, why: &str, hint: &str) -> Error {
        let message = format!("{} cannot be used: {why}", self.shown);
        Error::invalid(
            Diagnostic::error(Code::InvalidProperty, message)
                .at(node.location(&self.shown))
                .with_excerpt_of(&self.contents)
                .hint(hint),
        )
    }

    /// The folder of the file.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// A name that dbt takes, made of one that it does not.
fn suggested(name: &str) -> String {
    let fitting: String = name.chars().map(|c| if c == '_' || c.is_alphanumeric() { c } else { '_' }).collect();
    let fitting = fitting.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    if fitting.is_empty() { "my_project".to_owned() } else { fitting.to_owned() }
}

/// Hooks and the query comment are rendered when they run, variables when they are read.
fn renders_later(path: &[&str]) -> bool {
    match path {
        ["on-run-start" | "on-run-end" | "query-comment" | "vars"] => true,
        [tree, .., key] if TREES.contains(tree) || *tree == "tests" => {
            let key = key.strip_prefix('+').unwrap_or(key).trim();
            matches!(key, "pre-hook" | "post-hook" | "pre_hook" | "post_hook")
        }
        _ => false,
    }
}

fn folders(rendered: &JsonMap) -> Folders {
    let listed = |keys: &[&str], default: &str| {
        let given = keys.iter().find_map(|key| rendered.get(*key).filter(|value| !value.is_null()));
        given.map_or_else(|| vec![default.to_owned()], |value| strings(Some(value)))
    };
    Folders {
        models: listed(&["model-paths", "source-paths"], "models"),
        seeds: listed(&["seed-paths", "data-paths"], "seeds"),
        snapshots: listed(&["snapshot-paths"], "snapshots"),
        analyses: listed(&["analysis-paths"], "analyses"),
        tests: listed(&["test-paths"], "tests"),
        macros: listed(&["macro-paths"], "macros"),
        functions: listed(&["function-paths"], "functions"),
        docs: rendered.get("docs-paths").filter(|value| !value.is_null()).map(|value| strings(Some(value))),
    }
}

fn dispatch(rendered: &JsonMap) -> Vec<(String, Vec<String>)> {
    let entries = rendered.get("dispatch").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            let namespace = entry.get("macro_namespace")?.as_str()?;
            Some((namespace.to_owned(), strings(entry.get("search_order"))))
        })
        .collect()
}

fn object(map: &JsonMap, key: &str) -> JsonMap {
    map.get(key).and_then(Json::as_object).cloned().unwrap_or_default()
}

/// A list of texts, or one text.
fn strings(value: Option<&Json>) -> Vec<String> {
    match value {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items.iter().filter(|item| !item.is_null()).map(plain_text).collect(),
        Some(other) => vec![plain_text(other)],
    }
}

fn plain_text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
