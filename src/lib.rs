//! slimdiff: what does merging this pull request do to the data?
//!
//! One type per arrow: `Project → Manifest → Dag → StateDiff → Selection → Plan → BuildOutcome → Report`. See
//! ARCHITECTURE.md.

pub mod artifacts;
pub mod baseline;
pub mod build;
pub mod checks;
pub mod cli;
pub mod config;
pub mod diff;
pub mod environment;
pub mod fetch;
pub mod graph;
pub mod impact;
pub mod jinja;
pub mod lineage;
pub mod model;
pub mod parse;
pub mod pipeline;
pub mod plan;
pub mod project;
pub mod publish;
pub mod report;
pub mod select;
pub mod state;
pub mod warehouse;
pub mod yaml;

#[cfg(test)]
mod tests;
