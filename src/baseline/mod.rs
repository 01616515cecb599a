//! Where production is: a manifest of this machine, the web or CI, or a git revision of the project that we parse
//! ourselves; the merge base by default. The only room that knows git.

mod artifact;
mod error;
mod git;
mod lfs;
mod load;
mod manifest;
mod packages;
mod source;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use git::{head_branch, head_sha};
pub use load::{LoadContext, Loaded, ParsedRevision, load};
pub use manifest::{Reach, read};
pub use source::{Baseline, Place};
