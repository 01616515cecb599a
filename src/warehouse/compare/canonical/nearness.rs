//! Whether two values, as texts, are near enough to count as equal: by the same rules as in one database
//! ([`crate::warehouse::compare::Number`]), with all digits that the values have.

use std::cmp::Ordering;

use crate::warehouse::compare::Tolerance;

/// Days from the first of March of the year 0 to 1970.
const DAYS_TO_1970: i128 = 719_468;

/// Whether two exact numbers are near enough; none when one is no finite number.
pub(super) fn exact(tolerance: &Tolerance, x: &str, y: &str) -> Option<bool> {
    let (x, y) = (Exact::parse(x)?, Exact::parse(y)?);
    let distance = x.distance(&y);
    if distance.size(&Exact::of(tolerance.absolute)?).is_le() {
        return Some(true);
    }
    let larger = if x.size(&y).is_ge() { x } else { y };
    Some(tolerance.relative > 0.0 && distance.size(&Exact::of(tolerance.relative)?.times(&larger)).is_le())
}

/// Whether two doubles are.
pub(super) fn float(tolerance: &Tolerance, x: f64, y: f64) -> Option<bool> {
    let finite = |number: f64| number.abs() < 1e300;
    let distance = (y - x).abs();
    let limit = tolerance.absolute.max(tolerance.relative * x.abs().max(y.abs()));
    (finite(x) && finite(y)).then_some(distance <= limit)
}

/// Whether two dates or times are, which have no relative part.
pub(super) fn instant(tolerance: &Tolerance, x: &str, y: &str) -> Option<bool> {
    let distance = nanoseconds(x)?.abs_diff(nanoseconds(y)?);
    let seconds = Exact { negative: false, digits: digits(&distance.to_string()), scale: 9 };
    Some(seconds.size(&Exact::of(tolerance.absolute)?).is_le())
}

