//! A key found in the data, where the project names none: columns whose values occur once on both sides.

use super::keys::Key;
use super::numbers;
use super::table::Work;
use crate::model::{Change, Column};
use crate::warehouse::Error;
use crate::warehouse::compare::{Field, Search, Side, Sides};

/// How many columns are looked at.
const COLUMNS: usize = 40;

/// The best candidate of which no value occurs twice, and none is NULL, in the rows that were looked at. Whether that is
/// so in all rows shows when they are paired.
pub(super) async fn key(
    work: &mut Work<'_>,
    sides: &Sides<'_>,
    columns: &Change<Vec<Column>>,
    fields: &[Field],
) -> Result<Vec<Key>, Error> {
    let ranked = ranked(columns, fields);
    let singles: Vec<Vec<Field>> = ranked.iter().filter(|(rank, _)| *rank < 4).map(|(_, f)| vec![f.clone()]).collect();
    let pairs = ranked.iter().enumerate().flat_map(|(at, (_, first))| {
        ranked[at + 1..].iter().map(move |(_, second)| vec![first.clone(), second.clone()])
    });
    for candidates in [singles, pairs.take(COLUMNS).collect()] {
        let unique = unique(work, sides, &candidates).await?;
        if let Some(fields) = unique.into_iter().next() {
            return Ok(vec![Key { fields, source: "a search of the data" }]);
        }
    }
    Ok(Vec::new())
}

/// Columns that could be a part of a key, the most likely first: by type, then by name, then by place.
fn ranked(columns: &Change<Vec<Column>>, fields: &[Field]) -> Vec<(u8, Field)> {
    let rank = |field: &Field| {
        let of = |side: Side| {
            let column = side.of(columns).iter().find(|column| column.name == *side.of(&field.name))?;
            Search::rank(&column.data_type)
        };
        Some(of(Side::Baseline)?.max(of(Side::Current)?))
    };
    let mut ranked: Vec<(u8, u8, usize, Field)> = fields
        .iter()
        .enumerate()
        .filter_map(|(at, field)| {
            let name = field.name.current.to_lowercase();
            let named = ["id", "key", "uuid", "sk", "pk", "code", "number"].iter().any(|word| {
                name == *word || name.ends_with(&format!("_{word}")) || name.starts_with(&format!("{word}_"))
            });
            Some((rank(field)?, u8::from(!named), at, Field { tolerance: None, ..field.clone() }))
        })
        .collect();
    ranked.sort_by_key(|(rank, named, at, _)| (*named, *rank, *at));
    ranked.into_iter().take(COLUMNS).map(|(rank, _, _, field)| (rank, field)).collect()
}

async fn unique(work: &mut Work<'_>, sides: &Sides<'_>, candidates: &[Vec<Field>]) -> Result<Vec<Vec<Field>>, Error> {
    let mut left: Vec<&[Field]> = candidates.iter().map(Vec::as_slice).collect();
    let search = Search { sides: *sides };
    for side in Side::BOTH {
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let counts = numbers(work.session, &search.look(side, &left), left.len() + 1).await?;
        // Of a handful of rows nearly every column is unique.
        let enough = counts[0] > 0;
        left = left
            .into_iter()
            .zip(&counts[1..])
            .filter(|(_, distinct)| enough && **distinct == counts[0])
            .map(|(c, _)| c)
            .collect();
    }
    Ok(left.into_iter().map(<[Field]>::to_vec).collect())
}
