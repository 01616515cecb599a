//! PostgreSQL's SQL, where it differs: <https://www.postgresql.org/docs/current/sql-commands.html>.

use crate::model::{Column, Relation};

use super::{Dialect, named};

/// PostgreSQL.
#[derive(Debug, Clone, Copy, Default)]
pub struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn literal(&self, text: &str) -> String {
        let quoted = format!("'{}'", text.replace('\'', "''"));
        // A backslash would escape where the server has `standard_conforming_strings` off.
        if text.contains('\\') { format!("E{}", quoted.replace('\\', "\\\\")) } else { quoted }
    }

    fn max_identifier(&self) -> Option<usize> {
        Some(63)
    }

    fn schema_name(&self, _database: Option<&str>, schema: &str) -> String {
        self.quote(schema)
    }

    fn current_timestamp(&self) -> &'static str {
        "now()::timestamp without time zone"
    }

    fn replace_temporary(&self, name: &str, sql: &str) -> Vec<String> {
        let name = self.quote(name);
        vec![format!("drop table if exists pg_temp.{name}"), format!("create temporary table {name} as (\n{sql}\n)")]
    }

    fn comment_schema(&self, _database: Option<&str>, schema: &str, description: &str) -> Vec<String> {
        vec![format!("comment on schema {} is {}", self.quote(schema), self.literal(description))]
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
        let key = key.join(", ");
        let matched = format!("({key}) in (\n    select distinct {key}\n    from {source} as DBT_INTERNAL_SOURCE\n)");
        let conditions: Vec<String> = std::iter::once(matched).chain(predicates.iter().cloned()).collect();
        let delete = format!("delete from {target} as DBT_INTERNAL_DEST\nwhere {}", conditions.join("\nand "));
        vec![delete, append]
    }

    fn alter_type(&self, relation: &Relation, column: &Column) -> Vec<String> {
        // By way of a second column, as dbt does: a column that a view uses cannot be altered, but can be dropped
        // with the view.
        let name = self.quote(&column.name);
        let other = self.quote(&format!("{}__dbt_alter", column.name));
        vec![
            format!("alter table {relation} add column {other} {}", column.data_type),
            format!("update {relation} set {other} = {name}"),
            format!("alter table {relation} drop column {name} cascade"),
            format!("alter table {relation} rename column {other} to {name}"),
        ]
    }

    fn type_class(&self, data_type: &str) -> String {
        // dbt compares what the driver calls a type, which leaves lengths and some widths out.
        let bare: String = match data_type.split_once('(') {
            Some((before, after)) => format!("{before}{}", after.split_once(')').map_or("", |(_, rest)| rest)),
            None => data_type.to_owned(),
        };
        match bare.trim_end_matches("[]") {
            "smallint" | "integer" => bare.replace("smallint", "integer"),
            "real" | "double precision" => bare.replace("real", "double precision"),
            "character varying" | "character" | "bpchar" => {
                format!("text{}", &bare[bare.trim_end_matches("[]").len()..])
            }
            _ => bare,
        }
    }

    fn grant(&self, relation: &Relation, privilege: &str, grantees: &[String]) -> Vec<String> {
        if grantees.is_empty() {
            return Vec::new();
        }
        // `public` and the like are keywords, so only a name that must be quoted is.
        let is_plain = |name: &str| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '"' || c == ' ')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        let grantees: Vec<String> =
            grantees.iter().map(|name| if is_plain(name) { name.clone() } else { self.quote(name) }).collect();
        vec![format!("grant {privilege} on {relation} to {}", grantees.join(", "))]
    }
}
