//! What dbt does not see, found only for those who ask by name: variables, environment variables, materializations,
//! macros that name relations, macros handed on as values, large seeds by content, children of a changed ephemeral.
//!
//! Names are found in the code as written, calls that the node's `depends_on` knows included; so more may be found than
//! a render reads, and never a name that is put together while rendering.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde_json::Value as Json;

use super::StateDiff;
use super::config::text;
use super::diff::Hit;
use super::macros::MacroChanges;
use super::reason::{ENV_VARS, EPHEMERAL, Finding, MATERIALIZATION, NAMING, Reason, SEED_CONTENT, VALUE_MACRO, VARS};
use crate::jinja::{Mention, mentions};
use crate::model::{Change, Inputs, JsonMap, Manifest, Node, NodeId, ResourceType};

/// The macros that name relations, with the part that each gives.
const NAMING_MACROS: &[&str] = &["generate_database_name", "generate_schema_name", "generate_alias_name"];

/// Adds what dbt does not see.
pub(super) fn add(manifests: &Change<&Manifest>, macros: &MacroChanges<'_>, diff: &mut StateDiff) {
    let beyond = Beyond::new(manifests, macros);
    let old = manifests.current.nodes.par_iter().filter(|(id, _)| !diff.added.contains(*id));
    let mut found: Vec<(NodeId, Hit)> = old
        .flat_map_iter(|(id, node)| {
            beyond.of(node).into_iter().map(|(reason, finding)| (id.clone(), Hit::of(reason, false, finding)))
        })
        .collect();
    for (id, finding) in below_ephemerals(manifests.current, diff) {
        found.push((id, Hit::of(&EPHEMERAL, false, finding)));
    }
    if found.is_empty() {
        return;
    }
    for (id, hit) in found {
        diff.changed.entry(id).or_default().push(hit);
    }
    diff.changed.sort_by_cached_key(|id, _| manifests.current.nodes.get_index_of(id));
}

struct Beyond<'a> {
    manifests: Change<&'a Manifest>,
    /// What both sides were given; none when one of them was read from a file.
    inputs: Option<Change<&'a Inputs>>,
    /// Whether a variable or the environment differs.
    inputs_differ: bool,
    /// By package, the variables whose values differ.
    vars: HashMap<&'a str, BTreeMap<&'a str, Change<Option<&'a Json>>>>,
    /// Names in the code of each macro, for those that may matter.
    mentioned: HashMap<&'a str, HashSet<Mention>>,
    /// Changed macros by their names.
    changed_names: HashMap<&'a str, Vec<&'a str>>,
    /// Changed macros by their ids.
    changed_ids: HashSet<&'a str>,
    /// Whether a macro that names relations changed.
    names_changed: bool,
    /// By materialization, what changed in its macro, once for all nodes.
    materializations: HashMap<&'a str, Option<Finding>>,
}

impl<'a> Beyond<'a> {
    fn new(manifests: &Change<&'a Manifest>, macros: &'a MacroChanges<'a>) -> Self {
        let inputs = match manifests.map(|manifest| manifest.inputs.as_deref()) {
            Change { baseline: Some(baseline), current: Some(current) } => Some(Change { baseline, current }),
            _ => None,
        };
        let vars: HashMap<_, _> = inputs.map(changed_vars).unwrap_or_default();
        let inputs_differ = !vars.is_empty() || inputs.is_some_and(|inputs| inputs.map(|side| &side.env).is_changed());
        let mut changed_names: HashMap<&str, Vec<&str>> = HashMap::new();
        for (id, _) in macros.in_order() {
            if let Some(it) = manifests.current.macros.get(id) {
                changed_names.entry(it.name.as_str()).or_default().push(id);
            }
        }
        let read = manifests.current.macros.iter().filter(|_| inputs_differ);
        let mentioned = read.map(|(id, it)| (id.as_str(), mentions(&it.macro_sql).into_iter().collect())).collect();
        let changed_ids: HashSet<&str> = macros.in_order().into_iter().map(|(id, _)| id).collect();
        let names_changed = changed_ids.iter().any(|id| {
            let name = id.rsplit('.').next().unwrap_or(id);
            NAMING_MACROS.iter().any(|naming| name == *naming || name.ends_with(&format!("__{naming}")))
        });
        let materializations = HashMap::new();
        let mut beyond = Self {
            manifests: *manifests,
            inputs,
            inputs_differ,
            vars,
            mentioned,
            changed_names,
            changed_ids,
            names_changed,
            materializations,
        };
        if !beyond.changed_ids.is_empty() {
            let kinds: HashSet<&str> = manifests.current.nodes.values().map(Node::materialized).collect();
            beyond.materializations = kinds.into_iter().map(|kind| (kind, beyond.materialized_by(kind))).collect();
        }
        beyond
    }

