//! selectors.yml as the manifest keeps it: every criterion spelled out, selectors that name others filled in.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value as Json, json};

use super::context::Context;
use crate::model::{Code, Diagnostic, JsonMap, Location};
use crate::project::{Text, render_tree};
use crate::yaml;

/// What an entry of the list may hold.
const ENTRY_KEYS: &[&str] = &["name", "description", "default", "definition"];

/// Reads selectors.yml, if there is one.
pub(super) fn read(context: &Context<'_>, diagnostics: &mut Vec<Diagnostic>) -> JsonMap {
    let Some(file) = &context.project.selectors else { return JsonMap::new() };
    parse(file, context).unwrap_or_else(|diagnostic| {
        diagnostics.push(*diagnostic);
        JsonMap::new()
    })
}

fn parse(file: &Text, context: &Context<'_>) -> Result<JsonMap, Box<Diagnostic>> {
    let parsed = yaml::parse(&file.contents).map_err(|error| Box::new(error.into_diagnostic(&file.path)))?;
    let rendered = render_tree(&parsed.root, context.scope(&context.root().name), &file.path, &|_| false)?;
    let nodes = parsed.root.get("selectors").and_then(yaml::Node::as_sequence).unwrap_or_default();
    let wrong = |at: usize, message: String| {
        let complaint = Diagnostic::error(Code::InvalidProperty, message);
        let place = nodes.get(at).map_or(Location::file(&file.path), |node| node.location(&file.path));
        Box::new(complaint.at(place).with_excerpt_of(&file.contents))
    };
    let list = rendered.get("selectors").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    if let Some(key) = rendered.as_object().into_iter().flat_map(JsonMap::keys).find(|key| !is_known_at_top(key)) {
        let complaint = Diagnostic::error(Code::InvalidProperty, format!("`{key}` is no key of selectors.yml"));
        return Err(Box::new(complaint.at(Location::file(&file.path)).hint("the selectors stand below `selectors:`")));
    }
    // Spelled out as those that follow may name them.
    let mut defined: HashMap<&str, Json> = HashMap::new();
    let mut default: Option<&str> = None;
    let mut all = JsonMap::new();
    for (at, entry) in list.iter().enumerate() {
        let (name, definition) = checked(entry).map_err(|(why, hint)| {
            let complaint = wrong(at, why);
            Box::new(if hint.is_empty() { *complaint } else { complaint.hint(hint) })
        })?;
        if entry.get("default") == Some(&Json::Bool(true))
            && let Some(other) = default.replace(name)
        {
            return Err(wrong(at, format!("`{other}` and `{name}` are both the default; only one selector can be")));
        }
        let spelled = at_the_root(definition).and_then(|()| spelled_out(definition, &defined));
        let spelled = spelled.map_err(|why| wrong(at, format!("selector `{name}`: {why}")))?;
        let mut whole = entry.as_object().cloned().unwrap_or_default();
        if let Some(Json::String(description)) = whole.get_mut("description") {
            // Unlike in property files, descriptions are templates here, and lose their last line break.
            description.truncate(description.strip_suffix('\n').map_or(description.len(), str::len));
        }
        whole.insert("definition".to_owned(), spelled.clone());
        // Of two with one name the later one is meant.
        defined.insert(name, spelled);
        all.insert(name.to_owned(), Json::Object(whole));
    }
    Ok(all)
}

fn is_known_at_top(key: &str) -> bool {
    ["selectors", "version"].contains(&key)
}

/// The name and the definition of an entry that has what it needs; else what is wrong with it and what to do.
fn checked(entry: &Json) -> Result<(&str, &Json), (String, &'static str)> {
    let name = entry.get("name").and_then(Json::as_str).ok_or_else(|| ("a selector has no `name:`".to_owned(), ""))?;
    let definition = entry.get("definition").ok_or_else(|| {
        let hint = "write one as on the command line, e.g. `definition: tag:nightly`";
        (format!("selector `{name}` has no `definition:`"), hint)
    })?;
    let keys = || entry.as_object().into_iter().flat_map(JsonMap::keys);
    if let Some(key) = keys().find(|key| !ENTRY_KEYS.contains(&key.as_str())) {
        let hint = "a selector has a name, a description, a definition and a default";
        return Err((format!("selector `{name}`: `{key}` is no key of a selector"), hint));
    }
    match entry.get("default") {
        None | Some(Json::Bool(_)) => Ok((name, definition)),
        Some(other) => {
            let hint = "write true, false, or a template that gives one of them, e.g. \"{{ target.name == 'prod' }}\"";
            Err((format!("selector `{name}`: `default` is neither true nor false but {other}"), hint))
        }
    }
}

/// A definition that is a set operation has no other key. Below the root, where dbt does not look at them, it may.
fn at_the_root(definition: &Json) -> Result<(), String> {
    let keys: Vec<&str> = definition.as_object().into_iter().flat_map(JsonMap::keys).map(String::as_str).collect();
    if keys.len() > 1 && keys.iter().any(|key| ["union", "intersection"].contains(key)) {
        return Err(format!("`union` or `intersection` stands alone, not as one of {}", keys.join(", ")));
    }
    Ok(())
}

