//! YAML as dbt reads it: YAML 1.1 scalars, merge keys and anchors, with the place of every value kept for messages.

mod error;
mod node;
mod scalar;
mod tree;

pub use error::Error;
pub use node::{Entry, Mapping, Node, Value};
pub use tree::{DuplicateKey, Parsed, parse};
