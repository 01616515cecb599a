//! A private PostgreSQL cluster for one test process: started when the first test asks, gone when the process is,
//! however it ends. Nothing of the machine's own clusters is touched.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use slimdiff::{model::JsonMap, warehouse::Target};

/// The password of the role `secured`, which the server asks for over TCP.
pub(crate) const PASSWORD: &str = "pass 'word' \\ ü";

/// The server lives as long as its standard input is open: the kernel closes it when this process ends.
const RUN: &str = r#"
trap '' INT TERM HUP
"$1"/postgres -D "$2"/data -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=200 -c ssl=on -c ssl_cert_file="$2"/server.crt \
    -c ssl_key_file="$2"/server.key >"$2"/log 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$2"
"#;

/// Who may connect how. `secured` needs its password over TCP, `encrypted` needs TLS, everybody else needs nothing.
const HBA: &str = "local all all trust
host all secured 127.0.0.1/32 scram-sha-256
hostssl all encrypted 127.0.0.1/32 trust
hostnossl all plain 127.0.0.1/32 trust
host all encrypted,plain 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
";

/// A running server.
pub(crate) struct Cluster {
    /// The folder of its Unix socket and of its certificates.
    pub(crate) folder: PathBuf,
    /// Its port on 127.0.0.1, and the number in its socket's name.
    pub(crate) port: u16,
    binaries: PathBuf,
    _lifeline: ChildStdin,
}

/// A database of a test's own.
pub(crate) struct Database {
    /// Its name.
    pub(crate) name: String,
    /// The server it is on.
    pub(crate) cluster: &'static Cluster,
}

/// The cluster of this process.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// A fresh, empty database.
pub(crate) fn database() -> Database {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // One at a time, since each copies the template.
    static TURN: Mutex<()> = Mutex::new(());
    let cluster = cluster();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let turn = TURN.lock().unwrap();
    cluster.psql("postgres", &format!("create database {name}"));
    drop(turn);
    Database { name, cluster }
}

impl Database {
    /// The fields of a profile's output, over the Unix socket as the superuser.
    pub(crate) fn output(&self) -> JsonMap {
        let output = json!({
            "type": "postgres", "host": self.cluster.folder, "port": self.cluster.port, "user": "postgres",
            "password": "unused", "dbname": self.name, "schema": "public", "threads": 2, "retries": 0,
        });
        output.as_object().unwrap().clone()
    }

    /// The output with some fields changed.
    pub(crate) fn target_with(&self, changes: &serde_json::Value) -> Target {
        let mut output = self.output();
        output.extend(changes.as_object().unwrap().clone());
        Target::from_profile("postgres", &output, Path::new("/")).unwrap()
    }

    /// The output as a target.
    pub(crate) fn target(&self) -> Target {
        self.target_with(&json!({}))
    }
}

impl Cluster {
    fn start() -> Self {
        let mut log = String::new();
        // Another process may take the port between our choosing it and the server's.
        for _ in 0..3 {
            match Self::try_start() {
                Ok(cluster) => {
                    cluster.psql("postgres", &roles());
                    return cluster;
                }
                Err(words) => log = words,
            }
        }
        panic!("the PostgreSQL server of the tests does not start; its log says:\n{log}");
    }

