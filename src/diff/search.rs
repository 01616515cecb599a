//! A key found in the data, where the project names none: columns whose values occur once on both sides.

use super::keys::Key;
use super::numbers;
use super::table::Work;
use crate::model::{Change, Column};
use crate::warehouse::Error;
use crate::warehouse::compare::{Field, Search, Side, Sides};

/// How many columns are looked at.
const COLUMNS: usize = 40;

/// Where a key came from that was found so, for people.
pub(super) const SOURCE: &str = "a search of the data";

/// The best candidate of which no value occurs twice, and none is NULL, in the rows that were looked at. Whether that is
/// so in all rows shows when they are paired.
pub(super) async fn key(
    work: &mut Work<'_>,
    sides: &Sides<'_>,
    columns: &Change<Vec<Column>>,
    fields: &[Field],
) -> Result<Vec<Key>, Error> {
    let rank = |field: &Field| {
        let of = |side: Side| {
            let column = side.of(columns).iter().find(|column| column.name == *side.of(&field.name))?;
            Search::rank(&column.data_type)
        };
        Some(of(Side::Baseline)?.max(of(Side::Current)?))
    };
    let named: Vec<(&str, Option<u8>)> =
        fields.iter().map(|field| (field.name.current.as_str(), rank(field))).collect();
    let search = Search { sides: *sides };
    for candidates in candidates(&named) {
        let key_field = |at: &usize| Field { tolerance: None, ..fields[*at].clone() };
        let mut left: Vec<Vec<Field>> =
            candidates.iter().map(|places| places.iter().map(key_field).collect()).collect();
        for side in Side::BOTH {
            if !left.is_empty() {
                let asked: Vec<&[Field]> = left.iter().map(Vec::as_slice).collect();
                let counts = numbers(work.session, &search.look(side, &asked), asked.len() + 1).await?;
                left = unique(left, &counts);
            }
        }
        if let Some(fields) = left.into_iter().next() {
            return Ok(vec![Key { fields, source: SOURCE }]);
        }
    }
    Ok(Vec::new())
}

/// Sets of columns that could be a key, by their places, the most likely first: single ones, and where none of those is
/// one, pairs. Of each column the name is given and how good a part of a key its type is.
pub(super) fn candidates(columns: &[(&str, Option<u8>)]) -> [Vec<Vec<usize>>; 2] {
    let mut ranked: Vec<(bool, u8, usize)> = columns
        .iter()
        .enumerate()
        .filter_map(|(at, (name, rank))| {
            let name = name.to_lowercase();
            let named = ["id", "key", "uuid", "sk", "pk", "code", "number"].iter().any(|word| {
                name == *word || name.ends_with(&format!("_{word}")) || name.starts_with(&format!("{word}_"))
            });
            Some((!named, (*rank)?, at))
        })
        .collect();
    ranked.sort_unstable();
    ranked.truncate(COLUMNS);
    let singles = ranked.iter().filter(|(_, rank, _)| *rank < 4).map(|(_, _, at)| vec![*at]).collect();
    let pairs = ranked
        .iter()
        .enumerate()
        .flat_map(|(place, (_, _, first))| ranked[place + 1..].iter().map(move |(_, _, second)| vec![*first, *second]));
    [singles, pairs.take(COLUMNS).collect()]
}

/// The candidates that are unique by `counts`: the rows that were looked at, then of each candidate its values.
pub(super) fn unique<T>(candidates: Vec<T>, counts: &[u64]) -> Vec<T> {
    let [rows, counts @ ..] = counts else { return Vec::new() };
    // Of no rows every column is unique.
    candidates.into_iter().zip(counts).filter(|(_, values)| *rows > 0 && *values == rows).map(|(one, _)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::{candidates, unique};

    #[test]
    fn columns_that_are_named_like_keys_come_first_and_days_are_no_key_of_their_own() {
        let columns = [("day", Some(4)), ("price", None), ("name", Some(2)), ("order_id", Some(2)), ("n", Some(1))];
        let [singles, pairs] = candidates(&columns);
        assert_eq!(singles, [[3], [4], [2]]);
        assert_eq!(pairs, [[3, 4], [3, 2], [3, 0], [4, 2], [4, 0], [2, 0]]);
    }

    #[test]
    fn a_candidate_has_a_value_for_each_row_and_of_no_rows_there_is_none() {
        assert_eq!(unique(vec!["a", "b"], &[5, 4, 5]), ["b"]);
        assert!(unique(vec!["a"], &[0, 0]).is_empty());
    }
}
