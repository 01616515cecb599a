//! What can be wrong with a selector. All of it is the user's to mend, so every message says how.

/// Why a selection cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A method that does not exist.
    #[error("'{method}' in '{criterion}' is not a selector method{}", meant(.nearest.as_ref()))]
    UnknownMethod {
        /// As written.
        method: String,
        /// The whole criterion.
        criterion: String,
        /// The method whose name is nearest, if any is near.
        nearest: Option<String>,
    },
    /// `@x+`: the descendants of `x` are part of `@x` already.
    #[error("'{criterion}' has both '@' and a trailing '+'; '@' already includes all descendants, so drop the '+'")]
    AtWithChildren {
        /// As written.
        criterion: String,
    },
    /// A value that the method does not know.
    #[error("'{value}' is not a value of the selector method '{method}'; use {expected}{}", meant(.nearest.as_ref()))]
    InvalidValue {
        /// The method.
        method: &'static str,
        /// As written.
        value: String,
        /// What it takes.
        expected: String,
        /// The word whose name is nearest, if any is near.
        nearest: Option<String>,
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
    /// `source_status:` without results of a freshness check now.
    #[error(
        "'source_status:{value}' needs the sources.json of a freshness check of this project in the target folder; run `dbt source freshness` first"
    )]
    NoCurrentSourceResults {
        /// What stands after the colon.
        value: String,
    },
    /// `--selector` names one that selectors.yml has not.
    #[error("there is no selector '{name}' in selectors.yml; {}{}", listed(.known), meant(.nearest.as_ref()))]
    UnknownSelector {
        /// As written.
        name: String,
        /// Those that there are.
        known: Vec<String>,
        /// The one whose name is nearest, if any is near.
        nearest: Option<String>,
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

fn meant(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean '{name}'?"))
}
