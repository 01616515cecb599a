//! The SQL of how far distributions moved: bins from a sample of the baseline, then one pass over each side that counts
//! what falls into them.
//!
//! Numbers, dates and times are doubles here (dates and times their seconds since 1970); text and booleans are text.

use super::profile::{Nature, as_float8, number, text};
use super::{Side, of_those};
use crate::model::{Change, Value};
use crate::warehouse::Dialect;

/// How many columns one query is asked about.
pub const DRIFT_BATCH: usize = 100;

/// Rows of the baseline from which bins are made, about; all of it when it has no more than twice as many.
pub const SAMPLE: u64 = 20_000;

/// The most values of a column that are categories of their own.
pub const CATEGORIES: usize = 50;

/// A column of numbers with no more values than this is a column of categories.
pub const FEW_NUMBERS: usize = 20;

/// A category is no longer than this, in characters.
const LONGEST: usize = 200;

/// The parts that quantiles divide the baseline into.
const PARTS: usize = 100;

/// Codes of the two bins beyond all numbered ones, on PostgreSQL.
const NAN: usize = 998;
const NULL: usize = 999;

/// A column that both sides have and whose distributions can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifting {
    name: Change<String>,
    nature: Change<Nature>,
}

impl Drifting {
    /// The column, when values of the two types have their place on one axis.
    pub fn new(name: Change<String>, types: &Change<&str>) -> Option<Self> {
        let nature = Change { baseline: Nature::of(types.baseline), current: Nature::of(types.current) };
        let axes = [nature.baseline, nature.current].map(|nature| match nature {
            nature if nature.is_number() => 1,
            Nature::Date | Nature::Timestamp | Nature::TimestampTz => 2,
            Nature::Text => 3,
            Nature::Bool => 4,
            _ => 0,
        });
        (axes[0] == axes[1] && axes[0] != 0).then_some(Self { name, nature })
    }

    /// Whether its values are categories by their type.
    pub fn is_text(&self) -> bool {
        matches!(self.nature.current, Nature::Text | Nature::Bool)
    }

    fn nature(&self, side: Side) -> Nature {
        *side.of(&self.nature)
    }

    fn column(&self, dialect: &dyn Dialect, side: Side) -> String {
        dialect.quote(side.of(&self.name).as_str())
    }

    /// Its values as doubles, or as text.
    fn value(&self, dialect: &dyn Dialect, side: Side) -> String {
        let column = self.column(dialect, side);
        let duckdb = dialect.name() == "duckdb";
        let double = |sql: &str| format!("cast({sql} as {})", if duckdb { "double" } else { "float8" });
        match self.nature(side) {
            Nature::Decimal { bounded: false } if !duckdb => format!(
                "case when {column} between -1e300 and 1e300 or {column} = 'NaN' then {} \
                 when {column} > 0 then float8 'infinity' when {column} < 0 then float8 '-infinity' end",
                as_float8(&column)
            ),
            Nature::Date | Nature::Timestamp | Nature::TimestampTz => {
                let seconds = match self.nature(side) {
                    _ if duckdb => format!("epoch({column})"),
                    Nature::Date => format!("({column} - date '1970-01-01') * float8 '86400'"),
                    _ => format!("date_part('epoch', {column})"),
                };
                format!(
                    "case when isfinite({column}) then {seconds} when {column} > date '2000-01-01' then {} \
                     when {column} < date '2000-01-01' then {} end",
                    double("'infinity'"),
                    double("'-infinity'")
                )
            }
            Nature::Text | Nature::Bool => text(dialect.name(), &column),
            _ => double(&column),
        }
    }

    /// Values that are no number, as a condition; none where there cannot be any.
    fn is_nan(&self, dialect: &dyn Dialect, side: Side) -> Option<String> {
        let nature = self.nature(side);
        if dialect.name() == "duckdb" {
            (nature == Nature::Float).then(|| format!("isnan({})", self.column(dialect, side)))
        } else {
            nature.has_nan().then(|| format!("{} = 'NaN'", self.column(dialect, side)))
        }
    }
}

/// What values of a column fall into.
#[derive(Debug, Clone, PartialEq)]
pub enum Bins {
    /// Numbers: one bin up to and with each of these, which rise, and one for those above all.
    UpTo(Vec<f64>),
    /// One for each of these, and one for all others.
    Values(Vec<String>),
}

impl Bins {
    fn len(&self) -> usize {
        1 + match self {
            Self::UpTo(bounds) => bounds.len(),
            Self::Values(values) => values.len(),
        }
    }
}

/// What fell into the bins on one side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// By bin; of [`Bins::Values`] all others come last.
    pub bins: Vec<u64>,
    /// Values that are no number.
    pub nan: u64,
    /// NULLs.
    pub null: u64,
}

