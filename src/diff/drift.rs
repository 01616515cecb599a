//! How far the distribution of each column moved: population stability index, Kolmogorov–Smirnov, Jensen–Shannon, from
//! counts in bins that the database makes. docs/diff.md has the definitions and their sources.

use super::End;
use super::outcome::{ColumnDrift, DriftGap, Method, TableDiff};
use crate::model::{Change, Value};
use crate::plan::Excluded;
use crate::warehouse::Error;
use crate::warehouse::compare::Side;
use crate::warehouse::compare::drift::{self as sql, Bins, Counts, DRIFT_BATCH, Drifting};

/// A share of rows below this counts as this in the population stability index, which has no value for a bin that is
/// empty on one side.
const FLOOR: f64 = 0.0001;

/// The bins that a population stability index of numbers is over, at most.
const DECILES: f64 = 10.0;

/// Where the two sides are.
pub(super) enum Ends<'a, 'e> {
    /// Both in one database.
    One(&'a mut End<'e>),
    /// Each in its own.
    Two(&'a mut Change<End<'e>>),
}

impl<'e> Ends<'_, 'e> {
    fn of(&mut self, side: Side) -> &mut End<'e> {
        match self {
            Self::One(end) => end,
            Self::Two(ends) => side.of_mut(ends),
        }
    }
}

/// Finds out how far the columns of `diff` that both sides have moved, and writes it there. The rows of both sides must
/// be known by then. `source` is an item of a FROM clause for each side, `named` what each side calls a column of
/// `diff`, `excluded` the columns that are not compared.
///
/// # Errors
/// What the database says.
pub(super) async fn add(
    ends: &mut Ends<'_, '_>,
    source: &Change<String>,
    named: impl Fn(&str) -> Change<String>,
    excluded: &[Excluded],
    diff: &mut TableDiff,
) -> Result<(), Error> {
    let rows = diff.rows.total.map(Option::unwrap_or_default);
    let is_empty = rows.baseline == 0 || rows.current == 0;
    let mut columns = Vec::new();
    // Equal tables have equal distributions, but for the columns that were left out of the comparison.
    let is_equal = diff.method == Method::Checksum;
    for (at, column) in diff.columns.iter_mut().enumerate() {
        let (Some(baseline), Some(current)) = (&column.data_type.baseline, &column.data_type.current) else { continue };
        let is_noise = excluded.iter().any(|excluded| excluded.is_noise && excluded.is(&column.name));
        // A clock always moves.
        let is_clock = is_noise && ["time", "date"].iter().any(|word| current.to_ascii_lowercase().contains(word));
        if is_clock || (is_equal && !is_noise) {
            continue;
        }
        let drifting =
            Drifting::new(named(&column.name), &Change { baseline: baseline.as_str(), current: current.as_str() });
        match drifting {
            _ if is_empty => column.drift = Some(no(DriftGap::NoRows)),
            None => column.drift = Some(no(DriftGap::Types)),
            Some(drifting) => columns.push((at, drifting)),
        }
    }
    for batch in columns.chunks(DRIFT_BATCH) {
        let drifting: Vec<&Drifting> = batch.iter().map(|(_, column)| column).collect();
        let mut work = Work { ends: &mut *ends, source, rows: rows.baseline };
        for ((at, _), found) in batch.iter().zip(work.measure(&drifting).await?) {
            diff.columns[*at].drift = Some(found);
        }
    }
    Ok(())
}

fn no(gap: DriftGap) -> ColumnDrift {
    ColumnDrift { gap: Some(gap), ..ColumnDrift::default() }
}

/// Bins of one column, and whether each is a category.
struct Binned {
    bins: Bins,
    categorical: bool,
}

struct Work<'a, 'b, 'e> {
    ends: &'a mut Ends<'b, 'e>,
    source: &'a Change<String>,
    /// Of the baseline.
    rows: u64,
}

