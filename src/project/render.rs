//! Jinja in the values of `dbt_project.yml`, profiles.yml and packages.yml.

use serde_json::Value as Json;

use crate::jinja::{YamlScope, render_yaml};
use crate::model::{Diagnostic, JsonMap};
use crate::yaml::{Node, Value};

/// Renders every string under `node`, except below the paths for which `skip` says so. Errors name the value's place in
/// `file`.
pub(crate) fn render(
    node: &Node,
    scope: &YamlScope,
    file: &str,
    skip: &dyn Fn(&[&str]) -> bool,
) -> Result<Json, Diagnostic> {
    Walk { scope, file, skip }.node(node, &mut Vec::new())
}

/// Renders everything under `node`.
pub(super) fn render_all(node: &Node, scope: &YamlScope, file: &str) -> Result<Json, Diagnostic> {
    render(node, scope, file, &|_| false)
}

struct Walk<'a> {
    scope: &'a YamlScope,
    file: &'a str,
    skip: &'a dyn Fn(&[&str]) -> bool,
}

impl Walk<'_> {
    fn node<'n>(&self, node: &'n Node, path: &mut Vec<&'n str>) -> Result<Json, Diagnostic> {
        if (self.skip)(path) {
            return Ok(node.to_json());
        }
        match &node.value {
            Value::String(text) if is_template(text) => render_yaml(text, self.scope).map_err(|mut diagnostic| {
                diagnostic.location = Some(node.location(self.file));
                diagnostic
            }),
            // Jinja drops a last line break; dbt sends every text through it but descriptions.
            Value::String(text) if !is_description(path) => {
                Ok(Json::String(text.strip_suffix('\n').unwrap_or(text).to_owned()))
            }
            Value::Sequence(items) => items.iter().map(|item| self.node(item, path)).collect(),
            Value::Mapping(mapping) => {
                let mut out = JsonMap::with_capacity(mapping.len());
                for (key, value) in mapping.iter() {
                    path.push(key);
                    let rendered = self.node(value, path);
                    path.pop();
                    out.insert(key.to_owned(), rendered?);
                }
                Ok(Json::Object(out))
            }
            _ => Ok(node.to_json()),
        }
    }
}

/// Whether dbt leaves the value at `path`, of which lists are no part, for its docs to render: descriptions of an
/// entry, of what it holds directly and of columns.
fn is_description(path: &[&str]) -> bool {
    let path = path.strip_prefix(&["tables"]).filter(|rest| !rest.is_empty()).unwrap_or(path);
    match path {
        ["description"] => true,
        [holder, "description"] => *holder != "versions",
        _ => false,
    }
}

/// Whether a string has anything for Jinja to do.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}
