//! The rows of segments that differ, read from both sides in the order of their hashes and paired.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::tally::Tally;
use super::{End, Failure};
use crate::model::{Change, Value};
use crate::warehouse::Error;
use crate::warehouse::compare::canonical::Pages;

/// A row as its database wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The hash of its key.
    key: u128,
    /// The hash of all of it.
    whole: u128,
    /// The texts of the key's columns, then of the others.
    pub(super) texts: Vec<Option<String>>,
}

impl Row {
    fn read(cells: Vec<Value>) -> Option<Self> {
        let mut cells = cells.into_iter();
        let mut hash = || u128::from_str_radix(cells.next()?.as_str()?, 16).ok();
        let (key, whole) = (hash()?, hash()?);
        let text = |value| match value {
            Value::Null => Some(None),
            Value::Text(text) => Some(Some(text)),
            _ => None,
        };
        Some(Self { key, whole, texts: cells.map(text).collect::<Option<_>>()? })
    }
}

/// The rows of one side.
pub(super) struct Rows<'a, 'b> {
    end: &'a mut End<'b>,
    pages: Pages,
    read: VecDeque<Row>,
}

impl<'a, 'b> Rows<'a, 'b> {
    pub(super) async fn open(end: &'a mut End<'b>, pages: Pages) -> Result<Self, Error> {
        if let Some(sql) = &pages.open {
            end.session.execute(sql).await?;
        }
        Ok(Self { end, pages, read: VecDeque::new() })
    }

    pub(super) async fn close(self) -> Result<(), Error> {
        if let Some(sql) = self.pages.close() {
            self.end.session.execute(&sql).await?;
        }
        Ok(())
    }

    /// The next row's hashes, without taking it.
    async fn peek(&mut self) -> Result<Option<(u128, u128)>, Failure> {
        while self.read.is_empty() {
            let Some(sql) = self.pages.next_page() else { return Ok(None) };
            let table = self.end.session.query(&sql).await?;
            self.pages.was_read(table.rows.len());
            for cells in table.rows {
                let row = Row::read(cells);
                let row = row.ok_or_else(|| {
                    Failure::Contradiction("a database gave a row in a form that cannot be read".to_owned())
                })?;
                self.read.push_back(row);
            }
        }
        Ok(self.read.front().map(|row| (row.key, row.whole)))
    }

    /// The next row's hash, if its key has this one.
    async fn peek_in(&mut self, key: u128) -> Result<Option<u128>, Failure> {
        Ok(self.peek().await?.filter(|(other, _)| *other == key).map(|(_, whole)| whole))
    }

    fn take(&mut self) -> Option<Row> {
        self.read.pop_front()
    }
}

/// Reads both sides to their ends.
pub(super) async fn pair(sides: &mut Change<Rows<'_, '_>>, tally: &mut Tally<'_>) -> Result<(), Failure> {
    loop {
        let heads = (sides.baseline.peek().await?, sides.current.peek().await?);
        let key = match heads {
            (Some((baseline, _)), Some((current, _))) => baseline.min(current),
            (Some((key, _)), None) | (None, Some((key, _))) => key,
            (None, None) => return Ok(()),
        };
        pair_key(sides, key, tally).await?;
    }
}

/// Pairs the rows of one key: one row of each side is a pair, whatever its values; several are compared as wholes.
async fn pair_key(sides: &mut Change<Rows<'_, '_>>, key: u128, tally: &mut Tally<'_>) -> Result<(), Failure> {
    // The first row of each side that has no equal. It waits until it is known whether there are more.
    let mut waiting: Change<Option<Row>> = Change::default();
    let mut rows: Change<u64> = Change::default();
    loop {
        let heads = (sides.baseline.peek_in(key).await?, sides.current.peek_in(key).await?);
        let order = match heads {
            (Some(baseline), Some(current)) => baseline.cmp(&current),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        if order.is_le() {
            rows.baseline += 1;
            let row = sides.baseline.take().filter(|_| order.is_lt());
            if let Some(row) = row.and_then(|row| waiting.baseline.replace(row)) {
                tally.removed(&row);
            }
        }
        if order.is_ge() {
            rows.current += 1;
            let row = sides.current.take().filter(|_| order.is_gt());
            if let Some(row) = row.and_then(|row| waiting.current.replace(row)) {
                tally.added(&row);
            }
        }
    }
    match waiting {
        Change { baseline: Some(baseline), current: Some(current) } if rows == (Change { baseline: 1, current: 1 }) => {
            tally.pair(&baseline, &current);
        }
        Change { baseline, current } => {
            if let Some(row) = baseline {
                tally.removed(&row);
            }
            if let Some(row) = current {
                tally.added(&row);
            }
        }
    }
    Ok(())
}
