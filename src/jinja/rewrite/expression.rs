//! The expressions of Jinja, read with Python's precedence and written as calls.

use std::fmt::Write as _;

use super::super::lexer::{Kind, SyntaxError, Token};
use super::{Call, Result, Rewritten};

/// Reads the tokens of one tag and writes the engine's dialect.
pub(super) struct Parser<'t, 's> {
    /// The tokens.
    pub(super) tokens: &'t [Token<'s>],
    /// The next one.
    pub(super) at: usize,
    /// The line that what was written so far ends on.
    pub(super) line: u32,
    /// Line breaks read but not yet written.
    pub(super) pending: u32,
    /// What was found besides the text.
    pub(super) out: &'t mut Rewritten,
}

impl<'s> Parser<'_, 's> {
    fn peek(&self) -> Option<&Kind<'s>> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// The next token, if it is a name.
    pub(super) fn peek_name(&self) -> Option<&'s str> {
        match self.peek() {
            Some(Kind::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// Whether the next token is this operator.
    pub(super) fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Some(Kind::Op(found)) if *found == op)
    }

    /// Takes the next token and owes its line breaks.
    pub(super) fn next(&mut self) -> Result<Kind<'s>> {
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

    /// Takes this operator, if it is next.
    pub(super) fn take_op(&mut self, op: &str) -> Result<bool> {
        let found = self.is_op(op);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    /// Takes this word, if it is next.
    pub(super) fn take_name(&mut self, name: &str) -> Result<bool> {
        let found = self.peek_name() == Some(name);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    /// Takes this operator, or fails.
    pub(super) fn expect_op(&mut self, op: &str) -> Result<()> {
        if self.take_op(op)? { Ok(()) } else { Err(self.unexpected(&format!("'{op}'"))) }
    }

    /// Takes a name, or fails.
    pub(super) fn name(&mut self) -> Result<&'s str> {
        match self.peek() {
            Some(Kind::Name(name)) => {
                let name = *name;
                self.next()?;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// The error of the next token.
    pub(super) fn unexpected(&self, expected: &str) -> SyntaxError {
        let found = match self.tokens.get(self.at) {
            Some(Token { kind: Kind::Name(name), .. }) => format!("'{name}'"),
            Some(Token { kind: Kind::Number(number), .. }) => format!("'{number}'"),
            Some(Token { kind: Kind::Text(text, _), .. }) => format!("{text:?}"),
            Some(Token { kind: Kind::Op(op), .. }) => format!("'{op}'"),
            None => return SyntaxError::new(format!("the tag ends where {expected} is expected"), self.end_line()),
        };
        let line = self.tokens.get(self.at).map_or(self.line, |token| token.line);
        SyntaxError::new(format!("unexpected {found}, expected {expected}"), line)
    }

    fn end_line(&self) -> u32 {
        self.tokens.last().map_or(self.line, |token| token.line)
    }

    /// Fails unless all tokens are taken.
    pub(super) fn end(&self) -> Result<()> {
        if self.at < self.tokens.len() { Err(self.unexpected("the end of the tag")) } else { Ok(()) }
    }

    /// The line breaks that are owed.
    pub(super) fn breaks(&mut self) -> String {
        "\n".repeat(std::mem::take(&mut self.pending) as usize)
    }

    /// An expression, or several with commas between, which make a tuple.
    pub(super) fn tuple(&mut self, conditional: bool) -> Result<String> {
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

    /// A whole expression.
    pub(super) fn expression(&mut self) -> Result<String> {
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

    /// An expression without `if`.
    pub(super) fn or(&mut self) -> Result<String> {
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
                let mut chain = format!("({left}");
                for (op, operand) in operators {
                    let _ = write!(chain, " {op} {operand}");
                }
                chain.push(')');
                return Ok(chain);
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
            Kind::Op(_) => {
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

    /// A value with its attributes, subscripts and calls.
    pub(super) fn postfix(&mut self) -> Result<String> {
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
                value = self.subscript(&value)?;
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
            // What the adapter itself does is no macro.
            [Kind::Name("adapter"), Kind::Op("."), Kind::Name(_)] => return,
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

    fn subscript(&mut self, value: &str) -> Result<String> {
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
    pub(super) fn filters(&mut self, value: String) -> Result<String> {
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

/// A text literal on one line.
fn write_text(text: &str) -> String {
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
