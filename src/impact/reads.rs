//! What the semantic layer reads: a semantic model's measures, dimensions and entities are expressions over its model's
//! columns, metrics are made of measures and other metrics, saved queries of metrics and dimensions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::columns::{Carried, Causes, Reads};
use crate::lineage::{Dialect, Schema, of_query};
use crate::model::{Detail, FastHash, JsonMap, Node, NodeId};

/// The semantic models that each metric is made from, through other metrics too.
#[derive(Debug, Default)]
pub(super) struct Elements {
    models: HashMap<NodeId, HashSet<NodeId>>,
}

fn fields(node: &Node) -> Option<&JsonMap> {
    match &node.detail {
        Detail::Other(fields) => Some(fields),
        _ => None,
    }
}

/// A semantic model carries the changes of the columns that its elements name, under the elements' names.
pub(super) fn semantic_model(
    node: &Node,
    carried: &mut HashMap<NodeId, Carried, FastHash>,
    elements: &mut Elements,
) -> Reads {
    elements.models.insert(node.unique_id.clone(), HashSet::from([node.unique_id.clone()]));
    let mut reads = Reads::default();
    let mut own = Carried::default();
    for parent in &node.depends_on.nodes {
        let Some(of_parent) = carried.get(parent) else { continue };
        for kind in ["entities", "dimensions", "measures"] {
            let listed = fields(node).and_then(|fields| fields.get(kind)).and_then(Json::as_array);
            for element in listed.into_iter().flatten() {
                let Some(name) = element.get("name").and_then(Json::as_str) else { continue };
                let mut causes = Causes::new();
                for column in columns_of(element.get("expr").and_then(Json::as_str).unwrap_or(name)) {
                    if let Some((column, found)) = of_parent.columns.get(&column) {
                        reads.add(parent, Some(column), found);
                        causes.extend(found);
                    }
                }
                if !causes.is_empty() {
                    own.add(&Arc::from(name), causes);
                }
            }
        }
        reads.add(parent, None, &of_parent.rows);
        own.rows.extend(&of_parent.rows);
        reads.lose(of_parent.lost.as_ref());
    }
    own.lost.clone_from(&reads.lost);
    let kept = carried.entry(node.unique_id.clone()).or_default();
    for (column, causes) in own.columns.into_values() {
        kept.add(&column, causes);
    }
    kept.rows.extend(own.rows);
    kept.lost = kept.lost.take().or(own.lost);
    reads
}

/// The columns that an expression names, in lower case.
fn columns_of(expression: &str) -> Vec<String> {
    let lineage = of_query(&format!("select {expression} from t"), Dialect::of_adapter(""), &Schema::new());
    let origins = lineage.columns.iter().flat_map(|column| &column.origins);
    origins.map(|origin| origin.column.to_lowercase()).collect()
}

/// A metric reads the measures it is made of, the dimensions that its filters name, and other metrics.
pub(super) fn metric(node: &Node, carried: &HashMap<NodeId, Carried, FastHash>, elements: &mut Elements) -> Reads {
    let text = fields(node).map(|fields| Json::Object(fields.clone()).to_string()).unwrap_or_default();
    made_of(node, &text, carried, elements)
}

/// A saved query reads its metrics and the dimensions that it groups and filters by.
pub(super) fn saved_query(node: &Node, carried: &HashMap<NodeId, Carried, FastHash>, elements: &mut Elements) -> Reads {
    let query = fields(node).and_then(|fields| fields.get("query_params"));
    let text = query.map(ToString::to_string).unwrap_or_default();
    made_of(node, &text, carried, elements)
}

/// Elements of the semantic models below it whose names stand in `text`, and all of the metrics it is made of.
fn made_of(node: &Node, text: &str, carried: &HashMap<NodeId, Carried, FastHash>, elements: &mut Elements) -> Reads {
    let mut reads = Reads::default();
    let mut models: HashSet<NodeId> = HashSet::new();
    for parent in &node.depends_on.nodes {
        if let Some(carried) = carried.get(parent).filter(|_| parent.as_str().starts_with("metric.")) {
            reads.add_all(parent, carried);
        }
        models.extend(elements.models.get(parent).into_iter().flatten().cloned());
    }
    let words: HashSet<String> = words(text);
    for model in &models {
        let Some(carried) = carried.get(model) else { continue };
        for (name, (column, causes)) in &carried.columns {
            if words.contains(name) {
                reads.add(model, Some(column), causes);
            }
        }
        if node.depends_on.nodes.contains(model) {
            reads.add(model, None, &carried.rows);
            reads.lose(carried.lost.as_ref());
        }
    }
    elements.models.insert(node.unique_id.clone(), models);
    reads
}

/// Names in a piece of JSON or Jinja, in lower case; of `order__status`, both parts and the whole.
fn words(text: &str) -> HashSet<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let whole = text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_lowercase);
    whole.flat_map(|word| word.split("__").map(str::to_owned).chain([word.clone()]).collect::<Vec<_>>()).collect()
}
