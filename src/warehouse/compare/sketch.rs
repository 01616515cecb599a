//! How many distinct values a column has, estimated by plain aggregates in the scan that counts everything else.
//!
//! Two bitmaps a column, each value setting one bit of each by its hash. The first has [`LINEAR`] bits of equal chance
//! (linear counting), which is all but exact for few values. The second has [`BUCKETS`] bits for each of [`RANKS`]
//! ranks, a rank being half as likely as the one before (probabilistic counting), and sees one value in [`THIN`] only,
//! which keeps it cheap. Up to a thousand values the first alone makes the estimate, beyond it is the number of values
//! that makes the bits found the most likely. Its standard error is below 1 value up to 30 values, and about 5 % from a
//! thousand values on. Equal values set equal bits, so
//! that the difference of two estimates is far better than either.

use super::of_those;

/// Bits of the first bitmap.
const LINEAR: u32 = 512;

/// Bits of each rank of the second.
const BUCKETS: u32 = 256;

/// Ranks of the second: enough for two billion values.
const RANKS: u32 = 20;

/// One value in so many is seen by the second bitmap.
const THIN: u32 = 8;

/// The two bitmaps as select items, of values whose 64-bit hash is `hash`. Bits 0 to 2 of it thin, 3 to 10 choose the
/// bucket, 11 to 30 the rank, 40 to 48 the bit of the first bitmap.
pub(super) fn bitmaps(engine: &str, hash: &str) -> [String; 2] {
    // One more bit than the last rank needs is set, so that there is always a lowest one.
    let (mask, last) = ((1 << RANKS) - 1, 1 << (RANKS - 1));
    let (linear, ranked) = (LINEAR - 1, BUCKETS * RANKS - 1);
    let (buckets, thin) = (BUCKETS - 1, THIN - 1);
    if engine == "duckdb" {
        let bits = format!("(cast(({hash} >> 11) & {mask} as integer) | {last})");
        let rank = format!("cast(log2(cast({bits} & (-{bits}) as double)) as integer)");
        let place = format!("cast(({hash} >> 3) & {buckets} as integer) + {BUCKETS} * {rank}");
        return [
            format!("cast(bitstring_agg(cast(({hash} >> 40) & {linear} as integer), 0, {linear}) as varchar)"),
            format!("cast(bitstring_agg(case when ({hash} & {thin}) = 0 then {place} end, 0, {ranked}) as varchar)"),
        ];
    }
    let bits = format!("((({hash} >> 11) & {mask}) | {last})");
    // The logarithm of a power of two is off by less than the cast to an integer rounds away.
    let rank = format!("cast(ln(cast({bits} & (-{bits}) as float8)) * {} as int)", std::f64::consts::LOG2_E);
    let place = format!("cast(({hash} >> 3) & {buckets} as int) + {BUCKETS} * {rank}");
    let set = |size: u32, place: &str| {
        format!("set_bit(B'{}', {place}, 1)", "0".repeat(usize::try_from(size).unwrap_or_default()))
    };
    let first = set(LINEAR, &format!("cast(({hash} >> 40) & {linear} as int)"));
    let second = set(BUCKETS * RANKS, &place);
    [
        format!("cast(bit_or({first}) as text)"),
        format!("cast({} as text)", of_those("bit_or", &second, &format!("({hash} & {thin}) = 0"))),
    ]
}

