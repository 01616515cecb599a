//! Accounts, hosts, TLS, and sessions that are cut off.

use std::time::Duration;

use serde_json::{Value as Json, json};
use slimdiff::warehouse::{Error, Target, connect};

use super::{fresh, text};
use crate::support::postgres::{Database, PASSWORD, database};

/// The error of connecting with some fields changed: its words and its hint.
async fn refused(database: &Database, changes: Json) -> (String, String) {
    let error = connect(&database.target_with(&changes)).await.err().expect("a refusal");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    (error.to_string(), error.hint().unwrap_or_default().to_owned())
}

fn tcp(changes: &Json) -> Json {
    let mut fields = json!({"host": "127.0.0.1"});
    fields.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    fields
}

#[tokio::test]
async fn the_right_password_opens_and_the_wrong_one_says_so() {
    let database = database();
    let right = database.target_with(&tcp(&json!({"user": "secured", "password": PASSWORD})));
    let mut session = connect(&right).await.unwrap().session().await.unwrap();
    assert_eq!(session.query("select current_user::text").await.unwrap().scalar(), Some(&text("secured")));
    let (words, hint) = refused(&database, tcp(&json!({"user": "secured", "password": "hunter2"}))).await;
    assert!(words.contains("password authentication failed"), "{words}");
    assert!(hint.contains("password"), "{hint}");
    let (_, hint) = refused(&database, tcp(&json!({"user": "secured", "password": ""}))).await;
    assert!(hint.contains("password"), "{hint}");
}

