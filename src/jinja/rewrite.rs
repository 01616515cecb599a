//! Rewrites dbt's Jinja into the engine's dialect, line for line.
//!
//! The engine's lists, dicts and operators are not Python's: literals become mutable containers, and operators become
//! calls of the functions in `operators`. Every line break of a tag is kept, so that an error's line is the file's.

mod expression;

use std::fmt::Write as _;

use super::lexer::{Kind, Lexer, Piece, SyntaxError, Tag, Token};
use expression::Parser;

/// What a template calls, found by reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// `name(…)`.
    Name(String),
    /// `package.name(…)`.
    Qualified(String, String),
    /// `adapter.dispatch('name', 'namespace')`.
    Dispatch(String, Option<String>),
}

/// A template in the engine's dialect.
#[derive(Debug, Clone, Default)]
pub(super) struct Rewritten {
    /// The text.
    pub(super) text: String,
    /// What it calls, in order, with repeats.
    pub(super) calls: Vec<Call>,
    /// Whether the name `varargs` is read.
    pub(super) varargs: bool,
    /// Whether the name `kwargs` is read.
    pub(super) kwargs: bool,
    /// Whether the name `caller` is read.
    pub(super) caller: bool,
}

/// A parameter of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Param {
    /// Its name.
    pub(super) name: String,
    /// Its default as written for the engine.
    pub(super) default: Option<String>,
}

type Result<T> = std::result::Result<T, SyntaxError>;

/// Rewrites a whole template.
///
/// # Errors
/// What does not parse, with its line.
pub(super) fn rewrite(source: &str) -> Result<Rewritten> {
    let mut writer = Writer {
        out: Rewritten { text: String::with_capacity(source.len() * 2), ..Rewritten::default() },
        open: Vec::new(),
    };
    let mut lexer = Lexer::new(source);
    while let Some(piece) = lexer.next_piece()? {
        match piece {
            Piece::Verbatim(text) => writer.out.text.push_str(text),
            Piece::Tag(tag) => writer.tag(&tag)?,
        }
    }
    match writer.open.pop() {
        Some((kind, line)) => {
            let error = SyntaxError::new(format!("'{{% {kind} %}}' is never closed with 'end{kind}'"), line);
            Err(error.with_hint("add the closing tag where the block ends"))
        }
        None => Ok(writer.out),
    }
}

