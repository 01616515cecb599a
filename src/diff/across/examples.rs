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
        let values = self.values;
        let named = |(at, change): (usize, Change<Value>)| (values[at].name.current.clone(), change);
        let telling = most_telling(self.changed, changed).into_iter().take(of_changed).map(|row| Sample {
            kind: SampleKind::Changed,
            key: row.key,
            values: row.values.into_iter().map(named).collect(),
        });
        telling.chain(self.added.into_iter().take(of_added)).chain(self.removed.into_iter().take(of_removed)).collect()
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

/// Rows such that of every column the first row comes before a second of any, those of rare columns first. `changed`
/// counts the changed rows by column.
fn most_telling(rows: Vec<Changed>, changed: &[u64]) -> Vec<Changed> {
    let tells = |row: &Changed, column: usize| row.values.iter().any(|(at, _)| *at == column);
    let mut columns: Vec<usize> = (0..changed.len()).collect();
    columns.sort_by_key(|&at| changed[at]);
    let (mut first, mut more): (Vec<Changed>, Vec<Changed>) = (Vec::new(), rows);
    for &column in &columns {
        if !first.iter().any(|row| tells(row, column))
            && let Some(position) = more.iter().position(|row| tells(row, column))
        {
            first.push(more.remove(position));
        }
    }
    // Of the others every row stands for its rarest column, and the columns take turns.
    let mut seen = vec![0_usize; changed.len()];
    let mut turn = |row: &Changed| {
        let rarest = columns.iter().position(|&column| tells(row, column))?;
        seen[rarest] += 1;
        Some((seen[rarest], rarest))
    };
    let mut ranked: Vec<_> = more.into_iter().map(|row| (turn(&row), row)).collect();
    ranked.sort_by_key(|(turn, _)| *turn);
    first.extend(ranked.into_iter().map(|(_, row)| row));
    first
}

#[cfg(test)]
mod tests {
    use super::{Changed, most_telling};
    use crate::model::{Change, Value};

    #[test]
    fn of_every_column_the_first_row_comes_before_a_second_of_any() {
        // The last column changed only beside others that are rarer: no row stands for it alone.
        let rows: [&[usize]; 9] = [&[0], &[0], &[1], &[1], &[2], &[2], &[0, 3], &[1, 3], &[2, 3]];
        let change = || Change { baseline: Value::Int(0), current: Value::Int(1) };
        let row = |(number, columns): (usize, &&[usize])| Changed {
            key: vec![("id".to_owned(), Value::Int(i128::try_from(number).unwrap()))],
            values: columns.iter().map(|&at| (at, change())).collect(),
        };
        let chosen = most_telling(rows.iter().enumerate().map(row).collect(), &[3, 3, 3, 3]);
        let ids: Vec<Option<i64>> = chosen.iter().map(|row| row.key[0].1.as_i64()).collect();
        assert_eq!(ids, [0, 2, 4, 6, 1, 3, 5, 7, 8].map(Some));
    }
}
