//! What packages.yml, dependencies.yml and package-lock.yml declare: one entry for each package, checked, with its
//! place.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::fetch::Address;
use crate::jinja::YamlScope;
use crate::model::{Code, Diagnostic, JsonMap, Location, nearest};
use crate::project::Error;
use crate::project::render::render_all;
use crate::yaml::{self, Node};

/// The file for packages, which is rendered.
pub(in crate::project) const PACKAGES: &str = "packages.yml";
/// The file for packages and projects, which is not rendered.
pub(in crate::project) const DEPENDENCIES: &str = "dependencies.yml";

/// What one project declares.
#[derive(Debug, Clone, Default)]
pub(in crate::project) struct Listing {
    /// Its packages, in order.
    pub(in crate::project) packages: Vec<Declared>,
    /// The file that declares them; packages.yml when none does.
    pub(in crate::project) file: PathBuf,
    /// What is worth knowing.
    pub(in crate::project) diagnostics: Vec<Diagnostic>,
}

/// One package that is asked for.
#[derive(Debug, Clone)]
pub(in crate::project) struct Declared {
    /// Which.
    pub(in crate::project) spec: Spec,
    /// Who asks for it: a file and line, or a package.
    pub(in crate::project) asked_by: String,
    /// The name of its project, when the entry says one.
    pub(in crate::project) name: Option<String>,
    /// The entry as the lock file's hash sees it.
    pub(in crate::project) hashed: Json,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::project) enum Spec {
    /// A folder, relative to the root project's.
    Local {
        /// The folder.
        path: String,
    },
    /// A repository.
    Git {
        /// Its URL.
        url: Address,
        /// A branch, a tag or a commit.
        revision: Option<String>,
        /// Where in it the project lies.
        subdirectory: Option<String>,
        /// Whether to warn when no revision is named.
        warn_unpinned: bool,
    },
    /// An archive.
    Tarball {
        /// Its URL.
        url: Address,
        /// The folder it is installed in.
        name: String,
    },
    /// A package of the hub.
    Hub {
        /// `namespace/name`.
        package: String,
        /// What is asked of its version.
        versions: Vec<String>,
        /// Whether prereleases will do.
        prerelease: bool,
    },
    /// A package of a provider that only dbt's platform knows.
    Private {
        /// `organization/repository`.
        name: String,
    },
}

/// Reads what the project in `root` declares. `shown` is put before the names of files in messages (`lib/`, or
/// nothing).
pub(in crate::project) fn read(root: &Path, scope: &YamlScope, shown: &str) -> Result<Listing, Error> {
    let mut listing = Listing { file: root.join(PACKAGES), ..Listing::default() };
    let mut first: Option<Location> = None;
    for name in [PACKAGES, DEPENDENCIES] {
        let path = root.join(name);
        if !path.is_file() {
            continue;
        }
        let file = File::read(&path, format!("{shown}{name}"))?;
        if file.root.get("projects").and_then(Node::as_sequence).is_some_and(|projects| !projects.is_empty()) {
            listing.diagnostics.push(projects(&file));
        }
        let Some(list) = file.root.get("packages").filter(|list| !list.is_null()) else { continue };
        if let Some(first) = &first {
            let message = format!("packages are declared in two files, {} and {}", first.path, file.shown);
            return Err(file.wrong(list, message, "move them all to packages.yml"));
        }
        first = Some(list.location(&file.shown));
        listing.packages = file.entries(list, (name == PACKAGES).then_some(scope))?;
        listing.file = path;
    }
    Ok(listing)
}

fn projects(file: &File) -> Diagnostic {
    let message = format!("`projects:` of {} is not read: models of other projects are unknown", file.shown);
    Diagnostic::warning(Code::Unsupported, message)
        .at(Location::file(&file.shown))
        .hint("refs across projects need dbt's platform; declare the project under `packages:` to refer to its models")
}

/// Reads the entries of a lock file and its hash; none when there is no lock file.
pub(super) fn read_lock(path: &Path, shown: &str, scope: &YamlScope) -> Result<Option<(Vec<Declared>, String)>, Error> {
    if !path.is_file() {
        return Ok(None);
    }
    let file = File::read(path, shown.to_owned())?;
    let hash = file.root.get("sha1_hash").and_then(Node::as_str).unwrap_or_default().to_owned();
    let packages = match file.root.get("packages").filter(|list| !list.is_null()) {
        Some(list) => file.entries(list, Some(scope))?,
        None => Vec::new(),
    };
    Ok(Some((packages, hash)))
}

