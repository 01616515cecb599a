//! Which removed column became which added one, by the evidence of their values.

use super::columns::Pairing;
use super::numbers;
use super::outcome::{Renamed, TableDiff};
use super::table::Work;
use crate::model::{Change, Column};
use crate::warehouse::Error;
use crate::warehouse::compare::{Field, Sides, evidence_of_rename};

/// How many pairs of columns are looked at.
const PAIRS: usize = 60;

/// The percentage of looked-at rows in which the two have to hold equal values.
const ENOUGH: u64 = 80;

/// Looks for renamed columns among those that only one side has.
pub(super) async fn find(
    work: &mut Work<'_>,
    pairing: &Pairing<'_>,
    sides: &Sides<'_>,
    columns: &Change<Vec<Column>>,
    key: &[Field],
    diff: &mut TableDiff,
) -> Result<(), Error> {
    let field = |old: &Column, new: &Column| Some(pairing.field(old, new)).filter(|field| field.form.note().is_none());
    let columns = columns.as_ref().map(Vec::as_slice);
    let candidates = candidates(&columns, diff, |old, new| field(&columns.baseline[old], &columns.current[new]));
    if candidates.is_empty() {
        return Ok(());
    }
    let figures = numbers(work.session, &evidence_of_rename(sides, key, &candidates), 1 + 2 * candidates.len()).await?;
    let evidence = candidates.iter().zip(figures[1..].chunks(2)).map(|(field, figures)| Evidence {
        name: &field.name,
        equal: figures[0],
        distinct: figures[1],
    });
    conclude(figures[0], evidence.collect(), diff);
    Ok(())
}

/// Every pair of a removed and an added column that `field` makes something of, up to a limit. It is given their places
/// on either side.
pub(super) fn candidates<F>(
    columns: &Change<&[Column]>,
    diff: &TableDiff,
    mut field: impl FnMut(usize, usize) -> Option<F>,
) -> Vec<F> {
    let places = |columns: &[Column], lone: &[Column]| -> Vec<usize> {
        (0..columns.len()).filter(|at| lone.contains(&columns[*at])).collect()
    };
    let added = places(columns.current, &diff.schema.added);
    let mut found = Vec::new();
    for old in places(columns.baseline, &diff.schema.removed) {
        found.extend(added.iter().filter_map(|new| field(old, *new)));
    }
    found.truncate(PAIRS);
    found
}

/// What the rows that were looked at say of a candidate.
pub(super) struct Evidence<'a> {
    pub(super) name: &'a Change<String>,
    /// Rows with equal values.
    pub(super) equal: u64,
    /// Different values among those; what matters is whether there are two.
    pub(super) distinct: u64,
}

/// Writes down which columns were renamed, by the evidence of so many rows.
pub(super) fn conclude(looked_at: u64, evidence: Vec<Evidence<'_>>, diff: &mut TableDiff) {
    // A column of one value equals any other column of that value.
    let is_enough = |found: &Evidence<'_>| found.distinct > 1 && found.equal * 100 >= looked_at * ENOUGH;
    let mut found: Vec<Evidence<'_>> = evidence.into_iter().filter(is_enough).collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.equal));
    for Evidence { name, equal, .. } in found {
        let taken = |renamed: &Renamed| renamed.name.baseline == name.baseline || renamed.name.current == name.current;
        if !diff.schema.renamed.iter().any(taken) {
            diff.schema.renamed.push(Renamed { name: name.clone(), looked_at, equal });
        }
    }
}
