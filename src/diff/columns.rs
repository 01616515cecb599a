//! Which columns of the two sides belong together, and in which form each pair is compared.

use super::Options;
use super::outcome::{SchemaDiff, TableDiff};
use crate::model::{Change, Column};
use crate::plan::Excluded;
use crate::warehouse::Dialect;
use crate::warehouse::compare::{Field, Form, Number, NumberSort, Tolerance, same_column};

/// A column of both sides, however it is compared.
pub(super) trait Paired: Clone + PartialEq {
    /// Its name on each side.
    fn name(&self) -> &Change<String>;

    /// The column as a part of a key: values that are near each other are different keys.
    fn as_key(&self) -> Self;
}

impl Paired for Field {
    fn name(&self) -> &Change<String> {
        &self.name
    }

    fn as_key(&self) -> Self {
        Self { tolerance: None, ..self.clone() }
    }
}

/// The columns of both sides, sorted out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns<F = Field> {
    /// Of both sides, in the pull request's order.
    pub(super) shared: Vec<Shared<F>>,
    /// Names of those of both sides that cannot be compared at all.
    pub(super) idle: Vec<String>,
}

impl<F> Default for Columns<F> {
    fn default() -> Self {
        Self { shared: Vec::new(), idle: Vec::new() }
    }
}

/// A column of both sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shared<F = Field> {
    /// As it is compared.
    pub(super) field: F,
    /// Whether its values are.
    pub(super) compared: bool,
}

/// What decides how columns are paired.
pub(super) struct Pairing<'a> {
    pub(super) dialect: &'a dyn Dialect,
    pub(super) options: &'a Options,
    /// Columns that are left out, with the reason.
    pub(super) left_out: &'a [Excluded],
    /// Columns of a key that was given, which are compared whatever was asked for.
    pub(super) key: &'a [String],
}

impl<F: Paired> Columns<F> {
    /// The columns whose values are compared.
    pub(super) fn fields(&self) -> Vec<F> {
        self.shared.iter().filter(|shared| shared.compared).map(|shared| shared.field.clone()).collect()
    }

    /// The column of this name: exactly, else ignoring case if only one is meant.
    pub(super) fn find(&self, name: &str) -> Option<&Shared<F>> {
        let names = |shared: &&Shared<F>| shared.field.name().current == name || shared.field.name().baseline == name;
        self.shared.iter().find(names).or_else(|| {
            let lower = name.to_lowercase();
            let mut alike = self.shared.iter().filter(|shared| shared.field.name().current.to_lowercase() == lower);
            alike.next().filter(|_| alike.next().is_none())
        })
    }

    /// Whether both sides have a column of this name, whose values cannot be compared.
    pub(super) fn is_idle(&self, name: &str) -> bool {
        self.idle.iter().any(|idle| idle.eq_ignore_ascii_case(name))
    }
}

/// For each of the current columns the place of the baseline's that is the same: the one of the same name, else the
/// first that `is_same` says so of and that is no other's.
pub(super) fn matches(sides: &Change<&[Column]>, is_same: impl Fn(&str, &str) -> bool) -> Vec<Option<usize>> {
    let before = sides.baseline;
    // Of names that differ in case only, each is paired with its own.
    let mut found: Vec<Option<usize>> =
        sides.current.iter().map(|column| before.iter().position(|other| other.name == column.name)).collect();
    for (at, column) in sides.current.iter().enumerate() {
        if found[at].is_none() {
            found[at] =
                (0..before.len()).find(|at| !found.contains(&Some(*at)) && is_same(&before[*at].name, &column.name));
        }
    }
    found
}

/// Why the values of this column of both sides are not compared, if they are not. Those of a key are, whatever was asked
/// for.
pub(super) fn reason<'a>(excluded: &'a [Excluded], options: &Options, key: &[String], name: &str) -> Option<&'a str> {
    excluded.iter().find(|excluded| excluded.is(name)).map(|excluded| excluded.reason.as_str()).or_else(|| {
        let is_key = key.iter().any(|column| column.eq_ignore_ascii_case(name));
        options.left_out(name).filter(|_| !is_key)
    })
}

