//! What two builds of the same code differ by: columns that change by themselves, and rows that come and go.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use super::columns::Pairing;
use super::many::Pool;
use super::options::row;
use super::outcome::{Method, TableDiff};
use super::totals::ability;
use super::{Options, Tolerated, diff};
use crate::model::{Change, NodeId, Value};
use crate::plan::{Comparison, Excluded};
use crate::warehouse::compare::{self, Field, Side, Sides, Tolerance};
use crate::warehouse::{Dialect, Error, Session, Warehouse};

/// What the second build of a node has otherwise than the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// The node.
    pub unique_id: NodeId,
    /// Columns whose values differ, with the number of rows in which they do where rows could be paired.
    pub columns: Vec<(String, Option<u64>)>,
    /// Columns of floating-point numbers that differ by rounding alone, as sums do that are added up in another order,
    /// with what they may differ by.
    pub rounded: Vec<(String, Tolerance)>,
    /// Rows of the first build.
    pub rows: u64,
    /// Rows that only the first build (`baseline`) and only the second has, by the key, or as a whole without one.
    pub lone: Change<u64>,
    /// Why the two builds say nothing.
    pub gap: Option<String>,
}

impl Noise {
    /// Nothing is known, for a reason.
    pub fn unknown(unique_id: NodeId, reason: String) -> Self {
        Self { gap: Some(reason), ..Self::none(unique_id) }
    }

    /// Whether the two builds differ.
    pub fn is_any(&self) -> bool {
        !self.columns.is_empty() || !self.rounded.is_empty() || self.lone_rows() > 0
    }

    /// Rows that only one of the builds has.
    pub fn lone_rows(&self) -> u64 {
        self.lone.baseline + self.lone.current
    }

    fn none(unique_id: NodeId) -> Self {
        Self { unique_id, columns: Vec::new(), rounded: Vec::new(), rows: 0, lone: Change::default(), gap: None }
    }
}

/// Compares two builds of each node, the first one being the baseline, at most `concurrency` nodes at a time; in the
/// order in which they were given.
///
/// # Errors
/// When no connection can be made, or the run was cancelled.
pub async fn noise_all(
    warehouse: &Arc<dyn Warehouse>,
    builds: &[(Comparison, Options)],
    concurrency: usize,
) -> Result<Vec<Noise>, Error> {
    let pool = Pool::new(warehouse);
    let jobs = builds.iter().map(|(comparison, options)| {
        let pool = &pool;
        async move {
            let mut session = pool.take().await?;
            match noise(&mut *session, warehouse.dialect(), comparison, options).await {
                Ok(noise) => {
                    pool.give_back(session);
                    Ok(noise)
                }
                Err(error @ (Error::Cancelled | Error::Connect { .. })) => Err(error),
                Err(error) => Ok(Noise::unknown(comparison.unique_id.clone(), error.to_string())),
            }
        }
    });
    stream::iter(jobs).buffered(concurrency.max(1)).try_collect().await
}

async fn noise(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    comparison: &Comparison,
    options: &Options,
) -> Result<Noise, Error> {
    // Nothing of the rows is shown, and no more is asked than which differ.
    let options =
        Options { samples: 0, show_values: false, profile: false, drift: false, sample: None, ..options.clone() };
    let mut work = Work { session, dialect, options };
    let found = work.diff(comparison).await?;
    let mut noise = reading(&comparison.unique_id, &found);
    if !suspects_a_key(&found) {
        work.tell_rounding_apart(comparison, &found, &mut noise).await?;
    }
    let Some(suspects) = suspects(&found) else { return Ok(noise) };
    let changed = work.with_other_values(comparison, &suspects).await?;
    // Where most columns hold other values, the rows are other ones.
    if changed.is_empty() || (!is_keyed(&found) && changed.len() * 2 > suspects.len()) {
        return Ok(noise);
    }
    let mut rest = comparison.clone();
    rest.excluded.extend(changed.iter().map(|name| Excluded {
        column: name.clone(),
        reason: String::new(),
        is_noise: false,
    }));
    let without = work.diff(&rest).await?;
    let mut better = reading(&comparison.unique_id, &without);
    let explains = better.gap.is_none() && better.lone.baseline * 2 <= better.rows;
    if !explains || suspects_a_key(&without) {
        return Ok(noise);
    }
    better.columns.splice(0..0, changed.into_iter().map(|name| (name, None)));
    Ok(better)
}

/// What a comparison of two builds says as it stands.
fn reading(unique_id: &NodeId, found: &TableDiff) -> Noise {
    let mut noise = Noise::none(unique_id.clone());
    match &found.method {
        Method::Failed { reason } => noise.gap = Some(reason.clone()),
        Method::OneSided => noise.gap = Some("the second build left no table".to_owned()),
        Method::Checksum | Method::Keyed { .. } | Method::Multiset { .. } => {
            noise.rows = found.rows.total.baseline.unwrap_or_default();
            noise.lone = Change { baseline: found.rows.removed, current: found.rows.added };
            let changed = |column: &super::ColumnDiff| {
                let rows = column.changed.filter(|rows| *rows > 0)?;
                Some((column.name.clone(), Some(rows)))
            };
            noise.columns = found.columns.iter().filter_map(changed).collect();
        }
    }
    noise
}

