//! What changed between two manifests, and why: dbt's `state:modified`, reason by reason. No I/O.

mod beyond;
mod config;
mod content;
mod contract;
mod diff;
mod explain;
mod macros;
mod readable;
mod reason;
mod rename;
mod resource;
mod semantic;
mod severity;

pub use diff::{Hit, Options, StateDiff, compare};
pub use explain::{
    ChangeReason, ChangedMacro, ChangedNode, Dependent, Explanation, MacroChange, NodeState, RemovedNode,
    SCHEMA_VERSION, Totals, explain,
};
pub use reason::{REASONS, Reason, sub_selectors};
pub use rename::Rename;
pub use severity::Severity;

#[cfg(test)]
pub(crate) mod tests;
