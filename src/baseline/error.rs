//! Why there is nothing to compare with, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::{artifacts, fetch, project};

/// What makes a baseline unusable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a baseline.
    #[error("'{text}' is no baseline; write manifest:PATH, manifest:URL, artifact:NAME, git:REVISION or merge-base")]
    Unreadable {
        /// As typed.
        text: String,
    },
    /// A URL that leads nowhere that can be read.
    #[error("the baseline's manifest cannot be read from {url}: {why}")]
    Url {
        /// Where it is said to be.
        url: String,
        /// Why.
        why: String,
    },
    /// A manifest that cannot be fetched.
    #[error(transparent)]
    Fetch(fetch::Error),
    /// An archive that is damaged or holds no manifest.
    #[error("{name} cannot be used: {why}")]
    Packed {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// Outside of GitHub Actions, or without a token.
    #[error("artifacts cannot be asked for, since {variable} is not set")]
    NoVariable {
        /// What is missing.
        variable: &'static str,
    },
    /// No artifact that may be believed.
    #[error("there is no artifact `{name}` of {branch} ({seen} of the name were looked at)")]
    NoArtifact {
        /// What was asked for.
        name: String,
        /// Of which branch.
        branch: String,
        /// Artifacts of the name: of other branches and forks, or expired.
        seen: usize,
    },
    /// An answer that does not read as one.
    #[error("the answer of {url} cannot be read: {why}")]
    Answer {
        /// What was asked.
        url: String,
        /// Why.
        why: String,
    },
    /// A manifest that cannot be read.
    #[error("the baseline cannot be used: {0}")]
    Manifest(#[source] artifacts::Error),
    /// The project is in no repository.
    #[error("{} is not in a git repository, so there is no revision to compare with", folder.display())]
    NoRepository {
        /// The project's folder.
        folder: PathBuf,
    },
    /// git does not trust the folder.
    #[error("git does not trust {}, because another user owns it", folder.display())]
    Distrusted {
        /// The repository's folder.
        folder: PathBuf,
    },
    /// No commit yet.
    #[error("the repository has no commit yet")]
    NoCommit,
    /// None of the names of a default branch exists.
    #[error("no default branch was found: there is none of {}", tried.join(", "))]
    NoDefaultBranch {
        /// Names that were looked for.
        tried: Vec<String>,
        /// Whether the clone has only a part of the history.
        shallow: bool,
    },
    /// The branch and the default branch have no commit in common.
    #[error("there is no merge base of HEAD and {branch}")]
    NoMergeBase {
        /// The default branch.
        branch: String,
        /// Whether the clone has only a part of the history.
        shallow: bool,
    },
    /// A revision that does not exist here.
    #[error("there is no revision '{revision}' in this repository")]
    UnknownRevision {
        /// As typed.
        revision: String,
        /// Whether the clone has only a part of the history.
        shallow: bool,
    },
    /// The revision has no project.
    #[error("{revision} has no dbt_project.yml in {folder}")]
    NoProject {
        /// The revision, for people.
        revision: String,
        /// The project's folder in the repository.
        folder: String,
    },
    /// Packages of the revision are not those that are installed.
    #[error(
        "{revision} declares other packages than are installed now ({file} differs), and they cannot be had: {source}"
    )]
    OtherPackages {
        /// The revision, for people.
        revision: String,
        /// The file that differs.
        file: &'static str,
        /// Why they cannot be had.
        source: Box<project::deps::Error>,
    },
    /// The revision's project cannot be loaded.
    #[error("{revision} cannot be loaded: {source}")]
    Project {
        /// The revision, for people.
        revision: String,
        /// Why.
        source: project::Error,
    },
    /// The revision's project does not parse.
    #[error("{revision} does not parse ({count} {}): {first}", if *count == 1 { "error" } else { "errors" })]
    Unparsable {
        /// The revision, for people.
        revision: String,
        /// How many errors.
        count: usize,
        /// The first of them.
        first: String,
    },
    /// The revision's files could not be written to a temporary folder.
    #[error("cannot write the files of the baseline to a temporary folder: {source}")]
    Write {
        /// Why.
        source: io::Error,
    },
    /// Anything else git says.
    #[error("git: {doing}: {source}")]
    Git {
        /// What was tried.
        doing: String,
        /// git's own words.
        source: git2::Error,
    },
}

