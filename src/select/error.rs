//! What can be wrong with a selector. All of it is the user's to mend, so every message says how.

/// Why a selection cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A method that does not exist.
    #[error("'{method}' in '{criterion}' is not a selector method{}", .nearest.map_or_else(String::new, |name| format!("; did you mean '{name}'?")))]
    UnknownMethod {
        /// As written.
        method: String,
        /// The whole criterion.
        criterion: String,
        /// The method whose name is nearest, if any is near.
        nearest: Option<&'static str>,
    },
    /// `@x+`: the descendants of `x` are part of `@x` already.
    #[error("'{criterion}' has both '@' and a trailing '+'; '@' already includes all descendants, so drop the '+'")]
    AtWithChildren {
        /// As written.
        criterion: String,
    },
    /// A value that the method does not know.
    #[error("'{value}' is not a value of the selector method '{method}'; use {expected}")]
    InvalidValue {
        /// The method.
        method: &'static str,
        /// As written.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// `state:` without a baseline.
    #[error("'state:{value}' needs a baseline to compare with; give one with --state or --baseline")]
    NoState {
        /// What stands after the colon.
        value: String,
    },
    /// `result:` without results of an earlier run.
    #[error(
        "'result:{value}' needs the results of an earlier run; give the folder of its run_results.json with --state"
    )]
    NoResults {
        /// What stands after the colon.
        value: String,
    },
    /// `source_status:` without results of an earlier freshness check.
    #[error(
        "'source_status:{value}' needs the sources.json of an earlier freshness check; give its folder with --state"
    )]
    NoSourceResults {
        /// What stands after the colon.
        value: String,
    },
    /// `--selector` names one that selectors.yml has not.
    #[error("there is no selector '{name}' in selectors.yml; {}", listed(.known))]
    UnknownSelector {
        /// As written.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A definition in selectors.yml that is none.
    #[error("selector '{selector}' in selectors.yml: {reason}")]
    InvalidDefinition {
        /// Its name.
        selector: String,
        /// What is wrong, and what should be there.
        reason: String,
    },
}

impl Error {
    /// What to do about it, where the message does not say so itself.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownMethod { .. } => {
                let names: Vec<&str> = super::method::names().collect();
                Some(format!("the methods are {}", names.join(", ")))
            }
            _ => None,
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
}

/// The one of `candidates` that `word` was probably meant to be: fewest edits, at most a third of the word.
pub(super) fn nearest(word: &str, candidates: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (edits(&word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= word.len().max(candidate.len()).div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_word_finds_the_nearest_one_and_nonsense_finds_none() {
        let words = ["tag", "group", "path", "package", "resource_type", "test_type"];
        assert_eq!(nearest("tagg", words), Some("tag"));
        assert_eq!(nearest("TAG", words), Some("tag"));
        assert_eq!(nearest("ressource_typ", words), Some("resource_type"));
        assert_eq!(nearest("pakage", words), Some("package"));
        assert_eq!(nearest("frobnicate", words), None);
    }
}
