//! Names of columns as people type them, and the columns that they mean: the one of that very name, else the one whose name
//! differs by case alone.

use super::Error;
use crate::diff::{Options, Tolerated};
use crate::model::{Change, Column, Relation, nearest};
use crate::plan::Excluded;

/// The columns of a relation that somebody asked for.
pub(super) struct Known {
    pub(super) relation: Relation,
    pub(super) columns: Vec<Column>,
}

impl Known {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

/// The columns that a name can mean.
fn meant<'a>(columns: &'a [Column], name: &str) -> Vec<&'a str> {
    let names = || columns.iter().map(|column| column.name.as_str());
    if let Some(exact) = names().find(|column| *column == name) {
        return vec![exact];
    }
    let lower = name.to_lowercase();
    names().filter(|column| column.to_lowercase() == lower).collect()
}

/// The same of two sides. What only the one writes in that way is another column where the other has both.
fn meant_of_both(sides: &Change<&[Column]>, name: &str) -> Vec<String> {
    let found = sides.map(|columns| meant(columns, name));
    let has = |columns: &[Column], name: &str| columns.iter().any(|column| column.name == name);
    let is_meant = |column: &&str, other: &[Column]| *column == name || !has(other, name) || !has(other, column);
    let of_baseline = found.baseline.iter().filter(|column| is_meant(column, sides.current));
    let of_current = found.current.iter().filter(|column| is_meant(column, sides.baseline));
    let mut names: Vec<String> = of_baseline.chain(of_current).map(|name| (*name).to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// Puts the tables' own names in place of those of a policy. One that several columns can be meant by means all of them.
pub(super) fn settle(options: &mut Options, sides: &Change<&[Column]>) {
    let all = |names: &[String]| names.iter().flat_map(|name| meant_of_both(sides, name)).collect::<Vec<_>>();
    for names in [&mut options.mask, &mut options.columns, &mut options.exclude].into_iter().chain(&mut options.only) {
        // With none left, a list of what is compared would mean all.
        let found = all(names);
        if !found.is_empty() || names.is_empty() {
            *names = found;
        }
    }
    options.tolerance = std::mem::take(&mut options.tolerance)
        .into_iter()
        .flat_map(|(about, limit)| match about {
            Tolerated::Column(name) => {
                meant_of_both(sides, &name).into_iter().map(|name| (Tolerated::Column(name), limit)).collect()
            }
            about => vec![(about, limit)],
        })
        .collect();
    options.exact_names = true;
}

/// Puts the tables' own names in place of those of columns that are not compared, and takes out, as the answer, the
/// columns that production does not have.
pub(super) fn settle_excluded(excluded: &mut Vec<Excluded>, sides: &Change<&[Column]>) -> Vec<Excluded> {
    let mut new = Vec::new();
    for named in std::mem::take(excluded) {
        let names = meant_of_both(sides, &named.column);
        if names.iter().any(|name| sides.baseline.iter().any(|column| column.name == *name)) {
            excluded.extend(names.into_iter().map(|column| Excluded { column, ..named.clone() }));
        } else {
            new.push(named);
        }
    }
    new
}

/// Checks the names that were typed: each means one column, of either side; those of a key of both.
///
/// # Errors
/// A name that means no column, or several.
pub(super) fn check(options: &Options, key: &[String], sides: &Change<Known>) -> Result<(), Error> {
    let tolerated = options.tolerance.iter().filter_map(|(about, _)| match about {
        Tolerated::Column(name) => Some(("--tolerance", name)),
        _ => None,
    });
    let typed = [("--columns", &options.columns), ("--exclude", &options.exclude), ("--mask", &options.mask)]
        .into_iter()
        .flat_map(|(flag, names)| names.iter().map(move |name| (flag, name)))
        .chain(tolerated);
    for (flag, name) in typed.chain(key.iter().map(|name| ("--key", name))) {
        let found = sides.as_ref().map(|side| meant(&side.columns, name));
        for (side, found) in [(&sides.baseline, &found.baseline), (&sides.current, &found.current)] {
            if found.len() > 1 {
                return Err(Error::cannot_compare(
                    format!("{flag} {name} can mean several columns of {}: {}", side.relation, found.join(", ")),
                    "write the name as the table does, case included",
                ));
            }
            if flag == "--key" && found.is_empty() {
                let hint = hint(name, side.names().collect());
                let message = format!("{} has no column {name}, which --key names", side.relation);
                return Err(Error::cannot_compare(message, hint));
            }
        }
        if found.baseline.is_empty() && found.current.is_empty() {
            let hint = hint(name, sides.baseline.names().chain(sides.current.names()).collect());
            return Err(Error::cannot_compare(format!("neither side has a column {name} ({flag})"), hint));
        }
    }
    Ok(())
}

fn hint(name: &str, mut known: Vec<&str>) -> String {
    if let Some(near) = nearest(name, known.iter().copied()) {
        return format!("did you mean {near}?");
    }
    let mut seen = std::collections::HashSet::new();
    known.retain(|column| seen.insert(*column));
    format!("the columns are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Column, Excluded, meant_of_both, settle_excluded};
    use crate::model::Change;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column { name: (*name).to_owned(), data_type: "int".to_owned() }).collect()
    }

    #[test]
    fn a_name_means_the_column_that_is_written_so_and_else_one_of_another_case() {
        let meant = |baseline: &[&str], current: &[&str], name: &str| {
            let (baseline, current) = (columns(baseline), columns(current));
            meant_of_both(&Change { baseline: baseline.as_slice(), current: current.as_slice() }, name).join(",")
        };
        assert_eq!(meant(&["v", "V"], &["v", "V"], "v"), "v");
        assert_eq!(meant(&["id", "V"], &["id", "V"], "v"), "V");
        assert_eq!(meant(&["v"], &["V"], "v"), "V,v", "they are paired");
        assert_eq!(meant(&["v", "V"], &["V"], "v"), "v", "V is paired with V");
        assert_eq!(meant(&["a"], &["b"], "v"), "");
    }

    #[test]
    fn what_is_set_apart_is_the_very_column_and_what_is_new_is_not_compared_anyway() {
        let settled = |baseline: &[&str], current: &[&str]| {
            let (baseline, current) = (columns(baseline), columns(current));
            let named = Excluded { column: "v".to_owned(), reason: "it changes".to_owned(), is_noise: true };
            let mut excluded = vec![named];
            let sides = Change { baseline: baseline.as_slice(), current: current.as_slice() };
            let new = settle_excluded(&mut excluded, &sides);
            [excluded, new].map(|list| list.into_iter().map(|one| one.column).collect::<Vec<_>>().join(","))
        };
        assert_eq!(settled(&["v", "V"], &["v", "V"]), ["v", ""]);
        assert_eq!(settled(&["v"], &["V"]), ["V,v", ""]);
        assert_eq!(settled(&["V"], &["v", "V"]), ["", "v"], "production has no v");
        assert_eq!(settled(&[], &["v"]), ["", "v"]);
    }
}
