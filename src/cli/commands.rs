//! dbt's commands: parse, compile, show and the building ones.

use serde_json::json;

use super::Exit;
use super::args::{BuildArgs, CompileArgs, SelectArgs, ShowArgs, ShowOutput, StateArgs};
use super::invoke::Session;
use super::output::{Failure, draw, print};
use crate::artifacts;
use crate::build::{BuildOutcome, Compiled};
use crate::model::{NodeId, NodeStatus, ResourceType, nearest};
use crate::pipeline::{self, BuildRequest, Built, CompileRequest, DeferRequest, Loaded};
use crate::plan::Command;
use crate::select::{Earlier, Indirect, Request};

/// Parses the project and writes its manifest.
pub(super) fn parse(session: &Session) -> Result<Exit, Failure> {
    let loaded = session.load()?;
    let path = loaded.target_path.join("manifest.json");
    artifacts::write_manifest(&loaded.manifest, &path)?;
    session.wrote(&path);
    leave_to_the_system(loaded);
    Ok(Exit::Clean)
}

/// Keeps what was loaded until the process ends: giving back a hundred thousand small pieces one by one takes as long as
/// a twentieth of the parse.
pub(super) fn leave_to_the_system(loaded: Loaded) {
    std::mem::forget(loaded);
}

impl SelectArgs {
    /// Whether nodes were named, by any name of the flag.
    fn names_nodes(&self) -> bool {
        !self.select.is_empty() || !self.models.is_empty()
    }
}

/// What was typed about nodes, as a request.
pub(super) fn request(args: &SelectArgs, loaded: &Loaded) -> Result<Request, Failure> {
    Ok(Request {
        select: [args.select.as_slice(), &args.models].concat(),
        exclude: args.exclude.clone(),
        selector: args.selector.clone(),
        resource_types: resource_types(&args.resource_type, &["default", "all"])?,
        exclude_resource_types: resource_types(&args.exclude_resource_type, &[])?,
        indirect: indirect(args, loaded)?,
        earlier: Earlier::default(),
    })
}

