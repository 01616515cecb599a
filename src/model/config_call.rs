//! What a template says, read without rendering it: its first `config(...)` call, which dbt compares as written when
//! `state_modified_compare_more_unrendered_values` is on, and the names it mentions.

use serde_json::Value as Json;

use super::JsonMap;

/// A word of a template's expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A string, without its quotes.
    Text(String),
    /// A name or a number.
    Word(String),
    /// Anything else, one character.
    Mark(char),
}

/// The keyword arguments of the first call, each as written: a plain string without its quotes, anything else word by word,
/// so that spaces and the kind of quotes make no difference. None when there is no such call, or none with keywords.
pub fn config_call(code: &str) -> Option<JsonMap> {
    if !code.contains("config") {
        return None;
    }
    blocks(code).into_iter().find_map(|block| keywords(&tokens(block)))
}

/// A name in a template, with the first argument where it is a call with a string first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mention {
    /// The name; of `a.b`, each apart.
    pub name: String,
    /// e.g. `rate` of `var('rate', 5)`.
    pub argument: Option<String>,
    /// Whether it is called.
    pub is_called: bool,
}

/// Every name between the braces of a template.
pub fn mentions(code: &str) -> Vec<Mention> {
    let of_block = |block: &str| {
        let tokens = tokens(block);
        let mention = |(at, token): (usize, &Token)| {
            let Token::Word(name) = token else { return None };
            let is_called = tokens.get(at + 1) == Some(&Token::Mark('('));
            let argument = match tokens.get(at + 2) {
                Some(Token::Text(text)) if is_called => Some(text.clone()),
                _ => None,
            };
            Some(Mention { name: name.clone(), argument, is_called })
        };
        tokens.iter().enumerate().filter_map(mention).collect::<Vec<_>>()
    };
    blocks(code).into_iter().flat_map(of_block).collect()
}

/// What stands between the braces of a template, comments and raw text apart.
fn blocks(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let close = match rest.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                rest = &rest[1..];
                continue;
            }
        };
        let inside = &rest[2..];
        let end = if close == "#}" { inside.find(close) } else { end_of(inside, close) }.unwrap_or(inside.len());
        let block = &inside[..end];
        rest = inside.get(end + 2..).unwrap_or_default();
        if close == "%}" && block.trim_matches(|c: char| c == '-' || c.is_whitespace()) == "raw" {
            rest = rest.find("endraw").map_or("", |end| &rest[end..]);
        } else if close != "#}" {
            found.push(block);
        }
    }
    found
}

/// Where a block ends; braces inside of strings do not end it, nor do those of a mapping.
fn end_of(inside: &str, close: &str) -> Option<usize> {
    let (mut quote, mut escaped, mut depth) = (None, false, 0_usize);
    for (at, c) in inside.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if depth == 0 && inside[at..].starts_with(close) => return Some(at),
            None if c == '{' => depth += 1,
            None if c == '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn tokens(block: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut chars = block.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' || c == '"' {
            let mut text = String::new();
            while let Some(next) = chars.next().filter(|next| *next != c) {
                if next == '\\' {
                    text.extend(chars.next().map(unescaped));
                } else {
                    text.push(next);
                }
            }
            found.push(Token::Text(text));
        } else if c.is_alphanumeric() || c == '_' {
            let mut word = String::from(c);
            while let Some(next) = chars.next_if(|next| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            found.push(Token::Word(word));
        } else if !c.is_whitespace() {
            found.push(Token::Mark(c));
        }
    }
    found
}

fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        other => other,
    }
}

fn keywords(tokens: &[Token]) -> Option<JsonMap> {
    let call = tokens.windows(2).enumerate().position(|(at, pair)| {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        pair == [Token::Word("config".to_owned()), Token::Mark('(')] && !matches!(before, Some(Token::Mark('.' | '|')))
    })?;
    let mut depth = 0_usize;
    let (mut arguments, mut argument) = (Vec::new(), Vec::new());
    for token in &tokens[call + 2..] {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') if depth == 0 => break,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            Token::Mark(',') if depth == 0 => {
                arguments.push(std::mem::take(&mut argument));
                continue;
            }
            _ => {}
        }
        argument.push(token);
    }
    arguments.push(argument);
    let keyword = |argument: &Vec<&Token>| match argument.as_slice() {
        [Token::Word(key), Token::Mark('='), value @ ..] if value.first() != Some(&&Token::Mark('=')) => {
            Some((key.clone(), Json::String(written(value))))
        }
        _ => None,
    };
    let map: JsonMap = arguments.iter().filter_map(keyword).collect();
    Some(map).filter(|map| !map.is_empty())
}

fn written(value: &[&Token]) -> String {
    if let [Token::Text(text)] = value {
        return text.clone();
    }
    let mut words: Vec<String> = Vec::new();
    for (at, token) in value.iter().enumerate() {
        let closes_next = matches!(value.get(at + 1), Some(Token::Mark(']' | '}')));
        match token {
            // A comma after the last item says nothing.
            Token::Mark(',') if closes_next => {}
            Token::Mark(mark) => words.push(mark.to_string()),
            Token::Text(text) => words.push(format!("'{}'", text.replace('\'', "\\'"))),
            Token::Word(word) if matches!(word.as_str(), "True" | "False" | "None") => words.push(word.to_lowercase()),
            Token::Word(word) => words.push(word.clone()),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::config_call;

    fn read(code: &str) -> serde_json::Value {
        config_call(code).map_or(serde_json::Value::Null, serde_json::Value::Object)
    }

    #[test]
    fn a_call_is_read_as_written() {
        assert_eq!(
            read("{{- config(materialized = 'table', tags=[\"a\",'b', ], n=3) -}} select 1"),
            json!({"materialized": "table", "tags": "[ 'a' , 'b' ]", "n": "3"})
        );
        assert_eq!(
            read("{% do config(meta={'a': {'b': env_var('X')}}, enabled=True) %}"),
            json!({"meta": "{ 'a' : { 'b' : env_var ( 'X' ) } }", "enabled": "true"})
        );
        let both = ["{{config(alias = var( 'x' )~\"}}\")}}", "{{ config( alias=var(\"x\") ~ '}}' ) }}"].map(read);
        assert_eq!(both[0], both[1]);
    }

    #[test]
    fn only_the_first_call_with_keywords_counts() {
        assert_eq!(read("{{ config(a='1') }}{{ config(b='2') }}"), json!({"a": "1"}));
        for none in [
            "select 1",
            "{{ config({'a': 1}) }}",
            "{# {{ config(a=1) }} #}",
            "{% raw %}{{ config(a=1) }}{% endraw %}",
            "{{ my.config(a=1) }}",
            "{{ config.get('a') }}",
            "config(a=1)",
            "{{ config(a='1'",
            "{{",
        ] {
            let unclosed = none.starts_with("{{ config(a='1'");
            assert_eq!(read(none).is_null(), !unclosed, "{none}");
        }
    }
}
