//! The steps of `deps`: what is declared, what it comes to, what is written.

use std::path::{Path, PathBuf};

use super::declared::{self, Declared, Spec};
use super::install::Workplace;
use super::resolve::{self, Pinned, Source};
use super::sources::{Sources, Surroundings};
use super::{Addition, Error, lock};
use crate::jinja::YamlScope;
use crate::model::Event;
use crate::project::LoadOptions;
use crate::project::load::open;
use crate::project::profile::{self, Profile};

/// What is asked of `deps`.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Write the lock file and install nothing (`--lock`).
    pub lock_only: bool,
    /// Resolve anew even when the lock file fits (`--upgrade`).
    pub upgrade: bool,
    /// A package to add to packages.yml first.
    pub add: Option<Addition>,
    /// Refuse to install anywhere but below this folder.
    pub within: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The packages, in the order of the lock file.
    pub packages: Vec<Installed>,
    /// Where they are installed; nowhere when only the lock file was asked for.
    pub folder: Option<PathBuf>,
    /// The lock file, when it was written.
    pub lock: Option<PathBuf>,
}

/// One package.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The name of its project.
    pub name: String,
    /// Its version, the commit's short id, or `-`.
    pub version: String,
    /// Where it comes from, as written: `hub dbt-labs/dbt_utils`.
    pub from: String,
    /// A newer version that the hub has.
    pub newer: Option<String>,
}

/// Installs the packages of the project in `load.project_dir`: those of the lock file where it fits what is declared,
/// else what the declared packages resolve to. `tell` hears of warnings; `stop` is asked whether the run was stopped.
///
/// # Errors
/// What is declared is wrong or does not go together, or a package cannot be had. The packages are then as they were.
pub fn install(
    load: &LoadOptions,
    request: &Request,
    tell: &dyn Fn(&Event),
    stop: &dyn Fn() -> bool,
) -> Result<Outcome, Error> {
    let project = Place::of(load)?;
    let before = request.add.as_ref().map(|_| Saved::of(&project.root)).transpose()?;
    if let Some(add) = &request.add {
        add.write(&project.root)?;
    }
    let done = project.install(request, tell, stop);
    if let (Err(_), Some(before)) = (&done, &before) {
        before.restore()?;
    }
    done
}

/// The project's folder and what its packages.yml may see.
struct Place {
    root: PathBuf,
    name: String,
    target: PathBuf,
    scope: YamlScope,
    version_check: bool,
}

impl Place {
    fn of(load: &LoadOptions) -> Result<Self, Error> {
        let root = load.project_dir.canonicalize().unwrap_or_else(|_| load.project_dir.clone());
        let file = open(&root)?;
        let mut scope = YamlScope { vars: load.vars.clone(), env: load.env.clone(), ..YamlScope::default() };
        // dbt_project.yml may ask for the target; packages can be had without a profile all the same.
        let profile = file.profile_name(&scope).and_then(|name| profile::load(load, name));
        scope.target = profile.unwrap_or_else(|_| Profile::absent()).public_target();
        let settings = file.settings(&scope, load.any_version)?;
        // What packages.yml may see, as in dbt: variables of the command line and the environment, secrets included.
        let scope = YamlScope { allow_secrets: true, target: crate::model::JsonMap::new(), ..scope };
        let target = root.join(&settings.packages_path);
        Ok(Self { root, name: settings.name, target, scope, version_check: !load.any_version })
    }

    fn install(&self, request: &Request, tell: &dyn Fn(&Event), stop: &dyn Fn() -> bool) -> Result<Outcome, Error> {
        let listing = declared::read(&self.root, &self.scope, "")?;
        for diagnostic in listing.diagnostics {
            tell(&Event::Diagnostic(diagnostic));
        }
        if let Some(folder) = &request.within {
            check_within(&self.target, folder)?;
        }
        let workplace = Workplace::new(&self.root, &self.target)?;
        let surroundings =
            Surroundings { root: &self.root, scope: &self.scope, tell, stop, version_check: self.version_check };
        let mut sources = Sources::new(surroundings, workplace.store());
        let lock_path = self.root.join(lock::FILE);
        let hash = lock::hash(&listing.packages);
        let locked = if request.upgrade || listing.packages.is_empty() {
            None
        } else {
            self.locked(&lock_path, &hash, &sources)?
        };
        let resolved = locked.is_none();
        let pinned = match locked {
            Some(pinned) => pinned,
            None => resolve::resolve(&listing.packages, &self.name, &mut sources)?,
        };
        if !request.lock_only {
            workplace.install(&pinned, &self.root, &mut sources)?;
        }
        // As in dbt, nothing is locked where nothing is declared.
        let writes = resolved && !pinned.is_empty();
        if writes {
            lock::write(&lock_path, &lock::text(&pinned, &hash))?;
        }
        let packages = pinned.iter().map(|package| self.installed(package, &mut sources)).collect();
        Ok(Outcome {
            packages,
            folder: (!request.lock_only).then(|| self.target.clone()),
            lock: writes.then_some(lock_path),
        })
    }