fn spelled_out(definition: &Json, defined: &HashMap<&str, Json>) -> Result<Json, String> {
    let map = match definition {
        Json::String(text) => return criterion(text),
        Json::Object(map) => map,
        other => return Err(format!("{other} is no definition: a text or a mapping is expected")),
    };
    // Inside of a set operation an exclusion is read alone, whatever stands beside it.
    if let Some(items) = map.get("exclude").filter(|_| !map.contains_key("method")) {
        return Ok(json!({"exclude": members(items, defined)?}));
    }
    for operator in ["union", "intersection"] {
        if let Some(items) = map.get(operator) {
            return Ok(json!({operator: members(items, defined)?}));
        }
    }
    if let Some(method) = map.get("method") {
        if method == "selector" {
            let name = map.get("value").and_then(Json::as_str).unwrap_or_default();
            let named = defined.get(name).cloned();
            return named.ok_or_else(|| format!("there is no selector `{name}` before it in the file"));
        }
        let mut whole = map.clone();
        if let Some(items) = map.get("exclude") {
            whole.insert("exclude".to_owned(), members(items, defined)?);
        }
        return Ok(Json::Object(whole));
    }
    match map.iter().next() {
        Some((method, _)) if method == "selector" && map.len() == 1 => {
            Err("another selector is named as `{method: selector, value: its_name}`".to_owned())
        }
        Some((method, value)) if map.len() == 1 => Ok(json!({"method": method, "value": value})),
        _ => Err(format!("{definition} names no method")),
    }
}

fn members(items: &Json, defined: &HashMap<&str, Json>) -> Result<Json, String> {
    let Some(items) = items.as_array() else { return Err(format!("{items} is no list of definitions")) };
    items.iter().map(|item| spelled_out(item, defined)).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

static CRITERION: LazyLock<Regex> = LazyLock::new(|| {
    const PATTERN: &str =
        r"^(?P<at>@)?(?P<parents>(?P<up>\d*)\+)?(?:(?P<method>[\w.]+):)?(?P<value>.*?)(?P<children>\+(?P<down>\d*))?$";
    #[expect(clippy::expect_used, reason = "the pattern is constant and used by the test below")]
    Regex::new(PATTERN).expect("a constant pattern compiles")
});

/// `2+tag:nightly+`: graph operators, a method, a value.
fn criterion(text: &str) -> Result<Json, String> {
    let found = CRITERION.captures(text).ok_or_else(|| format!("`{text}` is no selection criterion"))?;
    let group = |name: &str| found.name(name).map(|part| part.as_str());
    let mut map = JsonMap::new();
    let mut put = |key: &str, value: Json| map.insert(key.to_owned(), value);
    if group("at").is_some() {
        put("childrens_parents", json!(true));
    }
    if group("parents").is_some() {
        put("parents", json!(true));
    }
    if let Some(depth) = group("up").filter(|depth| !depth.is_empty()) {
        put("parents_depth", json!(depth));
    }
    let value = group("value").unwrap_or_default();
    if group("method") == Some("selector") {
        return Err(format!("`{text}`: another selector is named as `{{method: selector, value: its_name}}`"));
    }
    put("method", json!(group("method").unwrap_or_else(|| implied_method(value))));
    put("value", json!(value));
    if group("children").is_some() {
        put("children", json!(true));
    }
    if let Some(depth) = group("down").filter(|depth| !depth.is_empty()) {
        put("children_depth", json!(depth));
    }
    Ok(Json::Object(map))
}

fn implied_method(value: &str) -> &'static str {
    let lower = value.to_ascii_lowercase();
    if value.contains('/') {
        "path"
    } else if [".sql", ".py", ".csv"].iter().any(|extension| lower.ends_with(extension)) {
        "file"
    } else {
        "fqn"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::{criterion, spelled_out};

    #[test]
    fn criteria_are_spelled_out() {
        assert_eq!(
            criterion("1+tag:x+2").unwrap(),
            json!({"parents": true, "parents_depth": "1", "method": "tag", "value": "x", "children": true, "children_depth": "2"})
        );
        assert_eq!(criterion("config.meta.x:y").unwrap(), json!({"method": "config.meta.x", "value": "y"}));
        assert_eq!(criterion("m1 m2").unwrap(), json!({"method": "fqn", "value": "m1 m2"}));
        assert_eq!(criterion("models/sub").unwrap(), json!({"method": "path", "value": "models/sub"}));
    }

    #[test]
    fn selectors_are_filled_in_where_later_ones_name_them() {
        let b = json!({"union": [{"method": "tag", "value": "x"}]});
        let defined = HashMap::from([("b", b.clone())]);
        let a = json!({"intersection": [{"method": "selector", "value": "b"}, {"exclude": ["m+"]}]});
        assert_eq!(
            spelled_out(&a, &defined).unwrap(),
            json!({"intersection": [b, {"exclude": [{"method": "fqn", "value": "m", "children": true}]}]})
        );
        let missing = spelled_out(&a, &HashMap::new()).unwrap_err();
        assert_eq!(missing, "there is no selector `b` before it in the file");
    }
}
