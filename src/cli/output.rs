//! What goes to standard output, and how an error becomes a message and an exit code.

use std::io::{IsTerminal, Write};

use comfy_table::{Cell, ContentArrangement, Table as Drawing, presets};

use super::Exit;
use crate::model::{Table, Value};
use crate::project::deps;
use crate::{artifacts, build, pipeline, project, publish, warehouse};

/// A run that could not do what it was asked: what is said, what to do, and the exit code.
#[derive(Debug)]
pub(super) struct Failure {
    pub exit: Exit,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    /// A mistake in how slimdiff was called.
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), hint: Some(hint.into()) }
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        Self { exit: classify(&error), message: error.to_string(), hint: error.hint() }
    }
}

impl From<publish::Error> for Failure {
    fn from(error: publish::Error) -> Self {
        Self { exit: Exit::Publish, message: error.to_string(), hint: error.hint() }
    }
}

impl From<artifacts::Error> for Failure {
    fn from(error: artifacts::Error) -> Self {
        Self { exit: Exit::Usage, message: error.to_string(), hint: None }
    }
}

/// The one place where errors become exit codes.
fn classify(error: &pipeline::Error) -> Exit {
    use pipeline::Error as E;
    if error.is_stopped() {
        return Exit::Interrupted;
    }
    match error {
        E::Project(error) | E::Deps(deps::Error::Project(error)) => of_project(error),
        E::Config(_)
        | E::Select(_)
        | E::Usage { .. }
        | E::Write { .. }
        | E::Deps(_)
        | E::Warehouse(warehouse::Error::Unsupported { .. } | warehouse::Error::NoConnection { .. }) => Exit::Usage,
        E::Unparsable { .. } | E::Plan(_) | E::Build(build::Error::UnknownNode { .. }) => Exit::Project,
        E::Node { .. } => Exit::Findings,
        E::Baseline(_) | E::State(_) => Exit::Baseline,
        E::Warehouse(_) | E::CannotCompare { .. } | E::Environment(_) | E::Build(build::Error::Warehouse { .. }) => {
            Exit::Warehouse
        }
    }
}

/// A dbt_project.yml that is not YAML is the project's fault; a profiles.yml is the runner's, as all the rest is.
fn of_project(error: &project::Error) -> Exit {
    let place = match error {
        project::Error::Invalid(diagnostic) => diagnostic.location.as_ref(),
        _ => return Exit::Usage,
    };
    let is_profile = place.is_some_and(|place| place.path.ends_with("profiles.yml"));
    if is_profile { Exit::Usage } else { Exit::Project }
}

/// Writes to standard output. A reader that went away (`| head`) is no error.
pub(super) fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stdout.write_all(b"\n");
    }
    let _ = stdout.flush();
}

/// Columns of the terminal behind standard output, 100 when it is none; and whether to color.
pub(super) fn terminal() -> (usize, bool) {
    let is_terminal = std::io::stdout().is_terminal();
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    (width.unwrap_or(100), is_terminal && std::env::var_os("NO_COLOR").is_none())
}

/// A table without rows yet, as wide as they are.
pub(super) fn drawing(header: impl IntoIterator<Item = impl Into<Cell>>) -> Drawing {
    let mut drawing = Drawing::new();
    drawing.load_style(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    drawing.set_header(header.into_iter().map(Into::into).collect::<Vec<Cell>>());
    drawing
}

/// Rows as an aligned table.
pub(super) fn draw(table: &Table) -> String {
    let mut drawing = drawing(table.columns.iter().map(|column| one_line(&column.name)));
    for row in &table.rows {
        drawing.add_row(row.iter().map(|value| one_line(&value.to_string())));
    }
    for (index, _) in table.columns.iter().enumerate() {
        let numeric = table.rows.iter().all(|row| {
            matches!(row.get(index), Some(Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::Null))
        });
        if let Some(column) = drawing.column_mut(index).filter(|_| numeric && !table.rows.is_empty()) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    drawing.to_string()
}

fn one_line(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r")
}
