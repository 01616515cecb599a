//! What lies on the web: HTTP with retries, time limits and proxies, and the object stores of the clouds. Every wait
//! ends when the run is stopped.

mod error;
mod http;
mod objects;
mod proxy;
mod wait;

pub use error::Error;
pub use http::{Address, Http, NETWORK};
pub use objects::{object, schemes};
