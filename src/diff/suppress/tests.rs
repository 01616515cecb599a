//! Attempts to compute what is hidden: every small table is told, and the tables that are told alike are compared.

use std::collections::{HashMap, HashSet};

use super::suppress;
use crate::diff::{ColumnDiff, ColumnProfile, KeyFacts, Method, RowCounts, TableDiff};
use crate::model::Change;

/// What there is to know of a table: the counts that may be hidden, by name, and as it was counted.
struct World {
    secrets: Vec<(&'static str, u64)>,
    diff: TableDiff,
}

fn table(added: u64, removed: u64, changed: u64, unchanged: u64) -> TableDiff {
    let method = Method::Keyed { key: vec!["id".to_owned()], source: String::new(), facts: KeyFacts::default() };
    let mut diff = TableDiff::unknown(None, Change::default(), method);
    let total = Change { baseline: Some(removed + changed + unchanged), current: Some(added + changed + unchanged) };
    diff.rows = RowCounts { total, added, removed, changed, unchanged, ..RowCounts::default() };
    diff
}

fn column(name: &str, changed: u64, nulls: (u64, u64), distinct: Option<(u64, u64)>) -> ColumnDiff {
    let data_type = Change { baseline: Some("int".to_owned()), current: Some("int".to_owned()) };
    let profile = |distinct| ColumnProfile { distinct: Some(distinct), ..ColumnProfile::default() };
    let distinct = distinct.unzip();
    ColumnDiff {
        changed: Some(changed),
        nulls: Change { baseline: Some(nulls.0), current: Some(nulls.1) },
        profile: Change { baseline: distinct.0.map(profile), current: distinct.1.map(profile) },
        ..ColumnDiff::unknown(name, data_type)
    }
}

/// Tells every world, and looks whether each hidden count can be anything that is hidden. Worlds of `is_inner` have all
/// worlds among `worlds` that are told like them.
fn try_to_compute(worlds: impl Iterator<Item = World>, least: u64, is_inner: impl Fn(&TableDiff) -> bool) {
    #[derive(Default)]
    struct Alike {
        seen: HashMap<&'static str, HashSet<u64>>,
        inner: Vec<(Vec<(&'static str, u64)>, TableDiff)>,
    }
    let mut told: HashMap<String, Alike> = HashMap::new();
    let mut number = 0;
    for World { secrets, diff } in worlds {
        let mut shown = diff.clone();
        suppress(&mut shown, least);
        let alike = told.entry(serde_json::to_string(&shown).unwrap()).or_default();
        for (name, count) in &secrets {
            alike.seen.entry(name).or_default().insert(*count);
        }
        if is_inner(&diff) {
            number += 1;
            alike.inner.push((secrets, diff));
        }
    }
    assert!(number > 1000, "{number}");
    for (shown, alike) in told {
        for (secrets, diff) in &alike.inner {
            for (name, count) in secrets.iter().filter(|(_, count)| (1..least).contains(count)) {
                let seen = &alike.seen[name];
                // Of NULLs it is not told that they are so few where that would give them away.
                let enough =
                    if name.starts_with("nulls") { seen.len() > 1 } else { (1..least).all(|n| seen.contains(&n)) };
                assert!(
                    enough,
                    "{name} is {count}, and can only be {seen:?}: {:?} {:?} is told as {shown}",
                    diff.rows, diff.columns
                );
            }
        }
    }
}

#[test]
fn no_hidden_count_of_rows_or_of_two_columns_follows_from_what_is_told() {
    let least = 3;
    let (few, most) = (least + 2, 6 * least);
    let worlds = (0..few).flat_map(|added| {
        (0..few).flat_map(move |removed| {
            (0..2 * few).flat_map(move |changed| {
                (0..most).flat_map(move |unchanged| {
                    (0..=changed).flat_map(move |one| {
                        (0..=changed).filter(move |two| one + two >= changed).map(move |two| {
                            let mut diff = table(added, removed, changed, unchanged);
                            diff.columns = vec![column("a", one, (0, 0), None), column("b", two, (0, 0), None)];
                            let secrets = vec![
                                ("added", added),
                                ("removed", removed),
                                ("changed", changed),
                                ("unchanged", unchanged),
                                ("a", one),
                                ("b", two),
                            ];
                            World { secrets, diff }
                        })
                    })
                })
            })
        })
    });
    try_to_compute(worlds, least, |diff| diff.rows.unchanged < 4 * least && diff.rows.changed <= least + 1);
}

/// Tables of one column whose NULLs and values come and go with rows, and change.
fn of_nulls(few: u64, unchanged: &[u64]) -> Vec<World> {
    let mut worlds = Vec::new();
    let mut add = |[added, removed, changed, unchanged]: [u64; 4], [came, went, kept, in_new, in_old]: [u64; 5]| {
        let mut diff = table(added, removed, changed, unchanged);
        let nulls = (kept + went + in_old, kept + came + in_new);
        // Every value is another one, as those of a unique column.
        let total = diff.rows.total.map(Option::unwrap_or_default);
        let distinct = (total.baseline - nulls.0, total.current - nulls.1);
        let mut of = column("a", changed, nulls, Some(distinct));
        (of.became_null, of.was_null) = (Some(came), Some(went));
        diff.columns = vec![of];
        let secrets = vec![
            ("added", added),
            ("removed", removed),
            ("changed", changed),
            ("unchanged", unchanged),
            ("nulls in production", nulls.0),
            ("nulls here", nulls.1),
        ];
        worlds.push(World { secrets, diff });
    };
    for added in 0..few {
        for removed in 0..few {
            for changed in 0..few {
                for unchanged in unchanged {
                    let rows = [added, removed, changed, *unchanged];
                    for (came, went) in
                        (0..=changed).flat_map(|came| (0..=changed - came).map(move |went| (came, went)))
                    {
                        for kept in 0..=*unchanged {
                            for (new, old) in (0..=added).flat_map(|new| (0..=removed).map(move |old| (new, old))) {
                                add(rows, [came, went, kept, new, old]);
                            }
                        }
                    }
                }
            }
        }
    }
    worlds
}

#[test]
fn no_hidden_count_follows_from_nulls_and_distinct_values() {
    let worlds = of_nulls(5, &(0..14).collect::<Vec<_>>());
    try_to_compute(worlds.into_iter(), 3, |diff| diff.rows.unchanged < 8);
}

#[test]
fn a_large_table_of_which_all_rows_changed_tells_of_nulls_by_tenths() {
    let mut diff = table(2, 2, 998, 0);
    diff.columns = vec![column("a", 998, (3, 512), Some((997, 488)))];
    suppress(&mut diff, 5);
    assert_eq!((diff.rows.total.baseline, diff.rows.inexact.baseline), (Some(1002), true));
    assert_eq!(diff.columns[0].nulls, Change { baseline: Some(0), current: Some(501) });
    assert_eq!(diff.columns[0].profile, Change::default());
}
