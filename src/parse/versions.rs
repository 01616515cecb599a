//! Versioned models: one entry of a property file describes several files.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::config::listed;
use super::properties::{Entry, Properties};
use crate::model::{Code, Diagnostic, JsonMap};
use crate::project::{FileKind, Project};
use crate::yaml::{Mapping, Node};

/// One version of a model.
pub(super) struct Version<'f> {
    /// The model's entry.
    pub(super) entry: Entry<'f>,
    /// The version's own part of it.
    pub(super) node: &'f Node,
    /// Its `v`.
    pub(super) v: Json,
    /// The model's latest.
    pub(super) latest: Json,
}

/// A version as ids and names show it.
pub(super) fn shown(version: &Json) -> String {
    version.as_str().map_or_else(|| version.to_string(), str::to_owned)
}

/// Every version by package and the stem of the file that defines it.
pub(super) fn collect<'f>(
    project: &'f Project,
    properties: &Properties<'f>,
    diagnostics: &mut Vec<Diagnostic>,
) -> HashMap<(&'f str, String), Version<'f>> {
    let stems: HashSet<(&str, &str)> = project
        .all_packages()
        .flat_map(|package| package.files.iter().map(move |file| (package.name.as_str(), file)))
        .filter(|(_, file)| matches!(file.kind, FileKind::Model | FileKind::PythonModel))
        .map(|(package, file)| (package, file.stem()))
        .collect();
    let mut found = HashMap::new();
    for entry in properties.models.values() {
        let package = entry.file.package.name.as_str();
        for version in of_entry(*entry, diagnostics) {
            let stem = version.node.get("defined_in").and_then(Node::as_str).map_or_else(
                || {
                    let own = format!("{}_v{}", entry.name, shown(&version.v));
                    let is_latest = shown(&version.v) == shown(&version.latest);
                    let bare = is_latest && !stems.contains(&(package, own.as_str()));
                    if bare && stems.contains(&(package, entry.name)) { entry.name.to_owned() } else { own }
                },
                |stem| stem.trim_end_matches(".sql").to_owned(),
            );
            found.insert((package, stem), version);
        }
    }
    found
}

/// The versions of one entry; none when it is not versioned.
pub(super) fn of_entry<'f>(entry: Entry<'f>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Version<'f>> {
    let Some(items) = entry.node.get("versions").and_then(Node::as_sequence).filter(|items| !items.is_empty()) else {
        return Vec::new();
    };
    let mut versions: Vec<(&Node, Json)> = Vec::new();
    for item in items {
        let Some(v) = item.get("v").map(Node::to_json).filter(|v| !v.is_null()) else {
            let message = format!("a version of model `{}` has no `v:`", entry.name);
            diagnostics.push(entry.file.complaint(item, Code::InvalidProperty, message));
            continue;
        };
        versions.push((item, v));
    }
    let latest = entry.node.get("latest_version").map(Node::to_json).filter(|v| !v.is_null());
    if let Some(latest) = &latest
        && !versions.iter().any(|(_, v)| shown(v) == shown(latest))
    {
        let known: Vec<String> = versions.iter().map(|(_, v)| shown(v)).collect();
        let message = format!(
            "latest_version {} of model `{}` is none of its versions: {}",
            shown(latest),
            entry.name,
            known.join(", ")
        );
        diagnostics.push(entry.complaint(Code::InvalidProperty, message));
    }
    let Some(latest) = latest.or_else(|| newest(versions.iter().map(|(_, v)| v))) else { return Vec::new() };
    versions.into_iter().map(|(node, v)| Version { entry, node, v, latest: latest.clone() }).collect()
}

/// The greatest number, or where one is no number, the last by spelling.
fn newest<'j>(versions: impl Iterator<Item = &'j Json>) -> Option<Json> {
    let all: Vec<&Json> = versions.collect();
    let number = |v: &Json| v.as_f64().or_else(|| v.as_str().and_then(|text| text.parse().ok()));
    if all.iter().all(|v| number(v).is_some()) {
        all.into_iter().max_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0))).cloned()
    } else {
        all.into_iter().max_by_key(|v| shown(v)).cloned()
    }
}

