//! How far distributions moved, on each engine, against a computation in memory from the same bins.

use std::fmt::Write;

use slimdiff::diff::{ColumnDrift, DriftGap, Options, TableDiff};

use super::Engine;

const SCHEMAS: &str = "create schema prod; create schema pr";

fn drifted(engine: &Engine) -> TableDiff {
    engine.diff_with(&[&["k"]], &[], &Options { drift: true, ..Options::default() })
}

fn of(diff: &TableDiff, name: &str) -> ColumnDrift {
    diff.columns.iter().find(|column| column.name == name).unwrap_or_else(|| panic!("{:?}", diff.method)).drift.unwrap()
}

/// A generator of numbers that are as good as random and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// One side: numbers that are many, numbers that are few, texts. `NaN` stands for itself.
#[derive(Default)]
struct Side {
    many: Vec<Option<f64>>,
    few: Vec<Option<i32>>,
    texts: Vec<Option<String>>,
}

impl Side {
    fn random(random: &mut Random, rows: u64, shift: u64) -> Self {
        let mut side = Self::default();
        let spread = 1 + random.below(400);
        for _ in 0..rows {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let number = (random.below(spread) + shift) as f64 / 4.0;
            side.many.push(match random.below(20) {
                0 => None,
                1 => Some(f64::NAN),
                2 => Some(f64::INFINITY),
                3..=6 => Some(0.0),
                _ => Some(number),
            });
            side.few.push((random.below(9) > 0).then(|| i32::try_from(random.below(5) + shift % 3).unwrap()));
            side.texts.push((random.below(7) > 0).then(|| format!("it's {}", random.below(12) + shift % 4)));
        }
        side
    }

