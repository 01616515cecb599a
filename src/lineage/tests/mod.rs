//! Lineage with known truth, and properties of generated queries.

mod changes;
mod columns;
mod generated;
mod same;
