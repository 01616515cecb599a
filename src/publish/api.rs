//! GitHub's REST API as far as comments need it: requests, and what their answers mean.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use octocrab::Octocrab;
use octocrab::service::middleware::retry::RetryConfig;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::{Error, Settings};

/// Comments a page; GitHub gives no more.
const PAGE: usize = 100;

/// A comment, as far as it concerns us.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) html_url: String,
    /// Absent when GitHub has no text.
    #[serde(default)]
    pub(super) body: Option<String>,
    /// Absent when the account is gone.
    #[serde(default)]
    pub(super) user: Option<User>,
}

/// An account.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) login: String,
    /// `User`, `Bot` or `Organization`.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may go better after a while.
    Passing { wait: Option<Duration>, error: Error },
    /// It will not go better.
    Final(Error),
}

/// One pull request's comments.
pub(super) struct Api<'a> {
    client: Octocrab,
    settings: &'a Settings,
}

impl<'a> Api<'a> {
    pub(super) fn new(settings: &'a Settings) -> Result<Self, Error> {
        let wrong = |message: String| Error::Settings { message };
        let (owner, name) = settings.repository.split_once('/').unwrap_or_default();
        let plain = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if !plain(owner) || !plain(name) {
            return Err(wrong(format!("`{}` is not a repository; write owner/name", settings.repository)));
        }
        let timeout = Some(Duration::from_secs(30));
        let client = Octocrab::builder()
            .base_uri(settings.api_url.as_str())
            .map_err(|_| wrong(format!("`{}` is not the address of an API", settings.api_url)))?
            .user_access_token(settings.token.expose_secret().as_str())
            // We know better than the client when a request may be made again.
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(timeout)
            .set_read_timeout(timeout)
            .set_write_timeout(timeout)
            .build()
            .map_err(|error| wrong(format!("cannot make a client for GitHub: {}", words(&error))))?;
        Ok(Self { client, settings })
    }