#[tokio::test]
async fn what_is_not_there_is_named_with_a_hint() {
    let database = database();
    let (words, hint) = refused(&database, json!({"dbname": "no_such_db"})).await;
    assert!(words.contains("no_such_db") && hint.contains("no_such_db"), "{words} / {hint}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (words, hint) = refused(&database, tcp(&json!({"port": closed}))).await;
    assert!(words.contains("refused") && hint.contains("port"), "{words} / {hint}");
    let (_, hint) = refused(&database, json!({"host": "no-such-host.invalid"})).await;
    assert!(hint.contains("host"), "{hint}");
    let (_, hint) = refused(&database, json!({"host": "/no/such/folder"})).await;
    assert!(hint.contains("host"), "{hint}");
    let (words, hint) = refused(&database, json!({"role": "no_such_role"})).await;
    assert!(words.contains("no_such_role") && hint.contains("role"), "{words} / {hint}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let database = database();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let (words, _) = refused(&database, tcp(&json!({"port": port, "connect_timeout": 1}))).await;
    assert!(words.contains("1 seconds"), "{words}");
}

#[tokio::test]
async fn role_search_path_and_name_of_the_session_are_set() {
    let database = database();
    database.cluster.psql(&database.name, "create schema \"a b\" authorization owner_role");
    let target = database.target_with(&json!({
        "user": "secured", "role": "owner_role", "search_path": "\"a b\", public", "application_name": "our app",
    }));
    let mut session = connect(&target).await.unwrap().session().await.unwrap();
    let sql = "select current_user::text, current_schemas(false)::text, current_setting('application_name')";
    let table = session.query(sql).await.unwrap();
    assert_eq!(table.rows[0], [text("owner_role"), text("{\"a b\",public}"), text("our app")]);
}

/// Whether the session is encrypted.
async fn encrypted(target: &Target) -> Result<bool, Error> {
    let mut session = connect(target).await?.session().await?;
    let table = session.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()").await?;
    Ok(table.scalar().and_then(slimdiff::model::Value::as_bool).unwrap())
}

#[tokio::test]
async fn each_sslmode_encrypts_and_verifies_as_libpq_does() {
    let database = database();
    let root = database.cluster.folder.join("root.crt");
    let other = database.cluster.folder.join("other.crt");
    let with = |changes: Json| database.target_with(&tcp(&changes));
    let mode = |mode: &str| with(json!({"sslmode": mode}));
    assert!(!encrypted(&mode("disable")).await.unwrap());
    assert!(!encrypted(&mode("allow")).await.unwrap());
    assert!(encrypted(&mode("prefer")).await.unwrap());
    assert!(encrypted(&mode("require")).await.unwrap());
    // Where the server insists, `allow` and `prefer` go the other way.
    assert!(encrypted(&with(json!({"sslmode": "allow", "user": "encrypted"}))).await.unwrap());
    assert!(!encrypted(&with(json!({"sslmode": "prefer", "user": "plain"}))).await.unwrap());
    assert!(encrypted(&with(json!({"sslmode": "disable", "user": "encrypted"}))).await.is_err());
    // The certificate is for localhost, and 127.0.0.1 is not named in it.
    assert!(encrypted(&with(json!({"sslmode": "verify-ca", "sslrootcert": root}))).await.unwrap());
    let named = json!({"sslmode": "verify-full", "sslrootcert": root, "host": "localhost"});
    assert!(encrypted(&with(named)).await.unwrap());
    for wrong in [
        json!({"sslmode": "verify-full", "sslrootcert": root}),
        json!({"sslmode": "verify-ca", "sslrootcert": other}),
        json!({"sslmode": "require", "sslrootcert": other}),
        json!({"sslmode": "verify-full", "sslrootcert": "system", "host": "localhost"}),
    ] {
        let error = encrypted(&with(wrong.clone())).await.expect_err("a certificate that is not ours");
        assert!(error.to_string().contains("certificate"), "{wrong}: {error}");
        assert!(error.hint().unwrap().contains("sslrootcert"), "{wrong}: {error:?}");
    }
    let error = encrypted(&with(json!({"sslmode": "verify-ca", "sslrootcert": "/no/such.crt"}))).await.unwrap_err();
    assert!(error.to_string().contains("/no/such.crt"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_stops_what_runs_on_the_server() {
    let (database, warehouse, mut session) = fresh().await;
    let mut other = warehouse.session().await.unwrap();
    let running =
        tokio::spawn(async move { (session.query("select pg_sleep(60)").await, session.execute("select 1").await) });
    let also = tokio::spawn(async move { other.execute("select pg_sleep(60)").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    tokio::time::timeout(Duration::from_secs(9), warehouse.cancel()).await.unwrap();
    let (first, second) = running.await.unwrap();
    assert!(matches!(first, Err(Error::Cancelled)), "{first:?}");
    assert!(matches!(second, Err(Error::Cancelled)), "{second:?}");
    assert!(matches!(also.await.unwrap(), Err(Error::Cancelled)));
    let sleeping = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(60)%' \
                    and pid <> pg_backend_pid() and datname = current_database()";
    assert_eq!(database.cluster.psql(&database.name, sleeping).trim(), "0");
    assert!(matches!(warehouse.session().await.err(), Some(Error::Cancelled)));
    warehouse.resume();
    assert!(warehouse.session().await.unwrap().execute("select 1").await.is_ok());
}

#[tokio::test]
async fn a_statement_nobody_waits_for_is_stopped_on_the_server() {
    let (database, _warehouse, mut session) = fresh().await;
    let waited = tokio::time::timeout(Duration::from_millis(300), session.execute("select pg_sleep(61)")).await;
    assert!(waited.is_err());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sleeping = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(61)%' \
                    and pid <> pg_backend_pid() and datname = current_database()";
    assert_eq!(database.cluster.psql(&database.name, sleeping).trim(), "0");
    assert_eq!(session.execute("select 1").await.unwrap(), Some(1), "the session goes on");
}

#[tokio::test]
async fn a_session_that_the_server_ends_is_lost_and_not_refused() {
    let (database, warehouse, mut session) = fresh().await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    database.cluster.psql(&database.name, end);
    for _ in 0..2 {
        let error = session.execute("select 1").await.unwrap_err();
        assert!(matches!(error, Error::Lost { .. }), "{error:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(warehouse.session().await.unwrap().execute("select 1").await.is_ok(), "a new session works");
}
