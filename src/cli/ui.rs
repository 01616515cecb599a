//! Draws events on standard error: a bar on a terminal, plain lines in CI, JSON lines for machines.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::args::LogFormat;
use crate::model::{Diagnostic, Event, NodeStatus, Observer, Severity, Stage};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Volume {
    /// Failures only.
    Quiet,
    /// What people want to see.
    Normal,
}

/// The observer of the command line.
pub(super) struct Ui {
    volume: Volume,
    json: bool,
    color: bool,
    secrets: Mutex<Vec<String>>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    bar: Option<ProgressBar>,
    done: usize,
    total: Option<usize>,
}

impl Ui {
    /// Decides from the flags and from what standard error is.
    pub(super) fn new(log_format: LogFormat, quiet: bool, no_color: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let json = log_format == LogFormat::Json;
        let progress = Progress {
            bar: (terminal && !json && !quiet).then(|| {
                let bar = ProgressBar::no_length();
                bar.set_style(
                    ProgressStyle::with_template("{spinner} {prefix:<9} {pos}/{len}  {wide_msg}")
                        .unwrap_or_else(|_| ProgressStyle::default_bar()),
                );
                bar
            }),
            ..Progress::default()
        };
        Self {
            volume: if quiet { Volume::Quiet } else { Volume::Normal },
            json,
            color: terminal && !no_color,
            secrets: Mutex::new(Vec::new()),
            progress: Mutex::new(progress),
        }
    }

    /// From now on `secret` is replaced by `***` in everything that is said.
    pub(super) fn hide(&self, secret: &str) {
        if secret.len() > 3 {
            self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
        }
    }

