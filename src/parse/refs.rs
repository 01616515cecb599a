//! From `ref()` and `source()` calls to `depends_on`.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::assemble::Failed;
use super::versions::shown;
use crate::model::{Code, Diagnostic, FastHash, Location, Node, NodeId, NodeMap, RefArgs, ResourceType, nearest};
use crate::project::Project;

/// What a reference found.
enum Found {
    Node(NodeId),
    Disabled(NodeId),
    Nothing,
}

/// Every refable node and source, enabled and disabled.
struct Index {
    refable: HashMap<String, Vec<Candidate>, FastHash>,
    functions: HashMap<String, Vec<Candidate>, FastHash>,
    metrics: HashMap<String, Vec<Candidate>, FastHash>,
    sources: HashMap<(String, String), Vec<Candidate>, FastHash>,
    root: String,
    own_package_first: bool,
}

struct Candidate {
    id: NodeId,
    package: String,
    version: Option<String>,
    is_latest: bool,
    enabled: bool,
    is_private: bool,
    group: Option<String>,
}

/// Fills `depends_on.nodes` of every node. A test whose reference finds nothing is disabled with a warning, anything
/// else is an error.
pub(super) fn resolve(
    nodes: &mut NodeMap<Node>,
    disabled: &NodeMap<Vec<Node>>,
    failed: &[Failed],
    project: &Project,
    place: &dyn Fn(&Node) -> Location,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let index = Index::new(nodes, disabled, project);
    for node in nodes.values_mut() {
        let mut parents: Vec<NodeId> = std::mem::take(&mut node.depends_on.nodes);
        let mut problems = Vec::new();
        for [source, table] in &node.sources {
            match index.source(source, table, &node.package_name) {
                Found::Node(id) => parents.push(id),
                Found::Disabled(id) => problems.push(Problem::disabled_source(&id, source, table)),
                Found::Nothing => problems.push(index.unknown_source(source, table)),
            }
        }
        for r in &node.refs {
            match index.reference(r, &node.package_name) {
                Found::Node(id) => {
                    if let Some(problem) = index.private(&id, r, node) {
                        problems.push(problem);
                    }
                    parents.push(id);
                }
                Found::Disabled(_) => problems.push(Problem::disabled_ref(r)),
                // What is wrong with it has been told.
                Found::Nothing if failed.iter().any(|failed| failed.name == r.name) => {}
                Found::Nothing => problems.push(index.unknown_ref(r)),
            }
        }
        for call in &node.metrics {
            match pick_named(&index, &index.metrics, call, &node.package_name) {
                Found::Node(id) => parents.push(id),
                Found::Disabled(_) | Found::Nothing => problems.push(Problem::unknown("metric", call)),
            }
        }
        for call in &node.functions {
            match pick_named(&index, &index.functions, call, &node.package_name) {
                Found::Node(id) => parents.push(id),
                Found::Disabled(_) | Found::Nothing => problems.push(Problem::unknown("function", call)),
            }
        }
        let mut unique: Vec<NodeId> = Vec::with_capacity(parents.len());
        for parent in parents {
            if !unique.contains(&parent) {
                unique.push(parent);
            }
        }
        node.depends_on.nodes = unique;
        let is_test = node.resource_type == ResourceType::Test;
        if is_test && problems.iter().any(|problem| problem.code != Code::InvalidProperty) {
            node.config.insert("enabled".to_owned(), Json::Bool(false));
        }
        diagnostics.extend(problems.into_iter().map(|problem| problem.diagnostic(node, is_test, place(node))));
    }
}

struct Problem {
    code: Code,
    /// The name as the template writes it, for finding the line.
    name: String,
    message: String,
    hint: Option<String>,
}

impl Problem {
    fn disabled_ref(r: &RefArgs) -> Self {
        let message = format!("depends on `{}`, which is disabled", shown_ref(r));
        Self {
            code: Code::DisabledRef,
            name: r.name.clone(),
            message,
            hint: Some(format!("enable `{}`, or remove the reference", r.name)),
        }
    }

