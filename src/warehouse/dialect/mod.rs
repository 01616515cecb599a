//! How an engine writes SQL: one method an intent, so that no other room holds SQL text. What the engines agree on is
//! the trait's default; what they do not is in a file of its own.

mod duckdb;
mod postgres;
mod snapshot;

use crate::model::{Column, Quoting, Relation, RelationKind};

pub use duckdb::DuckDb;
pub use postgres::Postgres;

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotSpec {
    /// Columns (or expressions) of the unique key.
    pub unique_key: Vec<String>,
    /// Of the timestamp strategy; of the check strategy, where given, the time a changed row counts from.
    pub updated_at: Option<String>,
    /// Of the check strategy; resolved, never `all`. Empty for the timestamp strategy.
    pub check_cols: Vec<String>,
    /// Of the check strategy: one of `check_cols` is new in the target, so that every row counts as changed.
    pub check_cols_added: bool,
    /// `ignore`, `invalidate` or `new_record`.
    pub hard_deletes: String,
    /// Names of the snapshot's own columns: `dbt_valid_from`, `dbt_valid_to`, `dbt_scd_id`, `dbt_updated_at`, `dbt_is_deleted`.
    pub meta_columns: [String; 5],
    /// SQL expression that `dbt_valid_to` holds for current rows, if not NULL.
    pub valid_to_current: Option<String>,
}

/// Writes SQL for one engine. Every method returns whole statements without a trailing semicolon; several are separate
/// items. Keys, predicates and expressions are SQL as the project writes them; a key or column that is spelt exactly
/// as one of the relation's columns is quoted, anything else is taken as it is.
pub trait Dialect: Send + Sync {
    /// dbt's adapter type, e.g. `postgres`.
    fn name(&self) -> &'static str;

    /// How relations are quoted by default.
    fn quoting(&self) -> Quoting {
        Quoting::default()
    }

    /// Quotes an identifier, doubling quotes inside.
    fn quote(&self, identifier: &str) -> String {
        format!("\"{}\"", identifier.replace('"', "\"\""))
    }

    /// A text literal.
    fn literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// The longest identifier in bytes (63 on PostgreSQL), if limited.
    fn max_identifier(&self) -> Option<usize> {
        None
    }

    /// Whether two names are of one thing here, both being quoted.
    fn same_identifier(&self, one: &str, other: &str) -> bool {
        one == other
    }

    /// A schema's name in SQL.
    fn schema_name(&self, database: Option<&str>, schema: &str) -> String;

    /// The time that a statement sees, as a timestamp without a zone.
    fn current_timestamp(&self) -> &'static str;

    /// Makes a temporary table afresh, one of that name being dropped before.
    fn replace_temporary(&self, name: &str, sql: &str) -> Vec<String>;

    /// Creates a schema unless it exists.
    fn create_schema(&self, database: Option<&str>, schema: &str) -> String {
        format!("create schema if not exists {}", self.schema_name(database, schema))
    }

    /// Creates a schema, which must not exist.
    fn create_new_schema(&self, database: Option<&str>, schema: &str) -> String {
        format!("create schema {}", self.schema_name(database, schema))
    }

    /// Drops a schema with everything in it, if it exists.
    fn drop_schema(&self, database: Option<&str>, schema: &str) -> String {
        format!("drop schema if exists {} cascade", self.schema_name(database, schema))
    }

    /// What people see who look at the schema; empty where the engine has no comments on schemas.
    fn comment_schema(&self, _database: Option<&str>, _schema: &str, _description: &str) -> Vec<String> {
        Vec::new()
    }

    /// The names of the schemas that have a table of that name.
    fn schemas_with_table(&self, database: Option<&str>, table: &str) -> String {
        let database = database.map_or_else(|| "current_database()".to_owned(), |name| self.literal(name));
        format!(
            "select cast(table_schema as varchar) from information_schema.tables\n\
             where table_catalog = {database} and table_name = {} order by 1",
            self.literal(table)
        )
    }

    /// Drops a relation of the given kind if it exists, and what depends on it.
    fn drop_relation(&self, relation: &Relation, kind: RelationKind) -> String {
        format!("drop {} if exists {relation} cascade", kind_words(kind))
    }

    /// Renames a relation inside its schema.
    fn rename_relation(&self, from: &Relation, to: &str, kind: RelationKind) -> String {
        format!("alter {} {from} rename to {}", kind_words(kind), self.quote(to))
    }

    /// `create table … as`; a temporary one has no schema.
    fn create_table_as(&self, relation: &Relation, sql: &str, temporary: bool) -> String {
        // The query ends on a line of its own, since it may end with a comment.
        if temporary {
            format!("create temporary table {} as (\n{sql}\n)", self.quote(relation.name()))
        } else {
            format!("create table {relation} as (\n{sql}\n)")
        }
    }

