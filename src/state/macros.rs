//! Changed macros, and which nodes reach them through calls.

use std::collections::{HashMap, HashSet, VecDeque};

use super::explain::MacroChange;
use super::reason::Finding;
use crate::model::{Change, Macro, Manifest, Node};

/// Adapters whose built-in macros come with them: packages `dbt_<adapter>`. A package such as `dbt_utils` is none of
/// them.
const ADAPTERS: &[&str] = &[
    "athena",
    "bigquery",
    "clickhouse",
    "databricks",
    "duckdb",
    "fabric",
    "postgres",
    "redshift",
    "snowflake",
    "spark",
    "sqlserver",
    "synapse",
    "trino",
];

/// All macros that differ between two manifests.
#[derive(Debug)]
pub(super) struct MacroChanges<'a> {
    changes: HashMap<&'a str, MacroChange>,
    /// Macros that are changed or reach a changed one: the only ones worth following.
    reaching: HashSet<&'a str>,
    current: &'a Manifest,
    baseline: &'a Manifest,
}

impl<'a> MacroChanges<'a> {
    pub(super) fn between(manifests: &Change<&'a Manifest>) -> Self {
        let counts = |it: &Macro| !is_built_in(&it.package_name);
        let (baseline, current) = (manifests.baseline, manifests.current);
        let mut changes = HashMap::new();
        for (id, new) in current.macros.iter().filter(|(_, it)| counts(it)) {
            match baseline.macros.get(id) {
                None => changes.insert(id.as_str(), MacroChange::Added),
                Some(old) if old.macro_sql != new.macro_sql => changes.insert(id.as_str(), MacroChange::Edited),
                Some(_) => None,
            };
        }
        let removed = baseline.macros.iter().filter(|(id, it)| counts(it) && !current.macros.contains_key(*id));
        changes.extend(removed.map(|(id, _)| (id.as_str(), MacroChange::Removed)));
        let reaching = reaching(current, changes.keys().copied());
        Self { changes, reaching, current, baseline }
    }

    /// One finding for each changed macro that the node's own macros reach, with the shortest way of calls.
    pub(super) fn reached_from(&self, node: &Node) -> Vec<Finding> {
        let start = node.depends_on.macros.iter().map(String::as_str).filter(|id| self.reaching.contains(id));
        // Where each macro was met first: breadth first, so the ways are shortest.
        let mut met: HashMap<&str, Option<&str>> = HashMap::new();
        let mut queue: VecDeque<&str> = VecDeque::new();
        for id in start {
            if let std::collections::hash_map::Entry::Vacant(entry) = met.entry(id) {
                entry.insert(None);
                queue.push_back(id);
            }
        }
        let mut findings = Vec::new();
        while let Some(id) = queue.pop_front() {
            if let Some(change) = self.changes.get(id) {
                findings.push(self.finding(id, *change, &met, node));
            }
            for next in self.calls(id).filter(|next| self.reaching.contains(next)) {
                if let std::collections::hash_map::Entry::Vacant(entry) = met.entry(next) {
                    entry.insert(Some(id));
                    queue.push_back(next);
                }
            }
        }
        findings
    }

    /// Every macro that differs: in the current side's order, then those that are gone.
    pub(super) fn in_order(&self) -> Vec<(&'a str, MacroChange)> {
        let (current, baseline) = (self.current.macros.keys(), self.baseline.macros.keys());
        let gone = baseline.filter(|id| !self.current.macros.contains_key(*id));
        let all = current.chain(gone).map(String::as_str);
        all.filter_map(|id| self.changes.get(id).map(|change| (id, *change))).collect()
    }

    fn calls<'s>(&'s self, id: &str) -> impl Iterator<Item = &'s str> {
        self.current.macros.get(id).into_iter().flat_map(|it| it.depends_on.iter().map(String::as_str))
    }

    fn finding(&self, id: &str, change: MacroChange, met: &HashMap<&str, Option<&str>>, node: &Node) -> Finding {
        let mut way: Vec<String> = std::iter::successors(Some(id), |id| met.get(id).copied().flatten())
            .map(|id| self.short_name(id, &node.package_name))
            .collect();
        way.reverse();
        let what = match change {
            MacroChange::Edited => "changed",
            MacroChange::Added => "is new",
            MacroChange::Removed => "was removed",
        };
        let name = self.short_name(id, &node.package_name);
        let via = if way.len() > 1 { format!(" (via {})", way.join(" → ")) } else { String::new() };
        let code = |manifest: &Manifest| manifest.macros.get(id).map(|it| it.macro_sql.clone());
        let values = Change { baseline: code(self.baseline), current: code(self.current) };
        Finding {
            path: way,
            macro_id: Some(id.to_owned()),
            ..Finding::code(format!("macro {name} {what}{via}"), values)
        }
    }

    /// The name, with its package where that is not the node's own.
    fn short_name(&self, id: &str, package: &str) -> String {
        match self.current.macros.get(id).or_else(|| self.baseline.macros.get(id)) {
            Some(it) if it.package_name == package => it.name.clone(),
            Some(it) => format!("{}.{}", it.package_name, it.name),
            None => id.to_owned(),
        }
    }
}

/// `changed` and everything that calls them, directly or not.
fn reaching<'a>(manifest: &'a Manifest, changed: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut callers: HashMap<&str, Vec<&str>> = HashMap::new();
    for (id, it) in &manifest.macros {
        for callee in &it.depends_on {
            callers.entry(callee).or_default().push(id);
        }
    }
    let mut queue: Vec<&str> = changed.collect();
    let mut found: HashSet<&str> = queue.iter().copied().collect();
    while let Some(id) = queue.pop() {
        for caller in callers.get(id).into_iter().flatten() {
            if found.insert(caller) {
                queue.push(caller);
            }
        }
    }
    found
}

/// Built-in macros are the program's, not the project's: those of two programs, or of two versions of one (which a
/// manifest need not tell: slimdiff names the dbt that it follows), differ everywhere though nothing was edited.
fn is_built_in(package: &str) -> bool {
    package == "dbt" || package.strip_prefix("dbt_").is_some_and(|adapter| ADAPTERS.contains(&adapter))
}
