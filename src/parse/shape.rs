//! The shapes of property files as a table: which keys an entry may have, what each holds, and which it must have.
//!
//! dbt ignores keys that it does not know; here they are told, with the nearest that exists, for they are mostly typos.

use super::properties::PropertyFile;
use crate::model::{Code, Diagnostic, Location, Severity, nearest};
use crate::yaml::{Mapping, Node, Value};

/// What a key holds. Nothing (`null`) and templates are let through: what they become is not known here.
#[derive(Clone, Copy)]
enum Shape {
    Any,
    Text,
    TextOrNumber,
    Bool,
    List,
    TextOrList,
    Mapping,
    Date,
    OneOf(&'static [&'static str]),
    /// A list of these.
    Each(&'static Object),
    /// One of these.
    One(&'static Object),
}

/// A mapping of a property file.
struct Object {
    /// What it is called in messages.
    name: &'static str,
    keys: &'static [(&'static str, Shape)],
    required: &'static [&'static str],
    /// Whether keys that are not in the list are told.
    closed: bool,
}

use Shape::{Any, Bool, Date, Each, List, Mapping as Map, One, OneOf, Text, TextOrList, TextOrNumber};

const COLUMN: Object = Object {
    name: "column",
    keys: &[
        ("name", TextOrNumber),
        ("description", Text),
        ("data_type", Text),
        ("quote", Bool),
        ("config", Map),
        ("meta", Map),
        ("tags", TextOrList),
        ("tests", List),
        ("data_tests", List),
        ("constraints", Each(&CONSTRAINT)),
        ("granularity", Text),
        ("policy_tags", List),
        ("databricks_tags", Map),
        ("column_mask", Map),
        ("dimension", Any),
        ("entity", Any),
    ],
    required: &["name"],
    closed: false,
};

const CONSTRAINT: Object = Object {
    name: "constraint",
    keys: &[
        ("type", OneOf(&["check", "not_null", "unique", "primary_key", "foreign_key", "custom"])),
        ("name", Text),
        ("expression", Text),
        ("columns", List),
        ("to", Text),
        ("to_columns", List),
        ("warn_unenforced", Bool),
        ("warn_unsupported", Bool),
    ],
    required: &["type"],
    closed: true,
};

const MODEL: Object = Object {
    name: "model",
    keys: &[
        ("name", Text),
        ("description", Text),
        ("columns", Each(&COLUMN)),
        ("config", Map),
        ("constraints", Each(&CONSTRAINT)),
        ("tests", List),
        ("data_tests", List),
        ("versions", List),
        ("latest_version", TextOrNumber),
        ("deprecation_date", Date),
        ("time_spine", Map),
        ("access", Text),
        ("group", Text),
        ("docs", Map),
        ("meta", Map),
        ("tags", TextOrList),
        ("identifier", Text),
        ("quote_columns", Bool),
        ("agg_time_dimension", Text),
        ("derived_semantics", Map),
        ("metrics", List),
        ("primary_entity", Text),
        ("semantic_model", Any),
        ("static_analysis_off_reason", Text),
    ],
    required: &["name"],
    closed: true,
};

const SEED: Object = Object {
    name: "seed",
    keys: &[
        ("name", Text),
        ("description", Text),
        ("columns", Each(&COLUMN)),
        ("config", Map),
        ("tests", List),
        ("data_tests", List),
        ("docs", Map),
        ("meta", Map),
        ("group", Text),
        ("access", Text),
        ("tags", TextOrList),
        ("quote_columns", Bool),
        ("constraints", List),
        ("static_analysis_off_reason", Text),
    ],
    required: &["name"],
    closed: true,
};

const SNAPSHOT: Object = Object {
    name: "snapshot",
    keys: &[
        ("name", Text),
        ("description", Text),
        ("relation", Text),
        ("columns", Each(&COLUMN)),
        ("config", Map),
        ("tests", List),
        ("data_tests", List),
        ("docs", Map),
        ("meta", Map),
        ("group", Text),
        ("access", Text),
        ("tags", TextOrList),
        ("quote_columns", Bool),
        ("constraints", List),
        ("static_analysis_off_reason", Text),
    ],
    required: &["name"],
    closed: true,
};

const ANALYSIS: Object = Object {
    name: "analysis",
    keys: &[
        ("name", Text),
        ("description", Text),
        ("columns", Each(&COLUMN)),
        ("config", Map),
        ("docs", Map),
        ("meta", Map),
        ("group", Text),
        ("access", Text),
        ("tags", TextOrList),
        ("static_analysis_off_reason", Text),
    ],
    required: &["name"],
    closed: true,
};

const SOURCE_CONFIG: Object =
    Object { name: "configuration", keys: &[("freshness", One(&FRESHNESS))], required: &[], closed: false };

