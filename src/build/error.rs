//! What stops a build ([`Error`]), and what stops one node of it ([`Failure`]).

use std::path::PathBuf;

use crate::model::{Code, Diagnostic};
use crate::warehouse;

/// What stops the whole build: the warehouse is gone, or no node can be worked on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The warehouse could not be reached, was lost, or refused the schema.
    #[error("cannot {doing}: {source}")]
    Warehouse {
        /// What was being done, e.g. `create schema pr_7`.
        doing: String,
        /// What the warehouse said.
        source: warehouse::Error,
    },
    /// The plan names a node that the manifest does not have.
    #[error("the plan wants {unique_id}, which the project does not have")]
    UnknownNode {
        /// Which.
        unique_id: String,
    },
}

/// What stops one node. Its `Display` is the message of the node's result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The project is at fault: Jinja failed, a contract is broken, something is not supported.
    #[error("{}{}", .0.details(), .0.hint.as_ref().map(|hint| format!("\n  help: {hint}")).unwrap_or_default())]
    Project(Box<Diagnostic>),
    /// The database refused a statement.
    #[error("{source}{}", place.as_ref().map(|place| format!("\n  compiled code at {place}")).unwrap_or_default())]
    Database {
        /// What it said.
        source: warehouse::Error,
        /// The compiled file, with the line where the database pointed to one.
        place: Option<String>,
    },
    /// A file of the target folder could not be written, or a seed's could not be read.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A worker thread died, which is a bug of ours.
    #[error("internal error: a worker stopped while it worked on {unique_id}")]
    Worker {
        /// On which node.
        unique_id: String,
    },
    /// Cancelled by us.
    #[error("cancelled")]
    Cancelled,
}

impl Failure {
    /// Something of dbt that slimdiff does not do, met in `path`.
    pub(crate) fn unsupported(message: impl Into<String>, path: &str, hint: &str) -> Self {
        let diagnostic = Diagnostic::error(Code::Unsupported, message).at(crate::model::Location::file(path));
        Self::Project(Box::new(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) }))
    }

    /// A configuration that cannot be built, met in `path`.
    pub(crate) fn invalid(message: impl Into<String>, path: &str) -> Self {
        let diagnostic = Diagnostic::error(Code::InvalidProperty, message);
        Self::Project(Box::new(diagnostic.at(crate::model::Location::file(path))))
    }

    /// The diagnostic, where the project is at fault.
    pub fn diagnostic(&self) -> Option<&Diagnostic> {
        match self {
            Self::Project(diagnostic) => Some(diagnostic),
            _ => None,
        }
    }

    /// The same with the place of the compiled code: a statement's line is translated to the file's when the statement
    /// holds the code as it is in the file.
    pub(crate) fn in_compiled(self, code: &str, path: Option<&str>) -> Self {
        let (Self::Database { source, place: None }, Some(path)) = (&self, path) else { return self };
        let line = match source {
            warehouse::Error::Statement { sql, line: Some(line), .. } => line_in(code, sql, *line),
            _ => None,
        };
        let place = line.map_or_else(|| path.to_owned(), |line| format!("{path}:{line}"));
        match self {
            Self::Database { source, .. } => Self::Database { source, place: Some(place) },
            other => other,
        }
    }
}

/// The line of `code` that is line `line` of `statement`, which holds `code` somewhere.
fn line_in(code: &str, statement: &str, line: u32) -> Option<u32> {
    let at = statement.find(code.trim())?;
    let before = u32::try_from(statement[..at].matches('\n').count()).ok()?;
    let leading = code.len() - code.trim_start().len();
    let skipped = u32::try_from(code[..leading].matches('\n').count()).ok()?;
    let lines = u32::try_from(code.lines().count()).ok()?;
    let line = line.checked_sub(before).filter(|line| *line > 0)? + skipped;
    (1..=lines).contains(&line).then_some(line)
}

impl From<warehouse::Error> for Failure {
    fn from(source: warehouse::Error) -> Self {
        match source {
            warehouse::Error::Cancelled => Self::Cancelled,
            source => Self::Database { source, place: None },
        }
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Project(diagnostic)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, line_in};
    use crate::warehouse;

    #[test]
    fn a_statements_line_becomes_the_compiled_files_line() {
        let code = "\n\nselect\n  nope\nfrom t";
        let statement = "create table x as (\nselect\n  nope\nfrom t\n)";
        assert_eq!(line_in(code, statement, 3), Some(4));
        assert_eq!(line_in(code, statement, 1), None, "the line of the wrapper is nobody's");
        assert_eq!(line_in(code, "select 1", 1), None);
    }

    #[test]
    fn a_database_error_names_the_compiled_file_and_line() {
        let source = warehouse::Error::Statement {
            message: "no column nope".into(),
            code: None,
            sql: "create view x as\nselect nope".into(),
            line: Some(2),
        };
        let failure = Failure::from(source).in_compiled("select nope", Some("target/compiled/shop/models/x.sql"));
        assert_eq!(failure.to_string(), "no column nope\n  compiled code at target/compiled/shop/models/x.sql:1");
    }
}
