//! The composition root: stages put together for each command. No printing, no environment variables.

mod again;
mod ci;
mod commands;
mod compare;
mod deps;
mod environments;
mod error;
mod hush;
mod impact;
mod inline;
mod lineage;
mod names;
mod places;
mod project;
mod sides;
mod state;
mod stop;
mod warnings;

pub use ci::{CiOutcome, CiRequest, ci};
pub use commands::{
    BuildRequest, Built, CompileOutcome, CompileRequest, CompiledNode, DeferRequest, build, choose, compile,
    load_with_state, show,
};
pub use compare::{CompareRequest, Place, compare};
pub use deps::deps;
pub use environments::{drop_environment, list_environments, sweep_environments};
pub use error::Error;
pub use lineage::lineage;
pub use project::{Invocation, Loaded, load};
pub use state::{StateRequest, Told, explain};
pub use warnings::WarningRules;
