//! The two traits every engine implements, and the one place that picks an engine.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::model::{Column, Relation, Table, Value};

use super::unconnected::Unconnected;
use super::{Dialect, Error, Target, duckdb, postgres};

/// An engine with credentials, ready to open sessions. One per run, shared.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// How this engine writes SQL.
    fn dialect(&self) -> &dyn Dialect;

    /// dbt's adapter type.
    fn adapter_type(&self) -> &'static str {
        self.dialect().name()
    }

    /// Whether sessions can be opened at all.
    fn can_open(&self) -> bool {
        true
    }

    /// Opens a session. On DuckDB all sessions share one process-wide database.
    ///
    /// # Errors
    /// [`Error::Connect`] with where, why and what to do.
    async fn session(&self) -> Result<Box<dyn Session>, Error>;

    /// Cancels on the server every statement that a session of this warehouse is running; later statements fail with
    /// [`Error::Cancelled`]. Never fails: it is called while things go wrong. Returns when nothing runs any more, or
    /// after ten seconds.
    async fn cancel(&self);

    /// After [`Warehouse::cancel`]: sessions opened from now on work again, so that what is half-built can be removed.
    /// Sessions opened before stay cancelled.
    fn resume(&self);
}

/// One connection. Statements run one after the other. Dropping a session rolls back what it has not committed.
#[async_trait]
pub trait Session: Send {
    /// Runs any number of statements and returns the number of rows the last one affected, where the engine tells.
    async fn execute(&mut self, sql: &str) -> Result<Option<u64>, Error>;

    /// Runs statements and returns the rows of the last one, in memory.
    async fn query(&mut self, sql: &str) -> Result<Table, Error>;

    /// Runs a query and hands over its rows in pieces as they come, which need not all be in memory then. It ends early
    /// when nobody takes them any more.
    async fn stream(&mut self, sql: &str, pieces: mpsc::Sender<Vec<Vec<Value>>>) -> Result<(), Error> {
        // Whoever does not take them any more wants no error either.
        let _ = pieces.send(self.query(sql).await?.rows).await;
        Ok(())
    }

    /// Appends rows given as text to a table; `None` is NULL, every text is cast to its column's type by the engine.
    async fn load(
        &mut self,
        relation: &Relation,
        columns: &[Column],
        rows: &[Vec<Option<String>>],
    ) -> Result<(), Error>;

    /// Tables and views of one schema; empty when the schema does not exist.
    async fn relations(&mut self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Error>;

    /// Columns in order with their full types; empty when the relation does not exist. A relation without a schema is
    /// looked for among the session's temporary tables first.
    async fn columns(&mut self, relation: &Relation) -> Result<Vec<Column>, Error>;

    /// Names of the schemas of one database (the target's own when none).
    async fn schemas(&mut self, database: Option<&str>) -> Result<Vec<String>, Error>;
}

/// Opens a target: a connection is made, so that wrong credentials or a locked file show here.
///
/// # Errors
/// [`Error::Connect`] with where, why and what to do; [`Error::Unsupported`] when the profile asks for what we lack.
pub async fn connect(target: &Target) -> Result<Arc<dyn Warehouse>, Error> {
    Ok(match target {
        Target::DuckDb(target) => Arc::new(duckdb::Engine::open(target.clone()).await?),
        Target::Postgres(target) => Arc::new(postgres::Engine::open(target.clone()).await?),
        Target::Foreign(target) => return Err(target.refused()),
    })
}

/// Opens a target for compiling only: an engine without a connection will do, whose sessions fail with
/// [`Error::NoConnection`].
///
/// # Errors
/// As [`connect`].
pub async fn connect_to_compile(target: &Target) -> Result<Arc<dyn Warehouse>, Error> {
    match target {
        Target::Foreign(_) => Ok(Arc::new(Unconnected::refusing(target))),
        target => connect(target).await,
    }
}

/// The engine of a target as if nothing were built there, never connected: it has no relations, and whoever asks it for
/// rows or columns is told that it has none to give.
pub fn as_if_empty(target: &Target) -> Arc<dyn Warehouse> {
    Arc::new(Unconnected::empty(target))
}
