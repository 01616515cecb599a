//! Which warnings are errors and which are not told: dbt's `--warn-error` and `--warn-error-options`, with its names.

use serde_json::Value as Json;

use crate::model::{Code, Diagnostic, Severity};

/// Warnings of one kind that are told when all are not asked for.
const TOLD: usize = 3;
/// dbt's name for all of its deprecations.
const DEPRECATIONS: &str = "Deprecations";

/// What is done with warnings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WarningRules {
    /// Names of events that are errors.
    pub error: Vec<String>,
    /// Whether all are, but those of `warn`.
    pub all_are_errors: bool,
    /// Names of events that stay warnings.
    pub warn: Vec<String>,
    /// Names of events that are not told.
    pub silence: Vec<String>,
    /// Whether every deprecation is told, not the first few of each kind.
    pub show_all_deprecations: bool,
}

impl WarningRules {
    /// Reads the value of `--warn-error-options`: `error`, `warn`, `silence`, or the older `include` and `exclude`.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn from_options(options: &Json) -> Result<Self, String> {
        let Json::Object(options) = options else { return Err("a mapping is expected".to_owned()) };
        let mut rules = Self::default();
        for (key, value) in options {
            match (key.as_str(), value) {
                ("error" | "include", Json::String(all)) if all == "all" || all == "*" => rules.all_are_errors = true,
                ("error" | "include", value) => rules.error = names(key, value)?,
                ("warn" | "exclude", value) => rules.warn = names(key, value)?,
                ("silence", value) => rules.silence = names(key, value)?,
                _ => return Err(format!("`{key}` is none of error, warn, silence")),
            }
        }
        Ok(rules)
    }

    /// The diagnostics as they are told.
    pub(super) fn apply(&self, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let judged = diagnostics.into_iter().filter_map(|diagnostic| self.judge(diagnostic)).collect();
        if self.show_all_deprecations { judged } else { folded(judged) }
    }

    fn judge(&self, diagnostic: Diagnostic) -> Option<Diagnostic> {
        if diagnostic.severity != Severity::Warning {
            return Some(diagnostic);
        }
        let named = |names: &[String]| {
            names.iter().any(|name| {
                diagnostic.code.event() == Some(name.as_str())
                    || (name == DEPRECATIONS && diagnostic.code.is_deprecation())
            })
        };
        let is_exempt = named(&self.warn);
        if named(&self.silence) {
            None
        } else if (self.all_are_errors && !is_exempt) || named(&self.error) {
            Some(Diagnostic { severity: Severity::Error, ..diagnostic })
        } else {
            Some(diagnostic)
        }
    }
}

fn names(key: &str, value: &Json) -> Result<Vec<String>, String> {
    let items = value.as_array().map(Vec::as_slice);
    let items = items.ok_or_else(|| format!("`{key}` takes a list of names of warnings, or `all` for errors"))?;
    Ok(items.iter().filter_map(Json::as_str).map(str::to_owned).collect())
}

/// The first few warnings of each kind of deprecation, and of how many more there are.
fn folded(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut counts: Vec<(Code, usize)> = Vec::new();
    let mut told = Vec::with_capacity(diagnostics.len());
    for diagnostic in diagnostics {
        if diagnostic.severity == Severity::Warning && diagnostic.code.is_deprecation() {
            let at = counts.iter().position(|(code, _)| *code == diagnostic.code).unwrap_or(counts.len());
            if at == counts.len() {
                counts.push((diagnostic.code, 0));
            }
            counts[at].1 += 1;
            if counts[at].1 > TOLD {
                continue;
            }
        }
        told.push(diagnostic);
    }
    told.extend(counts.into_iter().filter(|(_, count)| *count > TOLD).map(|(code, count)| {
        let event = code.event().unwrap_or_default();
        let plural = if count - TOLD == 1 { "" } else { "s" };
        let message = format!("{} more warning{plural} of the kind {event}", count - TOLD);
        let note = Diagnostic { severity: Severity::Note, ..Diagnostic::warning(code, message) };
        note.hint("pass `--show-all-deprecations` to see them")
    }));
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::WarningRules;
    use crate::model::{Code, Diagnostic, Severity};

    fn told(options: &serde_json::Value, codes: &[Code]) -> Vec<Severity> {
        let rules = WarningRules::from_options(options).unwrap();
        let given = codes.iter().map(|code| Diagnostic::warning(*code, "x")).collect();
        rules.apply(given).into_iter().map(|diagnostic| diagnostic.severity).collect()
    }

    #[test]
    fn warnings_become_errors_or_silence_by_dbts_names() {
        let codes = [Code::UnusedPatch, Code::DuplicateKey];
        assert_eq!(told(&json!({}), &codes), [Severity::Warning; 2]);
        assert_eq!(told(&json!({"error": ["NoNodeForYamlKey"]}), &codes), [Severity::Error, Severity::Warning]);
        assert_eq!(
            told(&json!({"error": "all", "warn": ["Deprecations"]}), &codes),
            [Severity::Error, Severity::Warning]
        );
        assert_eq!(told(&json!({"silence": ["Deprecations"]}), &codes), [Severity::Warning]);
        assert!(WarningRules::from_options(&json!({"eror": []})).is_err());
    }

    #[test]
    fn many_deprecations_are_told_by_the_first_few_and_their_number() {
        let severities = told(&json!({}), &[Code::DuplicateKey; 10]);
        assert_eq!(severities, [Severity::Warning, Severity::Warning, Severity::Warning, Severity::Note]);
    }
}
