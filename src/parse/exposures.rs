//! Exposures.

use serde_json::{Value as Json, json};

use super::config::{Rules, Sources, complete, listed, texts};
use super::context::Context;
use super::draft::folders;
use super::node::take;
use super::properties::Entry;
use crate::jinja::{Capture, NodeScope};
use crate::model::node::ExposureDetail;
use crate::model::{Detail, Diagnostic, JsonMap, Node, ResourceType};

/// The exposure's node.
pub(super) fn build(entry: &Entry<'_>, context: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
    let json = entry.render(context)?;
    let file = entry.file;
    let package = &file.package.name;
    let mut fqn = folders(package, file.source.relative_path());
    fqn.push(entry.name.to_owned());
    let patch = json.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    let in_file = JsonMap::new();
    let layers = Sources {
        tree: "exposures",
        own: file.package,
        root: context.root(),
        fqn: &fqn,
        patch: Some(&patch),
        in_file: &in_file,
        rules: Rules::Replace,
    };
    let mut config = complete(layers.merged(), ResourceType::Exposure);
    let unrendered_config = layers.unrendered();
    let mut tags = texts(json.get("tags"));
    tags.extend(texts(config.get("tags")));
    tags.sort();
    tags.dedup();
    let mut meta = json.get("meta").and_then(Json::as_object).cloned().unwrap_or_default();
    meta.extend(config.get("meta").and_then(Json::as_object).cloned().unwrap_or_default());
    config.insert("tags".to_owned(), json!(tags));
    config.insert("meta".to_owned(), Json::Object(meta.clone()));
    let text = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
    let detail = ExposureDetail {
        kind: text("type").unwrap_or_default(),
        owner: owner(json.get("owner")),
        maturity: text("maturity"),
        url: text("url"),
        label: text("label"),
    };
    let mut node = Node {
        name: entry.name.to_owned(),
        package_name: package.clone(),
        path: file.source.relative_path().to_owned(),
        original_file_path: file.source.path.clone(),
        fqn,
        alias: entry.name.to_owned(),
        first_line: entry.node.line,
        config: config.into(),
        unrendered_config,
        description: text("description").unwrap_or_default(),
        tags,
        meta,
        ..Node::new(
            format!("exposure.{package}.{}", entry.name),
            ResourceType::Exposure,
            Detail::Exposure(Box::new(detail)),
        )
    };
    let scope = NodeScope {
        package: package.clone(),
        path: file.shown.clone(),
        first_line: entry.node.get("depends_on").map_or(entry.node.line, |list| list.line),
        ..NodeScope::default()
    };
    for call in json.get("depends_on").map(listed).unwrap_or_default() {
        let Some(call) = call.as_str() else { continue };
        let capture = context.renderer.parse(&format!("{{{{ {call} }}}}"), &scope)?.capture;
        take(&mut node, Capture { config: JsonMap::new(), macros: Vec::new(), ..capture });
    }
    Ok(node)
}

/// `email` and `name` are always there.
pub(super) fn owner(written: Option<&Json>) -> JsonMap {
    let mut owner = JsonMap::new();
    owner.insert("email".to_owned(), Json::Null);
    owner.insert("name".to_owned(), Json::Null);
    if let Some(Json::Object(written)) = written {
        owner.extend(written.clone());
    }
    owner
}
