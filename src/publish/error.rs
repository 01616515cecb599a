//! Why something could not be published, each with what to do about it.

use std::path::PathBuf;

/// What can go wrong while publishing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings cannot be used.
    #[error("{message}")]
    Settings {
        /// What is wrong.
        message: String,
    },
    /// The event file of GitHub Actions cannot be read.
    #[error("cannot read the event of GitHub Actions, {}: {message}", path.display())]
    Event {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// GitHub does not know the token.
    #[error("GitHub does not accept the token (401): {message}")]
    Unauthorized {
        /// GitHub's words.
        message: String,
    },
    /// The token may not do it.
    #[error("GitHub does not let this token comment on {place} (403): {message}")]
    Forbidden {
        /// The repository and pull request.
        place: String,
        /// GitHub's words.
        message: String,
    },
    /// No such repository or pull request, or the token may not see it.
    #[error("GitHub has no {place}, or the token may not see it (404)")]
    NotFound {
        /// The repository and pull request.
        place: String,
    },
    /// GitHub does not take the comment.
    #[error("GitHub refuses the comment of {bytes} bytes (422): {message}")]
    Refused {
        /// How long it was.
        bytes: usize,
        /// GitHub's words.
        message: String,
    },
    /// Too many requests, and the wait would be too long.
    #[error("GitHub's limit of requests is used up for another {seconds} s: {message}")]
    RateLimited {
        /// How long to wait.
        seconds: u64,
        /// GitHub's words.
        message: String,
    },
    /// GitHub is in trouble, and was after several tries.
    #[error("GitHub failed ({status}) {tries} times: {message}")]
    Server {
        /// The last HTTP status.
        status: u16,
        /// How often it was tried.
        tries: u32,
        /// GitHub's words.
        message: String,
    },
    /// GitHub could not be reached.
    #[error("cannot reach GitHub at {url}: {message}")]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        message: String,
    },
    /// An answer that makes no sense.
    #[error("GitHub answered {what} with {status}: {message}")]
    Unexpected {
        /// What was asked.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// A file of GitHub Actions cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the token can only read, as that of a pull request from a fork: then the report is in the job's summary
    /// and no comment can be had.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }

    /// What to do about it, where we know.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Settings { .. } => "in GitHub Actions all of it comes from the environment; elsewhere see --help",
            Self::Event { .. } => "GITHUB_EVENT_PATH names the file; unset it outside of GitHub Actions",
            Self::Unauthorized { .. } => "pass the job's token: `GITHUB_TOKEN: ${{ github.token }}`",
            Self::Forbidden { .. } => {
                "give the job `permissions: pull-requests: write`; the token of a pull request from a fork can only \
                 read, whatever the workflow says: there the report is in the job's summary"
            }
            Self::NotFound { .. } => {
                "check repository and number; a token without `permissions: pull-requests: write` sees no private \
                 repository"
            }
            Self::Refused { .. } => "the whole report is in the report file of this run",
            Self::RateLimited { .. } => "run again later",
            Self::Server { .. } | Self::Unreachable { .. } => {
                "run again, and see https://www.githubstatus.com; the report file of this run is complete"
            }
            Self::Unexpected { .. } | Self::Write { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
