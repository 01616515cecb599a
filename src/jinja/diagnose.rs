//! Turns the engine's errors into diagnostics: the message, the place in the project's files, the way through macros.

use std::fmt;

use minijinja::{Error, ErrorKind};

use super::callable::{TOO_DEEP, Through};
use super::lexer::SyntaxError;
use crate::model::{Code, Diagnostic, Frame, Location};

/// How many steps of a trace are kept: enough to find the place, few enough to read.
const FRAMES: usize = 12;

/// A diagnostic that travels through the engine inside of an error.
#[derive(Debug)]
struct Carried(Diagnostic);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Carried {}

/// An error with a code of its own.
pub(super) fn coded(code: Code, message: impl Into<String>) -> Error {
    carried(Diagnostic::error(code, message))
}

/// An error that carries `diagnostic`; a place and a trace are added on the way out.
pub(super) fn carried(diagnostic: Diagnostic) -> Error {
    Error::new(ErrorKind::InvalidOperation, diagnostic.message.clone()).with_source(Carried(diagnostic))
}

/// A template that does not parse; its first line is line `first_line` of `path`.
pub(super) fn syntax(error: &SyntaxError, path: &str, first_line: u32, source: &str) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(Code::JinjaSyntax, error.message.clone());
    diagnostic.excerpt = line_of(source, error.line);
    diagnostic.hint = error.hint.map(str::to_owned);
    diagnostic.at(Location::line(path, error.line + first_line.max(1) - 1)).pointing()
}

fn line_of(source: &str, line: u32) -> Option<String> {
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    source.lines().nth(at).map(|text| text.trim_end().to_owned())
}

/// Where the text of a render came from.
pub(super) struct Origin<'o> {
    /// The file.
    pub(super) path: &'o str,
    /// The line of the file on which the template begins.
    pub(super) first_line: u32,
    /// The template.
    pub(super) source: &'o str,
}

/// The diagnostic of a failed render of `origin`.
pub(super) fn runtime(error: &Error, origin: &Origin<'_>) -> Diagnostic {
    // From the outermost call to the innermost, each with the macro that it stands in.
    let mut trace: Vec<(Frame, Option<&Through>, u32)> = Vec::new();
    let mut current = error;
    let mut through: Option<&Through> = None;
    while let Some(step) = find::<Through>(current) {
        let line = u32::try_from(current.line().unwrap_or_default()).unwrap_or_default();
        trace.push((frame(through, origin, line), through, line));
        through = Some(step);
        current = &step.inner;
    }
    let mut line = u32::try_from(current.line().unwrap_or_default()).unwrap_or_default();
    if line == 0 && through.is_some() {
        // Arguments that do not fit, or too many calls: the macro was never entered, and the place is the call's.
        if let Some((_, caller, called_at)) = trace.pop() {
            (through, line) = (caller, called_at);
        }
    }
    let innermost = frame(through, origin, line);
    if through.is_some() {
        trace.push((innermost.clone(), through, line));
    }
    let trace = shortened(trace.into_iter().rev().map(|(frame, ..)| frame).collect());
    let mut diagnostic = match find::<Carried>(current) {
        Some(Carried(diagnostic)) => diagnostic.clone(),
        None => Diagnostic::error(code_of(current), message_of(current)),
    };
    if diagnostic.location.is_none() {
        diagnostic.excerpt = match through {
            Some(step) => line_of(&step.entry.block.full, (line + 1).saturating_sub(step.entry.block.line)),
            None => line_of(origin.source, line),
        };
        diagnostic.location = Some(innermost.location);
        diagnostic = diagnostic.pointing();
    }
    diagnostic.trace.extend(trace);
    if diagnostic.hint.is_none() && current.kind() == ErrorKind::UndefinedError {
        let name = diagnostic.message.split('\'').nth(1).unwrap_or_default();
        let line = diagnostic.excerpt.as_deref().unwrap_or_default();
        let advice = if line.contains(&format!("{name}(")) {
            "no macro has this name: check the spelling, or install the package that has it"
        } else if line.contains(&format!("{name}.")) && !name.contains('.') {
            "if it is a package, add it to packages.yml and install it"
        } else if diagnostic.message.contains('.') {
            "check the spelling; what comes before the dot has no such part, unless its package is not installed"
        } else {
            "check the spelling, or give it a default: `| default('…')`"
        };
        diagnostic.hint = Some(advice.to_owned());
    }
    diagnostic
}

/// A macro that calls itself is told once, and a long way by its two ends.
fn shortened(trace: Vec<Frame>) -> Vec<Frame> {
    let mut short: Vec<(Frame, usize)> = Vec::new();
    for frame in trace {
        match short.last_mut() {
            Some((last, times)) if *last == frame => *times += 1,
            _ => short.push((frame, 1)),
        }
    }
    if short.len() > FRAMES {
        short.drain(FRAMES / 2..short.len() - FRAMES / 2);
    }
    let told = |(frame, times): (Frame, usize)| match times {
        1 => frame,
        _ => Frame { what: format!("{}, {times} times", frame.what), ..frame },
    };
    short.into_iter().map(told).collect()
}

fn frame(through: Option<&Through>, origin: &Origin<'_>, line: u32) -> Frame {
    match through {
        Some(step) => Frame {
            what: format!("macro {}", step.entry.name),
            location: Location::line(step.entry.place.as_str(), line),
        },
        None if line == 0 => Frame { what: "the template".to_owned(), location: Location::file(origin.path) },
        None => Frame {
            what: "the template".to_owned(),
            location: Location::line(origin.path, line + origin.first_line.max(1) - 1),
        },
    }
}

/// The nearest source of `error` that is a `T`; does not look past a macro that the error came through.
fn find<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut source = std::error::Error::source(error);
    while let Some(found) = source {
        if let Some(wanted) = found.downcast_ref::<T>() {
            return Some(wanted);
        }
        source = found.source();
    }
    None
}

fn code_of(error: &Error) -> Code {
    match error.kind() {
        ErrorKind::SyntaxError => Code::JinjaSyntax,
        ErrorKind::UnknownFunction => Code::UnknownMacro,
        _ => Code::JinjaRuntime,
    }
}

fn message_of(error: &Error) -> String {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError if detail.starts_with('`') => {
            // The engine writes `a.b` is undefined, and `(...).b` where it cannot tell what came before.
            let name = detail.trim_start_matches('`').split('`').next().unwrap_or_default();
            format!("'{}' is undefined", name.trim_start_matches("(...)").trim_start_matches('.'))
        }
        ErrorKind::UndefinedError if detail.is_empty() => "an undefined value is used here".to_owned(),
        ErrorKind::UnknownFilter => format!("there is no filter '{}'", word(detail, "filter ")),
        ErrorKind::UnknownTest => format!("there is no test '{}'", word(detail, "test ")),
        _ if detail == "recursion limit exceeded" => TOO_DEEP.to_owned(),
        _ if detail.is_empty() => error.kind().to_string(),
        _ => detail.to_owned(),
    }
}

fn word<'d>(detail: &'d str, prefix: &str) -> &'d str {
    detail.strip_prefix(prefix).and_then(|rest| rest.split(' ').next()).unwrap_or(detail)
}
