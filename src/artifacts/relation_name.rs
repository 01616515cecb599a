//! A relation back from its name in SQL, quotes and all.

use crate::model::{Quoting, Relation};

/// Reads `"db"."schema"."table"`, `` `project`.`dataset`.`table` `` or an unquoted name. None when it has no or too
/// many parts.
pub(super) fn parse(text: &str) -> Option<Relation> {
    if text.starts_with('\'') || text.contains('(') {
        // A file, or a call that reads one, stands for the relation.
        let quoting = Quoting { database: false, schema: false, identifier: false, character: '"', lower: false };
        return Some(Relation { database: None, schema: None, identifier: Some(text.to_owned()), kind: None, quoting });
    }
    let mut parts = split(text)?;
    let identifier = parts.pop()?;
    let schema = parts.pop();
    let database = parts.pop();
    if !parts.is_empty() {
        return None;
    }
    let quoted = |part: &Option<Part>| part.as_ref().is_some_and(|part| part.quote.is_some());
    let character = [Some(&identifier), schema.as_ref(), database.as_ref()].into_iter().flatten().find_map(|p| p.quote);
    Some(Relation {
        quoting: Quoting {
            database: quoted(&database),
            schema: quoted(&schema),
            identifier: identifier.quote.is_some(),
            character: character.unwrap_or('"'),
            lower: false,
        },
        database: database.map(|part| part.text),
        schema: schema.map(|part| part.text),
        identifier: Some(identifier.text),
        kind: None,
    })
}

struct Part {
    text: String,
    quote: Option<char>,
}

fn split(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let quote = chars.next_if(|c| matches!(c, '"' | '`'));
        let mut part = String::new();
        match quote {
            Some(quote) => loop {
                match chars.next()? {
                    c if c == quote && chars.peek() == Some(&quote) => {
                        chars.next();
                        part.push(quote);
                    }
                    c if c == quote => break,
                    c => part.push(c),
                }
            },
            None => {
                while let Some(c) = chars.next_if(|c| *c != '.') {
                    part.push(c);
                }
            }
        }
        if part.is_empty() {
            return None;
        }
        parts.push(Part { text: part, quote });
        match chars.next() {
            None => return Some(parts),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_survive_the_way_there_and_back() {
        for name in [
            r#""db"."s"."t""#,
            r#""db"."s"."we""ird""#,
            "`p`.`d`.`t`",
            r#""s".t"#,
            "a.b.c",
            r#""a.b"."c""#,
            "'a/b.parquet'",
            "read_csv('x.csv')",
        ] {
            assert_eq!(parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "a..b", "\"a", "a.b.c.d", "\"a\"b"] {
            assert!(parse(name).is_none(), "{name}");
        }
    }
}
