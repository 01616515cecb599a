//! The architecture as data: which room may import which, who alone may import a crate, and how large a file may grow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Room → the rooms it may import. A room may always import itself. ARCHITECTURE.md says why.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("yaml", &["model"]),
    ("graph", &[]),
    ("fetch", &["model"]),
    ("lineage", &["model", "graph"]),
    ("impact", &["model", "graph", "lineage", "state"]),
    ("config", &["model"]),
    ("jinja", &["model", "yaml"]),
    ("project", &["model", "config", "yaml", "jinja", "fetch"]),
    ("parse", &["project", "jinja", "model", "yaml", "graph", "artifacts"]),
    ("artifacts", &["model", "build"]),
    ("state", &["model", "lineage", "jinja"]),
    ("select", &["graph", "state", "model"]),
    ("plan", &["graph", "state", "select", "config", "model"]),
    ("warehouse", &["model"]),
    ("environment", &["warehouse", "model", "config"]),
    ("baseline", &["project", "parse", "jinja", "artifacts", "model", "yaml", "fetch"]),
    ("build", &["plan", "jinja", "warehouse", "graph", "model"]),
    ("checks", &["plan", "build", "warehouse", "jinja", "model"]),
    ("diff", &["plan", "warehouse", "model"]),
    (
        "report",
        &["model", "impact", "lineage", "state", "select", "plan", "build", "checks", "diff", "config", "graph"],
    ),
    ("publish", &["report", "model"]),
    (
        "pipeline",
        &[
            "model",
            "yaml",
            "graph",
            "config",
            "jinja",
            "lineage",
            "impact",
            "project",
            "parse",
            "artifacts",
            "state",
            "select",
            "plan",
            "warehouse",
            "environment",
            "baseline",
            "build",
            "checks",
            "diff",
            "report",
        ],
    ),
    (
        "cli",
        &[
            "pipeline",
            "report",
            "publish",
            "model",
            "yaml",
            "project",
            "warehouse",
            "environment",
            "build",
            "select",
            "plan",
            "artifacts",
            "lineage",
        ],
    ),
];

/// Crate (or path) → the only rooms that may name it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("minijinja", &["jinja"]),
    ("git2", &["baseline"]),
    ("ureq", &["fetch"]),
    ("object_store", &["fetch"]),
    ("tar", &["project"]),
    ("octocrab", &["publish"]),
    ("duckdb", &["warehouse"]),
    ("tokio_postgres", &["warehouse"]),
    ("petgraph", &["graph"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("saphyr_parser", &["yaml"]),
    ("sqlparser", &["lineage"]),
    ("std::env::var", &["cli"]),
];

/// Lines of a file without its tests.
const CEILING: usize = 700;

struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let entry = entry.expect("src can be walked");
        if entry.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let relative = entry.path().strip_prefix(&root).expect("below src").to_path_buf();
        let first = relative.components().next().expect("a path has a component").as_os_str().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(entry.path()).expect("sources are UTF-8");
        found.push(Source { path: relative, room, text });
    }
    assert!(found.len() > 20, "the walk found the sources");
    found
}

/// A room's tests in files of their own; they may use whatever they need to make a case.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// The code without comments and without the unit tests at the end.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn imports(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            let mut expecting = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => expecting = true,
                    c if depth == 1 && expecting && (c.is_alphanumeric() || c == '_') => word.push(c),
                    c if depth == 1 && expecting && !c.is_whitespace() => expecting = false,
                    _ => {}
                }
                if (!expecting || c == ',' || depth == 0) && !word.is_empty() {
                    rooms.insert(std::mem::take(&mut word));
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            rooms.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut broken = Vec::new();
    for source in sources() {
        if source.room == "lib" || source.room == "main" || is_test(&source.path) {
            continue;
        }
        let Some(allowed) = table.get(source.room.as_str()) else {
            broken.push(format!("{}: room `{}` is not in the table", source.path.display(), source.room));
            continue;
        };
        for import in imports(&code(&source.text)) {
            if table.contains_key(import.as_str()) && import != source.room && !allowed.contains(&import.as_str()) {
                broken.push(format!("{}: `{}` imports `{import}`", source.path.display(), source.room));
            }
        }
    }
    assert!(broken.is_empty(), "imports against the table:\n{}", broken.join("\n"));
}

#[test]
fn drivers_and_the_environment_stay_in_their_rooms() {
    let mut broken = Vec::new();
    for source in sources() {
        let code = code(&source.text);
        for (name, rooms) in ONLY_IN {
            let used = code
                .match_indices(&format!("{name}::"))
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
                || code.contains(&format!("use {name};"))
                || (name.contains("::") && code.contains(name));
            // The fuzzer is told by the environment for how long it runs.
            let told = *name == "std::env::var" && is_test(&source.path);
            if used && !told && !rooms.contains(&source.room.as_str()) {
                broken.push(format!("{}: names `{name}`, which is for {rooms:?} only", source.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    let mut broken = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//!") {
            broken.push(format!("{}: does not open with `//!`", source.path.display()));
        }
        let lines = source.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        if lines > CEILING {
            broken.push(format!("{}: {lines} lines, more than {CEILING}", source.path.display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn nothing_is_left_unfinished_or_skipped() {
    let mut broken = Vec::new();
    let marks = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ign", "ore")];
    for source in sources() {
        for mark in marks {
            if source.text.contains(mark) {
                broken.push(format!("{}: has `{mark}`", source.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
