//! Python's regular expressions in the words of the `regex` crate, and Python's replacement templates.

use minijinja::Error;

use super::engines::Found;
use crate::jinja::values::fail;

/// `pattern` as the `regex` crate writes it. What differs: `\Z`, `[` inside of a class, braces that repeat nothing.
pub(super) fn pattern(python: &str) -> String {
    let mut out = String::with_capacity(python.len() + 8);
    let mut rest = python.char_indices().peekable();
    let mut class_start = None;
    while let Some((at, c)) = rest.next() {
        match c {
            '\\' => match rest.next().map(|(_, next)| next) {
                Some('Z') if class_start.is_none() => out.push_str("\\z"),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            '[' if class_start.is_none() => {
                out.push('[');
                if let Some((_, caret)) = rest.next_if(|(_, c)| *c == '^') {
                    out.push(caret);
                }
                // A bracket that comes first stands for itself.
                if rest.next_if(|(_, c)| *c == ']').is_some() {
                    out.push_str("\\]");
                }
                class_start = Some(at);
            }
            ']' if class_start.is_some() => {
                class_start = None;
                out.push(']');
            }
            // The crate reads nested classes and set operations where Python reads characters.
            '[' | '&' | '~' if class_start.is_some() => {
                out.push('\\');
                out.push(c);
            }
            // What a named group matched, once more.
            '(' if class_start.is_none() && python[at..].starts_with("(?P=") => {
                let name: String = python[at + 4..].chars().take_while(|c| *c != ')').collect();
                for _ in 0..name.chars().count() + 4 {
                    rest.next();
                }
                out.extend(["\\k<", &name, ">"]);
            }
            '{' if class_start.is_none() && !repeats(&python[at..]) => out.push_str("\\{"),
            '{' if class_start.is_none() && python[at..].starts_with("{,") => out.push_str("{0"),
            _ => out.push(c),
        }
    }
    out
}

/// Whether `{…` says how often, as in `{2}`, `{2,}`, `{,3}` or `{2,3}`.
fn repeats(text: &str) -> bool {
    let Some((inside, _)) = text[1..].split_once('}') else { return false };
    let mut digits = inside.splitn(2, ',');
    let numbers = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    digits.by_ref().all(numbers) && inside.bytes().any(|b| b.is_ascii_digit())
}

/// Why a pattern cannot be used, in words that say what to do.
pub(super) fn refusal(python: &str, error: &regex::Error) -> Error {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    fail(format!("the pattern '{python}' is not a regular expression: {reason}"))
}

/// A replacement with `\1`, `\g<1>`, `\g<name>` and escapes filled in.
pub(super) fn expand(template: &str, found: &Found, searched: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            return Err(fail(format!("the replacement '{template}' ends with a backslash")));
        };
        if let Some(group) = rest.strip_prefix("g<") {
            let Some((name, after)) = group.split_once('>') else {
                return Err(fail(format!("the replacement '{template}' has a group without '>'")));
            };
            out.push_str(group_text(found, searched, name, template)?);
            rest = after;
            continue;
        }
        let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits > 0 && c != '0' {
            out.push_str(group_text(found, searched, &rest[..digits], template)?);
            rest = &rest[digits..];
            continue;
        }
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '\\' => out.push('\\'),
            other if other.is_ascii_alphabetic() => {
                return Err(fail(format!("the replacement '{template}' has a bad escape \\{other}")));
            }
            other => out.extend(['\\', other]),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push_str(rest);
    Ok(out)
}

fn group_text<'t>(found: &Found, searched: &'t str, name: &str, template: &str) -> Result<&'t str, Error> {
    let missing =
        || fail(format!("the replacement '{template}' names the group {name}, which the pattern does not have"));
    let index = match name.parse::<usize>() {
        Ok(index) => Some(index).filter(|index| *index < found.groups.len()),
        Err(_) => found.names.iter().position(|known| known.as_deref() == Some(name)),
    };
    Ok(found.text(index.ok_or_else(missing)?, searched).unwrap_or_default())
}
