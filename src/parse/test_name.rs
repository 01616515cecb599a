//! Names and ids of generic tests, equal to dbt's to the letter: tests are compared across runs by them.

use md5::{Digest, Md5};
use serde_json::Value as Json;

use super::python_text::{str, write_quoted};
use crate::model::JsonMap;

/// The longest name that a file, an alias and a relation may have.
const MAX: usize = 63;

/// A test's name in full, and short enough for an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestName {
    pub(super) full: String,
    pub(super) short: String,
}

/// `kind` is the test's name with what stands before it (`source_`, a namespace), `target` the tested thing's name.
pub(super) fn synthesize(kind: &str, target: &str, kwargs: &JsonMap) -> TestName {
    let mut names: Vec<&String> = kwargs.keys().filter(|name| *name != "model").collect();
    names.sort();
    let mut parts: Vec<String> = Vec::new();
    for name in names {
        match &kwargs[name] {
            Json::Object(map) => parts.extend(map.values().map(str)),
            Json::Array(items) => parts.extend(items.iter().map(str)),
            other => parts.push(str(other)),
        }
    }
    let clean: Vec<String> = parts.iter().map(|part| only_word_characters(part)).collect();
    let identifier = format!("{kind}_{target}");
    let full = format!("{identifier}_{}", clean.join("__"));
    let short = if full.chars().count() > MAX {
        let start: String = identifier.chars().take(30).collect();
        format!("{start}_{}", md5(&full))
    } else {
        full.clone()
    };
    TestName { full, short }
}

/// Every run of other characters becomes one underscore.
fn only_word_characters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_run = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
            in_run = false;
        } else if !in_run {
            out.push('_');
            in_run = true;
        }
    }
    out
}

/// The ten characters at the end of a generic test's id.
pub(super) fn hash(name: &str, namespace: Option<&str>, test: &str, kwargs: &JsonMap) -> String {
    let mut hashed = format!("{name}{{'kwargs': ");
    write_sorted_map(kwargs, &mut hashed);
    hashed.push_str(", 'name': ");
    write_quoted(test, &mut hashed);
    hashed.push_str(", 'namespace': ");
    write_quoted(namespace.unwrap_or("None"), &mut hashed);
    hashed.push('}');
    let digest = md5(&hashed);
    digest[digest.len() - 10..].to_owned()
}

/// Python's text of the value with its keys in order and every leaf as text.
fn write_sorted(value: &Json, out: &mut String) {
    match value {
        Json::Object(map) => write_sorted_map(map, out),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write_sorted(item, out);
            }
            out.push(']');
        }
        Json::String(text) => write_quoted(text, out),
        leaf => write_quoted(&str(leaf), out),
    }
}

fn write_sorted_map(map: &JsonMap, out: &mut String) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    out.push('{');
    for (at, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        write_quoted(key, out);
        out.push_str(": ");
        write_sorted(value, out);
    }
    out.push('}');
}

fn md5(text: &str) -> String {
    format!("{:x}", Md5::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{hash, synthesize};
    use crate::model::JsonMap;

    #[expect(clippy::needless_pass_by_value, reason = "callers write the JSON in place")]
    fn map(value: serde_json::Value) -> JsonMap {
        value.as_object().unwrap().clone()
    }

    // The expected values are what dbt-core 1.11 gives for the same tests.
    #[test]
    fn names_are_dbts() {
        let kwargs = map(json!({"values": ["a", "c d"], "quote": false, "column_name": "a", "model": "x"}));
        assert_eq!(synthesize("accepted_values", "m", &kwargs).full, "accepted_values_m_a__False__a__c_d");
        let kwargs = map(json!({"to": "ref('pm')", "field": "a", "column_name": "a"}));
        assert_eq!(synthesize("relationships", "m", &kwargs).full, "relationships_m_a__a__ref_pm_");
    }

    #[test]
    fn long_names_are_cut_and_hashed() {
        let values = ["aaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "c d"];
        let kwargs = map(json!({"values": values, "quote": false, "column_name": "a"}));
        let name = synthesize("accepted_values", "m", &kwargs);
        assert_eq!(name.short, "accepted_values_m_72125399f306a99a5085b4fb9c93134d");
        let model = "{{ get_where_subquery(ref('m')) }}";
        let kwargs = map(json!({"values": values, "quote": false, "column_name": "a", "model": model}));
        assert_eq!(hash(&name.full, None, "accepted_values", &kwargs), "8a761d7eb7");
    }

    #[test]
    fn ids_are_dbts() {
        let kwargs = map(json!({"column_name": "customer_id", "model": "{{ get_where_subquery(ref('customers')) }}"}));
        assert_eq!(hash("unique_customers_customer_id", None, "unique", &kwargs), "c5af1ff4b1");
    }
}
