//! `deps`: fetches the packages that a project declares, and writes down which versions they are.
//!
//! The lock file, its hash and the layout of the packages' folder are dbt's, so that either tool goes on where the
//! other left.

mod add;
mod archive;
mod declared;
mod error;
mod git;
mod hub;
mod install;
mod lock;
mod resolve;
mod run;
mod sources;
mod version;

pub use add::{AddFrom, Addition};
pub(super) use declared::{Declared, Spec, read};
pub use error::Error;
pub use run::{Installed, Outcome, Request, install};
