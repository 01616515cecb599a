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

impl Thresholds {
    /// Each by its name.
    fn named(&self) -> [(&'static str, Option<f64>); 5] {
        let Self { null_rate_increase, psi, ks, js, distinct_change } = *self;
        [
            ("null_rate_increase", null_rate_increase),
            ("psi", psi),
            ("ks", ks),
            ("js", js),
            ("distinct_change", distinct_change),
        ]
    }

    /// The first that cannot have the value it has, with what is wrong with it.
    pub(super) fn validate(&self) -> Result<(), (&'static str, String)> {
        for (name, limit) in self.named() {
            in_range(name, limit).map_err(|message| (name, message))?;
        }
        Ok(())
    }
}

impl Policy {
    /// The thresholds of all models.
    pub(super) fn thresholds(&self) -> Thresholds {
        Thresholds {
            null_rate_increase: self.null_rate_increase,
            psi: self.psi,
            ks: self.ks,
            js: self.js,
            distinct_change: self.distinct_change,
        }
    }
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
    /// Whether that was said of this model, not of all.
    pub align_is_own: bool,
    /// The column that tells how old a row is.
    pub event_time: Option<String>,
    thresholds: Thresholds,
    /// By name.
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
    /// A key that is unknown, a threshold out of range, a condition of which `is_condition` says why it is none, a model that
    /// the project does not have, or of which the policy speaks twice.
    pub fn of(
        policy: &Policy,
        manifest: &Manifest,
        is_condition: impl Fn(&str) -> Result<(), &'static str>,
    ) -> Result<Self, RuleError> {
        let others = OfModel { align: policy.align, thresholds: policy.thresholds(), ..OfModel::default() };
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
            said_once(node, policy)?;
            conditions(node, policy, &layers, &is_condition)?;
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
    /// What holds for a column: what is said under its very name, else under one of another case that no column has.
    pub fn column(&self, name: &str, is_column: impl Fn(&str) -> bool) -> &Thresholds {
        let lower = name.to_lowercase();
        let alike = || self.columns.iter().find(|(other, _)| other.to_lowercase() == lower && !is_column(other));
        self.columns.get(name).or_else(|| alike().map(|(_, of)| of)).unwrap_or(&self.thresholds)
    }

    /// Columns that have thresholds of their own.
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
            of.align_is_own |= layer.align.is_some();
            of.event_time = layer.event_time.clone().or(of.event_time);
            layer.thresholds().apply(&mut of.thresholds);
        }
        let columns = layers.iter().flat_map(|layer| &layer.columns);
        for (name, rules) in columns {
            // Of two that differ in case alone, the one is what the other adds to, unless they are of one place.
            let known =
                of.columns.keys().find(|known| known.eq_ignore_ascii_case(name) && !is_twice(layers, known, name));
            let name = known.unwrap_or(name).clone();
            let known = of.columns.entry(name).or_insert(of.thresholds);
            rules.apply(known);
        }
        of
    }
}

/// Whether one place speaks of both columns.
fn is_twice(layers: &[ModelRules], one: &str, other: &str) -> bool {
    one != other && layers.iter().any(|layer| layer.columns.contains_key(one) && layer.columns.contains_key(other))
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
        let mut set = Thresholds::default();
        self.apply(&mut set);
        set.validate().map_err(|(name, message)| (name.to_owned(), format!("{name} {message}")))
    }
}

