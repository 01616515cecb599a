//! Small counts, taken out of a comparison so that nothing else in it gives them away.
//!
//! A count from 1 to below the least becomes the least minus one, which stands for any of them. What adds up with such a
//! count (rows of both sides, unchanged rows, NULLs, distinct values) is then told as it follows from what is told, never
//! from the data: every value that a hidden count can have goes with all that is told, also for a reader who knows these
//! rules. `tests` tries all small tables.

use super::outcome::{ColumnDiff, ColumnProfile, Inexact, Method, RowCounts, SampleKind, TableDiff};
use crate::model::Change;

/// Makes the counts of a comparison that are below `least` coarse, and what would give them away.
pub(super) fn suppress(diff: &mut TableDiff, least: u64) {
    if least < 2 {
        return;
    }
    let few = Few { least };
    diff.min_count = least;
    let hides_a_key = few.keys(diff);
    let truth = diff.rows;
    let (rows, is_tiny) = few.rows(truth, diff);
    let hidden = Hidden { few, truth, rows, is_tiny, is_compared: diff.is_compared() };
    for column in &mut diff.columns {
        let is_compared = !diff.excluded.iter().any(|(name, _)| *name == column.name);
        hidden.column(column, is_compared, &hides_a_key);
    }
    diff.rows = rows;
    if let Some(aligned) = &mut diff.aligned {
        few.both(&mut aligned.left_out);
    }
    hidden.slices_and_renames(diff);
    let has_few = |counts: &[Option<u64>]| counts.iter().flatten().any(|count| few.hides(*count));
    let few_changed = hidden.any_row() || diff.columns.iter().any(|column| has_few(&[column.changed]));
    if few_changed || rows.inexact != Inexact::default() {
        // As many examples as there are rows would count them.
        for kind in [SampleKind::Changed, SampleKind::Added, SampleKind::Removed] {
            let mut seen = 0;
            diff.samples.retain(|sample| {
                seen += u8::from(sample.kind == kind);
                sample.kind != kind || seen == 1
            });
        }
    }
    // Whether something was told less exactly than it was counted would itself say something.
    let few_nulls = diff.columns.iter().any(|column| has_few(&[column.nulls.baseline, column.nulls.current]));
    if few_changed || rows.inexact != Inexact::default() || (few_nulls && diff.differs()) {
        diff.notes.push(format!(
            "counts from 1 to {} are not told, and neither is exactly what they would follow from",
            least - 1
        ));
    }
}

/// The least count that is told.
#[derive(Debug, Clone, Copy)]
struct Few {
    least: u64,
}

impl Few {
    fn hides(self, count: u64) -> bool {
        (1..self.least).contains(&count)
    }

    fn coarse(self, count: u64) -> u64 {
        if self.hides(count) { self.least - 1 } else { count }
    }

    /// What is known for certain of what is told: nothing of a hidden count.
    fn certain(self, count: u64) -> u64 {
        if self.hides(count) { 0 } else { count }
    }

    /// What a count can be as far as it is told.
    fn range(self, count: u64) -> (i128, i128) {
        if self.hides(count) { (1, i128::from(self.least) - 1) } else { (i128::from(count), i128::from(count)) }
    }

    fn both(self, counts: &mut Change<u64>) {
        *counts = counts.map(|count| self.coarse(count));
    }

    /// Duplicates and NULLs of keys; returns the columns of keys of which some are hidden.
    fn keys(self, diff: &mut TableDiff) -> Vec<String> {
        let mut names = Vec::new();
        let mut look = |columns: &[String], counts: [Option<&mut Change<u64>>; 2]| {
            for counts in counts.into_iter().flatten() {
                if self.hides(counts.baseline) || self.hides(counts.current) {
                    names.extend(columns.iter().cloned());
                }
                self.both(counts);
            }
        };
        if let Method::Keyed { key, facts, .. } = &mut diff.method {
            look(key, [Some(&mut facts.duplicates), Some(&mut facts.nulls)]);
        }
        for key in &mut diff.rejected_keys {
            look(&key.columns, [key.duplicates.as_mut(), key.nulls.as_mut()]);
        }
        names
    }

