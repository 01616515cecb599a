//! Packages: what packages.yml and dependencies.yml declare, and what is installed.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::dbt_project;
use super::error::Error;
use super::render::render_all;
use crate::jinja::YamlScope;
use crate::model::{Code, Diagnostic, Location, nearest};
use crate::yaml;

/// The folders of all packages, by folder name; local packages that are not installed are taken where they are.
pub(super) fn find(
    root: &Path,
    install_path: &str,
    scope: &YamlScope,
) -> Result<(Vec<PathBuf>, Vec<Diagnostic>), Error> {
    let dir = root.join(install_path);
    let mut folders = installed(&dir);
    let mut diagnostics = Vec::new();
    let declared = declared(root, scope, &mut diagnostics)?;
    let mut missing = declared.packages.len().saturating_sub(folders.len());
    if missing > 0 {
        missing -= add_local(root, &declared.packages, scope, &mut folders, missing)?;
    }
    if missing > 0 {
        return Err(Error::PackagesNotInstalled {
            declared: declared.packages.len(),
            installed: declared.packages.len() - missing,
            file: declared.file,
            dir,
        });
    }
    Ok((folders, diagnostics))
}

fn installed(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join(dbt_project::FILE).is_file())
        .filter(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("__")))
        .collect();
    folders.sort_unstable();
    folders
}

struct Declared {
    packages: Vec<Json>,
    file: PathBuf,
}

fn declared(root: &Path, scope: &YamlScope, diagnostics: &mut Vec<Diagnostic>) -> Result<Declared, Error> {
    let mut packages = Vec::new();
    let mut found_in = root.join("packages.yml");
    for name in ["packages.yml", "dependencies.yml"] {
        let path = root.join(name);
        if !path.is_file() {
            continue;
        }
        let contents = fs::read_to_string(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
        let parsed = yaml::parse(&contents).map_err(|error| Error::invalid(error.into_diagnostic(name)))?;
        if parsed.root.get("projects").and_then(yaml::Node::as_sequence).is_some_and(|projects| !projects.is_empty()) {
            let message = "`projects:` of dependencies.yml is not read: models of other projects are unknown";
            diagnostics.push(Diagnostic::warning(Code::Unsupported, message).at(Location::file(name)));
        }
        let Some(list) = parsed.root.get("packages") else { continue };
        if list.is_null() {
            continue;
        }
        let rendered = render_all(list, scope, name).map_err(Error::invalid)?;
        let Json::Array(items) = rendered else {
            let message = format!("`packages:` of {name} takes a list, not {}", list.value.kind());
            return Err(Error::invalid(Diagnostic::error(Code::InvalidProperty, message).at(list.location(name))));
        };
        if let Some((at, item)) = items.iter().enumerate().find(|(_, item)| !is_package(item)) {
            let node = list.as_sequence().and_then(|nodes| nodes.get(at)).unwrap_or(list);
            return Err(Error::invalid(malformed(item, node, name, &contents)));
        }
        if !items.is_empty() {
            found_in = path;
        }
        packages.extend(items);
    }
    Ok(Declared { packages, file: found_in })
}

/// What says where a package comes from.
const ORIGINS: [&str; 5] = ["package", "git", "local", "tarball", "private"];

fn is_package(item: &Json) -> bool {
    ORIGINS.iter().any(|origin| item.get(origin).is_some())
}

fn malformed(item: &Json, node: &yaml::Node, file: &str, contents: &str) -> Diagnostic {
    let message =
        format!("an entry of `packages:` does not say where the package is: it has none of {}", ORIGINS.join(", "));
    let near = item.as_object().and_then(|map| map.keys().find_map(|key| nearest(key, ORIGINS.into_iter())));
    let hint = match near {
        Some(origin) => format!("did you mean `{origin}:`?"),
        None => "write `- package: organization/name` with `version:`, or `- git:`, or `- local:`".to_owned(),
    };
    Diagnostic::error(Code::InvalidProperty, message).at(node.location(file)).with_excerpt_of(contents).hint(hint)
}

/// Adds up to `missing` local packages and the local packages they declare in turn; returns how many of the project's own
/// were added.
fn add_local(
    root: &Path,
    packages: &[Json],
    scope: &YamlScope,
    folders: &mut Vec<PathBuf>,
    missing: usize,
) -> Result<usize, Error> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut known: HashSet<String> = folders.iter().map(|path| name(path)).collect();
    let mut added = 0;
    let mut queue: Vec<(PathBuf, bool)> =
        packages.iter().rev().filter_map(|package| local_path(root, package)).map(|path| (path, true)).collect();
    while let Some((path, own)) = queue.pop() {
        let path = path.canonicalize().unwrap_or(path);
        if (own && added == missing) || !path.join(dbt_project::FILE).is_file() || !known.insert(name(&path)) {
            continue;
        }
        added += usize::from(own);
        let theirs = declared(&path, scope, &mut Vec::new())?;
        queue.extend(theirs.packages.iter().filter_map(|package| local_path(&path, package)).map(|path| (path, false)));
        folders.push(path);
    }
    Ok(added)
}

fn local_path(root: &Path, package: &Json) -> Option<PathBuf> {
    package.get("local").and_then(Json::as_str).map(|path| root.join(path))
}
