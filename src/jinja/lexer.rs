//! Splits dbt's Jinja into pieces (text, comments, raw blocks, tags) and tags into tokens, with the lines they stand
//! on.

/// What went wrong, and on which line of the text, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// A sentence without a period.
    pub(super) message: String,
    /// From 1.
    pub(super) line: u32,
    /// What to do about it.
    pub(super) hint: Option<&'static str>,
}

impl SyntaxError {
    /// An error on `line`.
    pub(super) fn new(message: impl Into<String>, line: u32) -> Self {
        Self { message: message.into(), line, hint: None }
    }

    /// The same with advice.
    pub(super) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// A token inside a tag.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'s> {
    /// What it is.
    pub(super) kind: Kind<'s>,
    /// The line it begins on, from 1.
    pub(super) line: u32,
}

/// The kinds of tokens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'s> {
    /// A name or keyword.
    Name(&'s str),
    /// An integer or float as written, without underscores.
    Number(String),
    /// A text literal, escapes resolved, and the number of line breaks it spans in the source.
    Text(String, u32),
    /// An operator or bracket.
    Op(&'static str),
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece<'s> {
    /// Text, comments and raw blocks: passed on as they are.
    Verbatim(&'s str),
    /// A tag.
    Tag(Tag<'s>),
}

/// A tag: `{{ … }}` or `{% … %}`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tag<'s> {
    /// Whether it prints (`{{ … }}`).
    pub(super) prints: bool,
    /// The opening delimiter with its whitespace mark, e.g. `{%-`.
    pub(super) open: &'s str,
    /// The closing delimiter with its whitespace mark.
    pub(super) close: &'s str,
    /// The line of the opening delimiter.
    pub(super) line: u32,
    /// The line of the closing delimiter.
    pub(super) end_line: u32,
    /// Where the tag begins in the source, in bytes.
    pub(super) start: usize,
    /// Where the tag ends in the source, in bytes.
    pub(super) end: usize,
    /// What is in it.
    pub(super) tokens: Vec<Token<'s>>,
}

impl<'s> Tag<'s> {
    /// The keyword of a `{% … %}` tag.
    pub(super) fn keyword(&self) -> Option<&'s str> {
        match self.tokens.first()?.kind {
            Kind::Name(name) if !self.prints => Some(name),
            _ => None,
        }
    }
}

/// Reads a template piece by piece.
pub(super) struct Lexer<'s> {
    source: &'s str,
    pos: usize,
    line: u32,
}

/// Two and one character operators; longer ones first.
const OPERATORS: [&str; 28] = [
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", "<", ">", "=", ".",
    ":", "|", ",", ";", "!", "&",
];

/// The operator that `rest` begins with. Most are told by their first byte.
fn operator(rest: &str) -> Option<&'static str> {
    let first = rest.as_bytes().first()?;
    OPERATORS.iter().find(|op| op.as_bytes().first() == Some(first) && rest.starts_with(**op)).copied()
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX)
}

