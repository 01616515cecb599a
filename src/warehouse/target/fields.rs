//! Fields of a profile's output, which YAML and Jinja may give as text or as numbers.

use serde_json::Value as Json;

use crate::{model::JsonMap, warehouse::Error};

/// The fields of one output, with the adapter's name for messages.
pub(super) struct Fields<'a> {
    pub(super) adapter: &'static str,
    pub(super) output: &'a JsonMap,
}

impl Fields<'_> {
    /// The field as text; numbers and booleans are written out. None when it is absent or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match self.output.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value @ (Json::Array(_) | Json::Object(_))) => Err(self.wrong(name, "a text", value)),
            Some(value) => Ok(Some(scalar(value))),
        }
    }

    /// The field as text.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when it is absent.
    pub(super) fn required(&self, names: &[&str]) -> Result<String, Error> {
        for name in names {
            if let Some(text) = self.text(name)? {
                return Ok(text);
            }
        }
        Err(Error::unsupported(format!(
            "the profile's output of type {} has no `{}`; add it to profiles.yml",
            self.adapter, names[0]
        )))
    }

    /// The field as a number, written as such or as text.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, Error> {
        match self.text(name)? {
            None => Ok(default),
            Some(text) => text.trim().parse().map_err(|_| self.wrong(name, "a number in range", &Json::String(text))),
        }
    }

    /// The field as a boolean.
    pub(super) fn boolean(&self, name: &str) -> Result<bool, Error> {
        match self.output.get(name) {
            None | Some(Json::Null) => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(Json::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Json::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => Err(self.wrong(name, "true or false", value)),
        }
    }

    /// The field as a list; empty when absent or null.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Json>, Error> {
        match self.output.get(name) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Array(items)) => Ok(items.clone()),
            Some(value) => Err(self.wrong(name, "a list", value)),
        }
    }

    /// The field as names with texts; empty when absent or null.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, Error> {
        match self.output.get(name) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Object(map)) => Ok(map.iter().map(|(key, value)| (key.clone(), scalar(value))).collect()),
            Some(value) => Err(self.wrong(name, "a mapping", value)),
        }
    }

    /// Says what was found by its kind only, since any field might hold a secret.
    pub(super) fn wrong(&self, name: &str, wanted: &str, found: &Json) -> Error {
        let kind = match found {
            Json::Null => "nothing",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "another text",
            Json::Array(_) => "a list",
            Json::Object(_) => "a mapping",
        };
        Error::unsupported(format!(
            "`{name}` of the profile's output of type {} must be {wanted}, and is {kind}; correct profiles.yml",
            self.adapter
        ))
    }
}

/// A value as text.
pub(super) fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}
