//! What of a comparison may be told to people who may not see the data: no value of a hidden column, no number from
//! which one follows, no small count.

use super::Options;
use super::outcome::{ColumnDiff, TableDiff};
use super::suppress::suppress;
use crate::model::{Change, Value};

/// A mean over fewer values than this says too much about each of them.
const FEW: u64 = 10;

/// What is shown instead of a value that must not be shown.
pub(super) const MASK: &str = "***";

impl Options {
    /// Takes out of a comparison what these options do not allow to be told.
    pub fn redact(&self, diff: &mut TableDiff) {
        if self.show_values {
            for sample in &mut diff.samples {
                for (name, value) in &mut sample.key {
                    self.hide(name, value);
                }
                for (name, values) in &mut sample.values {
                    self.hide(name, &mut values.baseline);
                    self.hide(name, &mut values.current);
                }
            }
            // A row of which nothing may be told is no example.
            let is_shown = |name: &String| self.shows(name);
            diff.samples.retain(|sample| {
                sample.key.iter().map(|(name, _)| name).chain(sample.values.iter().map(|(name, _)| name)).any(is_shown)
            });
        } else {
            diff.samples.clear();
        }
        diff.slices.retain(|slice| self.shows(&slice.column));
        let rows = diff.rows.total;
        for column in &mut diff.columns {
            self.redact_column(column, rows);
        }
        suppress(diff, self.min_count);
    }

    /// A count of rows as far as it may be told: `1,024`, or `fewer than 5`.
    pub fn told(&self, rows: u64) -> String {
        if (1..self.min_count).contains(&rows) {
            return format!("fewer than {}", self.min_count);
        }
        let digits = rows.to_string();
        let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
        groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
    }

    fn hide(&self, name: &str, value: &mut Value) {
        if !self.shows(name) {
            *value = Value::Text(MASK.to_owned());
        }
    }

