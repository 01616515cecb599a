//! What is compared, how exactly, and what may be shown of it.

use crate::model::{Change, Value};
use crate::warehouse::compare::{NumberSort, TextRules, Tolerance};
use crate::warehouse::{Error, Session};

/// What a rule of tolerance is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tolerated {
    /// Every number; dates and times not.
    Numbers,
    /// Every floating-point number.
    Floats,
    /// Every date and time.
    Instants,
    /// One column, by name; case does not matter.
    Column(String),
}

/// How relations of different age are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// The column that tells how old a row is, by name; case does not matter.
    pub column: String,
    /// Whether rows that are older than the other side's oldest are left out as well as those that are newer than its
    /// newest.
    pub window: bool,
}

/// What is compared, how exactly, and what may be shown of it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
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
    /// By how much numbers may differ; of rules about one column the last counts, and the more special one.
    pub tolerance: Vec<(Tolerated, Tolerance)>,
    /// What of texts does not count.
    pub text: TextRules,
    /// A condition in SQL that rows of both sides have to meet.
    pub filter: Option<String>,
    /// Whether rows that only the newer relation can have are left out, for [`super::diff_aligned`].
    pub align: Option<Alignment>,
    /// The share of keys that is compared, 0 to 1; none: all.
    pub sample: Option<f64>,
    /// The columns that are compared; empty: all. The key is compared whether it is listed or not.
    pub columns: Vec<String>,
    /// Columns that are not compared.
    pub exclude: Vec<String>,
    /// Whether a key is searched for in the data when none is known.
    pub search_key: bool,
    /// Whether each side's columns are described: NULLs, smallest, largest, mean, distinct values.
    pub profile: bool,
    /// Whether names of columns above are written as the tables write them; else case does not matter.
    pub exact_names: bool,
    /// Whether nothing but NULLs is counted when columns are described.
    pub nulls_only: bool,
    /// Whether it is measured how far each column's distribution moved.
    pub drift: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            samples: 5,
            show_values: true,
            mask: Vec::new(),
            only: None,
            min_count: 0,
            tolerance: Vec::new(),
            text: TextRules::default(),
            filter: None,
            align: None,
            sample: None,
            columns: Vec::new(),
            exclude: Vec::new(),
            search_key: true,
            profile: true,
            exact_names: false,
            nulls_only: false,
            drift: false,
        }
    }
}

impl Options {
    /// Whether values of this column must not be shown where values are.
    pub fn is_masked(&self, column: &str) -> bool {
        self.names(&self.mask, column) || self.only.as_deref().is_some_and(|only| !self.names(only, column))
    }

    /// Whether values of this column may be shown.
    pub fn shows(&self, column: &str) -> bool {
        self.show_values && !self.is_masked(column)
    }

    /// Whether nothing may be shown from which a value of this column follows.
    pub fn is_secret(&self, column: &str) -> bool {
        self.names(&self.mask, column)
    }

    /// Why the column is not compared, if it is not.
    pub fn left_out(&self, column: &str) -> Option<&'static str> {
        if self.names(&self.exclude, column) {
            Some("it was left out on request")
        } else if !self.columns.is_empty() && !self.names(&self.columns, column) {
            Some("other columns were asked for")
        } else {
            None
        }
    }

    fn is_name(&self, name: &str, column: &str) -> bool {
        if self.exact_names { name == column } else { name.eq_ignore_ascii_case(column) }
    }

    fn names(&self, names: &[String], column: &str) -> bool {
        names.iter().any(|name| self.is_name(name, column))
    }

    /// The tolerance of a column of this sort. A special rule that does not fit it leaves no room for a general one.
    pub(super) fn tolerance_of(&self, name: &Change<String>, sort: NumberSort) -> Option<Tolerance> {
        let rank = |rule: &Tolerated| match rule {
            Tolerated::Column(column) => self.is_either(column, name).then_some(3),
            Tolerated::Instants => (sort == NumberSort::Instant).then_some(2),
            Tolerated::Floats => (sort == NumberSort::Float).then_some(2),
            Tolerated::Numbers => (sort != NumberSort::Instant).then_some(1),
        };
        let rules = self.tolerance.iter().filter_map(|(rule, tolerance)| Some((rank(rule)?, *tolerance)));
        // Of equals the last is taken.
        rules.max_by_key(|(rank, _)| *rank).map(|(_, tolerance)| tolerance).filter(|tolerance| tolerance.fits(sort))
    }

    /// Whether a tolerance is given for this very column.
    pub(super) fn has_tolerance_for(&self, name: &Change<String>) -> bool {
        self.tolerance.iter().any(|(rule, _)| matches!(rule, Tolerated::Column(column) if self.is_either(column, name)))
    }

    fn is_either(&self, column: &str, name: &Change<String>) -> bool {
        self.is_name(column, &name.current) || self.is_name(column, &name.baseline)
    }
}

/// The one row of `sql`, which has `width` columns.
pub(super) async fn row(session: &mut dyn Session, sql: &str, width: usize) -> Result<Vec<Value>, Error> {
    let table = session.query(sql).await?;
    let rows = table.rows.len();
    table.rows.into_iter().next().filter(|row| row.len() == width).ok_or_else(|| Error::Unsupported {
        message: format!("the database answered a question for one row of {width} figures with {rows} rows"),
    })
}

/// The one row of `sql` as `width` counts. A sum over nothing is 0.
pub(super) async fn numbers(session: &mut dyn Session, sql: &str, width: usize) -> Result<Vec<u64>, Error> {
    row(session, sql, width).await?.iter().map(count).collect()
}

/// A count.
pub(super) fn count(value: &Value) -> Result<u64, Error> {
    match value {
        Value::Null => Ok(0),
        value => value
            .as_i64()
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(|| Error::Unsupported { message: format!("the database answered a count with {value:?}") }),
    }
}