/// Nanoseconds since 1970 of `YYYY-MM-DD[ HH:MM:SS[.f]][ BC]`; none of what is no finite time.
pub(super) fn nanoseconds(text: &str) -> Option<i128> {
    let (text, is_before_christ) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    let number = |text: &str| text.parse::<u32>().ok().map(i128::from);
    let mut parts = date.splitn(3, '-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // The year before 1 is 1 before Christ. A year begins in March here, so that a leap day is its last.
    let year = if is_before_christ { 1 - year } else { year } - i128::from(month < 3);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + day_of_year - DAYS_TO_1970;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = clock.splitn(3, ':').map(number);
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let fraction = number(&format!("{fraction:0<9}")).filter(|_| fraction.len() <= 9)?;
    Some((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000_000 + fraction)
}

/// A decimal number of any length.
#[derive(Debug, Clone)]
struct Exact {
    negative: bool,
    /// The first counts most.
    digits: Vec<u8>,
    /// How many of them are behind the point.
    scale: usize,
}

impl Exact {
    /// None of what is no finite number.
    fn parse(text: &str) -> Option<Self> {
        let (text, negative) = text.strip_prefix('-').map_or((text, false), |text| (text, true));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let some = !whole.is_empty() && is_number(whole) && is_number(fraction);
        some.then(|| Self { negative, digits: digits(&format!("{whole}{fraction}")), scale: fraction.len() })
    }

    /// The shortest decimal number that names the double; none of an infinite one.
    fn of(limit: f64) -> Option<Self> {
        Self::parse(&limit.to_string())
    }

    /// The digits with so many behind the point, and so many in front of it at least.
    fn padded(&self, whole: usize, scale: usize) -> Vec<u8> {
        let zeros = |count: usize| std::iter::repeat_n(0_u8, count);
        let front = whole.saturating_sub(self.digits.len() - self.scale);
        zeros(front).chain(self.digits.iter().copied()).chain(zeros(scale - self.scale)).collect()
    }

    /// Both with the same number of digits, behind the point as in front of it.
    fn aligned(&self, other: &Self) -> (Vec<u8>, Vec<u8>, usize) {
        let scale = self.scale.max(other.scale);
        let whole = (self.digits.len() - self.scale).max(other.digits.len() - other.scale);
        (self.padded(whole, scale), other.padded(whole, scale), scale)
    }

    /// Which of the two is farther from zero.
    fn size(&self, other: &Self) -> Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }

    /// How far the two are apart.
    fn distance(&self, other: &Self) -> Self {
        let (mut a, mut b, scale) = self.aligned(other);
        if a < b {
            std::mem::swap(&mut a, &mut b);
        }
        let subtract = self.negative == other.negative;
        let mut carry = 0_u8;
        for (a, b) in a.iter_mut().zip(&b).rev() {
            if subtract {
                let less = b + carry;
                carry = u8::from(*a < less);
                *a = *a + 10 * carry - less;
            } else {
                let sum = *a + b + carry;
                carry = sum / 10;
                *a = sum % 10;
            }
        }
        if !subtract {
            a.insert(0, carry);
        }
        Self { negative: false, digits: a, scale }
    }

    /// The size of the product.
    fn times(&self, other: &Self) -> Self {
        let mut product = vec![0_u8; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.iter().enumerate().rev() {
            let mut carry = 0;
            for (j, b) in other.digits.iter().enumerate().rev() {
                let sum = product[i + j + 1] + a * b + carry;
                product[i + j + 1] = sum % 10;
                carry = sum / 10;
            }
            product[i] += carry;
        }
        Self { negative: false, digits: product, scale: self.scale + other.scale }
    }
}

fn digits(text: &str) -> Vec<u8> {
    // At least as many as there are behind the point.
    let text = format!("{text:0>10}");
    text.bytes().map(|byte| byte - b'0').collect()
}

#[cfg(test)]
mod tests {
    use super::{Exact, Tolerance, exact, float, instant, nanoseconds};

    fn of(absolute: f64, relative: f64) -> Tolerance {
        Tolerance { absolute, relative }
    }

    #[test]
    fn exact_numbers_are_near_to_the_last_digit() {
        let cent = of(0.01, 0.0);
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
        let tenth = of(0.0, 0.1);
        assert_eq!(exact(&tenth, "-10", "-11"), Some(true), "10 of 11 is 9 %");
        assert_eq!(exact(&tenth, "9", "10"), Some(true));
        assert_eq!(exact(&tenth, "8.9999", "10"), Some(false));
        assert_eq!(exact(&tenth, "1", "-1"), Some(false));
        assert_eq!(exact(&of(1e-9, 0.0), "1", "1.000000001"), Some(true));
    }

    #[test]
    fn digits_are_calculated_with_as_numbers_are() {
        let numbers = ["0", "1", "-1", "9.5", "-0.25", "123456789.987", "1000000", "-99.99"];
        for (a, b) in numbers.iter().flat_map(|a| numbers.iter().map(move |b| (a, b))) {
            let (x, y) = (Exact::parse(a).unwrap(), Exact::parse(b).unwrap());
            let value = |exact: &Exact| {
                let digits: f64 = exact.digits.iter().fold(0.0, |sum, digit| sum * 10.0 + f64::from(*digit));
                digits / 10_f64.powi(i32::try_from(exact.scale).unwrap())
            };
            let (f, g): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
            assert!((value(&x.distance(&y)) - (f - g).abs()).abs() < 1e-5, "{a} {b}");
            assert!((value(&x.times(&y)) - (f * g).abs()).abs() <= (f * g).abs() * 1e-12, "{a} {b}");
            assert_eq!(x.size(&y), f.abs().total_cmp(&g.abs()), "{a} {b}");
        }
    }

    #[test]
    fn doubles_are_near_unless_they_are_infinite() {
        assert_eq!(float(&of(0.5, 0.0), 1.0, 1.5), Some(true));
        assert_eq!(float(&of(0.1, 0.1), 10.0, 11.0), Some(true));
        assert_eq!(float(&of(0.5, 0.0), f64::INFINITY, f64::INFINITY), None);
        assert_eq!(float(&of(0.5, 1.0), f64::NAN, 1.0), None);
    }

    #[test]
    fn times_are_near_by_seconds_whatever_their_year() {
        let second = of(1.0, 1.0);
        assert_eq!(instant(&second, "2024-01-01 00:00:01", "2024-01-01"), Some(true));
        assert_eq!(instant(&second, "2024-01-01 00:00:01.000001", "2024-01-01"), Some(false));
        assert_eq!(instant(&second, "12024-01-01", "12023-12-31 23:59:59"), Some(true));
        assert_eq!(instant(&second, "0001-01-01", "0001-12-31 23:59:59 BC"), Some(true));
        assert_eq!(instant(&second, "infinity", "infinity"), None);
        let days = |text: &str| nanoseconds(text).unwrap() / 86_400_000_000_000;
        assert_eq!([days("1970-01-01"), days("2000-03-01"), days("2024-02-29")], [0, 11_017, 19_782]);
        assert_eq!(nanoseconds("1969-12-31 23:59:59.9"), Some(-100_000_000));
        assert_eq!(nanoseconds("2024-01-01 00:00"), None);
    }
}