    fn redact_column(&self, column: &mut ColumnDiff, rows: Change<Option<u64>>) {
        if self.shows(&column.name) {
            return;
        }
        let is_secret = self.is_secret(&column.name);
        let enough = |count: u64| !is_secret && count >= self.min_count.max(FEW);
        let present =
            |rows: Option<u64>, nulls: Option<u64>| rows.zip(nulls).map_or(0, |(all, nulls)| all - nulls.min(all));
        let present = Change {
            baseline: present(rows.baseline, column.nulls.baseline),
            current: present(rows.current, column.nulls.current),
        };
        let mut several = true;
        for (profile, present) in
            [(&mut column.profile.baseline, present.baseline), (&mut column.profile.current, present.current)]
        {
            if let Some(profile) = profile {
                (profile.min, profile.max) = (None, None);
                // The mean of a few values that are many rows' gives them away.
                several = several && profile.distinct.is_some_and(|values| values >= FEW);
                if !enough(present) || profile.distinct.is_none_or(|values| values < FEW) {
                    (profile.mean, profile.stddev) = (None, None);
                }
            }
        }
        // The largest change is that of one row.
        let to_or_from_null = column.became_null.unwrap_or_default() + column.was_null.unwrap_or_default();
        if several && enough(column.changed.unwrap_or_default().saturating_sub(to_or_from_null)) {
            column.change = column.change.map(|change| super::NumberChange { largest: None, ..change });
        } else {
            column.change = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Method;
    use super::super::outcome::{ColumnProfile, NumberChange, Sample, SampleKind};
    use super::{ColumnDiff, Options, TableDiff};
    use crate::model::{Change, Value};

    fn profile() -> ColumnProfile {
        ColumnProfile {
            min: Some(Value::Int(1)),
            max: Some(Value::Int(99_999)),
            mean: Some(5.0),
            stddev: Some(1.0),
            distinct: Some(40),
            ..ColumnProfile::default()
        }
    }

    /// 100 rows of which 3 changed, by 2 columns.
    fn diff() -> TableDiff {
        let mut diff = TableDiff::unknown(None, Change::default(), Method::Multiset { reason: String::new() });
        diff.rows.total = Change { baseline: Some(100), current: Some(100) };
        (diff.rows.changed, diff.rows.unchanged) = (3, 97);
        for name in ["open", "hidden", "secret"] {
            let data_type = Change { baseline: Some("int".to_owned()), current: Some("int".to_owned()) };
            diff.columns.push(ColumnDiff {
                changed: Some(50),
                nulls: Change { baseline: Some(0), current: Some(2) },
                profile: Change { baseline: Some(profile()), current: Some(profile()) },
                change: Some(NumberChange { mean: 1.0, mean_absolute: 1.0, largest: Some(7.0) }),
                ..ColumnDiff::unknown(name, data_type)
            });
        }
        let value = |name: &str| (name.to_owned(), Value::Int(99_999));
        let changed = |name: &str| (name.to_owned(), Change { baseline: Value::Int(1), current: Value::Int(99_999) });
        diff.samples.push(Sample {
            kind: SampleKind::Changed,
            key: vec![value("open")],
            values: vec![changed("hidden")],
        });
        diff
    }

    fn options() -> Options {
        Options { only: Some(vec!["OPEN".into(), "secret".into()]), mask: vec!["Secret".into()], ..Options::default() }
    }

    #[test]
    fn only_allowed_columns_show_values_and_a_mask_wins() {
        let mut found = diff();
        options().redact(&mut found);
        assert_eq!(found.columns[0], diff().columns[0]);
        let hidden = &found.columns[1];
        assert_eq!(hidden.profile.current.as_ref().map(|p| (p.min.clone(), p.mean)), Some((None, Some(5.0))));
        assert_eq!(hidden.change.map(|change| (change.mean, change.largest)), Some((1.0, None)));
        let secret = &found.columns[2];
        assert_eq!(secret.profile.current.as_ref().map(|p| (p.max.clone(), p.mean)), Some((None, None)));
        assert_eq!(secret.change, None);
        assert_eq!(found.samples[0].key[0].1, Value::Int(99_999));
        assert_eq!(found.samples[0].values[0].1.current, Value::Text("***".into()));
    }

    #[test]
    fn the_mean_of_one_value_in_many_rows_is_that_value() {
        let mut found = diff();
        if let Some(profile) = &mut found.columns[1].profile.current {
            profile.distinct = Some(1);
        }
        options().redact(&mut found);
        let hidden = &found.columns[1];
        assert_eq!(hidden.profile.baseline.as_ref().map(|p| p.mean), Some(Some(5.0)));
        assert_eq!(hidden.profile.current.as_ref().map(|p| (p.mean, p.stddev)), Some((None, None)));
        assert_eq!(hidden.change, None, "the other side's mean and the change would give it away");
    }

    #[test]
    fn without_values_there_is_none_anywhere() {
        let mut found = diff();
        Options { show_values: false, ..Options::default() }.redact(&mut found);
        assert!(found.samples.is_empty() && !format!("{found:?}").contains("99999"), "{found:?}");
        found.columns[1].changed = Some(9);
        found.rows.total.current = Some(9);
        Options { show_values: false, ..Options::default() }.redact(&mut found);
        assert_eq!(found.columns[1].change, None, "a mean of nine changes");
        assert_eq!(found.columns[1].profile.current.as_ref().and_then(|p| p.mean), None, "a mean of nine values");
    }

    #[test]
    fn small_counts_are_made_coarse_and_the_rest_does_not_give_them_away() {
        let mut found = diff();
        Options { min_count: 5, ..Options::default() }.redact(&mut found);
        assert_eq!((found.rows.changed, found.rows.unchanged, found.min_count), (4, 96, 5));
        assert_eq!(found.columns[0].nulls, Change { baseline: Some(0), current: Some(4) });
        assert_eq!(found.columns[0].changed, Some(50));
        let options = Options { min_count: 5, ..Options::default() };
        assert_eq!(
            [0, 4, 5, 1234, 1_000_000].map(|n| options.told(n)),
            ["0", "fewer than 5", "5", "1,234", "1,000,000"]
        );
    }
}
