//! The checksum of an enforced contract, equal to dbt's, and what a contract demands.

use serde_json::Value as Json;

use super::python_text::repr;
use crate::model::{ColumnInfo, Node};
use crate::project::sha256;

/// Of the columns by name, their types and constraints; where the materialization enforces constraints, of it and the
/// model's own constraints too.
pub(super) fn checksum(node: &Node, constraints: &[Json]) -> String {
    let mut columns: Vec<&ColumnInfo> = node.columns.values().collect();
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    let mut state = String::new();
    for column in columns {
        state.push('|');
        state.push_str(&column.name);
        state.push_str(column.data_type.as_deref().unwrap_or("None"));
        state.push_str(&list("ColumnLevelConstraint", &column.constraints));
    }
    if matches!(node.materialized(), "table" | "incremental") {
        state.push_str(node.materialized());
        state.push_str(&list("ModelLevelConstraint", constraints));
    }
    sha256(&state)
}

fn list(class: &str, constraints: &[Json]) -> String {
    let shown: Vec<String> = constraints.iter().map(|constraint| shown(class, constraint)).collect();
    format!("[{}]", shown.join(", "))
}

/// A constraint as Python prints dbt's class of it.
fn shown(class: &str, constraint: &Json) -> String {
    let fields: Vec<String> = constraint
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| match (key.as_str(), value.as_str()) {
            ("type", Some(kind)) => format!("type=<ConstraintType.{kind}: '{kind}'>"),
            _ => format!("{key}={}", repr(value)),
        })
        .collect();
    format!("{class}({})", fields.join(", "))
}
