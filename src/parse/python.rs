//! Python models, read without running them: calls of `dbt.ref`, `dbt.source` and `dbt.config` with literal arguments.

use serde_json::{Number, Value as Json};

use crate::jinja::Capture;
use crate::model::{Code, Diagnostic, JsonMap, Location, RefArgs};

/// What the model refers to and how it configures itself.
pub(super) fn read(source: &str, path: &str, first_line: u32) -> Result<Capture, Box<Diagnostic>> {
    let tokens = tokens(source);
    check_brackets(&tokens, path, first_line)?;
    check_model(&tokens, path)?;
    let mut capture = Capture::default();
    let mut used = Used::default();
    for start in 0..tokens.len() {
        let Some((method, open)) = method(&tokens, start) else { continue };
        let line = first_line + tokens[start].line - 1;
        let arguments = Arguments::read(&tokens, open).ok_or_else(|| {
            let message = format!("`dbt.{method}` takes only literal arguments in a Python model");
            Box::new(Diagnostic::error(Code::Unsupported, message).at(Location::line(path, line)))
        });
        match method.as_str() {
            "ref" => capture.refs.push(reference(&arguments?, path, line)?),
            "source" => capture.sources.push(source_of(&arguments?, path, line)?),
            "config" => capture.config.extend(arguments?.named),
            "config.get" => used.config.note(arguments.ok()),
            "config.meta_get" => used.meta.note(arguments.ok()),
            _ => {}
        }
    }
    if !used.config.names.is_empty() || !used.meta.names.is_empty() {
        used.config.write("config_keys", &mut capture.config);
        used.meta.write("meta_keys", &mut capture.config);
    }
    Ok(capture)
}

/// Every bracket is closed by its own kind.
fn check_brackets(tokens: &[Token], path: &str, first_line: u32) -> Result<(), Box<Diagnostic>> {
    let mut open: Vec<(char, u32)> = Vec::new();
    for token in tokens {
        let Kind::Sign(sign) = token.kind else { continue };
        let opening = match sign {
            '(' | '[' | '{' => {
                open.push((sign, token.line));
                continue;
            }
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => continue,
        };
        match open.pop() {
            Some((last, _)) if last == opening => {}
            Some((last, line)) => {
                let message = format!("'{sign}' closes '{last}' of line {}", first_line + line - 1);
                return Err(wrong(&message, path, first_line + token.line - 1));
            }
            None => return Err(wrong(&format!("'{sign}' closes nothing"), path, first_line + token.line - 1)),
        }
    }
    match open.pop() {
        Some((last, line)) => Err(wrong(&format!("'{last}' is never closed"), path, first_line + line - 1)),
        None => Ok(()),
    }
}

/// One function is called `model`.
fn check_model(tokens: &[Token], path: &str) -> Result<(), Box<Diagnostic>> {
    let is = |token: &Token, wanted: &str| matches!(&token.kind, Kind::Name(name) if name == wanted);
    let count = tokens.windows(2).filter(|pair| is(&pair[0], "def") && is(&pair[1], "model")).count();
    if count == 1 {
        return Ok(());
    }
    let message = match count {
        0 => "a Python model needs a function `model`, and this file has none".to_owned(),
        _ => format!("a Python model needs one function `model`, and this file has {count}"),
    };
    let complaint = Diagnostic::error(Code::InvalidProperty, message).at(Location::file(path));
    Err(Box::new(complaint.hint("write `def model(dbt, session):` and return a data frame from it")))
}

/// The keys that `dbt.config.get` asks for, which dbt keeps in the configuration.
#[derive(Default)]
struct Used {
    config: Keys,
    meta: Keys,
}

#[derive(Default)]
struct Keys {
    names: Vec<Json>,
    defaults: Vec<Json>,
}

impl Keys {
    fn note(&mut self, arguments: Option<Arguments>) {
        let mut positional = arguments.map(|arguments| arguments.positional).unwrap_or_default().into_iter();
        let Some(name) = positional.next() else { return };
        self.names.push(name);
        self.defaults.push(positional.next().unwrap_or(Json::Null));
    }

    fn write(self, prefix: &str, config: &mut JsonMap) {
        config.insert(format!("{prefix}_used"), Json::Array(self.names));
        config.insert(format!("{prefix}_defaults"), Json::Array(self.defaults));
    }
}

