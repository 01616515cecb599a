//! The rows of segments that differ, read from both sides in the order of their hashes and paired.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;

use futures::TryFutureExt as _;
use futures::future::try_join;
use tokio::sync::mpsc;

use super::tally::Tally;
use super::{End, Failure};
use crate::model::{Change, Value};
use crate::warehouse::compare::canonical::{Field, Pages, spans};

/// A row as its database wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The hash of its key.
    key: u128,
    /// The hash of all of it.
    whole: u128,
    /// The texts of the key's columns, then of the others, with what they are told apart by.
    texts: String,
    /// Where each of them begins and ends; [`NULL`] of one that is none.
    spans: Box<[(u32, u32)]>,
}

/// In the place of a text that is none.
const NULL: (u32, u32) = (u32::MAX, 0);

impl Row {
    /// None when it has another number of columns.
    fn read(cells: Vec<Value>, columns: usize) -> Option<Self> {
        let mut cells = cells.into_iter();
        let mut hash = || u128::from_str_radix(cells.next()?.as_str()?, 16).ok();
        let (key, whole) = (hash()?, hash()?);
        let Value::Text(texts) = cells.next()? else { return None };
        let place = |at: usize| u32::try_from(at).ok();
        let span =
            |span: Option<Range<usize>>| span.map_or(Some(NULL), |span| Some((place(span.start)?, place(span.end)?)));
        let spans: Box<[_]> = spans(&texts)?.into_iter().map(span).collect::<Option<_>>()?;
        (spans.len() == columns).then_some(Self { key, whole, texts, spans })
    }

    /// The text of the column at this place; none of a NULL.
    pub(super) fn text(&self, at: usize) -> Option<&str> {
        let (start, end) = self.spans.get(at).filter(|span| **span != NULL)?;
        self.texts.get(*start as usize..*end as usize)
    }

    /// The texts of `fields`, the columns from `from` on, such that equal values have equal texts.
    fn folded(&self, fields: &[Field], from: usize) -> Folded {
        let text = |(at, field): (usize, &Field)| self.text(from + at).map(|text| field.fold(text).into_owned());
        fields.iter().enumerate().map(text).collect()
    }
}

/// Texts of several columns.
type Folded = Vec<Option<String>>;

/// The rows of one side.
pub(super) struct Rows {
    pages: mpsc::Receiver<VecDeque<Row>>,
    read: VecDeque<Row>,
}

impl Rows {
    /// Where rows come in, and where they are to be sent.
    pub(super) fn channel() -> (mpsc::Sender<VecDeque<Row>>, Self) {
        // One page is read while another is paired.
        let (sender, pages) = mpsc::channel(1);
        (sender, Self { pages, read: VecDeque::new() })
    }

    /// The next row's hashes, without taking it.
    async fn peek(&mut self) -> Option<(u128, u128)> {
        while self.read.is_empty() {
            self.read = self.pages.recv().await?;
        }
        self.read.front().map(|row| (row.key, row.whole))
    }

    /// The next row's hash, if its key has this one.
    async fn peek_in(&mut self, key: u128) -> Option<u128> {
        self.peek().await.filter(|(other, _)| *other == key).map(|(_, whole)| whole)
    }

    fn take(&mut self) -> Option<Row> {
        self.read.pop_front()
    }
}

/// Reads the rows of one side, page by page.
pub(super) async fn read(
    end: &mut End<'_>,
    pages: Pages,
    columns: usize,
    rows: mpsc::Sender<VecDeque<Row>>,
) -> Result<(), Failure> {
    match pages {
        Pages::Cursor { open, next, rows: full, close } => {
            end.session.execute(&open).await?;
            // No page is read while another waits for the one that is being paired.
            while let Ok(place) = rows.reserve().await {
                let page = end.session.query(&next).await?.rows;
                let is_last = page.len() < full;
                place.send(taken(page, columns)?);
                if is_last {
                    break;
                }
            }
            end.session.execute(&close).await?;
        }
        Pages::Streams(queries) => {
            for sql in queries {
                let (sender, pieces) = mpsc::channel(1);
                let rows = &rows;
                let taking = async move {
                    // Gone as soon as no more rows are wanted, which is what ends the query.
                    let mut pieces = pieces;
                    while let Some(piece) = pieces.recv().await {
                        if rows.send(taken(piece, columns)?).await.is_err() {
                            break;
                        }
                    }
                    Ok(())
                };
                try_join(end.session.stream(&sql, sender).map_err(Failure::from), taking).await?;
            }
        }
    }
    Ok(())
}

fn taken(page: Vec<Vec<Value>>, columns: usize) -> Result<VecDeque<Row>, Failure> {
    let page: Option<VecDeque<Row>> = page.into_iter().map(|row| Row::read(row, columns)).collect();
    page.ok_or_else(|| Failure::Contradiction("a database gave a row that cannot be read".to_owned()))
}

