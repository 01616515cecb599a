//! One message, taken apart: what may pass of it.

use std::collections::HashSet;

use super::WORDS;

/// What is shown instead of a value.
const MASK: &str = "***";

/// DuckDB's kinds of errors that speak of the code. With an excerpt of the statement they were raised before a row was
/// read.
const OF_CODE: &[&str] = &["Parser", "Binder", "Catalog", "Permission", "Dependency", "Syntax"];

/// Words before a quoted name.
const NAMING: &[&str] = &[
    "column",
    "relation",
    "table",
    "view",
    "index",
    "constraint",
    "type",
    "schema",
    "function",
    "sequence",
    "database",
    "role",
    "domain",
    "operator",
    "macro",
    "model",
    "extension",
    "collation",
    "language",
    "enum",
    "trigger",
];

/// Words before a row, a key or a value: nothing passes from there to the end of the paragraph.
const TELLING: &[&str] = &[
    "Failing row contains ",
    "JSON data, line ",
    ")=(",
    " with value ",
    "Overflow in ",
    "unexpected character. Input:",
    "cast value ",
    "parse string ",
    "out of range: ",
    "Codepoint ",
    "shift value ",
    "for encoding: ",
    "DETAIL:  line ",
    "Duplicate key ",
];

/// Paragraphs of a message.
const PARAGRAPHS: &[&str] = &["\nDETAIL:", "\nHINT:", "\nCONTEXT:", "\nLINE ", "\nCandidate"];

/// The message, each value that it may hold replaced by `***`. `line` is where in `sql` the database points to.
pub(super) fn without_values(message: &str, code: Option<&str>, line: Option<u32>, sql: &str) -> String {
    if is_of_code(message, code, line, sql) {
        return message.to_owned();
    }
    let mut statement = Statement { words: HashSet::new(), names_pass: is_constraint(message, code) };
    statement.words.extend(words(sql).map(str::to_lowercase));
    let mut out = String::new();
    let mut rest = message;
    while !rest.is_empty() {
        rest = statement.next(&mut out, rest, sql);
    }
    let out = out.trim_end().to_owned();
    match code {
        Some(code) if out != message.trim_end() => match out.split_once('\n') {
            Some((first, more)) => format!("{first} [SQLSTATE {code}]\n{more}"),
            None => format!("{out} [SQLSTATE {code}]"),
        },
        _ => out,
    }
}

/// Whether the database complains of the code, before it read a row.
fn is_of_code(message: &str, code: Option<&str>, line: Option<u32>, sql: &str) -> bool {
    if line.is_none() {
        return false;
    }
    if let Some(code) = code {
        return code.starts_with("42");
    }
    let kind = message.split_once(" Error: ").is_some_and(|(kind, _)| OF_CODE.contains(&kind));
    kind && message.rfind("\nLINE ").is_some_and(|at| excerpt(&message[at + 1..], sql).is_some())
}

/// Whether names in the message are the catalog's, whatever the statement mentions.
fn is_constraint(message: &str, code: Option<&str>) -> bool {
    code.map_or_else(|| message.starts_with("Constraint Error: "), |code| code.starts_with("23"))
}

/// The length of `LINE 3: …` and the mark below it, where it is an excerpt of the statement.
fn excerpt(text: &str, sql: &str) -> Option<usize> {
    let first = text.lines().next()?;
    let (number, code) = first.strip_prefix("LINE ")?.split_once(": ")?;
    let code = code.trim().trim_start_matches("...").trim_end_matches("...");
    if !number.bytes().all(|c| c.is_ascii_digit()) || !sql.contains(code) {
        return None;
    }
    let mark = text[first.len()..].lines().nth(1).filter(|line| line.trim() == "^");
    Some(first.len() + mark.map_or(0, |mark| mark.len() + 1))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

struct Statement {
    /// What the statement is made of, in lower case.
    words: HashSet<String>,
    names_pass: bool,
}

impl Statement {
    /// Takes what stands at the start of `text`, and returns what follows.
    fn next<'a>(&self, out: &mut String, text: &'a str, sql: &str) -> &'a str {
        if let Some(telling) = TELLING.iter().find(|telling| text.starts_with(**telling)) {
            out.push_str(telling);
            out.push_str(MASK);
            return &text[end_of_paragraph(text)..];
        }
        if text.starts_with("\nLINE ") {
            if let Some(length) = excerpt(&text[1..], sql) {
                out.push_str(&text[..=length]);
                return &text[1 + length..];
            }
            out.push('\n');
            return &text[1..];
        }
        let first = text.chars().next().unwrap_or_default();
        match first {
            '"' | '\'' | '`' => self.quoted(out, text, first),
            c if is_word(c) => self.word(out, text),
            c => {
                out.push(c);
                &text[c.len_utf8()..]
            }
        }
    }

    /// A word: one of the engines' own, or one that the statement has. Numbers only as parts of a type.
    fn word<'a>(&self, out: &mut String, text: &'a str) -> &'a str {
        let length = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
        let (word, rest) = text.split_at(length);
        let lower = word.to_lowercase();
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        let passes = if is_number { is_of_a_type(out) } else { self.passes(&lower) };
        if passes {
            out.push_str(word);
        } else if out.trim_end().ends_with(MASK) {
            // One for several words in a row.
            out.truncate(out.trim_end().len());
        } else {
            out.push_str(MASK);
        }
        rest
    }

    fn passes(&self, lower: &str) -> bool {
        WORDS.contains(lower) || self.words.contains(lower)
    }

    /// What is in quotes: a name after a word that introduces one, else a value.
    fn quoted<'a>(&self, out: &mut String, text: &'a str, quote: char) -> &'a str {
        let before = out.trim_end();
        let introduced = before.len() < out.len() && {
            let word = before.rsplit(|c: char| !is_word(c)).next().unwrap_or_default();
            NAMING.contains(&word.to_lowercase().as_str())
        };
        // An apostrophe inside a word (`can't`) opens nothing.
        if quote == '\'' && out.chars().next_back().is_some_and(char::is_alphanumeric) {
            out.push(quote);
            return &text[1..];
        }
        let name = text[1..].find(quote).map(|end| &text[1..=end]).filter(|_| introduced);
        let is_known =
            |name: &&str| self.names_pass || words(name).all(|word| self.words.contains(&word.to_lowercase()));
        if let Some(name) = name.filter(is_known) {
            out.push_str(&text[..name.len() + 2]);
            return &text[name.len() + 2..];
        }
        out.push(quote);
        out.push_str(MASK);
        out.push(quote);
        // It may hold quotes and line breaks itself.
        let paragraph = &text[..end_of_paragraph(text)];
        let end = paragraph.rfind(quote).filter(|at| *at > 0).map_or(paragraph.len(), |at| at + 1);
        &text[end..]
    }
}

/// Whether a number here is one of a type's: `numeric(10,2)`, `precision 3`.
fn is_of_a_type(before: &str) -> bool {
    let before = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
    let Some(name) = before.strip_suffix('(') else {
        return before.ends_with("with precision ") || before.ends_with(", scale ");
    };
    let word = name.rsplit(|c: char| !is_word(c)).next().unwrap_or_default().to_lowercase();
    matches!(word.as_str(), "decimal" | "numeric" | "varying" | "character" | "varchar" | "bit")
}

/// The end of the paragraph that `text` is in.
fn end_of_paragraph(text: &str) -> usize {
    PARAGRAPHS.iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len())
}

#[cfg(test)]
mod tests;