/// The statement before each query of a sample, on engines that need it for equal samples of equal tables.
pub fn seed(dialect: &dyn Dialect) -> Option<&'static str> {
    (dialect.name() != "duckdb").then_some("select setseed(0.5)")
}

/// About [`SAMPLE`] rows of `source`, an item of a FROM clause with `rows` rows, as such an item.
fn sample(dialect: &dyn Dialect, source: &str, rows: u64) -> String {
    if rows <= 2 * SAMPLE {
        return source.to_owned();
    }
    if dialect.name() == "duckdb" {
        // DuckDB's own samples differ from run to run; the numbers of rows, hashed, do not.
        let one_in = rows / SAMPLE;
        return format!(
            "(select * from (select *, row_number() over () as \"slimdiff row\" from {source}) as numbered \
             where hash(\"slimdiff row\") % {one_in} = 0) as sampled"
        );
    }
    format!("(select * from {source} where random() < {SAMPLE}.0 / {rows}) as sampled")
}

/// One row: for each of `columns`, which hold no text, the quantiles of the baseline's numbers, then the first
/// [`FEW_NUMBERS`] and one more of its values.
pub fn quantiles_sql(dialect: &dyn Dialect, source: &str, rows: u64, columns: &[&Drifting]) -> String {
    let duckdb = dialect.name() == "duckdb";
    let parts: Vec<String> = (1..PARTS).map(|part| format!("0.{part:02}")).collect();
    let parts = parts.join(",");
    let first = FEW_NUMBERS + 1;
    let items = columns.iter().map(|column| {
        let value = column.value(dialect, Side::Baseline);
        let nan = column.is_nan(dialect, Side::Baseline).map(|nan| format!(" and not {nan}")).unwrap_or_default();
        let name = column.column(dialect, Side::Baseline);
        let there = format!("{name} is not null{nan}");
        if duckdb {
            let value = format!("case when {there} then {value} end");
            format!(
                "quantile_disc({value}, [{parts}]), list_sort(list(distinct {value}), 'asc', 'nulls last')[1:{first}]"
            )
        } else {
            let filter = format!("filter (where {there})");
            format!(
                "percentile_disc('{{{parts}}}'::float8[]) within group (order by {value}) {filter}, \
                 (array_agg(distinct {value}) {filter})[1:{first}]"
            )
        }
    });
    let items: Vec<String> = items.collect();
    format!("select\n    {}\nfrom {}", items.join(",\n    "), sample(dialect, source, rows))
}

/// The bins of each column out of the row that [`quantiles_sql`] asks for, and whether they are categories.
pub fn numeric_bins(row: &[Value]) -> Vec<(Bins, bool)> {
    let numbers = |value: &Value| match value {
        Value::List(items) => items.iter().filter_map(number).filter(|number| !number.is_nan()).collect(),
        _ => Vec::new(),
    };
    row.chunks(2)
        .map(|pair| {
            let (quantiles, values): (Vec<f64>, Vec<f64>) =
                (numbers(&pair[0]), pair.get(1).map(numbers).unwrap_or_default());
            if values.len() <= FEW_NUMBERS { (around(&values), true) } else { (between(&quantiles), false) }
        })
        .collect()
}

/// A bin for each of the values, which are few, and one for each of the gaps between.
fn around(values: &[f64]) -> Bins {
    let mut bounds: Vec<f64> = values.iter().flat_map(|&value| [value.next_down(), value]).collect();
    tidy(&mut bounds);
    Bins::UpTo(bounds)
}

/// Bins between quantiles. What is a quantile more than once is a value that many rows have, and gets a bin of its own.
fn between(quantiles: &[f64]) -> Bins {
    let mut bounds = quantiles.to_vec();
    bounds.extend(
        quantiles.windows(2).filter(|pair| pair[0].total_cmp(&pair[1]).is_eq()).map(|pair| pair[0].next_down()),
    );
    tidy(&mut bounds);
    Bins::UpTo(bounds)
}

fn tidy(bounds: &mut Vec<f64>) {
    bounds.retain(|bound| bound.is_finite());
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
}

