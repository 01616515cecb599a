//! Which removed column became which added one: of the same keys, each side gives the hashes of its values.

use std::collections::HashMap;

use super::super::Options;
use super::super::outcome::TableDiff;
use super::super::renames::{self, Evidence, conclude};
use super::side::Known;
use super::{Failure, Work};
use crate::model::{Change, Table};
use crate::warehouse::compare::LOOK;
use crate::warehouse::compare::canonical::{EVIDENCE, Field};

/// The pairs of a removed and an added column whose types are alike.
pub(super) fn candidates(
    engines: &Change<&str>,
    sides: &Change<Known>,
    options: &Options,
    diff: &TableDiff,
) -> Vec<Field> {
    let columns = sides.as_ref().map(|side| side.columns.as_slice());
    renames::candidates(&columns, diff, |old, new| {
        let types = Change { baseline: sides.baseline.types[old].clone(), current: sides.current.types[new].clone() };
        let name = Change { baseline: columns.baseline[old].name.clone(), current: columns.current[new].name.clone() };
        let (field, note) = Field::pair(engines, name, &types, options.text).ok()?;
        (note.is_none() && types.baseline.is_like(&types.current)).then_some(field)
    })
}

impl Work<'_, '_> {
    /// Writes down which of the candidates are one column that was renamed.
    pub(super) async fn renames(
        &mut self,
        key: &[Field],
        candidates: &[Field],
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        if candidates.is_empty() {
            return Ok(());
        }
        let total = diff.rows.total.map(Option::unwrap_or_default);
        let sql = self.sources()?.map(|source| source.evidence(key, candidates, total.baseline.max(total.current)));
        let baseline = self.ends.baseline.session.query(&sql.baseline).await?;
        let current = self.ends.current.session.query(&sql.current).await?;
        let unreadable = || Failure::Contradiction("a database gave hashes that cannot be read".to_owned());
        let sides = Change {
            baseline: read(&baseline, candidates.len()).ok_or_else(unreadable)?,
            current: read(&current, candidates.len()).ok_or_else(unreadable)?,
        };
        let (looked_at, found) = weigh(sides, candidates.len());
        let evidence = candidates.iter().zip(found);
        let evidence =
            evidence.map(|(field, of)| Evidence { name: &field.name, equal: of.equal, distinct: of.distinct });
        conclude(looked_at, evidence.collect(), diff);
        Ok(())
    }
}

/// The key's hash of a row, and the hash of each candidate's value; none of a NULL.
type Row = (u128, Vec<Option<u64>>);

fn read(table: &Table, candidates: usize) -> Option<Vec<Row>> {
    let row = |row: &Vec<crate::model::Value>| {
        let [key, hashes] = row.as_slice() else { return None };
        let key = u128::from_str_radix(key.as_str()?, 16).ok()?;
        let mut rest = hashes.as_str()?;
        let mut values = Vec::with_capacity(candidates);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('N') {
                values.push(None);
                rest = after;
            } else {
                let (hash, after) = rest.split_at_checked(EVIDENCE)?;
                values.push(Some(u64::from_str_radix(hash, 16).ok()?));
                rest = after;
            }
        }
        (values.len() == candidates).then_some((key, values))
    };
    table.rows.iter().map(row).collect()
}

/// What the pairs say of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Weight {
    equal: u64,
    /// Different ones among the equal values; two stands for any number above one.
    distinct: u64,
    first: Option<u64>,
}

/// How many pairs there are, as a join makes them, and what they say of each candidate.
fn weigh(sides: Change<Vec<Row>>, candidates: usize) -> (u64, Vec<Weight>) {
    let mut of_baseline: HashMap<u128, Vec<Vec<Option<u64>>>> = HashMap::new();
    for (key, values) in sides.baseline {
        of_baseline.entry(key).or_default().push(values);
    }
    let mut found = vec![Weight::default(); candidates];
    let mut looked_at = 0;
    for (key, after) in &sides.current {
        for before in of_baseline.get(key).into_iter().flatten() {
            if looked_at == LOOK {
                return (looked_at, found);
            }
            looked_at += 1;
            for ((weight, before), after) in found.iter_mut().zip(before).zip(after) {
                if before.is_some() && before == after {
                    weight.equal += 1;
                    weight.distinct =
                        if *weight.first.get_or_insert(before.unwrap_or_default()) == before.unwrap_or_default() {
                            weight.distinct.max(1)
                        } else {
                            2
                        };
                }
            }
        }
    }
    (looked_at, found)
}

#[cfg(test)]
mod tests {
    use super::{Change, Weight, weigh};

    #[test]
    fn equal_values_of_equal_keys_are_counted_and_told_apart() {
        let sides = Change {
            baseline: vec![(1, vec![Some(7), None]), (2, vec![Some(8), Some(1)]), (3, vec![Some(9), Some(1)])],
            current: vec![(1, vec![Some(7), None]), (2, vec![Some(8), Some(1)]), (4, vec![Some(9), Some(1)])],
        };
        let (looked_at, found) = weigh(sides, 2);
        assert_eq!(looked_at, 2);
        assert_eq!(found[0], Weight { equal: 2, distinct: 2, first: Some(7) });
        assert_eq!(found[1], Weight { equal: 1, distinct: 1, first: Some(1) }, "NULL equals nothing");
    }
}
