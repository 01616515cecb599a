//! Why packages cannot be installed. Every one of these ends the run with exit code 2, and leaves the packages as they
//! were.

use std::io;
use std::path::PathBuf;

use crate::model::Diagnostic;
use crate::{fetch, project};

/// What keeps packages from being installed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project, or dbt_project.yml of a package, cannot be read.
    #[error(transparent)]
    Project(#[from] project::Error),
    /// What packages.yml, dependencies.yml or package-lock.yml says cannot be done.
    #[error("{0}")]
    Invalid(Box<Diagnostic>),
    /// The hub knows no package of the name.
    #[error("there is no package `{name}` on {hub} ({asked_by})")]
    UnknownPackage {
        /// As written.
        name: String,
        /// Which hub.
        hub: String,
        /// Who asked for it.
        asked_by: String,
        /// The nearest name on the hub.
        nearest: Option<String>,
    },
    /// No version is what everybody asks for.
    #[error("no version of {name} is what all ask for: {wanted}; {available}")]
    NoVersion {
        /// The package.
        name: String,
        /// What is asked for, and by whom.
        wanted: String,
        /// What there is.
        available: String,
        /// What to do about it.
        hint: String,
    },
    /// Two revisions of one repository.
    #[error("{url} is asked for at {} revisions: {wanted}", count)]
    Revisions {
        /// As written.
        url: String,
        /// How many.
        count: usize,
        /// Which, and by whom.
        wanted: String,
    },
    /// A local package that is not there.
    #[error("there is no dbt_project.yml in {}, the local package of {asked_by}", path.display())]
    NoLocal {
        /// Where it was looked for.
        path: PathBuf,
        /// Who asked for it.
        asked_by: String,
    },
    /// What was downloaded holds no project.
    #[error("{what} has no dbt_project.yml{}", subdirectory.as_ref().map(|path| format!(" in {path}")).unwrap_or_default())]
    NoProject {
        /// Which repository or archive.
        what: String,
        /// Where in it.
        subdirectory: Option<String>,
    },
    /// Two packages with the name of one project.
    #[error("two packages hold a project called `{name}`: {first} and {second}")]
    Duplicate {
        /// The project's name.
        name: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// There is no git.
    #[error("git is not installed, or not on PATH; {url} needs it")]
    NoGit {
        /// The repository, as written.
        url: String,
    },
    /// git says no.
    #[error("git cannot {doing} {url}: {said}")]
    Git {
        /// e.g. `fetch main of`.
        doing: String,
        /// The repository, as written.
        url: String,
        /// git's last words.
        said: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The web says no.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// As written.
        url: String,
        /// Why.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// An archive that is damaged or dangerous.
    #[error("the archive of {what} cannot be used: {reason}")]
    Archive {
        /// Which package.
        what: String,
        /// Why.
        reason: String,
    },
    /// What is asked for cannot be done: a private package, an unsafe folder, `--add-package` that names no version.
    #[error("{message}")]
    Refused {
        /// Why.
        message: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// The disk says no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// e.g. `write`.
        doing: &'static str,
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Stopped by a signal.
    #[error("stopped; the packages are as they were")]
    Stopped,
}

impl From<fetch::Error> for Error {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Stopped => Self::Stopped,
            fetch::Error::Failed { url, reason, hint, .. } => Self::Fetch { url, reason, hint },
        }
    }
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Project(error) => error.hint(),
            Self::UnknownPackage { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`?")),
            Self::UnknownPackage { .. } => {
                Some("write `namespace/name`, as the hub's page of the package does".to_owned())
            }
            Self::NoVersion { hint, .. } => Some(hint.clone()),
            Self::Revisions { .. } => Some("ask for the same revision everywhere".to_owned()),
            Self::NoLocal { .. } => Some(
                "paths of local packages, also of those that packages ask for, begin in the project's folder"
                    .to_owned(),
            ),
            Self::NoProject { subdirectory: None, .. } => {
                Some("if the project lies deeper, name its folder with `subdirectory:`".to_owned())
            }
            Self::NoProject { .. } => Some("check `subdirectory:`".to_owned()),
            Self::Duplicate { .. } => Some("remove one of them".to_owned()),
            Self::NoGit { .. } => {
                Some("install git; packages from git are fetched with it, and with your credentials".to_owned())
            }
            Self::Git { hint, .. } | Self::Fetch { hint, .. } | Self::Refused { hint, .. } => {
                Some((*hint).to_owned()).filter(|hint| !hint.is_empty())
            }
            Self::Invalid(_) | Self::Archive { .. } | Self::Io { .. } | Self::Stopped => None,
        }
    }

    pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
