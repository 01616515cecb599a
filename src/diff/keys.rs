//! Which key pairs the rows: what is known of each candidate before the rows are paired.

use super::columns::{Columns, Paired};
use super::outcome::{KeyFacts, RejectedKey};
use crate::plan::{KeyCandidate, KeySource};
use crate::warehouse::compare::Field;

/// A key that can be tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key<F = Field> {
    /// Its columns.
    pub(super) fields: Vec<F>,
    /// Where it came from, for people.
    pub(super) source: &'static str,
}

impl<F: Paired> Key<F> {
    /// As the pull request names its columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.name().current.clone()).collect()
    }

    /// What the data says against it. Counts below `least` are told as being below it.
    pub(super) fn rejected(&self, facts: &KeyFacts, least: u64) -> RejectedKey {
        let names = self.names();
        RejectedKey {
            source: self.source.to_owned(),
            reason: format!("{} ({}) has {}", self.source, names.join(", "), faults(facts, least)),
            columns: names,
            nulls: Some(facts.nulls),
            duplicates: Some(facts.duplicates),
        }
    }
}

/// The candidates whose columns both sides have; of the others `rejected` says why not.
pub(super) fn usable<F: Paired>(
    columns: &Columns<F>,
    candidates: &[KeyCandidate],
    rejected: &mut Vec<RejectedKey>,
) -> Vec<Key<F>> {
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
fn source(source: KeySource) -> &'static str {
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
fn fields<F: Paired>(columns: &Columns<F>, candidate: &KeyCandidate) -> Result<Vec<F>, String> {
    if candidate.columns.is_empty() {
        return Err("names no column".to_owned());
    }
    let mut fields: Vec<F> = Vec::new();
    for name in &candidate.columns {
        let found = columns.find(name);
        if found.is_none() && !columns.is_idle(name) {
            return Err(format!("has {name}, which is no column of both tables"));
        }
        let Some(column) = found.filter(|column| column.compared) else {
            return Err(format!("has {name}, whose values are not compared"));
        };
        let field = column.field.as_key();
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Ok(fields)
}

/// `3 duplicate rows in production and 2 rows with NULL in the pull request`.
fn faults(facts: &KeyFacts, least: u64) -> String {
    let KeyFacts { nulls, duplicates, .. } = facts;
    let count = |number: u64, one: &str, many: &str| match number {
        _ if number < least => format!("fewer than {least} {many}"),
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    };
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
