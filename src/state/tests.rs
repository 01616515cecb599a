//! Every reason, against what dbt says.

use super::golden;

#[test]
fn placeholder() {
    let _ = golden::json("zoo/golden/manifest.json");
}
