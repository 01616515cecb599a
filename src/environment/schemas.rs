//! Making, finding, dropping and sweeping the schemas.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::warehouse::{self, Dialect, Session};

use super::{Error, MARKER_TABLE, Marker};

/// A schema that was made for one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The schema.
    pub schema: String,
    /// Its database; none for the session's own.
    pub database: Option<String>,
}

/// A schema of ours that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The schema.
    pub schema: String,
    /// What it says about itself.
    pub marker: Marker,
    /// How many relations are in it, the marker's table not counted.
    pub relations: usize,
}

/// Which schemas nobody needs any more.
#[derive(Debug, Clone, Copy)]
pub struct Sweep<'a> {
    /// The dbt project; schemas of other projects are left alone, since a pull request's number says nothing there.
    pub project: &'a str,
    /// Schemas that are older than this go.
    pub older_than: Duration,
    /// Schemas of these pull requests go, however young.
    pub closed: Option<&'a [u64]>,
    /// The time it is.
    pub now: DateTime<Utc>,
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Schemas that are gone.
    pub dropped: Vec<Found>,
    /// Schemas that could not be dropped, with the reason.
    pub kept: Vec<(Found, Error)>,
}

/// Makes the schema `name` with our marker in it, in one transaction, so that a process that is killed leaves either
/// both or neither. A schema of that name that carries the marker is replaced.
///
/// # Errors
/// [`Error::NotOurs`] when a schema of that name is there without the marker; it is left as it is.
pub async fn create(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    database: Option<&str>,
    name: &str,
    marker: &Marker,
) -> Result<Environment, Error> {
    check_name(dialect, name)?;
    // Dropped in a transaction of its own: what follows then meets no leftovers of the old schema.
    drop(session, dialect, database, name).await?;
    let mut statements = vec![dialect.create_new_schema(database, name)];
    statements.extend(marker.write(dialect, database, name));
    statements.extend(dialect.comment_schema(database, name, &marker.words()));
    begin(session, dialect, "create", name).await?;
    let mut made = Ok(None);
    for statement in &statements {
        made = session.execute(statement).await;
        if made.is_err() {
            break;
        }
    }
    finish(session, dialect, "create", name, made.map(|_| ())).await?;
    Ok(Environment { schema: name.to_owned(), database: database.map(str::to_owned) })
}

/// Drops the schema `name` with all that is in it. Returns whether it was there.
///
/// # Errors
/// [`Error::NotOurs`] when it does not carry the marker; it is left as it is.
pub async fn drop(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    database: Option<&str>,
    name: &str,
) -> Result<bool, Error> {
    begin(session, dialect, "drop", name).await?;
    let dropped = drop_marked(session, dialect, database, name).await;
    let (result, outcome) = match dropped {
        Ok(Outcome::Absent) => (Ok(()), Ok(false)),
        Ok(Outcome::Dropped) => (Ok(()), Ok(true)),
        Ok(Outcome::NotOurs) => (Ok(()), Err(Error::NotOurs { schema: name.to_owned() })),
        Err(error) => (Err(error), Ok(false)),
    };
    finish(session, dialect, "drop", name, result).await?;
    outcome
}

enum Outcome {
    Absent,
    NotOurs,
    Dropped,
}

async fn drop_marked(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    database: Option<&str>,
    name: &str,
) -> Result<Outcome, warehouse::Error> {
    let schemas = session.schemas(database).await?;
    if !schemas.iter().any(|schema| dialect.same_identifier(schema, name)) {
        return Ok(Outcome::Absent);
    }
    if Marker::read(session, dialect, database, name).await?.is_none() {
        return Ok(Outcome::NotOurs);
    }
    session.execute(&dialect.drop_schema(database, name)).await?;
    Ok(Outcome::Dropped)
}

/// The schemas that carry the marker, by name. Those whose marker may not be read are not ours to touch.
///
/// # Errors
/// [`Error::Warehouse`] when the warehouse refuses.
pub async fn list(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    database: Option<&str>,
) -> Result<Vec<Found>, Error> {
    let candidates = session
        .query(&dialect.schemas_with_table(database, MARKER_TABLE))
        .await
        .map_err(Error::warehouse("look for the marker in", "*"))?;
    let mut found = Vec::new();
    for schema in candidates.rows.iter().filter_map(|row| row.first()?.as_str()) {
        match look(session, dialect, database, schema).await {
            Ok(Some(schema)) => found.push(schema),
            Ok(None) | Err(warehouse::Error::Permission { .. }) => {}
            Err(error) => return Err(Error::warehouse("look into", schema)(error)),
        }
    }
    Ok(found)
}

async fn look(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    database: Option<&str>,
    schema: &str,
) -> Result<Option<Found>, warehouse::Error> {
    let Some(marker) = Marker::read(session, dialect, database, schema).await? else { return Ok(None) };
    let relations = session.relations(database, schema).await?.len().saturating_sub(1);
    Ok(Some(Found { schema: schema.to_owned(), marker, relations }))
}

/// Drops the schemas that nobody needs any more. One that cannot be dropped does not keep the others.
///
/// # Errors
/// [`Error::Warehouse`] when the schemas cannot be listed.
pub async fn sweep(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    database: Option<&str>,
    sweep: Sweep<'_>,
) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    for found in list(session, dialect, database).await? {
        if !sweep.is_due(&found.marker) {
            continue;
        }
        match drop(session, dialect, database, &found.schema).await {
            Ok(_) => swept.dropped.push(found),
            Err(error) => swept.kept.push((found, error)),
        }
    }
    Ok(swept)
}

impl Sweep<'_> {
    /// Whether a schema with this marker goes. One that was made in the future, by a clock that is ahead, stays.
    fn is_due(&self, marker: &Marker) -> bool {
        let age = self.now.signed_duration_since(marker.created_at).to_std().unwrap_or_default();
        let closed = match (marker.pull_request, self.closed) {
            (Some(number), Some(closed)) => closed.contains(&number),
            _ => false,
        };
        marker.project == self.project && (closed || age > self.older_than)
    }
}

fn check_name(dialect: &dyn Dialect, name: &str) -> Result<(), Error> {
    let reason = match dialect.max_identifier() {
        _ if name.trim().is_empty() => "it is empty".to_owned(),
        _ if name.contains('\0') => "there is a NUL in it".to_owned(),
        Some(limit) if name.len() > limit => format!("it has {} bytes, and {limit} is the most", name.len()),
        _ => return Ok(()),
    };
    Err(Error::Name { schema: name.to_owned(), reason })
}

async fn begin(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    doing: &'static str,
    schema: &str,
) -> Result<(), Error> {
    if let Some([begin, _, _]) = dialect.transaction() {
        session.execute(begin).await.map_err(Error::warehouse(doing, schema))?;
    }
    Ok(())
}

/// Commits, or rolls back what failed.
async fn finish(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    doing: &'static str,
    schema: &str,
    result: Result<(), warehouse::Error>,
) -> Result<(), Error> {
    let Some([_, commit, rollback]) = dialect.transaction() else {
        return result.map_err(Error::warehouse(doing, schema));
    };
    let Err(error) = result else {
        return session.execute(commit).await.map(|_| ()).map_err(Error::warehouse(doing, schema));
    };
    // What broke the statement may break this too, and then the end of the session rolls back.
    if let Err(second) = session.execute(rollback).await {
        tracing::debug!("cannot roll back: {second}");
    }
    Err(Error::warehouse(doing, schema)(error))
}
