//! Rows paired by a key: one join finds the keys that differ, everything else is asked of those.

use super::keys::Key;
use super::options::{count, row};
use super::outcome::{KeyFacts, KeyProof, Method, NumberChange, TableDiff};
use super::samples::Samples;
use super::table::{Failure, Work, contradiction, paired_rows, set_changed};
use super::{numbers, slices};
use crate::model::{Change, Relation, Value};
use crate::warehouse::Error;
use crate::warehouse::compare::{self, BATCH, Field, Pairs, STATISTICS, Side, Sides, Whole};

/// One comparison by one key.
pub(super) struct Keyed<'a> {
    sides: Sides<'a>,
    pub(super) key: Key,
    values: Vec<Field>,
    /// All columns, key and values.
    fields: &'a [Field],
    null_in_key: Vec<bool>,
    nulls: Change<u64>,
    enforced: bool,
}

/// How rows paired.
pub(super) enum Pairing {
    /// Every row has its place.
    Done(Found),
    /// A key is NULL or occurs more than once, and another key is worth trying first.
    Faulty(KeyFacts),
}

/// The counts of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    added: u64,
    removed: u64,
    changed: u64,
    unchanged: u64,
    facts: KeyFacts,
    /// Rows whose key occurs more than once on a side were compared as wholes.
    wholes: bool,
}

impl<'a> Keyed<'a> {
    /// Looks at the key: whether the database enforces it, and where it is NULL.
    pub(super) async fn new(
        work: &mut Work<'_>,
        sides: &Sides<'a>,
        key: Key,
        fields: &'a [Field],
    ) -> Result<Self, Error> {
        let mut enforced = true;
        for side in Side::BOTH {
            enforced = enforced && is_enforced(work, side.of::<&Relation>(&sides.relation), &key, side).await?;
        }
        let mut nulls = Change::default();
        let mut null_in_key = vec![false; key.fields.len()];
        if !enforced {
            for side in Side::BOTH {
                let sql = compare::rows_with_null(sides, &key.fields, side);
                let counts = numbers(work.session, &sql, key.fields.len() + 1).await?;
                *side.of_mut(&mut nulls) = counts[0];
                for (null, count) in null_in_key.iter_mut().zip(&counts[1..]) {
                    *null |= *count > 0;
                }
            }
        }
        let is_key = |field: &&Field| key.fields.iter().any(|key| key.name == field.name);
        let values = fields.iter().filter(|field| !is_key(field)).cloned().collect();
        Ok(Self { sides: *sides, key, values, fields, null_in_key, nulls, enforced })
    }

