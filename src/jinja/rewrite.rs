//! Rewrites dbt's Jinja into the engine's dialect, line for line.
//!
//! The engine's lists, dicts and operators are not Python's: literals become mutable containers, and operators become
//! calls of the functions in `operators`. Every line break of a tag is kept, so that an error's line is the file's.

use std::fmt::Write as _;

use super::lexer::{Kind, Lexer, Piece, SyntaxError, Tag, Token};

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
        Some((kind, line)) => Err(SyntaxError::new(format!("'{{% {kind} %}}' is never closed with 'end{kind}'"), line)),
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

struct Parser<'t, 's> {
    tokens: &'t [Token<'s>],
    at: usize,
    /// The line that what was written so far ends on.
    line: u32,
    /// Line breaks read but not yet written.
    pending: u32,
    out: &'t mut Rewritten,
}

impl<'s> Parser<'_, 's> {
    fn peek(&self) -> Option<&Kind<'s>> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn peek_name(&self) -> Option<&'s str> {
        match self.peek() {
            Some(Kind::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Some(Kind::Op(found)) if *found == op)
    }

    /// Takes the next token and owes its line breaks.
    fn next(&mut self) -> Result<Kind<'s>> {
        let Some(token) = self.tokens.get(self.at) else {
            return Err(SyntaxError::new("the tag ends where something more was expected", self.line));
        };
        self.at += 1;
        self.pending += token.line.saturating_sub(self.line);
        self.line = token.line;
        if let Kind::Text(_, lines) = token.kind {
            self.line += lines;
        }
        Ok(token.kind.clone())
    }

    fn take_op(&mut self, op: &str) -> Result<bool> {
        let found = self.is_op(op);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn take_name(&mut self, name: &str) -> Result<bool> {
        let found = self.peek_name() == Some(name);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn expect_op(&mut self, op: &str) -> Result<()> {
        if self.take_op(op)? { Ok(()) } else { Err(self.unexpected(&format!("'{op}'"))) }
    }

    fn name(&mut self) -> Result<&'s str> {
        match self.peek() {
            Some(Kind::Name(name)) => {
                let name = *name;
                self.next()?;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        let found = match self.tokens.get(self.at) {
            Some(Token { kind: Kind::Name(name), .. }) => format!("'{name}'"),
            Some(Token { kind: Kind::Number(number), .. }) => format!("'{number}'"),
            Some(Token { kind: Kind::Text(text, _), .. }) => format!("{text:?}"),
            Some(Token { kind: Kind::Op(op), .. }) => format!("'{op}'"),
            None => "the end of the tag".to_owned(),
        };
        let line = self.tokens.get(self.at).map_or(self.line, |token| token.line);
        SyntaxError::new(format!("unexpected {found}, expected {expected}"), line)
    }

    fn end(&self) -> Result<()> {
        if self.at < self.tokens.len() { Err(self.unexpected("the end of the tag")) } else { Ok(()) }
    }

    /// The line breaks that are owed.
    fn breaks(&mut self) -> String {
        "\n".repeat(std::mem::take(&mut self.pending) as usize)
    }

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
            "autoescape" | "extends" | "include" => self.expression()?,
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
            _ => return Err(SyntaxError::new(format!("unknown tag '{keyword}'"), self.line)),
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
            return Ok(format!("{target} = {}", self.tuple(true)?));
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

    /// An expression, or several with commas between, which make a tuple.
    fn tuple(&mut self, conditional: bool) -> Result<String> {
        let item = |this: &mut Self| if conditional { this.expression() } else { this.or() };
        let first = item(self)?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take_op(",")? {
            if self.at == self.tokens.len() || self.is_op(")") {
                break;
            }
            items.push(item(self)?);
        }
        Ok(write_tuple(&items))
    }

    fn expression(&mut self) -> Result<String> {
        let mut value = self.or()?;
        while self.take_name("if")? {
            let test = self.or()?;
            value = if self.take_name("else")? {
                let other = self.expression()?;
                format!("({value} if {test} else {other})")
            } else {
                format!("({value} if {test})")
            };
        }
        Ok(value)
    }

    fn or(&mut self) -> Result<String> {
        self.chain("or", Self::and)
    }

    fn and(&mut self) -> Result<String> {
        self.chain("and", Self::not)
    }

    fn chain(&mut self, word: &str, operand: fn(&mut Self) -> Result<String>) -> Result<String> {
        let first = operand(self)?;
        if self.peek_name() != Some(word) {
            return Ok(first);
        }
        let mut out = format!("({first}");
        while self.take_name(word)? {
            let _ = write!(out, " {word} {}", operand(self)?);
        }
        out.push(')');
        Ok(out)
    }

    fn not(&mut self) -> Result<String> {
        let negated_in = matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Name("in"), .. }));
        if self.peek_name() == Some("not") && !negated_in {
            self.next()?;
            return Ok(format!("(not {})", self.not()?));
        }
        self.compare()
    }

    fn compare(&mut self) -> Result<String> {
        let left = self.sum()?;
        let mut operators: Vec<(&'static str, String)> = Vec::new();
        loop {
            let operator = match self.peek() {
                Some(Kind::Op(op @ ("==" | "!=" | "<" | "<=" | ">" | ">="))) => op,
                Some(Kind::Name("in")) => "in",
                Some(Kind::Name("not"))
                    if matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Name("in"), .. })) =>
                {
                    self.next()?;
                    "not in"
                }
                _ => break,
            };
            self.next()?;
            operators.push((operator, self.sum()?));
        }
        let function = match operators.as_slice() {
            [] => return Ok(left),
            [("==", _)] => "__eq",
            [("!=", _)] => "__ne",
            [("<", _)] => "__lt",
            [("<=", _)] => "__le",
            [(">", _)] => "__gt",
            [(">=", _)] => "__ge",
            _ => {
                let rest: String = operators.iter().map(|(op, operand)| format!(" {op} {operand}")).collect();
                return Ok(format!("({left}{rest})"));
            }
        };
        Ok(format!("{function}({left}, {})", operators[0].1))
    }

    /// A chain of binary operators of one level; runs of the same operator become one call, so that long chains do not
    /// nest deeply.
    fn binary(&mut self, operators: &[(&str, &str)], operand: fn(&mut Self) -> Result<String>) -> Result<String> {
        let mut left = operand(self)?;
        let mut last = "";
        loop {
            let found = operators.iter().find(|(op, _)| self.is_op(op));
            let Some((_, function)) = found else {
                if !last.is_empty() {
                    left.push(')');
                }
                return Ok(left);
            };
            self.next()?;
            let right = operand(self)?;
            if last == *function {
                let _ = write!(left, ", {right}");
            } else {
                let close = if last.is_empty() { "" } else { ")" };
                left = format!("{function}({left}{close}, {right}");
                last = function;
            }
        }
    }

    fn sum(&mut self) -> Result<String> {
        self.binary(&[("+", "__add"), ("-", "__sub")], Self::concat)
    }

    fn concat(&mut self) -> Result<String> {
        self.binary(&[("~", "__cat")], Self::product)
    }

    fn product(&mut self) -> Result<String> {
        self.binary(&[("*", "__mul"), ("/", "__div"), ("//", "__floordiv"), ("%", "__mod")], Self::power)
    }

    fn power(&mut self) -> Result<String> {
        self.binary(&[("**", "__pow")], |this| this.unary(true))
    }

    fn unary(&mut self, filters: bool) -> Result<String> {
        let value = if self.take_op("-")? {
            format!("__neg({})", self.unary(false)?)
        } else if self.take_op("+")? {
            self.unary(false)?
        } else {
            self.postfix()?
        };
        if filters { self.filters(value) } else { Ok(value) }
    }

    fn primary(&mut self) -> Result<String> {
        let kind = match self.peek() {
            Some(Kind::Op("(" | "[" | "{") | Kind::Name(_) | Kind::Number(_) | Kind::Text(..)) => self.next()?,
            _ => return Err(self.unexpected("an expression")),
        };
        let breaks = self.breaks();
        match kind {
            Kind::Name(name) => {
                match name {
                    "varargs" => self.out.varargs = true,
                    "kwargs" => self.out.kwargs = true,
                    "caller" => self.out.caller = true,
                    _ => {}
                }
                Ok(format!("{breaks}{name}"))
            }
            Kind::Number(number) => Ok(format!("{breaks}{number}")),
            Kind::Text(text, lines) => {
                let mut text = text;
                let mut lines = lines;
                while let Some(Kind::Text(..)) = self.peek() {
                    if let Kind::Text(more, more_lines) = self.next()? {
                        text.push_str(&more);
                        lines += more_lines;
                    }
                }
                self.pending += lines;
                Ok(format!("{breaks}{}", write_text(&text)))
            }
            Kind::Op("(") => {
                if self.take_op(")")? {
                    return Ok(format!("{breaks}()"));
                }
                let inner = self.tuple(true)?;
                self.expect_op(")")?;
                Ok(format!("{breaks}({inner})"))
            }
            Kind::Op("[") => {
                let items = self.items("]", Self::expression)?;
                Ok(format!("{breaks}__list([{items}])"))
            }
            _ => {
                let items = self.items("}", |this| {
                    let key = this.expression()?;
                    this.expect_op(":")?;
                    Ok(format!("{key}: {}", this.expression()?))
                })?;
                // A space keeps the brace from closing the tag.
                Ok(format!("{breaks}__dict({{{items} }})"))
            }
        }
    }

    fn items(&mut self, close: &str, item: fn(&mut Self) -> Result<String>) -> Result<String> {
        let mut out = String::new();
        while !self.take_op(close)? {
            if !out.is_empty() {
                self.expect_op(",")?;
                if self.take_op(close)? {
                    break;
                }
                out.push_str(", ");
            }
            out.push_str(&item(self)?);
        }
        Ok(out)
    }

    fn postfix(&mut self) -> Result<String> {
        let start = self.at;
        let mut value = self.primary()?;
        loop {
            if self.take_op(".")? {
                match self.next()? {
                    Kind::Name(name) => {
                        let _ = write!(value, ".{name}");
                    }
                    Kind::Number(index) => {
                        let _ = write!(value, "[{index}]");
                    }
                    _ => {
                        self.at -= 1;
                        return Err(self.unexpected("a name after '.'"));
                    }
                }
            } else if self.take_op("[")? {
                value = self.subscript(value)?;
            } else if self.is_op("(") {
                self.record_call(start);
                self.next()?;
                let args = self.arguments()?;
                let _ = write!(value, "({args})");
            } else {
                return Ok(value);
            }
        }
    }

    /// Notes what is called when the tokens from `start` to here name a macro.
    fn record_call(&mut self, start: usize) {
        let callee: Vec<&Kind<'_>> = self.tokens[start..self.at].iter().map(|token| &token.kind).collect();
        let call = match callee.as_slice() {
            [Kind::Name(name)] => Call::Name((*name).to_owned()),
            [Kind::Name("adapter"), Kind::Op("."), Kind::Name("dispatch")] => {
                let Some(call) = self.dispatch_call() else { return };
                call
            }
            [Kind::Name(package), Kind::Op("."), Kind::Name(name)] => {
                Call::Qualified((*package).to_owned(), (*name).to_owned())
            }
            _ => return,
        };
        self.out.calls.push(call);
    }

    /// The literal arguments of the dispatch that begins at the bracket here.
    fn dispatch_call(&self) -> Option<Call> {
        let mut positional = Vec::new();
        let (mut name, mut namespace) = (None, None);
        let mut at = self.at + 1;
        loop {
            let key = match (self.kind(at), self.kind(at + 1)) {
                (Some(Kind::Name(key)), Some(Kind::Op("="))) => {
                    at += 2;
                    Some(*key)
                }
                _ => None,
            };
            let Some(Kind::Text(text, _)) = self.kind(at) else { break };
            match key {
                Some("macro_name") => name = Some(text.clone()),
                Some("macro_namespace") => namespace = Some(text.clone()),
                _ => positional.push(text.clone()),
            }
            at += 1;
            if !matches!(self.kind(at), Some(Kind::Op(","))) {
                break;
            }
            at += 1;
        }
        let mut positional = positional.into_iter();
        let name = name.or_else(|| positional.next())?;
        Some(Call::Dispatch(name, namespace.or_else(|| positional.next())))
    }

    fn kind(&self, at: usize) -> Option<&Kind<'s>> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    fn subscript(&mut self, value: String) -> Result<String> {
        let mut parts: Vec<Option<String>> = vec![None];
        let mut slice = false;
        loop {
            if self.take_op("]")? {
                break;
            }
            if self.take_op(":")? {
                slice = true;
                parts.push(None);
            } else {
                let part = self.tuple(true)?;
                match parts.last_mut() {
                    Some(last @ None) => *last = Some(part),
                    _ => return Err(self.unexpected("']'")),
                }
            }
        }
        if !slice {
            return match parts.swap_remove(0) {
                Some(key) => Ok(format!("{value}[{key}]")),
                None => Err(self.unexpected("a key between '[' and ']'")),
            };
        }
        let parts: Vec<String> = parts.into_iter().map(|part| part.unwrap_or_else(|| "none".to_owned())).collect();
        Ok(format!("__slice({value}, {})", parts.join(", ")))
    }

    /// Arguments up to the closing bracket; the opening one is taken.
    fn arguments(&mut self) -> Result<String> {
        let mut out = String::new();
        while !self.take_op(")")? {
            if !out.is_empty() {
                self.expect_op(",")?;
                if self.take_op(")")? {
                    break;
                }
                out.push_str(", ");
            }
            if self.take_op("**")? {
                let _ = write!(out, "**{}", self.expression()?);
            } else if self.take_op("*")? {
                let _ = write!(out, "*{}", self.expression()?);
            } else if let (Some(name), Some(Kind::Op("="))) = (self.peek_name(), self.kind(self.at + 1)) {
                self.next()?;
                self.next()?;
                let _ = write!(out, "{name}={}", self.expression()?);
            } else {
                out.push_str(&self.expression()?);
            }
        }
        out.push_str(&self.breaks());
        Ok(out)
    }

    /// Filters and tests after a value.
    fn filters(&mut self, value: String) -> Result<String> {
        let mut value = value;
        loop {
            if value.is_empty() || self.is_op("|") {
                if !value.is_empty() {
                    self.next()?;
                }
                let name = self.name()?;
                let breaks = self.breaks();
                let _ = write!(value, "|{breaks}{name}");
                if self.take_op("(")? {
                    let args = self.arguments()?;
                    let _ = write!(value, "({args})");
                }
            } else if self.take_name("is")? {
                let not = if self.take_name("not")? { "not " } else { "" };
                let name = self.name()?;
                let args = self.test_arguments()?;
                value = format!("({value} is {not}{name}({args}))");
            } else {
                return Ok(value);
            }
        }
    }

    /// A test's arguments: in brackets, or one operand without.
    fn test_arguments(&mut self) -> Result<String> {
        if self.take_op("(")? {
            return self.arguments();
        }
        let operand = match self.peek() {
            Some(Kind::Name(name)) => {
                !matches!(*name, "else" | "or" | "and" | "is" | "if" | "in" | "not" | "recursive")
            }
            Some(Kind::Number(_) | Kind::Text(..) | Kind::Op("[" | "{")) => true,
            _ => false,
        };
        if operand { self.postfix() } else { Ok(String::new()) }
    }
}

fn write_tuple(items: &[String]) -> String {
    format!("({}{})", items.join(", "), if items.len() == 1 { "," } else { "" })
}

/// Parameters as the engine wants them.
pub(super) fn write_signature(params: &[Param]) -> String {
    let write = |param: &Param| match &param.default {
        Some(default) => format!("{}={default}", param.name),
        None => param.name.clone(),
    };
    params.iter().map(write).collect::<Vec<_>>().join(", ")
}

/// A text literal on one line.
pub(super) fn write_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
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
