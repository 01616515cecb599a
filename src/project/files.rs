//! Which files dbt reads, and their contents.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::ignore::Ignore;
use crate::model::{Checksum, Code, Diagnostic, Location};

/// Seeds up to this many bytes are compared by content, larger ones by path.
const MAX_HASHED_SEED: u64 = 1024 * 1024;

/// What a file is to dbt, told by the folder it is in and its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A SQL model.
    Model,
    /// A Python model.
    PythonModel,
    /// An analysis.
    Analysis,
    /// A singular data test.
    SingularTest,
    /// A file of generic tests.
    GenericTest,
    /// A file of snapshot blocks.
    Snapshot,
    /// A file of macros.
    Macro,
    /// A Markdown file, perhaps with docs blocks.
    Docs,
    /// A property file.
    Properties,
    /// Rows of a unit test, in CSV or SQL.
    Fixture,
    /// A user-defined function.
    Function,
}

/// A text file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// What it is.
    pub kind: FileKind,
    /// Relative to the package's root, with `/`.
    pub path: String,
    /// The folder of `dbt_project.yml`'s list under which it was found, e.g. `models`.
    pub searched: String,
    /// All of it, as on disk.
    pub contents: Arc<str>,
}

impl SourceFile {
    /// Relative to the folder under which it was found: `staging/orders.sql`.
    pub fn relative_path(&self) -> &str {
        relative(&self.path, &self.searched)
    }

    /// The file's name without its extension.
    pub fn stem(&self) -> &str {
        stem(&self.path)
    }
}

/// A seed's file. Its contents are read when it is loaded.
#[derive(Debug, Clone)]
pub struct SeedFile {
    /// Relative to the package's root, with `/`.
    pub path: String,
    /// The folder under which it was found.
    pub searched: String,
    /// In bytes.
    pub size: u64,
    /// Of its text without surrounding whitespace; of a large one, its path.
    pub checksum: Checksum,
}

impl SeedFile {
    /// Relative to the folder under which it was found.
    pub fn relative_path(&self) -> &str {
        relative(&self.path, &self.searched)
    }

    /// The file's name without its extension.
    pub fn stem(&self) -> &str {
        stem(&self.path)
    }
}

/// A file with its path relative to the package's root.
#[derive(Debug, Clone)]
pub struct Text {
    /// Relative to the package's root.
    pub path: String,
    /// All of it.
    pub contents: Arc<str>,
}

fn relative<'p>(path: &'p str, searched: &str) -> &'p str {
    path.strip_prefix(searched).map_or(path, |rest| rest.trim_start_matches('/'))
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The folders in which each kind is looked for, relative to the package's root.
#[derive(Debug, Clone, Default)]
pub(super) struct Folders {
    pub(super) models: Vec<String>,
    pub(super) seeds: Vec<String>,
    pub(super) snapshots: Vec<String>,
    pub(super) analyses: Vec<String>,
    pub(super) tests: Vec<String>,
    pub(super) macros: Vec<String>,
    pub(super) functions: Vec<String>,
    /// None: everywhere.
    pub(super) docs: Option<Vec<String>>,
}

/// What may be found in a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Models,
    Seeds,
    Snapshots,
    Analyses,
    Tests,
    Macros,
    Functions,
    Docs,
    Properties,
}

impl Folders {
    /// Every folder with what it is for, in the order in which dbt reads them.
    fn roles(&self) -> Vec<(&str, Role)> {
        let resources = [
            (&self.macros, Role::Macros),
            (&self.models, Role::Models),
            (&self.snapshots, Role::Snapshots),
            (&self.analyses, Role::Analyses),
            (&self.tests, Role::Tests),
            (&self.seeds, Role::Seeds),
            (&self.functions, Role::Functions),
        ];
        let all = || resources.iter().flat_map(|(folders, _)| folders.iter().map(String::as_str));
        let docs: Vec<&str> = match &self.docs {
            Some(folders) => folders.iter().map(String::as_str).collect(),
            None => all().collect(),
        };
        let own =
            resources.iter().flat_map(|(folders, role)| folders.iter().map(move |folder| (folder.as_str(), *role)));
        own.chain(docs.into_iter().map(|folder| (folder, Role::Docs)))
            .chain(all().map(|folder| (folder, Role::Properties)))
            .collect()
    }
}

