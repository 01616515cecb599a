//! dbt's materializations, one file each. Every one works inside a transaction that its caller opened.

use crate::model::{Node, ResourceType};
use crate::warehouse::Dialect;

use super::{Compiler, Failure};

mod columns;
mod contract;
mod documentation;
mod incremental;
mod job;
mod names;
mod seed;
mod seed_csv;
mod seed_types;
mod snapshot;
mod table;
mod view;

pub(super) use job::Job;

/// Builds what `job` describes; the rows its main statement affected, where the engine tells.
pub(super) async fn run(job: &Job<'_>) -> Result<Option<u64>, Failure> {
    let rows = match (job.node.resource_type, job.node.materialized()) {
        (ResourceType::Seed, _) => seed::run(job).await?,
        (ResourceType::Snapshot, _) => snapshot::run(job).await?,
        (_, "view") => view::run(job).await?,
        (_, "incremental") => incremental::run(job).await?,
        _ => table::run(job).await?,
    };
    documentation::run(job).await?;
    Ok(rows)
}

/// Refuses what cannot be built, before anything is compiled or run.
pub(super) fn check_supported(node: &Node, compiler: &Compiler, dialect: &dyn Dialect) -> Result<(), Failure> {
    let path = &node.original_file_path;
    if node.language == "python" {
        let message = format!("{} is a Python model; Python models are not supported", node.unique_id);
        return Err(Failure::unsupported(message, path, "exclude it from the selection, or defer it to production"));
    }
    let materialized = match node.resource_type {
        ResourceType::Snapshot => "snapshot",
        _ => node.materialized(),
    };
    if let Some(its_macro) = compiler.custom_materialization(materialized, dialect.name()) {
        let message = format!(
            "custom materializations are not supported yet: {} uses {materialized} ({its_macro})",
            node.unique_id
        );
        return Err(Failure::unsupported(message, path, "exclude it from the selection, or defer it to production"));
    }
    match materialized {
        "view" | "table" | "incremental" | "ephemeral" | "snapshot" => Ok(()),
        "materialized_view" => {
            let message = format!("materialized views are not supported yet: {}", node.unique_id);
            Err(Failure::unsupported(message, path, "exclude it from the selection, or defer it to production"))
        }
        other => {
            Err(Failure::invalid(format!("{} has materialized: {other}, which nothing defines", node.unique_id), path))
        }
    }
}
