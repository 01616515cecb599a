//! Property files: which entry describes what.

use std::collections::HashMap;

use rayon::prelude::*;
use serde_json::Value as Json;

use super::context::{Context, shown};
use super::shape;
use crate::model::{Code, Diagnostic, JsonMap, Location};
use crate::project::{FileKind, Package, Project, SourceFile, render_tree};
use crate::yaml::{self, Node};

/// One property file.
pub(super) struct PropertyFile<'p> {
    pub(super) package: &'p Package,
    pub(super) source: &'p SourceFile,
    /// Its path in messages.
    pub(super) shown: String,
    root: Node,
}

impl PropertyFile<'_> {
    /// `package://path`.
    pub(super) fn patch_path(&self) -> String {
        format!("{}://{}", self.package.name, self.source.path)
    }

    /// A complaint about a value of the file.
    pub(super) fn complaint(&self, node: &Node, code: Code, message: String) -> Diagnostic {
        Diagnostic::error(code, message).at(node.location(&self.shown)).with_excerpt_of(&self.source.contents)
    }
}

/// One entry of one list of a property file.
#[derive(Clone, Copy)]
pub(super) struct Entry<'f> {
    pub(super) file: &'f PropertyFile<'f>,
    pub(super) node: &'f Node,
    pub(super) name: &'f str,
}

impl Entry<'_> {
    /// The entry rendered, without its tests: they are rendered one by one, later.
    pub(super) fn render(&self, context: &Context<'_>) -> Result<JsonMap, Diagnostic> {
        let scope = context.scope(&self.file.package.name);
        let rendered = render_tree(self.node, scope, &self.file.shown, &|path| {
            matches!(path.last(), Some(&("tests" | "data_tests" | "loaded_at_query")))
        });
        match rendered {
            Ok(Json::Object(map)) => Ok(map),
            Ok(_) => Ok(JsonMap::new()),
            Err(diagnostic) => Err(diagnostic.with_excerpt_of(&self.file.source.contents)),
        }
    }

    /// The entry with only these of its keys rendered.
    pub(super) fn render_only(&self, context: &Context<'_>, keys: &[&str]) -> Result<JsonMap, Box<Diagnostic>> {
        let scope = context.scope(&self.file.package.name);
        let rendered = render_tree(self.node, scope, &self.file.shown, &|path| {
            path.first().is_some_and(|first| !keys.contains(first))
        });
        match rendered {
            Ok(Json::Object(map)) => Ok(map),
            Ok(_) => Ok(JsonMap::new()),
            Err(diagnostic) => Err(Box::new(diagnostic.with_excerpt_of(&self.file.source.contents))),
        }
    }

    /// The entry as written.
    pub(super) fn written(&self) -> JsonMap {
        match self.node.to_json() {
            Json::Object(map) => map,
            _ => JsonMap::new(),
        }
    }

    /// A complaint about the entry, at its name.
    pub(super) fn complaint(&self, code: Code, message: String) -> Diagnostic {
        self.file.complaint(self.node.get("name").unwrap_or(self.node), code, message)
    }

    /// Where its name is.
    pub(super) fn place(&self) -> Location {
        self.node.get("name").unwrap_or(self.node).location(&self.file.shown)
    }
}

/// Entries by package and name.
pub(super) type ByName<'f> = HashMap<(&'f str, &'f str), Entry<'f>>;

/// Every entry of every property file.
#[derive(Default)]
pub(super) struct Properties<'f> {
    pub(super) models: ByName<'f>,
    pub(super) seeds: ByName<'f>,
    pub(super) snapshots: ByName<'f>,
    pub(super) analyses: ByName<'f>,
    pub(super) macros: ByName<'f>,
    pub(super) tests: ByName<'f>,
    pub(super) functions: ByName<'f>,
    pub(super) sources: Vec<Entry<'f>>,
    pub(super) exposures: Vec<Entry<'f>>,
    pub(super) groups: Vec<Entry<'f>>,
    pub(super) unit_tests: Vec<Entry<'f>>,
    pub(super) metrics: Vec<Entry<'f>>,
    pub(super) semantic_models: Vec<Entry<'f>>,
    pub(super) saved_queries: Vec<Entry<'f>>,
    /// Models, seeds and snapshots in the order of the files, for their tests.
    pub(super) tested: Vec<(&'static str, Entry<'f>)>,
}

