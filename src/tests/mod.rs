//! Tests that several rooms share: the fuzzer, and the properties that concern more than one room.

pub(crate) mod fuzz;
