//! Docs blocks, and what `doc()` finds from each package.

use std::collections::HashMap;
use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;

use super::context::shown;
use crate::jinja;
use crate::model::{Code, Diagnostic, Doc, Location};
use crate::project::{FileKind, Project};

/// All docs blocks by unique id.
pub(super) struct Docs(pub(super) IndexMap<String, Doc>);

/// Unique ids by what `doc()` may be given.
pub(super) struct DocIds(HashMap<String, String>);

impl DocIds {
    /// The docs blocks that a description calls for, each once.
    pub(super) fn named_in(&self, description: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for call in CALL.captures_iter(description) {
            let part = |index: usize| call.get(index).map(|part| part.as_str());
            let name = match (part(1), part(2)) {
                (Some(package), Some(name)) => format!("{package}.{name}"),
                (Some(name), None) => name.to_owned(),
                _ => continue,
            };
            if let Some(id) = self.0.get(&name).filter(|id| !found.contains(id)) {
                found.push(id.clone());
            }
        }
        found
    }
}

/// `doc('name')` or `doc('package', 'name')`.
static CALL: LazyLock<Regex> = LazyLock::new(|| {
    const PATTERN: &str = r#"\bdoc\(\s*["']([^"']*)["']\s*(?:,\s*["']([^"']*)["']\s*)?\)"#;
    #[expect(clippy::expect_used, reason = "the pattern is constant and used by every test of descriptions")]
    Regex::new(PATTERN).expect("a constant pattern compiles")
});

impl Docs {
    /// Ids by what `doc()` may be given from a package.
    pub(super) fn ids_from(&self, package: &str, root: &str) -> DocIds {
        DocIds(self.visible(package, root, |doc| &doc.unique_id))
    }

    /// Texts by what `doc()` may be given: a name (of the root project first, then of the own package, then of any) or
    /// `package.name`.
    pub(super) fn visible_from(&self, package: &str, root: &str) -> HashMap<String, String> {
        self.visible(package, root, |doc| &doc.block_contents)
    }

    fn visible(&self, package: &str, root: &str, shown: impl Fn(&Doc) -> &String) -> HashMap<String, String> {
        let mut found: HashMap<String, (u8, &str)> = HashMap::new();
        for doc in self.0.values() {
            let rank = match doc.package_name.as_str() {
                name if name == root => 2,
                name if name == package => 1,
                _ => 0,
            };
            let text = shown(doc).as_str();
            let slot = found.entry(doc.name.clone()).or_insert((rank, text));
            if rank > slot.0 {
                *slot = (rank, text);
            }
            found.insert(format!("{}.{}", doc.package_name, doc.name), (rank, text));
        }
        found.into_iter().map(|(name, (_, text))| (name, text.to_owned())).collect()
    }
}

/// Reads the docs blocks of every Markdown file.
pub(super) fn collect(project: &Project, diagnostics: &mut Vec<Diagnostic>) -> Docs {
    let mut docs: IndexMap<String, Doc> = IndexMap::new();
    for package in project.all_packages() {
        for file in package.of_kind(FileKind::Docs) {
            if !file.contents.contains("docs") {
                continue;
            }
            let path = shown(project, package, &file.path);
            let blocks = match jinja::blocks(&file.contents, &path) {
                Ok(blocks) => blocks,
                Err(diagnostic) => {
                    diagnostics.push(*diagnostic);
                    continue;
                }
            };
            for block in blocks.into_iter().filter(|block| block.kind == "docs") {
                let unique_id = format!("doc.{}.{}", package.name, block.name);
                let contents = match jinja::render_without_context(&block.contents) {
                    Ok(contents) => contents.trim().to_owned(),
                    Err(diagnostic) => {
                        diagnostics.push(diagnostic.at(Location::line(path.clone(), block.line)));
                        continue;
                    }
                };
                let doc = Doc {
                    unique_id: unique_id.clone(),
                    name: block.name,
                    package_name: package.name.clone(),
                    original_file_path: file.path.clone(),
                    block_contents: contents,
                };
                if let Some(first) = docs.get(&unique_id) {
                    let message = format!(
                        "two docs blocks are called `{}`: in {path} and {}",
                        doc.name, first.original_file_path
                    );
                    diagnostics.push(
                        Diagnostic::error(Code::DuplicateName, message)
                            .at(Location::line(path.clone(), block.line))
                            .hint("rename one of them"),
                    );
                    continue;
                }
                docs.insert(unique_id, doc);
            }
        }
    }
    Docs(docs)
}
