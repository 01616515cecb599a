//! The difference of two relations in two databases, of one engine or of two.
//!
//! No database sees the rows of the other. Each sums up hashes of its rows by segment, in one scan; a segment is the
//! rows whose keys have hashes with the same first bits, since every database orders texts in its own way but all have
//! the same hash. Only rows of segments whose sums differ are fetched, page by page in the order of their keys' hashes,
//! and paired here. So memory stays small however large the tables are and however much of them differs.

mod described;
mod examples;
mod moved;
mod pairing;
mod renames;
mod rows;
mod side;
mod slices;
mod tally;

use std::time::Instant;

use futures::future::{try_join, try_join3};
use futures::{FutureExt as _, TryFutureExt as _};

use self::rows::Rows;
use self::side::{Known, describe, key_facts, known};
use self::tally::Tally;
use super::columns::{Columns, Paired as _};
use super::keys::{self, Key};
use super::options::numbers;
use super::outcome::{ColumnDiff, KeyFacts, KeyProof, Method, TableDiff};
use super::profile;
use super::table::{Failure, least_faulty, name_wholes, never_null, note_no_rows, nullability};
use super::{Options, search};
use crate::model::{Change, Event, NodeStatus, Observer, Relation, Stage};
use crate::plan::Comparison;
use crate::warehouse::compare::canonical::{self, Field, Segments, Source};
use crate::warehouse::compare::{Side, TextRules, end};
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
    let mut work = Work { ends, recodes: Change::default(), sample: None, comparison, options, observer };
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
    /// The share of keys that is compared, and their columns.
    sample: Option<(f64, Vec<Field>)>,
    comparison: &'a Comparison,
    options: &'a Options,
    observer: &'a dyn Observer,
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
        diff.filter.clone_from(&self.options.filter);
        let relation = comparison.relation.as_ref().map(Option::as_ref);
        let Change { baseline, current } = &mut self.ends;
        let (b, c) = try_join(known(baseline, relation.baseline), known(current, relation.current)).await?;
        for (side, place, known) in [(Side::Baseline, "production", &b), (Side::Current, "the pull request", &c)] {
            if let (Some(relation), true) = (side.of(&relation), known.columns.is_empty()) {
                diff.notes.push(format!("{place} has no relation {}", relation.short()));
            }
        }
        let sides = Change { baseline: b, current: c };
        let engines = Change { baseline: baseline.dialect.name(), current: current.dialect.name() };
        let matches = pairing::of_names(&engines, &sides.as_ref().map(|side| side.columns.as_slice()));
        if sides.baseline.columns.is_empty() || sides.current.columns.is_empty() {
            self.describe(&sides, &matches, diff).await?;
            diff.rows.added = diff.rows.total.current.unwrap_or_default();
            diff.rows.removed = diff.rows.total.baseline.unwrap_or_default();
            return Ok(());
        }
        self.recodes = self.recodings().await?;
        let columns = pairing::pair(&engines, &sides, &matches, comparison, self.options, diff);
        let fields = columns.fields();
        if fields.is_empty() {
            let reason = "the two tables have no column in common whose values can be compared".to_owned();
            return Err(Failure::Contradiction(reason));
        }
        diff.schema.nullability = self.nullability(&columns).await?;
        let keys = self.keys(&columns, &fields, diff).await?;
        let first = keys.first().cloned();
        let by = first.as_ref().map_or(&fields, |key| &key.fields);
        diff.sampled = self.options.sample.filter(|share| *share < 1.0);
        self.sample = diff.sampled.map(|share| (share, by.clone()));
        self.describe(&sides, &matches, diff).await?;
        let key = self.compare_rows(&fields, keys, diff).await?.or(first);
        self.aligned_profiles(diff);
        let names: Vec<Change<String>> = named(&sides, &matches);
        self.drift(&names, diff).await?;
        if let Some(key) = &key {
            let candidates = renames::candidates(&engines, &sides, self.options, diff);
            self.renames(&key.fields, &candidates, diff).await?;
        }
        Ok(())
    }

    /// Columns of both sides that may be NULL on one side only.
    async fn nullability(&mut self, columns: &Columns<Field>) -> Result<Vec<(String, Change<bool>)>, Failure> {
        let mut never: Change<Vec<String>> = Change::default();
        for side in Side::BOTH {
            if let Some(relation) = side.of(&self.comparison.relation) {
                let end = side.of_mut(&mut self.ends);
                *side.of_mut(&mut never) = never_null(end.session, end.dialect, relation).await?;
            }
        }
        Ok(nullability(&never, columns))
    }

    /// The keys of the project's that can be tried, else one that is found in the data.
    async fn keys(
        &mut self,
        columns: &Columns<Field>,
        fields: &[Field],
        diff: &mut TableDiff,
    ) -> Result<Vec<Key<Field>>, Failure> {
        let keys = keys::usable(columns, &self.comparison.keys, &mut diff.rejected_keys);
        if keys.is_empty() && self.comparison.keys.is_empty() && self.options.search_key {
            return Ok(self.search(fields).await?.into_iter().collect());
        }
        Ok(keys)
    }

    /// The key that is unique and never NULL on both sides, else the first that is unique, else the first; with what
    /// was counted of it. The others that were looked at are in `diff` then.
    async fn best_key(
        &mut self,
        keys: Vec<Key<Field>>,
        diff: &mut TableDiff,
    ) -> Result<Option<(Key<Field>, KeyFacts)>, Failure> {
        let mut faulty: Vec<(Key<Field>, KeyFacts)> = Vec::new();
        let mut best = None;
        for key in keys {
            let facts = self.key_facts(&key.fields).await?;
            if facts.is_unique() && facts.nulls == Change::default() {
                best = Some((key, facts));
                break;
            }
            faulty.push((key, facts));
        }
        if best.is_none() && !faulty.is_empty() {
            best = Some(faulty.remove(least_faulty(faulty.iter().map(|(_, facts)| facts))));
        }
        let least = self.options.min_count;
        diff.rejected_keys.extend(faulty.iter().map(|(key, facts)| key.rejected(facts, least)));
        Ok(best)
    }

    /// The best candidate of which no value occurs twice, and none is NULL, in the rows that are looked at on each side.
    async fn search(&mut self, fields: &[Field]) -> Result<Option<Key<Field>>, Failure> {
        let named: Vec<(&str, Option<u8>)> =
            fields.iter().map(|field| (field.name.current.as_str(), field.rank())).collect();
        for mut left in search::candidates(&named) {
            for side in Side::BOTH {
                let mut used: Vec<usize> = left.iter().flatten().copied().collect();
                used.sort_unstable();
                used.dedup();
                if used.is_empty() {
                    break;
                }
                let place = |at: &usize| used.binary_search(at).unwrap_or_default();
                let places: Vec<Vec<usize>> =
                    left.iter().map(|candidate| candidate.iter().map(place).collect()).collect();
                let asked: Vec<Field> = used.iter().map(|at| fields[*at].clone()).collect();
                let sql = self.source(side)?.look(&asked, &places);
                let counts = numbers(side.of_mut(&mut self.ends).session, &sql, places.len() + 1).await?;
                left = search::unique(left, &counts);
            }
            if let Some(found) = left.first() {
                let fields = found.iter().map(|at| fields[*at].as_key()).collect();
                return Ok(Some(Key { fields, source: search::SOURCE }));
            }
        }
        Ok(None)
    }

    /// What each side's rows hold; at least their number and the NULLs of each column.
    async fn describe(
        &mut self,
        sides: &Change<Known>,
        matches: &[Option<usize>],
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let rows = Change { baseline: self.rows(Side::Baseline)?, current: self.rows(Side::Current)? };
        let options = self.options;
        let Change { baseline, current } = &mut self.ends;
        let describing = try_join(
            describe(baseline, rows.baseline, &sides.baseline.columns, options),
            describe(current, rows.current, &sides.current.columns, options),
        );
        let words = if options.profile { "describing columns" } else { "counting rows" };
        let (b, c) = pass(self.observer, self.comparison, words, describing).await?;
        let profiles = Change { baseline: b, current: c };
        profile::totals(&profiles, diff);
        let columns = sides.as_ref().map(|side| side.columns.as_slice());
        diff.columns = profile::describe_matched(&columns, matches, &profiles, &self.comparison.excluded);
        if columns.baseline.is_empty() || columns.current.is_empty() {
            self.aligned_profiles(diff);
        }
        Ok(())
    }

    /// Leaves out of profiles what two engines see differently.
    fn aligned_profiles(&self, diff: &mut TableDiff) {
        if self.ends.baseline.dialect.name() != self.ends.current.dialect.name() {
            let rows = diff.rows.total;
            diff.columns.iter_mut().for_each(|column| described::align(column, rows));
        }
    }

    /// Compares the rows, and gives back by which key, if it took one.
    async fn compare_rows(
        &mut self,
        fields: &[Field],
        keys: Vec<Key<Field>>,
        diff: &mut TableDiff,
    ) -> Result<Option<Key<Field>>, Failure> {
        let total = diff.rows.total.map(Option::unwrap_or_default);
        note_no_rows(self.options, total, diff);
        let bits = bits(total.baseline.max(total.current));
        let mut key: Vec<Field> = keys.first().map(|key| key.fields.clone()).unwrap_or_default();
        let mut values = values(fields, &key);
        let mut segments = self.segments(rows::Pairing { key: &key, values: &values }, bits).await?;
        let mut best = None;
        // Of tables that are equal nobody asks for their keys.
        if segments.count() > 0 {
            best = self.best_key(keys, diff).await?;
        }
        if let Some((other, _)) = best.as_ref().filter(|(best, _)| best.fields != key) {
            key.clone_from(&other.fields);
            values = self::values(fields, &key);
            segments = self.segments(rows::Pairing { key: &key, values: &values }, bits).await?;
        }
        let groups = slices::groups(&values, diff, best.is_some());
        let mut tally = Tally::new(&key, &values, &groups, self.options);
        if segments.count() > 0 {
            let pairing = rows::Pairing { key: &key, values: &values };
            self.fetch(pairing, &segments, total, &mut tally).await?;
        }
        let affected = tally.write(total, diff)?;
        match &best {
            _ if segments.count() == 0 => {
                diff.method = Method::Checksum;
                set_unchanged(diff, fields);
            }
            Some((key, facts)) => {
                diff.method = Method::Keyed { key: key.names(), source: key.source.to_owned(), facts: *facts };
                set_unchanged(diff, &key.fields);
                self.slices(&values, &groups, affected, diff).await?;
            }
            None => name_wholes(self.options, fields.iter().any(|field| field.tolerance.is_some()), diff),
        }
        Ok(best.map(|(key, _)| key))
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
        if self.options.text != TextRules::default() && (recodes.baseline || recodes.current) {
            let reason = "what of texts does not count cannot be told where a server keeps them in another encoding than \
                          UTF-8";
            return Err(Failure::Contradiction(reason.to_owned()));
        }
        Ok(recodes)
    }

    /// The segments whose sums differ.
    async fn segments(&mut self, pairing: rows::Pairing<'_>, bits: u32) -> Result<Segments, Failure> {
        let sources = self.sources()?;
        let sql = sources.map(|source| source.segments(pairing.key, pairing.values, bits));
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
        pairing: rows::Pairing<'_>,
        segments: &Segments,
        total: Change<u64>,
        tally: &mut Tally<'_>,
    ) -> Result<(), Failure> {
        let sources = self.sources()?;
        let rows::Pairing { key, values } = pairing;
        let columns = key.len() + values.len();
        let pages = Change {
            baseline: sources.baseline.pages(key, values, segments, total.baseline),
            current: sources.current.pages(key, values, segments, total.current),
        };
        let Change { baseline, current } = &mut self.ends;
        let ((of_baseline, b), (of_current, c)) = (Rows::channel(), Rows::channel());
        // While rows are paired, each side reads its next page.
        let reading = async {
            try_join3(
                rows::read(baseline, pages.baseline, columns, of_baseline),
                rows::read(current, pages.current, columns, of_current),
                pairing.pair(Change { baseline: b, current: c }, tally).map(Ok),
            )
            .await
            .map(|_| ())
        };
        let words = match segments.count() {
            1 => "comparing the rows of 1 segment that differs".to_owned(),
            count => format!("comparing the rows of {count} segments that differ"),
        };
        pass(self.observer, self.comparison, &words, reading).await
    }

    async fn key_facts(&mut self, key: &[Field]) -> Result<KeyFacts, Failure> {
        let sources = self.sources()?;
        let is_loose = key.iter().any(Field::has_rules);
        let sql = sources.map(|source| (source.key_facts(key), is_loose.then(|| source.similar_keys(key))));
        let Change { baseline, current } = &mut self.ends;
        let counting =
            try_join(key_facts(baseline.session, sql.baseline, key), key_facts(current.session, sql.current, key));
        let (b, c) = pass(self.observer, self.comparison, "counting the key", counting.map_err(Failure::from)).await?;
        Ok(KeyFacts {
            proof: KeyProof::Counted,
            duplicates: Change { baseline: b.0, current: c.0 },
            nulls: Change { baseline: b.1, current: c.1 },
        })
    }

    fn sources(&self) -> Result<Change<Source<'_>>, Failure> {
        Ok(Change { baseline: self.source(Side::Baseline)?, current: self.source(Side::Current)? })
    }

    fn source(&self, side: Side) -> Result<Source<'_>, Failure> {
        let relation = side.of(&self.comparison.relation).as_ref();
        let relation = relation.ok_or_else(|| Failure::Contradiction("there is only one relation".to_owned()))?;
        Ok(Source {
            dialect: side.of(&self.ends).dialect,
            side,
            relation,
            filter: self.options.filter.as_deref(),
            sample: self.sample.as_ref().map(|(share, by)| (*share, by.as_slice())),
            recodes: *side.of(&self.recodes),
        })
    }

    /// The rows of a side, as what follows `from`; none where there is no relation.
    fn rows(&self, side: Side) -> Result<Option<String>, Failure> {
        side.of(&self.comparison.relation).as_ref().map(|_| self.source(side).map(|source| source.rows())).transpose()
    }
}

