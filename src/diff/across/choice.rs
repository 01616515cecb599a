//! Which key pairs the rows: the best of the project's, else one that is found in the data of both sides.

use futures::TryFutureExt as _;
use futures::future::try_join;

use super::super::columns::{Columns, Paired as _};
use super::super::keys::{self, Key};
use super::super::options::numbers;
use super::super::outcome::{KeyFacts, KeyProof, TableDiff};
use super::super::search;
use super::super::table::least_faulty;
use super::side::key_facts;
use super::{Failure, Work, pass};
use crate::model::Change;
use crate::warehouse::compare::Side;
use crate::warehouse::compare::canonical::Field;

impl Work<'_, '_> {
    /// The keys of the project's that can be tried, else one that is found in the data.
    pub(super) async fn keys(
        &mut self,
        columns: &Columns<Field>,
        fields: &[Field],
        diff: &mut TableDiff,
    ) -> Result<Vec<Key<Field>>, Failure> {
        let keys = keys::usable(columns, &self.comparison.keys, &mut diff.rejected_keys);
        if keys.is_empty() && self.comparison.keys.is_empty() && self.options.search_key {
            return Ok(self.search(fields).await?.into_iter().collect());
        }
        Ok(keys)
    }

    /// The key that is unique and never NULL on both sides, else the first that is unique, else the first; with what
    /// was counted of it. The others that were looked at are in `diff` then.
    pub(super) async fn best_key(
        &mut self,
        keys: Vec<Key<Field>>,
        diff: &mut TableDiff,
    ) -> Result<Option<(Key<Field>, KeyFacts)>, Failure> {
        let mut faulty: Vec<(Key<Field>, KeyFacts)> = Vec::new();
        let mut best = None;
        for key in keys {
            let facts = self.key_facts(&key.fields).await?;
            if facts.is_unique() && facts.nulls == Change::default() {
                best = Some((key, facts));
                break;
            }
            faulty.push((key, facts));
        }
        if best.is_none() && !faulty.is_empty() {
            best = Some(faulty.remove(least_faulty(faulty.iter().map(|(_, facts)| facts))));
        }
        let least = self.options.min_count;
        diff.rejected_keys.extend(faulty.iter().map(|(key, facts)| key.rejected(facts, least)));
        Ok(best)
    }

    /// The best candidate of which no value occurs twice, and none is NULL, in the rows that are looked at on each side.
    async fn search(&mut self, fields: &[Field]) -> Result<Option<Key<Field>>, Failure> {
        let named: Vec<(&str, Option<u8>)> =
            fields.iter().map(|field| (field.name.current.as_str(), field.rank())).collect();
        for mut left in search::candidates(&named) {
            for side in Side::BOTH {
                let mut used: Vec<usize> = left.iter().flatten().copied().collect();
                used.sort_unstable();
                used.dedup();
                if used.is_empty() {
                    break;
                }
                let place = |at: &usize| used.binary_search(at).unwrap_or_default();
                let places: Vec<Vec<usize>> =
                    left.iter().map(|candidate| candidate.iter().map(place).collect()).collect();
                let asked: Vec<Field> = used.iter().map(|at| fields[*at].clone()).collect();
                let sql = self.source(side)?.look(&asked, &places);
                let counts = numbers(side.of_mut(&mut self.ends).session, &sql, places.len() + 1).await?;
                left = search::unique(left, &counts);
            }
            if let Some(found) = left.first() {
                let fields = found.iter().map(|at| fields[*at].as_key()).collect();
                return Ok(Some(Key { fields, source: search::SOURCE }));
            }
        }
        Ok(None)
    }

    async fn key_facts(&mut self, key: &[Field]) -> Result<KeyFacts, Failure> {
        let sources = self.sources()?;
        let is_loose = key.iter().any(Field::has_rules);
        let sql = sources.map(|source| (source.key_facts(key), is_loose.then(|| source.similar_keys(key))));
        let Change { baseline, current } = &mut self.ends;
        let counting =
            try_join(key_facts(baseline.session, sql.baseline, key), key_facts(current.session, sql.current, key));
        let (b, c) = pass(self.observer, self.comparison, "counting the key", counting.map_err(Failure::from)).await?;
        Ok(KeyFacts {
            proof: KeyProof::Counted,
            duplicates: Change { baseline: b.0, current: c.0 },
            nulls: Change { baseline: b.1, current: c.1 },
        })
    }
}
