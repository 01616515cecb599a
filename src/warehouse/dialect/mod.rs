//! How an engine writes SQL: one method an intent, so that no other room holds SQL text.

use crate::model::{Column, Quoting, Relation, RelationKind};

/// A column of a contract: name, declared type and its constraints as SQL-ready words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// Its declared type.
    pub data_type: String,
    /// Whether the name is quoted.
    pub quote: bool,
    /// e.g. `not null`, `primary key`, `check (id > 0)`.
    pub constraints: Vec<String>,
}

/// The type of a seed's column as inferred from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SeedType {
    Integer,
    Number,
    Boolean,
    Date,
    DateTime,
    Text,
}

/// A snapshot's way of telling changed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSpec {
    /// Columns (or expressions) of the unique key.
    pub unique_key: Vec<String>,
    /// Of the timestamp strategy.
    pub updated_at: Option<String>,
    /// Of the check strategy; resolved, never `all`.
    pub check_cols: Vec<String>,
    /// `ignore`, `invalidate` or `new_record`.
    pub hard_deletes: String,
    /// Names of the snapshot's own columns: `dbt_valid_from`, `dbt_valid_to`, `dbt_scd_id`, `dbt_updated_at`, `dbt_is_deleted`.
    pub meta_columns: [String; 5],
    /// SQL expression that `dbt_valid_to` holds for current rows, if not NULL.
    pub valid_to_current: Option<String>,
}

/// Writes SQL for one engine. Every method returns whole statements without a trailing semicolon; several are separate items.
pub trait Dialect: Send + Sync {
    /// dbt's adapter type, e.g. `postgres`.
    fn name(&self) -> &'static str;
    /// How relations are quoted by default.
    fn quoting(&self) -> Quoting;
    /// Quotes an identifier, doubling quotes inside.
    fn quote(&self, identifier: &str) -> String;
    /// A text literal.
    fn literal(&self, text: &str) -> String;
    /// The longest identifier in bytes (63 on PostgreSQL), if limited.
    fn max_identifier(&self) -> Option<usize> {
        None
    }

    /// Creates a schema unless it exists.
    fn create_schema(&self, database: Option<&str>, schema: &str) -> String;
    /// Drops a schema with everything in it.
    fn drop_schema(&self, database: Option<&str>, schema: &str) -> String;
    /// Drops a relation of the given kind if it exists, and what depends on it.
    fn drop_relation(&self, relation: &Relation, kind: RelationKind) -> String;
    /// Renames a relation inside its schema.
    fn rename_relation(&self, from: &Relation, to: &str, kind: RelationKind) -> String;
    /// `create table … as`; a temporary one has no schema.
    fn create_table_as(&self, relation: &Relation, sql: &str, temporary: bool) -> String;
    /// `create view … as`, replacing an existing view.
    fn create_view_as(&self, relation: &Relation, sql: &str) -> String;
    /// An empty table of the given columns.
    fn create_table(&self, relation: &Relation, columns: &[ColumnSpec], constraints: &[String]) -> String;
    /// Deletes all rows.
    fn truncate(&self, relation: &Relation) -> String;

    /// Appends the rows of `source`.
    fn append(&self, target: &Relation, source: &Relation, columns: &[String]) -> String;
    /// Deletes the rows of `target` whose key is in `source`, then appends. `predicates` narrow the deletion.
    fn delete_insert(
        &self,
        target: &Relation,
        source: &Relation,
        key: &[String],
        columns: &[String],
        predicates: &[String],
    ) -> Vec<String>;
    /// Merges `source` into `target` on the key; `update` are the columns set when a row is matched.
    fn merge(
        &self,
        target: &Relation,
        source: &Relation,
        key: &[String],
        columns: &[String],
        update: &[String],
        predicates: &[String],
    ) -> Vec<String>;
    /// Adds and drops columns (`on_schema_change`).
    fn alter_columns(&self, relation: &Relation, add: &[Column], drop: &[Column]) -> Vec<String>;
    /// Changes a column's type.
    fn alter_type(&self, relation: &Relation, column: &Column) -> Vec<String>;
    /// Comments of a relation and of its columns (`persist_docs`).
    fn comment(&self, relation: &Relation, kind: RelationKind, description: &str) -> Vec<String>;
    /// A column's comment.
    fn comment_column(&self, relation: &Relation, column: &str, description: &str) -> Vec<String>;
    /// Grants a privilege to grantees; empty where the engine has no grants.
    fn grant(&self, relation: &Relation, privilege: &str, grantees: &[String]) -> Vec<String>;

    /// The type of a seed's column.
    fn seed_type(&self, seed: SeedType) -> &'static str;

    /// The first build of a snapshot: the query's rows with the snapshot's own columns.
    fn snapshot_initial(&self, sql: &str, spec: &SnapshotSpec) -> String;
    /// A later run: statements that bring `target` up to date with `sql`; `columns` are the query's.
    fn snapshot_update(&self, target: &Relation, sql: &str, columns: &[Column], spec: &SnapshotSpec) -> Vec<String>;

    /// A data test: one row with `failures` (integer), `should_warn` and `should_error` (booleans).
    fn test(&self, sql: &str, fail_calc: &str, warn_if: &str, error_if: &str, limit: Option<u64>) -> String;
    /// At most `limit` rows of a query.
    fn limit(&self, sql: &str, limit: u64) -> String;
    /// `select * from relation`.
    fn select_all(&self, relation: &Relation) -> String;
    /// No rows, the query's columns only.
    fn select_none(&self, sql: &str) -> String;
    /// The number of rows.
    fn count(&self, relation: &Relation) -> String;
    /// How a transaction begins and ends here; none where DDL cannot be rolled back.
    fn transaction(&self) -> Option<[&'static str; 3]> {
        Some(["begin", "commit", "rollback"])
    }
}