    fn unknown(kind: &str, call: &[String]) -> Self {
        let message = format!("depends on {kind} `{}`, which was not found", call.join("."));
        Self { code: Code::UnknownRef, name: call.last().cloned().unwrap_or_default(), message, hint: None }
    }

    fn disabled_source(id: &NodeId, source: &str, table: &str) -> Self {
        let message = format!("depends on source `{source}.{table}`, which is disabled");
        Self {
            code: Code::UnknownSource,
            name: table.to_owned(),
            message,
            hint: Some(format!("enable {id}, or remove the reference")),
        }
    }

    fn diagnostic(self, node: &Node, is_test: bool, place: Location) -> Diagnostic {
        let message = format!("{} {}", node.unique_id, self.message);
        let diagnostic = if is_test && self.code != Code::InvalidProperty {
            Diagnostic::warning(self.code, message)
        } else {
            Diagnostic::error(self.code, message)
        };
        let (place, excerpt) = line_of(node, &self.name, place);
        Diagnostic { hint: self.hint, excerpt, ..diagnostic.at(place) }.pointing()
    }
}

/// The line of the node's own code that has the name in quotes, else the node's place.
pub(super) fn line_of(node: &Node, name: &str, place: Location) -> (Location, Option<String>) {
    let is_generic = node.as_test().is_some_and(|test| test.metadata.is_some());
    let found = ["'", "\""].iter().filter_map(|q| node.raw_code.find(&format!("{q}{name}{q}"))).min();
    let Some(at) = found.filter(|_| !is_generic) else { return (place, None) };
    let above = node.raw_code[..at].matches('\n').count();
    let line = node.first_line + u32::try_from(above).unwrap_or(0);
    let excerpt = node.raw_code.lines().nth(above).map(|line| line.trim_end().to_owned());
    (Location { line, column: 0, ..place }, excerpt)
}

fn shown_ref(r: &RefArgs) -> String {
    let package = r.package.as_ref().map(|package| format!("{package}.")).unwrap_or_default();
    let version = r.version.as_ref().map(|version| format!(" version {}", shown(version))).unwrap_or_default();
    format!("{package}{}{version}", r.name)
}

/// What a call with a name, or a package and a name, means among `all`.
fn pick_named(index: &Index, all: &HashMap<String, Vec<Candidate>, FastHash>, call: &[String], own: &str) -> Found {
    let Some(named) = call.last().and_then(|name| all.get(name)) else { return Found::Nothing };
    let package = call.first().filter(|_| call.len() > 1).map(String::as_str);
    index.pick(&named.iter().collect::<Vec<_>>(), package, own)
}

impl Index {
    fn new(nodes: &NodeMap<Node>, disabled: &NodeMap<Vec<Node>>, project: &Project) -> Self {
        let mut index = Self {
            refable: HashMap::default(),
            functions: HashMap::default(),
            metrics: HashMap::default(),
            sources: HashMap::default(),
            root: project.root.name.clone(),
            own_package_first: project.root.flags.get("require_ref_searches_node_package_before_root")
                == Some(&Json::Bool(true)),
        };
        nodes.values().for_each(|node| index.add(node, true));
        disabled.values().flatten().for_each(|node| index.add(node, false));
        index
    }

    fn add(&mut self, node: &Node, enabled: bool) {
        let model = node.as_model();
        let version = model.and_then(|model| model.version.as_ref());
        let latest = model.and_then(|model| model.latest_version.as_ref());
        let candidate = Candidate {
            id: node.unique_id.clone(),
            package: node.package_name.clone(),
            version: version.map(shown),
            is_latest: version.map(shown) == latest.map(shown),
            enabled,
            is_private: model.is_some_and(|model| model.access == "private"),
            group: node.group.clone(),
        };
        if node.resource_type.is_refable() {
            self.refable.entry(node.name.clone()).or_default().push(candidate);
        } else if node.resource_type == ResourceType::Function {
            self.functions.entry(node.name.clone()).or_default().push(candidate);
        } else if node.resource_type == ResourceType::Metric {
            self.metrics.entry(node.name.clone()).or_default().push(candidate);
        } else if let Some(source) = node.as_source() {
            self.sources.entry((source.source_name.clone(), node.name.clone())).or_default().push(candidate);
        }
    }

