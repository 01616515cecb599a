//! A stateful GitHub API on this machine, and a runner that executes workflows on it.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// The token that the API knows.
pub(crate) const TOKEN: &str = "test_token_of_octocat";

/// The running API with one repository, `octocat/shop`, and one pull request's worth of an issue, number 1.
pub(crate) struct GitHub {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

/// A tool that `scripts/test` installs: from its variable, else from where the script puts it.
pub(crate) fn tool(variable: &str, in_cache: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(
        || {
            let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
                || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache"),
                PathBuf::from,
            );
            cache.join("slimdiff").join(in_cache)
        },
        PathBuf::from,
    );
    assert!(path.exists(), "{} is missing; scripts/test installs it", path.display());
    path
}

impl GitHub {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seed = folder.path().join("seed.yml");
        std::fs::write(
            &seed,
            format!(
                "tokens:\n  {TOKEN}:\n    login: octocat\n    scopes: [repo, user]\ngithub:\n  users:\n    - login: octocat\n  \
                 repos:\n    - owner: octocat\n      name: shop\n      auto_init: true\n"
            ),
        )
        .unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new(tool("SLIMDIFF_EMULATE", "emulate/node_modules/.bin/emulate"))
            .args(["start", "--service", "github", "--port", &port.to_string(), "--seed"])
            .arg(&seed)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the local GitHub API starts");
        let github = Self { server, port, _folder: folder };
        let deadline = Instant::now() + Duration::from_secs(60);
        while github.get("/repos/octocat/shop").is_none() {
            assert!(Instant::now() < deadline, "the local GitHub API did not answer within a minute");
            std::thread::sleep(Duration::from_millis(200));
        }
        github.post("/repos/octocat/shop/issues", r#"{"title": "a pull request"}"#);
        github
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Bodies of the comments on number 1, oldest first.
    pub(crate) fn comments(&self) -> Vec<String> {
        let comments = self.get("/repos/octocat/shop/issues/1/comments").expect("the API answers");
        comments.as_array().expect("a list").iter().map(|c| c["body"].as_str().expect("text").to_owned()).collect()
    }

    fn get(&self, path: &str) -> Option<Json> {
        self.curl(path, &[])
    }

    fn post(&self, path: &str, body: &str) {
        self.curl(path, &["-X", "POST", "-d", body]).expect("the API answers");
    }

    fn curl(&self, path: &str, args: &[&str]) -> Option<Json> {
        let output = Command::new("curl")
            .args(["-sf", "-H", &format!("Authorization: Bearer {TOKEN}")])
            .args(args)
            .arg(format!("{}{path}", self.url()))
            .output()
            .expect("curl runs");
        output.status.success().then(|| serde_json::from_slice(&output.stdout).ok()).flatten()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Executes the `pull_request` workflows of a repository on this machine, as GitHub's runner would.
pub(crate) fn act(repository: &Path, home: &Path, event: &Json, github: &GitHub) -> (bool, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(event.to_string().as_bytes()).unwrap();
    let output = Command::new(tool("SLIMDIFF_ACT", "act/bin/act"))
        .current_dir(repository)
        .args(["pull_request", "-P", "ubuntu-latest=-self-hosted", "-e"])
        .arg(file.path())
        .args(["--env", &format!("GITHUB_API_URL={}", github.url()), "-s", &format!("GITHUB_TOKEN={TOKEN}")])
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join(".cache"))
        .stdin(Stdio::null())
        .output()
        .expect("act runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}
