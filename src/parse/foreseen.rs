//! What a render would see, where that is known without rendering: of dbt's own `accepted_values` and `relationships`
//! with the arguments that nearly all of them have, and of settings that are written as what they mean.

use serde_json::Value as Json;

use super::context::Context;
use super::generic_test::{TestCase, Written, plain_capture};
use crate::jinja::{Capture, Renderer};
use crate::model::{JsonMap, RefArgs};
use crate::project::Project;

/// Which of dbt's own tests, and of what they call, nothing of the project stands in for.
pub(super) struct Foreseen {
    accepted_values: bool,
    relationships: bool,
    /// The macro around the tested model.
    where_subquery: Option<String>,
}

impl Foreseen {
    pub(super) fn new(renderer: &Renderer, project: &Project) -> Self {
        let adapter = project.profile.adapter_type();
        let is_ours = |name: &str| {
            project.all_packages().all(|package| {
                let found = renderer.find_macro(name, &package.name).and_then(|id| id.split('.').nth(1));
                found.is_none_or(|owner| project.package(owner).is_none())
            })
        };
        let all_ours = |name: &str| {
            is_ours(name) && is_ours(&format!("default__{name}")) && is_ours(&format!("{adapter}__{name}"))
        };
        let plain = is_ours("ref") && is_ours("source") && all_ours("get_where_subquery");
        Self {
            accepted_values: plain && all_ours("test_accepted_values"),
            relationships: plain && all_ours("test_relationships"),
            where_subquery: renderer.find_macro("get_where_subquery", "dbt").map(str::to_owned),
        }
    }
}

/// What the render of a test's code would capture; none where only the render can tell.
pub(super) fn capture(
    case: &TestCase<'_>,
    written: &Written,
    macro_id: &str,
    context: &Context<'_>,
) -> Option<Capture> {
    let foreseen = &context.foreseen;
    let (known, keys): (bool, &[&str]) = match macro_id {
        "macro.dbt.test_accepted_values" => (foreseen.accepted_values, &["values", "quote"]),
        "macro.dbt.test_relationships" => (foreseen.relationships, &["to", "field"]),
        _ => return None,
    };
    let arguments = || written.kwargs.iter().filter(|(key, _)| !matches!(key.as_str(), "model" | "column_name"));
    let is_usual = known
        && case.column.is_some()
        && is_itself(&written.config)
        && arguments().all(|(key, value)| keys.contains(&key.as_str()) && (key == "to" || is_constant(value)))
        && written.kwargs.contains_key(keys[0])
        && (keys[0] != "to" || written.kwargs.contains_key("field"));
    if !is_usual {
        return None;
    }
    let mut capture = plain_capture(case, macro_id.to_owned());
    if let Some(to) = written.kwargs.get("to") {
        capture.refs.insert(0, RefArgs { name: referenced(to)?.to_owned(), package: None, version: None });
    }
    capture.macros.extend(foreseen.where_subquery.clone());
    capture.config.clone_from(&written.config);
    Some(capture)
}

/// The name in `ref('name')`.
fn referenced(to: &Json) -> Option<&str> {
    let inner = to.as_str()?.trim().strip_prefix("ref(")?.strip_suffix(')')?.trim();
    let name = inner.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let name = name.or_else(|| inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')))?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

/// Whether an argument means what is written: no template, and no call that dbt evaluates without braces.
fn is_constant(value: &Json) -> bool {
    match value {
        Json::String(text) => !text.contains(['{', '(']),
        Json::Array(items) => items.iter().all(is_constant),
        Json::Object(_) => false,
        _ => true,
    }
}

/// Whether settings, written into the test's code and rendered, come out as they went in.
pub(super) fn is_itself(config: &JsonMap) -> bool {
    config.values().all(|value| match value {
        Json::String(text) => !text.contains(['\\', '{']),
        Json::Bool(_) => true,
        Json::Number(number) => number.is_i64(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_constant, is_itself, referenced};

    #[test]
    fn only_plain_names_are_read_from_a_reference() {
        for (text, name) in [("ref('a_1')", Some("a_1")), (" ref( \"b\" ) ", Some("b"))] {
            assert_eq!(referenced(&json!(text)), name);
        }
        for text in ["ref('p', 'a')", "ref('a', v=1)", "ref(var('x'))", "source('a', 'b')", "{{ ref('a') }}", "ref('a)"]
        {
            assert_eq!(referenced(&json!(text)), None, "{text}");
        }
    }

    #[test]
    fn templates_and_calls_are_no_constants() {
        assert!(is_constant(&json!(["new", 1, true, null, ["it's"]])));
        for value in [json!("{{ var('x') }}"), json!(["var('x')"]), json!({"a": 1})] {
            assert!(!is_constant(&value), "{value}");
        }
    }

    #[test]
    fn settings_with_escapes_or_structure_are_rendered() {
        let is = |value: serde_json::Value| is_itself(value.as_object().unwrap());
        assert!(is(json!({"severity": "warn", "where": "a = \"b\"", "limit": 10, "enabled": false})));
        for value in [json!({"where": "a ~ '\\d'"}), json!({"tags": ["a"]}), json!({"limit": 1.5}), json!({"x": null})]
        {
            assert!(!is(value.clone()), "{value}");
        }
    }
}
