//! `lineage`: what columns are computed from, and what is computed from them.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::commands::leave_to_the_system;
use super::invoke::Session;
use super::output::{Failure, print, terminal};
use crate::lineage::{Followed, How, NodeLineage, ProjectLineage, Reached};
use crate::{pipeline, report};

#[derive(Debug, Args)]
pub(super) struct LineageArgs {
    /// A node, by name or unique id, or one of its columns: `orders`, `orders.amount`. All models without it.
    #[arg(value_name = "NODE[.COLUMN]")]
    pub what: Option<String>,
    /// Show all that the column is computed from, down to sources.
    #[arg(long, conflicts_with = "downstream")]
    pub upstream: bool,
    /// Show all that is computed from the column.
    #[arg(long)]
    pub downstream: bool,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: LineageOutput,
}

/// Formats of `lineage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LineageOutput {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Prints the lineage of a project, a node or a column.
pub(super) async fn lineage(session: &Session, args: &LineageArgs) -> Result<Exit, Failure> {
    let loaded = session.load()?;
    let lineage = pipeline::lineage(&session.invocation, &loaded).await?;
    session.ui.finish();
    let text = match &args.what {
        None if args.upstream || args.downstream => {
            return Err(Failure::usage("nothing to follow", "name a column, e.g. `orders.amount`"));
        }
        None => project(&lineage, args.output),
        Some(what) => {
            let (node, column) = find(&lineage, what)?;
            match column {
                None if args.upstream || args.downstream => whole_node(&lineage, node, args),
                None => of_node(node, args.output),
                Some(column) => {
                    let reached = if args.downstream {
                        lineage.downstream(node.unique_id.as_str(), &column)
                    } else {
                        lineage.upstream(node.unique_id.as_str(), &column)
                    };
                    traced(&reached, args.output)
                }
            }
        }
    };
    print(&session.ui.scrub(&text));
    leave_to_the_system(loaded);
    Ok(Exit::Clean)
}

/// The node and the column that were typed.
fn find<'l>(lineage: &'l ProjectLineage, what: &str) -> Result<(&'l NodeLineage, Option<String>), Failure> {
    let named = |name: &str| -> Vec<&NodeLineage> {
        let exact = lineage.nodes.get(name);
        let fits = |node: &&NodeLineage| {
            let id = node.unique_id.as_str();
            exact.is_none() && (node.name == name || id.ends_with(&format!(".{name}")))
        };
        exact.into_iter().chain(lineage.nodes.values().filter(fits)).collect()
    };
    let whole = named(what);
    let (found, column) = match what.rsplit_once('.') {
        Some((node, column)) if whole.is_empty() => (named(node), Some(column.to_owned())),
        _ => (whole, None),
    };
    match (found.as_slice(), column) {
        ([], _) => {
            let message = format!("no model, snapshot, seed or source is named `{what}`");
            Err(Failure::usage(message, "list them with `slimdiff ls`"))
        }
        ([node], Some(column)) if node.lineage.complete && node.lineage.column(&column).is_none() => {
            let names: Vec<&str> = node.lineage.columns.iter().map(|column| &*column.name).collect();
            let message = format!("{} has no column `{column}`", node.unique_id);
            Err(Failure::usage(message, format!("its columns are {}", names.join(", "))))
        }
        ([node], column) => Ok((node, column)),
        (several, _) => {
            let ids: Vec<&str> = several.iter().map(|node| node.unique_id.as_str()).collect();
            let message = format!("`{what}` is the name of {} nodes", several.len());
            Err(Failure::usage(message, format!("use a unique id: {}", ids.join(", "))))
        }
    }
}

/// Rows as the other commands draw them; `numbers` are the columns that are set to the right.
fn table(header: &[&str], rows: Vec<Vec<String>>, numbers: &[usize]) -> String {
    report::aligned(header, rows, numbers, terminal().0)
}

