//! Opening a DuckDB file once per process, and setting up what the profile asks for.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    time::Duration,
};

use ::duckdb::{Config, Connection};
use serde_json::Value as Json;

use crate::{
    model::Secret,
    warehouse::{Attachment, Dialect, DuckDb, DuckDbTarget, Error},
};

use super::{failure, functions};

/// Files that are open in this process. DuckDB's lock keeps other processes out but not a second opening by the same
/// one, which would damage the file; so whoever asks for an open file gets the one that is open.
static OPEN: LazyLock<Mutex<HashMap<String, Weak<Database>>>> = LazyLock::new(Mutex::default);

/// An open database; closed when the last session is gone.
pub(super) struct Database {
    first: Mutex<Connection>,
}

/// Opens the target, or joins it if this process has it open.
pub(super) fn open(target: &DuckDbTarget) -> Result<Arc<Database>, Error> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|_, database| database.strong_count() > 0);
    if target.is_memory() {
        return prepare(target);
    }
    let key = key(&target.path);
    if let Some(database) = open.get(&key).and_then(Weak::upgrade) {
        attach_all(&database.first.lock().unwrap_or_else(PoisonError::into_inner), target)?;
        return Ok(database);
    }
    let database = prepare(target)?;
    open.insert(key, Arc::downgrade(&database));
    Ok(database)
}

impl Database {
    /// A further connection, with the target's settings.
    pub(super) fn connect(&self, target: &DuckDbTarget) -> Result<Connection, Error> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = first.try_clone().map_err(|error| failure::connect(&target.place(), &error))?;
        for (name, value) in &target.settings {
            let sql = format!("set {} = {}", DuckDb.quote(name), DuckDb.literal(value.expose_secret()));
            run(&connection, target, &sql, &format!("its setting `{name}`"))?;
        }
        Ok(connection)
    }
}

/// One name for all spellings of a file's path.
fn key(path: &str) -> String {
    let path = std::path::Path::new(path);
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (path.canonicalize(), folder, path.file_name()) {
        (Ok(path), _, _) => path.to_string_lossy().into_owned(),
        (_, Some(folder), Some(name)) => folder.join(name).to_string_lossy().into_owned(),
        _ => path.to_string_lossy().into_owned(),
    }
}

fn prepare(target: &DuckDbTarget) -> Result<Arc<Database>, Error> {
    let connection = open_patiently(target)?;
    for extension in &target.extensions {
        let name = DuckDb.quote(&extension.name);
        // What is linked in or installed already loads without the network.
        if connection.execute_batch(&format!("load {name}")).is_err() {
            let from = extension.repository.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
            let what = format!("its extension `{}`", extension.name);
            run(&connection, target, &format!("install {name}{from}; load {name}"), &what)?;
        }
    }
    for (number, fields) in target.secrets.iter().enumerate() {
        run(&connection, target, &create_secret(number, fields), "one of its `secrets`")?;
    }
    attach_all(&connection, target)?;
    functions::register(&connection).map_err(|error| failure::connect(&target.place(), &error))?;
    Ok(Arc::new(Database { first: Mutex::new(connection) }))
}

fn attach_all(connection: &Connection, target: &DuckDbTarget) -> Result<(), Error> {
    for attachment in &target.attach {
        let what = format!("its `attach` of {}", attachment.path.split('?').next().unwrap_or_default());
        run(connection, target, &attach(attachment), &what)?;
    }
    Ok(())
}

/// Opens the file, again and again while another process has it locked, as often as the profile says.
fn open_patiently(target: &DuckDbTarget) -> Result<Connection, Error> {
    let mut attempt = 1;
    loop {
        let error = match open_once(target) {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if attempt >= target.connect_attempts || !error.to_string().contains("lock") {
            return Err(failure::connect(&target.place(), &error));
        }
        std::thread::sleep(Duration::from_secs(1 << attempt.min(5)));
        attempt += 1;
    }
}

fn open_once(target: &DuckDbTarget) -> ::duckdb::Result<Connection> {
    // Without this, hugeint, uuid, time with time zone, bit and json could not be told from other types.
    let mut config = Config::default().with("arrow_lossless_conversion", "true")?;
    for (name, value) in &target.config_options {
        config = config.with(name, value.expose_secret())?;
    }
    if target.is_memory() {
        return Connection::open_in_memory_with_flags(config);
    }
    Connection::open_with_flags(&target.path, config)
}

fn attach(attachment: &Attachment) -> String {
    let mut options = Vec::new();
    options.extend(attachment.kind.as_ref().map(|kind| format!("type {kind}")));
    options.extend(attachment.secret.as_ref().map(|secret| format!("secret {}", DuckDb.quote(secret))));
    if attachment.read_only {
        options.push("read_only".to_owned());
    }
    for (name, value) in &attachment.options {
        match value {
            Json::Null | Json::Bool(false) => {}
            Json::Bool(true) => options.push(name.clone()),
            Json::String(text) => options.push(format!("{name} {}", DuckDb.literal(text))),
            other => options.push(format!("{name} {other}")),
        }
    }
    let alias = attachment.alias.as_ref().map(|alias| format!(" as {}", DuckDb.quote(alias))).unwrap_or_default();
    let options = if options.is_empty() { String::new() } else { format!(" ({})", options.join(", ")) };
    format!("attach if not exists {}{alias}{options}", DuckDb.literal(&attachment.path))
}

fn create_secret(number: usize, fields: &[(String, Secret<Json>)]) -> String {
    let text = |name: &str| {
        let value = fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.expose_secret());
        value.and_then(Json::as_str)
    };
    let name = text("name").map_or_else(|| format!("slimdiff_{number}"), str::to_owned);
    let persistent = fields.iter().any(|(field, value)| field == "persistent" && *value.expose_secret() == true);
    let listed = fields.iter().filter(|(field, _)| field != "name" && field != "persistent");
    let listed: Vec<String> =
        listed.map(|(field, value)| format!("{field} {}", literal(value.expose_secret()))).collect();
    let persistent = if persistent { "persistent " } else { "" };
    format!("create or replace {persistent}secret {} ({})", DuckDb.quote(&name), listed.join(", "))
}

fn literal(value: &Json) -> String {
    match value {
        Json::String(text) => DuckDb.literal(text),
        Json::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{}: {}", DuckDb.literal(name), literal(value)));
            format!("map {{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Runs a statement of the set-up. Its text may hold secrets, so it shows neither in the log nor in the error.
fn run(connection: &Connection, target: &DuckDbTarget, sql: &str, what: &str) -> Result<(), Error> {
    tracing::debug!(place = target.place(), "setting up {what}");
    connection.execute_batch(sql).map_err(|error| {
        let message = failure::without_excerpt(&error.to_string());
        Error::Connect {
            place: target.place(),
            message: format!("DuckDB refuses {what}: {message}"),
            hint: Some("correct it where the target is described, or what it needs from the network".to_owned()),
        }
    })
}
