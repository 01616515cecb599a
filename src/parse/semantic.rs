//! Semantic models, metrics and saved queries, in dbt's JSON.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::config::{Rules, Sources, listed};
use super::context::Context;
use super::node::take;
use super::other::{identity, named_fqn, node};
use super::properties::{Entry, Properties};
use crate::jinja::{Capture, NodeScope};
use crate::model::{Code, Detail, Diagnostic, JsonMap, Node, NodeId, NodeMap, ResourceType, nearest};

type Built = Result<Node, Box<Diagnostic>>;

/// Every resource of the semantic layer, with its entry.
pub(super) fn build<'f>(properties: &Properties<'f>, context: &Context<'_>) -> Vec<(Entry<'f>, Built)> {
    let mut all: Vec<(Entry<'f>, Built)> = Vec::new();
    let mut measures: HashMap<String, NodeId> = HashMap::new();
    let mut of_measures: HashMap<String, NodeId> = HashMap::new();
    for entry in &properties.semantic_models {
        let built = semantic_model(entry, context);
        if let Ok(node) = &built {
            for (name, metric) in created(entry, node, context) {
                of_measures.insert(name, metric.unique_id.clone());
                all.push((*entry, Ok(metric)));
            }
            for name in names(&entry.written(), "measures") {
                measures.insert(name, node.unique_id.clone());
            }
        }
        all.push((*entry, built));
    }
    let metrics: HashMap<&str, Metric<'f>> = properties
        .metrics
        .iter()
        .map(|entry| (entry.name, Metric { entry: *entry, written: entry.written() }))
        .collect();
    let catalogue = Catalogue { measures, metrics, of_measures };
    for entry in &properties.metrics {
        all.push((*entry, metric(entry, &catalogue, context)));
    }
    for entry in &properties.saved_queries {
        all.push((*entry, saved_query(entry, &catalogue, context)));
    }
    all
}

/// Which semantic model has a measure, and every metric as written.
struct Catalogue<'f> {
    measures: HashMap<String, NodeId>,
    metrics: HashMap<&'f str, Metric<'f>>,
    /// Metrics that stand for a measure of the same name.
    of_measures: HashMap<String, NodeId>,
}

struct Metric<'f> {
    entry: Entry<'f>,
    written: JsonMap,
}

impl Metric<'_> {
    fn id(&self) -> NodeId {
        format!("metric.{}.{}", self.entry.file.package.name, self.entry.name).into()
    }
}

fn names(entry: &JsonMap, key: &str) -> Vec<String> {
    let items = entry.get(key).map(listed).unwrap_or_default();
    items.iter().filter_map(|item| item.get("name")?.as_str().map(str::to_owned)).collect()
}

/// The entry with description, label and configuration rendered; expressions and filters are templates of another
/// engine.
fn half_rendered(entry: &Entry<'_>, context: &Context<'_>) -> Result<JsonMap, Box<Diagnostic>> {
    entry.render_only(context, &["description", "label", "config", "meta", "group", "tags"])
}

/// `value` with every key of `defaults` that it lacks; other keys are dropped.
fn shaped(value: &Json, defaults: Json) -> Json {
    let mut whole = defaults;
    if let Some(map) = whole.as_object_mut() {
        for (key, slot) in map.iter_mut() {
            if let Some(given) = value.get(key).filter(|given| !given.is_null()) {
                *slot = given.clone();
            }
        }
    }
    whole
}

fn text_of(value: &Json) -> Json {
    match value {
        Json::Number(_) | Json::Bool(_) => Json::String(super::python_text::str(value)),
        other => other.clone(),
    }
}

/// An element of a semantic model: dbt's keys with an expression that is text, and its `meta` over the model's.
fn element(value: &Json, defaults: Json, of_model: &JsonMap) -> Json {
    let mut whole = shaped(value, defaults);
    whole["expr"] = text_of(&whole["expr"]);
    let mut meta = of_model.clone();
    let own = value.get("config").and_then(|config| config.get("meta")).and_then(Json::as_object);
    meta.extend(own.cloned().unwrap_or_default());
    whole["config"] = json!({"meta": meta});
    whole
}

