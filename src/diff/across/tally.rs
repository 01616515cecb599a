//! What the paired rows come to: counts by kind of row and by column, sizes of changes, examples.

use super::super::Options;
use super::super::outcome::{NumberChange, SampleKind, TableDiff};
use super::examples::Examples;
use super::rows::Row;
use super::slices::Affected;
use super::{Failure, column_mut};
use crate::diff::table::paired_rows;
use crate::model::Change;
use crate::warehouse::compare::canonical::Field;

/// The counts while rows come in.
pub(super) struct Tally<'a> {
    values: &'a [Field],
    /// Columns of the key, which come first in a row.
    keys: usize,
    added: u64,
    removed: u64,
    changed: u64,
    columns: Vec<OfColumn>,
    examples: Examples<'a>,
    affected: Affected,
}

/// What changed in one column.
#[derive(Debug, Clone, Copy, Default)]
struct OfColumn {
    changed: u64,
    became_null: u64,
    was_null: u64,
    /// Changes from a number to another.
    measured: u64,
    sum: f64,
    sum_absolute: f64,
    largest: f64,
}

impl<'a> Tally<'a> {
    /// `groups` are the places of the columns by whose values rows that differ are counted.
    pub(super) fn new(key: &'a [Field], values: &'a [Field], groups: &[usize], options: &'a Options) -> Self {
        Self {
            values,
            keys: key.len(),
            added: 0,
            removed: 0,
            changed: 0,
            columns: vec![OfColumn::default(); values.len()],
            examples: Examples::new(key, values, options),
            affected: Affected::of(groups),
        }
    }

    /// A row of the pull request alone.
    pub(super) fn added(&mut self, row: &Row) {
        self.added += 1;
        self.affected.count(self.keys, row);
        self.examples.lone(SampleKind::Added, row);
    }

    /// A row of production alone.
    pub(super) fn removed(&mut self, row: &Row) {
        self.removed += 1;
        self.affected.count(self.keys, row);
        self.examples.lone(SampleKind::Removed, row);
    }

    /// The only rows of their key, which are not written alike.
    pub(super) fn pair(&mut self, baseline: &Row, current: &Row) {
        let mut differing = Vec::new();
        for (at, field) in self.values.iter().enumerate() {
            let (before, after) = (baseline.text(self.keys + at), current.text(self.keys + at));
            if !field.is_same(before, after) {
                self.columns[at].count(field, before, after);
                differing.push(at);
            }
        }
        if !differing.is_empty() {
            self.changed += 1;
            self.affected.count(self.keys, current);
            self.examples.changed(&differing, baseline, current);
        }
    }

    /// Writes the figures into `diff`, and gives back by which values rows differ.
    ///
    /// # Errors
    /// When they contradict the numbers of rows.
    pub(super) fn write(self, total: Change<u64>, diff: &mut TableDiff) -> Result<Affected, Failure> {
        let [added, removed, changed] = [self.added, self.removed, self.changed];
        let unchanged = paired_rows(total, added, removed, changed)?;
        (diff.rows.added, diff.rows.removed) = (added, removed);
        (diff.rows.changed, diff.rows.unchanged) = (changed, unchanged);
        // Without a key no row is paired with another, so no value with another either.
        if self.keys > 0 {
            for (field, counts) in self.values.iter().zip(&self.columns) {
                if let Some(column) = column_mut(diff, &field.name.current) {
                    column.changed = Some(counts.changed);
                    column.became_null = Some(counts.became_null);
                    column.was_null = Some(counts.was_null);
                    column.change = counts.change();
                }
            }
        }
        let changed: Vec<u64> = self.columns.iter().map(|counts| counts.changed).collect();
        diff.samples = self.examples.choose(&changed, &diff.rows);
        Ok(self.affected)
    }
}

impl OfColumn {
    fn count(&mut self, field: &Field, baseline: Option<&str>, current: Option<&str>) {
        self.changed += 1;
        match (baseline, current) {
            (Some(_), None) => self.became_null += 1,
            (None, Some(_)) => self.was_null += 1,
            (Some(baseline), Some(current)) if field.is_measured() => {
                if let Some(difference) = field.difference(baseline, current) {
                    self.measured += 1;
                    self.sum += difference;
                    self.sum_absolute += difference.abs();
                    self.largest = self.largest.max(difference.abs());
                }
            }
            _ => {}
        }
    }

    fn change(&self) -> Option<NumberChange> {
        #[expect(clippy::cast_precision_loss, reason = "a mean is told to some digits")]
        let count = self.measured as f64;
        (self.measured > 0).then(|| NumberChange {
            mean: self.sum / count,
            mean_absolute: self.sum_absolute / count,
            largest: Some(self.largest),
        })
    }
}
