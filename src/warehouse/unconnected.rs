//! Engines without a connection, for what is compiled and never run.

use async_trait::async_trait;

use crate::model::{Column, Relation, Table};

use super::{Dialect, Error, Session, Target, Warehouse};

/// An engine that is never asked.
pub(super) struct Unconnected {
    dialect: &'static dyn Dialect,
    adapter_type: &'static str,
    /// Whether sessions open, on an engine where nothing is built.
    is_empty: bool,
}

impl Unconnected {
    /// One whose sessions do not open.
    pub(super) fn refusing(target: &Target) -> Self {
        Self { dialect: target.dialect(), adapter_type: target.adapter_type(), is_empty: false }
    }

    /// One where nothing is built, so that incremental models compile as for their first run.
    pub(super) fn empty(target: &Target) -> Self {
        Self { is_empty: true, ..Self::refusing(target) }
    }
}

#[async_trait]
impl Warehouse for Unconnected {
    fn dialect(&self) -> &dyn Dialect {
        self.dialect
    }

    fn adapter_type(&self) -> &'static str {
        self.adapter_type
    }

    fn can_open(&self) -> bool {
        self.is_empty
    }

    async fn session(&self) -> Result<Box<dyn Session>, Error> {
        if self.is_empty { Ok(Box::new(Empty)) } else { Err(Error::NoConnection { adapter_type: self.adapter_type }) }
    }

    async fn cancel(&self) {}

    fn resume(&self) {}
}

/// A session of an engine where nothing is built.
struct Empty;

fn asked() -> Error {
    Error::unsupported("its template asks the database, and lineage is computed without one")
}

#[async_trait]
impl Session for Empty {
    async fn execute(&mut self, _: &str) -> Result<Option<u64>, Error> {
        Err(asked())
    }

    async fn query(&mut self, _: &str) -> Result<Table, Error> {
        Err(asked())
    }

    async fn load(&mut self, _: &Relation, _: &[Column], _: &[Vec<Option<String>>]) -> Result<(), Error> {
        Err(asked())
    }

    async fn relations(&mut self, _: Option<&str>, _: &str) -> Result<Vec<Relation>, Error> {
        Ok(Vec::new())
    }

    async fn columns(&mut self, _: &Relation) -> Result<Vec<Column>, Error> {
        Err(asked())
    }

    async fn schemas(&mut self, _: Option<&str>) -> Result<Vec<String>, Error> {
        Err(asked())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Unconnected;
    use crate::warehouse::{Target, Warehouse};

    #[tokio::test]
    async fn an_engine_without_a_connection_keeps_the_profiles_adapter_type() {
        let output = serde_json::json!({"type": "snowflake", "account": "a", "database": "d", "schema": "s"});
        let target = Target::from_profile("snowflake", output.as_object().unwrap(), Path::new("/")).unwrap();
        let (empty, refusing) = (Unconnected::empty(&target), Unconnected::refusing(&target));
        assert_eq!((empty.adapter_type(), refusing.adapter_type()), ("snowflake", "snowflake"));
        assert!(refusing.session().await.is_err());
        assert_eq!(empty.session().await.unwrap().relations(None, "s").await.unwrap(), []);
    }
}
