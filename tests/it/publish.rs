//! The life of the sticky comment: against a stateful API of GitHub's on this machine, and against answers that such an
//! API does not give of itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};
use slimdiff::model::Secret;
use slimdiff::publish::{Action, Error, Published, Settings, github};

use crate::support::github::{GitHub, TOKEN};

fn settings(url: &str) -> Settings {
    Settings {
        api_url: url.to_owned(),
        token: Secret::new(TOKEN.to_owned()),
        repository: "octocat/shop".to_owned(),
        pull_request: 1,
        key: "shop".to_owned(),
        head_sha: Some("0123abc".to_owned()),
        run_id: Some(10),
        backoff: Duration::from_millis(1),
    }
}

fn publish(settings: &Settings, markdown: &str) -> Result<Published, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(github(settings, markdown))
}

#[test]
fn one_comment_is_created_then_updated_and_never_by_an_older_run() {
    let api = GitHub::start();
    let tenth = settings(&api.url());
    let created = publish(&tenth, "## first").unwrap();
    assert_eq!(created.action, Action::Created);
    assert!(created.comment_url.contains("/octocat/shop/"), "{}", created.comment_url);
    assert_eq!(api.comments(), ["<!-- slimdiff:v1 key=shop sha=0123abc run=10 -->\n## first"]);

    assert_eq!(publish(&tenth, "## first\n").unwrap().action, Action::Unchanged);
    let eleventh = Settings { run_id: Some(11), ..tenth.clone() };
    let updated = publish(&eleventh, "## second").unwrap();
    assert_eq!((updated.action, &updated.comment_url), (Action::Updated, &created.comment_url));

    assert_eq!(publish(&tenth, "## late").unwrap().action, Action::SkippedNewer);
    assert_eq!(api.comments(), ["<!-- slimdiff:v1 key=shop sha=0123abc run=11 -->\n## second"]);

    let by_hand = Settings { run_id: None, ..tenth.clone() };
    assert_eq!(publish(&by_hand, "## by hand").unwrap().action, Action::Updated);

    let other_project = Settings { key: "a \"key\" --> of <its> own".to_owned(), ..tenth };
    assert_eq!(publish(&other_project, "## other").unwrap().action, Action::Created);
    assert_eq!(publish(&other_project, "## other").unwrap().action, Action::Unchanged);
    assert_eq!(api.comments().len(), 2);
}

#[test]
fn the_comment_is_found_on_a_later_page() {
    let api = GitHub::start();
    for number in 0..100 {
        publish(&Settings { key: format!("other_{number}"), ..settings(&api.url()) }, "x").unwrap();
    }
    assert_eq!(publish(&settings(&api.url()), "## mine").unwrap().action, Action::Created);
    assert_eq!(publish(&settings(&api.url()), "## mine again").unwrap().action, Action::Updated);
    assert_eq!(publish(&settings(&api.url()), "## mine again").unwrap().action, Action::Unchanged);
}

#[test]
fn a_pull_request_that_is_not_there_is_an_error_with_advice() {
    let api = GitHub::start();
    let error = publish(&Settings { pull_request: 99, ..settings(&api.url()) }, "x").unwrap_err();
    assert!(matches!(&error, Error::NotFound { place } if place == "pull request 99 of octocat/shop"), "{error}");
    assert!(error.hint().unwrap().contains("number"));
}

/// A request: method and path, body.
type Asked = (String, Json);

