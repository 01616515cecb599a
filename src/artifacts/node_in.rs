//! One entry of a manifest as a node, for every version that is read.

use std::collections::HashMap;
use std::fmt;
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::lenient::{Entries, Key, List, Object, Text, Texts};
use super::relation_name;
use crate::model::node::{ExposureDetail, ModelDetail, SourceDetail, TestDetail, TestMetadata};
use crate::model::{Checksum, ColumnInfo, DependsOn, Detail, JsonMap, Node, RefArgs, ResourceType, SharedMap};

/// An entry as it is written. What most nodes have alike, or what takes long to read, is left as text at first.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Entry<'m> {
    unique_id: Text,
    resource_type: Text,
    name: Text,
    package_name: Text,
    path: Text,
    original_file_path: Text,
    fqn: Texts,
    alias: Text,
    identifier: Text,
    database: Text,
    schema: Text,
    relation_name: Text,
    checksum: ChecksumIn,
    language: Text,
    raw_code: Text,
    raw_sql: Text,
    #[serde(borrow)]
    compiled_code: Option<&'m RawValue>,
    #[serde(borrow)]
    compiled_sql: Option<&'m RawValue>,
    description: Text,
    tags: Texts,
    group: Text,
    patch_path: Text,
    #[serde(borrow)]
    config: Option<&'m RawValue>,
    #[serde(borrow)]
    unrendered_config: Option<&'m RawValue>,
    #[serde(borrow)]
    meta: Option<&'m RawValue>,
    #[serde(borrow)]
    columns: Option<&'m RawValue>,
    #[serde(borrow)]
    refs: Option<&'m RawValue>,
    sources: List,
    metrics: List,
    functions: List,
    arguments: Option<Json>,
    returns: Option<Json>,
    #[serde(borrow)]
    depends_on: Option<&'m RawValue>,
    #[serde(borrow)]
    contract: Option<&'m RawValue>,
    access: Text,
    version: Option<Json>,
    latest_version: Option<Json>,
    deprecation_date: Text,
    constraints: List,
    primary_key: Texts,
    time_spine: Option<Json>,
    root_path: Text,
    index: Option<Json>,
    #[serde(borrow)]
    test_metadata: Option<&'m RawValue>,
    column_name: Text,
    attached_node: Text,
    file_key_name: Text,
    source_name: Text,
    source_description: Text,
    source_meta: Object,
    loader: Text,
    quoting: Object,
    loaded_at_field: Text,
    loaded_at_query: Text,
    freshness: Option<Json>,
    external: Option<Json>,
    unrendered_database: Text,
    unrendered_schema: Text,
    #[serde(rename = "type")]
    kind: Text,
    owner: Option<Json>,
    maturity: Text,
    url: Text,
    label: Text,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, from = "Object")]
struct ChecksumIn(Option<Checksum>);

impl From<Object> for ChecksumIn {
    fn from(Object(mut map): Object) -> Self {
        let mut text = |key: &str| match map.remove(key) {
            Some(Json::String(text)) => Some(text),
            _ => None,
        };
        let name = text("name");
        let checksum = text("checksum");
        Self((name.is_some() || checksum.is_some()).then(|| Checksum {
            name: name.unwrap_or_else(|| "none".to_owned()),
            checksum: checksum.unwrap_or_default(),
        }))
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct DependsOnIn {
    macros: Texts,
    nodes: Texts,
}

/// A reference as it is written since version 10.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct RefIn {
    name: Text,
    package: Text,
    version: Option<Json>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct TestMetadataIn {
    name: Text,
    kwargs: Object,
    namespace: Text,
}

/// Configurations by their text: most nodes have one of a few.
#[derive(Default)]
pub(super) struct Configs<'m>(Mutex<HashMap<&'m str, SharedMap>>);

impl<'m> Configs<'m> {
    fn read(&self, raw: Option<&'m RawValue>, field: &'static str) -> Result<SharedMap, &'static str> {
        let Some(text) = raw.map(RawValue::get) else { return Ok(SharedMap::default()) };
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Ok(known.clone());
        }
        let read = SharedMap::from(object(raw, field)?);
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(text).or_insert(read).clone())
    }
}