fn config(
    entry: &Entry<'_>,
    rendered: &JsonMap,
    tree: &str,
    fqn: &[String],
    context: &Context<'_>,
    defaults: &Json,
) -> (JsonMap, JsonMap) {
    let mut patch = rendered.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    for key in ["meta", "group"] {
        if let Some(value) = rendered.get(key).filter(|value| !value.is_null()) {
            patch.entry(key).or_insert_with(|| value.clone());
        }
    }
    let none = JsonMap::new();
    let layers = Sources {
        tree,
        own: entry.file.package,
        root: context.root(),
        fqn,
        patch: Some(&patch),
        in_file: &none,
        rules: Rules::Replace,
    };
    let mut whole = defaults.as_object().cloned().unwrap_or_default();
    whole.extend(layers.merged());
    (whole, layers.unrendered())
}

/// The parts that all three kinds share.
struct Common {
    unique_id: String,
    fqn: Vec<String>,
    rendered: JsonMap,
    config: JsonMap,
    json: JsonMap,
}

fn common(
    entry: &Entry<'_>,
    kind: ResourceType,
    tree: &str,
    defaults: &Json,
    context: &Context<'_>,
) -> Result<Common, Box<Diagnostic>> {
    let rendered = half_rendered(entry, context)?;
    let unique_id = format!("{}.{}.{}", kind.as_str(), entry.file.package.name, entry.name);
    let fqn = named_fqn(entry);
    let (config, unrendered) = config(entry, &rendered, tree, &fqn, context, defaults);
    let mut json = identity(entry, kind, &unique_id);
    json.insert("fqn".to_owned(), json!(fqn));
    for key in ["description", "label"] {
        json.insert(key.to_owned(), rendered.get(key).cloned().unwrap_or(Json::Null));
    }
    if kind == ResourceType::Metric && json.get("description").is_some_and(Json::is_null) {
        json.insert("description".to_owned(), Json::String(String::new()));
    }
    json.insert("metadata".to_owned(), Json::Null);
    json.insert("config".to_owned(), Json::Object(config.clone()));
    json.insert("unrendered_config".to_owned(), Json::Object(unrendered));
    json.insert("group".to_owned(), config.get("group").cloned().unwrap_or(Json::Null));
    json.insert("refs".to_owned(), json!([]));
    json.insert("depends_on".to_owned(), json!({"macros": [], "nodes": []}));
    Ok(Common { unique_id, fqn, rendered, config, json })
}

fn semantic_model(entry: &Entry<'_>, context: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
    let defaults = json!({"enabled": true, "group": null, "meta": {}});
    let Common { unique_id, fqn, rendered, config, mut json } =
        common(entry, ResourceType::SemanticModel, "semantic-models", &defaults, context)?;
    let Some(model) = rendered.get("model").and_then(Json::as_str) else {
        let message = format!("semantic model `{}` names no `model:`", entry.name);
        return Err(Box::new(entry.complaint(Code::InvalidProperty, message)));
    };
    let items = |key: &str| rendered.get(key).map(listed).unwrap_or_default();
    let meta = config.get("meta").and_then(Json::as_object).cloned().unwrap_or_default();
    let entities: Vec<Json> = items("entities")
        .iter()
        .map(|item| {
            let keys =
                json!({"name": null, "type": null, "description": null, "label": null, "role": null, "expr": null});
            element(item, keys, &meta)
        })
        .collect();
    json.insert("model".to_owned(), json!(model));
    json.insert("node_relation".to_owned(), Json::Null);
    json.insert("defaults".to_owned(), rendered.get("defaults").cloned().unwrap_or(Json::Null));
    json.insert("entities".to_owned(), Json::Array(entities));
    json.insert("measures".to_owned(), items("measures").iter().map(|item| measure(item, &meta)).collect());
    json.insert("dimensions".to_owned(), items("dimensions").iter().map(|item| dimension(item, &meta)).collect());
    json.insert("primary_entity".to_owned(), rendered.get("primary_entity").cloned().unwrap_or(Json::Null));
    let mut node = node(entry, ResourceType::SemanticModel, unique_id, fqn, json);
    let scope = NodeScope {
        package: entry.file.package.name.clone(),
        path: entry.file.shown.clone(),
        first_line: entry.node.line,
        ..NodeScope::default()
    };
    let capture = context.renderer.parse(&format!("{{{{ {model} }}}}"), &scope)?.capture;
    take(&mut node, Capture { macros: Vec::new(), config: JsonMap::new(), ..capture });
    Ok(node)
}

