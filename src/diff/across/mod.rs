//! The difference of two relations in two databases, of one engine or of two.
//!
//! No database sees the rows of the other. Each sums up hashes of its rows by segment, in one scan; a segment is the
//! rows whose keys have hashes with the same first bits, since every database orders texts in its own way but all have
//! the same hash. Only rows of segments whose sums differ are fetched, page by page in the order of their keys' hashes,
//! and paired here. So memory stays small however large the tables are and however much of them differs.

mod examples;
mod pairing;
mod rows;
mod tally;

use std::time::Instant;

use futures::{TryFutureExt as _, future::try_join};

use self::pairing::{Key, Pairing};
use self::rows::Rows;
use self::tally::Tally;
use super::Options;
use super::options::numbers;
use super::outcome::{ColumnDiff, KeyFacts, KeyProof, Method, TableDiff};
use super::table::Failure;
use crate::model::{Change, Column, Event, NodeStatus, Observer, Relation, Stage};
use crate::plan::Comparison;
use crate::warehouse::compare::canonical::{self, Field, Segments, Source, Typed};
use crate::warehouse::compare::{BATCH, Side, TextRules, end};
use crate::warehouse::{Dialect, Error, Session};

/// How many rows a segment should have: few, so that little is fetched that is equal; a few, so that there is less to
/// say of the segments than of the rows.
const ROWS_PER_SEGMENT: u64 = 8;

/// One of the two databases.
pub struct End<'a> {
    /// A session of its own.
    pub session: &'a mut dyn Session,
    /// How it writes SQL.
    pub dialect: &'a dyn Dialect,
}

/// Compares two relations in two databases. Every figure of the result is exact (up to equal MD5 hashes of different
/// rows) and of one state of each database; where that cannot be had, the method is [`Method::Failed`] and says why.
///
/// The first of the comparison's keys whose columns both sides have pairs the rows, NULL with NULL; rows whose key
/// comes more than once on a side are compared as wholes within it. Without a key all rows are compared as wholes.
///
/// # Errors
/// Only what ends a session: a lost connection, a cancelled run. What a database refuses is in the result.
pub async fn diff_across(
    ends: Change<End<'_>>,
    comparison: &Comparison,
    options: &Options,
    observer: &dyn Observer,
) -> Result<TableDiff, Error> {
    let unknown =
        || TableDiff::unknown(Some(comparison.unique_id.clone()), comparison.relation.clone(), Method::OneSided);
    let mut diff = unknown();
    let mut work = Work { ends, recodes: Change::default(), comparison, options, observer };
    match work.compare_in_one_state(&mut diff).await {
        Ok(()) => Ok(diff),
        Err(Failure::World(
            error @ (Error::Statement { .. } | Error::Permission { .. } | Error::Unsupported { .. }),
        )) => Ok(TableDiff { method: Method::Failed { reason: error.to_string() }, ..unknown() }),
        Err(Failure::World(error)) => Err(error),
        Err(Failure::Contradiction(reason)) => Ok(TableDiff { method: Method::Failed { reason }, ..unknown() }),
    }
}

/// One comparison while it goes on.
struct Work<'a, 'e> {
    ends: Change<End<'e>>,
    /// Whether a server keeps texts in another encoding than UTF-8.
    recodes: Change<bool>,
    comparison: &'a Comparison,
    options: &'a Options,
    observer: &'a dyn Observer,
}

/// One side, counted.
struct Counted {
    columns: Vec<Column>,
    types: Vec<Typed>,
    /// Rows, and of each column the values that are not NULL.
    counts: Vec<u64>,
}

impl Counted {
    fn rows(&self) -> u64 {
        self.counts.first().copied().unwrap_or_default()
    }

    fn nulls(&self, column: usize) -> Option<u64> {
        self.counts.get(column + 1).map(|present| self.rows().saturating_sub(*present))
    }
}

