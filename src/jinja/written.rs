//! What a template says, read without rendering it: its first `config(...)` call, which dbt compares as written when
//! `state_modified_compare_more_unrendered_values` is on, and the names it mentions.

use serde_json::Value as Json;

use super::lexer::{Kind, Lexer, Piece, Token};
use crate::model::JsonMap;

/// The keyword arguments of the first call, each as written: a plain string without its quotes, anything else word by
/// word, so that spaces and the kind of quotes make no difference. None when there is no such call, or none with
/// keywords.
pub fn config_call(code: &str) -> Option<JsonMap> {
    if !code.contains("config") {
        return None;
    }
    tags(code).find_map(|tokens| keywords(&tokens))
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
    let of_tag = |tokens: Vec<Token<'_>>| {
        let kind = |at: usize| tokens.get(at).map(|token| &token.kind);
        let mention = |(at, token): (usize, &Token<'_>)| {
            let Kind::Name(name) = token.kind else { return None };
            let is_called = kind(at + 1) == Some(&Kind::Op("("));
            let argument = match kind(at + 2) {
                Some(Kind::Text(text, _)) if is_called => Some(text.clone()),
                _ => None,
            };
            Some(Mention { name: name.to_owned(), argument, is_called })
        };
        tokens.iter().enumerate().filter_map(mention).collect::<Vec<_>>()
    };
    tags(code).flat_map(of_tag).collect()
}

/// The tokens of each tag, comments and raw text apart; up to the first mistake, if there is one.
fn tags(code: &str) -> impl Iterator<Item = Vec<Token<'_>>> {
    let mut lexer = Lexer::new(code);
    std::iter::from_fn(move || lexer.next_piece().ok().flatten()).filter_map(|piece| match piece {
        Piece::Tag(tag) => Some(tag.tokens),
        Piece::Verbatim(_) => None,
    })
}

fn keywords(tokens: &[Token<'_>]) -> Option<JsonMap> {
    let call = (0..tokens.len()).find(|at| {
        let kind = |at: usize| tokens.get(at).map(|token| &token.kind);
        let is_attribute = at.checked_sub(1).is_some_and(|before| matches!(kind(before), Some(Kind::Op("." | "|"))));
        kind(*at) == Some(&Kind::Name("config")) && kind(at + 1) == Some(&Kind::Op("(")) && !is_attribute
    })?;
    let mut depth = 0_usize;
    let (mut arguments, mut argument) = (Vec::new(), Vec::new());
    for token in &tokens[call + 2..] {
        match token.kind {
            Kind::Op("(" | "[" | "{") => depth += 1,
            Kind::Op(")" | "]" | "}") if depth == 0 => break,
            Kind::Op(")" | "]" | "}") => depth -= 1,
            Kind::Op(",") if depth == 0 => {
                arguments.push(std::mem::take(&mut argument));
                continue;
            }
            _ => {}
        }
        argument.push(&token.kind);
    }
    arguments.push(argument);
    let keyword = |argument: &Vec<&Kind<'_>>| match argument.as_slice() {
        [Kind::Name(key), Kind::Op("="), value @ ..] => Some(((*key).to_owned(), Json::String(written(value)))),
        _ => None,
    };
    let map: JsonMap = arguments.iter().filter_map(keyword).collect();
    Some(map).filter(|map| !map.is_empty())
}

fn written(value: &[&Kind<'_>]) -> String {
    if let [Kind::Text(text, _)] = value {
        return text.clone();
    }
    let mut words: Vec<String> = Vec::new();
    for (at, kind) in value.iter().enumerate() {
        let closes_next = matches!(value.get(at + 1), Some(Kind::Op("]" | "}")));
        match kind {
            // A comma after the last item says nothing.
            Kind::Op(",") if closes_next => {}
            Kind::Op(op) => words.push((*op).to_owned()),
            Kind::Text(text, _) => words.push(format!("'{}'", text.replace('\'', "\\'"))),
            Kind::Name(word @ ("True" | "False" | "None")) => words.push(word.to_lowercase()),
            Kind::Name(word) => words.push((*word).to_owned()),
            Kind::Number(number) => words.push(number.clone()),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{config_call, mentions};

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
            assert!(read(none).is_null(), "{none}");
        }
    }

    #[test]
    fn names_are_found_with_the_text_they_are_called_with() {
        let code = "{% raw %}{{ x }}{% endraw %}{# {{ y }} #}{{ var('rate', 5) ~ dbt.f(g) }} 'z'";
        let found: Vec<_> = mentions(code).into_iter().map(|it| (it.name, it.argument, it.is_called)).collect();
        let name = |name: &str, is_called| (name.to_owned(), None, is_called);
        let rate = ("var".to_owned(), Some("rate".to_owned()), true);
        assert_eq!(found, [rate, name("dbt", false), name("f", true), name("g", false)]);
    }
}
