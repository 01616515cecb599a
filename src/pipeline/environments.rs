//! Throw-away schemas as a user handles them: list, drop, sweep.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Error, Loaded};
use crate::environment::{self, Found, Sweep, Swept};
use crate::warehouse;

/// The schemas of the target's database that slimdiff made.
///
/// # Errors
/// The warehouse cannot be reached or asked.
pub async fn list_environments(loaded: &Loaded) -> Result<Vec<Found>, Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let mut session = warehouse.session().await?;
    Ok(environment::list(&mut *session, warehouse.dialect(), None).await?)
}

/// Drops one schema that slimdiff made. Whether there was one.
///
/// # Errors
/// It does not carry the marker, or the warehouse refuses.
pub async fn drop_environment(loaded: &Loaded, schema: &str) -> Result<bool, Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let mut session = warehouse.session().await?;
    Ok(environment::drop(&mut *session, warehouse.dialect(), None, schema).await?)
}

/// Drops the schemas of this project that slimdiff made longer than `older_than` before `now`.
///
/// # Errors
/// The warehouse cannot be reached, or the schemas cannot be listed.
pub async fn sweep_environments(loaded: &Loaded, older_than: Duration, now: DateTime<Utc>) -> Result<Swept, Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let mut session = warehouse.session().await?;
    let project = &loaded.manifest.metadata.project_name;
    let sweep = Sweep { project, older_than, closed: None, now };
    Ok(environment::sweep(&mut *session, warehouse.dialect(), None, sweep).await?)
}
