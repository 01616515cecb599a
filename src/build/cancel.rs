//! The one way to stop a build from outside: a token that a signal handler cancels and the scheduler watches.

use std::sync::Arc;

use tokio::sync::watch;

/// The end that cancels. Kept by whoever listens to signals.
#[derive(Debug, Clone)]
pub struct CancelSource(Arc<watch::Sender<bool>>);

/// The end that is watched. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CancelToken {
    seen: watch::Receiver<bool>,
    /// Keeps the channel open when the source is gone, so that waiting means waiting.
    _source: CancelSource,
}

impl CancelSource {
    /// A source and its token.
    pub fn new() -> (Self, CancelToken) {
        let (sender, seen) = watch::channel(false);
        let source = Self(Arc::new(sender));
        (source.clone(), CancelToken { seen, _source: source })
    }

    /// Cancels; a second call changes nothing.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl CancelToken {
    /// A token that nobody cancels.
    pub fn never() -> Self {
        CancelSource::new().1
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        *self.seen.borrow()
    }

    /// Returns when it is cancelled, at once if it already was.
    pub async fn cancelled(&self) {
        let mut seen = self.seen.clone();
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = seen.wait_for(|cancelled| *cancelled).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{CancelSource, CancelToken};

    #[tokio::test]
    async fn a_cancelled_token_stays_cancelled_and_wakes_who_waits() {
        let (source, token) = CancelSource::new();
        assert!(!token.is_cancelled());
        let waiting = tokio::spawn({
            let token = token.clone();
            async move { token.cancelled().await }
        });
        source.cancel();
        source.cancel();
        waiting.await.unwrap();
        assert!(token.is_cancelled());
        token.cancelled().await;
        assert!(!CancelToken::never().is_cancelled());
    }
}
