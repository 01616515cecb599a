//! What slimdiff has to say about the user's project: a code, a place, a reason, and what to do next.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth changing.
    Warning,
    /// The project cannot be parsed, compiled or built because of it.
    Error,
}

/// A stable name of one kind of diagnostic. The list is an interface: names are added, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A YAML file that is not YAML.
    InvalidYaml,
    /// YAML whose shape is not what dbt expects there.
    InvalidProperty,
    /// A Jinja template that does not parse.
    JinjaSyntax,
    /// A Jinja template that failed while it ran.
    JinjaRuntime,
    /// `exceptions.raise_compiler_error` was called.
    RaisedByProject,
    /// `ref()` of a node that does not exist.
    UnknownRef,
    /// `ref()` of a node that is disabled.
    DisabledRef,
    /// `source()` of a source that does not exist.
    UnknownSource,
    /// A test or a macro call for which there is no macro.
    UnknownMacro,
    /// Two resources with the same name.
    DuplicateName,
    /// Two nodes that would be built into the same relation.
    DuplicateRelation,
    /// Nodes that depend on each other in a circle.
    Cycle,
    /// A variable without a value.
    MissingVar,
    /// An environment variable without a value.
    MissingEnvVar,
    /// A property file describes something that does not exist.
    UnusedPatch,
    /// A path in dbt_project.yml that configures nothing.
    UnusedConfigPath,
    /// A package that is declared but not installed.
    MissingPackage,
    /// Something of dbt that slimdiff does not do.
    Unsupported,
    /// A selector that matched nothing.
    EmptySelection,
    /// A file that could not be read or is not UTF-8.
    UnreadableFile,
    /// Anything said by the project through `exceptions.warn` or `log`.
    ProjectMessage,
    /// A key given twice in one mapping of YAML.
    DuplicateKey,
    /// A key that dbt does not know at the top of a property file.
    UnknownTopLevelKey,
    /// A key that dbt does not know in an entry of a property file.
    UnknownKey,
    /// A configuration that dbt does not know.
    UnknownConfig,
    /// A property that has moved below `config:`.
    MovedProperty,
    /// A configuration in dbt_project.yml without its `+`.
    MissingPlus,
    /// Arguments of a generic test beside `arguments:`.
    TestArguments,
    /// A Jinja block that dbt does not look for where it stands.
    UnexpectedBlock,
    /// A value in a configuration that is not of its type.
    InvalidConfig,
}

impl Code {
    /// The event under which dbt warns of the same, for `--warn-error-options`.
    pub fn event(self) -> Option<&'static str> {
        Some(match self {
            Self::DuplicateKey => "DuplicateYAMLKeysDeprecation",
            Self::UnknownTopLevelKey => "CustomTopLevelKeyDeprecation",
            Self::UnknownKey => "CustomKeyInObjectDeprecation",
            Self::UnknownConfig => "CustomKeyInConfigDeprecation",
            Self::MovedProperty => "PropertyMovedToConfigDeprecation",
            Self::MissingPlus => "MissingPlusPrefixDeprecation",
            Self::TestArguments => "MissingArgumentsPropertyInGenericTestDeprecation",
            Self::UnexpectedBlock => "UnexpectedJinjaBlockDeprecation",
            Self::UnusedPatch => "NoNodeForYamlKey",
            Self::UnusedConfigPath => "UnusedResourceConfigPath",
            Self::UnknownRef | Self::DisabledRef | Self::UnknownSource => "NodeNotFoundOrDisabled",
            Self::EmptySelection => "NoNodesForSelectionCriteria",
            Self::ProjectMessage => "JinjaLogWarning",
            _ => return None,
        })
    }

    /// Whether dbt counts it among its deprecations, of which it tells the first of each kind unless asked for all.
    pub fn is_deprecation(self) -> bool {
        self.event().is_some_and(|event| event.ends_with("Deprecation"))
    }
}

/// A place in a file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// Relative to the project's root, with `/`.
    pub path: String,
    /// From 1; 0 when only the file is known.
    pub line: u32,
    /// From 1; 0 when only the line is known.
    pub column: u32,
}

