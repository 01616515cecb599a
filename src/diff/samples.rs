//! A few rows as examples, chosen to tell different things: each way in which each column changed, the rarest first,
//! and of numbers the largest change. None are read when none may be shown.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Options;
use super::outcome::{RowCounts, Sample, SampleKind, TableDiff};
use super::privacy::MASK;
use crate::model::{Change, Value};
use crate::warehouse::compare::{BATCH, Cell, Field, Pairs, Scratch, Side, Whole};
use crate::warehouse::{Error, Session};

/// How many changed columns an example tells of. Three values a column have to fit into a select list.
const TELLING: usize = 300;

/// Reads examples as the options allow.
pub(super) struct Samples<'a> {
    pub(super) options: &'a Options,
}

impl Samples<'_> {
    /// Examples of rows paired by key. What changed in which column is in `diff` already.
    pub(super) async fn keyed(
        &self,
        session: &mut dyn Session,
        scratch: &Scratch,
        pairs: &Pairs<'_>,
        diff: &TableDiff,
        changed: u64,
    ) -> Result<Vec<Sample>, Error> {
        let [of_changed, of_added, of_removed] = self.quotas([changed, diff.rows.added, diff.rows.removed]);
        let cells = cells(pairs, diff);
        let mut rows = Vec::new();
        if of_changed > 0 {
            rows.extend(self.telling(session, scratch, pairs, &cells, of_changed).await?);
        }
        for (side, limit) in [(Side::Current, of_added), (Side::Baseline, of_removed)] {
            if limit > 0 {
                let table = session.query(&scratch.over(&pairs.lone(side, limit))).await?;
                rows.extend(table.rows.iter().filter_map(|row| row.first()?.as_i64()));
            }
        }
        // Rare changes first: what is true of all rows shows anyway.
        let mut shown: Vec<usize> = cells.iter().map(|cell| cell.at).collect();
        let mut seen = HashSet::new();
        shown.retain(|at| seen.insert(*at));
        shown.truncate(TELLING);
        self.read(session, scratch, pairs, &rows, &shown).await
    }

    /// The changed rows that tell most: the cells take turns, the rarest first.
    async fn telling(
        &self,
        session: &mut dyn Session,
        scratch: &Scratch,
        pairs: &Pairs<'_>,
        cells: &[Telling],
        limit: usize,
    ) -> Result<Vec<i64>, Error> {
        let mut chosen: Vec<i64> = Vec::new();
        let mut offers: Vec<VecDeque<i64>> = Vec::new();
        // Mostly the first cells fill all places. Where they offer the same few rows, more are asked, ever more at a time.
        let (mut rest, mut step) = (&cells[..cells.len().min(TELLING)], limit);
        while chosen.len() < limit && !rest.is_empty() {
            let (asked, later) = rest.split_at(rest.len().min(step));
            let mut more = self.offers(session, scratch, pairs, asked, limit).await?;
            take_turns(&mut chosen, &mut more, limit);
            offers.append(&mut more);
            (rest, step) = (later, step * 2);
        }
        while chosen.len() < limit && offers.iter().any(|offer| !offer.is_empty()) {
            take_turns(&mut chosen, &mut offers, limit);
        }
        Ok(chosen)
    }

    /// For each of `cells` the rows that tell most of it, the best first.
    async fn offers(
        &self,
        session: &mut dyn Session,
        scratch: &Scratch,
        pairs: &Pairs<'_>,
        cells: &[Telling],
        limit: usize,
    ) -> Result<Vec<VecDeque<i64>>, Error> {
        // One row may be the best of several cells: each offers more than its share.
        let offer = limit.div_ceil(cells.len()) + cells.len().min(8);
        let query = |cell: &Telling| {
            let by_size = !self.options.is_masked(&pairs.values[cell.at].name.current);
            pairs.telling(cell.at, cell.cell, by_size, offer)
        };
        let queries: Vec<String> = cells.iter().map(query).collect();
        let table = session.query(&scratch.numbered(&queries)).await?;
        let mut offers: Vec<VecDeque<i64>> = vec![VecDeque::new(); cells.len()];
        for row in &table.rows {
            let [cell, i] = row.as_slice() else { continue };
            let offer = cell.as_i64().and_then(|cell| usize::try_from(cell).ok()).and_then(|cell| offers.get_mut(cell));
            if let (Some(offer), Some(i)) = (offer, i.as_i64()) {
                offer.push_back(i);
            }
        }
        Ok(offers)
    }

    /// The rows themselves, in the order of `rows`: where several rows have a key that only one side has, each time that
    /// it is named another one.
    async fn read(
        &self,
        session: &mut dyn Session,
        scratch: &Scratch,
        pairs: &Pairs<'_>,
        rows: &[i64],
        shown: &[usize],
    ) -> Result<Vec<Sample>, Error> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: HashMap<i64, Vec<Sample>> = HashMap::new();
        let mut batches: Vec<usize> = shown.iter().map(|at| at / BATCH).collect();
        batches.push(0);
        batches.sort_unstable();
        batches.dedup();
        for batch in batches {
            let columns: Vec<usize> = shown.iter().copied().filter(|at| at / BATCH == batch).collect();
            let table = session.query(&scratch.over(&pairs.examples(batch, &columns, rows))).await?;
            let mut of_batch: HashMap<i64, Vec<Sample>> = HashMap::new();
            for row in table.rows {
                let Some(i) = row.first().and_then(Value::as_i64) else { continue };
                of_batch.entry(i).or_default().extend(self.sample(pairs, &columns, row));
            }
            for (i, samples) in of_batch {
                match found.get_mut(&i) {
                    Some(known) => {
                        for (known, more) in known.iter_mut().zip(samples) {
                            known.values.extend(more.values);
                        }
                    }
                    None => drop(found.insert(i, samples)),
                }
            }
        }
        Ok(rows.iter().filter_map(|i| found.get_mut(i)?.pop()).collect())
    }

    fn sample(&self, pairs: &Pairs<'_>, columns: &[usize], row: Vec<Value>) -> Option<Sample> {
        let mut row = row.into_iter().skip(1);
        let kind = match row.next()?.as_str()? {
            "a" => SampleKind::Added,
            "r" => SampleKind::Removed,
            _ => SampleKind::Changed,
        };
        let mut key = Vec::new();
        for field in pairs.key {
            let (baseline, current) = (row.next()?, row.next()?);
            key.push(self.shown(field, if kind == SampleKind::Removed { baseline } else { current }));
        }
        let mut values = Vec::new();
        for &at in columns {
            let (baseline, current, differs) = (row.next()?, row.next()?, row.next()?);
            if kind == SampleKind::Changed && differs == Value::Bool(true) {
                let (name, baseline) = self.shown(&pairs.values[at], baseline);
                let (_, current) = self.shown(&pairs.values[at], current);
                values.push((name, Change { baseline, current }));
            }
        }
        Some(Sample { kind, key, values })
    }

    /// Examples of whole rows.
    pub(super) async fn whole(
        &self,
        session: &mut dyn Session,
        scratch: &Scratch,
        whole: &Whole<'_>,
        rows: &RowCounts,
    ) -> Result<Vec<Sample>, Error> {
        let [of_added, of_removed] = self.quotas([rows.added, rows.removed]);
        let mut samples = Vec::new();
        for (kind, side, limit) in
            [(SampleKind::Added, Side::Current, of_added), (SampleKind::Removed, Side::Baseline, of_removed)]
        {
            if limit > 0 {
                let table = session.query(&scratch.over(&whole.samples(side, limit))).await?;
                samples.extend(table.rows.into_iter().map(|row| self.lone(kind, whole.fields, row)));
            }
        }
        Ok(samples)
    }

    fn lone(&self, kind: SampleKind, fields: &[Field], row: Vec<Value>) -> Sample {
        let key = fields.iter().zip(row).take(BATCH).map(|(field, value)| self.shown(field, value));
        Sample { kind, key: key.collect(), values: Vec::new() }
    }

    /// A column's name and its value, or the mask.
    fn shown(&self, field: &Field, value: Value) -> (String, Value) {
        let name = field.name.current.clone();
        let value = if self.options.is_masked(&name) { Value::Text(MASK.to_owned()) } else { value };
        (name, value)
    }

    fn quotas<const KINDS: usize>(&self, available: [u64; KINDS]) -> [usize; KINDS] {
        shares(if self.options.show_values { self.options.samples } else { 0 }, available)
    }
}

