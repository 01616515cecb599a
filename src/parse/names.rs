//! Where a node lives: database, schema and alias, by the project's `generate_…_name` macros.

use std::cell::OnceCell;

use serde_json::Value as Json;

use super::context::Context;
use crate::artifacts::node_json;
use crate::jinja::{LazyJson, NodeScope, Renderer};
use crate::model::{Diagnostic, Node, Quoting, Relation, RelationKind, ResourceType};
use crate::project::Project;

/// Which of the three macros are dbt's own, whose answer we know without asking.
pub(super) struct Naming {
    database: bool,
    schema: bool,
    alias: bool,
}

impl Naming {
    pub(super) fn new(renderer: &Renderer, project: &Project) -> Self {
        let adapter = project.profile.adapter_type();
        let built_in = |part: &str| {
            project.all_packages().all(|package| {
                let own = |name: &str| {
                    let package = renderer.find_macro(name, &package.name).and_then(|id| id.split('.').nth(1));
                    package.is_some_and(|package| project.package(package).is_some())
                };
                !own(&format!("generate_{part}_name"))
                    && !own(&format!("default__generate_{part}_name"))
                    && !own(&format!("{adapter}__generate_{part}_name"))
            })
        };
        Self { database: built_in("database"), schema: built_in("schema"), alias: built_in("alias") }
    }
}

/// Sets database, schema, alias and relation of a node whose configuration is complete.
pub(super) fn assign(node: &mut Node, context: &Context<'_>) -> Result<(), Box<Diagnostic>> {
    let text = |node: &Node, key: &str| node.config.get(key).filter(|value| !value.is_null()).map(plain);
    let custom = [text(node, "database"), text(node, "schema"), text(node, "alias")];
    let naming = &context.naming;
    let scope = OnceCell::new();
    let ask = |part: &str, custom: Option<&String>| -> Result<String, Box<Diagnostic>> {
        let scope = scope.get_or_init(|| self::scope(node));
        let custom = custom.map(String::as_str);
        let name = context.renderer.generate_name(&format!("generate_{part}_name"), custom, scope)?;
        Ok(plain(&name).trim().to_owned())
    };
    let [database, schema, alias] = custom;
    let database = if naming.database {
        database.unwrap_or_else(|| context.options.database.clone()).trim().to_owned()
    } else {
        ask("database", database.as_ref())?
    };
    let schema = match (naming.schema, &schema) {
        (false, _) => ask("schema", schema.as_ref())?,
        (true, None) => context.options.schema.clone(),
        (true, Some(custom)) => format!("{}_{}", context.options.schema, custom.trim()),
    };
    let alias = match (naming.alias, alias) {
        (false, alias) => ask("alias", alias.as_ref())?,
        (true, Some(custom)) => custom.trim().to_owned(),
        (true, None) => default_alias(node),
    };
    node.alias = alias;
    node.database = Some(database).filter(|name| !name.is_empty());
    node.schema = schema;
    if node.resource_type == ResourceType::Snapshot {
        if let Some(schema) = text(node, "target_schema") {
            node.schema = schema;
        }
        if let Some(database) = text(node, "target_database") {
            node.database = Some(database);
        }
    }
    node.relation = relation(node, context.quoting);
    Ok(())
}

/// The name, of a versioned model with the version behind it.
pub(super) fn default_alias(node: &Node) -> String {
    match node.as_model().and_then(|model| model.version.as_ref()) {
        Some(version) => format!("{}_v{}", node.name, plain(version).replace('.', "_")),
        None => node.name.clone(),
    }
}

fn scope(node: &Node) -> NodeScope {
    NodeScope {
        package: node.package_name.clone(),
        path: node.original_file_path.clone(),
        first_line: node.first_line,
        config: node.config.clone(),
        name: node.name.clone(),
        model: model(node),
        ..NodeScope::default()
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn model(node: &Node) -> LazyJson {
    let node = node.clone();
    LazyJson::new(move || node_json(&node))
}

/// The relation of a node that has one.
pub(super) fn relation(node: &Node, quoting: Quoting) -> Option<Relation> {
    let has_one = match node.resource_type {
        ResourceType::Model => !node.is_ephemeral(),
        ResourceType::Seed | ResourceType::Snapshot | ResourceType::Function => true,
        ResourceType::Test => node.config.get("store_failures").and_then(Json::as_bool) == Some(true),
        _ => false,
    };
    has_one.then(|| Relation {
        database: node.database.clone(),
        schema: Some(node.schema.clone()),
        identifier: Some(node.alias.clone()),
        kind: (node.resource_type == ResourceType::Function).then_some(RelationKind::Function),
        quoting,
    })
}
