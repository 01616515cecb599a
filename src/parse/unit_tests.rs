//! Unit tests: one node a tested version of the model.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::config::{Rules, Sources, complete, listed};
use super::context::Context;
use super::draft::folders;
use super::other;
use super::properties::Entry;
use super::python_text::{self, repr};
use super::versions;
use crate::model::{Checksum, Code, Diagnostic, JsonMap, Node, NodeId, ResourceType};
use crate::project::{FileKind, Package, sha256, strip};

/// A model that a unit test names: its id, schema and version.
pub(super) struct Tested {
    pub(super) unique_id: NodeId,
    pub(super) schema: String,
    pub(super) version: Option<Json>,
    /// A unit test of a disabled model is disabled.
    pub(super) enabled: bool,
}

/// The nodes of one entry. `models` finds the versions of the model it names.
pub(super) fn build(
    entry: &Entry<'_>,
    models: &HashMap<String, Vec<Tested>>,
    context: &Context<'_>,
) -> Result<Vec<Node>, Box<Diagnostic>> {
    let json = entry.render(context)?;
    let Some(model) = json.get("model").and_then(Json::as_str) else {
        let message = format!("unit test `{}` names no `model:`", entry.name);
        return Err(Box::new(entry.complaint(Code::InvalidProperty, message)));
    };
    let Some(tested) = models.get(model) else {
        let message = format!("unit test `{}` is of model `{model}`, which does not exist", entry.name);
        return Err(Box::new(entry.complaint(Code::UnknownRef, message)));
    };
    let package = entry.file.package;
    let given: Vec<JsonMap> = json
        .get("given")
        .map(listed)
        .unwrap_or_default()
        .iter()
        .filter_map(Json::as_object)
        .map(|given| fixture(given, true, package, context))
        .collect();
    let expect =
        fixture(&json.get("expect").and_then(Json::as_object).cloned().unwrap_or_default(), false, package, context);
    let overrides = json.get("overrides").and_then(Json::as_object).map(whole_overrides);
    let picks = json.get("versions").and_then(Json::as_object).map(|versions| {
        let part = |key: &str| versions.get(key).cloned().unwrap_or(Json::Null);
        json!({"include": part("include"), "exclude": part("exclude")})
    });
    let mut fqn = folders(&package.name, entry.file.source.relative_path());
    fqn.extend([model.to_owned(), entry.name.to_owned()]);
    let configured = config(entry, &json, &fqn, context);
    let config = |enabled: bool| {
        let mut own = configured.clone();
        if !enabled {
            own.insert("enabled".to_owned(), Json::Bool(false));
        }
        own
    };
    let checksum = checksum(model, picks.as_ref(), &given, &expect, overrides.as_ref());
    let picked = tested.iter().filter(|tested| is_picked(picks.as_ref(), tested.version.as_ref()));
    Ok(picked
        .map(|tested| {
            let suffix = match &tested.version {
                Some(version) => format!("_v{}", versions::shown(version)),
                None => String::new(),
            };
            let unique_id = format!("unit_test.{}.{model}.{}{suffix}", package.name, entry.name);
            let mut whole =
                json!({"model": model, "given": given, "expect": expect}).as_object().cloned().unwrap_or_default();
            whole.extend(other::identity(entry, ResourceType::UnitTest, &unique_id));
            let rest = json!({
                "fqn": fqn,
                "description": json.get("description").and_then(Json::as_str).unwrap_or_default(),
                "overrides": overrides,
                "depends_on": {"macros": [], "nodes": [tested.unique_id]},
                "config": config(tested.enabled),
                "checksum": checksum,
                "schema": tested.schema,
                "versions": picks,
                "version": tested.version,
            });
            whole.extend(rest.as_object().cloned().unwrap_or_default());
            let mut node = other::node(entry, ResourceType::UnitTest, unique_id, fqn.clone(), whole);
            node.depends_on.nodes.push(tested.unique_id.clone());
            node.checksum = Checksum { name: "sha256".to_owned(), checksum: checksum.clone() };
            node
        })
        .collect())
}

fn config(entry: &Entry<'_>, json: &JsonMap, fqn: &[String], context: &Context<'_>) -> JsonMap {
    let patch = json.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    let none = JsonMap::new();
    let layers = Sources {
        tree: "unit_tests",
        own: entry.file.package,
        root: context.root(),
        fqn,
        patch: Some(&patch),
        in_file: &none,
        rules: Rules::Node,
    };
    complete(layers.merged(), ResourceType::UnitTest)
}

fn is_picked(picks: Option<&Json>, version: Option<&Json>) -> bool {
    let (Some(picks), Some(version)) = (picks, version) else { return true };
    let list = |key: &str| picks.get(key).filter(|list| !list.is_null()).map(listed);
    let has = |list: &[Json]| list.iter().any(|item| versions::shown(item) == versions::shown(version));
    match (list("include"), list("exclude")) {
        (Some(include), _) => has(&include),
        (None, Some(exclude)) => !has(&exclude),
        (None, None) => true,
    }
}

