//! What changed since production, drawn for people: nodes that changed for the same reasons share a line.

mod groups;
mod markdown;
mod terminal;

pub use markdown::changes_markdown;
pub use terminal::changes_terminal;

/// What is shown beside the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Unified diffs of edited code.
    pub diffs: bool,
}
