//! DuckDB's SQL, where it differs: <https://duckdb.org/docs/stable/sql/introduction>.

use crate::model::{Column, Relation, RelationKind};

use super::{Dialect, kind_words, named};

/// DuckDB.
#[derive(Debug, Clone, Copy, Default)]
pub struct DuckDb;

impl Dialect for DuckDb {
    fn name(&self) -> &'static str {
        "duckdb"
    }

    fn same_identifier(&self, one: &str, other: &str) -> bool {
        one.eq_ignore_ascii_case(other)
    }

    fn schema_name(&self, database: Option<&str>, schema: &str) -> String {
        match database {
            Some(database) => format!("{}.{}", self.quote(database), self.quote(schema)),
            None => self.quote(schema),
        }
    }

    fn current_timestamp(&self) -> &'static str {
        "now()::timestamp"
    }

    fn replace_temporary(&self, name: &str, sql: &str) -> Vec<String> {
        vec![format!("create or replace temporary table {} as (\n{sql}\n)", self.quote(name))]
    }

    fn drop_relation(&self, relation: &Relation, kind: RelationKind) -> String {
        format!("drop {} if exists {relation} cascade", plain_kind(kind))
    }

    fn rename_relation(&self, from: &Relation, to: &str, kind: RelationKind) -> String {
        format!("alter {} {from} rename to {}", plain_kind(kind), self.quote(to))
    }

    fn comment(&self, relation: &Relation, kind: RelationKind, description: &str) -> Vec<String> {
        vec![format!("comment on {} {relation} is {}", plain_kind(kind), self.literal(description))]
    }

    fn delete_insert(
        &self,
        target: &Relation,
        source: &Relation,
        key: &[String],
        columns: &[String],
        predicates: &[String],
    ) -> Vec<String> {
        let append = self.append(target, source, columns);
        if key.is_empty() {
            return vec![append];
        }
        let key: Vec<String> = key.iter().map(|key| named(self, key, columns)).collect();
        // With several keys, predicates of dbt-duckdb know the target by another name.
        let alias = if key.len() > 1 { " as DBT_INCREMENTAL_TARGET" } else { "" };
        let key = key.join(", ");
        let matched = format!("({key}) in (\n    select {key} from {source}\n)");
        let conditions: Vec<String> = std::iter::once(matched).chain(predicates.iter().cloned()).collect();
        vec![format!("delete from {target}{alias}\nwhere {}", conditions.join("\nand ")), append]
    }

    fn seeds_are_copied(&self) -> bool {
        true
    }

    fn alter_type(&self, relation: &Relation, column: &Column) -> Vec<String> {
        let name = self.quote(&column.name);
        vec![format!("alter table {relation} alter column {name} type {}", column.data_type)]
    }

    fn grant(&self, _relation: &Relation, _privilege: &str, _grantees: &[String]) -> Vec<String> {
        Vec::new()
    }
}

/// There are neither materialized views nor foreign tables: an external relation is a view of files.
fn plain_kind(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::External | RelationKind::MaterializedView => "view",
        kind => kind_words(kind),
    }
}
