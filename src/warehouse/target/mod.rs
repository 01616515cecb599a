//! Where to build: one output of a dbt profile, checked and with its passwords marked secret.

mod duckdb;
mod fields;
mod foreign;
mod postgres;
mod url;

use std::path::Path;

use crate::model::{JsonMap, Secret};

use super::{Dialect, DuckDb, Error, Postgres};

pub use duckdb::{Attachment, DuckDbTarget, Extension, SecretFields};
pub use foreign::ForeignTarget;
pub use postgres::{PostgresTarget, SslMode};

/// An engine with everything needed to open it.
#[derive(Debug, Clone)]
pub enum Target {
    /// A file, or a database in memory, opened inside this process.
    DuckDb(DuckDbTarget),
    /// A server.
    Postgres(PostgresTarget),
    /// An engine that is only parsed for.
    Foreign(ForeignTarget),
}

impl Target {
    /// Reads `output`, a rendered output of profiles.yml. A relative path of DuckDB is taken from `base_dir`, which dbt
    /// has as the folder the process was started in.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the adapter type is not ours, a field is missing, or a value cannot be used.
    pub fn from_profile(adapter_type: &str, output: &JsonMap, base_dir: &Path) -> Result<Self, Error> {
        match adapter_type {
            "duckdb" => DuckDbTarget::from_profile(output, base_dir).map(Self::DuckDb),
            "postgres" => PostgresTarget::from_profile(output).map(Self::Postgres),
            other => ForeignTarget::from_profile(other, output)?.map(Self::Foreign).ok_or_else(|| {
                Error::unsupported(format!(
                    "no adapter for `type: {other}` of profiles.yml; there is duckdb and postgres"
                ))
            }),
        }
    }

    /// Reads `duckdb:FILE` or `postgres://user:password@host:port/database?schema=…`, any field of dbt-postgres being
    /// allowed behind the question mark, and with DuckDB `schema` and DuckDB's own settings.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the URL is of another scheme or lacks something. The URL itself is not in the text.
    pub fn from_url(url: &str, base_dir: &Path) -> Result<Self, Error> {
        let (adapter_type, output) = url::output(url)?;
        Self::from_profile(adapter_type, &output, base_dir)
    }

    /// What Jinja sees as `target`, in dbt's order, no password among it. Whoever knows the names of profile and
    /// output appends `name`, `target_name` and `profile_name`.
    pub fn public(&self) -> JsonMap {
        match self {
            Self::DuckDb(target) => target.public(),
            Self::Postgres(target) => target.public(),
            Self::Foreign(target) => target.public(),
        }
    }

