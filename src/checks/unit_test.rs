//! Unit tests: a model run on fixed rows, its result compared with expected ones.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::build::{Failure, Fixtures, TestJob, Verdict};
use crate::jinja::Overrides;
use crate::model::{
    Code, Column, Detail, Diagnostic, JsonMap, Location, Node, NodeStatus, Relation, ResourceType, Table, Value,
};

/// How many differing rows are shown.
const SHOWN: usize = 20;

/// Runs one unit test.
pub(super) async fn run(job: &TestJob<'_>) -> Result<Verdict, Failure> {
    let Detail::Other(entry) = &job.node.detail else { return Err(invalid(job, "it has no definition")) };
    let tested = tested(job)?;
    let fixtures = fixtures(job, entry, tested).await?;
    let code = job.compiler.compile_with(tested, fixtures, job.connection).await?;
    let actual_columns = columns_of(job, &code).await?;
    let expect = entry.get("expect").ok_or_else(|| invalid(job, "it has no `expect`"))?;
    let (expected, columns) = match expect.get("rows") {
        Some(Json::String(sql)) => (sql.clone(), columns_of(job, sql).await?),
        rows => {
            let rows = objects(rows);
            let columns = named_columns(job, &rows, &actual_columns, "the model's result")?;
            (rows_query(job, &rows, &columns), columns)
        }
    };
    let names: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
    let both = job.connection.query(&job.dialect.both(&expected, &code, &names)).await?;
    let differing = differences(&both);
    let (status, message) = if differing.is_empty() {
        (NodeStatus::Pass, None)
    } else {
        (NodeStatus::Fail, Some(shown(&names, &differing)))
    };
    Ok(Verdict { status, failures: i64::try_from(differing.len()).ok(), message, compiled_code: Some(code) })
}

fn invalid(job: &TestJob<'_>, message: impl std::fmt::Display) -> Failure {
    let diagnostic = Diagnostic::error(Code::InvalidProperty, format!("{}: {message}", job.node.unique_id));
    Failure::Project(Box::new(diagnostic.at(Location::file(&job.node.original_file_path))))
}

/// The model under test.
fn tested<'a>(job: &'a TestJob<'_>) -> Result<&'a Node, Failure> {
    let mut parents = job.node.depends_on.nodes.iter().filter_map(|id| job.compiler.manifest().node(id.as_str()));
    let model = parents.find(|node| node.resource_type == ResourceType::Model);
    model.ok_or_else(|| invalid(job, "the model that it tests is not part of the project"))
}

async fn fixtures(job: &TestJob<'_>, entry: &JsonMap, tested: &Node) -> Result<Fixtures, Failure> {
    let (mut inputs, mut this) = (HashMap::new(), None);
    for given in objects(entry.get("given")) {
        let input = given.get("input").and_then(Json::as_str).unwrap_or_default();
        if input.trim() == "this" {
            this = Some(given_query(job, &given, input, job.compiler.relation_of(tested)).await?);
            continue;
        }
        let Some(node) = job.compiler.input(tested, input) else {
            return Err(invalid(job, format!("its input {input} names nothing that {} can read", tested.unique_id)));
        };
        let relation = job.compiler.relation_of(node).filter(|_| !node.is_ephemeral());
        inputs.insert(node.unique_id.clone(), given_query(job, &given, input, relation).await?);
    }
    Ok(Fixtures { test: job.node.unique_id.clone(), inputs, this, overrides: overrides(entry) })
}

fn overrides(entry: &JsonMap) -> Overrides {
    let part = |key: &str| {
        let part = entry.get("overrides").and_then(|overrides| overrides.get(key));
        part.and_then(Json::as_object).cloned().unwrap_or_default()
    };
    let mut macros = part("macros");
    // The table that the model would add to is none of the test's inputs.
    macros.entry("is_incremental").or_insert(Json::Bool(false));
    Overrides { macros, vars: part("vars"), env_vars: part("env_vars") }
}

/// The rows of one input as a query: columns that are not given are NULL, all have the types that the input has in the
/// database.
async fn given_query(
    job: &TestJob<'_>,
    given: &JsonMap,
    input: &str,
    relation: Option<Relation>,
) -> Result<String, Failure> {
    if let Some(Json::String(sql)) = given.get("rows") {
        return Ok(sql.clone());
    }
    let Some(relation) = relation else {
        return Err(invalid(job, format!("its input {input} has no table to take types from; give its rows as `sql`")));
    };
    let columns = job.connection.columns(&relation).await?;
    if columns.is_empty() {
        return Err(invalid(job, format!("its input {input} takes its types from {relation}, which does not exist")));
    }
    let rows = objects(given.get("rows"));
    named_columns(job, &rows, &columns, input)?;
    Ok(rows_query(job, &rows, &columns))
}

/// The columns that the rows name, in the order in which they do; all of them when there are no rows.
fn named_columns(job: &TestJob<'_>, rows: &[JsonMap], columns: &[Column], of: &str) -> Result<Vec<Column>, Failure> {
    if rows.is_empty() {
        return Ok(columns.to_vec());
    }
    let mut named: Vec<Column> = Vec::new();
    for name in rows.iter().flat_map(JsonMap::keys) {
        let Some(column) = columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)) else {
            let known: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            return Err(invalid(job, format!("{of} has no column {name}; it has {}", known.join(", "))));
        };
        if !named.contains(column) {
            named.push(column.clone());
        }
    }
    Ok(named)
}

