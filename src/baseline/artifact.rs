//! Artifacts that GitHub Actions kept: the newest of a name, of the branch to merge into.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read};

use serde::Deserialize;
use zip::ZipArchive;

use super::manifest::{LARGEST, Reach};
use super::{Error, git};
use crate::fetch::{Address, Http};
use crate::model::Secret;

/// What dbt calls the file.
pub(super) const MANIFEST: &str = "manifest.json";
/// Pages of a hundred artifacts that are looked through.
const PAGES: u32 = 10;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The manifest's bytes.
    pub(super) bytes: Vec<u8>,
    /// For people, e.g. `artifact manifest of main at 1a2b3c4`.
    pub(super) description: String,
    /// The commit that it was made of.
    pub(super) sha: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    artifacts: Vec<Artifact>,
}

#[derive(Debug, Clone, Deserialize)]
struct Artifact {
    expired: bool,
    created_at: String,
    archive_download_url: String,
    workflow_run: Option<Run>,
}

#[derive(Debug, Clone, Deserialize)]
struct Run {
    repository_id: u64,
    head_repository_id: u64,
    head_branch: Option<String>,
    head_sha: String,
}

#[derive(Debug, Deserialize)]
struct Repository {
    default_branch: String,
}

/// Fetches the newest artifact called `name`.
///
/// # Errors
/// The run's variables are missing, GitHub refuses, there is no such artifact of the branch, or it holds no manifest.
pub(super) fn newest(name: &str, reach: &Reach<'_>) -> Result<Found, Error> {
    let api = Api::new(reach)?;
    let branch = api.branch()?;
    let mut seen = 0;
    for page in 1..=PAGES {
        let artifacts = api.page(name, page)?;
        seen += artifacts.len();
        let last = artifacts.len() < 100;
        // Newest first, as GitHub lists them, but nothing says so.
        let newest =
            artifacts.into_iter().filter(|found| found.is_of(&branch)).max_by(|a, b| a.created_at.cmp(&b.created_at));
        if let Some((found, run)) = newest.and_then(|found| found.workflow_run.clone().map(|run| (found, run))) {
            let bytes = unpacked(&api.archive(&found)?, name)?;
            let description = format!("artifact {name} of {branch} at {}", git::short(&run.head_sha));
            return Ok(Found { bytes, description, sha: run.head_sha });
        }
        if last {
            break;
        }
    }
    Err(Error::NoArtifact { name: name.to_owned(), branch, seen })
}

impl Artifact {
    /// Whether it may be believed: made of the branch itself. A fork's branch may have the same name, and anyone can
    /// open a pull request whose run keeps an artifact of any name.
    fn is_of(&self, branch: &str) -> bool {
        !self.expired
            && self.workflow_run.as_ref().is_some_and(|run| {
                run.head_repository_id == run.repository_id && run.head_branch.as_deref() == Some(branch)
            })
    }
}

/// GitHub's REST API, as far as artifacts go.
struct Api<'a> {
    http: Http<'a>,
    env: &'a HashMap<String, String>,
    repository: String,
    token: String,
}

impl<'a> Api<'a> {
    fn new(reach: &Reach<'a>) -> Result<Self, Error> {
        let variable = |variable: &'static str| {
            let value = reach.env.get(variable).filter(|value| !value.trim().is_empty());
            value.cloned().ok_or(Error::NoVariable { variable })
        };
        Ok(Self {
            repository: variable("GITHUB_REPOSITORY")?,
            token: variable("GITHUB_TOKEN")?,
            http: Http::new(reach.env, reach.stop),
            env: reach.env,
        })
    }

    /// The pull request's base, else the repository's default branch.
    fn branch(&self) -> Result<String, Error> {
        if let Some(base) = self.env.get("GITHUB_BASE_REF").filter(|base| !base.is_empty()) {
            return Ok(base.clone());
        }
        Ok(self.json::<Repository>("")?.default_branch)
    }

    fn page(&self, name: &str, page: u32) -> Result<Vec<Artifact>, Error> {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        Ok(self.json::<Page>(&format!("/actions/artifacts?name={name}&per_page=100&page={page}"))?.artifacts)
    }

    fn json<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, Error> {
        let api = self.env.get("GITHUB_API_URL").map_or("https://api.github.com", |url| url.trim_end_matches('/'));
        let url = format!("{api}/repos/{}{path}", self.repository);
        let bytes = self.get(&url)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Answer { url, why: error.to_string() })
    }

    fn archive(&self, artifact: &Artifact) -> Result<Vec<u8>, Error> {
        self.get(&artifact.archive_download_url)
    }

    fn get(&self, url: &str) -> Result<Vec<u8>, Error> {
        let headers = [
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
            ("authorization", format!("Bearer {}", self.token)),
        ];
        let headers = headers.map(|(name, value)| (name, Secret::new(value))).into();
        self.http.bytes(&Address { value: url.to_owned(), shown: url.to_owned() }, headers).map_err(Error::Fetch)
    }
}

