//! DuckDB inside this process: one database a file, a connection a session, every call on a blocking thread.

mod database;
mod failure;
mod functions;
mod session;
mod types;
mod value;

use std::sync::Arc;

use ::duckdb::InterruptHandle;
use async_trait::async_trait;

use super::{Dialect, DuckDb, DuckDbTarget, Error, Session, Warehouse, activity::Activity};

use database::Database;

/// An opened DuckDB database.
pub(super) struct Engine {
    target: DuckDbTarget,
    database: Arc<Database>,
    activity: Arc<Activity<Arc<InterruptHandle>>>,
}

impl Engine {
    /// Opens the target's file, loads its extensions and attaches its other databases.
    ///
    /// # Errors
    /// [`Error::Connect`], with a hint where the file is locked, of another version, or none of DuckDB's.
    pub(super) async fn open(target: DuckDbTarget) -> Result<Self, Error> {
        let opened = target.clone();
        let database = session::blocking(&target.place(), move || database::open(&opened)).await?;
        Ok(Self { target, database, activity: Activity::new() })
    }
}

#[async_trait]
impl Warehouse for Engine {
    fn dialect(&self) -> &dyn Dialect {
        &DuckDb
    }

    async fn session(&self) -> Result<Box<dyn Session>, Error> {
        let permit = self.activity.permit()?;
        let (target, database) = (self.target.clone(), Arc::clone(&self.database));
        let connection = session::blocking(&self.target.place(), move || database.connect(&target)).await?;
        Ok(Box::new(session::DuckDbSession::new(connection, Arc::clone(&self.database), permit, &self.target)))
    }

    async fn cancel(&self) {
        self.activity.cancel(|handle| async move { handle.interrupt() }).await;
    }

    fn resume(&self) {
        self.activity.resume();
    }
}

#[cfg(test)]
mod tests;