impl Work<'_, '_, '_> {
    async fn measure(&mut self, columns: &[&Drifting]) -> Result<Vec<ColumnDrift>, Error> {
        let binned = self.bins(columns).await?;
        let counted: Vec<(&Drifting, &Bins)> = columns
            .iter()
            .zip(&binned)
            .filter_map(|(column, binned)| Some((*column, &binned.as_ref()?.bins)))
            .collect();
        let baseline = self.counts(Side::Baseline, &counted).await?;
        let current = self.counts(Side::Current, &counted).await?;
        let mut counts = baseline.into_iter().zip(current);
        let measured = binned.iter().map(|binned| match binned {
            None => no(DriftGap::ManyValues),
            Some(binned) => counts.next().map_or_else(
                || no(DriftGap::Types),
                |(baseline, current)| figures(binned, &Change { baseline, current }),
            ),
        });
        Ok(measured.collect())
    }

    /// The bins of each column; none of a column whose values are too many.
    async fn bins(&mut self, columns: &[&Drifting]) -> Result<Vec<Option<Binned>>, Error> {
        let (texts, numbers): (Vec<&Drifting>, Vec<&Drifting>) = columns.iter().partition(|column| column.is_text());
        let (source, rows) = (self.source.baseline.as_str(), self.rows);
        let dialect = self.ends.of(Side::Baseline).dialect;
        let mut of_numbers = Vec::new();
        if !numbers.is_empty() {
            let table = self.sampled(&sql::quantiles_sql(dialect, source, rows, &numbers)).await?;
            of_numbers = sql::numeric_bins(table.first().map(Vec::as_slice).unwrap_or_default());
        }
        let mut of_texts = Vec::new();
        if !texts.is_empty() {
            let table = self.sampled(&sql::categories_sql(dialect, source, rows, &texts)).await?;
            of_texts = sql::text_bins(texts.len(), &table);
        }
        let (mut of_numbers, mut of_texts) = (of_numbers.into_iter(), of_texts.into_iter());
        let of = |column: &&Drifting| {
            if column.is_text() {
                of_texts.next().flatten().map(|bins| Binned { bins, categorical: true })
            } else {
                of_numbers.next().map(|(bins, categorical)| Binned { bins, categorical })
            }
        };
        Ok(columns.iter().map(of).collect())
    }

    /// What the baseline's sample says.
    async fn sampled(&mut self, query: &str) -> Result<Vec<Vec<Value>>, Error> {
        let end = self.ends.of(Side::Baseline);
        if let Some(seed) = sql::seed(end.dialect) {
            end.session.query(seed).await?;
        }
        Ok(end.session.query(query).await?.rows)
    }

    async fn counts(&mut self, side: Side, columns: &[(&Drifting, &Bins)]) -> Result<Vec<Counts>, Error> {
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let (source, end) = (side.of(self.source), self.ends.of(side));
        let table = end.session.query(&sql::counts_sql(end.dialect, source, side, columns)).await?;
        let bins: Vec<&Bins> = columns.iter().map(|(_, bins)| *bins).collect();
        sql::counts(end.dialect, &bins, &table.rows).ok_or_else(|| {
            let found = table.rows.first().map(Vec::len).unwrap_or_default();
            Error::unsupported(format!(
                "the database answered a count of {} bins with {} rows of {found} values",
                bins.len(),
                table.rows.len()
            ))
        })
    }
}

/// The figures of one column from what fell into its bins.
fn figures(binned: &Binned, counts: &Change<Counts>) -> ColumnDrift {
    let parts = if binned.categorical { categories(&binned.bins, counts) } else { deciles(counts) };
    let with_rest = Change {
        baseline: with_rest(&parts.baseline, &counts.baseline),
        current: with_rest(&parts.current, &counts.current),
    };
    let filled = with_rest.baseline.iter().zip(&with_rest.current).filter(|(b, c)| **b + **c > 0).count();
    ColumnDrift {
        psi: stability_index(&with_rest),
        ks: if binned.categorical { None } else { kolmogorov_smirnov(&counts.as_ref().map(|counts| &counts.bins[..])) },
        js: if binned.categorical { jensen_shannon(&with_rest) } else { None },
        bins: u32::try_from(filled).unwrap_or(u32::MAX),
        gap: None,
    }
}

/// NULL and NaN are bins of their own.
fn with_rest(parts: &[u64], counts: &Counts) -> Vec<u64> {
    parts.iter().copied().chain([counts.nan, counts.null]).collect()
}

/// One count a category and one of all else.
fn categories(bins: &Bins, counts: &Change<Counts>) -> Change<Vec<u64>> {
    match bins {
        Bins::Values(_) => counts.as_ref().map(|counts| counts.bins.clone()),
        // Bins of values and of the gaps between them take turns, the first being a gap.
        Bins::UpTo(bounds) => counts.as_ref().map(|counts| {
            let is_value =
                |at: usize| bounds.get(at).is_some_and(|bound| at > 0 && bounds[at - 1] >= bound.next_down());
            let mut found = Vec::new();
            let mut else_where = 0;
            for (at, count) in counts.bins.iter().enumerate() {
                if is_value(at) { found.push(*count) } else { else_where += count }
            }
            found.push(else_where);
            found
        }),
    }
}

