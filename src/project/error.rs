//! What keeps a project from being loaded at all. Every one of these ends the run with exit code 2.

use std::io;
use std::path::PathBuf;

use crate::model::{Diagnostic, nearest};

/// Why a project cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `dbt_project.yml`.
    #[error("no dbt_project.yml in {}", dir.display())]
    NoProject {
        /// Where it was looked for.
        dir: PathBuf,
        /// A folder above it that has one.
        parent: Option<PathBuf>,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `dbt_project.yml`, profiles.yml or packages.yml is not what it should be.
    #[error("{}", .0.details())]
    Invalid(Box<Diagnostic>),
    /// The project asks for another dbt.
    #[error("dbt_project.yml of {package} requires dbt {required}, and slimdiff follows dbt {ours}")]
    Version {
        /// The package.
        package: String,
        /// What it asks for.
        required: String,
        /// The version whose behaviour we follow.
        ours: &'static str,
    },
    /// `dbt_project.yml` names no profile and none was given.
    #[error("{} names no `profile`", path.display())]
    NoProfileName {
        /// `dbt_project.yml`.
        path: PathBuf,
    },
    /// There is no profiles.yml.
    #[error("no profiles.yml in {}", list(searched.iter().map(|dir| dir.display().to_string())))]
    NoProfiles {
        /// The folders that were searched.
        searched: Vec<PathBuf>,
    },
    /// profiles.yml has no profile of the name.
    #[error("no profile `{name}` in {}", path.display())]
    UnknownProfile {
        /// The name.
        name: String,
        /// The profiles.yml.
        path: PathBuf,
        /// The profiles it has.
        available: Vec<String>,
    },
    /// The profile has no output of the name.
    #[error("profile `{profile}` in {} has no target `{target}`", path.display())]
    UnknownTarget {
        /// The profile.
        profile: String,
        /// The target.
        target: String,
        /// The profiles.yml.
        path: PathBuf,
        /// The outputs it has.
        available: Vec<String>,
    },
    /// Packages are declared that are not installed.
    #[error("packages declared in {}: {declared}; installed in {}: {installed}", file.display(), dir.display())]
    PackagesNotInstalled {
        /// How many packages.yml and dependencies.yml declare.
        declared: usize,
        /// How many were found.
        installed: usize,
        /// The file that declares them.
        file: PathBuf,
        /// Where they were looked for.
        dir: PathBuf,
    },
    /// Two packages have the same name.
    #[error("two packages are called `{name}`: {} and {}", first.display(), second.display())]
    DuplicatePackage {
        /// Their name.
        name: String,
        /// One folder.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoProject { parent: Some(parent), .. } => {
                Some(format!("run in {}, or pass `--project-dir {}`", parent.display(), parent.display()))
            }
            Self::NoProject { parent: None, .. } => Some("pass the project's folder with `--project-dir`".to_owned()),
            Self::Invalid(diagnostic) => diagnostic.hint.clone(),
            Self::Version { .. } => Some("pass `--no-version-check` to try all the same".to_owned()),
            Self::NoProfileName { .. } => Some("add `profile: <name>`, or pass `--profile`".to_owned()),
            Self::NoProfiles { .. } => Some(
                "create it in one of these folders, or pass its folder with `--profiles-dir` or DBT_PROFILES_DIR"
                    .to_owned(),
            ),
            Self::UnknownProfile { available, name, .. } => {
                Some(match nearest(name, available.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`? dbt_project.yml says `profile: {name}`"),
                    None => {
                        format!("the profiles there are {}; `profile:` of dbt_project.yml chooses one", list(available))
                    }
                })
            }
            Self::UnknownTarget { available, .. } if available.is_empty() => {
                Some("add `outputs:` with the target below the profile".to_owned())
            }
            Self::UnknownTarget { available, .. } => {
                Some(format!("its targets are {}; `target:` of the profile or `--target` chooses one", list(available)))
            }
            Self::PackagesNotInstalled { .. } => Some("run `slimdiff deps` first".to_owned()),
            Self::DuplicatePackage { .. } => Some("remove one of them".to_owned()),
            Self::Unreadable { .. } => None,
        }
    }

    pub(super) fn invalid(diagnostic: Diagnostic) -> Self {
        Self::Invalid(Box::new(diagnostic))
    }
}

fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match names.len() {
        0 => "none".to_owned(),
        _ => names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "),
    }
}