/// The most frequent values of `columns`, all of them text: rows of the column's position, a value, how often it was
/// seen, and how many rows and distinct values of the column were seen in all.
pub fn categories_sql(dialect: &dyn Dialect, source: &str, rows: u64, columns: &[&Drifting]) -> String {
    let (open, close) = if dialect.name() == "duckdb" { ("[", "]") } else { ("array[", "]") };
    let positions: Vec<String> = (0..columns.len()).map(|at| at.to_string()).collect();
    let values: Vec<String> = columns.iter().map(|column| column.value(dialect, Side::Baseline)).collect();
    format!(
        "select nth_column, value, seen, of_rows, of_values from (\n    select nth_column, value, count(*) as seen, \
         cast(sum(count(*)) over (partition by nth_column) as bigint) as of_rows, \
         count(*) over (partition by nth_column) as of_values, \
         row_number() over (partition by nth_column order by count(*) desc, value) as nth\n    from (select \
         unnest({open}{}{close}) as nth_column, unnest({open}{}{close}) as value from {}) as texts\n    \
         where value is not null\n    group by nth_column, value\n) as counted\nwhere nth <= {CATEGORIES}\norder by nth_column, nth",
        positions.join(", "),
        values.join(", "),
        sample(dialect, source, rows),
    )
}

/// The bins of `columns` columns out of what [`categories_sql`] asks for; none of a column most of whose values differ
/// from row to row.
pub fn text_bins(columns: usize, rows: &[Vec<Value>]) -> Vec<Option<Bins>> {
    let mut found: Vec<Option<Vec<String>>> = vec![Some(Vec::new()); columns];
    for row in rows {
        let [at, value, _, of_rows, of_values] = row.as_slice() else { continue };
        let Some(slot) = at.as_i64().and_then(|at| found.get_mut(usize::try_from(at).ok()?)) else { continue };
        let most = CATEGORIES.try_into().unwrap_or(i64::MAX);
        if of_values.as_i64().zip(of_rows.as_i64()).is_some_and(|(values, rows)| values > most && values > rows / 2) {
            *slot = None;
        } else if let (Some(values), Some(text)) = (slot.as_mut(), value.as_str())
            && text.chars().count() <= LONGEST
            && !text.contains('\0')
        {
            values.push(text.to_owned());
        }
    }
    found.into_iter().map(|values| values.map(Bins::Values)).collect()
}

/// What [`counts`] reads: one pass over `source`, a side of the comparison as an item of a FROM clause.
pub fn counts_sql(dialect: &dyn Dialect, source: &str, side: Side, columns: &[(&Drifting, &Bins)]) -> String {
    if dialect.name() == "duckdb" {
        let items = columns.iter().map(|(column, bins)| histogram(column, dialect, side, bins));
        return format!("select\n    {}\nfrom {source}", items.collect::<Vec<_>>().join(",\n    "));
    }
    let codes = columns.iter().enumerate().map(|(at, (column, bins))| {
        let (name, value) = (column.column(dialect, side), column.value(dialect, side));
        let bin = match bins {
            // PostgreSQL's buckets begin with their bound, ours end with it.
            Bins::UpTo(bounds) => {
                let bounds: Vec<String> = bounds.iter().map(|bound| format!("{:e}", bound.next_up())).collect();
                format!("width_bucket({value}, '{{{}}}'::float8[])", bounds.join(","))
            }
            Bins::Values(values) => format!(
                "coalesce(array_position({}, {value}), {}) - 1",
                texts(dialect, "array[", values, "]::text[]"),
                values.len() + 1
            ),
        };
        let nan = column.is_nan(dialect, side).map(|nan| format!("when {nan} then {NAN} ")).unwrap_or_default();
        format!("{} + case when {name} is null then {NULL} {nan}else {bin} end", at * (NULL + 1))
    });
    format!(
        "select code, count(*) from (\n    select unnest(array[\n        {}\n    ]) as code from {source}\n) as coded\n\
         group by code",
        codes.collect::<Vec<_>>().join(",\n        ")
    )
}

/// Values that are there, those that are no number, and a map of bins, in which all others are infinite or empty.
fn histogram(column: &Drifting, dialect: &dyn Dialect, side: Side, bins: &Bins) -> String {
    let (name, value) = (column.column(dialect, side), column.value(dialect, side));
    let nan = column.is_nan(dialect, side);
    let nans = nan.as_ref().map_or_else(|| "0".to_owned(), |nan| of_those("count", "1", nan));
    let map = match bins {
        Bins::UpTo(bounds) => {
            let bounds: Vec<String> = bounds.iter().map(|bound| format!("{bound:e}::double")).collect();
            let value = nan.map_or(value.clone(), |nan| format!("case when not {nan} then {value} end"));
            format!("histogram({value}, [{}]::double[])", bounds.join(","))
        }
        Bins::Values(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("v{value}")).collect();
            format!("histogram_exact('v' || {value}, {})", texts(dialect, "[", &values, "]::varchar[]"))
        }
    };
    format!("count(*) - count({name}), {nans}, {map}")
}

fn texts(dialect: &dyn Dialect, open: &str, values: &[String], close: &str) -> String {
    let literals: Vec<String> = values.iter().map(|value| dialect.literal(value)).collect();
    format!("{open}{}{close}", literals.join(", "))
}