const FRESHNESS: Object = Object {
    name: "freshness",
    keys: &[("warn_after", One(&TIME)), ("error_after", One(&TIME)), ("filter", Text)],
    required: &[],
    closed: true,
};

const TIME: Object = Object {
    name: "period",
    keys: &[("count", Any), ("period", OneOf(&["minute", "hour", "day"]))],
    required: &[],
    closed: true,
};

const SOURCE: Object = Object {
    name: "source",
    keys: &[
        ("name", Text),
        ("description", Text),
        ("config", One(&SOURCE_CONFIG)),
        ("database", Text),
        ("catalog", Text),
        ("schema", Text),
        ("loader", Text),
        ("quoting", Map),
        ("tables", Each(&TABLE)),
        ("meta", Map),
        ("tags", TextOrList),
        ("freshness", One(&FRESHNESS)),
        ("loaded_at_field", Text),
        ("loaded_at_query", Text),
        ("overrides", Text),
        ("unrendered_database", Text),
        ("unrendered_schema", Text),
        ("tests", List),
        ("data_tests", List),
    ],
    required: &["name"],
    closed: true,
};

const TABLE: Object = Object {
    name: "table",
    keys: &[
        ("name", Text),
        ("description", Text),
        ("columns", Each(&COLUMN)),
        ("config", One(&SOURCE_CONFIG)),
        ("identifier", Text),
        ("loader", Text),
        ("quoting", Map),
        ("external", Any),
        ("tests", List),
        ("data_tests", List),
        ("meta", Map),
        ("tags", TextOrList),
        ("docs", Map),
        ("freshness", One(&FRESHNESS)),
        ("loaded_at_field", Text),
        ("loaded_at_query", Text),
        ("quote_columns", Bool),
    ],
    required: &["name"],
    closed: false,
};

const OWNER: Object =
    Object { name: "owner", keys: &[("name", Text), ("email", TextOrList)], required: &[], closed: false };

const EXPOSURE: Object = Object {
    name: "exposure",
    keys: &[
        ("name", Text),
        ("type", OneOf(&["dashboard", "notebook", "analysis", "ml", "application"])),
        ("owner", One(&OWNER)),
        ("description", Text),
        ("label", Text),
        ("maturity", OneOf(&["low", "medium", "high"])),
        ("url", Text),
        ("depends_on", List),
        ("config", Map),
        ("meta", Map),
        ("tags", TextOrList),
        ("enabled", Bool),
    ],
    required: &["type", "owner"],
    closed: true,
};

const GROUP: Object = Object {
    name: "group",
    keys: &[("name", Text), ("owner", One(&OWNER)), ("description", Text), ("config", Map), ("meta", Map)],
    required: &["owner"],
    closed: true,
};

const MACRO: Object = Object {
    name: "macro",
    keys: &[("name", Text), ("description", Text), ("arguments", List), ("config", Map), ("docs", Map), ("meta", Map)],
    required: &["name"],
    closed: true,
};

const FORMATS: Shape = OneOf(&["dict", "csv", "sql"]);

const GIVEN: Object = Object {
    name: "input",
    keys: &[("input", Text), ("rows", Any), ("format", FORMATS), ("fixture", Text)],
    required: &["input"],
    closed: true,
};

const EXPECT: Object = Object {
    name: "expectation",
    keys: &[("rows", Any), ("format", FORMATS), ("fixture", Text)],
    required: &[],
    closed: true,
};

const UNIT_TEST: Object = Object {
    name: "unit test",
    keys: &[
        ("name", Text),
        ("model", Text),
        ("description", Text),
        ("given", Each(&GIVEN)),
        ("expect", One(&EXPECT)),
        ("overrides", Map),
        ("versions", Map),
        ("config", Map),
        ("static_analysis_off_reason", Text),
    ],
    required: &["model", "given", "expect"],
    closed: true,
};

/// The lists of a property file. Of those without a table, only their entries' names are looked at.
const SECTIONS: [(&str, Option<&Object>); 17] = [
    ("models", Some(&MODEL)),
    ("seeds", Some(&SEED)),
    ("snapshots", Some(&SNAPSHOT)),
    ("analyses", Some(&ANALYSIS)),
    ("sources", Some(&SOURCE)),
    ("exposures", Some(&EXPOSURE)),
    ("groups", Some(&GROUP)),
    ("macros", Some(&MACRO)),
    ("unit_tests", Some(&UNIT_TEST)),
    ("tests", None),
    ("data_tests", None),
    ("metrics", None),
    ("semantic_models", None),
    ("saved_queries", None),
    ("functions", None),
    ("version", None),
    ("anchors", None),
];