    /// The login behind the token, if it has one: the token of a job has not.
    pub(super) async fn login(&self) -> Result<Option<String>, Trouble> {
        match self.get::<User>("/user", "who the token belongs to").await {
            Ok(user) => Ok(Some(user.login)),
            Err(Trouble::Final(Error::Forbidden { .. } | Error::NotFound { .. })) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// All comments of the pull request, oldest first.
    pub(super) async fn comments(&self) -> Result<Vec<Comment>, Trouble> {
        let mut comments: Vec<Comment> = Vec::new();
        for page in 1.. {
            let path = format!("{}/comments?per_page={PAGE}&page={page}", self.issue());
            let found: Vec<Comment> = self.get(&path, "the list of comments").await?;
            let last = found.len() < PAGE;
            comments.extend(found);
            if last {
                break;
            }
        }
        Ok(comments)
    }

    pub(super) async fn create(&self, body: &str) -> Result<Comment, Trouble> {
        let body = json!({ "body": body });
        self.ask(Request::Post(format!("{}/comments", self.issue()), &body), "a new comment").await
    }

    pub(super) async fn update(&self, id: u64, body: &str) -> Result<Comment, Trouble> {
        let path = format!("/repos/{}/issues/comments/{id}", self.settings.repository);
        self.ask(Request::Patch(path, &json!({ "body": body })), "the update of a comment").await
    }

    fn issue(&self) -> String {
        format!("/repos/{}/issues/{}", self.settings.repository, self.settings.pull_request)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T, Trouble> {
        self.ask(Request::Get(path.to_owned()), what).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request<'_>, what: &str) -> Result<T, Trouble> {
        let bytes = request.bytes();
        let answer = self.send(request).await.map_err(|error| self.unreachable(&error))?;
        if !(200..300).contains(&answer.status) {
            return Err(self.trouble(&answer, what, bytes));
        }
        serde_json::from_str(&answer.body).map_err(|error| {
            let (what, status) = (what.to_owned(), answer.status);
            Trouble::Final(Error::Unexpected { what, status, message: error.to_string() })
        })
    }

    async fn send(&self, request: Request<'_>) -> octocrab::Result<Answer> {
        let response = match request {
            Request::Get(path) => self.client._get(path).await?,
            Request::Post(path, body) => self.client._post(path, Some(body)).await?,
            Request::Patch(path, body) => self.client._patch(path, Some(body)).await?,
        };
        let header = |name: &str| response.headers().get(name)?.to_str().ok()?.parse().ok();
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: header("retry-after"),
            remaining: header("x-ratelimit-remaining"),
            reset: header("x-ratelimit-reset"),
            body: String::new(),
        };
        answer.body = self.client.body_to_string(response).await?;
        Ok(answer)
    }

    fn unreachable(&self, error: &octocrab::Error) -> Trouble {
        let error = Error::Unreachable { url: self.settings.api_url.clone(), message: words(error) };
        Trouble::Passing { wait: None, error }
    }

    /// What an answer other than success means.
    fn trouble(&self, answer: &Answer, what: &str, bytes: usize) -> Trouble {
        let (status, message) = (answer.status, answer.message());
        let place = format!("pull request {} of {}", self.settings.pull_request, self.settings.repository);
        if let Some(wait) = answer.limited() {
            let error = Error::RateLimited { seconds: wait.as_secs(), message };
            return Trouble::Passing { wait: Some(wait), error };
        }
        match status {
            401 => Trouble::Final(Error::Unauthorized { message }),
            403 => Trouble::Final(Error::Forbidden { place, message }),
            404 | 410 => Trouble::Final(Error::NotFound { place }),
            422 => Trouble::Final(Error::Refused { bytes, message }),
            500..=599 => Trouble::Passing { wait: None, error: Error::Server { status, tries: 1, message } },
            _ => Trouble::Final(Error::Unexpected { what: what.to_owned(), status, message }),
        }
    }
}

enum Request<'a> {
    Get(String),
    Post(String, &'a Json),
    Patch(String, &'a Json),
}

impl Request<'_> {
    /// The length of the comment that is sent.
    fn bytes(&self) -> usize {
        match self {
            Self::Get(_) => 0,
            Self::Post(_, body) | Self::Patch(_, body) => body["body"].as_str().map_or(0, str::len),
        }
    }
}

/// An answer, with the headers that tell when to ask again.
struct Answer {
    status: u16,
    retry_after: Option<u64>,
    remaining: Option<u64>,
    /// Seconds since 1970.
    reset: Option<u64>,
    body: String,
}

impl Answer {
    /// GitHub's own words, or the beginning of what it sent instead.
    fn message(&self) -> String {
        let json: Option<Json> = serde_json::from_str(&self.body).ok();
        let message = json.as_ref().and_then(|json| json["message"].as_str());
        message.map_or_else(|| self.body.chars().take(200).collect(), str::to_owned)
    }

    /// How long to wait, if this is about a limit of requests and not about rights.
    fn limited(&self) -> Option<Duration> {
        if !matches!(self.status, 403 | 429) {
            return None;
        }
        let until_reset = || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            self.reset.map(|reset| reset.saturating_sub(now))
        };
        let seconds = match (self.retry_after, self.remaining) {
            (Some(seconds), _) => Some(seconds),
            (None, Some(0)) => until_reset(),
            _ if self.status == 429 || self.message().to_lowercase().contains("rate limit") => Some(60),
            _ => None,
        };
        seconds.map(Duration::from_secs)
    }
}

/// All that an error says, with its causes and without the place in the code.
fn words(error: &octocrab::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        let line = text.split("\n\nFound at").next().unwrap_or_default().trim().to_owned();
        if !line.is_empty() && !words.iter().any(|said| said.contains(&line)) {
            words.push(line);
        }
        cause = error.source();
    }
    words.join(": ")
}
