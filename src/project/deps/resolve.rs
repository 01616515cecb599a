//! From what is asked for to exactly one version of each package: level by level, as dbt does it. What a package asks
//! for is merged with what was asked before; there is no going back to an older version of a package because of what it
//! asks for.

use std::collections::HashSet;

use indexmap::{IndexMap, IndexSet};

use super::Error;
use super::declared::{Declared, Spec};
use super::hub::{Package, Release};
use super::sources::Sources;
use super::version::Requirement;
use crate::fetch::Address;
use crate::model::{Code, Diagnostic};
use crate::project::version::{FOLLOWED, fits};

/// A package that is settled.
#[derive(Debug, Clone)]
pub(super) struct Pinned {
    /// The name of its project, which is its folder's.
    pub(super) name: String,
    /// Where it comes from.
    pub(super) source: Source,
}

/// Where a settled package comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A folder, relative to the root project's.
    Local {
        /// The folder.
        path: String,
    },
    /// A commit of a repository.
    Git {
        /// Its URL.
        url: Address,
        /// The commit's whole id.
        revision: String,
        /// Where in it the project lies.
        subdirectory: Option<String>,
    },
    /// An archive.
    Tarball {
        /// Its URL.
        url: Address,
    },
    /// A version of a package of the hub.
    Hub {
        /// `namespace/name`.
        package: String,
        /// Which.
        version: String,
        /// Whether prereleases count as newer versions.
        prerelease: bool,
    },
}

/// Settles what `declared` asks for, and all that those packages ask for in turn.
///
/// # Errors
/// A package cannot be had, or what is asked for does not go together.
pub(super) fn resolve(declared: &[Declared], root: &str, sources: &mut Sources<'_>) -> Result<Vec<Pinned>, Error> {
    let mut wanted: IndexMap<String, Vec<Declared>> = IndexMap::new();
    let mut expanded = HashSet::new();
    let mut pending = declared.to_vec();
    while !pending.is_empty() {
        let mut touched = IndexSet::new();
        for package in std::mem::take(&mut pending) {
            let key = key(&package.spec);
            touched.insert(key.clone());
            wanted.entry(key).or_default().push(package);
        }
        for key in touched {
            let pinned = pin(&wanted[&key], sources)?;
            if expanded.insert(format!("{key} {}", version(&pinned.source))) {
                pending.extend(sources.declared(&pinned)?);
            }
        }
    }
    let pinned = wanted.values().map(|asked| pin(asked, sources)).collect::<Result<Vec<_>, _>>()?;
    check_names(&pinned, root)?;
    Ok(pinned)
}

/// What makes two entries the same package.
fn key(spec: &Spec) -> String {
    match spec {
        Spec::Local { path } => format!("local {path}"),
        Spec::Git { url, subdirectory, .. } => {
            format!("git {} {}", url.value.trim_end_matches(".git"), subdirectory.as_deref().unwrap_or_default())
        }
        Spec::Tarball { url, name } => format!("tarball {} {name}", url.value),
        Spec::Hub { package, .. } => format!("hub {package}"),
        Spec::Private { name } => format!("private {name}"),
    }
}

fn version(source: &Source) -> &str {
    match source {
        Source::Git { revision, .. } => revision,
        Source::Hub { version, .. } => version,
        Source::Local { .. } | Source::Tarball { .. } => "",
    }
}

/// Settles one package of which all of `asked` are asked.
fn pin(asked: &[Declared], sources: &mut Sources<'_>) -> Result<Pinned, Error> {
    let first = &asked[0];
    match &first.spec {
        Spec::Local { path } => {
            let name = sources.local_name(path, &first.asked_by)?;
            Ok(Pinned { name, source: Source::Local { path: path.clone() } })
        }
        Spec::Git { url, subdirectory, .. } => pin_git(asked, url, subdirectory.as_ref(), sources),
        Spec::Tarball { url, name } => {
            sources.archive(url, name)?;
            Ok(Pinned { name: name.clone(), source: Source::Tarball { url: url.clone() } })
        }
        Spec::Hub { package, .. } => pin_hub(asked, package, sources),
        Spec::Private { name } => Err(Error::Refused {
            message: format!("the private package {name} ({}) needs dbt's platform", first.asked_by),
            hint: "name its repository instead: `git: https://…`",
        }),
    }
}

