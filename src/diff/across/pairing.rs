//! Which columns of the two sides belong together, in which form they are compared, and which of them are the key.

use super::super::Options;
use super::super::keys::source;
use super::super::outcome::{ColumnDiff, RejectedKey, SchemaDiff, TableDiff};
use super::Counted;
use crate::model::Change;
use crate::plan::{Comparison, KeyCandidate};
use crate::warehouse::compare::canonical::Field;

/// The columns that are compared.
pub(super) struct Pairing {
    /// In the pull request's order.
    pub(super) fields: Vec<Field>,
    /// Names of shared columns that are not compared.
    idle: Vec<String>,
}

/// The key by which rows are paired.
pub(super) struct Key {
    pub(super) fields: Vec<Field>,
    /// Where it came from, for people.
    pub(super) source: String,
}

impl Pairing {
    /// Pairs the columns and writes down in `diff` what there is to say about them.
    pub(super) fn of(
        engines: &Change<&str>,
        sides: &Change<Counted>,
        comparison: &Comparison,
        options: &Options,
        diff: &mut TableDiff,
    ) -> Self {
        // The key is compared whether it is among the columns that were asked for or not.
        let is_key = |name: &str| {
            let mut columns = comparison.keys.iter().flat_map(|key| &key.columns);
            columns.any(|column| column.eq_ignore_ascii_case(name))
        };
        let left_out =
            |name: &str| left_out(comparison, name).or_else(|| options.left_out(name).filter(|_| !is_key(name)));
        diff.schema = SchemaDiff::default();
        let matches = matches(engines, &sides.as_ref());
        let (mut fields, mut idle) = (Vec::new(), Vec::new());
        for (at, column) in sides.current.columns.iter().enumerate() {
            let Some(found) = matches[at] else {
                diff.schema.added.push(column.clone());
                continue;
            };
            let before = &sides.baseline.columns[found];
            let types =
                Change { baseline: sides.baseline.types[found].clone(), current: sides.current.types[at].clone() };
            if !types.baseline.is_like(&types.current) {
                diff.schema.retyped.push((column.name.clone(), types.as_ref().map(|typed| typed.name.clone())));
            }
            if before.name != column.name {
                diff.notes.push(format!("column {} is now written {}", before.name, column.name));
            }
            let reason = left_out(&column.name).map_or_else(
                || {
                    let name = Change { baseline: before.name.clone(), current: column.name.clone() };
                    let (field, note) = Field::pair(engines, name, &types)?;
                    diff.notes.extend(note);
                    fields.push(field);
                    Ok(())
                },
                |reason| Err(reason.to_owned()),
            );
            if let Err(reason) = reason {
                diff.excluded.push((column.name.clone(), reason));
                idle.push(column.name.clone());
            }
        }
        let lone = sides.baseline.columns.iter().enumerate().filter(|(at, _)| !matches.contains(&Some(*at)));
        diff.schema.removed = lone.map(|(_, column)| column.clone()).collect();
        diff.schema.reordered = !matches.iter().flatten().is_sorted();
        Self { fields, idle }
    }

    /// The first candidate whose columns are all compared; those before it go into `rejected`.
    pub(super) fn key(&self, candidates: &[KeyCandidate], rejected: &mut Vec<RejectedKey>) -> Option<Key> {
        for candidate in candidates {
            match self.fields_of(candidate) {
                Ok(fields) => return Some(Key { fields, source: source(candidate.source).to_owned() }),
                Err(why) => rejected.push(RejectedKey {
                    columns: candidate.columns.clone(),
                    source: source(candidate.source).to_owned(),
                    duplicates: None,
                    nulls: None,
                    reason: format!("{} ({}) {why}", source(candidate.source), candidate.columns.join(", ")),
                }),
            }
        }
        None
    }

