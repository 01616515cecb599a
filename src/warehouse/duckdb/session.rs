//! One DuckDB connection.

use std::sync::{Arc, Mutex, PoisonError};

use ::duckdb::{
    Connection, InterruptHandle, appender_params_from_iter,
    arrow::{
        array::{Array, StructArray},
        datatypes::Schema,
    },
};
use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::{
    model::{Column, Relation, RelationKind, Table, Value},
    warehouse::{Dialect, DuckDb, DuckDbTarget, Error, Session, activity::Permit},
};

use super::{database::Database, failure, types, value};

/// Where rows wait until they are cast to the types of the table they are loaded into.
const STAGE: &str = "slimdiff_load";

pub(super) struct DuckDbSession {
    connection: Arc<Mutex<Connection>>,
    interrupt: Arc<InterruptHandle>,
    permit: Permit<Arc<InterruptHandle>>,
    place: String,
    /// The target's database, which may be another than the one opened first.
    name: String,
    /// Keeps the database in the list of open ones for as long as a connection uses it.
    _database: Arc<Database>,
}

/// Runs `work` where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    place: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::Lost { place: place.to_owned(), message: format!("the driver stopped: {error}") }),
    }
}

/// Interrupts the statement whose caller went away.
struct Abandoned(Option<Arc<InterruptHandle>>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.interrupt();
        }
    }
}

impl DuckDbSession {
    pub(super) fn new(
        connection: Connection,
        database: Arc<Database>,
        permit: Permit<Arc<InterruptHandle>>,
        target: &DuckDbTarget,
    ) -> Self {
        let interrupt = connection.interrupt_handle();
        Self {
            connection: Arc::new(Mutex::new(connection)),
            interrupt,
            permit,
            place: target.place(),
            name: target.database.clone(),
            _database: database,
        }
    }

    /// A database's name as a literal, the target's when none is given.
    fn database(&self, database: Option<&str>) -> String {
        DuckDb.literal(database.unwrap_or(&self.name))
    }

    /// Runs `work` on the connection; `sql` is what it runs, for the log and errors.
    async fn run<T: Send + 'static>(
        &mut self,
        sql: &str,
        work: impl FnOnce(&Connection, &str) -> ::duckdb::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        tracing::debug!(place = self.place, sql, "duckdb");
        let running = self.permit.begin(Arc::clone(&self.interrupt))?;
        let (connection, text) = (Arc::clone(&self.connection), sql.to_owned());
        let mut abandoned = Abandoned(Some(Arc::clone(&self.interrupt)));
        let result = blocking(&self.place, move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let result = work(&connection, &text);
            drop(running);
            Ok(result)
        })
        .await;
        abandoned.0 = None;
        match result? {
            Ok(value) => Ok(Some(value)),
            Err(error) => match failure::statement(&self.place, sql, &error) {
                Some(error) => Err(error),
                None => Ok(None),
            },
        }
    }
}

#[async_trait]
impl Session for DuckDbSession {
    async fn execute(&mut self, sql: &str) -> Result<Option<u64>, Error> {
        let affected = self.run(sql, |connection, sql| connection.prepare(sql)?.execute([])).await?;
        Ok(affected.and_then(|rows| u64::try_from(rows).ok()))
    }

    async fn query(&mut self, sql: &str) -> Result<Table, Error> {
        let fetched = self.run(sql, fetch).await?;
        fetched.unwrap_or_else(|| Ok(Table::default()))
    }

    async fn stream(&mut self, sql: &str, pieces: mpsc::Sender<Vec<Vec<Value>>>) -> Result<(), Error> {
        let streamed = self.run(sql, move |connection, sql| stream(connection, sql, &pieces)).await?;
        streamed.unwrap_or(Ok(()))
    }

    async fn load(
        &mut self,
        relation: &Relation,
        columns: &[Column],
        rows: &[Vec<Option<String>>],
    ) -> Result<(), Error> {
        if rows.is_empty() || columns.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = columns.iter().map(|column| DuckDb.quote(&column.name)).collect();
        let stage: Vec<String> = names.iter().map(|name| format!("{name} varchar")).collect();
        self.execute(&format!("create or replace temporary table {STAGE} ({})", stage.join(", "))).await?;
        let rows = rows.to_vec();
        self.run("-- rows into the stage", move |connection, _| {
            let mut appender = connection.appender_to_catalog_and_db(STAGE, "temp", "main")?;
            for row in &rows {
                appender.append_row(appender_params_from_iter(row))?;
            }
            appender.flush()
        })
        .await?;
        let names = names.join(", ");
        let moved = self.execute(&format!("insert into {relation} ({names}) select {names} from temp.{STAGE}")).await;
        // In a transaction that failed, nothing can be dropped, and its end drops the stage anyway.
        let dropped = self.execute(&format!("drop table if exists temp.{STAGE}")).await;
        moved.and(dropped).map(|_| ())
    }

