//! The macros that come with slimdiff, as dbt brings its own: data files, one folder a package.

use std::collections::HashSet;
use std::sync::LazyLock;

use include_dir::{Dir, File, include_dir};

use super::MacroSource;

static MACROS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/jinja/macros");

/// The adapters whose macros `adapter` falls back to, nearest first, itself included.
pub(super) fn lineage(adapter: &str) -> Vec<&str> {
    let parent = match adapter {
        "redshift" => Some("postgres"),
        "databricks" => Some("spark"),
        _ => None,
    };
    std::iter::once(adapter).chain(parent).collect()
}

/// The internal packages of an adapter, those that win first.
pub(super) fn packages(adapter: &str) -> Vec<String> {
    let own = lineage(adapter).into_iter().map(|adapter| format!("dbt_{adapter}"));
    own.chain(std::iter::once("dbt".to_owned())).collect()
}

/// The files of the internal packages of `adapter`.
pub(super) fn files(adapter: &str) -> Vec<MacroSource> {
    let mut out = Vec::new();
    let folders = lineage(adapter).into_iter().map(|adapter| (adapter, format!("dbt_{adapter}")));
    for (folder, package) in std::iter::once(("dbt", "dbt".to_owned())).chain(folders) {
        if let Some(dir) = MACROS.get_dir(folder) {
            let before = out.len();
            collect(dir, &package, folder, &mut out);
            let written: HashSet<&str> = out[before..].iter().flat_map(|file| names_in(&file.contents)).collect();
            let stubs = names_only(dir, &package, &written);
            out.extend(stubs);
        }
    }
    out
}

/// The names of the macros that a file defines.
fn names_in(contents: &str) -> impl Iterator<Item = &str> {
    let opened = contents.match_indices("macro ").map(|(at, word)| (&contents[..at], &contents[at + word.len()..]));
    let tags = opened.filter(|(before, _)| before.ends_with("{% ") || before.ends_with("{%- "));
    tags.filter_map(|(_, rest)| rest.split('(').next())
}

/// The macros that a folder's `names.txt` lists and `written` does not, so that code that names them finds them. One
/// that stands for a default answers as the default does; any other answers nothing while a project is parsed, and is
/// an error at execution.
fn names_only(dir: &Dir<'_>, package: &str, written: &HashSet<&str>) -> Option<MacroSource> {
    let list = dir.get_file(dir.path().join("names.txt"))?.contents_utf8()?;
    let names = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#') && !written.contains(line));
    let contents: String = names
        .map(|name| match name.split_once("__").filter(|(adapter, _)| *adapter != "default") {
            Some((_, of)) if has_default(of) => {
                format!("{{% macro {name}() %}}{{{{ return(default__{of}(*varargs, **kwargs)) }}}}{{% endmacro %}}\n")
            }
            _ => format!(
                "{{% macro {name}() %}}{{% set given = [varargs, kwargs] %}}{{% if execute %}}\
                 {{% do exceptions.raise_compiler_error('{name} of {package} is not part of slimdiff') %}}\
                 {{% endif %}}{{% endmacro %}}\n"
            ),
        })
        .collect();
    Some(MacroSource { package: package.to_owned(), path: "macros/names.sql".to_owned(), contents })
}

/// Whether the `dbt` package has a body for `default__of`.
fn has_default(of: &str) -> bool {
    static BODIES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let files = MACROS.get_dir("dbt").into_iter().flat_map(Dir::files).filter_map(File::contents_utf8);
        let names = files.flat_map(|contents| contents.split("macro default__").skip(1));
        names.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name).collect()
    });
    BODIES.contains(of)
}

fn collect(dir: &Dir<'_>, package: &str, folder: &str, out: &mut Vec<MacroSource>) {
    let mut files: Vec<&File<'_>> = dir.files().collect();
    files.sort_by_key(|file| file.path());
    for file in files {
        let path = file.path().to_string_lossy().replace('\\', "/");
        let is_sql = file.path().extension().is_some_and(|extension| extension == "sql");
        if let Some(contents) = file.contents_utf8().filter(|_| is_sql) {
            let path = format!("macros/{}", path.strip_prefix(folder).unwrap_or(&path).trim_start_matches('/'));
            out.push(MacroSource { package: package.to_owned(), path, contents: contents.to_owned() });
        }
    }
    for dir in dir.dirs() {
        collect(dir, package, folder, out);
    }
}
