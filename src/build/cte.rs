//! Puts ephemeral parents into a query as common table expressions, character for character as dbt does.
//!
//! dbt adds them to the query's own `with` when it has one, right after the word (and after `recursive`) and the white
//! space that follows it; otherwise in front of the first word, comments included. Of several statements only the first
//! is kept.

use crate::model::NodeId;

/// One ephemeral parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cte {
    /// The model; none for what no model makes, as the fixed rows of a unit test.
    pub(super) id: Option<NodeId>,
    /// e.g. `__dbt__cte__orders`.
    pub(super) name: String,
    /// Its query, without parents of its own.
    pub(super) sql: String,
}

impl Cte {
    /// The expression as it stands in the list after `with`.
    pub(super) fn text(&self) -> String {
        format!(" {} as (\n{}\n)", self.name, self.sql)
    }
}

/// The query with `ctes`, each after those it needs.
pub(super) fn inject(sql: &str, ctes: &[Cte]) -> String {
    if ctes.is_empty() {
        return sql.to_owned();
    }
    let sql = first_statement(sql);
    let list = ctes.iter().map(Cte::text).collect::<Vec<_>>().join(", ");
    if let Some(at) = after_with(sql) {
        format!("{}{list}, {}", &sql[..at], &sql[at..])
    } else {
        let at = sql.len() - sql.trim_start().len();
        format!("{}with{list} {}", &sql[..at], &sql[at..])
    }
}

/// Where the list of the query's own `with` begins, if the query begins with one.
fn after_with(sql: &str) -> Option<usize> {
    let mut at = skip_blank(sql, 0);
    at = keyword(sql, at, "with")?;
    let blank = skip_blank(sql, at);
    let list = keyword(sql, blank, "recursive").unwrap_or(at);
    Some(sql.len() - sql[list..].trim_start().len())
}

/// The end of `word` if it stands at `at`, in any case.
fn keyword(sql: &str, at: usize, word: &str) -> Option<usize> {
    let end = at + word.len();
    let found = sql.get(at..end)?;
    let next = sql[end..].chars().next();
    (found.eq_ignore_ascii_case(word) && !next.is_some_and(|c| c.is_alphanumeric() || c == '_')).then_some(end)
}

/// The first position from `at` that is neither white space nor a comment.
fn skip_blank(sql: &str, mut at: usize) -> usize {
    loop {
        let rest = &sql[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        match comment_length(trimmed) {
            Some(length) => at += length,
            None => return at,
        }
    }
}

/// The length of the comment with which `sql` begins, if it begins with one.
fn comment_length(sql: &str) -> Option<usize> {
    if sql.starts_with("--") {
        Some(sql.find('\n').map_or(sql.len(), |end| end + 1))
    } else if sql.starts_with("/*") {
        Some(sql.find("*/").map_or(sql.len(), |end| end + 2))
    } else {
        None
    }
}

/// The first statement with its semicolon and the blanks after it on the same line.
fn first_statement(sql: &str) -> &str {
    let bytes = sql.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => at = after_quoted(bytes, at, quote),
            b'-' | b'/' => at += comment_length(&sql[at..]).unwrap_or(1),
            b'$' => at = after_dollar_quoted(sql, at),
            b';' => {
                let rest = &sql[at + 1..];
                let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                return &sql[..at + 1 + blanks];
            }
            _ => at += 1,
        }
    }
    sql
}

/// The position after the quoted text that begins at `at`; a doubled quote begins another one, which is as good.
fn after_quoted(bytes: &[u8], at: usize, quote: u8) -> usize {
    bytes[at + 1..].iter().position(|&byte| byte == quote).map_or(bytes.len(), |end| at + end + 2)
}

/// The position after the `$tag$ … $tag$` that begins at `at`, or after the dollar if none does.
fn after_dollar_quoted(sql: &str, at: usize) -> usize {
    let Some(tag) = sql[at + 1..].find('$').map(|end| &sql[at..at + end + 2]) else { return at + 1 };
    let is_tag = tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    match sql[at + tag.len()..].find(tag) {
        Some(end) if is_tag => at + tag.len() + end + tag.len(),
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cte, inject};

    fn one() -> Vec<Cte> {
        vec![Cte { id: None, name: "__dbt__cte__e".into(), sql: "\n\nselect 1 as id".into() }]
    }

    fn two() -> Vec<Cte> {
        vec![one().remove(0), Cte { id: None, name: "__dbt__cte__f".into(), sql: "select 2".into() }]
    }

    // The expected texts are what dbt-core 1.11 wrote for the same queries.

    #[test]
    fn a_query_without_with_gets_one_in_front_of_its_first_word() {
        assert_eq!(inject("select 1", &one()), "with __dbt__cte__e as (\n\n\nselect 1 as id\n) select 1");
        assert_eq!(inject("\n\n (select 1)", &one()), "\n\n with __dbt__cte__e as (\n\n\nselect 1 as id\n) (select 1)");
    }

    #[test]
    fn a_leading_comment_comes_after_the_added_list() {
        assert_eq!(
            inject("-- hi\nselect 1", &two()),
            "with __dbt__cte__e as (\n\n\nselect 1 as id\n),  __dbt__cte__f as (\nselect 2\n) -- hi\nselect 1"
        );
    }

    #[test]
    fn an_existing_with_is_extended_after_its_white_space() {
        assert_eq!(
            inject("/* c */  WITH\n   x as (select 1) select 2", &one()),
            "/* c */  WITH\n    __dbt__cte__e as (\n\n\nselect 1 as id\n), x as (select 1) select 2"
        );
        assert_eq!(
            inject("with  recursive\n\n  x as (select 1) select 2", &one()),
            "with  recursive\n\n   __dbt__cte__e as (\n\n\nselect 1 as id\n), x as (select 1) select 2"
        );
    }

    #[test]
    fn a_comment_right_after_with_stays_behind_the_added_list() {
        assert_eq!(
            inject("with -- c\n x as (select 1) select 2", &one()),
            "with  __dbt__cte__e as (\n\n\nselect 1 as id\n), -- c\n x as (select 1) select 2"
        );
        assert_eq!(
            inject("with/*c*/x as (select 1) select 2", &one()),
            "with __dbt__cte__e as (\n\n\nselect 1 as id\n), /*c*/x as (select 1) select 2"
        );
    }

    #[test]
    fn a_with_inside_the_query_is_not_the_querys_own() {
        let sql = "select * from t where x::timestamp with time zone is not null";
        assert_eq!(inject(sql, &one()), format!("with __dbt__cte__e as (\n\n\nselect 1 as id\n) {sql}"));
        assert!(inject("without_a as x", &one()).starts_with("with __dbt__cte__e"));
    }

    #[test]
    fn only_the_first_statement_is_kept() {
        assert_eq!(
            inject("select ';' as \";\" /* ; */ ; select 2", &one()),
            "with __dbt__cte__e as (\n\n\nselect 1 as id\n) select ';' as \";\" /* ; */ ; "
        );
        assert!(inject("select $$ ; $$, $a$ ; $a$, $1; x", &one()).ends_with("$1; "));
    }

    #[test]
    fn a_query_without_ephemeral_parents_is_left_alone() {
        assert_eq!(inject("select 1; select 2", &[]), "select 1; select 2");
    }
}
