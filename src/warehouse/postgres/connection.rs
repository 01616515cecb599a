//! Making a connection: TLS as `sslmode` says, tried again as often as the profile says, then set up.

use std::{future::poll_fn, time::Duration};

use tokio_postgres::{AsyncMessage, Client, Config, config::SslMode as Tls, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::warehouse::{Dialect, Error, Postgres, PostgresTarget, SslMode};

use super::failure;

/// A connection that is ready for statements.
pub(super) async fn open(target: &PostgresTarget, tls: &MakeRustlsConnect) -> Result<Client, Error> {
    let mut attempt = 0;
    let client = loop {
        let error = match negotiate(target, tls).await {
            Ok(client) => break client,
            Err(error) => error,
        };
        if attempt >= target.retries || !error.may_pass() {
            return Err(error.into_error(target));
        }
        attempt += 1;
        tracing::debug!(place = target.place(), attempt, "connecting again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    set_up(&client, target).await?;
    Ok(client)
}

/// Why there is no connection.
enum Refusal {
    Driver(tokio_postgres::Error),
    Timeout,
}

impl Refusal {
    /// Whether it may be otherwise in a second.
    fn may_pass(&self) -> bool {
        match self {
            Self::Timeout => true,
            Self::Driver(error) => error.code().map_or(failure::is_network(error), |code| {
                [SqlState::TOO_MANY_CONNECTIONS, SqlState::CANNOT_CONNECT_NOW].contains(code)
            }),
        }
    }

    fn into_error(self, target: &PostgresTarget) -> Error {
        match self {
            Self::Driver(error) => failure::connect(target, &error),
            Self::Timeout => Error::Connect {
                place: target.place(),
                message: format!("no answer within {} seconds", target.connect_timeout.as_secs()),
                hint: Some("check host and port, and whether a firewall is in the way".to_owned()),
            },
        }
    }
}

/// Tries the ways of connecting that `sslmode` allows, in its order.
async fn negotiate(target: &PostgresTarget, tls: &MakeRustlsConnect) -> Result<Client, Refusal> {
    let ways: &[Tls] = if target.is_socket() {
        &[Tls::Disable]
    } else {
        match target.sslmode.unwrap_or(SslMode::Prefer) {
            SslMode::Disable => &[Tls::Disable],
            SslMode::Allow => &[Tls::Disable, Tls::Require],
            SslMode::Prefer => &[Tls::Prefer, Tls::Disable],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Tls::Require],
        }
    };
    let mut first = None;
    for way in ways {
        match connect(target, tls, *way).await {
            Ok(client) => return Ok(client),
            Err(error) if may_go_otherwise(&error) => {
                // What the first way met says more than that the second does not work either.
                first.get_or_insert(error);
            }
            Err(error) => return Err(first.unwrap_or(error)),
        }
    }
    Err(first.unwrap_or(Refusal::Timeout))
}

/// Whether the server might take a connection with TLS where it refused one without, or the other way round.
fn may_go_otherwise(error: &Refusal) -> bool {
    match error {
        Refusal::Timeout => false,
        Refusal::Driver(error) => match error.code() {
            Some(code) => *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            None => !failure::is_network(error),
        },
    }
}

async fn connect(target: &PostgresTarget, tls: &MakeRustlsConnect, way: Tls) -> Result<Client, Refusal> {
    let mut config = Config::new();
    config
        .host(&target.host)
        .port(target.port)
        .user(&target.user)
        .dbname(&target.dbname)
        .connect_timeout(target.connect_timeout)
        .application_name(target.application_name.as_deref().unwrap_or("slimdiff"))
        .ssl_mode(way);
    if !target.password.expose_secret().is_empty() {
        config.password(target.password.expose_secret());
    }
    if !target.keepalives_idle.is_zero() {
        config.keepalives_idle(target.keepalives_idle);
    }
    // The driver's own limit is for each address only, not for TLS and authentication.
    let limit = if target.connect_timeout.is_zero() { Duration::MAX } else { target.connect_timeout };
    let (client, mut connection) = match tokio::time::timeout(limit, config.connect(tls.clone())).await {
        Ok(connected) => connected.map_err(Refusal::Driver)?,
        Err(_) => return Err(Refusal::Timeout),
    };
    let place = target.place();
    tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => {
                    tracing::debug!(place, "{}: {}", notice.severity(), notice.message());
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(place, "the connection ended: {error}");
                    return;
                }
            }
        }
    });
    Ok(client)
}

/// What every session begins with.
async fn set_up(client: &Client, target: &PostgresTarget) -> Result<(), Error> {
    // Dates are read as ISO writes them, and dbt's driver asks for the same.
    let mut statements = vec![("set datestyle to 'ISO'".to_owned(), "datestyle")];
    if let Some(path) = &target.search_path {
        statements
            .push((format!("select set_config('search_path', {}, false)", Postgres.literal(path)), "search_path"));
    }
    if let Some(role) = &target.role {
        let plain = role.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let role = if plain { role.clone() } else { Postgres.quote(role) };
        statements.push((format!("set role {role}"), "role"));
    }
    for (statement, what) in statements {
        client.batch_execute(&statement).await.map_err(|error| Error::Connect {
            place: target.place(),
            message: failure::words(&error),
            hint: Some(format!("correct `{what}` of the profile")),
        })?;
    }
    Ok(())
}
