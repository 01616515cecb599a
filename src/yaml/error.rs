//! What is wrong with a YAML file: the place, the line, and what most likely caused it.

use crate::model::{Code, Diagnostic, Location};

/// Why a text is not YAML that dbt would read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct Error {
    /// What is wrong, in a lowercase fragment.
    pub message: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// The line of the text.
    pub excerpt: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Error {
    /// An error at a place of `text`; the hint is guessed from the line there.
    pub(super) fn new(text: &str, message: impl Into<String>, line: u32, column: u32) -> Self {
        let excerpt = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim_end().to_owned();
        let hint = guess(text, &excerpt, line);
        Self { message: message.into(), line, column, excerpt, hint }
    }

    /// The same with other advice.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    /// The error as a diagnostic of the file at `path`.
    pub fn into_diagnostic(self, path: &str) -> Diagnostic {
        Diagnostic {
            location: Some(Location { path: path.to_owned(), line: self.line, column: self.column }),
            excerpt: Some(self.excerpt),
            hint: self.hint,
            ..Diagnostic::error(Code::InvalidYaml, format!("{path} is not valid YAML: {}", self.message))
        }
    }
}

/// The usual mistakes, told from the line at which the parser gave up or the one before it.
fn guess(text: &str, excerpt: &str, line: u32) -> Option<String> {
    let before = text.lines().take(line.saturating_sub(1) as usize).filter(|l| !l.trim().is_empty()).last();
    let lines = [Some(excerpt), before];
    let any = |test: &dyn Fn(&str) -> bool| lines.iter().flatten().any(|line| test(line));
    if any(&|line| indentation(line).contains('\t')) {
        return Some("indent with spaces: YAML does not allow tabs there".to_owned());
    }
    if any(&|line| value_of(line).starts_with("{{") || value_of(line).starts_with("{%")) {
        return Some("quote the value: YAML takes an unquoted `{{` for the start of a mapping".to_owned());
    }
    if any(&|line| !value_of(line).starts_with(['"', '\'', '{', '[']) && value_of(line).contains(": ")) {
        return Some("quote the value: an unquoted `: ` starts a new key".to_owned());
    }
    if any(&|line| value_of(line).starts_with(['@', '%', '`'])) {
        return Some("quote the value: YAML reserves its first character".to_owned());
    }
    before.filter(|before| indentation(before) != indentation(excerpt)).map(|before| {
        let line_before = line.saturating_sub(1);
        format!(
            "check the indentation against the line above ({} spaces at line {line_before})",
            indentation(before).len()
        )
    })
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

fn value_of(line: &str) -> &str {
    let line = line.trim_start().trim_start_matches("- ");
    line.split_once(": ").map_or(line, |(_, value)| value).trim()
}
