//! A database's message without the values of rows that it may hold, for places where these must not be read.
//!
//! What it says of the project's code is kept: names of columns, tables, types and constraints. What is in quotes and is
//! not introduced as one of these, and what stands for a whole row or key, goes; when in doubt, it goes.

/// What is shown instead of a value.
const MASK: &str = "***";

/// DuckDB's kinds of errors that speak of the statement and never of data.
const OF_CODE: &[&str] = &["Parser Error", "Binder Error", "Catalog Error", "Permission Error", "Dependency Error"];

/// Words before a quoted name.
const NAMING: &[&str] = &[
    "column",
    "relation",
    "table",
    "view",
    "index",
    "constraint",
    "type",
    "schema",
    "function",
    "sequence",
    "database",
    "role",
    "domain",
    "near",
    "operator",
    "macro",
    "model",
    "extension",
    "collation",
    "language",
    "enum",
    "trigger",
];

/// Words before a row, a key or a value that is not in quotes.
const TELLING: &[&str] = &[
    "Failing row contains ",
    "JSON data, line ",
    ")=(",
    " with value ",
    "Overflow in ",
    "unexpected character. Input:",
    "cast value ",
    "parse string ",
    "out of range: ",
    "Codepoint ",
    "shift value ",
    "for encoding: ",
    "DETAIL:  line ",
];

/// The message, each value that it may hold replaced by `***`.
pub fn without_values(message: &str) -> String {
    let code =
        message.split_once(" Error: ").is_some_and(|(kind, _)| OF_CODE.contains(&format!("{kind} Error").as_str()));
    if code {
        return message.to_owned();
    }
    let mut out = String::new();
    let mut rest = message;
    while let Some(at) = next(rest) {
        let (before, found) = rest.split_at(at.start);
        out.push_str(before);
        rest = if at.is_quote { quoted(&mut out, found) } else { unquoted(&mut out, found, at.length) };
    }
    out.push_str(rest);
    out
}

/// Where something to look at begins.
struct Place {
    start: usize,
    length: usize,
    is_quote: bool,
}

fn next(text: &str) -> Option<Place> {
    let quote = text.char_indices().find(|(at, c)| *c == '"' || *c == '\'' && opens(text, *at));
    let quote = quote.map(|(start, _)| Place { start, length: 1, is_quote: true });
    let words = TELLING
        .iter()
        .filter_map(|words| text.find(words).map(|start| Place { start, length: words.len(), is_quote: false }));
    quote.into_iter().chain(words).min_by_key(|place| place.start)
}

/// An apostrophe inside a word (`can't`) opens nothing.
fn opens(text: &str, at: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(char::is_alphanumeric)
}

/// Takes what is in quotes at the start of `text`, and returns what follows.
fn quoted<'a>(out: &mut String, text: &'a str) -> &'a str {
    let quote = if text.starts_with('"') { '"' } else { '\'' };
    let word: String = out
        .trim_end()
        .chars()
        .rev()
        .take_while(|c| c.is_alphanumeric())
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let is_name = NAMING.contains(&word.to_lowercase().as_str());
    let end = if is_name { text[1..].find(quote).map(|at| at + 2) } else { end_of_value(text, quote) };
    let (value, rest) = text.split_at(end.unwrap_or(text.len()));
    if is_name {
        out.push_str(value);
    } else {
        out.push(quote);
        out.push_str(MASK);
        out.push(quote);
    }
    rest
}

/// The end of a value in quotes, which may hold quotes and line breaks itself: at the last quote of its paragraph that
/// ends a line or stands before a blank or a mark.
fn end_of_value(text: &str, quote: char) -> Option<usize> {
    let paragraph = ["\nDETAIL:", "\nHINT:", "\nCONTEXT:", "\nLINE "].iter().filter_map(|mark| text.find(mark)).min();
    let paragraph = &text[..paragraph.unwrap_or(text.len())];
    paragraph.rfind(quote).filter(|at| *at > 0).map(|at| at + 1)
}

