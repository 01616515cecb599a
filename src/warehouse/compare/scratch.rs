//! Where a comparison keeps what it found between two queries: temporary tables, or, where the server allows none,
//! subqueries that are computed again for each query.

use std::fmt::Write as _;

use crate::warehouse::Dialect;

/// What the server allows and knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ability {
    /// Whether temporary tables can be made.
    pub temporary_tables: bool,
    /// Whether rows have a hash of their own (PostgreSQL 14 and later).
    pub row_hash: bool,
}

impl Ability {
    /// What an engine can do that does not have to be asked.
    pub const ALL: Self = Self { temporary_tables: true, row_hash: true };

    /// One row: whether temporary tables can be made, whether rows have a hash. None where there is nothing to ask.
    pub fn question(dialect: &dyn Dialect) -> Option<&'static str> {
        (dialect.name() == "postgres").then_some(
            "select has_database_privilege(current_database(), 'temp') and not pg_is_in_recovery() and \
             current_setting('transaction_read_only') = 'off', current_setting('server_version_num')::int >= 140000",
        )
    }
}

/// What was kept so far.
#[derive(Debug, Clone)]
pub struct Scratch {
    postgres: bool,
    temporary_tables: bool,
    /// Names and queries, in the order in which they build upon each other.
    inline: Vec<(String, String)>,
}

impl Scratch {
    /// Nothing is kept yet.
    pub fn new(dialect: &dyn Dialect, ability: Ability) -> Self {
        Self { postgres: dialect.name() == "postgres", temporary_tables: ability.temporary_tables, inline: Vec::new() }
    }

    /// Keeps the rows of a query under a name. The statements must run before the name is used.
    pub fn keep(&mut self, name: &str, query: &str) -> Vec<String> {
        if !self.temporary_tables {
            self.inline.retain(|(kept, _)| kept != name);
            self.inline.push((name.to_owned(), query.to_owned()));
            return Vec::new();
        }
        if self.postgres {
            vec![
                format!("drop table if exists pg_temp.{name}"),
                format!("create temporary table {name} on commit drop as\n{query}"),
                // Without it the planner takes a handful of rows for thousands, or the other way round.
                format!("analyze {name}"),
            ]
        } else {
            vec![format!("create or replace temporary table {name} as\n{query}")]
        }
    }

    /// A query that may use what was kept.
    pub fn over(&self, query: &str) -> String {
        let mut text = String::new();
        for (at, (name, kept)) in self.inline.iter().enumerate() {
            let word = if at == 0 { "with" } else { "," };
            let _ = writeln!(text, "{word} {name} as materialized (\n{kept}\n)");
        }
        text + query
    }
}
