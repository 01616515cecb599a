//! From a baseline to its manifest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::git::{self, Revision};
use super::manifest::{self, Reach};
use super::packages::{self, link};
use super::{Baseline, Error, artifact, lfs};
use crate::jinja::Renderer;
use crate::model::{Code, Diagnostic, Location, Manifest};
use crate::parse::{self, ParseOptions};
use crate::project::{self, LoadOptions, Project};

/// Files of a project whose paths may lead out of its folder.
const PATHS_OUT: [&str; 3] = ["dbt_project.yml", "packages.yml", "dependencies.yml"];

/// What the current side was loaded with; the baseline is loaded with the same.
pub struct LoadContext<'a> {
    /// The current side.
    pub project: &'a Project,
    /// How it was loaded.
    pub load: LoadOptions,
    /// How it was parsed.
    pub parse: ParseOptions,
    /// Whether the run was stopped; asked while packages are fetched.
    pub stop: &'a dyn Fn() -> bool,
}

/// A baseline.
#[derive(Debug)]
pub struct Loaded {
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// What else its parse made, when it is a revision that was parsed: enough to compile its nodes.
    pub parsed: Option<ParsedRevision>,
    /// What it is, for people, e.g. `main at 1a2b3c4 (merge base)`.
    pub description: String,
    /// The commit, if it is one.
    pub sha: Option<String>,
    /// What is worth knowing of it. Warnings about its files are left out: they are the current side's to tell.
    pub diagnostics: Vec<Diagnostic>,
}

/// What the parse of a revision made beside the manifest.
#[derive(Debug)]
pub struct ParsedRevision {
    /// Its macros.
    pub renderer: Arc<Renderer>,
    /// Its files, which seeds are read from; removed when this goes.
    _files: tempfile::TempDir,
}

/// Finds, reads and if need be parses the baseline.
///
/// # Errors
/// Every way in which a baseline can be unusable; see [`Error`].
pub fn load(baseline: &Baseline, context: &LoadContext<'_>) -> Result<Loaded, Error> {
    match baseline {
        Baseline::Manifest(place) => {
            let file = manifest::file(place, &context.project.root.root);
            let manifest = manifest::read_file(&file, &context.reach())?;
            Ok(written_by_others(manifest, &file.to_string(), None, context))
        }
        Baseline::Artifact(name) => {
            let found = artifact::newest(name, &context.reach())?;
            let manifest = manifest::parsed(&found.bytes, &found.description)?;
            Ok(written_by_others(manifest, &found.description, Some(found.sha), context))
        }
        Baseline::Git(revision) => {
            let repository = git::open(&context.project.root.root)?;
            let revision = git::find(&repository, revision)?;
            from_revision(&repository, &revision, context)
        }
        Baseline::MergeBase => {
            let repository = git::open(&context.project.root.root)?;
            let revision = git::merge_base(&repository, &context.load.env.0)?;
            from_revision(&repository, &revision, context)
        }
    }
}

impl LoadContext<'_> {
    fn reach(&self) -> Reach<'_> {
        Reach { env: &self.load.env.0, stop: self.stop }
    }
}

/// What is worth knowing of a manifest that another run wrote.
fn written_by_others(manifest: Manifest, place: &str, sha: Option<String>, context: &LoadContext<'_>) -> Loaded {
    let mut diagnostics = Vec::new();
    let shown = Location::file(place);
    let mut warn =
        |message: String| diagnostics.push(Diagnostic::warning(Code::Unsupported, message).at(shown.clone()));
    let (theirs, ours) = (&manifest.metadata.project_name, &context.project.root.name);
    if !theirs.is_empty() && theirs != ours {
        warn(format!("the baseline is a manifest of the project '{theirs}', not of '{ours}'"));
    }
    let (theirs, ours) = (&manifest.metadata.adapter_type, context.project.profile.adapter_type());
    if !theirs.is_empty() && theirs != ours {
        warn(format!("the baseline was written for {theirs}, and the target is {ours}"));
    }
    let made = [("dbt ", &manifest.metadata.dbt_version), ("at ", &manifest.metadata.generated_at)];
    let made = made.iter().filter(|(_, what)| !what.is_empty()).map(|(word, what)| format!("{word}{what}"));
    let made: Vec<String> = made.collect();
    let by = if made.is_empty() { String::new() } else { format!(" (written by {})", made.join(" ")) };
    Loaded { description: format!("{place}{by}"), manifest: Arc::new(manifest), parsed: None, sha, diagnostics }
}

