//! Which rows are shown: of changed ones such that every changed column is told of, the rarest first.

use super::super::Options;
use super::super::outcome::{RowCounts, Sample, SampleKind};
use super::super::privacy::MASK;
use super::super::samples::shares;
use super::rows::Row;
use crate::model::{Change, Value};
use crate::warehouse::compare::canonical::Field;
use crate::warehouse::compare::{BATCH, Side};

/// Rows that may be shown.
pub(super) struct Examples<'a> {
    key: &'a [Field],
    values: &'a [Field],
    options: &'a Options,
    /// How many are shown at most.
    limit: usize,
    changed: Vec<Changed>,
    /// How many of `changed` tell of each column.
    telling: Vec<usize>,
    added: Vec<Sample>,
    removed: Vec<Sample>,
}

/// A changed row.
struct Changed {
    key: Vec<(String, Value)>,
    /// Positions of columns with their values.
    values: Vec<(usize, Change<Value>)>,
}

impl<'a> Examples<'a> {
    pub(super) fn new(key: &'a [Field], values: &'a [Field], options: &'a Options) -> Self {
        Self {
            key,
            values,
            options,
            limit: if options.show_values { options.samples } else { 0 },
            changed: Vec::new(),
            telling: vec![0; values.len()],
            added: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// A row of one side alone: by its key, or as a whole.
    pub(super) fn lone(&mut self, kind: SampleKind, row: &Row) {
        let kept = if kind == SampleKind::Added { self.added.len() } else { self.removed.len() };
        if kept >= self.limit {
            return;
        }
        let shown = if self.key.is_empty() { self.values } else { self.key };
        let side = if kind == SampleKind::Added { Side::Current } else { Side::Baseline };
        let key = self.shown(shown, side, row);
        let sample = Sample { kind, key, values: Vec::new() };
        if kind == SampleKind::Added { self.added.push(sample) } else { self.removed.push(sample) }
    }

    /// A row of which the columns at these positions changed. It is kept if it tells of one that few others tell of.
    pub(super) fn changed(&mut self, differing: &[usize], baseline: &Row, current: &Row) {
        if !differing.iter().any(|&at| self.telling[at] < self.limit) {
            return;
        }
        let value = |side: Side, row: &Row, at: usize| {
            let field = &self.values[at];
            self.masked(field, field.value(side, row.text(self.key.len() + at)))
        };
        let both = |at: usize| Change {
            baseline: value(Side::Baseline, baseline, at),
            current: value(Side::Current, current, at),
        };
        let values = differing.iter().map(|&at| (at, both(at))).collect();
        let changed = Changed { key: self.shown(self.key, Side::Current, current), values };
        self.changed.push(changed);
        for &at in differing {
            self.telling[at] += 1;
        }
    }

    /// Those that are shown. `changed` counts the changed rows by column.
    pub(super) fn choose(self, changed: &[u64], rows: &RowCounts) -> Vec<Sample> {
        let [of_changed, of_added, of_removed] = shares(self.limit, [rows.changed, rows.added, rows.removed]);
        // Every row stands for its rarest column, and of every column the first row comes before the second of any.
        let mut seen = vec![0_usize; changed.len()];
        let mut ranked: Vec<(usize, u64, usize, Changed)> = Vec::with_capacity(self.changed.len());
        for row in self.changed {
            let Some(tells) = row.values.iter().map(|(at, _)| *at).min_by_key(|&at| (changed[at], at)) else {
                continue;
            };
            ranked.push((seen[tells], changed[tells], tells, row));
            seen[tells] += 1;
        }
        ranked.sort_by_key(|(nth, rarity, tells, _)| (*nth, *rarity, *tells));
        let values = self.values;
        let named = |(at, change): (usize, Change<Value>)| (values[at].name.current.clone(), change);
        let changed = ranked.into_iter().take(of_changed).map(|(_, _, _, row)| Sample {
            kind: SampleKind::Changed,
            key: row.key,
            values: row.values.into_iter().map(named).collect(),
        });
        changed.chain(self.added.into_iter().take(of_added)).chain(self.removed.into_iter().take(of_removed)).collect()
    }

    fn shown(&self, fields: &[Field], side: Side, row: &Row) -> Vec<(String, Value)> {
        let value = |at: usize, field: &Field| self.masked(field, field.value(side, row.text(at)));
        let cells = fields.iter().enumerate().take(BATCH);
        cells.map(|(at, field)| (field.name.current.clone(), value(at, field))).collect()
    }

    fn masked(&self, field: &Field, value: Value) -> Value {
        if self.options.is_masked(&field.name.current) { Value::Text(MASK.to_owned()) } else { value }
    }
}