/// Parses every property file, in parallel.
pub(super) fn read<'p>(project: &'p Project, diagnostics: &mut Vec<Diagnostic>) -> Vec<PropertyFile<'p>> {
    let listed: Vec<(&Package, &SourceFile)> = project
        .all_packages()
        .flat_map(|package| package.of_kind(FileKind::Properties).map(move |file| (package, file)))
        .collect();
    let parsed: Vec<_> = listed
        .into_par_iter()
        .map(|(package, source)| {
            let shown = shown(project, package, &source.path);
            // dbt strips the text first, so that a block scalar at its end has no line break.
            (yaml::parse(source.contents.trim_end()), package, source, shown)
        })
        .collect();
    let mut files = Vec::with_capacity(parsed.len());
    for (outcome, package, source, shown) in parsed {
        match outcome {
            Err(error) => diagnostics.push(error.into_diagnostic(&shown)),
            Ok(parsed) => {
                diagnostics.extend(parsed.duplicates.iter().map(|duplicate| {
                    let location = Location { path: shown.clone(), line: duplicate.line, column: duplicate.column };
                    let message = format!(
                        "`{}` is given twice, first in line {}; the later value counts",
                        duplicate.key, duplicate.first_line
                    );
                    Diagnostic::warning(Code::DuplicateKey, message).at(location).with_excerpt_of(&source.contents)
                }));
                files.push(PropertyFile { package, source, shown, root: parsed.root });
            }
        }
    }
    files
}

/// Sorts the files' entries by what they describe.
pub(super) fn collect<'f>(files: &'f [PropertyFile<'f>], diagnostics: &mut Vec<Diagnostic>) -> Properties<'f> {
    let mut all = Properties::default();
    for file in files {
        if file.root.is_null() {
            continue;
        }
        let Some(root) = file.root.as_mapping() else {
            let message =
                format!("{} holds {}, where dbt expects lists of resources", file.shown, file.root.value.kind());
            let complaint = file.complaint(&file.root, Code::InvalidProperty, message);
            diagnostics.push(complaint.hint("begin with `models:`, `sources:` or another kind, and the list below it"));
            continue;
        };
        diagnostics.extend(shape::check(file, root));
        let mut named = |key: &str, into: &mut ByName<'f>, tested: Option<&mut Vec<(&'static str, Entry<'f>)>>| {
            let mut entries = entries(file, key, diagnostics);
            for entry in &entries {
                if let Some(first) = into.insert((&file.package.name, entry.name), *entry) {
                    diagnostics.push(described_twice(key, &first, entry));
                }
            }
            if let Some(tested) = tested {
                let kind = match key {
                    "models" => "models",
                    "seeds" => "seeds",
                    _ => "snapshots",
                };
                tested.extend(entries.drain(..).map(|entry| (kind, entry)));
            }
        };
        named("models", &mut all.models, Some(&mut all.tested));
        named("seeds", &mut all.seeds, Some(&mut all.tested));
        named("snapshots", &mut all.snapshots, Some(&mut all.tested));
        named("analyses", &mut all.analyses, None);
        named("macros", &mut all.macros, None);
        named("functions", &mut all.functions, None);
        named("data_tests", &mut all.tests, None);
        named("tests", &mut all.tests, None);
        all.sources.extend(entries(file, "sources", diagnostics));
        all.exposures.extend(entries(file, "exposures", diagnostics));
        all.groups.extend(entries(file, "groups", diagnostics));
        all.unit_tests.extend(entries(file, "unit_tests", diagnostics));
        all.metrics.extend(entries(file, "metrics", diagnostics));
        all.semantic_models.extend(entries(file, "semantic_models", diagnostics));
        all.saved_queries.extend(entries(file, "saved_queries", diagnostics));
    }
    all
}

fn described_twice(key: &str, first: &Entry<'_>, second: &Entry<'_>) -> Diagnostic {
    let message = format!("`{}` is described twice under `{key}:`, first at {}", second.name, first.place());
    second.complaint(Code::DuplicateName, message).hint("keep one of the two entries")
}

fn entries<'f>(file: &'f PropertyFile<'f>, key: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry<'f>> {
    let Some(list) = file.root.get(key) else { return Vec::new() };
    if list.is_null() {
        return Vec::new();
    }
    let Some(items) = list.as_sequence() else {
        let message = format!("`{key}:` takes a list, not {}", list.value.kind());
        let complaint = file.complaint(list, Code::InvalidProperty, message);
        diagnostics.push(complaint.hint(format!("write `- name: …` for each entry below `{key}:`")));
        return Vec::new();
    };
    let mut found = Vec::with_capacity(items.len());
    for node in items {
        let Some(name) = node.get("name").and_then(Node::as_str) else {
            diagnostics.push(nameless(file, key, node));
            continue;
        };
        found.push(Entry { file, node, name });
    }
    found
}

fn nameless(file: &PropertyFile<'_>, key: &str, node: &Node) -> Diagnostic {
    let given = node.get("name").filter(|name| !name.is_null());
    let (message, hint) = match given {
        Some(name) => (
            format!("the name of an entry of `{key}:` is {}, not text", name.value.kind()),
            "put the name in quotes".to_owned(),
        ),
        None if node.as_mapping().is_some() => (
            format!("an entry of `{key}:` has no `name:`"),
            "add `name: …`, the file's name without its extension".to_owned(),
        ),
        None => {
            (format!("an entry of `{key}:` is {}, not a mapping", node.value.kind()), "write `- name: …`".to_owned())
        }
    };
    file.complaint(given.unwrap_or(node), Code::InvalidProperty, message).hint(hint)
}