/// Answers each request as `answer` says: status, further headers, body.
struct Canned {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Canned {
    fn start(mut answer: impl FnMut(&str, usize) -> (u16, &'static str, Json) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/v3", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some((line, body)) = read(&mut stream) else { continue };
                let before = {
                    let mut log = log.lock().unwrap();
                    log.push((line.clone(), body));
                    log.iter().filter(|(asked, _)| *asked == line).count() - 1
                };
                let (status, headers, json) = answer(&line, before);
                let text = json.to_string();
                let length = text.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
                stream.write_all(format!("{head}connection: close\r\n{headers}\r\n{text}").as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
    }
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (mut length, mut authorized) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_lowercase();
        if header.is_empty() {
            break;
        }
        authorized |= header == format!("authorization: bearer {TOKEN}");
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    assert!(authorized, "every request carries the token");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.rsplit_once(' ')?.0.to_owned();
    Some((line, serde_json::from_slice(&body).unwrap_or(Json::Null)))
}

fn comment(id: u64, login: &str, kind: &str, body: &str) -> Json {
    json!({"id": id, "html_url": format!("https://github.example/c{id}"), "body": body, "user": {"login": login, "type": kind}})
}

const MARKER: &str = "<!-- slimdiff:v1 key=shop sha=0 run=3 -->\nold";

#[test]
fn a_job_s_token_updates_the_bot_s_comment_and_not_one_that_copies_the_marker() {
    let api = Canned::start(|line, _| match line {
        "GET /api/v3/user" => (403, "", json!({"message": "Resource not accessible by integration"})),
        line if line.starts_with("GET") => (
            200,
            "",
            json!([
                comment(1, "eve", "User", MARKER),
                comment(2, "github-actions[bot]", "Bot", MARKER),
                comment(3, "github-actions[bot]", "Bot", MARKER),
                {"id": 4, "html_url": "x", "body": null, "user": null},
            ]),
        ),
        _ => (200, "", comment(2, "github-actions[bot]", "Bot", "new")),
    });
    let published = publish(&settings(&api.url), "## new").unwrap();
    assert_eq!(published.action, Action::Updated);
    assert_eq!(published.others, ["https://github.example/c3"], "a second comment of ours is told of and left alone");
    assert_eq!(
        api.asked(),
        [
            "GET /api/v3/user",
            "GET /api/v3/repos/octocat/shop/issues/1/comments?per_page=100&page=1",
            "PATCH /api/v3/repos/octocat/shop/issues/comments/2",
        ]
    );
    let body = api.asked.lock().unwrap()[2].1.clone();
    assert_eq!(body, json!({"body": "<!-- slimdiff:v1 key=shop sha=0123abc run=10 -->\n## new"}));
}

/// A comment can be listed, and writing it is answered so.
fn refusing(status: u16, headers: &'static str, message: &'static str) -> Canned {
    Canned::start(move |line, _| match line {
        "GET /api/v3/user" => (200, "", json!({"login": "octocat", "type": "User"})),
        line if line.starts_with("GET") => (200, "", json!([])),
        _ => (status, headers, json!({"message": message})),
    })
}

#[test]
fn a_token_that_can_only_read_is_told_apart_and_advised_on() {
    let api = refusing(403, "", "Resource not accessible by integration");
    let error = publish(&settings(&api.url), "x").unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("pull-requests: write") && hint.contains("fork"), "{hint}");
    assert_eq!(api.asked().len(), 3, "it is not tried again");
}

#[test]
fn a_token_that_github_does_not_know_is_an_error_at_once() {
    let api = Canned::start(|_, _| (401, "", json!({"message": "Bad credentials"})));
    let error = publish(&settings(&api.url), "x").unwrap_err();
    assert_eq!(error.to_string(), "GitHub does not accept the token (401): Bad credentials");
    assert_eq!(api.asked().len(), 1);
}

#[test]
fn a_comment_that_github_refuses_is_an_error_with_its_length() {
    let api = refusing(422, "", "Body is too long");
    let error = publish(&settings(&api.url), &"x".repeat(70_000)).unwrap_err();
    let Error::Refused { bytes, message } = &error else { panic!("{error}") };
    assert!(*bytes > 70_000 && message == "Body is too long");
}

#[test]
fn trouble_that_passes_is_waited_for_and_the_comment_not_made_twice() {
    // The first POST is carried out, though its answer is lost.
    let api = Canned::start(|line, before| match (line, before) {
        ("GET /api/v3/user", 0) => (502, "", json!("<html>unicorn</html>")),
        ("GET /api/v3/user", _) => (200, "", json!({"login": "octocat"})),
        (line, before) if line.starts_with("GET") => {
            let made = comment(7, "octocat", "User", "<!-- slimdiff:v1 key=shop sha=0123abc run=10 -->\nx");
            (200, "", if before == 0 { json!([]) } else { json!([made]) })
        }
        _ => (500, "", json!({"message": "oops"})),
    });
    let published = publish(&settings(&api.url), "x").unwrap();
    assert_eq!(published.action, Action::Unchanged);
    assert_eq!(api.asked().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[test]
fn trouble_that_stays_is_an_error_after_four_tries() {
    let api = Canned::start(|_, _| (503, "", json!({"message": "unavailable"})));
    let error = publish(&settings(&api.url), "x").unwrap_err();
    assert_eq!(error.to_string(), "GitHub failed (503) 4 times: unavailable");
    assert_eq!(api.asked().len(), 4);
}

#[test]
fn a_short_limit_of_requests_is_waited_for_and_a_long_one_is_an_error() {
    let api = Canned::start(|line, before| match (line, before) {
        ("GET /api/v3/user", 0) => {
            (403, "retry-after: 1\r\n", json!({"message": "You have exceeded a secondary rate limit"}))
        }
        ("GET /api/v3/user", _) => (200, "", json!({"login": "octocat"})),
        (line, _) if line.starts_with("GET") => (200, "", json!([])),
        _ => (201, "", comment(1, "octocat", "User", "x")),
    });
    let begun = std::time::Instant::now();
    assert_eq!(publish(&settings(&api.url), "x").unwrap().action, Action::Created);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let api = refusing(403, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 9999999999\r\n", "API rate limit exceeded");
    let error = publish(&settings(&api.url), "x").unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error}");
}

#[test]
fn an_api_that_is_not_there_is_an_error_that_names_it_and_not_the_token() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let error = publish(&settings(&url), "x").unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot reach GitHub at {url}: ")), "{error}");
    assert!(!format!("{error:?}").contains(TOKEN));
}

#[test]
fn settings_that_make_no_sense_are_told_before_anything_is_asked() {
    for repository in ["shop", "a/b/c", "../user", "octocat/shop?x=1", ""] {
        let error = publish(&Settings { repository: repository.to_owned(), ..settings("http://127.0.0.1:1") }, "x");
        assert!(matches!(error, Err(Error::Settings { .. })), "{repository}: {error:?}");
    }
    let error = publish(&settings("not an address"), "x").unwrap_err();
    assert!(matches!(error, Error::Settings { .. }), "{error:?}");
}
