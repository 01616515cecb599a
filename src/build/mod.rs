//! Builds a plan: a scheduler over its steps, one file a materialization, and hooks. The only place where Jinja meets a
//! warehouse.
//!
//! [`run`] does the whole; [`Compiler`] gives a node's compiled SQL and [`show`] its first rows. Data tests are run by
//! whoever implements [`TestRunner`], so that this room knows nothing of checks.

mod cancel;
mod compile;
mod connection;
mod context;
mod cte;
mod error;
mod fixtures;
mod hooks;
mod introspect;
mod materialize;
mod outcome;
mod schedule;
mod scheduler;
mod show;
mod step;

pub use cancel::{CancelSource, CancelToken};
pub use compile::{Compiled, Compiler};
pub use connection::Connection;
pub use context::{BuildContext, TestJob, TestRunner, Verdict};
pub use error::{Error, Failure};
pub use fixtures::Fixtures;
pub use outcome::{BuildOutcome, NodeResult};
pub use scheduler::run;
pub use show::show;

#[cfg(test)]
mod tests;
