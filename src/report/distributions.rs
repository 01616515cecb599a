//! What each column of a comparison holds on both sides and how far it moved, as the cells of a table.

use super::values;
use super::words::count;
use crate::diff::{ColumnDiff, ColumnDrift, ColumnProfile, DriftGap, TableDiff};
use crate::model::{Change, Value};

/// How much of an extreme is shown, in characters.
const EXTREME: usize = 19;

/// From which index on a column whose figures look the same is shown all the same.
const MOVED: f64 = 0.01;

/// The same of a column whose values change by themselves.
const MOVED_BEYOND_NOISE: f64 = 0.1;

/// The header, and the columns that are set to the right.
pub(super) const HEADER: [&str; 6] = ["Column", "Smallest to largest", "Mean", "Distinct", "PSI", "KS or JS"];

/// A line about a column that moved. Production's figure, then the pull request's where they differ as shown.
pub(super) struct Moved<'a> {
    /// The column.
    pub(super) name: &'a str,
    /// The other cells of [`HEADER`].
    pub(super) cells: [String; 5],
}

/// The columns of both sides that moved, the furthest first.
pub(super) fn moved(diff: &TableDiff) -> Vec<Moved<'_>> {
    let both = |column: &&ColumnDiff| diff.is_compared() && column.is_on_both_sides();
    let mut columns: Vec<(f64, Moved<'_>)> =
        diff.columns.iter().filter(both).filter_map(|column| line(diff, column)).collect();
    columns.sort_by(|a, b| b.0.total_cmp(&a.0));
    columns.into_iter().map(|(_, moved)| moved).collect()
}

fn line<'a>(diff: &TableDiff, column: &'a ColumnDiff) -> Option<(f64, Moved<'a>)> {
    let profile = column.profile.as_ref().map(Option::as_ref);
    let texts = profile.map(|profile| [range(profile), mean(profile), distinct(profile)]);
    let drift = column.drift.unwrap_or_default();
    let psi = drift.psi.unwrap_or_default();
    let is_noise = diff.excluded.iter().any(|(name, _)| *name == column.name);
    let limit = if is_noise { MOVED_BEYOND_NOISE } else { MOVED };
    let far = [drift.psi, drift.ks, drift.js].into_iter().flatten().any(|figure| figure >= limit);
    if !far && (is_noise || !texts.is_changed()) {
        return None;
    }
    let [range, mean, distinct] = [0, 1, 2].map(|at| arrow(&texts.baseline[at], &texts.current[at]));
    let cells = [range, mean, distinct, index(&drift), distance(&drift)];
    Some((psi, Moved { name: &column.name, cells }))
}

fn arrow(baseline: &str, current: &str) -> String {
    match (baseline, current) {
        (before, after) if before == after => after.to_owned(),
        ("", after) => format!("– → {after}"),
        (before, "") => format!("{before} → –"),
        (before, after) => format!("{before} → {after}"),
    }
}

fn range(profile: Option<&ColumnProfile>) -> String {
    let (Some(min), Some(max)) = (profile.and_then(|p| p.min.as_ref()), profile.and_then(|p| p.max.as_ref())) else {
        return String::new();
    };
    let shown = |value: &Value| match value {
        Value::Float(number) => short(*number),
        Value::Text(_) => format!("'{}'", values::short(value, EXTREME)),
        // To the second.
        Value::Timestamp(text) => text.chars().take(EXTREME).collect(),
        other => values::short(other, EXTREME),
    };
    format!("{} to {}", shown(min), shown(max))
}

fn mean(profile: Option<&ColumnProfile>) -> String {
    profile.and_then(|profile| profile.mean).map(short).unwrap_or_default()
}

fn distinct(profile: Option<&ColumnProfile>) -> String {
    let Some((profile, distinct)) = profile.and_then(|profile| Some((profile, profile.distinct?))) else {
        return String::new();
    };
    if profile.distinct_is_estimate { format!("≈ {}", count(rounded(distinct))) } else { count(distinct) }
}

