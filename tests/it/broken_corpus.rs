//! The corpus of broken projects: each is refused or warned of as dbt does, in words that a stranger understands.
//!
//! A case is a folder of `fixtures/broken` that is laid over `fixtures/broken/base`, a small project in order. Its
//! `case.txt` begins with what is wrong, followed by `key: value` lines: `run` (the command line, `parse` when
//! missing), `without` (a file of the base to remove), `exit` (the exit code), `names` (what the output must name) and
//! `dbt` (what dbt-core 1.11 makes of it: `error`, `warning`, or `accepts`). All that is said is in a snapshot of the
//! case's name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rayon::prelude::*;

use crate::support::cli::{Said, Sandbox, copy, fixture};

struct Case {
    name: String,
    title: String,
    keys: BTreeMap<String, String>,
}

impl Case {
    fn read(name: &str) -> Self {
        let text = fs::read_to_string(fixture("broken").join(name).join("case.txt")).expect("a case has a case.txt");
        let (title, keys) = text.split_once('\n').expect("a title and keys");
        let keys = keys.lines().filter_map(|line| line.split_once(": "));
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            keys: keys.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        }
    }

    fn key(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(String::as_str)
    }

    fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::with_fixture("broken/base");
        copy(&fixture("broken").join(&self.name), sandbox.path());
        fs::remove_file(sandbox.join("case.txt")).expect("a case has a case.txt");
        if let Some(path) = self.key("without") {
            fs::remove_file(sandbox.join(path)).expect("the base has the file");
        }
        sandbox
    }

    fn run(&self) -> Said {
        self.sandbox().run(self.key("run").unwrap_or("parse").split(' '))
    }

    /// What is wrong with what was said.
    fn complaint(&self, said: &Said) -> Option<String> {
        let exit: i32 = self.key("exit").and_then(|exit| exit.parse().ok()).expect("a case has its exit code");
        let text = format!("{}{}", said.stdout, said.stderr);
        if said.code != exit {
            return Some(format!("exit code {} instead of {exit}", said.code));
        }
        if let Some(part) = self.key("names").filter(|part| !text.contains(part)) {
            return Some(format!("does not name {part}"));
        }
        let expected = match self.key("dbt").expect("a case says what dbt makes of it") {
            "error" => said.code != 0,
            "warning" => said.code == 0 && text.contains("warning: "),
            _ => said.code == 0 || self.key("differs").is_some(),
        };
        if !expected && self.key("differs").is_none() {
            return Some(format!("dbt says `{}`", self.key("dbt").unwrap_or_default()));
        }
        let leaks = ["panicked", "RUST_BACKTRACE", "Error {", "Some(", "error: error:"];
        leaks.iter().find(|leak| text.contains(**leak)).map(|leak| format!("says `{leak}`"))
    }
}

fn cases() -> Vec<Case> {
    let entries = fs::read_dir(fixture("broken")).expect("the corpus is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("the corpus can be listed"))
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "base")
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.iter().map(|name| Case::read(name)).collect()
}

/// Compares with the snapshot; what differs is told by insta, and counted here.
fn matches_snapshot(name: &str, title: &str, text: &str) -> bool {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots/broken"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(title);
    let check = || settings.bind(|| insta::assert_snapshot!(name, text));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_ok()
}

#[test]
fn every_broken_project_is_answered_as_dbt_answers_and_in_better_words() {
    let cases = cases();
    assert!(cases.len() >= 60, "the corpus has {} cases", cases.len());
    let said: Vec<(&Case, Said)> = cases.par_iter().map(|case| (case, case.run())).collect();
    let mut wrong: Vec<String> = Vec::new();
    for (case, said) in &said {
        wrong.extend(case.complaint(said).map(|complaint| format!("{}: {complaint}\n{said}", case.name)));
        if !matches_snapshot(&case.name, &case.title, &said.to_string()) {
            wrong.push(format!("{}: not as in its snapshot", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Runs `parse` on the base with what `break_it` does to it.
fn broken_by(break_it: impl FnOnce(&Sandbox)) -> Said {
    let sandbox = Sandbox::with_fixture("broken/base");
    break_it(&sandbox);
    sandbox.run(["parse"])
}

#[test]
fn a_line_of_two_megabytes_is_told_in_a_few() {
    let values = "(1, 'a'), ".repeat(200_000);
    let said = broken_by(|sandbox| {
        sandbox.write("models/wide.sql", format!("select * from (values {values}(2, 'b')) as t(id, name)"));
    });
    assert_eq!(said.code, 0, "{said}");
    let said = broken_by(|sandbox| {
        sandbox.write("models/wide.sql", format!("select * from {{{{ ref('ordres') }}}}, (values {values}(2, 'b'))"));
    });
    assert_eq!(said.code, 3);
    assert!(said.stderr.len() < 1_000, "{} bytes", said.stderr.len());
    assert!(said.stderr.contains("ordres") && said.stderr.contains("^^^^^^"), "{said}");
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let said = broken_by(|sandbox| {
        std::os::unix::fs::symlink(sandbox.join("models"), sandbox.join("models/again")).unwrap();
        std::os::unix::fs::symlink("self.sql", sandbox.join("models/self.sql")).unwrap();
    });
    assert!(said.code == 0 || said.stderr.contains("models/"), "{said}");
    assert!(!said.stderr.contains("panicked"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_named() {
    let sandbox = Sandbox::with_fixture("broken/base");
    let path = sandbox.join("models/orders.sql");
    fs::remove_file(&path).unwrap();
    // The first page of a process's memory: the one file that root cannot read either.
    std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap();
    let said = sandbox.run(["parse"]);
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("models/orders.sql"), "{said}");
}
