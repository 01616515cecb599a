//! PostgreSQL: a session a connection, results fetched as text so that no digit is lost.

mod arrays;
mod connection;
mod failure;
mod session;
mod tls;
mod value;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio_postgres::CancelToken;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Dialect, Error, Postgres, PostgresTarget, Session, Warehouse, activity::Activity};

use session::PostgresSession;

/// A PostgreSQL server with an account.
pub(super) struct Engine {
    target: PostgresTarget,
    tls: MakeRustlsConnect,
    activity: Arc<Activity<Canceller>>,
    /// The connection that was made to see whether one can be made, for the first session.
    spare: Mutex<Option<PostgresSession>>,
}

/// What it takes to stop a statement on the server.
#[derive(Clone)]
struct Canceller {
    token: CancelToken,
    tls: MakeRustlsConnect,
}

impl Canceller {
    /// Asks the server to stop what the session runs. That it cannot be asked is no error: it is asked again.
    async fn cancel(self) {
        if let Err(error) = self.token.cancel_query(self.tls).await {
            tracing::debug!("cannot ask the server to cancel: {error}");
        }
    }
}

impl Engine {
    /// Connects to the target's server.
    ///
    /// # Errors
    /// [`Error::Connect`], with a hint on host, account or database; [`Error::Unsupported`] when the certificates the
    /// profile names cannot be read.
    pub(super) async fn open(target: PostgresTarget) -> Result<Self, Error> {
        let engine = Self { tls: tls::connector(&target)?, target, activity: Activity::new(), spare: Mutex::new(None) };
        let first = engine.connect().await?;
        *engine.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        Ok(engine)
    }

    async fn connect(&self) -> Result<PostgresSession, Error> {
        let permit = self.activity.permit()?;
        let client = connection::open(&self.target, &self.tls).await?;
        let canceller = Canceller { token: client.cancel_token(), tls: self.tls.clone() };
        Ok(PostgresSession::new(client, canceller, permit, &self.target))
    }
}

#[async_trait]
impl Warehouse for Engine {
    fn dialect(&self) -> &dyn Dialect {
        &Postgres
    }

    async fn session(&self) -> Result<Box<dyn Session>, Error> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(spare) = spare.filter(PostgresSession::is_usable) {
            return Ok(Box::new(spare));
        }
        Ok(Box::new(self.connect().await?))
    }

    async fn cancel(&self) {
        self.activity.cancel(Canceller::cancel).await;
    }

    fn resume(&self) {
        self.activity.resume();
    }
}
