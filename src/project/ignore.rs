//! `.dbtignore`, written like `.gitignore`.

use regex::Regex;

/// The rules of one `.dbtignore`, in order; the last that matches decides.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Regex,
    keeps: bool,
}

impl Ignore {
    /// Reads the file's text. A line that makes no pattern is passed over.
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(rule).collect())
    }

    /// Whether the file at `path` (relative to the project's root, with `/`) is left out.
    pub(super) fn ignores(&self, path: &str) -> bool {
        self.0.iter().rev().find(|rule| rule.pattern.is_match(path)).is_some_and(|rule| !rule.keeps)
    }
}

fn rule(line: &str) -> Option<Rule> {
    let line = line.trim_end();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (keeps, glob) = match line.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, line.strip_prefix('\\').unwrap_or(line)),
    };
    let only_folders = glob.ends_with('/');
    let glob = glob.trim_end_matches('/');
    // A slash anywhere but at the end ties the pattern to the root.
    let anchored = glob.contains('/');
    let glob = glob.trim_start_matches('/');
    if glob.is_empty() {
        return None;
    }
    let mut pattern = String::from(if anchored { "^" } else { "^(?:.*/)?" });
    translate(glob, &mut pattern);
    pattern.push_str(if only_folders { "/.*$" } else { "(?:/.*)?$" });
    Regex::new(&pattern).ok().map(|pattern| Rule { pattern, keeps })
}

fn translate(glob: &str, out: &mut String) {
    let mut rest = glob;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("**/") {
            out.push_str("(?:.*/)?");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            out.push_str(".*");
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            out.push_str("[^/]*");
            rest = after;
        } else if let Some(after) = rest.strip_prefix('?') {
            out.push_str("[^/]");
            rest = after;
        } else if let Some((class, after)) = class(rest) {
            out.push_str(&class);
            rest = after;
        } else {
            let mut chars = rest.chars();
            let mut literal = chars.next().unwrap_or_default();
            if literal == '\\' && !chars.as_str().is_empty() {
                literal = chars.next().unwrap_or_default();
            }
            out.push_str(&regex::escape(&literal.to_string()));
            rest = chars.as_str();
        }
    }
}

/// A `[...]` at the start of `text`, as a regex class, with what follows it.
fn class(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('[')?;
    let end = inner.char_indices().skip(1).find(|&(_, c)| c == ']')?.0;
    let (body, after) = (&inner[..end], &inner[end + 1..]);
    let (negated, body) = match body.strip_prefix(['!', '^']) {
        Some(rest) => ("^", rest),
        None => ("", body),
    };
    Some((format!("[{negated}{}]", body.replace('\\', r"\\").replace('[', r"\[")), after))
}

#[cfg(test)]
mod tests {
    use super::Ignore;

    #[test]
    fn patterns_work_as_in_gitignore() {
        let ignore = Ignore::parse("# comment\n*.md\n!keep.md\n/models/old/\n**/draft_*.sql\nsub/x.sql\n");
        assert!(ignore.ignores("models/a.md"));
        assert!(!ignore.ignores("models/keep.md"));
        assert!(ignore.ignores("models/old/a.sql"));
        assert!(!ignore.ignores("other/models/old/a.sql"));
        assert!(ignore.ignores("models/deep/draft_1.sql"));
        assert!(ignore.ignores("sub/x.sql"));
        assert!(!ignore.ignores("models/sub/x.sql"));
    }
}
