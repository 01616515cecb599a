//! Engines: sessions that run SQL, and dialects that write it. All SQL text and all drivers live in this room.

mod activity;
pub mod compare;
mod dialect;
mod duckdb;
mod error;
mod hush;
mod json;
mod postgres;
mod session;
mod statements;
mod target;
mod unconnected;

pub use dialect::{ColumnSpec, Dialect, DuckDb, Postgres, SeedType, SnapshotSpec};
pub use error::Error;
pub use hush::without_values;
pub use session::{Session, Warehouse, as_if_empty, connect, connect_to_compile};
pub use statements::stands_alone;
pub use target::{Attachment, DuckDbTarget, Extension, ForeignTarget, PostgresTarget, SecretFields, SslMode, Target};
