//! What can go wrong with throw-away schemas.

use crate::warehouse;

/// What can go wrong with throw-away schemas.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A schema of that name is there and is not ours, or no longer looks like it.
    #[error("schema `{schema}` does not carry slimdiff's marker, so it is neither replaced nor dropped")]
    NotOurs {
        /// The schema.
        schema: String,
    },
    /// The engine would cut the name off, or it is empty.
    #[error("`{schema}` cannot be a schema's name: {reason}")]
    Name {
        /// The name.
        schema: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The warehouse refused.
    #[error("cannot {doing} schema `{schema}`: {source}")]
    Warehouse {
        /// A verb: `create`, `drop`, `look into`.
        doing: &'static str,
        /// The schema.
        schema: String,
        /// What the warehouse said.
        #[source]
        source: warehouse::Error,
    },
}

impl Error {
    /// What to do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotOurs { .. } => {
                Some("give the pull request's schema another name, or drop this one by hand if nobody needs it")
            }
            Self::Name { .. } => Some("shorten the template of the schema's name"),
            Self::Warehouse { source, .. } => source.hint(),
        }
    }

    pub(super) fn warehouse(doing: &'static str, schema: &str) -> impl FnOnce(warehouse::Error) -> Self {
        move |source| Self::Warehouse { doing, schema: schema.to_owned(), source }
    }
}
