//! Loading: the steps in dbt's order.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::dbt_project::{self, ProjectFile, Settings};
use super::error::Error;
use super::files::{self, Text};
use super::profile::{self, Profile};
use super::{Package, Project, packages};
use crate::jinja::{Env, Vars, YamlScope};
use crate::model::{Diagnostic, JsonMap};

/// What decides how a project is loaded.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The folder of `dbt_project.yml`.
    pub project_dir: PathBuf,
    /// The folder of profiles.yml (`--profiles-dir`).
    pub profiles_dir: Option<PathBuf>,
    /// The profile (`--profile`).
    pub profile: Option<String>,
    /// The output of the profile (`--target`).
    pub target: Option<String>,
    /// `--vars`.
    pub vars: JsonMap,
    /// `--threads`.
    pub threads: Option<usize>,
    /// The environment.
    pub env: Env,
    /// `--target-path`.
    pub target_path: Option<PathBuf>,
    /// Whether a missing profile is an error; without one the project parses against a stand-in.
    pub require_profile: bool,
    /// Whether a project may require another dbt (`--no-version-check`).
    pub any_version: bool,
}

impl LoadOptions {
    /// An environment variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.env.0.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

/// A project with what there is to say about it.
#[derive(Debug)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// Files that could not be read, keys given twice, and the like.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the project in `options.project_dir`.
///
/// # Errors
/// There is no project or no usable profile, a file that configures it is wrong, or packages are missing.
pub fn load(options: &LoadOptions) -> Result<Loaded, Error> {
    let dir = options.project_dir.canonicalize().unwrap_or_else(|_| options.project_dir.clone());
    let mut file = open(&dir)?;
    let mut scope = YamlScope { vars: options.vars.clone(), env: options.env.clone(), ..YamlScope::default() };
    let profile = match profile::load(options, file.profile_name(&scope)?) {
        Ok(profile) => profile,
        Err(error) if options.require_profile => return Err(error),
        Err(_) => Profile::absent(),
    };
    scope.target = profile.public_target();

    let mut diagnostics = std::mem::take(&mut file.diagnostics);
    let settings = file.settings(&scope, options.any_version)?;
    let secret_scope = YamlScope { allow_secrets: true, ..scope.clone() };
    let (folders, found) = packages::find(&dir, &settings.packages_path, &secret_scope)?;
    diagnostics.extend(found);

    let target_path = target_path(options, &settings);
    let root = package(&file, settings, "", &mut diagnostics);
    let packages = load_packages(&root, &folders, &scope, options.any_version, &mut diagnostics)?;
    let vars = Vars {
        cli: options.vars.clone(),
        root: root.vars.clone(),
        packages: packages.iter().map(|package| (package.name.clone(), package.vars.clone())).collect(),
    };
    let selectors = selectors(&dir)?;
    Ok(Loaded { project: Project { root, packages, profile, vars, target_path, selectors }, diagnostics })
}

/// The `dbt_project.yml` of the project in `dir`.
pub(super) fn open(dir: &Path) -> Result<ProjectFile, Error> {
    if !dir.join(dbt_project::FILE).is_file() {
        return Err(Error::NoProject { parent: parent_project(dir), dir: dir.to_owned() });
    }
    ProjectFile::read(dir, "")
}

fn load_packages(
    root: &Package,
    folders: &[PathBuf],
    scope: &YamlScope,
    any_version: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Vec<Package>, Error> {
    let mut loaded: Vec<Package> = Vec::new();
    let mut by_name: HashMap<String, PathBuf> = HashMap::from([(root.name.clone(), root.root.clone())]);
    for folder in folders {
        let shown = folder.strip_prefix(&root.root).unwrap_or(folder).display().to_string().replace('\\', "/") + "/";
        let mut file = ProjectFile::read(folder, &shown)?;
        diagnostics.append(&mut file.diagnostics);
        let settings = file.settings(scope, any_version)?;
        if let Some(first) = by_name.insert(settings.name.clone(), folder.clone()) {
            return Err(Error::DuplicatePackage { name: settings.name, first, second: folder.clone() });
        }
        loaded.push(package(&file, settings, &shown, diagnostics));
    }
    Ok(loaded)
}

fn package(file: &ProjectFile, settings: Settings, shown: &str, diagnostics: &mut Vec<Diagnostic>) -> Package {
    let found = files::read(file.dir(), &settings.folders, shown);
    diagnostics.extend(found.diagnostics);
    Package {
        name: settings.name,
        root: file.dir().to_owned(),
        version: settings.version,
        config: settings.config,
        unrendered_config: settings.unrendered_config,
        quoting: settings.quoting,
        dispatch: settings.dispatch,
        on_run_start: settings.on_run_start,
        on_run_end: settings.on_run_end,
        query_comment: settings.query_comment,
        flags: settings.flags,
        vars: settings.vars,
        files: found.files,
        seeds: found.seeds,
        project_file: settings.file,
    }
}

fn target_path(options: &LoadOptions, settings: &Settings) -> PathBuf {
    options
        .target_path
        .clone()
        .or_else(|| options.variable("DBT_TARGET_PATH").map(PathBuf::from))
        .or_else(|| settings.target_path.clone().map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from("target"))
}

fn selectors(dir: &Path) -> Result<Option<Text>, Error> {
    let path = dir.join("selectors.yml");
    if !path.is_file() {
        return Ok(None);
    }
    let contents = fs::read_to_string(&path).map_err(|source| Error::Unreadable { path, source })?;
    Ok(Some(Text { path: "selectors.yml".to_owned(), contents: contents.into() }))
}

fn parent_project(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().skip(1).find(|above| above.join(dbt_project::FILE).is_file()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{LoadOptions, load};
    use crate::project::Error;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        for (path, contents) in files {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
    }

    const PROFILES: &str =
        "p:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n    ci: {type: duckdb}\n";

    fn options(dir: &Path) -> LoadOptions {
        LoadOptions {
            project_dir: dir.to_owned(),
            profiles_dir: Some(dir.to_owned()),
            require_profile: true,
            ..LoadOptions::default()
        }
    }

    #[test]
    fn a_project_with_a_package_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                (
                    "dbt_project.yml",
                    "name: shop\nprofile: p\nvars: {a: 1}\nmodels:\n  shop:\n    +materialized: table\n",
                ),
                ("profiles.yml", PROFILES),
                ("packages.yml", "packages:\n  - package: x/y\n    version: 1.0.0\n"),
                ("dbt_packages/y/dbt_project.yml", "name: y\nvars: {b: 2}\n"),
                ("dbt_packages/y/macros/m.sql", "{% macro m() %}{% endmacro %}"),
                ("models/a.sql", "select 1"),
            ],
        );
        let project = load(&options(dir.path())).unwrap().project;
        assert_eq!(project.profile.database(), "shop");
        assert_eq!(project.packages[0].name, "y");
        assert_eq!(project.packages[0].files[0].path, "macros/m.sql");
        assert_eq!(project.root.config["models"]["shop"]["+materialized"], "table");
        assert_eq!(project.vars.packages["y"]["b"], 2);
    }

