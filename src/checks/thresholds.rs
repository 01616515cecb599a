//! When a test warns and when it fails: `severity`, `warn_if`, `error_if`, and dbt's line about it.

use serde_json::Value as Json;

use crate::model::{Node, NodeStatus};

/// A test's thresholds as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thresholds {
    pub(super) fail_calc: String,
    pub(super) warn_if: String,
    pub(super) error_if: String,
    pub(super) limit: Option<u64>,
    /// Whether a failing test is an error (`severity: error`) or only a warning.
    is_error: bool,
}

/// What the test's query answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) failures: i64,
    pub(super) should_warn: bool,
    pub(super) should_error: bool,
}

impl Thresholds {
    /// The thresholds of a test's configuration, with dbt's defaults.
    pub(super) fn of(node: &Node) -> Self {
        let text = |key: &str, default: &str| node.config_str(key).unwrap_or(default).to_owned();
        let limit = node.config.get("limit");
        Self {
            fail_calc: text("fail_calc", "count(*)"),
            warn_if: text("warn_if", "!= 0"),
            error_if: text("error_if", "!= 0"),
            limit: limit.and_then(|limit| limit.as_u64().or_else(|| limit.as_str()?.trim().parse().ok())),
            is_error: !matches!(node.config.get("severity").and_then(Json::as_str), Some(s) if s.eq_ignore_ascii_case("warn")),
        }
    }

    /// The status of an answer, with dbt's line about it when rows were found that should not be there.
    pub(super) fn judge(&self, answer: Answer) -> (NodeStatus, Option<String>) {
        let found = match answer.failures {
            1 => "Got 1 result".to_owned(),
            n => format!("Got {n} results"),
        };
        if self.is_error && answer.should_error {
            (NodeStatus::Fail, Some(format!("{found}, configured to fail if {}", self.error_if)))
        } else if answer.should_warn {
            (NodeStatus::Warn, Some(format!("{found}, configured to warn if {}", self.warn_if)))
        } else {
            (NodeStatus::Pass, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Thresholds};
    use crate::model::NodeStatus;

    fn thresholds(is_error: bool) -> Thresholds {
        Thresholds {
            fail_calc: "count(*)".into(),
            warn_if: "> 2".into(),
            error_if: "> 10".into(),
            limit: None,
            is_error,
        }
    }

    #[test]
    fn an_error_needs_both_the_severity_and_the_threshold() {
        let answer = Answer { failures: 12, should_warn: true, should_error: true };
        let failed = (NodeStatus::Fail, Some("Got 12 results, configured to fail if > 10".to_owned()));
        assert_eq!(thresholds(true).judge(answer), failed);
        let warned = (NodeStatus::Warn, Some("Got 12 results, configured to warn if > 2".to_owned()));
        assert_eq!(thresholds(false).judge(answer), warned);
    }

    #[test]
    fn what_reaches_no_threshold_passes_without_a_word() {
        let answer = Answer { failures: 1, should_warn: false, should_error: false };
        assert_eq!(thresholds(true).judge(answer), (NodeStatus::Pass, None));
        let one = Answer { failures: 1, should_warn: true, should_error: false };
        assert_eq!(thresholds(true).judge(one).1.unwrap(), "Got 1 result, configured to warn if > 2");
    }
}
