//! Enforced contracts: the query's columns must be those that the property file declares, in name and in type.

use serde_json::Value as Json;

use crate::build::Failure;
use crate::model::{Column, JsonMap};
use crate::warehouse::ColumnSpec;

use super::Job;

/// A contract ready to be made into a table.
pub(super) struct Spec {
    pub(super) columns: Vec<ColumnSpec>,
    /// Constraints of the whole table, as SQL.
    pub(super) constraints: Vec<String>,
}

/// Compares the query's columns with the contract's; none when no contract is enforced.
///
/// The declared types are given to the database in an empty table and read back, because only it knows that `int` and
/// `integer` are one.
pub(super) async fn check(job: &Job<'_>) -> Result<Option<Spec>, Failure> {
    if !job.node.as_model().is_some_and(|model| model.contract_enforced) {
        return Ok(None);
    }
    let spec = spec(job).await?;
    let bare: Vec<_> =
        spec.columns.iter().map(|column| ColumnSpec { constraints: Vec::new(), ..column.clone() }).collect();
    let probe = job.staging("__dbt_contract").await?;
    job.execute(&job.dialect.create_table(&probe, &bare, &[])).await?;
    let declared = job.columns(&probe).await?;
    job.drop(&probe).await?;
    let empty = job.temporary("__dbt_empty", &job.dialect.select_none(&job.query.code)).await?;
    let found = job.columns(&empty).await?;
    job.drop(&empty).await?;
    let rows = mismatches(&found, &declared, |data_type| job.dialect.type_class(data_type));
    if rows.is_empty() {
        return Ok(Some(spec));
    }
    Err(job.invalid(format!("the query does not keep the contract\n{}", table(&rows))))
}

/// One difference between query and contract.
#[derive(Debug, PartialEq, Eq)]
struct Mismatch {
    column: String,
    query: String,
    contract: String,
    reason: &'static str,
}

fn mismatches(found: &[Column], declared: &[Column], class: impl Fn(&str) -> String) -> Vec<Mismatch> {
    let row = |name: &str, query: &str, contract: &str, reason| Mismatch {
        column: name.to_owned(),
        query: query.to_owned(),
        contract: contract.to_owned(),
        reason,
    };
    let mut rows = Vec::new();
    for column in found {
        match declared.iter().find(|other| other.name == column.name) {
            None => rows.push(row(&column.name, &column.data_type, "", "missing in contract")),
            Some(other) if class(&other.data_type) != class(&column.data_type) => {
                rows.push(row(&column.name, &column.data_type, &other.data_type, "data type mismatch"));
            }
            Some(_) => {}
        }
    }
    for column in declared.iter().filter(|column| !found.iter().any(|other| other.name == column.name)) {
        rows.push(row(&column.name, "", &column.data_type, "missing in query"));
    }
    rows.sort_by(|a, b| a.column.cmp(&b.column));
    rows
}

/// The differences as a table of fixed width, which reads well in a terminal and in a code block.
fn table(rows: &[Mismatch]) -> String {
    let head = ["column", "type in query", "type in contract", "reason"].map(str::to_owned);
    let cells = rows.iter().map(|r| [r.column.clone(), r.query.clone(), r.contract.clone(), r.reason.to_owned()]);
    let lines: Vec<[String; 4]> = std::iter::once(head).chain(cells).collect();
    let mut widths = [0; 4];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let written = lines.iter().map(|line| {
        let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("  | {} |", cells.join(" | "))
    });
    written.collect::<Vec<_>>().join("\n")
}

async fn spec(job: &Job<'_>) -> Result<Spec, Failure> {
    let mut columns = Vec::with_capacity(job.node.columns.len());
    for info in job.node.columns.values() {
        let Some(data_type) = info.data_type.clone() else {
            return Err(job.invalid(format!("its contract is enforced, but column {} has no data_type", info.name)));
        };
        let mut constraints = Vec::new();
        for constraint in &info.constraints {
            constraints.extend(on_column(job, constraint).await?);
        }
        columns.push(ColumnSpec {
            name: info.name.clone(),
            data_type,
            quote: info.quote.unwrap_or(false),
            constraints,
        });
    }
    let mut constraints = Vec::new();
    for constraint in job.node.as_model().map_or(&[][..], |model| &model.constraints) {
        constraints.extend(on_table(job, constraint).await?);
    }
    Ok(Spec { columns, constraints })
}

