//! How grave a change is, in three steps.

use serde::{Deserialize, Serialize};

/// What a change means to those who use the node. The order is from harmless to grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Only what is said about the node differs: its description, its owner, its folder. What is built is the same.
    Metadata,
    /// What is built, where, or how may differ.
    #[default]
    Behaviour,
    /// A promise to others is withdrawn: those who rely on a contract, or on being allowed to refer to the node, may
    /// fail.
    Breaking,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Behaviour => "behaviour",
            Self::Breaking => "breaking",
        }
    }
}
