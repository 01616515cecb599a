//! Text that others wrote, made harmless in GitHub's Markdown: no markup, no mentions, no broken tables.

use crate::model::{Change, Value};
use crate::report::values::{self, one_line};

/// The longest value that is shown whole, in characters.
const VALUE: usize = 80;

/// Breaks what GitHub turns into links or notifications (`@name`, `#12`) without being visible.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// Text outside code: every character of Markdown's and HTML's stands for itself.
pub(in crate::report) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in one_line(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '$' => out.extend(['\\', c]),
            '@' | '#' => out.extend([c, ZERO_WIDTH_SPACE]),
            c => out.push(c),
        }
    }
    // `https://…` would become a link to wherever the text says.
    out.replace("://", &format!(":{ZERO_WIDTH_SPACE}//"))
}

/// A code span for running text: one line, fenced by more backticks than it holds.
pub(in crate::report) fn code(raw: &str) -> String {
    fence(&one_line(raw))
}

/// A code span for a table's cell. A pipe needs a backslash there, which a backslash before it would take away.
pub(in crate::report) fn cell(raw: &str) -> String {
    fence(&one_line(raw).replace("\\|", &format!("\\{ZERO_WIDTH_SPACE}|")).replace('|', "\\|"))
}

fn fence(line: &str) -> String {
    if line.trim().is_empty() {
        return if line.is_empty() { "*empty*".to_owned() } else { format!("*{} blanks*", line.chars().count()) };
    }
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A space inside both fences is dropped again by Markdown; needed where the text begins or ends with a backtick.
    let pad = if longest > 0 || (line.starts_with(' ') && line.ends_with(' ')) { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Text inside an HTML tag such as `<summary>`, where Markdown does not reach.
pub(in crate::report) fn html(raw: &str) -> String {
    let escaped = one_line(raw).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    escaped.replace('@', &format!("@{ZERO_WIDTH_SPACE}")).replace('#', &format!("#{ZERO_WIDTH_SPACE}"))
}

/// A value of a row, written by [`code`] or [`cell`]. NULL is not a text, so it is not shown as code.
pub(super) fn value(value: &Value, write: fn(&str) -> String) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    write(&values::short(value, VALUE))
}

/// Two values of a row that differ, likewise.
pub(super) fn apart(sides: &Change<Value>, write: fn(&str) -> String) -> Change<String> {
    let shown = values::told_apart(sides, VALUE);
    let written = |value: &Value, shown: &str| if value.is_null() { "NULL".to_owned() } else { write(shown) };
    Change { baseline: written(&sides.baseline, &shown.baseline), current: written(&sides.current, &shown.current) }
}

/// An address as a link, if it is one of the web; else as code.
pub(super) fn link(label: &str, url: Option<&str>) -> String {
    let Some(url) = url else { return text(label) };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[]\\|`\"".contains(c);
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web && url.chars().all(plain) {
        format!("[{}](<{url}>)", text(label))
    } else {
        format!("{} ({})", text(label), cell(url))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{cell, code, html, link, text, value};
    use crate::model::Value;

    #[test]
    fn text_cannot_mention_link_or_mark_up() {
        assert_eq!(text("a|b *c* <img> @octocat #12"), "a\\|b \\*c\\* &lt;img&gt; @\u{200b}octocat #\u{200b}12");
        assert_eq!(text("see https://x.example/"), "see https:\u{200b}//x.example/");
        assert_eq!(text("two\r\nlines"), "two⏎lines");
        assert_eq!(text("café 🦆"), "café 🦆");
    }

    #[test]
    fn code_holds_backticks_and_pipes() {
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("a|b"), "`a|b`");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(cell("a\\|b"), "`a\\\u{200b}\\|b`");
        assert_eq!(code(""), "*empty*");
        assert_eq!(code("   "), "*3 blanks*");
    }

    #[test]
    fn a_link_goes_only_where_it_can_be_read_to_go() {
        assert_eq!(link("Sales", Some("https://bi.example/1")), "[Sales](<https://bi.example/1>)");
        assert_eq!(link("Sales", Some("javascript:alert(1)")), "Sales (`javascript:alert(1)`)");
        assert_eq!(link("Sales", Some("https://x/)[b](c")), "Sales (`https://x/)[b](c`)");
    }

    #[test]
    fn values_are_short_and_null_is_not_text() {
        assert_eq!(value(&Value::Null, code), "NULL");
        assert_eq!(value(&Value::Text("NULL".into()), code), "`NULL`");
        assert_eq!(value(&Value::Text("x".repeat(200)), code).chars().count(), 82);
        assert_eq!(html("<b>\"@x"), "&lt;b&gt;&quot;@\u{200b}x");
    }

    /// Whether GitHub's table scanner finds the end of the cell in `shown`.
    fn ends_cell(shown: &str) -> bool {
        let mut chars = shown.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '|' | '\n' | '\r' => return true,
                _ => {}
            }
        }
        false
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_table_cell(raw in "[\\PC|\\\\`\n\r]{0,40}") {
            prop_assert!(!ends_cell(&text(&raw)), "{}", text(&raw));
            prop_assert!(!ends_cell(&cell(&raw)), "{}", cell(&raw));
            prop_assert!(!text(&raw).contains('<'), "HTML");
            prop_assert!(!code(&raw).contains('\n'), "not one line");
        }
    }
}
