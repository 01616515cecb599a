//! Two relations compared on request, without a build.

use std::sync::Arc;

use super::ci::diff_options;
use super::{Error, Loaded};
use crate::config::ShowValues;
use crate::diff::{self, TableDiff};
use crate::model::{Change, Relation};
use crate::plan::{Comparison, KeyCandidate, KeySource};
use crate::warehouse;

/// What is compared.
#[derive(Debug, Clone)]
pub struct CompareRequest {
    /// The two relations, as typed: up to three parts, each of which may be quoted.
    pub relations: Change<String>,
    /// Columns of the key; empty compares whole rows.
    pub key: Vec<String>,
    /// How many rows to show as examples.
    pub samples: usize,
}

/// Compares two relations of the target's database.
///
/// # Errors
/// A name that does not read as one, a relation that does not exist, or a warehouse that cannot be asked.
pub async fn compare(loaded: &Loaded, request: &CompareRequest) -> Result<TableDiff, Error> {
    let warehouse = warehouse::connect(&loaded.target).await?;
    let quoting = warehouse.dialect().quoting();
    let mut relations = Vec::new();
    for name in [&request.relations.baseline, &request.relations.current] {
        let mut relation = parse_relation(name, &loaded.target.database(), &loaded.target.schema())?;
        relation.quoting = quoting;
        let mut session = warehouse.session().await?;
        if session.columns(&relation).await?.is_empty() {
            return Err(Error::usage(
                format!("there is no relation {relation} in {}", loaded.target.place()),
                "names are `table`, `schema.table` or `database.schema.table`",
            ));
        }
        relations.push(relation);
    }
    let current = relations.pop();
    let keys = match request.key.as_slice() {
        [] => Vec::new(),
        columns => vec![KeyCandidate { columns: columns.to_vec(), source: KeySource::CommandLine }],
    };
    let comparison = Comparison {
        unique_id: format!("relation.{}", request.relations.current).into(),
        relation: Change { baseline: relations.pop(), current },
        keys,
        excluded: Vec::new(),
    };
    let options = diff::Options { samples: request.samples, ..diff_options(&loaded.settings.policy, &ShowValues::All) };
    let warehouse = Arc::clone(&warehouse);
    let mut session = warehouse.session().await?;
    let mut found = diff::diff(&mut *session, warehouse.dialect(), &comparison, &options).await?;
    options.redact(&mut found);
    Ok(found)
}

/// `a.b.c` with parts that may be quoted with `"`; missing parts come from the target.
fn parse_relation(text: &str, database: &str, schema: &str) -> Result<Relation, Error> {
    let wrong = || {
        Error::usage(
            format!("`{text}` is not the name of a relation"),
            "write `schema.table`, quoted with \" where needed",
        )
    };
    let mut parts = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let mut part = String::new();
        if chars.peek() == Some(&'"') {
            chars.next();
            loop {
                match chars.next() {
                    Some('"') if chars.peek() == Some(&'"') => {
                        chars.next();
                        part.push('"');
                    }
                    Some('"') => break,
                    Some(c) => part.push(c),
                    None => return Err(wrong()),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != '.') {
                part.push(c);
            }
        }
        if part.is_empty() {
            return Err(wrong());
        }
        parts.push(part);
        match chars.next() {
            None => break,
            Some('.') => {}
            Some(_) => return Err(wrong()),
        }
    }
    let database = Some(database).filter(|database| !database.is_empty());
    match parts.as_slice() {
        [table] => Ok(Relation::new(database, schema, table)),
        [schema, table] => Ok(Relation::new(database, schema, table)),
        [database, schema, table] => Ok(Relation::new(Some(database), schema, table)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_relation;

    #[test]
    fn names_of_relations_are_read_with_and_without_quotes() {
        let read = |text| parse_relation(text, "db", "main").map(|relation| relation.to_string());
        assert_eq!(read("t").unwrap(), r#""db"."main"."t""#);
        assert_eq!(read(r#"s."a.b""#).unwrap(), r#""db"."s"."a.b""#);
        assert_eq!(read(r#"x.s."q""q""#).unwrap(), r#""x"."s"."q""q""#);
        for wrong in ["", "a.", ".a", r#""a"#, r#""a"b"#, "a.b.c.d"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
