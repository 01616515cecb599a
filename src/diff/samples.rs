//! A few rows as examples, chosen to cover different columns. None are read when none may be shown.

use super::Options;
use super::outcome::{RowCounts, Sample, SampleKind};
use crate::model::{Change, Value};
use crate::warehouse::compare::{BATCH, Field, Keyed, Side, Whole};
use crate::warehouse::{Error, Session};

/// How many changed columns an example tells of. Three values a column have to fit into a select list.
const TELLING: usize = 300;

/// What is shown instead of a value that must not be shown.
const MASK: &str = "***";

/// Reads examples as the options allow.
pub(super) struct Samples<'a> {
    pub(super) options: &'a Options,
}

impl Samples<'_> {
    /// Examples of rows paired by key. `changed` counts the changed rows by value column.
    pub(super) async fn keyed(
        &self,
        session: &mut dyn Session,
        keyed: &Keyed<'_>,
        changed: &[u64],
        rows: &RowCounts,
    ) -> Result<Vec<Sample>, Error> {
        let [of_changed, of_added, of_removed] = self.quotas([rows.changed, rows.added, rows.removed]);
        let mut samples = Vec::new();
        if of_changed > 0 {
            // Rare changes first: what is true of all rows shows anyway.
            let mut telling: Vec<usize> = (0..changed.len()).filter(|&at| changed[at] > 0).collect();
            telling.sort_by_key(|&at| changed[at]);
            telling.truncate(TELLING);
            let table = session.query(&keyed.changed_samples(&telling, of_changed)).await?;
            samples.extend(table.rows.into_iter().map(|row| self.changed(keyed, &telling, row)));
        }
        for (kind, side, limit) in
            [(SampleKind::Added, Side::Current, of_added), (SampleKind::Removed, Side::Baseline, of_removed)]
        {
            if limit > 0 {
                let table = session.query(&keyed.lone_samples(side, limit)).await?;
                samples.extend(table.rows.into_iter().map(|row| self.lone(kind, keyed.key, row)));
            }
        }
        Ok(samples)
    }

    /// Examples of whole rows.
    pub(super) async fn whole(
        &self,
        session: &mut dyn Session,
        whole: &Whole<'_>,
        rows: &RowCounts,
    ) -> Result<Vec<Sample>, Error> {
        let [of_added, of_removed] = self.quotas([rows.added, rows.removed]);
        let mut samples = Vec::new();
        for (kind, side, limit) in
            [(SampleKind::Added, Side::Current, of_added), (SampleKind::Removed, Side::Baseline, of_removed)]
        {
            if limit > 0 {
                let table = session.query(&whole.samples(side, limit)).await?;
                samples.extend(table.rows.into_iter().map(|row| self.lone(kind, whole.fields, row)));
            }
        }
        Ok(samples)
    }

    fn lone(&self, kind: SampleKind, fields: &[Field], row: Vec<Value>) -> Sample {
        let key = fields.iter().zip(row).take(BATCH).map(|(field, value)| self.shown(field, value));
        Sample { kind, key: key.collect(), values: Vec::new() }
    }

    fn changed(&self, keyed: &Keyed<'_>, telling: &[usize], row: Vec<Value>) -> Sample {
        let mut row = row.into_iter();
        let key = keyed.key.iter().zip(row.by_ref()).map(|(field, value)| self.shown(field, value)).collect();
        let mut values = Vec::new();
        for &at in telling {
            let [Some(baseline), Some(current), Some(differs)] = [row.next(), row.next(), row.next()] else { break };
            if differs == Value::Bool(true) {
                let (name, baseline) = self.shown(&keyed.values[at], baseline);
                let (_, current) = self.shown(&keyed.values[at], current);
                values.push((name, Change { baseline, current }));
            }
        }
        Sample { kind: SampleKind::Changed, key, values }
    }

    /// A column's name and its value, or the mask.
    fn shown(&self, field: &Field, value: Value) -> (String, Value) {
        let name = field.name.current.clone();
        let value = if self.options.is_masked(&name) { Value::Text(MASK.to_owned()) } else { value };
        (name, value)
    }

    /// Shares the examples among the kinds of rows there are, at least one each as long as they last, the first kinds
    /// first.
    fn quotas<const KINDS: usize>(&self, available: [u64; KINDS]) -> [usize; KINDS] {
        let mut left = if self.options.show_values { self.options.samples } else { 0 };
        let mut quotas = [0; KINDS];
        while left > 0 {
            let before = left;
            for (quota, available) in quotas.iter_mut().zip(available) {
                if left > 0 && (*quota as u64) < available {
                    *quota += 1;
                    left -= 1;
                }
            }
            if left == before {
                break;
            }
        }
        quotas
    }
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
