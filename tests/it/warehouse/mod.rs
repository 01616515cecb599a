//! PostgreSQL for real; what DuckDB does is tested next to its adapter.

mod connecting;
mod dialect;
mod statements;
mod types;

use std::sync::Arc;

use slimdiff::{
    model::Value,
    warehouse::{Session, Warehouse, connect},
};

use crate::support::postgres::{Database, database};

/// A fresh database with a session in it.
async fn fresh() -> (Database, Arc<dyn Warehouse>, Box<dyn Session>) {
    let database = database();
    let warehouse = connect(&database.target()).await.unwrap();
    let session = warehouse.session().await.unwrap();
    (database, warehouse, session)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}