    fn pairs(&self, leave_out_twice: bool) -> Pairs<'_> {
        Pairs {
            sides: self.sides,
            key: &self.key.fields,
            null_in_key: self.null_in_key.clone(),
            values: &self.values,
            leave_out_twice,
        }
    }

    /// Pairs the rows. With `several`, a key that occurs more than once is an answer of its own.
    pub(super) async fn pair(
        &self,
        work: &mut Work<'_>,
        total: Change<u64>,
        several: bool,
    ) -> Result<Pairing, Failure> {
        let mut facts = KeyFacts { proof: KeyProof::Counted, duplicates: Change::default(), nulls: self.nulls };
        if !several || self.nulls == Change::default() {
            match self.join(work, false, total).await? {
                Some(found) if found.facts.is_unique() || !several => return Ok(Pairing::Done(found)),
                Some(found) => return Ok(Pairing::Faulty(found.facts)),
                None => {}
            }
        }
        let pairs = self.pairs(false);
        for side in Side::BOTH {
            *side.of_mut(&mut facts.duplicates) = numbers(work.session, &pairs.duplicates(side), 1).await?[0];
        }
        if several {
            return Ok(Pairing::Faulty(facts));
        }
        work.keep("slimdiff_twice", &pairs.twice()).await?;
        let whole = Whole { sides: self.sides, fields: self.fields, only_twice: Some(&pairs) };
        work.keep("slimdiff_left", &whole.left()).await?;
        let counts = numbers(work.session, &work.scratch.over(Whole::counts()), 2).await?;
        let wholes = numbers(work.session, &work.scratch.over(&whole.totals()), 2).await?;
        let wholes = Change { baseline: wholes[0], current: wholes[1] };
        let left = |of: Change<u64>| match (
            of.baseline.checked_sub(wholes.baseline),
            of.current.checked_sub(wholes.current),
        ) {
            (Some(baseline), Some(current)) => Ok(Change { baseline, current }),
            _ => Err(contradiction(of, &[wholes.baseline, wholes.current])),
        };
        let equal = paired_rows(wholes, counts[0], counts[1], 0)?;
        let found = self.join(work, true, left(total)?).await?.ok_or_else(|| contradiction(total, &counts))?;
        Ok(Pairing::Done(Found {
            added: found.added + counts[0],
            removed: found.removed + counts[1],
            changed: found.changed,
            unchanged: found.unchanged + equal,
            facts,
            wholes: true,
        }))
    }

    /// Joins; none when a key pairs more than once.
    async fn join(
        &self,
        work: &mut Work<'_>,
        leave_out_twice: bool,
        total: Change<u64>,
    ) -> Result<Option<Found>, Failure> {
        let pairs = self.pairs(leave_out_twice);
        work.keep("slimdiff_keys", &pairs.keys(self.enforced)).await?;
        let counts = numbers(work.session, &work.scratch.over(&Pairs::counts()), 7).await?;
        let [equal, changed, removed, added, again, twice_b, twice_c] = counts[..] else { return Ok(None) };
        let proof = if self.enforced { KeyProof::Enforced } else { KeyProof::Counted };
        let facts = KeyFacts { proof, duplicates: Change { baseline: twice_b, current: twice_c }, nulls: self.nulls };
        if self.enforced {
            let unchanged = paired_rows(total, added, removed, changed)?;
            return Ok(Some(Found { added, removed, changed, unchanged, facts, wholes: false }));
        }
        // A key that occurs n times here and m times there makes n × m pairs: as many as rows only where both are 1.
        let pairs = equal + changed;
        let once = pairs + removed == total.baseline && pairs + added == total.current && again == 0;
        Ok(once.then_some(Found { added, removed, changed, unchanged: equal, facts, wholes: false }))
    }

    /// Writes down what was found, and asks for the columns and examples.
    pub(super) async fn report(&self, work: &mut Work<'_>, found: Found, diff: &mut TableDiff) -> Result<(), Failure> {
        let rows = &mut diff.rows;
        (rows.added, rows.removed, rows.changed, rows.unchanged) =
            (found.added, found.removed, found.changed, found.unchanged);
        diff.method = Method::Keyed { key: self.key.names(), source: self.key.source.to_owned(), facts: found.facts };
        for field in self.fields {
            set_changed(diff, &field.name.current, 0);
        }
        let different = found.added + found.removed + found.changed;
        if different == 0 {
            return Ok(());
        }
        let pairs = self.pairs(found.wholes);
        for batch in 0..self.values.len().div_ceil(BATCH).max(1) {
            let range = batch * BATCH..((batch + 1) * BATCH).min(self.values.len());
            work.keep(&Pairs::rows_name(batch), &pairs.rows(range.clone(), false)).await?;
            if found.changed == 0 || range.is_empty() {
                continue;
            }
            if different <= pairs.rows_kept() {
                self.columns(work, &pairs, range, &Pairs::rows_name(batch), diff).await?;
                continue;
            }
            for part in pairs.parts(range) {
                let rows = if found.changed >= found.unchanged {
                    pairs.all_pairs(part.clone())
                } else {
                    format!("({}) as all_rows", pairs.rows(part.clone(), true))
                };
                self.columns(work, &pairs, part, &rows, diff).await?;
            }
        }
        let samples = Samples { options: work.options };
        diff.samples = samples.keyed(work.session, &work.scratch, &pairs, diff, found.changed).await?;
        if found.wholes && diff.samples.len() < work.options.samples {
            let whole = Whole { sides: self.sides, fields: self.fields, only_twice: None };
            let mut more = samples.whole(work.session, &work.scratch, &whole, &diff.rows).await?;
            let room = work.options.samples - diff.samples.len();
            // Kinds of rows that no pair is an example of come first.
            more.sort_by_key(|sample| diff.samples.iter().any(|known| known.kind == sample.kind));
            diff.samples.extend(more.into_iter().take(room));
        }
        if work.options.profile {
            slices::find(work, &pairs, diff).await?;
        }
        Ok(())
    }

    async fn columns(
        &self,
        work: &mut Work<'_>,
        pairs: &Pairs<'_>,
        batch: std::ops::Range<usize>,
        rows: &str,
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let sql = work.scratch.over(&pairs.columns(batch.clone(), rows));
        let figures = row(work.session, &sql, batch.len() * STATISTICS).await?;
        for (field, figures) in self.values[batch].iter().zip(figures.chunks(STATISTICS)) {
            let Some(column) = diff.columns.iter_mut().find(|column| column.name == field.name.current) else {
                continue;
            };
            column.changed = Some(count(&figures[0])?);
            column.became_null = Some(count(&figures[1])?);
            column.was_null = Some(count(&figures[2])?);
            column.change = match (double(&figures[3]), double(&figures[4]), double(&figures[5])) {
                (Some(mean), Some(mean_absolute), Some(largest)) => {
                    Some(NumberChange { mean, mean_absolute, largest: Some(largest) })
                }
                _ => None,
            };
        }
        Ok(())
    }
}

/// A figure as a double.
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Float(figure) => Some(*figure),
        Value::Decimal(text) => text.parse().ok(),
        value => value.to_string().parse().ok(),
    }
    .filter(|figure: &f64| figure.is_finite())
}

/// Whether the database enforces the key, or a part of it, on this side.
async fn is_enforced(work: &mut Work<'_>, relation: &Relation, key: &Key, side: Side) -> Result<bool, Error> {
    let table = work.session.query(&compare::enforced_keys(work.dialect, relation)).await?;
    let names: Vec<&str> = key.fields.iter().map(|field| side.of(&field.name).as_str()).collect();
    let mut keys: Vec<(i64, bool)> = Vec::new();
    for row in &table.rows {
        let [number, name] = row.as_slice() else { continue };
        let (Some(number), Some(name)) = (number.as_i64(), name.as_str()) else { continue };
        let within = names.iter().any(|column| compare::same_column(work.dialect, column, name));
        match keys.iter_mut().find(|(other, _)| *other == number) {
            Some((_, all)) => *all &= within,
            None => keys.push((number, within)),
        }
    }
    // A key in another form than the column's own may have values that the database tells apart and the form does not.
    let as_is = key.fields.iter().all(|field| field.form.keeps_apart());
    Ok(as_is && keys.iter().any(|(_, within)| *within))
}