impl<'s> Lexer<'s> {
    /// A lexer at the beginning of `source`.
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, pos: 0, line: 1 }
    }

    /// Goes on at byte `end`.
    pub(super) fn skip_to(&mut self, end: usize) {
        self.take(end.saturating_sub(self.pos));
    }

    fn rest(&self) -> &'s str {
        &self.source[self.pos..]
    }

    /// Takes `len` bytes and counts their lines.
    fn take(&mut self, len: usize) -> &'s str {
        let text = &self.source[self.pos..self.pos + len];
        self.pos += len;
        self.line += newlines(text);
        text
    }

    /// The next piece; none at the end.
    pub(super) fn next_piece(&mut self) -> Result<Option<Piece<'s>>, SyntaxError> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let Some((at, mark)) = find_open(self.rest()) else {
            let len = self.rest().len();
            return Ok(Some(Piece::Verbatim(self.take(len))));
        };
        if at > 0 {
            return Ok(Some(Piece::Verbatim(self.take(at))));
        }
        match mark {
            b'#' => self.comment().map(|text| Some(Piece::Verbatim(text))),
            b'%' => match self.raw()? {
                Some(text) => Ok(Some(Piece::Verbatim(text))),
                None => self.tag(false).map(|tag| Some(Piece::Tag(tag))),
            },
            _ => self.tag(true).map(|tag| Some(Piece::Tag(tag))),
        }
    }

    fn comment(&mut self) -> Result<&'s str, SyntaxError> {
        match self.rest()[2..].find("#}") {
            Some(at) => Ok(self.take(at + 4)),
            None => Err(SyntaxError::new("a comment that begins here is never closed with '#}'", self.line)),
        }
    }

    /// A whole raw block, if one begins here.
    fn raw(&mut self) -> Result<Option<&'s str>, SyntaxError> {
        let Some(opened) = simple_tag(self.rest(), "raw") else { return Ok(None) };
        let mut at = opened;
        while let Some(found) = self.rest()[at..].find("{%") {
            at += found;
            if let Some(closed) = simple_tag(&self.rest()[at..], "endraw") {
                return Ok(Some(self.take(at + closed)));
            }
            at += 2;
        }
        Err(SyntaxError::new("a raw block that begins here is never closed with '{% endraw %}'", self.line))
    }

    fn tag(&mut self, prints: bool) -> Result<Tag<'s>, SyntaxError> {
        let start = self.pos;
        let line = self.line;
        let marked = matches!(self.rest().as_bytes().get(2), Some(b'-' | b'+'));
        let open = self.take(if marked { 3 } else { 2 });
        let closing = if prints { "}}" } else { "%}" };
        let mut tokens = Vec::with_capacity(8);
        let mut open_brackets: Vec<&'static str> = Vec::new();
        loop {
            self.skip_whitespace();
            let rest = self.rest();
            if rest.is_empty() {
                let what = if prints { "an expression" } else { "a tag" };
                return Err(SyntaxError::new(
                    format!("{what} that begins here is never closed with '{closing}'"),
                    line,
                ));
            }
            if open_brackets.is_empty() {
                let marked = rest.starts_with(['-', '+']) && rest[1..].starts_with(closing);
                if marked || rest.starts_with(closing) {
                    let close = self.take(if marked { 3 } else { 2 });
                    return Ok(Tag { prints, open, close, line, end_line: self.line, start, end: self.pos, tokens });
                }
            }
            let token = self.token()?;
            match token.kind {
                Kind::Op("(") => open_brackets.push(")"),
                Kind::Op("[") => open_brackets.push("]"),
                Kind::Op("{") => open_brackets.push("}"),
                Kind::Op(op @ (")" | "]" | "}")) => match open_brackets.pop() {
                    Some(expected) if expected == op => {}
                    Some(expected) => {
                        return Err(SyntaxError::new(format!("unexpected '{op}', expected '{expected}'"), token.line));
                    }
                    None => return Err(SyntaxError::new(format!("unexpected '{op}'"), token.line)),
                },
                _ => {}
            }
            tokens.push(token);
        }
    }

    fn skip_whitespace(&mut self) {
        let rest = self.rest();
        let len = rest.len() - rest.trim_start().len();
        self.take(len);
    }

    fn token(&mut self) -> Result<Token<'s>, SyntaxError> {
        let line = self.line;
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or_default();
        let kind = if first == '_' || first.is_alphabetic() {
            let len = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            Kind::Name(self.take(len))
        } else if first.is_ascii_digit() {
            Kind::Number(self.number()?)
        } else if first == '"' || first == '\'' {
            self.text(first)?
        } else if let Some(op) = operator(rest) {
            self.take(op.len());
            Kind::Op(op)
        } else {
            return Err(SyntaxError::new(format!("unexpected character {first:?}"), line));
        };
        Ok(Token { kind, line })
    }

    /// A number in decimal digits, whatever its base was.
    fn number(&mut self) -> Result<String, SyntaxError> {
        let bases = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
        let rest = self.rest();
        let Some((_, base)) = bases.iter().find(|(prefix, _)| rest.starts_with(prefix)) else {
            return Ok(self.take(number_len(rest)).replace('_', ""));
        };
        let line = self.line;
        let len = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let digits = self.take(len)[2..].replace('_', "");
        let number = u64::from_str_radix(&digits, *base);
        number
            .map(|number| number.to_string())
            .map_err(|_| SyntaxError::new("a number that does not read as one", line))
    }

    /// A text literal with Python's escapes resolved.
    fn text(&mut self, quote: char) -> Result<Kind<'s>, SyntaxError> {
        let line = self.line;
        let mut escaped = false;
        let end = self.rest()[1..].find(|c: char| {
            let closes = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let end =
            end.ok_or_else(|| SyntaxError::new(format!("text that begins with {quote} is never closed"), line))?;
        let written = self.take(end + 2);
        let inner = &written[1..=end];
        let text = if inner.contains('\\') { unescape(inner) } else { inner.to_owned() };
        Ok(Kind::Text(text, newlines(inner)))
    }
}

