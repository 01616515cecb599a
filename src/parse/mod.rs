//! The parse: from a project's files to the manifest. Never needs a database.
//!
//! Files are read into drafts, every draft becomes a node on its own (in parallel), and only then are references
//! resolved.

mod assemble;
mod columns;
mod config;
mod config_types;
mod context;
mod contract;
mod docs;
mod draft;
mod excerpts;
mod exposures;
mod external_location;
mod foreseen;
mod generic_test;
mod graph;
mod hooks;
mod interner;
mod misplaced;
mod names;
mod node;
mod other;
mod primary_key;
mod properties;
mod python;
mod python_text;
mod refs;
mod selectors;
mod semantic;
mod shape;
mod sources;
mod test_name;
#[cfg(test)]
mod tests;
mod unit_tests;
mod unused_paths;
mod versions;

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::graph::Dag;
use crate::jinja::{self, Env, MacroSource, Renderer, Setup};
pub use crate::model::DBT_VERSION;
use crate::model::{Diagnostic, JsonMap, Manifest, Metadata, NodeId, Quoting};
use crate::project::{FileKind, Project, SourceFile};

/// The schema of the manifests that we write.
const SCHEMA_VERSION: &str = "https://schemas.getdbt.com/dbt/manifest/v12.json";

/// What a parse is told besides the project.
#[derive(Debug, Clone, Default)]
pub struct ParseOptions {
    /// What `target` shows.
    pub target_public: JsonMap,
    /// The default database.
    pub database: String,
    /// The default schema.
    pub schema: String,
    /// The environment that templates may read.
    pub env: Env,
    /// The run's id.
    pub invocation_id: String,
    /// When the run began.
    pub run_started_at: DateTime<Utc>,
    /// What `flags` shows.
    pub flags: JsonMap,
    /// What `invocation_args_dict` shows.
    pub invocation_args: JsonMap,
    /// Whether seeds over 1 MiB are read to the end, to be compared by what is in them.
    pub large_seeds: bool,
}

impl ParseOptions {
    /// For the target of the project's profile, with nothing else given.
    pub fn of(project: &Project) -> Self {
        let profile = &project.profile;
        Self {
            target_public: profile.public_target(),
            database: profile.database(),
            schema: profile.schema().to_owned(),
            ..Self::default()
        }
    }
}

/// What a parse makes.
#[derive(Debug)]
pub struct Parsed {
    /// The manifest. Complete also when there are errors: what could not be parsed is missing in it.
    pub manifest: Manifest,
    /// The graph of its nodes; none when they depend on each other in a circle, which is then an error.
    pub dag: Option<Dag<NodeId>>,
    /// The compiled macros, for rendering at execution.
    pub renderer: Arc<Renderer>,
    /// Everything there is to say about the project, errors first found first.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses the project.
pub fn parse(project: &Project, options: ParseOptions) -> Parsed {
    let (renderer, mut diagnostics) = Renderer::new(setup(project, &options), macro_sources(project));
    let renderer = Arc::new(renderer);
    misplaced::blocks(project, &mut diagnostics);
    let docs = docs::collect(project, &mut diagnostics);
    let files = properties::read(project, &mut diagnostics);
    let metadata = metadata(project, &options);
    let context = context::Context::new(project, options, &renderer, &docs);
    let properties = properties::collect(&files, &mut diagnostics);
    let (manifest, dag) = assemble::assemble(&context, &properties, docs, metadata, &mut diagnostics);
    excerpts::add(project, &mut diagnostics);
    Parsed { manifest, dag, renderer, diagnostics }
}

fn metadata(project: &Project, options: &ParseOptions) -> Metadata {
    let quoting = quoting(project);
    Metadata {
        schema_version: SCHEMA_VERSION.to_owned(),
        dbt_version: DBT_VERSION.to_owned(),
        project_name: project.root.name.clone(),
        adapter_type: project.profile.adapter_type().to_owned(),
        generated_at: options.run_started_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        invocation_id: options.invocation_id.clone(),
        quoting: [
            ("database", Some(quoting.database)),
            ("schema", Some(quoting.schema)),
            ("identifier", Some(quoting.identifier)),
            ("column", None),
        ]
        .into_iter()
        .map(|(part, quoted)| (part.to_owned(), quoted.into()))
        .collect(),
    }
}

/// The engine's default, part by part overruled by `quoting:` of the root project.
fn quoting(project: &Project) -> Quoting {
    let default = Quoting::of_adapter(project.profile.adapter_type());
    let part =
        |name: &str, default| project.root.quoting.get(name).and_then(serde_json::Value::as_bool).unwrap_or(default);
    Quoting {
        database: part("database", default.database),
        schema: part("schema", default.schema),
        identifier: part("identifier", default.identifier),
        ..default
    }
}

fn setup(project: &Project, options: &ParseOptions) -> Setup {
    Setup {
        project_name: project.root.name.clone(),
        packages: project.all_packages().map(|package| package.name.clone()).collect(),
        package_versions: project
            .all_packages()
            .filter_map(|package| Some((package.name.clone(), package.version.clone()?)))
            .collect(),
        adapter_type: project.profile.adapter_type().to_owned(),
        target: options.target_public.clone(),
        vars: project.vars.clone(),
        env: options.env.clone(),
        dispatch: project.root.dispatch.clone(),
        flags: options.flags.clone(),
        invocation_args: options.invocation_args.clone(),
        dbt_version: DBT_VERSION.to_owned(),
        invocation_id: options.invocation_id.clone(),
        run_started_at: options.run_started_at,
        quoting: quoting(project),
    }
}

fn macro_sources(project: &Project) -> Vec<MacroSource> {
    let mut sources = Vec::new();
    for package in project.all_packages() {
        let source = |path: &str, contents: String| MacroSource {
            package: package.name.clone(),
            path: path.to_owned(),
            contents,
        };
        sources.extend(package.of_kind(FileKind::Macro).map(|file| source(&file.path, file.contents.to_string())));
        sources.extend(package.of_kind(FileKind::GenericTest).map(|file| source(&file.path, only_tests(file))));
    }
    sources
}

/// The test blocks of a file at their lines: dbt reads nothing else in the folder of generic tests.
fn only_tests(file: &SourceFile) -> String {
    // What does not parse is reported by the renderer.
    let Ok(blocks) = jinja::blocks(&file.contents, &file.path) else { return file.contents.to_string() };
    let is_test = |block: &jinja::Block| matches!(block.kind.as_str(), "test" | "data_test");
    if blocks.iter().all(is_test) {
        return file.contents.to_string();
    }
    let mut out = String::new();
    let mut line = 1;
    for block in blocks.into_iter().filter(is_test) {
        while line < block.line {
            out.push('\n');
            line += 1;
        }
        line += u32::try_from(block.full.matches('\n').count()).unwrap_or(0);
        out.push_str(&block.full);
    }
    out
}