    fn create(&self, engine: &Engine, table: &str) {
        let double = if engine.name == "duckdb" { "double" } else { "float8" };
        let mut sql =
            format!("drop table if exists {table}; create table {table} (k int, many {double}, few int, s text)");
        for (k, ((many, few), text)) in self.many.iter().zip(&self.few).zip(&self.texts).enumerate() {
            let many = many.map_or("null".to_owned(), |number| match number {
                number if number.is_nan() => "'NaN'".to_owned(),
                number if number.is_infinite() => "'infinity'".to_owned(),
                number => number.to_string(),
            });
            let few = few.map_or("null".to_owned(), |number| number.to_string());
            let text = text.as_ref().map_or("null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
            let start = if k == 0 { format!("; insert into {table} values ") } else { ", ".to_owned() };
            write!(sql, "{start}({k}, {many}, {few}, {text})").unwrap();
        }
        engine.run(&sql);
    }
}

/// The share of `values` for which `is` holds.
#[expect(clippy::cast_precision_loss, reason = "small")]
fn share<T>(values: &[Option<T>], is: impl Fn(&Option<T>) -> bool) -> f64 {
    values.iter().filter(|value| is(value)).count() as f64 / values.len() as f64
}

fn psi(shares: &[(f64, f64)]) -> f64 {
    let term = |&(p, q): &(f64, f64)| {
        if p == 0.0 && q == 0.0 { 0.0 } else { (q.max(1e-4) - p.max(1e-4)) * (q.max(1e-4) / p.max(1e-4)).ln() }
    };
    shares.iter().map(term).sum()
}

fn js(shares: &[(f64, f64)]) -> f64 {
    let kl = |p: f64, m: f64| if p > 0.0 { p * (p / m).log2() } else { 0.0 };
    shares
        .iter()
        .map(|&(p, q)| f64::midpoint(kl(p, f64::midpoint(p, q)), kl(q, f64::midpoint(p, q))))
        .sum::<f64>()
        .max(0.0)
        .sqrt()
}

/// The naive figures of a column of many numbers: `psi`, `ks`.
fn naive(baseline: &[Option<f64>], current: &[Option<f64>]) -> (f64, Option<f64>) {
    let numbers = |side: &[Option<f64>]| side.iter().flatten().copied().filter(|n| !n.is_nan()).collect::<Vec<_>>();
    let mut sorted = numbers(baseline);
    sorted.sort_by(f64::total_cmp);
    let quantiles: Vec<f64> = (1..100).map(|part| sorted[(sorted.len() * part).div_ceil(100) - 1]).collect();
    let mut bounds: Vec<f64> = quantiles.iter().copied().filter(|bound| bound.is_finite()).collect();
    for pair in quantiles.windows(2).filter(|pair| pair[0] >= pair[1] && pair[0].is_finite()) {
        bounds.push(pair[0].next_down());
    }
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    // Counts up to each bound, and of all.
    let up_to = |side: &[f64], bound: f64| side.iter().filter(|number| **number <= bound).count();
    bounds.push(f64::INFINITY);
    let (b, c) = (numbers(baseline), numbers(current));
    let cumulative: Vec<(usize, usize)> = bounds.iter().map(|bound| (up_to(&b, *bound), up_to(&c, *bound))).collect();
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let part = |count: usize, whole: usize| count as f64 / whole as f64;
    let ks = (!b.is_empty() && !c.is_empty()).then(|| {
        let apart = cumulative.iter().map(|(x, y)| (part(*x, b.len()) - part(*y, c.len())).abs());
        apart.fold(0.0, f64::max)
    });
    // Tenths.
    let (mut shares, mut last) = (Vec::new(), (0, 0));
    for (at, &(x, y)) in cumulative.iter().enumerate() {
        if at + 1 == cumulative.len() || (shares.len() < 9 && x * 10 >= b.len() * (shares.len() + 1)) {
            shares.push((part(x - last.0, baseline.len()), part(y - last.1, current.len())));
            last = (x, y);
        }
    }
    let is_nan = |value: &Option<f64>| value.is_some_and(f64::is_nan);
    shares.push((share(baseline, is_nan), share(current, is_nan)));
    shares.push((share(baseline, Option::is_none), share(current, Option::is_none)));
    (psi(&shares), ks)
}

/// The naive shares of a column of categories: those of the baseline, all others, NULL.
fn by_category<T: PartialEq + Clone>(baseline: &[Option<T>], current: &[Option<T>]) -> Vec<(f64, f64)> {
    let mut values: Vec<T> = Vec::new();
    for value in baseline.iter().flatten() {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    let both = |is: &dyn Fn(&Option<T>) -> bool| (share(baseline, is), share(current, is));
    let mut shares: Vec<(f64, f64)> = values.iter().map(|value| both(&|other| other.as_ref() == Some(value))).collect();
    shares.push(both(&|other| other.as_ref().is_some_and(|other| !values.contains(other))));
    shares.push(both(&Option::is_none));
    shares
}

#[test]
fn figures_equal_a_naive_computation_from_the_same_bins() {
    for engine in Engine::all() {
        engine.run(SCHEMAS);
        let mut random = Random(7);
        for case in 0..25 {
            let (rows, other_rows) = (50 + random.below(300), 1 + random.below(300));
            let baseline = Side::random(&mut random, rows, 0);
            let current = Side::random(&mut random, other_rows, case % 7 * 5);
            baseline.create(&engine, "prod.t");
            current.create(&engine, "pr.t");
            let diff = drifted(&engine);
            let place = format!("{} case {case}", engine.name);
            let close = |found: Option<f64>, expected: f64| found.is_some_and(|found| (found - expected).abs() < 1e-9);
            let distinct: std::collections::BTreeSet<u64> =
                baseline.many.iter().flatten().filter(|n| !n.is_nan()).map(|n| n.to_bits()).collect();
            let found = of(&diff, "many");
            if distinct.len() > 20 {
                let (psi, ks) = naive(&baseline.many, &current.many);
                assert!(close(found.psi, psi), "{place}: {found:?}, not {psi}");
                assert!(found.ks.zip(ks).is_none_or(|(a, b)| (a - b).abs() < 1e-9), "{place}: {found:?}, not {ks:?}");
                assert_eq!((found.ks.is_some(), found.js), (ks.is_some(), None), "{place}");
            } else {
                assert!(found.js.is_some() && found.ks.is_none(), "{place}: {found:?}");
            }
            for (column, shares) in
                [("few", by_category(&baseline.few, &current.few)), ("s", by_category(&baseline.texts, &current.texts))]
            {
                let found = of(&diff, column);
                assert!(close(found.psi, psi(&shares)), "{place} {column}: {found:?}, not {}", psi(&shares));
                assert!(close(found.js, js(&shares)), "{place} {column}: {found:?}, not {}", js(&shares));
                assert_eq!(found.ks, None, "{place}");
            }
        }
    }
}

#[test]
fn equal_tables_have_not_moved_and_a_shifted_one_has_by_what_it_was_shifted() {
    for engine in Engine::all() {
        let rows = if engine.name == "duckdb" { "range(1000) as g(n)" } else { "generate_series(0, 999) as g(n)" };
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t as select n as k, n as same, n as shifted, n as retyped, \
             cast('2020-01-01' as date) + cast(n as int) as day, 'x' as s, \
             case when n < 100 then null else n end as holes from {rows};
             create table pr.t as select k, same, shifted + 250 as shifted, cast(retyped as double precision) as retyped, \
             day + 500 as day, case when k < 500 then 'x' else 'y' end as s, \
             case when k < 300 then null else k end as holes from prod.t"
        ));
        let diff = drifted(&engine);
        let name = engine.name;
        let same = of(&diff, "same");
        assert_eq!((same.psi, same.ks, same.js, same.bins), (Some(0.0), Some(0.0), None, 10), "{name}");
        assert_eq!(of(&diff, "retyped"), same, "{name}: a type is no distribution");
        assert!((of(&diff, "shifted").ks.unwrap() - 0.25).abs() < 1e-9, "{name}");
        assert!((of(&diff, "day").ks.unwrap() - 0.5).abs() < 1e-9, "{name}");
        let halves = of(&diff, "s");
        assert!((halves.js.unwrap() - 0.311_278_124_459_132_84_f64.sqrt()).abs() < 1e-9, "{name}: {halves:?}");
        // A tenth was NULL, three tenths are: (0.3 − 0.1)·ln 3 of it is NULL's own.
        assert!(of(&diff, "holes").psi.unwrap() > 0.2 * 3_f64.ln(), "{name}");
    }
}