/// To three digits.
fn rounded(number: u64) -> u64 {
    let unit = 10_u64.pow(number.checked_ilog10().unwrap_or_default().saturating_sub(2));
    (number + unit / 2) / unit * unit
}

fn index(drift: &ColumnDrift) -> String {
    match (drift.psi, drift.gap) {
        (Some(psi), _) => format!("{psi:.3}"),
        (None, Some(gap)) => gap_words(gap).to_owned(),
        (None, None) => String::new(),
    }
}

fn distance(drift: &ColumnDrift) -> String {
    match (drift.ks, drift.js) {
        (Some(ks), _) => format!("KS {ks:.3}"),
        (None, Some(js)) => format!("JS {js:.3}"),
        (None, None) => String::new(),
    }
}

fn gap_words(gap: DriftGap) -> &'static str {
    match gap {
        DriftGap::NoRows => "a side is empty",
        DriftGap::Types => "not of these types",
        DriftGap::ManyValues => "too many values",
    }
}

/// A number to four digits that count, in full where it is not too long for it.
fn short(number: f64) -> String {
    let size = number.abs();
    if size > 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{number:.3e}");
    }
    let digits = match size {
        1000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        _ => 4,
    };
    let text = format!("{number:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The two figures of a finding, as shown.
pub(super) fn change_of_distinct(column: &ColumnDiff) -> Option<(Change<String>, f64)> {
    let profile = column.profile.as_ref().map(Option::as_ref);
    let (before, after) = (profile.baseline?.distinct?, profile.current?.distinct?);
    #[expect(clippy::cast_precision_loss, reason = "compared with a threshold of a few digits")]
    let share =
        if before == 0 { f64::from(u8::from(after > 0)) } else { before.abs_diff(after) as f64 / before as f64 };
    Some((profile.map(distinct), share))
}

#[cfg(test)]
mod tests {
    use super::{moved, rounded, short};
    use crate::diff::{ColumnDrift, ColumnProfile};
    use crate::model::Value;
    use crate::report::example;

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 12.0, 123_456.0, 1234.567, 0.123_456, 0.000_001_234, 1.5e12, -3.25].map(short);
        assert_eq!(shown, ["0", "12", "123456", "1235", "0.1235", "1.234e-6", "1.500e12", "-3.25"]);
        assert_eq!([0, 7, 1234, 998_765].map(rounded), [0, 7, 1230, 999_000]);
    }

    #[test]
    fn only_columns_that_moved_are_told_of_the_furthest_first() {
        let profile = |mean: f64, max: i128| {
            let (min, max) = (Some(Value::Int(0)), Some(Value::Int(max)));
            Some(ColumnProfile { min, max, mean: Some(mean), distinct: Some(7), ..ColumnProfile::default() })
        };
        let mut report = example::with_diff(crate::config::Policy::default(), |diff| {
            diff.columns[0].profile.baseline = profile(1.0, 9);
            diff.columns[0].profile.current = profile(1.000_01, 9);
            diff.columns[0].drift = Some(ColumnDrift { psi: Some(0.002), ks: Some(0.001), ..ColumnDrift::default() });
            diff.columns[1].profile.baseline = profile(1.0, 9);
            diff.columns[1].profile.current = profile(2.5, 12);
        });
        let diff = report.models[0].diff.as_mut().unwrap();
        let told: Vec<_> = moved(diff).iter().map(|moved| (moved.name.to_owned(), moved.cells.join(" | "))).collect();
        assert_eq!(told, [("status".to_owned(), "0 to 9 → 0 to 12 | 1 → 2.5 | 7 |  | ".to_owned())]);
        diff.columns[0].drift = Some(ColumnDrift { psi: Some(0.3), js: Some(0.25), ..ColumnDrift::default() });
        let first = &moved(diff)[0];
        assert_eq!((first.name, first.cells[3].as_str(), first.cells[4].as_str()), ("order_id", "0.300", "JS 0.250"));
    }
}
