//! `run_results.json`, schema version 6.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};

use super::error::Error;
use super::write_whole;
use crate::build::{BuildOutcome, NodeResult};
use crate::model::{JsonMap, Manifest};

const SCHEMA: &str = "https://schemas.getdbt.com/dbt/run-results/v6.json";

/// What the results say of the run itself.
#[derive(Debug, Clone, Default)]
pub struct RunInfo {
    /// The version of dbt whose behaviour was followed.
    pub dbt_version: String,
    /// The run's id.
    pub invocation_id: String,
    /// `which`, `select` and the like.
    pub args: JsonMap,
}

/// Writes `run_results.json`.
///
/// # Errors
/// The file cannot be written.
pub fn write_run_results(
    outcome: &BuildOutcome,
    manifest: &Manifest,
    info: &RunInfo,
    path: &Path,
) -> Result<(), Error> {
    let json = run_results_json(outcome, manifest, info, Utc::now());
    write_whole(path, &json).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// The results in dbt's shape.
pub fn run_results_json(
    outcome: &BuildOutcome,
    manifest: &Manifest,
    info: &RunInfo,
    generated_at: DateTime<Utc>,
) -> Json {
    json!({
        "metadata": {
            "dbt_schema_version": SCHEMA,
            "dbt_version": info.dbt_version,
            "generated_at": stamp(generated_at),
            "invocation_id": info.invocation_id,
            "env": {},
        },
        "results": outcome.results.iter().map(|result| result_json(result, manifest)).collect::<Vec<_>>(),
        "elapsed_time": outcome.elapsed.as_secs_f64(),
        "args": info.args,
    })
}

fn stamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn result_json(result: &NodeResult, manifest: &Manifest) -> Json {
    let ended = chrono::Duration::from_std(result.elapsed)
        .ok()
        .and_then(|elapsed| result.started_at.checked_add_signed(elapsed))
        .unwrap_or(result.started_at);
    let materialized = manifest.node(result.unique_id.as_str()).map(|node| node.materialized().to_owned());
    let response = match result.rows_affected {
        Some(rows) => json!({"_message": result.message, "rows_affected": rows}),
        None => json!({"_message": result.message}),
    };
    json!({
        "status": result.status.as_str(),
        "timing": [{"name": "execute", "started_at": stamp(result.started_at), "completed_at": stamp(ended)}],
        "thread_id": "main",
        "execution_time": result.elapsed.as_secs_f64(),
        "adapter_response": response,
        "message": result.message,
        "failures": result.failures,
        "unique_id": result.unique_id,
        "compiled": result.compiled_code.is_some(),
        "compiled_code": result.compiled_code,
        "relation_name": result.relation.as_ref().map(ToString::to_string),
        "materialized": materialized,
        "batch_results": null,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{TimeZone, Utc};

    use super::{RunInfo, run_results_json};
    use crate::build::{BuildOutcome, NodeResult};
    use crate::model::{Manifest, NodeStatus, Relation};

    #[test]
    fn a_result_has_dbts_fields() {
        let started_at = Utc.with_ymd_and_hms(2024, 1, 2, 3, 4, 5).unwrap();
        let outcome = BuildOutcome {
            results: vec![NodeResult {
                unique_id: "model.shop.a".into(),
                status: NodeStatus::Success,
                message: Some("OK".to_owned()),
                failures: None,
                rows_affected: Some(3),
                relation: Some(Relation::new(None, "s", "a")),
                compiled_code: Some("select 1".to_owned()),
                started_at,
                elapsed: Duration::from_millis(1500),
            }],
            ..BuildOutcome::default()
        };
        let json = run_results_json(&outcome, &Manifest::default(), &RunInfo::default(), started_at);
        let result = &json["results"][0];
        assert_eq!(result["status"], "success");
        assert_eq!(result["relation_name"], "\"s\".\"a\"");
        assert_eq!(result["timing"][0]["completed_at"], "2024-01-02T03:04:06.500000Z");
        assert_eq!(result["adapter_response"]["rows_affected"], 3);
    }
}
