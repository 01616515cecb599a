//! The project as it lies on disk: `dbt_project.yml`, the profile's chosen output, packages, and every file dbt would
//! read.
//!
//! Nothing here evaluates a model's Jinja or talks to a database; only strings of YAML files are rendered.

mod dbt_project;
pub mod deps;
mod error;
mod files;
mod ignore;
mod keys;
mod load;
mod packages;
mod profile;
mod render;
mod shown;
mod version;

pub use error::Error;
pub use files::{FileKind, SeedFile, SourceFile, Text};
pub(crate) use files::{digest_of_file, sha256, strip};
pub use load::{LoadOptions, Loaded, load};
pub use profile::Profile;
pub(crate) use render::render as render_tree;

use std::path::PathBuf;

use crate::jinja::Vars;
use crate::model::JsonMap;

/// A project with its packages, its profile and all of its files.
#[derive(Debug, Clone)]
pub struct Project {
    /// The project itself.
    pub root: Package,
    /// Installed packages, by folder name.
    pub packages: Vec<Package>,
    /// The chosen output of profiles.yml.
    pub profile: Profile,
    /// Variables by where they were set.
    pub vars: Vars,
    /// Where artifacts go: absolute, or relative to the project's folder.
    pub target_path: PathBuf,
    /// selectors.yml, as written.
    pub selectors: Option<Text>,
}

impl Project {
    /// The project itself, then its packages.
    pub fn all_packages(&self) -> impl Iterator<Item = &Package> {
        std::iter::once(&self.root).chain(&self.packages)
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&Package> {
        self.all_packages().find(|package| package.name == name)
    }

    /// dbt's `state_modified_compare_more_unrendered_values`: configuration is kept and compared as it is written.
    pub fn more_unrendered(&self) -> bool {
        let flag = self.root.flags.get("state_modified_compare_more_unrendered_values");
        flag.and_then(serde_json::Value::as_bool) == Some(true)
    }
}

/// One `dbt_project.yml` with the files under it.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub root: PathBuf,
    /// Its version, if it says one.
    pub version: Option<String>,
    /// The trees `models:`, `seeds:`, … rendered; hooks in them are not. `tests:` is found under `data_tests`.
    pub config: JsonMap,
    /// The same trees as written.
    pub unrendered_config: JsonMap,
    /// `quoting:` as written.
    pub quoting: JsonMap,
    /// `dispatch:`: namespace to search order.
    pub dispatch: Vec<(String, Vec<String>)>,
    /// `on-run-start:`, unrendered.
    pub on_run_start: Vec<String>,
    /// `on-run-end:`, unrendered.
    pub on_run_end: Vec<String>,
    /// `query-comment:`, unrendered.
    pub query_comment: Option<serde_json::Value>,
    /// `flags:`.
    pub flags: JsonMap,
    /// `vars:`.
    pub vars: JsonMap,
    /// Text files of every kind, in the order in which dbt reads them.
    pub files: Vec<SourceFile>,
    /// Seeds, by path. Their contents stay on disk.
    pub seeds: Vec<SeedFile>,
    /// `dbt_project.yml` itself.
    pub project_file: Text,
}

impl Package {
    /// Files of one kind.
    pub fn of_kind(&self, kind: FileKind) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(move |file| file.kind == kind)
    }
}
