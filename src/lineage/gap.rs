//! What lineage could not follow, and why: every gap has a reason and, where it has one, a place.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something could not be followed. The list is an interface: names are added, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The parser does not understand the SQL.
    Unparsable,
    /// The SQL could not be made: it needs a database, or its template failed.
    NotCompiled,
    /// It is not written in SQL.
    NotSql,
    /// It is not one query.
    NotAQuery,
    /// `*` of a relation whose columns are not all known.
    UnknownColumns,
    /// A function that makes a table; its columns are not known.
    TableFunction,
    /// Columns that only the data decides, e.g. of a `pivot` over any value.
    DynamicColumns,
    /// A name that no relation in reach is known to have.
    UnknownColumn,
    /// A name that more than one relation in reach may have.
    AmbiguousColumn,
    /// Columns that are matched by their places, with a side whose columns are not all known.
    Positional,
    /// A construct that is not followed.
    Unsupported,
    /// Too large or nested too deeply.
    TooLarge,
}

impl GapReason {
    /// A few words for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Unparsable => "SQL that the parser does not understand",
            Self::NotCompiled => "SQL that could not be compiled",
            Self::NotSql => "not written in SQL",
            Self::NotAQuery => "not one query",
            Self::UnknownColumns => "`*` of a relation with unknown columns",
            Self::TableFunction => "a table function",
            Self::DynamicColumns => "columns that the data decides",
            Self::UnknownColumn => "a name that no known relation has",
            Self::AmbiguousColumn => "a name that several relations may have",
            Self::Positional => "columns matched by place",
            Self::Unsupported => "a construct that is not followed",
            Self::TooLarge => "too large",
        }
    }
}

/// One thing that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// What: a name, a fragment of the SQL, or what the parser said.
    pub what: String,
    /// Line of the SQL, from 1; none when it is the whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
}

impl Gap {
    /// A gap without a place.
    pub fn new(reason: GapReason, what: impl Into<String>) -> Self {
        Self { reason, what: what.into(), line: None }
    }

    /// The same, on a line; 0 is none.
    #[must_use]
    pub fn on(mut self, line: u64) -> Self {
        self.line = u32::try_from(line).ok().filter(|line| *line > 0);
        self
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.title(), self.what)?;
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}