/// What is wrong with the shapes of one file: keys that are unknown or missing, values of the wrong kind.
///
/// Lists that are none and entries without a name are told where the entries are collected.
pub(super) fn check(file: &PropertyFile<'_>, root: &Mapping) -> Vec<Diagnostic> {
    let mut checker = Checker { file, found: Vec::new() };
    for (key, value) in root.iter() {
        match SECTIONS.iter().find(|(section, _)| *section == key) {
            None => checker.unknown_section(key, root),
            Some((_, Some(object))) => {
                for entry in value.as_sequence().unwrap_or_default() {
                    if entry.get("name").and_then(Node::as_str).is_some() {
                        checker.object(entry, object, "");
                    }
                }
            }
            Some(("version", None)) => checker.version(value),
            Some((_, None)) => {}
        }
    }
    checker.found
}

struct Checker<'a> {
    file: &'a PropertyFile<'a>,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn error(&mut self, node: &Node, message: String) -> &mut Diagnostic {
        self.found.push(self.file.complaint(node, Code::InvalidProperty, message));
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn unknown(&mut self, code: Code, key: &str, parent: &Mapping, message: String, hint: String) {
        let entry = parent.entry(key);
        let location = Location {
            path: self.file.shown.clone(),
            line: entry.map_or(0, |entry| entry.key_line),
            column: entry.map_or(0, |entry| entry.key_column),
        };
        self.found.push(
            Diagnostic::warning(code, message).at(location).with_excerpt_of(&self.file.source.contents).hint(hint),
        );
    }

    fn unknown_section(&mut self, key: &str, root: &Mapping) {
        let hint = nearest(key, SECTIONS.iter().map(|(section, _)| *section)).map_or_else(
            || "remove it, or move it below `config: {meta: …}` of a resource".to_owned(),
            |name| format!("did you mean `{name}:`?"),
        );
        let message = format!("`{key}:` is nothing that dbt reads in a property file; all below it is ignored");
        self.unknown(Code::UnknownTopLevelKey, key, root, message, hint);
    }

    fn version(&mut self, value: &Node) {
        let is_two = matches!(&value.value, Value::Number(number) if number.as_f64() == Some(2.0));
        if !is_two && !value.is_null() {
            let message = format!("`version: {}` is no version of property files that dbt reads", shown(value));
            let complaint = softened(self.file.complaint(value, Code::InvalidProperty, message));
            self.found.push(complaint.hint("write `version: 2`, or leave the line out"));
        }
    }

    /// `of` says whose part the object is: of a model of some name, or nothing.
    fn object(&mut self, node: &Node, object: &Object, of: &str) {
        let Some(mapping) = node.as_mapping() else {
            let message = format!(
                "a {}{of} is {}, where a mapping with {} is expected",
                object.name,
                node.value.kind(),
                needed(object)
            );
            self.error(node, message);
            return;
        };
        let name = mapping.get("name").and_then(Node::as_str);
        // A part without a name of its own is told by what it belongs to.
        let own = name.map_or_else(|| of.to_owned(), |name| format!(" of {} `{name}`", object.name));
        for key in object.required {
            if mapping.get(key).is_none_or(Node::is_null) {
                let whose =
                    name.map_or_else(|| format!("a {}{of}", object.name), |name| format!("{} `{name}`", object.name));
                self.error(node, format!("{whose} has no `{key}:`, which dbt wants")).hint = advice(object, key);
            }
        }
        for (key, value) in mapping.iter() {
            match object.keys.iter().find(|(known, _)| *known == key) {
                Some((_, shape)) => self.value(key, value, *shape, &own),
                None => self.unknown_key(key, mapping, object, &own),
            }
        }
        if [GIVEN.name, EXPECT.name].contains(&object.name) {
            self.rows(mapping, &own);
        }
    }

    /// Rows of a unit test are what their format says.
    fn rows(&mut self, mapping: &Mapping, own: &str) {
        let Some(rows) = mapping.get("rows").filter(|rows| !rows.is_null()) else { return };
        let format = mapping.get("format").and_then(Node::as_str).unwrap_or("dict");
        let hint = match (format, &rows.value) {
            ("dict", Value::Sequence(_)) | ("csv" | "sql", Value::String(_)) => return,
            ("dict", Value::String(_)) => "write `rows: [{column: value}]`, or add `format: csv` or `format: sql`",
            ("dict", _) => "write `rows: [{column: value}]`",
            _ => "write the rows as text: `rows: |`",
        };
        let message = format!("`rows:`{own} is {}, which does not fit the format {format}", rows.value.kind());
        self.error(rows, message).hint = Some(hint.to_owned());
    }

    fn unknown_key(&mut self, key: &str, mapping: &Mapping, object: &Object, own: &str) {
        let known = object.keys.iter().map(|(key, _)| *key);
        let near = nearest(key, known);
        if !object.closed && near.is_none() {
            return;
        }
        let configurable = object.keys.iter().any(|(key, _)| *key == "config");
        let hint = match near {
            Some(name) => format!("did you mean `{name}:`?"),
            None if configurable && super::config_types::is_known(key) => {
                format!("move it below `config:`: `config: {{{key}: …}}`")
            }
            None if configurable => "remove it, or move it below `config: {meta: …}`".to_owned(),
            None => format!("it may have {}", keys(object)),
        };
        self.unknown(Code::UnknownKey, key, mapping, format!("`{key}:`{own} is nothing that dbt reads there"), hint);
    }

    /// Names of a project's own are allowed in a configuration; those that are nearly known are told.
    fn configuration(&mut self, mapping: &Mapping, own: &str) {
        for (key, _) in mapping.iter() {
            if let Some(meant) = super::config_types::meant_by(key) {
                let message = format!("`{key}:`{own} is no configuration that dbt knows");
                self.unknown(Code::UnknownConfig, key, mapping, message, format!("did you mean `{meant}:`?"));
            }
        }
    }

    fn value(&mut self, key: &str, node: &Node, shape: Shape, own: &str) {
        if node.is_null() || node.as_str().is_some_and(|text| text.contains("{{") || text.contains("{%")) {
            return;
        }
        if let (Map, "config", Some(mapping)) = (shape, key, node.as_mapping()) {
            self.configuration(mapping, own);
        }
        let wanted = match (shape, &node.value) {
            (Any, _)
            | (Date, Value::Date(_) | Value::Timestamp(_))
            | (Text, Value::String(_) | Value::Date(_) | Value::Timestamp(_))
            | (TextOrNumber, Value::String(_) | Value::Number(_) | Value::Date(_) | Value::Bool(_))
            | (Bool, Value::Bool(_))
            | (List, Value::Sequence(_))
            | (TextOrList, Value::String(_) | Value::Sequence(_))
            | (Map, Value::Mapping(_)) => return,
            (Each(object), Value::Sequence(items)) => {
                for item in items {
                    self.object(item, object, own);
                }
                return;
            }
            (One(object), Value::Mapping(_)) => return self.object(node, object, own),
            (OneOf(words), Value::String(word)) if words.contains(&word.as_str()) => return,
            (OneOf(words), _) => {
                let message = format!("`{key}: {}`{own} is none of {}", shown(node), words.join(", "));
                let hint = node
                    .as_str()
                    .and_then(|word| nearest(word, words.iter().copied()))
                    .map(|word| format!("did you mean `{word}`?"));
                self.error(node, message).hint = hint;
                return;
            }
            // Told with the tests, which are read wherever they stand.
            (List, _) if key.ends_with("tests") => return,
            (Date, Value::String(text)) if chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() => return,
            (Date, _) => {
                let message = format!("`{key}: {}`{own} is no date", shown(node));
                self.error(node, message).hint = Some("write a day that exists, as 2026-01-31".to_owned());
                return;
            }
            (Text, _) => "text",
            (TextOrNumber, _) => "text or a number",
            (Bool, _) => "`true` or `false`",
            (List | Each(_), _) => "a list",
            (TextOrList, _) => "text or a list",
            (Map | One(_), _) => "a mapping",
        };
        let message = format!("`{key}:`{own} takes {wanted}, not {}", node.value.kind());
        let hint = wrong_kind(key, shape, &node.value);
        self.error(node, message).hint = hint;
    }
}

