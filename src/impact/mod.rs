//! What a change reaches: which models, tests, exposures, metrics and saved queries lie below it, through which columns,
//! whose they are, and what could not be followed. Pure: it is given manifests and compiled code.

mod classes;
mod columns;
mod document;
mod owners;
mod reads;
mod walk;
mod words;

pub use classes::{Code, Sides, classes};
pub use columns::{Inputs, impact};
pub use document::{
    Cause, Edge, GraphNode, Impact, Lost, ModelChange, Owner, ReachedGraph, ReachedGroup, ReachedNode, ReachedOwner,
    Read, Touch,
};
pub use walk::{Region, starts};

#[cfg(test)]
mod tests;