/// Every model with how far it could be followed.
fn project(lineage: &ProjectLineage, output: LineageOutput) -> String {
    if output == LineageOutput::Json {
        return serde_json::to_string_pretty(lineage).unwrap_or_default();
    }
    let mut rows = Vec::new();
    let mut counts = [0_usize; 3];
    for node in lineage.nodes.values() {
        let Some(followed) = node.followed else { continue };
        let (at, word) = match followed {
            Followed::Fully => (0, "fully"),
            Followed::Partly => (1, "partly"),
            Followed::Not => (2, "not"),
        };
        counts[at] += 1;
        let why = node.lineage.gaps.first().map(ToString::to_string).unwrap_or_default();
        let columns = node.lineage.columns.len().to_string();
        rows.push(vec![short(node.unique_id.as_str()).to_owned(), columns, word.to_owned(), why]);
    }
    let [fully, partly, not] = counts;
    let drawn = table(&["Node", "Columns", "Followed", "Why not"], rows, &[1]);
    format!("{drawn}\n\n{fully} followed fully, {partly} partly, {not} not at all")
}

fn of_node(node: &NodeLineage, output: LineageOutput) -> String {
    if output == LineageOutput::Json {
        return serde_json::to_string_pretty(node).unwrap_or_default();
    }
    let mut rows = Vec::new();
    for column in &node.lineage.columns {
        let mut from: Vec<String> =
            column.origins.iter().map(|origin| format!("{}.{}", short(&origin.relation), origin.column)).collect();
        from.extend(column.gaps.iter().map(|gap| format!("? {gap}")));
        let how = if node.followed.is_none() { "stored" } else { column.how.as_str() };
        rows.push(vec![column.name.to_string(), how.to_owned(), from.join(", ")]);
    }
    let mut text = format!("{}\n{}\n", node.unique_id, table(&["Column", "How", "From"], rows, &[]));
    if !node.lineage.complete {
        text.push_str("\nThere may be more columns.\n");
    }
    if !node.lineage.rows.is_empty() {
        text.push_str("\nIts rows are decided by\n");
    }
    for rule in &node.lineage.rows {
        let line = rule.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let shown = rule.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "- {}{line}: {shown}", rule.rule.as_str());
    }
    for gap in &node.lineage.gaps {
        let _ = writeln!(text, "\nnot followed: {gap}");
    }
    text
}

/// All columns of a node, each with what it reaches.
fn whole_node(lineage: &ProjectLineage, node: &NodeLineage, args: &LineageArgs) -> String {
    let tracer = lineage.tracer();
    let id = node.unique_id.as_str();
    let columns = node.lineage.columns.iter().map(|column| {
        let found =
            if args.downstream { tracer.downstream(id, &column.name) } else { tracer.upstream(id, &column.name) };
        (column, found)
    });
    if args.output == LineageOutput::Json {
        let columns: Vec<_> =
            columns.map(|(column, reached)| json!({"column": column.name, "reached": reached})).collect();
        return serde_json::to_string_pretty(&columns).unwrap_or_default();
    }
    let mut rows = Vec::new();
    for (column, reached) in columns {
        for step in reached {
            let how = step.how.map_or("rows", How::as_str);
            rows.push(vec![column.name.to_string(), place(&step), how.to_owned(), step.distance.to_string()]);
        }
    }
    table(&["Column", if args.downstream { "Reaches" } else { "Comes from" }, "How", "Steps"], rows, &[3])
}

fn traced(reached: &[Reached], output: LineageOutput) -> String {
    if output == LineageOutput::Json {
        return serde_json::to_string_pretty(reached).unwrap_or_default();
    }
    if reached.is_empty() {
        return "nothing".to_owned();
    }
    let mut rows = Vec::new();
    for step in reached {
        let how = step.how.map_or("decides its rows", How::as_str);
        let between = step.path.iter().skip(1).take(step.path.len().saturating_sub(2));
        let path: Vec<&str> = between.map(|place| short(place.node.as_str())).collect();
        rows.push(vec![step.distance.to_string(), place(step), how.to_owned(), path.join(" → ")]);
    }
    table(&["Steps", "Column", "How", "Path"], rows, &[0])
}

fn place(step: &Reached) -> String {
    let node = short(step.place.node.as_str());
    step.place.column.as_deref().map_or_else(|| node.to_owned(), |column| format!("{node}.{column}"))
}

/// The last part of a unique id; of a source, its source too.
fn short(id: &str) -> &str {
    match id.split_once('.') {
        Some(("model" | "seed" | "snapshot" | "source", rest)) => rest.split_once('.').map_or(rest, |(_, name)| name),
        _ => id,
    }
}
