//! The comparison of two relations: schema, counts, key, then one join, or whole rows where there is no key.

use super::columns::Columns;
use super::keys::{self, Sides, VerifiedKey};
use super::outcome::{KeyFacts, Method, TableDiff};
use super::profile::{self, Profile};
use super::samples::Samples;
use super::{Options, drift, numbers};
use crate::model::{Change, Column, Relation};
use crate::plan::Comparison;
use crate::warehouse::compare::{self, BATCH, Field, Keyed, Whole};
use crate::warehouse::{Dialect, Error, Session};

/// Compares two relations. Every figure of the result is exact and of one state of the data; where that cannot be had,
/// the method is [`Method::Failed`] and says why.
///
/// # Errors
/// Only what ends the session: a lost connection, a cancelled run. What the database refuses is in the result.
pub async fn diff(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    comparison: &Comparison,
    options: &Options,
) -> Result<TableDiff, Error> {
    let unknown =
        || TableDiff::unknown(Some(comparison.unique_id.clone()), comparison.relation.clone(), Method::OneSided);
    let mut diff = unknown();
    let mut work = Work { session, dialect, comparison, options };
    let compared = work.compare_in_one_state(&mut diff).await;
    match compared {
        Ok(()) => Ok(diff),
        Err(Failure::World(
            error @ (Error::Statement { .. } | Error::Permission { .. } | Error::Unsupported { .. }),
        )) => Ok(TableDiff { method: Method::Failed { reason: error.to_string() }, ..unknown() }),
        Err(Failure::World(error)) => Err(error),
        Err(Failure::Contradiction(reason)) => Ok(TableDiff { method: Method::Failed { reason }, ..unknown() }),
    }
}

/// Why there is no result.
#[derive(Debug)]
enum Failure {
    /// The warehouse.
    World(Error),
    /// Figures that cannot all be right.
    Contradiction(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::World(error)
    }
}

/// One comparison while it goes on.
struct Work<'a> {
    session: &'a mut dyn Session,
    dialect: &'a dyn Dialect,
    comparison: &'a Comparison,
    options: &'a Options,
}

