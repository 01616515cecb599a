//! Where packages come from, for one run: what was fetched once is kept in a temporary folder beside the packages' own,
//! so that it can be moved there.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::declared::{self, Declared};
use super::git::{self, Checkout};
use super::hub::{Hub, Package};
use super::resolve::{Pinned, Source};
use super::{Error, archive};
use crate::fetch::{Address, Http};
use crate::jinja::YamlScope;
use crate::model::{Diagnostic, Event, Stage};
use crate::project::dbt_project::{self, ProjectFile};

/// All that packages can be had from.
pub(super) struct Sources<'a> {
    /// Whether versions that need another dbt are passed over.
    pub(super) version_check: bool,
    root: &'a Path,
    scope: &'a YamlScope,
    tell: &'a dyn Fn(&Event),
    stop: &'a dyn Fn() -> bool,
    http: Http<'a>,
    hub: Hub,
    /// What was fetched, one folder each.
    store: PathBuf,
    fetched: usize,
    checkouts: HashMap<(String, Option<String>), Checkout>,
    archives: HashMap<String, PathBuf>,
    warned: Vec<Diagnostic>,
}

/// What a run has from outside.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The root project's folder.
    pub(super) root: &'a Path,
    /// What packages.yml may see.
    pub(super) scope: &'a YamlScope,
    /// Who is told.
    pub(super) tell: &'a dyn Fn(&Event),
    /// Whether to stop.
    pub(super) stop: &'a dyn Fn() -> bool,
    /// Whether versions that need another dbt are passed over.
    pub(super) version_check: bool,
}

impl<'a> Sources<'a> {
    /// `store` is an empty folder.
    pub(super) fn new(surroundings: Surroundings<'a>, store: PathBuf) -> Self {
        let Surroundings { root, scope, tell, stop, version_check } = surroundings;
        let hub = scope.env.0.get("DBT_PACKAGE_HUB_URL").filter(|url| !url.is_empty());
        Self {
            version_check,
            root,
            scope,
            tell,
            stop,
            http: Http::new(&scope.env.0, stop),
            hub: Hub::new(hub.map(String::as_str)),
            store,
            fetched: 0,
            checkouts: HashMap::new(),
            archives: HashMap::new(),
            warned: Vec::new(),
        }
    }

    /// Tells a warning, once.
    pub(super) fn warn(&mut self, warning: Diagnostic) {
        if !self.warned.contains(&warning) {
            (self.tell)(&Event::Diagnostic(warning.clone()));
            self.warned.push(warning);
        }
    }

    /// What the hub knows of a package.
    pub(super) fn hub_package(&mut self, name: &str, asked_by: &str) -> Result<Rc<Package>, Error> {
        self.check_stop()?;
        self.hub.package(&self.http, name, asked_by)
    }

    /// What the hub has said of a package in this run.
    pub(super) fn known(&self, name: &str) -> Option<Rc<Package>> {
        self.hub.known(name)
    }

    /// The name of the project in a folder, relative to the root project's.
    pub(super) fn local_name(&self, path: &str, asked_by: &str) -> Result<String, Error> {
        let folder = self.root.join(path);
        if !folder.join(dbt_project::FILE).is_file() {
            return Err(Error::NoLocal { path: folder, asked_by: asked_by.to_owned() });
        }
        self.name_in(&folder)
    }

    /// The name of the project in a repository, and the commit that `revision` names.
    pub(super) fn git(
        &mut self,
        url: &Address,
        revision: Option<&str>,
        subdirectory: Option<&String>,
    ) -> Result<(String, String), Error> {
        let checkout = self.checkout(url, revision)?;
        let folder = below(&checkout.folder, url, subdirectory)?;
        Ok((self.name_in(&folder)?, checkout.sha))
    }

    /// What a settled package asks for.
    pub(super) fn declared(&mut self, pinned: &Pinned) -> Result<Vec<Declared>, Error> {
        if let Source::Hub { package, version, .. } = &pinned.source {
            let known = self.hub.package(&self.http, package, "")?;
            let release = known.releases.iter().find(|release| release.version.to_string() == *version);
            return release.map_or_else(|| Ok(Vec::new()), |release| release.declared(package));
        }
        let folder = self.folder(pinned)?;
        let listing = declared::read(&folder, self.scope, &format!("{}/", pinned.name))?;
        Ok(listing.packages)
    }

