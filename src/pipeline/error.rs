//! What can stop a run, stage by stage, and what to do about it.

use std::path::PathBuf;

use crate::model::NodeId;
use crate::{artifacts, baseline, build, config, environment, plan, project, select, warehouse};

/// An error of one of the stages. Each already says what, where and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// slimdiff.yml.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// dbt_project.yml, the profile, packages.
    #[error(transparent)]
    Project(#[from] project::Error),
    /// Packages.
    #[error(transparent)]
    Deps(#[from] project::deps::Error),
    /// The project has errors; they have been told as diagnostics.
    #[error("the project does not parse: {count} {}", if *count == 1 { "error" } else { "errors" })]
    Unparsable {
        /// How many errors.
        count: usize,
    },
    /// A selector.
    #[error(transparent)]
    Select(#[from] select::Error),
    /// A plan that cannot be made.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// The baseline.
    #[error(transparent)]
    Baseline(#[from] baseline::Error),
    /// The manifest of `--state`.
    #[error(transparent)]
    State(artifacts::Error),
    /// The warehouse.
    #[error(transparent)]
    Warehouse(#[from] warehouse::Error),
    /// The throw-away schema.
    #[error(transparent)]
    Environment(#[from] environment::Error),
    /// The build as a whole.
    #[error(transparent)]
    Build(#[from] build::Error),
    /// A node that does not compile, or that the database refuses.
    #[error("{unique_id}: {failure}")]
    Node {
        /// Which.
        unique_id: NodeId,
        /// Why.
        failure: Box<build::Failure>,
    },
    /// A file that could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Two relations cannot be compared.
    #[error("{message}")]
    CannotCompare {
        /// Why.
        message: String,
        /// What to do.
        hint: String,
    },
    /// What was asked for cannot be done.
    #[error("{message}")]
    Usage {
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Error {
    /// A request that cannot be met, with advice.
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// A comparison that cannot be made, with advice.
    pub(super) fn cannot_compare(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::CannotCompare { message: message.into(), hint: hint.into() }
    }

    /// Whether a signal stopped the run while something was fetched, or asked of a warehouse.
    pub fn is_stopped(&self) -> bool {
        match self {
            Self::Deps(error) => matches!(error, project::deps::Error::Stopped),
            Self::Baseline(error) => error.is_stopped(),
            Self::Warehouse(error) => matches!(error, warehouse::Error::Cancelled),
            Self::Node { failure, .. } => matches!(**failure, build::Failure::Cancelled),
            _ => false,
        }
    }

    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Project(error) => error.hint(),
            Self::Deps(error) => error.hint(),
            Self::Select(error) => error.hint(),
            Self::Baseline(error) => error.hint(),
            Self::Warehouse(error) => error.hint().map(str::to_owned),
            Self::Environment(error) => error.hint().map(str::to_owned),
            Self::CannotCompare { hint, .. } => Some(hint.clone()),
            Self::Usage { hint, .. } => hint.clone(),
            _ => None,
        }
    }
}
