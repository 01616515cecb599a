//! Selectors as written on the command line: unions by space of intersections by comma of criteria with graph
//! operators.

use std::fmt;

use super::Error;

/// How far a graph operator reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// To the end, `+`.
    All,
    /// So many edges, `2+`.
    Steps(usize),
}

impl Reach {
    /// The limit in edges, if there is one.
    pub fn depth(self) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Steps(steps) => Some(steps),
        }
    }
}

/// One criterion: `@`, `2+`, `method.argument:value`, `+3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Criterion {
    /// `@`: with all descendants, and all that those descend from.
    pub childrens_parents: bool,
    /// `n+` before it: with ancestors.
    pub parents: Option<Reach>,
    /// What stands before the colon, with its dotted arguments; none when left out.
    pub method: Option<String>,
    /// What is looked for.
    pub value: String,
    /// `+n` after it: with descendants.
    pub children: Option<Reach>,
}

/// What one `--select` or `--exclude` argument says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectorExpr {
    /// Unions (by space) of intersections (by comma).
    pub unions: Vec<Vec<Criterion>>,
}

impl SelectorExpr {
    /// Reads an argument. Anything is a selector, though perhaps one that matches nothing.
    ///
    /// # Errors
    /// [`Error::AtWithChildren`] for `@x+`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unions = text
            .split(' ')
            .map(|part| part.split(',').map(Criterion::parse).collect::<Result<Vec<_>, _>>())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { unions })
    }
}

impl fmt::Display for SelectorExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, intersection) in self.unions.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write_intersection(intersection, f)?;
        }
        Ok(())
    }
}

/// Writes criteria with commas between them.
pub(super) fn write_intersection(criteria: &[Criterion], f: &mut impl fmt::Write) -> fmt::Result {
    for (i, criterion) in criteria.iter().enumerate() {
        write!(f, "{}{criterion}", if i == 0 { "" } else { "," })?;
    }
    Ok(())
}

impl Criterion {
    /// Reads one criterion.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (childrens_parents, rest) = match text.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (parents, rest) = leading_reach(rest);
        let (method, rest) = leading_method(rest);
        let (value, children) = trailing_reach(rest);
        if childrens_parents && children.is_some() {
            return Err(Error::AtWithChildren { criterion: text.to_owned() });
        }
        Ok(Self { childrens_parents, parents, method, value: value.to_owned(), children })
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.childrens_parents {
            f.write_str("@")?;
        }
        match self.parents {
            Some(Reach::All) => f.write_str("+")?,
            Some(Reach::Steps(steps)) => write!(f, "{steps}+")?,
            None => {}
        }
        if let Some(method) = &self.method {
            write!(f, "{method}:")?;
        }
        f.write_str(&self.value)?;
        match self.children {
            Some(Reach::All) => f.write_str("+"),
            Some(Reach::Steps(steps)) => write!(f, "+{steps}"),
            None => Ok(()),
        }
    }
}

fn reach(digits: &str) -> Option<Reach> {
    if digits.is_empty() {
        return Some(Reach::All);
    }
    // More steps than any graph has are all the same.
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| Reach::Steps(digits.parse().unwrap_or(usize::MAX)))
}

fn leading_reach(text: &str) -> (Option<Reach>, &str) {
    match text.split_once('+').and_then(|(digits, rest)| Some((reach(digits)?, rest))) {
        Some((reach, rest)) => (Some(reach), rest),
        None => (None, text),
    }
}

fn leading_method(text: &str) -> (Option<String>, &str) {
    match text.split_once(':') {
        Some((name, rest)) if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') => {
            (Some(name.to_owned()), rest)
        }
        _ => (None, text),
    }
}

fn trailing_reach(text: &str) -> (&str, Option<Reach>) {
    match text.rsplit_once('+').and_then(|(value, digits)| Some((value, reach(digits)?))) {
        Some((value, reach)) => (value, Some(reach)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Criterion, Reach, SelectorExpr};

    fn criterion(text: &str) -> Criterion {
        Criterion::parse(text).unwrap()
    }

    #[test]
    fn operators_method_and_value_are_told_apart() {
        let all = criterion("2+config.meta.owner:a:b+13");
        assert_eq!(all.parents, Some(Reach::Steps(2)));
        assert_eq!(all.method.as_deref(), Some("config.meta.owner"));
        assert_eq!(all.value, "a:b");
        assert_eq!(all.children, Some(Reach::Steps(13)));
    }

    #[test]
    fn a_plus_that_is_no_operator_stays_in_the_value() {
        assert_eq!(criterion("a++").value, "a+");
        assert_eq!(criterion("++a").value, "+a");
        assert_eq!(criterion("a+b").value, "a+b");
        assert_eq!(criterion("1+").parents, Some(Reach::Steps(1)));
        assert_eq!(criterion(":a").method, None);
        assert_eq!(criterion(":a").value, ":a");
    }

    #[test]
    fn at_with_a_trailing_plus_is_refused() {
        let error = SelectorExpr::parse("@a+").unwrap_err();
        assert_eq!(
            error.to_string(),
            "'@a+' has both '@' and a trailing '+'; '@' already includes all descendants, so drop the '+'"
        );
    }

    fn reaches() -> impl Strategy<Value = Option<Reach>> {
        prop_oneof![Just(None), Just(Some(Reach::All)), (0_usize..1000).prop_map(|n| Some(Reach::Steps(n)))]
    }

    fn criteria() -> impl Strategy<Value = Criterion> {
        let method = proptest::option::of("[a-z_]{1,8}(\\.[a-z]{1,4}){0,2}");
        (any::<bool>(), reaches(), method, "[a-z*?\\[\\]./_-]{1,12}", reaches()).prop_map(
            |(childrens_parents, parents, method, value, children)| Criterion {
                childrens_parents,
                parents,
                method,
                value,
                children: children.filter(|_| !childrens_parents),
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_as_the_same(
            unions in proptest::collection::vec(proptest::collection::vec(criteria(), 1..4), 1..4)
        ) {
            let expr = SelectorExpr { unions };
            prop_assert_eq!(SelectorExpr::parse(&expr.to_string()).unwrap(), expr);
        }

        #[test]
        fn any_text_reads_the_same_after_printing(text in "[@+0-9a-z:., ]{0,20}") {
            if let Ok(expr) = SelectorExpr::parse(&text) {
                prop_assert_eq!(SelectorExpr::parse(&expr.to_string()).unwrap(), expr);
            }
        }
    }
}