/// How rows are paired.
#[derive(Clone, Copy)]
pub(super) struct Pairing<'a> {
    pub(super) key: &'a [Field],
    pub(super) values: &'a [Field],
}

impl Pairing<'_> {
    /// Pairs the rows of both sides to their ends.
    pub(super) async fn pair(self, mut sides: Change<Rows>, tally: &mut Tally<'_>) {
        // Where texts that are not the same may be equal, one hash may be of several keys.
        let is_loose = self.key.iter().chain(self.values).any(Field::has_rules);
        loop {
            let heads = (sides.baseline.peek().await, sides.current.peek().await);
            let key = match heads {
                (Some((baseline, _)), Some((current, _))) => baseline.min(current),
                (Some((key, _)), None) | (None, Some((key, _))) => key,
                (None, None) => return,
            };
            if is_loose {
                self.pair_hash(&mut sides, key, tally).await;
            } else {
                pair_key(&mut sides, key, tally).await;
            }
        }
    }

    /// Pairs the rows of one hash, of which each key is looked at on its own. What has no equal row is kept meanwhile.
    async fn pair_hash(self, sides: &mut Change<Rows>, key: u128, tally: &mut Tally<'_>) {
        let mut groups: BTreeMap<Folded, Group> = BTreeMap::new();
        while let Some(head) = next(sides, key).await {
            let Some(row) = head.baseline.as_ref().or(head.current.as_ref()) else { break };
            let group = groups.entry(self.key_of(row)).or_default();
            group.rows.baseline += u64::from(head.baseline.is_some());
            group.rows.current += u64::from(head.current.is_some());
            // What is the same on both sides pairs off.
            if head.baseline.is_none() || head.current.is_none() {
                group.left.baseline.extend(head.baseline);
                group.left.current.extend(head.current);
            }
        }
        for group in groups.values() {
            self.pair_group(group, tally);
        }
    }

    /// Without a key a row is its own.
    fn key_of(self, row: &Row) -> Folded {
        if self.key.is_empty() { row.folded(self.values, 0) } else { row.folded(self.key, 0) }
    }

    fn pair_group(self, group: &Group, tally: &mut Tally<'_>) {
        if group.rows == (Change { baseline: 1, current: 1 })
            && let ([baseline], [current]) = (&group.left.baseline[..], &group.left.current[..])
        {
            tally.pair(baseline, current);
            return;
        }
        let values = |row: &Row| row.folded(self.values, self.key.len());
        let mut others: HashMap<Folded, u64> = HashMap::new();
        group.left.current.iter().for_each(|row| *others.entry(values(row)).or_default() += 1);
        let mut equals: HashMap<Folded, u64> = HashMap::new();
        for row in &group.left.baseline {
            let folded = values(row);
            match others.get_mut(&folded) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    *equals.entry(folded).or_default() += 1;
                }
                _ => tally.removed(row),
            }
        }
        for row in &group.left.current {
            match equals.get_mut(&values(row)) {
                Some(left) if *left > 0 => *left -= 1,
                _ => tally.added(row),
            }
        }
    }
}

/// The rows of one key.
#[derive(Default)]
struct Group {
    rows: Change<u64>,
    /// Those that have no row with the same hash on the other side.
    left: Change<Vec<Row>>,
}

/// The next row whose key has this hash: of one side, or of both if they are the same.
async fn next(sides: &mut Change<Rows>, key: u128) -> Option<Change<Option<Row>>> {
    let order = match (sides.baseline.peek_in(key).await, sides.current.peek_in(key).await) {
        (Some(baseline), Some(current)) => baseline.cmp(&current),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => return None,
    };
    let baseline = if order.is_le() { sides.baseline.take() } else { None };
    let current = if order.is_ge() { sides.current.take() } else { None };
    Some(Change { baseline, current })
}

/// Pairs the rows of one key: one row of each side is a pair, whatever its values; several are compared as wholes.
async fn pair_key(sides: &mut Change<Rows>, key: u128, tally: &mut Tally<'_>) {
    // The first row of each side that has no equal. It waits until it is known whether there are more.
    let mut waiting: Change<Option<Row>> = Change::default();
    let mut rows: Change<u64> = Change::default();
    while let Some(head) = next(sides, key).await {
        rows.baseline += u64::from(head.baseline.is_some());
        rows.current += u64::from(head.current.is_some());
        match head {
            Change { baseline: Some(row), current: None } => {
                if let Some(row) = waiting.baseline.replace(row) {
                    tally.removed(&row);
                }
            }
            Change { baseline: None, current: Some(row) } => {
                if let Some(row) = waiting.current.replace(row) {
                    tally.added(&row);
                }
            }
            _ => {}
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
}
