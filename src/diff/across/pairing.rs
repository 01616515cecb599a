//! Which columns of the two sides belong together, and in which form they are compared.

use super::super::Options;
use super::super::columns::{Columns, Paired, Shared, matches, note_lone, note_of_tolerance, reason};
use super::super::outcome::{SchemaDiff, TableDiff};
use super::side::Known;
use crate::model::{Change, Column};
use crate::plan::Comparison;
use crate::warehouse::compare::canonical::Field;

impl Paired for Field {
    fn name(&self) -> &Change<String> {
        &self.name
    }

    fn as_key(&self) -> Self {
        self.clone().within(None)
    }
}

/// Which columns of the two sides are the same: those of one name, else, where one of the engines takes no notice of
/// case, of one name but for that.
pub(super) fn of_names(engines: &Change<&str>, sides: &Change<&[Column]>) -> Vec<Option<usize>> {
    let ignores_case = engines.baseline == "duckdb" || engines.current == "duckdb";
    matches(sides, |a, b| ignores_case && a.to_lowercase() == b.to_lowercase())
}

/// Pairs the columns and writes down in `diff` what there is to say about them.
pub(super) fn pair(
    engines: &Change<&str>,
    sides: &Change<Known>,
    matches: &[Option<usize>],
    comparison: &Comparison,
    options: &Options,
    diff: &mut TableDiff,
) -> Columns<Field> {
    let key: Vec<String> = comparison.keys.iter().flat_map(|key| key.columns.clone()).collect();
    let mut columns = Columns::default();
    diff.schema = SchemaDiff::default();
    let found = matches.iter().enumerate().filter_map(|(at, found)| Some(((*found)?, at)));
    for (before, after) in found {
        let both = Change { baseline: &sides.baseline.columns[before], current: &sides.current.columns[after] };
        let types =
            Change { baseline: sides.baseline.types[before].clone(), current: sides.current.types[after].clone() };
        let name = both.map(|column| column.name.clone());
        // Two engines call one type by two names.
        let is_retyped = if engines.is_changed() {
            !types.baseline.is_like(&types.current)
        } else {
            types.baseline.name != types.current.name
        };
        if is_retyped {
            diff.schema.retyped.push((name.current.clone(), types.as_ref().map(|typed| typed.name.clone())));
        }
        if name.is_changed() {
            diff.notes.push(format!("column {} is now written {}", name.baseline, name.current));
        }
        let reason = reason(&comparison.excluded, options, &key, &name.current).map(str::to_owned);
        let field = match Field::pair(engines, name.clone(), &types, options.text) {
            Ok((field, note)) => {
                diff.notes.extend(note.filter(|_| reason.is_none()));
                Ok(with_tolerance(field, options))
            }
            Err(why) => Err(why),
        };
        let why = reason.or_else(|| field.as_ref().err().cloned());
        let compared = why.is_none();
        if let Some(why) = why {
            diff.excluded.push((name.current.clone(), why));
        }
        match field {
            Ok(field) => {
                if compared {
                    diff.notes.extend(note_of_tolerance(options, &key, &name, field.tolerance, field.sort()));
                }
                columns.shared.push(Shared { field, compared });
            }
            Err(_) => columns.idle.push(name.current),
        }
    }
    note_lone(&sides.as_ref().map(|side| side.columns.as_slice()), matches, &mut diff.schema);
    columns
}

fn with_tolerance(field: Field, options: &Options) -> Field {
    let tolerance = field.sort().and_then(|sort| options.tolerance_of(&field.name, sort));
    field.within(tolerance)
}
