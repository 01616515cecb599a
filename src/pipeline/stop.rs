//! Signals while a warehouse answers questions, outside of a build.

use std::future::Future;
use std::pin::pin;

use futures::future::{self, Either};

use crate::build::CancelToken;
use crate::warehouse::Warehouse;

/// What `work` comes to; none when a signal stops it. What it runs in `warehouses` is stopped there before this returns.
pub(super) async fn unless_stopped<T>(
    cancel: &CancelToken,
    warehouses: &[&dyn Warehouse],
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return Some(done),
        () = cancel.cancelled() => {}
    }
    // The work goes on while it is stopped: its statements have to learn of their end.
    let stop = pin!(future::join_all(warehouses.iter().map(|warehouse| warehouse.cancel())));
    if let Either::Right((_, stop)) = future::select(stop, work).await {
        stop.await;
    }
    None
}
