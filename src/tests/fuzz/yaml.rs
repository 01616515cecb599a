//! YAML: whatever the text, the reader answers, and soon; what it has read it reads again when it is printed.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::check;
use super::mutate;
use crate::yaml::{self, Node, Value};

const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "\n  - ",
    "\t",
    "\r\n",
    "\r",
    " ",
    ":",
    ": ",
    "- ",
    "? ",
    "|",
    "|-",
    "|+2",
    ">",
    ">-",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "&a [*a]",
    "<<: *a",
    "<<",
    "!!str ",
    "!!int ",
    "!!python/object ",
    "!x ",
    "---",
    "--- ",
    "...",
    "%YAML 1.1\n",
    "#",
    " # c",
    "'",
    "\"",
    "\\",
    "\\x",
    "\\u00e9",
    "\\U0010FFFF",
    "''",
    "yes",
    "no",
    "null",
    "~",
    "1",
    "-1",
    "0o17",
    "017",
    "0x1F",
    "0b1",
    "1_000",
    "1e3",
    "1.5e+3",
    ".inf",
    "-.inf",
    ".nan",
    "1:30",
    "1:30.5",
    "2020-01-01",
    "2020-01-01 10:00:00 +2",
    "2020-13-45T99:99:99Z",
    "99999999999999999999999",
    "models",
    "name",
    "columns",
    "config",
    "{{ var('x') }}",
    "{% if %}",
    "@",
    "`",
    "%",
    "\u{feff}",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "é",
    "🦆",
];

fn bases() -> Vec<String> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let files = [
        "ecomm/dbt_project.yml",
        "ecomm/models/marts/ml/_ml.yml",
        "ecomm/models/staging/_sources.yml",
        "zoo/selectors.yml",
        "zoo/models/schema.yml",
    ];
    let mut bases: Vec<String> =
        files.iter().map(|file| std::fs::read_to_string(format!("{fixtures}/{file}")).unwrap()).collect();
    bases.push(
        "a: &a {x: 1, y: [2, 3]}\nb: *a\nc:\n  <<: *a\n  z: |\n    text\n     more\n\nd: >-\n  folded\n  text\n"
            .to_owned(),
    );
    bases.push("? k\n: v\n'q': \"d\\n\\u00e9\"\nn: [yes, 1:30, 0o7, .inf, 2020-01-01T00:00:00Z, ~]\n".to_owned());
    bases
}

fn places_are_of_the_text(node: &Node, lines: u32) {
    assert!((1..=lines).contains(&node.line), "line {} of {lines}", node.line);
    assert!(node.column >= 1);
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| places_are_of_the_text(item, lines)),
        Value::Mapping(mapping) => mapping.iter().for_each(|(_, value)| places_are_of_the_text(value, lines)),
        _ => {}
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count()).unwrap() + 2
}

/// Whether a number in it has an exponent and no dot, which is text to YAML 1.1.
fn holds_exponent(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.to_string().contains('e') && !number.to_string().contains('.'),
        Json::Array(items) => items.iter().any(holds_exponent),
        Json::Object(map) => map.values().any(holds_exponent),
        _ => false,
    }
}

/// Text as JSON writes it, which YAML reads, unless it holds characters that YAML refuses.
fn reads_the_same_when_printed(json: &Json) {
    let printed = json.to_string();
    if holds_exponent(json) {
        return;
    }
    if printed
        .contains(|c: char| c == '\u{7f}' || c == '\u{feff}' || ('\u{80}'..'\u{a0}').contains(&c) || c > '\u{d7ff}')
    {
        return;
    }
    match yaml::parse(&printed) {
        Ok(again) => assert_eq!(again.root.to_json(), *json, "{printed}"),
        Err(error) => {
            let limits = ["200 levels", "two million", "key is expected"];
            assert!(limits.iter().any(|limit| error.message.contains(limit)) || json.is_null(), "{error}: {printed}");
        }
    }
}

fn reads(text: &str) {
    match yaml::parse(text) {
        Ok(parsed) => {
            places_are_of_the_text(&parsed.root, count(text));
            for duplicate in &parsed.duplicates {
                assert!(duplicate.first_line <= duplicate.line, "{duplicate:?}");
            }
            assert_eq!(yaml::parse(text).unwrap(), parsed, "the same text reads the same");
            reads_the_same_when_printed(&parsed.root.to_json());
        }
        Err(error) => {
            assert!(!error.message.is_empty() && error.line <= count(text), "{error:?}");
            assert!(!error.into_diagnostic("f.yml").to_string().is_empty());
        }
    }
}

#[test]
fn arbitrary_text_is_read_or_refused() {
    check("yaml, arbitrary text", 300, &prop_oneof![any::<String>(), "\\PC{0,200}", mutate::soup(WORDS)], |text| {
        reads(text);
    });
}

#[test]
fn mutated_property_files_are_read_or_refused() {
    check("yaml, mutated files", 200, &mutate::texts(&bases(), WORDS), |text| reads(text));
}

#[test]
fn a_plain_scalar_reads_the_same_when_it_is_printed() {
    let plain =
        prop_oneof!["[0-9+.:_eExobTZ -]{1,12}", "[a-zA-Z~.]{1,6}", prop::sample::select(WORDS).prop_map(str::to_owned)];
    check("yaml, plain scalars", 400, &plain, |text| {
        let Ok(parsed) = yaml::parse(&format!("a: {text}\n")) else { return };
        let Some(value) = parsed.root.get("a") else { return };
        reads_the_same_when_printed(&value.to_json());
        // Text to YAML 1.1 is what JSON writes of a large float: it wants a dot before the exponent.
        if let Value::Number(number) = &value.value
            && (number.to_string().contains('.') || !number.to_string().contains('e'))
        {
            let again = yaml::parse(&format!("a: {number}\n")).unwrap();
            assert_eq!(again.root.get("a").unwrap().to_json(), value.to_json(), "{text}");
        }
    });
}
