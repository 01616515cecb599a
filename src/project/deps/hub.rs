//! The hub's index: which versions of a package there are, what they need, and where their archives lie.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value as Json;

use super::Error;
use super::declared::{self, Declared};
use super::version::Version;
use crate::fetch::{self, Address, Http, NETWORK};

/// The hub that dbt asks, unless `DBT_PACKAGE_HUB_URL` names another.
const HUB: &str = "https://hub.getdbt.com/";
/// How alike a name must be to be suggested, from 0 to 1.
const ALIKE: f32 = 0.6;

/// A hub. What it said is kept for the run.
pub(super) struct Hub {
    url: String,
    known: HashMap<String, Rc<Package>>,
}

/// A package with its versions, oldest first.
#[derive(Debug)]
pub(super) struct Package {
    /// `namespace/name` of the package that stands in for this one.
    pub(super) replaced_by: Option<String>,
    /// Its versions, oldest first.
    pub(super) releases: Vec<Release>,
}

/// One version of a package.
#[derive(Debug)]
pub(super) struct Release {
    /// Which.
    pub(super) version: Version,
    /// The name of its project.
    pub(super) name: String,
    /// `require-dbt-version`.
    pub(super) requires: Vec<String>,
    /// Where its archive lies.
    pub(super) tarball: String,
    /// The packages it asks for, as the hub has them.
    packages: Vec<Json>,
}

impl Hub {
    /// The hub at `url`, dbt's when there is none.
    pub(super) fn new(url: Option<&str>) -> Self {
        let url = url.unwrap_or(HUB);
        let slash = if url.ends_with('/') { "" } else { "/" };
        Self { url: format!("{url}{slash}"), known: HashMap::new() }
    }

    /// What the hub knows of `name`, which `asked_by` asks for.
    pub(super) fn package(&mut self, http: &Http<'_>, name: &str, asked_by: &str) -> Result<Rc<Package>, Error> {
        if let Some(known) = self.known.get(name) {
            return Ok(Rc::clone(known));
        }
        if !is_name(name) {
            return Err(self.unknown(None, name, asked_by));
        }
        let url = self.page(name);
        let text = http.text(&url).map_err(at_hub)?.ok_or_else(|| self.unknown(Some(http), name, asked_by))?;
        let package = serde_json::from_str(&text).ok().and_then(|json: Json| package(name, &json));
        let package = Rc::new(package.ok_or_else(|| Error::Fetch {
            url: url.shown,
            reason: "what the hub answered is no package's index".to_owned(),
            hint: "check DBT_PACKAGE_HUB_URL, and whether a proxy answers in the hub's place",
        })?);
        self.known.insert(name.to_owned(), Rc::clone(&package));
        Ok(package)
    }

    /// What it has said of `name` before.
    pub(super) fn known(&self, name: &str) -> Option<Rc<Package>> {
        self.known.get(name).map(Rc::clone)
    }

    fn page(&self, name: &str) -> Address {
        let url = format!("{}api/v1/{name}.json", self.url);
        Address { shown: url.clone(), value: url }
    }

    /// The error for a name that the hub does not have, with the nearest that it has, when its list can be had.
    fn unknown(&self, http: Option<&Http<'_>>, name: &str, asked_by: &str) -> Error {
        let list = http.and_then(|http| http.text(&self.page("index")).ok().flatten());
        let names: Vec<String> = list.and_then(|list| serde_json::from_str(&list).ok()).unwrap_or_default();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Error::UnknownPackage {
            name: name.to_owned(),
            hub: self.url.clone(),
            asked_by: asked_by.to_owned(),
            nearest: similar::get_close_matches(name, &names, 1, ALIKE).first().map(|name| (*name).to_owned()),
        }
    }
}

/// Whether it is `namespace/name`, so that it can be a part of a URL.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    };
    name.split_once('/').is_some_and(|(namespace, name)| is_part(namespace) && is_part(name))
}

