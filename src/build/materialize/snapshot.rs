//! `snapshot`: the history of a query's rows.

use serde_json::Value as Json;

use crate::build::Failure;
use crate::model::Column;
use crate::warehouse::SnapshotSpec;

use super::Job;
use super::columns::ColumnChanges;
use super::incremental::texts;

/// The snapshot's own columns, in the order in which [`SnapshotSpec::meta_columns`] holds them.
const META_COLUMNS: [&str; 5] = ["dbt_valid_from", "dbt_valid_to", "dbt_scd_id", "dbt_updated_at", "dbt_is_deleted"];

/// Takes the first picture when there is no table yet, otherwise brings the table up to date.
pub(super) async fn run(job: &Job<'_>) -> Result<Option<u64>, Failure> {
    if job.existing.is_some() && !job.has_table() {
        return Err(job.invalid(format!("{} exists and is not a table, so it cannot be a snapshot", job.relation)));
    }
    let mut spec = spec(job)?;
    let wanted = check_cols(job)?;
    // The query's columns, without its rows; its own temporary table goes with the transaction.
    let empty = job.temporary("__dbt_empty", &job.dialect.select_none(&job.query.code)).await?;
    let source = job.columns(&empty).await?;
    job.drop(&empty).await?;
    spec.check_cols = match &wanted {
        CheckCols::None => Vec::new(),
        CheckCols::These(names) => names.clone(),
        CheckCols::All => source.iter().map(|column| column.name.clone()).collect(),
    };
    if job.existing.is_none() {
        let sql = job.dialect.snapshot_initial(&job.query.code, &spec);
        return job.execute_main(&job.dialect.create_table_as(job.relation, &sql, false)).await;
    }
    let target = job.columns(job.relation).await?;
    require_meta_columns(job, &target, &spec)?;
    let added = ColumnChanges::between(&source, &target).added;
    spec.check_cols_added = wanted != CheckCols::None && spec.check_cols.iter().any(|name| is_among(&added, name));
    job.execute_all(&job.dialect.alter_columns(job.relation, &added, &[])).await?;
    let statements = job.dialect.snapshot_update(job.relation, &job.query.code, &source, &spec);
    job.compiler.write("run", job.node, &statements.join(";\n\n"))?;
    job.execute_all(&statements).await?;
    Ok(None)
}

fn is_among(columns: &[Column], name: &str) -> bool {
    columns.iter().any(|column| column.name.eq_ignore_ascii_case(name))
}

/// Columns that the check strategy compares.
#[derive(Debug, PartialEq, Eq)]
enum CheckCols {
    /// The timestamp strategy compares none.
    None,
    All,
    These(Vec<String>),
}

fn check_cols(job: &Job<'_>) -> Result<CheckCols, Failure> {
    match (job.node.config_str("strategy"), job.node.config.get("check_cols")) {
        (Some("timestamp"), _) => Ok(CheckCols::None),
        (Some("check"), Some(Json::String(all))) if all.eq_ignore_ascii_case("all") => Ok(CheckCols::All),
        (Some("check"), Some(Json::Array(columns))) if !columns.is_empty() => {
            Ok(CheckCols::These(texts(Some(&Json::Array(columns.clone())))))
        }
        (Some("check"), _) => Err(job.invalid("strategy check needs check_cols: all, or a list of columns")),
        (Some(other), _) => {
            let message = format!("{}: snapshot strategy {other} is not supported", job.node.unique_id);
            Err(Failure::unsupported(message, &job.node.original_file_path, "use strategy timestamp or check"))
        }
        (None, _) => Err(job.invalid("a snapshot needs a strategy: timestamp or check")),
    }
}

fn spec(job: &Job<'_>) -> Result<SnapshotSpec, Failure> {
    let config = &job.node.config;
    let unique_key = job.node.unique_key();
    if unique_key.is_empty() {
        return Err(job.invalid("a snapshot needs a unique_key"));
    }
    let updated_at = job.node.config_str("updated_at").map(str::to_owned);
    if updated_at.is_none() && job.node.config_str("strategy") == Some("timestamp") {
        return Err(job.invalid("strategy timestamp needs updated_at"));
    }
    let own_names = config.get("snapshot_meta_column_names");
    let meta_columns = META_COLUMNS.map(|name| {
        let own = own_names.and_then(|names| names.get(name)).and_then(Json::as_str);
        own.unwrap_or(name).to_owned()
    });
    Ok(SnapshotSpec {
        unique_key,
        updated_at,
        check_cols: Vec::new(),
        check_cols_added: false,
        hard_deletes: hard_deletes(job)?,
        meta_columns,
        valid_to_current: job.node.config_str("dbt_valid_to_current").map(str::to_owned),
    })
}

/// `hard_deletes`, or what its older form `invalidate_hard_deletes` says.
fn hard_deletes(job: &Job<'_>) -> Result<String, Failure> {
    let older = job.node.config.get("invalidate_hard_deletes").and_then(Json::as_bool);
    match (job.node.config_str("hard_deletes"), older) {
        (Some(_), Some(true)) => Err(job.invalid("hard_deletes and invalidate_hard_deletes cannot both be set")),
        (Some(mode @ ("ignore" | "invalidate" | "new_record")), _) => Ok(mode.to_owned()),
        (Some(other), _) => {
            Err(job.invalid(format!("hard_deletes is {other}, which is none of ignore, invalidate, new_record")))
        }
        (None, Some(true)) => Ok("invalidate".to_owned()),
        (None, _) => Ok("ignore".to_owned()),
    }
}

/// A table without the snapshot's own columns is somebody else's, and is not written to.
fn require_meta_columns(job: &Job<'_>, target: &[Column], spec: &SnapshotSpec) -> Result<(), Failure> {
    let needed = if spec.hard_deletes == "new_record" { &spec.meta_columns[..] } else { &spec.meta_columns[..4] };
    let missing: Vec<_> = needed.iter().filter(|name| !is_among(target, name)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(job.invalid(format!(
        "{} is not a snapshot of this kind: it has no column {}",
        job.relation,
        missing.join(", ")
    )))
}