    /// Starts a server in a folder of its own, or tells its log.
    fn try_start() -> Result<Self, String> {
        let binaries = binaries();
        // A socket's path has room for some hundred bytes only, so not below a long TMPDIR.
        let folder = tempfile::Builder::new().prefix("slimdiff-pg").tempdir_in("/tmp").unwrap().keep();
        certificates(&folder);
        let account = account();
        if let Some(account) = account {
            done(Command::new("chown").arg("-R").arg(account).arg(&folder));
        }
        let options = ["--locale=C", "--encoding=UTF8", "--no-sync", "--auth=trust", "--username=postgres"];
        done(as_user(account, &binaries.join("initdb")).args(options).arg("-D").arg(folder.join("data")));
        std::fs::write(folder.join("data/pg_hba.conf"), HBA).unwrap();
        let port = free_port();
        let mut command = as_user(account, Path::new("/bin/sh"));
        command.args(["-c", RUN, "sh"]).arg(&binaries).arg(&folder).arg(port.to_string());
        // A group of its own, so that Ctrl-C reaches the tests and not the server, which goes when they have gone.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let lifeline = command.spawn().unwrap().stdin.take().unwrap();
        let cluster = Self { folder, port, binaries, _lifeline: lifeline };
        if cluster.wait() {
            return Ok(cluster);
        }
        Err(std::fs::read_to_string(cluster.folder.join("log")).unwrap_or_default())
    }

    fn wait(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            let ready = Command::new(self.binaries.join("pg_isready"))
                .args(["-q", "-U", "postgres", "-d", "postgres", "-p", &self.port.to_string(), "-h"])
                .arg(&self.folder)
                .status();
            if ready.unwrap().success() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Runs SQL as the superuser, outside of what is tested.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new(self.binaries.join("psql"));
        command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", sql]);
        command.args(["-p", &self.port.to_string(), "-h"]).arg(&self.folder);
        done(&mut command)
    }
}

fn roles() -> String {
    let password = PASSWORD.replace('\'', "''");
    format!(
        "create role secured login password '{password}'; create role encrypted login; create role plain login; \
         create role nobody_special login; create role owner_role nologin; grant owner_role to secured;"
    )
}

/// The folder of the server's programs.
fn binaries() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.map(|version| version.unwrap().path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    let whole = |folder: &PathBuf| {
        ["initdb", "postgres", "psql", "pg_isready"].iter().all(|program| folder.join(program).exists())
    };
    folders.into_iter().find(whole).expect(
        "these tests need PostgreSQL's server: install it (apt-get install postgresql), or put its bin folder in PATH",
    )
}

/// Whom to become, since the server does not run as root; none when we are not root.
fn account() -> Option<&'static str> {
    if done(Command::new("id").arg("-u")).trim() != "0" {
        return None;
    }
    let exists = |name: &&str| Command::new("id").arg(name).output().unwrap().status.success();
    Some(["postgres", "nobody"].into_iter().find(exists).expect("a user `postgres` or `nobody` to run the server as"))
}

/// A command that `account` runs.
fn as_user(account: Option<&str>, program: &Path) -> Command {
    let mut command = match account {
        None => Command::new(program),
        Some(account) => {
            let mut command = Command::new("setpriv");
            let group = done(Command::new("id").args(["-g", account]));
            command.args(["--reuid", account, "--regid", group.trim(), "--clear-groups"]).arg(program);
            command
        }
    };
    command.current_dir("/tmp").env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A root certificate, and the server's, which is for `localhost` alone and not for 127.0.0.1.
fn certificates(folder: &Path) {
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let run = |arguments: &[&str]| {
        done(Command::new("openssl").args(arguments).current_dir(folder));
    };
    run(&[&["req", "-x509"], &key[..], &["-keyout", "root.key", "-out", "root.crt", "-subj", "/CN=test root"]].concat());
    run(&[&["req"], &key[..], &["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"]].concat());
    let sign = ["-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "names", "-out", "server.crt"];
    run(&[&["x509", "-req", "-in", "server.csr"], &sign[..]].concat());
    // Another root, which signed nothing.
    run(&[&["req", "-x509"], &key[..], &["-keyout", "other.key", "-out", "other.crt", "-subj", "/CN=other"]].concat());
    done(Command::new("chmod").arg("600").arg(folder.join("server.key")));
    // The tests read the certificates as whoever they run as.
    done(Command::new("chmod").arg("755").arg(folder));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a command to its end and returns what it printed; whatever goes wrong fails the test with all of its words.
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{out}\n{err}");
    out.into_owned()
}
