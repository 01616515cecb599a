//! Splits SQL text into statements, for engines whose driver takes one at a time.

use std::ops::Range;

/// The byte ranges of the statements in `sql`, without semicolons, leaving out what holds only blanks and comments.
/// Knows quoted names, text in all of PostgreSQL's quotes, and nested comments.
pub(super) fn split(sql: &str) -> Vec<Range<usize>> {
    let bytes = sql.as_bytes();
    let (mut statements, mut start, mut at, mut content) = (Vec::new(), 0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b';' => {
                if content {
                    statements.push(start..at);
                }
                at += 1;
                (start, content) = (at, false);
            }
            b'-' if bytes[at..].starts_with(b"--") => at = line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => at = comment_end(bytes, at),
            c if c.is_ascii_whitespace() => at += 1,
            _ => {
                content = true;
                at = token_end(sql, at);
            }
        }
    }
    if content {
        statements.push(start..bytes.len());
    }
    statements
}

/// Whether a condition means the same wherever it is put into a statement: its brackets, quotes and comments end in it, and
/// it is one.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn stands_alone(condition: &str) -> Result<(), &'static str> {
    let text = format!("{condition}\n;");
    let (bytes, end) = (text.as_bytes(), text.len() - 1);
    let (mut at, mut open, mut content) = (0, Vec::new(), false);
    while at < bytes.len() {
        match bytes[at] {
            b';' if at < end => return Err("it has a `;`"),
            b';' if !open.is_empty() => return Err("a bracket is not closed"),
            b';' if !content => return Err("it is empty"),
            b';' => return Ok(()),
            b'-' if bytes[at..].starts_with(b"--") => at = line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => at = comment_end(bytes, at),
            c @ (b'(' | b'[' | b'{') => {
                open.push(if c == b'(' { b')' } else { c + 2 });
                at += 1;
            }
            c @ (b')' | b']' | b'}') => {
                if open.pop() != Some(c) {
                    return Err("a bracket is closed that it does not open");
                }
                at += 1;
            }
            c if c.is_ascii_whitespace() => at += 1,
            _ => {
                content = true;
                at = token_end(&text, at);
            }
        }
    }
    Err("a quote or a comment does not end")
}

/// Where the token that begins at `at` ends: a quoted thing as a whole, a word as a whole, else one byte.
fn token_end(sql: &str, at: usize) -> usize {
    let bytes = sql.as_bytes();
    match bytes[at] {
        b'\'' | b'"' => quoted_end(bytes, at, false),
        b'e' | b'E' if bytes.get(at + 1) == Some(&b'\'') => quoted_end(bytes, at + 1, true),
        b'$' => dollar_end(sql, at),
        c if is_word(c) => {
            let length = bytes[at..].iter().take_while(|c| is_word(**c) || **c == b'$').count();
            at + length
        }
        _ => at + 1,
    }
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|c| *c == b'\n').map_or(bytes.len(), |length| at + length + 1)
}

fn comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_u32;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The end of a text or name whose quote is at `at`; a doubled quote closes and opens again at once, which comes to
/// the same.
fn quoted_end(bytes: &[u8], at: usize, backslashes: bool) -> usize {
    let quote = bytes[at];
    let mut end = at + 1;
    while end < bytes.len() {
        match bytes[end] {
            b'\\' if backslashes => end += 2,
            c if c == quote => return end + 1,
            _ => end += 1,
        }
    }
    bytes.len()
}

/// The end of `$tag$…$tag$`; a `$1` or a lone dollar is one token.
fn dollar_end(sql: &str, at: usize) -> usize {
    let rest = &sql[at + 1..];
    let tag = rest.bytes().take_while(|c| is_word(*c)).count();
    let is_tag = !rest.starts_with(|c: char| c.is_ascii_digit()) && rest.as_bytes().get(tag) == Some(&b'$');
    if !is_tag {
        return at + 1;
    }
    let delimiter = &sql[at..at + tag + 2];
    let body = at + delimiter.len();
    sql[body..].find(delimiter).map_or(sql.len(), |length| body + length + delimiter.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sql: &str) -> Vec<&str> {
        split(sql).into_iter().map(|range| sql[range].trim()).collect()
    }

    #[test]
    fn semicolons_inside_quotes_and_comments_do_not_split() {
        let sql = r#"select ';', "a;b", 'it''s;' -- ;
            , E'\';', $x$ ; $$ ; $x$, $$;$$ /* ; /* ; */ ; */ ; select $1; select a$b from t"#;
        assert_eq!(parts(sql).len(), 3);
        assert_eq!(parts(sql)[1..], ["select $1", "select a$b from t"]);
    }

    #[test]
    fn what_holds_no_statement_is_left_out() {
        assert_eq!(parts(" ; -- x\n ; /* y */ ;"), Vec::<&str>::new());
        assert_eq!(parts("select 1;\n-- the end"), ["select 1"]);
        assert_eq!(parts("-- head\nselect 'ä;'"), ["-- head\nselect 'ä;'"]);
    }

    #[test]
    fn a_condition_stands_alone_when_nothing_of_it_reaches_beyond_it() {
        for condition in
            ["true", "id < 2 -- the first", "a in (1, 2) and b['x'] = ')'", "x = $$)$$ /* ( */", "\"(\" = ';'"]
        {
            assert_eq!(stands_alone(condition), Ok(()), "{condition}");
        }
        for condition in [
            "true)or(id=1",
            "a = 'b",
            "a = \"b",
            "(a",
            "a)",
            "a; drop table t",
            "a /* b",
            "$x$ a",
            "",
            " -- a",
            "(a]",
            "e'\\'",
        ] {
            assert!(stands_alone(condition).is_err(), "{condition}");
        }
    }

    #[test]
    fn unclosed_quotes_take_the_rest() {
        for sql in ["select 'a;b", "select $$ a;b", "select /* a;b", "select e'a\\"] {
            assert_eq!(parts(sql).len(), 1, "{sql}");
        }
    }
}