    #[test]
    fn packages_that_are_not_installed_are_an_error_and_local_ones_are_read_in_place() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("dbt_project.yml", "name: shop\nprofile: p\n"),
                ("profiles.yml", PROFILES),
                ("packages.yml", "packages:\n  - local: ./lib\n"),
                ("lib/dbt_project.yml", "name: lib\n"),
            ],
        );
        assert_eq!(load(&options(dir.path())).unwrap().project.packages[0].name, "lib");
        write(dir.path(), &[("packages.yml", "packages:\n  - local: ./lib\n  - package: x/y\n    version: 1.0.0\n")]);
        let error = load(&options(dir.path())).unwrap_err();
        assert!(matches!(error, Error::PackagesNotInstalled { declared: 2, installed: 1, .. }), "{error}");
        assert!(error.hint().unwrap().contains("slimdiff deps"));
    }

    #[test]
    fn errors_name_what_there_is_instead() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[("dbt_project.yml", "name: shop\nprofile: q\n"), ("profiles.yml", PROFILES)]);
        let error = load(&options(dir.path())).unwrap_err();
        assert_eq!(error.hint().unwrap(), "the profiles there are p; `profile:` of dbt_project.yml chooses one");
        let error = load(&LoadOptions {
            profile: Some("p".to_owned()),
            target: Some("prod".to_owned()),
            ..options(dir.path())
        })
        .unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("its targets are dev, ci;"), "{hint}");
        let error = load(&options(&dir.path().join("models"))).unwrap_err();
        assert!(error.to_string().contains("no dbt_project.yml"), "{error}");
    }

    #[test]
    fn a_project_without_a_profile_loads_when_none_is_required() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[("dbt_project.yml", "name: shop\n")]);
        let options = LoadOptions { require_profile: false, ..options(dir.path()) };
        assert_eq!(load(&options).unwrap().project.profile.adapter_type(), "duckdb");
    }
}
