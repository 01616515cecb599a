//! Which key can pair the rows: each candidate is tried on the data of both sides, best first.

use super::columns::Columns;
use super::numbers;
use super::outcome::RejectedKey;
use super::profile::Profile;
use crate::model::{Change, Relation};
use crate::plan::{KeyCandidate, KeySource};
use crate::warehouse::compare::{Field, Side, duplicates, rows_with_null};
use crate::warehouse::{Dialect, Error, Session};

/// A key that is unique and never NULL on both sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VerifiedKey {
    pub(super) fields: Vec<Field>,
    pub(super) source: String,
}

/// The two sides as far as keys are concerned.
pub(super) struct Sides<'a> {
    pub(super) dialect: &'a dyn Dialect,
    pub(super) relation: Change<&'a Relation>,
    pub(super) columns: &'a Columns,
    pub(super) profile: Change<&'a Profile>,
}

/// The first candidate that is a key of both sides; the others that were tried go into `rejected`.
pub(super) async fn choose(
    session: &mut dyn Session,
    sides: &Sides<'_>,
    candidates: &[KeyCandidate],
    rejected: &mut Vec<RejectedKey>,
) -> Result<Option<VerifiedKey>, Error> {
    for candidate in candidates {
        match verify(session, sides, candidate).await? {
            Ok(key) => return Ok(Some(key)),
            Err(no) => rejected.push(no),
        }
    }
    Ok(None)
}

/// Where a key came from, for people.
fn source(source: KeySource) -> &'static str {
    match source {
        KeySource::UniqueKey => "unique_key",
        KeySource::Constraint => "primary key constraint",
        KeySource::Tests => "tests unique and not_null",
        KeySource::UniqueCombination => "test of a unique combination",
        KeySource::Meta => "meta.slimdiff.key",
        KeySource::CommandLine => "the given key",
    }
}

async fn verify(
    session: &mut dyn Session,
    sides: &Sides<'_>,
    candidate: &KeyCandidate,
) -> Result<Result<VerifiedKey, RejectedKey>, Error> {
    let words = format!("{} ({})", source(candidate.source), candidate.columns.join(", "));
    let reject = |nulls, duplicates, reason: String| RejectedKey {
        columns: candidate.columns.clone(),
        source: source(candidate.source).to_owned(),
        duplicates,
        nulls,
        reason,
    };
    let fields = match fields(sides.columns, candidate) {
        Ok(fields) => fields,
        Err(why) => return Ok(Err(reject(None, None, format!("{words} {why}")))),
    };
    let nulls = Change {
        baseline: nulls(session, sides, &fields, Side::Baseline).await?,
        current: nulls(session, sides, &fields, Side::Current).await?,
    };
    let mut found = Change::default();
    for side in [Side::Baseline, Side::Current] {
        let sql = duplicates(sides.dialect, side.of::<&Relation>(&sides.relation), &fields, side);
        *side.of_mut(&mut found) = numbers(session, &sql, 1).await?[0];
    }
    if nulls == Change::default() && found == Change::default() {
        return Ok(Ok(VerifiedKey { fields, source: source(candidate.source).to_owned() }));
    }
    let reason = format!("{words} has {}", faults(&nulls, &found));
    Ok(Err(reject(Some(nulls), Some(found), reason)))
}

/// The candidate's columns, or why they cannot be a key whatever the data says.
fn fields(columns: &Columns, candidate: &KeyCandidate) -> Result<Vec<Field>, String> {
    if candidate.columns.is_empty() {
        return Err("names no column".to_owned());
    }
    let mut fields: Vec<Field> = Vec::new();
    for name in &candidate.columns {
        let column = columns.find(name).ok_or_else(|| format!("has {name}, which is no column of both tables"))?;
        let field = column.field().ok_or_else(|| format!("has {name}, whose values are not compared"))?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Ok(fields)
}

/// Rows with NULL in a column of the key. Of a single column the profile knows; of several the data is asked, unless
/// none has any.
async fn nulls(session: &mut dyn Session, sides: &Sides<'_>, fields: &[Field], side: Side) -> Result<u64, Error> {
    let profile = side.of::<&Profile>(&sides.profile);
    let most = fields.iter().filter_map(|field| profile.nulls(side.of(&field.name).as_str())).max().unwrap_or_default();
    if fields.len() == 1 || most == 0 {
        return Ok(most);
    }
    let sql = rows_with_null(sides.dialect, side.of::<&Relation>(&sides.relation), fields, side);
    Ok(numbers(session, &sql, 1).await?[0])
}

/// `3 duplicate rows in production and 2 rows with NULL in the pull request`.
fn faults(nulls: &Change<u64>, duplicates: &Change<u64>) -> String {
    let count = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let mut faults = Vec::new();
    for (side, place) in [(Side::Baseline, "in production"), (Side::Current, "in the pull request")] {
        let (nulls, duplicates) = (*side.of(nulls), *side.of(duplicates));
        if duplicates > 0 {
            faults.push(format!("{} {place}", count(duplicates, "duplicate row", "duplicate rows")));
        }
        if nulls > 0 {
            faults.push(format!("{} with NULL {place}", count(nulls, "row", "rows")));
        }
    }
    faults.join(" and ")
}
