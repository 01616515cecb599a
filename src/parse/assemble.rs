//! Puts the manifest together: drafts to nodes, tests, everything else of the property files, then references.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;
use rayon::prelude::*;
use serde_json::Value as Json;

use super::config::texts;
use super::context::{Context, inputs};
use super::docs::Docs;
use super::draft::{self, Draft};
use super::generic_test::{self, Target, TestCase, TestedColumn};
use super::graph::{self, Names};
use super::properties::{Entry, Properties};
use super::shape;
use super::sources::Source;
use super::unit_tests::{self, Tested};
use super::versions::{self, Version};
use super::{exposures, hooks, misplaced, node, other, primary_key, refs, selectors, semantic, unused_paths};
use crate::graph::Dag;
use crate::model::{
    Code, Detail, Diagnostic, FastHash, Inputs, Location, Macro, Manifest, Metadata, Node, NodeId, NodeMap,
    ResourceType, nearest,
};
use crate::project::{FileKind, Project, digest_of_file};
use crate::yaml::{self, Mapping};

/// Nodes as they come in.
struct Assembly<'a> {
    nodes: NodeMap<Node>,
    disabled: NodeMap<Vec<Node>>,
    names: Names,
    places: HashMap<NodeId, Location, FastHash>,
    /// What its file or its entry should have become, had it no errors of its own.
    failed: Vec<Failed>,
    /// Whether names with spaces are refused.
    spaces_are_wrong: bool,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// Whether dbt counts the kind among its nodes proper.
fn is_built_or_tested(kind: ResourceType) -> bool {
    kind.is_refable() || matches!(kind, ResourceType::Test | ResourceType::Analysis)
}

type Built = Result<Node, Box<Diagnostic>>;

/// A node that could not be made: nothing else is to be said of what names it.
pub(super) struct Failed {
    package: String,
    pub(super) name: String,
    kind: ResourceType,
    pub(super) fqn: Vec<String>,
}

impl Failed {
    fn of(draft: &Draft<'_>) -> Self {
        Self { package: draft.package.name.clone(), name: draft.name.clone(), kind: draft.kind, fqn: draft.fqn.clone() }
    }
}

impl Assembly<'_> {
    fn add(&mut self, built: Built, place: Location) {
        let node = match built {
            Ok(node) => node,
            Err(diagnostic) => {
                self.diagnostics.push(*diagnostic);
                return;
            }
        };
        if node.config.get("enabled").and_then(Json::as_bool) == Some(false) {
            self.disabled.entry(node.unique_id.clone()).or_default().push(node);
            return;
        }
        if self.spaces_are_wrong && node.name.contains(' ') && is_built_or_tested(node.resource_type) {
            let message = format!("the name of {} has a space", node.unique_id);
            let hint = "rename it, or set the flag require_resource_names_without_spaces to false";
            self.diagnostics.push(Diagnostic::error(Code::InvalidProperty, message).at(place).hint(hint));
            return;
        }
        if let Some(first) = self.names.claim(&node, &self.nodes) {
            let at = self.places.get(&first).map(|place| format!(" at {place}")).unwrap_or_default();
            let message = if first == node.unique_id {
                format!("{first} exists twice, first{at}")
            } else {
                format!("{} has the same name as {first}{at}", node.unique_id)
            };
            let hint = "rename or remove one of them";
            self.diagnostics.push(Diagnostic::error(Code::DuplicateName, message).at(place).hint(hint));
            return;
        }
        self.places.insert(node.unique_id.clone(), place);
        self.nodes.insert(node.unique_id.clone(), node);
    }
}

/// Digests of the seeds whose checksum is their path. What cannot be read has none.
fn large_seeds(project: &Project, nodes: &NodeMap<Node>) -> HashMap<NodeId, String> {
    let seeds = nodes.values().filter(|node| node.resource_type == ResourceType::Seed && node.checksum.name == "path");
    let digest = |node: &Node| {
        let package = project.all_packages().find(|package| package.name == node.package_name)?;
        Some((node.unique_id.clone(), digest_of_file(&package.root.join(&node.original_file_path))?))
    };
    seeds.filter_map(digest).collect()
}

