//! Packages from git, fetched by the `git` program, as dbt does it: only it knows the user's credential helpers, SSH
//! keys, proxies and URL rewrites. (`baseline` reads the project's own repository with libgit2, which needs none of
//! these.)

use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;
use crate::fetch::Address;

/// For one call of git.
const LONGEST: Duration = Duration::from_secs(600);
const STEP: Duration = Duration::from_millis(15);
/// How alike a branch or a tag must be to be suggested, from 0 to 1.
const ALIKE: f32 = 0.5;
/// What git says when another way of fetching would not help.
const FOR_GOOD: [&str; 9] = [
    "unable to access",
    "does not exist",
    "does not appear to be a git repository",
    "Could not resolve host",
    "Repository not found",
    "Authentication failed",
    "Permission denied",
    "could not read",
    "Host key verification failed",
];

/// A commit of a repository, checked out.
#[derive(Debug, Clone)]
pub(super) struct Checkout {
    /// Where.
    pub(super) folder: PathBuf,
    /// The commit's whole id.
    pub(super) sha: String,
}

/// Checks `revision` of the repository (its default branch when there is none) out into the new folder `to`.
pub(super) fn checkout(
    url: &Address,
    revision: Option<&str>,
    to: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Checkout, Error> {
    let git = Git { url, to, stop };
    if revision
        .is_some_and(|revision| revision.is_empty() || revision.starts_with('-') || revision.contains([':', ' ']))
    {
        return Err(git.no_revision(revision.unwrap_or_default()));
    }
    std::fs::create_dir_all(to).map_err(Error::io("make", to))?;
    git.run(&["init", "--quiet", "--template="], "make a repository for")?;
    let sha = git.fetch(revision)?;
    git.run(&["checkout", "--quiet", "--detach", &sha], "check out")?;
    // Nothing of a package needs its history, and the URL with its secrets may be in it.
    std::fs::remove_dir_all(to.join(".git")).map_err(Error::io("remove", to.join(".git")))?;
    Ok(Checkout { folder: to.to_owned(), sha })
}

struct Git<'a> {
    url: &'a Address,
    to: &'a Path,
    stop: &'a dyn Fn() -> bool,
}

/// What a call of git came to.
struct Said {
    success: bool,
    out: String,
    error: String,
}

impl Git<'_> {
    /// Brings the revision here and returns its commit: that alone when the server allows it, else the whole
    /// repository.
    fn fetch(&self, revision: Option<&str>) -> Result<String, Error> {
        let wanted = revision.unwrap_or("HEAD");
        let url = self.url.value.as_str();
        let shallow = self.call(&["fetch", "--quiet", "--no-tags", "--depth=1", "--", url, wanted])?;
        if shallow.success {
            return self.commit("FETCH_HEAD").map(Option::unwrap_or_default);
        }
        let may_be_commit = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        if shallow.error.contains("couldn't find remote ref") && !may_be_commit {
            return Err(self.no_revision(wanted));
        }
        if FOR_GOOD.iter().any(|words| shallow.error.contains(words)) {
            return Err(self.failed("fetch", &shallow.error));
        }
        let all = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
        self.run(&["fetch", "--quiet", "--", url, all[0], all[1], "+HEAD:refs/remotes/origin/HEAD"], "fetch")?;
        for name in [wanted.to_owned(), format!("refs/remotes/origin/{wanted}")] {
            if let Some(sha) = self.commit(&name)? {
                return Ok(sha);
            }
        }
        Err(self.no_revision(wanted))
    }

    fn commit(&self, name: &str) -> Result<Option<String>, Error> {
        let said =
            self.call(&["rev-parse", "--quiet", "--verify", "--end-of-options", &format!("{name}^{{commit}}")])?;
        Ok(said.success.then(|| said.out.trim().to_owned()))
    }

    /// The error for a revision that the repository does not have, with the branch or tag that is nearest.
    fn no_revision(&self, wanted: &str) -> Error {
        let said = self.call(&["ls-remote", "--heads", "--tags", "--", &self.url.value]).map(|said| said.out);
        let said = said.unwrap_or_default();
        let names: Vec<&str> = said
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter_map(|(_, name)| name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")))
            .filter(|name| !name.ends_with("^{}"))
            .collect();
        let near = similar::get_close_matches(wanted, &names, 1, ALIKE);
        let near = near.first().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        Error::Git {
            doing: format!("find the revision `{wanted}` in"),
            url: self.url.shown.clone(),
            said: format!("it has no such branch, tag or commit{near}"),
            hint: "name a branch, a tag or a whole commit id with `revision:`",
        }
    }

    fn run(&self, arguments: &[&str], doing: &str) -> Result<String, Error> {
        let said = self.call(arguments)?;
        if said.success { Ok(said.out) } else { Err(self.failed(doing, &said.error)) }
    }

    fn failed(&self, doing: &str, said: &str) -> Error {
        let has = |words: &[&str]| words.iter().any(|words| said.contains(words));
        let hint = if has(&[
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "Permission denied",
        ]) {
            "git asks nobody here: give it an SSH key, a credential helper, or a token in the URL, \
             e.g. https://{{ env_var('DBT_ENV_SECRET_GIT_TOKEN') }}@…"
        } else if has(&["does not exist", "not found", "does not appear"]) {
            "check the URL; a path must be absolute; a private repository needs credentials"
        } else if has(&["unable to access", "Could not resolve", "timed out"]) {
            "check the network and the URL; behind a proxy, set HTTPS_PROXY"
        } else {
            ""
        };
        let last: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let fatal = last.iter().find(|line| line.starts_with("fatal:") || line.starts_with("error:")).or(last.last());
        let said =
            fatal.map_or("it says nothing", |line| line.trim_start_matches("fatal: ").trim_start_matches("error: "));
        // What is as written may be printed; what it rendered to may hold a secret.
        let said = said.replace(&self.url.value, &self.url.shown);
        Error::Git { doing: doing.to_owned(), url: self.url.shown.clone(), said, hint }
    }

    fn call(&self, arguments: &[&str]) -> Result<Said, Error> {
        let child = command(self.to, arguments).spawn();
        let mut child = child.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NoGit { url: self.url.shown.clone() },
            _ => Error::io("run", "git")(error),
        })?;
        let out = read_all(child.stdout.take());
        let errors = read_all(child.stderr.take());
        let success = self.wait(&mut child)?;
        let text = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
        Ok(Said { success, out: text(out), error: text(errors) })
    }

    fn wait(&self, child: &mut Child) -> Result<bool, Error> {
        let since = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(Error::io("wait for", "git"))? {
                return Ok(status.success());
            }
            let late = since.elapsed() > LONGEST;
            if late || (self.stop)() {
                // It may have ended meanwhile, which is as well.
                let _ = child.kill();
                let _ = child.wait();
                return Err(if late { self.failed("fetch", "it timed out") } else { Error::Stopped });
            }
            thread::sleep(STEP);
        }
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .args(["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"])
        .args(arguments.iter().map(OsStr::new))
        // Set while a hook of git runs us; they would make git work on the project's repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        // The folder is its own repository, even where one lies around it.
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder))
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until then is of use.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
