//! GitHub: one sticky comment on the pull request, the job's summary, the action's outputs. Gets text, never outcomes.
//!
//! The only room that knows octocrab. Reads no environment: what Actions says is passed in.

mod api;
mod comment;
mod context;
mod error;
mod files;
mod marker;

pub use comment::{Action, Published, Settings, github};
pub use context::Context;
pub use error::Error;
pub use files::{outputs, step_summary};
