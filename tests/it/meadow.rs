//! The manifest of `fixtures/meadow`, which has one of everything that dbt reads, against the one dbt-core wrote.

use serde_json::{Map, Value};

use crate::support::cli::{Sandbox, copy, fixture};

/// What dbt keeps of itself, of the run or of the machine.
const LEFT_OUT: [&str; 6] = ["created_at", "build_path", "root_path", "compiled_path", "deferred", "doc_blocks"];

#[test]
fn every_entry_is_what_dbt_makes_of_it() {
    let sandbox = Sandbox::with_fixture("meadow");
    copy(&fixture("meadow/local/hedge"), &sandbox.join("dbt_packages/hedge"));
    sandbox.ok(["parse", "--profiles-dir", "."]);
    let ours: Value = serde_json::from_str(&sandbox.read("target/manifest.json")).unwrap();
    let golden: Value = serde_json::from_str(&sandbox.read("golden/manifest.json")).unwrap();
    let mut differences = Vec::new();
    for (section, theirs) in golden.as_object().unwrap() {
        let theirs = theirs.as_object().unwrap();
        let mine = ours[section].as_object().cloned().unwrap_or_default();
        let is_built_in = |id: &str| ["macro.dbt.", "macro.dbt_duckdb.", "doc.dbt."].iter().any(|p| id.starts_with(p));
        differences.extend(
            mine.keys().filter(|id| !is_built_in(id) && !theirs.contains_key(*id)).map(|id| format!("added {id}")),
        );
        for (id, theirs) in theirs {
            match mine.get(id) {
                None => differences.push(format!("missing {id}")),
                Some(mine) => compare(section, id, theirs, mine, &mut differences),
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn compare(section: &str, id: &str, theirs: &Value, mine: &Value, differences: &mut Vec<String>) {
    let mine = match section {
        "disabled" => Value::from(mine.as_array().map_or(0, Vec::len)),
        _ => trimmed(mine),
    };
    let (Value::Object(theirs), Value::Object(mine)) = (theirs, &mine) else {
        if sorted(theirs) != sorted(&mine) {
            differences.push(format!("{section} of {id}\n    dbt  {theirs}\n    ours {mine}"));
        }
        return;
    };
    for key in theirs.keys().chain(mine.keys().filter(|key| !theirs.contains_key(*key))) {
        let (left, right) = (theirs.get(key).unwrap_or(&Value::Null), mine.get(key).unwrap_or(&Value::Null));
        let is_equal = match key.as_str() {
            // Its lists have no order.
            "depends_on" => ["macros", "nodes"].iter().all(|part| sorted(&left[part]) == sorted(&right[part])),
            _ => left == right,
        };
        if !is_equal {
            differences.push(format!("{key} of {id}\n    dbt  {left}\n    ours {right}"));
        }
    }
}

fn trimmed(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| !LEFT_OUT.contains(&key.as_str()) && !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), trimmed(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(trimmed).collect(),
        other => other.clone(),
    }
}

fn sorted(value: &Value) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let mut items = items.clone();
    items.sort_by_key(Value::to_string);
    Value::Array(items)
}
