//! Shell wildcards: `*`, `?`, `[abc]`, `[!abc]`, over names and over paths, case-sensitive.

/// Whether the pattern has a wildcard at all.
pub(super) fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', ']'])
}

/// A pattern, read once to be compared with many texts.
#[derive(Debug)]
pub(super) enum Pattern {
    /// Without wildcards: the text itself.
    Plain(String),
    /// With wildcards.
    Wild(Vec<Token>),
}

impl Pattern {
    /// Reads a pattern. Everything is one.
    pub(super) fn new(pattern: &str) -> Self {
        if has_wildcard(pattern) { Self::Wild(tokens(pattern)) } else { Self::Plain(pattern.to_owned()) }
    }

    /// Whether `text` as a whole matches. `*` also matches dots and slashes.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Plain(plain) => plain == text,
            Self::Wild(pattern) => fits(pattern, text),
        }
    }
}

/// Whether `text` as a whole matches `pattern`, which is read for this once.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern).matches(text)
}

fn fits(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to resume when what follows the last `*` does not fit: one character later.
    let mut resume: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Many) => {
                resume = Some((p + 1, t));
                p += 1;
            }
            Some(token) if token.fits(text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match resume.as_mut() {
                Some((after_star, from)) => {
                    *from += 1;
                    (p, t) = (*after_star, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| matches!(token, Token::Many))
}

/// Whether the path matches a glob of the same kind: segments are matched one by one, `**` stands for any number of
/// folders.
pub(super) fn matches_path(glob: &[&str], path: &[&str]) -> bool {
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            matches_path(rest, path) || path.split_first().is_some_and(|(_, below)| matches_path(glob, below))
        }
        (Some((segment, rest)), Some((name, below))) => matches(segment, name) && matches_path(rest, below),
        _ => false,
    }
}

/// A piece of a pattern.
#[derive(Debug)]
pub(super) enum Token {
    /// `*`.
    Many,
    /// `?`.
    Any,
    /// Itself.
    Literal(char),
    /// `[a-z]`, `[!a-z]`.
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Many => false,
            Self::Any => true,
            Self::Literal(literal) => *literal == c,
            Self::Set { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        }
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let (token, next) = match chars[i] {
            '*' => (Token::Many, i + 1),
            '?' => (Token::Any, i + 1),
            '[' => set(&chars, i).unwrap_or((Token::Literal('['), i + 1)),
            c => (Token::Literal(c), i + 1),
        };
        tokens.push(token);
        i = next;
    }
    tokens
}

/// The set that opens at `start`, and where it ends; none when it is never closed.
fn set(chars: &[char], start: usize) -> Option<(Token, usize)> {
    let negated = chars.get(start + 1) == Some(&'!');
    let first = start + 1 + usize::from(negated);
    // A bracket right after the opening is a member, not the end.
    let end = (first + 1..chars.len()).find(|&i| chars[i] == ']')?;
    let mut ranges = Vec::new();
    let mut i = first;
    while i < end {
        if i + 2 < end && chars[i + 1] == '-' {
            ranges.push((chars[i], chars[i + 2]));
            i += 3;
        } else {
            ranges.push((chars[i], chars[i]));
            i += 1;
        }
    }
    Some((Token::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::{matches, matches_path};

    #[test]
    fn wildcards_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("stg_*", "stg_orders", true),
            ("stg_*", "int_orders", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "ab_b_c", false),
            ("o?ders", "orders", true),
            ("[os]rders", "orders", true),
            ("[!o]rders", "orders", false),
            ("[a-c]x", "bx", true),
            ("[]]", "]", true),
            ("[ab", "[ab", true),
            ("Orders", "orders", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_star_in_a_path_stays_in_its_folder_and_two_cross_them() {
        let path = |glob: &str, path: &str| {
            matches_path(&glob.split('/').collect::<Vec<_>>(), &path.split('/').collect::<Vec<_>>())
        };
        assert!(path("models/*.sql", "models/a.sql"));
        assert!(!path("models/*.sql", "models/b/a.sql"));
        assert!(path("models/**/a.sql", "models/b/c/a.sql"));
        assert!(path("models/**/a.sql", "models/a.sql"));
        assert!(path("models/**", "models"));
    }
}