/// What stands in `raw`, or the default when there is nothing. A value that cannot be held, as a number of 400 digits,
/// is the error `field`: nothing is lost without a word.
fn read<'m, T: Deserialize<'m> + Default>(raw: Option<&'m RawValue>, field: &'static str) -> Result<T, &'static str> {
    raw.map_or_else(|| Ok(T::default()), |raw| serde_json::from_str(raw.get()).map_err(|_| field))
}

/// The object in `raw`, or an empty one.
fn object(raw: Option<&RawValue>, field: &'static str) -> Result<JsonMap, &'static str> {
    read(raw, field).map(|Object(map)| map)
}

impl<'m> Entry<'m> {
    /// What a model or snapshot compiled to, if the manifest has it.
    pub(super) fn compiled(&self) -> Option<Arc<str>> {
        let kind = self.resource_type.0.as_deref()?;
        let has_query = matches!(kind, "model" | "snapshot") && self.language.0.as_deref() != Some("python");
        let raw = self.compiled_code.or(self.compiled_sql).filter(|_| has_query)?;
        let code: Option<String> = serde_json::from_str(raw.get()).ok()?;
        code.filter(|code| !code.trim().is_empty()).map(Arc::from)
    }

    /// The node. `whole` is the entry's text, for kinds that are kept as they are.
    ///
    /// # Errors
    /// The field that is missing; `resource_type` for a kind that we do not know.
    pub(super) fn node(mut self, configs: &Configs<'m>, whole: Option<&RawValue>) -> Result<Node, &'static str> {
        let unique_id = take(&mut self.unique_id.0).ok_or("unique_id")?;
        let kind = match &self.resource_type.0 {
            Some(word) => ResourceType::parse(word),
            None => unique_id.split('.').next().and_then(ResourceType::parse),
        };
        let resource_type = kind.ok_or("resource_type")?;
        let config = configs.read(self.config, "config")?;
        let name = take(&mut self.name.0).ok_or("name")?;
        let original_file_path = take(&mut self.original_file_path).or_empty();
        let schema = take(&mut self.schema).or_empty();
        let detail = self.detail(resource_type, &name, &config, configs, whole)?;
        Ok(Node {
            package_name: self.package_name.0.ok_or("package_name")?,
            path: self.path.0.unwrap_or_else(|| original_file_path.clone()),
            original_file_path,
            fqn: self.fqn.0,
            alias: self.alias.0.or(self.identifier.0).unwrap_or_else(|| name.clone()),
            database: self.database.0,
            schema,
            relation: self.relation_name.0.as_deref().and_then(relation_name::parse),
            checksum: self.checksum.0.unwrap_or_else(Checksum::none),
            language: self.language.0.unwrap_or_else(|| "sql".to_owned()),
            raw_code: self.raw_code.0.or(self.raw_sql.0).unwrap_or_default(),
            first_line: 1,
            unrendered_config: object(self.unrendered_config, "unrendered_config")?,
            description: self.description.or_empty(),
            tags: self.tags.0,
            meta: object(self.meta, "meta")?,
            group: self.group.0.or_else(|| config.get("group").and_then(Json::as_str).map(str::to_owned)),
            columns: columns(self.columns, configs)?,
            refs: references(self.refs)?,
            sources: self.sources.0.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect(),
            metrics: self.metrics.0.into_iter().map(|item| owned_texts(Some(item))).collect(),
            functions: self.functions.0.into_iter().map(|item| owned_texts(Some(item))).collect(),
            depends_on: depends_on(self.depends_on)?,
            patch_path: self.patch_path.0,
            detail,
            config,
            unique_id: unique_id.into(),
            resource_type,
            name,
        })
    }

    /// What only the entry's kind has, taken out of it.
    fn detail(
        &mut self,
        kind: ResourceType,
        name: &str,
        config: &JsonMap,
        configs: &Configs<'m>,
        whole: Option<&RawValue>,
    ) -> Result<Detail, &'static str> {
        Ok(match kind {
            ResourceType::Model => Detail::Model(Box::new(model(
                take(&mut self.access),
                &*configs.read(self.contract, "contract")?,
                config,
                ModelDetail {
                    version: take(&mut self.version),
                    latest_version: take(&mut self.latest_version),
                    deprecation_date: take(&mut self.deprecation_date.0),
                    constraints: take(&mut self.constraints.0),
                    primary_key: take(&mut self.primary_key.0),
                    time_spine: take(&mut self.time_spine),
                    ..ModelDetail::default()
                },
            ))),
            ResourceType::Seed => Detail::Seed { root_path: take(&mut self.root_path).or_empty() },
            ResourceType::Snapshot => Detail::Snapshot,
            ResourceType::Test => Detail::Test(Box::new(TestDetail {
                metadata: test_metadata(self.test_metadata)?,
                column_name: take(&mut self.column_name.0),
                attached_node: take(&mut self.attached_node.0).map(Into::into),
                file_key_name: take(&mut self.file_key_name.0),
            })),
            ResourceType::Analysis => Detail::Analysis,
            ResourceType::Function => Detail::Function {
                arguments: take(&mut self.arguments).unwrap_or_default(),
                returns: take(&mut self.returns).unwrap_or_default(),
            },
            ResourceType::Operation => Detail::Operation {
                index: take(&mut self.index).and_then(|index| usize::try_from(index.as_u64()?).ok()).unwrap_or(0),
                at_end: self.tags.0.iter().any(|tag| tag == "on-run-end"),
            },
            ResourceType::Source => Detail::Source(Box::new(SourceDetail {
                source_name: take(&mut self.source_name).or_empty(),
                source_description: take(&mut self.source_description).or_empty(),
                source_meta: take(&mut self.source_meta.0),
                loader: take(&mut self.loader).or_empty(),
                identifier: self.identifier.0.clone().unwrap_or_else(|| name.to_owned()),
                quoting: take(&mut self.quoting.0),
                loaded_at_field: take(&mut self.loaded_at_field.0),
                loaded_at_query: take(&mut self.loaded_at_query.0),
                freshness: take(&mut self.freshness),
                external: take(&mut self.external),
                unrendered_database: take(&mut self.unrendered_database.0),
                unrendered_schema: take(&mut self.unrendered_schema.0),
            })),
            ResourceType::Exposure => Detail::Exposure(Box::new(ExposureDetail {
                kind: take(&mut self.kind).or_empty(),
                owner: owner(take(&mut self.owner)),
                maturity: take(&mut self.maturity.0),
                url: take(&mut self.url.0),
                label: take(&mut self.label.0),
            })),
            // Metrics and their like have sections of their own, whose entries come with their text.
            _ => Detail::Other(object(Some(whole.ok_or("resource_type")?), "unique_id")?),
        })
    }
}

/// A column, and its configuration as text.
struct ColumnIn<'m>(ColumnInfo, Option<&'m RawValue>);