/// Makes the manifest and its graph, which is missing when nodes depend on each other in a circle.
pub(super) fn assemble<'f>(
    context: &Context<'f>,
    properties: &Properties<'f>,
    docs: Docs,
    metadata: Metadata,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Manifest, Option<Dag<NodeId>>) {
    let versions = versions::collect(context.project, properties, diagnostics);
    let mut assembly = Assembly {
        nodes: NodeMap::default(),
        disabled: NodeMap::default(),
        names: Names::new(),
        places: HashMap::default(),
        failed: Vec::new(),
        spaces_are_wrong: context.root().flags.get("require_resource_names_without_spaces") != Some(&Json::Bool(false)),
        diagnostics,
    };
    add_drafts(&mut assembly, context, properties, &versions);
    let sources = read_sources(&mut assembly, context, properties);
    for source in &sources {
        for built in source.nodes(context) {
            assembly.add(built, source.entry.place());
        }
    }
    add_tests(&mut assembly, context, properties, &sources);
    add_entries(&mut assembly, context, properties);
    let Assembly { mut nodes, disabled, places, failed, .. } = assembly;
    let place = |node: &Node| places.get(&node.unique_id).cloned().unwrap_or(Location::file(&node.original_file_path));
    refs::resolve(&mut nodes, &disabled, &failed, context.project, &place, diagnostics);
    semantic::finish(&mut nodes);
    primary_key::infer(&mut nodes, &disabled);
    report_unused(&nodes, &disabled, &failed, properties, diagnostics);
    unused_paths::report(context.project, &nodes, &disabled, &failed, diagnostics);
    unknown_groups(&nodes, &place, diagnostics);
    graph::duplicate_relations(&nodes, &place, diagnostics);
    let dag = graph::dag(&nodes, &place, diagnostics);
    let macros = macros(context, properties, diagnostics);
    let selectors = selectors::read(context, diagnostics);
    let large_seeds =
        if context.options.large_seeds { large_seeds(context.project, &nodes) } else { HashMap::default() };
    let inputs = Some(Arc::new(Inputs { large_seeds, ..inputs(context.project, &context.options) }));
    let compiled_code = HashMap::default();
    (Manifest { metadata, nodes, macros, docs: docs.0, disabled, selectors, inputs, compiled_code }, dag)
}

/// Files and hooks, in parallel.
fn add_drafts<'f>(
    assembly: &mut Assembly<'_>,
    context: &Context<'f>,
    properties: &Properties<'f>,
    versions: &HashMap<(&'f str, String), Version<'f>>,
) {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for package in context.project.all_packages() {
        drafts.extend(draft::of_package(package, properties, versions, context, assembly.diagnostics));
        drafts.extend(hooks::of_package(package));
    }
    drafts.extend(properties.snapshots.values().filter_map(draft::yaml_snapshot));
    draft::lend_entries(&mut drafts, properties, &|draft| node::is_disabled_alone(draft, context));
    let built: Vec<(Location, Built, Option<Failed>)> = drafts
        .into_par_iter()
        .map(|draft| {
            let path = context.shown(draft.package, draft.original_file_path.trim_start_matches("./"));
            // A file is the place of its node: of snapshots there may be several in one.
            let place = match draft.kind {
                ResourceType::Snapshot => Location::line(path, draft.first_line),
                _ => Location::file(path),
            };
            let built = node::build(&draft, context);
            let failed = built.is_err().then(|| Failed::of(&draft));
            (place, built, failed)
        })
        .collect();
    assembly.nodes.reserve(built.len());
    for (place, built, failed) in built {
        assembly.failed.extend(failed);
        assembly.add(built, place);
    }
}