fn measure(item: &Json, of_model: &JsonMap) -> Json {
    let mut whole = element(
        item,
        json!({
            "name": null, "agg": null, "description": null, "label": null, "create_metric": false, "expr": null,
            "agg_params": null, "non_additive_dimension": null, "agg_time_dimension": null,
        }),
        of_model,
    );
    // It has served: the metric is there.
    whole["create_metric"] = Json::Bool(false);
    if !whole["agg_params"].is_null() {
        let defaults =
            json!({"percentile": null, "use_discrete_percentile": false, "use_approximate_percentile": false});
        whole["agg_params"] = shaped(&whole["agg_params"], defaults);
    }
    if !whole["non_additive_dimension"].is_null() {
        let defaults = json!({"name": null, "window_choice": "min", "window_groupings": []});
        whole["non_additive_dimension"] = shaped(&whole["non_additive_dimension"], defaults);
    }
    whole
}

fn dimension(item: &Json, of_model: &JsonMap) -> Json {
    let mut whole = element(
        item,
        json!({
            "name": null, "type": null, "description": null, "label": null, "is_partition": false,
            "type_params": null, "expr": null, "metadata": null,
        }),
        of_model,
    );
    if !whole["type_params"].is_null() {
        let mut params = shaped(&whole["type_params"], json!({"time_granularity": null, "validity_params": null}));
        if !params["validity_params"].is_null() {
            params["validity_params"] = shaped(&params["validity_params"], json!({"is_start": false, "is_end": false}));
        }
        whole["type_params"] = params;
    }
    whole
}

/// A filter is a template or several.
fn filter(value: Option<&Json>) -> Json {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Json::Null };
    let filters: Vec<Json> = listed(value).iter().map(|template| json!({"where_sql_template": template})).collect();
    json!({"where_filters": filters})
}

fn input_measure(value: &Json) -> Json {
    if value.is_null() {
        return Json::Null;
    }
    let named = if value.is_string() { json!({"name": value}) } else { value.clone() };
    let defaults =
        json!({"name": null, "filter": null, "alias": null, "join_to_timespine": false, "fill_nulls_with": null});
    let mut whole = shaped(&named, defaults);
    whole["filter"] = filter(named.get("filter"));
    whole
}

fn input_metric(value: &Json) -> Json {
    if value.is_null() {
        return Json::Null;
    }
    let named = if value.is_string() { json!({"name": value}) } else { value.clone() };
    let defaults = json!({"name": null, "filter": null, "alias": null, "offset_window": null, "offset_to_grain": null});
    let mut whole = shaped(&named, defaults);
    whole["filter"] = filter(named.get("filter"));
    whole["offset_window"] = window(&whole["offset_window"]);
    whole
}

/// `7 days` is a count and a granularity in the singular.
fn window(value: &Json) -> Json {
    let Some(text) = value.as_str() else { return value.clone() };
    let mut words = text.split_whitespace();
    let (Some(count), Some(grain)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next()) else {
        return value.clone();
    };
    let grain = grain.to_lowercase();
    json!({"count": count, "granularity": grain.strip_suffix('s').unwrap_or(&grain)})
}

fn metric(entry: &Entry<'_>, catalogue: &Catalogue<'_>, context: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
    let defaults = json!({"enabled": true, "group": null, "meta": {}});
    let Common { unique_id, fqn, rendered, config, mut json } =
        common(entry, ResourceType::Metric, "metrics", &defaults, context)?;
    let kind = rendered.get("type").and_then(Json::as_str).unwrap_or_default().to_owned();
    let given = rendered.get("type_params").cloned().unwrap_or_else(|| json!({}));
    let part = |key: &str| given.get(key).cloned().unwrap_or(Json::Null);
    let cumulative = (kind == "cumulative").then(|| cumulative(&given));
    let params = json!({
        "measure": input_measure(&part("measure")),
        "input_measures": catalogue.input_measures(&rendered, 0),
        "numerator": input_metric(&part("numerator")),
        "denominator": input_metric(&part("denominator")),
        "expr": text_of(&part("expr")),
        "window": window(&part("window")),
        "grain_to_date": part("grain_to_date"),
        "metrics": listed(&part("metrics")).iter().map(input_metric).collect::<Vec<_>>(),
        "conversion_type_params": conversion(&part("conversion_type_params")),
        "cumulative_type_params": cumulative,
        "metric_aggregation_params": null,
    });
    let tags = super::config::texts(rendered.get("tags"));
    json.insert("type".to_owned(), json!(kind));
    json.insert("type_params".to_owned(), params);
    json.insert("filter".to_owned(), filter(rendered.get("filter")));
    json.insert("time_granularity".to_owned(), rendered.get("time_granularity").cloned().unwrap_or(Json::Null));
    json.insert("meta".to_owned(), config.get("meta").cloned().unwrap_or_else(|| json!({})));
    json.insert("tags".to_owned(), json!(tags));
    json.insert("sources".to_owned(), json!([]));
    json.insert("metrics".to_owned(), json!([]));
    let mut node = node(entry, ResourceType::Metric, unique_id, fqn, json);
    node.tags = tags;
    node.depends_on.nodes = catalogue.parents(&rendered);
    catalogue.check(entry, &rendered)?;
    Ok(node)
}

