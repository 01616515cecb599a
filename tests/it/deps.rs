//! `deps` as a user runs it: packages from folders, repositories, archives and a hub, all of this machine.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::cli::{Said, Sandbox};

const PROJECT: &str = "name: shop\nprofile: shop\n";
const PROFILE: &str = "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n";

/// How the web answers a path.
#[derive(Clone)]
enum Answer {
    Body(Vec<u8>),
    /// The first times a failure, then the body.
    Late(usize, Vec<u8>),
    /// Half of the body, then nothing, and the connection stays open.
    Stuck(Vec<u8>),
}

/// A web server of one test: a hub and whatever else lies on the web.
struct Web {
    url: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let web = Self { url, answers: Arc::default(), asked: Arc::default() };
        let (answers, asked) = (Arc::clone(&web.answers), Arc::clone(&web.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream, &answers, &asked));
            }
        });
        web
    }

    fn put(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }

    /// Puts a package with these versions (and what each asks for) on the hub, and its name in the index.
    fn package(&self, name: &str, versions: &[(&str, Json)]) {
        let project = name.split_once('/').unwrap().1;
        let mut page = serde_json::Map::new();
        for (version, packages) in versions {
            let path = format!("/archives/{name}/{version}.tar.gz");
            let tarball = format!("{}{}", self.url.trim_end_matches('/'), path);
            page.insert(
                (*version).to_owned(),
                json!({"name": project, "version": version, "packages": packages, "require_dbt_version": [">=1.3.0", "<3.0.0"],
                       "downloads": {"tarball": tarball}}),
            );
            self.put(&path, Answer::Body(archive(project, version)));
        }
        self.put(&format!("/api/v1/{name}.json"), Answer::Body(json!({"versions": page}).to_string().into()));
        self.put("/api/v1/index.json", Answer::Body(json!([name, "acme/other"]).to_string().into()));
    }

    /// A hub with three versions of `acme/utils`.
    fn with_utils() -> Self {
        let web = Self::new();
        web.package("acme/utils", &[("1.0.0", json!([])), ("1.1.0", json!([])), ("1.10.0", json!([]))]);
        web
    }
}

