//! Docs blocks, and what `doc()` finds from each package.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::context::shown;
use crate::jinja;
use crate::model::{Code, Diagnostic, Doc, Location};
use crate::project::{FileKind, Project};

/// All docs blocks by unique id.
pub(super) struct Docs(pub(super) IndexMap<String, Doc>);

impl Docs {
    /// Texts by what `doc()` may be given: a name (of the own package first, then of the root project, then of any) or
    /// `package.name`.
    pub(super) fn visible_from(&self, package: &str, root: &str) -> HashMap<String, String> {
        let mut found: HashMap<String, (u8, &str)> = HashMap::new();
        for doc in self.0.values() {
            let rank = match doc.package_name.as_str() {
                name if name == package => 2,
                name if name == root => 1,
                _ => 0,
            };
            let text = doc.block_contents.as_str();
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
                let doc = Doc {
                    unique_id: unique_id.clone(),
                    name: block.name,
                    package_name: package.name.clone(),
                    original_file_path: file.path.clone(),
                    block_contents: block.contents.trim().to_owned(),
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
