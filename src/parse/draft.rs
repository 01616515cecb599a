//! Drafts: everything that a file alone says about the nodes in it.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value as Json;

use super::context::Context;
use super::properties::{ByName, Entry, Properties};
use super::versions::{self, Version};
use crate::jinja;
use crate::model::node::ModelDetail;
use crate::model::{Checksum, Detail, Diagnostic, ResourceType};
use crate::project::{FileKind, Package, SeedFile, SourceFile, sha256, strip};

/// A node before its configuration and its template are looked at.
pub(super) struct Draft<'f> {
    pub(super) kind: ResourceType,
    /// The tree of dbt_project.yml that configures it.
    pub(super) tree: &'static str,
    pub(super) package: &'f Package,
    pub(super) unique_id: String,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) original_file_path: String,
    pub(super) fqn: Vec<String>,
    pub(super) language: &'static str,
    pub(super) raw_code: String,
    pub(super) first_line: u32,
    pub(super) checksum: Checksum,
    /// Tags that it has by birth.
    pub(super) tags: Vec<String>,
    pub(super) detail: Detail,
    pub(super) properties: Described<'f>,
}

/// What describes a draft.
#[derive(Clone)]
pub(super) enum Described<'f> {
    /// Nothing.
    No,
    /// An entry of a property file.
    Entry(Entry<'f>),
    /// One of the versions of an entry.
    Version(&'f Version<'f>),
}

/// Every draft of a package but generic tests, in the order of the files.
pub(super) fn of_package<'f>(
    package: &'f Package,
    properties: &Properties<'f>,
    versions: &'f HashMap<(&'f str, String), Version<'f>>,
    context: &Context<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Draft<'f>> {
    let mut drafts = Vec::new();
    for file in &package.files {
        match file.kind {
            FileKind::Model | FileKind::PythonModel => drafts.push(model(package, file, properties, versions)),
            FileKind::Analysis => drafts.push(analysis(package, file, properties)),
            FileKind::SingularTest => drafts.push(singular_test(package, file, properties)),
            FileKind::Snapshot => snapshots(package, file, properties, context, &mut drafts, diagnostics),
            FileKind::GenericTest | FileKind::Macro | FileKind::Docs | FileKind::Properties | FileKind::Fixture => {}
            FileKind::Function => drafts.push(function(package, file, properties)),
        }
    }
    drafts.extend(package.seeds.iter().map(|seed| self::seed(package, seed, properties)));
    drafts
}

/// Gives entries that find nothing in their own package to the first node of that name in another one, as dbt does.
/// What is disabled without its entry does not count as found.
pub(super) fn lend_entries<'f>(
    drafts: &mut [Draft<'f>],
    properties: &Properties<'f>,
    is_disabled: &dyn Fn(&Draft<'f>) -> bool,
) {
    let mut places: HashMap<(ResourceType, String), Vec<usize>> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if draft.kind.is_refable() {
            places.entry((draft.kind, draft.name.clone())).or_default().push(at);
        }
    }
    for (kind, entries) in [
        (ResourceType::Model, &properties.models),
        (ResourceType::Seed, &properties.seeds),
        (ResourceType::Snapshot, &properties.snapshots),
    ] {
        let mut entries: Vec<&Entry<'f>> = entries.values().collect();
        entries.sort_by_key(|entry| (&entry.file.shown, entry.node.line));
        for entry in entries {
            let Some(namesakes) = places.get(&(kind, entry.name.to_owned())) else { continue };
            let is_own = |at: &usize| drafts[*at].package.name == entry.file.package.name;
            let own: Vec<usize> = namesakes.iter().copied().filter(is_own).collect();
            let free = |at: &usize| !is_own(at) && matches!(drafts[*at].properties, Described::No);
            let others: Vec<usize> = namesakes.iter().copied().filter(free).collect();
            if others.is_empty() || !own.iter().all(|at| is_disabled(&drafts[*at])) {
                continue;
            }
            let Some(borrower) = others.into_iter().find(|at| !is_disabled(&drafts[*at])) else { continue };
            for at in own {
                drafts[at].properties = Described::No;
            }
            drafts[borrower].properties = Described::Entry(*entry);
        }
    }
}

