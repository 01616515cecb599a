//! Where changes concentrate: groups of rows with one value of a column that are affected more often than others.

use std::collections::HashMap;

use super::outcome::{ColumnDiff, RowCounts, Slice, TableDiff};
use super::table::Work;
use crate::model::{Change, Value};
use crate::warehouse::Error;
use crate::warehouse::compare::{Field, Pairs, Side, affected, all_by_value, can_name_a_group};

/// A column with more values than that has no groups worth naming.
const VALUES: u64 = 40;

/// How many columns are looked at, and how many slices told.
pub(super) const COLUMNS: usize = 8;
const TOLD: usize = 5;

/// A slice is told when its rows are affected that many times as often as all are, and when it holds that percentage of
/// the affected rows, and at least so many.
const LIFT: f64 = 1.5;
const PERCENT: u64 = 20;
const ROWS: u64 = 10;

/// Looks for slices among columns that did not change themselves. How many values a column has is known from its
/// profile.
pub(super) async fn find(work: &mut Work<'_>, pairs: &Pairs<'_>, diff: &mut TableDiff) -> Result<(), Error> {
    if !is_worth_looking(&diff.rows) || different(&diff.rows) > pairs.rows_kept() {
        return Ok(());
    }
    let is_group =
        |field: &Field| diff.columns.iter().any(|column| column.name == field.name.current && is_group(column));
    let columns: Vec<(usize, &Field)> =
        pairs.values.iter().enumerate().filter(|(_, field)| is_group(field)).take(COLUMNS).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let places: Vec<usize> = columns.iter().map(|(at, _)| *at).collect();
    let hit = counts(&work.session.query(&work.scratch.over(&affected(&places))).await?.rows);
    let mut of_all = Change::default();
    for side in Side::BOTH {
        let table = work.session.query(&all_by_value(&pairs.sides, side, &columns)).await?;
        *side.of_mut(&mut of_all) = counts(&table.rows);
    }
    tell(|at| pairs.values[at].name.current.clone(), hit, of_all, diff);
    Ok(())
}

/// Rows by a column's place and value.
pub(super) type Counted = Vec<((usize, Option<String>), u64)>;

fn different(rows: &RowCounts) -> u64 {
    rows.added + rows.removed + rows.changed
}

fn total(rows: &RowCounts) -> u64 {
    rows.total.baseline.unwrap_or_default().max(rows.total.current.unwrap_or_default())
}

/// Whether there may be slices. Of changes to nearly all rows no group has more than its share.
pub(super) fn is_worth_looking(rows: &RowCounts) -> bool {
    let (different, total) = (different(rows), total(rows));
    different >= ROWS && different.saturating_mul(3) <= total.saturating_mul(2)
}

/// Writes down the slices, by the rows that differ and all rows of each side. `named` is what the report calls a column.
pub(super) fn tell(named: impl Fn(usize) -> String, hit: Counted, of_all: Change<Counted>, diff: &mut TableDiff) {
    let (different, total) = (different(&diff.rows), total(&diff.rows));
    let mut most: HashMap<(usize, Option<String>), u64> = HashMap::new();
    for (value, n) in of_all.baseline.into_iter().chain(of_all.current) {
        let known = most.entry(value).or_default();
        *known = n.max(*known);
    }
    let mut slices: Vec<Slice> = Vec::new();
    for ((at, value), affected) in hit {
        let rows = most.get(&(at, value.clone())).copied().unwrap_or(affected).max(affected);
        #[expect(clippy::cast_precision_loss, reason = "a ratio is told to a digit")]
        let lift = (affected as f64 / rows as f64) / (different as f64 / total as f64);
        if affected >= ROWS && affected * 100 >= different * PERCENT && lift >= LIFT {
            let value = value.map_or(Value::Null, Value::Text);
            slices.push(Slice { column: named(at), value, affected, rows, lift });
        }
    }
    slices.sort_by(|a, b| {
        b.lift
            .total_cmp(&a.lift)
            .then_with(|| a.column.cmp(&b.column))
            .then_with(|| a.value.to_string().cmp(&b.value.to_string()))
    });
    slices.truncate(TOLD);
    diff.slices = slices;
}

/// Whether the column is one whose values may name groups, and did not change itself.
fn is_group(column: &ColumnDiff) -> bool {
    column.data_type.baseline == column.data_type.current && may_name_groups(column) && column.changed == Some(0)
}

/// Whether the column has few values, of types that can name a group.
pub(super) fn may_name_groups(column: &ColumnDiff) -> bool {
    let types = [column.data_type.baseline.as_deref(), column.data_type.current.as_deref()];
    let named = types.iter().all(|data_type| data_type.is_some_and(can_name_a_group));
    let distinct = column.profile.current.as_ref().and_then(|profile| profile.distinct);
    named && distinct.is_some_and(|distinct| (2..=VALUES).contains(&distinct))
}

/// Rows by column and value, as the database gives them.
pub(super) fn counts(rows: &[Vec<Value>]) -> Counted {
    let read = |row: &Vec<Value>| {
        let [at, value, n] = row.as_slice() else { return None };
        let value = (!value.is_null()).then(|| value.as_str().map(str::to_owned)).flatten();
        Some(((usize::try_from(at.as_i64()?).ok()?, value), u64::try_from(n.as_i64()?).ok()?))
    };
    rows.iter().filter_map(read).collect()
}