fn reference(arguments: &Arguments, path: &str, line: u32) -> Result<RefArgs, Box<Diagnostic>> {
    let version = arguments.named.get("version").or_else(|| arguments.named.get("v")).filter(|v| !v.is_null()).cloned();
    let text = |index: usize| arguments.positional.get(index).and_then(Json::as_str).map(str::to_owned);
    match (text(0), text(1), arguments.positional.len()) {
        (Some(name), None, 1) => Ok(RefArgs { name, package: None, version }),
        (Some(package), Some(name), 2) => Ok(RefArgs { name, package: Some(package), version }),
        _ => Err(wrong("dbt.ref takes a model's name, or a package and a name", path, line)),
    }
}

fn source_of(arguments: &Arguments, path: &str, line: u32) -> Result<[String; 2], Box<Diagnostic>> {
    let text = |index: usize| arguments.positional.get(index).and_then(Json::as_str).map(str::to_owned);
    match (text(0), text(1), arguments.positional.len()) {
        (Some(source), Some(table), 2) => Ok([source, table]),
        _ => Err(wrong("dbt.source takes a source's and a table's name", path, line)),
    }
}

fn wrong(message: &str, path: &str, line: u32) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(Code::InvalidProperty, message).at(Location::line(path, line)))
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Name(String),
    Text(String),
    Number(Number),
    Sign(char),
}

struct Token {
    kind: Kind,
    line: u32,
}

/// `dbt.<method>(` at `start`: the method and where its parenthesis opens.
fn method(tokens: &[Token], start: usize) -> Option<(String, usize)> {
    let sign = |at: usize, c: char| matches!(tokens.get(at), Some(Token { kind: Kind::Sign(s), .. }) if *s == c);
    let name = |at: usize| match tokens.get(at) {
        Some(Token { kind: Kind::Name(name), .. }) => Some(name.as_str()),
        _ => None,
    };
    if name(start) != Some("dbt") || (start > 0 && sign(start - 1, '.')) {
        return None;
    }
    let mut path: Vec<&str> = Vec::new();
    let mut at = start + 1;
    while sign(at, '.') {
        path.push(name(at + 1)?);
        at += 2;
    }
    (!path.is_empty() && sign(at, '(')).then(|| (path.join("."), at))
}

#[derive(Debug, Default)]
struct Arguments {
    positional: Vec<Json>,
    named: JsonMap,
}

impl Arguments {
    /// Reads from an opening parenthesis to its closing one; none when an argument is no literal.
    fn read(tokens: &[Token], open: usize) -> Option<Self> {
        let mut reader = Reader { tokens, at: open + 1 };
        let mut arguments = Self::default();
        while !reader.takes(')') {
            match (tokens.get(reader.at).map(|token| &token.kind), tokens.get(reader.at + 1).map(|token| &token.kind)) {
                (Some(Kind::Name(name)), Some(Kind::Sign('='))) => {
                    reader.at += 2;
                    arguments.named.insert(name.clone(), reader.value()?);
                }
                _ => arguments.positional.push(reader.value()?),
            }
            if !reader.takes(',') && !reader.sees(')') {
                return None;
            }
        }
        Some(arguments)
    }
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Reader<'_> {
    fn sees(&self, sign: char) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    fn takes(&mut self, sign: char) -> bool {
        let sees = self.sees(sign);
        self.at += usize::from(sees);
        sees
    }

    fn value(&mut self) -> Option<Json> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        match &token.kind {
            Kind::Text(text) => {
                let mut all = text.clone();
                while let Some(Token { kind: Kind::Text(more), .. }) = self.tokens.get(self.at) {
                    all.push_str(more);
                    self.at += 1;
                }
                Some(Json::String(all))
            }
            Kind::Number(number) => Some(Json::Number(number.clone())),
            Kind::Name(name) => match name.as_str() {
                "True" => Some(Json::Bool(true)),
                "False" => Some(Json::Bool(false)),
                "None" => Some(Json::Null),
                _ => None,
            },
            Kind::Sign('-') => match self.value()? {
                Json::Number(number) => {
                    number.as_i64().map(|n| Json::from(-n)).or_else(|| number.as_f64().map(|n| Json::from(-n)))
                }
                _ => None,
            },
            Kind::Sign('[') => self.items(']').map(Json::Array),
            Kind::Sign('(') => self.items(')').map(Json::Array),
            Kind::Sign('{') => self.mapping().map(Json::Object),
            Kind::Sign(_) => None,
        }
    }

    fn items(&mut self, close: char) -> Option<Vec<Json>> {
        let mut items = Vec::new();
        while !self.takes(close) {
            items.push(self.value()?);
            if !self.takes(',') && !self.sees(close) {
                return None;
            }
        }
        Some(items)
    }

    fn mapping(&mut self) -> Option<JsonMap> {
        let mut map = JsonMap::new();
        while !self.takes('}') {
            let key = match self.value()? {
                Json::String(text) => text,
                other => other.to_string(),
            };
            if !self.takes(':') {
                return None;
            }
            map.insert(key, self.value()?);
            if !self.takes(',') && !self.sees('}') {
                return None;
            }
        }
        Some(map)
    }
}

