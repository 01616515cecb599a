//! Rows of one side, and NULLs of each of its columns.

use super::numbers;
use super::outcome::{ColumnDiff, TableDiff};
use crate::model::{Change, Column, Relation};
use crate::warehouse::compare::{BATCH, profile, same_column};
use crate::warehouse::{Dialect, Error, Session};

/// One side, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Profile {
    /// Its rows.
    pub(super) rows: u64,
    /// NULLs by column, in the order of the side's columns.
    nulls: Vec<(String, u64)>,
}

impl Profile {
    /// Counts one side.
    pub(super) async fn count(
        session: &mut dyn Session,
        dialect: &dyn Dialect,
        relation: &Relation,
        columns: &[Column],
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        for batch in columns.chunks(BATCH) {
            let names: Vec<&str> = batch.iter().map(|column| column.name.as_str()).collect();
            let counts = numbers(session, &profile(dialect, relation, &names), names.len() + 1).await?;
            found.rows = counts[0];
            let present = names.iter().zip(&counts[1..]);
            found
                .nulls
                .extend(present.map(|(name, present)| ((*name).to_owned(), found.rows.saturating_sub(*present))));
        }
        Ok(found)
    }

    /// NULLs of the column of exactly this name.
    pub(super) fn nulls(&self, name: &str) -> Option<u64> {
        self.nulls.iter().find(|(column, _)| column == name).map(|(_, nulls)| *nulls)
    }
}

/// The columns of both sides with their NULLs, as the report shows them; whether values changed is not known yet.
pub(super) fn describe(
    dialect: &dyn Dialect,
    sides: &Change<Vec<Column>>,
    profiles: &Change<Option<Profile>>,
    left_out: &[(String, String)],
) -> Vec<ColumnDiff> {
    let nulls = |profile: &Option<Profile>, name: &str| profile.as_ref().and_then(|profile| profile.nulls(name));
    let kept = |column: &&Column| !left_out.iter().any(|(name, _)| name.eq_ignore_ascii_case(&column.name));
    let same = |a: &Column, b: &Column| same_column(dialect, &a.name, &b.name);
    let of_current = sides.current.iter().filter(kept).map(|current| {
        let baseline = sides.baseline.iter().find(|baseline| same(baseline, current));
        let data_type = Change {
            baseline: baseline.map(|column| column.data_type.clone()),
            current: Some(current.data_type.clone()),
        };
        ColumnDiff {
            nulls: Change {
                baseline: baseline.and_then(|column| nulls(&profiles.baseline, &column.name)),
                current: nulls(&profiles.current, &current.name),
            },
            ..ColumnDiff::unknown(&current.name, data_type)
        }
    });
    let lone = sides.baseline.iter().filter(kept).filter(|b| !sides.current.iter().any(|current| same(b, current)));
    let of_baseline = lone.map(|baseline| ColumnDiff {
        nulls: Change { baseline: nulls(&profiles.baseline, &baseline.name), current: None },
        ..ColumnDiff::unknown(&baseline.name, Change { baseline: Some(baseline.data_type.clone()), current: None })
    });
    of_current.chain(of_baseline).collect()
}

/// Writes the number of rows of both sides into `diff`.
pub(super) fn totals(profiles: &Change<Option<Profile>>, diff: &mut TableDiff) {
    diff.rows.total = profiles.as_ref().map(|profile| profile.as_ref().map(|profile| profile.rows));
}
