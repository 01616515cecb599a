//! Columns that are numbers, dates or times on both sides: how far two values are apart.

use super::Side;
use super::kinds::Kind;
use crate::model::Change;

/// By how much two numbers may differ and still count as equal: by `absolute`, or by `relative` of the larger of the
/// two, whichever allows more. Dates and times count in seconds, and have no relative part.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tolerance {
    /// In the unit of the column; seconds of dates and times.
    pub absolute: f64,
    /// 0.01 is one percent.
    pub relative: f64,
}

/// What a column is as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Each side's value as it is subtracted, with `{}` in the place of the column.
    operand: Change<String>,
    /// Whether it can be, likewise.
    finite: Change<String>,
    sort: Sort,
    duckdb: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Exact,
    Float,
    Instant,
}

impl Number {
    /// What columns of these two types are as numbers, if they are on both sides.
    pub fn of(engine: &str, types: &Change<&str>) -> Option<Self> {
        let duckdb = engine == "duckdb";
        let kinds = types.map(Kind::parse);
        let (instants, numbers) = (kinds.as_ref().map(is_instant), kinds.as_ref().map(is_number));
        let both = |pair: &Change<bool>| pair.baseline && pair.current;
        let is_float = |kind: &Kind| matches!(kind, Kind::Float(_));
        let sort = if both(&instants) {
            Sort::Instant
        } else if !both(&numbers) {
            return None;
        } else if is_float(&kinds.baseline) || is_float(&kinds.current) {
            Sort::Float
        } else {
            Sort::Exact
        };
        let exact = if duckdb { exact_in_duckdb(&kinds) } else { "numeric".to_owned() };
        let operand = kinds.as_ref().map(|kind| match (sort, duckdb) {
            (Sort::Exact, _) => format!("cast({{}} as {exact})"),
            (Sort::Float, true) => "cast({} as double)".to_owned(),
            (Sort::Float, false) => "cast({} as double precision)".to_owned(),
            (Sort::Instant, true) if *kind == Kind::Date => "epoch_us(cast({} as timestamp))".to_owned(),
            (Sort::Instant, true) => "epoch_us({})".to_owned(),
            (Sort::Instant, false) => "cast(extract(epoch from {}) as numeric)".to_owned(),
        });
        // Doubles beyond 1e300 could overflow when they are subtracted, which PostgreSQL takes for an error. NaN is
        // greater than any number to both engines.
        let finite = if sort == Sort::Instant { "isfinite({})" } else { "abs({}) < 1e300" };
        let finite = match (sort, duckdb) {
            (Sort::Exact, true) => "{} is not null",
            // The smallest integer has no absolute value of its own type.
            (Sort::Exact, false) => "abs(cast({} as numeric)) < 1e300",
            _ => finite,
        };
        let finite = Change { baseline: finite.to_owned(), current: finite.to_owned() };
        Some(Self { operand, finite, sort, duckdb })
    }

    /// Whether it is a date or a time, whose distances are seconds.
    pub fn is_instant(&self) -> bool {
        self.sort == Sort::Instant
    }

    /// Whether it is a binary floating-point number on at least one side.
    pub fn is_float(&self) -> bool {
        self.sort == Sort::Float
    }

    /// `y - x` as a double; NULL when either is NULL or not finite.
    pub(super) fn distance(&self, x: &str, y: &str) -> String {
        let double = if self.duckdb { "double" } else { "double precision" };
        format!("case when {} then cast({} as {double}) end", self.finite(x, y), self.difference(x, y))
    }

    /// Whether `x` and `y` are near enough; NULL when either is NULL or not finite.
    pub(super) fn within(&self, tolerance: &Tolerance, x: &str, y: &str) -> String {
        let difference = self.difference(x, y);
        let mut limits = vec![format!("abs({difference}) <= {}", tolerance.absolute)];
        if tolerance.relative > 0.0 && self.sort != Sort::Instant {
            let (x, y) = self.operands(x, y);
            limits.push(format!("abs({difference}) <= {} * greatest(abs({x}), abs({y}))", tolerance.relative));
        }
        format!("case when {} then {} end", self.finite(x, y), limits.join(" or "))
    }

    fn operands(&self, x: &str, y: &str) -> (String, String) {
        (self.operand.baseline.replace("{}", x), self.operand.current.replace("{}", y))
    }

    fn difference(&self, x: &str, y: &str) -> String {
        let (x, y) = self.operands(x, y);
        match (self.sort, self.duckdb) {
            (Sort::Instant, true) => format!("(({y} - {x}) / 1e6)"),
            _ => format!("({y} - {x})"),
        }
    }

    fn finite(&self, x: &str, y: &str) -> String {
        let of = |side: Side, value: &str| side.of(&self.finite).replace("{}", value);
        format!("{} and {}", of(Side::Baseline, x), of(Side::Current, y))
    }
}

fn is_instant(kind: &Kind) -> bool {
    matches!(kind, Kind::Date | Kind::Timestamp | Kind::TimestampTz)
}

fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Int { .. } | Kind::Decimal(_) | Kind::Float(_))
}

/// A type of DuckDB in which two exact numbers can be subtracted without overflow, else doubles.
fn exact_in_duckdb(kinds: &Change<Kind>) -> String {
    let digits = |kind: &Kind| match kind {
        Kind::Int { bits: 1..=64, .. } => Some((20, 0)),
        Kind::Decimal(Some((precision, scale))) => Some((precision - scale, *scale)),
        _ => None,
    };
    match (digits(&kinds.baseline), digits(&kinds.current)) {
        (Some((_, 0)), Some((_, 0))) if kinds.baseline.is_int() && kinds.current.is_int() => "hugeint".to_owned(),
        (Some(a), Some(b)) if a.0.max(b.0) + a.1.max(b.1) < 38 => {
            // One digit more than either has, for the carry.
            format!("decimal({},{})", a.0.max(b.0) + a.1.max(b.1) + 1, a.1.max(b.1))
        }
        _ => "double".to_owned(),
    }
}
