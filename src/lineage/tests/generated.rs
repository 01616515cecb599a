//! Properties of generated queries: their lineage is known as they are made, and layout changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use crate::lineage::{Dialect, How, Schema, Version, classify, of_query, same_query};
use crate::model::Change;

/// A query in the making, with the truth of every column.
#[derive(Debug, Clone)]
struct Made {
    sql: String,
    /// Name to origins and how.
    columns: Vec<(String, BTreeSet<String>, How)>,
}

/// What is done to a relation next.
#[derive(Debug, Clone)]
enum Step {
    Rename(usize),
    Compute(usize, usize),
    Group(usize, usize),
    Star,
    Without(usize),
    Filter(usize),
    Window(usize, usize),
    Nest,
}

fn step() -> impl Strategy<Value = Step> {
    let at = || 0_usize..8;
    prop_oneof![
        at().prop_map(Step::Rename),
        (at(), at()).prop_map(|(a, b)| Step::Compute(a, b)),
        (at(), at()).prop_map(|(a, b)| Step::Group(a, b)),
        Just(Step::Star),
        at().prop_map(Step::Without),
        at().prop_map(Step::Filter),
        (at(), at()).prop_map(|(a, b)| Step::Window(a, b)),
        Just(Step::Nest),
    ]
}

const TABLES: &[(&str, &[&str])] = &[("t", &["a", "b", "c"]), ("u", &["k", "a", "z"]), ("v", &["x"])];

fn table(at: usize) -> (String, Vec<(String, BTreeSet<String>, How)>) {
    let (name, columns) = TABLES[at % TABLES.len()];
    let known =
        columns.iter().map(|column| ((*column).to_owned(), BTreeSet::from([format!("{name}.{column}")]), How::Passed));
    (name.to_owned(), known.collect())
}

fn how(name: &str, origins: &BTreeSet<String>, inner: How) -> How {
    match inner {
        How::Passed | How::Renamed => {
            let is_renamed = origins.iter().any(|origin| origin.rsplit('.').next() != Some(name));
            if is_renamed { How::Renamed } else { How::Passed }
        }
        other => other,
    }
}

/// Columns with their truth.
type Columns = Vec<(String, BTreeSet<String>, How)>;

/// Two tables side by side, each column under a name of its own.
fn join(name: &str, columns: &Columns, other: usize) -> (String, Columns) {
    let (joined, more) = table(other);
    let mut list = Vec::new();
    let mut known = Vec::new();
    for (side, columns) in [("l", columns), ("r", &more)] {
        for (at, (column, origins, _)) in columns.iter().enumerate() {
            list.push(format!("{side}.{column} as {side}{at}"));
            known.push((format!("{side}{at}"), origins.clone(), How::Renamed));
        }
    }
    let keys = format!("l.{} = r.{}", columns[0].0, more[0].0);
    (format!("joined as (select {} from {name} l left join {joined} r on {keys})", list.join(", ")), known)
}

