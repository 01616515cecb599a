//! The plan as text, for `--dry-run`.

use super::{Action, Comparison, KeySource, Plan, Step};
use crate::model::{NodeId, Relation};

/// The plan in aligned lines: what is created, built, read from production and compared. Ends with a line break.
pub fn render(plan: &Plan) -> String {
    let (tests, builds): (Vec<&Step>, Vec<&Step>) = plan.steps.iter().partition(|step| step.action == Action::Test);
    let ids = |ids: &[NodeId]| ids.iter().map(|id| vec![id.to_string()]).collect::<Vec<_>>();
    let place = |(database, schema): &(Option<String>, String)| {
        vec![database.as_ref().map_or_else(|| schema.clone(), |database| format!("{database}.{schema}"))]
    };
    let deferred =
        |id: &NodeId| vec![id.to_string(), plan.relations.get(id).map(ToString::to_string).unwrap_or_default()];
    let sections: [(&str, Vec<Vec<String>>); 8] = [
        ("create schemas", plan.schemas.iter().map(place).collect()),
        ("on-run-start", ids(&plan.on_run_start)),
        ("build", builds.into_iter().map(build_line).collect()),
        ("test", tests.into_iter().map(|step| vec![step.unique_id.to_string()]).collect()),
        ("cannot test", plan.left_out.iter().map(|(id, reason)| vec![id.to_string(), reason.clone()]).collect()),
        ("read from production", plan.deferred.iter().map(deferred).collect()),
        ("compare", plan.comparisons.iter().map(compare_line).collect()),
        ("on-run-end", ids(&plan.on_run_end)),
    ];
    let mut text = String::new();
    for (title, rows) in &sections {
        section(&mut text, title, rows);
    }
    if text.is_empty() { "nothing to do\n".to_owned() } else { text }
}

fn build_line(step: &Step) -> Vec<String> {
    let action = match step.action {
        Action::Model => "model",
        Action::Seed => "seed",
        Action::Snapshot => "snapshot",
        Action::Test => "test",
    };
    let relation = step.relation.as_ref().map(ToString::to_string).unwrap_or_default();
    vec![action.to_owned(), step.unique_id.to_string(), relation]
}

fn compare_line(comparison: &Comparison) -> Vec<String> {
    let name =
        |relation: &Option<Relation>, missing: &str| relation.as_ref().map_or(missing.to_owned(), ToString::to_string);
    let keys: Vec<String> =
        comparison.keys.iter().map(|key| format!("{} ({})", key.columns.join(", "), source_name(key.source))).collect();
    let keys = if keys.is_empty() { "whole rows".to_owned() } else { format!("by {}", keys.join(", or by ")) };
    vec![
        name(&comparison.relation.baseline, "(new)"),
        format!("→ {}", name(&comparison.relation.current, "(gone)")),
        keys,
    ]
}

fn source_name(source: KeySource) -> &'static str {
    match source {
        KeySource::UniqueKey => "unique_key",
        KeySource::Constraint => "primary key",
        KeySource::Tests => "unique and not_null tests",
        KeySource::UniqueCombination => "unique combination test",
        KeySource::Meta => "meta.slimdiff.key",
        KeySource::CommandLine => "given",
    }
}

/// A heading with its count, and rows whose columns stand below each other.
fn section(text: &mut String, title: &str, rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.extend([title, " (", &rows.len().to_string(), ")\n"]);
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.extend(["  ", line.trim_end(), "\n"]);
    }
}