fn pin_git(
    asked: &[Declared],
    url: &Address,
    subdirectory: Option<&String>,
    sources: &mut Sources<'_>,
) -> Result<Pinned, Error> {
    let mut revisions: IndexMap<&str, Vec<&str>> = IndexMap::new();
    let mut warns = true;
    for package in asked {
        if let Spec::Git { revision, warn_unpinned, .. } = &package.spec {
            warns &= warn_unpinned;
            if let Some(revision) = revision {
                revisions.entry(revision).or_default().push(&package.asked_by);
            }
        }
    }
    if revisions.len() > 1 {
        let wanted = revisions.iter().map(|(revision, by)| format!("{revision} ({})", by.join(", ")));
        let wanted = wanted.collect::<Vec<_>>().join(", ");
        return Err(Error::Revisions { url: url.shown.clone(), count: revisions.len(), wanted });
    }
    let revision = revisions.keys().next().copied();
    if warns && let None | Some("main" | "master" | "HEAD") = revision {
        let pinned = revision.map_or("names no revision".to_owned(), |name| format!("names the branch `{name}`"));
        let message = format!("the git package {} {pinned}, so it changes without notice", url.shown);
        let hint = "name a tag or a commit with `revision:`, or say `warn-unpinned: false`";
        sources.warn(Diagnostic::warning(Code::ProjectMessage, message).hint(hint));
    }
    let (name, revision) = sources.git(url, revision, subdirectory)?;
    Ok(Pinned { name, source: Source::Git { url: url.clone(), revision, subdirectory: subdirectory.cloned() } })
}

fn pin_hub(asked: &[Declared], name: &str, sources: &mut Sources<'_>) -> Result<Pinned, Error> {
    let package = sources.hub_package(name, &asked[0].asked_by)?;
    if let Some(other) = &package.replaced_by {
        let message = format!("{name} is not kept up any more; {other} stands in for it");
        sources.warn(Diagnostic::warning(Code::ProjectMessage, message).hint("ask for that one in packages.yml"));
    }
    let choice = Choice::new(asked, sources.version_check);
    let release = choice.of(&package).ok_or_else(|| choice.none_fits(name, &package))?;
    let prerelease = choice.prerelease;
    let source = Source::Hub { package: name.to_owned(), version: release.version.to_string(), prerelease };
    Ok(Pinned { name: release.name.clone(), source })
}

/// What is asked of a package of the hub.
struct Choice<'a> {
    /// Each with who asks.
    requirements: Vec<(Requirement, &'a str)>,
    prerelease: bool,
    version_check: bool,
}

impl<'a> Choice<'a> {
    fn new(asked: &'a [Declared], version_check: bool) -> Self {
        let mut requirements = Vec::new();
        let mut prerelease = false;
        for package in asked {
            if let Spec::Hub { versions, prerelease: theirs, .. } = &package.spec {
                prerelease |= theirs;
                let parsed = versions.iter().filter_map(|version| version.parse::<Requirement>().ok());
                requirements.extend(parsed.map(|requirement| (requirement, package.asked_by.as_str())));
            }
        }
        prerelease |= requirements.iter().any(|(requirement, _)| requirement.names_prerelease());
        Self { requirements, prerelease, version_check }
    }

    fn of<'p>(&self, package: &'p Package) -> Option<&'p Release> {
        package.releases.iter().rev().find(|release| self.fits_us(release) && self.is_asked_for(release))
    }

    fn is_asked_for(&self, release: &Release) -> bool {
        self.is_stable_enough(release)
            && self.requirements.iter().all(|(requirement, _)| requirement.allows(&release.version))
    }

    fn is_stable_enough(&self, release: &Release) -> bool {
        self.prerelease || !release.version.is_prerelease()
    }

    fn fits_us(&self, release: &Release) -> bool {
        !self.version_check || fits(FOLLOWED, &release.requires)
    }

    fn none_fits(&self, name: &str, package: &Package) -> Error {
        let wanted = self.requirements.iter().map(|(requirement, by)| format!("{requirement} ({by})"));
        let wanted = wanted.collect::<Vec<_>>().join(", ");
        let incompatible: Vec<&Release> =
            package.releases.iter().filter(|release| self.is_asked_for(release)).collect();
        let (available, hint) = if let Some(newest) = incompatible.last() {
            let needs = newest.requires.join(", ");
            (
                format!("{} is, but needs dbt {needs}, and slimdiff follows dbt {FOLLOWED}", newest.version),
                "ask for another version, or pass `--no-version-check` to take it all the same",
            )
        } else {
            let usable = package.releases.iter().filter(|release| self.fits_us(release));
            let (stable, pre): (Vec<&Release>, Vec<&Release>) =
                usable.partition(|release| self.is_stable_enough(release));
            let prerelease_would = pre
                .iter()
                .any(|release| self.requirements.iter().all(|(requirement, _)| requirement.allows(&release.version)));
            let hint = if prerelease_would {
                "a prerelease would do: say `install_prerelease: true`"
            } else {
                "change what packages.yml asks for"
            };
            (format!("there {}", newest_of(&stable)), hint)
        };
        Error::NoVersion { name: name.to_owned(), wanted, available, hint: hint.to_owned() }
    }
}