fn is_keyed(found: &TableDiff) -> bool {
    matches!(found.method, Method::Keyed { .. })
}

/// Whether no row of the one build has its key in the other: the key itself may be what changes.
fn suspects_a_key(found: &TableDiff) -> bool {
    is_keyed(found) && found.rows.changed + found.rows.unchanged == 0 && found.rows.removed > 0 && found.rows.added > 0
}

/// By how much numbers of a type may differ that were rounded in another order: some thousand times their precision.
fn rounding(data_type: &str) -> Option<Tolerance> {
    let relative = match data_type.to_ascii_lowercase().as_str() {
        "double" | "double precision" => 1e-11,
        "float" | "real" => 1e-4,
        _ => return None,
    };
    Some(Tolerance::Relative(relative))
}

/// The columns that may be why rows have no counterpart in the other build; none when there is nothing to explain.
fn suspects(found: &TableDiff) -> Option<Vec<String>> {
    match &found.method {
        Method::Keyed { key, .. } if suspects_a_key(found) => Some(key.clone()),
        Method::Multiset { .. } if found.rows.removed + found.rows.added > 0 => {
            let names = found.columns.iter().map(|column| column.name.clone());
            Some(names.filter(|name| !found.excluded.iter().any(|(other, _)| other == name)).collect())
        }
        _ => None,
    }
}

/// The comparisons of one pair of builds.
struct Work<'a> {
    session: &'a mut dyn Session,
    dialect: &'a dyn Dialect,
    options: Options,
}

impl Work<'_> {
    async fn diff(&mut self, comparison: &Comparison) -> Result<TableDiff, Error> {
        diff(self.session, self.dialect, comparison, &self.options).await
    }

    /// Takes the columns that differ by rounding alone from those that change by themselves.
    async fn tell_rounding_apart(
        &mut self,
        comparison: &Comparison,
        found: &TableDiff,
        noise: &mut Noise,
    ) -> Result<(), Error> {
        let is_changed = |name: &str| noise.columns.iter().any(|(changed, _)| changed == name);
        let floats: Vec<(String, Tolerance)> = found
            .columns
            .iter()
            .filter(|column| is_changed(&column.name))
            .filter_map(|column| Some((column.name.clone(), rounding(column.data_type.current.as_deref()?)?)))
            .collect();
        if floats.is_empty() {
            return Ok(());
        }
        let rules = floats.iter().map(|(name, tolerance)| (Tolerated::Column(name.clone()), *tolerance));
        let mut options = self.options.clone();
        options.tolerance.extend(rules);
        let within = diff(self.session, self.dialect, comparison, &options).await?;
        let is_equal =
            |name: &str| within.columns.iter().any(|column| column.name == name && column.changed == Some(0));
        if within.is_compared() {
            noise.rounded = floats.into_iter().filter(|(name, _)| is_equal(name)).collect();
            noise.columns.retain(|(name, _)| !noise.rounded.iter().any(|(rounded, _)| rounded == name));
        }
        Ok(())
    }

    /// Those of the named columns that hold other values in the other build, in whatever rows.
    async fn with_other_values(&mut self, comparison: &Comparison, names: &[String]) -> Result<Vec<String>, Error> {
        let relation = comparison.relation.as_ref().map(Option::as_ref);
        let (Some(baseline), Some(current)) = (relation.baseline, relation.current) else { return Ok(Vec::new()) };
        let columns =
            Change { baseline: self.session.columns(baseline).await?, current: self.session.columns(current).await? };
        let pairing = Pairing { dialect: self.dialect, options: &self.options, left_out: &[], key: &[] };
        let mut unheard = TableDiff::unknown(None, comparison.relation.clone(), Method::OneSided);
        let fields: Vec<Field> = pairing.pair(&columns, &mut unheard).fields();
        let fields: Vec<Field> = fields.into_iter().filter(|field| names.contains(&field.name.current)).collect();
        let ability = ability(self.session, self.dialect).await?;
        let filter = self.options.filter.as_deref();
        let sides = Sides { dialect: self.dialect, relation: Change { baseline, current }, filter, part: None };
        let mut found = Vec::new();
        for batch in fields.chunks(compare::BATCH) {
            let mut sums: Change<Vec<Value>> = Change::default();
            for side in Side::BOTH {
                let sql = compare::value_sums(&sides, ability, batch, side);
                *side.of_mut(&mut sums) = row(self.session, &sql, batch.len()).await?;
            }
            let sums = sums.baseline.iter().zip(&sums.current);
            let other = batch.iter().zip(sums).filter(|(_, (first, second))| first != second);
            found.extend(other.map(|(field, _)| field.name.current.clone()));
        }
        Ok(found)
    }
}