/// Checks an entry that comes from elsewhere than a file of the project: the hub says what its packages ask for.
pub(super) fn entry(entry: &Json, asked_by: &str) -> Result<Declared, String> {
    let mut map = entry.as_object().ok_or("it is not a mapping")?.clone();
    // What a package's author wrote beside is not for the user to correct.
    let known = |key: &str| KINDS.iter().any(|(kind, others)| key == *kind || others.contains(&key));
    map.retain(|key, _| known(key) || key == "name");
    declared(&map, &map, asked_by.to_owned()).map_err(|wrong| wrong.message)
}

struct File {
    shown: String,
    contents: String,
    root: Node,
}

impl File {
    fn read(path: &Path, shown: String) -> Result<Self, Error> {
        let contents =
            fs::read_to_string(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let parsed = yaml::parse(&contents).map_err(|error| Error::invalid(error.into_diagnostic(&shown)))?;
        let file = Self { shown, contents, root: parsed.root };
        if file.root.as_mapping().is_none() && !file.root.is_null() {
            let message = format!("{} has no `packages:` but {}", file.shown, file.root.value.kind());
            return Err(file.wrong(&file.root, message, "begin it with a line `packages:`"));
        }
        Ok(file)
    }

    fn entries(&self, list: &Node, scope: Option<&YamlScope>) -> Result<Vec<Declared>, Error> {
        let Some(nodes) = list.as_sequence() else {
            let message = format!("`packages:` of {} takes a list, not {}", self.shown, list.value.kind());
            return Err(self.wrong(list, message, "write one entry a line, each beginning with `- `"));
        };
        nodes.iter().map(|node| self.entry(node, scope)).collect()
    }

    fn entry(&self, node: &Node, scope: Option<&YamlScope>) -> Result<Declared, Error> {
        let rendered = match scope {
            Some(scope) => render_all(node, scope, &self.shown)
                .map_err(|diagnostic| Error::invalid(diagnostic.with_excerpt_of(&self.contents)))?,
            None => node.to_json(),
        };
        let (Json::Object(rendered), Json::Object(written)) = (rendered, node.to_json()) else {
            let message = format!("a package is a mapping, not {}", node.value.kind());
            return Err(self.wrong(
                node,
                message,
                "write `- package: namespace/name`, `- git: URL` or `- local: path`",
            ));
        };
        let asked_by = format!("{}:{}", self.shown, node.line);
        declared(&rendered, &written, asked_by).map_err(|wrong| {
            let place = wrong.key.and_then(|key| node.get(&key)).unwrap_or(node);
            self.wrong(place, wrong.message, wrong.hint)
        })
    }

    fn wrong(&self, node: &Node, message: String, hint: &str) -> Error {
        let diagnostic = Diagnostic::error(Code::InvalidProperty, message)
            .at(node.location(&self.shown))
            .with_excerpt_of(&self.contents);
        Error::invalid(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) })
    }
}

/// What is wrong with an entry, and at which of its keys.
struct Wrong {
    key: Option<String>,
    message: String,
    hint: &'static str,
}

/// The keys that make a kind of entry, and those it may have beside `name`, which lock files add.
const KINDS: [(&str, &[&str]); 5] = [
    ("package", &["version", "install_prerelease"]),
    ("git", &["revision", "subdirectory", "warn-unpinned"]),
    ("tarball", &[]),
    ("local", &[]),
    ("private", &["provider", "revision", "subdirectory", "warn-unpinned"]),
];

fn declared(rendered: &JsonMap, written: &JsonMap, asked_by: String) -> Result<Declared, Wrong> {
    let kinds: Vec<_> = KINDS.iter().filter(|(kind, _)| rendered.contains_key(*kind)).collect();
    let [(kind, others)] = kinds[..] else {
        let message = if kinds.is_empty() {
            let near = rendered.keys().find_map(|key| nearest(key, KINDS.iter().map(|(kind, _)| *kind)));
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("a package needs one of the keys `package`, `git`, `tarball` and `local`{meant}")
        } else {
            let words: Vec<_> = kinds.iter().map(|(kind, _)| format!("`{kind}`")).collect();
            format!("a package has one of {}, not all of them", words.join(" and "))
        };
        return Err(Wrong { key: None, message, hint: "" });
    };
    let known = |key: &str| key == *kind || key == "name" || others.contains(&key);
    if let Some(key) = rendered.keys().find(|key| !known(key)) {
        let all = [&[*kind, "name"], *others].concat();
        let near = nearest(key, all.iter().copied());
        let message = match near {
            Some(near) => format!("`{key}` is no key of a `{kind}` package; did you mean `{near}`?"),
            None => format!("`{key}` is no key of a `{kind}` package; it takes {}", all.join(", ")),
        };
        return Err(Wrong { key: Some(key.clone()), message, hint: "" });
    }
    let entry = Entry { rendered, written };
    let spec = entry.spec(kind)?;
    Ok(Declared { spec, asked_by, name: entry.optional("name")?, hashed: hashed(kind, rendered, written) })
}

