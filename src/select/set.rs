//! Sets of nodes by their place in the manifest, one bit each: thousands of criteria over tens of thousands of nodes
//! are combined word by word.

/// A set of places below the size it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// An empty set of places below `size`.
    pub(super) fn new(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)] }
    }

    pub(super) fn insert(&mut self, place: usize) {
        self.words[place / 64] |= 1 << (place % 64);
    }

    pub(super) fn contains(&self, place: usize) -> bool {
        self.words[place / 64] & (1 << (place % 64)) != 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(super) fn union(&mut self, other: &Self) {
        self.each(other, |a, b| a | b);
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.each(other, |a, b| a & b);
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        self.each(other, |a, b| a & !b);
    }

    fn each(&mut self, other: &Self, combine: fn(u64, u64) -> u64) {
        for (own, other) in self.words.iter_mut().zip(&other.words) {
            *own = combine(*own, *other);
        }
    }

    /// The places, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            // Each step takes the lowest bit away.
            let rests = std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)));
            rests.take_while(|rest| *rest != 0).map(move |rest| at * 64 + rest.trailing_zeros() as usize)
        })
    }
}

impl Extend<usize> for NodeSet {
    fn extend<I: IntoIterator<Item = usize>>(&mut self, places: I) {
        places.into_iter().for_each(|place| self.insert(place));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::NodeSet;

    fn set(places: &BTreeSet<usize>) -> NodeSet {
        let mut set = NodeSet::new(200);
        set.extend(places.iter().copied());
        set
    }

    proptest! {
        #[test]
        fn operations_are_those_of_ordinary_sets(
            a in proptest::collection::btree_set(0_usize..200, 0..40), b in proptest::collection::btree_set(0_usize..200, 0..40)
        ) {
            let of = |operation: fn(&mut NodeSet, &NodeSet)| {
                let mut result = set(&a);
                operation(&mut result, &set(&b));
                result.iter().collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(set(&a).iter().collect::<Vec<_>>(), a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(of(NodeSet::union), &a | &b);
            prop_assert_eq!(of(NodeSet::intersect), &a & &b);
            prop_assert_eq!(of(NodeSet::subtract), &a - &b);
            prop_assert_eq!(set(&a).is_empty(), a.is_empty());
            prop_assert!((0..200).all(|place| set(&a).contains(place) == a.contains(&place)));
        }
    }
}