impl Work<'_> {
    /// All queries see the data as it was at the first of them, however long it takes.
    async fn compare_in_one_state(&mut self, diff: &mut TableDiff) -> Result<(), Failure> {
        self.session.execute(compare::begin(self.dialect)).await?;
        let compared = self.compare(diff).await;
        // After a lost connection or a cancellation the end cannot be said, and need not be.
        let ended = self.session.execute(compare::end()).await;
        compared?;
        ended?;
        Ok(())
    }

    async fn compare(&mut self, diff: &mut TableDiff) -> Result<(), Failure> {
        let comparison = self.comparison;
        let relation = comparison.relation.as_ref().map(Option::as_ref);
        let sides = Change {
            baseline: self.columns(relation.baseline, "production", diff).await?,
            current: self.columns(relation.current, "the pull request", diff).await?,
        };
        let profiles = Change {
            baseline: self.profile(relation.baseline, &sides.baseline).await?,
            current: self.profile(relation.current, &sides.current).await?,
        };
        profile::totals(&profiles, diff);
        diff.columns = profile::describe(self.dialect, &sides, &profiles, &comparison.excluded);
        let (
            Change { baseline: Some(baseline), current: Some(current) },
            Change { baseline: Some(b), current: Some(c) },
        ) = (&profiles, relation)
        else {
            one_sided(&profiles, diff);
            return Ok(());
        };
        if self.options.drift {
            let source = Change { baseline: b.to_string(), current: c.to_string() };
            drift::add(self.session, self.dialect, &source, diff).await?;
        }
        let columns = Columns::pair(self.dialect, &sides, &comparison.excluded, diff);
        let sides = Sides {
            dialect: self.dialect,
            relation: Change { baseline: b, current: c },
            columns: &columns,
            profile: Change { baseline, current },
        };
        let key = keys::choose(self.session, &sides, &comparison.keys, &mut diff.rejected_keys).await?;
        match key {
            Some(key) => self.by_key(&sides, key, diff).await,
            None => self.as_wholes(&sides, diff).await,
        }
    }

    /// The columns of a side; none when there is no such relation, which is noted when one was expected.
    async fn columns(
        &mut self,
        relation: Option<&Relation>,
        place: &str,
        diff: &mut TableDiff,
    ) -> Result<Vec<Column>, Error> {
        let Some(relation) = relation else { return Ok(Vec::new()) };
        let columns = self.session.columns(relation).await?;
        if columns.is_empty() {
            diff.notes.push(format!("{place} has no relation {}", relation.short()));
        }
        Ok(columns)
    }

    async fn profile(&mut self, relation: Option<&Relation>, columns: &[Column]) -> Result<Option<Profile>, Error> {
        match relation {
            Some(relation) if !columns.is_empty() => {
                if self.options.profile {
                    let source = relation.to_string();
                    return Profile::measure(self.session, self.dialect, &source, columns, self.options)
                        .await
                        .map(Some);
                }
                Profile::count(self.session, self.dialect, relation, columns).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn by_key(&mut self, sides: &Sides<'_>, key: VerifiedKey, diff: &mut TableDiff) -> Result<(), Failure> {
        let fields = sides.columns.shared.iter().filter_map(super::columns::Shared::field);
        let values: Vec<Field> = fields.filter(|field| !key.fields.contains(field)).collect();
        let keyed = Keyed { dialect: self.dialect, relation: sides.relation, key: &key.fields, values: &values };
        let mut changed: Vec<u64> = Vec::with_capacity(values.len());
        let mut rows = None;
        for start in (0..values.len().max(1)).step_by(BATCH) {
            let batch = start..(start + BATCH).min(values.len());
            let counts = numbers(self.session, &keyed.counts(batch.clone()), batch.len() + 3).await?;
            rows.get_or_insert([counts[0], counts[1], counts[2]]);
            changed.extend(&counts[3..]);
        }
        let [added, removed, both] = rows.unwrap_or_default();
        let total = sides.profile.map(|profile| profile.rows);
        diff.rows.added = added;
        diff.rows.removed = removed;
        diff.rows.changed = both;
        diff.rows.unchanged = paired(total, added, removed, both)?;
        for (field, changed) in values.iter().zip(&changed) {
            set_changed(diff, &field.name.current, *changed);
        }
        for field in &key.fields {
            set_changed(diff, &field.name.current, 0);
        }
        diff.samples = Samples { options: self.options }.keyed(self.session, &keyed, &changed, &diff.rows).await?;
        let names = key.fields.iter().map(|field| field.name.current.clone()).collect();
        diff.method = Method::Keyed { key: names, source: key.source, facts: KeyFacts::default() };
        Ok(())
    }

    async fn as_wholes(&mut self, sides: &Sides<'_>, diff: &mut TableDiff) -> Result<(), Failure> {
        let fields: Vec<Field> = sides.columns.shared.iter().filter_map(super::columns::Shared::field).collect();
        if fields.is_empty() {
            let reason = "the two tables have no column in common whose values can be compared".to_owned();
            return Err(Failure::Contradiction(reason));
        }
        let whole = Whole { dialect: self.dialect, relation: sides.relation, fields: &fields };
        let counts = numbers(self.session, &whole.counts(), 3).await?;
        let total = sides.profile.map(|profile| profile.rows);
        (diff.rows.added, diff.rows.removed) = (counts[0], counts[1]);
        diff.rows.unchanged = paired(total, counts[0], counts[1], 0)?;
        if diff.rows.unchanged != counts[2] {
            return Err(contradiction(total, &counts));
        }
        diff.samples = Samples { options: self.options }.whole(self.session, &whole, &diff.rows).await?;
        let reasons: Vec<&str> = diff.rejected_keys.iter().map(|key| key.reason.as_str()).collect();
        let reason = if reasons.is_empty() { "no key is declared".to_owned() } else { reasons.join("; ") };
        diff.method = Method::Multiset { reason };
        Ok(())
    }
}

/// All rows there are exist on one side only.
fn one_sided(profiles: &Change<Option<Profile>>, diff: &mut TableDiff) {
    diff.method = Method::OneSided;
    diff.rows.added = profiles.current.as_ref().map_or(0, |profile| profile.rows);
    diff.rows.removed = profiles.baseline.as_ref().map_or(0, |profile| profile.rows);
}

/// Rows that are equal on both sides, if the figures agree with each other.
fn paired(total: Change<u64>, added: u64, removed: u64, changed: u64) -> Result<u64, Failure> {
    let of_current = total.current.checked_sub(added).and_then(|rows| rows.checked_sub(changed));
    let of_baseline = total.baseline.checked_sub(removed).and_then(|rows| rows.checked_sub(changed));
    match (of_current, of_baseline) {
        (Some(current), Some(baseline)) if current == baseline => Ok(current),
        _ => Err(contradiction(total, &[added, removed, changed])),
    }
}

fn contradiction(total: Change<u64>, counts: &[u64]) -> Failure {
    Failure::Contradiction(format!(
        "the counts contradict each other ({} and {} rows, of which {counts:?}); is a table read through a view that \
         gives other rows each time?",
        total.baseline, total.current
    ))
}

fn set_changed(diff: &mut TableDiff, name: &str, changed: u64) {
    if let Some(column) = diff.columns.iter_mut().find(|column| column.name == name) {
        column.changed = Some(changed);
    }
}
