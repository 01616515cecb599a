//! One relation to build: its node, its place, what stands there now, and the means.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::build::{Compiled, Compiler, Connection, Failure};
use crate::model::{Column, Node, Relation, RelationKind};
use crate::warehouse::Dialect;

use super::names;

/// One relation to build.
pub(in crate::build) struct Job<'a> {
    pub(in crate::build) node: &'a Node,
    pub(super) relation: &'a Relation,
    pub(super) query: &'a Compiled,
    pub(super) connection: &'a Connection,
    pub(super) compiler: &'a Arc<Compiler>,
    pub(super) dialect: &'a dyn Dialect,
    /// What stands in its place now.
    pub(super) existing: Option<Relation>,
    /// Whether to rebuild from nothing: the node's own configuration, else the run's.
    pub(super) full_refresh: bool,
    siblings: Vec<Relation>,
}

impl<'a> Job<'a> {
    /// Looks at what stands in the relation's place.
    pub(in crate::build) async fn prepare(
        node: &'a Node,
        relation: &'a Relation,
        query: &'a Compiled,
        connection: &'a Connection,
        compiler: &'a Arc<Compiler>,
        full_refresh: bool,
    ) -> Result<Self, Failure> {
        let dialect = connection.dialect();
        if let Some(limit) = dialect.max_identifier().filter(|limit| relation.name().len() > *limit) {
            let message = format!(
                "{} would be called {}, which is longer than the {limit} bytes that {} allows",
                node.unique_id,
                relation.name(),
                dialect.name()
            );
            return Err(Failure::invalid(message, &node.original_file_path));
        }
        let siblings = connection.relations(relation.database.as_deref(), relation.schema_name()).await?;
        let existing = find(&siblings, relation.name());
        let full_refresh = node.config.get("full_refresh").and_then(Json::as_bool).unwrap_or(full_refresh);
        Ok(Self { node, relation, query, connection, compiler, dialect, existing, full_refresh, siblings })
    }

    /// Runs a statement.
    pub(super) async fn execute(&self, sql: &str) -> Result<Option<u64>, Failure> {
        Ok(self.connection.execute(sql).await?)
    }

    /// Runs statements one after the other; the rows that the last one affected.
    pub(super) async fn execute_all(&self, statements: &[String]) -> Result<Option<u64>, Failure> {
        let mut rows = None;
        for sql in statements {
            rows = self.execute(sql).await?;
        }
        Ok(rows)
    }

    /// Runs the statement that does the work: behind the node's `sql_header`, and written below `target/run`.
    pub(super) async fn execute_main(&self, sql: &str) -> Result<Option<u64>, Failure> {
        let sql = self.with_header(sql);
        self.compiler.write("run", self.node, &sql)?;
        self.execute(&sql).await
    }

    fn with_header(&self, sql: &str) -> String {
        match self.node.config_str("sql_header").filter(|header| !header.trim().is_empty()) {
            Some(header) => format!("{header}\n{sql}"),
            None => sql.to_owned(),
        }
    }

    /// The relation's place under a name that only this build uses; a leftover of that name is dropped.
    pub(super) async fn staging(&self, suffix: &str) -> Result<Relation, Failure> {
        let name = names::with_suffix(self.relation.name(), suffix, self.dialect.max_identifier());
        if let Some(leftover) = find(&self.siblings, &name) {
            self.drop(&leftover).await?;
        }
        Ok(self.relation.clone().with_identifier(&name).with_kind(RelationKind::Table))
    }

    /// A temporary table with the rows of `sql`, gone when the session or the transaction is undone.
    pub(super) async fn temporary(&self, suffix: &str, sql: &str) -> Result<Relation, Failure> {
        let name = names::with_suffix(self.relation.name(), suffix, self.dialect.max_identifier());
        let mut relation = self.relation.clone().with_identifier(&name).with_kind(RelationKind::Table);
        (relation.database, relation.schema) = (None, None);
        let statement = self.dialect.create_table_as(&relation, sql, true);
        self.execute(&self.with_header(&statement)).await?;
        Ok(relation)
    }

    /// Drops a relation of whatever kind it is.
    pub(super) async fn drop(&self, relation: &Relation) -> Result<(), Failure> {
        self.execute(&self.dialect.drop_relation(relation, relation.kind.unwrap_or(RelationKind::Table))).await?;
        Ok(())
    }

    /// Drops what stands in the relation's place, if anything does.
    pub(super) async fn drop_existing(&self) -> Result<(), Failure> {
        match &self.existing {
            Some(existing) => self.drop(existing).await,
            None => Ok(()),
        }
    }

    /// Puts a staged table into the relation's place.
    pub(super) async fn put_in_place(&self, staged: &Relation) -> Result<(), Failure> {
        self.drop_existing().await?;
        self.execute(&self.dialect.rename_relation(staged, self.relation.name(), RelationKind::Table)).await?;
        Ok(())
    }

    /// Whether a table stands in the relation's place.
    pub(super) fn has_table(&self) -> bool {
        self.existing.as_ref().is_some_and(|existing| existing.kind == Some(RelationKind::Table))
    }

    /// The names of a relation's columns.
    pub(super) async fn columns(&self, relation: &Relation) -> Result<Vec<Column>, Failure> {
        Ok(self.connection.columns(relation).await?)
    }

    /// A failure of the node's own configuration.
    pub(super) fn invalid(&self, message: impl std::fmt::Display) -> Failure {
        Failure::invalid(format!("{}: {message}", self.node.unique_id), &self.node.original_file_path)
    }
}

/// Databases differ in whether they fold case, so an exact match is preferred and any other is taken.
fn find(relations: &[Relation], name: &str) -> Option<Relation> {
    let exact = relations.iter().find(|relation| relation.name() == name);
    exact.or_else(|| relations.iter().find(|relation| relation.name().eq_ignore_ascii_case(name))).cloned()
}
