//! Checks of what was built: data tests and unit tests. Compiles and runs through `build`, writes SQL through a
//! dialect.

mod data_test;
mod thresholds;
mod unit_test;

pub use data_test::DataTests;