/// The package's name and the folders of `relative_path`.
pub(super) fn folders(package: &str, relative_path: &str) -> Vec<String> {
    let mut fqn = vec![package.to_owned()];
    let mut parts: Vec<&str> = relative_path.split('/').collect();
    parts.pop();
    fqn.extend(parts.into_iter().map(str::to_owned));
    fqn
}

pub(super) fn described<'f>(entries: &ByName<'f>, package: &'f Package, name: &str) -> Described<'f> {
    entries.get(&(package.name.as_str(), name)).map_or(Described::No, |entry| Described::Entry(*entry))
}

pub(super) fn sha256_of(text: &str) -> Checksum {
    Checksum { name: "sha256".to_owned(), checksum: sha256(strip(text)) }
}

/// The line on which the text begins once the whitespace before it is gone.
fn first_line(contents: &str) -> u32 {
    let blank = contents.len() - contents.trim_start().len();
    u32::try_from(contents[..blank].matches('\n').count()).unwrap_or(0) + 1
}

fn of_file<'f>(kind: ResourceType, package: &'f Package, file: &SourceFile) -> Draft<'f> {
    let mut fqn = folders(&package.name, file.relative_path());
    fqn.push(file.stem().to_owned());
    Draft {
        kind,
        tree: "models",
        package,
        unique_id: format!("{}.{}.{}", kind.as_str(), package.name, file.stem()),
        name: file.stem().to_owned(),
        path: file.relative_path().to_owned(),
        original_file_path: file.path.clone(),
        fqn,
        language: "sql",
        raw_code: strip(&file.contents).to_owned(),
        first_line: first_line(&file.contents),
        checksum: sha256_of(&file.contents),
        tags: Vec::new(),
        detail: Detail::Analysis,
        properties: Described::No,
    }
}

fn model<'f>(
    package: &'f Package,
    file: &SourceFile,
    properties: &Properties<'f>,
    versions: &'f HashMap<(&'f str, String), Version<'f>>,
) -> Draft<'f> {
    let mut draft = of_file(ResourceType::Model, package, file);
    if file.kind == FileKind::PythonModel {
        draft.language = "python";
    }
    let mut detail = ModelDetail::default();
    if let Some(version) = versions.get(&(package.name.as_str(), draft.name.clone())) {
        let shown = versions::shown(&version.v);
        version.entry.name.clone_into(&mut draft.name);
        draft.unique_id = format!("model.{}.{}.v{shown}", package.name, draft.name);
        draft.fqn.pop();
        draft.fqn.extend([draft.name.clone(), format!("v{shown}")]);
        detail.version = Some(version.v.clone());
        detail.latest_version = Some(version.latest.clone());
        draft.properties = Described::Version(version);
    } else {
        draft.properties = described(&properties.models, package, &draft.name);
    }
    draft.detail = Detail::Model(Box::new(detail));
    draft
}

fn analysis<'f>(package: &'f Package, file: &SourceFile, properties: &Properties<'f>) -> Draft<'f> {
    let mut draft = of_file(ResourceType::Analysis, package, file);
    draft.path = format!("analysis/{}", draft.path);
    draft.fqn.insert(1, "analysis".to_owned());
    draft.properties = described(&properties.analyses, package, &draft.name);
    draft
}

fn function<'f>(package: &'f Package, file: &SourceFile, properties: &Properties<'f>) -> Draft<'f> {
    let mut draft = of_file(ResourceType::Function, package, file);
    draft.tree = "functions";
    if Path::new(&file.path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("py")) {
        draft.language = "python";
    }
    draft.detail = Detail::Function { arguments: Json::Array(Vec::new()), returns: Json::Null };
    draft.properties = described(&properties.functions, package, &draft.name);
    draft
}