    /// The counts of rows as they may be told, and whether even production's rows may not.
    fn rows(self, truth: RowCounts, diff: &TableDiff) -> (RowCounts, bool) {
        let mut rows = truth;
        (rows.added, rows.removed) = (self.coarse(truth.added), self.coarse(truth.removed));
        rows.changed = self.coarse(truth.changed);
        let (Some(baseline), Some(_), true) = (truth.total.baseline, truth.total.current, diff.is_compared()) else {
            rows.total = truth.total.map(|total| total.map(|rows| self.coarse(rows)));
            rows.unchanged = self.coarse(truth.unchanged);
            let is_tiny = rows.total != truth.total;
            return (rows, is_tiny);
        };
        // Each changed row changed in some column: where the columns that are told do not explain all of them, the
        // others do.
        let changed = diff.columns.iter().filter_map(|column| column.changed);
        let explained = changed.clone().fold(0_u64, |sum, rows| sum.saturating_add(self.certain(rows)));
        let unexplained = changed.filter(|rows| self.hides(*rows)).count() as u64;
        let mut most_changed = rows.changed;
        if !self.hides(truth.changed) && explained < truth.changed && unexplained > 0 {
            rows.changed = self.least.max(explained + 1);
            rows.inexact.changed = true;
            most_changed = rows.changed.max(explained + unexplained * (self.least - 1));
        }
        let mut is_tiny = false;
        let parts = [truth.removed, truth.changed, truth.unchanged];
        if parts.into_iter().any(|count| self.hides(count)) || rows.inexact.changed {
            let rest = baseline.checked_sub(rows.removed).and_then(|rest| rest.checked_sub(most_changed));
            if rest.is_some_and(|rest| rest >= self.least) {
                rows.unchanged = baseline - rows.removed - rows.changed;
                rows.inexact.unchanged = true;
            } else {
                // So few rows that the sum of all gives the parts away.
                is_tiny = true;
                rows.unchanged = if truth.unchanged == 0 { 0 } else { self.least - 1 };
                rows.total.baseline = Some(rows.removed + rows.changed + rows.unchanged);
                rows.inexact.baseline = true;
                rows.inexact.unchanged = truth.unchanged > 0;
            }
        }
        rows.total.current = Some(rows.added + rows.changed + rows.unchanged);
        rows.inexact.current = is_tiny || self.hides(truth.removed) || self.hides(truth.added);
        (rows, is_tiny)
    }
}

/// What is hidden of the rows of a comparison.
struct Hidden {
    few: Few,
    /// As counted.
    truth: RowCounts,
    /// As told.
    rows: RowCounts,
    is_tiny: bool,
    is_compared: bool,
}

impl Hidden {
    fn any_row(&self) -> bool {
        let RowCounts { added, removed, changed, .. } = self.truth;
        [added, removed, changed].into_iter().any(|count| self.few.hides(count))
    }

    fn column(&self, column: &mut ColumnDiff, is_compared: bool, keys: &[String]) {
        let few = self.few;
        let known = self.truth.total.baseline.zip(column.nulls.baseline).filter(|_| self.is_compared);
        // Of NULLs among so few rows, or among rows with few values, too much would follow.
        let few_values =
            known.is_some_and(|(rows, nulls)| rows < 2 * few.least || few.hides(rows.saturating_sub(nulls)));
        if self.is_tiny || few_values {
            // Where almost all rows are gone or changed, and there are many, gates are to see by tenths what became of a
            // column.
            let tenths = |nulls: Option<u64>, rows: Option<u64>| {
                let rows = rows.filter(|rows| self.is_tiny && *rows >= 20 * few.least)?;
                Some((nulls?.saturating_mul(10) + rows / 2) / rows * rows / 10)
            };
            *column = ColumnDiff {
                changed: column.changed.map(|rows| few.coarse(rows)),
                nulls: Change {
                    baseline: tenths(column.nulls.baseline, self.rows.total.baseline),
                    current: tenths(column.nulls.current, self.rows.total.current),
                },
                ..ColumnDiff::unknown(&column.name, column.data_type.clone())
            };
            return;
        }
        let nulls = column.nulls.map(Option::unwrap_or_default);
        let is_plain = self.is_plain(column);
        // In how many rows a value came or went tells how many rows did otherwise.
        let all = column.changed.filter(|_| is_plain);
        if all.is_none() || (column.became_null != all && column.was_null != all) {
            (column.became_null, column.was_null) = (None, None);
        }
        let (flow, flow_of_nulls) = (self.flow(column, is_compared), self.flow_of_nulls(column, is_compared));
        if column.changed.is_some_and(|rows| few.hides(rows)) {
            column.change = None;
        }
        column.changed = column.changed.map(|rows| few.coarse(rows));
        let told = self.nulls(nulls, &flow_of_nulls);
        column.nulls.baseline = column.nulls.baseline.map(|_| told.baseline);
        column.nulls.current = column.nulls.current.map(|_| told.current);
        if !is_plain {
            self.profiles(column, nulls, &flow);
            if keys.contains(&column.name) {
                column.profile.baseline.iter_mut().chain(&mut column.profile.current).for_each(no_distinct);
            }
        }
    }