    /// The text without known secrets.
    pub(super) fn scrub(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// Says an error that ended the run, with what to do.
    pub(super) fn error(&self, message: &str, hint: Option<&str>) {
        if self.json {
            self.line(&json!({"level": "error", "message": message, "hint": hint}).to_string());
            return;
        }
        self.line(&format!("{} {message}", self.paint("error:", "31;1")));
        if let Some(hint) = hint {
            self.line(&format!("  {} {hint}", self.paint("help:", "36")));
        }
    }

    /// Ends the bar, so that what is printed next stands on lines of its own.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.progress.lock().unwrap_or_else(PoisonError::into_inner).bar.take() {
            bar.finish_and_clear();
        }
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&self, text: &str) {
        let text = self.scrub(text);
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let print = || {
            // A closed standard error is no reason to stop the run.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        };
        match &progress.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn diagnostic(&self, diagnostic: &Diagnostic) {
        if self.volume == Volume::Quiet && diagnostic.severity < Severity::Error {
            return;
        }
        if self.json {
            let mut value = serde_json::to_value(diagnostic).unwrap_or_default();
            if let Some(map) = value.as_object_mut() {
                map.insert("level".to_owned(), map.get("severity").cloned().unwrap_or_default());
            }
            self.line(&value.to_string());
            return;
        }
        let text = diagnostic.to_string();
        let (head, rest) = text.split_once(':').unwrap_or(("", &text));
        let code = match diagnostic.severity {
            Severity::Error => "31;1",
            Severity::Warning => "33;1",
            Severity::Note => "36;1",
        };
        self.line(&format!("{}{rest}", self.paint(&format!("{head}:"), code)));
    }

    fn stage_started(&self, stage: Stage, detail: &str, total: Option<usize>) {
        {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.done = 0;
            progress.total = total;
            if let Some(bar) = &progress.bar {
                bar.set_prefix(stage_name(stage));
                bar.set_message(detail.to_owned());
                bar.set_length(total.unwrap_or(0) as u64);
                bar.set_position(0);
                bar.enable_steady_tick(Duration::from_millis(120));
            }
        }
        if self.volume == Volume::Normal && total.is_some() && !detail.is_empty() {
            self.line(&format!("{:<9} {detail}", stage_name(stage)));
        }
    }

    fn node_finished(&self, label: &str, status: NodeStatus, message: Option<&str>, elapsed: Duration) {
        let (done, total) = {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.done += 1;
            if let Some(bar) = &progress.bar {
                bar.inc(1);
            }
            (progress.done, progress.total)
        };
        let failed = matches!(status, NodeStatus::Error | NodeStatus::Fail | NodeStatus::Warn);
        if self.volume == Volume::Quiet && !failed {
            return;
        }
        let (word, code) = match status {
            NodeStatus::Success => ("ok", "32"),
            NodeStatus::Pass => ("pass", "32"),
            NodeStatus::Fail => ("FAIL", "31;1"),
            NodeStatus::Error => ("ERROR", "31;1"),
            NodeStatus::Warn => ("warn", "33;1"),
            NodeStatus::Skipped => ("skip", "33"),
            NodeStatus::Cancelled => ("cancel", "33"),
        };
        let count = match total {
            Some(total) => {
                let width = total.to_string().len();
                format!("{done:>width$}/{total}")
            }
            None => done.to_string(),
        };
        let time =
            if status == NodeStatus::Skipped { String::new() } else { format!("{:.2} s", elapsed.as_secs_f64()) };
        let mut text = format!("  {count}  {}  {time:>8}  {label}", self.paint(&format!("{word:<6}"), code));
        if let Some(message) = message.filter(|_| failed || status == NodeStatus::Skipped) {
            for part in message.lines() {
                text.push_str("\n      ");
                text.push_str(part);
            }
        }
        self.line(&text);
    }

    fn json_event(&self, event: &Event) {
        let value = match event {
            Event::StageStarted { stage, detail, total } => {
                json!({"level": "info", "event": "stage_started", "stage": stage, "message": detail, "total": total})
            }
            Event::StageFinished { stage, detail, elapsed } => {
                json!({"level": "info", "event": "stage_finished", "stage": stage, "message": detail, "seconds": elapsed.as_secs_f64()})
            }
            Event::NodeStarted { stage, unique_id, label } => {
                json!({"level": "info", "event": "node_started", "stage": stage, "unique_id": unique_id, "message": label})
            }
            Event::NodeFinished { stage, unique_id, label, status, message, elapsed } => json!({
                "level": if status.blocks() { "error" } else { "info" },
                "event": "node_finished", "stage": stage, "unique_id": unique_id, "status": status,
                "message": message.as_deref().unwrap_or(label), "seconds": elapsed.as_secs_f64(),
            }),
            Event::Diagnostic(diagnostic) => return self.diagnostic(diagnostic),
            Event::Message(text) => json!({"level": "info", "event": "message", "message": text}),
        };
        if self.volume == Volume::Normal || value["level"] == "error" {
            self.line(&value.to_string());
        }
    }
}

impl Observer for Ui {
    fn observe(&self, event: &Event) {
        if self.json {
            return self.json_event(event);
        }
        match event {
            Event::StageStarted { stage, detail, total } => self.stage_started(*stage, detail, *total),
            Event::StageFinished { stage, detail, elapsed } => {
                if self.volume == Volume::Normal {
                    self.line(&format!("{:<9} {detail} ({:.2} s)", stage_name(*stage), elapsed.as_secs_f64()));
                }
            }
            Event::NodeStarted { label, .. } => {
                if let Some(bar) = &self.progress.lock().unwrap_or_else(PoisonError::into_inner).bar {
                    bar.set_message(label.clone());
                }
            }
            Event::NodeFinished { label, status, message, elapsed, .. } => {
                self.node_finished(label, *status, message.as_deref(), *elapsed);
            }
            Event::Diagnostic(diagnostic) => self.diagnostic(diagnostic),
            Event::Message(text) => self.line(text),
        }
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Deps => "packages",
        Stage::Parse => "parse",
        Stage::Baseline => "baseline",
        Stage::Environment => "schema",
        Stage::Build => "build",
        Stage::Diff => "diff",
        Stage::Report => "report",
        Stage::Publish => "publish",
    }
}