    fn of(&self, node: &Node) -> Vec<(&'static Reason, Finding)> {
        let mut found = Vec::new();
        if self.inputs_differ {
            found.extend(self.of_inputs(node));
        }
        found.extend(self.materialization(node).map(|finding| (&MATERIALIZATION, finding)));
        found.extend(self.naming(node).map(|finding| (&NAMING, finding)));
        found.extend(self.values(node).map(|finding| (&VALUE_MACRO, finding)));
        found.extend(self.seed(node).map(|finding| (&SEED_CONTENT, finding)));
        found
    }

    /// Variables and environment variables whose values differ and that the node's code or its macros name.
    fn of_inputs(&self, node: &Node) -> Vec<(&'static Reason, Finding)> {
        let mut found = Vec::new();
        let mut told = HashSet::new();
        let own = mentions(&node.raw_code).into_iter().collect();
        let hooks = hooks(&node.config);
        let mut places: Vec<(&str, &HashSet<Mention>, &str)> =
            vec![(&node.package_name, &own, ""), (&node.package_name, &hooks, "")];
        for id in self.reachable(node) {
            if let (Some(names), Some(it)) = (self.mentioned.get(id), self.manifests.current.macros.get(id)) {
                places.push((&it.package_name, names, &it.name));
            }
        }
        for (package, names, place) in places {
            let mut names: Vec<&Mention> = names.iter().collect();
            names.sort_by(|a, b| a.argument.cmp(&b.argument));
            for mention in names {
                let Some(argument) = mention.argument.as_deref() else { continue };
                if !told.insert((mention.name.clone(), argument.to_owned())) {
                    continue;
                }
                let by = if place.is_empty() { String::new() } else { format!(" (read in macro {place})") };
                match mention.name.as_str() {
                    "var" => found.extend(self.var(package, argument, &by).map(|finding| (&VARS, finding))),
                    "env_var" => found.extend(self.env_var(argument, &by).map(|finding| (&ENV_VARS, finding))),
                    _ => {}
                }
            }
        }
        found
    }

    fn var(&self, package: &str, name: &str, by: &str) -> Option<Finding> {
        let values = self.vars.get(package)?.get(name)?;
        let finding = Finding::of(&format!("variable {name}"), values.map(|value| value.map(text)));
        Some(Finding { summary: finding.summary.clone() + by, ..finding })
    }

    /// The values are not told: they may be secrets.
    fn env_var(&self, name: &str, by: &str) -> Option<Finding> {
        let values = self.inputs?.map(|inputs| inputs.env.get(name));
        values.is_changed().then(|| Finding::said(format!("environment variable {name} differs{by}")))
    }

