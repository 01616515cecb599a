//! Text to tokens: what of it counts, and what does not.

use super::jinja;
use super::words;
use crate::lineage::Dialect;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// In quotes, with them.
    Quoted,
    /// An operator or a mark.
    Mark,
    /// `/*+ … */`.
    Hint,
    /// A piece of Jinja, or a comment that has one.
    Jinja,
}

/// One token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As written.
    pub(super) text: String,
    /// What is compared: keywords in one case, Jinja without the white space between its words.
    read: String,
    pub(super) line: u32,
    /// Whether nothing separates it from the token before it, where that decides what the two are.
    is_glued: bool,
}

impl Token {
    pub(super) fn reads_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.read == other.read && self.is_glued == other.is_glued
    }
}

/// Reads one text.
pub(super) struct Lexer<'t> {
    text: &'t str,
    dialect: Dialect,
    has_jinja: bool,
    at: usize,
    line: u32,
    tokens: Vec<Token>,
    /// Whether white space or a comment stands before what comes next.
    is_apart: bool,
    /// Whether a Jinja comment does, which leaves nothing behind.
    is_joined: bool,
}

/// Marks of more than one character, the longest first.
const MARKS: &[&str] = &[
    "||/", "->>", "#>>", "<=>", "!~*", "!~~", "~~*", "<->", "::", "||", "<=", ">=", "<>", "!=", "==", "->", "=>", ":=",
    "//", "**", "~*", "!~", "~~", "@>", "<@", "#>", "&&", "<<", ">>", "|/", "?|", "?&", "|>", "@@",
];

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, dialect: Dialect, has_jinja: bool) -> Self {
        Self { text, dialect, has_jinja, at: 0, line: 1, tokens: Vec::new(), is_apart: true, is_joined: false }
    }

    /// All tokens that count.
    pub(super) fn tokens(mut self) -> Vec<Token> {
        while let Some(c) = self.rest().chars().next() {
            let before = self.at;
            self.next(c);
            // Whatever happens, it goes on.
            if self.at == before {
                self.at += c.len_utf8();
            }
        }
        let mut tokens = self.tokens;
        while tokens.last().is_some_and(|token| token.read == ";") {
            tokens.pop();
        }
        words::fold(&mut tokens, self.dialect);
        tokens
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn next(&mut self, c: char) {
        let rest = self.rest();
        if c.is_whitespace() {
            self.line += u32::from(c == '\n');
            self.at += c.len_utf8();
            self.is_apart = true;
            return;
        }
        if self.has_jinja && jinja::begins(rest) {
            return self.jinja();
        }
        if let Some(length) = self.comment(rest) {
            return self.skip_comment(length);
        }
        if rest.starts_with("/*+") {
            return self.push(Kind::Hint, self.block_length(rest));
        }
        if let Some(length) = self.quoted(rest) {
            return self.push(Kind::Quoted, length);
        }
        if is_word(c) || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) && !self.follows_name()) {
            return self.word(rest, c);
        }
        let length = MARKS.iter().find(|mark| rest.starts_with(**mark)).map_or(c.len_utf8(), |mark| mark.len());
        self.push(Kind::Mark, length);
    }

    /// Whether a dot here stands between names.
    fn follows_name(&self) -> bool {
        !self.is_apart && self.tokens.last().is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Quoted))
    }

    fn word(&mut self, rest: &str, first: char) {
        let mut length = 0;
        let is_number = first.is_ascii_digit() || first == '.';
        let mut previous = '\0';
        for c in rest.chars() {
            let is_sign = is_number && matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
            let goes_on = is_word(c) || (is_number && c == '.') || is_sign;
            // A prefix of a string ends the word before the string: it was looked at already.
            if !goes_on {
                break;
            }
            previous = c;
            length += c.len_utf8();
        }
        self.push(Kind::Word, length);
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let text = self.text[self.at..self.at + length].to_owned();
        let read = text.clone();
        self.push_read(kind, length, read);
    }

    fn push_read(&mut self, kind: Kind, length: usize, read: String) {
        let text = self.text[self.at..self.at + length].to_owned();
        let line = self.line;
        self.line += u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
        self.at += length;
        let is_glued = !self.is_apart && self.tokens.last().is_some_and(|before| self.glue_counts(before, kind, &read));
        self.tokens.push(Token { kind, text, read, line, is_glued });
        self.is_apart = false;
        self.is_joined = false;
    }

    /// Whether two neighbours are something else when white space is put between them.
    fn glue_counts(&self, before: &Token, kind: Kind, read: &str) -> bool {
        let stands_alone = |kind: Kind, read: &str| kind == Kind::Mark && matches!(read, "(" | ")" | "," | ";");
        if stands_alone(before.kind, &before.read) || stands_alone(kind, read) {
            return false;
        }
        let is_jinja = before.kind == Kind::Jinja || kind == Kind::Jinja || self.is_joined;
        let is_quoted = before.kind == Kind::Quoted || kind == Kind::Quoted;
        let are_marks = before.kind == Kind::Mark && kind == Kind::Mark && before.read != "." && read != ".";
        let ends_number = before.kind == Kind::Word && before.read.starts_with(|c: char| c.is_ascii_digit());
        is_jinja
            || (is_quoted && before.read != "." && read != ".") && kind != Kind::Mark && before.kind != Kind::Mark
            || are_marks
            || (ends_number && kind == Kind::Word)
    }

    /// The length of the comment that begins here.
    fn comment(&self, rest: &str) -> Option<usize> {
        let line_ends = |rest: &str| self.line_length(rest);
        let has_slashes = self.dialect == Dialect::Snowflake && rest.starts_with("//");
        let has_hash = self.dialect == Dialect::BigQuery && rest.starts_with('#');
        if rest.starts_with("--") || has_slashes || has_hash {
            return Some(line_ends(rest));
        }
        if rest.starts_with("/*") && !rest.starts_with("/*+") {
            return Some(self.block_length(rest));
        }
        None
    }

    /// To the end of the line; Jinja in it may have lines of its own.
    fn line_length(&self, rest: &str) -> usize {
        let mut at = 0;
        while let Some(c) = rest[at..].chars().next() {
            if c == '\n' {
                break;
            }
            at += if self.has_jinja && jinja::begins(&rest[at..]) { jinja::length(&rest[at..]) } else { c.len_utf8() };
        }
        at
    }

    fn block_length(&self, rest: &str) -> usize {
        use Dialect as D;
        let nests = matches!(self.dialect, D::DuckDb | D::Postgres | D::Redshift | D::Spark | D::Databricks);
        let (mut at, mut depth) = (0, 0_usize);
        while at < rest.len() {
            let here = &rest[at..];
            if here.starts_with("*/") {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return at;
                }
            } else if here.starts_with("/*") && (depth == 0 || nests) {
                depth += 1;
                at += 2;
            } else if self.has_jinja && jinja::begins(here) {
                at += jinja::length(here);
            } else {
                at += here.chars().next().map_or(1, char::len_utf8);
            }
        }
        rest.len()
    }

    /// A comment says nothing, unless Jinja is in it: that is rendered, and may end the comment.
    fn skip_comment(&mut self, length: usize) {
        let comment = &self.text[self.at..self.at + length];
        if self.has_jinja && jinja::acts(comment) {
            self.is_apart = true;
            return self.push(Kind::Jinja, length);
        }
        self.line += u32::try_from(comment.matches('\n').count()).unwrap_or(u32::MAX);
        self.at += length;
        self.is_apart = true;
    }

    fn jinja(&mut self) {
        let rest = self.rest();
        let length = jinja::length(rest);
        let piece = &rest[..length];
        if let Some(kept) = jinja::kept_block(rest) {
            return self.push(Kind::Jinja, kept);
        }
        if piece.starts_with("{#") {
            if jinja::trims(piece) {
                return self.push_read(Kind::Jinja, length, jinja::marks(piece));
            }
            self.line += u32::try_from(piece.matches('\n').count()).unwrap_or(u32::MAX);
            self.at += length;
            self.is_joined = true;
            return;
        }
        self.push_read(Kind::Jinja, length, jinja::normalized(piece));
    }

    /// The length of what begins with a quote or with a prefix and a quote.
    fn quoted(&self, rest: &str) -> Option<usize> {
        use Dialect as D;
        if rest.starts_with('$')
            && let Some(length) = dollar_quoted(rest)
        {
            return Some(length);
        }
        // At most two letters stand in front of a quote.
        let mut beginning = rest.char_indices().take(3).take_while(|(at, _)| *at <= 2);
        let (prefix, _) = beginning.find(|(_, c)| matches!(c, '\'' | '"' | '`'))?;
        let word = rest[..prefix].to_ascii_lowercase();
        let takes_prefix = match self.dialect {
            D::BigQuery => matches!(word.as_str(), "r" | "b" | "rb" | "br"),
            D::Spark | D::Databricks => matches!(word.as_str(), "r" | "x"),
            _ => matches!(word.as_str(), "e" | "b" | "x" | "n" | "u&"),
        };
        let continues_word =
            prefix > 0 && !self.is_apart && self.tokens.last().is_some_and(|token| token.kind == Kind::Word);
        if prefix > 0 && (!takes_prefix || continues_word) {
            return None;
        }
        let quote = rest[prefix..].chars().next()?;
        let is_raw = word.contains('r');
        let is_string =
            quote == '\'' || (quote == '"' && matches!(self.dialect, D::BigQuery | D::Spark | D::Databricks));
        let in_dialect = matches!(self.dialect, D::BigQuery | D::Spark | D::Databricks | D::Snowflake | D::Redshift);
        let escapes = is_string && ((in_dialect && !is_raw) || word == "e");
        let triple: String = [quote; 3].iter().collect();
        if self.dialect == D::BigQuery && rest[prefix..].starts_with(&triple) {
            return Some(prefix + self.to_end(&rest[prefix..], &triple, escapes || is_raw, false));
        }
        Some(
            prefix
                + self.to_end(
                    &rest[prefix..],
                    &quote.to_string(),
                    escapes || (is_raw && self.dialect == D::BigQuery),
                    true,
                ),
        )
    }

    /// The length of a quoted text that begins with `quote`. Jinja inside is skipped with its own quotes.
    fn to_end(&self, rest: &str, quote: &str, escapes: bool, doubles: bool) -> usize {
        let mut at = quote.len();
        while at < rest.len() {
            let here = &rest[at..];
            if self.has_jinja && jinja::begins(here) {
                at += jinja::length(here);
            } else if escapes && here.starts_with('\\') {
                at += 1 + here[1..].chars().next().map_or(0, char::len_utf8);
            } else if doubles && here.starts_with(quote) && here[quote.len()..].starts_with(quote) {
                at += 2 * quote.len();
            } else if here.starts_with(quote) {
                return at + quote.len();
            } else {
                at += here.chars().next().map_or(1, char::len_utf8);
            }
        }
        rest.len()
    }
}

impl Token {
    /// What is compared.
    pub(super) fn read(&self) -> &str {
        &self.read
    }

    /// Makes the case of the word say nothing.
    pub(super) fn lower(&mut self) {
        self.read = self.read.to_lowercase();
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of `$tag$ … $tag$`.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let end = rest[1..].find('$')? + 1;
    let tag = &rest[..=end];
    let is_tag = tag[1..end].chars().all(|c| c.is_alphanumeric() || c == '_');
    let starts_well = !tag[1..end].starts_with(|c: char| c.is_ascii_digit());
    let close = rest[tag.len()..].find(tag).filter(|_| is_tag && starts_well)?;
    Some(2 * tag.len() + close)
}
