//! What is typed for a baseline.

use std::fmt;
use std::path::PathBuf;

use super::Error;

/// Where production's side comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Baseline {
    /// A manifest.json, or the folder it is in.
    Manifest(PathBuf),
    /// A revision of the project's repository: a branch, a tag, a commit.
    Git(String),
    /// Where the branch left the default branch (or the pull request's base branch).
    #[default]
    MergeBase,
}

impl Baseline {
    /// Reads `manifest:PATH`, `git:REVISION` or `merge-base`.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for anything else, [`Error::Url`] for a manifest on the web.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some(("manifest", path)) if path.starts_with("https://") || path.starts_with("http://") => {
                Err(Error::Url { url: path.to_owned() })
            }
            Some(("manifest", path)) if !path.is_empty() => Ok(Self::Manifest(path.into())),
            Some(("git", revision)) if !revision.is_empty() => Ok(Self::Git(revision.to_owned())),
            None if text == "merge-base" => Ok(Self::MergeBase),
            _ => Err(Error::Unreadable { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(path) => write!(f, "manifest:{}", path.display()),
            Self::Git(revision) => write!(f, "git:{revision}"),
            Self::MergeBase => f.write_str("merge-base"),
        }
    }
}
