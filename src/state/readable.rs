//! Where two values of JSON differ, in words: lists of named things are matched by name, and only what differs is said.

use serde_json::Value as Json;

/// Differences that are spelled out.
const SHOWN: usize = 3;
/// The longest value, in characters.
const LONGEST: usize = 60;

/// e.g. `measures.cents.agg: sum → max`; none when one of the values is not there at all.
pub(super) fn difference(what: &str, old: &Json, new: &Json) -> String {
    let mut found = Vec::new();
    differences(what, old, new, &mut found);
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    let mut said = found.join("; ");
    if more > 0 {
        said.push_str("; and more");
    }
    said
}

fn differences(path: &str, old: &Json, new: &Json, found: &mut Vec<String>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Json::Object(before), Json::Object(after)) => {
            for (key, value) in before {
                member(&format!("{path}.{key}"), Some(value), after.get(key), found);
            }
            for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                member(&format!("{path}.{key}"), None, Some(value), found);
            }
        }
        (Json::Array(before), Json::Array(after)) if is_named(before) && is_named(after) => {
            let find = |list: &[Json], wanted: &str| list.iter().position(|one| name(one) == Some(wanted));
            for one in before {
                let Some(wanted) = name(one) else { continue };
                let now = find(after, wanted).map(|at| &after[at]);
                member(&format!("{path}.{wanted}"), Some(one), now, found);
            }
            for one in after {
                let Some(wanted) = name(one).filter(|wanted| find(before, wanted).is_none()) else { continue };
                member(&format!("{path}.{wanted}"), None, Some(one), found);
            }
            if found.is_empty() {
                found.push(format!("{path}: in another order"));
            }
        }
        (Json::Array(before), Json::Array(after))
            if before.len() == after.len() && before.iter().any(Json::is_object) =>
        {
            for (at, (old, new)) in before.iter().zip(after).enumerate() {
                differences(&format!("{path}[{at}]"), old, new, found);
            }
        }
        _ => found.push(format!("{path}: {} → {}", shown(old), shown(new))),
    }
}

/// Something that one side may not have.
fn member(path: &str, old: Option<&Json>, new: Option<&Json>, found: &mut Vec<String>) {
    match (old, new) {
        (Some(old), Some(new)) => differences(path, old, new, found),
        (Some(old), None) if old.is_object() => found.push(format!("{path} removed")),
        (None, Some(new)) if new.is_object() => found.push(format!("{path} added")),
        (Some(old), None) => found.push(format!("{path}: {} → not set", shown(old))),
        (None, Some(new)) => found.push(format!("{path}: not set → {}", shown(new))),
        (None, None) => {}
    }
}

/// A list whose entries all have names of their own.
fn is_named(list: &[Json]) -> bool {
    let names: Vec<&str> = list.iter().filter_map(name).collect();
    let own = names.iter().collect::<std::collections::HashSet<_>>().len();
    names.len() == list.len() && own == list.len()
}

/// What an entry is called: of a semantic model's element, or of a unit test's input.
fn name(entry: &Json) -> Option<&str> {
    entry.get("name").or_else(|| entry.get("input"))?.as_str()
}

/// A value in one line, without the marks of JSON where it reads well without.
fn shown(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(shown).collect::<Vec<_>>().join(", ")
        }
        Json::Array(items) if !items.is_empty() && items.iter().all(|item| name(item).is_some()) => {
            items.iter().filter_map(name).collect::<Vec<_>>().join(", ")
        }
        Json::Null => "null".to_owned(),
        other => other.to_string(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "nothing".to_owned();
    }
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::difference;

    #[test]
    fn only_what_differs_is_said_by_its_name() {
        let old = json!([{"name": "cents", "agg": "sum"}, {"name": "ids", "agg": "count"}]);
        let new = json!([{"name": "cents", "agg": "max"}, {"name": "days", "agg": "count"}]);
        assert_eq!(
            difference("measures", &old, &new),
            "measures.cents.agg: sum → max; measures.ids removed; measures.days added"
        );
        let old = json!({"metrics": ["a"], "group_by": ["x", "y"]});
        let new = json!({"metrics": ["a"], "group_by": ["x"], "where": "z > 1"});
        assert_eq!(difference("query", &old, &new), "query.group_by: x, y → x; query.where: not set → z > 1");
        let rows = |id: i32| json!([{"input": "ref('orders')", "rows": [{"id": 1}, {"id": id}]}]);
        assert_eq!(difference("given", &rows(2), &rows(3)), "given.ref('orders').rows[1].id: 2 → 3");
        let order = |names: [&str; 2]| json!(names.map(|name| json!({"name": name})));
        assert_eq!(difference("m", &order(["a", "b"]), &order(["b", "a"])), "m: in another order");
        assert_eq!(difference("type", &json!("a"), &json!("b")), "type: a → b");
    }

    #[test]
    fn many_differences_are_cut_by_whole_ones() {
        let all =
            |value: i32| json!((0..9).map(|at| (format!("k{at}"), value)).collect::<std::collections::HashMap<_, _>>());
        assert!(difference("x", &all(1), &all(2)).ends_with("; and more"));
    }
}
