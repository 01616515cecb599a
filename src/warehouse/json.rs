//! JSON columns: parsed where that loses nothing, kept as text where it would.

use serde_json::Value as Json;

use crate::model::Value;

/// A JSON document as a [`Value::Json`], or as [`Value::Text`] when parsing would lose digits of a number, a key that
/// comes twice, or how a text was escaped.
pub(super) fn value(text: &str) -> Value {
    let Ok(json) = serde_json::from_str::<Json>(text) else { return Value::Text(text.to_owned()) };
    let again = json.to_string();
    if again == without_blanks(text) { Value::Json(json) } else { Value::Text(text.to_owned()) }
}

/// The document without blanks between its tokens.
fn without_blanks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if quoted {
            kept.push(c);
            (quoted, escaped) = (escaped || c != '"', !escaped && c == '\\');
        } else if !matches!(c, ' ' | '\t' | '\n' | '\r') {
            kept.push(c);
            quoted = c == '"';
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_document_is_parsed() {
        let text = r#"{"a": [1, 2.5, null], "b \" c": " x "}"#;
        assert_eq!(value(text), Value::Json(serde_json::from_str(text).unwrap()));
    }

    #[test]
    fn what_parsing_would_lose_is_kept_as_text() {
        for text in [r#"{"a":1,"a":2}"#, "123456789012345678901234567890", "1.50", r#""\u00e9""#, "{broken"] {
            assert_eq!(value(text), Value::Text(text.to_owned()), "{text}");
        }
    }
}