/// The bits of a segment's number, for tables of so many rows.
fn bits(rows: u64) -> u32 {
    let segments = (rows / ROWS_PER_SEGMENT).max(1);
    (u64::BITS - (segments - 1).leading_zeros()).min(Segments::MOST_BITS)
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

/// What either side calls the columns that both have.
fn named(sides: &Change<Known>, matches: &[Option<usize>]) -> Vec<Change<String>> {
    let name = |column: &crate::model::Column| column.name.clone();
    let both = sides.current.columns.iter().zip(matches).filter_map(|(current, found)| {
        Some(Change { baseline: name(&sides.baseline.columns[(*found)?]), current: name(current) })
    });
    both.collect()
}

/// The columns beside the key.
fn values(fields: &[Field], key: &[Field]) -> Vec<Field> {
    fields.iter().filter(|field| !key.iter().any(|key| key.name == field.name)).cloned().collect()
}

fn column_mut<'a>(diff: &'a mut TableDiff, name: &str) -> Option<&'a mut ColumnDiff> {
    diff.columns.iter_mut().find(|column| column.name == name)
}

fn set_unchanged(diff: &mut TableDiff, fields: &[Field]) {
    for field in fields {
        if let Some(column) = column_mut(diff, &field.name.current) {
            (column.changed, column.became_null, column.was_null) = (Some(0), Some(0), Some(0));
        }
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
