//! The text of PostgreSQL's arrays: <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>.

use tokio_postgres::types::Type;

use crate::model::Value;

use super::value::value;

/// The list that `text` spells; bounds other than from 1 are not kept. None when it is not of an array's form, as
/// `int2vector` is not.
pub(super) fn parse(item: &Type, text: &str) -> Option<Value> {
    let text = if text.starts_with('[') { text.split_once('=')?.1 } else { text };
    let mut reader = Reader { item, rest: text, delimiter: if *item == Type::BOX { ';' } else { ',' } };
    let list = reader.list()?;
    reader.rest.is_empty().then_some(list)
}

struct Reader<'a> {
    item: &'a Type,
    rest: &'a str,
    delimiter: char,
}

impl Reader<'_> {
    fn list(&mut self) -> Option<Value> {
        self.rest = self.rest.strip_prefix('{')?;
        let mut items = Vec::new();
        if let Some(rest) = self.rest.strip_prefix('}') {
            self.rest = rest;
            return Some(Value::List(items));
        }
        loop {
            items.push(match self.rest.chars().next()? {
                '{' => self.list()?,
                '"' => self.quoted()?,
                _ => self.plain()?,
            });
            let next = self.rest.chars().next()?;
            self.rest = &self.rest[next.len_utf8()..];
            match next {
                '}' => return Some(Value::List(items)),
                c if c == self.delimiter => {}
                _ => return None,
            }
        }
    }

    fn quoted(&mut self) -> Option<Value> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        loop {
            match characters.next()? {
                (_, '\\') => text.push(characters.next()?.1),
                (at, '"') => {
                    self.rest = &self.rest[at + 1..];
                    return Some(value(self.item, &text));
                }
                (_, c) => text.push(c),
            }
        }
    }

    fn plain(&mut self) -> Option<Value> {
        let end = self.rest.find([self.delimiter, '}'])?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(if text == "NULL" { Value::Null } else { value(self.item, text) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_nest_and_hold_nulls_and_quoted_texts() {
        let int = |i| Value::Int(i);
        assert_eq!(parse(&Type::INT4, "{1,NULL,3}"), Some(Value::List(vec![int(1), Value::Null, int(3)])));
        let rows = vec![Value::List(vec![int(1), int(2)]), Value::List(vec![int(3), int(4)])];
        assert_eq!(parse(&Type::INT4, "[0:1][5:6]={{1,2},{3,4}}"), Some(Value::List(rows)));
        let texts = ["a,b", "say \"hi\" \\", "NULL", ""].map(|text| Value::Text(text.into()));
        assert_eq!(parse(&Type::TEXT, r#"{"a,b","say \"hi\" \\","NULL",""}"#), Some(Value::List(texts.to_vec())));
        assert_eq!(parse(&Type::TEXT, "{}"), Some(Value::List(vec![])));
    }

    #[test]
    fn what_is_no_array_is_not_read_as_one() {
        for text in ["1 2 3", "{1,2", "{1}x", "{\"a", ""] {
            assert_eq!(parse(&Type::INT2, text), None, "{text}");
        }
    }
}