/// Newest first, and not all of a long history.
fn newest_of(releases: &[&Release]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = releases.iter().rev().take(SHOWN).map(|release| release.version.to_string()).collect();
    match (shown.is_empty(), releases.len().saturating_sub(SHOWN)) {
        (true, _) => "is none that fits".to_owned(),
        (false, 0) => format!("are {}", shown.join(", ")),
        (false, more) => format!("are {} and {more} older ones", shown.join(", ")),
    }
}

/// The newest version of a settled package of the hub that could be asked for, when it is newer than the settled one.
pub(super) fn newer(package: &Package, version: &str, prerelease: bool, version_check: bool) -> Option<String> {
    let choice = Choice { requirements: Vec::new(), prerelease, version_check };
    let newest = &choice.of(package)?.version;
    let installed = version.parse().ok()?;
    (*newest > installed).then(|| newest.to_string())
}

impl Source {
    /// For people: where it comes from.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Local { path } => format!("local {path}"),
            Self::Git { url, subdirectory, .. } => {
                let below = subdirectory.as_ref().map(|path| format!(", {path}")).unwrap_or_default();
                format!("git {}{below}", url.shown)
            }
            Self::Tarball { url } => format!("tarball {}", url.shown),
            Self::Hub { package, .. } => format!("hub {package}"),
        }
    }

    /// For people: which version.
    pub(super) fn shown_version(&self) -> String {
        match self {
            Self::Hub { version, .. } => version.clone(),
            Self::Git { revision, .. } => revision.chars().take(9).collect(),
            Self::Local { .. } | Self::Tarball { .. } => "-".to_owned(),
        }
    }
}

