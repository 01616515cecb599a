//! A warehouse whose messages hold no values of rows, for places where these must not be read.
//!
//! What may pass is listed, not what may not: messages about the code itself, which no row was read for; of others the
//! words that the engines' messages are made of ([`WORDS`]), and names of columns, tables and the like that the statement
//! mentions. All else is replaced by `***`, and the SQLSTATE is told beside it.

mod message;
mod wrapper;

use std::collections::HashSet;
use std::sync::LazyLock;

pub use wrapper::without_values;

use super::Error;

/// Words of the engines' own, in lower case, a line each.
static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());

/// The error without the values of rows that its message may hold.
fn hushed(error: Error) -> Error {
    match error {
        Error::Statement { message, code, sql, line } => {
            let message = message::without_values(&message, code.as_deref(), line, &sql);
            Error::Statement { message, code, sql, line }
        }
        Error::Permission { message, sql } => {
            let message = message::without_values(&message, Some("42501"), None, &sql);
            Error::Permission { message, sql }
        }
        error => error,
    }
}