/// Takes words that introduce what is not in quotes, and all to the end of the line.
fn unquoted<'a>(out: &mut String, text: &'a str, length: usize) -> &'a str {
    let (words, rest) = text.split_at(length);
    out.push_str(words);
    out.push_str(MASK);
    let paragraph = ["\nHINT:", "\nCONTEXT:", "\nLINE "].iter().filter_map(|mark| rest.find(mark)).min();
    &rest[paragraph.unwrap_or(rest.len())..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::without_values;

    #[test]
    fn values_go_and_names_stay() {
        for (message, shown) in [
            ("invalid input syntax for type integer: \"secret\"", "invalid input syntax for type integer: \"***\""),
            (
                "duplicate key value violates unique constraint \"t_pkey\"\nDETAIL:  Key (id, email)=(5, ann@x) already exists.",
                "duplicate key value violates unique constraint \"t_pkey\"\nDETAIL:  Key (id, email)=(***",
            ),
            (
                "null value in column \"email\" of relation \"t\" violates not-null constraint\nDETAIL:  Failing row contains (1, null, 7).",
                "null value in column \"email\" of relation \"t\" violates not-null constraint\nDETAIL:  Failing row contains ***",
            ),
            ("value \"70000\" is out of range for type smallint", "value \"***\" is out of range for type smallint"),
            (
                "invalid input syntax for type json\nDETAIL:  Token \"secret\" is invalid.\nCONTEXT:  JSON data, line 1: secret",
                "invalid input syntax for type json\nDETAIL:  Token \"***\" is invalid.\nCONTEXT:  JSON data, line ***",
            ),
            ("column \"amout\" does not exist\nHINT:  Perhaps you meant to reference the column \"t.amount\".", ""),
            ("syntax error at or near \"selct\"", ""),
            ("Binder Error: Referenced column \"amout\" not found!\nCandidate bindings: \"amount\"", ""),
            (
                "Conversion Error: Could not convert string 'it's secret' to INT32",
                "Conversion Error: Could not convert string '***' to INT32",
            ),
            (
                "Conversion Error: Type INT64 with value 12345 can't be cast",
                "Conversion Error: Type INT64 with value ***",
            ),
            (
                "Constraint Error: Duplicate key \"id: 5\" violates primary key constraint.",
                "Constraint Error: Duplicate key \"***\" violates primary key constraint.",
            ),
            ("division by zero", ""),
            (
                "Conversion Error: Could not cast value 48000005 to DECIMAL(3,1)",
                "Conversion Error: Could not cast value ***",
            ),
            (
                "Invalid Input Error: Could not parse string \"secret\"\nsecret\n^\nError: Literal does not match",
                "Invalid Input Error: Could not parse string ***",
            ),
            ("date field value out of range: 480-480-480", "date field value out of range: ***"),
            ("Conversion Error: Date out of range: 480-1-1", "Conversion Error: Date out of range: ***"),
            ("Invalid Input Error: Invalid UTF8 Codepoint 480", "Invalid Input Error: Invalid UTF8 Codepoint ***"),
            ("Out of Range Error: Left-shift value 480 is out of range", "Out of Range Error: Left-shift value ***"),
            ("requested character too large for encoding: 480", "requested character too large for encoding: ***"),
            ("invalid XML content\nDETAIL:  line 1: x\n<a>secret", "invalid XML content\nDETAIL:  line ***"),
        ] {
            let shown = if shown.is_empty() { message } else { shown };
            assert_eq!(without_values(message), shown);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_value_holds_it_is_gone(value in "[a-z\"' \n():=]{0,20}") {
            let value = format!("Zx{value}xZ");
            for message in [
                format!("invalid input syntax for type integer: \"{value}\""),
                format!("Key (id)=({value}) already exists."),
                format!("Conversion Error: Could not convert string '{value}' to INT32"),
            ] {
                let shown = without_values(&message);
                prop_assert!(!shown.contains("Zx") && !shown.contains("xZ"), "{shown}");
            }
        }
    }
}
