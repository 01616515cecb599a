//! Values of rows in one line, such that two values that differ look different.

use unicode_normalization::UnicodeNormalization;

use crate::model::{Change, Value};

/// A value in one line, of at most `limit` characters.
pub(super) fn short(value: &Value, limit: usize) -> String {
    cut(&one_line(&text(value)), 0, limit)
}

/// Two values that differ, each in one line of at most `limit` characters: of long ones the part in which they differ,
/// and with escapes where only something invisible makes the difference. NULL is `NULL`.
pub(super) fn told_apart(values: &Change<Value>, limit: usize) -> Change<String> {
    if values.baseline.is_null() || values.current.is_null() {
        return values.as_ref().map(|value| short(value, limit));
    }
    let raw = values.as_ref().map(text);
    let mut lines = raw.as_ref().map(|text| one_line(text));
    if visible(&lines.baseline) == visible(&lines.current) && raw.is_changed() {
        lines = raw.as_ref().map(|text| escaped(text));
    }
    let same = lines.baseline.chars().zip(lines.current.chars()).take_while(|(a, b)| a == b).count();
    // Some of what is equal shows where the difference is.
    let before = if same < limit / 2 { 0 } else { same - limit / 3 };
    let longest = lines.baseline.chars().count().max(lines.current.chars().count());
    let from = if longest <= limit { 0 } else { before };
    lines.map(|line| cut(&line, from, limit))
}

/// A double of many zeros by its exponent.
fn text(value: &Value) -> String {
    match value {
        Value::Float(x) if x.is_finite() && *x != 0.0 && !(1e-5..1e16).contains(&x.abs()) => format!("{x:e}"),
        value => value.to_string(),
    }
}

/// At most `limit` characters from the one at `from` on, with ellipses where something is left out.
fn cut(line: &str, from: usize, limit: usize) -> String {
    let (before, room) = if from > 0 { ("…", limit.saturating_sub(1)) } else { ("", limit) };
    let mut rest = line.chars().skip(from);
    let shown: String = rest.by_ref().take(room).collect();
    if rest.next().is_none() {
        return format!("{before}{shown}");
    }
    let shown: String = shown.chars().take(room.saturating_sub(1)).collect();
    format!("{before}{shown}…")
}

/// What a reader sees of a text: not blanks, not what has no width, and letters whatever they are composed of.
fn visible(text: &str) -> String {
    let has_no_width = |c: char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    text.nfc().filter(|c| !c.is_whitespace() && !has_no_width(*c)).collect()
}

/// All that is not plain ASCII as its escape, blanks as `␣`.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, c| {
        match c {
            ' ' => line.push('␣'),
            c if c.is_ascii_graphic() => line.push(c),
            c => line.extend(c.escape_default()),
        }
        line
    })
}

/// Line breaks become `⏎`, other control characters their pictures; marks that reverse the writing direction go.
pub(super) fn one_line(raw: &str) -> String {
    let unified = raw.replace("\r\n", "\n");
    unified
        .chars()
        .filter_map(|c| match c {
            '\n' | '\r' => Some('⏎'),
            '\t' => Some(' '),
            '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => Some('\u{fffd}'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
            c => Some(c),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{short, told_apart};
    use crate::model::{Change, Value};

    fn apart(baseline: &str, current: &str, limit: usize) -> [String; 2] {
        let text = |text: &str| Value::Text(text.to_owned());
        let told = told_apart(&Change { baseline: text(baseline), current: text(current) }, limit);
        [told.baseline, told.current]
    }

    #[test]
    fn of_long_values_the_part_is_shown_in_which_they_differ() {
        let long = "x".repeat(100);
        assert_eq!(apart(&format!("{long}8"), &format!("{long}8!"), 12), ["…xxx8", "…xxx8!"]);
        assert_eq!(apart(&format!("a{long}"), &format!("b{long}"), 12), ["axxxxxxxxxx…", "bxxxxxxxxxx…"]);
        assert_eq!(apart(&format!("{long}a{long}"), &long, 12), ["…xxxxaxxxxx…", "…xxxx"]);
        assert_eq!(apart("one\ntwo", "one\nthree", 20), ["one⏎two", "one⏎three"]);
        assert_eq!(apart("abc", "abd", 3), ["abc", "abd"]);
    }

    #[test]
    fn what_cannot_be_seen_is_escaped_where_it_makes_the_difference() {
        assert_eq!(apart("a", "a ", 20), ["a", "a␣"]);
        assert_eq!(apart("a b", "a\tb", 20), ["a␣b", "a\\tb"]);
        assert_eq!(apart("a\nb", "a\r\nb", 20), ["a\\nb", "a\\r\\nb"]);
        assert_eq!(apart("é", "e\u{301}", 20), ["\\u{e9}", "e\\u{301}"]);
        assert_eq!(apart("x", "x\u{200b}", 20), ["x", "x\\u{200b}"]);
        assert_eq!(apart("a ", "b ", 20), ["a ", "b "]);
    }

    #[test]
    fn null_and_what_is_no_text_are_shown_as_they_are() {
        let told = told_apart(&Change { baseline: Value::Int(7), current: Value::Null }, 20);
        assert_eq!((told.baseline.as_str(), told.current.as_str()), ("7", "NULL"));
        for (number, shown) in
            [(1e300, "1e300"), (-2.5e-7, "-2.5e-7"), (1e15, "1000000000000000"), (0.0, "0"), (0.1, "0.1")]
        {
            assert_eq!(short(&Value::Float(number), 20), shown);
        }
        assert_eq!(short(&Value::Text("x".repeat(9)), 5), "xxxx…");
        assert_eq!(short(&Value::Text(" a\n".to_owned()), 5), " a⏎");
    }

    proptest! {
        #[test]
        fn different_texts_look_different_and_are_short(
            equal in "[ a-cé\n]{0,40}", baseline in "\\PC{0,9}", current in "\\PC{0,9}", end in "[ a-c]{0,40}"
        ) {
            let [before, after] = apart(&format!("{equal}{baseline}{end}"), &format!("{equal}{current}{end}"), 40);
            prop_assert!(before.chars().count() <= 40 && after.chars().count() <= 40);
            prop_assert_eq!(before == after, baseline == current);
        }
    }
}