/// Shares so many examples among the kinds of rows there are, as evenly as they last, the first kinds first.
pub(super) fn shares<const KINDS: usize>(mut left: usize, available: [u64; KINDS]) -> [usize; KINDS] {
    let mut shares = [0; KINDS];
    loop {
        let before = left;
        for (share, available) in shares.iter_mut().zip(available) {
            if left > 0 && (*share as u64) < available {
                *share += 1;
                left -= 1;
            }
        }
        if left == 0 || left == before {
            return shares;
        }
    }
}

/// Adds the best row of each offer that is not chosen yet, while there is room.
fn take_turns(chosen: &mut Vec<i64>, offers: &mut [VecDeque<i64>], limit: usize) {
    for offer in offers {
        let next = std::iter::from_fn(|| offer.pop_front()).find(|i| !chosen.contains(i));
        chosen.extend(next.filter(|_| chosen.len() < limit));
    }
}

/// One way in which one column changed, in how many rows.
struct Telling {
    at: usize,
    cell: Cell,
    rows: u64,
}

/// Every way in which a column changed: the rarest of each column, then all others, the rarest first.
fn cells(pairs: &Pairs<'_>, diff: &TableDiff) -> Vec<Telling> {
    let mut cells = Vec::new();
    for (at, field) in pairs.values.iter().enumerate() {
        let Some(column) = diff.columns.iter().find(|column| column.name == field.name.current) else { continue };
        let (became, was) = (column.became_null.unwrap_or_default(), column.was_null.unwrap_or_default());
        let other = column.changed.unwrap_or_default().saturating_sub(became + was);
        for (cell, rows) in [(Cell::OtherValue, other), (Cell::BecameNull, became), (Cell::WasNull, was)] {
            if rows > 0 {
                cells.push(Telling { at, cell, rows });
            }
        }
    }
    cells.sort_by_key(|cell| cell.rows);
    // One of every column before a second of any: a column that changed in several ways must not crowd out another.
    let mut seen = HashSet::new();
    let (mut first, more): (Vec<Telling>, Vec<Telling>) = cells.into_iter().partition(|cell| seen.insert(cell.at));
    first.extend(more);
    first
}

#[cfg(test)]
mod tests {
    use super::{Options, Samples};

    #[test]
    fn every_kind_of_row_gets_its_share_of_the_examples() {
        let quotas =
            |samples, available| Samples { options: &Options { samples, ..Options::default() } }.quotas(available);
        assert_eq!(quotas(5, [100, 100, 100]), [2, 2, 1]);
        assert_eq!(quotas(5, [100, 0, 1]), [4, 0, 1]);
        assert_eq!(quotas(5, [1, 1, 0]), [1, 1, 0]);
        assert_eq!(quotas(0, [9, 9, 9]), [0, 0, 0]);
        let hidden = Options { show_values: false, ..Options::default() };
        assert_eq!(Samples { options: &hidden }.quotas([9, 9]), [0, 0]);
    }
}
