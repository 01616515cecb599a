//! What a comparison may show, and how its numbers are read.

use crate::model::Value;
use crate::warehouse::{Error, Session};

/// What a comparison may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many rows are shown as examples, of all kinds together; 0 shows none.
    pub samples: usize,
    /// Whether values of rows are read and shown at all.
    pub show_values: bool,
    /// Columns whose values are never shown, by name, in every table; case does not matter.
    pub mask: Vec<String>,
    /// The only columns whose values are shown, likewise; none: all of them.
    pub only: Option<Vec<String>>,
    /// Counts of rows below this, other than 0, are told as being below it.
    pub min_count: u64,
    /// Whether each column's extremes, mean, standard deviation and distinct values are found out, on each side.
    pub profile: bool,
    /// Whether it is found out how far each column's distribution moved.
    pub drift: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { samples: 5, show_values: true, mask: Vec::new(), only: None, min_count: 0, profile: false, drift: false }
    }
}

impl Options {
    /// Whether values of this column must not be shown where values are.
    pub fn is_masked(&self, column: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(column));
        named(&self.mask) || self.only.as_deref().is_some_and(|only| !named(only))
    }

    /// Whether values of this column may be shown.
    pub fn shows(&self, column: &str) -> bool {
        self.show_values && !self.is_masked(column)
    }

    /// Whether nothing may be shown from which a value of this column follows.
    pub fn is_secret(&self, column: &str) -> bool {
        self.mask.iter().any(|masked| masked.eq_ignore_ascii_case(column))
    }
}

/// The one row of `sql` as `width` counts. A sum over nothing is 0.
pub(super) async fn numbers(session: &mut dyn Session, sql: &str, width: usize) -> Result<Vec<u64>, Error> {
    let table = session.query(sql).await?;
    let counts: Option<Vec<u64>> = table.rows.first().and_then(|row| row.iter().map(count).collect());
    counts.filter(|counts| counts.len() == width).ok_or_else(|| Error::Unsupported {
        message: format!("the database answered a count with {:?}", table.rows.first()),
    })
}

fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Null => Some(0),
        value => u64::try_from(value.as_i64()?).ok(),
    }
}
