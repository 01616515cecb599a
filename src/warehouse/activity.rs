//! Which statements run at this moment, and how to stop them: shared by the sessions of one warehouse.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::Error;

/// How long [`Activity::cancel`] goes on asking before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);
/// A statement that began just after it was asked to stop is asked again after this time.
const AGAIN: Duration = Duration::from_millis(50);

/// The statements of one warehouse; `S` is what an engine needs to stop one.
#[derive(Debug)]
pub(super) struct Activity<S> {
    /// Rises when sessions may run again after a cancellation.
    generation: AtomicU64,
    /// Sessions of this generation and below are cancelled; zero means none is.
    cancelled: AtomicU64,
    next: AtomicU64,
    running: Mutex<HashMap<u64, S>>,
}

/// The right of one session to run statements.
#[derive(Debug, Clone)]
pub(super) struct Permit<S> {
    activity: Arc<Activity<S>>,
    generation: u64,
}

/// One statement being run; ends when dropped.
#[derive(Debug)]
pub(super) struct Running<S> {
    activity: Arc<Activity<S>>,
    id: u64,
}

impl<S: Clone> Activity<S> {
    /// Nothing runs.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            generation: AtomicU64::new(1),
            cancelled: AtomicU64::new(0),
            next: AtomicU64::new(0),
            running: Mutex::new(HashMap::new()),
        })
    }

    /// A permit for a new session.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after [`Activity::cancel`] and before [`Activity::resume`].
    pub(super) fn permit(self: &Arc<Self>) -> Result<Permit<S>, Error> {
        let permit = Permit { activity: Arc::clone(self), generation: self.generation.load(Ordering::SeqCst) };
        permit.check()?;
        Ok(permit)
    }

    /// Lets sessions opened from now on run.
    pub(super) fn resume(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Forbids further statements of today's sessions and stops the running ones with `stop`, again and again until
    /// none is left.
    pub(super) async fn cancel<F, Done>(&self, stop: F)
    where
        F: Fn(S) -> Done,
        Done: Future<Output = ()>,
    {
        self.cancelled.store(self.generation.load(Ordering::SeqCst), Ordering::SeqCst);
        let begun = Instant::now();
        loop {
            let running: Vec<S> = self.lock().values().cloned().collect();
            if running.is_empty() {
                return;
            }
            futures::future::join_all(running.into_iter().map(&stop)).await;
            if begun.elapsed() > PATIENCE {
                tracing::warn!("statements go on although they were cancelled");
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, S>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Clone> Permit<S> {
    /// Whether the session was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.generation <= self.activity.cancelled.load(Ordering::SeqCst)
    }

    /// # Errors
    /// [`Error::Cancelled`] if the session was cancelled.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Notes that a statement begins, which `stop` would stop.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the session was cancelled.
    pub(super) fn begin(&self, stop: S) -> Result<Running<S>, Error> {
        let id = self.activity.next.fetch_add(1, Ordering::SeqCst);
        self.activity.lock().insert(id, stop);
        let running = Running { activity: Arc::clone(&self.activity), id };
        // After the note, so that a cancellation in between either sees the note or is seen here.
        self.check()?;
        Ok(running)
    }
}

impl<S> Drop for Running<S> {
    fn drop(&mut self) {
        self.activity.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn cancelling_stops_what_runs_and_forbids_what_would_follow() {
        let activity: Arc<Activity<Arc<AtomicBool>>> = Activity::new();
        let permit = activity.permit().unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let running = permit.begin(Arc::clone(&flag)).unwrap();
        let waiter = tokio::spawn(async move {
            while !flag.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            drop(running);
        });
        activity.cancel(|flag| async move { flag.store(true, Ordering::SeqCst) }).await;
        waiter.await.unwrap();
        assert!(matches!(permit.begin(Arc::default()), Err(Error::Cancelled)));
        assert!(activity.permit().is_err());
        activity.resume();
        assert!(activity.permit().unwrap().begin(Arc::default()).is_ok());
        assert!(permit.check().is_err(), "a session of before stays cancelled");
    }
}