fn serve(mut stream: TcpStream, answers: &Mutex<HashMap<String, Answer>>, asked: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&request);
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(path.clone());
    let answer = {
        let mut answers = answers.lock().unwrap();
        let answer = answers.get_mut(&path);
        let now = answer.as_deref().cloned();
        if let Some(Answer::Late(left @ 1.., _)) = answer {
            *left -= 1;
        }
        now
    };
    let (status, body) = match &answer {
        Some(Answer::Body(body) | Answer::Late(0, body) | Answer::Stuck(body)) => ("200 OK", body.clone()),
        Some(Answer::Late(..)) => ("503 Service Unavailable", Vec::new()),
        None => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    if let Some(Answer::Stuck(body)) = answer {
        let _ = stream.write_all(&body[..body.len() / 2]);
        let _ = stream.flush();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let _ = stream.write_all(&body);
}

/// The archive of a project with one macro, as a forge makes it.
fn archive(name: &str, version: &str) -> Vec<u8> {
    let files = [
        ("dbt_project.yml", format!("name: {name}\nversion: '{version}'\n")),
        ("macros/version.sql", format!("{{% macro {name}_version() %}}'{version}'{{% endmacro %}}")),
    ];
    let entries: Vec<_> =
        files.iter().map(|(path, text)| (format!("{name}-{version}/{path}"), text.as_str())).collect();
    packed(&entries)
}

fn packed(entries: &[(String, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// A project that asks for `packages`, next to the web.
fn shop(web: &Web, packages: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.env("DBT_PACKAGE_HUB_URL", &web.url);
    for name in ["NO_PROXY", "no_proxy"] {
        sandbox.env(name, "127.0.0.1");
    }
    sandbox.write("shop/dbt_project.yml", PROJECT).write("shop/profiles.yml", PROFILE);
    sandbox.write("shop/packages.yml", packages);
    sandbox
}

fn deps(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    let place = ["--project-dir", "shop", "--profiles-dir", "shop"];
    sandbox.run([&["deps"], &place[..], arguments].concat())
}

fn deps_ok(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    let said = deps(sandbox, arguments);
    assert_eq!(said.code, 0, "{said}");
    said
}

#[track_caller]
fn refused(said: &Said, parts: &[&str]) {
    assert_eq!(said.code, 2, "{said}");
    for part in parts {
        assert!(said.stderr.contains(part), "`{part}` is missing in:\n{said}");
    }
}

fn installed(sandbox: &Sandbox) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(sandbox.join("shop/dbt_packages"))
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort_unstable();
    names
}

/// What a run left in the project's folder beside its own files.
fn left_over(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.join("shop")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

fn git(folder: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
    let date = [("GIT_AUTHOR_DATE", "2024-01-01T00:00:00Z"), ("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z")];
    let done = Command::new("git").current_dir(folder).args(who).args(arguments).envs(date).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A repository with a project `gp` at v1, which v2 renames; v2 has another in `deep/sub`.
fn repository(sandbox: &Sandbox, name: &str) -> String {
    let folder = sandbox.join(name);
    sandbox.write(&format!("{name}/dbt_project.yml"), "name: gp\n");
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "-m", "one"]);
    git(&folder, &["tag", "v1"]);
    sandbox.write(&format!("{name}/dbt_project.yml"), "name: gp_two\n");
    sandbox.write(&format!("{name}/deep/sub/dbt_project.yml"), "name: sub\n");
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "-m", "two"]);
    git(&folder, &["tag", "-a", "v2", "-m", "two"]);
    folder.display().to_string()
}

#[test]
fn packages_of_every_kind_are_installed_and_parsed_with() {
    let web = Web::with_utils();
    web.package(
        "acme/extra",
        &[("0.2.0", json!([{"package": "acme/utils", "version": [">=1.0.0", "<1.10.0"], "why": "x"}]))],
    );
    web.put("/there.tar.gz", Answer::Body(archive("there", "3.0.0")));
    let sandbox = shop(&web, "");
    let url = repository(&sandbox, "repo");
    sandbox.write("near/dbt_project.yml", "name: near\n");
    sandbox.write(
        "shop/packages.yml",
        format!(
            "packages:\n  - package: acme/extra\n    version: 0.2.0\n  - local: ../near\n  - git: {url}\n    revision: v1\n  - git: \
             file://{url}\n    revision: v2\n    subdirectory: deep/sub\n  - tarball: {}there.tar.gz\n    name: there\n",
            web.url
        ),
    );
    sandbox.write("shop/models/m.sql", "select {{ extra.extra_version() }} as a, {{ utils.utils_version() }} as b");
    let place = ["--project-dir", "shop", "--profiles-dir", "shop"];
    let said = sandbox.run([&["parse"], &place[..]].concat());
    refused(&said, &["packages declared in", "run `slimdiff deps` first"]);

    let said = deps_ok(&sandbox, &[]);
    assert_eq!(installed(&sandbox), ["extra", "gp", "near", "sub", "there", "utils"]);
    assert!(sandbox.join("shop/dbt_packages/near").is_symlink());
    assert!(!sandbox.join("shop/dbt_packages/gp/.git").exists());
    let shown = |text: &str| {
        let text = text.replace(&web.url, "[WEB]/").replace(&sandbox.path().display().to_string(), "[DIR]");
        let text = regex::Regex::new("([0-9a-f]{9})[0-9a-f]{31}").unwrap().replace_all(&text, "$1").into_owned();
        regex::Regex::new(" +\\||-{4,}\\|").unwrap().replace_all(&text, "|").into_owned()
    };
    insta::assert_snapshot!(shown(&said.stdout), @r"
    | package| version| from| newer|
    |||||
    | extra| 0.2.0| hub acme/extra||
    | near| -| local ../near||
    | gp| 63840b517| git [DIR]/repo||
    | sub| 3f667c081| git file://[DIR]/repo, deep/sub||
    | there| -| tarball [WEB]/there.tar.gz||
    | utils| 1.1.0| hub acme/utils| 1.10.0|
    To take newer versions, allow them in packages.yml, then run `slimdiff deps --upgrade`.
    ");
    let lock = shown(&sandbox.read("shop/package-lock.yml"));
    insta::assert_snapshot!(lock.split("sha1_hash").next().unwrap(), @r"
    packages:
      - name: extra
        package: acme/extra
        version: 0.2.0
      - local: ../near
        name: near
      - git: [DIR]/repo
        name: gp
        revision: 63840b517
      - git: file://[DIR]/repo
        name: sub
        revision: 3f667c081
        subdirectory: deep/sub
      - name: there
        tarball: [WEB]/there.tar.gz
      - name: utils
        package: acme/utils
        version: 1.1.0
    ");
    sandbox.ok([&["compile"], &place[..], &["-s", "m"]].concat());
    let compiled = sandbox.read("shop/target/compiled/shop/models/m.sql");
    assert_eq!(compiled, "select '0.2.0' as a, '1.1.0' as b");
    assert_eq!(left_over(&sandbox), Vec::<String>::new());
}

/// Lock files that dbt-core 1.11.16 wrote.
#[test]
fn a_lock_file_of_dbt_counts_and_stays_as_it_is() {
    let web = Web::with_utils();
    let sandbox = shop(&web, "packages:\n  - package: acme/utils\n    version: [\">=1.0.0\", \"<1.2.0\"]\n");
    let lock = "packages:\n  - name: utils\n    package: acme/utils\n    version: 1.0.0\n\
                sha1_hash: bef46cc70e90ce9a9f0e5f84cdf14c2ff88c3e33\n";
    sandbox.write("shop/package-lock.yml", lock);
    let version = || sandbox.read("shop/dbt_packages/utils/dbt_project.yml");
    let said = deps_ok(&sandbox, &[]);
    assert_eq!(sandbox.read("shop/package-lock.yml"), lock);
    assert!(!said.stderr.contains("wrote"), "{said}");
    assert!(version().contains("1.0.0"));

    let said = deps_ok(&sandbox, &["--upgrade"]);
    assert!(said.stderr.contains("wrote") && version().contains("1.1.0"), "{said}");
    assert_eq!(sandbox.read("shop/package-lock.yml"), lock.replace("version: 1.0.0", "version: 1.1.0"));

    sandbox.write("shop/packages.yml", "packages:\n  - package: acme/utils\n    version: 1.0.0\n");
    deps_ok(&sandbox, &["--lock"]);
    assert!(version().contains("1.1.0"));
    let lock = sandbox.read("shop/package-lock.yml");
    assert!(lock.ends_with("version: 1.0.0\nsha1_hash: e0452c836275a3340a9d264927f1fdfd66b7971d\n"), "{lock}");
    assert_eq!(deps_ok(&sandbox, &["--quiet"]).to_string(), "exit code: 0\n--- stdout\n--- stderr\n");
    assert!(version().contains("1.0.0"));
}

#[test]
fn what_fails_leaves_the_packages_as_they_were() {
    let web = Web::with_utils();
    let sandbox = shop(&web, "packages:\n  - package: acme/utils\n    version: 1.0.0\n");
    deps_ok(&sandbox, &[]);
    let lock = sandbox.read("shop/package-lock.yml");
    let untouched = |said: &Said| {
        assert_eq!(installed(&sandbox), ["utils"], "{said}");
        assert!(sandbox.read("shop/dbt_packages/utils/dbt_project.yml").contains("1.0.0"), "{said}");
        assert_eq!(sandbox.read("shop/package-lock.yml"), lock, "{said}");
        assert_eq!(left_over(&sandbox), Vec::<String>::new(), "{said}");
    };
    let two = "packages:\n  - package: acme/utils\n    version: 1.1.0\n  - tarball: [WEB]bad.tar.gz\n    name: bad\n";
    sandbox.write("shop/packages.yml", two.replace("[WEB]", &web.url));

    let said = deps(&sandbox, &[]);
    refused(&said, &["cannot fetch", "bad.tar.gz: the server answered 404", "check the URL"]);
    untouched(&said);
    web.put("/bad.tar.gz", Answer::Body(b"<html>no archive</html>".to_vec()));
    let said = deps(&sandbox, &[]);
    refused(&said, &["the archive of bad cannot be used", "no gzipped tar"]);
    untouched(&said);
    for path in ["../../evil", "bad-1/../../../evil", "/tmp/slimdiff-deps-evil"] {
        let entries = [("bad-1/dbt_project.yml".to_owned(), "name: bad\n"), (path.to_owned(), "x")];
        web.put("/bad.tar.gz", Answer::Body(packed(&entries)));
        let said = deps(&sandbox, &[]);
        refused(&said, &["leads out of it"]);
        untouched(&said);
    }
    assert!(!Path::new("/tmp/slimdiff-deps-evil").exists());
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let web = Web::with_utils();
    web.put("/archives/acme/utils/1.0.0.tar.gz", Answer::Late(2, archive("utils", "1.0.0")));
    let sandbox = shop(&web, "packages:\n  - package: acme/utils\n    version: 1.0.0\n");
    deps_ok(&sandbox, &[]);
    assert_eq!(web.asked("/archives/acme/utils/1.0.0.tar.gz"), 3);
}

#[test]
fn a_run_that_is_killed_leaves_the_former_packages() {
    let web = Web::with_utils();
    let sandbox = shop(&web, "packages:\n  - package: acme/utils\n    version: 1.0.0\n");
    deps_ok(&sandbox, &[]);
    sandbox.write("shop/packages.yml", "packages:\n  - package: acme/utils\n    version: 1.1.0\n");
    let path = "/archives/acme/utils/1.1.0.tar.gz";
    web.put(path, Answer::Stuck(archive("utils", "1.1.0")));
    let place = ["deps", "--project-dir", "shop", "--profiles-dir", "shop"];
    for (signal, code) in [("-TERM", Some(130)), ("-KILL", None)] {
        let before = web.asked(path);
        let mut child = sandbox.command(place).stderr(Stdio::null()).spawn().unwrap();
        let since = Instant::now();
        while web.asked(path) == before && since.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(100));
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), code, "{signal}");
        assert!(since.elapsed() < Duration::from_secs(20), "{signal}");
        assert_eq!(installed(&sandbox), ["utils"], "{signal}");
        assert!(sandbox.read("shop/dbt_packages/utils/dbt_project.yml").contains("1.0.0"), "{signal}");
        assert_eq!(left_over(&sandbox).is_empty(), signal == "-TERM", "{signal}");
    }
    sandbox.ok(["parse", "--project-dir", "shop", "--profiles-dir", "shop"]);
}