impl Location {
    /// A whole file.
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), line: 0, column: 0 }
    }

    /// A line of a file.
    pub fn line(path: impl Into<String>, line: u32) -> Self {
        Self { path: path.into(), line, column: 0 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// One step of the way that led to an error, innermost first: a macro and where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// What was being rendered, e.g. `macro cents_to_dollars`.
    pub what: String,
    /// Where.
    pub location: Location,
}

/// One thing to tell about the project. They accumulate: a run reports all that it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What kind of thing.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// One sentence without a trailing period, beginning in lower case.
    pub message: String,
    /// Where, when it is a place.
    pub location: Option<Location>,
    /// The line of the file that the location names.
    pub excerpt: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The calls through which an error came, innermost first.
    pub trace: Vec<Frame>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            location: None,
            excerpt: None,
            hint: None,
            trace: Vec::new(),
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// The same, at `location`.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// The same, with the line of `source` that the location names; without a column yet, it points at what the message
    /// quotes, if the line has that once.
    #[must_use]
    pub fn with_excerpt_of(mut self, source: &str) -> Self {
        if let Some(Location { line: line @ 1.., .. }) = self.location {
            self.excerpt = source.lines().nth(line as usize - 1).map(|text| text.trim_end().to_owned());
        }
        self.pointing()
    }

    /// The same, pointing at the first thing quoted in the message that the excerpt has exactly once.
    #[must_use]
    pub fn pointing(mut self) -> Self {
        if let (Some(location), Some(excerpt)) = (&mut self.location, &self.excerpt)
            && location.line > 0
            && location.column == 0
            && let Some(column) = quoted(&self.message).find_map(|word| column_of(excerpt, word))
        {
            location.column = column;
        }
        self
    }

    /// The same, with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it stops the project from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Diagnostic {
    /// Everything but the severity and the advice.
    pub fn details(&self) -> String {
        let mut text = self.message.clone();
        if let Some(location) = &self.location {
            let _ = write!(text, "\n  --> {location}");
        }
        if let Some(excerpt) = &self.excerpt {
            let place = self.location.as_ref();
            let line = place.map_or(0, |location| location.line);
            let (shown, mark) = frame(excerpt, place.map_or(0, |location| location.column));
            let _ = write!(text, "\n   {line:>4} | {shown}");
            if let Some((at, len)) = mark {
                let _ = write!(text, "\n        | {}{}", " ".repeat(at), "^".repeat(len));
            }
        }
        for frame in &self.trace {
            let _ = write!(text, "\n  in {} ({})", frame.what, frame.location);
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}", self.details())?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}

/// Characters of a line that are shown; of a longer one, those around the mark.
const SHOWN: usize = 120;

/// A line as it is shown, and where its mark begins and how long it is, in characters of what is shown.
fn frame(line: &str, column: u32) -> (String, Option<(usize, usize)>) {
    let characters: Vec<char> = line.trim_end().chars().map(printable).collect();
    let at = (column as usize).checked_sub(1).filter(|at| *at < characters.len());
    let len = at.map(|at| marked(&characters[at..]));
    let from = at.filter(|_| characters.len() > SHOWN).map_or(0, |at| at.saturating_sub(SHOWN / 2));
    let to = characters.len().min(from + SHOWN);
    let mut shown: String = characters[from..to].iter().collect();
    let mut start = at.map(|at| at - from);
    if from > 0 {
        shown.insert(0, '…');
        start = start.map(|at| at + 1);
    }
    if to < characters.len() {
        shown.push('…');
    }
    let mark = start.zip(len).map(|(start, len)| (start, len.min(to - from)));
    (shown, mark)
}

/// What a terminal can show without harm; every character stays one character.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') => {
            '\u{fffd}'
        }
        c => c,
    }
}

/// How long the word is that begins the text: a name, something in quotes, or one character.
fn marked(text: &[char]) -> usize {
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    match text.first() {
        Some(quote @ ('\'' | '"')) => text[1..].iter().position(|c| c == quote).map_or(1, |end| end + 2),
        Some(first) if is_word(first) => text.iter().position(|c| !is_word(c)).unwrap_or(text.len()),
        _ => 1,
    }
}

/// What stands between backticks or single quotes in a message, with the last part of a dotted name after the whole.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let mut rest = message;
    let words = std::iter::from_fn(move || {
        let open = rest.find(['`', '\''])?;
        let quote = &rest[open..=open];
        let len = rest[open + 1..].find(quote)?;
        let word = &rest[open + 1..open + 1 + len];
        rest = &rest[open + 2 + len..];
        Some(word)
    });
    words.flat_map(|word| [word, word.rsplit('.').next().unwrap_or(word)]).filter(|word| !word.trim().is_empty())
}

/// The column of `word` in `line`, if it stands there exactly once and not as a part of a longer word.
fn column_of(line: &str, word: &str) -> Option<u32> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let whole = |at: &usize| {
        let (before, after) = (line[..*at].chars().next_back(), line[at + word.len()..].chars().next());
        !(word.starts_with(is_word) && before.is_some_and(is_word)
            || word.ends_with(is_word) && after.is_some_and(is_word))
    };
    let mut found = line.match_indices(word).map(|(at, _)| at).filter(whole);
    let at = found.next().filter(|_| found.next().is_none())?;
    u32::try_from(line[..at].chars().count() + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::{Code, Diagnostic, Location};

    fn shown(message: &str, line: &str) -> String {
        Diagnostic::error(Code::UnknownRef, message).at(Location::line("a.sql", 1)).with_excerpt_of(line).to_string()
    }

    #[test]
    fn what_the_message_quotes_is_marked_when_the_line_has_it_once() {
        assert_eq!(
            shown("depends on `orders`, which was not found", "select 'é', {{ ref('orders') }} -- reorders"),
            "error: depends on `orders`, which was not found\n  --> a.sql:1:21\n      1 | select 'é', {{ ref('orders') }} -- reorders\n        |                     ^^^^^^"
        );
        assert!(!shown("no `x`", "x x").contains('^'));
        assert!(shown("'shop.x' is undefined", "{{ a.x }}").ends_with('^'), "the last part of a dotted name");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark_and_control_characters_are_not_passed_on() {
        let long = format!("{}here{}", "a ".repeat(50_000), " b".repeat(50_000));
        let text = shown("no `here`", &long);
        assert!(text.len() < 600 && text.contains("…") && text.contains("here") && text.ends_with("^^^^"), "{text}");
        assert!(!shown("bad", "a\u{1b}[31mb\0").contains(['\u{1b}', '\0']));
    }
}
