//! The pull request built a second time, into a schema that is gone afterwards: what the two builds differ by changes by
//! itself, and is no difference to production.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::stop::unless_stopped;
use super::{Error, Invocation, Loaded};
use crate::build::{self, BuildContext, BuildOutcome};
use crate::diff::{self, Noise, Options, TableDiff, Tolerated};
use crate::environment::{self, Marker};
use crate::model::{Code, Diagnostic, Event, NodeId, NodeStatus, Stage};
use crate::plan::{self, Comparison, Excluded, Plan};
use crate::report::plural;

/// A second build, about to be made.
pub(super) struct Again<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) head: &'a Loaded,
    /// The first build's schema.
    pub(super) schema: &'a str,
    /// What the second build's schema says about itself.
    pub(super) marker: Marker,
    /// The first build, and how it was made.
    pub(super) plan: &'a Plan,
    pub(super) context: &'a BuildContext,
    pub(super) first: &'a BuildOutcome,
}

/// What the second build showed.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether a signal came in between.
    pub(super) cancelled: bool,
    noise: HashMap<NodeId, Noise>,
}

impl Again<'_> {
    /// Builds again what was built, compares the two builds in the way of `comparisons` (what the first build's relations
    /// are compared with production by), and drops what it has made, however that went. Whatever keeps it from being done
    /// is told of each node, and no failure of the check.
    pub(super) async fn measure(&self, comparisons: &[(Comparison, Options)]) -> Found {
        let dialect = self.context.warehouse.dialect();
        let schema = plan::again_schema(self.schema, dialect.max_identifier());
        let database = self.plan.schemas.first().and_then(|(database, _)| database.clone());
        let ok = |id: &NodeId| {
            self.first.results.iter().any(|result| result.unique_id == *id && result.status == NodeStatus::Success)
        };
        let plan = plan::again(self.plan, &(database, schema.clone()), ok);
        if plan.comparisons.is_empty() {
            return Found::default();
        }
        let made = match self.create(&schema).await {
            Ok(()) => self.build_and_compare(&plan, &schema, comparisons).await,
            // Nothing was made, and what is there is not ours.
            Err(error) => return self.unknown(&plan, &error),
        };
        self.drop(&schema).await;
        made.unwrap_or_else(|error| self.unknown(&plan, &error))
    }

    async fn create(&self, schema: &str) -> Result<(), Error> {
        let warehouse = &self.context.warehouse;
        let mut session = warehouse.session().await?;
        environment::create(&mut *session, warehouse.dialect(), None, schema, &self.marker).await?;
        Ok(())
    }

    /// Drops the second schema. One that stays is no reason to fail: it carries our marker.
    async fn drop(&self, schema: &str) {
        let warehouse = &self.context.warehouse;
        warehouse.resume();
        let dropped: Result<bool, Error> = async {
            let mut session = warehouse.session().await?;
            Ok(environment::drop(&mut *session, warehouse.dialect(), None, schema).await?)
        }
        .await;
        if let Err(error) = dropped {
            let message = format!("the schema {schema} of the second build is still there: {error}");
            let hint = format!("`slimdiff env drop {schema}` drops it, and so does the next run");
            let told = Diagnostic::warning(Code::ProjectMessage, message).hint(hint);
            self.invocation.observer.observe(&Event::Diagnostic(told));
        }
    }

    async fn build_and_compare(
        &self,
        plan: &Plan,
        schema: &str,
        comparisons: &[(Comparison, Options)],
    ) -> Result<Found, Error> {
        let since = Instant::now();
        let total = plan.steps.len() + plan.on_run_start.len();
        let detail = format!("{} a second time, in {schema}", plural(plan.steps.len() as u64, "node"));
        self.invocation.observer.observe(&Event::StageStarted { stage: Stage::Build, detail, total: Some(total) });
        let built = build::run(plan, &self.second_context(schema)).await?;
        self.invocation.built(&built, since);
        if built.cancelled {
            return Ok(Found { cancelled: true, ..Found::default() });
        }
        let failures: HashMap<&NodeId, &str> = built
            .results
            .iter()
            .filter(|result| result.status != NodeStatus::Success)
            .map(|result| (&result.unique_id, result.message.as_deref().unwrap_or("it ended without a message")))
            .collect();
        let mut noise = HashMap::new();
        let mut pairs = Vec::new();
        for comparison in &plan.comparisons {
            let id = &comparison.unique_id;
            // The columns that are known to change, and the rows that are compared, are those of the comparison with
            // production.
            let Some((with_production, options)) = comparisons.iter().find(|(with, _)| with.unique_id == *id) else {
                continue;
            };
            match failures.get(id) {
                Some(message) => {
                    noise.insert(id.clone(), Noise::unknown(id.clone(), first_line(message)));
                }
                None => pairs.push((
                    Comparison { excluded: with_production.excluded.clone(), ..comparison.clone() },
                    options.clone(),
                )),
            }
        }
        let since = Instant::now();
        let compared = diff::noise_all(&self.context.warehouse, &pairs, self.head.threads);
        let Some(compared) = unless_stopped(&self.invocation.cancel, &[&*self.context.warehouse], compared).await
        else {
            return Ok(Found { cancelled: true, ..Found::default() });
        };
        let compared = compared?;
        let noisy = compared.iter().filter(|noise| noise.is_any()).count();
        let detail = format!("{noisy} of {} change by themselves", compared.len());
        self.invocation.finished(Stage::Diff, detail, since);
        noise.extend(compared.into_iter().map(|mut found| {
            found.gap = found.gap.map(|gap| first_line(&gap));
            (found.unique_id.clone(), found)
        }));
        Ok(Found { cancelled: false, noise })
    }

    /// A run of its own: what templates see of the run and of the target's schema is another one.
    fn second_context(&self, schema: &str) -> BuildContext {
        let mut target = self.head.project.profile.public_target();
        target.insert("schema".to_owned(), schema.into());
        let renderer = self.context.renderer.with_target(target);
        let run = (uuid::Uuid::new_v4().to_string(), chrono::Utc::now());
        BuildContext {
            renderer: Arc::new(renderer.with_run(run.0, run.1)),
            // One failure says nothing of the others.
            fail_fast: false,
            // The code that is written is the first build's.
            target_path: None,
            ..self.context.clone()
        }
    }

    fn unknown(&self, plan: &Plan, error: &Error) -> Found {
        let reason = first_line(&error.to_string());
        let ids = plan.comparisons.iter().map(|comparison| comparison.unique_id.clone());
        let noise = ids.map(|id| (id.clone(), Noise::unknown(id, reason.clone()))).collect();
        Found { cancelled: self.invocation.cancel.is_cancelled(), noise }
    }
}

