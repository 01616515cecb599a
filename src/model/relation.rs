//! Names of tables and views in a database, and how they are written in SQL.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of thing stands behind a relation's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// A stored table.
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A table of another system.
    External,
    /// A user-defined function, which stands in a schema as relations do.
    Function,
    /// No relation at all: a common table expression of whoever refers to it.
    Ephemeral,
}

impl RelationKind {
    /// dbt's word for it, as `relation.type` shows it in Jinja.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized_view",
            Self::External => "external",
            Self::Function => "function",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// Which parts of a relation's name are quoted, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "three of them are the parts of a name")]
pub struct Quoting {
    /// Quote the database.
    pub database: bool,
    /// Quote the schema.
    pub schema: bool,
    /// Quote the identifier.
    pub identifier: bool,
    /// The quote itself: `"` for most engines, a backtick for `BigQuery` and Spark.
    pub character: char,
    /// Write names in lower case, which is all that Databricks has.
    pub lower: bool,
}

impl Quoting {
    /// How dbt's adapter of this type quotes relations when no one says anything.
    pub fn of_adapter(adapter_type: &str) -> Self {
        let (quoted, character) = match adapter_type {
            "snowflake" => (false, '"'),
            "spark" => (false, '`'),
            "bigquery" | "databricks" => (true, '`'),
            _ => (true, '"'),
        };
        Self { database: quoted, schema: quoted, identifier: quoted, character, lower: adapter_type == "databricks" }
    }
}

impl Default for Quoting {
    fn default() -> Self {
        Self { database: true, schema: true, identifier: true, character: '"', lower: false }
    }
}

/// A relation's full name. Its `Display` is the name in SQL, quoted as its `quoting` says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Relation {
    /// The database (catalog), where the engine has one and it is not implied.
    pub database: Option<String>,
    /// The schema; none only where an engine has none.
    pub schema: Option<String>,
    /// The table's or view's own name; none when the relation stands for a schema.
    pub identifier: Option<String>,
    /// What it is, when known.
    pub kind: Option<RelationKind>,
    /// How to quote it.
    pub quoting: Quoting,
}

impl Relation {
    /// A relation of unknown kind, quoted in every part with `"`.
    pub fn new(database: Option<&str>, schema: &str, identifier: &str) -> Self {
        Self {
            database: database.map(str::to_owned),
            schema: Some(schema.to_owned()),
            identifier: Some(identifier.to_owned()),
            kind: None,
            quoting: Quoting::default(),
        }
    }

    /// The same relation, known to be of `kind`.
    #[must_use]
    pub fn with_kind(mut self, kind: RelationKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The same place under another name.
    #[must_use]
    pub fn with_identifier(mut self, identifier: &str) -> Self {
        self.identifier = Some(identifier.to_owned());
        self
    }

    /// The identifier, or the empty string.
    pub fn name(&self) -> &str {
        self.identifier.as_deref().unwrap_or_default()
    }

    /// The schema, or the empty string.
    pub fn schema_name(&self) -> &str {
        self.schema.as_deref().unwrap_or_default()
    }

    /// Whether both name the same thing: databases, schemas and identifiers equal ignoring case.
    pub fn same_name(&self, other: &Self) -> bool {
        fn eq(a: Option<&String>, b: Option<&String>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                (None, None) => true,
                _ => false,
            }
        }
        eq(self.database.as_ref(), other.database.as_ref())
            && eq(self.schema.as_ref(), other.schema.as_ref())
            && eq(self.identifier.as_ref(), other.identifier.as_ref())
    }

    /// `schema.identifier` without quotes, for people.
    pub fn short(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name()),
            None => self.name().to_owned(),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let q = self.quoting.character;
        let parts = [
            (self.database.as_deref(), self.quoting.database),
            (self.schema.as_deref(), self.quoting.schema),
            (self.identifier.as_deref(), self.quoting.identifier),
        ];
        let mut first = true;
        for (part, quoted) in parts {
            let Some(part) = part.filter(|part| !part.is_empty()) else { continue };
            if !first {
                f.write_str(".")?;
            }
            first = false;
            let part = if self.quoting.lower { Cow::from(part.to_lowercase()) } else { Cow::from(part) };
            if quoted {
                let escaped = part.replace(q, &format!("{q}{q}"));
                write!(f, "{q}{escaped}{q}")?;
            } else {
                f.write_str(&part)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Relation;

    #[test]
    fn display_quotes_each_part_and_doubles_quotes_inside() {
        let relation = Relation::new(Some("db"), "s", "we\"ird");
        assert_eq!(relation.to_string(), r#""db"."s"."we""ird""#);
    }

    #[test]
    fn display_leaves_out_what_is_absent() {
        let mut relation = Relation::new(None, "s", "t");
        relation.quoting.identifier = false;
        assert_eq!(relation.to_string(), r#""s".t"#);
    }
}
