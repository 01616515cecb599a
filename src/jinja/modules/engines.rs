//! What finds a pattern: the `regex` crate, or `fancy-regex` for patterns that look around or refer back.

use std::sync::Arc;

use minijinja::Error;
use regex::RegexBuilder;

use super::rewriting::refusal;
use crate::jinja::values::fail;

/// A compiled pattern.
#[derive(Clone)]
pub(super) struct Engine {
    regex: Either,
    /// Names of the groups, the whole match first.
    names: Arc<[Option<String>]>,
}

#[derive(Clone)]
enum Either {
    Plain(regex::Regex),
    /// Slower, and stops after a million steps backwards.
    Looking(fancy_regex::Regex),
}

/// How a pattern is read.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of Python's `re`")]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) verbose: bool,
}

/// One match: where each group is, in bytes; none for one that took no part.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The groups, the whole match first.
    pub(super) groups: Vec<Option<(usize, usize)>>,
    /// Their names.
    pub(super) names: Arc<[Option<String>]>,
}

impl Found {
    /// Where the whole match begins and ends.
    pub(super) fn whole(&self) -> (usize, usize) {
        self.groups.first().copied().flatten().unwrap_or_default()
    }

    /// A group's text, of the text that was searched.
    pub(super) fn text<'t>(&self, index: usize, searched: &'t str) -> Option<&'t str> {
        let (start, end) = self.groups.get(index).copied().flatten()?;
        searched.get(start..end)
    }
}

/// Whether `pattern` is more than the `regex` crate does, and not a mistake.
fn is_beyond(error: &regex::Error, pattern: &str) -> bool {
    let text = error.to_string();
    text.contains("look-around") || text.contains("backreferences") || pattern.contains("\\k<")
}

impl Engine {
    /// The engine of `pattern`; `python` is how it was written.
    ///
    /// # Errors
    /// It is no regular expression.
    pub(super) fn new(pattern: &str, flags: Flags, python: &str) -> Result<Self, Error> {
        let plain = RegexBuilder::new(pattern)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .ignore_whitespace(flags.verbose)
            .build();
        let names = |names: Vec<Option<&str>>| names.into_iter().map(|name| name.map(str::to_owned)).collect();
        match plain {
            Ok(regex) => Ok(Self { names: names(regex.capture_names().collect()), regex: Either::Plain(regex) }),
            Err(error) if is_beyond(&error, pattern) => {
                let letters =
                    [(flags.ignore_case, 'i'), (flags.multi_line, 'm'), (flags.dot_all, 's'), (flags.verbose, 'x')];
                let letters: String = letters.iter().filter(|(on, _)| *on).map(|(_, letter)| *letter).collect();
                let pattern = if letters.is_empty() { pattern.to_owned() } else { format!("(?{letters}){pattern}") };
                let regex = fancy_regex::Regex::new(&pattern)
                    .map_err(|error| fail(format!("the pattern '{python}' is not a regular expression: {error}")))?;
                Ok(Self { names: names(regex.capture_names().collect()), regex: Either::Looking(regex) })
            }
            Err(error) => Err(refusal(python, &error)),
        }
    }

    /// How many groups there are, without the whole match.
    pub(super) fn groups(&self) -> usize {
        self.names.len().saturating_sub(1)
    }

    /// The first `most` matches, from the left.
    ///
    /// # Errors
    /// The search took too long.
    pub(super) fn find(&self, text: &str, most: usize) -> Result<Vec<Found>, Error> {
        let found = |groups| Found { groups, names: Arc::clone(&self.names) };
        match &self.regex {
            Either::Plain(regex) => {
                let groups = |captures: regex::Captures<'_>| {
                    captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()
                };
                Ok(regex.captures_iter(text).take(most).map(|captures| found(groups(captures))).collect())
            }
            Either::Looking(regex) => regex
                .captures_iter(text)
                .take(most)
                .map(|captures| {
                    let captures = captures.map_err(|error| fail(format!("the search gave up: {error}")))?;
                    Ok(found(captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()))
                })
                .collect(),
        }
    }
}
