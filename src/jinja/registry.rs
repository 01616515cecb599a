//! Every macro there is, and which of them a name means where.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use minijinja::value::Value;
use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::blocks::{self, Block};
use super::callable::{BODY, MacroValue};
use super::lexer::{Kind, Lexer, Piece, SyntaxError, Token};
use super::rewrite::{self, Call, Param};
use super::{MacroSource, Setup, builtin, diagnose};
use crate::model::{Code, Diagnostic, FastHash, Location, Macro};

/// A macro, its text compiled when it is first needed.
#[derive(Debug)]
pub(super) struct MacroEntry {
    /// e.g. `macro.shop.cents_to_dollars`; also the name of its template.
    pub(super) unique_id: String,
    /// The package it belongs to.
    pub(super) package: String,
    /// e.g. `cents_to_dollars`, `test_unique`, `materialization_table_default`.
    pub(super) name: String,
    /// Relative to the package's root.
    pub(super) path: String,
    /// The file as messages name it: its path in the root project, `package://path` elsewhere.
    pub(super) place: String,
    /// The block.
    pub(super) block: Block,
    compiled: OnceLock<Result<Compiled, SyntaxError>>,
}

/// A macro in the engine's dialect.
#[derive(Debug)]
pub(super) struct Compiled {
    /// A template that defines the macro as [`BODY`], on the lines of its file.
    pub(super) template: String,
    /// Its parameters.
    pub(super) params: Vec<Param>,
    /// Whether it reads `varargs`.
    pub(super) varargs: bool,
    /// Whether it reads `kwargs`.
    pub(super) kwargs: bool,
    /// Whether it reads `caller`.
    pub(super) caller: bool,
    /// What it calls.
    pub(super) calls: Vec<Call>,
}

impl MacroEntry {
    fn new(package: &str, path: &str, place: &str, block: Block) -> Self {
        let name = macro_name(&block);
        Self {
            unique_id: format!("macro.{package}.{name}"),
            package: package.to_owned(),
            name,
            path: path.to_owned(),
            place: place.to_owned(),
            block,
            compiled: OnceLock::new(),
        }
    }

    /// The macro in the engine's dialect.
    ///
    /// # Errors
    /// What does not parse, with its line in the file.
    pub(super) fn compiled(&self) -> Result<&Compiled, &SyntaxError> {
        self.compiled.get_or_init(|| compile(&self.block)).as_ref()
    }
}

/// The name under which dbt keeps a block.
fn macro_name(block: &Block) -> String {
    match block.kind.as_str() {
        "test" | "data_test" => format!("test_{}", block.name),
        "materialization" => format!("materialization_{}_{}", block.name, materialization(block).0),
        _ => block.name.clone(),
    }
}

fn opening(block: &Block) -> Vec<Token<'_>> {
    match Lexer::new(&block.full).next_piece() {
        Ok(Some(Piece::Tag(tag))) => tag.tokens,
        _ => Vec::new(),
    }
}

/// A materialization's adapter (`default` when none is named) and languages.
fn materialization(block: &Block) -> (String, Option<Vec<String>>) {
    let tokens = opening(block);
    let text_after = |name: &str| {
        let at = tokens.iter().position(|token| token.kind == Kind::Name(name))?;
        match &tokens.get(at + 2)?.kind {
            Kind::Text(text, _) => Some(text.clone()),
            _ => None,
        }
    };
    let languages = tokens.iter().position(|token| token.kind == Kind::Name("supported_languages")).map(|at| {
        let after = tokens[at..].iter().skip(2).take_while(|token| token.kind != Kind::Op("]"));
        let text = |token: &Token<'_>| match &token.kind {
            Kind::Text(text, _) => Some(text.clone()),
            _ => None,
        };
        after.filter_map(text).collect()
    });
    (text_after("adapter").unwrap_or_else(|| "default".to_owned()), languages)
}