impl Work<'_, '_> {
    /// All queries of a side see its data as it was at the first of them, however long it takes.
    async fn compare_in_one_state(&mut self, diff: &mut TableDiff) -> Result<(), Failure> {
        let Change { baseline, current } = &mut self.ends;
        try_join(
            baseline.session.execute(canonical::begin(baseline.dialect)),
            current.session.execute(canonical::begin(current.dialect)),
        )
        .await?;
        let compared = self.compare(diff).await;
        // After a lost connection or a cancellation the end cannot be said, and need not be.
        let ended = (self.ends.baseline.session.execute(end()).await, self.ends.current.session.execute(end()).await);
        compared?;
        ended.0?;
        ended.1?;
        Ok(())
    }

    async fn compare(&mut self, diff: &mut TableDiff) -> Result<(), Failure> {
        let comparison = self.comparison;
        if let Some(what) = refusal(self.options) {
            return Err(Failure::Contradiction(format!("relations in two databases cannot be compared with {what}")));
        }
        diff.filter.clone_from(&self.options.filter);
        let relation = comparison.relation.as_ref().map(Option::as_ref);
        let filter = filter(self.options);
        let Change { baseline, current } = &mut self.ends;
        let counting = try_join(count(baseline, relation.baseline, filter), count(current, relation.current, filter));
        let (b, c) = pass(self.observer, comparison, "counting rows", counting).await?;
        for (side, place, counted) in [(Side::Baseline, "production", &b), (Side::Current, "the pull request", &c)] {
            if let (Some(relation), None) = (side.of(&relation), counted) {
                diff.notes.push(format!("{place} has no relation {}", relation.short()));
            }
        }
        diff.rows.total = Change { baseline: b.as_ref(), current: c.as_ref() }.map(|side| side.map(Counted::rows));
        let engines = Change { baseline: baseline.dialect.name(), current: current.dialect.name() };
        diff.columns = pairing::describe(&engines, &Change { baseline: b.as_ref(), current: c.as_ref() }, comparison);
        let (Some(b), Some(c)) = (b, c) else {
            diff.rows.added = diff.rows.total.current.unwrap_or_default();
            diff.rows.removed = diff.rows.total.baseline.unwrap_or_default();
            return Ok(());
        };
        let counted = Change { baseline: b, current: c };
        let pairing = Pairing::of(&engines, &counted, comparison, self.options, diff);
        if pairing.fields.is_empty() {
            let reason = "the two tables have no column in common whose values can be compared".to_owned();
            return Err(Failure::Contradiction(reason));
        }
        let key = pairing.key(&comparison.keys, &mut diff.rejected_keys);
        self.compare_rows(&pairing, key.as_ref(), &counted, diff).await
    }

    async fn compare_rows(
        &mut self,
        pairing: &Pairing,
        key: Option<&Key>,
        counted: &Change<Counted>,
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let key_fields = key.map_or(&[][..], |key| &key.fields);
        let values: Vec<Field> = pairing.fields.iter().filter(|field| !key_fields.contains(field)).cloned().collect();
        let total = counted.as_ref().map(Counted::rows);
        let bits = bits(total.baseline.max(total.current));
        self.recodes = self.recodings().await?;
        let segments = self.segments(key_fields, &values, bits).await?;
        let mut tally = Tally::new(key_fields, &values, self.options);
        if segments.count() > 0 {
            self.fetch(key_fields, &values, &segments, total, &mut tally).await?;
        }
        tally.write(total, diff)?;
        if segments.count() == 0 {
            diff.method = Method::Checksum;
            pairing.fields.iter().for_each(|field| set_unchanged(diff, &field.name.current));
        } else if let Some(key) = key {
            let facts = self.key_facts(&key.fields).await?;
            let key_names = key.fields.iter().map(|field| field.name.current.clone()).collect();
            diff.method = Method::Keyed { key: key_names, source: key.source.clone(), facts };
            key.fields.iter().for_each(|field| set_unchanged(diff, &field.name.current));
        } else {
            let reasons: Vec<&str> = diff.rejected_keys.iter().map(|key| key.reason.as_str()).collect();
            let reason = if reasons.is_empty() { "no key is declared".to_owned() } else { reasons.join("; ") };
            diff.method = Method::Multiset { reason };
        }
        Ok(())
    }

