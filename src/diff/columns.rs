//! Which columns of the two sides belong together, and in which form each pair can be compared.

use super::outcome::{SchemaDiff, TableDiff};
use crate::model::{Change, Column};
use crate::warehouse::Dialect;
use crate::warehouse::compare::{Field, Form, same_column};

/// A column of both sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shared {
    /// Its name on each side.
    pub(super) name: Change<String>,
    /// The form to compare it in; none when its values are not compared.
    pub(super) form: Option<Form>,
}

impl Shared {
    /// As it is compared.
    pub(super) fn field(&self) -> Option<Field> {
        Some(Field { name: self.name.clone(), form: self.form.clone()? })
    }
}

/// The columns of both sides, sorted out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Columns {
    /// Of both sides, in the pull request's order.
    pub(super) shared: Vec<Shared>,
}

impl Columns {
    /// Pairs the columns and writes down in `diff` what there is to say about them.
    pub(super) fn pair(
        dialect: &dyn Dialect,
        sides: &Change<Vec<Column>>,
        left_out: &[(String, String)],
        diff: &mut TableDiff,
    ) -> Self {
        let mut columns = Self::default();
        diff.schema = SchemaDiff::default();
        let mut order = Vec::new();
        for current in &sides.current {
            let found = sides.baseline.iter().position(|baseline| same_column(dialect, &baseline.name, &current.name));
            let Some(position) = found else {
                diff.schema.added.push(current.clone());
                continue;
            };
            order.push(position);
            columns.shared.push(shared(dialect, &sides.baseline[position], current, left_out, diff));
        }
        let removed = sides.baseline.iter().enumerate().filter(|(at, _)| !order.contains(at));
        diff.schema.removed = removed.map(|(_, column)| column.clone()).collect();
        diff.schema.reordered = !order.is_sorted();
        columns
    }

    /// The column of this name: exactly, else ignoring case if only one is meant.
    pub(super) fn find(&self, name: &str) -> Option<&Shared> {
        let exact = self.shared.iter().find(|shared| shared.name.current == name || shared.name.baseline == name);
        exact.or_else(|| {
            let lower = name.to_lowercase();
            let mut alike = self.shared.iter().filter(|shared| shared.name.current.to_lowercase() == lower);
            alike.next().filter(|_| alike.next().is_none())
        })
    }
}

fn shared(
    dialect: &dyn Dialect,
    baseline: &Column,
    current: &Column,
    left_out: &[(String, String)],
    diff: &mut TableDiff,
) -> Shared {
    let types = Change { baseline: baseline.data_type.as_str(), current: current.data_type.as_str() };
    if types.is_changed() {
        diff.schema.retyped.push((current.name.clone(), types.map(str::to_owned)));
    }
    if baseline.name != current.name {
        diff.notes.push(format!("column {} is now written {}", baseline.name, current.name));
    }
    let name = Change { baseline: baseline.name.clone(), current: current.name.clone() };
    if let Some((_, reason)) = left_out.iter().find(|(column, _)| column.eq_ignore_ascii_case(&current.name)) {
        diff.excluded.push((current.name.clone(), reason.clone()));
        return Shared { name, form: None };
    }
    let form = Form::of(dialect.name(), &types);
    match &form {
        None => {
            let reason = format!(
                "its type changed from {} to {}, and there is no type that holds the values of both without loss",
                types.baseline, types.current
            );
            diff.excluded.push((current.name.clone(), reason));
        }
        Some(form) => diff.notes.extend(note(form, &types, &current.name)),
    }
    Shared { name, form }
}

/// What a reader must know of how a column was compared.
fn note(form: &Form, types: &Change<&str>, name: &str) -> Option<String> {
    if form.is_by_text() {
        let of_type = if types.is_changed() {
            format!("its types are {} and {}", types.baseline, types.current)
        } else {
            format!("its type is {}", types.current)
        };
        return Some(format!("{name} was compared by its text, byte by byte ({of_type})"));
    }
    let cast = form.cast().filter(|_| types.is_changed())?;
    Some(format!(
        "{name} was compared as {cast}, because its type changed from {} to {}",
        types.baseline, types.current
    ))
}
