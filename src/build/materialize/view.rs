//! `view`: the query under a name.

use crate::build::Failure;

use super::{Job, contract};

/// Replaces whatever stands there. A view is dropped first and not replaced in place, which engines refuse when columns
/// change; the transaction keeps the old one for everybody else until the end.
pub(super) async fn run(job: &Job<'_>) -> Result<Option<u64>, Failure> {
    contract::check(job).await?;
    job.drop_existing().await?;
    job.execute_main(&job.dialect.create_view_as(job.relation, &job.query.code)).await
}
