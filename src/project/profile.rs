//! profiles.yml: where it is looked for, and the one output that a run uses.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::error::Error;
use super::load::LoadOptions;
use super::render::{is_template, render_all};
use super::shown;
use crate::jinja::{YamlScope, render_yaml};
use crate::model::{Code, Diagnostic, JsonMap, Secret};
use crate::yaml::{self, Node};

/// The chosen output of a profile.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The profile.
    pub name: String,
    /// Its output.
    pub target_name: String,
    /// The output as written, rendered: `type`, `schema`, credentials.
    pub output: Secret<JsonMap>,
    /// How many nodes are built at once; at least 1.
    pub threads: usize,
    /// The folder of profiles.yml; none when there is no profile.
    pub dir: Option<PathBuf>,
}

/// Keys whose values are never shown, on any engine.
const SECRET_KEYS: [&str; 20] = [
    "password",
    "pass",
    "token",
    "private_key",
    "private_key_passphrase",
    "private_key_path",
    "keyfile",
    "keyfile_json",
    "refresh_token",
    "client_secret",
    "client_id",
    "oauth_client_secret",
    "oauth_client_id",
    "secret",
    "secrets",
    "access_token",
    "aws_secret_access_key",
    "aws_session_token",
    "motherduck_token",
    "passcode",
];

impl Profile {
    /// A stand-in for runs that need no database.
    pub(super) fn absent() -> Self {
        let output = json!({"type": "duckdb", "path": ":memory:", "schema": "main"});
        Self {
            name: "none".to_owned(),
            target_name: "none".to_owned(),
            output: Secret::new(output.as_object().cloned().unwrap_or_default()),
            threads: 1,
            dir: None,
        }
    }

    /// The engine, e.g. `duckdb`.
    pub fn adapter_type(&self) -> &str {
        self.text("type").unwrap_or_default()
    }

    /// The default schema.
    pub fn schema(&self) -> &str {
        let default = if self.adapter_type() == "duckdb" { "main" } else { "" };
        self.text("schema").or_else(|| self.text("dataset")).unwrap_or(default)
    }

    /// The default database: as given, of `DuckDB` the name of its file.
    pub fn database(&self) -> String {
        let given = ["database", "dbname", "project", "catalog"].iter().find_map(|key| self.text(key));
        match (given, self.adapter_type()) {
            (Some(given), _) => given.to_owned(),
            (None, "duckdb") => duckdb_database(self.text("path").unwrap_or(":memory:")),
            (None, _) => String::new(),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.output.expose_secret().get(key).and_then(Json::as_str)
    }

    /// What `target` shows in templates: everything but credentials, with the engine's defaults.
    pub fn public_target(&self) -> JsonMap {
        let output = self.output.expose_secret();
        let of_engine = shown::shown(self.adapter_type(), output, &self.database(), self.schema());
        let mut target = of_engine.unwrap_or_else(|| self.connection());
        target.insert("type".to_owned(), Json::String(self.adapter_type().to_owned()));
        target.insert("threads".to_owned(), json!(self.threads));
        target.insert("name".to_owned(), Json::String(self.target_name.clone()));
        target.insert("target_name".to_owned(), Json::String(self.target_name.clone()));
        target.insert("profile_name".to_owned(), Json::String(self.name.clone()));
        target
    }

    /// The connection's part of `target` on an engine that is built on, and on one that is not known.
    fn connection(&self) -> JsonMap {
        let mut target = JsonMap::new();
        for (key, default) in shown_keys(self.adapter_type()) {
            target.insert((*key).to_owned(), default());
        }
        let closed = !target.is_empty();
        for (key, value) in self.output.expose_secret() {
            let known = target.contains_key(key);
            if (known || !closed) && !SECRET_KEYS.contains(&key.as_str()) {
                target.insert(key.clone(), value.clone());
            }
        }
        target.insert("database".to_owned(), Json::String(self.database()));
        target.insert("schema".to_owned(), Json::String(self.schema().to_owned()));
        if self.adapter_type() == "postgres" {
            target.insert("dbname".to_owned(), Json::String(self.database()));
        }
        target
    }

    /// Values that no output may contain: passwords, tokens and the like.
    pub fn secret_values(&self) -> Vec<String> {
        let output = self.output.expose_secret();
        let mut found = Vec::new();
        for key in SECRET_KEYS {
            collect_texts(output.get(key), &mut found);
        }
        found
    }
}

fn collect_texts(value: Option<&Json>, found: &mut Vec<String>) {
    match value {
        Some(Json::String(text)) if !text.is_empty() => found.push(text.clone()),
        Some(Json::Number(number)) => found.push(number.to_string()),
        Some(Json::Array(items)) => items.iter().for_each(|item| collect_texts(Some(item), found)),
        Some(Json::Object(map)) => map.values().for_each(|item| collect_texts(Some(item), found)),
        _ => {}
    }
}

type Default = fn() -> Json;

/// What dbt's adapter shows of its connection, with the value it has when the profile says nothing. Empty: unknown
/// engine.
fn shown_keys(adapter: &str) -> &'static [(&'static str, Default)] {
    const NULL: Default = || Json::Null;
    const POSTGRES: &[(&str, Default)] = &[
        ("host", NULL),
        ("port", NULL),
        ("user", NULL),
        ("database", NULL),
        ("schema", NULL),
        ("connect_timeout", || json!(10)),
        ("role", NULL),
        ("search_path", NULL),
        ("keepalives_idle", || json!(0)),
        ("sslmode", NULL),
        ("sslcert", NULL),
        ("sslkey", NULL),
        ("sslrootcert", NULL),
        ("application_name", || json!("dbt")),
        ("autocommit", || json!(false)),
        ("retries", || json!(1)),
    ];
    const DUCKDB: &[(&str, Default)] = &[
        ("database", NULL),
        ("schema", NULL),
        ("path", || json!(":memory:")),
        ("config_options", NULL),
        ("extensions", NULL),
        ("settings", NULL),
        ("external_root", || json!(".")),
        ("use_credential_provider", NULL),
        ("attach", NULL),
        ("filesystems", NULL),
        ("remote", NULL),
        ("plugins", NULL),
        ("disable_transactions", || json!(false)),
    ];
    match adapter {
        "postgres" => POSTGRES,
        "duckdb" => DUCKDB,
        _ => &[],
    }
}