    /// dbt's adapter type.
    pub fn adapter_type(&self) -> &'static str {
        match self {
            Self::DuckDb(_) => "duckdb",
            Self::Postgres(_) => "postgres",
            Self::Foreign(target) => target.adapter_type,
        }
    }

    /// How its engine writes SQL. Nothing is ever sent to a foreign engine; what is planned for it is named as on
    /// PostgreSQL, whose names are the shortest.
    pub fn dialect(&self) -> &'static dyn Dialect {
        match self {
            Self::DuckDb(_) => &DuckDb,
            Self::Postgres(_) | Self::Foreign(_) => &Postgres,
        }
    }

    /// The database relations are built in.
    pub fn database(&self) -> String {
        match self {
            Self::DuckDb(target) => target.database.clone(),
            Self::Postgres(target) => target.dbname.clone(),
            Self::Foreign(target) => target.database.clone(),
        }
    }

    /// The schema relations are built in.
    pub fn schema(&self) -> String {
        match self {
            Self::DuckDb(target) => target.schema.clone(),
            Self::Postgres(target) => target.schema.clone(),
            Self::Foreign(target) => target.schema.clone(),
        }
    }

    /// How many nodes are built at a time.
    pub fn threads(&self) -> usize {
        match self {
            Self::DuckDb(target) => target.threads,
            Self::Postgres(target) => target.threads,
            Self::Foreign(target) => target.threads,
        }
    }

    /// Every value that must not be printed, to be scrubbed from whatever is.
    pub fn secrets(&self) -> Vec<Secret<String>> {
        let secrets = match self {
            Self::DuckDb(target) => target.secret_values(),
            Self::Postgres(target) => vec![target.password.clone()],
            Self::Foreign(target) => target.secret_values(),
        };
        secrets.into_iter().filter(|secret| !secret.expose_secret().is_empty()).collect()
    }

    /// Whether one session reaches the relations of both.
    pub fn is_same_database(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::DuckDb(one), Self::DuckDb(two)) => one.path == two.path && one.attach.len() == two.attach.len(),
            (Self::Postgres(one), Self::Postgres(two)) => {
                (&one.host, one.port, &one.dbname, &one.user) == (&two.host, two.port, &two.dbname, &two.user)
            }
            _ => false,
        }
    }

    /// The same, to be opened for reading only: a file of DuckDB must be there, and others may read it meanwhile.
    #[must_use]
    pub fn for_reading(mut self) -> Self {
        if let Self::DuckDb(target) = &mut self {
            let is_said = target.config_options.iter().any(|(name, _)| name.eq_ignore_ascii_case("access_mode"));
            if !is_said && !target.is_memory() {
                target.config_options.push(("access_mode".to_owned(), Secret::new("READ_ONLY".to_owned())));
            }
        }
        self
    }

    /// Host and database, or the file, for messages.
    pub fn place(&self) -> String {
        match self {
            Self::DuckDb(target) => target.place(),
            Self::Postgres(target) => target.place(),
            Self::Foreign(target) => target.place(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(adapter_type: &str, output: &serde_json::Value) -> Result<Target, Error> {
        Target::from_profile(adapter_type, output.as_object().unwrap(), Path::new("/srv/here"))
    }

    #[test]
    fn a_file_of_duckdb_is_found_from_the_base_folder_and_names_the_database() {
        let target = read("duckdb", &json!({"path": "data/sub.v1.duckdb", "threads": 4})).unwrap();
        assert_eq!(target.database(), "sub");
        assert_eq!(target.place(), "/srv/here/data/sub.v1.duckdb");
        assert_eq!((target.schema().as_str(), target.threads()), ("main", 4));
        assert_eq!(read("duckdb", &json!({})).unwrap().database(), "memory");
    }

    #[test]
    fn duckdb_shows_jinja_what_dbt_shows_and_no_secrets() {
        let output = json!({
            "type": "duckdb", "path": "sub.v1.duckdb", "threads": 2, "settings": {"TimeZone": "UTC"},
            "attach": [{"path": "other.duckdb", "alias": "oth"}],
            "secrets": [{"type": "s3", "key_id": "kkk", "secret": "sss", "region": "eu"}],
        });
        let target = read("duckdb", &output).unwrap();
        let expected = json!({
            "database": "sub", "schema": "main", "path": "sub.v1.duckdb", "config_options": null, "extensions": null,
            "settings": {"TimeZone": "UTC"}, "external_root": ".", "use_credential_provider": null,
            "attach": [{"path": "other.duckdb", "type": null, "alias": "oth", "secret": null, "read_only": false,
                "options": null, "is_ducklake": null}],
            "filesystems": null, "remote": null, "plugins": null, "disable_transactions": false, "type": "duckdb",
            "threads": 2,
        });
        assert_eq!(serde_json::to_string(&target.public()).unwrap(), expected.to_string());
        let secrets: Vec<String> = target.secrets().iter().map(|secret| secret.expose_secret().clone()).collect();
        assert_eq!(secrets, ["kkk", "sss"]);
        assert!(!format!("{target:?}").contains("sss"));
    }

    #[test]
    fn a_database_that_contradicts_the_path_is_refused_unless_attached() {
        assert!(read("duckdb", &json!({"path": "a.duckdb", "database": "b"})).is_err());
        let attached = json!({"path": "a.duckdb", "database": "b", "attach": [{"path": "x.duckdb", "alias": "b"}]});
        assert_eq!(read("duckdb", &attached).unwrap().database(), "b");
    }

    #[test]
    fn postgres_shows_jinja_what_dbt_shows_without_the_password() {
        let output = json!({
            "type": "postgres", "host": "localhost", "user": "u", "pass": "hunter2", "port": "5432", "dbname": "d",
            "schema": "s", "keepalives_idle": 3, "sslmode": "prefer", "role": "r", "search_path": "a,b",
        });
        let target = read("postgres", &output).unwrap();
        let expected = json!({
            "host": "localhost", "port": 5432, "user": "u", "database": "d", "schema": "s", "connect_timeout": 10,
            "role": "r", "search_path": "a,b", "keepalives_idle": 3, "sslmode": "prefer", "sslcert": null,
            "sslkey": null, "sslrootcert": null, "application_name": "dbt", "autocommit": false, "retries": 1,
            "dbname": "d", "type": "postgres", "threads": 1,
        });
        assert_eq!(serde_json::to_string(&target.public()).unwrap(), expected.to_string());
        assert_eq!(target.secrets()[0].expose_secret(), "hunter2");
        assert!(!format!("{target:?}{}", target.place()).contains("hunter2"));
    }

    #[test]
    fn a_missing_or_wrong_field_is_named_without_its_value() {
        let error = read("postgres", &json!({"host": "h", "user": "u", "pass": "hunter2", "port": 1})).unwrap_err();
        assert!(error.to_string().contains("`dbname`"), "{error}");
        let wrong = json!({"host": "h", "user": "u", "pass": ["hunter2"], "port": 1, "dbname": "d", "schema": "s"});
        let error = read("postgres", &wrong).unwrap_err().to_string();
        assert!(error.contains("`pass`") && !error.contains("hunter2"), "{error}");
        assert!(read("sqlite", &json!({})).unwrap_err().to_string().contains("sqlite"));
        assert!(read("duckdb", &json!({"plugins": [{"module": "excel"}]})).is_err());
    }

    #[test]
    fn an_engine_without_a_connection_is_known_by_where_it_would_build() {
        let target =
            read("bigquery", &json!({"method": "oauth", "project": "p", "dataset": "s", "token": "ttt"})).unwrap();
        assert_eq!((target.adapter_type(), target.database(), target.schema()), ("bigquery", "p".into(), "s".into()));
        assert_eq!(target.secrets()[0].expose_secret(), "ttt");
        assert!(!format!("{target:?}").contains("ttt"));
    }

    #[test]
    fn a_url_says_what_a_profile_says() {
        let url = "postgres://u%40x:p%3Aw@db.example:5433/shop?schema=an&sslmode=verify-full";
        let Target::Postgres(target) = Target::from_url(url, Path::new("/")).unwrap() else { panic!() };
        assert_eq!((target.user.as_str(), target.password.expose_secret().as_str()), ("u@x", "p:w"));
        assert_eq!((target.place().as_str(), target.schema.as_str()), ("db.example:5433/shop", "an"));
        assert_eq!(target.sslmode, Some(SslMode::VerifyFull));
        let Target::Postgres(target) = Target::from_url("postgresql://[::1]/x", Path::new("/")).unwrap() else {
            panic!()
        };
        assert_eq!((target.host.as_str(), target.port), ("::1", 5432));
        let target = Target::from_url("duckdb:shop.duckdb", Path::new("/data")).unwrap();
        assert_eq!(target.place(), "/data/shop.duckdb");
        let Target::DuckDb(target) =
            Target::from_url("duckdb:shop.duckdb?schema=an&memory_limit=64MB", Path::new("/data")).unwrap()
        else {
            panic!()
        };
        let settings: Vec<(&str, &str)> =
            target.settings.iter().map(|(name, value)| (name.as_str(), value.expose_secret().as_str())).collect();
        assert_eq!((target.schema.as_str(), settings), ("an", vec![("memory_limit", "64MB")]));
        assert!(Target::from_url("mysql://x", Path::new("/")).is_err());
    }
}
