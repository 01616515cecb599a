//! Directed acyclic graphs over any id: levels, ancestors and descendants, subgraphs that keep reachability, cycles as
//! paths. Knows nothing of dbt.

mod dag;

pub use dag::{Dag, Error};
