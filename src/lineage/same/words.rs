//! Whose case says nothing: keywords, functions and types; names too where the engine folds them.

use super::lexer::{Kind, Token};
use crate::lineage::Dialect;

/// Words that no engine takes for a name without quotes, save behind `as`.
const RESERVED: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "both",
    "case",
    "cast",
    "collate",
    "create",
    "cross",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "fetch",
    "for",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "lateral",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "qualify",
    "recursive",
    "right",
    "rollup",
    "select",
    "some",
    "table",
    "then",
    "true",
    "union",
    "unnest",
    "using",
    "when",
    "where",
    "window",
    "with",
    "within",
    "ilike",
];

/// Words that stand for something only before or behind certain others.
const PAIRS: &[(&str, &str)] = &[
    ("nulls", "first"),
    ("nulls", "last"),
    ("rows", "between"),
    ("range", "between"),
    ("unbounded", "preceding"),
    ("unbounded", "following"),
    ("current", "row"),
    ("partition", "by"),
    ("order", "by"),
    ("group", "by"),
];

/// Makes the case of words that are no names say nothing.
pub(super) fn fold(tokens: &mut Vec<Token>, dialect: Dialect) {
    drop_trailing_commas(tokens, dialect);
    // Case of plain names: postgres and redshift write them small, snowflake large.
    let folds_all = matches!(dialect, Dialect::Postgres | Dialect::Redshift | Dialect::Snowflake);
    let mut in_cast: Vec<bool> = Vec::new();
    for at in 0..tokens.len() {
        let lower = tokens[at].read().to_lowercase();
        match lower.as_str() {
            "(" => {
                let before = at.checked_sub(1).map(|at| tokens[at].read().to_lowercase());
                in_cast.push(matches!(before.as_deref(), Some("cast" | "try_cast" | "safe_cast")));
            }
            ")" => {
                in_cast.pop();
            }
            _ => {}
        }
        if tokens[at].kind != Kind::Word {
            continue;
        }
        let is_number = lower.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        if folds_all || is_number || says_nothing(tokens, at, &lower, dialect, in_cast.last() == Some(&true)) {
            tokens[at].lower();
        }
    }
}

fn says_nothing(tokens: &[Token], at: usize, lower: &str, dialect: Dialect, is_in_cast: bool) -> bool {
    let neighbour = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|token| token.read().to_lowercase());
    let before = neighbour(at.checked_sub(1)).unwrap_or_default();
    let after = neighbour(at.checked_add(1)).unwrap_or_default();
    if before == "." || after == "." {
        return false;
    }
    if before == "as" {
        // A type, or the first word of a query; else a name.
        return is_in_cast || matches!(lower, "materialized" | "not");
    }
    if before == "::" || RESERVED.contains(&lower) {
        return true;
    }
    // BigQuery tells functions of users apart by case.
    let is_function = after == "(" && (dialect != Dialect::BigQuery || is_known_function(lower));
    let is_pair = |a: &str, b: &str| PAIRS.contains(&(a, b));
    (is_function && !follows_table(&before)) || is_pair(lower, &after) || is_pair(&before, lower)
}

/// Whether what comes before is followed by a table's name.
fn follows_table(before: &str) -> bool {
    matches!(before, "from" | "join" | "with" | ",") && before != ","
}

fn is_known_function(name: &str) -> bool {
    const COMMON: &[&str] = &[
        "abs",
        "array_agg",
        "avg",
        "ceil",
        "coalesce",
        "concat",
        "count",
        "countif",
        "date",
        "date_add",
        "date_diff",
        "date_sub",
        "date_trunc",
        "dense_rank",
        "extract",
        "first_value",
        "floor",
        "greatest",
        "if",
        "ifnull",
        "lag",
        "last_value",
        "lead",
        "least",
        "length",
        "logical_and",
        "logical_or",
        "lower",
        "max",
        "min",
        "nullif",
        "rank",
        "regexp_contains",
        "regexp_extract",
        "replace",
        "round",
        "row_number",
        "safe_cast",
        "safe_divide",
        "split",
        "string_agg",
        "struct",
        "substr",
        "sum",
        "timestamp",
        "timestamp_diff",
        "timestamp_trunc",
        "trim",
        "upper",
    ];
    COMMON.contains(&name)
}

/// A comma before `from` says nothing where the engine takes it.
fn drop_trailing_commas(tokens: &mut Vec<Token>, dialect: Dialect) {
    use Dialect as D;
    if !matches!(dialect, D::DuckDb | D::BigQuery | D::Snowflake | D::Databricks) {
        return;
    }
    let is_from = |token: &Token| token.kind == Kind::Word && token.read().eq_ignore_ascii_case("from");
    let trailing: Vec<usize> = (0..tokens.len().saturating_sub(1))
        .filter(|at| tokens[*at].kind == Kind::Mark && tokens[*at].read() == "," && is_from(&tokens[at + 1]))
        .collect();
    for at in trailing.into_iter().rev() {
        tokens.remove(at);
    }
}
