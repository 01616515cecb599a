//! `incremental`: a table that later builds add to, by one of dbt's strategies.

use serde_json::Value as Json;

use crate::build::Failure;
use crate::model::{JsonMap, Relation};

use super::columns::{self, ColumnChanges};
use super::{Job, table};

/// Builds from nothing when there is no table yet, when something else stands there, or on a full refresh; otherwise
/// puts the query's rows into a temporary table and from there into the target.
pub(super) async fn run(job: &Job<'_>) -> Result<Option<u64>, Failure> {
    let strategy = Strategy::of(job)?;
    if job.full_refresh || !job.has_table() {
        return table::run(job).await;
    }
    super::contract::check(job).await?;
    let source = job.temporary("__dbt_tmp", &job.query.code).await?;
    let columns = follow_schema(job, &source).await?;
    let rows = apply(job, &strategy, &source, &columns).await?;
    job.drop(&source).await?;
    Ok(rows)
}

/// How new rows get into the table.
#[derive(Debug, PartialEq, Eq)]
enum Strategy {
    Append,
    DeleteInsert,
    Merge,
    /// A macro `get_incremental_<name>_sql` of the project.
    Custom(String),
}

impl Strategy {
    fn of(job: &Job<'_>) -> Result<Self, Failure> {
        let name = job.node.config_str("incremental_strategy").unwrap_or("default");
        let its_macro = format!("get_incremental_{}_sql", name.replace('+', "_"));
        if job.compiler.brings_macro(&its_macro, job.node) {
            return Ok(Self::Custom(its_macro));
        }
        match name {
            "default" if job.node.unique_key().is_empty() => Ok(Self::Append),
            "default" | "delete+insert" => Ok(Self::DeleteInsert),
            "append" => Ok(Self::Append),
            "merge" => Ok(Self::Merge),
            "microbatch" => {
                let message = format!("{}: incremental_strategy microbatch is not supported yet", job.node.unique_id);
                let hint = "exclude the model from the selection, or defer it to production";
                Err(Failure::unsupported(message, &job.node.original_file_path, hint))
            }
            other => Err(job.invalid(format!(
                "incremental_strategy {other} is not one that {} has, and no macro {its_macro} defines it",
                job.dialect.name()
            ))),
        }
    }
}

/// Applies `on_schema_change`; the columns to be filled.
async fn follow_schema(job: &Job<'_>, source: &Relation) -> Result<Vec<String>, Failure> {
    let target_columns = job.columns(job.relation).await?;
    let mode = job.node.config_str("on_schema_change").unwrap_or("ignore");
    if !matches!(mode, "fail" | "append_new_columns" | "sync_all_columns") {
        return Ok(columns::names(&target_columns));
    }
    let source_columns = job.columns(source).await?;
    let changes = ColumnChanges::between(&source_columns, &target_columns);
    if changes.is_empty() {
        return Ok(columns::names(&source_columns));
    }
    match mode {
        "fail" => {
            return Err(job.invalid(format!(
                "the query's columns differ from those of {}, and on_schema_change is fail ({}); rebuild it with \
                 --full-refresh or set another on_schema_change",
                job.relation,
                changes.summary()
            )));
        }
        "append_new_columns" => {
            job.execute_all(&job.dialect.alter_columns(job.relation, &changes.added, &[])).await?;
        }
        _ => {
            job.execute_all(&job.dialect.alter_columns(job.relation, &changes.added, &changes.removed)).await?;
            for (column, _) in &changes.retyped {
                job.execute_all(&job.dialect.alter_type(job.relation, column)).await?;
            }
        }
    }
    Ok(columns::names(&source_columns))
}

async fn apply(
    job: &Job<'_>,
    strategy: &Strategy,
    source: &Relation,
    columns: &[String],
) -> Result<Option<u64>, Failure> {
    let key = job.node.unique_key();
    let predicates = texts(job.node.config.get("incremental_predicates").or_else(|| job.node.config.get("predicates")));
    let statements = match strategy {
        Strategy::Append => vec![job.dialect.append(job.relation, source, columns)],
        Strategy::DeleteInsert => job.dialect.delete_insert(job.relation, source, &key, columns, &predicates),
        Strategy::Merge => {
            let update = if key.is_empty() { Vec::new() } else { merge_columns(job, columns)? };
            job.dialect.merge(job.relation, source, &key, columns, &update, &predicates)
        }
        Strategy::Custom(its_macro) => vec![custom(job, its_macro, source).await?],
    };
    job.compiler.write("run", job.node, &statements.join(";\n\n"))?;
    job.execute_all(&statements).await
}

/// The columns that a merge sets: those wanted, or all but those excluded.
fn merge_columns(job: &Job<'_>, columns: &[String]) -> Result<Vec<String>, Failure> {
    let config = &job.node.config;
    let (wanted, excluded) = (texts(config.get("merge_update_columns")), texts(config.get("merge_exclude_columns")));
    match (wanted.is_empty(), excluded.is_empty()) {
        (false, false) => Err(job.invalid("merge_update_columns and merge_exclude_columns cannot both be set")),
        (false, true) => Ok(wanted),
        _ => {
            let is_kept = |column: &&String| !excluded.iter().any(|other| other.eq_ignore_ascii_case(column));
            Ok(columns.iter().filter(is_kept).cloned().collect())
        }
    }
}

/// The SQL of a strategy that the project defines, called with the arguments that dbt gives it.
async fn custom(job: &Job<'_>, its_macro: &str, source: &Relation) -> Result<String, Failure> {
    let call = format!(
        "{{{{ {its_macro}({{'strategy': config.get('incremental_strategy'), 'target_relation': this, \
         'temp_relation': api.Relation.create(identifier=incremental_source), \
         'unique_key': config.get('unique_key'), 'dest_columns': adapter.get_columns_in_relation(this), \
         'predicates': config.get('incremental_predicates'), \
         'incremental_predicates': config.get('incremental_predicates')}}) }}}}"
    );
    let extra = JsonMap::from_iter([("incremental_source".to_owned(), Json::from(source.name()))]);
    job.compiler.render(&call, job.node, extra, job.connection).await
}

/// A list of texts, or a single one.
pub(super) fn texts(config: Option<&Json>) -> Vec<String> {
    match config {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