fn read_sources<'f>(
    assembly: &mut Assembly<'_>,
    context: &Context<'f>,
    properties: &Properties<'f>,
) -> Vec<Source<'f>> {
    let overrides: HashMap<(String, &str), &Entry<'f>> = properties
        .sources
        .iter()
        .filter_map(|entry| {
            let package = entry.node.get("overrides")?.as_str()?;
            Some(((package.to_owned(), entry.name), entry))
        })
        .collect();
    let own = properties.sources.iter().filter(|entry| entry.node.get("overrides").is_none());
    let read: Vec<_> = own
        .map(|entry| {
            let over = overrides.get(&(entry.file.package.name.clone(), entry.name)).copied();
            Source::read(*entry, over, context)
        })
        .collect();
    read.into_iter()
        .filter_map(|outcome| outcome.map_err(|diagnostic| assembly.diagnostics.push(*diagnostic)).ok())
        .collect()
}

/// How many tests are made before they are added: a project has tens of thousands, and none should be held twice.
const AT_ONCE: usize = 4096;

/// Generic tests of models, seeds, snapshots and sources, in parallel.
fn add_tests<'f>(
    assembly: &mut Assembly<'_>,
    context: &Context<'f>,
    properties: &Properties<'f>,
    sources: &[Source<'f>],
) {
    let mut cases = Cases::default();
    for (section, entry) in &properties.tested {
        of_entry(section, *entry, assembly, &mut cases);
    }
    for source in sources {
        of_source(source, &mut cases);
    }
    assembly.diagnostics.append(&mut cases.complaints);
    assembly.diagnostics.extend(cases.all.iter().flat_map(|case| misplaced::of_test(case, context)));
    assembly.nodes.reserve(cases.all.len());
    for some in cases.all.chunks(AT_ONCE) {
        let build =
            |case: &TestCase<'f>| (case.test.location(&case.target.file.shown), generic_test::build(case, context));
        let built: Vec<_> = some.par_iter().map(build).collect();
        for (place, built) in built {
            let built = built.map(|(node, warning)| {
                assembly.diagnostics.extend(warning.map(|warning| *warning));
                node
            });
            assembly.add(built, place);
        }
    }
}

fn of_entry<'f>(section: &'static str, entry: Entry<'f>, assembly: &mut Assembly<'_>, cases: &mut Cases<'f>) {
    let kind = match section {
        "models" => "model",
        "seeds" => "seed",
        _ => "snapshot",
    };
    let package = &entry.file.package.name;
    let target = |id: String, version: Option<Json>, assembly: &Assembly<'_>| {
        let id = NodeId::from(id);
        let node = assembly.nodes.get(&id).or_else(|| assembly.disabled.get(&id).and_then(|nodes| nodes.first()));
        Target {
            file: entry.file,
            section,
            entry: entry.name,
            table: None,
            version,
            group: node.and_then(|node| node.group.clone()),
            node: node.map(|_| id),
            tags: Vec::new(),
        }
    };
    // Complaints about versions were made when they were collected.
    let versions = if section == "models" { versions::of_entry(entry, &mut Vec::new()) } else { Vec::new() };
    if versions.is_empty() {
        let target = target(format!("{kind}.{package}.{}", entry.name), None, assembly);
        tests_of(entry.node, &target, cases);
        columns_of(entry.node, &target, cases);
        return;
    }
    for version in versions {
        let id = format!("model.{package}.{}.v{}", entry.name, versions::shown(&version.v));
        let target = target(id, Some(version.v.clone()), assembly);
        let own = version.node.get("tests").or_else(|| version.node.get("data_tests"));
        let has_own = own.is_some_and(|tests| tests.as_sequence().is_some());
        tests_of(if has_own { version.node } else { entry.node }, &target, cases);
        for column in versions::tested_columns(entry.node, version.node) {
            column_tests(column, &target, cases);
        }
    }
}

fn of_source<'f>(source: &Source<'f>, cases: &mut Cases<'f>) {
    let entry = source.entry;
    let tables = entry.node.get("tables").and_then(yaml::Node::as_sequence).unwrap_or_default();
    for table in tables {
        let Some(name) = table.get("name").and_then(yaml::Node::as_str) else { continue };
        let tags = source.table(name).map(|json| source.test_tags(json)).unwrap_or_default();
        let target = Target {
            file: entry.file,
            section: "sources",
            entry: entry.name,
            table: Some(name),
            version: None,
            node: None,
            group: None,
            tags,
        };
        for key in ["data_tests", "tests"] {
            listed_tests(source.written_in(table, key), key, &target, cases);
        }
        listed_columns(source.written_in(table, "columns"), &target, cases);
    }
}

