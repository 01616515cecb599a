//! What is asked of one side alone.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::options::numbers;
use super::super::profile::Profile;
use super::{End, Failure, Options};
use crate::model::{Column, Relation, Table, Value};
use crate::warehouse::compare::canonical::{self, Field, Typed};
use crate::warehouse::{Error, Session};

/// The columns of one side; none when there is no such relation.
pub(super) struct Known {
    pub(super) columns: Vec<Column>,
    pub(super) types: Vec<Typed>,
}

/// The columns of a side.
pub(super) async fn known(end: &mut End<'_>, relation: Option<&Relation>) -> Result<Known, Error> {
    let columns = match relation {
        Some(relation) => end.session.columns(relation).await?,
        None => Vec::new(),
    };
    let mut types: Vec<Typed> = columns.iter().map(|column| Typed::of(&column.data_type)).collect();
    if let Some(sql) = canonical::resolve_types(end.dialect, &types) {
        types = canonical::with_resolved(types, &end.session.query(&sql).await?);
    }
    Ok(Known { columns, types })
}

/// What the rows of a side hold. `rows` is an item of a FROM clause; none where there is no relation.
pub(super) async fn describe(
    end: &mut End<'_>,
    rows: Option<String>,
    columns: &[Column],
    options: &Options,
) -> Result<Option<Profile>, Failure> {
    let Some(rows) = rows.filter(|_| !columns.is_empty()) else { return Ok(None) };
    Ok(Some(Profile::of(end.session, end.dialect, &rows, columns, options).await?))
}

/// Rows beyond the first of each key, and rows with NULL in the key. `sql` counts them, and where several texts may be
/// one key, asks for those.
pub(super) async fn key_facts(
    session: &mut dyn Session,
    sql: (String, Option<String>),
    key: &[Field],
) -> Result<(u64, u64), Error> {
    let counts = numbers(session, &sql.0, 2).await?;
    let similar = match sql.1 {
        Some(sql) => equal_keys(&session.query(&sql).await?, key),
        None => 0,
    };
    Ok((counts[0] + similar, counts[1]))
}

/// How many of the keys, each behind its hash, equal one before them.
fn equal_keys(table: &Table, key: &[Field]) -> u64 {
    let mut known: HashSet<Vec<Option<Cow<'_, str>>>> = HashSet::new();
    let mut equal = 0;
    for row in &table.rows {
        let texts = key.iter().zip(row.iter().skip(1)).map(|(field, value)| fold(field, value));
        equal += u64::from(!known.insert(texts.collect()));
    }
    equal
}

fn fold<'a>(field: &Field, value: &'a Value) -> Option<Cow<'a, str>> {
    value.as_str().map(|text| field.fold(text))
}
