//! Paths of dbt_project.yml that configure nothing, and names in them that are probably misspelled.

use super::assemble::Failed;
use super::config_types::meant_by;
use crate::model::{Code, Diagnostic, Location, Node, NodeMap, ResourceType, nearest};
use crate::project::Project;
use crate::yaml::{self, Entry};

/// The trees of dbt_project.yml with what they configure.
const TREES: [(&str, ResourceType); 11] = [
    ("models", ResourceType::Model),
    ("seeds", ResourceType::Seed),
    ("snapshots", ResourceType::Snapshot),
    ("tests", ResourceType::Test),
    ("data_tests", ResourceType::Test),
    ("sources", ResourceType::Source),
    ("exposures", ResourceType::Exposure),
    ("metrics", ResourceType::Metric),
    ("semantic-models", ResourceType::SemanticModel),
    ("saved-queries", ResourceType::SavedQuery),
    ("unit_tests", ResourceType::UnitTest),
];

/// Looks at the root project's file; disabled nodes count as configured.
pub(super) fn report(
    project: &Project,
    nodes: &NodeMap<Node>,
    disabled: &NodeMap<Vec<Node>>,
    failed: &[Failed],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let file = &project.root.project_file;
    // A file that is not YAML has been refused before.
    let Ok(parsed) = yaml::parse(file.contents.trim_end()) else { return };
    for (tree, kind) in TREES {
        let Some(entry) = parsed.root.as_mapping().and_then(|root| root.entry(tree)) else { continue };
        let of_kind = nodes.values().chain(disabled.values().flatten()).filter(|node| node.resource_type == kind);
        let of_failed = failed.iter().map(|failed| failed.fqn.as_slice());
        let fqns: Vec<&[String]> = of_kind.map(|node| node.fqn.as_slice()).chain(of_failed).collect();
        let mut walk = Walk { tree, fqns, path: Vec::new(), found: Vec::new() };
        walk.level(entry);
        diagnostics.extend(walk.found.into_iter().map(|(code, entry, message, hint)| {
            let location = Location { path: file.path.clone(), line: entry.key_line, column: entry.key_column };
            let diagnostic = Diagnostic::warning(code, message).at(location).with_excerpt_of(&file.contents);
            Diagnostic { hint, ..diagnostic }
        }));
    }
}

struct Walk<'y, 'n> {
    tree: &'static str,
    fqns: Vec<&'n [String]>,
    path: Vec<&'y str>,
    found: Vec<(Code, &'y Entry, String, Option<String>)>,
}

impl<'y> Walk<'y, '_> {
    fn level(&mut self, entry: &'y Entry) {
        let Some(mapping) = entry.node.as_mapping() else { return };
        let mut configures = false;
        for (key, _) in mapping.iter() {
            let Some(inner) = mapping.entry(key) else { continue };
            if !key.starts_with('+') && inner.node.as_mapping().is_some() {
                self.path.push(key);
                self.level(inner);
                self.path.pop();
                continue;
            }
            configures = true;
            if let Some(meant) = meant_by(key.trim_start_matches('+').trim()) {
                let message = format!("`{key}` is no configuration that dbt knows");
                self.found.push((Code::UnknownConfig, inner, message, Some(format!("did you mean `+{meant}`?"))));
            }
        }
        if configures && !self.path.is_empty() && !self.is_used(&self.path) {
            let message =
                format!("`{}.{}` configures nothing: there is nothing of that name", self.tree, self.path.join("."));
            let hint = self.advice(entry);
            self.found.push((Code::UnusedConfigPath, entry, message, Some(hint)));
        }
    }

    fn is_used(&self, path: &[&str]) -> bool {
        self.fqns.iter().any(|fqn| fqn.len() >= path.len() && fqn.iter().zip(path).all(|(a, b)| a == b))
    }

    /// A name of the level that is meant, or that a configuration of several keys wants its `+`.
    fn advice(&self, entry: &Entry) -> String {
        let Some((last, above)) = self.path.split_last() else { return String::new() };
        if super::config_types::is_known(last) && entry.node.as_mapping().is_some() {
            return format!("write `+{last}:` if it is the configuration");
        }
        let here = self.fqns.iter().filter(|fqn| fqn.iter().zip(above).all(|(a, b)| a == b));
        let names = here.filter_map(|fqn| fqn.get(above.len())).map(String::as_str);
        match nearest(last, names) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "a path is the project's or a package's name, then folders, then a file without its extension"
                .to_owned(),
        }
    }
}
