//! slimdiff: what does merging this pull request do to the data?
//!
//! One type per arrow: `Project → Manifest → Dag → StateDiff → Selection → Plan → BuildOutcome → Report`. See ARCHITECTURE.md.

pub mod environment;
pub mod jinja;
pub mod model;
pub mod warehouse;
