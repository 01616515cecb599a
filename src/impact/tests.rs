//! Words of evidence.

use super::words::summary;
use crate::lineage::Evidence;

#[test]
fn what_is_alike_is_told_together_and_many_names_are_counted() {
    let named = |kind: &'static str, name: &str| Evidence { column: Some(name.into()), ..Evidence::of(kind) };
    let mut evidence =
        vec![named("column_removed", "a"), named("expression_changed", "b"), named("column_removed", "c")];
    assert_eq!(summary(&evidence), "removed: a, c; computed differently: b");
    evidence.extend((0..6).map(|at| named("expression_changed", &format!("d{at}"))));
    assert_eq!(summary(&evidence), "removed: a, c; computed differently: b, d0, d1, d2, d3 and 2 more");
}