    /// Whether each server keeps texts in another encoding than UTF-8.
    async fn recodings(&mut self) -> Result<Change<bool>, Failure> {
        let (mut recodes, mut unknown) = (Change::default(), Change::default());
        for (side, end) in [(Side::Baseline, &mut self.ends.baseline), (Side::Current, &mut self.ends.current)] {
            let Some(sql) = canonical::server_encoding(end.dialect) else { continue };
            let answer = end.session.query(sql).await?;
            let name = answer.rows.first().and_then(|row| row.first()).and_then(|value| value.as_str());
            *side.of_mut(&mut unknown) = name == Some("SQL_ASCII");
            *side.of_mut(&mut recodes) = !matches!(name, None | Some("UTF8" | "SQL_ASCII"));
        }
        if unknown.is_changed() {
            let reason = "one of the databases has the encoding SQL_ASCII, so nobody knows which characters its texts \
                          have, and they cannot be compared with those of a database of another encoding";
            return Err(Failure::Contradiction(reason.to_owned()));
        }
        Ok(recodes)
    }

    /// The segments whose sums differ.
    async fn segments(&mut self, key: &[Field], values: &[Field], bits: u32) -> Result<Segments, Failure> {
        let sources = self.sources()?;
        let sql = sources.map(|source| source.segments(key, values, bits));
        let Change { baseline, current } = &mut self.ends;
        let summing = try_join(baseline.session.query(&sql.baseline), current.session.query(&sql.current));
        let segments = 1_u32 << bits;
        let plural = if segments == 1 { "" } else { "s" };
        let words = format!("summing up the rows of {segments} segment{plural}");
        let sums = pass(self.observer, self.comparison, &words, summing.map_err(Failure::from)).await?;
        match (canonical::parse_sums(bits, &sums.0), canonical::parse_sums(bits, &sums.1)) {
            (Some(baseline), Some(current)) => Ok(Segments::differing(bits, &baseline, &current)),
            _ => Err(Failure::Contradiction("a database gave sums of its rows that cannot be read".to_owned())),
        }
    }

    /// Pairs the rows of the segments.
    async fn fetch(
        &mut self,
        key: &[Field],
        values: &[Field],
        segments: &Segments,
        total: Change<u64>,
        tally: &mut Tally<'_>,
    ) -> Result<(), Failure> {
        let sources = self.sources()?;
        let pages = Change {
            baseline: sources.baseline.pages(key, values, segments, total.baseline),
            current: sources.current.pages(key, values, segments, total.current),
        };
        let Change { baseline, current } = &mut self.ends;
        let reading = async {
            let (baseline, current) =
                try_join(Rows::open(baseline, pages.baseline), Rows::open(current, pages.current)).await?;
            let mut sides = Change { baseline, current };
            rows::pair(&mut sides, tally).await?;
            sides.baseline.close().await?;
            sides.current.close().await?;
            Ok(())
        };
        let words = match segments.count() {
            1 => "comparing the rows of 1 segment that differs".to_owned(),
            count => format!("comparing the rows of {count} segments that differ"),
        };
        pass(self.observer, self.comparison, &words, reading).await
    }

    async fn key_facts(&mut self, key: &[Field]) -> Result<KeyFacts, Failure> {
        let sources = self.sources()?;
        let sql = sources.map(|source| source.key_facts(key));
        let Change { baseline, current } = &mut self.ends;
        let counting = try_join(numbers(baseline.session, &sql.baseline, 2), numbers(current.session, &sql.current, 2));
        let (b, c) = pass(self.observer, self.comparison, "counting the key", counting.map_err(Failure::from)).await?;
        Ok(KeyFacts {
            proof: KeyProof::Counted,
            duplicates: Change { baseline: b[0], current: c[0] },
            nulls: Change { baseline: b[1], current: c[1] },
        })
    }

