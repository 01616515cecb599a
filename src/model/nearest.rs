//! The name that was probably meant.

/// The known name with the fewest edits from `name`, if they are few.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    known
        // Any two names of one or two letters are near each other.
        .filter(|_| length > 2)
        .filter(|other| other.len().abs_diff(name.len()) <= limit)
        .map(|other| (edits(name, other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, other)| other)
}

fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn short_names_are_near_nothing() {
        assert_eq!(nearest("q", ["p"].into_iter()), None);
    }

    #[test]
    fn a_typo_finds_the_name_that_was_meant() {
        assert_eq!(nearest("stg_ordrs", ["stg_orders", "stg_payments"].into_iter()), Some("stg_orders"));
        assert_eq!(nearest("nothing_like_it", ["stg_orders"].into_iter()), None);
    }
}
