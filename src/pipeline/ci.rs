//! The check of a pull request, stage by stage.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::again::{self, Again};
use super::commands::state_options;
use super::hush::Hush;
use super::impact::{self, Before};
use super::names;
use super::places;
use super::project::absolute;
use super::sides::Sides;
use super::stop::unless_stopped;
use super::{Error, Invocation, Loaded, load};
use crate::baseline;
use crate::build::{self, BuildContext, BuildOutcome};
use crate::checks::DataTests;
use crate::config::{self, Align, Noise, OfModel, Policy, Rules, ShowValues};
use crate::diff::{self, TableDiff};
use crate::environment::{self, Marker};
use crate::impact::Impact;
use crate::lineage::Unstable;
use crate::model::{Change, Manifest, NodeId, NodeStatus, ResourceType, Stage};
use crate::plan::{self, Comparison, Excluded, Plan};
use crate::report::{self, Report};
use crate::select::{self, Request, Selection};
use crate::state::{self, StateDiff};
use crate::warehouse::{self, Warehouse};

/// What is asked of a check.
#[derive(Debug, Clone, Default)]
pub struct CiRequest {
    /// `manifest:PATH`, `manifest:URL`, `artifact:NAME` or `git:REV`; slimdiff.yml's, then the merge base, by default.
    pub baseline: Option<String>,
    /// The revision that changes are counted from when the baseline is a manifest, or `none`; slimdiff.yml's, then the
    /// merge base, by default.
    pub merge_base: Option<String>,
    /// Nodes to check instead of `state:modified+`.
    pub select: Vec<String>,
    /// Nodes to leave out.
    pub exclude: Vec<String>,
    /// The throw-away schema, instead of the template.
    pub schema: Option<String>,
    /// The pull request's number.
    pub pull_request: Option<u64>,
    /// The pull request's branch.
    pub branch: Option<String>,
    /// The commit that is checked, when the caller knows it better than git does (Actions checks out a merge).
    pub head_sha: Option<String>,
    /// Drop the schema at the end.
    pub drop: bool,
    /// Stop after the plan.
    pub dry_run: bool,
    /// Stop building at the first failure.
    pub fail_fast: bool,
}

/// What came of a check.
#[derive(Debug)]
pub enum CiOutcome {
    /// Only the plan was asked for.
    Planned {
        /// The plan, as text.
        text: String,
    },
    /// It ran.
    Checked {
        /// The whole of it.
        report: Box<Report>,
        /// `report.json`, `report.md`.
        files: Vec<PathBuf>,
        /// Whether it was stopped by a signal.
        cancelled: bool,
    },
}

/// Parses all sides, selects, plans, builds, tests, diffs and reports.
///
/// # Errors
/// What kept it from checking. What the check found is in the report.
pub async fn ci(invocation: &Invocation, request: &CiRequest) -> Result<CiOutcome, Error> {
    let since = Instant::now();
    let head = load(invocation)?;
    let rules = places::rules(&head)?;
    let schema = schema(&head, request)?;
    let baseline = request.baseline.as_deref().or(head.settings.baseline.as_deref());
    let merge_base = request.merge_base.as_deref().or(head.settings.merge_base.as_deref());
    let sides = Sides::load(invocation, &head, baseline, merge_base)?;
    let changes =
        state::compare(&Change { baseline: &**sides.before(), current: &*head.manifest }, state_options(&head));
    let selection = choose(invocation, &head, &changes, request)?;
    let plan = make_plan(&head, &sides.production.manifest, selection, &schema)?;
    if request.dry_run {
        return Ok(CiOutcome::Planned { text: planned(&head, &plan, &schema) });
    }
    let before = Before { manifest: sides.before(), parsed: sides.before_parsed() };
    let impact = impact::of(invocation, &head, before, &changes, |_| true).await?;
    let (head, sides, schema, rules) = (&head, &sides, schema.as_str(), &rules);
    let run = Check { invocation, head, rules, sides, schema, request, plan: &plan, impact: &impact };
    let (build, diffs) = run.measure().await?;
    let report = run.report(&changes, &build, &diffs, since);
    let files = run.write(&report)?;
    Ok(CiOutcome::Checked { report: Box::new(report), files, cancelled: build.cancelled })
}

fn schema(head: &Loaded, request: &CiRequest) -> Result<String, Error> {
    let template = request.schema.as_deref().unwrap_or(&head.settings.schema);
    let branch = request.branch.clone().or_else(|| baseline::head_branch(&head.project.root.root));
    let name = config::schema_name(template, request.pull_request, branch.as_deref()).map_err(|message| {
        Error::usage(message, "outside of a pull request, `--pull-request 1` or `--schema my_check` will do")
    })?;
    if name.eq_ignore_ascii_case(&head.target.schema()) {
        return Err(Error::usage(
            format!("the throw-away schema `{name}` is the target's own schema"),
            "give another name with `--schema`, or `schema:` in slimdiff.yml",
        ));
    }
    Ok(name)
}