/// `DuckDB` calls an open database after its file: `memory`, the name after `md:`, or the file's name without its
/// extension.
fn duckdb_database(path: &str) -> String {
    if path.is_empty() || path.starts_with(":memory:") {
        return "memory".to_owned();
    }
    let path = path.split('?').next().unwrap_or(path);
    if let Some(name) = path.strip_prefix("md:").or_else(|| path.strip_prefix("motherduck:")) {
        return if name.is_empty() { "my_db".to_owned() } else { name.to_owned() };
    }
    Path::new(path).file_stem().map_or_else(|| "memory".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Finds profiles.yml and renders the chosen output; no other output is looked at.
pub(super) fn load(options: &LoadOptions, from_project: Option<String>) -> Result<Profile, Error> {
    let name = options.profile.clone().or_else(|| options.variable("DBT_PROFILE")).or(from_project);
    let Some(name) = name else {
        return Err(Error::NoProfileName { path: options.project_dir.join(super::dbt_project::FILE) });
    };
    let dir = find(options)?;
    let path = dir.join("profiles.yml");
    let contents = fs::read_to_string(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
    let shown = path.display().to_string();
    let parsed = yaml::parse(&contents).map_err(|error| {
        // The line could show a credential: the place must do.
        let hint = Some("look for a bracket, a quote or an indentation that is wrong there".to_owned());
        Error::invalid(Diagnostic { excerpt: None, hint, ..error.into_diagnostic(&shown) })
    })?;
    let file = ProfilesFile { path, shown, contents };
    let Some(profile) = parsed.root.get(&name) else {
        let available = keys(Some(&parsed.root)).into_iter().filter(|key| key != "config").collect();
        return Err(Error::UnknownProfile { name, path: file.path, available });
    };
    let mut profile = file.output(&name, profile, options)?;
    profile.dir = Some(dir);
    Ok(profile)
}

struct ProfilesFile {
    path: PathBuf,
    shown: String,
    contents: String,
}

impl ProfilesFile {
    fn output(&self, name: &str, profile: &Node, options: &LoadOptions) -> Result<Profile, Error> {
        let scope = YamlScope {
            vars: options.vars.clone(),
            env: options.env.clone(),
            allow_secrets: true,
            ..YamlScope::default()
        };
        let target_name = match options.target.clone().or_else(|| options.variable("DBT_TARGET")) {
            Some(target) => target,
            None => self.default_target(profile, &scope)?,
        };
        let outputs = profile.get("outputs");
        let Some(output) = outputs.and_then(|outputs| outputs.get(&target_name)) else {
            return Err(Error::UnknownTarget {
                profile: name.to_owned(),
                target: target_name,
                path: self.path.clone(),
                available: keys(outputs),
            });
        };
        let rendered = render_all(output, &scope, &self.shown).map_err(Error::invalid)?;
        let Json::Object(rendered) = rendered else {
            let message = format!("target `{target_name}` of profile `{name}` is no mapping");
            return Err(self.invalid(output, &message));
        };
        if rendered.get("type").and_then(Json::as_str).is_none() {
            return Err(self.invalid(output, &format!("target `{target_name}` of profile `{name}` has no `type:`")));
        }
        let given = rendered.get("threads").and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
        let threads = options.threads.or(given).unwrap_or(1).max(1);
        Ok(Profile { name: name.to_owned(), target_name, output: Secret::new(rendered), threads, dir: None })
    }

    fn default_target(&self, profile: &Node, scope: &YamlScope) -> Result<String, Error> {
        let Some(node) = profile.get("target") else { return Ok("default".to_owned()) };
        let text = match node.to_json() {
            Json::String(text) => text,
            other => other.to_string(),
        };
        if !is_template(&text) {
            return Ok(text);
        }
        match render_yaml(&text, scope) {
            Ok(Json::String(name)) => Ok(name),
            Ok(other) => Ok(other.to_string()),
            Err(diagnostic) => Err(Error::invalid(diagnostic.at(node.location(&self.shown)))),
        }
    }

    fn invalid(&self, node: &Node, message: &str) -> Error {
        // The excerpt could show a credential: the place must do.
        debug_assert!(!self.contents.is_empty());
        let diagnostic = Diagnostic::error(Code::InvalidProperty, message).at(node.location(&self.shown));
        Error::invalid(diagnostic.hint("add `type: duckdb` or `type: postgres`, and what it needs to connect"))
    }
}

fn keys(node: Option<&Node>) -> Vec<String> {
    let mapping = node.and_then(Node::as_mapping);
    mapping.map(|mapping| mapping.iter().map(|(key, _)| key.to_owned()).collect()).unwrap_or_default()
}

fn find(options: &LoadOptions) -> Result<PathBuf, Error> {
    let mut searched: Vec<PathBuf> = Vec::new();
    if let Some(dir) = options.profiles_dir.clone().or_else(|| options.variable("DBT_PROFILES_DIR").map(PathBuf::from))
    {
        searched.push(dir);
    } else {
        searched.extend(std::env::current_dir().ok());
        searched.push(options.project_dir.clone());
        searched.extend(options.variable("HOME").map(|home| Path::new(&home).join(".dbt")));
    }
    if let Some(dir) = searched.iter().find(|dir| dir.join("profiles.yml").is_file()) {
        Ok(dir.clone())
    } else {
        searched.dedup();
        Err(Error::NoProfiles { searched })
    }
}

#[cfg(test)]
mod tests {
    use super::{Profile, duckdb_database};
    use crate::model::Secret;
    use serde_json::json;

    #[test]
    fn a_duckdb_database_is_called_after_its_file() {
        assert_eq!(duckdb_database(":memory:"), "memory");
        assert_eq!(duckdb_database("a/b/shop.duckdb"), "shop");
        assert_eq!(duckdb_database("md:prod?token=x"), "prod");
    }

    #[test]
    fn the_public_target_has_defaults_and_no_password() {
        let output = json!({"type": "postgres", "host": "h", "password": "hunter2", "dbname": "d", "schema": "s"});
        let profile = Profile {
            name: "p".to_owned(),
            target_name: "dev".to_owned(),
            output: Secret::new(output.as_object().unwrap().clone()),
            threads: 4,
            dir: None,
        };
        let target = profile.public_target();
        assert_eq!(target["dbname"], json!("d"));
        assert_eq!(target["connect_timeout"], json!(10));
        assert!(!target.contains_key("password"));
        assert!(!format!("{profile:?}").contains("hunter2"));
        assert_eq!(profile.secret_values(), ["hunter2"]);
    }
}
