//! Whose the reached nodes are.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::document::{Owner, ReachedGroup, ReachedNode, ReachedOwner, Touch};
use crate::model::{Detail, Manifest, Node, ResourceType};

/// An exposure's owner, or what `meta.owner` says: a name, or a mapping of `name` and `email`.
pub(super) fn of_node(node: &Node) -> Option<Owner> {
    if let Some(exposure) = node.as_exposure() {
        return from_json(&Json::Object(exposure.owner.clone()));
    }
    let in_config = || node.config.get("meta").and_then(|meta| meta.get("owner"));
    from_json(node.meta.get("owner").or_else(in_config)?)
}

fn from_json(owner: &Json) -> Option<Owner> {
    let text = |value: &Json| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let owner = match owner {
        Json::String(_) => match text(owner) {
            Some(address) if address.contains('@') => Owner { name: None, email: Some(address) },
            name => Owner { name, email: None },
        },
        Json::Object(fields) => {
            let field = |key: &str| fields.get(key).and_then(text);
            Owner { name: field("name"), email: field("email") }
        }
        _ => Owner::default(),
    };
    (owner != Owner::default()).then_some(owner)
}

/// All owners and groups of what is reached, in the order in which they are met.
pub(super) fn of(manifest: &Manifest, reached: &[ReachedNode]) -> (Vec<ReachedOwner>, Vec<ReachedGroup>) {
    let mut owners: IndexMap<Owner, ReachedOwner> = IndexMap::new();
    let mut groups: IndexMap<&str, ReachedGroup> = IndexMap::new();
    let mut owned = |owner: &Owner, node: &ReachedNode| {
        let entry = owners.entry(owner.clone());
        let entry = entry.or_insert_with(|| ReachedOwner { owner: owner.clone(), nodes: Vec::new(), touched: 0 });
        entry.nodes.push(node.unique_id.clone());
        entry.touched += usize::from(node.touch != Touch::Untouched);
    };
    // A test belongs to its model: whose that is, is said of the model.
    let is_told = |node: &&ReachedNode| !matches!(node.resource_type, ResourceType::Test | ResourceType::UnitTest);
    for node in reached.iter().filter(is_told) {
        let group = node.group.as_deref().map(|name| {
            groups.entry(name).or_insert_with(|| ReachedGroup {
                name: name.to_owned(),
                owner: group_owner(manifest, name),
                nodes: Vec::new(),
                touched: 0,
            })
        });
        if let Some(group) = &node.owner {
            owned(group, node);
        } else if let Some(owner) = group.as_ref().and_then(|group| group.owner.as_ref()) {
            owned(owner, node);
        }
        if let Some(group) = group {
            group.nodes.push(node.unique_id.clone());
            group.touched += usize::from(node.touch != Touch::Untouched);
        }
    }
    (owners.into_values().collect(), groups.into_values().collect())
}

fn group_owner(manifest: &Manifest, name: &str) -> Option<Owner> {
    let group = manifest.of_type(ResourceType::Group).find(|group| group.name == name)?;
    let Detail::Other(fields) = &group.detail else { return None };
    from_json(fields.get("owner")?)
}