impl Found {
    /// Takes the columns that change by themselves out of a comparison with production, and allows for the rounding of
    /// others.
    pub(super) fn set_apart(&self, comparison: &mut Comparison, options: &mut Options) {
        let Some(noise) = self.noise.get(&comparison.unique_id) else { return };
        let rounded = noise.rounded.iter().map(|(name, tolerance)| (Tolerated::Column(name.clone()), *tolerance));
        options.tolerance.extend(rounded);
        for (column, rows) in &noise.columns {
            let place = rows.map(|rows| format!(" (in {})", of_rows(options, rows, noise.rows.max(rows))));
            let reason = format!("they differ between two builds of the same code{}", place.unwrap_or_default());
            comparison.excluded.push(Excluded { column: column.clone(), reason, is_noise: true });
        }
    }

    /// Says of a comparison with production what the second build says of its rows, or why it says nothing.
    pub(super) fn note(&self, diff: &mut TableDiff, options: &Options) {
        let Some(noise) = diff.unique_id.as_ref().and_then(|id| self.noise.get(id)) else { return };
        if let Some(gap) = &noise.gap {
            diff.notes.push(format!(
                "it could not be compared with a second build, so columns that change by themselves are only known from \
                 the SQL: {}",
                gap.trim_end_matches('.')
            ));
        }
        if !noise.rounded.is_empty() && diff.is_compared() {
            let names: Vec<&str> = noise.rounded.iter().map(|(name, _)| name.as_str()).collect();
            diff.notes.push(format!(
                "two builds of the same code differ by rounding in {}, which is why as much is allowed for",
                names.join(", ")
            ));
        }
        if noise.lone_rows() > 0 {
            let first = of_rows(options, noise.lone.baseline, noise.rows);
            diff.notes.push(format!(
                "rows differ between two builds of the same code: {first} only in the first, {} only in the second; as many of \
                 the rows that differ from production's need not be the pull request's",
                options.told(noise.lone.current)
            ));
        }
    }
}

/// `3 of 1,000 rows`; without the number of all rows where that would give away how many came and went.
fn of_rows(options: &Options, rows: u64, all: u64) -> String {
    let told = options.told(rows);
    if options.min_count > 1 { format!("{told} rows") } else { format!("{told} of {}", plural(all, "row")) }
}

fn first_line(message: &str) -> String {
    message.trim().lines().next().unwrap_or_default().to_owned()
}
