//! What tests stand on.

pub(crate) mod cli;
pub(crate) mod github;
pub(crate) mod postgres;