    /// The packages of the lock file, if it was written for what is declared now.
    fn locked(&self, path: &Path, hash: &str, sources: &Sources<'_>) -> Result<Option<Vec<Pinned>>, Error> {
        let Some((packages, written_for)) = declared::read_lock(path, lock::FILE, &self.scope)? else {
            return Ok(None);
        };
        if written_for != hash {
            return Ok(None);
        }
        // An entry without what makes it exact was not written by dbt or us: then the packages are resolved again.
        let pinned: Option<Vec<Pinned>> = packages.iter().map(|package| exact(package, sources)).collect();
        pinned.map_or(Ok(None), |pinned| resolve::check_names(&pinned, &self.name).map(|()| Some(pinned)))
    }

    fn installed(&self, package: &Pinned, sources: &mut Sources<'_>) -> Installed {
        let newer = match &package.source {
            // The hub has answered for it before; should it not now, there is nothing to tell.
            Source::Hub { package, version, prerelease } => sources
                .known(package)
                .and_then(|known| resolve::newer(&known, version, *prerelease, self.version_check)),
            _ => None,
        };
        let source = &package.source;
        Installed { name: package.name.clone(), version: source.shown_version(), from: source.shown(), newer }
    }
}

fn check_within(target: &Path, folder: &Path) -> Result<(), Error> {
    // What does not exist yet is where its nearest existing parent is.
    let existing = target.ancestors().find_map(|parent| parent.canonicalize().ok());
    let folder = folder.canonicalize().map_err(Error::io("find", folder))?;
    if existing.is_some_and(|existing| existing.starts_with(&folder)) {
        return Ok(());
    }
    let message = format!("its packages-install-path, {}, lies outside of the project", target.display());
    Err(Error::Refused { message, hint: "name a folder in the project" })
}

/// An entry of a lock file as the package that it settles.
fn exact(package: &Declared, sources: &Sources<'_>) -> Option<Pinned> {
    let name = package.name.clone();
    let source = match &package.spec {
        Spec::Local { path } => Source::Local { path: path.clone() },
        Spec::Git { url, revision: Some(revision), subdirectory, .. } => {
            Source::Git { url: url.clone(), revision: revision.clone(), subdirectory: subdirectory.clone() }
        }
        Spec::Tarball { url, .. } => Source::Tarball { url: url.clone() },
        Spec::Hub { package, versions, prerelease } => match versions.as_slice() {
            [version] => Source::Hub {
                package: package.clone(),
                version: version.trim_start_matches('=').to_owned(),
                prerelease: *prerelease,
            },
            _ => return None,
        },
        Spec::Git { .. } | Spec::Private { .. } => return None,
    };
    let name = match (&source, name) {
        // A local project may have got another name since.
        (Source::Local { path }, _) => sources.local_name(path, lock::FILE).ok()?,
        (_, name) => name?,
    };
    Some(Pinned { name, source })
}

/// The declaring files as they were before a package was added, to be put back when it cannot be had.
struct Saved(Vec<(PathBuf, Option<String>)>);

impl Saved {
    fn of(root: &Path) -> Result<Self, Error> {
        let files = [declared::PACKAGES, declared::DEPENDENCIES].map(|name| root.join(name));
        let read = |path: PathBuf| match std::fs::read_to_string(&path) {
            Ok(text) => Ok((path, Some(text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((path, None)),
            Err(error) => Err(Error::io("read", path)(error)),
        };
        files.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    fn restore(&self) -> Result<(), Error> {
        for (path, text) in &self.0 {
            match text {
                Some(text) if std::fs::read_to_string(path).ok().as_ref() != Some(text) => lock::write(path, text)?,
                None if path.exists() => std::fs::remove_file(path).map_err(Error::io("remove", path))?,
                _ => {}
            }
        }
        Ok(())
    }
}
