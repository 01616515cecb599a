//! What the columns of two engines hold, as far as it can be compared.

use super::super::outcome::{ColumnDiff, ColumnProfile};
use crate::model::{Change, Value};

/// Leaves out of a column's profiles what differs by engine and not by data, and writes values alike. `rows` are those
/// of both sides.
pub(super) fn align(column: &mut ColumnDiff, rows: Change<Option<u64>>) {
    let has_values = |rows: Option<u64>, nulls: Option<u64>| rows > nulls;
    let has_values = Change {
        baseline: has_values(rows.baseline, column.nulls.baseline),
        current: has_values(rows.current, column.nulls.current),
    };
    let Change { baseline: Some(baseline), current: Some(current) } = &mut column.profile else { return };
    for profile in [&mut *baseline, &mut *current] {
        profile.min = profile.min.take().map(alike);
        profile.max = profile.max.take().map(alike);
    }
    // One engine has an order of this type, and the other none.
    let lacks = |profile: &ColumnProfile, has_values: bool| has_values && profile.min.is_none();
    if lacks(baseline, has_values.baseline) || lacks(current, has_values.current) {
        (baseline.min, baseline.max, current.min, current.max) = (None, None, None, None);
    }
    // Each engine has hashes of its own, and so estimates of its own.
    if baseline.distinct_is_estimate || current.distinct_is_estimate {
        (baseline.distinct, current.distinct) = (None, None);
    }
}

/// The value in one way of writing it.
fn alike(value: Value) -> Value {
    match value {
        Value::Decimal(text) if text.contains('.') => {
            Value::Decimal(text.trim_end_matches('0').trim_end_matches('.').to_owned())
        }
        Value::Date(text) => Value::Date(era(text)),
        Value::Timestamp(text) => Value::Timestamp(era(text)),
        value => value,
    }
}

/// Years before Christ are marked behind the whole.
fn era(text: String) -> String {
    if text.contains(" (BC)") { text.replace(" (BC)", "") + " BC" } else { text }
}

#[cfg(test)]
mod tests {
    use super::{Value, alike};

    #[test]
    fn values_of_two_engines_are_written_alike() {
        let decimal = |text: &str| Value::Decimal(text.to_owned());
        assert_eq!([alike(decimal("-7.500")), alike(decimal("100.00"))], [decimal("-7.5"), decimal("100")]);
        assert_eq!(alike(decimal("100")), decimal("100"));
        let date = |text: &str| Value::Date(text.to_owned());
        assert_eq!(alike(date("0044-03-15 (BC)")), date("0044-03-15 BC"));
    }
}
