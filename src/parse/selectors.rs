//! selectors.yml as the manifest keeps it: every criterion spelled out, selectors that name others filled in.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value as Json, json};

use super::context::Context;
use crate::model::{Code, Diagnostic, JsonMap, Location};
use crate::project::{Text, render_tree};
use crate::yaml;

/// How deep selectors may name each other.
const MAX_DEPTH: usize = 50;

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
    let mut written: HashMap<&str, &Json> = HashMap::new();
    for (at, entry) in list.iter().enumerate() {
        let name = entry.get("name").and_then(Json::as_str);
        let name = name.ok_or_else(|| wrong(at, "a selector has no `name:`".to_owned()))?;
        let definition = entry.get("definition").ok_or_else(|| {
            let complaint = wrong(at, format!("selector `{name}` has no `definition:`"));
            Box::new(complaint.hint("write one as on the command line, e.g. `definition: tag:nightly`"))
        })?;
        if written.insert(name, definition).is_some() {
            return Err(wrong(at, format!("two selectors are called `{name}`")));
        }
    }
    let mut all = JsonMap::new();
    for (at, entry) in list.iter().enumerate().filter_map(|(at, entry)| Some((at, entry.as_object()?))) {
        let Some(name) = entry.get("name").and_then(Json::as_str) else { continue };
        let Some(definition) = entry.get("definition") else { continue };
        let mut whole = entry.clone();
        if let Some(Json::String(description)) = whole.get_mut("description") {
            // Unlike in property files, descriptions are templates here, and lose their last line break.
            description.truncate(description.strip_suffix('\n').map_or(description.len(), str::len));
        }
        whole.insert(
            "definition".to_owned(),
            spelled_out(definition, &written, 0).map_err(|why| wrong(at, format!("selector `{name}`: {why}")))?,
        );
        all.insert(name.to_owned(), Json::Object(whole));
    }
    Ok(all)
}

fn spelled_out(definition: &Json, written: &HashMap<&str, &Json>, depth: usize) -> Result<Json, String> {
    if depth > MAX_DEPTH {
        return Err("selectors name each other in a circle".to_owned());
    }
    let map = match definition {
        Json::String(text) => return criterion(text),
        Json::Object(map) => map,
        other => return Err(format!("{other} is no definition: a text or a mapping is expected")),
    };
    for operator in ["union", "intersection"] {
        if let Some(items) = map.get(operator) {
            return Ok(json!({operator: members(items, written, depth)?}));
        }
    }
    if let Some(items) = map.get("exclude").filter(|_| map.len() == 1) {
        return Ok(json!({"exclude": members(items, written, depth)?}));
    }
    if let Some(method) = map.get("method") {
        if method == "selector" {
            let name = map.get("value").and_then(Json::as_str).unwrap_or_default();
            let named = written.get(name).ok_or_else(|| format!("there is no selector `{name}`"))?;
            return spelled_out(named, written, depth + 1);
        }
        let mut whole = map.clone();
        if let Some(items) = map.get("exclude") {
            whole.insert("exclude".to_owned(), members(items, written, depth)?);
        }
        return Ok(Json::Object(whole));
    }
    match map.iter().next() {
        Some((method, value)) if map.len() == 1 => Ok(json!({"method": method, "value": value})),
        _ => Err(format!("{definition} names no method")),
    }
}

fn members(items: &Json, written: &HashMap<&str, &Json>, depth: usize) -> Result<Json, String> {
    let Some(items) = items.as_array() else { return Err(format!("{items} is no list of definitions")) };
    items.iter().map(|item| spelled_out(item, written, depth + 1)).collect::<Result<Vec<_>, _>>().map(Json::Array)
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
    fn named_selectors_are_filled_in_and_circles_end() {
        let (a, b) =
            (json!({"method": "selector", "value": "b"}), json!({"union": [{"tag": "x"}, {"exclude": ["m+"]}]}));
        let written = HashMap::from([("a", &a), ("b", &b)]);
        assert_eq!(
            spelled_out(&a, &written, 0).unwrap(),
            json!({"union": [{"method": "tag", "value": "x"}, {"exclude": [{"method": "fqn", "value": "m", "children": true}]}]})
        );
        let round = HashMap::from([("b", &a)]);
        assert!(spelled_out(&a, &round, 0).unwrap_err().contains("circle"));
    }
}
