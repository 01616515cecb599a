//! What is typed for a baseline.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::Error;
use crate::fetch;

/// Where production's side comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Baseline {
    /// A manifest.json.
    Manifest(Place),
    /// The manifest in the newest artifact of this name that CI kept of the branch to merge into.
    Artifact(String),
    /// A revision of the project's repository: a branch, a tag, a commit.
    Git(String),
    /// Where the branch left the default branch (or the pull request's base branch).
    #[default]
    MergeBase,
}

/// Where a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file, or the folder it is in.
    Path(PathBuf),
    /// On the web or in an object store: a file whose name ends in `.json` or `.json.gz`, else the folder it is in.
    Url(Url),
}

impl Baseline {
    /// Reads `manifest:PATH`, `manifest:URL`, `artifact:NAME`, `git:REVISION` or `merge-base`.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for anything else, [`Error::Url`] for a URL that leads nowhere that can be read.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some(("manifest", place)) if !place.is_empty() => Ok(Self::Manifest(Place::of(Path::new(place))?)),
            Some(("artifact", name)) if !name.is_empty() => Ok(Self::Artifact(name.to_owned())),
            Some(("git", revision)) if !revision.is_empty() => Ok(Self::Git(revision.to_owned())),
            None if text == "merge-base" => Ok(Self::MergeBase),
            _ => Err(Error::Unreadable { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(place) => write!(f, "manifest:{place}"),
            Self::Artifact(name) => write!(f, "artifact:{name}"),
            Self::Git(revision) => write!(f, "git:{revision}"),
            Self::MergeBase => f.write_str("merge-base"),
        }
    }
}

impl Place {
    /// What was typed: a URL, if it has a scheme.
    ///
    /// # Errors
    /// [`Error::Url`] for one whose scheme is none that can be read, or that does not read as a URL.
    pub fn of(typed: &Path) -> Result<Self, Error> {
        let Some(text) = typed.to_str().filter(|text| text.contains("://")) else {
            return Ok(Self::Path(typed.to_owned()));
        };
        let wrong = |why: String| Error::Url { url: without_secrets(text), why };
        let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
        match url.scheme() {
            "file" => {
                url.to_file_path().map(Self::Path).map_err(|()| wrong("it names no file of this machine".to_owned()))
            }
            "http" | "https" => Ok(Self::Url(url)),
            known if fetch::schemes().any(|scheme| scheme == known) => Ok(Self::Url(url)),
            other => Err(wrong(format!("`{other}` is not read; use https, http, s3, gs, az, abfss or file"))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(&without_secrets(url.as_str())),
        }
    }
}

/// A URL without the password and the query, in which signatures stand.
pub(super) fn without_secrets(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    match bare.split_once("://").map(|(scheme, rest)| (scheme, rest, rest.find('/').unwrap_or(rest.len()))) {
        Some((scheme, rest, end)) => match rest[..end].rfind('@') {
            Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
            None => bare.to_owned(),
        },
        None => bare.to_owned(),
    }
}
