//! What each selector method looks at: one function a method, from the text after the colon to what finds the nodes.

use serde_json::Value as Json;

use super::index::{PathKind, file_names, is_versioned};
use super::method::Matcher;
use super::request::World;
use super::wildcard::{Pattern, has_wildcard, matches_path};
use super::{Error, Wanted};
use crate::model::{Detail, ResourceType, nearest};

const TEST_TYPES: &[&str] = &["generic", "singular", "unit", "data", "schema"];
const VERSIONS: &[&str] = &["latest", "prerelease", "old", "none"];
/// Resource types that dbt knows and never selects.
const UNSELECTABLE: &[&str] = &["macro", "doc", "rpc", "sql_operation", "fixture"];

fn invalid<'w>(
    method: &'static str,
    value: &str,
    expected: impl Into<String>,
    words: impl IntoIterator<Item = &'w str>,
) -> Error {
    let nearest = nearest(&value.to_lowercase(), words.into_iter()).map(str::to_owned);
    Error::InvalidValue { method, value: value.to_owned(), expected: expected.into(), nearest }
}

/// By name, or by the leading parts of the fully qualified name, with or without its package. A part with a wildcard is
/// matched, with all that follows it, against all that is left of the name. A versioned model also answers to its name
/// alone (all versions), `name.v1` and `name_v1`.
pub(super) fn fqn<'a>(value: &'a str, world: &World<'a>) -> Matcher<'a> {
    if !has_wildcard(value) {
        return Matcher::Known(world.index.named(value));
    }
    let wanted: Vec<&str> = value.split('.').collect();
    // There is one: a wildcard is not a dot.
    let wild = wanted.iter().position(|part| has_wildcard(part)).unwrap_or_default();
    let rest = Pattern::new(&wanted[wild..].join("."));
    let alone = (wanted.len() == 1).then(|| Pattern::new(value));
    let qualified = move |fqn: &[String]| {
        // A dot inside of a name separates like any other.
        let flat: Vec<&str> = fqn.iter().flat_map(|part| part.split('.')).collect();
        flat.len() >= wanted.len() && flat[..wild] == wanted[..wild] && rest.matches(&flat[wild..].join("."))
    };
    Matcher::each(move |node| {
        let leaf = || node.fqn.iter().rev().nth(usize::from(is_versioned(node)));
        node.resource_type != ResourceType::Source
            && (alone.as_ref().is_some_and(|alone| leaf().is_some_and(|leaf| alone.matches(leaf)))
                || qualified(&node.fqn)
                || node.fqn.split_first().is_some_and(|(_, unscoped)| qualified(unscoped)))
    })
}

/// By any tag. A unit test keeps its tags in its configuration alone.
pub(super) fn tag(value: &str) -> Matcher<'_> {
    let pattern = Pattern::new(value);
    Matcher::each(move |node| {
        let configured = match (node.resource_type, node.config.get("tags")) {
            (ResourceType::UnitTest, Some(Json::Array(tags))) => tags.as_slice(),
            _ => &[],
        };
        let configured = configured.iter().filter_map(Json::as_str);
        node.tags.iter().map(String::as_str).chain(configured).any(|tag| pattern.matches(tag))
    })
}

/// By the configured group of what has a relation, is a test or a metric. A test that only inherits the group of what
/// it tests is not meant.
pub(super) fn group(value: &str) -> Matcher<'_> {
    let pattern = Pattern::new(value);
    Matcher::each(move |node| {
        !matches!(node.resource_type, ResourceType::SemanticModel | ResourceType::SavedQuery | ResourceType::Exposure)
            && node.config_str("group").is_some_and(|group| pattern.matches(group))
    })
}

/// By the access of a model, without wildcards.
pub(super) fn access(value: &str) -> Matcher<'_> {
    Matcher::each(move |node| node.as_model().is_some_and(|model| model.access == value))
}

/// `name`, `name.table` or `package.name.table`, each part with wildcards.
pub(super) fn source(value: &str) -> Result<Matcher<'_>, Error> {
    let parts: Vec<&str> = value.split('.').collect();
    let (package, name, table) = match parts.as_slice() {
        [name] => ("*", *name, "*"),
        [name, table] => ("*", *name, *table),
        [package, name, table] => (*package, *name, *table),
        _ => return Err(invalid("source", value, "'source', 'source.table' or 'package.source.table'", [])),
    };
    let [package, name, table] = [package, name, table].map(Pattern::new);
    Ok(Matcher::each(move |node| {
        node.as_source().is_some_and(|source| {
            name.matches(&source.source_name) && table.matches(&node.name) && package.matches(&node.package_name)
        })
    }))
}

