//! Counts of rows in words: what a policy hides is told as being below its least count, what follows from it roughly.

use super::words::{count, count_of, share};
use crate::diff::{ColumnDiff, Method, TableDiff};
use crate::model::Change;

/// The mark of how much of a comparison's counts may be told, as `< 5`; none of a count that may.
pub(super) fn below(diff: &TableDiff, number: u64) -> Option<String> {
    (number > 0 && number < diff.min_count).then(|| format!("< {}", count(diff.min_count)))
}

/// A count, or what it is at least.
pub(super) fn least(is_inexact: bool, number: u64) -> String {
    format!("{}{}", if is_inexact { "≥ " } else { "" }, count(number))
}

/// `1,024`, `≈ 1,024`, `< 5`.
fn side(diff: &TableDiff, number: u64, is_inexact: bool) -> String {
    match below(diff, number) {
        _ if is_inexact => format!("≈ {}", count(number)),
        Some(few) => few,
        None => count(number),
    }
}

fn sides(diff: &TableDiff) -> Change<Option<String>> {
    let (total, inexact) = (diff.rows.total, diff.rows.inexact);
    Change {
        baseline: total.baseline.map(|rows| side(diff, rows, inexact.baseline)),
        current: total.current.map(|rows| side(diff, rows, inexact.current)),
    }
}

fn with_noun(words: Option<String>) -> String {
    let words = words.unwrap_or_else(|| "0".to_owned());
    format!("{words} row{}", if words == "1" { "" } else { "s" })
}

/// `6,021 rows`, of the pull request's side.
pub(super) fn rows_here(diff: &TableDiff) -> String {
    with_noun(sides(diff).current)
}

/// `6,021 rows`, of production's.
pub(super) fn rows_in_production(diff: &TableDiff) -> String {
    with_noun(sides(diff).baseline)
}

/// Rows, added, removed, changed.
pub(super) fn figures(diff: &TableDiff) -> [String; 4] {
    let total = diff.rows.total;
    let rows = match (sides(diff).baseline, sides(diff).current) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (_, Some(rows)) | (Some(rows), None) => rows,
        (None, None) => String::new(),
    };
    if !diff.is_compared() {
        return [rows, String::new(), String::new(), String::new()];
    }
    let (before, after) = (total.baseline.unwrap_or_default(), total.current.unwrap_or_default());
    let part = |rows: u64, of: u64| below(diff, rows).unwrap_or_else(|| count_of(rows, of));
    let changed = match diff.method {
        Method::Checksum | Method::Keyed { .. } if diff.rows.inexact.changed => least(true, diff.rows.changed),
        Method::Checksum | Method::Keyed { .. } => part(diff.rows.changed, before),
        _ => "–".to_owned(),
    };
    [rows, part(diff.rows.added, after), part(diff.rows.removed, before), changed]
}

/// The share of NULLs on each side, as shown; empty on a side that does not have the column.
pub(super) fn null_share(diff: &TableDiff, column: &ColumnDiff) -> Change<String> {
    let side = |nulls: Option<u64>, total: Option<u64>| match (nulls, total) {
        (Some(nulls), Some(total @ 1..)) => below(diff, nulls).unwrap_or_else(|| share(nulls, total)),
        _ => String::new(),
    };
    Change {
        baseline: side(column.nulls.baseline, diff.rows.total.baseline),
        current: side(column.nulls.current, diff.rows.total.current),
    }
}

/// The rows in which a column changed, and in how many of them to NULL.
pub(super) fn changed_words(diff: &TableDiff, column: &ColumnDiff) -> String {
    let of = diff.rows.total.baseline.unwrap_or_default();
    let words = |rows: u64| below(diff, rows).unwrap_or_else(|| count_of(rows, of));
    let Some(changed) = column.changed else { return String::new() };
    match column.became_null.unwrap_or_default() {
        0 => words(changed),
        all if all == changed => format!("{}, all to NULL", words(changed)),
        some => format!("{}, {} to NULL", words(changed), below(diff, some).unwrap_or_else(|| count(some))),
    }
}

/// A number of rows in a sentence: `fewer than 5 rows`, `at least 5 rows`.
pub(super) fn rows_in_words(diff: &TableDiff, number: u64, noun: &str) -> String {
    if below(diff, number).is_some() {
        return format!("fewer than {} {noun}s", count(diff.min_count));
    }
    super::words::plural(number, noun)
}

#[cfg(test)]
mod tests {
    use super::super::phrases::headline;
    use super::figures;
    use crate::config::Policy;
    use crate::diff::Options;
    use crate::report::example;

    #[test]
    fn a_hidden_count_is_told_as_one_and_what_adds_up_with_it_roughly() {
        let report = example::with_diff(Policy::default(), |diff| {
            (diff.rows.added, diff.rows.removed, diff.rows.changed, diff.rows.unchanged) = (2, 0, 7, 993);
            diff.rows.total.current = Some(1002);
            diff.columns.iter_mut().for_each(|column| column.changed = Some(7));
            Options { min_count: 5, ..Options::default() }.redact(diff);
        });
        let diff = report.models[0].diff.as_ref().unwrap();
        assert_eq!(figures(diff), ["1,000 → ≈ 1,004", "< 5", "0", "7 (0.7 %)"]);
        assert_eq!(headline(diff), "7 of 1,000 rows changed (0.7 %), < 5 rows added");
        let tiny = example::with_diff(Policy::default(), |diff| {
            (diff.rows.added, diff.rows.removed, diff.rows.changed, diff.rows.unchanged) = (0, 0, 1, 2);
            diff.rows.total = diff.rows.total.map(|_| Some(3));
            Options { min_count: 5, ..Options::default() }.redact(diff);
        });
        let diff = tiny.models[0].diff.as_ref().unwrap();
        assert_eq!(figures(diff), ["≈ 8", "0", "0", "< 5"]);
        assert_eq!(headline(diff), "< 5 of ≈ 8 rows changed");
    }
}