#[test]
fn samples_of_large_tables_give_bins_that_are_the_same_every_time() {
    for engine in Engine::all() {
        let rows = if engine.name == "duckdb" { "range(100000) as g(n)" } else { "generate_series(0, 99999) as g(n)" };
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t as select n as k, cast(n as double precision) as x, cast(n % 7 as text) as s from {rows};
             create table pr.t as select k, x + 10000 as x, case when s = '6' then 'new' else s end as s from prod.t"
        ));
        let diff = drifted(&engine);
        let again = drifted(&engine);
        assert_eq!(diff.columns, again.columns, "{}", engine.name);
        assert!((of(&diff, "x").ks.unwrap() - 0.1).abs() < 0.005, "{}: {:?}", engine.name, of(&diff, "x"));
        assert_eq!((of(&diff, "k").psi, of(&diff, "k").ks), (Some(0.0), Some(0.0)), "{}", engine.name);
        assert!(
            (of(&diff, "s").js.unwrap() - (1.0_f64 / 7.0).sqrt()).abs() < 1e-3,
            "{}: {:?}",
            engine.name,
            of(&diff, "s")
        );
    }
}

#[test]
fn a_column_of_nothing_but_null_is_measured_whatever_its_type() {
    let types =
        ["smallint", "integer", "bigint", "numeric(12,2)", "real", "double precision", "varchar", "boolean", "date"];
    let more = ["timestamp", "timestamptz", "time", "uuid", "json", "integer[]", "interval"];
    let columns: Vec<String> =
        types.iter().chain(&more).enumerate().map(|(at, name)| format!("cast(null as {name}) as c{at}")).collect();
    for engine in Engine::all() {
        let columns = columns.join(", ");
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t as select 1 as k, {columns}; create table pr.t as select 2 as k, {columns}"
        ));
        let diff = engine.diff_with(&[&["k"]], &[], &Options { drift: true, profile: true, ..Options::default() });
        assert!(!diff.has_failed(), "{}: {:?}", engine.name, diff.method);
        for (at, name) in types.iter().enumerate() {
            assert_eq!(of(&diff, &format!("c{at}")).psi, Some(0.0), "{}: {name}", engine.name);
        }
    }
}

#[test]
fn where_nothing_can_be_said_the_reason_is() {
    for engine in Engine::all() {
        let rows = if engine.name == "duckdb" { "range(500) as g(n)" } else { "generate_series(0, 499) as g(n)" };
        engine.run(&format!(
            "{SCHEMAS}; create table prod.t as select n as k, cast(n as text) as id, cast('1' as json) as j, n as number, \
             cast('infinity' as timestamp) as forever, cast(null as int) as nothing from {rows};
             create table pr.t as select case when k = 0 then 777 else k end as k, id, j, cast(number as text) as number, forever, nothing from prod.t"
        ));
        let diff = drifted(&engine);
        for (column, gap) in [("id", DriftGap::ManyValues), ("j", DriftGap::Types), ("number", DriftGap::Types)] {
            let found = of(&diff, column);
            assert_eq!((found.gap, found.psi, found.ks, found.js), (Some(gap), None, None, None), "{}", engine.name);
        }
        for column in ["forever", "nothing"] {
            let found = of(&diff, column);
            assert_eq!((found.psi, found.gap), (Some(0.0), None), "{} {column}", engine.name);
        }
        engine.run("delete from pr.t");
        assert!(drifted(&engine).columns.iter().all(|column| column.drift.unwrap().gap == Some(DriftGap::NoRows)));
    }
}
