//! The marker: a table of one row inside the schema, the same on every engine. The table alone decides; a comment on
//! the schema, where there are such, is for people.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    model::{Relation, RelationKind, Table, Value},
    warehouse::{self, ColumnSpec, Dialect, Session},
};

/// The name of the marker's table.
pub const MARKER_TABLE: &str = "slimdiff_marker";

/// Who makes schemas of ours.
const CREATED_BY: &str = "slimdiff";

/// The columns of the marker's table, all of them text.
const COLUMNS: [&str; 6] = ["created_by", "version", "project", "pull_request", "head_sha", "created_at"];

/// What a schema of ours says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Always `slimdiff`.
    pub created_by: String,
    /// The version of slimdiff that made it.
    pub version: String,
    /// The name of the dbt project.
    pub project: String,
    /// The pull request's number; none outside of one.
    pub pull_request: Option<u64>,
    /// The commit that was built.
    pub head_sha: Option<String>,
    /// When the schema was made, to the second.
    pub created_at: DateTime<Utc>,
}

impl Marker {
    /// A marker of this version.
    pub fn new(project: &str, pull_request: Option<u64>, head_sha: Option<&str>, created_at: DateTime<Utc>) -> Self {
        Self {
            created_by: CREATED_BY.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            project: project.to_owned(),
            pull_request,
            head_sha: head_sha.map(str::to_owned),
            created_at,
        }
    }

    /// What the schema's comment says.
    pub(super) fn words(&self) -> String {
        let request = self.pull_request.map(|number| format!(", pull request {number}")).unwrap_or_default();
        let made = self.created_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("made by {CREATED_BY} {} for project {}{request} at {made}; safe to drop", self.version, self.project)
    }

    /// The statements that write it into a schema.
    pub(super) fn write(&self, dialect: &dyn Dialect, database: Option<&str>, schema: &str) -> Vec<String> {
        let relation = table(database, schema);
        let column = |name: &&str| ColumnSpec {
            name: (*name).to_owned(),
            data_type: dialect.seed_type(warehouse::SeedType::Text).to_owned(),
            quote: true,
            constraints: Vec::new(),
        };
        let columns: Vec<ColumnSpec> = COLUMNS.iter().map(column).collect();
        let request = self.pull_request.map(|number| number.to_string());
        let made = self.created_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let values = [
            Some(self.created_by.as_str()),
            Some(&self.version),
            Some(&self.project),
            request.as_deref(),
            self.head_sha.as_deref(),
            Some(&made),
        ];
        vec![dialect.create_table(&relation, &columns, &[]), dialect.insert_values(&relation, &COLUMNS, &values)]
    }

    /// The marker in a schema; none when there is no table of that name and form, or when what is in it is not one row
    /// that we wrote.
    pub(super) async fn read(
        session: &mut dyn Session,
        dialect: &dyn Dialect,
        database: Option<&str>,
        schema: &str,
    ) -> Result<Option<Self>, warehouse::Error> {
        let relations = session.relations(database, schema).await?;
        let is_marker =
            |relation: &&Relation| relation.name() == MARKER_TABLE && relation.kind == Some(RelationKind::Table);
        if relations.iter().find(is_marker).is_none() {
            return Ok(None);
        }
        let relation = table(database, schema);
        let columns = session.columns(&relation).await?;
        if !columns.iter().map(|column| column.name.as_str()).eq(COLUMNS) {
            return Ok(None);
        }
        let rows = session.query(&dialect.select_all(&relation)).await?;
        Ok(Self::parse(&rows))
    }

    fn parse(table: &Table) -> Option<Self> {
        let [row] = table.rows.as_slice() else { return None };
        let text = |i: usize| row.get(i).and_then(Value::as_str);
        let optional = |i: usize| row.get(i).filter(|value| !value.is_null());
        Some(Self {
            created_by: text(0).filter(|name| *name == CREATED_BY)?.to_owned(),
            version: text(1)?.to_owned(),
            project: text(2)?.to_owned(),
            pull_request: match optional(3) {
                Some(number) => Some(number.as_str()?.parse().ok()?),
                None => None,
            },
            head_sha: match optional(4) {
                Some(sha) => Some(sha.as_str()?.to_owned()),
                None => None,
            },
            created_at: DateTime::parse_from_rfc3339(text(5)?).ok()?.with_timezone(&Utc),
        })
    }
}

fn table(database: Option<&str>, schema: &str) -> Relation {
    Relation::new(database, schema, MARKER_TABLE)
}
