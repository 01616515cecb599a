//! One PostgreSQL connection.

use std::{collections::HashMap, future::Future, io::Cursor, pin::pin};

use async_trait::async_trait;
use futures::SinkExt;
use tokio_postgres::{Client, SimpleQueryMessage, Statement};

use crate::{
    model::{Column, Relation, RelationKind, Table, Value},
    warehouse::{Dialect, Error, Postgres, PostgresTarget, Session, activity::Permit, statements},
};

use super::{Canceller, failure, value::value};

/// How many bytes of rows are sent at a time.
const CHUNK: usize = 256 * 1024;

pub(super) struct PostgresSession {
    client: Client,
    canceller: Canceller,
    permit: Permit<Canceller>,
    place: String,
    database: String,
    /// Names of types by oid and modifier, as the server prints them.
    type_names: HashMap<(u32, i32), String>,
}

/// Stops on the server the statement whose caller went away.
struct Abandoned(Option<Canceller>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let (Some(canceller), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(canceller.cancel());
        }
    }
}

impl PostgresSession {
    pub(super) fn new(
        client: Client,
        canceller: Canceller,
        permit: Permit<Canceller>,
        target: &PostgresTarget,
    ) -> Self {
        Self {
            client,
            canceller,
            permit,
            place: target.place(),
            database: target.dbname.clone(),
            type_names: HashMap::new(),
        }
    }

