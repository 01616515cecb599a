//! Packages: what packages.yml and dependencies.yml declare, and what is installed.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::dbt_project;
use super::deps::{self, Declared, Spec};
use super::error::Error;
use crate::jinja::YamlScope;
use crate::model::Diagnostic;

/// The folders of all packages, by folder name; local packages that are not installed are taken where they are.
pub(super) fn find(
    root: &Path,
    install_path: &str,
    scope: &YamlScope,
) -> Result<(Vec<PathBuf>, Vec<Diagnostic>), Error> {
    let dir = root.join(install_path);
    let mut folders = installed(&dir);
    let declared = deps::read(root, scope, "")?;
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
    Ok((folders, declared.diagnostics))
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

/// Adds up to `missing` local packages and the local packages they declare in turn; returns how many of the project's
/// own were added.
fn add_local(
    root: &Path,
    packages: &[Declared],
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
        let theirs = deps::read(&path, scope, &format!("{}/", name(&path)))?;
        queue.extend(theirs.packages.iter().filter_map(|package| local_path(&path, package)).map(|path| (path, false)));
        folders.push(path);
    }
    Ok(added)
}

fn local_path(root: &Path, package: &Declared) -> Option<PathBuf> {
    match &package.spec {
        Spec::Local { path } => Some(root.join(path)),
        _ => None,
    }
}