fn compile(block: &Block) -> Result<Compiled, SyntaxError> {
    // Jinja knows one line break.
    if block.full.contains('\r') {
        let unix = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
        let unix = Block { full: unix(&block.full), contents: unix(&block.contents), ..block.clone() };
        return compile(&unix);
    }
    let above = block.line.saturating_sub(1);
    let at_line = |mut error: SyntaxError| {
        error.line += above;
        error
    };
    let Some(Piece::Tag(tag)) = Lexer::new(&block.full).next_piece().map_err(at_line)? else {
        return Err(SyntaxError::new("a block without an opening tag", block.line));
    };
    let parameters = if block.kind == "materialization" { &[] } else { tag.tokens.get(2..).unwrap_or_default() };
    let (mut params, mut calls) = rewrite::parameters(parameters, tag.line).map_err(at_line)?;
    // The body is rewritten with the line breaks of its opening tag before it, so that its errors name the file's
    // lines.
    let opened = tag.end_line - tag.line;
    let body = rewrite::rewrite(&block.contents).map_err(|mut error| {
        error.line += above + opened;
        error
    })?;
    calls.extend(body.calls);
    let declared = params.clone();
    for (used, name) in [(body.varargs, "varargs"), (body.kwargs, "kwargs")] {
        if used {
            params.push(Param { name: name.to_owned(), default: None });
        }
    }
    // Defaults are put in one after the other, since one may name a parameter before it.
    let mut defaults = String::new();
    for param in &mut params {
        if let Some(default) = param.default.take() {
            let name = &param.name;
            let _ = write!(defaults, "%}}{{% set {name} = ({default}) if __absent({name}) else {name} ");
        }
    }
    let signature = rewrite::write_signature(&params) + ") " + &defaults;
    let written = signature.matches('\n').count();
    let closing = closing_mark(&block.full);
    let template = format!(
        "{}{{% macro {BODY}({signature}{}{}{}{{%{closing} endmacro %}}",
        "\n".repeat(above as usize),
        "\n".repeat((opened as usize).saturating_sub(written)),
        tag.close,
        body.text,
    );
    Ok(Compiled { template, params: declared, varargs: body.varargs, kwargs: body.kwargs, caller: body.caller, calls })
}

/// A macro's parameters as the manifest keeps those that nobody described. dbt gives every materialization one.
fn arguments(entry: &MacroEntry) -> Vec<Json> {
    let names: Vec<&str> = match (&*entry.block.kind, entry.compiled()) {
        ("materialization", _) => vec!["supported_languages"],
        (_, Ok(compiled)) => compiled.params.iter().map(|param| param.name.as_str()).collect(),
        (_, Err(_)) => Vec::new(),
    };
    names.into_iter().map(|name| json!({"name": name, "type": null, "description": ""})).collect()
}

/// The whitespace mark of a block's closing tag: `-`, `+` or none.
fn closing_mark(full: &str) -> &str {
    let closing = full.rfind("{%").map_or("", |at| &full[at + 2..]);
    closing.get(..1).filter(|mark| matches!(*mark, "-" | "+")).unwrap_or_default()
}

/// The macros of a file, each compiled.
fn read(file: &MacroSource, root: &str) -> Result<Vec<MacroEntry>, Diagnostic> {
    let place = if file.package == root { file.path.clone() } else { format!("{}://{}", file.package, file.path) };
    let report = |error: &SyntaxError| diagnose::syntax(error, &place, 1, &file.contents);
    let found = blocks::find(&file.contents).map_err(|error| report(&error))?;
    let wanted = found.into_iter().filter(|block| !matches!(block.kind.as_str(), "snapshot" | "docs"));
    let entries: Vec<MacroEntry> =
        wanted.map(|block| MacroEntry::new(&file.package, &file.path, &place, block)).collect();
    for entry in &entries {
        entry.compiled().map_err(report)?;
    }
    Ok(entries)
}

fn defined_twice(first: &MacroEntry, second: &MacroEntry) -> Diagnostic {
    let message = format!("macro '{}' is defined twice, first at {}:{}", second.name, first.place, first.block.line);
    let diagnostic = Diagnostic::error(Code::DuplicateName, message);
    let place = diagnostic.at(Location::line(second.place.as_str(), second.block.line));
    let excerpt = second.block.full.lines().next().map(str::to_owned);
    Diagnostic { excerpt, ..place }.pointing().hint("rename or remove one of them")
}

/// Every macro by unique id and by name.
#[derive(Debug)]
pub(super) struct Registry {
    entries: IndexMap<String, (Arc<MacroEntry>, Value)>,
    /// Package to name to index in `entries`.
    by_package: HashMap<String, HashMap<String, usize, FastHash>, FastHash>,
    /// Internal packages, those that win first.
    internal: Vec<String>,
    root: String,
    dispatch: Vec<(String, Vec<String>)>,
    prefixes: Vec<String>,
    packages: Vec<String>,
    models: OnceLock<IndexMap<String, Macro>>,
}

