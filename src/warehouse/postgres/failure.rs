//! What PostgreSQL's errors mean: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::{error::Error as _, fmt::Write, io::ErrorKind};

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::warehouse::{Error, PostgresTarget};

/// An error of connecting.
pub(super) fn connect(target: &PostgresTarget, error: &tokio_postgres::Error) -> Error {
    let hint = match (error.code().map(|code| code.code().to_owned()).as_deref(), network(error)) {
        (Some("28P01"), _) => Some("check `user` and `password` of the profile".to_owned()),
        (Some("28000"), _) => {
            Some("the server lets nobody in this way: check `user` and `sslmode`, and its pg_hba.conf".to_owned())
        }
        (Some("3D000"), _) => {
            Some(format!("create the database {}, or correct `dbname` of the profile", target.dbname))
        }
        (Some("53300"), _) => Some("wait for other sessions to end, or lower `threads` of the profile".to_owned()),
        (Some("57P03"), _) => Some("wait until the server has started".to_owned()),
        (Some(_), _) => None,
        (None, Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound | ErrorKind::PermissionDenied)) => {
            Some("check `host` and `port` of the profile, and whether the server runs".to_owned())
        }
        (None, Some(_)) => Some("check `host` and `port` of the profile, and the network between".to_owned()),
        (None, None) if chain(error).contains("password") => Some("set `password` in the profile".to_owned()),
        (None, None) => Some("check `sslmode` and `sslrootcert` of the profile".to_owned()),
    };
    Error::Connect { place: target.place(), message: words(error), hint }
}

/// An error of a statement. `before` is what of `sql` was sent apart, so that the line is counted in the whole.
pub(super) fn statement(place: &str, sql: &str, before: &str, error: &tokio_postgres::Error, cancelled: bool) -> Error {
    let Some(db) = error.as_db_error() else {
        if cancelled {
            return Error::Cancelled;
        }
        if error.is_closed() || network(error).is_some() {
            return Error::Lost { place: place.to_owned(), message: chain(error) };
        }
        return Error::Statement { message: chain(error), code: None, sql: sql.to_owned(), line: None };
    };
    let code = db.code().code();
    let message = words(error);
    if code == "57014" && cancelled {
        Error::Cancelled
    } else if code == "42501" {
        Error::Permission { message, sql: sql.to_owned() }
    } else if code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05") {
        Error::Lost { place: place.to_owned(), message }
    } else {
        let line = line(db, sql, before);
        Error::Statement { message, code: Some(code.to_owned()), sql: sql.to_owned(), line }
    }
}

/// The line of `sql` the error points to.
fn line(db: &DbError, sql: &str, before: &str) -> Option<u32> {
    let Some(ErrorPosition::Original(position)) = db.position() else { return None };
    let sent = sql.get(before.len()..)?;
    let breaks = |text: &mut dyn Iterator<Item = char>| text.filter(|c| *c == '\n').count();
    let reached = usize::try_from(*position).ok()?.saturating_sub(1);
    let lines = breaks(&mut before.chars()) + breaks(&mut sent.chars().take(reached)) + 1;
    u32::try_from(lines).ok()
}

/// The server's words with its detail and hint, or the driver's.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else { return chain(error) };
    let mut message = db.message().to_owned();
    for (label, text) in [("DETAIL", db.detail()), ("HINT", db.hint()), ("CONTEXT", db.where_())] {
        if let Some(text) = text {
            // Writing to a String cannot fail.
            let _ = write!(message, "\n{label}:  {text}");
        }
    }
    message
}

/// The driver's message with its causes.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !message.contains(&cause_text) {
            message = format!("{message}: {cause_text}");
        }
        source = cause.source();
    }
    message
}

/// Whether the network is at fault, and not TLS or the account.
pub(super) fn is_network(error: &tokio_postgres::Error) -> bool {
    network(error).is_some_and(|kind| !matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof))
}

/// The kind of the I/O error behind it, if there is one.
fn network(error: &tokio_postgres::Error) -> Option<ErrorKind> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            // A TLS error comes wrapped in an I/O error, and so does a statement that cannot be sent, with a NUL in it.
            let is_tls = io.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
            return if is_tls || io.kind() == ErrorKind::InvalidInput { None } else { Some(io.kind()) };
        }
        source = cause.source();
    }
    None
}
