//! Which columns of the two sides belong together, and in which form each pair is compared.

use super::Options;
use super::outcome::{SchemaDiff, TableDiff};
use crate::model::{Change, Column};
use crate::warehouse::Dialect;
use crate::warehouse::compare::{Field, Form, Number, same_column};

/// The columns of both sides, sorted out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Columns {
    /// Of both sides, in the pull request's order.
    pub(super) shared: Vec<Shared>,
}

/// A column of both sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shared {
    /// As it is compared.
    pub(super) field: Field,
    /// Whether its values are.
    pub(super) compared: bool,
}

/// What decides how columns are paired.
pub(super) struct Pairing<'a> {
    pub(super) dialect: &'a dyn Dialect,
    pub(super) options: &'a Options,
    /// Columns that are left out, with the reason.
    pub(super) left_out: &'a [(String, String)],
    /// Columns of a key that was given, which are compared whatever was asked for.
    pub(super) key: &'a [String],
}

impl Columns {
    /// The columns whose values are compared.
    pub(super) fn fields(&self) -> Vec<Field> {
        self.shared.iter().filter(|shared| shared.compared).map(|shared| shared.field.clone()).collect()
    }

    /// The column of this name: exactly, else ignoring case if only one is meant.
    pub(super) fn find(&self, name: &str) -> Option<&Shared> {
        let names = |shared: &&Shared| shared.field.name.current == name || shared.field.name.baseline == name;
        self.shared.iter().find(names).or_else(|| {
            let lower = name.to_lowercase();
            let mut alike = self.shared.iter().filter(|shared| shared.field.name.current.to_lowercase() == lower);
            alike.next().filter(|_| alike.next().is_none())
        })
    }
}

impl Pairing<'_> {
    /// Pairs the columns and writes down in `diff` what there is to say about them.
    pub(super) fn pair(&self, sides: &Change<Vec<Column>>, diff: &mut TableDiff) -> Columns {
        let mut columns = Columns::default();
        diff.schema = SchemaDiff::default();
        let mut order = Vec::new();
        for current in &sides.current {
            let same = |baseline: &Column| same_column(self.dialect, &baseline.name, &current.name);
            // Of names that differ in case only, each is paired with its own.
            let exact = sides.baseline.iter().position(|baseline| baseline.name == current.name);
            let Some(position) = exact.or_else(|| sides.baseline.iter().position(same)) else {
                diff.schema.added.push(current.clone());
                continue;
            };
            order.push(position);
            columns.shared.push(self.shared(&sides.baseline[position], current, diff));
        }
        let removed = sides.baseline.iter().enumerate().filter(|(at, _)| !order.contains(at));
        diff.schema.removed = removed.map(|(_, column)| column.clone()).collect();
        diff.schema.reordered = !order.is_sorted();
        columns
    }

    /// A column of one side and one of the other as they would be compared.
    pub(super) fn field(&self, baseline: &Column, current: &Column) -> Field {
        let engine = self.dialect.name();
        let types = Change { baseline: baseline.data_type.as_str(), current: current.data_type.as_str() };
        let name = Change { baseline: baseline.name.clone(), current: current.name.clone() };
        let number = Number::of(engine, &types);
        let tolerance = number.as_ref().and_then(|number| self.options.tolerance_of(&name, number));
        Field { form: Form::of(engine, &types, self.options.text), name, number, tolerance }
    }

    fn shared(&self, baseline: &Column, current: &Column, diff: &mut TableDiff) -> Shared {
        let field = self.field(baseline, current);
        let types = Change { baseline: &baseline.data_type, current: &current.data_type };
        if types.is_changed() {
            diff.schema.retyped.push((current.name.clone(), types.map(Clone::clone)));
        }
        if baseline.name != current.name {
            diff.notes.push(format!("column {} is now written {}", baseline.name, current.name));
        }
        let left_out = self.left_out.iter().find(|(column, _)| column.eq_ignore_ascii_case(&current.name));
        let reason = left_out.map(|(_, reason)| reason.clone()).or_else(|| {
            let is_key = self.key.iter().any(|key| key.eq_ignore_ascii_case(&current.name));
            self.options.left_out(&current.name).filter(|_| !is_key).map(str::to_owned)
        });
        if let Some(reason) = reason {
            diff.excluded.push((current.name.clone(), reason));
            return Shared { field, compared: false };
        }
        diff.notes.extend(note(&field.form, &types, &current.name));
        if let Some(tolerance) = field.tolerance {
            let unit = if field.number.as_ref().is_some_and(Number::is_instant) { " seconds" } else { "" };
            let mut limits = Vec::new();
            if tolerance.absolute > 0.0 {
                limits.push(format!("{}{unit}", tolerance.absolute));
            }
            if tolerance.relative > 0.0 {
                limits.push(format!("{} %", in_percent(tolerance.relative)));
            }
            diff.notes.push(format!("{} counts as unchanged within {}", current.name, limits.join(" or ")));
        }
        Shared { field, compared: true }
    }
}

/// A share in per cent, without the digits that multiplying makes up.
fn in_percent(share: f64) -> f64 {
    let percent = share * 100.0;
    format!("{percent:.12e}").parse().unwrap_or(percent)
}

/// What a reader must know of how a column was compared.
fn note(form: &Form, types: &Change<&String>, name: &str) -> Option<String> {
    let how = form.note()?;
    Some(if types.is_changed() {
        format!("{name} was compared {how}, because its type changed from {} to {}", types.baseline, types.current)
    } else {
        format!("{name} was compared {how} (its type is {})", types.current)
    })
}