/// Writes down which columns one side alone has, and whether the others are in another order.
pub(super) fn note_lone(sides: &Change<&[Column]>, matches: &[Option<usize>], schema: &mut SchemaDiff) {
    let added = sides.current.iter().zip(matches).filter(|(_, found)| found.is_none());
    schema.added = added.map(|(column, _)| column.clone()).collect();
    let removed = sides.baseline.iter().enumerate().filter(|(at, _)| !matches.contains(&Some(*at)));
    schema.removed = removed.map(|(_, column)| column.clone()).collect();
    schema.reordered = !matches.iter().flatten().is_sorted();
}

impl Pairing<'_> {
    /// Pairs the columns and writes down in `diff` what there is to say about them.
    pub(super) fn pair(&self, sides: &Change<Vec<Column>>, diff: &mut TableDiff) -> Columns {
        let mut columns = Columns::default();
        diff.schema = SchemaDiff::default();
        let sides = sides.as_ref().map(Vec::as_slice);
        let matches = matches(&sides, |a, b| same_column(self.dialect, a, b));
        for (current, found) in sides.current.iter().zip(&matches) {
            if let Some(found) = found {
                columns.shared.push(self.shared(&sides.baseline[*found], current, diff));
            }
        }
        note_lone(&sides, &matches, &mut diff.schema);
        columns
    }

    /// A column of one side and one of the other as they would be compared.
    pub(super) fn field(&self, baseline: &Column, current: &Column) -> Field {
        let engine = self.dialect.name();
        let types = Change { baseline: baseline.data_type.as_str(), current: current.data_type.as_str() };
        let name = Change { baseline: baseline.name.clone(), current: current.name.clone() };
        let number = Number::of(engine, &types);
        let tolerance = number.as_ref().and_then(|number| self.options.tolerance_of(&name, number.sort()));
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
        if let Some(reason) = reason(self.left_out, self.options, self.key, &current.name) {
            diff.excluded.push((current.name.clone(), reason.to_owned()));
            return Shared { field, compared: false };
        }
        diff.notes.extend(note(&field.form, &types, &current.name));
        let sort = field.number.as_ref().map(Number::sort);
        diff.notes.extend(note_of_tolerance(self.options, self.key, &field.name, field.tolerance, sort));
        Shared { field, compared: true }
    }
}

/// What a reader must know of the tolerance of a column that is compared: which counts, or why the one given for it does
/// not. Values of `sort` are numbers or times on both sides.
pub(super) fn note_of_tolerance(
    options: &Options,
    key: &[String],
    name: &Change<String>,
    tolerance: Option<Tolerance>,
    sort: Option<NumberSort>,
) -> Option<String> {
    let is_key = key.iter().any(|column| column.eq_ignore_ascii_case(&name.current));
    let why = match (tolerance, sort) {
        (Some(tolerance), Some(sort)) if !is_key => return Some(tolerated(&name.current, tolerance, sort)),
        _ if is_key => "it is part of the key",
        (_, Some(NumberSort::Instant)) => "times are seconds apart, and no share",
        (_, Some(_)) => "its values are no times",
        (_, None) => "its values are not numbers or times on both sides",
    };
    options.has_tolerance_for(name).then(|| format!("the tolerance of {} does not count: {why}", name.current))
}

fn tolerated(name: &str, tolerance: Tolerance, sort: NumberSort) -> String {
    let limit = match tolerance {
        Tolerance::Relative(share) => format!("{} %", in_percent(share)),
        Tolerance::Absolute(limit) | Tolerance::Seconds(limit) => {
            let is_one = (limit - 1.0).abs() < f64::EPSILON;
            let unit = match sort {
                NumberSort::Instant if is_one => " second",
                NumberSort::Instant => " seconds",
                _ => "",
            };
            format!("{limit}{unit}")
        }
    };
    format!("{name} counts as unchanged within {limit}")
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
