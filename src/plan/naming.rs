//! Names of the relations of a pull request: all in one schema, so aliases of several schemas may meet there.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::model::{Node, NodeId};

/// Hexadecimal digits of the hash that stands at the end of a shortened name.
const HASH_DIGITS: usize = 8;

/// The identifier of each node: its alias; `<schema>__<alias>` where two have the same; shortened to `limit` bytes with
/// a hash of the whole where it would be longer.
pub(super) fn identifiers<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    limit: Option<usize>,
) -> HashMap<&'a NodeId, String> {
    let nodes: Vec<&Node> = nodes.into_iter().collect();
    let mut times: HashMap<String, usize> = HashMap::new();
    for node in &nodes {
        *times.entry(node.alias.to_lowercase()).or_default() += 1;
    }
    let mut taken = HashSet::new();
    let mut names = HashMap::new();
    for node in nodes {
        let alone = times.get(&node.alias.to_lowercase()) == Some(&1);
        let wanted = if alone { node.alias.clone() } else { format!("{}__{}", node.schema, node.alias) };
        let mut name = shortened(&wanted, &wanted, limit);
        // Same schema and alias in two databases, or a name that looks like a prefixed one.
        if !taken.insert(name.to_lowercase()) {
            name = with_hash(&wanted, node.unique_id.as_str(), limit);
            taken.insert(name.to_lowercase());
        }
        names.insert(&node.unique_id, name);
    }
    names
}

pub(super) fn shortened(name: &str, hashed: &str, limit: Option<usize>) -> String {
    match limit {
        Some(limit) if name.len() > limit => with_hash(name, hashed, Some(limit)),
        _ => name.to_owned(),
    }
}

/// As much of `name` as leaves room, then a hash of `hashed`.
fn with_hash(name: &str, hashed: &str, limit: Option<usize>) -> String {
    let hash = format!("{:x}", Sha256::digest(hashed.as_bytes()));
    let room = limit.map_or(name.len(), |limit| limit.saturating_sub(HASH_DIGITS + 1));
    let end = (0..=room.min(name.len())).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
    format!("{}_{}", &name[..end], &hash[..HASH_DIGITS])
}