    /// Whether it may still run statements.
    pub(super) fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.permit.is_cancelled()
    }

    /// Waits for `work`, which runs the part of `sql` behind `before`.
    async fn run<T>(
        &self,
        sql: &str,
        before: &str,
        work: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
    ) -> Result<T, Error> {
        let running = self.permit.begin(self.canceller.clone())?;
        let mut abandoned = Abandoned(Some(self.canceller.clone()));
        let result = work.await;
        abandoned.0 = None;
        drop(running);
        result.map_err(|error| failure::statement(&self.place, sql, before, &error, self.permit.is_cancelled()))
    }

    async fn simple(&self, sql: &str, before: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        let sent = sql.get(before.len()..).unwrap_or_default();
        self.run(sql, before, self.client.simple_query(sent)).await
    }

    /// The columns of a prepared statement, with the types' full names.
    async fn described(&mut self, statement: &Statement) -> Result<Vec<Column>, Error> {
        let types = statement.columns().iter().map(|column| (column.type_().oid(), column.type_modifier()));
        let mut unknown: Vec<(u32, i32)> = types.clone().filter(|key| !self.type_names.contains_key(key)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let names = unknown.iter().map(|(oid, modifier)| format!("pg_catalog.format_type({oid}, {modifier})"));
            let sql = format!("select {}", names.collect::<Vec<_>>().join(", "));
            let messages = self.simple(&sql, "").await?;
            for message in &messages {
                if let SimpleQueryMessage::Row(row) = message {
                    for (i, key) in unknown.iter().enumerate() {
                        self.type_names.insert(*key, row.get(i).unwrap_or("unknown").to_owned());
                    }
                }
            }
        }
        let columns = statement.columns().iter().zip(types);
        let name = |key| self.type_names.get(&key).cloned().unwrap_or_default();
        Ok(columns.map(|(column, key)| Column { name: column.name().to_owned(), data_type: name(key) }).collect())
    }

    /// # Errors
    /// [`Error::Unsupported`] when `database` is another than the session's.
    fn check_database(&self, database: Option<&str>) -> Result<(), Error> {
        match database {
            Some(database) if !database.eq_ignore_ascii_case(&self.database) => Err(Error::unsupported(format!(
                "the session is in database {}, and PostgreSQL cannot look into {database} from there; use one \
                 database, or a foreign table",
                self.database
            ))),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Session for PostgresSession {
    async fn execute(&mut self, sql: &str) -> Result<Option<u64>, Error> {
        tracing::debug!(place = self.place, sql, "postgres");
        if statements::split(sql).is_empty() {
            return Ok(None);
        }
        let messages = self.simple(sql, "").await?;
        let affected = messages.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        });
        Ok(affected)
    }

    async fn query(&mut self, sql: &str) -> Result<Table, Error> {
        tracing::debug!(place = self.place, sql, "postgres");
        let statements = statements::split(sql);
        let Some(last) = statements.last() else { return Ok(Table::default()) };
        let (before, text) = (&sql[..last.start], &sql[last.clone()]);
        if statements.len() > 1 {
            self.simple(before, "").await?;
        }
        let statement = self.run(sql, before, self.client.prepare(text)).await?;
        let columns = self.described(&statement).await?;
        let whole = format!("{before}{text}");
        let messages = self.simple(&whole, before).await?;
        let types: Vec<_> = statement.columns().iter().map(tokio_postgres::Column::type_).collect();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let read = |row: &tokio_postgres::SimpleQueryRow| {
            let cells = types.iter().enumerate();
            cells.map(|(i, data_type)| row.get(i).map_or(Value::Null, |text| value(data_type, text))).collect()
        };
        Ok(Table { rows: rows.map(read).collect(), columns })
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
        let names: Vec<String> = columns.iter().map(|column| Postgres.quote(&column.name)).collect();
        let sql = format!("copy {relation} ({}) from stdin", names.join(", "));
        tracing::debug!(place = self.place, sql, rows = rows.len(), "postgres");
        let send = async {
            let sink = self.client.copy_in(&sql).await?;
            let mut sink = pin!(sink);
            let mut chunk = Vec::new();
            for row in rows {
                line(&mut chunk, row);
                if chunk.len() >= CHUNK {
                    sink.send(Cursor::new(std::mem::take(&mut chunk))).await?;
                }
            }
            sink.send(Cursor::new(chunk)).await?;
            sink.finish().await
        };
        self.run(&sql, "", send).await.map(|_| ())
    }

    async fn relations(&mut self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Error> {
        self.check_database(database)?;
        let sql = format!(
            "select c.relname::text, c.relkind::text from pg_catalog.pg_class c\n\
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace\n\
             where n.nspname = {} and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1",
            Postgres.literal(schema)
        );
        let table = self.query(&sql).await?;
        let relation = |row: &Vec<Value>| {
            let kind = match row[1].as_str()? {
                "v" => RelationKind::View,
                "m" => RelationKind::MaterializedView,
                "f" => RelationKind::External,
                _ => RelationKind::Table,
            };
            Some(Relation::new(Some(&self.database), schema, row[0].as_str()?).with_kind(kind))
        };
        Ok(table.rows.iter().filter_map(relation).collect())
    }

    async fn columns(&mut self, relation: &Relation) -> Result<Vec<Column>, Error> {
        self.check_database(relation.database.as_deref())?;
        let parts = [relation.schema.as_deref(), relation.identifier.as_deref()];
        let parts: Vec<String> = parts.into_iter().flatten().map(|part| Postgres.quote(part)).collect();
        let sql = format!(
            "select attname::text, pg_catalog.format_type(atttypid, atttypmod) from pg_catalog.pg_attribute\n\
             where attrelid = pg_catalog.to_regclass({}) and attnum > 0 and not attisdropped order by attnum",
            Postgres.literal(&parts.join("."))
        );
        let table = self.query(&sql).await?;
        let column = |row: &Vec<Value>| {
            Some(Column { name: row[0].as_str()?.to_owned(), data_type: row[1].as_str()?.to_owned() })
        };
        Ok(table.rows.iter().filter_map(column).collect())
    }

    async fn schemas(&mut self, database: Option<&str>) -> Result<Vec<String>, Error> {
        self.check_database(database)?;
        let sql = "select nspname::text from pg_catalog.pg_namespace\n\
                   where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1";
        let table = self.query(sql).await?;
        Ok(table.rows.iter().filter_map(|row| row[0].as_str().map(str::to_owned)).collect())
    }
}

/// One row in the text format of `copy`: <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2>.
fn line(out: &mut Vec<u8>, row: &[Option<String>]) {
    for (i, cell) in row.iter().enumerate() {
        if i > 0 {
            out.push(b'\t');
        }
        let Some(cell) = cell else {
            out.extend_from_slice(b"\\N");
            continue;
        };
        for byte in cell.bytes() {
            match byte {
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                byte => out.push(byte),
            }
        }
    }
    out.push(b'\n');
}
