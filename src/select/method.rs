//! The selector methods: what each looks at. One row a method; each turns a value into a test of a node.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::Error;
use super::error::nearest;
use super::request::World;
use super::wildcard::{has_wildcard, matches, matches_path};
use crate::model::{Detail, Node, ResourceType};

/// What a criterion looks at, before the colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "dbt's own words; what each does is said at its function")]
pub enum Method {
    Fqn,
    Tag,
    Group,
    Access,
    Source,
    Path,
    File,
    Package,
    Config,
    TestName,
    TestType,
    ResourceType,
    Exposure,
    Metric,
    SemanticModel,
    SavedQuery,
    UnitTest,
    Version,
    State,
    Result,
    SourceStatus,
}

/// Whether a node is meant.
pub(super) type Matcher<'a> = Box<dyn Fn(&Node) -> bool + 'a>;

const METHODS: &[(&str, Method)] = &[
    ("fqn", Method::Fqn),
    ("tag", Method::Tag),
    ("group", Method::Group),
    ("access", Method::Access),
    ("source", Method::Source),
    ("path", Method::Path),
    ("file", Method::File),
    ("package", Method::Package),
    ("config", Method::Config),
    ("test_name", Method::TestName),
    ("test_type", Method::TestType),
    ("resource_type", Method::ResourceType),
    ("exposure", Method::Exposure),
    ("metric", Method::Metric),
    ("semantic_model", Method::SemanticModel),
    ("saved_query", Method::SavedQuery),
    ("unit_test", Method::UnitTest),
    ("version", Method::Version),
    ("state", Method::State),
    ("result", Method::Result),
    ("source_status", Method::SourceStatus),
];

/// All methods by name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|(name, _)| *name)
}

const TEST_TYPES: &[&str] = &["generic", "singular", "unit", "data", "schema"];
const VERSIONS: &[&str] = &["latest", "prerelease", "old", "none"];

impl Method {
    /// The method with its dotted arguments, as in `config.materialized`; of a criterion without one, by the look of its value.
    pub(super) fn of(written: Option<&str>, value: &str, criterion: &str) -> Result<(Self, Vec<String>), Error> {
        let Some(written) = written else { return Ok((Self::by_value(value), Vec::new())) };
        let mut parts = written.split('.');
        let name = parts.next().unwrap_or_default();
        match METHODS.iter().find(|(known, _)| *known == name) {
            Some((_, method)) => Ok((*method, parts.map(str::to_owned).collect())),
            None => Err(Error::UnknownMethod {
                method: name.to_owned(),
                criterion: criterion.to_owned(),
                nearest: nearest(name, names()),
            }),
        }
    }

    fn by_value(value: &str) -> Self {
        let lower = value.to_lowercase();
        if value.contains(std::path::MAIN_SEPARATOR) {
            Self::Path
        } else if [".sql", ".py", ".csv"].iter().any(|extension| lower.ends_with(extension)) {
            Self::File
        } else {
            Self::Fqn
        }
    }

    /// The test that `value` (and, of `config`, the arguments) stands for.
    pub(super) fn matcher<'a>(
        self,
        args: &'a [String],
        value: &'a str,
        world: &World<'a>,
    ) -> Result<Matcher<'a>, Error> {
        Ok(match self {
            Self::Fqn => Box::new(move |node| fqn(node, value)),
            Self::Tag => Box::new(move |node| tag(node, value)),
            Self::Group => Box::new(move |node| group(node).is_some_and(|group| matches(value, group))),
            Self::Access => Box::new(move |node| node.as_model().is_some_and(|model| model.access == value)),
            Self::Source => return source(value),
            Self::Path => path(value, world),
            Self::File => Box::new(move |node| file(node, value)),
            Self::Package => {
                let package = if value == "this" { world.manifest.metadata.project_name.as_str() } else { value };
                Box::new(move |node| matches(package, &node.package_name))
            }
            Self::Config => Box::new(move |node| config(node, args, value)),
            Self::TestName => Box::new(move |node| {
                let metadata = node.as_test().and_then(|test| test.metadata.as_ref());
                metadata.is_some_and(|metadata| matches(value, &metadata.name))
            }),
            Self::TestType => return test_type(value),
            Self::ResourceType => {
                let kind = ResourceType::parse(value).ok_or_else(|| Error::InvalidValue {
                    method: "resource_type",
                    value: value.to_owned(),
                    expected: "one of dbt's resource types, e.g. model, seed, snapshot, test, unit_test, source"
                        .to_owned(),
                })?;
                Box::new(move |node| node.resource_type == kind)
            }
            Self::Exposure => named(ResourceType::Exposure, value),
            Self::Metric => named(ResourceType::Metric, value),
            Self::SemanticModel => named(ResourceType::SemanticModel, value),
            Self::SavedQuery => named(ResourceType::SavedQuery, value),
            Self::UnitTest => named(ResourceType::UnitTest, value),
            Self::Version => return version(value),
            Self::State => return state(value, world),
            Self::Result => {
                let results = world.results.ok_or_else(|| Error::NoResults { value: value.to_owned() })?;
                Box::new(move |node| results.get(&node.unique_id).is_some_and(|status| status == value))
            }
            Self::SourceStatus => return Err(Error::NoSourceResults { value: value.to_owned() }),
        })
    }
}