/// Rows with their format; CSV becomes rows, a fixture's file is read, and an input without either takes its seed's
/// rows.
fn fixture(written: &JsonMap, is_input: bool, package: &Package, context: &Context<'_>) -> JsonMap {
    let text = |key: &str| written.get(key).and_then(Json::as_str);
    let format = text("format").unwrap_or("dict");
    let mut rows = written.get("rows").cloned().unwrap_or(Json::Null);
    if let Some(contents) = text("fixture").and_then(|name| fixture_file(name, package)) {
        rows = Json::String(contents);
    }
    let rows = match (format, rows) {
        ("csv", Json::String(csv)) => csv_rows(&csv, &Json::Null),
        (_, Json::Null) => text("input").and_then(|input| seed_rows(input, context)).unwrap_or_else(|| json!([])),
        (_, rows) => rows,
    };
    let rows = led_by_a_full_row(rows);
    let mut whole = JsonMap::new();
    if is_input {
        whole.insert("input".to_owned(), written.get("input").cloned().unwrap_or(Json::Null));
    }
    whole.insert("rows".to_owned(), rows);
    whole.insert("format".to_owned(), json!(format));
    whole.insert("fixture".to_owned(), json!(text("fixture")));
    whole
}

/// dbt tells the types of columns from the first row: one without nulls changes places with it.
fn led_by_a_full_row(mut rows: Json) -> Json {
    if let Some(list) = rows.as_array_mut() {
        let full = |row: &Json| row.as_object().is_some_and(|row| row.values().all(|value| !value.is_null()));
        if let Some(at) = list.iter().position(full) {
            list.swap(0, at);
        }
    }
    rows
}

fn fixture_file(name: &str, package: &Package) -> Option<String> {
    let bare = name.trim_end_matches(".csv").trim_end_matches(".sql");
    let file = package.of_kind(FileKind::Fixture).find(|file| file.stem() == bare)?;
    Some(strip(&file.contents).to_owned())
}

/// The rows of the seed that an input such as `ref('countries')` names; empty values stay empty text there.
fn seed_rows(input: &str, context: &Context<'_>) -> Option<Json> {
    let arguments = input.trim().strip_prefix("ref")?.trim().strip_prefix('(')?.strip_suffix(')')?;
    let name = arguments.split(',').next_back()?.trim().trim_matches(['\'', '"']);
    context.project.all_packages().find_map(|package| {
        let seed = package.seeds.iter().find(|seed| seed.stem() == name)?;
        let text = std::fs::read_to_string(package.root.join(&seed.path)).ok()?;
        Some(csv_rows(&text, &json!("")))
    })
}

/// Every value as text; an empty one is `empty`.
fn csv_rows(text: &str, empty: &Json) -> Json {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.trim().as_bytes());
    let Ok(headers) = reader.headers().cloned() else { return json!([]) };
    let row = |record: csv::StringRecord| -> Json {
        let cells = headers.iter().zip(record.iter());
        let value = |cell: &str| if cell.is_empty() { empty.clone() } else { json!(cell) };
        Json::Object(cells.map(|(header, cell)| (header.to_owned(), value(cell))).collect())
    };
    Json::Array(reader.records().filter_map(Result::ok).map(row).collect())
}

fn whole_overrides(written: &JsonMap) -> Json {
    let part = |key: &str| written.get(key).cloned().unwrap_or_else(|| json!({}));
    json!({"macros": part("macros"), "vars": part("vars"), "env_vars": part("env_vars")})
}

/// dbt's checksum of a unit test: of the definition as Python prints it.
fn checksum(
    model: &str,
    picks: Option<&Json>,
    given: &[JsonMap],
    expect: &JsonMap,
    overrides: Option<&Json>,
) -> String {
    let object = |class: &str, value: &Json| {
        let fields: Vec<String> =
            value.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", repr(value))).collect();
        format!("{class}({})", fields.join(", "))
    };
    let or_none =
        |class: &str, value: Option<&Json>| value.map_or_else(|| "None".to_owned(), |value| object(class, value));
    let shown: Vec<String> = given.iter().map(|given| fixture_text("UnitTestInputFixture", given)).collect();
    let mut state = format!(
        "{model}-{}-[{}]-{}-{}",
        or_none("UnitTestNodeVersions", picks),
        shown.join(", "),
        fixture_text("UnitTestOutputFixture", expect),
        or_none("UnitTestOverrides", overrides),
    );
    // Inputs that came from files count once more.
    for rows in given.iter().filter(|part| !part["fixture"].is_null()).map(|part| &part["rows"]) {
        state.push('-');
        state.push_str(&python_text::str(rows));
    }
    sha256(&state)
}

fn fixture_text(class: &str, fixture: &JsonMap) -> String {
    let fields: Vec<String> = fixture
        .iter()
        .map(|(key, value)| match (key.as_str(), value.as_str()) {
            ("format", Some(format)) => {
                let name = match format {
                    "csv" => "CSV",
                    "sql" => "SQL",
                    _ => "Dict",
                };
                format!("format=<UnitTestFormat.{name}: '{format}'>")
            }
            _ => format!("{key}={}", repr(value)),
        })
        .collect();
    format!("{class}({})", fields.join(", "))
}
