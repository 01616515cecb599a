//! How many rows each side has, and whether their checksums say that both are equal.

use super::options::{count, numbers, row};
use crate::model::{Change, Value};
use crate::warehouse::compare::{self, Ability, Field, Side, Sides};
use crate::warehouse::{Error, Session};

/// One in so many keys is looked at before all are: where these differ, no checksum of all rows is needed.
const GLANCE: f64 = 1.0 / 64.0;

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
        if compare::counting_is_free(sides.dialect) {
            let mut rows = Change::default();
            for side in Side::BOTH {
                let sql = format!("select count(*) from {}", sides.rows(side));
                *side.of_mut(&mut rows) = numbers(session, &sql, 1).await?[0];
            }
            if rows.is_changed() || fields.is_empty() {
                return Ok(Self { rows, equal: false });
            }
            if !key.is_empty() && sides.sample.is_none() {
                let glance = Sides { sample: Some((GLANCE, key)), ..*sides };
                if !checksums(session, &glance, ability, fields).await?.equal {
                    return Ok(Self { rows, equal: false });
                }
            }
        }
        checksums(session, sides, ability, fields).await
    }
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
