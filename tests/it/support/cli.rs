//! Runs the binary as a user would: an empty environment, a folder of its own, everything it said in one value.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder to run in. Removed at the end.
pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// What a run said. `Display` shows all three parts, so that one snapshot covers them.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code: {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder"), env: Vec::new() }
    }

    /// A copy of `fixtures/<name>`.
    pub(crate) fn with_fixture(name: &str) -> Self {
        let sandbox = Self::new();
        copy(&fixture(name), sandbox.path());
        sandbox
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn join(&self, relative: &str) -> PathBuf {
        self.path().join(relative)
    }

    /// Writes a file, its folders included.
    pub(crate) fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.join(relative);
        std::fs::create_dir_all(path.parent().expect("has a parent")).expect("folder is made");
        std::fs::write(path, text).expect("file is written");
        self
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        let path = self.join(relative);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Sets a variable for the runs that follow.
    pub(crate) fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slimdiff"));
        command
            .current_dir(self.path())
            .args(args)
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TZ", "UTC")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
        said(self.command(args).output().expect("the binary runs"), self.path())
    }

    /// Runs and requires exit code 0.
    pub(crate) fn ok(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{said}");
        said
    }
}

fn said(output: Output, dir: &Path) -> Said {
    let text = |bytes: Vec<u8>| redact(&String::from_utf8(bytes).expect("output is UTF-8"), dir);
    Said { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The one list of what differs between runs: the folder, times and durations.
pub(crate) fn redact(text: &str, dir: &Path) -> String {
    let text = text.replace(&dir.to_string_lossy().into_owned(), "[DIR]");
    let patterns = [
        (r"\d+\.\d\d s\b", "[TIME]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "[NOW]"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[UUID]"),
    ];
    patterns.iter().fold(text, |text, (pattern, with)| {
        regex::Regex::new(pattern).expect("a valid pattern").replace_all(&text, *with).into_owned()
    })
}

/// A folder of `fixtures/`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Copies a folder's files over another's.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("fixtures can be walked");
        let target = to.join(entry.path().strip_prefix(from).expect("below the fixture"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target).expect("folder is made");
        } else {
            std::fs::copy(entry.path(), &target).expect("file is copied");
        }
    }
}
