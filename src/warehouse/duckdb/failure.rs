//! What DuckDB's errors mean. It has no codes: the kind is the message's first words.

use crate::warehouse::Error;

/// An error of opening a file.
pub(super) fn connect(place: &str, error: &::duckdb::Error) -> Error {
    let message = error.to_string();
    Error::Connect { place: place.to_owned(), hint: hint(&message).map(str::to_owned), message }
}

fn hint(message: &str) -> Option<&'static str> {
    let cases = [
        (
            "version number",
            "the file was written by another version of DuckDB; write it with DuckDB 1.5 or older \
                            (`attach 'file' (storage_version 'v1.0.0')`), or copy it with `export database`",
        ),
        (
            "newer version",
            "the file was written by a newer DuckDB; write it with DuckDB 1.5 or older, or copy it with \
                           `export database`",
        ),
        ("not a valid DuckDB", "point `path` of the profile to a DuckDB file, or to a new one"),
        (
            "set lock",
            "another process has the file open; close it, wait for it, or set `retries: {connect_attempts: n}` \
                      in the profile",
        ),
        ("Permission denied", "the file or its folder may not be written by this user"),
        (
            "No such file",
            "make the folder of the profile's `path`; a relative path begins where the command was started",
        ),
        ("Read-only", "open the file for writing, or build somewhere else"),
        ("Unrecognized configuration", "`config_options` of the profile has an option that DuckDB does not know"),
    ];
    cases.into_iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| hint)
}

/// An error of a statement; `None` when there was no statement at all, only blanks and comments.
pub(super) fn statement(place: &str, sql: &str, error: &::duckdb::Error) -> Option<Error> {
    if matches!(error, ::duckdb::Error::DuckDBFailure(_, None)) {
        return None;
    }
    let message = error.to_string();
    let begins = |words: &str| message.starts_with(words);
    Some(if begins("INTERRUPT Error") {
        Error::Cancelled
    } else if begins("Permission Error") {
        Error::Permission { message, sql: sql.to_owned() }
    } else if begins("FATAL Error") || begins("Connection Error") || message.contains("database has been invalidated") {
        Error::Lost { place: place.to_owned(), message }
    } else {
        Error::Statement { line: line(&message), code: None, sql: sql.to_owned(), message }
    })
}

/// The number behind the last `LINE` that begins a line, with which DuckDB points into the statement.
fn line(message: &str) -> Option<u32> {
    let excerpt = message.lines().rev().find_map(|line| line.strip_prefix("LINE "))?;
    excerpt.split(':').next()?.parse().ok()
}

/// The message without its excerpt of the statement.
pub(super) fn without_excerpt(message: &str) -> String {
    message.split("\n\nLINE ").next().unwrap_or_default().replace('\n', " ")
}