impl Registry {
    /// Reads `files` and the built-in ones. Files that do not parse are reported and left out.
    pub(super) fn new(setup: &Setup, files: Vec<MacroSource>) -> (Self, Vec<Diagnostic>) {
        let mut all = builtin::files(&setup.adapter_type);
        all.extend(files);
        let parsed: Vec<Result<Vec<MacroEntry>, Diagnostic>> =
            all.par_iter().map(|file| read(file, &setup.project_name)).collect();
        let mut registry = Self {
            entries: IndexMap::new(),
            by_package: HashMap::default(),
            internal: builtin::packages(&setup.adapter_type),
            root: setup.project_name.clone(),
            dispatch: setup.dispatch.clone(),
            prefixes: builtin::lineage(&setup.adapter_type).into_iter().map(str::to_owned).collect(),
            packages: setup.packages.clone(),
            models: OnceLock::new(),
        };
        let mut problems = Vec::new();
        for result in parsed {
            match result {
                Ok(entries) => entries.into_iter().for_each(|entry| problems.extend(registry.insert(entry))),
                Err(problem) => problems.push(problem),
            }
        }
        (registry, problems)
    }

    /// Adds a macro; the problem is a second one of the same name in a package that is not ours.
    fn insert(&mut self, entry: MacroEntry) -> Option<Diagnostic> {
        let twice = self.entries.get(&entry.unique_id).filter(|_| !self.internal.contains(&entry.package));
        let problem = twice.map(|(first, _)| defined_twice(first, &entry));
        let entry = Arc::new(entry);
        let value = Value::from_object(MacroValue(Arc::clone(&entry)));
        let (index, _) = self.entries.insert_full(entry.unique_id.clone(), (Arc::clone(&entry), value));
        self.by_package.entry(entry.package.clone()).or_default().insert(entry.name.clone(), index);
        problem
    }

    /// Whether dbt's own macro of this name, and what it dispatches to, are the only ones that there are.
    pub(super) fn is_only_built_in(&self, name: &str) -> bool {
        let of_project = self.by_package.iter().filter(|(package, _)| !self.internal.contains(package));
        let is_of = |found: &str| found == name || found.strip_suffix(name).is_some_and(|rest| rest.ends_with("__"));
        !of_project.flat_map(|(_, names)| names.keys()).any(|found| is_of(found))
    }

    /// The names of generic tests.
    pub(super) fn tests(&self) -> impl Iterator<Item = &str> {
        let of = |entry: &'_ (Arc<MacroEntry>, Value)| matches!(entry.0.block.kind.as_str(), "test" | "data_test");
        self.entries.values().filter(move |entry| of(entry)).map(|entry| entry.0.block.name.as_str())
    }

    /// Names that code of `package` can call without naming a package.
    pub(super) fn names<'r>(&'r self, package: &'r str) -> impl Iterator<Item = &'r str> {
        let seen = [package, self.root.as_str()].into_iter().chain(self.internal.iter().map(String::as_str));
        seen.filter_map(|package| self.by_package.get(package)).flat_map(|names| names.keys().map(String::as_str))
    }

    /// The macro of this unique id.
    pub(super) fn entry(&self, unique_id: &str) -> Option<&Arc<MacroEntry>> {
        self.entries.get(unique_id).map(|(entry, _)| entry)
    }

    /// Whether `name` is a package whose macros can be named.
    pub(super) fn is_package(&self, name: &str) -> bool {
        self.by_package.contains_key(name) || self.packages.iter().any(|package| package == name)
    }

    fn in_package(&self, package: &str, name: &str) -> Option<usize> {
        self.by_package.get(package)?.get(name).copied()
    }

    fn in_internal(&self, name: &str) -> Option<usize> {
        self.internal.iter().find_map(|package| self.in_package(package, name))
    }

    fn find_index(&self, name: &str, package: &str) -> Option<usize> {
        self.in_package(package, name).or_else(|| self.in_package(&self.root, name)).or_else(|| self.in_internal(name))
    }

    fn find_qualified_index(&self, package: &str, name: &str) -> Option<usize> {
        if package == "dbt" { self.in_internal(name) } else { self.in_package(package, name) }
    }

    /// The macro that `name` means in `package`: the package's own, the root project's, a built-in one.
    pub(super) fn find(&self, name: &str, package: &str) -> Option<&(Arc<MacroEntry>, Value)> {
        self.find_index(name, package).and_then(|index| self.entries.get_index(index)).map(|(_, found)| found)
    }

    /// The macro that decides something for a node of `package`: the root project's override, the package's own, a
    /// built-in one.
    pub(super) fn find_override(&self, name: &str, package: &str) -> Option<&(Arc<MacroEntry>, Value)> {
        let index = self.in_package(&self.root, name).or_else(|| self.in_package(package, name));
        let index = index.or_else(|| self.in_internal(name))?;
        self.entries.get_index(index).map(|(_, found)| found)
    }