/// The rendered entry as one of its versions has it: the version's own keys over the model's, columns picked.
pub(super) fn merged(entry: &JsonMap, index_of: &Json) -> JsonMap {
    let mut out = entry.clone();
    out.remove("versions");
    out.remove("latest_version");
    let versions = entry.get("versions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(own) = versions
        .iter()
        .filter_map(Json::as_object)
        .find(|own| own.get("v").is_some_and(|v| shown(v) == shown(index_of)))
    else {
        return out;
    };
    for (key, value) in own {
        match key.as_str() {
            // dbt reads no `docs:` of a version.
            "v" | "defined_in" | "docs" => {}
            "columns" => {
                out.insert(key.clone(), Json::Array(columns(entry, value)));
            }
            "config" => {
                let mut config = entry.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
                for (key, own) in value.as_object().into_iter().flatten() {
                    let merged = over(config.get(key), key, own);
                    config.insert(key.clone(), merged);
                }
                out.insert(key.clone(), Json::Object(config));
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    out
}

/// A version's own value over the model's: a list of tags comes before the model's, `meta` is merged, anything else
/// replaces.
fn over(of_model: Option<&Json>, key: &str, own: &Json) -> Json {
    match (key, of_model, own) {
        ("tags", Some(Json::Array(of_model)), Json::Array(own)) => Json::Array([&own[..], &of_model[..]].concat()),
        ("meta", Some(Json::Object(of_model)), Json::Object(own)) => {
            let mut all = of_model.clone();
            all.extend(own.clone());
            Json::Object(all)
        }
        _ => own.clone(),
    }
}

/// The model's columns that the version includes, then its own.
fn columns(entry: &JsonMap, own: &Json) -> Vec<Json> {
    let items = listed(own);
    let picks = items.iter().find(|item| item.get("include").is_some() || item.get("exclude").is_some());
    let added: Vec<&Json> = items.iter().filter(|item| item.get("name").is_some()).collect();
    let base = entry.get("columns").map(listed).unwrap_or_default();
    let name = |column: &Json| column.get("name").and_then(Json::as_str).map(str::to_owned).unwrap_or_default();
    let includes = |column: &Json| pick(picks, &name(column));
    let mut all: Vec<Json> = base
        .into_iter()
        .filter(|column| includes(column) && !added.iter().any(|own| name(own) == name(column)))
        .collect();
    all.extend(added.into_iter().cloned());
    all
}

fn pick(picks: Option<&Json>, name: &str) -> bool {
    let Some(picks) = picks else { return true };
    let names = |key: &str| picks.get(key).map(listed).unwrap_or_default();
    let has = |list: &[Json], word: &str| list.iter().any(|item| item.as_str() == Some(word));
    let include = names("include");
    let included = include.is_empty() || has(&include, "all") || has(&include, "*") || has(&include, name);
    included && !has(&names("exclude"), name)
}

/// The column entries of a version with their tests, as written: the model's that it includes, and its own.
pub(super) fn tested_columns<'f>(entry: &'f Node, own: &'f Node) -> Vec<&'f Mapping> {
    let list = |node: &'f Node| node.get("columns").and_then(Node::as_sequence).unwrap_or_default();
    let base = list(entry).iter().filter_map(Node::as_mapping);
    let Some(own_columns) = own.get("columns").and_then(Node::as_sequence) else { return base.collect() };
    let picks = own_columns.iter().find(|item| item.get("include").is_some() || item.get("exclude").is_some());
    let picks = picks.map(Node::to_json);
    let name = |column: &Mapping| column.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
    let added: Vec<&Mapping> =
        own_columns.iter().filter_map(Node::as_mapping).filter(|c| c.get("name").is_some()).collect();
    let mut all: Vec<&Mapping> = base
        .filter(|column| pick(picks.as_ref(), &name(column)) && !added.iter().any(|own| name(own) == name(column)))
        .collect();
    all.extend(added);
    all
}