    /// All macros that the node calls, directly or not.
    fn reachable<'s>(&self, node: &'s Node) -> Vec<&'s str>
    where
        'a: 's,
    {
        self.closure(node.depends_on.macros.iter().map(String::as_str).collect())
    }

    fn closure<'s>(&self, start: Vec<&'s str>) -> Vec<&'s str>
    where
        'a: 's,
    {
        let mut found = start;
        let mut met: HashSet<&str> = found.iter().copied().collect();
        let mut at = 0;
        while let Some(id) = found.get(at).copied() {
            at += 1;
            for next in self.manifests.current.macros.get(id).into_iter().flat_map(|it| &it.depends_on) {
                if met.insert(next) {
                    found.push(next);
                }
            }
        }
        found
    }

    fn materialization(&self, node: &Node) -> Option<Finding> {
        let is_built = matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot | ResourceType::Seed);
        self.materializations.get(node.materialized()).filter(|_| is_built)?.clone()
    }

    /// The macro of a materialization, and those it calls.
    fn materialized_by(&self, kind: &str) -> Option<Finding> {
        let adapter = &self.manifests.current.metadata.adapter_type;
        let names = [format!("materialization_{kind}_{adapter}"), format!("materialization_{kind}_default")];
        let chosen = names.iter().find_map(|name| self.named(name))?;
        self.changed_below(&chosen, &format!("materialization {kind}"))
    }

    /// The macro of a name that counts: the root project's, else a package's, else dbt's own.
    fn named(&self, name: &str) -> Option<String> {
        let current = self.manifests.current;
        let root = format!("macro.{}.{name}", current.metadata.project_name);
        if current.macros.contains_key(&root) {
            return Some(root);
        }
        let of_name = current.macros.iter().filter(|(_, it)| it.name == name);
        let mut found: Vec<&String> = of_name.map(|(id, _)| id).collect();
        found.sort_by_key(|id| id.starts_with("macro.dbt.") || id.starts_with("macro.dbt_"));
        found.first().map(|id| (*id).clone())
    }

    fn changed_below(&self, id: &str, what: &str) -> Option<Finding> {
        let reached = self.closure(vec![id]);
        let first = reached.into_iter().find(|reached| self.changed_ids.contains(reached))?;
        let name = first.splitn(3, '.').nth(2).unwrap_or(first);
        let code = self.manifests.map(|manifest| manifest.macros.get(first).map(|it| it.macro_sql.clone()));
        let by = if first == id { String::new() } else { format!(", by macro {name}") };
        Some(Finding { macro_id: Some(first.to_owned()), ..Finding::code(format!("{what} changed{by}"), code) })
    }

    /// A relation that is named otherwise because a macro that names relations changed.
    fn naming(&self, node: &Node) -> Option<Finding> {
        if !self.names_changed {
            return None;
        }
        let old = self.manifests.baseline.node(node.unique_id.as_str())?;
        let names = Change { baseline: old, current: node }
            .map(|node| node.relation.as_ref().map(crate::model::Relation::short));
        if !names.is_changed() {
            return None;
        }
        Some(Finding::of("named", names))
    }

    /// A changed macro that the code names without calling it, so that nothing depends on it for dbt.
    fn values(&self, node: &Node) -> Option<Finding> {
        // Most code has no such name; looked up word by word, however many macros changed.
        let mut words = node.raw_code.split(|c: char| c != '_' && !c.is_alphanumeric());
        if self.changed_names.is_empty() || !words.any(|word| self.changed_names.contains_key(word)) {
            return None;
        }
        let known: HashSet<&str> = self.reachable(node).into_iter().collect();
        let named = mentions(&node.raw_code).into_iter().filter(|mention| !mention.is_called);
        named.into_iter().find_map(|mention| {
            let id = self.changed_names.get(mention.name.as_str())?.iter().find(|id| !known.contains(**id))?;
            let code = self.manifests.map(|manifest| manifest.macros.get(*id).map(|it| it.macro_sql.clone()));
            let summary = format!("macro {} changed, which is handed on as a value", mention.name);
            Some(Finding { macro_id: Some((*id).to_owned()), ..Finding::code(summary, code) })
        })
    }

    fn seed(&self, node: &Node) -> Option<Finding> {
        let digests = self.inputs?.map(|inputs| inputs.large_seeds.get(&node.unique_id));
        let (old, new) = (digests.baseline?, digests.current?);
        (old != new).then(|| Finding::said("data of a seed over 1 MiB edited"))
    }
}

fn hooks(config: &JsonMap) -> HashSet<Mention> {
    let hooks = ["pre-hook", "post-hook"].iter().filter_map(|key| config.get(*key));
    hooks.flat_map(strings).flat_map(mentions).collect()
}

/// Every string in a value: a hook is its SQL, or a map with it, or a list of these.
fn strings(value: &Json) -> Vec<&str> {
    match value {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(strings).collect(),
        Json::Object(map) => map.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

fn changed_vars(inputs: Change<&Inputs>) -> HashMap<&str, BTreeMap<&str, Change<Option<&Json>>>> {
    let mut changed: HashMap<&str, BTreeMap<&str, Change<Option<&Json>>>> = HashMap::new();
    for (package, current) in &inputs.current.vars {
        let Some(baseline) = inputs.baseline.vars.get(package) else { continue };
        for name in baseline.keys().chain(current.keys()) {
            let values = Change { baseline: baseline.get(name), current: current.get(name) };
            if values.is_changed() {
                changed.entry(package.as_str()).or_default().insert(name, values);
            }
        }
    }
    changed
}

/// Nodes that read a changed ephemeral, directly or through others: its code is part of theirs.
fn below_ephemerals(current: &Manifest, diff: &StateDiff) -> Vec<(NodeId, Finding)> {
    let mut cause: HashMap<&NodeId, &str> = HashMap::new();
    let is_ephemeral = |id: &NodeId| current.node(id.as_str()).is_some_and(Node::is_ephemeral);
    for id in diff.changed.keys().filter(|id| diff.is_modified(id.as_str()) && is_ephemeral(id)) {
        cause.insert(id, id.short());
    }
    if cause.is_empty() {
        return Vec::new();
    }
    // Ephemerals below ephemerals, until none is added.
    loop {
        let more: Vec<(&NodeId, &str)> = current
            .nodes
            .iter()
            .filter(|(id, node)| node.is_ephemeral() && !cause.contains_key(*id))
            .filter_map(|(id, node)| Some((id, *node.depends_on.nodes.iter().find_map(|parent| cause.get(parent))?)))
            .collect();
        if more.is_empty() {
            break;
        }
        cause.extend(more);
    }
    let below = current.nodes.iter().filter_map(|(id, node)| {
        let changed = node.depends_on.nodes.iter().find_map(|parent| cause.get(parent))?;
        Some((id.clone(), Finding::said(format!("ephemeral model {changed} changed, whose code is part of it"))))
    });
    below.collect()
}