#[test]
fn a_secret_is_used_but_neither_printed_nor_locked() {
    let web = Web::new();
    web.put("/hunter2-token/p.tar.gz", Answer::Body(archive("p", "1.0.0")));
    let packages = format!(
        "packages:\n  - tarball: \"{}{{{{ env_var('DBT_ENV_SECRET_TOKEN') }}}}/p.tar.gz\"\n    name: p\n",
        web.url
    );
    let mut sandbox = shop(&web, &packages);
    sandbox.env("DBT_ENV_SECRET_TOKEN", "hunter2-token");
    let hidden = |said: &Said| assert!(!said.to_string().contains("hunter2"), "{said}");
    hidden(&deps_ok(&sandbox, &[]));
    let lock = sandbox.read("shop/package-lock.yml");
    assert!(lock.contains("/{{ env_var('DBT_ENV_SECRET_TOKEN') }}/p.tar.gz\n") && !lock.contains("hunter2"), "{lock}");
    // From the lock file as well.
    hidden(&deps_ok(&sandbox, &[]));
    for kind in
        ["tarball: \"http://127.0.0.1:1/{}\"\n    name: p", "git: \"http://{}@127.0.0.1:1/p.git\"\n    revision: v1"]
    {
        let entry = kind.replace("{}", "{{ env_var('DBT_ENV_SECRET_TOKEN') }}");
        sandbox.write("shop/packages.yml", format!("packages:\n  - {entry}\n"));
        let said = deps(&sandbox, &[]);
        refused(&said, &["127.0.0.1:1/"]);
        hidden(&said);
    }
    assert_eq!(sandbox.read("shop/package-lock.yml"), lock);
}

