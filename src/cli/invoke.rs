//! From what was typed to what is meant: the folder, the variables, the environment, and the signals that stop a run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Exit;
use super::args::Global;
use super::output::Failure;
use super::ui::Ui;
use crate::build::{CancelSource, CancelToken};
use crate::model::{Event, JsonMap, Observer};
use crate::pipeline::{self, Invocation, Loaded, WarningRules};
use crate::yaml;

/// One run of a command.
pub(super) struct Session {
    pub(super) invocation: Invocation,
    pub(super) ui: Arc<Ui>,
    pub(super) quiet: bool,
}

impl Session {
    pub(super) fn new(global: &Global, ui: &Arc<Ui>, which: &'static str, full_refresh: bool) -> Result<Self, Failure> {
        let env: HashMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        for (name, value) in &env {
            if name.starts_with("DBT_ENV_SECRET_") || name == "GITHUB_TOKEN" {
                ui.hide(value);
            }
        }
        let project_dir = project_dir(global)?;
        let vars = vars(global.vars.as_deref())?;
        let invocation = Invocation {
            project_dir,
            profiles_dir: global.profiles_dir.clone(),
            profile: global.profile.clone(),
            target: global.target.clone(),
            target_path: global.target_path.clone(),
            vars,
            threads: global.threads.map(usize::from),
            any_version: global.no_version_check || env.get("DBT_VERSION_CHECK").is_some_and(|value| is_false(value)),
            full_refresh,
            large_seeds: false,
            warnings: warning_rules(global)?,
            env: Arc::new(env),
            which,
            invocation_id: uuid::Uuid::new_v4().to_string(),
            started_at: chrono::Utc::now(),
            observer: Arc::clone(ui) as Arc<dyn Observer>,
            cancel: on_signal(),
        };
        Ok(Self { invocation, ui: Arc::clone(ui), quiet: global.quiet })
    }

    /// One of a command that compares projects of which both are parsed.
    pub(super) fn comparing(mut self) -> Self {
        self.invocation.large_seeds = true;
        self
    }

    /// Says where something was written, unless told to be quiet.
    pub(super) fn wrote(&self, path: &Path) {
        if !self.quiet {
            self.ui.observe(&Event::Message(format!("wrote {}", path.display())));
        }
    }

    /// Reads and parses the project, and learns what must never be printed.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        self.load_with_state(None)
    }

    /// The same, with the manifest of `--state` read beside it.
    pub(super) fn load_with_state(&self, state: Option<&Path>) -> Result<Loaded, Failure> {
        let loaded = pipeline::load_with_state(&self.invocation, state)?;
        for secret in loaded.target.secrets() {
            self.ui.hide(secret.expose_secret());
        }
        for secret in loaded.project.profile.secret_values() {
            self.ui.hide(&secret);
        }
        Ok(loaded)
    }
}

/// The folder given, else this folder or the nearest one above with a dbt_project.yml, as in dbt.
fn project_dir(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(dir) = &global.project_dir {
        if dir.is_dir() {
            return Ok(dir.clone());
        }
        let message = format!("there is no folder {}", dir.display());
        return Err(Failure::usage(message, "give the folder with dbt_project.yml to `--project-dir`"));
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::usage(format!("cannot tell the current folder: {error}"), "change to another"))?;
    let found = here.ancestors().find(|dir| dir.join("dbt_project.yml").is_file()).map(PathBuf::from);
    Ok(found.unwrap_or(here))
}

/// dbt's words for no in variables of the environment.
fn is_false(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "0" | "f" | "false" | "n" | "no" | "off")
}

/// `--warn-error`, `--warn-error-options` and `--show-all-deprecations`.
fn warning_rules(global: &Global) -> Result<WarningRules, Failure> {
    let example = "e.g. --warn-error-options '{\"error\": [\"NoNodeForYamlKey\"], \"silence\": [\"Deprecations\"]}'";
    let wrong = |why: String| Failure::usage(format!("--warn-error-options cannot be used: {why}"), example);
    let mut rules = match &global.warn_error_options {
        Some(text) => {
            let parsed = yaml::parse(text).map_err(|error| wrong(error.message))?;
            WarningRules::from_options(&parsed.root.to_json()).map_err(wrong)?
        }
        None => WarningRules::default(),
    };
    rules.all_are_errors |= global.warn_error;
    rules.show_all_deprecations = global.show_all_deprecations;
    Ok(rules)
}

/// `--vars` as a mapping.
fn vars(text: Option<&str>) -> Result<JsonMap, Failure> {
    let Some(text) = text else { return Ok(JsonMap::new()) };
    let example = "write a YAML mapping, e.g. --vars '{start_date: 2024-01-01}'";
    let parsed =
        yaml::parse(text).map_err(|error| Failure::usage(format!("--vars is not YAML: {}", error.message), example))?;
    match parsed.root.to_json() {
        serde_json::Value::Object(map) => Ok(map),
        serde_json::Value::Null => Ok(JsonMap::new()),
        _ => Err(Failure::usage("--vars is not a mapping", example)),
    }
}

/// A token that SIGINT and SIGTERM cancel. A second signal ends the process at once.
fn on_signal() -> CancelToken {
    let (source, token) = CancelSource::new();
    tokio::spawn(async move {
        let signals = (
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()),
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()),
        );
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
        for is_second in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_second {
                now();
            }
            source.cancel();
        }
    });
    token
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "whoever asks twice does not want to wait for destructors")]
fn now() -> ! {
    std::process::exit(Exit::Interrupted as i32)
}

/// `-v` logs the stages, `-vv` every SQL statement; RUST_LOG decides when it is set.
pub(super) fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "slimdiff=info",
        _ => "slimdiff=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Set twice only when the demo runs commands in one process; the first wins.
    let _ = subscriber.try_init();
}
