//! Data tests: a query whose rows are failures, generic or singular.

use async_trait::async_trait;

use crate::build::{Compiled, Failure, TestJob, TestRunner, Verdict};
use crate::model::{Code, Diagnostic, Location, Relation, RelationKind, ResourceType, Table, Value};

use super::thresholds::{Answer, Thresholds};

/// Runs the tests of a build.
#[derive(Debug, Clone, Copy, Default)]
pub struct DataTests;

#[async_trait]
impl TestRunner for DataTests {
    async fn run(&self, job: TestJob<'_>) -> Result<Verdict, Failure> {
        match job.node.resource_type {
            ResourceType::UnitTest => super::unit_test::run(&job).await,
            _ => run(&job).await,
        }
    }
}

async fn run(job: &TestJob<'_>) -> Result<Verdict, Failure> {
    let compiled = job.compiler.compile(job.node, job.connection).await?;
    let rows = query(job, &compiled).await.map_err(|f| f.in_compiled(&compiled.code, compiled.path.as_deref()))?;
    let thresholds = Thresholds::of(job.node);
    let answer = answer(&rows).ok_or_else(|| {
        let message = format!(
            "{}: fail_calc {} gave no number; it must be an expression over the failing rows that gives one, e.g. \
             count(*)",
            job.node.unique_id, thresholds.fail_calc
        );
        Failure::Project(Box::new(
            Diagnostic::error(Code::InvalidProperty, message).at(Location::file(&job.node.original_file_path)),
        ))
    })?;
    let (status, message) = thresholds.judge(answer);
    Ok(Verdict { status, failures: Some(answer.failures), message, compiled_code: Some(compiled.code) })
}

/// Counts the failing rows, storing them first if so configured.
async fn query(job: &TestJob<'_>, compiled: &Compiled) -> Result<Table, Failure> {
    let Thresholds { fail_calc, warn_if, error_if, limit, .. } = Thresholds::of(job.node);
    let failing = match job.relation {
        Some(relation) => {
            store(job, relation, &compiled.code).await?;
            job.dialect.select_all(relation)
        }
        None => compiled.code.clone(),
    };
    let sql = job.dialect.test(&failing, &fail_calc, &warn_if, &error_if, limit);
    Ok(job.connection.query(&sql).await?)
}

/// Keeps the failing rows in `relation`, in place of whatever stood there.
async fn store(job: &TestJob<'_>, relation: &Relation, failing: &str) -> Result<(), Failure> {
    let (dialect, connection) = (job.dialect, job.connection);
    let as_view = job.node.config_str("store_failures_as") == Some("view");
    let mut statements = vec![dialect.create_schema(relation.database.as_deref(), relation.schema_name())];
    let there = connection.relations(relation.database.as_deref(), relation.schema_name()).await?;
    if let Some(existing) = there.iter().find(|other| other.name().eq_ignore_ascii_case(relation.name())) {
        statements.push(dialect.drop_relation(existing, existing.kind.unwrap_or(RelationKind::Table)));
    }
    statements.push(if as_view {
        dialect.create_view_as(relation, failing)
    } else {
        dialect.create_table_as(relation, failing, false)
    });
    for sql in statements {
        connection.execute(&sql).await?;
    }
    Ok(())
}

/// The one row of a test's query. `fail_calc` over no rows may be NULL, which is none.
fn answer(rows: &Table) -> Option<Answer> {
    let row = rows.rows.first()?;
    let value = |name: &str| rows.position(name).and_then(|at| row.get(at));
    let truth = |name: &str| value(name).and_then(Value::as_bool).unwrap_or(false);
    let failures = match value("failures")? {
        Value::Null => 0,
        number => number.as_i64()?,
    };
    Some(Answer { failures, should_warn: truth("should_warn"), should_error: truth("should_error") })
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer};
    use crate::model::{Column, Table, Value};

    #[test]
    fn the_answer_is_read_by_column_name() {
        let column = |name: &str| Column { name: name.into(), data_type: String::new() };
        let table = |failures| Table {
            columns: vec![column("failures"), column("should_warn"), column("should_error")],
            rows: vec![vec![failures, Value::Bool(true), Value::Null]],
        };
        let expected = |failures| Some(Answer { failures, should_warn: true, should_error: false });
        assert_eq!(answer(&table(Value::Decimal("3".into()))), expected(3));
        assert_eq!(answer(&table(Value::Null)), expected(0));
        assert_eq!(answer(&table(Value::Text("many".into()))), None);
        assert_eq!(answer(&Table::default()), None);
    }
}
