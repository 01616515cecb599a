//! Engines: sessions that run SQL, and dialects that write it. All SQL text and all drivers live in this room.

use async_trait::async_trait;

use crate::model::{Column, Relation, Table};

mod dialect;
pub use dialect::{ColumnSpec, Dialect, SeedType, SnapshotSpec};

/// An engine with credentials, ready to open sessions. One per run, shared.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// How this engine writes SQL.
    fn dialect(&self) -> &dyn Dialect;

    /// Opens a session. On DuckDB all sessions share one process-wide database.
    ///
    /// # Errors
    /// [`Error::Connect`] with where, why and what to do.
    async fn session(&self) -> Result<Box<dyn Session>, Error>;

    /// Cancels on the server every statement that a session of this warehouse is running; later statements fail with
    /// [`Error::Cancelled`]. Never fails: it is called while things go wrong.
    async fn cancel(&self);
}

/// One connection. Statements run one after the other.
#[async_trait]
pub trait Session: Send {
    /// Runs any number of statements and returns the number of rows the last one affected, where the engine tells.
    async fn execute(&mut self, sql: &str) -> Result<Option<u64>, Error>;

    /// Runs statements and returns the rows of the last one, in memory.
    async fn query(&mut self, sql: &str) -> Result<Table, Error>;

    /// Appends rows given as text to a table; `None` is NULL, every text is cast to its column's type by the engine.
    async fn load(
        &mut self,
        relation: &Relation,
        columns: &[Column],
        rows: &[Vec<Option<String>>],
    ) -> Result<(), Error>;

    /// Tables and views of one schema; empty when the schema does not exist.
    async fn relations(&mut self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Error>;

    /// Columns in order with their full types; empty when the relation does not exist.
    async fn columns(&mut self, relation: &Relation) -> Result<Vec<Column>, Error>;

    /// Names of the schemas of one database (the target's own when none).
    async fn schemas(&mut self, database: Option<&str>) -> Result<Vec<String>, Error>;
}

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
    /// The profile asks for something this engine or build cannot do.
    #[error("{message}")]
    Unsupported {
        /// What, and what to do instead.
        message: String,
    },
}
