//! What holds for one model or one column instead of the policy: thresholds, the rows that are compared, and the column
//! that tells how old a row is. Said in slimdiff.yml below `policy.models`, or in the project beside the model, in its
//! `meta.slimdiff` and that of its columns; slimdiff.yml wins, and a column wins over its model.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::{Align, Policy};
use crate::model::{JsonMap, Manifest, Node, NodeId, ResourceType, nearest};

/// Beyond which figures a column is a finding; none: never.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Thresholds {
    /// Of the rise of the share of NULLs.
    pub null_rate_increase: Option<f64>,
    /// Of the population stability index.
    pub psi: Option<f64>,
    /// Of the Kolmogorov–Smirnov statistic.
    pub ks: Option<f64>,
    /// Of the Jensen–Shannon distance.
    pub js: Option<f64>,
    /// Of the change of the number of distinct values.
    pub distinct_change: Option<f64>,
}

/// A threshold that may be set to a number, or with `null` to never.
type Set = Option<Option<f64>>;

/// What is said of one column.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnRules {
    #[serde(deserialize_with = "set")]
    null_rate_increase: Set,
    #[serde(deserialize_with = "set")]
    psi: Set,
    #[serde(deserialize_with = "set")]
    ks: Set,
    #[serde(deserialize_with = "set")]
    js: Set,
    #[serde(deserialize_with = "set")]
    distinct_change: Set,
}

/// What is said of one model.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelRules {
    r#where: Option<String>,
    align: Option<Align>,
    event_time: Option<String>,
    columns: BTreeMap<String, ColumnRules>,
    #[serde(deserialize_with = "set")]
    null_rate_increase: Set,
    #[serde(deserialize_with = "set")]
    psi: Set,
    #[serde(deserialize_with = "set")]
    ks: Set,
    #[serde(deserialize_with = "set")]
    js: Set,
    #[serde(deserialize_with = "set")]
    distinct_change: Set,
}

/// Tells `null` from nothing.
fn set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Set, D::Error> {
    Option::<f64>::deserialize(deserializer).map(Some)
}

/// What holds for one model after all is said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OfModel {
    /// A condition in SQL that rows of both sides have to meet to be compared.
    pub filter: Option<String>,
    /// Whether rows that only the newer side can have are left out.
    pub align: Align,
    /// The column that tells how old a row is.
    pub event_time: Option<String>,
    thresholds: Thresholds,
    /// By name, in lower case.
    columns: BTreeMap<String, Thresholds>,
}

/// What holds for every model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    others: OfModel,
    models: HashMap<NodeId, OfModel>,
}

/// Where a rule that makes no sense is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In slimdiff.yml, below these keys.
    Settings(Vec<String>),
    /// In `meta` of a node, or of its column, below these keys.
    Meta {
        /// The node.
        node: NodeId,
        /// Its column.
        column: Option<String>,
        /// From `slimdiff` on.
        keys: Vec<String>,
    },
}

/// A rule that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// Where it is.
    pub origin: Origin,
    /// What is wrong with it.
    pub message: String,
}

/// Keys of `meta.slimdiff` that are read elsewhere.
const OTHERS: [&str; 2] = ["key", "check"];

impl Rules {
    /// What the policy and the models of a project say together.
    ///
    /// # Errors
    /// A key that is unknown, a threshold out of range, or a model that the project does not have.
    pub fn of(policy: &Policy, manifest: &Manifest) -> Result<Self, RuleError> {
        let others = OfModel {
            align: policy.align,
            thresholds: Thresholds {
                null_rate_increase: policy.null_rate_increase,
                psi: policy.psi,
                ks: policy.ks,
                js: policy.js,
                distinct_change: policy.distinct_change,
            },
            ..OfModel::default()
        };
        let nodes = || manifest.nodes.values().filter(|node| is_compared(node));
        for name in policy.models.keys() {
            if !nodes().any(|node| is_named(node, name)) {
                return Err(unknown_model(name, nodes()));
            }
        }
        let mut models = HashMap::new();
        for node in nodes() {
            let in_settings = policy.models.iter().filter(|(name, _)| is_named(node, name)).map(|(_, rules)| rules);
            let layers: Vec<ModelRules> = in_meta(node)?.into_iter().chain(in_settings.cloned()).collect();
            if !layers.is_empty() || node.config_str("event_time").is_some() {
                models.insert(node.unique_id.clone(), others.with(node, &layers));
            }
        }
        Ok(Self { others, models })
    }

