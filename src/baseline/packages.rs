//! Packages of a revision: those that are installed now, as long as the revision declares the same, and its own where
//! it declares others; local ones as the revision has them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Error, LoadContext};
use crate::model::{Code, Diagnostic, Severity};
use crate::project::deps::{self, Request};
use crate::project::{LoadOptions, Project};
use crate::yaml;

const DECLARING: [&str; 2] = ["packages.yml", "dependencies.yml"];
const LOCK: &str = "package-lock.yml";

/// Gives the project that is checked out somewhere below `folder` its packages. `revision` is for messages.
///
/// # Errors
/// It declares others than are installed, and they cannot be had.
pub(super) fn provide(
    context: &LoadContext<'_>,
    options: &LoadOptions,
    folder: &Path,
    revision: &str,
) -> Result<Option<Diagnostic>, Error> {
    let (head, checkout) = (context.project, &options.project_dir);
    let declared = |root: &Path| DECLARING.map(|file| packages_of(&root.join(file)));
    let (ours, theirs) = (declared(&head.root.root), declared(checkout));
    let Some(file) = other(&head.root.root, &ours, checkout, &theirs) else {
        return take_over(head, checkout, &theirs).map(|()| None);
    };
    if is_committed(checkout) {
        return Ok(None);
    }
    // Only below the temporary folder: a place outside of it holds the packages of the current side.
    let request = Request { within: Some(folder.to_owned()), ..Request::default() };
    match deps::install(options, &request, &|_| {}, context.stop) {
        Ok(outcome) => Ok(Some(note(&outcome, file, revision))),
        Err(source) => Err(Error::OtherPackages { revision: revision.to_owned(), file, source: Box::new(source) }),
    }
}

/// Whether the revision brings its packages along: some teams keep them in git.
fn is_committed(checkout: &Path) -> bool {
    let entries = fs::read_dir(checkout.join("dbt_packages")).into_iter().flatten();
    entries.filter_map(Result::ok).any(|entry| entry.path().join("dbt_project.yml").is_file())
}

fn note(outcome: &deps::Outcome, file: &str, revision: &str) -> Diagnostic {
    let named = |package: &deps::Installed| format!("{} {}", package.name, package.version.trim_matches('-'));
    let names: Vec<String> = outcome.packages.iter().map(|package| named(package).trim().to_owned()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let message = format!("{file} of {revision} differs, so it is read with its own packages: {names}");
    Diagnostic { severity: Severity::Note, ..Diagnostic::warning(Code::ProjectMessage, message) }
}

/// The file by which the packages of the two sides differ.
fn other(head: &Path, ours: &[Vec<Json>; 2], checkout: &Path, theirs: &[Vec<Json>; 2]) -> Option<&'static str> {
    let differs = |i: &usize| remote(&ours[*i]) != remote(&theirs[*i]);
    if let Some(i) = (0..DECLARING.len()).find(differs) {
        return Some(DECLARING[i]);
    }
    let any = theirs.iter().any(|packages| !remote(packages).is_empty());
    (any && lock_differs(head, checkout)).then_some(LOCK)
}

/// Links the packages that are installed for the current side.
fn take_over(head: &Project, checkout: &Path, theirs: &[Vec<Json>; 2]) -> Result<(), Error> {
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
    std::os::unix::fs::symlink(from.canonicalize()?, to)
}