/// Applies the steps one by one, each as a `with` or a subquery of the one before.
fn make(start: usize, other: usize, steps: &[Step]) -> Made {
    let (mut name, mut columns) = table(start);
    let mut withs = Vec::new();
    if other < TABLES.len() {
        let (with, known) = join(&name, &columns, other);
        withs.push(with);
        (name, columns) = ("joined".to_owned(), known);
    }
    let mut nested = 0;
    for (at, step) in steps.iter().enumerate() {
        let pick = |wanted: usize| wanted % columns.len();
        let names: Vec<String> = columns.iter().map(|(name, ..)| name.clone()).collect();
        let (body, next) = match step {
            Step::Rename(which) => {
                let which = pick(*which);
                let mut next = columns.clone();
                next[which].0 = format!("n{at}");
                let list: Vec<String> = names
                    .iter()
                    .zip(&next)
                    .map(|(old, new)| if *old == new.0 { old.clone() } else { format!("{old} as {}", new.0) })
                    .collect();
                (format!("select {} from {name}", list.join(", ")), next)
            }
            Step::Compute(a, b) => {
                let (a, b) = (pick(*a), pick(*b));
                let mut next = columns.clone();
                let origins = columns[a].1.union(&columns[b].1).cloned().collect();
                let inner = columns[a].2.max(columns[b].2).max(How::Computed);
                next.push((format!("e{at}"), origins, inner));
                (format!("select *, coalesce({}, {} + 1) as e{at} from {name}", names[a], names[b]), next)
            }
            Step::Group(a, b) => {
                let (a, b) = (pick(*a), pick(*b));
                let next = vec![columns[a].clone(), (format!("g{at}"), columns[b].1.clone(), How::Aggregated)];
                (format!("select {}, max({}) as g{at} from {name} group by 1", names[a], names[b]), next)
            }
            Step::Star => (format!("select q.* from {name} as q"), columns.clone()),
            Step::Without(which) if columns.len() > 1 => {
                let mut next = columns.clone();
                let gone = next.remove(pick(*which));
                (format!("select * exclude ({}) from {name}", gone.0), next)
            }
            Step::Without(_) => (format!("select * from {name}"), columns.clone()),
            Step::Filter(which) => {
                (format!("select * from {name} where {} is not null", names[pick(*which)]), columns.clone())
            }
            Step::Window(a, b) => {
                let (a, b) = (pick(*a), pick(*b));
                let mut next = columns.clone();
                let origins = columns[a].1.union(&columns[b].1).cloned().collect();
                next.push((format!("w{at}"), origins, columns[a].2.max(columns[b].2).max(How::Computed)));
                (
                    format!(
                        "select *, row_number() over (partition by {} order by {}) as w{at} from {name}",
                        names[a], names[b]
                    ),
                    next,
                )
            }
            Step::Nest => {
                nested += 1;
                (format!("select * from (select {} from {name}) as s{nested}", names.join(", ")), columns.clone())
            }
        };
        name = format!("step{at}");
        withs.push(format!("{name} as ({body})"));
        columns = next;
    }
    let with = if withs.is_empty() { String::new() } else { format!("with {} ", withs.join(", ")) };
    Made { sql: format!("{with}select * from {name}"), columns }
}

fn schema() -> Schema {
    TABLES.iter().fold(Schema::new(), |schema, (name, columns)| schema.with(name, columns.iter()))
}

