//! A session that opens when it is first needed, is shared by a step and the templates it renders, and remembers when
//! it broke.
//!
//! Templates must use the session of their step: a post-hook that queries the table which its step has just made,
//! inside the same transaction, would wait for itself on a session of its own.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Column, Relation, Table};
use crate::warehouse::{Error, Session, Warehouse};

/// A lazily opened session. Clones share it.
#[derive(Clone)]
pub struct Connection {
    warehouse: Arc<dyn Warehouse>,
    state: Arc<tokio::sync::Mutex<State>>,
    broken: Broken,
}

/// Where the first broken connection of a build is kept for the scheduler.
#[derive(Clone, Default)]
pub(crate) struct Broken(Arc<Mutex<Option<Error>>>);

#[derive(Default)]
struct State {
    session: Option<Box<dyn Session>>,
    in_transaction: bool,
}

impl Broken {
    /// The error that broke a connection, if one did.
    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, error: &Error) {
        let copy = match error {
            Error::Connect { place, message, hint } => {
                Error::Connect { place: place.clone(), message: message.clone(), hint: hint.clone() }
            }
            Error::Lost { place, message } => Error::Lost { place: place.clone(), message: message.clone() },
            _ => return,
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(copy);
    }
}

impl Connection {
    /// A connection that opens a session of `warehouse` when it is first used.
    pub fn new(warehouse: Arc<dyn Warehouse>) -> Self {
        Self::watched(warehouse, Broken::default())
    }

    /// The same, which tells `broken` when it cannot connect or is lost.
    pub(crate) fn watched(warehouse: Arc<dyn Warehouse>, broken: Broken) -> Self {
        Self { warehouse, state: Arc::default(), broken }
    }

    /// Whether a session can be had at all: not of an engine that projects are only compiled for.
    pub(crate) fn can_open(&self) -> bool {
        self.warehouse.can_open()
    }

    /// The engine's way of writing SQL.
    pub fn dialect(&self) -> &dyn crate::warehouse::Dialect {
        self.warehouse.dialect()
    }

    /// Runs statements; how many rows the last one affected, where the engine tells.
    pub async fn execute(&self, sql: &str) -> Result<Option<u64>, Error> {
        tracing::debug!(sql, "execute");
        let mut state = self.state.lock().await;
        let result = state.session(self).await?.execute(sql).await;
        self.checked(&mut state, result)
    }

    /// Runs statements; the rows of the last one.
    pub async fn query(&self, sql: &str) -> Result<Table, Error> {
        tracing::debug!(sql, "query");
        let mut state = self.state.lock().await;
        let result = state.session(self).await?.query(sql).await;
        self.checked(&mut state, result)
    }

    /// Appends rows given as text.
    pub async fn load(
        &self,
        relation: &Relation,
        columns: &[Column],
        rows: &[Vec<Option<String>>],
    ) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        let result = state.session(self).await?.load(relation, columns, rows).await;
        self.checked(&mut state, result)
    }

    /// Relations of one schema.
    pub async fn relations(&self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Error> {
        let mut state = self.state.lock().await;
        let result = state.session(self).await?.relations(database, schema).await;
        self.checked(&mut state, result)
    }

    /// Columns of a relation, empty when it does not exist.
    pub async fn columns(&self, relation: &Relation) -> Result<Vec<Column>, Error> {
        let mut state = self.state.lock().await;
        let result = state.session(self).await?.columns(relation).await;
        self.checked(&mut state, result)
    }

    /// Begins a transaction, where the engine has them.
    pub(crate) async fn begin(&self) -> Result<(), Error> {
        let Some([begin, _, _]) = self.dialect().transaction() else { return Ok(()) };
        self.execute(begin).await?;
        self.state.lock().await.in_transaction = true;
        Ok(())
    }

    /// Commits the transaction, if one is open.
    pub(crate) async fn commit(&self) -> Result<(), Error> {
        let Some([_, commit, _]) = self.dialect().transaction() else { return Ok(()) };
        if self.state.lock().await.in_transaction {
            self.execute(commit).await?;
            self.state.lock().await.in_transaction = false;
        }
        Ok(())
    }

    /// Undoes what the open transaction did. A session that cannot even do that (it was cancelled or lost) is closed,
    /// which undoes it as well.
    pub(crate) async fn rollback(&self) {
        let mut state = self.state.lock().await;
        if !std::mem::take(&mut state.in_transaction) {
            return;
        }
        let (Some([_, _, rollback]), Some(session)) = (self.dialect().transaction(), state.session.as_mut()) else {
            return;
        };
        if session.execute(rollback).await.is_err() {
            state.session = None;
        }
    }

    fn checked<T>(&self, state: &mut State, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.broken.note(error);
            if matches!(error, Error::Lost { .. }) {
                state.session = None;
            }
        }
        result
    }
}

impl State {
    async fn session(&mut self, connection: &Connection) -> Result<&mut Box<dyn Session>, Error> {
        match &mut self.session {
            Some(session) => Ok(session),
            empty => {
                let session =
                    connection.warehouse.session().await.inspect_err(|error| connection.broken.note(error))?;
                Ok(empty.insert(session))
            }
        }
    }
}
