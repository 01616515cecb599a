//! Throw-away schemas: made with a marker inside, replaced on the next push, dropped when done, swept when forgotten.
//! Nothing is ever dropped that does not carry the marker.

mod error;
mod marker;
mod schemas;

pub use error::Error;
pub use marker::{MARKER_TABLE, Marker};
pub use schemas::{Environment, Found, Sweep, Swept, create, drop, list, sweep};

#[cfg(test)]
mod tests;