    /// The packages to search, in order; none stands for any.
    fn order<'a>(&'a self, wanted: Option<&'a str>, own: &'a str) -> Vec<Option<&'a str>> {
        match wanted {
            Some(package) => vec![Some(package)],
            None if self.own_package_first => vec![Some(own), Some(&self.root), None],
            None => vec![Some(&self.root), Some(own), None],
        }
    }

    fn pick(&self, fitting: &[&Candidate], wanted: Option<&str>, own: &str) -> Found {
        let order = self.order(wanted, own);
        let first = |enabled: bool| {
            order.iter().find_map(|package| {
                fitting.iter().find(|c| c.enabled == enabled && package.is_none_or(|package| c.package == package))
            })
        };
        match (first(true), first(false)) {
            (Some(found), _) => Found::Node(found.id.clone()),
            (None, Some(found)) => Found::Disabled(found.id.clone()),
            (None, None) => Found::Nothing,
        }
    }

    fn reference(&self, r: &RefArgs, own: &str) -> Found {
        let Some(named) = self.refable.get(&r.name) else { return Found::Nothing };
        let version = r.version.as_ref().map(shown);
        let fitting: Vec<&Candidate> = named
            .iter()
            .filter(|candidate| match &version {
                Some(version) => candidate.version.as_ref() == Some(version),
                None => candidate.version.is_none() || candidate.is_latest,
            })
            .collect();
        self.pick(&fitting, r.package.as_deref(), own)
    }

    fn source(&self, source: &str, table: &str, own: &str) -> Found {
        let Some(named) = self.sources.get(&(source.to_owned(), table.to_owned())) else { return Found::Nothing };
        self.pick(&named.iter().collect::<Vec<_>>(), None, own)
    }

    /// A private model may be referred to only from its own group.
    fn private(&self, id: &NodeId, r: &RefArgs, node: &Node) -> Option<Problem> {
        let candidate = self.refable.get(&r.name)?.iter().find(|candidate| candidate.id == *id)?;
        let group = &candidate.group;
        if !candidate.is_private
            || *group == node.group
            || matches!(node.resource_type, ResourceType::Test | ResourceType::Analysis)
        {
            return None;
        }
        let of = group.as_ref().map_or_else(|| "no group".to_owned(), |group| format!("group `{group}`"));
        Some(Problem {
            code: Code::InvalidProperty,
            name: r.name.clone(),
            message: format!("refers to `{}`, which is private to {of}", r.name),
            hint: Some(format!("add the node to the group, or give `{}` another access", r.name)),
        })
    }

    fn unknown_ref(&self, r: &RefArgs) -> Problem {
        let similar = nearest(&r.name, self.refable.keys().map(String::as_str));
        let hint = match (self.refable.get(&r.name), similar) {
            (Some(candidates), _) if r.version.is_some() => {
                let known: Vec<&str> = candidates.iter().filter_map(|c| c.version.as_deref()).collect();
                Some(format!("its versions are {}", known.join(", ")))
            }
            (Some(candidates), _) => candidates.first().map(|c| format!("there is one in package `{}`", c.package)),
            (None, similar) => similar.map(|name| format!("did you mean `{name}`?")),
        };
        Problem {
            code: Code::UnknownRef,
            name: r.name.clone(),
            message: format!("depends on `{}`, which was not found", shown_ref(r)),
            hint,
        }
    }

    fn unknown_source(&self, source: &str, table: &str) -> Problem {
        let tables: Vec<&str> =
            self.sources.keys().filter(|(name, _)| name == source).map(|(_, table)| table.as_str()).collect();
        let hint = if tables.is_empty() {
            nearest(source, self.sources.keys().map(|(name, _)| name.as_str()))
                .map(|name| format!("did you mean source `{name}`?"))
        } else {
            nearest(table, tables.iter().copied()).map(|name| format!("did you mean `{source}.{name}`?"))
        };
        let message = format!("depends on source `{source}.{table}`, which was not found");
        Problem { code: Code::UnknownSource, name: table.to_owned(), message, hint }
    }
}