    /// What holds for a model.
    pub fn model(&self, id: &NodeId) -> &OfModel {
        self.models.get(id).unwrap_or(&self.others)
    }
}

impl OfModel {
    /// What holds for a column.
    pub fn column(&self, name: &str) -> &Thresholds {
        self.columns.get(&name.to_lowercase()).unwrap_or(&self.thresholds)
    }

    /// Columns that have thresholds of their own, in lower case.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// Whether a threshold asks how far distributions moved.
    pub fn needs_drift(&self) -> bool {
        self.all().any(|of| of.psi.or(of.ks).or(of.js).is_some())
    }

    /// Whether a threshold asks for the number of distinct values.
    pub fn needs_profile(&self) -> bool {
        self.all().any(|of| of.distinct_change.is_some())
    }

    fn all(&self) -> impl Iterator<Item = &Thresholds> {
        std::iter::once(&self.thresholds).chain(self.columns.values())
    }

    /// The same with what is said of one node, the last winning.
    fn with(&self, node: &Node, layers: &[ModelRules]) -> Self {
        let mut of = self.clone();
        of.event_time = node.config_str("event_time").map(str::to_owned);
        for layer in layers {
            of.filter = layer.r#where.clone().or(of.filter);
            of.align = layer.align.unwrap_or(of.align);
            of.event_time = layer.event_time.clone().or(of.event_time);
            layer.thresholds().apply(&mut of.thresholds);
        }
        let columns = layers.iter().flat_map(|layer| &layer.columns);
        for (name, rules) in columns {
            let known = of.columns.entry(name.to_lowercase()).or_insert(of.thresholds);
            rules.apply(known);
        }
        of
    }
}

impl ModelRules {
    fn thresholds(&self) -> ColumnRules {
        ColumnRules {
            null_rate_increase: self.null_rate_increase,
            psi: self.psi,
            ks: self.ks,
            js: self.js,
            distinct_change: self.distinct_change,
        }
    }

    /// The keys of a value out of range, with what is wrong with it.
    pub(super) fn validate(&self) -> Result<(), (Vec<String>, String)> {
        self.thresholds().validate().map_err(|(key, message)| (vec![key], message))?;
        for (name, rules) in &self.columns {
            rules.validate().map_err(|(key, message)| (vec!["columns".to_owned(), name.clone(), key], message))?;
        }
        Ok(())
    }
}

impl ColumnRules {
    fn apply(&self, to: &mut Thresholds) {
        let pairs = [
            (self.null_rate_increase, &mut to.null_rate_increase),
            (self.psi, &mut to.psi),
            (self.ks, &mut to.ks),
            (self.js, &mut to.js),
            (self.distinct_change, &mut to.distinct_change),
        ];
        for (set, limit) in pairs {
            if let Some(set) = set {
                *limit = set;
            }
        }
    }

    fn validate(&self) -> Result<(), (String, String)> {
        let limits = [
            ("null_rate_increase", self.null_rate_increase),
            ("psi", self.psi),
            ("ks", self.ks),
            ("js", self.js),
            ("distinct_change", self.distinct_change),
        ];
        for (name, limit) in limits {
            in_range(name, limit.flatten()).map_err(|message| (name.to_owned(), format!("{name} {message}")))?;
        }
        Ok(())
    }
}