fn at_hub(error: fetch::Error) -> Error {
    match error {
        fetch::Error::Failed { url, reason, hint: NETWORK, .. } => Error::Fetch {
            url,
            reason,
            hint: "check the network; behind a proxy, set HTTPS_PROXY; another hub is named by DBT_PACKAGE_HUB_URL, and packages \
                   from git or a folder need none",
        },
        other => other.into(),
    }
}

/// A package as the hub's page of it says.
pub(super) fn package(name: &str, json: &Json) -> Option<Package> {
    let mut releases: Vec<Release> =
        json.get("versions")?.as_object()?.iter().filter_map(|(version, json)| release(version, json)).collect();
    releases.sort_by(|a, b| a.version.cmp(&b.version));
    let (namespace, own) = name.split_once('/')?;
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    let other = format!("{}/{}", text("redirectnamespace").unwrap_or(namespace), text("redirectname").unwrap_or(own));
    Some(Package { replaced_by: Some(other).filter(|other| other != name), releases })
}

fn release(version: &str, json: &Json) -> Option<Release> {
    let requires = match json.get("require_dbt_version") {
        Some(Json::String(text)) => vec![text.clone()],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Some(Release {
        version: version.parse().ok()?,
        name: json.get("name")?.as_str()?.to_owned(),
        requires,
        tarball: json.pointer("/downloads/tarball")?.as_str()?.to_owned(),
        packages: json.get("packages").and_then(Json::as_array).cloned().unwrap_or_default(),
    })
}

impl Release {
    /// The packages it asks for.
    pub(super) fn declared(&self, package: &str) -> Result<Vec<Declared>, Error> {
        let asked_by = format!("{package} {}", self.version);
        let entry = |entry: &Json| {
            declared::entry(entry, &asked_by).map_err(|reason| Error::Archive {
                what: asked_by.clone(),
                reason: format!("it asks for a package in a way that cannot be read: {reason}"),
            })
        };
        self.packages.iter().map(entry).collect()
    }

    /// Where its archive lies.
    pub(super) fn url(&self) -> Address {
        Address { value: self.tarball.clone(), shown: self.tarball.clone() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Hub, is_name, package};

    #[test]
    fn a_page_of_the_hub_is_read_and_what_is_no_version_is_passed_over() {
        let release = |version: &str| {
            json!({"name": "utils", "version": version, "packages": [{"package": "x/y", "version": [">=1.0.0"]}],
                   "require_dbt_version": ">=1.3.0", "downloads": {"tarball": "https://x.org/a.tar.gz"}})
        };
        let page = json!({"redirectname": null, "versions":
            {"1.10.0": release("1.10.0"), "1.2.0": release("1.2.0"), "latest": {}}});
        let found = package("acme/utils", &page).unwrap();
        let versions: Vec<String> = found.releases.iter().map(|release| release.version.to_string()).collect();
        assert_eq!(versions, ["1.2.0", "1.10.0"]);
        assert_eq!(found.replaced_by, None);
        assert_eq!(found.releases[0].requires, [">=1.3.0"]);
        assert_eq!(found.releases[0].declared("acme/utils").unwrap()[0].asked_by, "acme/utils 1.2.0");
        let moved = package("acme/utils", &json!({"redirectnamespace": "other", "versions": {}})).unwrap();
        assert_eq!(moved.replaced_by.as_deref(), Some("other/utils"));
        assert!(package("acme/utils", &json!(["x"])).is_none());
    }

    #[test]
    fn names_cannot_lead_elsewhere_on_the_hub() {
        assert!(is_name("dbt-labs/dbt_utils"));
        for wrong in ["dbt_utils", "a/", "/b", "a/../b", "../b", "a/b?c", "a b/c", "a/b/c"] {
            assert!(!is_name(wrong), "{wrong}");
        }
        assert_eq!(Hub::new(Some("http://x")).page("a/b").value, "http://x/api/v1/a/b.json");
        assert_eq!(Hub::new(None).page("index").value, "https://hub.getdbt.com/api/v1/index.json");
    }
}