fn rows_query(job: &TestJob<'_>, rows: &[JsonMap], columns: &[Column]) -> String {
    let value = |row: &JsonMap, column: &Column| {
        let found = row.iter().find(|(name, _)| name.eq_ignore_ascii_case(&column.name));
        found.map_or_else(|| "null".to_owned(), |(_, value)| literal(job, value))
    };
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| value(row, column)).collect()).collect();
    job.dialect.rows(columns, &rows)
}

fn literal(job: &TestJob<'_>, value: &Json) -> String {
    match value {
        Json::String(text) => job.dialect.literal(text),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| literal(job, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(_) => job.dialect.literal(&value.to_string()),
        other => other.to_string(),
    }
}

/// The columns of a query, by way of an empty temporary table.
async fn columns_of(job: &TestJob<'_>, sql: &str) -> Result<Vec<Column>, Failure> {
    let mut relation = Relation::new(None, "", "slimdiff_unit_test");
    relation.schema = None;
    let (dialect, connection) = (job.dialect, job.connection);
    connection.execute(&dialect.create_table_as(&relation, &dialect.select_none(sql), true)).await?;
    let columns = connection.columns(&relation).await;
    connection.execute(&dialect.drop_relation(&relation, crate::model::RelationKind::Table)).await?;
    Ok(columns?)
}

fn objects(rows: Option<&Json>) -> Vec<JsonMap> {
    rows.and_then(Json::as_array)
        .map(|rows| rows.iter().filter_map(Json::as_object).cloned().collect())
        .unwrap_or_default()
}

/// A row that only one side has.
#[derive(Debug, PartialEq)]
struct Differing<'a> {
    is_actual: bool,
    row: &'a [Value],
}

/// The rows that one side has more often than the other; the order of rows does not count. The first column tells the
/// side: false is expected, true is actual.
fn differences(both: &Table) -> Vec<Differing<'_>> {
    let key = |row: &[Value]| row.iter().map(comparable).collect::<Vec<_>>().join("\u{1f}");
    let side = |row: &[Value]| row.first().and_then(Value::as_bool).unwrap_or(false);
    let mut surplus: HashMap<String, i64> = HashMap::new();
    for row in &both.rows {
        *surplus.entry(key(&row[1..])).or_default() += if side(row) { 1 } else { -1 };
    }
    let mut found = Vec::new();
    for row in &both.rows {
        let (is_actual, left) = (side(row), surplus.entry(key(&row[1..])).or_default());
        if (is_actual && *left > 0) || (!is_actual && *left < 0) {
            *left -= left.signum();
            found.push(Differing { is_actual, row: &row[1..] });
        }
    }
    found
}

/// A value's kind and text; decimals without the zeros that their scale adds, which mean nothing to the database
/// either.
fn comparable(value: &Value) -> String {
    match value {
        Value::Decimal(text) if text.contains('.') => {
            format!("Decimal({:?})", text.trim_end_matches('0').trim_end_matches('.'))
        }
        other => format!("{other:?}"),
    }
}

/// The differing rows as a table of fixed width.
fn shown(names: &[String], differing: &[Differing<'_>]) -> String {
    let head = std::iter::once(String::new()).chain(names.iter().cloned()).collect::<Vec<_>>();
    let line = |it: &Differing<'_>| {
        let side = if it.is_actual { "actual" } else { "expected" };
        std::iter::once(side.to_owned()).chain(it.row.iter().map(ToString::to_string)).collect()
    };
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(differing.iter().take(SHOWN).map(line)).collect();
    let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max();
    let written = lines.iter().map(|line| {
        let cells = line.iter().enumerate().map(|(at, cell)| format!("{cell:width$}", width = width(at).unwrap_or(0)));
        format!("  | {} |", cells.collect::<Vec<_>>().join(" | "))
    });
    let table = written.collect::<Vec<_>>().join("\n");
    let more = differing.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    format!("the model's rows are not those expected\n{table}{rest}")
}

#[cfg(test)]
mod tests {
    use super::{differences, shown};
    use crate::model::{Table, Value};

    fn row(is_actual: bool, id: i128) -> Vec<Value> {
        vec![Value::Bool(is_actual), Value::Int(id)]
    }

    #[test]
    fn rows_are_compared_with_their_number_and_without_their_order() {
        let same = Table { rows: vec![row(false, 1), row(false, 2), row(true, 2), row(true, 1)], ..Table::default() };
        assert!(differences(&same).is_empty());
        let scaled = |is_actual, text: &str| vec![Value::Bool(is_actual), Value::Decimal(text.to_owned())];
        let decimals = vec![scaled(false, "2.5"), scaled(true, "2.50"), scaled(false, "10"), scaled(true, "10.0")];
        assert!(differences(&Table { rows: decimals, ..Table::default() }).is_empty());
        let rows = vec![row(false, 1), row(false, 1), row(false, 3), row(true, 1), row(true, 4)];
        let other = Table { rows, ..Table::default() };
        assert_eq!(
            shown(&["id".to_owned()], &differences(&other)),
            "the model's rows are not those expected\n  \
             |          | id |\n  | expected | 1  |\n  | expected | 3  |\n  | actual   | 4  |"
        );
    }
}
