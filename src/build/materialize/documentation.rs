//! What is said about a relation once it stands: comments (`persist_docs`) and grants.

use serde_json::Value as Json;

use crate::build::Failure;
use crate::model::{RelationKind, ResourceType};

use super::Job;

/// Writes comments and grants, as configured.
pub(super) async fn run(job: &Job<'_>) -> Result<(), Failure> {
    comments(job).await?;
    grants(job).await
}

async fn comments(job: &Job<'_>) -> Result<(), Failure> {
    let wanted = |part: &str| {
        job.node.config.get("persist_docs").and_then(|docs| docs.get(part)).and_then(Json::as_bool).unwrap_or(false)
    };
    let kind = match (job.node.resource_type, job.node.materialized()) {
        (ResourceType::Model, "view") => RelationKind::View,
        _ => RelationKind::Table,
    };
    if wanted("relation") && !job.node.description.is_empty() {
        job.execute_all(&job.dialect.comment(job.relation, kind, &job.node.description)).await?;
    }
    if !wanted("columns") || job.node.columns.is_empty() {
        return Ok(());
    }
    // Columns that are described but do not exist are nothing to comment on.
    for column in job.columns(job.relation).await? {
        let described = job.node.columns.values().find(|info| info.name.eq_ignore_ascii_case(&column.name));
        if let Some(info) = described.filter(|info| !info.description.is_empty()) {
            job.execute_all(&job.dialect.comment_column(job.relation, &column.name, &info.description)).await?;
        }
    }
    Ok(())
}

async fn grants(job: &Job<'_>) -> Result<(), Failure> {
    let Some(Json::Object(grants)) = job.node.config.get("grants") else { return Ok(()) };
    for (privilege, grantees) in grants {
        let grantees: Vec<_> = match grantees {
            Json::String(one) => vec![one.clone()],
            Json::Array(many) => many.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        if !grantees.is_empty() {
            job.execute_all(&job.dialect.grant(job.relation, privilege, &grantees)).await?;
        }
    }
    Ok(())
}