/// No two packages may share a name, which is their folder's as well, nor may one have the project's own.
pub(super) fn check_names(pinned: &[Pinned], root: &str) -> Result<(), Error> {
    let mut seen: IndexMap<&str, String> = IndexMap::from([(root, "the project itself".to_owned())]);
    for package in pinned {
        let what = package.source.shown();
        let is_folder = |name: &str| {
            !name.is_empty() && !name.starts_with('.') && !name.starts_with("__") && !name.contains(['/', '\\', '\0'])
        };
        if !is_folder(&package.name) {
            let reason = format!("its name, `{}`, cannot be a folder's", package.name);
            return Err(Error::Archive { what, reason });
        }
        if let Some(first) = seen.insert(&package.name, what.clone()) {
            return Err(Error::Duplicate { name: package.name.clone(), first, second: what });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use serde_json::{Value as Json, json};

    use super::super::declared::{self, Declared};
    use super::super::hub;
    use super::super::sources::{Sources, Surroundings};
    use super::{Choice, Source, newer, resolve};
    use crate::jinja::{Env, YamlScope};

    fn package(releases: &[(&str, &str)]) -> hub::Package {
        let release = |(version, requires): &(&str, &str)| {
            let json = json!({"name": "utils", "require_dbt_version": requires, "downloads": {"tarball": "x"}});
            ((*version).to_owned(), json)
        };
        let versions: serde_json::Map<String, Json> = releases.iter().map(release).collect();
        hub::package("acme/utils", &json!({"versions": versions})).unwrap()
    }

    fn asked(version: &Json, prerelease: bool) -> Declared {
        let entry = json!({"package": "acme/utils", "version": version, "install_prerelease": prerelease});
        declared::entry(&entry, "packages.yml:2").unwrap()
    }

    #[test]
    fn the_newest_version_that_all_allow_is_taken() {
        let all = ["0.9.0", "1.0.0", "1.1.0", "1.2.0", "1.3.0-rc1", "1.10.0", "2.0.0-beta.1"];
        let package = package(&all.map(|version| (version, ">=1.0.0")));
        let chosen = |asked: &[Declared]| Choice::new(asked, true).of(&package).map(|found| found.version.to_string());
        let one = |version: Json, prerelease: bool| chosen(&[asked(&version, prerelease)]).unwrap_or_default();
        assert_eq!(one(json!([">=1.0.0", "<1.2.0"]), false), "1.1.0");
        assert_eq!(one(json!(">0.1.0"), false), "1.10.0");
        assert_eq!(one(json!(">0.1.0"), true), "2.0.0-beta.1");
        assert_eq!(one(json!("1.3.0-rc1"), false), "1.3.0-rc1");
        assert_eq!(one(json!("=1.0.0"), false), "1.0.0");
        assert_eq!(one(json!("3.0.0"), false), "");
        let both = [asked(&json!(">=1.0.0"), false), asked(&json!("<1.10.0"), false)];
        assert_eq!(chosen(&both).unwrap(), "1.2.0");
        assert_eq!(newer(&package, "1.2.0", false, true).unwrap(), "1.10.0");
        assert_eq!(newer(&package, "1.10.0", false, true), None);
    }

    #[test]
    fn a_version_for_another_dbt_is_passed_over_and_named() {
        let package = package(&[("1.0.0", ">=1.0.0,<2.0.0"), ("2.0.0", ">=2.0.0")]);
        let asked_for = |version| [asked(&json!(version), false)];
        let any = asked_for(">=1.0.0");
        assert_eq!(Choice::new(&any, true).of(&package).unwrap().version.to_string(), "1.0.0");
        assert_eq!(Choice::new(&any, false).of(&package).unwrap().version.to_string(), "2.0.0");
        let newest = asked_for("2.0.0");
        let choice = Choice::new(&newest, true);
        let error = choice.none_fits("acme/utils", &package);
        assert!(error.to_string().contains("2.0.0 is, but needs dbt >=2.0.0"), "{error}");
        assert!(error.hint().unwrap().contains("--no-version-check"));
    }

    /// What a project with local packages resolves to: names and paths.
    fn resolved(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let scope = YamlScope { env: Env(Arc::default()), ..YamlScope::default() };
        let surroundings =
            Surroundings { root: dir.path(), scope: &scope, tell: &|_| {}, stop: &|| false, version_check: true };
        let mut sources = Sources::new(surroundings, Path::new("/nowhere").to_owned());
        let listing = declared::read(dir.path(), &scope, "").map_err(|error| error.to_string())?;
        let pinned = resolve(&listing.packages, "shop", &mut sources).map_err(|error| error.to_string())?;
        let shown = |source: &Source| source.shown();
        Ok(pinned.iter().map(|package| format!("{} {}", package.name, shown(&package.source))).collect())
    }

    #[test]
    fn packages_of_packages_are_found_and_a_circle_ends() {
        let found = resolved(&[
            ("packages.yml", "packages: [{local: one}]"),
            ("one/dbt_project.yml", "name: a"),
            ("one/packages.yml", "packages: [{local: two}]"),
            ("two/dbt_project.yml", "name: b"),
            ("two/dependencies.yml", "packages: [{local: one}]"),
        ]);
        assert_eq!(found.unwrap(), ["a local one", "b local two"]);
    }

    #[test]
    fn who_asks_for_what_is_not_there_is_named() {
        let message = resolved(&[
            ("packages.yml", "packages: [{local: one}]"),
            ("one/dbt_project.yml", "name: a"),
            ("one/packages.yml", "packages:\n  - local: ../two"),
        ]);
        assert!(message.unwrap_err().ends_with("the local package of a/packages.yml:2"));
        let same = resolved(&[("packages.yml", "packages: [{local: one}]"), ("one/dbt_project.yml", "name: shop")]);
        assert_eq!(same.unwrap_err(), "two packages hold a project called `shop`: the project itself and local one");
    }
}
