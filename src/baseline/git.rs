//! The repository: which commit is meant, and its files in a folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{Commit, ErrorCode, ObjectType, Repository, TreeWalkMode, TreeWalkResult};

use super::Error;

/// A commit to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revision {
    /// The whole id.
    pub(super) sha: String,
    /// For people, e.g. `main at 1a2b3c4 (merge base)`.
    pub(super) description: String,
}

/// Environment variables.
type Env = HashMap<String, String>;

/// The commit that HEAD names in the repository of `folder`, if there is one.
pub fn head_sha(folder: &Path) -> Option<String> {
    let repository = Repository::discover(folder).ok()?;
    let commit = repository.head().ok()?.peel_to_commit().ok()?;
    Some(commit.id().to_string())
}

/// The branch that is checked out in the repository of `folder`; none where there is no repository or no branch.
pub fn head_branch(folder: &Path) -> Option<String> {
    let repository = Repository::discover(folder).ok()?;
    let head = repository.head().ok().filter(git2::Reference::is_branch)?;
    head.shorthand().ok().map(str::to_owned)
}

/// The repository around `folder`.
pub(super) fn open(folder: &Path) -> Result<Repository, Error> {
    Repository::discover(folder).map_err(|source| match source.code() {
        ErrorCode::NotFound => Error::NoRepository { folder: folder.to_owned() },
        ErrorCode::Owner => Error::Distrusted { folder: folder.to_owned() },
        _ => failed("open the repository", source),
    })
}

fn failed(doing: impl Into<String>, source: git2::Error) -> Error {
    Error::Git { doing: doing.into(), source }
}

/// The commit that `revision` names, here or on origin.
pub(super) fn find(repository: &Repository, revision: &str) -> Result<Revision, Error> {
    let names = [revision.to_owned(), format!("origin/{revision}")];
    let commit = names.iter().find_map(|name| commit(repository, name));
    let Some(commit) = commit else {
        return Err(Error::UnknownRevision { revision: revision.to_owned(), shallow: repository.is_shallow() });
    };
    let sha = commit.id().to_string();
    let short = short(&sha);
    let description = if sha.starts_with(revision) { short.to_owned() } else { format!("{revision} at {short}") };
    Ok(Revision { sha, description })
}

fn commit<'r>(repository: &'r Repository, name: &str) -> Option<Commit<'r>> {
    repository.revparse_single(name).ok()?.peel_to_commit().ok()
}

/// The first seven digits, as people read them.
pub(super) fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

/// Where HEAD left the branch that it will be merged into.
pub(super) fn merge_base(repository: &Repository, env: &Env) -> Result<Revision, Error> {
    let head = repository.head().and_then(|head| head.peel_to_commit()).map_err(|source| match source.code() {
        ErrorCode::UnbornBranch | ErrorCode::NotFound => Error::NoCommit,
        _ => failed("read HEAD", source),
    })?;
    let tried = base_branches(repository, env);
    let Some((name, branch)) = tried.iter().find_map(|name| Some((name, commit(repository, name)?))) else {
        return merged_into(&head, env).ok_or(Error::NoDefaultBranch { tried, shallow: repository.is_shallow() });
    };
    let base = repository.merge_base(head.id(), branch.id()).map_err(|source| match source.code() {
        ErrorCode::NotFound => Error::NoMergeBase { branch: name.clone(), shallow: repository.is_shallow() },
        _ => failed(format!("find the merge base of HEAD and {name}"), source),
    })?;
    let sha = base.to_string();
    let name = name.strip_prefix("origin/").unwrap_or(name);
    Ok(Revision { description: format!("{name} at {} (merge base)", short(&sha)), sha })
}

/// Names of the branch to merge into, likeliest first: the pull request's base where CI names it, then the default
/// branch.
fn base_branches(repository: &Repository, env: &Env) -> Vec<String> {
    let variable = |name: &str| env.get(name).filter(|value| !value.is_empty());
    let mut names: Vec<String> = variable("GITHUB_BASE_REF").map(|name| format!("origin/{name}")).into_iter().collect();
    let default = repository.find_reference("refs/remotes/origin/HEAD").ok();
    let default = default.and_then(|head| head.symbolic_target().ok().flatten().map(str::to_owned));
    names.extend(default.and_then(|target| target.strip_prefix("refs/remotes/").map(str::to_owned)));
    names.extend(["origin/main", "origin/master", "main", "master"].map(str::to_owned));
    names
}

/// CI checks out the merge of a pull request into its base: then the base is the first parent, also where no branch is
/// known.
fn merged_into(head: &Commit<'_>, env: &Env) -> Option<Revision> {
    let is_merge = env.get("GITHUB_REF").is_some_and(|name| name.starts_with("refs/pull/") && name.ends_with("/merge"));
    let base = (is_merge && head.parent_count() == 2).then(|| head.parent(0).ok())??;
    let sha = base.id().to_string();
    let name = env.get("GITHUB_BASE_REF").map_or("base", String::as_str);
    Some(Revision { description: format!("{name} at {}", short(&sha)), sha })
}

/// Where the project lies in the repository, with `/`; empty at its root.
pub(super) fn subfolder(repository: &Repository, project: &Path) -> Result<String, Error> {
    let outside = || Error::NoRepository { folder: project.to_owned() };
    let root = repository.workdir().ok_or_else(outside)?;
    let (root, project) = (resolved(root), resolved(project));
    let below = project.strip_prefix(&root).map_err(|_| outside())?;
    Ok(below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
}

fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether the revision has a file of this path, and its text.
pub(super) fn text(repository: &Repository, revision: &Revision, path: &str) -> Option<String> {
    let tree = commit(repository, &revision.sha)?.tree().ok()?;
    let blob = tree.get_path(Path::new(path)).ok()?.to_object(repository).ok()?.peel_to_blob().ok()?;
    Some(String::from_utf8_lossy(blob.content()).into_owned())
}

/// Writes the revision's files below `folder` of the repository (all, when it is empty) to the same place below
/// `target`. The repository, its index and its working tree stay as they are.
pub(super) fn write(repository: &Repository, revision: &Revision, folder: &str, target: &Path) -> Result<(), Error> {
    let doing = || format!("write the files of {}", revision.description);
    let object = repository.revparse_single(&revision.sha).map_err(|source| failed(doing(), source))?;
    let mut checkout = CheckoutBuilder::new();
    checkout.force().recreate_missing(true).update_index(false).target_dir(target);
    if !folder.is_empty() {
        checkout.disable_pathspec_match(true).path(folder);
    }
    repository.checkout_tree(&object, Some(&mut checkout)).map_err(|source| failed(doing(), source))
}

/// Paths of the submodules of the revision.
pub(super) fn submodules(repository: &Repository, revision: &Revision) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(tree) = commit(repository, &revision.sha).and_then(|commit| commit.tree().ok()) {
        // The callback never stops the walk; a tree that cannot be read has been reported while its files were written.
        let _ = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            if let (Some(ObjectType::Commit), Ok(name)) = (entry.kind(), entry.name()) {
                found.push(format!("{folder}{name}"));
            }
            TreeWalkResult::Ok
        });
    }
    found
}