/// By name, or by the leading parts of the fully qualified name, with or without its package. A part with a wildcard is
/// matched, with all that follows it, against all that is left of the name. A versioned model also answers to its name
/// alone (all versions), `name.v1` and `name_v1`.
fn fqn(node: &Node, value: &str) -> bool {
    if node.resource_type == ResourceType::Source {
        return false;
    }
    let versioned = node.as_model().is_some_and(|model| model.version.is_some());
    let leaf = node.fqn.iter().rev().nth(usize::from(versioned));
    let own = if versioned { versioned_name(&node.fqn, value) } else { leaf.is_some_and(|leaf| leaf == value) };
    let starts_wild = value.split('.').next().is_some_and(has_wildcard);
    own || (starts_wild && leaf.is_some_and(|leaf| matches(value, leaf)))
        || qualified(&node.fqn, value)
        || node.fqn.split_first().is_some_and(|(_, unscoped)| qualified(unscoped, value))
}

fn versioned_name(fqn: &[String], value: &str) -> bool {
    let [.., name, version] = fqn else { return false };
    value == name || value == format!("{name}_{version}") || value == format!("{name}.{version}") || {
        // Any prefix before the last two parts is accepted, as dbt does.
        let parts: Vec<&str> = value.split('.').collect();
        matches!(parts.as_slice(), [.., a, b] if a == name && b == version)
    }
}

fn qualified(fqn: &[String], value: &str) -> bool {
    // A dot inside of a name separates like any other.
    let flat: Vec<&str> = fqn.iter().flat_map(|part| part.split('.')).collect();
    let wanted: Vec<&str> = value.split('.').collect();
    if wanted.len() > flat.len() {
        return false;
    }
    for (i, part) in wanted.iter().enumerate() {
        if has_wildcard(part) {
            return matches(&wanted[i..].join("."), &flat[i..].join("."));
        }
        if flat[i] != *part {
            return false;
        }
    }
    true
}

/// By any tag. A unit test keeps its tags in its configuration alone.
fn tag(node: &Node, value: &str) -> bool {
    let configured = match (node.resource_type, node.config.get("tags")) {
        (ResourceType::UnitTest, Some(Json::Array(tags))) => tags.as_slice(),
        _ => &[],
    };
    let configured = configured.iter().filter_map(Json::as_str);
    node.tags.iter().map(String::as_str).chain(configured).any(|tag| matches(value, tag))
}

/// Of what has a relation, is a test or a metric; groups of the other kinds are not looked at.
fn group(node: &Node) -> Option<&str> {
    if matches!(node.resource_type, ResourceType::SemanticModel | ResourceType::SavedQuery | ResourceType::Exposure) {
        return None;
    }
    node.config_str("group").or(node.group.as_deref())
}

/// `name`, `name.table` or `package.name.table`, each part with wildcards.
fn source(value: &str) -> Result<Matcher<'_>, Error> {
    let parts: Vec<&str> = value.split('.').collect();
    let (package, name, table) = match parts.as_slice() {
        [name] => ("*", *name, "*"),
        [name, table] => ("*", *name, *table),
        [package, name, table] => (*package, *name, *table),
        _ => {
            return Err(Error::InvalidValue {
                method: "source",
                value: value.to_owned(),
                expected: "'source', 'source.table' or 'package.source.table'".to_owned(),
            });
        }
    };
    Ok(Box::new(move |node| {
        node.as_source().is_some_and(|source| {
            matches(package, &node.package_name) && matches(name, &source.source_name) && matches(table, &node.name)
        })
    }))
}