/// The same text with comments and white space between its words, and keywords in capitals.
fn dressed(sql: &str, seed: &[u8]) -> String {
    let mut text = String::new();
    for (at, word) in sql.split(' ').enumerate() {
        let blank = match seed.get(at % seed.len().max(1)).copied().unwrap_or(0) % 5 {
            0 => " ",
            1 => "\n\t",
            2 => " -- a 'note\n",
            3 => " /* select \" */ ",
            _ => "  ",
        };
        let is_keyword =
            matches!(word, "select" | "from" | "where" | "as" | "left" | "join" | "on" | "group" | "by" | "with");
        let word = if is_keyword && at % 2 == 0 { word.to_uppercase() } else { word.to_owned() };
        write!(text, "{blank}{word}").unwrap();
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lineage_is_the_one_it_was_made_with(start in 0_usize..3, other in 0_usize..5, steps in prop::collection::vec(step(), 0..9)) {
        let made = make(start, other, &steps);
        for dialect in [Dialect::DuckDb, Dialect::Snowflake, Dialect::Redshift] {
            let lineage = of_query(&made.sql, dialect, &schema());
            prop_assert!(lineage.complete && lineage.gaps.is_empty(), "{}: {:?}", made.sql, lineage.gaps);
            let found: Vec<_> = lineage.columns.iter().map(|column| {
                let origins: BTreeSet<String> = column.origins.iter().map(|origin| format!("{}.{}", origin.relation, origin.column)).collect();
                (column.name.to_string(), origins, column.how)
            }).collect();
            let expected: Vec<_> = made.columns.iter().map(|(name, origins, inner)| (name.clone(), origins.clone(), how(name, origins, *inner))).collect();
            prop_assert_eq!(found, expected, "{}", made.sql);
        }
    }

    #[test]
    fn layout_and_comments_change_neither_the_query_nor_its_lineage(start in 0_usize..3, other in 0_usize..5, steps in prop::collection::vec(step(), 0..7), seed in prop::collection::vec(any::<u8>(), 1..9)) {
        let made = make(start, other, &steps);
        let other = dressed(&made.sql, &seed);
        let sides = Change { baseline: made.sql.as_str(), current: other.as_str() };
        prop_assert!(same_query(&sides, Dialect::DuckDb).is_same(), "{}\n{}", sides.baseline, sides.current);
        let without_lines = |sql: &str| {
            let mut lineage = of_query(sql, Dialect::DuckDb, &schema());
            lineage.rows.iter_mut().for_each(|rule| rule.line = None);
            lineage
        };
        prop_assert_eq!(without_lines(sides.baseline), without_lines(sides.current));
    }

    #[test]
    fn another_name_for_every_with_changes_nothing(start in 0_usize..3, steps in prop::collection::vec(step(), 0..7)) {
        let made = make(start, 9, &steps);
        let other = made.sql.replace("step", "stage_").replace(" q", " quux");
        let schema = schema();
        let version = |sql| Version { sql, schema: &schema };
        let found = classify(&Change { baseline: version(made.sql.as_str()), current: version(other.as_str()) }, Dialect::DuckDb);
        prop_assert_eq!(found.severity, crate::lineage::ChangeSeverity::Neutral, "{}\n{}\n{:?}", made.sql, other, found.evidence);
    }

    #[test]
    fn texts_of_words_and_marks_never_panic(words in prop::collection::vec(prop::sample::select(vec![
        "select", "from", "where", "with", "as", "(", ")", ",", "*", "t", "a", ".", "join", "on", "using", "union", "all", "by", "name", "group",
        "order", "limit", "1", "'x'", "\"q\"", "over", "partition", "=", "and", "lateral", "unnest", "pivot", "for", "in", "exclude", "values", "::", "int",
        "case", "when", "then", "end", "distinct", "not", "exists", "recursive", "->", "[", "]", ";", "qualify", "window",
    ]), 0..40)) {
        let sql = words.join(" ");
        for dialect in [Dialect::DuckDb, Dialect::Postgres, Dialect::Snowflake, Dialect::BigQuery, Dialect::Spark, Dialect::Generic] {
            of_query(&sql, dialect, &schema());
            same_query(&Change { baseline: sql.as_str(), current: "select 1" }, dialect);
        }
    }
}

#[test]
fn long_and_deep_queries_are_followed_or_said_to_be_too_large() {
    let chain = format!("select {} as x from t", vec!["a"; 20_000].join(" + "));
    let lineage = of_query(&chain, Dialect::DuckDb, &schema());
    assert_eq!((lineage.columns.len(), lineage.columns[0].origins.len()), (1, 1), "{:?}", lineage.gaps);
    let unions = vec!["select a from t"; 3_000].join(" union all ");
    assert_eq!(of_query(&unions, Dialect::Postgres, &schema()).columns.len(), 1);
    let nested = format!("select {}a{} as x from t", "(".repeat(3_000), ")".repeat(3_000));
    assert!(!of_query(&nested, Dialect::DuckDb, &schema()).gaps.is_empty());
    let mut query = "select a from t".to_owned();
    for at in 0..300 {
        query = format!("select a from ({query}) as s{at}");
    }
    assert!(!of_query(&query, Dialect::DuckDb, &schema()).gaps.is_empty());
    let mut stars = "select * from t".to_owned();
    for at in 0..30 {
        stars = format!("select *, *, * from ({stars}) as s{at}");
    }
    assert!(!of_query(&stars, Dialect::Postgres, &schema()).gaps.is_empty());
    let withs: Vec<String> =
        (1..2_000).map(|at| format!("c{at} as (select a, b from c{} where a > {at})", at - 1)).collect();
    let long = format!("with c0 as (select a, b from t), {} select * from c1999", withs.join(",\n"));
    let lineage = of_query(&long, Dialect::DuckDb, &schema());
    let kinds: BTreeMap<_, _> = lineage.gaps.iter().map(|gap| (gap.reason, gap.what.as_str())).collect();
    assert!(lineage.columns.len() == 2 || !kinds.is_empty(), "{kinds:?}");
}