/// The entry as the hash sees it: with the defaults of its kind, and with what was written beside what it rendered to.
fn hashed(kind: &str, rendered: &JsonMap, written: &JsonMap) -> Json {
    let mut all = match kind {
        "package" => json!({"install_prerelease": false}),
        "git" => json!({"revision": null, "subdirectory": null, "warn-unpinned": null}),
        _ => json!({}),
    };
    if let Some(map) = all.as_object_mut() {
        map.extend(rendered.clone());
        map.insert("unrendered".to_owned(), Json::Object(written.clone()));
    }
    all
}

struct Entry<'a> {
    rendered: &'a JsonMap,
    written: &'a JsonMap,
}

impl Entry<'_> {
    fn spec(&self, kind: &str) -> Result<Spec, Wrong> {
        Ok(match kind {
            "local" => Spec::Local { path: self.text("local")?.value },
            "git" => Spec::Git {
                url: self.text("git")?,
                revision: self.optional("revision")?,
                subdirectory: self.optional("subdirectory")?,
                warn_unpinned: self.boolean("warn-unpinned")?.unwrap_or(true),
            },
            "tarball" => {
                let Some(name) = self.optional("name")? else {
                    let message = "a `tarball` package needs a `name`".to_owned();
                    return Err(Wrong {
                        key: None,
                        message,
                        hint: "add `name:`, the name of the project that it holds",
                    });
                };
                Spec::Tarball { url: self.text("tarball")?, name }
            }
            "private" => Spec::Private { name: self.text("private")?.value },
            _ => Spec::Hub {
                package: self.text("package")?.value,
                versions: self.versions()?,
                prerelease: self.boolean("install_prerelease")?.unwrap_or(false),
            },
        })
    }

    fn text(&self, key: &str) -> Result<Address, Wrong> {
        let value = self.optional(key)?.filter(|text| !text.trim().is_empty());
        let value = value.ok_or_else(|| wrong(key, format!("`{key}:` is empty"), ""))?;
        let shown = self.written.get(key).and_then(Json::as_str).map_or_else(|| value.clone(), str::to_owned);
        Ok(Address { value, shown })
    }

    /// A text or a number; nothing for null.
    fn optional(&self, key: &str) -> Result<Option<String>, Wrong> {
        match self.rendered.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(Json::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong(key, format!("`{key}:` takes one text"), "")),
        }
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, Wrong> {
        match self.rendered.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(wrong(key, format!("`{key}:` is true or false"), "")),
        }
    }

    fn versions(&self) -> Result<Vec<String>, Wrong> {
        let one = |value: &Json| match value {
            Json::String(text) => Ok(text.clone()),
            Json::Number(number) => Ok(number.to_string()),
            _ => Err(wrong("version", "`version:` takes text or a list of texts".to_owned(), VERSION)),
        };
        let versions = match self.rendered.get("version") {
            None | Some(Json::Null) => {
                return Err(wrong("package", "a `package` needs a `version`".to_owned(), VERSION));
            }
            Some(Json::Array(items)) => items.iter().map(one).collect::<Result<Vec<_>, _>>()?,
            Some(value) => vec![one(value)?],
        };
        for version in &versions {
            if version.parse::<super::version::Requirement>().is_err() {
                let message =
                    format!("`{version}` is not a version with an optional `=`, `>`, `>=`, `<` or `<=` before it");
                return Err(wrong("version", message, VERSION));
            }
        }
        Ok(versions)
    }
}

const VERSION: &str = "write `version: 1.2.0`, or \
                       `version: [\">=1.0.0\", \"<2.0.0\"]`";

fn wrong(key: &str, message: String, hint: &'static str) -> Wrong {
    Wrong { key: Some(key.to_owned()), message, hint }
}