fn columns_of<'f>(node: &'f yaml::Node, target: &Target<'f>, cases: &mut Cases<'f>) {
    listed_columns(node.get("columns"), target, cases);
}

fn listed_columns<'f>(list: Option<&'f yaml::Node>, target: &Target<'f>, cases: &mut Cases<'f>) {
    let Some(list) = list else { return };
    for column in cases.items(list, "columns", target).iter().filter_map(yaml::Node::as_mapping) {
        column_tests(column, target, cases);
    }
}

fn column_tests<'f>(column: &'f Mapping, target: &Target<'f>, cases: &mut Cases<'f>) {
    let Some(name) = column.get("name").map(yaml::Node::to_json) else { return };
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let quoted = column.get("quote").and_then(yaml::Node::as_bool) == Some(true);
    let mut tags = texts(column.get("tags").map(yaml::Node::to_json).as_ref());
    let of_config = column.get("config").and_then(|config| config.get("tags")).map(yaml::Node::to_json);
    tags.extend(texts(of_config.as_ref()));
    let tested = TestedColumn { name: if quoted { format!("\"{name}\"") } else { name }, tags };
    for key in ["data_tests", "tests"] {
        let tests = column.get(key).map(|list| cases.items(list, key, target)).unwrap_or_default();
        cases.all.extend(tests.iter().map(|test| TestCase {
            target: target.clone(),
            column: Some(tested.clone()),
            test,
        }));
    }
}

fn tests_of<'f>(node: &'f yaml::Node, target: &Target<'f>, cases: &mut Cases<'f>) {
    for key in ["data_tests", "tests"] {
        listed_tests(node.get(key), key, target, cases);
    }
}

fn listed_tests<'f>(list: Option<&'f yaml::Node>, key: &str, target: &Target<'f>, cases: &mut Cases<'f>) {
    let Some(list) = list else { return };
    let tests = cases.items(list, key, target);
    cases.all.extend(tests.iter().map(|test| TestCase { target: target.clone(), column: None, test }));
}

/// The tests that entries declare, and complaints about lists that are none.
#[derive(Default)]
struct Cases<'f> {
    all: Vec<TestCase<'f>>,
    complaints: Vec<Diagnostic>,
}

impl<'f> Cases<'f> {
    /// The items of a key's list; nothing when it is empty.
    fn items(&mut self, list: &'f yaml::Node, key: &str, target: &Target<'f>) -> &'f [yaml::Node] {
        if let Some(items) = list.as_sequence() {
            return items;
        }
        // Columns are told with the entry's shape.
        if !list.is_null() && key != "columns" {
            let message = format!("`{key}:` of `{}` takes a list, not {}", target.entry, list.value.kind());
            self.complaints.push(target.file.complaint(list, Code::InvalidProperty, message));
        }
        &[]
    }
}

/// Exposures, groups, unit tests and the semantic layer.
fn add_entries<'f>(assembly: &mut Assembly<'_>, context: &Context<'f>, properties: &Properties<'f>) {
    let place = |entry: &Entry<'_>| entry.place();
    for entry in &properties.exposures {
        assembly.add(exposures::build(entry, context), place(entry));
    }
    for entry in &properties.groups {
        assembly.add(other::group(entry, context), place(entry));
    }
    let mut models: HashMap<String, Vec<Tested>> = HashMap::new();
    let nodes = assembly.nodes.values().map(|node| (node, true));
    for (node, enabled) in nodes.chain(assembly.disabled.values().flatten().map(|node| (node, false))) {
        if let Detail::Model(model) = &node.detail {
            let named = models.entry(node.name.clone()).or_default();
            if !enabled && named.iter().any(|tested| tested.enabled) {
                continue;
            }
            named.push(Tested {
                unique_id: node.unique_id.clone(),
                schema: node.schema.clone(),
                version: model.version.clone(),
                enabled,
            });
        }
    }
    for entry in &properties.unit_tests {
        match unit_tests::build(entry, &models, context) {
            Ok(nodes) => nodes.into_iter().for_each(|node| assembly.add(Ok(node), place(entry))),
            Err(diagnostic) => assembly.diagnostics.push(*diagnostic),
        }
    }
    for (entry, built) in semantic::build(properties, context) {
        assembly.add(built, place(&entry));
    }
}