    /// Whether no count of the column is hidden, nor one that its counts add up with. The least that is told of NULLs here
    /// may stand for fewer.
    fn is_plain(&self, column: &ColumnDiff) -> bool {
        let rows = self.is_compared.then_some([self.truth.added, self.truth.removed]);
        let counts = [column.nulls.baseline, column.changed].into_iter().flatten();
        let here = column.nulls.current.unwrap_or_default();
        !(1..=self.few.least).contains(&here)
            && !counts.chain(rows.into_iter().flatten()).any(|count| self.few.hides(count))
    }

    /// NULLs of both sides, given what is told of the rows.
    fn nulls(&self, nulls: Change<u64>, flow: &Flow) -> Change<u64> {
        let few = self.few;
        let baseline = few.coarse(nulls.baseline);
        let told = |current| Change { baseline, current };
        if !self.is_compared {
            return told(few.coarse(nulls.current));
        }
        let range = if few.hides(nulls.baseline) { (1, few.least - 1) } else { (nulls.baseline, nulls.baseline) };
        if nulls.current == 0 && (range.0 < few.least || flow.allows((0, 0), range)) {
            return told(0);
        }
        let any = nulls.baseline < few.least || flow.allows((1, few.least), range);
        if few.hides(nulls.current) && any {
            return told(few.least - 1);
        }
        told(flow.clamp(nulls.current, range).max(few.least))
    }

    /// By how much a count of values can change with the rows, as far as it follows from what is told.
    fn flow(&self, column: &ColumnDiff, is_compared: bool) -> Flow {
        let few = self.few;
        let (added, removed) = (few.certain(self.truth.added), few.certain(self.truth.removed));
        // At least so many rows are here whatever the hidden counts are.
        let rows = self.rows.total.baseline.unwrap_or_default().saturating_sub(self.rows.removed);
        let rows = rows + if few.hides(self.truth.added) { 1 } else { added };
        let changed = few.certain(column.changed.unwrap_or_default());
        let [added, removed, changed] = [added, removed, changed].map(i128::from);
        let (least, most) = if is_compared { (-changed - removed, changed + added) } else { (OPEN.0, OPEN.1) };
        Flow { least, most, rows: i128::from(rows) }
    }

    /// The same of NULLs: only a NULL can become a value and only a value a NULL, and where there are few of either, rows
    /// that are gone were of the other kind.
    fn flow_of_nulls(&self, column: &ColumnDiff, is_compared: bool) -> Flow {
        let few = self.few;
        let flow = self.flow(column, is_compared);
        let (Some(changed), Some(nulls), true) = (column.changed, column.nulls.baseline, is_compared) else {
            return flow;
        };
        let (least_nulls, most_nulls) = few.range(nulls);
        let values = i128::from(self.truth.total.baseline.unwrap_or_default()) - most_nulls;
        let is_plain = self.is_plain(column);
        let is_all = |rows: Option<u64>| is_plain && rows == column.changed;
        let (became, was) = (is_all(column.became_null), is_all(column.was_null));
        let not_all = i128::from(is_plain && changed > 0);
        let (mut least, mut most) = (i128::MIN, i128::MAX);
        let ends = |(one, other)| [one, other];
        for changed in ends(few.range(changed)) {
            for removed in ends(few.range(self.truth.removed)) {
                let (fewest, of_values) = if became {
                    (changed - removed.min(least_nulls), changed)
                } else if was {
                    (-changed - removed.min(least_nulls - changed), 0)
                } else {
                    // That not all of them became NULL, or were, is known from what is told of those that did.
                    (-(changed - not_all + removed).min(least_nulls), changed.min(values))
                };
                let gone = removed - removed.min(values - of_values);
                let came = if became { changed } else { of_values.min(changed - not_all) };
                least = least.max(fewest);
                most = most.min(if was { -changed } else { came - (changed - of_values) } - gone);
            }
        }
        Flow { least, most: most + few.range(self.truth.added).0, ..flow }
    }