fn cumulative(given: &Json) -> Json {
    let inner = given.get("cumulative_type_params").cloned().unwrap_or_else(|| json!({}));
    let part = |key: &str| {
        let own = inner.get(key).filter(|value| !value.is_null());
        own.or_else(|| given.get(key)).cloned().unwrap_or(Json::Null)
    };
    json!({
        "window": window(&part("window")),
        "grain_to_date": part("grain_to_date"),
        "period_agg": inner.get("period_agg").cloned().unwrap_or_else(|| json!("first")),
        "metric": input_metric(&inner.get("metric").cloned().unwrap_or(Json::Null)),
    })
}

fn conversion(given: &Json) -> Json {
    if given.is_null() {
        return Json::Null;
    }
    let defaults = json!({
        "entity": null, "calculation": "conversion_rate", "base_measure": null, "conversion_measure": null,
        "base_metric": null, "conversion_metric": null, "window": null, "constant_properties": null,
    });
    let mut whole = shaped(given, defaults);
    for key in ["base_measure", "conversion_measure"] {
        whole[key] = input_measure(&whole[key]);
    }
    whole["window"] = window(&whole["window"]);
    if let Some(map) = whole.as_object_mut() {
        map.retain(|key, value| !(matches!(key.as_str(), "base_metric" | "conversion_metric") && value.is_null()));
    }
    whole
}

/// The metrics that measures with `create_metric: true` stand for.
fn created(entry: &Entry<'_>, model: &Node, context: &Context<'_>) -> Vec<(String, Node)> {
    let Detail::Other(json) = &model.detail else { return Vec::new() };
    let measures = json.get("measures").map(listed).unwrap_or_default();
    let is_wanted = |item: &Json| item.get("create_metric").and_then(Json::as_bool) == Some(true);
    let written = entry.written().get("measures").map(listed).unwrap_or_default();
    let wanted = measures.iter().zip(&written).filter(|(_, written)| is_wanted(written));
    wanted
        .filter_map(|(measure, _)| {
            let name = measure.get("name")?.as_str()?.to_owned();
            Some((name.clone(), metric_of_measure(entry, &name, measure, &model.unique_id, context)))
        })
        .collect()
}

fn metric_of_measure(entry: &Entry<'_>, name: &str, measure: &Json, model: &NodeId, context: &Context<'_>) -> Node {
    let mut fqn = named_fqn(entry);
    fqn.pop();
    fqn.push(name.to_owned());
    let unique_id = format!("metric.{}.{name}", entry.file.package.name);
    let patch = json!({"meta": measure["config"]["meta"], "enabled": true}).as_object().cloned().unwrap_or_default();
    let none = JsonMap::new();
    let layers = Sources {
        tree: "metrics",
        own: entry.file.package,
        root: context.root(),
        fqn: &fqn,
        patch: Some(&patch),
        in_file: &none,
        rules: Rules::Replace,
    };
    let mut config = json!({"enabled": true, "group": null, "meta": {}}).as_object().cloned().unwrap_or_default();
    config.extend(layers.merged());
    let text = |key: &str, default: String| measure[key].as_str().map_or(default, str::to_owned);
    let input = input_measure(&json!(name));
    let mut json = identity(entry, ResourceType::Metric, &unique_id);
    let rest = json!({
        "name": name, "fqn": fqn, "type": "simple", "label": text("label", name.to_owned()),
        "description": text("description", format!("Metric created from measure {name}")),
        "type_params": {
            "measure": input, "input_measures": [input], "numerator": null, "denominator": null,
            "expr": text("expr", name.to_owned()), "window": null, "grain_to_date": null, "metrics": [],
            "conversion_type_params": null, "cumulative_type_params": null, "metric_aggregation_params": null,
        },
        "filter": null, "metadata": null, "time_granularity": null, "meta": config.get("meta"), "tags": [],
        "config": config, "unrendered_config": layers.unrendered(), "sources": [], "metrics": [], "refs": [],
        "depends_on": {"macros": [], "nodes": []}, "group": null,
    });
    json.extend(rest.as_object().cloned().unwrap_or_default());
    let mut node = node(entry, ResourceType::Metric, unique_id, fqn, json);
    name.clone_into(&mut node.name);
    name.clone_into(&mut node.alias);
    node.depends_on.nodes = vec![model.clone()];
    node
}