/// Entries that describe nothing.
fn report_unused(
    nodes: &NodeMap<Node>,
    disabled: &NodeMap<Vec<Node>>,
    failed: &[Failed],
    properties: &Properties<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let of_failed = failed.iter().map(|failed| (failed.package.as_str(), failed.name.as_str(), failed.kind));
    let all = || nodes.values().chain(disabled.values().flatten());
    let known: Known<'_> = all()
        .map(|node| (node.package_name.as_str(), node.name.as_str(), node.resource_type))
        .chain(of_failed)
        .collect();
    let lent: HashSet<(&str, &str)> =
        all().filter_map(|node| Some((node.patch_path.as_deref()?, node.name.as_str()))).collect();
    for (entries, kind, section) in [
        (&properties.models, ResourceType::Model, "models"),
        (&properties.seeds, ResourceType::Seed, "seeds"),
        (&properties.snapshots, ResourceType::Snapshot, "snapshots"),
        (&properties.analyses, ResourceType::Analysis, "analyses"),
    ] {
        let mut unused: Vec<&Entry<'_>> = entries
            .iter()
            .filter(|((package, name), entry)| {
                !known.contains(&(*package, *name, kind)) && !lent.contains(&(entry.file.patch_path().as_str(), *name))
            })
            .map(|(_, e)| e)
            .collect();
        unused.sort_by(|a, b| (&a.file.shown, a.node.line).cmp(&(&b.file.shown, b.node.line)));
        diagnostics.extend(unused.into_iter().map(|entry| unused_entry(entry, section, kind, &known)));
    }
    if failed.is_empty() {
        unused_versions(properties, &known_versions(nodes, disabled), diagnostics);
    }
}

type Known<'n> = HashSet<(&'n str, &'n str, ResourceType), FastHash>;

fn unused_entry(entry: &Entry<'_>, section: &str, kind: ResourceType, known: &Known<'_>) -> Diagnostic {
    let package = entry.file.package.name.as_str();
    let other =
        known.iter().find(|(of, name, _)| *of == package && *name == entry.name).map(|(_, _, kind)| kind.as_str());
    let (message, hint) = if let Some(other) = other {
        let message = format!("`{}` is described under `{section}:`, but it is a {other}", entry.name);
        (message, format!("move the entry below `{other}s:`"))
    } else {
        let names = known.iter().filter(|(of, _, found)| *of == package && *found == kind).map(|(_, name, _)| *name);
        let hint = match nearest(entry.name, names) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("remove the entry, or add the {} `{}`", kind.as_str(), entry.name),
        };
        (format!("nothing is called `{}`, which is described under `{section}:`", entry.name), hint)
    };
    let place = entry.node.get("name").unwrap_or(entry.node);
    shape::softened(entry.file.complaint(place, Code::UnusedPatch, message)).hint(hint)
}

/// Ids of versions that exist, disabled ones included.
fn known_versions<'n>(nodes: &'n NodeMap<Node>, disabled: &'n NodeMap<Vec<Node>>) -> HashSet<&'n str> {
    nodes.keys().chain(disabled.keys()).map(NodeId::as_str).collect()
}