/// Names, literals and signs; comments and whitespace are gone.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let c = chars[at];
        let began = line;
        let kind = match c {
            '\n' => {
                line += 1;
                at += 1;
                continue;
            }
            '#' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
                continue;
            }
            '"' | '\'' => {
                let (text, end) = text(&chars, at);
                line += u32::try_from(chars[at..end].iter().filter(|c| **c == '\n').count()).unwrap_or(0);
                at = end;
                Kind::Text(text)
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = end_of(&chars, at, |c| c.is_alphanumeric() || c == '_');
                let name: String = chars[at..end].iter().collect();
                at = end;
                // A prefix of a string literal.
                if matches!(chars.get(at), Some('"' | '\'')) && name.len() <= 2 {
                    continue;
                }
                Kind::Name(name)
            }
            c if c.is_ascii_digit() => {
                let end = end_of(&chars, at, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
                let digits: String = chars[at..end].iter().filter(|c| **c != '_').collect();
                at = end;
                match serde_json::from_str(&digits) {
                    Ok(number) => Kind::Number(number),
                    Err(_) => Kind::Name(digits),
                }
            }
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            c => {
                at += 1;
                Kind::Sign(c)
            }
        };
        found.push(Token { kind, line: began });
    }
    found
}

fn end_of(chars: &[char], from: usize, belongs: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| !belongs(*c)).map_or(chars.len(), |length| from + length)
}

/// The string literal at `from`, and where it ends.
fn text(chars: &[char], from: usize) -> (String, usize) {
    let quote = chars[from];
    let triple = chars.get(from + 1) == Some(&quote) && chars.get(from + 2) == Some(&quote);
    let width = if triple { 3 } else { 1 };
    let mut at = from + width;
    let mut text = String::new();
    while at < chars.len() {
        let c = chars[at];
        let closes = c == quote && (!triple || chars[at..].starts_with(&[quote; 3]));
        if closes {
            return (text, at + width);
        }
        if c == '\\' && at + 1 < chars.len() {
            at += 1;
            match chars[at] {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            }
        } else {
            text.push(c);
        }
        at += 1;
    }
    (text, chars.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn calls_with_literals_are_read() {
        let source = r#"
def model(dbt, session):
    # dbt.ref("not_this")
    dbt.config(materialized="incremental", packages=["numpy", 'pandas'], x={"a": -1.5})
    a = dbt.ref("orders")
    b = dbt.ref("pkg", "items", v=2)
    c = dbt.source('raw', "events").filter("dbt.ref('nor_this')")
    return a.join(b, on=other.dbt.ref)
"#;
        let capture = read(source, "m.py", 1).unwrap();
        assert_eq!(
            json!(capture.config),
            json!({"materialized": "incremental", "packages": ["numpy", "pandas"], "x": {"a": -1.5}})
        );
        let names: Vec<_> = capture.refs.iter().map(|r| (r.package.as_deref(), r.name.as_str())).collect();
        assert_eq!(names, [(None, "orders"), (Some("pkg"), "items")]);
        assert_eq!(capture.refs[1].version, Some(json!(2)));
        assert_eq!(capture.sources, [["raw".to_owned(), "events".to_owned()]]);
    }

    #[test]
    fn a_reference_that_is_no_literal_is_an_error_with_its_line() {
        let error = read("def model(dbt, session):\n    return dbt.ref(name)\n", "m.py", 1).unwrap_err();
        assert_eq!(error.location.unwrap().line, 2);
    }
}