/// `name` or `package.name`, each with wildcards.
fn named(kind: ResourceType, value: &str) -> Matcher<'_> {
    let (package, name) = value.split_once('.').unwrap_or(("*", value));
    Box::new(move |node| {
        node.resource_type == kind && matches(package, &node.package_name) && matches(name, &node.name)
    })
}

/// A glob over the files of the root project; a folder stands for all in it. A node is meant by its own file and by the
/// property file that describes it.
fn path<'a>(value: &str, world: &World<'a>) -> Matcher<'a> {
    let glob: Vec<&str> = value.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let found: HashSet<&'a str> =
        world.root_paths().filter(|path| matches_path(&glob, &path.split('/').collect::<Vec<_>>())).collect();
    let everything = glob.is_empty();
    let meant = move |path: &str| everything || self_and_folders(path).any(|path| found.contains(path));
    Box::new(move |node| {
        let patch = node.patch_path.as_deref().map(|patch| patch.split_once("://").map_or(patch, |(_, path)| path));
        meant(&node.original_file_path) || patch.is_some_and(&meant)
    })
}

/// `a/b/c`, `a/b`, `a`.
pub(super) fn self_and_folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(folder, _)| folder))
}

/// By file name, with or without its last extension.
fn file(node: &Node, value: &str) -> bool {
    let name = node.original_file_path.rsplit('/').next().unwrap_or_default();
    matches(value, name) || name.rsplit_once('.').is_some_and(|(stem, _)| matches(value, stem))
}

/// A configured value of what dbt compiles, and of sources: text equal, or one of a list's texts; a boolean in any case. Numbers and maps never match, as in dbt.
fn config(node: &Node, keys: &[String], value: &str) -> bool {
    if matches!(node.detail, Detail::Exposure(_) | Detail::Other(_)) {
        return false;
    }
    let (Some(last), Some(mut found)) = (keys.last(), keys.first().and_then(|key| node.config.get(key))) else {
        return false;
    };
    for key in &keys[1..] {
        match found.get(key) {
            Some(next) => found = next,
            None => return false,
        }
    }
    match found {
        // dbt keeps a test's severity as text without case.
        Json::String(text) if last == "severity" => text.eq_ignore_ascii_case(value),
        Json::String(text) => text == value,
        Json::Array(items) => items.iter().any(|item| item.as_str() == Some(value)),
        Json::Bool(flag) => value.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
        _ => false,
    }
}

fn test_type(value: &str) -> Result<Matcher<'_>, Error> {
    if !TEST_TYPES.contains(&value) {
        return Err(Error::InvalidValue {
            method: "test_type",
            value: value.to_owned(),
            expected: "generic, singular, unit or data".to_owned(),
        });
    }
    Ok(Box::new(move |node| match value {
        "unit" => node.resource_type == ResourceType::UnitTest,
        "data" => node.resource_type == ResourceType::Test,
        "singular" => node.as_test().is_some_and(|test| test.metadata.is_none()),
        _ => node.as_test().is_some_and(|test| test.metadata.is_some()),
    }))
}

fn version(value: &str) -> Result<Matcher<'_>, Error> {
    if !VERSIONS.contains(&value) {
        return Err(Error::InvalidValue {
            method: "version",
            value: value.to_owned(),
            expected: "latest, prerelease, old or none".to_owned(),
        });
    }
    Ok(Box::new(move |node| {
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

fn state<'a>(value: &'a str, world: &World<'a>) -> Result<Matcher<'a>, Error> {
    let known = ["new", "old", "modified", "unmodified"];
    let sub = value.strip_prefix("modified.");
    if !known.contains(&value) && !sub.is_some_and(|sub| crate::state::sub_selectors().any(|known| known == sub)) {
        let subs: Vec<String> = crate::state::sub_selectors().map(|sub| format!("modified.{sub}")).collect();
        return Err(Error::InvalidValue {
            method: "state",
            value: value.to_owned(),
            expected: format!("one of {}, {}", known.join(", "), subs.join(", ")),
        });
    }
    let state = world.state.ok_or_else(|| Error::NoState { value: value.to_owned() })?;
    Ok(Box::new(move |node| match (value, sub) {
        (_, Some(sub)) => state.matches(node.unique_id.as_str(), sub),
        ("new", _) => state.is_new(node.unique_id.as_str()),
        ("old", _) => state.is_old(node.unique_id.as_str()),
        ("unmodified", _) => state.is_unmodified(node.unique_id.as_str()),
        _ => state.is_modified(node.unique_id.as_str()),
    }))
}
