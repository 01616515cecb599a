//! Which line of which file says what makes no sense.

use std::path::Path;

use super::{Error, Loaded};
use crate::config::{self, Origin, RuleError, Rules};
use crate::model::{Node, ResourceType};
use crate::warehouse;
use crate::yaml;

/// What the policy and the models of the project say of single models.
///
/// # Errors
/// What makes no sense, with its file and line.
pub(super) fn rules(head: &Loaded) -> Result<Rules, Error> {
    Rules::of(&head.settings.policy, &head.manifest, warehouse::stands_alone)
        .map_err(|error| placed(head, error).into())
}

/// An error of slimdiff.yml with the line on which its keys stand.
pub(super) fn with_line(error: config::Error) -> config::Error {
    match error {
        config::Error::Invalid { path, line: None, keys, message } if !keys.is_empty() => {
            let line = line_of(&path, &keys);
            config::Error::Invalid { path, line, keys, message }
        }
        other => other,
    }
}

fn placed(head: &Loaded, RuleError { origin, message }: RuleError) -> config::Error {
    let root = &head.project.root.root;
    let (node, column, keys) = match origin {
        Origin::Settings(keys) => {
            let path = root.join(config::FILE);
            return with_line(config::Error::Invalid { path, line: None, keys, message });
        }
        Origin::Meta { node, column, keys } => (node, column, keys),
    };
    let invalid = |path: &str, line, keys| config::Error::Invalid { path: path.into(), line, keys, message };
    let Some(node) = head.manifest.node(node.as_str()) else { return invalid("the project", None, keys) };
    // The property file that describes the node is the likeliest place; else it is the node's own file, or
    // dbt_project.yml, whose settings for folders are nobody's in particular.
    let own = node.patch_path.as_deref().and_then(|path| path.strip_prefix(&format!("{}://", head.project.root.name)));
    if let Some(path) = own {
        let ways = ways(node, column.as_deref(), &keys);
        if let Some(line) = ways.iter().find_map(|way| line_of(&root.join(path), way)) {
            return invalid(path, Some(line), keys);
        }
    }
    invalid(&node.original_file_path, None, keys)
}

/// The keys under which a property file can say it.
fn ways(node: &Node, column: Option<&str>, keys: &[String]) -> Vec<Vec<String>> {
    let section = match node.resource_type {
        ResourceType::Seed => "seeds",
        ResourceType::Snapshot => "snapshots",
        _ => "models",
    };
    let mut above = vec![section, node.name.as_str()];
    above.extend(column.iter().flat_map(|column| ["columns", column]));
    let way = |meta: &[&str]| {
        let all = above.iter().chain(meta).map(|key| (*key).to_owned());
        all.chain(keys.iter().cloned()).collect()
    };
    vec![way(&["config", "meta"]), way(&["meta"])]
}

/// The line of the last of these keys in a YAML file; in a list, a key is the `name` of an item. Of keys that are not
/// all there, none.
fn line_of(path: &Path, keys: &[String]) -> Option<u32> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut node = &yaml::parse(&text).ok()?.root;
    let mut line = None;
    for key in keys {
        if let Some(items) = node.as_sequence() {
            node = items.iter().find(|item| item.get("name").and_then(yaml::Node::as_str) == Some(key))?;
            line = Some(node.line);
        } else {
            let entry = node.as_mapping()?.entry(key)?;
            (node, line) = (&entry.node, Some(entry.key_line));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn keys_are_found_through_mappings_and_lists_of_named_things() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "models:\n  - name: a\n  - name: orders\n    meta:\n      slimdiff:\n        psii: 1\n";
        std::fs::write(file.path(), text).unwrap();
        let line = |keys: &[&str]| line_of(file.path(), &keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["models", "orders", "meta", "slimdiff", "psii"]), Some(6));
        assert_eq!(line(&["models", "orders"]), Some(3));
        assert_eq!((line(&["models", "others"]), line(&["models", "orders", "x"]), line(&[])), (None, None, None));
    }
}