impl Catalogue<'_> {
    /// The metric of this name.
    fn id(&self, name: &str) -> Option<NodeId> {
        self.metrics.get(name).map(Metric::id).or_else(|| self.of_measures.get(name).cloned())
    }

    /// The measures below a metric, each once.
    fn input_measures(&self, written: &JsonMap, depth: usize) -> Vec<Json> {
        let mut all: Vec<Json> = Vec::new();
        if depth > 50 {
            return all;
        }
        for measure in own_measures(written) {
            let measure = input_measure(&measure);
            if !all.contains(&measure) {
                all.push(measure);
            }
        }
        for name in metric_names(written) {
            let below = match self.metrics.get(name.as_str()) {
                Some(metric) => self.input_measures(&metric.written, depth + 1),
                None if self.of_measures.contains_key(&name) => vec![input_measure(&json!(name))],
                None => continue,
            };
            for measure in below {
                if !all.contains(&measure) {
                    all.push(measure);
                }
            }
        }
        all
    }

    /// Every measure and metric that a metric names exists.
    fn check(&self, entry: &Entry<'_>, written: &JsonMap) -> Result<(), Box<Diagnostic>> {
        let measures = own_measures(written);
        let measures = measures.iter().filter_map(|m| m.as_str().or_else(|| m.get("name")?.as_str()));
        let unknown_measure = measures.map(str::to_owned).find(|name| !self.measures.contains_key(name));
        let unknown_metric = || {
            metric_names(written).into_iter().find(|name| {
                // A measure with `create_metric` is a metric too.
                !self.metrics.contains_key(name.as_str()) && !self.measures.contains_key(name)
            })
        };
        let (kind, name, near) = match unknown_measure {
            Some(name) => {
                let near = nearest(&name, self.measures.keys().map(String::as_str)).map(str::to_owned);
                ("measure", name, near)
            }
            None => match unknown_metric() {
                Some(name) => {
                    let near = nearest(&name, self.metrics.keys().copied()).map(str::to_owned);
                    ("metric", name, near)
                }
                None => return Ok(()),
            },
        };
        let message = format!("metric `{}` is made of {kind} `{name}`, which does not exist", entry.name);
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if kind == "measure" => "measures are declared below `measures:` of a semantic model".to_owned(),
            None => "declare it below `metrics:`".to_owned(),
        };
        let place = entry.node.get("type_params").unwrap_or(entry.node);
        Err(Box::new(entry.file.complaint(place, Code::UnknownRef, message).hint(hint)))
    }

    /// The semantic models of a metric's own measures, and the metrics it is made of.
    fn parents(&self, written: &JsonMap) -> Vec<NodeId> {
        let of_measures = own_measures(written);
        let measures = of_measures
            .iter()
            .filter_map(|measure| measure.as_str().or_else(|| measure.get("name")?.as_str()))
            .filter_map(|name| self.measures.get(name).cloned());
        let metrics = metric_names(written);
        let metrics = metrics.iter().filter_map(|name| self.id(name));
        let mut all: Vec<NodeId> = Vec::new();
        for id in measures.chain(metrics) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }
}

fn own_measures(written: &JsonMap) -> Vec<Json> {
    let Some(params) = written.get("type_params") else { return Vec::new() };
    let conversion = params.get("conversion_type_params");
    let parts = [
        params.get("measure"),
        conversion.and_then(|conversion| conversion.get("base_measure")),
        conversion.and_then(|conversion| conversion.get("conversion_measure")),
    ];
    parts.into_iter().flatten().filter(|measure| !measure.is_null()).cloned().collect()
}