    /// The macro that `package.name` means.
    pub(super) fn find_qualified(&self, package: &str, name: &str) -> Option<&(Arc<MacroEntry>, Value)> {
        self.find_qualified_index(package, name).and_then(|index| self.entries.get_index(index)).map(|(_, found)| found)
    }

    /// The macro that a dispatch of `name` in `namespace` means for code of `package`, or the names that were tried.
    pub(super) fn dispatch(
        &self,
        name: &str,
        namespace: Option<&str>,
        package: &str,
    ) -> Result<&(Arc<MacroEntry>, Value), Vec<String>> {
        let configured = namespace.and_then(|wanted| self.dispatch.iter().find(|(name, _)| name == wanted));
        let places: Vec<Option<&str>> = match (configured, namespace) {
            (Some((_, order)), _) => order.iter().map(|package| Some(package.as_str())).collect(),
            (None, Some(namespace)) if self.packages.iter().any(|package| package == namespace) => {
                vec![Some(&self.root), Some(namespace)]
            }
            (None, _) => vec![None],
        };
        let mut tried = Vec::new();
        for place in places {
            for prefix in self.prefixes.iter().map(String::as_str).chain(std::iter::once("default")) {
                let wanted = format!("{prefix}__{name}");
                let found = match place {
                    Some(place) => self.find_qualified(place, &wanted),
                    None => self.find(&wanted, package),
                };
                if let Some(found) = found {
                    return Ok(found);
                }
                tried.push(place.map_or_else(|| wanted.clone(), |place| format!("{place}.{wanted}")));
            }
        }
        Err(tried)
    }

    /// All macros as the manifest keeps them.
    pub(super) fn models(&self) -> &IndexMap<String, Macro> {
        self.models.get_or_init(|| {
            let entries: Vec<&Arc<MacroEntry>> = self.entries.values().map(|(entry, _)| entry).collect();
            entries.par_iter().map(|entry| (entry.unique_id.clone(), self.model(entry))).collect()
        })
    }

    fn model(&self, entry: &MacroEntry) -> Macro {
        let languages = (entry.block.kind == "materialization")
            .then(|| materialization(&entry.block).1.unwrap_or_else(|| vec!["sql".to_owned()]));
        Macro {
            unique_id: entry.unique_id.clone(),
            name: entry.name.clone(),
            package_name: entry.package.clone(),
            original_file_path: entry.path.clone(),
            first_line: entry.block.line,
            macro_sql: entry.block.kept.clone(),
            depends_on: self.dependencies(entry),
            arguments: arguments(entry),
            supported_languages: languages,
            ..Macro::default()
        }
    }

    /// What dbt takes `package.name` to mean when it reads a macro without running it: any macro of that name will do.
    fn find_static(&self, name: &str, package: &str) -> Option<usize> {
        let others = || self.packages.iter().rev().filter(|other| **other != self.root);
        self.in_package(package, name)
            .or_else(|| self.in_package(&self.root, name))
            .or_else(|| others().find_map(|other| self.in_package(other, name)))
            .or_else(|| self.in_internal(name))
    }

    /// What a macro calls, without repeats; a call of its own bare name is left out.
    fn dependencies(&self, entry: &MacroEntry) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let Ok(compiled) = entry.compiled() else { return out };
        let mut add = |index: Option<usize>| {
            if let Some((unique_id, _)) = index.and_then(|index| self.entries.get_index(index))
                && !out.contains(unique_id)
            {
                out.push(unique_id.clone());
            }
        };
        let bare = |name: &str| {
            // dbt never looks for macros behind these three, though a project may define them.
            let is_left_out = name == entry.name || matches!(name, "ref" | "source" | "config");
            if is_left_out { None } else { self.find_static(name, &entry.package) }
        };
        for call in &compiled.calls {
            match call {
                Call::Name(name) => add(bare(name)),
                Call::Qualified(package, name) => add(self.find_static(name, package)),
                Call::Dispatch(name, namespace) => {
                    add(bare(name));
                    // Without running it, dbt looks for a macro of no namespace as the root project would.
                    let found = if let Some(namespace) = namespace {
                        let found = self.dispatch(name, Some(namespace), &entry.package).ok();
                        found.and_then(|(found, _)| self.entries.get_index_of(&found.unique_id))
                    } else {
                        let prefixes = self.prefixes.iter().map(String::as_str).chain(std::iter::once("default"));
                        let mut found =
                            prefixes.map(|prefix| self.find_static(&format!("{prefix}__{name}"), &self.root));
                        found.find_map(|found| found)
                    };
                    add(found);
                }
            }
        }
        out
    }
}
