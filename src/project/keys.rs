//! The keys of `dbt_project.yml` as a table: what each holds. A key that is not in it is an error, as in dbt.

use crate::model::{Code, Diagnostic, Location, nearest};
use crate::yaml::{Mapping, Node, Value};

/// What a key holds.
#[derive(Clone, Copy)]
enum Holds {
    Any,
    Text,
    TextOrNumber,
    /// A list of texts.
    List,
    /// A list, or one text.
    TextOrList,
    Mapping,
}

use Holds::{Any, List, Mapping as Map, Text, TextOrList, TextOrNumber};

const KEYS: [(&str, Holds); 43] = [
    ("name", Text),
    ("version", TextOrNumber),
    ("config-version", Any),
    ("profile", Any),
    ("require-dbt-version", TextOrList),
    ("model-paths", List),
    ("source-paths", List),
    ("seed-paths", List),
    ("data-paths", List),
    ("test-paths", List),
    ("analysis-paths", List),
    ("macro-paths", List),
    ("snapshot-paths", List),
    ("docs-paths", List),
    ("asset-paths", List),
    ("function-paths", List),
    ("target-path", Text),
    ("log-path", Text),
    ("packages-install-path", Text),
    ("modules-path", Text),
    ("project-root", Any),
    ("clean-targets", List),
    ("quoting", Map),
    ("on-run-start", TextOrList),
    ("on-run-end", TextOrList),
    ("dispatch", Any),
    // The trees are checked where they are read.
    ("models", Any),
    ("seeds", Any),
    ("snapshots", Any),
    ("analyses", Any),
    ("sources", Any),
    ("tests", Any),
    ("data_tests", Any),
    ("unit_tests", Any),
    ("metrics", Any),
    ("semantic-models", Any),
    ("saved-queries", Any),
    ("exposures", Any),
    ("functions", Any),
    ("vars", Map),
    ("packages", Any),
    ("query-comment", Any),
    ("restrict-access", Any),
];

/// Keys that only need to be known.
const OTHERS: [&str; 3] = ["dbt-cloud", "flags", "sync"];

/// What is wrong with the keys of the file called `shown`.
pub(super) fn check(root: &Mapping, shown: &str, contents: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (key, node) in root.iter() {
        let known = KEYS.iter().find(|(known, _)| *known == key);
        let problem = match known {
            Some((_, holds)) => wrong_value(key, node, *holds, shown),
            None if OTHERS.contains(&key) => None,
            None => Some(unknown(key, root, shown)),
        };
        found.extend(problem);
    }
    found.extend(config_version(root, shown));
    found.extend(dispatch(root, shown));
    found.into_iter().map(|diagnostic| diagnostic.with_excerpt_of(contents)).collect()
}

fn unknown(key: &str, root: &Mapping, shown: &str) -> Diagnostic {
    let place = root.entry(key).map_or((0, 0), |entry| (entry.key_line, entry.key_column));
    let names = || KEYS.iter().map(|(known, _)| *known).chain(OTHERS);
    let hyphenated = key.replace('_', "-");
    let near = names().find(|name| *name == hyphenated).or_else(|| nearest(key, names()));
    let diagnostic = Diagnostic::error(Code::InvalidProperty, format!("`{key}:` is no key of {shown} that dbt knows"));
    let diagnostic = diagnostic.at(Location { path: shown.to_owned(), line: place.0, column: place.1 });
    diagnostic.hint(match near {
        Some(name) => format!("did you mean `{name}:`?"),
        None => "remove it; values of your own belong below `vars:`".to_owned(),
    })
}

fn wrong_value(key: &str, node: &Node, holds: Holds, shown: &str) -> Option<Diagnostic> {
    let (fits, wanted) = match (holds, &node.value) {
        (Any, _) | (_, Value::Null) => return None,
        (Text, value) => (matches!(value, Value::String(_)), "text"),
        (TextOrNumber, value) => {
            (matches!(value, Value::String(_) | Value::Number(_) | Value::Date(_)), "text or a number")
        }
        (List, value) => (matches!(value, Value::Sequence(_)), "a list"),
        (TextOrList, value) => (matches!(value, Value::String(_) | Value::Sequence(_)), "text or a list"),
        (Map, value) => (matches!(value, Value::Mapping(_)), "a mapping"),
    };
    // What is no text is told as a bad name; a template may become anything.
    if fits || key == "name" || node.as_str().is_some_and(|text| text.contains("{{")) {
        return None;
    }
    let message = format!("`{key}:` takes {wanted}, not {}", node.value.kind());
    let diagnostic = Diagnostic::error(Code::InvalidProperty, message).at(node.location(shown));
    Some(match (holds, &node.value) {
        (List, Value::String(text)) => diagnostic.hint(format!("write `{key}: [{text}]`")),
        (Map, Value::Sequence(_)) => diagnostic.hint(format!("remove the `- ` in front of the keys below `{key}:`")),
        _ => diagnostic,
    })
}

fn config_version(root: &Mapping, shown: &str) -> Option<Diagnostic> {
    let node = root.get("config-version").filter(|node| !node.is_null())?;
    let is_two = match &node.value {
        Value::Number(number) => number.as_f64() == Some(2.0),
        Value::String(text) => text == "2",
        _ => false,
    };
    if is_two {
        return None;
    }
    let message = format!("`config-version: {}` is not read by dbt any more: there is only 2", node.to_json());
    let diagnostic = Diagnostic::error(Code::InvalidProperty, message).at(node.location(shown));
    Some(diagnostic.hint("write `config-version: 2`, or leave the line out"))
}

/// Entries of `dispatch:` that are not complete.
fn dispatch(root: &Mapping, shown: &str) -> Vec<Diagnostic> {
    let Some(node) = root.get("dispatch").filter(|node| !node.is_null()) else { return Vec::new() };
    let hint = "write `- {macro_namespace: dbt, search_order: [your_project, dbt]}`";
    let wrong = |node: &Node, message: String| {
        Diagnostic::error(Code::InvalidProperty, message).at(node.location(shown)).hint(hint)
    };
    let Some(items) = node.as_sequence() else {
        return vec![wrong(node, format!("`dispatch:` takes a list, not {}", node.value.kind()))];
    };
    let lacking = |item: &Node| {
        let has_text = item.get("macro_namespace").and_then(Node::as_str).is_some();
        let has_list = item.get("search_order").and_then(Node::as_sequence).is_some();
        match (has_text, has_list) {
            (true, true) => None,
            (false, _) => Some("macro_namespace"),
            (true, false) => Some("search_order"),
        }
    };
    items
        .iter()
        .filter_map(|item| Some(wrong(item, format!("an entry of `dispatch:` has no `{}:`", lacking(item)?))))
        .collect()
}