    fn sources(&self) -> Result<Change<Source<'_>>, Failure> {
        match (self.source(Side::Baseline), self.source(Side::Current)) {
            (Some(baseline), Some(current)) => Ok(Change { baseline, current }),
            _ => Err(Failure::Contradiction("there is only one relation".to_owned())),
        }
    }

    fn source(&self, side: Side) -> Option<Source<'_>> {
        let relation = side.of(&self.comparison.relation).as_ref()?;
        let (filter, recodes) = (filter(self.options), *side.of(&self.recodes));
        Some(Source { dialect: side.of(&self.ends).dialect, side, relation, filter, recodes })
    }
}

/// The condition on the rows of both sides.
fn filter(options: &Options) -> Option<&str> {
    options.filter.as_deref()
}

/// What was asked for and cannot be had of two databases, which is said instead of left undone.
fn refusal(options: &Options) -> Option<&'static str> {
    if !options.tolerance.is_empty() {
        Some("tolerances: values are compared by hashes, which tell equal from unequal only")
    } else if options.text != TextRules::default() {
        Some("rules for texts: values are compared by hashes, which tell equal from unequal only")
    } else if options.sample.is_some() {
        Some("a sample: every row is compared")
    } else {
        None
    }
}

/// The bits of a segment's number, for tables of so many rows.
fn bits(rows: u64) -> u32 {
    let segments = (rows / ROWS_PER_SEGMENT).max(1);
    (u64::BITS - (segments - 1).leading_zeros()).min(Segments::MOST_BITS)
}

/// The columns and counts of a side; none when there is no such relation.
async fn count(
    end: &mut End<'_>,
    relation: Option<&Relation>,
    filter: Option<&str>,
) -> Result<Option<Counted>, Failure> {
    let Some(relation) = relation else { return Ok(None) };
    let columns = end.session.columns(relation).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut types: Vec<Typed> = columns.iter().map(|column| Typed::of(&column.data_type)).collect();
    if let Some(sql) = canonical::resolve_types(end.dialect, &types) {
        types = canonical::with_resolved(types, &end.session.query(&sql).await?);
    }
    // The side does not matter to what is counted.
    let source = Source { dialect: end.dialect, side: Side::Baseline, relation, filter, recodes: false };
    let mut counts = Vec::with_capacity(columns.len() + 1);
    for batch in columns.chunks(BATCH) {
        let names: Vec<&str> = batch.iter().map(|column| column.name.as_str()).collect();
        let found = numbers(end.session, &source.totals(&names), names.len() + 1).await?;
        counts.extend(if counts.is_empty() { &found[..] } else { &found[1..] });
    }
    Ok(Some(Counted { columns, types, counts }))
}

/// Lets the observer know of a long query.
async fn pass<T>(
    observer: &dyn Observer,
    comparison: &Comparison,
    words: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let since = Instant::now();
    let relation = comparison.relation.current.as_ref().or(comparison.relation.baseline.as_ref());
    let name = relation.map_or_else(|| comparison.unique_id.short().to_owned(), Relation::short);
    let (stage, unique_id, label) = (Stage::Diff, comparison.unique_id.clone(), format!("{name}: {words}"));
    observer.observe(&Event::NodeStarted { stage, unique_id: unique_id.clone(), label: label.clone() });
    let done = work.await;
    let status = if done.is_ok() { NodeStatus::Success } else { NodeStatus::Error };
    observer.observe(&Event::NodeFinished { stage, unique_id, label, status, message: None, elapsed: since.elapsed() });
    done
}

fn column_mut<'a>(diff: &'a mut TableDiff, name: &str) -> Option<&'a mut ColumnDiff> {
    diff.columns.iter_mut().find(|column| column.name == name)
}

fn set_unchanged(diff: &mut TableDiff, name: &str) {
    if let Some(column) = column_mut(diff, name) {
        (column.changed, column.became_null, column.was_null) = (Some(0), Some(0), Some(0));
    }
}

#[cfg(test)]
mod tests {
    use super::bits;

    #[test]
    fn there_are_about_as_many_segments_as_handfuls_of_rows() {
        assert_eq!([0, 1, 8, 15, 16, 17, 24].map(bits), [0, 0, 0, 0, 1, 1, 2]);
        assert_eq!([1_000_000, 10_000_000, u64::MAX].map(bits), [17, 18, 18]);
    }
}
