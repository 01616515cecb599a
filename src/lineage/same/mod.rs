//! Whether two texts are the same query: edits of comments, white space, the case of keywords, trailing commas and
//! semicolons do not make another one. When in doubt they are different.
//!
//! What "same" rests on can be said to whoever asks: the same tokens, or the same syntax tree.

mod jinja;
mod lexer;
mod words;

use serde::{Deserialize, Serialize};

use self::lexer::{Kind, Lexer, Token};
use super::Dialect;
use super::resolve::with_deep_stack;
use crate::model::Change;

/// Whether two texts are the same query, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Equality {
    /// Comments and white space aside, word for word the same.
    SameTokens,
    /// Written differently, e.g. with or without an optional `as`, but the parser reads the same.
    SameAst,
    /// Anything else.
    Different {
        /// The first place where they differ.
        first: Change<Spot>,
    },
}

impl Equality {
    /// Whether they are the same query.
    pub fn is_same(&self) -> bool {
        !matches!(self, Self::Different { .. })
    }
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// From 1; one past the last line at the end.
    pub line: u32,
    /// What stands there; empty at the end.
    pub text: String,
}

/// Compares two versions of compiled SQL.
pub fn same_query(sides: &Change<&str>, dialect: Dialect) -> Equality {
    let tokens = sides.map(|text| Lexer::new(text, dialect, false).tokens());
    let Some(first) = first_difference(sides, &tokens) else { return Equality::SameTokens };
    // The parser drops comments, hints among them.
    let hints = |tokens: &[Token]| {
        tokens.iter().filter(|token| token.kind == Kind::Hint).map(|token| token.text.clone()).collect::<Vec<_>>()
    };
    let is_same_tree = hints(&tokens.baseline) == hints(&tokens.current)
        && with_deep_stack(|| match (dialect.parse(sides.baseline), dialect.parse(sides.current)) {
            (Ok(baseline), Ok(current)) => !baseline.is_empty() && baseline == current,
            _ => false,
        });
    if is_same_tree { Equality::SameAst } else { Equality::Different { first } }
}

/// Compares two versions of a model's own code, Jinja and SQL. Inside Jinja only white space between its words is free,
/// and Jinja in an SQL comment counts with the comment around it: it is rendered too. So does white space where Jinja
/// and SQL touch, and all of what stands between `{% set %}` and `{% endset %}`: it may become a part of a word.
pub fn same_template(sides: &Change<&str>, dialect: Dialect) -> Equality {
    let tokens = sides.map(|text| Lexer::new(text, dialect, true).tokens());
    match first_difference(sides, &tokens) {
        None => Equality::SameTokens,
        Some(first) => Equality::Different { first },
    }
}

/// The first place where two lists of tokens differ.
fn first_difference(sides: &Change<&str>, tokens: &Change<Vec<Token>>) -> Option<Change<Spot>> {
    let (baseline, current) = (&tokens.baseline, &tokens.current);
    let same = baseline.iter().zip(current).take_while(|(a, b)| a.reads_like(b)).count();
    if same == baseline.len() && same == current.len() {
        return None;
    }
    let spot = |tokens: &[Token], text: &str| match tokens.get(same) {
        Some(token) => Spot { line: token.line, text: token.text.clone() },
        None => Spot {
            line: u32::try_from(text.lines().count()).unwrap_or(u32::MAX).saturating_add(1),
            text: String::new(),
        },
    };
    Some(Change { baseline: spot(baseline, sides.baseline), current: spot(current, sides.current) })
}