fn unused_versions(properties: &Properties<'_>, known: &HashSet<&str>, diagnostics: &mut Vec<Diagnostic>) {
    for ((package, name), entry) in &properties.models {
        for version in versions::of_entry(*entry, &mut Vec::new()) {
            let shown = versions::shown(&version.v);
            if known.contains(format!("model.{package}.{name}.v{shown}").as_str()) {
                continue;
            }
            let file = version.node.get("defined_in").and_then(yaml::Node::as_str);
            let file = file.map_or_else(
                || format!("{name}_v{shown}.sql"),
                |stem| format!("{}.sql", stem.trim_end_matches(".sql")),
            );
            let message = format!("version {shown} of model `{name}` has no file: there is no {file}");
            let complaint = shape::softened(entry.file.complaint(version.node, Code::UnusedPatch, message));
            diagnostics.push(complaint.hint("add the file, name it with `defined_in:`, or remove the version"));
        }
    }
}

/// Every group that a node is in has to be declared.
fn unknown_groups(nodes: &NodeMap<Node>, place: &dyn Fn(&Node) -> Location, diagnostics: &mut Vec<Diagnostic>) {
    let of_kind = |kind| nodes.values().filter(move |node: &&Node| node.resource_type == kind);
    let groups: Vec<&str> = of_kind(ResourceType::Group).map(|node| node.name.as_str()).collect();
    for node in nodes.values().filter(|node| node.resource_type != ResourceType::Test) {
        let Some(group) = node.group.as_deref().filter(|group| !groups.contains(group)) else { continue };
        let message = format!("{} is in group `{group}`, which is not declared", node.unique_id);
        let hint = match nearest(group, groups.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("declare it in a property file: `groups: [{{name: {group}, owner: {{name: …}}}}]`"),
        };
        let (mut at, excerpt) = refs::line_of(node, group, place(node));
        if let Some((_, path)) =
            node.patch_path.as_deref().and_then(|path| path.split_once("://")).filter(|_| excerpt.is_none())
        {
            at = Location::file(path);
        }
        let complaint = Diagnostic::error(Code::InvalidProperty, message).at(at).hint(hint);
        diagnostics.push(Diagnostic { excerpt, ..complaint }.pointing());
    }
}

/// The renderer's macros with what property files say of them.
fn macros<'f>(
    context: &Context<'f>,
    properties: &Properties<'f>,
    diagnostics: &mut Vec<Diagnostic>,
) -> IndexMap<String, Macro> {
    let mut macros = context.renderer.macros().clone();
    let kept = context.root().flags.get("validate_macro_args") == Some(&Json::Bool(true));
    let of_tests: HashSet<(&str, &str)> = context
        .project
        .all_packages()
        .flat_map(|package| package.of_kind(FileKind::GenericTest).map(move |file| (&*package.name, &*file.path)))
        .collect();
    for found in macros.values_mut() {
        // Without the flag, dbt keeps only arguments that are described; it never reads those of tests in their folder.
        if !kept || of_tests.contains(&(&*found.package_name, &*found.original_file_path)) {
            found.arguments.clear();
        }
    }
    for ((package, name), entry) in &properties.macros {
        let Some(found) = macros.get_mut(&format!("macro.{package}.{name}")) else { continue };
        let json = match entry.render(context) {
            Ok(json) => json,
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                continue;
            }
        };
        let config = json.get("config").and_then(Json::as_object);
        found.patch_path = Some(entry.file.patch_path());
        found.description = json.get("description").and_then(Json::as_str).map(str::to_owned).unwrap_or_default();
        found.meta = json.get("meta").and_then(Json::as_object).cloned().unwrap_or_default();
        if let Some(Json::Object(meta)) = config.and_then(|config| config.get("meta")) {
            found.meta.extend(meta.clone());
        }
        let docs = config.and_then(|config| config.get("docs")).or_else(|| json.get("docs"));
        found.docs = docs.and_then(Json::as_object).cloned().unwrap_or_default();
        if let Some(list) = json.get("arguments").and_then(Json::as_array).filter(|list| !list.is_empty()) {
            found.arguments = list.iter().map(argument).collect();
        }
    }
    macros
}

fn argument(written: &Json) -> Json {
    let part = |key: &str| written.get(key).cloned().unwrap_or(Json::Null);
    let description = written.get("description").and_then(Json::as_str).unwrap_or_default();
    serde_json::json!({"name": part("name"), "type": part("type"), "description": description})
}