/// The types of dbt's words; `all`, and `default` for all but analyses, where they are allowed.
fn resource_types(words: &[String], groups: &[&'static str]) -> Result<Vec<ResourceType>, Failure> {
    let mut types = Vec::new();
    for word in words.iter().map(String::as_str) {
        let known = || ResourceType::selectable().map(ResourceType::as_str).chain(groups.iter().copied());
        let kind = ResourceType::parse(word).filter(|kind| known().any(|word| word == kind.as_str()));
        match (kind, word) {
            (Some(kind), _) => types.push(kind),
            (None, "all") if groups.contains(&"all") => types.extend(ResourceType::selectable()),
            (None, "default") if groups.contains(&"default") => types.extend(default_types()),
            (None, _) => {
                let hint = match nearest(&word.to_lowercase(), known()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("use {}", known().collect::<Vec<_>>().join(", ")),
                };
                return Err(Failure::usage(format!("`{word}` is not a resource type"), hint));
            }
        }
    }
    Ok(types)
}

/// What `ls` lists unless it is told otherwise.
pub(super) fn default_types() -> impl Iterator<Item = ResourceType> {
    ResourceType::selectable().filter(|kind| *kind != ResourceType::Analysis)
}

/// Which tests come along: as typed, else as `flags:` of dbt_project.yml says.
fn indirect(args: &SelectArgs, loaded: &Loaded) -> Result<Indirect, Failure> {
    let flag = loaded.project.root.flags.get("indirect_selection").and_then(serde_json::Value::as_str);
    let Some(word) = args.indirect_selection.as_deref().or(flag) else { return Ok(Indirect::default()) };
    Indirect::parse(word).ok_or_else(|| {
        Failure::usage(format!("`{word}` is not a way of selecting tests"), "use eager, cautious, buildable or empty")
    })
}

/// What was typed about production's manifest.
pub(super) fn defer(args: &StateArgs) -> DeferRequest {
    DeferRequest {
        state: args.state.clone(),
        defer_state: args.defer_state.clone(),
        defer: args.defer && !args.no_defer,
        favor_state: args.favor_state,
    }
}

/// `build` and its parts.
pub(super) async fn build(session: &Session, args: &BuildArgs) -> Result<Exit, Failure> {
    let command = match session.invocation.which {
        "seed" => Command::Seed,
        "snapshot" => Command::Snapshot,
        "run" => Command::Run,
        "test" => Command::Test,
        _ => Command::Build,
    };
    let loaded = session.load_with_state(args.state.state.as_deref())?;
    artifacts::write_manifest(&loaded.manifest, &loaded.target_path.join("manifest.json"))?;
    let request = BuildRequest {
        command,
        select: request(&args.select, &loaded)?,
        defer: defer(&args.state),
        fail_fast: args.fail_fast,
        dry_run: args.dry_run,
    };
    match pipeline::build(&session.invocation, &loaded, &request).await? {
        Built::Planned { text } => {
            print(&text);
            Ok(Exit::Clean)
        }
        Built::Done { outcome } => {
            write_what_ran(&loaded, &outcome)?;
            session.ui.finish();
            if !session.quiet {
                print(&summary(&outcome));
            }
            Ok(exit(&outcome))
        }
    }
}

/// Writes the manifest once more, with the code that ran: whoever compares with it knows what the models were compiled to.
pub(super) fn write_what_ran(loaded: &Loaded, outcome: &BuildOutcome) -> Result<(), Failure> {
    let compiled: Vec<(&NodeId, Compiled)> = outcome
        .results
        .iter()
        .filter_map(|result| {
            let code = result.compiled_code.clone()?;
            Some((&result.unique_id, Compiled { code, path: None, ctes: Vec::new() }))
        })
        .collect();
    let compiled = compiled.iter().map(|(id, compiled)| (*id, compiled));
    artifacts::write_compiled_manifest(&loaded.manifest, compiled, &loaded.target_path.join("manifest.json"))?;
    Ok(())
}

/// The exit code of a build.
fn exit(outcome: &BuildOutcome) -> Exit {
    if outcome.cancelled {
        Exit::Interrupted
    } else if outcome.results.iter().any(|result| matches!(result.status, NodeStatus::Error | NodeStatus::Fail)) {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

/// dbt's closing line, so that scripts that look for it find it.
fn summary(outcome: &BuildOutcome) -> String {
    let count = |wanted: &[NodeStatus]| outcome.results.iter().filter(|result| wanted.contains(&result.status)).count();
    format!(
        "Done. PASS={} WARN={} ERROR={} SKIP={} TOTAL={} in {:.2} s",
        count(&[NodeStatus::Success, NodeStatus::Pass]),
        count(&[NodeStatus::Warn]),
        count(&[NodeStatus::Error, NodeStatus::Fail]),
        count(&[NodeStatus::Skipped, NodeStatus::Cancelled]),
        outcome.results.len(),
        outcome.elapsed.as_secs_f64()
    )
}

/// Compiles nodes or a query.
pub(super) async fn compile(session: &Session, args: &CompileArgs) -> Result<Exit, Failure> {
    let loaded = session.load()?;
    artifacts::write_manifest(&loaded.manifest, &loaded.target_path.join("manifest.json"))?;
    let printed = args.inline.is_some() || args.select.names_nodes();
    let mut select = request(&args.select, &loaded)?;
    if printed && args.select.indirect_selection.is_none() {
        select.indirect = Indirect::Empty;
    }
    let request = CompileRequest { select, inline: args.inline.clone(), defer: defer(&args.state) };
    let outcome = pipeline::compile(&session.invocation, &loaded, &request).await?;
    let compiled = &outcome.nodes;
    if args.inline.is_none() {
        let nodes = compiled.iter().map(|node| (&node.unique_id, &node.compiled));
        artifacts::write_compiled_manifest(&loaded.manifest, nodes, &loaded.target_path.join("manifest.json"))?;
    }
    session.ui.finish();
    for node in compiled.iter().filter(|_| printed) {
        match args.output {
            ShowOutput::Json => print(&json!({"node": node.name, "compiled": node.compiled.code}).to_string()),
            ShowOutput::Text if compiled.len() == 1 => print(&node.compiled.code),
            ShowOutput::Text => print(&format!("-- {}\n{}\n", node.unique_id, node.compiled.code.trim_end())),
        }
    }
    for failure in &outcome.failures {
        session.ui.error(&failure.to_string(), failure.hint().as_deref());
    }
    Ok(if outcome.failures.is_empty() { Exit::Clean } else { Exit::Findings })
}

/// Shows the first rows of nodes or of a query.
pub(super) async fn show(session: &Session, args: &ShowArgs) -> Result<Exit, Failure> {
    if !args.select.names_nodes() && args.inline.is_none() {
        return Err(Failure::usage("nothing to show", "name a node with `--select`, or give a query with `--inline`"));
    }
    let loaded = session.load()?;
    // As in dbt, a model's tests do not come along: they are shown when they are named.
    let select = Request { indirect: Indirect::Empty, ..request(&args.select, &loaded)? };
    let request = CompileRequest { select, inline: args.inline.clone(), defer: defer(&args.state) };
    let limit = u64::try_from(args.limit).ok();
    let shown = pipeline::show(&session.invocation, &loaded, &request, limit).await?;
    session.ui.finish();
    if shown.is_empty() {
        return Err(Failure::usage("no node is selected that has rows to show", "name a model, a seed or a snapshot"));
    }
    for (name, table) in &shown {
        match args.output {
            ShowOutput::Json => {
                let rows: Vec<_> = table.rows.iter().map(|row| row_json(table, row)).collect();
                print(&json!({"node": name, "show": rows}).to_string());
            }
            ShowOutput::Text => {
                if shown.len() > 1 {
                    print(&format!("{name}:"));
                }
                print(&session.ui.scrub(&draw(table)));
            }
        }
    }
    Ok(Exit::Clean)
}

fn row_json(table: &crate::model::Table, row: &[crate::model::Value]) -> serde_json::Value {
    let pairs = table.columns.iter().zip(row).map(|(column, value)| (column.name.clone(), value_json(value)));
    serde_json::Value::Object(pairs.collect())
}

fn value_json(value: &crate::model::Value) -> serde_json::Value {
    use crate::model::Value as V;
    match value {
        V::Null => serde_json::Value::Null,
        V::Bool(b) => json!(b),
        V::Int(i) => i64::try_from(*i).map_or_else(|_| json!(i.to_string()), |i| json!(i)),
        V::Float(f) if f.is_finite() => json!(f),
        V::Json(document) => document.clone(),
        V::List(items) => items.iter().map(value_json).collect(),
        V::Struct(fields) => {
            serde_json::Value::Object(fields.iter().map(|(name, value)| (name.clone(), value_json(value))).collect())
        }
        // Decimals keep their digits as text; so do times.
        other => json!(other.to_string()),
    }
}
