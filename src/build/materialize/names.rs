//! Names of what exists for a moment only: staged tables, temporary ones. Shortened where the engine limits
//! identifiers.

use md5::{Digest, Md5};

/// `name` with `suffix`, at most `limit` bytes long. A name that is too long loses its end to a hash of the whole, so
/// that two long names that begin alike stay apart.
pub(super) fn with_suffix(name: &str, suffix: &str, limit: Option<usize>) -> String {
    let limit = limit.unwrap_or(usize::MAX);
    if name.len() + suffix.len() <= limit {
        return format!("{name}{suffix}");
    }
    let digest = format!("{:x}", Md5::digest(name.as_bytes()));
    let hash = format!("_{}", &digest[..8]);
    let mut end = limit.saturating_sub(suffix.len() + hash.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{hash}{suffix}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::with_suffix;

    #[test]
    fn short_names_keep_themselves() {
        assert_eq!(with_suffix("orders", "__dbt_tmp", Some(63)), "orders__dbt_tmp");
        assert_eq!(with_suffix(&"x".repeat(90), "__dbt_tmp", None).len(), 99);
    }

    #[test]
    fn long_names_are_cut_to_the_limit_and_stay_apart() {
        let (a, b) = (format!("{}a", "ä".repeat(31)), format!("{}b", "ä".repeat(31)));
        let (short_a, short_b) = (with_suffix(&a, "__dbt_tmp", Some(63)), with_suffix(&b, "__dbt_tmp", Some(63)));
        assert!(short_a.len() <= 63 && short_a.ends_with("__dbt_tmp"), "{short_a}");
        assert_ne!(short_a, short_b);
    }
}
