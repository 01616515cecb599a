//! Jinja between SQL: where a piece begins and ends, and what of its white space counts.

/// Whether a piece of Jinja begins here.
pub(super) fn begins(text: &str) -> bool {
    text.starts_with("{{") || text.starts_with("{%") || text.starts_with("{#")
}

/// The length of the piece that begins here; to the end of the text when it is not closed.
pub(super) fn length(text: &str) -> usize {
    let close = match text.get(..2) {
        Some("{#") => return text.find("#}").map_or(text.len(), |end| end + 2),
        Some("{{") => "}}",
        _ => "%}",
    };
    let mut at = 2;
    let mut depth = 0_usize;
    while at < text.len() {
        let here = &text[at..];
        if depth == 0 && here.starts_with(close) {
            return at + 2;
        }
        let Some(c) = here.chars().next() else { break };
        match c {
            '\'' | '"' => {
                at += string_length(here);
                continue;
            }
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
    }
    text.len()
}

fn string_length(text: &str) -> usize {
    let mut characters = text.char_indices();
    let Some((_, quote)) = characters.next() else { return 0 };
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            characters.next();
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// Whether a comment of SQL has Jinja that is rendered.
pub(super) fn acts(comment: &str) -> bool {
    comment.contains("{{") || comment.contains("{%")
}

/// Whether a comment of Jinja takes away the white space around it.
pub(super) fn trims(comment: &str) -> bool {
    marks(comment) != "{##}"
}

/// A comment of Jinja without what it says.
pub(super) fn marks(comment: &str) -> String {
    let open = if comment.starts_with("{#-") { "{#-" } else { "{#" };
    let close = if comment.len() > 4 && comment.ends_with("-#}") { "-#}" } else { "#}" };
    format!("{open}{close}")
}

/// A piece with one space between its words and none elsewhere; strings as they are.
pub(super) fn normalized(piece: &str) -> String {
    let mut text = String::with_capacity(piece.len());
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    let mut is_apart = false;
    while let Some(c) = piece[at..].chars().next() {
        if c.is_whitespace() {
            is_apart = true;
            at += c.len_utf8();
            continue;
        }
        let length = if matches!(c, '\'' | '"') { string_length(&piece[at..]) } else { c.len_utf8() };
        // `a b` is not `ab`, `1 .x` is not `1.x`, `{{ -x` is not `{{- x`; between a word and a mark white space is
        // free, and around marks that stand alone.
        let stands_alone = |c: char| matches!(c, '(' | ')' | '[' | ']' | ',' | ':' | '|' | '~');
        let before = text.chars().next_back().unwrap_or('(');
        let is_wordlike = |c: char| is_word(c) || matches!(c, '\'' | '"');
        let is_number = |digit: char, dot: char| digit.is_ascii_digit() && dot == '.';
        let are_alike = is_wordlike(before) == is_wordlike(c) || is_number(before, c) || is_number(c, before);
        let is_inside = !stands_alone(before) && !stands_alone(c);
        if is_apart && is_inside && are_alike {
            text.push(' ');
        }
        text.push_str(&piece[at..at + length]);
        at += length;
        is_apart = false;
    }
    text
}

/// Blocks whose text may end up inside of a word or a string.
const KEPT: &[&str] = &["set", "call", "filter", "macro", "raw", "materialization", "test", "snapshot", "docs"];

/// The length of a block that is kept as it is, if one begins here.
pub(super) fn kept_block(text: &str) -> Option<usize> {
    let (name, inside) = tag(text)?;
    if !KEPT.contains(&name) || (name == "set" && assigns(inside)) {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    let end = format!("end{name}");
    while at < text.len() {
        let here = &text[at..];
        if !begins(here) {
            at += here.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let length = length(here);
        match tag(here) {
            Some((found, _)) if found == end => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + length);
                }
            }
            Some((found, inside))
                if found == name && !(name == "set" && assigns(inside)) && (name != "raw" || depth == 0) =>
            {
                depth += 1;
            }
            _ => {}
        }
        at += length;
    }
    Some(text.len())
}

/// The name of the block tag that begins here, and what follows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("{%")?.get(..length(text).saturating_sub(4))?;
    let inside = inside.trim_start_matches(['-', '+']).trim_start();
    let end = inside.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inside.len());
    Some(inside.split_at(end))
}

/// Whether a `set` gives its value at once, outside of brackets and strings.
fn assigns(inside: &str) -> bool {
    let mut at = 0;
    while let Some(c) = inside[at..].chars().next() {
        match c {
            '\'' | '"' => at += string_length(&inside[at..]),
            '=' => return true,
            '|' | '(' => return false,
            _ => at += c.len_utf8(),
        }
    }
    false
}