/// What a package's folders hold.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<SourceFile>,
    pub(super) seeds: Vec<SeedFile>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Lists the folders and reads what dbt would read. `shown` is put before paths in diagnostics.
pub(super) fn read(root: &Path, folders: &Folders, shown: &str) -> Found {
    let ignore = fs::read_to_string(root.join(".dbtignore")).map(|text| Ignore::parse(&text)).unwrap_or_default();
    let mut listed: Vec<Listed> = Vec::new();
    let mut walked: Vec<(String, Vec<String>)> = Vec::new();
    let mut seen = HashSet::new();
    for (folder, role) in folders.roles() {
        let folder = tidy(folder);
        if !walked.iter().any(|(known, _)| *known == folder) {
            walked.push((folder.clone(), list(root, &folder, &ignore)));
        }
        let Some((_, paths)) = walked.iter().find(|(known, _)| *known == folder) else { continue };
        for path in paths {
            let Some(kind) = classify(relative(path, &folder), role) else { continue };
            if seen.insert((path.clone(), kind)) {
                listed.push(Listed { kind, path: path.clone(), searched: folder.clone() });
            }
        }
    }
    collect(listed.into_par_iter().map(|listed| listed.read(root, shown)).collect())
}

fn collect(outcomes: Vec<Outcome>) -> Found {
    let mut found = Found::default();
    for outcome in outcomes {
        match outcome {
            Outcome::Text(file) => found.files.push(file),
            Outcome::Seed(seed) => found.seeds.push(seed),
            Outcome::Unreadable(diagnostic) => found.diagnostics.push(diagnostic),
        }
    }
    found
}

/// `./models/` is `models`, and `.` is the root itself.
fn tidy(folder: &str) -> String {
    folder.replace('\\', "/").split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

fn list(root: &Path, folder: &str, ignore: &Ignore) -> Vec<String> {
    let mut paths: Vec<String> = WalkDir::new(root.join(folder))
        .follow_links(true)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with(['.', '#', '~']))
        .filter_map(|entry| {
            let path = entry.path().strip_prefix(root).ok()?;
            Some(path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
        })
        .filter(|path| !ignore.ignores(path))
        .collect();
    paths.sort_unstable();
    paths
}

/// A file's kind as far as it is known before it is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ListedKind {
    Text(FileKind),
    Seed,
}

fn classify(path: &str, role: Role) -> Option<ListedKind> {
    let extension = path.rsplit_once('.')?.1.to_ascii_lowercase();
    let in_folder = |name: &str| path.split_once('/').is_some_and(|(first, _)| first == name);
    let kind = match (role, extension.as_str()) {
        (Role::Models, "sql") => FileKind::Model,
        (Role::Models, "py") => FileKind::PythonModel,
        (Role::Snapshots, "sql") => FileKind::Snapshot,
        (Role::Analyses, "sql") => FileKind::Analysis,
        (Role::Macros, "sql") => FileKind::Macro,
        (Role::Functions, "sql" | "py") => FileKind::Function,
        (Role::Tests, "sql" | "csv") if in_folder("fixtures") => FileKind::Fixture,
        (Role::Tests, "sql") if in_folder("generic") => FileKind::GenericTest,
        (Role::Tests, "sql") => FileKind::SingularTest,
        (Role::Docs, "md") => FileKind::Docs,
        (Role::Properties, "yml" | "yaml") => FileKind::Properties,
        (Role::Seeds, "csv") => return Some(ListedKind::Seed),
        _ => return None,
    };
    Some(ListedKind::Text(kind))
}

struct Listed {
    kind: ListedKind,
    path: String,
    searched: String,
}

enum Outcome {
    Text(SourceFile),
    Seed(SeedFile),
    Unreadable(Diagnostic),
}