/// Neighbouring bins joined, from the lowest up, as soon as they hold the next tenth of the baseline's numbers.
fn deciles(counts: &Change<Counts>) -> Change<Vec<u64>> {
    let whole = share_of(&counts.baseline.bins);
    let (mut joined, mut open) = (Change::<Vec<u64>>::default(), Change { baseline: 0, current: 0 });
    let mut below = 0;
    for (baseline, current) in counts.baseline.bins.iter().zip(&counts.current.bins) {
        open.baseline += baseline;
        open.current += current;
        below += baseline;
        #[expect(clippy::cast_precision_loss, reason = "number of closed bins, at most ten")]
        let next = (joined.baseline.len() + 1) as f64 / DECILES;
        // Rounding must not keep a bin open that is full.
        if next < 1.0 && whole(below) >= next - 1e-12 {
            joined.baseline.push(std::mem::take(&mut open.baseline));
            joined.current.push(std::mem::take(&mut open.current));
        }
    }
    joined.baseline.push(open.baseline);
    joined.current.push(open.current);
    joined
}

#[expect(clippy::cast_precision_loss, reason = "shares; tables have fewer than 2^53 rows")]
fn share_of(counts: &[u64]) -> impl Fn(u64) -> f64 {
    let whole = counts.iter().sum::<u64>() as f64;
    move |part| if whole > 0.0 { part as f64 / whole } else { 0.0 }
}

/// Shares of both sides by bin; none when a side has nothing in its bins.
fn shares(counts: &Change<Vec<u64>>) -> Option<Vec<(f64, f64)>> {
    let filled = |counts: &[u64]| counts.iter().any(|count| *count > 0);
    (filled(&counts.baseline) && filled(&counts.current)).then_some(())?;
    let (baseline, current) = (share_of(&counts.baseline), share_of(&counts.current));
    Some(counts.baseline.iter().zip(&counts.current).map(|(b, c)| (baseline(*b), current(*c))).collect())
}

/// Σ (q − p) · ln(q / p), bins empty on both sides left out.
fn stability_index(counts: &Change<Vec<u64>>) -> Option<f64> {
    let terms = shares(counts)?.into_iter().filter(|(p, q)| p + q > 0.0).map(|(p, q)| {
        let (p, q) = (p.max(FLOOR), q.max(FLOOR));
        (q - p) * (q / p).ln()
    });
    Some(terms.sum())
}

/// The square root of the mean of the two sides' divergences from their mixture, in bits.
fn jensen_shannon(counts: &Change<Vec<u64>>) -> Option<f64> {
    let divergence = |p: f64, q: f64| if p > 0.0 { p * (2.0 * p / (p + q)).log2() } else { 0.0 };
    let sum: f64 = shares(counts)?.into_iter().map(|(p, q)| f64::midpoint(divergence(p, q), divergence(q, p))).sum();
    // Rounding can leave a trace below nothing or above all.
    Some(sum.clamp(0.0, 1.0).sqrt())
}

