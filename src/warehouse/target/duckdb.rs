//! The profile fields of dbt-duckdb.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::{
    model::{JsonMap, Secret},
    warehouse::Error,
};

use super::fields::{Fields, scalar};

/// The path of a database that lives in memory only.
const MEMORY: &str = ":memory:";

/// A DuckDB file or a database in memory, and how each session is set up.
#[derive(Debug, Clone)]
pub struct DuckDbTarget {
    /// The file, absolute; `:memory:`; or what an extension opens, e.g. `md:name`.
    pub path: String,
    /// The name DuckDB gives to the opened database.
    pub database: String,
    /// The schema relations are built in.
    pub schema: String,
    /// Loaded after opening.
    pub extensions: Vec<Extension>,
    /// Options given when the file is opened.
    pub config_options: Vec<(String, Secret<String>)>,
    /// Options set in each session.
    pub settings: Vec<(String, Secret<String>)>,
    /// Secrets of storage services.
    pub secrets: Vec<SecretFields>,
    /// Other databases, opened beside it.
    pub attach: Vec<Attachment>,
    /// How often to try to open a file that another process has locked.
    pub connect_attempts: u32,
    /// How many nodes are built at a time.
    pub threads: usize,
    /// What Jinja sees, as the profile has it.
    shown: JsonMap,
}

/// One secret of a storage service: its fields with their values.
pub type SecretFields = Vec<(String, Secret<Json>)>;

/// An extension to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Where it is installed from, if not DuckDB's own repository.
    pub repository: Option<String>,
}

/// A database opened beside the first.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Its file, absolute unless it is a URL.
    pub path: String,
    /// Its name in SQL.
    pub alias: Option<String>,
    /// What it is, if not DuckDB's own format, e.g. `sqlite`.
    pub kind: Option<String>,
    /// The name of a secret to open it with.
    pub secret: Option<String>,
    /// Whether it is opened for reading only.
    pub read_only: bool,
    /// Further options of `attach`.
    pub options: Vec<(String, Json)>,
}

impl DuckDbTarget {
    pub(super) fn from_profile(output: &JsonMap, base_dir: &Path) -> Result<Self, Error> {
        let fields = Fields { adapter: "duckdb", output };
        for field in ["remote", "filesystems", "plugins"] {
            if output.get(field).is_some_and(|value| !value.is_null()) {
                return Err(Error::unsupported(format!(
                    "the profile's `{field}` needs Python, which there is none of here; use an extension of DuckDB or \
                     `attach` instead"
                )));
            }
        }
        let path = fields.text("path")?.unwrap_or_else(|| MEMORY.to_owned());
        let attach: Vec<Attachment> =
            fields.list("attach")?.iter().map(|item| Attachment::read(item, base_dir)).collect::<Result<_, _>>()?;
        let database = database_name(&path, fields.text("database")?, &attach)?;
        let mut settings = fields.pairs("settings")?;
        if let Some(token) = fields.text("motherduck_token")? {
            settings.push(("motherduck_token".to_owned(), token));
        }
        let schema = fields.text("schema")?.unwrap_or_else(|| "main".to_owned());
        let threads = fields.number("threads", 1_usize)?.max(1);
        let connect_attempts = match output.get("retries") {
            Some(Json::Object(retries)) => {
                Fields { adapter: "duckdb", output: retries }.number("connect_attempts", 1)?
            }
            _ => 1,
        };
        Ok(Self {
            shown: shown(output, &path, &database, &schema, threads, &attach),
            path: absolute(&path, base_dir),
            database,
            schema,
            extensions: fields.list("extensions")?.iter().map(Extension::read).collect::<Result<_, _>>()?,
            config_options: secret_pairs(fields.pairs("config_options")?),
            settings: secret_pairs(settings),
            secrets: secrets(&fields)?,
            attach,
            connect_attempts,
            threads,
        })
    }

    pub(super) fn public(&self) -> JsonMap {
        self.shown.clone()
    }

    /// The file, or `:memory:`. What follows a question mark, a token it may be, is left out.
    pub fn place(&self) -> String {
        if self.is_remote() {
            return self.path.split('?').next().unwrap_or_default().to_owned();
        }
        self.path.clone()
    }

    /// Whether it lives in memory only.
    pub fn is_memory(&self) -> bool {
        self.path == MEMORY
    }

    /// Whether an extension opens it, so that the path is not a file's.
    pub fn is_remote(&self) -> bool {
        has_scheme(&self.path)
    }

    /// Values of secrets, and of settings whose names sound like one.
    pub(super) fn secret_values(&self) -> Vec<Secret<String>> {
        let sounds_secret = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["secret", "token", "password", "access_key", "key_id", "connection_string"]
                .iter()
                .any(|word| name.contains(word))
        };
        let options = self.settings.iter().chain(&self.config_options);
        let options = options.filter(|(name, _)| sounds_secret(name)).map(|(_, value)| value.clone());
        let fields = self.secrets.iter().flatten().filter(|(name, _)| sounds_secret(name) || name == "secret");
        options.chain(fields.map(|(_, value)| Secret::new(scalar(value.expose_secret())))).collect()
    }
}

