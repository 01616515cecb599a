//! Resources that are kept as dbt's JSON: what they share, and groups.

use serde_json::{Value as Json, json};

use super::config::{Rules, Sources};
use super::context::Context;
use super::draft::folders;
use super::exposures::owner;
use super::properties::Entry;
use crate::model::{Detail, Diagnostic, JsonMap, Node, ResourceType};

/// A node around dbt's JSON; the fields that the rest of slimdiff looks at are copied out of it.
pub(super) fn node(entry: &Entry<'_>, kind: ResourceType, unique_id: String, fqn: Vec<String>, json: JsonMap) -> Node {
    let file = entry.file;
    let text = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
    Node {
        name: entry.name.to_owned(),
        package_name: file.package.name.clone(),
        path: file.source.relative_path().to_owned(),
        original_file_path: file.source.path.clone(),
        fqn,
        alias: entry.name.to_owned(),
        schema: text("schema").unwrap_or_default(),
        first_line: entry.node.line,
        config: json.get("config").and_then(Json::as_object).cloned().unwrap_or_default().into(),
        unrendered_config: json.get("unrendered_config").and_then(Json::as_object).cloned().unwrap_or_default(),
        description: text("description").unwrap_or_default(),
        tags: super::config::texts(json.get("config").and_then(|config| config.get("tags"))),
        meta: json.get("meta").and_then(Json::as_object).cloned().unwrap_or_default(),
        group: text("group"),
        ..Node::new(unique_id, kind, Detail::Other(json))
    }
}

/// What every resource's JSON begins with.
pub(super) fn identity(entry: &Entry<'_>, kind: ResourceType, unique_id: &str) -> JsonMap {
    let file = entry.file;
    json!({
        "name": entry.name,
        "resource_type": kind.as_str(),
        "package_name": file.package.name,
        "path": file.source.relative_path(),
        "original_file_path": file.source.path,
        "unique_id": unique_id,
    })
    .as_object()
    .cloned()
    .unwrap_or_default()
}

/// A group.
pub(super) fn group(entry: &Entry<'_>, context: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
    let json = entry.render(context)?;
    let package = entry.file.package;
    let unique_id = format!("group.{}.{}", package.name, entry.name);
    let fqn = named_fqn(entry);
    let mut patch = json.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    if let Some(meta) = json.get("meta").filter(|meta| !meta.is_null()) {
        patch.entry("meta").or_insert_with(|| meta.clone());
    }
    let none = JsonMap::new();
    // dbt gives groups the configuration of models; hooks are lost on the way.
    let layers = Sources {
        tree: "models",
        own: package,
        root: context.root(),
        fqn: &fqn,
        patch: Some(&patch),
        in_file: &none,
        rules: Rules::Replace,
    };
    let mut config = layers.merged();
    config.retain(|key, _| !matches!(key.as_str(), "pre-hook" | "post-hook"));
    config.entry("meta").or_insert_with(|| json!({}));
    let mut whole = identity(entry, ResourceType::Group, &unique_id);
    whole.insert("owner".to_owned(), Json::Object(owner(json.get("owner"))));
    whole.insert("description".to_owned(), json.get("description").cloned().unwrap_or(Json::Null));
    whole.insert("config".to_owned(), Json::Object(config));
    Ok(node(entry, ResourceType::Group, unique_id, fqn, whole))
}

/// Package, folders, name.
pub(super) fn named_fqn(entry: &Entry<'_>) -> Vec<String> {
    let mut fqn = folders(&entry.file.package.name, entry.file.source.relative_path());
    fqn.push(entry.name.to_owned());
    fqn
}