/// The manifest in the archive: the one nearest to its root.
fn unpacked(archive: &[u8], name: &str) -> Result<Vec<u8>, Error> {
    let damaged = |why: String| Error::Packed { name: format!("artifact {name}"), why };
    let mut archive = ZipArchive::new(Cursor::new(archive)).map_err(|error| damaged(error.to_string()))?;
    let paths = archive.file_names().filter_map(Result::ok).map(Cow::into_owned);
    let mut paths: Vec<String> = paths.filter(|path| path.rsplit('/').next() == Some(MANIFEST)).collect();
    paths.sort_by_key(|path| path.matches('/').count());
    let path = match paths.as_slice() {
        [] => return Err(damaged(format!("there is no {MANIFEST} in it"))),
        [first, second, ..] if first.matches('/').count() == second.matches('/').count() => {
            return Err(damaged(format!("there are several manifests in it: {first} and {second}")));
        }
        [first, ..] => first.clone(),
    };
    let file = archive.by_name(&path).map_err(|error| damaged(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::{Cursor, Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use serde_json::json;

    use super::{Error, newest, unpacked};
    use crate::baseline::manifest::Reach;

    fn archive(paths: &[&str]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for path in paths {
            zip.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(path.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// GitHub, as far as it is asked: a list of artifacts and the archives; every answer is a connection of its own.
    fn github(artifacts: serde_json::Value) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let own = url.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = vec![0; 8192];
                let length = stream.read(&mut request).unwrap();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let has_token = request.to_lowercase().contains("authorization: bearer t0ken");
                let (status, more, body) = match path.as_str() {
                    "/repos/o/r" => ("200 OK", String::new(), br#"{"default_branch": "main"}"#.to_vec()),
                    _ if path.starts_with("/repos/o/r/actions/artifacts?name=prod") => {
                        let text = json!({ "artifacts": artifacts }).to_string().replace("API", &own);
                        ("200 OK", String::new(), text.into_bytes())
                    }
                    // As GitHub does: the archive lies elsewhere, where the token has no business.
                    "/new/zip" => (
                        "302 Found",
                        format!("Location: {}/blob\r\n", own.replace("127.0.0.1", "localhost")),
                        Vec::new(),
                    ),
                    "/blob" if !has_token => ("200 OK", String::new(), archive(&["target/manifest.json", "log.txt"])),
                    _ => ("404 Not Found", String::new(), Vec::new()),
                };
                let head =
                    format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&body).unwrap();
            }
        });
        url
    }

    fn artifact(created: &str, branch: &str, own: bool, expired: bool, url: &str) -> serde_json::Value {
        json!({
            "name": "prod", "expired": expired, "created_at": created, "archive_download_url": format!("API/{url}/zip"),
            "workflow_run": {
                "id": 5, "repository_id": 1, "head_repository_id": if own { 1 } else { 2 }, "head_branch": branch,
                "head_sha": "1a2b3c4d5e6f",
            },
        })
    }

    fn find(artifacts: serde_json::Value) -> Result<super::Found, Error> {
        let url = github(artifacts);
        let env = [("GITHUB_API_URL", url.as_str()), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_TOKEN", "t0ken")];
        let env: HashMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        newest("prod", &Reach { env: &env, stop: &|| false })
    }

    #[test]
    fn the_newest_artifact_of_the_branch_is_taken_and_none_of_a_fork() {
        let found = find(json!([
            artifact("2026-03-01T00:00:00Z", "main", false, false, "fork"),
            artifact("2026-02-02T00:00:00Z", "main", true, true, "expired"),
            artifact("2026-02-01T00:00:00Z", "feature", true, false, "feature"),
            artifact("2026-01-01T00:00:00Z", "main", true, false, "old"),
            artifact("2026-01-02T00:00:00Z", "main", true, false, "new"),
        ]))
        .unwrap();
        assert_eq!(found.bytes, b"target/manifest.json");
        assert_eq!(
            (found.description.as_str(), found.sha.as_str()),
            ("artifact prod of main at 1a2b3c4", "1a2b3c4d5e6f")
        );
    }

    #[test]
    fn no_artifact_of_the_branch_is_an_error_with_advice() {
        let error = find(json!([artifact("2026-03-01T00:00:00Z", "main", false, false, "fork")])).unwrap_err();
        assert!(matches!(&error, Error::NoArtifact { branch, seen: 1, .. } if branch == "main"), "{error}");
        assert!(error.hint().unwrap().contains("upload-artifact"));
        let error = newest("prod", &Reach { env: &HashMap::new(), stop: &|| false }).unwrap_err();
        assert!(matches!(error, Error::NoVariable { variable: "GITHUB_REPOSITORY" }), "{error}");
    }

    #[test]
    fn the_manifest_nearest_to_the_root_of_an_archive_is_meant() {
        assert_eq!(unpacked(&archive(&["a/b/manifest.json", "c/manifest.json"]), "x").unwrap(), b"c/manifest.json");
        let error = |paths: &[&str]| unpacked(&archive(paths), "x").unwrap_err().to_string();
        assert!(error(&["a/manifest.json", "b/manifest.json"]).contains("several manifests"));
        assert!(error(&["manifest.json.txt"]).contains("no manifest.json in it"));
        assert!(unpacked(b"no zip", "x").is_err());
    }
}
