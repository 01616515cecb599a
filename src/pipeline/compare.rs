//! Two relations compared on request, without a build.

use std::sync::Arc;

use super::Error;
use super::ci::restrict;
use super::hush::Hush;
use super::names::{self, Known};
use super::stop::unless_stopped;
use crate::build::CancelToken;
use crate::config::{Policy, ShowValues};
use crate::diff::{self, End, Options, TableDiff};
use crate::model::{Change, Observer, Relation};
use crate::plan::{Comparison, KeyCandidate, KeySource};
use crate::warehouse::{self, Target, Warehouse};

/// What is compared.
#[derive(Debug, Clone)]
pub struct CompareRequest {
    /// The two relations, as typed: up to three parts, each of which may be quoted.
    pub relations: Change<String>,
    /// Columns of the key; empty: none is known.
    pub key: Vec<String>,
    /// How, and what is shown.
    pub options: Options,
}

/// Where a relation is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The database.
    pub target: Target,
    /// What the project's policy allows to be shown; of a database without a project all.
    pub policy: Policy,
    /// Whether it was given by its URL, without a profile.
    pub by_url: bool,
}

impl Place {
    /// A database without a project.
    pub fn of(target: Target) -> Self {
        Self { target, policy: Policy::default(), by_url: true }
    }
}

/// Compares two relations of one database, or of two.
///
/// # Errors
/// A name that does not read as one, a relation or column that does not exist, a warehouse that cannot be asked, or a
/// signal.
pub async fn compare(
    place: &Change<Place>,
    request: &CompareRequest,
    observer: &dyn Observer,
    cancel: &CancelToken,
) -> Result<TableDiff, Error> {
    let hush = [&place.baseline, &place.current].map(|place| Hush::on_request(&place.policy));
    let hushed = |warehouse| hush.iter().fold(warehouse, |warehouse, hush| hush.warehouse(warehouse));
    let connected = async {
        let baseline = hushed(connect(&place.baseline).await?);
        let one = place.baseline.target.is_same_database(&place.current.target);
        let current = if one { Arc::clone(&baseline) } else { hushed(connect(&place.current).await?) };
        Ok::<_, Error>(Change { baseline, current })
    };
    let stopped = || Error::Warehouse(warehouse::Error::Cancelled);
    let warehouses = unless_stopped(cancel, &[], connected).await.ok_or_else(stopped)??;
    let both = [&*warehouses.baseline, &*warehouses.current];
    let compared = Box::pin(compare_in(&warehouses, place, request, observer));
    unless_stopped(cancel, &both, compared).await.ok_or_else(stopped)?
}

async fn compare_in(
    warehouses: &Change<Arc<dyn Warehouse>>,
    place: &Change<Place>,
    request: &CompareRequest,
    observer: &dyn Observer,
) -> Result<TableDiff, Error> {
    let Change { baseline, current } = warehouses;
    let one = place.baseline.target.is_same_database(&place.current.target);
    if let Some(condition) = &request.options.filter {
        warehouse::stands_alone(condition).map_err(|why| {
            Error::usage(
                format!("`--where {condition}` is no condition of its own: {why}"),
                "write one expression in SQL",
            )
        })?;
    }
    let known = Change {
        baseline: existing(&**baseline, &place.baseline.target, &request.relations.baseline).await?,
        current: existing(&**current, &place.current.target, &request.relations.current).await?,
    };
    names::check(&request.options, &request.key, &known)?;
    let keys = match request.key.as_slice() {
        [] => Vec::new(),
        columns => vec![KeyCandidate { columns: columns.to_vec(), source: KeySource::CommandLine }],
    };
    let comparison = Comparison {
        unique_id: format!("relation.{}", request.relations.current).into(),
        relation: known.as_ref().map(|side| Some(side.relation.clone())),
        keys,
        excluded: Vec::new(),
    };
    let mut options = request.options.clone();
    for side in [&place.baseline, &place.current] {
        restrict(&mut options, &side.policy, &ShowValues::All);
    }
    names::settle(&mut options, &known.as_ref().map(|side| side.columns.as_slice()));
    let mut session = baseline.session().await?;
    let mut found = if one {
        diff::diff_aligned(&mut *session, baseline.dialect(), &comparison, &options).await?
    } else {
        if options.align.is_some() {
            return Err(Error::cannot_compare(
                "the two relations are in different databases, and rows are aligned only within one",
                "leave `--align` out, or say with `--where` which rows are compared",
            ));
        }
        let mut other = current.session().await?;
        let ends = Change {
            baseline: End { session: &mut *session, dialect: baseline.dialect() },
            current: End { session: &mut *other, dialect: current.dialect() },
        };
        diff::diff_across(ends, &comparison, &options, observer).await?
    };
    options.redact(&mut found);
    Ok(found)
}

async fn connect(place: &Place) -> Result<Arc<dyn Warehouse>, Error> {
    warehouse::connect(&place.target).await.map_err(|error| match error {
        warehouse::Error::Connect { place: to, message, hint: Some(hint) } if place.by_url => {
            // There is no profile to correct.
            let hint = hint.replace("the profile's ", "the URL's ").replace("the profile", "the URL");
            warehouse::Error::Connect { place: to, message, hint: Some(hint) }.into()
        }
        error => error.into(),
    })
}

/// The relation of this name, which must be there, and its columns.
async fn existing(warehouse: &dyn Warehouse, target: &Target, name: &str) -> Result<Known, Error> {
    let mut relation = parse_relation(name, &target.database(), &target.schema())?;
    relation.quoting = warehouse.dialect().quoting();
    let columns = warehouse.session().await?.columns(&relation).await?;
    if columns.is_empty() {
        return Err(Error::cannot_compare(
            format!("there is no relation {relation} in {}", target.place()),
            "names are `table`, `schema.table` or `database.schema.table`",
        ));
    }
    Ok(Known { relation, columns })
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
