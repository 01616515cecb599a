//! Versions of hub packages and what packages.yml asks of them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version as semver.org writes it. Equal versions may differ in what they were built from (`+build`).
#[derive(Debug, Clone)]
pub(super) struct Version {
    numbers: [u64; 3],
    prerelease: Vec<Part>,
    text: String,
}

/// One part of `-rc.1`: numbers sort before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Whether it is one to try rather than to use.
    pub(super) fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
        let (core, prerelease) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            *number = plain_number(parts.next().ok_or(())?).ok_or(())?;
        }
        let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let words = |text: &str| text.split('.').all(is_word);
        if parts.next().is_some() || ![prerelease, build].into_iter().flatten().all(words) {
            return Err(());
        }
        let part = |text: &str| plain_number(text).map_or_else(|| Part::Word(text.to_owned()), Part::Number);
        let prerelease = prerelease.map(|text| text.split('.').map(part).collect()).unwrap_or_default();
        Ok(Self { numbers, prerelease, text: text.to_owned() })
    }
}

fn plain_number(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain && (text.len() == 1 || !text.starts_with('0'))).then(|| text.parse().ok())?
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let prerelease = || match (self.is_prerelease(), other.is_prerelease()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => self.prerelease.cmp(&other.prerelease),
        };
        self.numbers.cmp(&other.numbers).then_with(prerelease)
    }
}

/// One of `1.2.0`, `=1.2.0`, `>1.2.0`, `>=1.2.0`, `<1.2.0`, `<=1.2.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    operator: Operator,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
}

impl Requirement {
    /// Whether `version` is one that is asked for.
    pub(super) fn allows(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        match self.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterEqual => order != Ordering::Less,
            Operator::Less => order == Ordering::Less,
            Operator::LessEqual => order != Ordering::Greater,
        }
    }

    /// Whether it names a prerelease, which allows prereleases.
    pub(super) fn names_prerelease(&self) -> bool {
        self.version.is_prerelease()
    }
}

impl FromStr for Requirement {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let operators = [
            (">=", Operator::GreaterEqual),
            ("<=", Operator::LessEqual),
            (">", Operator::Greater),
            ("<", Operator::Less),
            ("=", Operator::Equal),
        ];
        let found = operators.iter().find_map(|(sign, operator)| Some((text.strip_prefix(sign)?, *operator)));
        let (version, operator) = found.unwrap_or((text, Operator::Equal));
        Ok(Self { operator, version: version.trim().parse()? })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.operator {
            Operator::Equal => "",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
        };
        write!(f, "{sign}{}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::{Requirement, Version};

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_sort_as_semver_says() {
        let sorted =
            ["0.9.9", "1.0.0-a.1", "1.0.0-a.2", "1.0.0-a.10", "1.0.0-a.b", "1.0.0-rc1", "1.0.0", "1.2.0", "1.10.0"];
        for pair in sorted.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("1.0.0+one"), version("1.0.0+two"));
        assert_eq!(version("1.0.0-rc1+x").to_string(), "1.0.0-rc1+x");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in
            ["", "1", "1.2", "1.x", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3+", "1.2.3-a_b", "v1.2.3", ">=1.0.0,<2.0.0"]
        {
            assert!(text.parse::<Requirement>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_requirement_allows_what_its_sign_says() {
        let allowed = |requirement: &str| {
            let requirement: Requirement = requirement.parse().unwrap();
            let all = ["1.0.0", "1.1.0-rc1", "1.1.0", "2.0.0"];
            all.into_iter().filter(|text| requirement.allows(&version(text))).collect::<Vec<_>>()
        };
        assert_eq!(allowed("1.1.0"), ["1.1.0"]);
        assert_eq!(allowed("=1.1.0"), ["1.1.0"]);
        assert_eq!(allowed("> 1.0.0"), ["1.1.0-rc1", "1.1.0", "2.0.0"]);
        assert_eq!(allowed(">=1.1.0"), ["1.1.0", "2.0.0"]);
        assert_eq!(allowed("<1.1.0"), ["1.0.0", "1.1.0-rc1"]);
        assert_eq!(allowed("<=1.1.0"), ["1.0.0", "1.1.0-rc1", "1.1.0"]);
        assert!("1.0.0-rc1".parse::<Requirement>().unwrap().names_prerelease());
    }
}
