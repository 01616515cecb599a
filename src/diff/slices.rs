//! Where changes concentrate: groups of rows with one value of a column that are affected more often than others.

use std::collections::HashMap;

use super::outcome::{Slice, TableDiff};
use super::table::Work;
use crate::model::Value;
use crate::warehouse::Error;
use crate::warehouse::compare::{Field, Pairs, Side, affected, all_by_value, can_name_a_group};

/// A column with more values than that has no groups worth naming.
const VALUES: u64 = 40;

/// How many columns are looked at, and how many slices told.
const COLUMNS: usize = 8;
const TOLD: usize = 5;

/// A slice is told when its rows are affected that many times as often as all are, and when it holds that percentage of
/// the affected rows, and at least so many.
const LIFT: f64 = 1.5;
const PERCENT: u64 = 20;
const ROWS: u64 = 10;

/// Looks for slices among columns that did not change themselves. How many values a column has is known from its
/// profile.
pub(super) async fn find(work: &mut Work<'_>, pairs: &Pairs<'_>, diff: &mut TableDiff) -> Result<(), Error> {
    let rows = &diff.rows;
    let different = rows.added + rows.removed + rows.changed;
    let total = rows.total.baseline.unwrap_or_default().max(rows.total.current.unwrap_or_default());
    // Of changes to nearly all rows no group has more than its share.
    if !(ROWS..=pairs.rows_kept()).contains(&different) || different.saturating_mul(3) > total.saturating_mul(2) {
        return Ok(());
    }
    let columns: Vec<(usize, &Field)> =
        pairs.values.iter().enumerate().filter(|(_, field)| is_group(field, diff)).take(COLUMNS).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let places: Vec<usize> = columns.iter().map(|(at, _)| *at).collect();
    let hit = counts(&work.session.query(&work.scratch.over(&affected(&places))).await?.rows);
    let mut of_all: HashMap<(usize, Option<String>), u64> = HashMap::new();
    for side in Side::BOTH {
        for (value, n) in counts(&work.session.query(&all_by_value(&pairs.sides, side, &columns)).await?.rows) {
            let known = of_all.entry(value).or_default();
            *known = n.max(*known);
        }
    }
    let mut slices: Vec<Slice> = Vec::new();
    for ((at, value), affected) in hit {
        let rows = of_all.get(&(at, value.clone())).copied().unwrap_or(affected).max(affected);
        #[expect(clippy::cast_precision_loss, reason = "a ratio is told to a digit")]
        let lift = (affected as f64 / rows as f64) / (different as f64 / total as f64);
        if affected >= ROWS && affected * 100 >= different * PERCENT && lift >= LIFT {
            let value = value.map_or(Value::Null, Value::Text);
            slices.push(Slice { column: pairs.values[at].name.current.clone(), value, affected, rows, lift });
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
    Ok(())
}

fn is_group(field: &Field, diff: &TableDiff) -> bool {
    let Some(column) = diff.columns.iter().find(|column| column.name == field.name.current) else { return false };
    let types = [column.data_type.baseline.as_deref(), column.data_type.current.as_deref()];
    let named = types.iter().all(|data_type| data_type.is_some_and(can_name_a_group)) && types[0] == types[1];
    let distinct = column.profile.current.as_ref().and_then(|profile| profile.distinct);
    named && column.changed == Some(0) && distinct.is_some_and(|distinct| (2..=VALUES).contains(&distinct))
}

/// Rows by column and value.
fn counts(rows: &[Vec<Value>]) -> Vec<((usize, Option<String>), u64)> {
    let read = |row: &Vec<Value>| {
        let [at, value, n] = row.as_slice() else { return None };
        let value = (!value.is_null()).then(|| value.as_str().map(str::to_owned)).flatten();
        Some(((usize::try_from(at.as_i64()?).ok()?, value), u64::try_from(n.as_i64()?).ok()?))
    };
    rows.iter().filter_map(read).collect()
}