#[test]
fn what_does_not_go_together_says_who_asked_for_what() {
    let web = Web::with_utils();
    web.package("acme/extra", &[("0.1.0", json!([{"package": "acme/utils", "version": [">=1.0.0", "<1.2.0"]}]))]);
    let both = "packages:\n  - package: acme/extra\n    version: 0.1.0\n  - package: acme/utils\n    version: 1.10.0\n";
    let sandbox = shop(&web, both);
    let wanted = "1.10.0 (packages.yml:4), >=1.0.0 (acme/extra 0.1.0), <1.2.0 (acme/extra 0.1.0)";
    refused(&deps(&sandbox, &[]), &["no version of acme/utils", wanted, "there are 1.10.0, 1.1.0, 1.0.0"]);

    let url = repository(&sandbox, "repo");
    let twice = format!("packages:\n  - git: {url}\n    revision: v1\n  - git: {url}.git\n    revision: v2\n");
    sandbox.write("shop/packages.yml", twice);
    refused(&deps(&sandbox, &[]), &["at 2 revisions: v1 (packages.yml:2), v2 (packages.yml:4)"]);

    sandbox.write("a/dbt_project.yml", "name: same\n").write("b/dbt_project.yml", "name: same\n");
    sandbox.write("shop/packages.yml", "packages:\n  - local: ../a\n  - local: ../b\n");
    refused(&deps(&sandbox, &[]), &["two packages hold a project called `same`: local ../a and local ../b"]);
}

