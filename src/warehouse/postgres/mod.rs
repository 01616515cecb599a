//! PostgreSQL: a session a connection.

use super::{Error, PostgresTarget, Warehouse};

/// A PostgreSQL server.
pub(super) struct Engine;

impl Engine {
    pub(super) async fn open(target: PostgresTarget) -> Result<Self, Error> {
        Err(Error::unsupported(format!("cannot connect to {} yet", target.place())))
    }
}

#[async_trait::async_trait]
impl Warehouse for Engine {
    fn dialect(&self) -> &dyn super::Dialect {
        &super::Postgres
    }

    async fn session(&self) -> Result<Box<dyn super::Session>, Error> {
        Err(Error::Cancelled)
    }

    async fn cancel(&self) {}

    fn resume(&self) {}
}