    /// `create view … as`, replacing an existing view.
    fn create_view_as(&self, relation: &Relation, sql: &str) -> String {
        format!("create or replace view {relation} as (\n{sql}\n)")
    }

    /// An empty table of the given columns.
    fn create_table(&self, relation: &Relation, columns: &[ColumnSpec], constraints: &[String]) -> String {
        let columns = columns.iter().map(|column| {
            let name = if column.quote { self.quote(&column.name) } else { column.name.clone() };
            let mut words = vec![name, column.data_type.clone()];
            words.extend(column.constraints.iter().cloned());
            words.join(" ")
        });
        let lines: Vec<String> = columns.chain(constraints.iter().cloned()).collect();
        format!("create table {relation} (\n    {}\n)", lines.join(",\n    "))
    }

    /// Deletes all rows.
    fn truncate(&self, relation: &Relation) -> String {
        format!("truncate table {relation}")
    }

    /// One row of text values, which the engine casts to the columns' types; `None` is NULL.
    fn insert_values(&self, relation: &Relation, columns: &[&str], values: &[Option<&str>]) -> String {
        let columns: Vec<String> = columns.iter().map(|name| self.quote(name)).collect();
        let values: Vec<String> =
            values.iter().map(|value| value.map_or_else(|| "null".to_owned(), |text| self.literal(text))).collect();
        format!("insert into {relation} ({}) values ({})", columns.join(", "), values.join(", "))
    }

    /// Appends the rows of `source`.
    fn append(&self, target: &Relation, source: &Relation, columns: &[String]) -> String {
        let columns = quoted_list(self, columns);
        format!("insert into {target} ({columns})\nselect {columns}\nfrom {source}")
    }

    /// Deletes the rows of `target` whose key is in `source`, then appends. `predicates` narrow the deletion. Without a
    /// key nothing is deleted.
    fn delete_insert(
        &self,
        target: &Relation,
        source: &Relation,
        key: &[String],
        columns: &[String],
        predicates: &[String],
    ) -> Vec<String>;

    /// Merges `source` into `target` on the key; `update` are the columns set when a row is matched. Without a key no
    /// row is matched.
    fn merge(
        &self,
        target: &Relation,
        source: &Relation,
        key: &[String],
        columns: &[String],
        update: &[String],
        predicates: &[String],
    ) -> Vec<String> {
        let key = key.iter().map(|key| {
            let key = named(self, key, columns);
            format!("(DBT_INTERNAL_SOURCE.{key} = DBT_INTERNAL_DEST.{key})")
        });
        let mut on: Vec<String> = predicates.iter().map(|predicate| format!("({predicate})")).collect();
        let before = on.len();
        on.extend(key);
        if on.len() == before {
            on.push("false".to_owned());
        }
        let update: Vec<String> = update
            .iter()
            .map(|column| {
                let column = named(self, column, columns);
                format!("{column} = DBT_INTERNAL_SOURCE.{column}")
            })
            .collect();
        let matched = if update.is_empty() {
            String::new()
        } else {
            format!("\nwhen matched then update set\n    {}", update.join(",\n    "))
        };
        let values: Vec<String> =
            columns.iter().map(|column| format!("DBT_INTERNAL_SOURCE.{}", self.quote(column))).collect();
        vec![format!(
            "merge into {target} as DBT_INTERNAL_DEST\nusing {source} as DBT_INTERNAL_SOURCE\non {}{matched}\n\
             when not matched then insert ({})\nvalues ({})",
            on.join("\nand "),
            quoted_list(self, columns),
            values.join(", "),
        )]
    }

    /// Adds and drops columns (`on_schema_change`).
    fn alter_columns(&self, relation: &Relation, add: &[Column], drop: &[Column]) -> Vec<String> {
        let added = add.iter().map(|column| {
            format!("alter table {relation} add column {} {}", self.quote(&column.name), column.data_type)
        });
        let dropped =
            drop.iter().map(|column| format!("alter table {relation} drop column {}", self.quote(&column.name)));
        added.chain(dropped).collect()
    }

    /// Changes a column's type.
    fn alter_type(&self, relation: &Relation, column: &Column) -> Vec<String>;

    /// Comments of a relation (`persist_docs`).
    fn comment(&self, relation: &Relation, kind: RelationKind, description: &str) -> Vec<String> {
        vec![format!("comment on {} {relation} is {}", kind_words(kind), self.literal(description))]
    }

    /// A column's comment.
    fn comment_column(&self, relation: &Relation, column: &str, description: &str) -> Vec<String> {
        vec![format!("comment on column {relation}.{} is {}", self.quote(column), self.literal(description))]
    }

    /// Grants a privilege to grantees; empty where the engine has no grants.
    fn grant(&self, relation: &Relation, privilege: &str, grantees: &[String]) -> Vec<String>;