#[test]
fn names_and_revisions_that_do_not_exist_are_told_with_the_nearest() {
    let web = Web::with_utils();
    let sandbox = shop(&web, "packages:\n  - package: acme/utlis\n    version: 1.0.0\n");
    refused(&deps(&sandbox, &[]), &["no package `acme/utlis`", "(packages.yml:2)", "did you mean `acme/utils`?"]);
    let url = repository(&sandbox, "repo");
    sandbox.write("shop/packages.yml", format!("packages:\n  - git: {url}\n    revision: v3\n"));
    refused(
        &deps(&sandbox, &[]),
        &["git cannot find the revision `v3` in", "no such branch, tag or commit; did you mean `v"],
    );
    sandbox.write("shop/packages.yml", format!("packages:\n  - git: {url}\n    revision: --upload-pack=x\n"));
    refused(&deps(&sandbox, &[]), &["no such branch, tag or commit"]);
    sandbox.write("shop/packages.yml", "packages:\n  - local: ../nowhere\n");
    refused(&deps(&sandbox, &[]), &["no dbt_project.yml in", "nowhere", "packages.yml:2"]);
}

#[test]
fn without_a_hub_or_git_the_error_says_what_to_do() {
    let web = Web::new();
    let mut sandbox = shop(&web, "packages:\n  - git: https://example.org/x.git\n    revision: v1\n");
    sandbox.env("PATH", "/nowhere");
    refused(&deps(&sandbox, &[]), &["git is not installed, or not on PATH", "install git"]);
    sandbox.env("DBT_PACKAGE_HUB_URL", "http://127.0.0.1:1");
    sandbox.write("shop/packages.yml", "packages:\n  - package: acme/utils\n    version: 1.0.0\n");
    refused(
        &deps(&sandbox, &[]),
        &["cannot fetch http://127.0.0.1:1/api/v1/acme/utils.json", "HTTPS_PROXY", "DBT_PACKAGE_HUB_URL"],
    );
}

#[test]
fn a_package_is_added_and_taken_back_when_it_cannot_be_had() {
    let web = Web::with_utils();
    let text = "# what we build on\npackages:\n  - local: ../near   # ours\n";
    let sandbox = shop(&web, text);
    sandbox.write("near/dbt_project.yml", "name: near\n");
    refused(&deps(&sandbox, &["--add-package", "acme/utils@9.0.0"]), &["no version of acme/utils"]);
    assert_eq!(sandbox.read("shop/packages.yml"), text);
    deps_ok(&sandbox, &["--add-package", "acme/utils@>=1.0.0,<1.2.0"]);
    let added = format!("{text}  - package: acme/utils\n    version: [\">=1.0.0\", \"<1.2.0\"]\n");
    assert_eq!(sandbox.read("shop/packages.yml"), added);
    assert_eq!(installed(&sandbox), ["near", "utils"]);
    refused(&deps(&sandbox, &["--add-package", "utils"]), &["NAMESPACE/NAME@VERSION"]);
}

#[test]
fn a_folder_that_holds_more_than_packages_is_not_emptied() {
    let web = Web::new();
    let sandbox = shop(&web, "packages: []\n");
    for path in [".", "..", "models/.."] {
        sandbox.write("shop/dbt_project.yml", format!("{PROJECT}packages-install-path: {path}\n"));
        sandbox.write("shop/models/m.sql", "select 1 as id");
        refused(&deps(&sandbox, &[]), &["holds more than packages"]);
        assert!(sandbox.join("shop/models/m.sql").exists());
    }
    sandbox.write("shop/dbt_project.yml", format!("{PROJECT}packages-install-path: deep/down\n"));
    sandbox.write("shop/deep/down/stale/dbt_project.yml", "name: stale\n");
    deps_ok(&sandbox, &[]);
    assert!(!sandbox.join("shop/deep/down/stale").exists());
}

#[test]
fn a_proxy_is_asked_for_what_no_variable_exempts() {
    let proxy = Web::with_utils();
    let mut sandbox = Sandbox::new();
    sandbox.env("DBT_PACKAGE_HUB_URL", "https://hub.example.org/").env("https_proxy", &proxy.url);
    sandbox
        .write("shop/dbt_project.yml", PROJECT)
        .write("shop/packages.yml", "packages:\n  - package: acme/utils\n    version: 1.0.0\n");
    refused(&deps(&sandbox, &[]), &["cannot fetch https://hub.example.org/api/v1/acme/utils.json", "HTTPS_PROXY"]);
    assert_eq!(proxy.asked("hub.example.org:443"), 1, "{:?}", proxy.asked.lock().unwrap());
    sandbox.env("https_proxy", "http://user:hunter2@[bad");
    let said = deps(&sandbox, &[]);
    refused(&said, &["the proxy that https_proxy names cannot be used"]);
    assert!(!said.to_string().contains("hunter2"), "{said}");
}
