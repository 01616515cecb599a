//! What a policy takes out of messages before anybody reads them: values of rows, and small counts.

use std::sync::Arc;

use crate::build::NodeResult;
use crate::config::{Policy, ShowValues};
use crate::model::{Event, Observer};
use crate::warehouse::{self, Warehouse};

/// What is taken out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hush {
    /// Values of rows, which a database quotes when it refuses them.
    values: bool,
    /// Counts below this.
    least: u64,
}

impl Hush {
    pub(super) fn of(policy: &Policy) -> Self {
        Self { values: policy.show_values != Some(ShowValues::All), least: policy.min_count }
    }

    /// For who has asked the database, who sees everything unless the policy says otherwise.
    pub(super) fn on_request(policy: &Policy) -> Self {
        let is_all = matches!(policy.show_values, None | Some(ShowValues::All));
        Self { values: !is_all, least: policy.min_count }
    }

    /// A warehouse whose messages may be told.
    pub(super) fn warehouse(&self, warehouse: Arc<dyn Warehouse>) -> Arc<dyn Warehouse> {
        if self.values { warehouse::without_values(warehouse) } else { warehouse }
    }

    /// A message as it may be told.
    fn message(self, message: &str) -> String {
        few_results(message, self.least).unwrap_or_else(|| message.to_owned())
    }

    /// A result with its message and its number of failing rows as they may be told.
    pub(super) fn result(self, result: &mut NodeResult) {
        result.message = result.message.take().map(|message| self.message(&message));
        let is_few = |failures: &i64| u64::try_from(*failures).is_ok_and(|rows| (1..self.least).contains(&rows));
        result.failures = result.failures.filter(|failures| !is_few(failures));
    }

    /// The observer, of messages as they may be told.
    pub(super) fn observer(self, observer: &Arc<dyn Observer>) -> Arc<dyn Observer> {
        if self.least > 1 {
            Arc::new(Hushed { hush: self, observer: Arc::clone(observer) })
        } else {
            Arc::clone(observer)
        }
    }
}

/// What a test says of failing rows when they are few: `Got 2 results, …` as `Got fewer than 5 results, …`.
fn few_results(message: &str, least: u64) -> Option<String> {
    let (number, rest) = message.strip_prefix("Got ")?.split_once(' ')?;
    let rest = rest.strip_prefix("results").or_else(|| rest.strip_prefix("result"))?;
    let number: u64 = number.parse().ok()?;
    (1..least).contains(&number).then(|| format!("Got fewer than {least} results{rest}"))
}

struct Hushed {
    hush: Hush,
    observer: Arc<dyn Observer>,
}

impl Observer for Hushed {
    fn observe(&self, event: &Event) {
        let mut event = event.clone();
        if let Event::NodeFinished { message: Some(message), .. } = &mut event {
            *message = self.hush.message(message);
        }
        self.observer.observe(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::few_results;

    #[test]
    fn few_failing_rows_are_told_as_few() {
        let told = few_results("Got 2 results, configured to fail if != 0", 5);
        assert_eq!(told.as_deref(), Some("Got fewer than 5 results, configured to fail if != 0"));
        let told = few_results("Got 1 result, configured to fail if != 0", 5);
        assert_eq!(told.as_deref(), Some("Got fewer than 5 results, configured to fail if != 0"));
        for other in ["Got 5 results, configured to fail if != 0", "Got nothing", "Gotten 1 result"] {
            assert_eq!(few_results(other, 5), None);
        }
    }
}
