//! The text of the statements, and what they do on DuckDB.