fn from_revision(
    repository: &git2::Repository,
    revision: &Revision,
    context: &LoadContext<'_>,
) -> Result<Loaded, Error> {
    let below = git::subfolder(repository, &context.project.root.root)?;
    let text = |file: &str| git::text(repository, revision, &in_folder(&below, file));
    if text("dbt_project.yml").is_none() {
        let folder = if below.is_empty() { "its root".to_owned() } else { below };
        return Err(Error::NoProject { revision: revision.description.clone(), folder });
    }
    let leads_out = PATHS_OUT.iter().any(|file| text(file).is_some_and(|text| text.contains("..")));
    let scope = if leads_out { "" } else { &below };
    let folder =
        tempfile::Builder::new().prefix("slimdiff-baseline-").tempdir().map_err(|source| Error::Write { source })?;
    git::write(repository, revision, scope, folder.path())?;
    let mut diagnostics = complete(repository, revision, folder.path());

    let checkout = if below.is_empty() { folder.path().to_owned() } else { folder.path().join(&below) };
    let options = load_options(&checkout, context);
    diagnostics.extend(packages::provide(context, &options, folder.path(), &revision.description)?);
    let (manifest, renderer) = parse_checkout(&options, revision, context)?;
    Ok(Loaded {
        manifest: Arc::new(manifest),
        parsed: Some(ParsedRevision { renderer, _files: folder }),
        description: revision.description.clone(),
        sha: Some(revision.sha.clone()),
        diagnostics,
    })
}

fn in_folder(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// Brings what git keeps elsewhere: submodules as they are checked out now, and files of LFS.
fn complete(repository: &git2::Repository, revision: &Revision, folder: &Path) -> Vec<Diagnostic> {
    let Some(working_tree) = repository.workdir() else { return Vec::new() };
    for path in git::submodules(repository, revision) {
        let (from, to) = (working_tree.join(&path), folder.join(&path));
        if to.parent().is_some_and(Path::exists) && from.is_dir() {
            // An empty folder stands in its place; what cannot be linked is missed when the project is loaded.
            let _ = std::fs::remove_dir(&to).and_then(|()| link(&from, &to));
        }
    }
    let left = lfs::fill_in(folder, repository.path(), working_tree);
    let warning = |path: &PathBuf| {
        let message =
            format!("the baseline's {} is in Git LFS and not at hand, so it counts as changed", path.display());
        Diagnostic::warning(Code::UnreadableFile, message).hint("run `git lfs fetch` for the baseline's commit")
    };
    left.iter().map(warning).collect()
}

/// How the checked-out project is loaded: as the current side, in another folder.
fn load_options(checkout: &Path, context: &LoadContext<'_>) -> LoadOptions {
    let profile = &context.project.profile;
    let mut options = context.load.clone();
    checkout.clone_into(&mut options.project_dir);
    if profile.dir.is_some() {
        options.profiles_dir.clone_from(&profile.dir);
        options.profile = Some(profile.name.clone());
        options.target = Some(profile.target_name.clone());
    }
    options
}

fn parse_checkout(
    options: &LoadOptions,
    revision: &Revision,
    context: &LoadContext<'_>,
) -> Result<(Manifest, Arc<Renderer>), Error> {
    let named = || revision.description.clone();
    let loaded = project::load(options).map_err(|source| Error::Project { revision: named(), source })?;
    let parsed = parse::parse(&loaded.project, context.parse.clone());
    let errors: Vec<&Diagnostic> =
        loaded.diagnostics.iter().chain(&parsed.diagnostics).filter(|diagnostic| diagnostic.is_error()).collect();
    if let Some(first) = errors.first() {
        let place = first.location.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
        return Err(Error::Unparsable {
            revision: named(),
            count: errors.len(),
            first: format!("{}{place}", first.message),
        });
    }
    Ok((parsed.manifest, parsed.renderer))
}
