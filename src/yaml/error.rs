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
    /// The message in the words of whoever found it, of which several may mean one thing to the reader.
    pub(super) original: String,
}

impl Error {
    /// An error at a place of `text`; the hint is guessed from the line there.
    pub(super) fn new(text: &str, message: impl Into<String>, line: u32, column: u32) -> Self {
        let (line, column) = shown_place(text, line, column);
        let excerpt = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim_end().to_owned();
        let message = message.into();
        let hint = guess(text, &excerpt, line, &message);
        let plain = plainly(&message).map_or_else(|| message.clone(), str::to_owned);
        Self { message: plain, line, column, excerpt, hint, original: message }
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

/// The parser's words in ours, where its are about its own insides.
fn plainly(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 10] = [
        ("did not find expected '-' indicator", "this line does not belong to the list above it"),
        ("did not find expected <block end>", "this line does not belong to what is above it"),
        ("did not find expected key", "this line does not belong to the mapping above it"),
        ("found a tab", "the line below is indented with a tab"),
        ("found unknown anchor", "there is no anchor for this alias"),
        ("invalid indentation in quoted scalar", "the quote that begins here is not closed"),
        ("found unexpected end of stream", "the quote that begins here is not closed"),
        ("mapping values are not allowed in this context", "a second `: ` stands in the value"),
        ("did not find expected ',' or ']'", "a `[` is never closed"),
        ("expected ',' or ']'", "a `[` is never closed"),
    ];
    if message.contains("did not find expected ',' or '}'") || message.contains("expected ',' or '}'") {
        return Some("a `{` is never closed");
    }
    WORDS.iter().find(|(theirs, _)| message.contains(theirs)).map(|(_, ours)| *ours)
}

/// A place past the end of the text is at its last line that has something on it.
fn shown_place(text: &str, line: u32, column: u32) -> (u32, u32) {
    let lines: Vec<&str> = text.lines().take(line.max(1) as usize).collect();
    if lines.len() >= line as usize && lines.last().is_some_and(|last| !last.trim().is_empty()) {
        return (line, column);
    }
    match lines.iter().rposition(|line| !line.trim().is_empty()) {
        Some(at) => {
            (u32::try_from(at + 1).unwrap_or(line), u32::try_from(lines[at].trim_end().chars().count()).unwrap_or(1))
        }
        None => (line, column),
    }
}

/// The usual mistakes, told from the line at which the parser gave up or the one before it.
fn guess(text: &str, excerpt: &str, line: u32, message: &str) -> Option<String> {
    let after = text.lines().nth(line as usize);
    if after.is_some_and(|after| message.contains("tab") && indentation(after).contains('\t')) {
        return Some(format!("indent line {} with spaces: YAML does not allow tabs there", line + 1));
    }
    if message.contains("unknown anchor") {
        let name = excerpt.split('*').nth(1).map(str::trim).unwrap_or_default();
        return Some(format!("define it above with `&{name}`, or put the value in quotes if the `*` belongs to it"));
    }
    if message.contains("quoted scalar") {
        return Some("close the quote on the same line, or write the text below `|`".to_owned());
    }
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
