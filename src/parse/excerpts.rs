//! Lines for diagnostics that were made where the file's text was not at hand.

use std::collections::HashMap;

use super::context::shown;
use crate::model::Diagnostic;
use crate::project::Project;

/// Adds the line of the file to every diagnostic that names one and has no excerpt yet.
pub(super) fn add(project: &Project, diagnostics: &mut [Diagnostic]) {
    let bare = |diagnostic: &Diagnostic| {
        diagnostic.excerpt.is_none() && diagnostic.location.as_ref().is_some_and(|location| location.line > 0)
    };
    if !diagnostics.iter().any(bare) {
        return;
    }
    let mut files: HashMap<String, &str> = HashMap::new();
    for package in project.all_packages() {
        files.insert(shown(project, package, &package.project_file.path), &package.project_file.contents);
        files.extend(package.files.iter().map(|file| (shown(project, package, &file.path), file.contents.as_ref())));
    }
    if let Some(selectors) = &project.selectors {
        files.insert(selectors.path.clone(), &selectors.contents);
    }
    for diagnostic in diagnostics.iter_mut().filter(|diagnostic| bare(diagnostic)) {
        let path = diagnostic.location.as_ref().map(|location| location.path.as_str()).unwrap_or_default();
        if let Some(contents) = files.get(path) {
            *diagnostic = diagnostic.clone().with_excerpt_of(contents);
        }
    }
}
