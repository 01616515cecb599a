//! Columns that are numbers, dates or times on both sides: how far two values are apart.

use super::Side;
use super::kinds::Kind;
use crate::model::Change;

/// By how much two values may differ and still count as equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// By this distance, in the unit of the column; seconds of dates and times.
    Absolute(f64),
    /// By this share of the larger of two numbers: 0.01 is one percent. Dates and times have none.
    Relative(f64),
    /// By so many seconds. Numbers have none.
    Seconds(f64),
}

impl Tolerance {
    /// Whether values of this sort can be so far apart.
    pub fn fits(self, sort: NumberSort) -> bool {
        match self {
            Self::Absolute(_) => true,
            Self::Relative(_) => sort != NumberSort::Instant,
            Self::Seconds(_) => sort == NumberSort::Instant,
        }
    }
}

/// What a column is as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Each side's value as it is subtracted, with `{}` in the place of the column.
    operand: Change<String>,
    /// Whether it can be, likewise.
    finite: Change<String>,
    sort: NumberSort,
    duckdb: bool,
}

/// What sort of number a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberSort {
    /// Integers and decimals.
    Exact,
    /// A binary floating-point number on at least one side.
    Float,
    /// A date or a time, whose distances are seconds.
    Instant,
}

impl NumberSort {
    /// What columns of these kinds are, if they are numbers on both sides.
    pub(super) fn of(kinds: &Change<Kind>) -> Option<Self> {
        let Change { baseline, current } = kinds;
        let is_float = |kind: &Kind| matches!(kind, Kind::Float(_));
        if is_instant(baseline) && is_instant(current) {
            Some(Self::Instant)
        } else if !is_number(baseline) || !is_number(current) {
            None
        } else if is_float(baseline) || is_float(current) {
            Some(Self::Float)
        } else {
            Some(Self::Exact)
        }
    }
}

impl Number {
    /// What columns of these two types are as numbers, if they are on both sides.
    pub fn of(engine: &str, types: &Change<&str>) -> Option<Self> {
        let duckdb = engine == "duckdb";
        let kinds = types.map(Kind::parse);
        let sort = NumberSort::of(&kinds)?;
        let exact = if duckdb { exact_in_duckdb(&kinds) } else { "numeric".to_owned() };
        let operand = kinds.as_ref().map(|kind| match (sort, duckdb) {
            (NumberSort::Exact, _) => format!("cast({{}} as {exact})"),
            (NumberSort::Float, true) => "cast({} as double)".to_owned(),
            // A number too small for a double is an error to PostgreSQL.
            (NumberSort::Float, false) if matches!(kind, Kind::Decimal(_)) => {
                "cast(case when abs({}) < 1e-300 then 0 else {} end as double precision)".to_owned()
            }
            (NumberSort::Float, false) => "cast({} as double precision)".to_owned(),
            (NumberSort::Instant, true) if *kind == Kind::Date => "epoch_us(cast({} as timestamp))".to_owned(),
            (NumberSort::Instant, true) => "epoch_us({})".to_owned(),
            (NumberSort::Instant, false) => "cast(extract(epoch from {}) as numeric)".to_owned(),
        });
        // Doubles beyond 1e300 could overflow when they are subtracted, which PostgreSQL takes for an error. NaN is
        // greater than any number to both engines. The smallest integer has no absolute value of its own type. Times far
        // out have no number of microseconds in 64 bits.
        let finite = kinds.as_ref().map(|kind| {
            let finite = match (sort, duckdb) {
                (NumberSort::Instant, true) => "isfinite({}) and year({}) between -99999 and 99999",
                (NumberSort::Instant, false) => "isfinite({})",
                (NumberSort::Exact, true) => "{} is not null",
                (NumberSort::Float, _) if matches!(kind, Kind::Float(_)) => "abs({}) < 1e300",
                (NumberSort::Float, true) => "abs(cast({} as double)) < 1e300",
                (_, false) => "abs(cast({} as numeric)) < 1e300",
            };
            finite.to_owned()
        });
        Some(Self { operand, finite, sort, duckdb })
    }

    /// What sort of number it is.
    pub fn sort(&self) -> NumberSort {
        self.sort
    }

    /// `y - x` as a double; NULL when either is NULL or not finite.
    pub(super) fn distance(&self, x: &str, y: &str) -> String {
        let double = if self.duckdb { "double" } else { "double precision" };
        let mut difference = self.difference(x, y);
        if self.sort == NumberSort::Exact && !self.duckdb {
            difference = format!("case when abs({difference}) < 1e-300 then 0 else {difference} end");
        }
        format!("case when {} then cast({difference} as {double}) end", self.finite(x, y))
    }

    /// Whether `x` and `y` are near enough; NULL when either is NULL or not finite.
    pub(super) fn within(&self, tolerance: &Tolerance, x: &str, y: &str) -> String {
        let limit = match tolerance {
            Tolerance::Absolute(limit) | Tolerance::Seconds(limit) => limit.to_string(),
            Tolerance::Relative(share) => {
                let (x, y) = self.operands(x, y);
                format!("{share} * greatest(abs({x}), abs({y}))")
            }
        };
        format!("case when {} then abs({}) <= {limit} end", self.finite(x, y), self.difference(x, y))
    }

    fn operands(&self, x: &str, y: &str) -> (String, String) {
        (self.operand.baseline.replace("{}", x), self.operand.current.replace("{}", y))
    }

    fn difference(&self, x: &str, y: &str) -> String {
        let (x, y) = self.operands(x, y);
        match (self.sort, self.duckdb) {
            (NumberSort::Instant, true) => format!("(({y} - {x}) / 1e6)"),
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
