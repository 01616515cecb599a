//! Relations of different age: production was built hours ago, and rows have come since. Only rows that both sides can
//! have are compared, by a column that tells how old a row is.

use super::columns::Pairing;
use super::options::{count, row};
use super::outcome::{Aligned, Method, TableDiff};
use super::{Alignment, Options, diff};
use crate::model::{Change, Value};
use crate::plan::Comparison;
use crate::warehouse::compare::{self, Field, NumberSort, Side, Sides};
use crate::warehouse::{Dialect, Error, Session};

/// [`diff`], of relations that are aligned first where the options say so. What was left out, or why nothing could be, is
/// a note.
///
/// # Errors
/// As [`diff`].
pub async fn diff_aligned(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    comparison: &Comparison,
    options: &Options,
) -> Result<TableDiff, Error> {
    let Some(alignment) = &options.align else { return diff(session, dialect, comparison, options).await };
    let plan = match (&comparison.relation.baseline, &comparison.relation.current) {
        (Some(baseline), Some(current)) => {
            let filter = options.filter.as_deref();
            let sides = Sides { dialect, relation: Change { baseline, current }, filter, part: None };
            match (Aligning { session: &mut *session, comparison, options, alignment, sides }).align().await {
                Ok(aligned) => aligned,
                // The condition of the options, or a view, may be what the database refuses: the comparison will say so.
                Err(Error::Statement { .. } | Error::Permission { .. }) => {
                    Plan::not(alignment, "the database cannot say from when to when the two sides have rows")
                }
                Err(error) => return Err(error),
            }
        }
        _ => Plan::default(),
    };
    let filter = match (&options.filter, &plan.filter) {
        (Some(asked), Some(in_time)) => Some(compare::both(asked, in_time)),
        (asked, in_time) => in_time.as_ref().or(asked.as_ref()).cloned(),
    };
    let mut found = diff(session, dialect, comparison, &Options { filter, ..options.clone() }).await?;
    // The condition on time holds values of rows, which not everybody may see. The note says what they may.
    found.filter = found.filter.and_then(|_| options.filter.clone());
    if let (Method::Failed { reason }, Some(in_time)) = (&mut found.method, &plan.filter) {
        *reason = reason.replace(in_time, &format!("{} is in the time of both sides", alignment.column));
    }
    if found.is_compared() {
        found.notes.extend(plan.note);
        found.aligned = plan.aligned;
    }
    Ok(found)
}

/// What alignment comes to.
#[derive(Debug, Default)]
struct Plan {
    /// The condition that rows have to meet; none: all are compared.
    filter: Option<String>,
    aligned: Option<Aligned>,
    note: Option<String>,
}

impl Plan {
    fn not(alignment: &Alignment, why: &str) -> Self {
        let note = format!(
            "rows are compared whatever their {}, although it is to align the two sides: {why}",
            alignment.column
        );
        Self { filter: None, aligned: None, note: Some(note) }
    }
}

/// From when to when each side has rows.
struct Extents {
    oldest: Change<String>,
    newest: Change<String>,
    /// The later of the oldest, the earlier of the newest.
    common: (String, String),
    data_type: String,
    /// Whether the two sides have no time in common.
    apart: bool,
}

struct Aligning<'a> {
    session: &'a mut dyn Session,
    comparison: &'a Comparison,
    options: &'a Options,
    alignment: &'a Alignment,
    sides: Sides<'a>,
}

impl Aligning<'_> {
    async fn align(&mut self) -> Result<Plan, Error> {
        let not = |why: &str| Ok(Plan::not(self.alignment, why));
        let name = &self.alignment.column;
        let columns = Change {
            baseline: self.session.columns(self.sides.relation.baseline).await?,
            current: self.session.columns(self.sides.relation.current).await?,
        };
        if columns.baseline.is_empty() || columns.current.is_empty() {
            return Ok(Plan::default());
        }
        let everything = Options { columns: Vec::new(), exclude: Vec::new(), ..self.options.clone() };
        let pairing = Pairing { dialect: self.sides.dialect, options: &everything, left_out: &[], key: &[] };
        let mut unheard = TableDiff::unknown(None, self.comparison.relation.clone(), Method::OneSided);
        let paired = pairing.pair(&columns, &mut unheard);
        let Some(field) = paired.find(name).map(|shared| shared.field.clone()) else {
            return not("not both sides have that column");
        };
        if self.comparison.excluded.iter().any(|excluded| excluded.is(&field.name.current)) {
            return not("its values are not compared");
        }
        if !field.number.as_ref().is_some_and(|number| number.sort() == NumberSort::Instant) {
            return not("it holds no dates and times on both sides");
        }
        let Some(extents) = self.extents(&field).await? else { return not("one side has no value in it") };
        if extents.apart {
            return not("the two sides have no time in common");
        }
        self.leave_out(&field, &extents).await
    }

    async fn extents(&mut self, field: &Field) -> Result<Option<Extents>, Error> {
        let found = row(self.session, &compare::extents(&self.sides, &field.name), 8).await?;
        let text = |at: usize| found[at].as_str().map(str::to_owned);
        let read = || {
            Some(Extents {
                oldest: Change { baseline: text(0)?, current: text(2)? },
                newest: Change { baseline: text(1)?, current: text(3)? },
                common: (text(4)?, text(5)?),
                data_type: text(6)?,
                apart: found[7] == Value::Bool(true),
            })
        };
        Ok(read())
    }

    async fn leave_out(&mut self, field: &Field, extents: &Extents) -> Result<Plan, Error> {
        let window = self.alignment.window;
        let (oldest, newest) = (&extents.common.0, &extents.common.1);
        let oldest = window.then_some(oldest.as_str());
        let name = &field.name.current;
        let condition = compare::in_time(self.sides.dialect, name, oldest, newest, &extents.data_type);
        let mut left_out: Change<u64> = Change::default();
        for side in Side::BOTH {
            let counts = row(self.session, &compare::left_out(&self.sides, side, &condition), 2).await?;
            *side.of_mut(&mut left_out) = count(&counts[0])?;
        }
        if left_out == Change::default() {
            return Ok(Plan::default());
        }
        let which = if window { "within the time" } else { "up to the newest time" };
        let shown = if self.options.shows(name) {
            let time = |side: Side| {
                let newest = side.of(&extents.newest);
                if window { format!("{} to {newest}", side.of(&extents.oldest)) } else { newest.clone() }
            };
            let what = if window { "from" } else { "at most" };
            format!(" ({what} {} in production, {} here)", time(Side::Baseline), time(Side::Current))
        } else {
            String::new()
        };
        let note = format!(
            "only rows {which} of {name} that both sides have are compared{shown}; this leaves out {} rows of \
             production's and {} of the pull request's",
            self.options.told(left_out.baseline),
            self.options.told(left_out.current),
        );
        let aligned = Some(Aligned { column: name.clone(), left_out });
        Ok(Plan { filter: Some(condition), aligned, note: Some(note) })
    }
}