/// `name` or `package.name`, each with wildcards.
pub(super) fn named(kind: ResourceType, value: &str) -> Result<Matcher<'_>, Error> {
    let (package, name) = value.split_once('.').unwrap_or(("*", value));
    if name.contains('.') {
        return Err(invalid(kind.as_str(), value, "'name' or 'package.name'", []));
    }
    let [package, name] = [package, name].map(Pattern::new);
    Ok(Matcher::each(move |node| {
        node.resource_type == kind && name.matches(&node.name) && package.matches(&node.package_name)
    }))
}

/// A glob over the files of the root project; a folder stands for the files in it, and `**` at the end for folders. A
/// node is meant by its own file, and by the property file that describes it when the glob finds that file itself.
pub(super) fn path<'a>(value: &str, world: &World<'a>) -> Matcher<'a> {
    let glob: Vec<&str> = value.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if glob.iter().all(|part| *part == "**") {
        return Matcher::each(|_| true);
    }
    let paths = world.index.root_paths();
    if !has_wildcard(value) {
        let path = glob.join("/");
        let known = paths.contains_key(path.as_str());
        return Matcher::Known(if known { world.index.below(&path).to_vec() } else { Vec::new() });
    }
    let folders_only = glob.last() == Some(&"**");
    let found = paths.iter().filter(|(path, kind)| {
        (!folders_only || **kind == PathKind::Folder) && matches_path(&glob, &path.split('/').collect::<Vec<_>>())
    });
    Matcher::Known(found.flat_map(|(path, _)| world.index.below(path)).copied().collect())
}

/// By file name, with or without its last extension.
pub(super) fn file<'a>(value: &'a str, world: &World<'a>) -> Matcher<'a> {
    if !has_wildcard(value) {
        return Matcher::Known(world.index.in_file(value).to_vec());
    }
    let pattern = Pattern::new(value);
    Matcher::each(move |node| {
        let (name, stem) = file_names(node);
        pattern.matches(name) || stem.is_some_and(|stem| pattern.matches(stem))
    })
}

/// By package; `this` is the root project.
pub(super) fn package<'a>(value: &str, world: &World<'a>) -> Matcher<'a> {
    let name = if value == "this" { world.manifest.metadata.project_name.as_str() } else { value };
    let pattern = Pattern::new(name);
    Matcher::each(move |node| pattern.matches(&node.package_name))
}

/// A configured value of what dbt compiles, and of sources. Text of the command line equals text, or one of a list's
/// texts, or a boolean in any case; numbers and maps it never equals. A value of selectors.yml that is no text
/// equals what is the same to Python: `7` equals `7.0`, and null a key without a value, or no such key.
pub(super) fn config<'a>(keys: &'a [String], wanted: &'a Wanted) -> Matcher<'a> {
    let Some((first, rest)) = keys.split_first() else { return Matcher::Known(Vec::new()) };
    let is_severity = keys.last().is_some_and(|last| last == "severity");
    Matcher::each(move |node| {
        if matches!(node.detail, Detail::Exposure(_) | Detail::Function { .. } | Detail::Other(_)) {
            return false;
        }
        let found = node.config.get(first).and_then(|found| rest.iter().try_fold(found, |at, key| at.get(key)));
        match (found, wanted) {
            // dbt keeps a test's severity as text without case.
            (Some(Json::String(text)), Wanted::Text(value)) if is_severity => text.eq_ignore_ascii_case(value),
            (Some(Json::String(text)), Wanted::Text(value)) => text == value,
            (Some(Json::Array(items)), Wanted::Text(value)) => {
                let flag = boolean(value);
                let is_it =
                    |item: &Json| item.as_str() == Some(value) || flag.as_ref().is_some_and(|flag| is_same(item, flag));
                items.iter().any(is_it)
            }
            (Some(found @ Json::Bool(_)), Wanted::Text(value)) => boolean(value).as_ref() == Some(found),
            (_, Wanted::Text(_)) => false,
            (Some(Json::Array(items)), Wanted::Other(other)) => items.iter().any(|item| is_same(item, other)),
            (Some(found), Wanted::Other(other)) => is_same(found, other),
            (None, Wanted::Other(other)) => other.is_null(),
        }
    })
}

/// What `true` and `false` mean, in any case.
fn boolean(text: &str) -> Option<Json> {
    [true, false].into_iter().find(|flag| text.eq_ignore_ascii_case(&flag.to_string())).map(Json::Bool)
}

/// As Python compares: booleans are numbers, and a whole number equals its fraction.
fn is_same(a: &Json, b: &Json) -> bool {
    let number = |value: &Json| match value {
        Json::Bool(flag) => Some(f64::from(u8::from(*flag))),
        other => other.as_f64(),
    };
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).is_eq(),
        _ => a == b,
    }
}

/// By the name of a generic test, or of a unit test.
pub(super) fn test_name(value: &str) -> Matcher<'_> {
    let pattern = Pattern::new(value);
    Matcher::each(move |node| {
        let metadata = node.as_test().and_then(|test| test.metadata.as_ref());
        metadata.is_some_and(|metadata| pattern.matches(&metadata.name))
            || (node.resource_type == ResourceType::UnitTest && pattern.matches(&node.name))
    })
}

