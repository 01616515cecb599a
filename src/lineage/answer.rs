//! What lineage says of one query.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Gap;

/// How an output column comes from what it is computed from, the plainest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// No column goes into it.
    #[default]
    Constant,
    /// Its values are those of the column, under its name.
    Passed,
    /// Its values are those of the column, under another name.
    Renamed,
    /// An expression of each row, or over a window.
    Computed,
    /// An aggregate over many rows.
    Aggregated,
}

impl How {
    /// The word for people and for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Passed => "passed",
            Self::Renamed => "renamed",
            Self::Computed => "computed",
            Self::Aggregated => "aggregated",
        }
    }
}

/// A column of a relation that the query reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The relation: its id when the schema knows it, else its name as written.
    pub relation: Arc<str>,
    /// The column.
    pub column: Arc<str>,
}

/// A column that the query returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColumn {
    /// Its name; for an expression without an alias, the name that the engine is expected to make.
    pub name: Arc<str>,
    /// Whether the name was written, or is that of a column: what an engine makes up is only expected.
    pub is_named: bool,
    /// How it comes from its origins.
    pub how: How,
    /// What it is computed from, sorted.
    pub origins: Vec<Origin>,
    /// The type that the query casts it to, or that its origin is known to have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data_type: Option<Arc<str>>,
    /// What makes it another value each time the query runs, e.g. `now()`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unstable: Option<Arc<str>>,
    /// What could not be followed: its ancestry is partly unknown when there is any.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gaps: Vec<Gap>,
}

/// In what way columns decide which rows a query returns, or how they are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowRule {
    /// A join's condition.
    Join,
    /// `where`.
    Where,
    /// `group by`.
    GroupBy,
    /// `having`.
    Having,
    /// `qualify`.
    Qualify,
    /// `distinct` and `distinct on`.
    Distinct,
    /// `limit` and its `order by`; a sample.
    Limit,
    /// `union`, `intersect`, `except`.
    SetOperation,
    /// Rows made of lists: `unnest`, `flatten`, `explode`; `pivot` and `unpivot`.
    Unnest,
}

impl RowRule {
    /// The words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Where => "where",
            Self::GroupBy => "group by",
            Self::Having => "having",
            Self::Qualify => "qualify",
            Self::Distinct => "distinct",
            Self::Limit => "limit",
            Self::SetOperation => "set operation",
            Self::Unnest => "unnest",
        }
    }
}

/// A clause that decides which rows there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowInfluence {
    /// Which clause.
    pub rule: RowRule,
    /// The columns it looks at, sorted.
    pub origins: Vec<Origin>,
    /// Its text.
    pub text: String,
    /// Line of the SQL, from 1, when known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
}

/// What one query returns and what it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueryLineage {
    /// What it returns, in order.
    pub columns: Vec<OutputColumn>,
    /// Whether it returns these columns and no others, in this order.
    pub complete: bool,
    /// The clauses that decide which rows there are.
    pub rows: Vec<RowInfluence>,
    /// The relations it reads, by id or name, in the order in which they are met.
    pub relations: Vec<Arc<str>>,
    /// All that could not be followed.
    pub gaps: Vec<Gap>,
}

/// How far a query could be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Followed {
    /// All columns are known, each with its whole ancestry.
    Fully,
    /// Some columns or a part of their ancestry are not known.
    Partly,
    /// No column is known.
    Not,
}

impl QueryLineage {
    /// The lineage of a query of which nothing is known.
    pub fn unknown(gap: Gap) -> Self {
        Self { gaps: vec![gap], ..Self::default() }
    }

    /// The column of that name, ignoring case.
    pub fn column(&self, name: &str) -> Option<&OutputColumn> {
        let exact = self.columns.iter().find(|column| *column.name == *name);
        exact.or_else(|| self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// How far it could be followed.
    pub fn followed(&self) -> Followed {
        match (self.columns.is_empty(), self.complete && self.gaps.is_empty()) {
            (_, true) => Followed::Fully,
            (true, false) => Followed::Not,
            (false, false) => Followed::Partly,
        }
    }
}
