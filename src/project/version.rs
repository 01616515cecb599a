//! `require-dbt-version`.

use std::cmp::Ordering;

pub(super) use crate::model::DBT_VERSION as FOLLOWED;

/// Whether `version` fits every one of `requirements` (`>=1.0.0`, `<2.0.0`, `1.11.0`; several in one string by commas).
/// What does not read as a requirement is taken to fit.
pub(super) fn fits(version: &str, requirements: &[String]) -> bool {
    let Some(ours) = numbers(version) else { return true };
    requirements.iter().flat_map(|text| text.split(',')).all(|requirement| {
        let requirement = requirement.trim();
        let digits = requirement.find(|c: char| c.is_ascii_digit()).unwrap_or(requirement.len());
        let (operator, wanted) = requirement.split_at(digits);
        let Some(wanted) = numbers(wanted) else { return true };
        let order = ours.cmp(&wanted);
        match operator.trim().trim_end_matches('v') {
            ">=" => order != Ordering::Less,
            ">" => order == Ordering::Greater,
            "<=" => order != Ordering::Greater,
            "<" => order == Ordering::Less,
            "" | "=" | "==" => order == Ordering::Equal,
            _ => true,
        }
    })
}

fn numbers(text: &str) -> Option<[u64; 3]> {
    let mut parts = text.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    Some([parts.next()??, parts.next().flatten().unwrap_or(0), parts.next().flatten().unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn every_requirement_must_fit() {
        let requirements = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert!(fits("1.11.16", &requirements(&[">=1.0.0", "<2.0.0"])));
        assert!(fits("1.11.16", &requirements(&[">=1.0.0,<2.0.0"])));
        assert!(!fits("1.11.16", &requirements(&[">=1.0.0", "<1.11.0"])));
        assert!(!fits("1.11.16", &requirements(&["1.11.2"])));
        assert!(fits("1.11.16", &requirements(&["nonsense"])));
    }
}
