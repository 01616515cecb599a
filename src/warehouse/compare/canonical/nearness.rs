//! Whether two values, as texts, are near enough to count as equal: by the same rules as in one database
//! ([`crate::warehouse::compare::Number`]), with all digits that the values have.

use bigdecimal::BigDecimal;
use chrono::NaiveDateTime;

use crate::warehouse::compare::Tolerance;

/// Whether two exact numbers are near enough; none when one is no finite number.
pub(super) fn exact(tolerance: &Tolerance, x: &str, y: &str) -> Option<bool> {
    let (x, y): (BigDecimal, BigDecimal) = (x.parse().ok()?, y.parse().ok()?);
    let limit = match tolerance {
        Tolerance::Absolute(limit) | Tolerance::Seconds(limit) => decimal(*limit)?,
        Tolerance::Relative(share) => decimal(*share)? * x.abs().max(y.abs()),
    };
    Some((x - y).abs() <= limit)
}

/// The shortest decimal number that names the double; none of an infinite one.
fn decimal(limit: f64) -> Option<BigDecimal> {
    limit.to_string().parse().ok()
}

/// Whether two doubles are.
pub(super) fn float(tolerance: &Tolerance, x: f64, y: f64) -> Option<bool> {
    let finite = |number: f64| number.abs() < 1e300;
    let limit = match tolerance {
        Tolerance::Absolute(limit) | Tolerance::Seconds(limit) => *limit,
        Tolerance::Relative(share) => share * x.abs().max(y.abs()),
    };
    (finite(x) && finite(y)).then_some((y - x).abs() <= limit)
}

/// Whether two dates or times are, which have no relative part.
pub(super) fn instant(tolerance: &Tolerance, x: &str, y: &str) -> Option<bool> {
    let (Tolerance::Absolute(limit) | Tolerance::Seconds(limit)) = tolerance else { return None };
    let distance = nanoseconds(x)?.abs_diff(nanoseconds(y)?);
    Some(BigDecimal::new(distance.into(), 9) <= decimal(*limit)?)
}

/// Nanoseconds since 1970 of `YYYY-MM-DD[ HH:MM:SS[.f]][ BC]`; none of what is no finite time, or a quarter of a million
/// years away.
pub(super) fn nanoseconds(text: &str) -> Option<i128> {
    let (text, is_before_christ) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    let (year, day) = date.split_once('-')?;
    let year: i32 = year.parse().ok()?;
    // The year before 1 is 1 before Christ.
    let year = if is_before_christ { 1 - year } else { year };
    let time = NaiveDateTime::parse_from_str(&format!("{year:+} {day} {time}"), "%Y %m-%d %H:%M:%S%.f").ok()?.and_utc();
    Some(i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::Tolerance::{Absolute, Relative, Seconds};
    use super::{exact, float, instant, nanoseconds};

    #[test]
    fn exact_numbers_are_near_to_the_last_digit() {
        let cent = Absolute(0.01);
        for (x, y, near) in [
            ("8.02", "8.03", Some(true)),
            ("8.02", "8.0300000000000000000000000000000000001", Some(false)),
            ("-0.005", "0.005", Some(true)),
            ("-0.005", "0.0051", Some(false)),
            ("99999999999999999999999999999999999999.99", "100000000000000000000000000000000000000", Some(true)),
            ("1", "NaN", None),
            ("Infinity", "Infinity", None),
            ("", "1", None),
        ] {
            assert_eq!([exact(&cent, x, y), exact(&cent, y, x)], [near, near], "{x} {y}");
        }
        let tenth = Relative(0.1);
        assert_eq!(exact(&tenth, "-10", "-11"), Some(true), "10 of 11 is 9 %");
        assert_eq!(exact(&tenth, "9", "10"), Some(true));
        assert_eq!(exact(&tenth, "8.9999", "10"), Some(false));
        assert_eq!(exact(&tenth, "1", "-1"), Some(false));
        assert_eq!(exact(&Absolute(1e-9), "1", "1.000000001"), Some(true));
    }

    #[test]
    fn doubles_are_near_unless_they_are_infinite() {
        assert_eq!(float(&Absolute(0.5), 1.0, 1.5), Some(true));
        assert_eq!(float(&Relative(0.1), 10.0, 11.0), Some(true));
        assert_eq!(float(&Absolute(0.5), f64::INFINITY, f64::INFINITY), None);
        assert_eq!(float(&Relative(1.0), f64::NAN, 1.0), None);
    }

    #[test]
    fn times_are_near_by_seconds_whatever_their_year() {
        let second = Seconds(1.0);
        assert_eq!(instant(&second, "2024-01-01 00:00:01", "2024-01-01"), Some(true));
        assert_eq!(instant(&second, "2024-01-01 00:00:01.000001", "2024-01-01"), Some(false));
        assert_eq!(instant(&second, "12024-01-01", "12023-12-31 23:59:59"), Some(true));
        assert_eq!(instant(&second, "0001-01-01", "0001-12-31 23:59:59 BC"), Some(true));
        assert_eq!(instant(&second, "infinity", "infinity"), None);
        assert_eq!(instant(&Relative(1.0), "2024-01-01", "2024-01-02"), None, "times have no share");
        let days = |text: &str| nanoseconds(text).unwrap() / 86_400_000_000_000;
        assert_eq!([days("1970-01-01"), days("2000-03-01"), days("2024-02-29")], [0, 11_017, 19_782]);
        assert_eq!(nanoseconds("1969-12-31 23:59:59.9"), Some(-100_000_000));
        assert_eq!(nanoseconds("0044-03-15 00:00:00 BC").map(|at| at / 86_400_000_000_000), Some(-735_160));
        for wrong in ["2024-01-01 00:00", "2024-02-30", "5874897-12-31", "-infinity", ""] {
            assert_eq!(nanoseconds(wrong), None, "{wrong}");
        }
    }
}
