//! How many rows each side has, whether their checksums say that both are equal, and what the server can do.

use super::options::{count, numbers, row};
use crate::model::{Change, Value};
use crate::warehouse::compare::{self, Ability, Field, Part, Side, Sides};
use crate::warehouse::{Dialect, Error, Session};

/// One in so many keys is looked at before all are: where these differ, no checksum of all rows is needed.
const GLANCE: i64 = 64;

/// Figures of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    /// Rows.
    pub(super) rows: Change<u64>,
    /// Whether the checksums say that all rows are equal.
    pub(super) equal: bool,
}

impl Totals {
    /// Counts the rows of both sides and compares their checksums, as far as that is worth it.
    pub(super) async fn of(
        session: &mut dyn Session,
        sides: &Sides<'_>,
        ability: Ability,
        fields: &[Field],
        key: &[Field],
    ) -> Result<Self, Error> {
        let free = compare::counting_is_free(sides.dialect);
        if free {
            let rows = counts(session, sides).await?;
            if rows.is_changed() || fields.is_empty() {
                return Ok(Self { rows, equal: false });
            }
        }
        if let Some(part) = part(session, sides, key).await?
            && !checksums(session, &Sides { part: Some(part), ..*sides }, ability, fields).await?.equal
        {
            return Ok(Self { rows: counts(session, sides).await?, equal: false });
        }
        checksums(session, sides, ability, fields).await
    }
}

/// What the server of a session allows and knows.
pub(super) async fn ability(session: &mut dyn Session, dialect: &dyn Dialect) -> Result<Ability, Error> {
    let Some(question) = Ability::question(dialect) else { return Ok(Ability::ALL) };
    let answer = row(session, question, 2).await?;
    let is = |value: &Value| *value == Value::Bool(true);
    Ok(Ability { temporary_tables: is(&answer[0]), row_hash: is(&answer[1]) })
}

async fn counts(session: &mut dyn Session, sides: &Sides<'_>) -> Result<Change<u64>, Error> {
    let mut rows = Change::default();
    for side in Side::BOTH {
        let sql = format!("select count(*) from {}", sides.rows(side));
        *side.of_mut(&mut rows) = numbers(session, &sql, 1).await?[0];
    }
    Ok(rows)
}

/// The rows that are looked at first: a range of keys that neither side has to read more for than that. Tables tend to
/// be in the order of their key, or to have an index of it. None where it would cost a good part of what it may save.
async fn part<'a>(session: &mut dyn Session, sides: &Sides<'_>, key: &'a [Field]) -> Result<Option<Part<'a>>, Error> {
    let Some(first) = key.first().filter(|_| sides.part.is_none()) else { return Ok(None) };
    let Some(sql) = compare::bounds(sides, first, Side::Baseline) else { return Ok(None) };
    for side in Side::BOTH {
        if let Some(question) = compare::leads_an_index(sides, first, side)
            && numbers(session, &question, 1).await?[0] == 0
        {
            return Ok(None);
        }
    }
    let bounds = row(session, &sql, 2).await?;
    let (Some(from), Some(to)) = (bounds[0].as_i64(), bounds[1].as_i64()) else { return Ok(None) };
    // In the middle: what is new or late is at the ends.
    let middle = from.midpoint(to);
    Ok(Some(Part::Range(first, middle, middle.saturating_add((to / GLANCE).saturating_sub(from / GLANCE)))))
}

async fn checksums(
    session: &mut dyn Session,
    sides: &Sides<'_>,
    ability: Ability,
    fields: &[Field],
) -> Result<Totals, Error> {
    let mut rows = Change::default();
    let mut sums = Change { baseline: Value::Null, current: Value::Null };
    for side in Side::BOTH {
        let mut figures = row(session, &compare::checksum(sides, ability, fields, side), 2).await?;
        *side.of_mut(&mut sums) = figures.pop().unwrap_or(Value::Null);
        *side.of_mut(&mut rows) = count(&figures[0])?;
    }
    Ok(Totals { rows, equal: !rows.is_changed() && !sums.is_changed() && !fields.is_empty() })
}