/// Whether a threshold of this name can have this value.
pub(super) fn in_range(name: &str, limit: Option<f64>) -> Result<(), String> {
    let is_share = matches!(name, "null_rate_increase" | "ks" | "js");
    match limit {
        Some(limit) if is_share && !(0.0..=1.0).contains(&limit) => {
            Err(format!("is a number between 0 and 1, not {limit}"))
        }
        Some(limit) if !limit.is_finite() || limit < 0.0 => Err(format!("is a number of 0 or more, not {limit}")),
        _ => Ok(()),
    }
}

fn is_compared(node: &Node) -> bool {
    matches!(node.resource_type, ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot)
}

/// Whether `name` in slimdiff.yml means the node: its name, or its unique id where several have one name.
fn is_named(node: &Node, name: &str) -> bool {
    node.name == name || node.unique_id.as_str() == name
}

fn unknown_model<'a>(name: &str, nodes: impl Iterator<Item = &'a Node>) -> RuleError {
    let names: Vec<&str> = nodes.map(|node| node.name.as_str()).collect();
    let near = nearest(name, names.into_iter()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    RuleError {
        origin: Origin::Settings(vec!["policy".to_owned(), "models".to_owned(), name.to_owned()]),
        message: format!("policy.models.{name}: the project has no model, seed or snapshot of that name{near}"),
    }
}

/// What `meta.slimdiff` of a node and that of its columns says, the last winning.
fn in_meta(node: &Node) -> Result<Vec<ModelRules>, RuleError> {
    let error = |column: Option<&str>, mut keys: Vec<String>, message: String| {
        keys.insert(0, "slimdiff".to_owned());
        let place = column.map_or_else(|| node.name.clone(), |column| format!("{}.{column}", node.name));
        let message = format!("meta.slimdiff of {place}: {message}");
        let column = column.map(str::to_owned);
        RuleError { origin: Origin::Meta { node: node.unique_id.clone(), column, keys }, message }
    };
    let mut layers = Vec::new();
    if let Some(mut ours) = ours(&node.meta, node.config.get("meta")) {
        if let Json::Object(map) = &mut ours {
            map.retain(|key, _| !OTHERS.contains(&key.as_str()));
        }
        let rules: ModelRules = read(&ours).map_err(|(keys, message)| error(None, keys, message))?;
        rules.validate().map_err(|(keys, message)| error(None, keys, message))?;
        layers.push(rules);
    }
    let mut columns = BTreeMap::new();
    for column in node.columns.values() {
        let Some(ours) = ours(&column.meta, column.config.get("meta")) else { continue };
        let rules: ColumnRules = read(&ours).map_err(|(keys, message)| error(Some(&column.name), keys, message))?;
        rules.validate().map_err(|(key, message)| error(Some(&column.name), vec![key], message))?;
        columns.insert(column.name.clone(), rules);
    }
    if !columns.is_empty() {
        layers.push(ModelRules { columns, ..ModelRules::default() });
    }
    Ok(layers)
}

fn ours(meta: &JsonMap, in_config: Option<&Json>) -> Option<Json> {
    let ours = meta.get("slimdiff").or_else(|| in_config?.get("slimdiff"));
    ours.filter(|ours| !ours.is_null()).cloned()
}

/// Reads a value; of an error the keys below which it is.
pub(super) fn read<T: serde::de::DeserializeOwned>(json: &Json) -> Result<T, (Vec<String>, String)> {
    serde_json::from_value(json.clone()).map_err(|error| (culprit::<T>(json, &error.to_string()), error.to_string()))
}

/// The keys below which that is what `message` complains of: without it, another message comes, or none.
fn culprit<T: serde::de::DeserializeOwned>(json: &Json, message: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        let at = |json: &Json| keys.iter().try_fold(json.clone(), |json, key| json.get(key).cloned());
        let Some(Json::Object(map)) = at(json) else { return keys };
        let is_to_blame = |key: &&String| {
            let mut without = json.clone();
            let parent = keys.iter().try_fold(&mut without, |json, key| json.get_mut(key));
            if let Some(Json::Object(map)) = parent {
                map.remove(key.as_str());
            }
            serde_json::from_value::<T>(without).map_or_else(|error| error.to_string() != message, |_| true)
        };
        let Some(key) = map.keys().find(is_to_blame).cloned() else { return keys };
        keys.push(key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Origin, Policy, Rules, Thresholds};
    use crate::config::Align;
    use crate::model::{Detail, Manifest, Node, ResourceType, node::ColumnInfo};

    fn manifest(meta: &serde_json::Value, of_amount: &serde_json::Value) -> Manifest {
        let mut node = Node::new("model.shop.orders", ResourceType::Model, Detail::Model(Box::default()));
        node.name = "orders".to_owned();
        node.meta.insert("slimdiff".to_owned(), meta.clone());
        let mut amount = ColumnInfo { name: "Amount".to_owned(), ..ColumnInfo::default() };
        if !of_amount.is_null() {
            amount.meta.insert("slimdiff".to_owned(), of_amount.clone());
        }
        node.columns.insert("Amount".to_owned(), amount);
        let mut manifest = Manifest::default();
        manifest.nodes.insert(node.unique_id.clone(), node);
        manifest
    }

    fn policy(models: serde_json::Value) -> Policy {
        let policy = Policy { psi: Some(0.25), ..Policy::default() };
        Policy { models: serde_json::from_value(models).unwrap(), ..policy }
    }

    #[test]
    fn a_column_wins_over_its_model_and_slimdiff_yml_over_meta() {
        let meta = json!({"key": "id", "psi": 0.1, "ks": 0.2, "where": "a", "columns": {"b": {"ks": 0.3}}});
        let settings =
            json!({"orders": {"ks": null, "js": 0.4, "align": "event_time", "columns": {"amount": {"js": null}}}});
        let rules = Rules::of(&policy(settings), &manifest(&meta, &json!({"psi": 0.5, "js": 0.9}))).unwrap();
        let orders = rules.model(&"model.shop.orders".into());
        assert_eq!((orders.filter.as_deref(), orders.align), (Some("a"), Align::EventTime));
        let base =
            Thresholds { null_rate_increase: Some(0.05), psi: Some(0.1), js: Some(0.4), ..Thresholds::default() };
        assert_eq!(*orders.column("other"), base);
        assert_eq!(*orders.column("B"), Thresholds { ks: Some(0.3), ..base });
        assert_eq!(*orders.column("AMOUNT"), Thresholds { psi: Some(0.5), js: None, ..base });
        assert!(orders.needs_drift() && !orders.needs_profile());
        assert_eq!(rules.model(&"model.shop.others".into()).column("x").psi, Some(0.25));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        let wrong = |policy: &Policy, meta, column| {
            let error = Rules::of(policy, &manifest(&meta, &column)).unwrap_err();
            let keys = match error.origin {
                Origin::Settings(keys) => keys,
                Origin::Meta { column, keys, .. } => [vec![column.unwrap_or_default()], keys].concat(),
            };
            (keys.join("/"), error.message)
        };
        let default = Policy::default();
        let (keys, message) = wrong(&default, json!({"key": "id", "psii": 1}), json!(null));
        assert_eq!(keys, "/slimdiff/psii");
        assert!(message.starts_with("meta.slimdiff of orders: unknown field `psii`"), "{message}");
        let (keys, _) = wrong(&default, json!({"psi": 1, "columns": {"a": {"ks": "x"}, "b": {}}}), json!(null));
        assert_eq!(keys, "/slimdiff/columns/a/ks");
        assert_eq!(wrong(&default, json!({"columns": {"a": {"ks": 2}}}), json!(null)).0, "/slimdiff/columns/a/ks");
        let (keys, message) = wrong(&default, json!({}), json!({"where": "x"}));
        assert_eq!(keys, "Amount/slimdiff/where");
        assert!(message.contains("orders.Amount"), "{message}");
        let (keys, message) = wrong(&policy(json!({"ordrs": {}})), json!({}), json!(null));
        assert_eq!(keys, "policy/models/ordrs");
        assert!(message.ends_with("did you mean orders?"), "{message}");
    }
}
