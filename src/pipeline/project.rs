//! From files to a parsed project with its target: what every command begins with.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::Error;
use super::places;
use super::warnings::WarningRules;
use crate::build::{BuildOutcome, CancelToken};
use crate::config::Settings;
use crate::graph::Dag;
use crate::jinja::{Env, Renderer};
use crate::model::{Diagnostic, Event, JsonMap, Manifest, NodeId, Observer, ResourceType, Stage};
use crate::plan::{Action, Plan};
use crate::project::{LoadOptions, Project};
use crate::{parse, project, select, warehouse, yaml};

/// All that a run takes from outside.
#[derive(Clone)]
pub struct Invocation {
    /// The folder of dbt_project.yml.
    pub project_dir: PathBuf,
    /// `--profiles-dir`.
    pub profiles_dir: Option<PathBuf>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--target-path`.
    pub target_path: Option<PathBuf>,
    /// `--vars`.
    pub vars: JsonMap,
    /// `--threads`.
    pub threads: Option<usize>,
    /// `--no-version-check`.
    pub any_version: bool,
    /// `--full-refresh`.
    pub full_refresh: bool,
    /// Whether seeds over 1 MiB are compared by what is in them; else they are not read to be parsed.
    pub large_seeds: bool,
    /// What is done with warnings.
    pub warnings: WarningRules,
    /// The environment.
    pub env: Arc<HashMap<String, String>>,
    /// The command, as `flags.WHICH` shows it.
    pub which: &'static str,
    /// This run's id.
    pub invocation_id: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// Stops the run.
    pub cancel: CancelToken,
}

/// A project, parsed for a target.
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// slimdiff.yml.
    pub settings: Settings,
    /// Where to build.
    pub target: warehouse::Target,
    /// What was parsed.
    pub manifest: Arc<Manifest>,
    /// The graph of its nodes, in its order.
    pub dag: Arc<Dag<NodeId>>,
    /// Its macros.
    pub renderer: Arc<Renderer>,
    /// The folder of artifacts, absolute.
    pub target_path: PathBuf,
    /// How many nodes are worked on at once.
    pub threads: usize,
    /// Manifests of `--state` and `--defer-state` that were read, by their files: they may be large, and are read once.
    pub(super) states: Mutex<HashMap<PathBuf, Arc<Manifest>>>,
}

impl Invocation {
    /// How the project's folder is read.
    pub(super) fn load_options(&self) -> LoadOptions {
        LoadOptions {
            project_dir: self.project_dir.clone(),
            profiles_dir: self.profiles_dir.clone(),
            profile: self.profile.clone(),
            target: self.target.clone(),
            vars: self.vars.clone(),
            threads: self.threads,
            env: Env(self.env.clone()),
            target_path: self.target_path.clone(),
            require_profile: true,
            any_version: self.any_version,
        }
    }

    /// What `flags` shows: what was asked for, and dbt's defaults of the rest.
    fn flags(&self) -> JsonMap {
        let flags = json!({
            "WHICH": self.which, "FULL_REFRESH": self.full_refresh, "STORE_FAILURES": false, "EMPTY": false,
            "INDIRECT_SELECTION": "eager", "FAIL_FAST": false, "INTROSPECT": true, "WRITE_JSON": true,
            "PARTIAL_PARSE": true, "STATIC_PARSER": true, "USE_EXPERIMENTAL_PARSER": false, "VERSION_CHECK": true,
            "CACHE_SELECTED_ONLY": false, "LOG_CACHE_EVENTS": false, "LOG_FORMAT": "default", "DEBUG": false,
            "QUIET": false, "NO_PRINT": null, "PRINTER_WIDTH": 80, "USE_COLORS": false, "WARN_ERROR": null,
            "SEND_ANONYMOUS_USAGE_STATS": false, "TARGET_PATH": self.target_path, "PROFILES_DIR": self.profiles_dir,
        });
        match flags {
            Json::Object(flags) => flags,
            _ => JsonMap::new(),
        }
    }

    /// How a project is parsed for a target.
    pub(super) fn parse_options(&self, project: &Project) -> parse::ParseOptions {
        parse::ParseOptions {
            env: Env(self.env.clone()),
            invocation_id: self.invocation_id.clone(),
            run_started_at: self.started_at,
            flags: self.flags(),
            invocation_args: JsonMap::from_iter([
                ("which".to_owned(), self.which.into()),
                ("invocation_command".to_owned(), format!("slimdiff {}", self.which).into()),
                ("vars".to_owned(), self.vars.clone().into()),
            ]),
            large_seeds: self.large_seeds,
            ..parse::ParseOptions::of(project)
        }
    }

    /// Tells diagnostics, and stops when one is an error.
    pub(super) fn tell(&self, diagnostics: Vec<Diagnostic>) -> Result<(), Error> {
        let diagnostics = self.warnings.apply(diagnostics);
        let count = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        for diagnostic in diagnostics {
            self.observer.observe(&Event::Diagnostic(diagnostic));
        }
        if count == 0 { Ok(()) } else { Err(Error::Unparsable { count }) }
    }

    /// Says that a plan is about to be built.
    pub(super) fn building(&self, plan: &Plan) -> Instant {
        let tests = plan.steps.iter().filter(|step| step.action == Action::Test).count();
        let hooks = plan.on_run_start.len() + plan.on_run_end.len();
        let counts = [(plan.steps.len() - tests, "node"), (tests, "test"), (hooks, "hook")];
        let said = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| counted(*count, word));
        self.observer.observe(&Event::StageStarted {
            stage: Stage::Build,
            detail: said.collect::<Vec<_>>().join(", "),
            total: Some(plan.steps.len() + hooks),
        });
        Instant::now()
    }

    /// Says how a build ended.
    pub(super) fn built(&self, outcome: &BuildOutcome, since: Instant) {
        let failed = outcome.results.iter().filter(|result| result.status.blocks()).count();
        let detail = match (outcome.cancelled, failed) {
            (true, _) => "cancelled".to_owned(),
            (false, 0) => "all succeeded".to_owned(),
            (false, failed) => format!("{failed} of {} failed or were skipped", outcome.results.len()),
        };
        self.finished(Stage::Build, detail, since);
    }

    pub(super) fn finished(&self, stage: Stage, detail: impl Into<String>, since: Instant) {
        self.observer.observe(&Event::StageFinished { stage, detail: detail.into(), elapsed: since.elapsed() });
    }
}

/// Reads and parses the project. Never touches a database.
///
/// # Errors
/// The project or its profile cannot be used, or the project does not parse; its problems have then been told.
pub fn load(invocation: &Invocation) -> Result<Loaded, Error> {
    let since = Instant::now();
    invocation.observer.observe(&Event::StageStarted { stage: Stage::Parse, detail: String::new(), total: None });
    let project::Loaded { project, diagnostics } = project::load(&invocation.load_options())?;
    let loading = diagnostics;
    let settings = Settings::load(&project.root.root, settings_yaml).map_err(places::with_line)?;
    let output = project.profile.output.expose_secret();
    let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let target = warehouse::Target::from_profile(project.profile.adapter_type(), output, &base)?;

    let parsed = parse::parse(&project, invocation.parse_options(&project));
    let mut diagnostics = loading;
    diagnostics.extend(parsed.diagnostics);
    invocation.tell(diagnostics)?;
    took("parse", since);
    invocation.finished(Stage::Parse, summary(&parsed.manifest), since);
    let dag = match parsed.dag {
        Some(dag) => dag,
        None => select::dag(&parsed.manifest).map_err(|error| Error::usage(error.to_string(), "break the circle"))?,
    };
    let target_path = absolute(&project.root.root, &project.target_path);
    let threads = project.profile.threads;
    Ok(Loaded {
        project,
        settings,
        target,
        manifest: Arc::new(parsed.manifest),
        dag: Arc::new(dag),
        renderer: parsed.renderer,
        target_path,
        threads,
        states: Mutex::default(),
    })
}

/// Does a piece of work and logs how long it took; `scripts/bench` reads it.
pub(super) fn timed<T>(what: &'static str, work: impl FnOnce() -> T) -> T {
    let since = Instant::now();
    let done = work();
    took(what, since);
    done
}

/// Logs how long `what` took that began at `since`.
pub(super) fn took(what: &'static str, since: Instant) {
    tracing::debug!("took {what}: {:.1} ms", since.elapsed().as_secs_f64() * 1000.0);
}

fn settings_yaml(text: &str) -> Result<serde_json::Value, String> {
    yaml::parse(text).map(|parsed| parsed.root.to_json()).map_err(|error| error.to_string())
}

/// `path` below `root`, unless it is absolute.
pub(super) fn absolute(root: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { root.join(path) }
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// e.g. `ecomm: 21 models, 95 tests, 6 sources, 3 exposures`.
fn summary(manifest: &Manifest) -> String {
    let kinds = [
        (ResourceType::Model, "model"),
        (ResourceType::Seed, "seed"),
        (ResourceType::Snapshot, "snapshot"),
        (ResourceType::Test, "test"),
        (ResourceType::Source, "source"),
        (ResourceType::Exposure, "exposure"),
    ];
    let counts: Vec<String> = kinds
        .iter()
        .map(|(kind, word)| (manifest.of_type(*kind).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    let counts = if counts.is_empty() { "no nodes".to_owned() } else { counts.join(", ") };
    format!("{}: {counts}", manifest.metadata.project_name)
}