/// The estimate from the two bitmaps, as zeros and ones; a bitmap into which nothing fell is `None`.
pub(super) fn estimate(linear: Option<&str>, ranked: Option<&str>) -> u64 {
    let ones = |bits: &[char]| bits.iter().filter(|&&bit| bit == '1').count();
    let characters = |bits: Option<&str>| bits.unwrap_or_default().chars().collect::<Vec<char>>();
    let first = Group::new(ones(&characters(linear)), LINEAR, f64::from(LINEAR));
    // As long as few values share a bit, the first bitmap alone knows better than chance does.
    if first.clear > first.set / 6.0 {
        return whole(-f64::from(LINEAR) * (first.clear / f64::from(LINEAR)).ln());
    }
    let mut groups = vec![first];
    let ranked = characters(ranked);
    let buckets = usize::try_from(BUCKETS).unwrap_or_default();
    for rank in 0..RANKS {
        let of_rank = ranked.chunks(buckets).nth(usize::try_from(rank).unwrap_or_default()).unwrap_or_default();
        // The last rank has all that is left, as much as the one before it.
        let halvings = (rank + 1).min(RANKS - 1);
        groups.push(Group::new(ones(of_rank), BUCKETS, f64::from(BUCKETS * THIN) * 2_f64.powi(halvings.cast_signed())));
    }
    likeliest(&groups)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1e13")]
fn whole(values: f64) -> u64 {
    values.round() as u64
}

/// Bits of one chance.
struct Group {
    set: f64,
    clear: f64,
    /// The chance of a value to set a given one of them.
    chance: f64,
}

impl Group {
    fn new(set: usize, size: u32, one_in: f64) -> Self {
        let set = f64::from(u32::try_from(set).unwrap_or(size).min(size));
        Self { set, clear: f64::from(size) - set, chance: 1.0 / one_in }
    }

    /// The derivative of the logarithm of this group's likelihood by the number of values: falls with the number.
    fn slope(&self, values: f64) -> f64 {
        self.set * self.chance / (values * self.chance).exp_m1() - self.clear * self.chance
    }
}

/// The number of values at which the slopes of all groups cancel out, by halving an interval.
fn likeliest(groups: &[Group]) -> u64 {
    let slope = |values: f64| groups.iter().map(|group| group.slope(values)).sum::<f64>();
    let (mut low, mut high) = (0.5_f64, 1e13_f64);
    for _ in 0..100 {
        let middle: f64 = (low * high).sqrt();
        if slope(middle) > 0.0 { low = middle } else { high = middle }
    }
    whole(high)
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, LINEAR, RANKS, THIN, estimate};

    /// The bitmaps of `values` values under a hash that is as good as random.
    fn bitmaps(values: u64) -> (String, String) {
        let mut linear = vec![b'0'; LINEAR as usize];
        let mut ranked = vec![b'0'; (BUCKETS * RANKS) as usize];
        for value in 0..values {
            let hash = mixed(value);
            linear[usize::try_from((hash >> 40) & u64::from(LINEAR - 1)).unwrap()] = b'1';
            if hash & u64::from(THIN - 1) == 0 {
                let rank = (((hash >> 11) & ((1 << RANKS) - 1)) | (1 << (RANKS - 1))).trailing_zeros();
                let place = ((hash >> 3) & u64::from(BUCKETS - 1)) + u64::from(BUCKETS * rank);
                ranked[usize::try_from(place).unwrap()] = b'1';
            }
        }
        (String::from_utf8(linear).unwrap(), String::from_utf8(ranked).unwrap())
    }

    /// The finalizer of `SplitMix64`.
    fn mixed(value: u64) -> u64 {
        let mut z = value.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn estimates_are_near_whatever_the_number_of_values() {
        assert_eq!(estimate(None, None), 0);
        for values in [1_u64, 2, 3, 4, 5] {
            let (linear, ranked) = bitmaps(values);
            assert_eq!(estimate(Some(&linear), Some(&ranked)), values);
        }
        for values in [10_u64, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000] {
            let (linear, ranked) = bitmaps(values);
            let found = estimate(Some(&linear), Some(&ranked));
            let off = found.abs_diff(values);
            assert!(off * 100 <= values * 10 + 100, "{found} of {values}");
        }
    }

    #[test]
    fn bits_of_any_length_give_a_number() {
        for bits in ["", "1", "0101", &"1".repeat(10_000)] {
            estimate(Some(bits), Some(bits));
        }
    }
}
