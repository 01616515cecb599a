//! What GitHub Actions says about the run. The environment is passed in; the event is a file that it names.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::comment::BACKOFF;
use super::{Error, Settings};
use crate::model::Secret;

/// The run as GitHub Actions describes it. Everything is absent outside of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Whether this is GitHub Actions.
    pub in_actions: bool,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The name of the event, e.g. `pull_request`.
    pub event: Option<String>,
    /// The pull request's number.
    pub pull_request: Option<u64>,
    /// The head commit of the pull request (what is checked out may be a merge), else the commit of the run.
    pub head_sha: Option<String>,
    /// The base commit of the pull request.
    pub base_sha: Option<String>,
    /// The pull request's branch.
    pub branch: Option<String>,
    /// Whether the pull request comes from another repository.
    pub is_fork: bool,
    /// Whether the pull request was closed by this event.
    pub is_closed: bool,
    /// Where GitHub's REST API is.
    pub api_url: String,
    /// The job's token.
    pub token: Option<Secret<String>>,
    /// The number of the run, which grows.
    pub run_id: Option<u64>,
    /// Where the job's summary goes.
    pub step_summary: Option<PathBuf>,
    /// Where the step's outputs go.
    pub output: Option<PathBuf>,
}

impl Context {
    /// Reads the variables that GitHub Actions sets, by way of `lookup`.
    ///
    /// # Errors
    /// When the file of the event is named and cannot be read.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let event = match lookup("GITHUB_EVENT_PATH") {
            Some(path) => read_event(PathBuf::from(path))?,
            None => Json::Null,
        };
        let text = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let repository = lookup("GITHUB_REPOSITORY");
        let head_repository = text("/pull_request/head/repo/full_name");
        let is_pull_request = event.get("pull_request").is_some();
        let number = event.pointer("/pull_request/number").or_else(|| event.pointer("/issue/number"));
        Ok(Self {
            in_actions: lookup("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
            event: lookup("GITHUB_EVENT_NAME"),
            pull_request: number.and_then(Json::as_u64),
            head_sha: text("/pull_request/head/sha").or_else(|| lookup("GITHUB_SHA")),
            base_sha: text("/pull_request/base/sha"),
            branch: lookup("GITHUB_HEAD_REF").or_else(|| lookup("GITHUB_REF_NAME")),
            // A fork that was deleted has no repository any more.
            is_fork: is_pull_request && head_repository != repository,
            is_closed: text("/action").is_some_and(|action| action == "closed"),
            api_url: lookup("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned()),
            token: lookup("GITHUB_TOKEN").map(Secret::new),
            run_id: lookup("GITHUB_RUN_ID").and_then(|id| id.parse().ok()),
            step_summary: lookup("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            output: lookup("GITHUB_OUTPUT").map(PathBuf::from),
            repository,
        })
    }

    /// Where to comment, as the run says; `pull_request` wins over the event's. The comment's key is `slimdiff` until
    /// the caller, who knows the project's name, sets it.
    ///
    /// # Errors
    /// When something is missing, with the name of its variable.
    pub fn settings(&self, pull_request: Option<u64>) -> Result<Settings, Error> {
        let missing = |what: &str, variable: &str| Error::Settings {
            message: format!("cannot comment without {what}: {variable}"),
        };
        let token = self.token.clone().ok_or_else(|| missing("a token", "GITHUB_TOKEN is not set"))?;
        let repository = self.repository.clone();
        let repository = repository.ok_or_else(|| missing("a repository", "GITHUB_REPOSITORY is not set"))?;
        let number = pull_request
            .or(self.pull_request)
            .ok_or_else(|| missing("the number of a pull request", "neither the event nor --pull-request has one"))?;
        Ok(Settings {
            api_url: self.api_url.clone(),
            token,
            repository,
            pull_request: number,
            key: "slimdiff".to_owned(),
            head_sha: self.head_sha.clone(),
            run_id: self.run_id,
            backoff: BACKOFF,
        })
    }

    /// Why the checked-out code must not be run: an event that carries the repository's secrets, for code of a fork.
    pub fn refuses(&self) -> Option<String> {
        let privileged = self.event.as_deref().is_some_and(|event| event == "pull_request_target");
        (privileged && self.is_fork).then(|| {
            "a dbt project is code, and on `pull_request_target` the code of a fork would run with this repository's \
             secrets"
                .to_owned()
        })
    }
}

fn read_event(path: PathBuf) -> Result<Json, Error> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return Err(Error::Event { path, message: error.to_string() }),
    };
    serde_json::from_str(&text).map_err(|error| Error::Event { path, message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Context;

    fn context(event: &serde_json::Value, name: &str) -> Context {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("event.json");
        std::fs::write(&path, event.to_string()).unwrap();
        Context::from_env(&|variable| match variable {
            "GITHUB_ACTIONS" => Some("true".into()),
            "GITHUB_REPOSITORY" => Some("octocat/shop".into()),
            "GITHUB_EVENT_PATH" => Some(path.to_string_lossy().into_owned()),
            "GITHUB_EVENT_NAME" => Some(name.into()),
            "GITHUB_SHA" => Some("merge".into()),
            "GITHUB_TOKEN" => Some("hunter2".into()),
            "GITHUB_RUN_ID" => Some("77".into()),
            "GITHUB_HEAD_REF" => Some(String::new()),
            _ => None,
        })
        .unwrap()
    }

    fn pull_request(head: &str) -> serde_json::Value {
        json!({"action": "synchronize", "pull_request": {"number": 42, "head": {"sha": "head", "repo": {"full_name": head}}}})
    }

    #[test]
    fn a_pull_request_is_read_from_the_event() {
        let context = context(&pull_request("octocat/shop"), "pull_request");
        assert_eq!(context.pull_request, Some(42));
        assert_eq!(context.head_sha.as_deref(), Some("head"), "not the merge that is checked out");
        assert_eq!((context.run_id, context.is_fork, context.is_closed), (Some(77), false, false));
        assert_eq!(context.branch, None, "an empty variable is none");
        assert!(!format!("{context:?}").contains("hunter2"));
        assert_eq!(context.settings(None).unwrap().pull_request, 42);
        assert_eq!(context.settings(Some(7)).unwrap().pull_request, 7);
    }

    #[test]
    fn code_of_a_fork_is_refused_where_secrets_are() {
        assert!(context(&pull_request("eve/shop"), "pull_request_target").refuses().is_some());
        assert!(context(&json!({"pull_request": {"number": 1, "head": {"repo": null}}}), "pull_request").is_fork);
        assert!(context(&pull_request("eve/shop"), "pull_request").refuses().is_none());
        assert!(context(&pull_request("octocat/shop"), "pull_request_target").refuses().is_none());
    }

    #[test]
    fn other_events_and_other_places_have_no_pull_request() {
        let push = context(&json!({"ref": "refs/heads/main"}), "push");
        assert_eq!((push.pull_request, push.head_sha.as_deref(), push.is_fork), (None, Some("merge"), false));
        let nowhere = Context::from_env(&|_| None).unwrap();
        assert!(!nowhere.in_actions && nowhere.repository.is_none());
        let error = nowhere.settings(Some(1)).unwrap_err();
        assert_eq!(error.to_string(), "cannot comment without a token: GITHUB_TOKEN is not set");
        assert!(push.settings(None).unwrap_err().to_string().contains("--pull-request"));
        assert_eq!(nowhere.api_url, "https://api.github.com");
        let broken = Context::from_env(&|name| (name == "GITHUB_EVENT_PATH").then(|| "/no/such".into()));
        assert!(broken.unwrap_err().to_string().contains("/no/such"));
    }
}