fn choose(
    invocation: &Invocation,
    head: &Loaded,
    changes: &StateDiff,
    request: &CiRequest,
) -> Result<Selection, Error> {
    let pick = |typed: &[String], settled: &[String]| if typed.is_empty() { settled.to_vec() } else { typed.to_vec() };
    let mut included = pick(&request.select, &head.settings.select);
    let by_default = included.is_empty();
    if by_default {
        included = vec!["state:modified+".to_owned()];
    }
    let wanted =
        Request { select: included, exclude: pick(&request.exclude, &head.settings.exclude), ..Request::default() };
    let (selection, diagnostics) = select::select(&wanted, &head.manifest, &head.dag, Some(changes))?;
    // Nothing modified is the good case of the default selector, not a mistake to warn about.
    if !by_default {
        invocation.tell(diagnostics)?;
    }
    Ok(selection)
}

fn make_plan(head: &Loaded, base: &Manifest, mut selection: Selection, schema: &str) -> Result<Plan, Error> {
    selection.nodes.extend(plan::missing_parents(&head.manifest, base, &selection));
    let database = Some(head.target.database()).filter(|database| !database.is_empty());
    Ok(plan::for_pull_request(&plan::PullRequest {
        head: &head.manifest,
        baseline: base,
        selection: &selection,
        environment: (database, schema.to_owned()),
        max_identifier: head.target.dialect().max_identifier(),
        build_below_failed_tests: head.settings.policy.build_below_failed_tests,
    })?)
}

/// The plan as text, with the second build that the policy asks for.
fn planned(head: &Loaded, plan: &Plan, schema: &str) -> String {
    let mut text = plan::render(plan);
    if head.settings.policy.noise == Noise::BuildTwice && !plan.steps.is_empty() {
        let schema = plan::again_schema(schema, head.target.dialect().max_identifier());
        let second = plan::again(plan, &(None, schema.clone()), |_| true);
        let nodes = report::plural(second.steps.len() as u64, "node");
        let then = format!("then build {nodes} a second time in {schema}, compare the two builds, and drop {schema}");
        text.extend(["\n", &then, "\n"]);
    }
    text
}

/// How a model's relations are compared by a policy, for everyone to read.
fn diff_options(policy: &Policy, of: &OfModel) -> diff::Options {
    let align = (of.align != Align::None).then(|| of.event_time.clone()).flatten();
    let mut options = diff::Options {
        samples: policy.samples,
        nulls_only: !policy.profile && !of.needs_profile(),
        drift: policy.drift || of.needs_drift(),
        filter: of.filter.clone(),
        align: align.map(|column| diff::Alignment { column, window: of.align == Align::EventTimeWindow }),
        ..diff::Options::default()
    };
    restrict(&mut options, policy, &ShowValues::None);
    options
}

/// Takes from what may be shown what a policy forbids; `unless_said` is for a policy that does not say whose values are
/// shown.
pub(super) fn restrict(options: &mut diff::Options, policy: &Policy, unless_said: &ShowValues) {
    match policy.show_values.as_ref().unwrap_or(unless_said) {
        ShowValues::All => {}
        ShowValues::None => options.show_values = false,
        ShowValues::Columns(columns) => {
            let both = |name: &String| options.only.as_ref().is_none_or(|only| only.contains(name));
            options.only = Some(columns.iter().filter(|name| both(name)).cloned().collect());
        }
    }
    options.mask.extend(policy.mask.iter().cloned());
    options.min_count = options.min_count.max(policy.min_count);
}

/// Settles which columns are meant by the names of a policy and of what changes by itself. What production does not have
/// is taken from the columns that are not compared: there is nothing to compare it with, and what it holds is described.
/// That its values change by themselves is a note, of each comparison.
async fn settle_names(
    warehouse: &Arc<dyn Warehouse>,
    comparisons: &mut [(Comparison, diff::Options)],
) -> Result<Vec<Vec<String>>, Error> {
    let mut session = warehouse.session().await?;
    let mut notes = Vec::new();
    for (comparison, options) in comparisons {
        if options.mask.is_empty() && options.only.is_none() && comparison.excluded.is_empty() {
            notes.push(Vec::new());
            continue;
        }
        let mut sides = Change { baseline: Vec::new(), current: Vec::new() };
        let Change { baseline, current } = &comparison.relation;
        for (relation, columns) in [(baseline, &mut sides.baseline), (current, &mut sides.current)] {
            if let Some(relation) = relation {
                *columns = session.columns(relation).await?;
            }
        }
        let sides = sides.as_ref().map(Vec::as_slice);
        names::settle(options, &sides);
        // The clock of a snapshot is no news.
        let new = names::settle_excluded(&mut comparison.excluded, &sides).into_iter().filter(|new| new.is_noise);
        let note =
            |Excluded { column, reason, .. }| format!("values of {column}, which production does not have: {reason}");
        notes.push(new.map(note).collect());
    }
    Ok(notes)
}

