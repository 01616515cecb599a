//! The comparison of two relations: schema, checksum, key, then one join, or whole rows where there is no key.

use super::columns::{Columns, Paired, Pairing, Shared};
use super::drift::{self, Ends};
use super::keyed::{Keyed, Pairing as Found};
use super::keys::{self, Key};
use super::outcome::{KeyFacts, Method, TableDiff};
use super::profile::{self, Profile};
use super::samples::Samples;
use super::totals::{Totals, ability};
use super::{End, Options, numbers, renames, search};
use crate::model::{Change, Column, Relation};
use crate::plan::Comparison;
use crate::warehouse::compare::rows_of;
use crate::warehouse::compare::{self, Ability, Field, Part, Scratch, Side, Sides, Whole};
use crate::warehouse::{Dialect, Error, Session};

/// Compares two relations. Every figure of the result is of one state of the data and exact, but for what the result
/// itself calls a sample or an estimate; where that cannot be had, the method is [`Method::Failed`] and says why.
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
    let scratch = Scratch::new(dialect, Ability::ALL);
    let mut work = Work { session, dialect, comparison, options, ability: Ability::ALL, scratch };
    let compared = work.compare_in_one_state(&mut diff).await;
    match compared {
        Ok(()) => Ok(diff),
        Err(Failure::World(
            error @ (Error::Statement { .. } | Error::Permission { .. } | Error::Unsupported { .. }),
        )) => {
            let asked =
                options.filter.as_ref().map(|filter| format!(" (only rows where {filter})")).unwrap_or_default();
            Ok(TableDiff { method: Method::Failed { reason: format!("{error}{asked}") }, ..unknown() })
        }
        Err(Failure::World(error)) => Err(error),
        Err(Failure::Contradiction(reason)) => Ok(TableDiff { method: Method::Failed { reason }, ..unknown() }),
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Failure {
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
pub(super) struct Work<'a> {
    pub(super) session: &'a mut dyn Session,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) comparison: &'a Comparison,
    pub(super) options: &'a Options,
    pub(super) ability: Ability,
    pub(super) scratch: Scratch,
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
        let columns = Change {
            baseline: self.columns(relation.baseline, "production", diff).await?,
            current: self.columns(relation.current, "the pull request", diff).await?,
        };
        let (Some(baseline), Some(current), false) =
            (relation.baseline, relation.current, columns.baseline.is_empty() || columns.current.is_empty())
        else {
            let source = relation.map(|relation| Some(rows_of(relation?, self.options.filter.as_deref())));
            self.describe(source, &columns, diff).await?;
            one_sided(diff);
            return Ok(());
        };
        self.ask_ability().await?;
        diff.filter.clone_from(&self.options.filter);
        let key: Vec<String> = comparison.keys.iter().flat_map(|key| key.columns.clone()).collect();
        let pairing =
            Pairing { dialect: self.dialect, options: self.options, left_out: &comparison.excluded, key: &key };
        let paired = pairing.pair(&columns, diff);
        let relation = Change { baseline, current };
        let never = Change {
            baseline: never_null(self.session, self.dialect, baseline).await?,
            current: never_null(self.session, self.dialect, current).await?,
        };
        diff.schema.nullability = nullability(&never, &paired);
        let sides = Sides { dialect: self.dialect, relation, filter: self.options.filter.as_deref(), part: None };
        self.compare_rows(&pairing, sides, &columns, &paired, diff).await
    }

    async fn compare_rows(
        &mut self,
        pairing: &Pairing<'_>,
        sides: Sides<'_>,
        columns: &Change<Vec<Column>>,
        paired: &Columns,
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let fields = paired.fields();
        if fields.is_empty() {
            let reason = "the two tables have no column in common whose values can be compared".to_owned();
            return Err(Failure::Contradiction(reason));
        }
        let mut keys = keys::usable(paired, &self.comparison.keys, &mut diff.rejected_keys);
        if keys.is_empty() && self.comparison.keys.is_empty() && self.options.search_key {
            keys.extend(search::key(self, &sides, columns, &fields).await?);
        }
        let first = keys.first().map(|key| key.fields.clone()).unwrap_or_default();
        let by = if first.is_empty() { &fields } else { &first };
        diff.sampled = self.options.sample.filter(|share| *share < 1.0);
        let sides = Sides { part: diff.sampled.map(|share| Part::Keys(share, by.as_slice())), ..sides };
        self.by_key_or_wholes(pairing, sides, columns, &fields, keys, diff).await
    }

    async fn by_key_or_wholes(
        &mut self,
        pairing: &Pairing<'_>,
        sides: Sides<'_>,
        columns: &Change<Vec<Column>>,
        fields: &[Field],
        keys: Vec<Key>,
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let source = Change { baseline: sides.rows(Side::Baseline), current: sides.rows(Side::Current) };
        self.describe(source.clone().map(Some), columns, diff).await?;
        let glance = keys.first().map_or(&[][..], |key| &key.fields);
        let totals = Totals::of(self.session, &sides, self.ability, fields, glance).await?;
        diff.rows.total = totals.rows.map(Some);
        note_no_rows(self.options, totals.rows, diff);
        if totals.equal {
            diff.rows.unchanged = totals.rows.current;
            diff.method = Method::Checksum;
            for field in fields {
                set_changed(diff, &field.name.current, 0);
            }
        } else if keys.is_empty() {
            self.as_wholes(&sides, fields, totals.rows, diff).await?;
        } else {
            self.by_best_key(&sides, &keys, fields, totals.rows, diff).await?;
        }
        if self.options.drift {
            let mut end = End { session: &mut *self.session, dialect: self.dialect };
            let named = |name: &str| Change { baseline: name.to_owned(), current: name.to_owned() };
            drift::add(&mut Ends::One(&mut end), &source, named, &self.comparison.excluded, diff).await?;
        }
        // By the key that was used, if one had to be.
        let used = |key: &&Key| matches!(&diff.method, Method::Keyed { key: used, .. } if *used == key.names());
        if let Some(key) = keys.iter().find(used).or(keys.first()) {
            renames::find(self, pairing, &sides, columns, &key.fields, diff).await?;
        }
        Ok(())
    }

    /// Compares by the first key that is unique and never NULL, else by the first that is unique, else by the first of
    /// all, whose duplicates are compared as wholes.
    async fn by_best_key(
        &mut self,
        sides: &Sides<'_>,
        keys: &[Key],
        fields: &[Field],
        rows: Change<u64>,
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let several = keys.len() > 1;
        let mut faulty: Vec<(Keyed<'_>, KeyFacts)> = Vec::new();
        let mut done = None;
        for key in keys {
            let keyed = Keyed::new(self, sides, key.clone(), fields).await?;
            match keyed.pair(self, rows, several).await? {
                Found::Done(found) => {
                    done = Some((keyed, found));
                    break;
                }
                Found::Faulty(facts) => faulty.push((keyed, facts)),
            }
        }
        if done.is_none() && !faulty.is_empty() {
            let (keyed, _) = faulty.remove(least_faulty(faulty.iter().map(|(_, facts)| facts)));
            if let Found::Done(found) = keyed.pair(self, rows, false).await? {
                done = Some((keyed, found));
            }
        }
        let least = self.options.min_count;
        diff.rejected_keys.extend(faulty.iter().map(|(keyed, facts)| keyed.key.rejected(facts, least)));
        match done {
            Some((keyed, found)) => keyed.report(self, found, diff).await,
            None => Ok(()),
        }
    }

    async fn as_wholes(
        &mut self,
        sides: &Sides<'_>,
        fields: &[Field],
        rows: Change<u64>,
        diff: &mut TableDiff,
    ) -> Result<(), Failure> {
        let whole = Whole { sides: *sides, fields, only_twice: None };
        self.keep("slimdiff_left", &whole.left()).await?;
        let counts = numbers(self.session, &self.scratch.over(Whole::counts()), 2).await?;
        (diff.rows.added, diff.rows.removed) = (counts[0], counts[1]);
        diff.rows.unchanged = paired_rows(rows, counts[0], counts[1], 0)?;
        diff.samples = Samples { options: self.options }.whole(self.session, &self.scratch, &whole, &diff.rows).await?;
        name_wholes(self.options, fields.iter().any(|field| field.tolerance.is_some()), diff);
        Ok(())
    }

    /// Keeps the rows of a query under a name.
    pub(super) async fn keep(&mut self, name: &str, query: &str) -> Result<(), Error> {
        for statement in self.scratch.keep(name, query) {
            self.session.execute(&statement).await?;
        }
        Ok(())
    }

    async fn ask_ability(&mut self) -> Result<(), Error> {
        self.ability = ability(self.session, self.dialect).await?;
        self.scratch = Scratch::new(self.dialect, self.ability);
        Ok(())
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

    /// What each side's rows (items of a FROM clause) hold, when that was asked for, or when there is nothing to compare it with.
    async fn describe(
        &mut self,
        source: Change<Option<String>>,
        columns: &Change<Vec<Column>>,
        diff: &mut TableDiff,
    ) -> Result<(), Error> {
        let one_sided = columns.baseline.is_empty() || columns.current.is_empty();
        let mut profiles = Change { baseline: None, current: None };
        for side in Side::BOTH {
            let columns = side.of(columns);
            if let (Some(source), false, true) =
                (side.of(&source), columns.is_empty(), self.options.profile || one_sided)
            {
                let found = Profile::of(self.session, self.dialect, source, columns, self.options).await?;
                *side.of_mut(&mut profiles) = Some(found);
            }
        }
        profile::totals(&profiles, diff);
        diff.columns = profile::describe(self.dialect, columns, &profiles, &self.comparison.excluded);
        Ok(())
    }
}

/// The columns of a relation that are declared never to be NULL.
pub(super) async fn never_null(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    relation: &Relation,
) -> Result<Vec<String>, Error> {
    let table = session.query(&compare::not_null_columns(dialect, relation)).await?;
    Ok(table.rows.iter().filter_map(|row| row.first()?.as_str().map(str::to_owned)).collect())
}

/// Columns of both sides that may be NULL on one side only, where these may `never` be.
pub(super) fn nullability<F: Paired>(never: &Change<Vec<String>>, paired: &Columns<F>) -> Vec<(String, Change<bool>)> {
    let of = |shared: &Shared<F>| {
        let name = shared.field.name();
        let nullable = Change {
            baseline: !never.baseline.contains(&name.baseline),
            current: !never.current.contains(&name.current),
        };
        nullable.is_changed().then(|| (name.current.clone(), nullable))
    };
    paired.shared.iter().filter_map(of).collect()
}

/// Says that a condition leaves nothing to compare, if so.
pub(super) fn note_no_rows(options: &Options, rows: Change<u64>, diff: &mut TableDiff) {
    if options.filter.is_some() && rows == Change::default() {
        diff.notes.push("no row of either side meets the condition".to_owned());
    }
}

/// Says that rows were compared as wholes, and why.
pub(super) fn name_wholes(options: &Options, has_tolerance: bool, diff: &mut TableDiff) {
    let reasons: Vec<&str> = diff.rejected_keys.iter().map(|key| key.reason.as_str()).collect();
    let reason = match (reasons.is_empty(), options.search_key) {
        (true, true) => "no key is declared, and no column or pair of columns identifies a row".to_owned(),
        (true, false) => "no key is declared".to_owned(),
        (false, _) => reasons.join("; "),
    };
    if has_tolerance {
        diff.notes.push("whole rows are compared exactly: without a key no tolerance can be applied".to_owned());
    }
    diff.method = Method::Multiset { reason };
}

/// The place of the key to take of those of which none is unique and never NULL: the first that is unique, else the
/// first.
pub(super) fn least_faulty<'a>(mut facts: impl Iterator<Item = &'a KeyFacts>) -> usize {
    facts.position(KeyFacts::is_unique).unwrap_or(0)
}

/// All rows there are exist on one side only.
fn one_sided(diff: &mut TableDiff) {
    diff.method = Method::OneSided;
    diff.rows.added = diff.rows.total.current.unwrap_or_default();
    diff.rows.removed = diff.rows.total.baseline.unwrap_or_default();
}

/// Rows that are equal on both sides, if the figures agree with each other.
pub(super) fn paired_rows(total: Change<u64>, added: u64, removed: u64, changed: u64) -> Result<u64, Failure> {
    let of_current = total.current.checked_sub(added).and_then(|rows| rows.checked_sub(changed));
    let of_baseline = total.baseline.checked_sub(removed).and_then(|rows| rows.checked_sub(changed));
    match (of_current, of_baseline) {
        (Some(current), Some(baseline)) if current == baseline => Ok(current),
        _ => Err(contradiction(total, &[added, removed, changed])),
    }
}

pub(super) fn contradiction(total: Change<u64>, counts: &[u64]) -> Failure {
    Failure::Contradiction(format!(
        "the counts contradict each other ({} and {} rows, of which {counts:?}); is a table read through a view that \
         gives other rows each time?",
        total.baseline, total.current
    ))
}

pub(super) fn set_changed(diff: &mut TableDiff, name: &str, changed: u64) {
    if let Some(column) = diff.columns.iter_mut().find(|column| column.name == name) {
        column.changed = Some(changed);
    }
}

impl KeyFacts {
    /// Whether every key occurs once on each side.
    pub(super) fn is_unique(&self) -> bool {
        self.duplicates == Change::default()
    }
}
