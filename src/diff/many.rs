//! Many comparisons, some at a time. One that fails does not keep the others from being made.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};

use super::outcome::{Method, TableDiff};
use super::{Options, diff_aligned};
use crate::model::{Event, NodeId, NodeStatus, Observer, Stage};
use crate::plan::Comparison;
use crate::warehouse::{Error, Session, Warehouse};

/// Makes all comparisons, each in its own way, at most `concurrency` at a time, and returns them in the order in which they were given.
///
/// # Errors
/// When no connection can be made, or the run was cancelled. Anything else is [`Method::Failed`] of its comparison.
pub async fn diff_all(
    warehouse: &Arc<dyn Warehouse>,
    comparisons: &[(Comparison, Options)],
    concurrency: usize,
    observer: &dyn Observer,
) -> Result<Vec<TableDiff>, Error> {
    let since = Instant::now();
    let total = Some(comparisons.len());
    let plural = if comparisons.len() == 1 { "table" } else { "tables" };
    let detail = format!("comparing {} {plural} with production", comparisons.len());
    observer.observe(&Event::StageStarted { stage: Stage::Diff, detail, total });
    let pool = Pool::new(warehouse);
    let jobs = comparisons.iter().enumerate().map(|(at, (comparison, options))| {
        let pool = &pool;
        async move { one(pool, comparison, options, observer).await.map(|diff| (at, diff)) }
    });
    let mut made: Vec<(usize, TableDiff)> =
        stream::iter(jobs).buffer_unordered(concurrency.max(1)).try_collect().await?;
    made.sort_by_key(|(at, _)| *at);
    let diffs: Vec<TableDiff> = made.into_iter().map(|(_, diff)| diff).collect();
    let differ = diffs.iter().filter(|diff| diff.differs()).count();
    let compared = diffs.iter().filter(|diff| diff.is_compared()).count();
    let detail = format!("{differ} of {compared} differ");
    observer.observe(&Event::StageFinished { stage: Stage::Diff, detail, elapsed: since.elapsed() });
    Ok(diffs)
}

/// The comparisons of nodes that were built: of the others there is nothing new to compare.
pub fn comparable(comparisons: &[Comparison], is_built: impl Fn(&NodeId) -> bool) -> Vec<Comparison> {
    comparisons.iter().filter(|comparison| is_built(&comparison.unique_id)).cloned().collect()
}

/// Sessions that are kept between comparisons.
pub(super) struct Pool<'a> {
    warehouse: &'a Arc<dyn Warehouse>,
    idle: Mutex<Vec<Box<dyn Session>>>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(warehouse: &'a Arc<dyn Warehouse>) -> Self {
        Self { warehouse, idle: Mutex::new(Vec::new()) }
    }

    pub(super) async fn take(&self) -> Result<Box<dyn Session>, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(session) => Ok(session),
            None => self.warehouse.session().await,
        }
    }

    pub(super) fn give_back(&self, session: Box<dyn Session>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}

async fn one(
    pool: &Pool<'_>,
    comparison: &Comparison,
    options: &Options,
    observer: &dyn Observer,
) -> Result<TableDiff, Error> {
    let since = Instant::now();
    let (stage, unique_id) = (Stage::Diff, comparison.unique_id.clone());
    let relation = comparison.relation.current.as_ref().or(comparison.relation.baseline.as_ref());
    let label = relation.map_or_else(|| unique_id.short().to_owned(), crate::model::Relation::short);
    observer.observe(&Event::NodeStarted { stage, unique_id: unique_id.clone(), label: label.clone() });
    let mut session = pool.take().await?;
    let made = match diff_aligned(&mut *session, pool.warehouse.dialect(), comparison, options).await {
        Ok(made) => {
            pool.give_back(session);
            made
        }
        // The session is not used again; the next comparison opens another.
        Err(error @ Error::Lost { .. }) => TableDiff::unknown(
            Some(unique_id.clone()),
            comparison.relation.clone(),
            Method::Failed { reason: error.to_string() },
        ),
        Err(error) => return Err(error),
    };
    let status = if made.has_failed() { NodeStatus::Error } else { NodeStatus::Success };
    let message = Some(in_a_word(&made, options));
    observer.observe(&Event::NodeFinished { stage, unique_id, label, status, message, elapsed: since.elapsed() });
    Ok(made)
}

/// The result for the log of the run, which is as public as the report.
fn in_a_word(made: &TableDiff, options: &Options) -> String {
    let mut diff = made.clone();
    options.redact(&mut diff);
    let rows = &diff.rows;
    let told = |rows: u64| options.told(rows);
    match &diff.method {
        Method::Failed { reason } => reason.clone(),
        Method::OneSided => "only one side exists".to_owned(),
        _ if diff.is_equal() => "equal".to_owned(),
        Method::Checksum | Method::Keyed { .. } => {
            let at_least = if rows.inexact.changed { "at least " } else { "" };
            let [added, removed, changed] = [rows.added, rows.removed, rows.changed].map(told);
            format!("{added} added, {removed} removed, {at_least}{changed} changed")
        }
        Method::Multiset { .. } => format!("{} added, {} removed", told(rows.added), told(rows.removed)),
    }
}