/// A constraint behind a column; none for a kind that SQL does not have.
async fn on_column(job: &Job<'_>, constraint: &Json) -> Result<Option<String>, Failure> {
    let expression = text(constraint, "expression");
    let words = match text(constraint, "type") {
        "check" if !expression.is_empty() => format!("check ({expression})"),
        "not_null" => format!("not null {expression}"),
        "unique" => format!("unique {expression}"),
        "primary_key" => format!("primary key {expression}"),
        "foreign_key" => format!("references {}", foreign(job, constraint).await?),
        "custom" => expression.to_owned(),
        _ => return Ok(None),
    };
    Ok(Some(words.trim().to_owned()).filter(|words| !words.is_empty()))
}

/// A constraint of the whole table.
async fn on_table(job: &Job<'_>, constraint: &Json) -> Result<Option<String>, Failure> {
    let (expression, columns) = (text(constraint, "expression"), list(constraint, "columns").join(", "));
    let words = match text(constraint, "type") {
        "check" if !expression.is_empty() => format!("check ({expression})"),
        "unique" => format!("unique {expression} ({columns})"),
        "primary_key" => format!("primary key {expression} ({columns})"),
        "foreign_key" => format!("foreign key ({columns}) references {}", foreign(job, constraint).await?),
        "custom" => expression.to_owned(),
        _ => return Ok(None),
    };
    let name = text(constraint, "name");
    let prefix = if name.is_empty() { String::new() } else { format!("constraint {name} ") };
    Ok(Some(format!("{prefix}{words}").replace("  ", " ")))
}

/// What a foreign key refers to: `to` with `to_columns`, or the expression as it stands.
async fn foreign(job: &Job<'_>, constraint: &Json) -> Result<String, Failure> {
    let to = text(constraint, "to");
    if to.is_empty() {
        return Ok(text(constraint, "expression").to_owned());
    }
    let relation = if to.trim_start().starts_with("ref(") || to.trim_start().starts_with("source(") {
        job.compiler.render(&format!("{{{{ {to} }}}}"), job.node, JsonMap::new(), job.connection).await?
    } else {
        to.to_owned()
    };
    Ok(format!("{relation} ({})", list(constraint, "to_columns").join(", ")))
}

fn text<'a>(constraint: &'a Json, key: &str) -> &'a str {
    constraint.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn list<'a>(constraint: &'a Json, key: &str) -> Vec<&'a str> {
    let values = constraint.get(key).and_then(Json::as_array);
    values.map(|values| values.iter().filter_map(Json::as_str).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{mismatches, table};
    use crate::model::Column;

    fn columns(list: &[(&str, &str)]) -> Vec<Column> {
        list.iter().map(|(name, kind)| Column { name: (*name).into(), data_type: (*kind).into() }).collect()
    }

    #[test]
    fn differences_are_listed_by_column_with_both_types() {
        let rows = mismatches(
            &columns(&[("a", "INTEGER"), ("b", "DATE")]),
            &columns(&[("c", "VARCHAR"), ("b", "INTEGER")]),
            str::to_owned,
        );
        assert_eq!(
            table(&rows),
            "  | column | type in query | type in contract | reason              |\n  \
             | a      | INTEGER       |                  | missing in contract |\n  \
             | b      | DATE          | INTEGER          | data type mismatch  |\n  \
             | c      |               | VARCHAR          | missing in query    |"
        );
    }

    #[test]
    fn columns_may_come_in_another_order() {
        let (a, b) = (columns(&[("a", "x"), ("b", "y")]), columns(&[("b", "y"), ("a", "x")]));
        assert!(mismatches(&a, &b, str::to_owned).is_empty());
    }
}