    async fn relations(&mut self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Error> {
        let (database, schema) = (self.database(database), DuckDb.literal(schema));
        let sql = format!(
            "select database_name, schema_name, table_name, false as is_view from duckdb_tables()\n\
             where database_name = {database} and lower(schema_name) = lower({schema}) and not internal\n\
             union all\n\
             select database_name, schema_name, view_name, true from duckdb_views()\n\
             where database_name = {database} and lower(schema_name) = lower({schema}) and not internal\n\
             order by 3"
        );
        let table = self.query(&sql).await?;
        Ok(table.rows.iter().filter_map(|row| relation(row)).collect())
    }

    async fn columns(&mut self, relation: &Relation) -> Result<Vec<Column>, Error> {
        let place = match relation.schema.as_deref() {
            Some(schema) => format!(
                "database_name = {} and lower(schema_name) = lower({})",
                self.database(relation.database.as_deref()),
                DuckDb.literal(schema)
            ),
            None => {
                "(database_name = 'temp' or (database_name = current_database() and schema_name = current_schema()))"
                    .to_owned()
            }
        };
        let sql = format!(
            "select column_name, data_type, database_name = 'temp' as is_temporary from duckdb_columns()\n\
             where {place} and lower(table_name) = lower({})\n\
             order by is_temporary desc, column_index",
            DuckDb.literal(relation.name())
        );
        let table = self.query(&sql).await?;
        let first = table.rows.first().map(|row| row[2].clone());
        let rows = table.rows.into_iter().filter(|row| Some(&row[2]) == first.as_ref());
        Ok(rows
            .filter_map(|row| {
                Some(Column { name: row[0].as_str()?.to_owned(), data_type: row[1].as_str()?.to_owned() })
            })
            .collect())
    }

    async fn schemas(&mut self, database: Option<&str>) -> Result<Vec<String>, Error> {
        let sql = format!(
            "select schema_name from duckdb_schemas() where database_name = {} and not internal\n\
             union select 'main' order by 1",
            self.database(database)
        );
        let table = self.query(&sql).await?;
        Ok(table.rows.iter().filter_map(|row| row[0].as_str().map(str::to_owned)).collect())
    }
}

fn relation(row: &[Value]) -> Option<Relation> {
    let [database, schema, name, is_view] = row else { return None };
    let kind = if is_view.as_bool()? { RelationKind::View } else { RelationKind::Table };
    Some(Relation::new(database.as_str(), schema.as_str()?, name.as_str()?).with_kind(kind))
}

/// Runs the statements and reads the rows of the last. The inner error is of a value we cannot read.
fn fetch(connection: &Connection, sql: &str) -> ::duckdb::Result<Result<Table, Error>> {
    let mut statement = connection.prepare(sql)?;
    statement.execute([])?;
    let schema = statement.schema();
    let mut columns: Option<Vec<Column>> = None;
    let mut rows: Vec<Vec<Value>> = Vec::new();
    while let Some(chunk) = statement.step()? {
        let fields = schema.fields().iter().zip(chunk.columns());
        columns.get_or_insert_with(|| fields.map(|(field, array)| types::column(field, Some(array))).collect());
        match rows_of(&schema, &chunk) {
            Ok(more) => rows.extend(more),
            Err(error) => return Ok(Err(error)),
        }
    }
    let columns = columns.unwrap_or_else(|| schema.fields().iter().map(|field| types::column(field, None)).collect());
    Ok(Ok(Table { columns, rows }))
}

/// Runs the query and sends its rows on. The inner error is as [`fetch`]'s.
fn stream(
    connection: &Connection,
    sql: &str,
    pieces: &mpsc::Sender<Vec<Vec<Value>>>,
) -> ::duckdb::Result<Result<(), Error>> {
    let mut statement = connection.prepare(sql)?;
    // Its own iterator panics where a step can fail.
    drop(statement.stream_arrow([])?);
    let schema = statement.schema();
    while let Some(chunk) = statement.step()? {
        let rows = match rows_of(&schema, &chunk) {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        if pieces.blocking_send(rows).is_err() {
            break;
        }
    }
    Ok(Ok(()))
}

fn rows_of(schema: &Schema, chunk: &StructArray) -> Result<Vec<Vec<Value>>, Error> {
    let fields = schema.fields().iter().zip(chunk.columns());
    let values: Vec<Vec<Value>> = fields.map(|(field, array)| value::column(array, field)).collect::<Result<_, _>>()?;
    let mut values: Vec<_> = values.into_iter().map(Vec::into_iter).collect();
    Ok((0..chunk.len()).map(|_| values.iter_mut().filter_map(Iterator::next).collect()).collect())
}
