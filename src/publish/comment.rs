//! The one sticky comment: found by its hidden marker, created or updated, never left behind twice.

use std::fmt;
use std::time::Duration;

use super::Error;
use super::api::{Api, Comment, Trouble};
use super::marker::Marker;
use crate::model::Secret;

/// How often a request is made before we give up.
const TRIES: u32 = 4;

/// The longest wait for GitHub's limit of requests to pass.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The first wait before a request is made again.
pub(super) const BACKOFF: Duration = Duration::from_secs(1);

/// Where the comment goes, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where GitHub's REST API is, e.g. `https://api.github.com`.
    pub api_url: String,
    /// A token that may write comments.
    pub token: Secret<String>,
    /// `owner/name`.
    pub repository: String,
    /// The pull request's number.
    pub pull_request: u64,
    /// Tells the comments of several projects apart, e.g. the project's name.
    pub key: String,
    /// The commit that was checked.
    pub head_sha: Option<String>,
    /// The run of GitHub Actions: a later run's comment is never overwritten by an earlier one's. None overwrites any.
    pub run_id: Option<u64>,
    /// The first wait before a request is made again; doubled each time.
    pub backoff: Duration,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// There was no comment yet.
    Created,
    /// The comment has other text now.
    Updated,
    /// The comment already said the same.
    Unchanged,
    /// A later run has already commented.
    SkippedNewer,
}

impl Action {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::SkippedNewer => "left alone, since a later run has commented",
        }
    }
}

/// The comment as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Where people read it.
    pub comment_url: String,
    /// What was done.
    pub action: Action,
    /// Other comments of ours that say the same thing for the same project, which two runs at once may leave: they are
    /// not touched.
    pub others: Vec<String>,
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "comment {}: {}", self.action.as_str(), self.comment_url)?;
        if !self.others.is_empty() {
            write!(
                f,
                " (there are older ones of the same project, to be deleted by hand: {})",
                self.others.join(", ")
            )?;
        }
        Ok(())
    }
}

/// Makes `markdown` the sticky comment of the pull request.
///
/// # Errors
/// When GitHub cannot be reached, does not answer after several tries, or does not let us.
pub async fn github(settings: &Settings, markdown: &str) -> Result<Published, Error> {
    let api = Api::new(settings)?;
    let marker = Marker {
        key: settings.key.clone(),
        sha: settings.head_sha.clone().unwrap_or_default(),
        run: settings.run_id.unwrap_or_default(),
    };
    let body = format!("{}\n{}", marker.line(), markdown.trim_end());
    let (mut wait, mut tries) = (settings.backoff, 0);
    loop {
        tries += 1;
        // After trouble all begins anew: a comment whose answer was lost is found then, and not made twice.
        let trouble = match publish(&api, settings, &marker, &body).await {
            Ok(published) => return Ok(published),
            Err(trouble) => trouble,
        };
        let (asked, error) = match trouble {
            Trouble::Final(error) => return Err(error),
            Trouble::Passing { wait, error } => (wait, error),
        };
        let pause = asked.unwrap_or(wait);
        if tries >= TRIES || pause > LONGEST_WAIT {
            return Err(match error {
                Error::Server { status, message, .. } => Error::Server { status, tries, message },
                other => other,
            });
        }
        tracing::debug!(%error, ?pause, "asking GitHub again");
        tokio::time::sleep(pause).await;
        wait *= 2;
    }
}

async fn publish(api: &Api<'_>, settings: &Settings, marker: &Marker, body: &str) -> Result<Published, Trouble> {
    let login = api.login().await?;
    let comments = api.comments().await?;
    let mut ours = comments.into_iter().filter_map(|comment| {
        let found = Marker::read(comment.body.as_deref()?)?;
        (found.key == marker.key && is_ours(&comment, login.as_deref())).then_some((comment, found))
    });
    let Some((first, found)) = ours.next() else {
        let made = api.create(body).await?;
        return Ok(Published { comment_url: made.html_url, action: Action::Created, others: Vec::new() });
    };
    let others: Vec<(Comment, Marker)> = ours.collect();
    let newest = others.iter().map(|(_, marker)| marker.run).chain([found.run]).max().unwrap_or_default();
    let urls = others.iter().map(|(comment, _)| comment.html_url.clone()).collect();
    let done = |comment_url, action| Published { comment_url, action, others: urls };
    if settings.run_id.is_some_and(|run| newest > run) {
        return Ok(done(first.html_url, Action::SkippedNewer));
    }
    if first.body.as_deref().is_some_and(|old| same_text(old, body)) {
        return Ok(done(first.html_url, Action::Unchanged));
    }
    let updated = api.update(first.id, body).await?;
    Ok(done(updated.html_url, Action::Updated))
}

/// Whether we wrote the comment: anybody can copy a marker. A token without a login is an app's, whose comments are a
/// bot's.
fn is_ours(comment: &Comment, login: Option<&str>) -> bool {
    comment.user.as_ref().is_some_and(|user| match login {
        Some(login) => user.login.eq_ignore_ascii_case(login),
        None => user.kind == "Bot",
    })
}

/// GitHub changes line ends and blanks at the end.
fn same_text(a: &str, b: &str) -> bool {
    a.replace("\r\n", "\n").trim_end() == b.replace("\r\n", "\n").trim_end()
}