impl Extension {
    fn read(item: &Json) -> Result<Self, Error> {
        let (name, repository) = match item {
            Json::String(name) => (Some(name.as_str()), None),
            Json::Object(map) => {
                (map.get("name").and_then(Json::as_str), map.get("repo").and_then(Json::as_str).map(str::to_owned))
            }
            _ => (None, None),
        };
        match name {
            Some(name) => Ok(Self { name: name.to_owned(), repository }),
            None => Err(Error::unsupported(
                "each of the profile's `extensions` must be a name, or a mapping with `name` and `repo`",
            )),
        }
    }
}

impl Attachment {
    fn read(item: &Json, base_dir: &Path) -> Result<Self, Error> {
        let Json::Object(output) = item else {
            return Err(Error::unsupported("each of the profile's `attach` must be a mapping with a `path`"));
        };
        let fields = Fields { adapter: "duckdb (attach)", output };
        let options = match output.get("options") {
            Some(Json::Object(options)) => options.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            _ => Vec::new(),
        };
        Ok(Self {
            path: absolute(&fields.required(&["path"])?, base_dir),
            alias: fields.text("alias")?,
            kind: fields.text("type")?,
            secret: fields.text("secret")?,
            read_only: fields.boolean("read_only")?,
            options,
        })
    }
}

/// The name DuckDB gives to a database: the file's name up to its first dot, `memory` without a file. A profile may
/// name another one only if it attaches it.
fn database_name(path: &str, named: Option<String>, attach: &[Attachment]) -> Result<String, Error> {
    let derived = if path == MEMORY {
        "memory".to_owned()
    } else {
        let name = path.split('?').next().unwrap_or_default();
        let name = name.rsplit(['/', ':']).next().unwrap_or_default();
        name.split('.').next().unwrap_or_default().to_owned()
    };
    match named {
        Some(named) if named != derived => {
            if attach.iter().any(|attached| attached.alias.as_deref() == Some(&named)) || has_scheme(path) {
                return Ok(named);
            }
            Err(Error::unsupported(format!(
                "the profile's `database` is `{named}`, and its `path` makes it `{derived}`; leave `database` out"
            )))
        }
        _ => Ok(derived),
    }
}

/// Whether the path is for an extension to open: `md:`, `s3://` and the like.
fn has_scheme(path: &str) -> bool {
    path != MEMORY
        && path.split_once(':').is_some_and(|(scheme, _)| scheme.len() > 1 && scheme.chars().all(char::is_alphanumeric))
}

fn absolute(path: &str, base_dir: &Path) -> String {
    if path == MEMORY || path.is_empty() || has_scheme(path) || path.starts_with('~') {
        return path.to_owned();
    }
    base_dir.join(path).to_string_lossy().into_owned()
}

fn secret_pairs(pairs: Vec<(String, String)>) -> Vec<(String, Secret<String>)> {
    pairs.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}

fn secrets(fields: &Fields<'_>) -> Result<Vec<SecretFields>, Error> {
    let read = |item: &Json| match item {
        Json::Object(map) => {
            Ok(map.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect::<Vec<_>>())
        }
        _ => Err(Error::unsupported("each of the profile's `secrets` must be a mapping with a `type`")),
    };
    fields.list("secrets")?.iter().map(read).collect()
}

/// `target` as dbt-duckdb shows it: with its defaults, in its order, without `secrets`.
fn shown(output: &JsonMap, path: &str, database: &str, schema: &str, threads: usize, attach: &[Attachment]) -> JsonMap {
    let given = |name: &str, default: Json| output.get(name).cloned().unwrap_or(default);
    let attached = |(item, read): (&Json, &Attachment)| {
        let given = |name: &str| item.get(name).cloned().unwrap_or(Json::Null);
        json!({
            "path": given("path"), "type": read.kind, "alias": read.alias, "secret": read.secret,
            "read_only": read.read_only, "options": given("options"), "is_ducklake": given("is_ducklake"),
        })
    };
    let attach = match output.get("attach") {
        Some(Json::Array(items)) => Json::Array(items.iter().zip(attach).map(attached).collect()),
        _ => Json::Null,
    };
    let settings = match output.get("settings") {
        Some(Json::Object(settings)) => Json::Object(settings.clone()),
        _ => json!({}),
    };
    let fields = [
        ("database", json!(database)),
        ("schema", json!(schema)),
        ("path", json!(path)),
        ("config_options", given("config_options", Json::Null)),
        ("extensions", given("extensions", Json::Null)),
        ("settings", settings),
        ("external_root", given("external_root", json!("."))),
        ("use_credential_provider", given("use_credential_provider", Json::Null)),
        ("attach", attach),
        ("filesystems", Json::Null),
        ("remote", Json::Null),
        ("plugins", Json::Null),
        ("disable_transactions", given("disable_transactions", json!(false))),
        ("type", json!("duckdb")),
        ("threads", json!(threads)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