struct ColumnVisitor;

impl<'m> Visitor<'m> for ColumnVisitor {
    type Value = ColumnIn<'m>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column")
    }

    fn visit_map<A: MapAccess<'m>>(self, mut map: A) -> Result<ColumnIn<'m>, A::Error> {
        let (mut column, mut config) = (ColumnInfo::default(), None);
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "name" => column.name = map.next_value::<Text>()?.or_empty(),
                "description" => column.description = map.next_value::<Text>()?.or_empty(),
                "meta" => column.meta = map.next_value::<Object>()?.0,
                "data_type" => column.data_type = map.next_value::<Text>()?.0,
                "constraints" => column.constraints = map.next_value::<List>()?.0,
                "quote" => column.quote = map.next_value::<Json>()?.as_bool(),
                "config" => config = Some(map.next_value()?),
                "tags" => column.tags = map.next_value::<Texts>()?.0,
                "granularity" => column.granularity = map.next_value::<Text>()?.0,
                "doc_blocks" => column.doc_blocks = map.next_value::<Texts>()?.0,
                _ => {
                    column.extra.insert(key.into_owned(), map.next_value()?);
                }
            }
        }
        Ok(ColumnIn(column, config))
    }
}

impl<'m> Deserialize<'m> for ColumnIn<'m> {
    fn deserialize<D: Deserializer<'m>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ColumnVisitor)
    }
}

