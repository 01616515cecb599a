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
    let of = |columns: &[Column], lone: &[Column]| -> Vec<Column> {
        columns.iter().filter(|column| lone.contains(column)).cloned().collect()
    };
    let removed = of(&columns.baseline, &diff.schema.removed);
    let added = of(&columns.current, &diff.schema.added);
    let mut candidates: Vec<Field> = Vec::new();
    for old in &removed {
        candidates.extend(added.iter().map(|new| pairing.field(old, new)).filter(|field| field.form.note().is_none()));
    }
    candidates.truncate(PAIRS);
    if candidates.is_empty() {
        return Ok(());
    }
    let figures = numbers(work.session, &evidence_of_rename(sides, key, &candidates), 1 + 2 * candidates.len()).await?;
    let looked_at = figures[0];
    let mut found: Vec<(u64, &Field)> = Vec::new();
    for (field, figures) in candidates.iter().zip(figures[1..].chunks(2)) {
        let [equal, distinct] = figures else { continue };
        // A column of one value equals any other column of that value.
        if *distinct > 1 && *equal * 100 >= looked_at * ENOUGH {
            found.push((*equal, field));
        }
    }
    found.sort_by_key(|(equal, _)| std::cmp::Reverse(*equal));
    for (equal, field) in found {
        let taken = |renamed: &Renamed| {
            renamed.name.baseline == field.name.baseline || renamed.name.current == field.name.current
        };
        if !diff.schema.renamed.iter().any(taken) {
            diff.schema.renamed.push(Renamed { name: field.name.clone(), looked_at, equal });
        }
    }
    Ok(())
}
