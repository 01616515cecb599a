//! Why something cannot be had.

/// What keeps something from being fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The web says no.
    #[error("cannot fetch {url}: {reason}")]
    Failed {
        /// As it may be shown.
        url: String,
        /// Why.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// Stopped by a signal.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { hint, .. } => Some((*hint).to_owned()).filter(|hint| !hint.is_empty()),
            Self::Stopped => None,
        }
    }
}