    fn fields_of(&self, candidate: &KeyCandidate) -> Result<Vec<Field>, String> {
        if candidate.columns.is_empty() {
            return Err("names no column".to_owned());
        }
        let mut fields: Vec<Field> = Vec::new();
        for name in &candidate.columns {
            let Some(field) = self.find(name) else {
                let is_idle = self.idle.iter().any(|idle| idle.eq_ignore_ascii_case(name));
                let why = if is_idle { "whose values are not compared" } else { "which is no column of both tables" };
                return Err(format!("has {name}, {why}"));
            };
            if !fields.contains(field) {
                fields.push(field.clone());
            }
        }
        Ok(fields)
    }

    /// The column of this name: exactly, else ignoring case if only one is meant.
    fn find(&self, name: &str) -> Option<&Field> {
        let exact = self.fields.iter().find(|field| field.name.current == name || field.name.baseline == name);
        exact.or_else(|| {
            let lower = name.to_lowercase();
            let mut alike = self.fields.iter().filter(|field| field.name.current.to_lowercase() == lower);
            alike.next().filter(|_| alike.next().is_none())
        })
    }
}

/// For each of the current columns the baseline's that is the same: of the same name, else, where one of the engines
/// takes no notice of case, of the same name but for that.
fn matches(engines: &Change<&str>, sides: &Change<&Counted>) -> Vec<Option<usize>> {
    let before = &sides.baseline.columns;
    let mut found: Vec<Option<usize>> =
        sides.current.columns.iter().map(|column| before.iter().position(|other| other.name == column.name)).collect();
    if engines.baseline == "duckdb" || engines.current == "duckdb" {
        for (at, column) in sides.current.columns.iter().enumerate() {
            if found[at].is_none() {
                let lower = column.name.to_lowercase();
                let alike = (0..before.len())
                    .find(|at| !found.contains(&Some(*at)) && before[*at].name.to_lowercase() == lower);
                found[at] = alike;
            }
        }
    }
    found
}

fn left_out<'a>(comparison: &'a Comparison, name: &str) -> Option<&'a str> {
    let found = comparison.excluded.iter().find(|(column, _)| column.eq_ignore_ascii_case(name));
    found.map(|(_, reason)| reason.as_str())
}

/// The columns of both sides with their NULLs: the pull request's in order, then production's own.
pub(super) fn describe(
    engines: &Change<&str>,
    sides: &Change<Option<&Counted>>,
    comparison: &Comparison,
) -> Vec<ColumnDiff> {
    let matches = match (sides.baseline, sides.current) {
        (Some(baseline), Some(current)) => matches(engines, &Change { baseline, current }),
        (_, current) => vec![None; current.map_or(0, |current| current.columns.len())],
    };
    let describe = |at: Change<Option<usize>>| {
        let column = |side: Option<&Counted>, at: Option<usize>| {
            let (side, at) = (side?, at?);
            Some((side.columns[at].clone(), side.nulls(at)))
        };
        let both = Change { baseline: column(sides.baseline, at.baseline), current: column(sides.current, at.current) };
        let name = both.current.as_ref().or(both.baseline.as_ref()).map(|(column, _)| column.name.clone())?;
        let data_type = both.as_ref().map(|side| side.as_ref().map(|(column, _)| column.data_type.clone()));
        let nulls = both.map(|side| side.and_then(|(_, nulls)| nulls));
        Some(ColumnDiff { nulls, ..ColumnDiff::unknown(&name, data_type) })
    };
    let of_current = matches.iter().enumerate().map(|(at, found)| Change { baseline: *found, current: Some(at) });
    let lone =
        (0..sides.baseline.map_or(0, |baseline| baseline.columns.len())).filter(|at| !matches.contains(&Some(*at)));
    let of_baseline = lone.map(|at| Change { baseline: Some(at), current: None });
    let described = of_current.chain(of_baseline).filter_map(describe);
    described.filter(|column| left_out(comparison, &column.name).is_none()).collect()
}