/// One check while it goes on.
struct Check<'a> {
    invocation: &'a Invocation,
    head: &'a Loaded,
    rules: &'a Rules,
    sides: &'a Sides,
    schema: &'a str,
    request: &'a CiRequest,
    plan: &'a Plan,
    impact: &'a Impact,
}

impl Check<'_> {
    /// Builds and compares in the throw-away schema. With nothing to build, the warehouse is not even asked.
    async fn measure(&self) -> Result<(BuildOutcome, Vec<TableDiff>), Error> {
        if self.plan.steps.is_empty() {
            return Ok((BuildOutcome::default(), Vec::new()));
        }
        // What the database says of data that it refuses has values of rows in it.
        let hush = Hush::of(&self.head.settings.policy);
        let warehouse = hush.warehouse(warehouse::connect(&self.head.target).await?);
        self.create_environment(&*warehouse).await?;
        let measured = self.build_and_diff(&warehouse).await;
        if self.request.drop {
            warehouse.resume();
            let mut session = warehouse.session().await?;
            environment::drop(&mut *session, warehouse.dialect(), None, self.schema).await?;
        }
        measured
    }

    async fn create_environment(&self, warehouse: &dyn Warehouse) -> Result<(), Error> {
        let since = Instant::now();
        let mut session = warehouse.session().await?;
        environment::create(&mut *session, warehouse.dialect(), None, self.schema, &self.marker()).await?;
        self.invocation.finished(Stage::Environment, format!("{} is ready", self.schema), since);
        Ok(())
    }

    fn marker(&self) -> Marker {
        let sha = self.head_sha();
        let project = &self.head.manifest.metadata.project_name;
        Marker::new(project, self.request.pull_request, sha.as_deref(), self.invocation.started_at)
    }

    async fn build_and_diff(&self, warehouse: &Arc<dyn Warehouse>) -> Result<(BuildOutcome, Vec<TableDiff>), Error> {
        let mut target = self.head.project.profile.public_target();
        target.insert("schema".to_owned(), self.schema.into());
        let hush = Hush::of(&self.head.settings.policy);
        let observer = hush.observer(&self.invocation.observer);
        let context = BuildContext {
            manifest: Arc::clone(&self.head.manifest),
            // Hooks and macros that write to `target.schema` write to the throw-away schema.
            renderer: Arc::new(self.head.renderer.with_target(target)),
            warehouse: Arc::clone(warehouse),
            observer: Arc::clone(&observer),
            tests: Arc::new(DataTests),
            node_json: crate::artifacts::node_json,
            threads: self.head.threads,
            fail_fast: self.request.fail_fast,
            cancel: self.invocation.cancel.clone(),
            target_path: Some(self.head.target_path.clone()),
        };
        let since = self.invocation.building(self.plan);
        let mut outcome = build::run(self.plan, &context).await?;
        for result in &mut outcome.results {
            hush.result(result);
        }
        self.invocation.built(&outcome, since);
        if outcome.cancelled {
            return Ok((outcome, Vec::new()));
        }
        let mut comparisons = self.comparisons(&outcome);
        let again = self.again(&context, &outcome, &comparisons).await;
        if again.cancelled {
            outcome.cancelled = true;
            return Ok((outcome, Vec::new()));
        }
        for (comparison, options) in &mut comparisons {
            again.set_apart(comparison, options);
        }
        let compared = async {
            let news = settle_names(warehouse, &mut comparisons).await?;
            let diffs = diff::diff_all(warehouse, &comparisons, self.head.threads, &*observer).await?;
            Ok::<_, Error>((news, diffs))
        };
        let Some(compared) = unless_stopped(&self.invocation.cancel, &[&**warehouse], compared).await else {
            outcome.cancelled = true;
            return Ok((outcome, Vec::new()));
        };
        let (news, diffs) = compared?;
        let mut diffs = self.with_notes(diffs);
        for ((diff, (_, options)), news) in diffs.iter_mut().zip(&comparisons).zip(news) {
            diff.notes.extend(news);
            again.note(diff, options);
            options.redact(diff);
        }
        self.sides.note(&self.head.manifest, self.plan, &mut diffs);
        Ok((outcome, diffs))
    }

    /// What is compared with production, and how: what was built, without what its SQL says changes by itself.
    fn comparisons(&self, outcome: &BuildOutcome) -> Vec<(Comparison, diff::Options)> {
        let policy = &self.head.settings.policy;
        let built: HashSet<&NodeId> = outcome
            .results
            .iter()
            .filter(|result| result.status == NodeStatus::Success)
            .map(|result| &result.unique_id)
            .collect();
        let mut comparisons = diff::comparable(&self.plan.comparisons, |id| built.contains(id));
        for comparison in comparisons.iter_mut().filter(|_| policy.noise != Noise::None) {
            let unstable = self.impact.unstable.get(&comparison.unique_id).into_iter().flatten();
            comparison.excluded.extend(unstable.map(|Unstable { column, because }| Excluded {
                column: column.clone(),
                reason: format!("they change by themselves, by {because}"),
                is_noise: true,
            }));
        }
        let options = |comparison: &Comparison| diff_options(policy, self.rules.model(&comparison.unique_id));
        comparisons
            .into_iter()
            .map(|comparison| {
                let options = options(&comparison);
                (comparison, options)
            })
            .collect()
    }

    /// What a second build shows, when the policy asks for one.
    async fn again(
        &self,
        context: &BuildContext,
        first: &BuildOutcome,
        comparisons: &[(Comparison, diff::Options)],
    ) -> again::Found {
        if self.head.settings.policy.noise != Noise::BuildTwice {
            return again::Found::default();
        }
        let (invocation, head, schema, plan) = (self.invocation, self.head, self.schema, self.plan);
        let again = Again { invocation, head, schema, marker: self.marker(), plan, context, first };
        again.measure(comparisons).await
    }

    /// What a reader must know of a diff besides its numbers.
    fn with_notes(&self, mut diffs: Vec<TableDiff>) -> Vec<TableDiff> {
        for diff in &mut diffs {
            let node = diff.unique_id.as_ref().and_then(|id| self.head.manifest.node(id.as_str()));
            if node.is_some_and(|node| node.resource_type == ResourceType::Snapshot) {
                diff.notes.push(
                    "the snapshot starts empty in the throw-away schema: rows of production's history count as removed"
                        .to_owned(),
                );
            }
            diff.notes.extend(self.thresholds_of_nothing(diff));
            let of = diff.unique_id.as_ref().map(|id| self.rules.model(id)).filter(|_| diff.is_compared());
            if of.is_some_and(|of| of.align_is_own && of.align != Align::None && of.event_time.is_none()) {
                diff.notes.push(
                    "rows are not aligned by their age, although it was asked for: the model has no event_time"
                        .to_owned(),
                );
            }
        }
        diffs
    }

    /// Columns with thresholds of their own that the compared tables do not have.
    fn thresholds_of_nothing(&self, diff: &TableDiff) -> Option<String> {
        let rules = self.rules.model(diff.unique_id.as_ref().filter(|_| diff.is_compared())?);
        let known = diff.columns.iter().map(|column| &column.name).chain(diff.excluded.iter().map(|(name, _)| name));
        let known: HashSet<String> = known.map(|name| name.to_lowercase()).collect();
        let unknown: Vec<&str> = rules.columns().filter(|name| !known.contains(&name.to_lowercase())).collect();
        (!unknown.is_empty())
            .then(|| format!("thresholds are set of columns that neither side has: {}", unknown.join(", ")))
    }

    fn head_sha(&self) -> Option<String> {
        self.request.head_sha.clone().or_else(|| baseline::head_sha(&self.head.project.root.root))
    }

    fn report(&self, changes: &StateDiff, build: &BuildOutcome, diffs: &[TableDiff], since: Instant) -> Report {
        let sha = self.head_sha();
        let drift = self.sides.drift();
        report::make(report::Inputs {
            manifest: &self.head.manifest,
            baseline: &self.sides.production.description,
            drift: drift.as_ref(),
            state: changes,
            impact: Some(self.impact),
            plan: self.plan,
            build,
            diffs,
            environment: Some(self.schema).filter(|_| !self.plan.steps.is_empty() && !self.request.drop),
            pull_request: self.request.pull_request,
            head_sha: sha.as_deref(),
            rules: self.rules,
            tool_version: env!("CARGO_PKG_VERSION"),
            elapsed: since.elapsed(),
        })
    }

    /// Writes `report.json` and `report.md` below the target folder.
    fn write(&self, report: &Report) -> Result<Vec<PathBuf>, Error> {
        let folder = absolute(&self.head.project.root.root, &self.head.target_path);
        let json = report::json(report).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
        let markdown = report::markdown(report, report::Budget::default());
        let files = [("report.json", json), ("report.md", markdown)];
        let write = |(name, text): (&str, String)| {
            let path = folder.join(name);
            let done = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
            done.map(|()| path.clone()).map_err(|source| Error::Write { path, source })
        };
        files.into_iter().map(write).collect()
    }
}
