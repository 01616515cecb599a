//! Where changes concentrate: rows that differ are here and are counted as they come, all rows by each side.

use std::collections::HashMap;

use super::super::outcome::{ColumnDiff, TableDiff};
use super::super::slices::{COLUMNS, Counted, counts, is_worth_looking, may_name_groups, tell};
use super::rows::Row;
use super::{Failure, Work};
use crate::model::Change;
use crate::warehouse::compare::Side;
use crate::warehouse::compare::canonical::Field;

/// How many columns are counted while rows come, before it is known which of them changed themselves.
const WATCHED: usize = 40;
/// How many values of a column are counted: what has more on the other side has no groups either.
const VALUES: usize = 10_000;

/// The places among `values` of the columns that may name groups of rows; none without a key.
pub(super) fn groups(values: &[Field], diff: &TableDiff, has_key: bool) -> Vec<usize> {
    let is_group = |field: &Field| {
        let name = &field.name.current;
        let is_like = !diff.schema.retyped.iter().any(|(retyped, _)| retyped == name);
        is_like && diff.columns.iter().any(|column| column.name == *name && may_name_groups(column))
    };
    let found = values.iter().enumerate().filter(|(_, field)| has_key && is_group(field)).map(|(at, _)| at);
    found.take(WATCHED).collect()
}

/// Rows that differ, by the values of some columns.
#[derive(Debug, Default)]
pub(super) struct Affected(Vec<(usize, HashMap<Option<String>, u64>)>);

impl Affected {
    /// Nothing yet, of the columns at these places.
    pub(super) fn of(groups: &[usize]) -> Self {
        Self(groups.iter().map(|at| (*at, HashMap::new())).collect())
    }

    /// A row that differs, whose values begin behind `keys` columns.
    pub(super) fn count(&mut self, keys: usize, row: &Row) {
        for (at, values) in &mut self.0 {
            let text = row.text(keys + *at).map(str::to_owned);
            let has_room = values.len() < VALUES;
            match values.get_mut(&text) {
                Some(rows) => *rows += 1,
                None if has_room => drop(values.insert(text, 1)),
                None => {}
            }
        }
    }
}

impl Work<'_, '_> {
    /// Writes down the slices.
    pub(super) async fn slices(
        &mut self,
        values: &[Field],
        groups: &[usize],
        affected: Affected,
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let is_unchanged = |at: &usize| {
            let is_it = |column: &&ColumnDiff| column.name == values[*at].name.current;
            diff.columns.iter().find(is_it).is_some_and(|column| column.changed == Some(0))
        };
        let groups: Vec<usize> = groups.iter().copied().filter(is_unchanged).take(COLUMNS).collect();
        if !self.options.profile || groups.is_empty() || !is_worth_looking(&diff.rows) {
            return Ok(());
        }
        let fields: Vec<(usize, &Field)> = groups.iter().map(|at| (*at, &values[*at])).collect();
        let sql = self.sources()?.map(|source| source.by_value(&fields));
        let mut of_all: Change<Counted> = Change::default();
        for side in Side::BOTH {
            let sql: &String = side.of(&sql);
            let table = side.of_mut(&mut self.ends).session.query(sql).await?;
            *side.of_mut(&mut of_all) = counts(&table.rows);
        }
        let hit = affected.0.into_iter().filter(|(at, _)| groups.contains(at));
        let hit = hit.flat_map(|(at, values)| values.into_iter().map(move |(value, n)| ((at, value), n)));
        tell(|at| values[at].name.current.clone(), hit.collect(), of_all, diff);
        Ok(())
    }
}
