//! Putting packages in place: all of them are made ready beside the packages' folder, then the folder is exchanged as a
//! whole. Whatever fails before leaves the former packages as they were, and no reader ever sees a half package.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Error;
use super::resolve::{Pinned, Source};
use super::sources::Sources;

/// What temporary folders are called; they lie beside the packages' folder.
const PREFIX: &str = ".dbt_packages-";
/// A temporary folder of this age was left by a process that was killed.
const LEFT: Duration = Duration::from_secs(24 * 3_600);

/// A place for what is fetched, on the same disk as the packages' folder.
pub(super) struct Workplace {
    folder: tempfile::TempDir,
    target: PathBuf,
}

impl Workplace {
    /// A new one for packages that go to `target`.
    pub(super) fn new(root: &Path, target: &Path) -> Result<Self, Error> {
        // The folder behind a link is exchanged, not the link.
        let target = target.canonicalize().unwrap_or_else(|_| target.to_owned());
        check_target(root, &target)?;
        let parent = target.parent().unwrap_or(root).to_owned();
        fs::create_dir_all(&parent).map_err(Error::io("make", &parent))?;
        sweep(&parent);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&parent);
        let folder = folder.map_err(Error::io("make a temporary folder in", &parent))?;
        for part in ["fetched", "ready"] {
            let path = folder.path().join(part);
            fs::create_dir(&path).map_err(Error::io("make", &path))?;
        }
        Ok(Self { folder, target })
    }

    /// For what is fetched.
    pub(super) fn store(&self) -> PathBuf {
        self.folder.path().join("fetched")
    }

    /// Puts `pinned` in place of all that was installed before.
    pub(super) fn install(&self, pinned: &[Pinned], root: &Path, sources: &mut Sources<'_>) -> Result<(), Error> {
        let ready = self.folder.path().join("ready");
        let folders = pinned.iter().map(|package| sources.folder(package)).collect::<Result<Vec<_>, _>>()?;
        let mut shared: HashMap<PathBuf, usize> = HashMap::new();
        for folder in &folders {
            *shared.entry(self.origin(folder)).or_default() += 1;
        }
        for (package, folder) in pinned.iter().zip(&folders) {
            let place = ready.join(&package.name);
            if let Source::Local { path } = &package.source {
                link(&root.join(path), &place)?;
            } else if shared[&self.origin(folder)] > 1 {
                copy(folder, &place)?;
            } else {
                fs::rename(folder, &place).map_err(Error::io("move", folder))?;
            }
        }
        self.exchange(&ready)
    }

    /// What was fetched with a folder: several packages may come from one repository.
    fn origin(&self, folder: &Path) -> PathBuf {
        let store = self.store();
        let below = folder.strip_prefix(&store).ok().and_then(|below| below.components().next());
        below.map_or_else(|| folder.to_owned(), |first| store.join(first))
    }

    fn exchange(&self, ready: &Path) -> Result<(), Error> {
        let former = self.folder.path().join("former");
        match fs::rename(&self.target, &former) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A folder of a disk of its own (a volume of a container) cannot be moved; what is in it can.
            Err(_) => return self.exchange_contents(ready),
        }
        fs::rename(ready, &self.target).map_err(|source| {
            // Back to what was there; if that fails as well, the message says where it is.
            let _ = fs::rename(&former, &self.target);
            Error::io("write", &self.target)(source)
        })
    }

    fn exchange_contents(&self, ready: &Path) -> Result<(), Error> {
        for entry in fs::read_dir(&self.target).map_err(Error::io("read", &self.target))?.filter_map(Result::ok) {
            remove(&entry.path())?;
        }
        for entry in fs::read_dir(ready).map_err(Error::io("read", ready))?.filter_map(Result::ok) {
            // Under a name that no reader takes for a package, until it is whole.
            let temporary = self.target.join(format!("__{}", entry.file_name().display()));
            let place = self.target.join(entry.file_name());
            copy(&entry.path(), &temporary)?;
            fs::rename(&temporary, &place).map_err(Error::io("write", &place))?;
        }
        Ok(())
    }
}

/// Refuses a folder whose exchange would remove more than packages.
fn check_target(root: &Path, target: &Path) -> Result<(), Error> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let holds_project = root.starts_with(target) || target.join(crate::project::dbt_project::FILE).exists();
    if holds_project || target.join(".git").exists() {
        let message = format!("packages-install-path names {}, which holds more than packages", target.display());
        return Err(Error::Refused { message, hint: "name a folder of its own in dbt_project.yml, e.g. dbt_packages" });
    }
    Ok(())
}

/// Removes what killed runs left. Failing to is no reason not to go on.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.filter_map(Result::ok) {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = entry.metadata().and_then(|data| data.modified()).map(|time| SystemTime::now().duration_since(time));
        if ours && age.is_ok_and(|age| age.is_ok_and(|age| age > LEFT)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Links the folder, as dbt does: what is edited there counts at once.
fn link(folder: &Path, place: &Path) -> Result<(), Error> {
    let folder = folder.canonicalize().map_err(Error::io("find", folder))?;
    std::os::unix::fs::symlink(folder, place).map_err(Error::io("link", place))
}

fn remove(path: &Path) -> Result<(), Error> {
    let is_folder = path.symlink_metadata().is_ok_and(|data| data.is_dir());
    if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(Error::io("remove", path))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.map_err(|error| Error::io("read", from)(error.into()))?;
        let target = entry.path().strip_prefix(from).map_or_else(|_| to.to_owned(), |below| to.join(below));
        let target = if target.as_os_str() == to.join("").as_os_str() { to.to_owned() } else { target };
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).map_err(Error::io("make", &target))?;
        } else if entry.path_is_symlink() {
            let link = fs::read_link(entry.path()).map_err(Error::io("read", entry.path()))?;
            std::os::unix::fs::symlink(link, &target).map_err(Error::io("link", &target))?;
        } else {
            fs::copy(entry.path(), &target).map_err(Error::io("copy", entry.path()))?;
        }
    }
    Ok(())
}
