//! The profile fields of dbt-postgres.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{
    model::{JsonMap, Secret},
    warehouse::Error,
};

use super::fields::Fields;

/// How much TLS is wanted, in libpq's words: <https://www.postgresql.org/docs/current/libpq-ssl.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Only if the server refuses a plain connection.
    Allow,
    /// If the server can.
    Prefer,
    /// Always, without looking at the certificate (unless a root certificate is given).
    Require,
    /// Always, with a certificate signed by a root we know.
    VerifyCa,
    /// As `VerifyCa`, and the certificate must name the host.
    VerifyFull,
}

impl SslMode {
    const ALL: [Self; 6] = [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// libpq's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// A PostgreSQL server, database and account.
#[derive(Debug, Clone)]
pub struct PostgresTarget {
    /// Host name, address, or the folder of a Unix socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Who connects.
    pub user: String,
    /// With which password; empty for none.
    pub password: Secret<String>,
    /// The database.
    pub dbname: String,
    /// The schema relations are built in.
    pub schema: String,
    /// `search_path` of every session.
    pub search_path: Option<String>,
    /// The role every session takes on.
    pub role: Option<String>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// Idle seconds before TCP asks whether the server still lives; zero leaves it to the system.
    pub keepalives_idle: Duration,
    /// TLS.
    pub sslmode: Option<SslMode>,
    /// File of the client's certificate.
    pub sslcert: Option<String>,
    /// File of its key.
    pub sslkey: Option<String>,
    /// File of the root certificates, or `system` for Mozilla's.
    pub sslrootcert: Option<String>,
    /// How the session is called in the server's lists.
    pub application_name: Option<String>,
    /// How often to try again to connect.
    pub retries: u32,
    /// How many nodes are built at a time.
    pub threads: usize,
}

impl PostgresTarget {
    pub(super) fn from_profile(output: &JsonMap) -> Result<Self, Error> {
        let fields = Fields { adapter: "postgres", output };
        let sslmode = match fields.text("sslmode")? {
            None => None,
            Some(word) => Some(SslMode::ALL.into_iter().find(|mode| mode.as_str() == word).ok_or_else(|| {
                let all = SslMode::ALL.map(SslMode::as_str).join(", ");
                Error::unsupported(format!("the profile's `sslmode` is `{word}`, and must be one of {all}"))
            })?),
        };
        Ok(Self {
            host: fields.required(&["host"])?,
            user: fields.required(&["user"])?,
            password: Secret::new(fields.required(&["password", "pass"])?),
            port: {
                fields.required(&["port"])?;
                fields.number("port", 5432)?
            },
            dbname: fields.required(&["dbname", "database"])?,
            schema: fields.required(&["schema"])?,
            search_path: fields.text("search_path")?.filter(|path| !path.is_empty()),
            role: fields.text("role")?.filter(|role| !role.is_empty()),
            connect_timeout: Duration::from_secs(fields.number("connect_timeout", 10)?),
            keepalives_idle: Duration::from_secs(fields.number("keepalives_idle", 0)?),
            sslmode,
            sslcert: fields.text("sslcert")?,
            sslkey: fields.text("sslkey")?,
            sslrootcert: fields.text("sslrootcert")?,
            application_name: fields.text("application_name")?,
            retries: fields.number("retries", 1)?,
            threads: fields.number("threads", 1_usize)?.max(1),
        })
    }

    pub(super) fn public(&self) -> JsonMap {
        let fields: [(&str, Json); 19] = [
            ("host", json!(self.host)),
            ("port", json!(self.port)),
            ("user", json!(self.user)),
            ("database", json!(self.dbname)),
            ("schema", json!(self.schema)),
            ("connect_timeout", json!(self.connect_timeout.as_secs())),
            ("role", json!(self.role)),
            ("search_path", json!(self.search_path)),
            ("keepalives_idle", json!(self.keepalives_idle.as_secs())),
            ("sslmode", json!(self.sslmode.map(SslMode::as_str))),
            ("sslcert", json!(self.sslcert)),
            ("sslkey", json!(self.sslkey)),
            ("sslrootcert", json!(self.sslrootcert)),
            // What dbt shows when the profile names none; the server is told our own name then.
            ("application_name", json!(self.application_name.as_deref().unwrap_or("dbt"))),
            ("autocommit", json!(false)),
            ("retries", json!(self.retries)),
            ("dbname", json!(self.dbname)),
            ("type", json!("postgres")),
            ("threads", json!(self.threads)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Host, port and database.
    pub fn place(&self) -> String {
        format!("{}:{}/{}", self.host, self.port, self.dbname)
    }

    /// Whether the host is the folder of a Unix socket.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/') || self.host.starts_with('@')
    }
}
