//! Filters of web pages and of text for people.

use std::fmt::Write as _;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

use super::Args;
use super::text::number_of;
use crate::jinja::repr::to_str;
use crate::jinja::values::{fail, pairs_of};

/// Text with HTML's special characters replaced.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&#34;")
}

#[expect(clippy::unnecessary_wraps, reason = "filters have one type")]
pub(super) fn escape_filter(_state: &mut State<'_, '_>, value: &Value, _args: &Args) -> Result<Value, Error> {
    // What was escaped is not escaped again.
    Ok(if value.is_safe() { value.clone() } else { Value::from_safe_string(escape(&to_str(value))) })
}

/// Text for a URL: everything but letters, digits and `-._~` as percent signs with hex; in a query spaces become `+`.
fn percent_encode(text: &str, query: bool) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (byte == b'/' && !query);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' if query => out.push('+'),
            byte if plain(byte) => out.push(char::from(byte)),
            byte => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Text for a URL, or of pairs a query.
pub(super) fn urlencode(_state: &mut State<'_, '_>, value: &Value, _args: &Args) -> Result<Value, Error> {
    if !matches!(value.kind(), ValueKind::Map | ValueKind::Seq | ValueKind::Iterable) {
        return Ok(Value::from(percent_encode(&to_str(value), false)));
    }
    let pair = |(key, value): (Value, Value)| {
        format!("{}={}", percent_encode(&to_str(&key), true), percent_encode(&to_str(&value), true))
    };
    Ok(Value::from(pairs_of(value)?.into_iter().map(pair).collect::<Vec<_>>().join("&")))
}

/// Text without comments and tags of HTML, runs of whitespace as one space, entities as what they stand for.
pub(super) fn strip_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let end = if after.starts_with("!--") { "-->" } else { ">" };
        rest = after.split_once(end).map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let text = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&nbsp;", "\u{a0}")];
    named.iter().fold(text, |text, (entity, meant)| text.replace(entity, meant)).replace("&amp;", "&")
}

/// `filesizeformat(binary=false)`: bytes for people.
pub(super) fn filesizeformat(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    const UNITS: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let bytes = number_of(value).ok_or_else(|| fail("filesizeformat() takes a number"))?;
    let (base, infix) = if args.truth(0, "binary") { (1024.0_f64, "i") } else { (1000.0, "") };
    if (bytes - 1.0).abs() < f64::EPSILON {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{bytes:.0} Bytes")));
    }
    let (mut size, mut unit) = (bytes / base, 0);
    while size >= base && unit + 1 < UNITS.len() {
        size /= base;
        unit += 1;
    }
    let letter = if infix.is_empty() { UNITS[unit].to_owned() } else { UNITS[unit].to_uppercase() };
    Ok(Value::from(format!("{size:.1} {letter}{infix}B")))
}

/// `wordwrap(width=79, break_long_words=true, wrapstring=line break, break_on_hyphens=true)`.
pub(super) fn wordwrap(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let width = args.count(0, "width").unwrap_or(79);
    if width == 0 {
        return Err(fail("wordwrap() needs a width of at least 1"));
    }
    let breaks = args.get(1, "break_long_words").is_none_or(Value::is_true);
    let hyphens = args.get(3, "break_on_hyphens").is_none_or(Value::is_true);
    let between = args.text(2, "wrapstring").unwrap_or_else(|| "\n".to_owned());
    let text = to_str(value);
    let lines: Vec<String> = text.split('\n').map(|line| wrap(line, width, breaks, hyphens).join(&between)).collect();
    Ok(Value::from(lines.join(&between)))
}

fn wrap(line: &str, width: usize, breaks: bool, hyphens: bool) -> Vec<String> {
    let len = |text: &str| text.chars().count();
    let mut chunks: Vec<String> = Vec::new();
    for part in line.split_inclusive(|c: char| c.is_whitespace() || (hyphens && c == '-')) {
        let word = part.trim_end_matches(char::is_whitespace);
        chunks.extend([word, &part[word.len()..]].iter().filter(|chunk| !chunk.is_empty()).map(|c| (*c).to_owned()));
    }
    let mut lines = vec![String::new()];
    for mut chunk in chunks {
        let current = lines.len() - 1;
        let blank = chunk.trim().is_empty();
        if blank && current > 0 && lines[current].is_empty() {
            continue;
        }
        if len(&lines[current]) + len(&chunk) <= width {
            lines[current].push_str(&chunk);
            continue;
        }
        if blank {
            lines.push(String::new());
            continue;
        }
        if breaks {
            // A word that no line can hold begins on this one.
            while len(&chunk) > width {
                let room = width - len(lines.last().map_or("", String::as_str)).min(width);
                let cut = chunk.char_indices().nth(room).map_or(chunk.len(), |(at, _)| at);
                let rest = chunk.split_off(cut);
                if let Some(last) = lines.last_mut() {
                    last.push_str(&chunk);
                }
                lines.push(String::new());
                chunk = rest;
            }
        }
        match lines.last_mut() {
            Some(last) if last.is_empty() || len(last) + len(&chunk) <= width => last.push_str(&chunk),
            _ => lines.push(chunk),
        }
    }
    let trimmed = |line: &String| line.trim_end().to_owned();
    lines.iter().map(trimmed).filter(|line| !line.is_empty()).collect()
}

/// `urlize`: web addresses as links.
pub(super) fn urlize(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    if args.positional.len() + args.named.len() > 0 {
        return Err(fail("urlize() with arguments is not supported"));
    }
    let text = escape(&to_str(value));
    let link = |word: &str| {
        let bare =
            word.trim_start_matches(['(', '[', '<']).trim_end_matches([')', ']', '>', '.', ',', ':', ';', '!', '?']);
        let (before, after) = word.split_once(bare).unwrap_or(("", ""));
        let target = if bare.starts_with("http://") || bare.starts_with("https://") {
            bare.to_owned()
        } else if bare.starts_with("www.") {
            format!("https://{bare}")
        } else {
            return word.to_owned();
        };
        format!("{before}<a href=\"{target}\" rel=\"noopener\">{bare}</a>{after}")
    };
    let linked: String = text
        .split_inclusive(char::is_whitespace)
        .map(|part| {
            let word = part.trim_end_matches(char::is_whitespace);
            link(word) + &part[word.len()..]
        })
        .collect();
    Ok(Value::from_safe_string(linked))
}

/// `xmlattr(autospace=true)`: a dict as attributes of a tag, those without a value left out.
pub(super) fn xmlattr(_state: &mut State<'_, '_>, value: &Value, args: &Args) -> Result<Value, Error> {
    let mut out = String::new();
    for (key, value) in pairs_of(value)? {
        let key = to_str(&key);
        if value.is_none() || value.is_undefined() {
            continue;
        }
        if key.contains([' ', '\t', '\n', '/', '>', '=']) {
            return Err(fail(format!("'{key}' cannot name an attribute")));
        }
        // Writing to a String cannot fail.
        let _ = write!(out, " {}=\"{}\"", escape(&key), escape(&to_str(&value)));
    }
    let spaced = args.get(0, "autospace").is_none_or(Value::is_true);
    Ok(Value::from_safe_string(if spaced { out } else { out.trim_start().to_owned() }))
}
