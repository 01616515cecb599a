//! The tree: values with their places, mappings that keep their order.

use indexmap::IndexMap;
use serde_json::{Number, Value as Json};

use crate::model::{JsonMap, Location};

/// A value with the place where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

/// What a YAML node can hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean in any of YAML 1.1's spellings.
    Bool(bool),
    /// An integer or float; integers beyond 64 bits are floats, infinities are text.
    Number(Number),
    /// Text.
    String(String),
    /// A date, as `YYYY-MM-DD`.
    Date(String),
    /// A date with a time, as Python's `isoformat` writes it.
    Timestamp(String),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping.
    Mapping(Mapping),
}

impl Value {
    /// A word for messages: `a list`, `text`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "text",
            Self::Date(_) | Self::Timestamp(_) => "a date",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// One key with its value and the key's own place.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The value.
    pub node: Node,
    /// Line of the key, from 1.
    pub key_line: u32,
    /// Column of the key, from 1.
    pub key_column: u32,
}

/// A mapping in the order in which its keys first appear. Keys that are not text are kept as JSON would write them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping(pub(super) Entries);

/// Entries by key, in the order in which they are written.
pub(super) type Entries = IndexMap<String, Entry, foldhash::fast::RandomState>;

impl Mapping {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0.get(key).map(|entry| &entry.node)
    }

    /// The value of a key with the key's place.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.0.get(key)
    }

    /// Keys with values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(key, entry)| (key.as_str(), &entry.node))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How a timestamp is written when it becomes JSON.
#[derive(Clone, Copy)]
enum TimestampStyle {
    Iso,
    Spaced,
}

impl Node {
    /// Nothing, at a place.
    pub fn null(line: u32, column: u32) -> Self {
        Self { value: Value::Null, line, column }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The items, if it is a sequence.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The mapping, if it is one.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// A value of the mapping, if it is one and has the key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    /// Where it is in the file at `path`.
    pub fn location(&self, path: &str) -> Location {
        Location { path: path.to_owned(), line: self.line, column: self.column }
    }

    /// The value as JSON; timestamps as dbt's artifacts write them (`2020-01-01T10:00:00`).
    pub fn to_json(&self) -> Json {
        self.json(TimestampStyle::Iso)
    }

    /// The value as JSON; timestamps as Python prints them in a template (`2020-01-01 10:00:00`).
    pub fn to_printed_json(&self) -> Json {
        self.json(TimestampStyle::Spaced)
    }

    fn json(&self, style: TimestampStyle) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.clone()),
            Value::String(text) | Value::Date(text) => Json::String(text.clone()),
            Value::Timestamp(text) => Json::String(match style {
                TimestampStyle::Iso => text.clone(),
                TimestampStyle::Spaced => text.replacen('T', " ", 1),
            }),
            Value::Sequence(items) => Json::Array(items.iter().map(|item| item.json(style)).collect()),
            Value::Mapping(mapping) => {
                Json::Object(mapping.iter().map(|(key, node)| (key.to_owned(), node.json(style))).collect::<JsonMap>())
            }
        }
    }
}
