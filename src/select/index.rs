//! Where to find nodes by name, path and file without looking at every node; nodes are told by their place in the
//! manifest: a union of thousands of names is common when another program wrote the selector. Each index is made when
//! it is first asked for.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use super::request::is_matched;
use crate::model::{Manifest, Node, ResourceType};

/// The indexes of one manifest.
#[derive(Debug)]
pub(super) struct Index<'a> {
    manifest: &'a Manifest,
    names: OnceCell<Names<'a>>,
    paths: OnceCell<HashMap<&'a str, Vec<usize>>>,
    root_paths: OnceCell<BTreeMap<&'a str, PathKind>>,
    files: OnceCell<HashMap<&'a str, Vec<usize>>>,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathKind {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// Nodes by what `fqn:` compares.
#[derive(Debug, Default)]
struct Names<'a> {
    /// By their last part; of a versioned model the one before.
    leaves: HashMap<&'a str, Vec<usize>>,
    /// Versioned models by `name.v1` and `name_v1`.
    versioned: HashMap<String, Vec<usize>>,
    /// The whole name and the name without its package, each joined by dots, in order.
    qualified: [Vec<(String, usize)>; 2],
}

impl<'a> Index<'a> {
    pub(super) fn new(manifest: &'a Manifest) -> Self {
        Self {
            manifest,
            names: OnceCell::new(),
            paths: OnceCell::new(),
            root_paths: OnceCell::new(),
            files: OnceCell::new(),
        }
    }

    /// Nodes with their places in the manifest.
    fn nodes(&self) -> impl Iterator<Item = (usize, &'a Node)> + use<'a> {
        self.manifest.nodes.values().enumerate().filter(|(_, node)| is_matched(node))
    }

    /// The nodes that `fqn:` means with a value without wildcards; a node may be there twice.
    pub(super) fn named(&self, value: &str) -> Vec<usize> {
        let names = self.names.get_or_init(|| Names::of(self.nodes()));
        let mut found: Vec<usize> = names.leaves.get(value).cloned().unwrap_or_default();
        found.extend(names.versioned.get(value).into_iter().flatten());
        if let Some((at, _)) = value.rmatch_indices('.').nth(1) {
            found.extend(names.versioned.get(&value[at + 1..]).into_iter().flatten());
        }
        let below = format!("{value}.");
        for sorted in &names.qualified {
            for (text, exactly) in [(value, true), (below.as_str(), false)] {
                let start = sorted.partition_point(|(name, _)| name.as_str() < text);
                let same = |name: &str| if exactly { name == text } else { name.starts_with(text) };
                found.extend(sorted[start..].iter().take_while(|(name, _)| same(name)).map(|(_, place)| *place));
            }
        }
        found
    }

    /// The nodes whose own file is at this path or below it, or whose property file is at this path.
    pub(super) fn below(&self, path: &str) -> &[usize] {
        let paths = self.paths.get_or_init(|| {
            let mut paths: HashMap<&'a str, Vec<usize>> = HashMap::new();
            for (place, node) in self.nodes() {
                let own = self_and_folders(own_path(node));
                let patch = node.patch_path.as_deref().map(without_package);
                for path in own.chain(patch) {
                    paths.entry(path).or_default().push(place);
                }
            }
            paths
        });
        paths.get(path).map_or(&[], Vec::as_slice)
    }

    /// Files and folders of the root project that the manifest knows of, relative to its root.
    pub(super) fn root_paths(&self) -> &BTreeMap<&'a str, PathKind> {
        self.root_paths.get_or_init(|| {
            let manifest = self.manifest;
            let root = manifest.metadata.project_name.as_str();
            let nodes = manifest.nodes.values().chain(manifest.disabled.values().flatten());
            let files = nodes.filter(|node| node.package_name == root).map(own_path);
            let patches = manifest.nodes.values().filter_map(|node| node.patch_path.as_deref()?.split_once("://"));
            let patches = patches.filter(|(package, _)| *package == root).map(|(_, path)| path);
            let mut paths = BTreeMap::new();
            for path in files.chain(patches) {
                paths.insert(path, PathKind::File);
                paths.extend(self_and_folders(path).skip(1).map(|folder| (folder, PathKind::Folder)));
            }
            paths
        })
    }

    /// The nodes whose file has this name, with or without its last extension.
    pub(super) fn in_file(&self, name: &str) -> &[usize] {
        let files = self.files.get_or_init(|| {
            let mut files: HashMap<&'a str, Vec<usize>> = HashMap::new();
            for (place, node) in self.nodes() {
                let (name, stem) = file_names(node);
                files.entry(name).or_default().push(place);
                if let Some(stem) = stem {
                    files.entry(stem).or_default().push(place);
                }
            }
            files
        });
        files.get(name).map_or(&[], Vec::as_slice)
    }
}

impl<'a> Names<'a> {
    fn of(nodes: impl Iterator<Item = (usize, &'a Node)>) -> Self {
        let mut names = Self::default();
        for (place, node) in nodes.filter(|(_, node)| node.resource_type != ResourceType::Source) {
            match node.fqn.as_slice() {
                [.., name, version] if is_versioned(node) => {
                    names.leaves.entry(name).or_default().push(place);
                    for key in [format!("{name}_{version}"), format!("{name}.{version}")] {
                        names.versioned.entry(key).or_default().push(place);
                    }
                }
                [.., name] => names.leaves.entry(name).or_default().push(place),
                [] => {}
            }
            let whole = node.fqn.join(".");
            if let Some((_, unscoped)) = node.fqn.split_first() {
                names.qualified[1].push((unscoped.join("."), place));
            }
            names.qualified[0].push((whole, place));
        }
        for sorted in &mut names.qualified {
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        names
    }
}

/// Whether the last part of the node's name is its version.
pub(super) fn is_versioned(node: &Node) -> bool {
    node.as_model().is_some_and(|model| model.version.is_some())
}

/// The name of the node's file, and without its last extension.
pub(super) fn file_names(node: &Node) -> (&str, Option<&str>) {
    let name = node.original_file_path.rsplit('/').next().unwrap_or_default();
    (name, name.rsplit_once('.').map(|(stem, _)| stem))
}

/// The path of the node's file; that of a hook is written with a dot before it.
fn own_path(node: &Node) -> &str {
    node.original_file_path.strip_prefix("./").unwrap_or(&node.original_file_path)
}

/// `package://path` without its package.
fn without_package(patch_path: &str) -> &str {
    patch_path.split_once("://").map_or(patch_path, |(_, path)| path)
}

/// `a/b/c`, `a/b`, `a`.
fn self_and_folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(folder, _)| folder))
}
