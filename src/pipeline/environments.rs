//! Throw-away schemas as a user handles them: list, drop, sweep.

use std::time::Duration;

use super::{Error, Loaded};
use crate::environment::{self, Found};
use crate::warehouse;

/// The schemas of the target's database that slimdiff made.
///
/// # Errors
/// The warehouse cannot be reached or asked.
pub async fn list_environments(loaded: &Loaded) -> Result<Vec<Found>, Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let mut session = warehouse.session().await?;
    Ok(environment::list(&mut *session, warehouse.dialect()).await?)
}

/// Drops one schema that slimdiff made.
///
/// # Errors
/// There is no such schema, it does not carry the marker, or the warehouse refuses.
pub async fn drop_environment(loaded: &Loaded, schema: &str) -> Result<(), Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let mut session = warehouse.session().await?;
    Ok(environment::drop(&mut *session, warehouse.dialect(), schema).await?)
}

/// Drops the schemas that slimdiff made longer than `older_than` before `now`; with `dry_run`, only names them.
///
/// # Errors
/// The warehouse cannot be reached, or refuses.
pub async fn sweep_environments(
    loaded: &Loaded,
    older_than: Duration,
    now: chrono::DateTime<chrono::Utc>,
    dry_run: bool,
) -> Result<Vec<Found>, Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let mut session = warehouse.session().await?;
    if dry_run {
        let found = environment::list(&mut *session, warehouse.dialect()).await?;
        return Ok(found.into_iter().filter(|found| found.is_older(older_than, now)).collect());
    }
    Ok(environment::sweep(&mut *session, warehouse.dialect(), older_than, None, now).await?)
}
