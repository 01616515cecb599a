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
}

impl Default for Options {
    fn default() -> Self {
        Self { samples: 5, show_values: true, mask: Vec::new() }
    }
}

impl Options {
    /// Whether values of this column must not be shown.
    pub fn is_masked(&self, column: &str) -> bool {
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
