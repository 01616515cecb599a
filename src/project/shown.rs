//! What Jinja sees as `target` on an engine that projects are only compiled for.

use serde_json::Value as Json;

use crate::model::JsonMap;

/// Fields of one engine in dbt's order, each with its default as JSON.
type Fields = &'static [(&'static str, &'static str)];

const SHOWN: [(&str, Fields); 6] = [
    (
        "bigquery",
        &[
            ("method", "null"),
            ("database", "null"),
            ("execution_project", "null"),
            ("schema", "null"),
            ("location", "null"),
            ("priority", "null"),
            ("maximum_bytes_billed", "null"),
            ("reservation", "null"),
            ("impersonate_service_account", "null"),
            ("job_retry_deadline_seconds", "null"),
            ("job_retries", "1"),
            ("job_creation_timeout_seconds", "null"),
            ("job_execution_timeout_seconds", "null"),
            ("job_link_info_level_log", "false"),
            ("timeout_seconds", "null"),
            ("client_id", "null"),
            ("token_uri", "null"),
            ("compute_region", "null"),
            ("dataproc_cluster_name", "null"),
            ("gcs_bucket", "null"),
            ("dataproc_batch", "null"),
            ("project", "null"),
            ("dataset", "null"),
            ("retries", "1"),
            ("dataproc_region", "null"),
        ],
    ),
    (
        "databricks",
        &[("host", "null"), ("http_path", "null"), ("database", "null"), ("schema", "null"), ("catalog", "null")],
    ),
    (
        "redshift",
        &[
            ("host", "null"),
            ("user", "null"),
            ("port", "null"),
            ("database", "null"),
            ("method", r#""database""#),
            ("cluster_id", "null"),
            ("iam_profile", "null"),
            ("schema", "null"),
            ("sslmode", r#""prefer""#),
            ("region", "null"),
            ("autocreate", "false"),
            ("db_groups", "[]"),
            ("ra3_node", "false"),
            ("datasharing", "false"),
            ("connect_timeout", "null"),
            ("role", "null"),
            ("retries", "1"),
            ("retry_all", "false"),
            ("autocommit", "true"),
            ("access_key_id", "null"),
            ("is_serverless", "null"),
            ("serverless_work_group", "null"),
            ("serverless_acct_id", "null"),
            ("tcp_keepalive", "true"),
            ("tcp_keepalive_idle", "null"),
            ("tcp_keepalive_interval", "null"),
            ("tcp_keepalive_count", "null"),
            ("query_group", "null"),
            ("allow_concurrent_drops", "false"),
            ("drop_without_cascade", "false"),
            ("dbname", "null"),
        ],
    ),
    (
        "snowflake",
        &[
            ("account", "null"),
            ("user", "null"),
            ("database", "null"),
            ("warehouse", "null"),
            ("role", "null"),
            ("schema", "null"),
            ("authenticator", "null"),
            ("oauth_client_id", "null"),
            ("query_tag", "null"),
            ("client_session_keep_alive", "false"),
            ("host", "null"),
            ("port", "null"),
            ("proxy_host", "null"),
            ("proxy_port", "null"),
            ("protocol", "null"),
            ("connect_retries", "1"),
            ("connect_timeout", "null"),
            ("retry_on_database_errors", "false"),
            ("retry_all", "false"),
            ("insecure_mode", "false"),
            ("reuse_connections", "true"),
            ("s3_stage_vpce_dns_name", "null"),
            ("workload_identity_provider", "null"),
            ("workload_identity_entra_resource", "null"),
            ("platform_detection_timeout_seconds", "0.0"),
        ],
    ),
    (
        "spark",
        &[
            ("host", "null"),
            ("port", "443"),
            ("cluster", "null"),
            ("endpoint", "null"),
            ("schema", "null"),
            ("organization", r#""0""#),
        ],
    ),
    (
        "trino",
        &[
            ("host", "null"),
            ("port", "null"),
            ("user", "null"),
            ("database", "null"),
            ("schema", "null"),
            ("cert", "null"),
            ("prepared_statements_enabled", "true"),
            ("starburst_url", "null"),
            ("starburst_metadata_failure_strategy", r#""continue_on_error""#),
            ("starburst_max_column_batch_size", "100"),
            ("catalog", "null"),
        ],
    ),
];

/// Fields that are one under two names.
const SAME: [[&str; 2]; 3] = [
    ["job_retries", "retries"],
    ["job_execution_timeout_seconds", "timeout_seconds"],
    ["compute_region", "dataproc_region"],
];

/// What is shown of an output, nothing secret among it. `database` and `schema` are shown under every name that the
/// engine has for them. None for an engine that is none of these.
pub(super) fn shown(adapter_type: &str, output: &JsonMap, database: &str, schema: &str) -> Option<JsonMap> {
    let (_, fields) = SHOWN.iter().find(|(engine, _)| *engine == adapter_type)?;
    let given = |key: &str| {
        let other =
            SAME.iter().find(|pair| pair.contains(&key)).and_then(|pair| pair.iter().find(|name| **name != key));
        output.get(key).or_else(|| output.get(*other?)).filter(|value| !value.is_null()).cloned()
    };
    let shown = fields.iter().map(|(key, default)| {
        let value = match *key {
            "database" | "project" | "catalog" | "dbname" => database.into(),
            "schema" | "dataset" => schema.into(),
            "execution_project" => given(key).unwrap_or_else(|| database.into()),
            key => given(key).or_else(|| serde_json::from_str(default).ok()).unwrap_or(Json::Null),
        };
        ((*key).to_owned(), value)
    });
    Some(shown.collect())
}