/// By kind of test.
pub(super) fn test_type(value: &str) -> Result<Matcher<'_>, Error> {
    if !TEST_TYPES.contains(&value) {
        let known = TEST_TYPES.iter().copied();
        return Err(invalid("test_type", value, "generic, singular, unit or data", known));
    }
    Ok(Matcher::each(move |node| match value {
        "unit" => node.resource_type == ResourceType::UnitTest,
        "data" => node.resource_type == ResourceType::Test,
        "singular" => node.as_test().is_some_and(|test| test.metadata.is_none()),
        _ => node.as_test().is_some_and(|test| test.metadata.is_some()),
    }))
}

/// By resource type.
pub(super) fn resource_type(value: &str) -> Result<Matcher<'_>, Error> {
    if UNSELECTABLE.contains(&value) {
        return Ok(Matcher::Known(Vec::new()));
    }
    let kind = ResourceType::parse(value).ok_or_else(|| {
        let selectable: Vec<&str> = ResourceType::selectable().map(ResourceType::as_str).collect();
        invalid("resource_type", value, format!("one of {}", selectable.join(", ")), selectable)
    })?;
    Ok(Matcher::each(move |node| node.resource_type == kind))
}

/// By the version of a model among its family.
pub(super) fn version(value: &str) -> Result<Matcher<'_>, Error> {
    if !VERSIONS.contains(&value) {
        return Err(invalid("version", value, "latest, prerelease, old or none", VERSIONS.iter().copied()));
    }
    Ok(Matcher::each(move |node| {
        let Detail::Model(model) = &node.detail else { return false };
        let (Some(own), Some(latest)) = (&model.version, &model.latest_version) else { return value == "none" };
        match value {
            "latest" => compare_versions(own, latest).is_eq(),
            "prerelease" => compare_versions(own, latest).is_gt(),
            "old" => compare_versions(own, latest).is_lt(),
            _ => false,
        }
    }))
}

/// As numbers when both are, else as text.
fn compare_versions(a: &Json, b: &Json) -> std::cmp::Ordering {
    let text = |version: &Json| version.as_str().map_or_else(|| version.to_string(), str::to_owned);
    let (a, b) = (text(a), text(b));
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y),
        _ => a.cmp(&b),
    }
}

/// By what changed since the baseline.
pub(super) fn state<'a>(value: &'a str, world: &World<'a>) -> Result<Matcher<'a>, Error> {
    let known = ["new", "old", "modified", "unmodified"];
    let sub = value.strip_prefix("modified.");
    if !known.contains(&value) && !sub.is_some_and(|sub| crate::state::sub_selectors().any(|known| known == sub)) {
        let subs: Vec<String> = crate::state::sub_selectors().map(|sub| format!("modified.{sub}")).collect();
        let words = known.into_iter().chain(subs.iter().map(String::as_str));
        let expected = format!("one of {}, {}", known.join(", "), subs.join(", "));
        return Err(invalid("state", value, expected, words));
    }
    let state = world.state.ok_or_else(|| Error::NoState { value: value.to_owned() })?;
    Ok(Matcher::each(move |node| match (value, sub) {
        (_, Some(sub)) => state.matches(node.unique_id.as_str(), sub),
        ("new", _) => state.is_new(node.unique_id.as_str()),
        ("old", _) => state.is_old(node.unique_id.as_str()),
        ("unmodified", _) => state.is_unmodified(node.unique_id.as_str()),
        _ => state.is_modified(node.unique_id.as_str()),
    }))
}

/// By the status that a node had in an earlier run, in dbt's exact words.
pub(super) fn result<'a>(value: &'a str, world: &World<'a>) -> Result<Matcher<'a>, Error> {
    let results = world.earlier.results.as_ref().ok_or_else(|| Error::NoResults { value: value.to_owned() })?;
    Ok(Matcher::each(move |node| results.get(&node.unique_id).is_some_and(|status| status == value)))
}

/// `fresher`: sources whose newest row is newer than at the earlier check, or that were not checked then. dbt knows no
/// other word and takes any; it matches nothing.
pub(super) fn source_status<'a>(value: &'a str, world: &World<'a>) -> Result<Matcher<'a>, Error> {
    let (before, now) = (&world.earlier.loaded_before, &world.earlier.loaded_now);
    let before = before.as_ref().ok_or_else(|| Error::NoSourceResults { value: value.to_owned() })?;
    let now = now.as_ref().ok_or_else(|| Error::NoCurrentSourceResults { value: value.to_owned() })?;
    Ok(Matcher::each(move |node| {
        let id = &node.unique_id;
        value == "fresher" && now.get(id).is_some_and(|now| before.get(id).is_none_or(|before| now > before))
    }))
}
