//! Rows of one side, and what each of its columns holds.

use super::columns::matches;
use super::outcome::{ColumnDiff, ColumnProfile, TableDiff};
use super::{Options, numbers};
use crate::model::{Change, Column};
use crate::plan::Excluded;
use crate::warehouse::compare::profile::{self as sql, Figures, Profiled};
use crate::warehouse::compare::{BATCH, profile, same_column};
use crate::warehouse::{Dialect, Error, Session};

/// One side, counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Profile {
    /// Its rows.
    pub(super) rows: u64,
    /// By column, in the order of the side's columns.
    columns: Vec<(String, Held)>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    nulls: u64,
    profile: Option<ColumnProfile>,
}

impl Profile {
    /// What one side holds, as far as it was asked for: at least its rows, and the NULLs of each column. `source` is an
    /// item of a FROM clause.
    pub(super) async fn of(
        session: &mut dyn Session,
        dialect: &dyn Dialect,
        source: &str,
        columns: &[Column],
        options: &Options,
    ) -> Result<Self, Error> {
        if options.profile && !options.nulls_only {
            Self::measure(session, dialect, source, columns, options).await
        } else {
            Self::count(session, dialect, source, columns).await
        }
    }

    /// Counts rows and NULLs.
    async fn count(
        session: &mut dyn Session,
        dialect: &dyn Dialect,
        source: &str,
        columns: &[Column],
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        for batch in columns.chunks(BATCH) {
            let names: Vec<&str> = batch.iter().map(|column| column.name.as_str()).collect();
            let counts = numbers(session, &profile(dialect, source, &names), names.len() + 1).await?;
            found.rows = counts[0];
            for (name, present) in names.iter().zip(&counts[1..]) {
                let nulls = found.rows.saturating_sub(*present);
                found.columns.push(((*name).to_owned(), Held { nulls, profile: None }));
            }
        }
        Ok(found)
    }

    /// What [`Profile::count`] counts, and what each column holds, in one scan for every
    /// [`sql::batch`] columns.
    async fn measure(
        session: &mut dyn Session,
        dialect: &dyn Dialect,
        source: &str,
        columns: &[Column],
        options: &Options,
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        for batch in columns.chunks(sql::batch(dialect)) {
            let profiled: Vec<Profiled> = batch
                .iter()
                .map(|column| Profiled::new(column, options.shows(&column.name), !options.is_secret(&column.name)))
                .collect();
            let row = session.query(&sql::figures_sql(dialect, source, &profiled)).await?.rows.into_iter().next();
            let read = row.and_then(|row| sql::figures(&profiled, row));
            let (rows, figures) =
                read.ok_or_else(|| Error::unsupported("the database answered a profile with a row of another shape"))?;
            found.rows = rows;
            for (column, figures) in batch.iter().zip(figures) {
                let nulls = rows.saturating_sub(figures.present);
                found.columns.push((column.name.clone(), Held { nulls, profile: Some(shown(figures)) }));
            }
        }
        Ok(found)
    }

    fn held(&self, name: &str) -> Option<&Held> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, held)| held)
    }
}

fn shown(figures: Figures) -> ColumnProfile {
    ColumnProfile {
        min: figures.min,
        max: figures.max,
        mean: figures.mean,
        stddev: figures.stddev,
        distinct: figures.distinct,
        distinct_is_estimate: figures.distinct_is_estimate,
    }
}

/// The columns of both sides with what they hold, as the report shows them; whether values changed is not known yet.
pub(super) fn describe(
    dialect: &dyn Dialect,
    sides: &Change<Vec<Column>>,
    profiles: &Change<Option<Profile>>,
    excluded: &[Excluded],
) -> Vec<ColumnDiff> {
    let sides = sides.as_ref().map(Vec::as_slice);
    let matches = matches(&sides, |a, b| same_column(dialect, a, b));
    describe_matched(&sides, &matches, profiles, excluded)
}

/// [`describe`] of columns of which it is known which is which.
pub(super) fn describe_matched(
    sides: &Change<&[Column]>,
    matches: &[Option<usize>],
    profiles: &Change<Option<Profile>>,
    excluded: &[Excluded],
) -> Vec<ColumnDiff> {
    let held = |profile: &Option<Profile>, name: &str| profile.as_ref().and_then(|profile| profile.held(name).cloned());
    let column = |name: &str, baseline: Option<&Column>, current: Option<&Column>| {
        let data_type = Change { baseline, current }.map(|column| column.map(|column| column.data_type.clone()));
        let held = Change {
            baseline: baseline.and_then(|column| held(&profiles.baseline, &column.name)),
            current: current.and_then(|column| held(&profiles.current, &column.name)),
        };
        ColumnDiff {
            nulls: held.as_ref().map(|held| held.as_ref().map(|held| held.nulls)),
            profile: held.map(|held| held.and_then(|held| held.profile)),
            ..ColumnDiff::unknown(name, data_type)
        }
    };
    let of_current = sides.current.iter().zip(matches).map(|(current, found)| {
        let baseline = found.map(|at| &sides.baseline[at]);
        column(&current.name, baseline, Some(current))
    });
    let lone = sides.baseline.iter().enumerate().filter(|(at, _)| !matches.contains(&Some(*at)));
    let described = of_current.chain(lone.map(|(_, baseline)| column(&baseline.name, Some(baseline), None)));
    // What a column holds that changes by itself is told all the same.
    let is_told = |column: &ColumnDiff| {
        excluded.iter().find(|excluded| excluded.is(&column.name)).is_none_or(|excluded| excluded.is_noise)
    };
    described.filter(is_told).collect()
}

/// Writes the number of rows of both sides into `diff`.
pub(super) fn totals(profiles: &Change<Option<Profile>>, diff: &mut TableDiff) {
    diff.rows.total = profiles.as_ref().map(|profile| profile.as_ref().map(|profile| profile.rows));
}