/// Reads the parameters in a macro's opening tag; `tokens` are those after the macro's name.
pub(super) fn parameters(tokens: &[Token<'_>], line: u32) -> Result<(Vec<Param>, Vec<Call>)> {
    let mut out = Rewritten::default();
    let mut parser = Parser { tokens, at: 0, line, pending: 0, out: &mut out };
    let params = if tokens.is_empty() { Vec::new() } else { parser.signature()? };
    parser.end()?;
    Ok((params, out.calls))
}

struct Writer {
    out: Rewritten,
    /// Statements that are open: keyword and line.
    open: Vec<(&'static str, u32)>,
}

const BLOCKS: [&str; 8] = ["if", "for", "macro", "call", "filter", "with", "set", "block"];

impl Writer {
    fn tag(&mut self, tag: &Tag<'_>) -> Result<()> {
        let (tokens, line) = (tag.tokens.as_slice(), tag.line);
        let mut parser = Parser { tokens, at: 0, line, pending: 0, out: &mut self.out };
        let body = if tag.prints {
            let body = parser.tuple(true)?;
            parser.end()?;
            body
        } else {
            let keyword = tag.keyword().ok_or_else(|| SyntaxError::new("a tag needs a keyword", tag.line))?;
            parser.at = 1;
            parser.pending = tag.tokens[0].line - tag.line;
            parser.line = tag.tokens[0].line;
            let body = parser.statement(keyword)?;
            parser.end()?;
            self.nest(keyword, &tag.tokens, tag.line)?;
            body
        };
        let written = body.bytes().filter(|b| *b == b'\n').count();
        let spanned = (tag.end_line - tag.line) as usize;
        let text = &mut self.out.text;
        text.push_str(tag.open);
        text.push(' ');
        text.push_str(&body);
        text.extend(std::iter::repeat_n('\n', spanned.saturating_sub(written)));
        text.push(' ');
        text.push_str(tag.close);
        Ok(())
    }

    /// Checks that statements open and close in order.
    fn nest(&mut self, keyword: &str, tokens: &[Token<'_>], line: u32) -> Result<()> {
        if let Some(kind) = keyword.strip_prefix("end").filter(|kind| BLOCKS.contains(kind)) {
            return match self.open.pop() {
                Some((open, _)) if open == kind => Ok(()),
                Some((open, at)) => Err(SyntaxError::new(
                    format!("unexpected '{keyword}': '{{% {open} %}}' of line {at} has to be closed first"),
                    line,
                )),
                None => Err(SyntaxError::new(format!("unexpected '{keyword}': nothing is open"), line)),
            };
        }
        let assigns = || tokens.iter().any(|token| token.kind == Kind::Op("=")) && !set_is_block(tokens);
        match BLOCKS.iter().find(|block| **block == keyword) {
            Some(&"set") if assigns() => {}
            Some(block) => self.open.push((block, line)),
            None => {
                let inside = self.open.last().map(|(kind, _)| *kind);
                let fits = match keyword {
                    "else" => matches!(inside, Some("if" | "for")),
                    "elif" => inside == Some("if"),
                    _ => true,
                };
                if !fits {
                    return Err(SyntaxError::new(format!("unexpected '{keyword}'"), line));
                }
            }
        }
        Ok(())
    }
}

/// Whether `{% set … %}` has no `=` outside of brackets, so that a body follows.
fn set_is_block(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            Kind::Op("(" | "[" | "{") => depth += 1,
            Kind::Op(")" | "]" | "}") => depth = depth.saturating_sub(1),
            Kind::Op("=") if depth == 0 => return false,
            _ => {}
        }
    }
    true
}

/// What a misspelled keyword most likely was.
fn nearest_tag(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "fi" => "did you mean 'endif'?",
        "elseif" | "elsif" => "did you mean 'elif'?",
        "done" | "rof" => "did you mean 'endfor'?",
        "while" => "Jinja has no loop but 'for'",
        "ref" | "source" | "config" | "var" => "a call that prints stands in '{{ … }}'",
        "append" | "log" | "print" | "return" => "a call stands in '{{ … }}', or after 'do'",
        _ => return None,
    })
}

/// The statements: what follows `{%`.
impl Parser<'_, '_> {
    fn statement(&mut self, keyword: &str) -> Result<String> {
        let head = format!("{}{keyword}", self.breaks());
        let body = match keyword {
            "if" | "elif" => self.tuple(true)?,
            "else" | "break" | "continue" => String::new(),
            "for" => self.for_()?,
            "set" => self.set()?,
            "do" => format!("__do({})", self.tuple(true)?),
            "macro" => {
                let name = self.name()?;
                let params = self.signature()?;
                format!("{name}({})", write_signature(&params))
            }
            "call" => {
                let params = if self.is_op("(") { write_signature(&self.signature()?) } else { String::new() };
                format!("({params}) {}", self.postfix()?)
            }
            "filter" => self.filters(String::new())?.trim_start_matches('|').to_owned(),
            "with" => self.with()?,
            "autoescape" | "extends" | "include" => {
                return Err(SyntaxError::new(format!("'{keyword}' is not supported: dbt does not use it"), self.line));
            }
            "block" => self.name()?.to_owned(),
            "import" | "from" => {
                return Err(SyntaxError::new(
                    format!("'{keyword}' is not supported: dbt finds macros by name"),
                    self.line,
                ));
            }
            _ if keyword.starts_with("end") => {
                while self.peek_name().is_some() {
                    self.next()?;
                }
                String::new()
            }
            _ => {
                let error = SyntaxError::new(format!("there is no tag '{keyword}'"), self.line);
                return Err(match nearest_tag(keyword) {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                });
            }
        };
        Ok(format!("{head} {body}{}", self.breaks()))
    }

    fn target(&mut self) -> Result<String> {
        let mut parts = Vec::new();
        let mut is_tuple = false;
        loop {
            if matches!(self.peek_name(), Some("in")) || self.is_op("=") || self.is_op(")") {
                break;
            }
            parts.push(if self.take_op("(")? {
                let inner = self.target()?;
                self.expect_op(")")?;
                format!("({inner})")
            } else {
                let mut name = format!("{}{}", self.breaks(), self.name()?);
                while self.take_op(".")? {
                    let attr = self.name()?;
                    let _ = write!(name, ".{attr}");
                }
                name
            });
            if !self.take_op(",")? {
                break;
            }
            is_tuple = true;
        }
        let comma = if is_tuple && parts.len() == 1 { "," } else { "" };
        if parts.is_empty() { Err(self.unexpected("a name")) } else { Ok(parts.join(", ") + comma) }
    }

