//! Files that git keeps elsewhere (LFS): a revision has only pointers to them, which would look like other seeds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::digest_of_file;

const HEADER: &str = "version https://git-lfs.github.com/spec/";
/// Pointers are short; a longer file is none.
const LONGEST_POINTER: u64 = 1024;

/// Puts the contents in place of pointers below `folder`, where they are at hand: in git's own store, or in the working
/// tree when the file there is the same. Returns the pointers that are left, relative to `folder`.
pub(super) fn fill_in(folder: &Path, git_dir: &Path, working_tree: &Path) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        let is_short = entry.metadata().is_ok_and(|data| data.is_file() && data.len() <= LONGEST_POINTER);
        let Some(id) = is_short.then(|| pointer(entry.path())).flatten() else { continue };
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let stored = id.get(..4).map(|start| git_dir.join("lfs/objects").join(&start[..2]).join(&start[2..]).join(&id));
        let here = working_tree.join(relative);
        let source = stored.filter(|path| path.is_file()).or_else(|| (digest_of_file(&here)? == id).then_some(here));
        if source.is_none_or(|source| fs::copy(source, entry.path()).is_err()) {
            left.push(relative.to_owned());
        }
    }
    left
}

/// The digest that a pointer names.
fn pointer(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    if !text.starts_with(HEADER) {
        return None;
    }
    text.lines().find_map(|line| line.strip_prefix("oid sha256:")).map(|id| id.trim().to_owned())
}
