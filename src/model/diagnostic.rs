//! What slimdiff has to say about the user's project: a code, a place, a reason, and what to do next.

use std::fmt;

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

    /// The same, with the line of `source` that the location names.
    #[must_use]
    pub fn with_excerpt_of(mut self, source: &str) -> Self {
        if let Some(Location { line: line @ 1.., .. }) = self.location {
            self.excerpt = source.lines().nth(line as usize - 1).map(|text| text.trim_end().to_owned());
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

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}", self.message)?;
        if let Some(location) = &self.location {
            write!(f, "\n  --> {location}")?;
        }
        if let Some(excerpt) = &self.excerpt {
            let line = self.location.as_ref().map_or(0, |location| location.line);
            write!(f, "\n   {line:>4} | {}", excerpt.trim_end())?;
        }
        for frame in &self.trace {
            write!(f, "\n  in {} ({})", frame.what, frame.location)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}
