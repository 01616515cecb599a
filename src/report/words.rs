//! Numbers as people read them: thousands separators, honest percentages, plurals, durations.

/// A count with thousands separators: `6,021`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things held in memory.
pub(super) fn size(number: usize) -> String {
    count(number as u64)
}

/// `1 row`, `6,021 rows`.
pub fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share in per cent with one decimal. Never `0 %` of something, never `100 %` of less than all.
pub(super) fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    if part >= whole {
        return "100 %".to_owned();
    }
    // Per mille, rounded half up, in integers: no count is too large for it.
    let tenths = (u128::from(part) * 2000 + u128::from(whole)) / (u128::from(whole) * 2);
    if u128::from(part) * 1000 < u128::from(whole) {
        "<0.1 %".to_owned()
    } else if tenths >= 1000 {
        ">99.9 %".to_owned()
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}

/// `12 (0.2 %)`; a plain `0` of nothing.
pub(super) fn count_of(part: u64, whole: u64) -> String {
    if part == 0 { "0".to_owned() } else { format!("{} ({})", count(part), share(part, whole)) }
}

/// `0.4 s`, `12.3 s`, `3 min 5 s`.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run's length, at least 60")]
    let whole = seconds.round() as u64;
    format!("{} min {} s", whole / 60, whole % 60)
}

/// At most `limit` characters of the first line, with an ellipsis where something is left out.
pub(super) fn brief(text: &str, limit: usize) -> String {
    let text = text.trim();
    let line = text.lines().next().unwrap_or_default().trim_end();
    let more = line.len() < text.len();
    if line.chars().count() > limit {
        let cut: String = line.chars().take(limit.saturating_sub(1)).collect();
        return format!("{}…", cut.trim_end());
    }
    if more { format!("{line} …") } else { line.to_owned() }
}

/// `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{brief, count, duration, list, plural, share};

    #[test]
    fn counts_have_thousands_separators() {
        assert_eq!([0, 7, 999, 1000, 12_345, 1_234_567].map(count), ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(plural(0, "row"), "0 rows");
    }

    #[test]
    fn percentages_are_honest_at_both_ends() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(10, 10), "100 %");
        assert_eq!(share(1, 1_000_000), "<0.1 %");
        assert_eq!(share(999_999, 1_000_000), ">99.9 %");
        assert_eq!(share(1, 1000), "0.1 %");
        assert_eq!(share(9996, 10_000), ">99.9 %");
        assert_eq!(share(126, 6021), "2.1 %");
        assert_eq!(share(0, 0), "0 %");
    }

    proptest! {
        #[test]
        fn only_nothing_is_0_and_only_all_is_100_per_cent(part in 0_u64..5000, whole in 1_u64..5000) {
            let part = part.min(whole);
            let shown = share(part, whole);
            prop_assert_eq!(shown == "0 %", part == 0);
            prop_assert_eq!(shown == "100 %", part == whole);
            prop_assert!(shown != "0.0 %" && shown != "100.0 %");
        }
    }

    #[test]
    fn durations_and_lists_read_well() {
        assert_eq!(duration(0.44), "0.4 s");
        assert_eq!(duration(185.2), "3 min 5 s");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }

    #[test]
    fn a_brief_says_that_there_is_more() {
        assert_eq!(brief("one\ntwo", 20), "one …");
        assert_eq!(brief("abcdefgh", 5), "abcd…");
        assert_eq!(brief(" fits \n", 5), "fits");
    }
}
