//! Waiting for what another thread does, unless the run is stopped first.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::Error;

/// How often a run that waits looks whether it was stopped.
const STEP: Duration = Duration::from_millis(25);

/// What comes through the channel, if anything does before `limit` and before all who could send are gone.
pub(super) fn wait<T>(
    channel: &Receiver<T>,
    limit: Option<Duration>,
    stop: &dyn Fn() -> bool,
) -> Result<Option<T>, Error> {
    let since = Instant::now();
    loop {
        if stop() {
            return Err(Error::Stopped);
        }
        match channel.recv_timeout(STEP) {
            Ok(found) => return Ok(Some(found)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) if limit.is_some_and(|limit| since.elapsed() >= limit) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::super::Error;
    use super::wait;

    #[test]
    fn a_wait_ends_with_the_run() {
        let (_sender, silent) = mpsc::channel::<()>();
        assert_eq!(wait(&silent, None, &|| true), Err(Error::Stopped));
        assert_eq!(wait(&silent, Some(Duration::ZERO), &|| false), Ok(None));
    }

    #[test]
    fn what_is_sent_is_had_and_a_sender_that_is_gone_is_noticed() {
        let (sender, answer) = mpsc::channel();
        sender.send(7).unwrap();
        drop(sender);
        assert_eq!(wait(&answer, None, &|| false), Ok(Some(7)));
        assert_eq!(wait(&answer, None, &|| false), Ok(None));
    }
}