/// The largest distance of the two cumulative distributions, at the bounds of the bins.
fn kolmogorov_smirnov(counts: &Change<&[u64]>) -> Option<f64> {
    let wholes = counts.map(|counts| counts.iter().sum::<u64>());
    (wholes.baseline > 0 && wholes.current > 0).then_some(())?;
    let (baseline, current) = (share_of(counts.baseline), share_of(counts.current));
    let (mut below, mut largest) = ((0, 0), 0.0_f64);
    for (b, c) in counts.baseline.iter().zip(counts.current) {
        below = (below.0 + b, below.1 + c);
        largest = largest.max(f64::abs(baseline(below.0) - current(below.1)));
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        Binned, Bins, Counts, categories, deciles, figures, jensen_shannon, kolmogorov_smirnov, stability_index,
    };
    use crate::model::Change;

    fn pair(baseline: &[u64], current: &[u64]) -> Change<Vec<u64>> {
        Change { baseline: baseline.to_vec(), current: current.to_vec() }
    }

    fn counted(baseline: &[u64], current: &[u64]) -> Change<Counts> {
        pair(baseline, current).map(|bins| Counts { bins, ..Counts::default() })
    }

    fn near(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-9)
    }

    #[test]
    fn figures_equal_those_worked_out_by_hand() {
        // Two bins, 50:50 against 75:25: 0.25·ln(1.5) − 0.25·ln(0.5) = 0.25·ln 3.
        assert!(near(stability_index(&pair(&[50, 50], &[75, 25])), 0.25 * 3_f64.ln()));
        // A bin that empties counts as 0.0001 of the rows.
        let emptied = (1.0 - 0.5) * (1.0_f64 / 0.5).ln() + (0.0001 - 0.5) * (0.0001_f64 / 0.5).ln();
        assert!(near(stability_index(&pair(&[1, 1], &[1, 0])), emptied));
        // Nothing in common is one bit; halves against the whole of one: (log2(4/3) + 1/2·log2(2/3) + 1/2) / 2.
        assert!(near(jensen_shannon(&pair(&[7, 0], &[0, 3])), 1.0));
        let divergence = ((4.0_f64 / 3.0).log2() + 0.5 * (2.0_f64 / 3.0).log2() + 0.5 * 2_f64.log2()) / 2.0;
        assert!(near(jensen_shannon(&pair(&[1, 1], &[1, 0])), divergence.sqrt()));
        // Cumulative 0.25, 0.5, 0.75, 1 against 0, 0.25, 0.5, 1.
        let moved = pair(&[1, 1, 1, 1], &[0, 1, 1, 2]);
        assert!(near(kolmogorov_smirnov(&moved.as_ref().map(|counts| &counts[..])), 0.25));
    }

    #[test]
    fn a_side_without_a_value_has_no_figure() {
        assert_eq!(stability_index(&pair(&[1, 2], &[0, 0])), None);
        assert_eq!(jensen_shannon(&pair(&[0, 0], &[1, 2])), None);
        let binned = Binned { bins: Bins::UpTo(vec![1.0]), categorical: false };
        let mut counts = counted(&[4, 4], &[0, 0]);
        counts.current.null = 8;
        let found = figures(&binned, &counts);
        assert_eq!(found.ks, None, "there is no number to compare with");
        assert!(found.psi.is_some_and(|psi| psi > 5.0), "but all of it became NULL: {found:?}");
    }

    #[test]
    fn bins_are_joined_to_tenths_of_the_baseline() {
        let hundred = vec![1; 100];
        let joined = deciles(&counted(&hundred, &hundred));
        assert_eq!(joined.baseline, [10; 10]);
        let one_large = deciles(&counted(&[1, 80, 1, 1, 1, 16], &[0, 0, 0, 0, 1, 0]));
        assert_eq!(one_large.baseline.iter().sum::<u64>(), 100);
        assert_eq!(one_large.baseline[0], 81, "a bin is never cut");
    }

    #[test]
    fn numbers_between_categories_are_other_numbers() {
        let bins = Bins::UpTo(vec![0.0_f64.next_down(), 0.0, 1.0_f64.next_down(), 1.0]);
        let found = categories(&bins, &counted(&[0, 5, 0, 6, 0], &[1, 5, 2, 3, 4]));
        assert_eq!(found, pair(&[5, 6, 0], &[5, 3, 7]));
    }

    proptest! {
        #[test]
        fn equal_distributions_have_not_moved_and_symmetric_figures_are_symmetric(
            counts in proptest::collection::vec((0_u64..1000, 0_u64..1000), 1..40), times in 1_u64..9,
        ) {
            let (mut a, b): (Vec<u64>, Vec<u64>) = counts.into_iter().unzip();
            a[0] += 1;
            let scaled: Vec<u64> = a.iter().map(|count| count * times).collect();
            let same = pair(&a, &scaled);
            prop_assert!(near(stability_index(&same), 0.0));
            prop_assert!(jensen_shannon(&same).unwrap() < 1e-6);
            prop_assert!(near(kolmogorov_smirnov(&same.as_ref().map(|counts| &counts[..])), 0.0));
            let (there, back) = (pair(&a, &b), pair(&b, &a));
            for measure in [stability_index, jensen_shannon] {
                match (measure(&there), measure(&back)) {
                    (Some(one), Some(other)) => prop_assert!((one - other).abs() < 1e-9 && one >= 0.0),
                    (one, other) => prop_assert_eq!(one, other),
                }
            }
        }
    }
}