fn metric_names(written: &JsonMap) -> Vec<String> {
    let Some(params) = written.get("type_params") else { return Vec::new() };
    let mut inputs: Vec<Json> =
        [params.get("numerator"), params.get("denominator")].into_iter().flatten().cloned().collect();
    inputs.extend(params.get("metrics").map(listed).unwrap_or_default());
    let cumulative = params.get("cumulative_type_params").and_then(|params| params.get("metric"));
    inputs.extend(cumulative.cloned());
    inputs
        .iter()
        .filter_map(|input| input.as_str().or_else(|| input.get("name")?.as_str()))
        .map(str::to_owned)
        .collect()
}

fn saved_query(entry: &Entry<'_>, catalogue: &Catalogue<'_>, context: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
    let defaults = json!({"enabled": true, "group": null, "meta": {}, "export_as": null, "schema": null, "cache": {"enabled": false}});
    let Common { unique_id, fqn, rendered, config, mut json } =
        common(entry, ResourceType::SavedQuery, "saved-queries", &defaults, context)?;
    let given = rendered.get("query_params").cloned().unwrap_or_else(|| json!({}));
    let list = |key: &str| given.get(key).map(listed).unwrap_or_default();
    let metrics = list("metrics");
    let exports: Vec<Json> = rendered
        .get("exports")
        .map(listed)
        .unwrap_or_default()
        .iter()
        .map(|written| export(written, &config, context))
        .collect();
    let tags = super::config::texts(rendered.get("tags").or_else(|| config.get("tags")));
    json.insert(
        "query_params".to_owned(),
        json!({
            "metrics": metrics,
            "group_by": list("group_by"),
            "where": filter(given.get("where")),
            "order_by": list("order_by"),
            "limit": given.get("limit"),
        }),
    );
    json.insert("exports".to_owned(), Json::Array(exports));
    json.insert("tags".to_owned(), json!(tags));
    let mut node = node(entry, ResourceType::SavedQuery, unique_id, fqn, json);
    node.depends_on.nodes = metrics.iter().filter_map(|name| catalogue.id(name.as_str()?)).collect();
    Ok(node)
}

fn export(written: &Json, of_query: &JsonMap, context: &Context<'_>) -> Json {
    let name = written.get("name").cloned().unwrap_or(Json::Null);
    let own = written.get("config").cloned().unwrap_or_else(|| json!({}));
    let part = |key: &str| own.get(key).filter(|value| !value.is_null()).cloned();
    let schema = part("schema")
        .or_else(|| part("schema_name"))
        .or_else(|| of_query.get("schema").filter(|s| !s.is_null()).cloned());
    json!({
        "name": name,
        "config": {
            "export_as": part("export_as").or_else(|| of_query.get("export_as").cloned()),
            "schema_name": schema.unwrap_or_else(|| json!(context.options.schema)),
            "alias": part("alias").unwrap_or(name.clone()),
            "database": part("database").unwrap_or_else(|| json!(context.options.database)),
        },
        "unrendered_config": own,
    })
}

/// Copies what resolving found into the JSON, and the place of a semantic model's model.
pub(super) fn finish(nodes: &mut NodeMap<Node>) {
    let places: HashMap<NodeId, Json> = nodes
        .values()
        .filter(|node| node.resource_type == ResourceType::SemanticModel)
        .filter_map(|node| {
            nodes.get(node.depends_on.nodes.first()?).map(|model| (node.unique_id.clone(), place(model)))
        })
        .collect();
    for node in nodes.values_mut() {
        if let Detail::Other(map) = &mut node.detail {
            if let Some(depends_on) = map.get_mut("depends_on") {
                *depends_on = json!({"macros": node.depends_on.macros, "nodes": node.depends_on.nodes});
            }
            if let Some(refs) = map.get_mut("refs") {
                let shown = node.refs.iter();
                let shown = shown.map(|r| json!({"name": r.name, "package": r.package, "version": r.version}));
                *refs = Json::Array(shown.collect());
            }
            if let Some(place) = places.get(&node.unique_id) {
                map.insert("node_relation".to_owned(), place.clone());
            }
        }
    }
}

fn place(model: &Node) -> Json {
    json!({
        "alias": model.alias,
        "schema_name": model.schema,
        "database": model.database,
        "relation_name": model.relation.as_ref().map(ToString::to_string),
    })
}
