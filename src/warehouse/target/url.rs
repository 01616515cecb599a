//! Targets written as one URL.

use serde_json::Value as Json;

use crate::{model::JsonMap, warehouse::Error};

/// Fields of dbt-duckdb that a URL can have. What else it has are settings of DuckDB, such as `memory_limit`.
const FIELDS: [&str; 3] = ["database", "schema", "motherduck_token"];

/// The adapter type of a URL and the profile output that says the same.
pub(super) fn output(url: &str) -> Result<(&'static str, JsonMap), Error> {
    if let Some(rest) = url.strip_prefix("duckdb:") {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut output, settings): (JsonMap, JsonMap) =
            parameters(query).into_iter().partition(|(name, _)| FIELDS.contains(&name.as_str()));
        output.insert("settings".to_owned(), Json::Object(settings));
        output.insert("path".to_owned(), Json::String(path.strip_prefix("//").unwrap_or(path).to_owned()));
        return Ok(("duckdb", output));
    }
    let rest = ["postgres://", "postgresql://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
    match rest {
        Some(rest) => Ok(("postgres", postgres(rest))),
        None => Err(Error::unsupported(
            "the target's URL has an unknown scheme; write duckdb:FILE or postgres://user:password@host/database",
        )),
    }
}

/// The part behind `postgres://`.
fn postgres(rest: &str) -> JsonMap {
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = authority.split_once('/').unwrap_or((authority, ""));
    let (account, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = account.split_once(':').unwrap_or((account, ""));
    // An IPv6 address stands in brackets, whose colons are not the port's.
    let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
        Some((host, port)) => (host, port.trim_start_matches(':')),
        None => place.rsplit_once(':').unwrap_or((place, "")),
    };
    let mut output = JsonMap::new();
    let fields = [("host", host), ("port", port), ("user", user), ("password", password), ("dbname", database)];
    for (name, value) in fields {
        if !value.is_empty() {
            output.insert(name.to_owned(), Json::String(decoded(value)));
        }
    }
    output.extend(parameters(query));
    let user = output.get("user").cloned().unwrap_or_else(|| Json::String("postgres".to_owned()));
    let defaults = [
        ("user", user.clone()),
        ("password", Json::String(String::new())),
        ("port", Json::from(5432)),
        ("host", Json::String("localhost".to_owned())),
        ("dbname", user),
        ("schema", Json::String("public".to_owned())),
    ];
    for (name, value) in defaults {
        output.entry(name).or_insert(value);
    }
    output
}

fn parameters(query: &str) -> JsonMap {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), Json::String(decoded(value)))
        })
        .collect()
}

/// `%41` and the like become the bytes they stand for.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| bytes[at] == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}
