//! slimdiff: what does merging this pull request do to the data?

pub mod model;
pub mod jinja;