    /// The type of a seed's column.
    fn seed_type(&self, seed: SeedType) -> &'static str {
        match seed {
            SeedType::Integer => "integer",
            SeedType::Number => "float8",
            SeedType::Boolean => "boolean",
            SeedType::Date => "date",
            SeedType::DateTime => "timestamp without time zone",
            SeedType::Text => "text",
        }
    }

    /// Whether dbt lets the engine itself read a seed's file: it then keeps the text `null` and blanks in text columns,
    /// and skips blank lines.
    fn seeds_are_copied(&self) -> bool {
        false
    }

    /// Types that a contract takes as one have the same class; `data_type` is as the database prints it.
    fn type_class(&self, data_type: &str) -> String {
        data_type.to_owned()
    }

    /// The first build of a snapshot: the query's rows with the snapshot's own columns.
    fn snapshot_initial(&self, sql: &str, spec: &SnapshotSpec) -> String {
        snapshot::initial(self, sql, spec)
    }

    /// A later run: statements that bring `target` up to date with `sql`; `columns` are the query's, all of which the
    /// target has. To be run in one transaction.
    fn snapshot_update(&self, target: &Relation, sql: &str, columns: &[Column], spec: &SnapshotSpec) -> Vec<String> {
        snapshot::update(self, target, sql, columns, spec)
    }

    /// A data test: one row with `failures` (integer), `should_warn` and `should_error` (booleans).
    fn test(&self, sql: &str, fail_calc: &str, warn_if: &str, error_if: &str, limit: Option<u64>) -> String {
        let limit = limit.map(|limit| format!("\nlimit {limit}")).unwrap_or_default();
        format!(
            "select\n    {fail_calc} as failures,\n    {fail_calc} {warn_if} as should_warn,\n    \
             {fail_calc} {error_if} as should_error\nfrom (\n{sql}{limit}\n) dbt_internal_test"
        )
    }

    /// Rows as a query, each value cast to its column's type. Values are SQL literals.
    fn rows(&self, columns: &[Column], rows: &[Vec<String>]) -> String {
        let select = |values: &[String]| {
            let cells = columns.iter().zip(values).map(|(column, value)| {
                format!("cast({value} as {}) as {}", column.data_type, self.quote(&column.name))
            });
            format!("select {}", cells.collect::<Vec<_>>().join(", "))
        };
        if rows.is_empty() {
            let nothing = vec!["null".to_owned(); columns.len()];
            return format!("{}\nlimit 0", select(&nothing));
        }
        rows.iter().map(|values| select(values)).collect::<Vec<_>>().join("\nunion all\n")
    }

    /// The rows of two queries under each other, whether a row is of the second coming first.
    fn both(&self, first: &str, second: &str, columns: &[String]) -> String {
        let columns = quoted_list(self, columns);
        let side = |sql: &str, is_second: bool| {
            format!("select {is_second} as is_second, {columns} from (\n{sql}\n) as slimdiff_query_{is_second}")
        };
        format!("{}\nunion all\n{}", side(first, false), side(second, true))
    }

    /// At most `limit` rows of a query.
    fn limit(&self, sql: &str, limit: u64) -> String {
        format!("select * from (\n{sql}\n) as slimdiff_query\nlimit {limit}")
    }

    /// `select * from relation`.
    fn select_all(&self, relation: &Relation) -> String {
        format!("select * from {relation}")
    }

    /// No rows, the query's columns only.
    fn select_none(&self, sql: &str) -> String {
        format!("select * from (\n{sql}\n) as slimdiff_query\nwhere false\nlimit 0")
    }

    /// The number of rows.
    fn count(&self, relation: &Relation) -> String {
        format!("select count(*) from {relation}")
    }

    /// How a transaction begins and ends here; none where DDL cannot be rolled back.
    fn transaction(&self) -> Option<[&'static str; 3]> {
        Some(["begin", "commit", "rollback"])
    }
}

/// What a relation of that kind is called in `drop`, `alter` and `comment on`.
fn kind_words(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::External => "foreign table",
        RelationKind::Function => "function",
        // An ephemeral model has no relation; whoever asks gets what does the least harm.
        RelationKind::Table | RelationKind::Ephemeral => "table",
    }
}

/// Names, each quoted, with commas.
fn quoted_list<D: Dialect + ?Sized>(dialect: &D, names: &[String]) -> String {
    names.iter().map(|name| dialect.quote(name)).collect::<Vec<_>>().join(", ")
}

/// A name or expression of the project: quoted if it is one of `columns`.
fn named<D: Dialect + ?Sized>(dialect: &D, name: &str, columns: &[String]) -> String {
    if columns.iter().any(|column| column == name) { dialect.quote(name) } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
