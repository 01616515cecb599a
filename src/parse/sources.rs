//! Sources: one node a table, configured by both its own entry and its source's.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::columns;
use super::config::{Rules, Sources as Layers, complete, texts};
use super::context::Context;
use super::draft::folders;
use super::external_location;
use super::properties::Entry;
use crate::model::node::SourceDetail;
use crate::model::{Code, Detail, Diagnostic, JsonMap, Node, Quoting, Relation, ResourceType};
use crate::yaml;

/// A source's entry, rendered, with what another package overrides in it.
pub(super) struct Source<'f> {
    pub(super) entry: Entry<'f>,
    over: Option<Entry<'f>>,
    json: JsonMap,
    written: JsonMap,
    /// Where the tables stand in the lists of the two, by name.
    places: Places,
    written_places: Places,
}

/// The first place of each table's name in a list: sources may have thousands of tables.
struct Places(HashMap<String, usize>);

impl Places {
    fn of(source: &JsonMap) -> Self {
        let mut places = HashMap::new();
        for (at, table) in tables(source).iter().enumerate() {
            if let Some(name) = table.as_object().and_then(|table| text(table, "name")) {
                places.entry(name).or_insert(at);
            }
        }
        Self(places)
    }

    fn table<'j>(&self, source: &'j JsonMap, name: &str) -> Option<&'j JsonMap> {
        tables(source).get(*self.0.get(name)?)?.as_object()
    }
}