/// How to write what was meant.
fn wrong_kind(key: &str, shape: Shape, value: &Value) -> Option<String> {
    Some(match (shape, value) {
        (Each(_), Value::String(text)) => format!("write it as a list:\n          {key}:\n            - name: {text}"),
        (Each(_), Value::Mapping(_)) => format!("put `- name: …` in front of each entry below `{key}:`"),
        (Map | One(_), Value::Sequence(_)) => format!("remove the `- ` in front of the keys below `{key}:`"),
        (Text, Value::Number(_) | Value::Bool(_)) => "put the value in quotes".to_owned(),
        _ => return None,
    })
}

fn advice(object: &Object, key: &str) -> Option<String> {
    let (_, shape) = object.keys.iter().find(|(known, _)| *known == key)?;
    Some(match shape {
        OneOf(words) => format!("add `{key}:` with one of {}", words.join(", ")),
        One(object) if object.name == "owner" => "add `owner: {name: …}` or `owner: {email: …}`".to_owned(),
        One(_) => format!("add `{key}: {{rows: […]}}`"),
        Each(_) => format!("add `{key}:` with a list, or `{key}: []`"),
        _ => format!("add `{key}: …`"),
    })
}

fn needed(object: &Object) -> String {
    object.required.iter().map(|key| format!("`{key}:`")).collect::<Vec<_>>().join(" and ")
}

fn keys(object: &Object) -> String {
    object.keys.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ")
}

fn shown(node: &Node) -> String {
    node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned)
}

/// Makes a warning of what would be an error.
pub(super) fn softened(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..diagnostic }
}
