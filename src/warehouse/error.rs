//! What can go wrong with a warehouse, classified once so that no other room reads driver messages.

/// What can go wrong with a warehouse.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection: host, credentials, file, version of the file.
    #[error("cannot connect to {place}: {message}")]
    Connect {
        /// Host and database, or file; never a password.
        place: String,
        /// What the driver said.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The connection broke while in use.
    #[error("lost the connection to {place}: {message}")]
    Lost {
        /// Host and database, or file.
        place: String,
        /// What the driver said.
        message: String,
    },
    /// The database refused a statement.
    #[error("{message}")]
    Statement {
        /// The database's own words, with its detail and hint.
        message: String,
        /// SQLSTATE, where there is one.
        code: Option<String>,
        /// The statement.
        sql: String,
        /// The line of the statement the database points to, from 1.
        line: Option<u32>,
    },
    /// No right to do it.
    #[error("no permission: {message}")]
    Permission {
        /// The database's own words.
        message: String,
        /// The statement.
        sql: String,
    },
    /// Cancelled by us.
    #[error("cancelled")]
    Cancelled,
    /// Something was asked of an engine that projects are only parsed and compiled for.
    #[error("slimdiff does not connect to {adapter_type}")]
    NoConnection {
        /// dbt's adapter type.
        adapter_type: &'static str,
    },
    /// The profile asks for something this engine or build cannot do, or lacks what the engine needs.
    #[error("{message}")]
    Unsupported {
        /// What, and what to do instead.
        message: String,
    },
}

impl Error {
    /// An [`Error::Unsupported`] of the given words.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::Unsupported { message: message.into() }
    }

    /// What to do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Connect { hint, .. } => hint.as_deref(),
            Self::Permission { .. } => Some("grant the role the missing right, or use a role that has it"),
            Self::Lost { .. } => Some("run again; if it happens again, look into the database's own log"),
            Self::NoConnection { .. } => Some("run it with dbt: slimdiff connects to duckdb and postgres only"),
            Self::Statement { .. } | Self::Cancelled | Self::Unsupported { .. } => None,
        }
    }
}