impl Listed {
    fn read(self, root: &Path, shown: &str) -> Outcome {
        let full = root.join(&self.path);
        match self.kind {
            ListedKind::Text(kind) => match read_text(&full) {
                Ok(contents) => Outcome::Text(SourceFile {
                    kind,
                    path: self.path,
                    searched: self.searched,
                    contents: contents.into(),
                }),
                Err(why) => Outcome::Unreadable(unreadable(shown, &self.path, &why)),
            },
            ListedKind::Seed => match seed(&full, &self.path) {
                Ok((size, checksum)) => {
                    Outcome::Seed(SeedFile { path: self.path, searched: self.searched, size, checksum })
                }
                Err(why) => Outcome::Unreadable(unreadable(shown, &self.path, &why)),
            },
        }
    }
}

fn unreadable(shown: &str, path: &str, why: &str) -> Diagnostic {
    let path = format!("{shown}{path}");
    Diagnostic::error(Code::UnreadableFile, format!("cannot read {path}: {why}"))
        .at(Location::file(path))
        .hint("save the file as UTF-8, or list it in .dbtignore")
}

fn read_text(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))
}

fn seed(full: &Path, path: &str) -> Result<(u64, Checksum), String> {
    let size = fs::metadata(full).map_err(|error| error.to_string())?.len();
    let checksum = if size > MAX_HASHED_SEED {
        Checksum { name: "path".to_owned(), checksum: path.to_owned() }
    } else {
        Checksum { name: "sha256".to_owned(), checksum: sha256(strip(&read_text(full)?)) }
    };
    Ok((size, checksum))
}

/// The digest of a file of any size, in hex; none when it cannot be read.
pub(crate) fn digest_of_file(path: &Path) -> Option<String> {
    let mut digest = Sha256::new();
    std::io::copy(&mut fs::File::open(path).ok()?, &mut digest).ok()?;
    Some(format!("{:x}", digest.finalize()))
}

/// The digest in hex.
pub(crate) fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

/// The text without the whitespace around it, by Python's idea of whitespace.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FileKind, Folders, read};

    fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, contents) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        dir
    }

    fn folders() -> Folders {
        let one = |name: &str| vec![name.to_owned()];
        Folders {
            models: one("models"),
            seeds: one("seeds"),
            tests: one("tests"),
            macros: one("macros"),
            ..Folders::default()
        }
    }

    #[test]
    fn files_are_found_by_folder_and_extension() {
        let dir = project(&[
            ("models/b.sql", b"1"),
            ("models/a/c.SQL", b"1"),
            ("models/.hidden.sql", b"1"),
            ("models/schema.yml", b""),
            ("models/docs.md", b""),
            ("models/x.txt", b""),
            ("tests/generic/g.sql", b"1"),
            ("tests/fixtures/f.csv", b"1"),
            ("tests/t.sql", b"1"),
            ("seeds/s.csv", b"a\n1\n"),
        ]);
        let found = read(dir.path(), &folders(), "");
        let of = |kind| {
            found.files.iter().filter(|file| file.kind == kind).map(|file| file.path.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(FileKind::Model), ["models/a/c.SQL", "models/b.sql"]);
        assert_eq!(of(FileKind::Properties), ["models/schema.yml"]);
        assert_eq!(of(FileKind::Docs), ["models/docs.md"]);
        assert_eq!(of(FileKind::GenericTest), ["tests/generic/g.sql"]);
        assert_eq!(of(FileKind::Fixture), ["tests/fixtures/f.csv"]);
        assert_eq!(of(FileKind::SingularTest), ["tests/t.sql"]);
        assert_eq!(found.files.iter().find(|file| file.path == "models/a/c.SQL").unwrap().relative_path(), "a/c.SQL");
        assert_eq!(found.seeds[0].checksum.checksum, super::sha256("a\n1"));
    }

    #[test]
    fn a_large_seed_is_known_by_its_path() {
        let dir = project(&[("seeds/s.csv", &vec![b'x'; 1024 * 1024 + 1])]);
        let found = read(dir.path(), &folders(), "");
        assert_eq!(
            (found.seeds[0].checksum.name.as_str(), found.seeds[0].checksum.checksum.as_str()),
            ("path", "seeds/s.csv")
        );
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_reported_and_the_rest_is_read() {
        let dir = project(&[("models/a.sql", b"\xff"), ("models/b.sql", b"1")]);
        let found = read(dir.path(), &folders(), "");
        assert_eq!(found.files.len(), 1);
        assert!(found.diagnostics[0].message.contains("models/a.sql"));
    }
}