/// The counts of each column out of the rows that [`counts_sql`] asks for; none when they are not such rows.
pub fn counts(dialect: &dyn Dialect, bins: &[&Bins], rows: &[Vec<Value>]) -> Option<Vec<Counts>> {
    let whole = |value: &Value| u64::try_from(value.as_i64()?).ok();
    if dialect.name() == "duckdb" {
        let row = rows.first()?;
        let of = |(at, bins): (usize, &&Bins)| {
            let [null, nan, map] = row.get(at * 3..at * 3 + 3)? else { return None };
            Some(Counts { bins: of_map(bins, map)?, nan: whole(nan)?, null: whole(null)? })
        };
        return bins.iter().enumerate().map(of).collect();
    }
    let mut found: Vec<Counts> =
        bins.iter().map(|bins| Counts { bins: vec![0; bins.len()], ..Counts::default() }).collect();
    for row in rows {
        let [code, count] = row.as_slice() else { return None };
        let (code, count) = (usize::try_from(code.as_i64()?).ok()?, whole(count)?);
        let counts = found.get_mut(code / (NULL + 1))?;
        match code % (NULL + 1) {
            NULL => counts.null = count,
            NAN => counts.nan = count,
            bin => *counts.bins.get_mut(bin)? = count,
        }
    }
    Some(found)
}

/// DuckDB's map of bins; NULL when no value was there to be counted.
fn of_map(bins: &Bins, map: &Value) -> Option<Vec<u64>> {
    let entries = match map {
        Value::Null => return Some(vec![0; bins.len()]),
        Value::Struct(entries) => entries,
        _ => return None,
    };
    let count = |value: &Value| u64::try_from(value.as_i64()?).ok();
    match bins {
        // In the order of their bounds, the last one only when something fell into it.
        Bins::UpTo(_) => {
            let mut counts: Vec<u64> = entries.iter().map(|(_, value)| count(value)).collect::<Option<_>>()?;
            (counts.len() <= bins.len()).then(|| counts.resize(bins.len(), 0))?;
            Some(counts)
        }
        Bins::Values(values) => {
            let mut counts = vec![0; bins.len()];
            for (key, value) in entries {
                let at = key.strip_prefix('v').and_then(|key| values.iter().position(|value| value == key));
                counts[at.unwrap_or(values.len())] += count(value)?;
            }
            Some(counts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bins, Drifting, around, between, numeric_bins, text_bins};
    use crate::model::{Change, Value};

    #[test]
    fn a_value_that_is_a_quantile_twice_has_a_bin_of_its_own() {
        assert_eq!(between(&[1.0, 2.0, 2.0, 2.0, 3.0]), Bins::UpTo(vec![1.0, 2.0_f64.next_down(), 2.0, 3.0]));
        assert_eq!(between(&[f64::NEG_INFINITY, 0.0, f64::INFINITY]), Bins::UpTo(vec![0.0]));
    }

    #[test]
    fn few_numbers_are_categories_with_gaps_between() {
        assert_eq!(around(&[0.0, 1.0]), Bins::UpTo(vec![0.0_f64.next_down(), 0.0, 1.0_f64.next_down(), 1.0]));
        let list = |numbers: std::ops::Range<i32>| Value::List(numbers.map(|n| Value::Float(n.into())).collect());
        let found = numeric_bins(&[list(0..99), list(0..20), list(0..99), list(0..21), Value::Null, Value::Null]);
        let categories: Vec<bool> = found.iter().map(|(_, categories)| *categories).collect();
        assert_eq!(categories, [true, false, true]);
        assert_eq!(found[2].0, Bins::UpTo(Vec::new()));
    }

    #[test]
    fn a_column_of_texts_that_all_differ_has_no_bins() {
        let row = |at, text: &str, rows, values| {
            vec![Value::Int(at), Value::Text(text.to_owned()), Value::Int(1), Value::Int(rows), Value::Int(values)]
        };
        let found = text_bins(3, &[row(0, "a", 100, 2), row(0, &"x".repeat(999), 100, 2), row(1, "b", 100, 51)]);
        assert_eq!(found, [Some(Bins::Values(vec!["a".into()])), None, Some(Bins::Values(Vec::new()))]);
    }

    #[test]
    fn types_without_a_common_axis_do_not_drift() {
        let is = |baseline, current| {
            let name = Change { baseline: "x".to_owned(), current: "x".to_owned() };
            Drifting::new(name, &Change { baseline, current }).is_some()
        };
        assert!(is("integer", "bigint") && is("numeric(5,2)", "double precision") && is("date", "timestamp"));
        assert!(is("text", "character varying(3)") && is("boolean", "boolean"));
        assert!(!is("integer", "text") && !is("json", "json") && !is("boolean", "integer"));
    }
}