impl Error {
    /// Whether a signal stopped the run while the baseline or its packages were fetched.
    pub fn is_stopped(&self) -> bool {
        match self {
            Self::Fetch(error) => matches!(error, fetch::Error::Stopped),
            Self::OtherPackages { source, .. } => matches!(**source, project::deps::Error::Stopped),
            _ => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let production = "production's manifest will do as well: --baseline manifest:PATH";
        let hint = match self {
            Self::Unreadable { .. } | Self::Project { .. } | Self::NoCommit | Self::Write { .. } => return None,
            Self::Url { .. } => "or download it, and give the path: --baseline manifest:PATH".to_owned(),
            Self::Fetch(error) => return error.hint(),
            Self::Packed { .. } | Self::Answer { .. } => production.to_owned(),
            Self::NoVariable { .. } => {
                "in a workflow, pass `GITHUB_TOKEN: ${{ github.token }}` and the permission `actions: read`; elsewhere, set both \
                 GITHUB_REPOSITORY and GITHUB_TOKEN"
                    .to_owned()
            }
            Self::NoArtifact { name, branch, .. } => format!(
                "have the workflow of {branch} keep it: actions/upload-artifact with `name: {name}` and `path: target/manifest.json`"
            ),
            Self::Manifest(_) => {
                "have production write it again, e.g. with `dbt parse`, or compare with git: --baseline git:main".to_owned()
            }
            Self::NoRepository { .. } => {
                "run it inside of the repository, or give production's manifest: --baseline manifest:PATH".to_owned()
            }
            Self::Distrusted { folder } => {
                format!("run `git config --global --add safe.directory {}`", folder.display())
            }
            Self::NoDefaultBranch { shallow: true, .. } | Self::NoMergeBase { shallow: true, .. } => {
                "the clone is shallow; fetch the whole history, with `fetch-depth: 0` of actions/checkout or `git fetch --unshallow`"
                    .to_owned()
            }
            Self::NoDefaultBranch { .. } => format!("name a revision: --baseline git:REVISION; {production}"),
            Self::NoMergeBase { branch, .. } => format!("compare with its tip: --baseline git:{branch}; {production}"),
            Self::UnknownRevision { revision, shallow } => {
                let fetch = format!("fetch it first: git fetch origin {revision}");
                if *shallow { format!("{fetch}; the clone is shallow, see `fetch-depth: 0` of actions/checkout") } else { fetch }
            }
            Self::NoProject { .. } => format!("name a revision that has the project: --baseline git:REVISION; {production}"),
            Self::OtherPackages { source, .. } => match source.hint() {
                Some(hint) => format!("{hint}; or else, {production}"),
                None => production.to_owned(),
            },
            Self::Unparsable { .. } => format!("name a revision that parses: --baseline git:REVISION; {production}"),
            Self::Git { source, .. } => {
                let missing = source.code() == git2::ErrorCode::NotFound;
                return missing.then(|| "objects may be missing from a partial clone; clone without `--filter`".to_owned());
            }
        };
        Some(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::Error;
    use crate::{fetch, project};

    #[test]
    fn a_run_that_was_stopped_while_it_fetched_says_so() {
        let packages = project::deps::Error::Stopped;
        assert!(Error::Fetch(fetch::Error::Stopped).is_stopped());
        let revision = "main".to_owned();
        assert!(Error::OtherPackages { revision, file: "packages.yml", source: Box::new(packages) }.is_stopped());
        let failed = fetch::Error::Failed { url: "u".to_owned(), reason: "r".to_owned(), hint: "" };
        assert!(!Error::Fetch(failed).is_stopped() && !Error::NoCommit.is_stopped());
    }
}