/// The next `{{`, `{%` or `{#`, and its second character.
fn find_open(text: &str) -> Option<(usize, u8)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = text[from..].find('{') {
        let at = from + at;
        match bytes.get(at + 1) {
            Some(mark @ (b'{' | b'%' | b'#')) => return Some((at, *mark)),
            _ => from = at + 1,
        }
    }
    None
}

/// The length of `{% name %}` (any whitespace marks), if `text` begins with it.
pub(super) fn simple_tag(text: &str, name: &str) -> Option<usize> {
    let rest = text.strip_prefix("{%")?;
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start().strip_prefix(name)?.trim_start();
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).strip_prefix("%}")?;
    Some(text.len() - rest.len())
}

fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..].iter().position(|b| !b.is_ascii_digit() && *b != b'_').map_or(bytes.len(), |n| from + n)
    };
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut len = digits(0);
    if bytes.get(len) == Some(&b'.') && is_digit(len + 1) {
        len = digits(len + 1);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        if is_digit(len + 1 + sign) {
            len = digits(len + 1 + sign);
        }
    }
    len
}

/// Resolves the escapes that Python's text literals know; others stay as written.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(escape) = chars.next() else {
            out.push('\\');
            break;
        };
        let simple = match escape {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'v' => Some('\u{b}'),
            'a' => Some('\u{7}'),
            '0' => Some('\0'),
            '\\' | '\'' | '"' => Some(escape),
            _ => None,
        };
        if let Some(simple) = simple {
            out.push(simple);
            continue;
        }
        let width = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '\n' => continue,
            _ => 0,
        };
        let code = chars.as_str().get(..width).filter(|_| width > 0);
        if let Some(decoded) = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            out.push(decoded);
            chars = chars.as_str()[width..].chars();
        } else {
            out.push('\\');
            out.push(escape);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Kind, Lexer, Piece};

    fn pieces(source: &str) -> Vec<String> {
        let mut lexer = Lexer::new(source);
        let mut out = Vec::new();
        while let Some(piece) = lexer.next_piece().expect("the template is well formed") {
            out.push(match piece {
                Piece::Verbatim(text) => text.to_owned(),
                Piece::Tag(tag) => format!("<{}:{}>", tag.line, tag.tokens.len()),
            });
        }
        out
    }

    #[test]
    fn braces_inside_an_expression_do_not_close_it() {
        assert_eq!(pieces("a{{ {'x': {'y': 1}} }}b"), ["a", "<1:9>", "b"]);
    }

    #[test]
    fn delimiters_inside_text_raw_blocks_and_comments_are_not_tags() {
        assert_eq!(
            pieces("{{ '}}' }}{% raw %}{{ x {% endraw %}{# {{ #}"),
            ["<1:1>", "{% raw %}{{ x {% endraw %}", "{# {{ #}"]
        );
    }

    #[test]
    fn escapes_of_python_are_resolved_and_others_kept() {
        let mut lexer = Lexer::new(r#"{{ "\n\d\x41" }}"#);
        let Ok(Some(Piece::Tag(tag))) = lexer.next_piece() else { panic!("a tag was expected") };
        assert_eq!(tag.tokens[0].kind, Kind::Text("\n\\dA".to_owned(), 0));
    }

    #[test]
    fn an_unclosed_tag_is_reported_where_it_begins() {
        let mut lexer = Lexer::new("\n\n{{ x ");
        lexer.next_piece().expect("text comes first");
        assert_eq!(lexer.next_piece().expect_err("the tag is open").line, 3);
    }
}