/// Whether a threshold of this name can have this value.
fn in_range(name: &str, limit: Option<f64>) -> Result<(), String> {
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

fn in_settings(name: &str, more: &[&str]) -> Origin {
    Origin::Settings(["policy", "models", name].iter().chain(more).map(|key| (*key).to_owned()).collect())
}

/// A model's rules stand under its name or under its unique id.
fn said_once(node: &Node, policy: &Policy) -> Result<(), RuleError> {
    let names: Vec<&String> = policy.models.keys().filter(|name| is_named(node, name)).collect();
    match names.as_slice() {
        [one, other, ..] => Err(RuleError {
            origin: in_settings(other, &[]),
            message: format!("policy.models has {one} and {other}, which are the same model; write its rules once"),
        }),
        _ => Ok(()),
    }
}

/// What is wrong with a condition on the rows of a model.
fn conditions(
    node: &Node,
    policy: &Policy,
    layers: &[ModelRules],
    is_condition: impl Fn(&str) -> Result<(), &'static str>,
) -> Result<(), RuleError> {
    let wrong = |rules: &ModelRules| {
        let condition = rules.r#where.as_deref()?;
        is_condition(condition).err().map(|why| format!("where: `{condition}` is no condition of its own: {why}"))
    };
    for (name, rules) in policy.models.iter().filter(|(name, _)| is_named(node, name)) {
        if let Some(why) = wrong(rules) {
            let message = format!("policy.models.{name}: {why}");
            return Err(RuleError { origin: in_settings(name, &["where"]), message });
        }
    }
    match layers.iter().find_map(wrong) {
        Some(why) => {
            let keys = vec!["slimdiff".to_owned(), "where".to_owned()];
            let origin = Origin::Meta { node: node.unique_id.clone(), column: None, keys };
            Err(RuleError { origin, message: format!("meta.slimdiff of {}: {why}", node.name) })
        }
        None => Ok(()),
    }
}

fn unknown_model<'a>(name: &str, nodes: impl Iterator<Item = &'a Node>) -> RuleError {
    let names: Vec<&str> = nodes.map(|node| node.name.as_str()).collect();
    let near = nearest(name, names.into_iter()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    RuleError {
        origin: in_settings(name, &[]),
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
    serde_json::from_value(json.clone())
        .map_err(|error| (culprit::<T>(json, &error.to_string()), in_words(&error.to_string())))
}

/// An error of reading without the names that our code has for what it reads.
fn in_words(message: &str) -> String {
    let mut message = message.to_owned();
    if let Some(at) = message.find(", expected struct ") {
        message.truncate(at);
        message.push_str(", expected keys with values below it");
    }
    for (ours, plain) in [
        ("expected a map", "expected keys with values below it"),
        ("expected a sequence", "expected a list"),
        ("expected a boolean", "expected true or false"),
        ("expected f64", "expected a number"),
        ("expected usize", "expected a whole number that is not negative"),
        ("expected u64", "expected a whole number that is not negative"),
        ("expected string or map", "expected one of the words for it"),
        ("expected a string", "expected a text"),
        ("invalid type: map", "here are keys with values"),
        ("invalid type: sequence", "here is a list"),
        ("invalid type: null", "here is nothing"),
        ("invalid type: ", "here is the "),
        ("invalid value: ", "here is the "),
        ("floating point `", "number `"),
        ("unknown field", "unknown key"),
        ("unknown variant", "unknown word"),
    ] {
        message = message.replace(ours, plain);
    }
    message
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
        let rules =
            Rules::of(&policy(settings), &manifest(&meta, &json!({"psi": 0.5, "js": 0.9})), |_| Ok(())).unwrap();
        let orders = rules.model(&"model.shop.orders".into());
        assert_eq!((orders.filter.as_deref(), orders.align), (Some("a"), Align::EventTime));
        let base =
            Thresholds { null_rate_increase: Some(0.05), psi: Some(0.1), js: Some(0.4), ..Thresholds::default() };
        assert_eq!(*orders.column("other", |_| false), base);
        assert_eq!(*orders.column("B", |_| false), Thresholds { ks: Some(0.3), ..base });
        assert_eq!(*orders.column("AMOUNT", |_| false), Thresholds { psi: Some(0.5), js: None, ..base });
        assert!(orders.needs_drift() && !orders.needs_profile());
        assert_eq!(rules.model(&"model.shop.others".into()).column("x", |_| false).psi, Some(0.25));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        let wrong = |policy: &Policy, meta, column| {
            let error = Rules::of(policy, &manifest(&meta, &column), |_| Ok(())).unwrap_err();
            let keys = match error.origin {
                Origin::Settings(keys) => keys,
                Origin::Meta { column, keys, .. } => [vec![column.unwrap_or_default()], keys].concat(),
            };
            (keys.join("/"), error.message)
        };
        let default = Policy::default();
        let (keys, message) = wrong(&default, json!({"key": "id", "psii": 1}), json!(null));
        assert_eq!(keys, "/slimdiff/psii");
        assert!(message.starts_with("meta.slimdiff of orders: unknown key `psii`"), "{message}");
        let (keys, _) = wrong(&default, json!({"psi": 1, "columns": {"a": {"ks": "x"}, "b": {}}}), json!(null));
        assert_eq!(keys, "/slimdiff/columns/a/ks");
        assert_eq!(wrong(&default, json!({"columns": {"a": {"ks": 2}}}), json!(null)).0, "/slimdiff/columns/a/ks");
        let (keys, message) = wrong(&default, json!({}), json!({"where": "x"}));
        assert_eq!(keys, "Amount/slimdiff/where");
        assert!(message.contains("orders.Amount"), "{message}");
        let twice = json!({"orders": {}, "model.shop.orders": {}});
        let (keys, message) = wrong(&policy(twice), json!({}), json!(null));
        assert_eq!(keys, "policy/models/orders");
        assert!(message.contains("has model.shop.orders and orders, which are the same model"), "{message}");
        let (_, message) = super::read::<super::ModelRules>(&json!({"columns": 5})).unwrap_err();
        assert_eq!(message, "here is the integer `5`, expected keys with values below it");
        let (keys, message) = wrong(&policy(json!({"ordrs": {}})), json!({}), json!(null));
        assert_eq!(keys, "policy/models/ordrs");
        assert!(message.ends_with("did you mean orders?"), "{message}");
    }
}
