//! Packages of a revision: those that are installed now, as long as the revision declares the same; local ones as the
//! revision has them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::Error;
use crate::project::Project;
use crate::yaml;

const DECLARING: [&str; 2] = ["packages.yml", "dependencies.yml"];
const LOCK: &str = "package-lock.yml";

/// Gives the checked-out project its packages. `revision` is for messages.
pub(super) fn install(head: &Project, checkout: &Path, revision: &str) -> Result<(), Error> {
    let declared = |root: &Path| DECLARING.map(|file| packages_of(&root.join(file)));
    let (ours, theirs) = (declared(&head.root.root), declared(checkout));
    for (i, file) in DECLARING.into_iter().enumerate() {
        if remote(&ours[i]) != remote(&theirs[i]) {
            return Err(Error::OtherPackages { revision: revision.to_owned(), file });
        }
    }
    if theirs.iter().any(|packages| !remote(packages).is_empty()) && lock_differs(&head.root.root, checkout) {
        return Err(Error::OtherPackages { revision: revision.to_owned(), file: LOCK });
    }
    let local: Vec<PathBuf> = theirs.iter().flatten().filter_map(|package| local_path(checkout, package)).collect();
    for package in &head.packages {
        // Packages that lie in the project itself have been written with it.
        let Ok(place) = package.root.strip_prefix(&head.root.root) else { continue };
        let target = checkout.join(place);
        if target.exists() {
            continue;
        }
        let from = match local.iter().find(|path| path.file_name() == place.file_name()) {
            Some(theirs) => theirs.clone(),
            // Installed from here, but the revision has it no more.
            None if is_link(&package.root) => continue,
            None => package.root.clone(),
        };
        link(&from, &target).map_err(|source| Error::Write { source })?;
    }
    Ok(())
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|data| data.file_type().is_symlink())
}

fn packages_of(file: &Path) -> Vec<Json> {
    let text = fs::read_to_string(file).unwrap_or_default();
    // A file that is not YAML is told of when the project is loaded.
    let parsed = yaml::parse(&text).ok();
    let list = parsed.and_then(|parsed| parsed.root.get("packages").map(yaml::Node::to_json));
    list.and_then(|list| list.as_array().cloned()).unwrap_or_default()
}

fn remote(packages: &[Json]) -> Vec<&Json> {
    packages.iter().filter(|package| package.get("local").is_none()).collect()
}

fn local_path(root: &Path, package: &Json) -> Option<PathBuf> {
    package.get("local").and_then(Json::as_str).map(|path| root.join(path.trim_end_matches('/')))
}

/// A lock file that only one side has says nothing: many projects keep it out of git.
fn lock_differs(ours: &Path, theirs: &Path) -> bool {
    match (fs::read_to_string(ours.join(LOCK)), fs::read_to_string(theirs.join(LOCK))) {
        (Ok(ours), Ok(theirs)) => ours != theirs,
        _ => false,
    }
}

/// Makes `to` stand for the folder `from`.
pub(super) fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    #[cfg(unix)]
    return std::os::unix::fs::symlink(from.canonicalize()?, to);
    #[cfg(not(unix))]
    return copy(from, to);
}

#[cfg(not(unix))]
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in walkdir::WalkDir::new(from).into_iter().filter_map(Result::ok) {
        let target = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