fn tables(source: &JsonMap) -> &[Json] {
    source.get("tables").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl<'f> Source<'f> {
    /// Renders the entry and lays `overrides` (of the root project) over it.
    pub(super) fn read(
        entry: Entry<'f>,
        overrides: Option<&Entry<'f>>,
        context: &Context<'_>,
    ) -> Result<Self, Box<Diagnostic>> {
        let mut json = entry.render(context)?;
        let written = entry.written();
        if let Some(other) = overrides {
            overlay(&mut json, &other.render(context)?);
        }
        let (places, written_places) = (Places::of(&json), Places::of(&written));
        Ok(Self { entry, over: overrides.copied(), json, written, places, written_places })
    }

    /// What a table's entry has under `key`, or what the overriding entry has there instead.
    pub(super) fn written_in(&self, table: &'f yaml::Node, key: &str) -> Option<&'f yaml::Node> {
        let name = table.get("name").and_then(yaml::Node::as_str);
        let tables = self.over.and_then(|over| over.node.get("tables")?.as_sequence()).unwrap_or_default();
        let over = tables.iter().find(|other| other.get("name").and_then(yaml::Node::as_str) == name);
        over.and_then(|over| over.get(key)).or_else(|| table.get(key))
    }

    /// One node a table.
    pub(super) fn nodes(&self, context: &Context<'_>) -> Vec<Result<Node, Box<Diagnostic>>> {
        // A table without a name is told with the shape of its entry.
        let named = tables(&self.json).iter().filter_map(Json::as_object).filter(|table| text(table, "name").is_some());
        named.map(|table| self.node(table, context)).collect()
    }

    fn node(&self, table: &JsonMap, context: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
        let Some(name) = text(table, "name") else {
            let message = format!("a table of source `{}` has no `name:`", self.entry.name);
            return Err(Box::new(self.entry.complaint(Code::InvalidProperty, message)));
        };
        let file = self.entry.file;
        let mut fqn = folders(&file.package.name, file.source.relative_path());
        fqn.extend([self.entry.name.to_owned(), name.clone()]);
        let patch = self.config(table);
        let none = JsonMap::new();
        let layers = Layers {
            tree: "sources",
            own: file.package,
            root: context.root(),
            fqn: &fqn,
            patch: Some(&patch),
            in_file: &none,
            rules: Rules::Source,
        };
        let mut config = complete(layers.merged(), ResourceType::Source);
        if let Some(freshness) = config.get_mut("freshness") {
            *freshness = whole_freshness(freshness);
        }
        let unrendered_config = layers.unrendered();
        let identifier = text(table, "identifier").unwrap_or_else(|| name.clone());
        let schema = text(&self.json, "schema").unwrap_or_else(|| self.entry.name.to_owned());
        let database = text(&self.json, "database")
            .or_else(|| Some(context.options.database.clone()))
            .filter(|name| !name.is_empty());
        let detail = self.detail(table, &config, identifier);
        let relation = relation(database.clone(), &schema, &detail.identifier, &detail.quoting, context.quoting);
        let relation = match context.project.profile.adapter_type() {
            "duckdb" => {
                external_location::relation(&name, &relation, &inner(&config, "meta"), &config).unwrap_or(relation)
            }
            _ => relation,
        };
        let unique_id = format!("source.{}.{}.{name}", file.package.name, self.entry.name);
        Ok(Node {
            package_name: file.package.name.clone(),
            path: file.source.path.clone(),
            original_file_path: file.source.path.clone(),
            fqn,
            alias: detail.identifier.clone(),
            database,
            schema,
            relation: Some(relation),
            first_line: self.entry.node.line,
            description: text(table, "description").unwrap_or_default(),
            tags: texts(config.get("tags")),
            meta: config.get("meta").and_then(Json::as_object).cloned().unwrap_or_default(),
            columns: columns::read(
                table,
                self.written_places.table(&self.written, &name).unwrap_or(&none),
                context.doc_ids(&file.package.name),
            ),
            config: context.shared(config),
            unrendered_config,
            name,
            ..Node::new(unique_id, ResourceType::Source, Detail::Source(Box::new(detail)))
        })
    }

    fn detail(&self, table: &JsonMap, config: &JsonMap, identifier: String) -> SourceDetail {
        let value = |key: &str| config.get(key).filter(|value| !value.is_null()).cloned();
        SourceDetail {
            source_name: self.entry.name.to_owned(),
            source_description: text(&self.json, "description").unwrap_or_default(),
            source_meta: meta(&self.json),
            loader: text(&self.json, "loader").unwrap_or_default(),
            identifier,
            quoting: self.quoting(table),
            loaded_at_field: value("loaded_at_field").as_ref().map(plain),
            loaded_at_query: value("loaded_at_query").as_ref().map(plain),
            freshness: value("freshness"),
            external: table.get("external").filter(|external| !external.is_null()).map(external),
            unrendered_database: text(&self.written, "database"),
            unrendered_schema: text(&self.written, "schema"),
        }
    }

    /// What both entries say about the table's configuration, in dbt's shape.
    fn config(&self, table: &JsonMap) -> JsonMap {
        let of_source = inner(&self.json, "config");
        let of_table = inner(table, "config");
        let mut config = of_source.clone();
        config.extend(of_table.clone());
        let mut all_meta = meta(&self.json);
        all_meta.extend(meta(table));
        config.insert("meta".to_owned(), Json::Object(all_meta));
        config.insert("tags".to_owned(), json!(self.tags(table)));
        let field = either(table, &of_table, "loaded_at_field");
        let query = either(table, &of_table, "loaded_at_query");
        // What stands beside the table's name makes up for what stands beside the source's, not for its `config:`.
        let is_alone =
            ["loaded_at_field", "loaded_at_query"].iter().any(|key| table.get(*key).is_some_and(|v| !v.is_null()));
        let none = JsonMap::new();
        let beside = if is_alone { &none } else { &self.json };
        let field = field.or_else(|| either(beside, &of_source, "loaded_at_field"));
        let query = query.or_else(|| either(beside, &of_source, "loaded_at_query"));
        config.insert("loaded_at_field".to_owned(), field.unwrap_or(Json::Null));
        config.insert("loaded_at_query".to_owned(), query.unwrap_or(Json::Null));
        config.remove("freshness");
        let given = |map: &JsonMap, config: &JsonMap| config.get("freshness").or_else(|| map.get("freshness")).cloned();
        if let Some(freshness) = merged_freshness(given(&self.json, &of_source), given(table, &of_table)) {
            config.insert("freshness".to_owned(), freshness);
        }
        config
    }

    /// Tags that the table's tests inherit: those beside `config:`.
    pub(super) fn test_tags(&self, table: &JsonMap) -> Vec<String> {
        [&self.json, table].into_iter().flat_map(|map| texts(map.get("tags"))).collect()
    }

    /// Tags of the source and of the table, sorted.
    fn tags(&self, table: &JsonMap) -> Vec<String> {
        let mut tags = Vec::new();
        for map in [&self.json, table] {
            tags.extend(texts(map.get("tags")));
            tags.extend(texts(inner(map, "config").get("tags")));
        }
        tags.sort();
        tags.dedup();
        tags
    }

    /// The rendered entry of a table.
    pub(super) fn table(&self, name: &str) -> Option<&JsonMap> {
        self.places.table(&self.json, name)
    }

    fn quoting(&self, table: &JsonMap) -> JsonMap {
        let (of_source, of_table) = (inner(&self.json, "quoting"), inner(table, "quoting"));
        ["database", "schema", "identifier", "column"]
            .into_iter()
            .map(|part| {
                let value = of_table.get(part).filter(|value| !value.is_null()).or_else(|| of_source.get(part));
                (part.to_owned(), value.cloned().unwrap_or(Json::Null))
            })
            .collect()
    }
}

fn overlay(json: &mut JsonMap, over: &JsonMap) {
    for (key, value) in over {
        match key.as_str() {
            "name" | "overrides" => {}
            "tables" => overlay_tables(json, value),
            _ => {
                json.insert(key.clone(), value.clone());
            }
        }
    }
}

fn overlay_tables(json: &mut JsonMap, over: &Json) {
    let Some(tables) = json.get_mut("tables").and_then(Json::as_array_mut) else { return };
    for own in over.as_array().into_iter().flatten() {
        let Some(table) = tables.iter_mut().find(|table| table.get("name") == own.get("name")) else { continue };
        if let (Some(table), Some(own)) = (table.as_object_mut(), own.as_object()) {
            table.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
}

fn inner(map: &JsonMap, key: &str) -> JsonMap {
    map.get(key).and_then(Json::as_object).cloned().unwrap_or_default()
}

fn text(map: &JsonMap, key: &str) -> Option<String> {
    map.get(key).filter(|value| !value.is_null()).map(plain)
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn either(map: &JsonMap, config: &JsonMap, key: &str) -> Option<Json> {
    config.get(key).filter(|v| !v.is_null()).or_else(|| map.get(key).filter(|v| !v.is_null())).cloned()
}

fn meta(map: &JsonMap) -> JsonMap {
    let mut all = inner(map, "meta");
    all.extend(inner(&inner(map, "config"), "meta"));
    all
}

/// An explicit null of the table ends freshness; a missing one takes the source's.
fn merged_freshness(of_source: Option<Json>, of_table: Option<Json>) -> Option<Json> {
    match (of_source, of_table) {
        (None, None) => None,
        (_, Some(Json::Null)) => Some(Json::Null),
        (Some(Json::Null) | None, Some(own)) => Some(whole_freshness(&own)),
        (Some(source), None) => Some(whole_freshness(&source)),
        (Some(source), Some(own)) => {
            let mut whole = whole_freshness(&source);
            let of_table = whole_freshness(&own);
            for key in ["warn_after", "error_after", "filter"] {
                if own.get(key).is_some() {
                    whole[key] = of_table[key].clone();
                }
            }
            Some(whole)
        }
    }
}

/// Thresholds with every key that dbt writes.
fn whole_freshness(written: &Json) -> Json {
    if written.is_null() {
        return Json::Null;
    }
    let threshold = |key: &str| match written.get(key) {
        Some(Json::Null) => Json::Null,
        given => {
            let part = |name: &str| given.and_then(|t| t.get(name)).cloned().unwrap_or(Json::Null);
            json!({"count": part("count"), "period": part("period")})
        }
    };
    json!({
        "warn_after": threshold("warn_after"),
        "error_after": threshold("error_after"),
        "filter": written.get("filter").cloned().unwrap_or(Json::Null),
    })
}

fn external(written: &Json) -> Json {
    let mut whole = json!({
        "location": null, "file_format": null, "row_format": null, "tbl_properties": null, "partitions": null,
    });
    if let (Some(whole), Some(written)) = (whole.as_object_mut(), written.as_object()) {
        whole.extend(written.clone());
    }
    whole
}

fn relation(database: Option<String>, schema: &str, identifier: &str, own: &JsonMap, default: Quoting) -> Relation {
    let part = |name: &str, default: bool| own.get(name).and_then(Json::as_bool).unwrap_or(default);
    Relation {
        database,
        schema: Some(schema.to_owned()),
        identifier: Some(identifier.to_owned()),
        kind: None,
        quoting: Quoting {
            database: part("database", default.database),
            schema: part("schema", default.schema),
            identifier: part("identifier", default.identifier),
            ..default
        },
    }
}
