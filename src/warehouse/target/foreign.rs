//! The output of an engine that projects are parsed and compiled for, but that nothing is built on.

use crate::model::{JsonMap, Secret};
use crate::warehouse::Error;

use super::fields::Fields;

/// Engines whose projects parse. Their macros for names, types and dates are there; a connection is not.
const ADAPTERS: [&str; 6] = ["bigquery", "databricks", "redshift", "snowflake", "spark", "trino"];

/// Fields that hold credentials on one of these engines.
const SECRETS: [&str; 8] = [
    "password",
    "pass",
    "token",
    "private_key",
    "private_key_passphrase",
    "keyfile_json",
    "refresh_token",
    "client_secret",
];

/// An engine without a connection.
#[derive(Debug, Clone)]
pub struct ForeignTarget {
    /// dbt's adapter type.
    pub adapter_type: &'static str,
    /// The database, project or catalog; empty when the profile names none.
    pub database: String,
    /// The schema or dataset; empty when the profile names none.
    pub schema: String,
    /// How many nodes would be built at a time.
    pub threads: usize,
    secrets: Vec<Secret<String>>,
}

impl ForeignTarget {
    /// None when projects for `adapter_type` are not known to parse.
    pub(super) fn from_profile(adapter_type: &str, output: &JsonMap) -> Result<Option<Self>, Error> {
        let Some(adapter_type) = ADAPTERS.into_iter().find(|known| *known == adapter_type) else { return Ok(None) };
        let fields = Fields { adapter: adapter_type, output };
        let first = |names: &[&str]| -> Result<String, Error> {
            for name in names {
                if let Some(text) = fields.text(name)? {
                    return Ok(text);
                }
            }
            Ok(String::new())
        };
        let secrets = SECRETS.iter().filter_map(|name| output.get(*name)?.as_str());
        Ok(Some(Self {
            adapter_type,
            database: first(&["database", "dbname", "project", "catalog"])?,
            schema: first(&["schema", "dataset"])?,
            threads: fields.number("threads", 1_usize)?.max(1),
            secrets: secrets.map(|text| Secret::new(text.to_owned())).collect(),
        }))
    }

    pub(super) fn public(&self) -> JsonMap {
        [
            ("database", self.database.clone().into()),
            ("schema", self.schema.clone().into()),
            ("type", self.adapter_type.into()),
            ("threads", self.threads.into()),
        ]
        .into_iter()
        .map(|(key, value): (&str, serde_json::Value)| (key.to_owned(), value))
        .collect()
    }

    pub(super) fn secret_values(&self) -> Vec<Secret<String>> {
        self.secrets.clone()
    }

    pub(super) fn place(&self) -> String {
        format!("{} ({})", self.adapter_type, self.database)
    }

    /// Why nothing can be built there.
    pub(in crate::warehouse) fn refused(&self) -> Error {
        Error::unsupported(format!(
            "no connection to `{}` can be made, only to duckdb and postgres; `parse`, `ls` and `compile` need none",
            self.adapter_type
        ))
    }
}
