//! What is wrong with an artifact.

use std::io;
use std::path::PathBuf;

/// Why an artifact cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text ends in the middle.
    #[error("{name} is cut off in line {line}: it is {size} bytes long and ends inside of a value")]
    Truncated {
        /// The file or URL.
        name: String,
        /// Where it ends.
        line: usize,
        /// In bytes.
        size: usize,
    },
    /// The text is no JSON.
    #[error("{name} is not JSON: {source}")]
    NotJson {
        /// The file or URL.
        name: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The JSON is something else.
    #[error("{name} is not a manifest: {why}")]
    NotAManifest {
        /// The file or URL.
        name: String,
        /// What is missing.
        why: String,
    },
    /// The manifest has a version that is not read.
    #[error(
        "{name} is a manifest of schema version {found}, and slimdiff reads versions {oldest} to {newest}{written_by}"
    )]
    Version {
        /// The file or URL.
        name: String,
        /// Its version.
        found: u32,
        /// The oldest that is read.
        oldest: u32,
        /// The newest that is read.
        newest: u32,
        /// ` (written by dbt …)`, or nothing.
        written_by: String,
    },
    /// The JSON is no artifact of the kind that is read.
    #[error("{name} is not usable as dbt's {kind}: {why}")]
    NotResults {
        /// The file.
        name: String,
        /// `run-results` or `sources`.
        kind: &'static str,
        /// What is missing or unknown.
        why: String,
    },
    /// A node of the manifest has not what every node has.
    #[error("{name}: {node} has no usable `{field}`")]
    Node {
        /// The file or URL.
        name: String,
        /// The node's key.
        node: String,
        /// What is missing.
        field: &'static str,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Truncated { .. } => Some("download or copy it again"),
            Self::NotAManifest { .. } => Some("pass the target/manifest.json that dbt or slimdiff wrote"),
            Self::Version { .. } => Some("write it with dbt 1.3 to 1.12, or use a git revision as the baseline"),
            Self::NotResults { .. } => Some("write it again with dbt 1.5 or later, or with slimdiff"),
            Self::NotJson { .. } | Self::Node { .. } | Self::Read { .. } | Self::Write { .. } => None,
        }
    }
}
