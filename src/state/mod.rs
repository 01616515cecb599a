//! What changed between two manifests, and why: dbt's `state:modified`, reason by reason. No I/O.

mod config;
mod content;
mod contract;
mod diff;
mod macros;
mod reason;
mod resource;

pub use diff::{Hit, Options, StateDiff, compare};
pub use reason::{REASONS, Reason, sub_selectors};

#[cfg(test)]
pub(crate) mod tests;