fn singular_test<'f>(package: &'f Package, file: &SourceFile, properties: &Properties<'f>) -> Draft<'f> {
    let mut draft = of_file(ResourceType::Test, package, file);
    draft.tree = "data_tests";
    draft.detail = Detail::Test(Box::default());
    draft.properties = described(&properties.tests, package, &draft.name);
    draft
}

/// The blocks of a snapshot file; their text is kept as it is, and their checksum is the whole file's.
fn snapshots<'f>(
    package: &'f Package,
    file: &SourceFile,
    properties: &Properties<'f>,
    context: &Context<'_>,
    drafts: &mut Vec<Draft<'f>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let blocks = match jinja::blocks(&file.contents, &context.shown(package, &file.path)) {
        Ok(blocks) => blocks,
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            return;
        }
    };
    for block in blocks.into_iter().filter(|block| block.kind == "snapshot") {
        let mut draft = of_file(ResourceType::Snapshot, package, file);
        let opening = block.full.find(&block.contents).unwrap_or(0);
        let closing = opening + block.contents.len();
        let mut contents = block.contents.as_str();
        if block.full[..opening].ends_with("-%}") {
            contents = contents.trim_start();
        }
        let lines = block.full[..closing - contents.len()].matches('\n').count();
        if block.full[closing..].starts_with("{%-") {
            contents = contents.trim_end();
        }
        draft.first_line = block.line + u32::try_from(lines).unwrap_or(0);
        draft.tree = "snapshots";
        draft.unique_id = format!("snapshot.{}.{}", package.name, block.name);
        draft.fqn.push(block.name.clone());
        draft.properties = described(&properties.snapshots, package, &block.name);
        contents.clone_into(&mut draft.raw_code);
        draft.name = block.name;
        draft.detail = Detail::Snapshot;
        drafts.push(draft);
    }
}

fn seed<'f>(package: &'f Package, file: &SeedFile, properties: &Properties<'f>) -> Draft<'f> {
    let mut fqn = folders(&package.name, file.relative_path());
    fqn.push(file.stem().to_owned());
    Draft {
        kind: ResourceType::Seed,
        tree: "seeds",
        package,
        unique_id: format!("seed.{}.{}", package.name, file.stem()),
        name: file.stem().to_owned(),
        path: file.relative_path().to_owned(),
        original_file_path: file.path.clone(),
        fqn,
        language: "sql",
        raw_code: String::new(),
        first_line: 1,
        checksum: file.checksum.clone(),
        tags: Vec::new(),
        detail: Detail::Seed { root_path: package.root.display().to_string() },
        properties: described(&properties.seeds, package, file.stem()),
    }
}

/// A snapshot that is only an entry of a property file, with `relation:`.
pub(super) fn yaml_snapshot<'f>(entry: &Entry<'f>) -> Option<Draft<'f>> {
    let Json::String(relation) = entry.node.get("relation")?.to_json() else { return None };
    let file = entry.file;
    let raw_code = format!("select * from {{{{ {relation} }}}}");
    let mut fqn = folders(&file.package.name, file.source.relative_path());
    fqn.push(entry.name.to_owned());
    Some(Draft {
        kind: ResourceType::Snapshot,
        tree: "snapshots",
        package: file.package,
        unique_id: format!("snapshot.{}.{}", file.package.name, entry.name),
        name: entry.name.to_owned(),
        path: format!("{}/{}.sql", file.source.relative_path(), entry.name),
        original_file_path: file.source.path.clone(),
        fqn,
        language: "sql",
        checksum: sha256_of(&file.source.contents),
        raw_code,
        first_line: entry.node.line,
        tags: Vec::new(),
        detail: Detail::Snapshot,
        properties: Described::Entry(*entry),
    })
}