    fn for_(&mut self) -> Result<String> {
        let target = self.target()?;
        if !self.take_name("in")? {
            return Err(self.unexpected("'in'"));
        }
        let mut out = format!("{target} in __iter({})", self.tuple(false)?);
        if self.take_name("if")? {
            let _ = write!(out, " if {}", self.expression()?);
        }
        if self.take_name("recursive")? {
            out.push_str(" recursive");
        }
        Ok(out)
    }

    fn set(&mut self) -> Result<String> {
        let target = self.target()?;
        if self.take_op("=")? {
            let value = self.tuple(true)?;
            // Several names may also be taken from text and from what can be iterated over once.
            return Ok(if target.contains(',') {
                format!("{target} = __unpack({value})")
            } else {
                format!("{target} = {value}")
            });
        }
        Ok(if self.is_op("|") { self.filters(target)? } else { target })
    }

    fn with(&mut self) -> Result<String> {
        let mut parts = Vec::new();
        while self.at < self.tokens.len() {
            let target = self.name()?;
            self.expect_op("=")?;
            parts.push(format!("{target} = {}", self.expression()?));
            if !self.take_op(",")? {
                break;
            }
        }
        Ok(parts.join(", "))
    }

    fn signature(&mut self) -> Result<Vec<Param>> {
        self.expect_op("(")?;
        let mut params: Vec<Param> = Vec::new();
        while !self.take_op(")")? {
            if !params.is_empty() {
                self.expect_op(",")?;
                if self.take_op(")")? {
                    break;
                }
            }
            let name = self.name()?.to_owned();
            let default = if self.take_op("=")? { Some(self.expression()?) } else { None };
            if default.is_none() && params.last().is_some_and(|last| last.default.is_some()) {
                return Err(SyntaxError::new(
                    format!("parameter '{name}' needs a default, as those before it"),
                    self.line,
                ));
            }
            params.push(Param { name, default });
        }
        Ok(params)
    }
}

/// Parameters as the engine wants them.
pub(super) fn write_signature(params: &[Param]) -> String {
    let write = |param: &Param| match &param.default {
        Some(default) => format!("{}={default}", param.name),
        None => param.name.clone(),
    };
    params.iter().map(write).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Call, rewrite};

    fn text(source: &str) -> String {
        rewrite(source).expect("the template is well formed").text
    }

    #[test]
    fn literals_become_mutable_containers() {
        assert_eq!(text("{% set x = [1, {'a': 2}] %}"), "{% set x = __list([1, __dict({\"a\": 2 })]) %}");
    }

    #[test]
    fn operators_become_calls_with_pythons_precedence() {
        assert_eq!(text("{{ 1 + 2 * 3 ~ 'x' }}"), "{{ __add(1, __cat(__mul(2, 3), \"x\")) }}");
        assert_eq!(text("{{ a ~ b ~ c }}"), "{{ __cat(a, b, c) }}");
        assert_eq!(text("{{ not a in b }}"), "{{ (not (a in b)) }}");
    }

    #[test]
    fn line_breaks_inside_tags_are_kept() {
        let source = "{{ config(\n  a=1,\n  b='x\ny'\n) }}\n{{ z }}";
        assert_eq!(text(source).matches('\n').count(), source.matches('\n').count());
    }

    #[test]
    fn calls_are_recorded() {
        let calls =
            rewrite("{{ f(g.h(1)) }}{{ adapter.dispatch('x', macro_namespace='p')(1) }}").expect("parses").calls;
        assert_eq!(
            calls,
            [
                Call::Name("f".into()),
                Call::Qualified("g".into(), "h".into()),
                Call::Dispatch("x".into(), Some("p".into())),
            ]
        );
    }

    #[test]
    fn an_open_statement_is_reported_at_its_line() {
        let error = rewrite("\n{% if x %}").expect_err("the statement is open");
        assert_eq!((error.line, error.message.as_str()), (2, "'{% if %}' is never closed with 'endif'"));
    }
}