    /// What the columns hold beside NULLs.
    fn profiles(&self, column: &mut ColumnDiff, nulls: Change<u64>, flow: &Flow) {
        let few = self.few;
        let certain = flow.least < flow.most;
        column.drift = column.drift.filter(|_| certain).map(|drift| super::ColumnDrift {
            psi: drift.psi.map(hundredths),
            ks: drift.ks.map(hundredths),
            js: drift.js.map(hundredths),
            ..drift
        });
        let profile = &mut column.profile;
        let before = profile.baseline.as_ref().and_then(|profile| profile.distinct);
        if let (Some(before), Some(after)) = (before, &mut profile.current) {
            after.distinct = after.distinct.map(|distinct| flow.clamp(distinct, (before, before)));
        }
        let total = self.truth.total.map(Option::unwrap_or_default);
        let any_null = nulls != Change::default();
        for (profile, nulls, total, is_here) in [
            (&mut profile.baseline, nulls.baseline, total.baseline, false),
            (&mut profile.current, nulls.current, total.current, self.is_compared),
        ] {
            let Some(profile) = profile else { continue };
            // The rows that have a value are as many as the distinct values of a column that is unique.
            if few.hides(nulls) || (is_here && any_null) {
                no_distinct(profile);
            }
            profile.mean = profile.mean.map(|mean| blunt(mean, total));
            profile.stddev = profile.stddev.map(|stddev| blunt(stddev, total));
        }
    }

    /// What counts rows besides: it must not say more than the counts of rows do.
    fn slices_and_renames(&self, diff: &mut TableDiff) {
        let few = self.few;
        let different = self.truth.added + self.truth.removed + self.truth.changed;
        let any = self.any_row() || self.rows.inexact != Inexact::default();
        diff.slices.retain(|slice| !any && slice.affected >= few.least && !few.hides(different - slice.affected));
        let pairs = self.rows.total.baseline.unwrap_or_default().saturating_sub(self.rows.removed);
        for renamed in &mut diff.schema.renamed {
            let others = few.coarse(renamed.looked_at.saturating_sub(renamed.equal));
            if any {
                renamed.looked_at = renamed.looked_at.min(pairs);
            }
            renamed.equal = renamed.looked_at.saturating_sub(others);
        }
    }
}

/// A difference that nothing limits, because values of the column were not compared.
const OPEN: (i128, i128) = (-(1 << 100), 1 << 100);

/// By how much a count can have changed from production to the pull request.
struct Flow {
    least: i128,
    most: i128,
    /// The most that it can be for certain.
    rows: i128,
}

impl Flow {
    /// The count as far as what is told explains it, whatever production's in this range is.
    fn clamp(&self, count: u64, before: (u64, u64)) -> u64 {
        let most = (i128::from(before.0) + self.most).min(self.rows);
        let least = (i128::from(before.1) + self.least).min(most);
        u64::try_from(i128::from(count).clamp(least, most)).unwrap_or_default()
    }

    /// Whether the count can be anything from one number to another.
    fn allows(&self, wanted: (u64, u64), before: (u64, u64)) -> bool {
        let [wanted, before] = [wanted, before].map(|(least, most)| (i128::from(least), i128::from(most)));
        before.1 + self.least <= wanted.0 && before.0 + self.most >= wanted.1
    }
}

fn no_distinct(profile: &mut ColumnProfile) {
    profile.distinct = None;
}

fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

/// With so few digits that it does not say what the sum was divided by.
fn blunt(figure: f64, rows: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number of digits follows from it")]
    let least = (figure.abs() * 1e-3).max(2.0 / rows.max(1) as f64);
    let unit = 10_f64.powf(least.log10().ceil());
    let rounded = (figure / unit).round() * unit;
    format!("{rounded:.12e}").parse().unwrap_or(rounded)
}

#[cfg(test)]
mod tests;
