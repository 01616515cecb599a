//! `table`: the query's rows, stored.

use crate::build::Failure;

use super::{Job, columns, contract};

/// Builds under a staging name, because the query may read the table that it replaces.
pub(super) async fn run(job: &Job<'_>) -> Result<Option<u64>, Failure> {
    if let Some(spec) = contract::check(job).await? {
        return by_contract(job, &spec).await;
    }
    let staged = job.staging("__dbt_tmp").await?;
    let rows = job.execute_main(&job.dialect.create_table_as(&staged, &job.query.code, false)).await?;
    job.put_in_place(&staged).await?;
    Ok(rows)
}

/// The rows go into a temporary table first; the table itself is made under its own name, so that named constraints and
/// their indexes do not meet those of the table that it replaces.
async fn by_contract(job: &Job<'_>, spec: &contract::Spec) -> Result<Option<u64>, Failure> {
    let source = job.temporary("__dbt_tmp", &job.query.code).await?;
    job.drop_existing().await?;
    job.execute(&job.dialect.create_table(job.relation, &spec.columns, &spec.constraints)).await?;
    // Read back, because the database may have folded the case of names that are not quoted.
    let names = columns::names(&job.columns(job.relation).await?);
    let rows = job.execute(&job.dialect.append(job.relation, &source, &names)).await?;
    job.drop(&source).await?;
    Ok(rows)
}