    /// The folder with a settled package: fetched, or where it lies.
    pub(super) fn folder(&mut self, pinned: &Pinned) -> Result<PathBuf, Error> {
        match &pinned.source {
            Source::Local { path } => Ok(self.root.join(path)),
            Source::Git { url, revision, subdirectory } => {
                let checkout = self.checkout(url, Some(revision))?;
                below(&checkout.folder, url, subdirectory.as_ref())
            }
            Source::Tarball { url } => self.archive(url, &pinned.name),
            Source::Hub { package, version, .. } => {
                let known = self.hub_package(package, "package-lock.yml")?;
                let release = known.releases.iter().find(|release| release.version.to_string() == *version);
                let release = release.ok_or_else(|| Error::NoVersion {
                    name: package.clone(),
                    wanted: format!("{version} (package-lock.yml)"),
                    available: "the hub has it no more".to_owned(),
                    hint: "run `slimdiff deps --upgrade` to resolve the packages anew".to_owned(),
                })?;
                self.archive(&release.url(), &format!("{package} {version}"))
            }
        }
    }

    /// The project in the archive at `url`. `what` names it in messages.
    pub(super) fn archive(&mut self, url: &Address, what: &str) -> Result<PathBuf, Error> {
        if let Some(folder) = self.archives.get(&url.value) {
            return Ok(folder.clone());
        }
        self.check_stop()?;
        self.fetching(what);
        let place = self.place();
        let (file, unpacked) = (place.with_extension("tar.gz"), place);
        self.http.download(url, &file)?;
        archive::unpack(&file, &unpacked, what)?;
        // Room for the next one; it goes with the folder in any case.
        let _ = fs::remove_file(&file);
        let project = archive::project(&unpacked, what)?;
        self.archives.insert(url.value.clone(), project.clone());
        Ok(project)
    }

    fn checkout(&mut self, url: &Address, revision: Option<&str>) -> Result<Checkout, Error> {
        let key = (url.value.clone(), revision.map(str::to_owned));
        if let Some(checkout) = self.checkouts.get(&key) {
            return Ok(checkout.clone());
        }
        self.check_stop()?;
        self.fetching(&url.shown);
        let checkout = git::checkout(url, revision, &self.place(), self.stop)?;
        let by_commit = (url.value.clone(), Some(checkout.sha.clone()));
        self.checkouts.insert(by_commit, checkout.clone());
        self.checkouts.insert(key, checkout.clone());
        Ok(checkout)
    }

    /// Says what takes the time.
    fn fetching(&self, what: &str) {
        (self.tell)(&Event::StageStarted { stage: Stage::Deps, detail: format!("fetching {what}"), total: None });
    }

    fn name_in(&self, folder: &Path) -> Result<String, Error> {
        let shown = folder.strip_prefix(&self.store).map_or_else(|_| folder.display().to_string(), |_| String::new());
        let shown = if shown.is_empty() { shown } else { format!("{shown}/") };
        Ok(ProjectFile::read(folder, &shown)?.written_name()?)
    }

    fn place(&mut self) -> PathBuf {
        self.fetched += 1;
        self.store.join(format!("{:03}", self.fetched))
    }

    fn check_stop(&self) -> Result<(), Error> {
        if (self.stop)() { Err(Error::Stopped) } else { Ok(()) }
    }
}

/// The project's folder in a repository; it must not lead out of it.
fn below(checkout: &Path, url: &Address, subdirectory: Option<&String>) -> Result<PathBuf, Error> {
    let folder = subdirectory.map_or_else(|| checkout.to_owned(), |path| checkout.join(path.trim_matches('/')));
    let stays = subdirectory.is_none_or(|path| !Path::new(path).components().any(|part| part == Component::ParentDir));
    let resolved = folder.canonicalize().ok().zip(checkout.canonicalize().ok());
    let inside = stays && resolved.is_some_and(|(folder, checkout)| folder.starts_with(checkout));
    if inside && folder.join(dbt_project::FILE).is_file() {
        return Ok(folder);
    }
    Err(Error::NoProject { what: url.shown.clone(), subdirectory: subdirectory.cloned() })
}
