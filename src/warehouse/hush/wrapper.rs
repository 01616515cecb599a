//! A warehouse and its sessions, each error of which is hushed.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::hushed;
use crate::model::{Column, Relation, Table, Value};
use crate::warehouse::{Dialect, Error, Session, Warehouse};

/// The warehouse with messages that hold no values of rows.
pub fn without_values(warehouse: Arc<dyn Warehouse>) -> Arc<dyn Warehouse> {
    Arc::new(Hushed(warehouse))
}

struct Hushed(Arc<dyn Warehouse>);

#[async_trait]
impl Warehouse for Hushed {
    fn dialect(&self) -> &dyn Dialect {
        self.0.dialect()
    }

    fn adapter_type(&self) -> &'static str {
        self.0.adapter_type()
    }

    fn can_open(&self) -> bool {
        self.0.can_open()
    }

    async fn session(&self) -> Result<Box<dyn Session>, Error> {
        let session = self.0.session().await.map_err(hushed)?;
        Ok(Box::new(HushedSession(session)))
    }

    async fn cancel(&self) {
        self.0.cancel().await;
    }

    fn resume(&self) {
        self.0.resume();
    }
}

struct HushedSession(Box<dyn Session>);

#[async_trait]
impl Session for HushedSession {
    async fn execute(&mut self, sql: &str) -> Result<Option<u64>, Error> {
        self.0.execute(sql).await.map_err(hushed)
    }

    async fn query(&mut self, sql: &str) -> Result<Table, Error> {
        self.0.query(sql).await.map_err(hushed)
    }

    async fn stream(&mut self, sql: &str, pieces: mpsc::Sender<Vec<Vec<Value>>>) -> Result<(), Error> {
        self.0.stream(sql, pieces).await.map_err(hushed)
    }

    async fn load(
        &mut self,
        relation: &Relation,
        columns: &[Column],
        rows: &[Vec<Option<String>>],
    ) -> Result<(), Error> {
        self.0.load(relation, columns, rows).await.map_err(hushed)
    }

    async fn relations(&mut self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Error> {
        self.0.relations(database, schema).await.map_err(hushed)
    }

    async fn columns(&mut self, relation: &Relation) -> Result<Vec<Column>, Error> {
        self.0.columns(relation).await.map_err(hushed)
    }

    async fn schemas(&mut self, database: Option<&str>) -> Result<Vec<String>, Error> {
        self.0.schemas(database).await.map_err(hushed)
    }
}
