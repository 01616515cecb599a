//! Which key pairs the rows: what is known of each candidate before the rows are paired.

use super::columns::Columns;
use super::outcome::{KeyFacts, RejectedKey};
use crate::model::Change;
use crate::plan::{KeyCandidate, KeySource};
use crate::warehouse::compare::Field;

/// A key that can be tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// Its columns.
    pub(super) fields: Vec<Field>,
    /// Where it came from, for people.
    pub(super) source: &'static str,
}

impl Key {
    /// As the pull request names its columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.name.current.clone()).collect()
    }

    /// What the data says against it.
    pub(super) fn rejected(&self, facts: &KeyFacts) -> RejectedKey {
        let names = self.names();
        RejectedKey {
            source: self.source.to_owned(),
            reason: format!("{} ({}) has {}", self.source, names.join(", "), faults(&facts.nulls, &facts.duplicates)),
            columns: names,
            nulls: Some(facts.nulls),
            duplicates: Some(facts.duplicates),
        }
    }
}

/// The candidates whose columns both sides have; of the others `rejected` says why not.
pub(super) fn usable(columns: &Columns, candidates: &[KeyCandidate], rejected: &mut Vec<RejectedKey>) -> Vec<Key> {
    let mut keys = Vec::new();
    for candidate in candidates {
        let source = source(candidate.source);
        match fields(columns, candidate) {
            Ok(fields) => keys.push(Key { fields, source }),
            Err(why) => rejected.push(RejectedKey {
                columns: candidate.columns.clone(),
                source: source.to_owned(),
                duplicates: None,
                nulls: None,
                reason: format!("{source} ({}) {why}", candidate.columns.join(", ")),
            }),
        }
    }
    keys
}

/// Where a key came from, for people.
pub(super) fn source(source: KeySource) -> &'static str {
    match source {
        KeySource::UniqueKey => "unique_key",
        KeySource::Constraint => "primary key constraint",
        KeySource::Tests => "tests unique and not_null",
        KeySource::UniqueCombination => "test of a unique combination",
        KeySource::Meta => "meta.slimdiff.key",
        KeySource::CommandLine => "the given key",
    }
}

/// The candidate's columns, or why they cannot be a key whatever the data says.
fn fields(columns: &Columns, candidate: &KeyCandidate) -> Result<Vec<Field>, String> {
    if candidate.columns.is_empty() {
        return Err("names no column".to_owned());
    }
    let mut fields: Vec<Field> = Vec::new();
    for name in &candidate.columns {
        let column = columns.find(name).ok_or_else(|| format!("has {name}, which is no column of both tables"))?;
        if !column.compared {
            return Err(format!("has {name}, whose values are not compared"));
        }
        if !fields.contains(&column.field) {
            fields.push(Field { tolerance: None, ..column.field.clone() });
        }
    }
    Ok(fields)
}

/// `3 duplicate rows in production and 2 rows with NULL in the pull request`.
fn faults(nulls: &Change<u64>, duplicates: &Change<u64>) -> String {
    let count = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let mut faults = Vec::new();
    for (duplicates, nulls, place) in [
        (duplicates.baseline, nulls.baseline, "in production"),
        (duplicates.current, nulls.current, "in the pull request"),
    ] {
        if duplicates > 0 {
            faults.push(format!("{} {place}", count(duplicates, "duplicate row", "duplicate rows")));
        }
        if nulls > 0 {
            faults.push(format!("{} with NULL {place}", count(nulls, "row", "rows")));
        }
    }
    faults.join(" and ")
}
