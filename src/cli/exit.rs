//! Exit codes: an interface that scripts rely on. Findings are not failures.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Nothing to report.
    Clean = 0,
    /// Failed tests, gates, or a node that the database refused.
    Findings = 1,
    /// The command line, slimdiff.yml, the profile, packages.
    Usage = 2,
    /// The project does not parse.
    Project = 3,
    /// The baseline cannot be read or parsed.
    Baseline = 4,
    /// No connection, lost, or no right.
    Warehouse = 5,
    /// The comment could not be published.
    Publish = 6,
    /// Stopped by SIGINT or SIGTERM, as shells count it (128 + 2).
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
