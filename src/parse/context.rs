//! What every step of the parse looks at.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::config::complete;
use super::docs::{DocIds, Docs};
use super::foreseen::Foreseen;
use super::interner::Interner;
use super::names::Naming;
use super::{ParseOptions, quoting};
use crate::jinja::{Renderer, YamlScope};
use crate::model::{Inputs, JsonMap, Quoting, ResourceType, SharedMap};
use crate::project::{Package, Project};

/// The project, the renderer and what follows from them once for all.
pub(super) struct Context<'p> {
    pub(super) project: &'p Project,
    pub(super) options: ParseOptions,
    pub(super) renderer: &'p Renderer,
    pub(super) quoting: Quoting,
    pub(super) naming: Naming,
    /// Tests whose render is known.
    pub(super) foreseen: Foreseen,
    interner: Interner,
    scopes: HashMap<&'p str, YamlScope>,
    doc_ids: HashMap<&'p str, DocIds>,
}

impl<'p> Context<'p> {
    pub(super) fn new(project: &'p Project, options: ParseOptions, renderer: &'p Renderer, docs: &Docs) -> Self {
        let scopes = project
            .all_packages()
            .map(|package| (package.name.as_str(), scope(project, &options, package, docs)))
            .collect();
        let root = project.root.name.as_str();
        let doc_ids = project.all_packages().map(|package| (package.name.as_str(), docs.ids_from(&package.name, root)));
        Self {
            project,
            options,
            renderer,
            quoting: quoting(project),
            naming: Naming::new(renderer, project),
            foreseen: Foreseen::new(renderer, project),
            interner: Interner::default(),
            scopes,
            doc_ids: doc_ids.collect(),
        }
    }

    /// What strings of a package's property files may see.
    pub(super) fn scope(&self, package: &str) -> &YamlScope {
        self.scopes.get(package).unwrap_or_else(|| &self.scopes[self.project.root.name.as_str()])
    }

    /// Docs blocks by the names under which a package finds them.
    pub(super) fn doc_ids(&self, package: &str) -> &DocIds {
        self.doc_ids.get(package).unwrap_or_else(|| &self.doc_ids[self.project.root.name.as_str()])
    }

    /// A configuration that is complete, one copy for all that have the same.
    pub(super) fn shared(&self, config: JsonMap) -> SharedMap {
        self.interner.share(config)
    }

    /// A merged configuration with the defaults of its kind, one copy for all that have the same.
    pub(super) fn completed(&self, merged: JsonMap, kind: ResourceType) -> SharedMap {
        self.interner.completed(merged, kind, complete)
    }

    /// The root project.
    pub(super) fn root(&self) -> &'p Package {
        &self.project.root
    }

    /// A package's file as messages name it: relative to the root project's folder.
    pub(super) fn shown(&self, package: &Package, path: &str) -> String {
        shown(self.project, package, path)
    }
}

/// A package's file, relative to the root project's folder.
pub(super) fn shown(project: &Project, package: &Package, path: &str) -> String {
    if package.name == project.root.name {
        return path.to_owned();
    }
    let folder = package.root.strip_prefix(&project.root.root).unwrap_or(&package.root);
    format!("{}/{path}", folder.display().to_string().replace('\\', "/"))
}

fn scope(project: &Project, options: &ParseOptions, package: &Package, docs: &Docs) -> YamlScope {
    YamlScope {
        target: options.target_public.clone(),
        vars: variables(project, package),
        env: options.env.clone(),
        allow_secrets: false,
        docs: Some(Arc::new(docs.visible_from(&package.name, &project.root.name))),
    }
}

/// What is given beside the project's files.
pub(super) fn inputs(project: &Project, options: &ParseOptions) -> Inputs {
    let vars = project.all_packages().map(|package| (package.name.clone(), variables(project, package)));
    Inputs { vars: vars.collect(), env: Arc::clone(&options.env.0), large_seeds: HashMap::new() }
}

/// Variables as the package sees them, flat: its own, the root project's over them, the command line's over all.
fn variables(project: &Project, package: &Package) -> JsonMap {
    let mut all = JsonMap::new();
    let mut add = |vars: &JsonMap| {
        all.extend(vars.iter().map(|(key, value)| (key.clone(), value.clone())));
        if let Some(Json::Object(own)) = vars.get(&package.name) {
            all.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    };
    add(&package.vars);
    add(&project.root.vars);
    all.extend(project.vars.cli.iter().map(|(key, value)| (key.clone(), value.clone())));
    all
}