fn columns<'m>(raw: Option<&'m RawValue>, configs: &Configs<'m>) -> Result<IndexMap<String, ColumnInfo>, &'static str> {
    // dbt v2 writes a list.
    let listed: Vec<ColumnIn<'m>> = if raw.is_some_and(|raw| raw.get().starts_with('[')) {
        read(raw, "columns")?
    } else {
        let by_name: Entries<ColumnIn<'m>> = read(raw, "columns")?;
        by_name.0.into_iter().map(|(_, column)| column).collect()
    };
    let configured = |ColumnIn(column, config)| -> Result<(String, ColumnInfo), &'static str> {
        let column = ColumnInfo { config: configs.read(config, "columns")?, ..column };
        Ok((column.name.clone(), column))
    };
    listed.into_iter().map(configured).collect()
}

/// `{name, package, version}` since version 10; before, a list of a name, or of a package and a name.
fn references(raw: Option<&RawValue>) -> Result<Vec<RefArgs>, &'static str> {
    let items: Vec<&RawValue> = read(raw, "refs")?;
    items.into_iter().map(reference).collect()
}

fn reference(item: &RawValue) -> Result<RefArgs, &'static str> {
    const WRONG: &str = "refs";
    if item.get().starts_with('[') {
        let mut names = read::<Texts>(Some(item), WRONG)?.0.into_iter();
        let first = names.next().ok_or(WRONG)?;
        return Ok(match names.next() {
            Some(name) => RefArgs { name, package: Some(first), version: None },
            None => RefArgs { name: first, package: None, version: None },
        });
    }
    let written: RefIn = read(Some(item), WRONG)?;
    Ok(RefArgs { name: written.name.0.ok_or(WRONG)?, package: written.package.0, version: written.version })
}

fn text(value: Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text),
        _ => None,
    }
}

fn owned_texts(value: Option<Json>) -> Vec<String> {
    match value {
        Some(Json::Array(items)) => items.into_iter().filter_map(text).collect(),
        Some(Json::String(one)) => vec![one],
        _ => Vec::new(),
    }
}

fn model(access: Text, contract: &JsonMap, config: &JsonMap, written: ModelDetail) -> ModelDetail {
    let configured = config.get("contract");
    let flag = |key: &str, default: bool| {
        let of_config = || configured.and_then(|configured| configured.get(key));
        contract.get(key).or_else(of_config).and_then(Json::as_bool).unwrap_or(default)
    };
    let (contract_enforced, contract_alias_types) = (flag("enforced", false), flag("alias_types", true));
    let of_config = || config.get("access").and_then(Json::as_str).map(str::to_owned);
    ModelDetail {
        access: access.0.or_else(of_config).unwrap_or_else(|| "protected".to_owned()),
        contract_enforced,
        contract_alias_types,
        contract_checksum: contract.get("checksum").and_then(Json::as_str).map(str::to_owned),
        ..written
    }
}

fn test_metadata(raw: Option<&RawValue>) -> Result<Option<TestMetadata>, &'static str> {
    let TestMetadataIn { name, kwargs, namespace } = read(raw, "test_metadata")?;
    Ok(name.0.map(|name| TestMetadata { name, kwargs: kwargs.0, namespace: namespace.0 }))
}

fn depends_on(raw: Option<&RawValue>) -> Result<DependsOn, &'static str> {
    let written: DependsOnIn = read(raw, "depends_on")?;
    Ok(DependsOn { macros: written.macros.0, nodes: written.nodes.0.into_iter().map(Into::into).collect() })
}

fn owner(written: Option<Json>) -> JsonMap {
    match written {
        Some(Json::Object(map)) => map,
        Some(Json::String(name)) => JsonMap::from_iter([("name".to_owned(), Json::String(name))]),
        _ => JsonMap::new(),
    }
}
