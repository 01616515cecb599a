//! What is known of the relations that a query may read: their names in SQL and their columns.

use std::collections::HashMap;

use crate::model::Relation;

/// The columns of a relation, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownColumns {
    /// In the relation's order when `complete`.
    pub columns: Vec<KnownColumn>,
    /// Whether it has no other columns, and these in this order.
    pub complete: bool,
}

/// A column that a relation is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownColumn {
    /// Its name, without quotes.
    pub name: String,
    /// Its type, when known.
    pub data_type: Option<String>,
}

impl KnownColumns {
    /// All columns of a relation, in order.
    pub fn all<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { columns: names.into_iter().map(|name| KnownColumn::new(name.as_ref())).collect(), complete: true }
    }

    /// Some columns of a relation.
    pub fn some<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { complete: false, ..Self::all(names) }
    }
}

impl KnownColumn {
    /// A column of unknown type.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), data_type: None }
    }
}

/// The relations that a query may read.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    entries: Vec<Entry>,
    /// Places in `entries` by the last part of the name, in lower case.
    by_name: HashMap<String, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Database, schema, identifier as far as given, in lower case.
    parts: Vec<String>,
    id: String,
    known: KnownColumns,
}

/// A relation that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) id: &'a str,
    pub(super) columns: &'a KnownColumns,
}

impl Schema {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a relation by the parts of its name, the identifier last; `id` is what lineage calls it, e.g. a node's id.
    pub fn add(&mut self, parts: &[&str], id: impl Into<String>, known: KnownColumns) {
        let parts: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
        let Some(name) = parts.last().cloned() else { return };
        self.by_name.entry(name).or_default().push(self.entries.len());
        self.entries.push(Entry { parts, id: id.into(), known });
    }

    /// Adds a relation by its name.
    pub fn add_relation(&mut self, relation: &Relation, id: impl Into<String>, known: KnownColumns) {
        let parts = [relation.database.as_deref(), relation.schema.as_deref(), relation.identifier.as_deref()];
        let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        self.add(&parts, id, known);
    }

    /// The same, with one relation that is known under a plain name.
    #[must_use]
    pub fn with<S: AsRef<str>>(mut self, name: &str, columns: impl IntoIterator<Item = S>) -> Self {
        self.add(&name.split('.').collect::<Vec<_>>(), name, KnownColumns::all(columns));
        self
    }

    /// The relation of that name, whose parts may be fewer or more than those it was added with; none when several are.
    pub(super) fn find(&self, parts: &[String]) -> Option<Known<'_>> {
        let places = self.by_name.get(&parts.last()?.to_lowercase())?;
        let fits = |entry: &Entry| {
            entry.parts.iter().rev().zip(parts.iter().rev()).all(|(known, asked)| *known == asked.to_lowercase())
        };
        let mut found = places.iter().filter_map(|place| self.entries.get(*place)).filter(|entry| fits(entry));
        let first = found.next()?;
        if found.any(|other| other.id != first.id) {
            return None;
        }
        Some(Known { id: &first.id, columns: &first.known })
    }
}
