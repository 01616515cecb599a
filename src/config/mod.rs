//! `slimdiff.yml`: what the project's team decided about pull requests. Flags win over it; it wins over the defaults.

mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use rules::{ColumnRules, ModelRules, OfModel, Origin, RuleError, Rules, Thresholds};

/// The name of the file, beside dbt_project.yml.
pub const FILE: &str = "slimdiff.yml";

/// What slimdiff.yml says. Unknown keys are errors, so that a misspelt one is not silently ignored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Template of the throw-away schema's name; `{number}` is the pull request's (the branch's name where there is
    /// none, as on a laptop), `{branch}` the branch's name.
    pub schema: String,
    /// `manifest:PATH`, `manifest:URL`, `artifact:NAME`, `git:REV` or `merge-base`.
    pub baseline: Option<String>,
    /// The revision that changes are counted from when the baseline is a manifest; `none` for the manifest itself.
    pub merge_base: Option<String>,
    /// The selector of what is checked.
    pub select: Vec<String>,
    /// The selector of what is left out.
    pub exclude: Vec<String>,
    /// What counts as a finding, and what may be shown.
    pub policy: Policy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schema: "pr_{number}".to_owned(),
            baseline: None,
            merge_base: None,
            select: Vec::new(),
            exclude: Vec::new(),
            policy: Policy::default(),
        }
    }
}

/// What counts as a finding, and what may be shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// A column whose share of NULLs rises by more than this (0 to 1) is a finding; none: never.
    pub null_rate_increase: Option<f64>,
    /// How many rows a table's diff shows as examples; 0 shows none.
    pub samples: usize,
    /// Columns whose values may be shown, by name, in every table; not said: none in what `ci` publishes, all in
    /// `diff`, whose reader asked the database.
    pub show_values: Option<ShowValues>,
    /// Columns whose values are never shown, by name, in every table, nor numbers from which one follows.
    pub mask: Vec<String>,
    /// Counts of rows below this, other than 0, are told as being below it.
    pub min_count: u64,
    /// Whether what each column holds is told beside what changed: extremes, mean, distinct values; else only its NULLs.
    pub profile: bool,
    /// Whether it is measured how far distributions moved; it is as well when one of the next three is set.
    pub drift: bool,
    /// A column whose population stability index is above this is a finding; none: never.
    pub psi: Option<f64>,
    /// The same of the Kolmogorov–Smirnov statistic (0 to 1) of continuous columns.
    pub ks: Option<f64>,
    /// The same of the Jensen–Shannon distance (0 to 1) of categorical columns.
    pub js: Option<f64>,
    /// A column whose number of distinct values changed by more than this share (0.5 is by half) is a finding.
    pub distinct_change: Option<f64>,
    /// How columns that change by themselves are found.
    pub noise: Noise,
    /// Whether rows that only the newer of two relations can have are left out.
    pub align: Align,
    /// What holds for single models, by name or unique id.
    pub models: BTreeMap<String, ModelRules>,
    /// Build and compare also what lies below a failed test, instead of skipping it as dbt's `build` does.
    pub build_below_failed_tests: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            null_rate_increase: Some(0.05),
            samples: 5,
            show_values: None,
            mask: Vec::new(),
            min_count: 0,
            profile: true,
            drift: false,
            psi: None,
            ks: None,
            js: None,
            distinct_change: None,
            noise: Noise::Sql,
            align: Align::None,
            models: BTreeMap::new(),
            build_below_failed_tests: false,
        }
    }
}

impl Policy {
    /// The keys of a value out of range, with what is wrong with it.
    fn validate(&self) -> Result<(), (Vec<String>, String)> {
        self.thresholds()
            .validate()
            .map_err(|(name, message)| (vec![name.to_owned()], format!("policy.{name} {message}")))?;
        if matches!(self.min_count, 1 | 2) {
            let message = format!(
                "policy.min_count is 0 (every count is told) or at least 3, not {}: a count below 2 that is not 0 is 1",
                self.min_count
            );
            return Err((vec!["min_count".to_owned()], message));
        }
        for (name, rules) in &self.models {
            rules.validate().map_err(|(keys, message)| {
                let place = [vec!["models".to_owned(), name.clone()], keys].concat();
                (place, format!("policy.models.{name}: {message}"))
            })?;
        }
        Ok(())
    }
}

/// Which rows are compared of relations of different age, by the column that dbt's configuration `event_time` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// All.
    #[default]
    None,
    /// Those that are no newer than what both sides have: production was built hours ago.
    EventTime,
    /// Those that are also no older: the pull request's build is limited to a few days.
    EventTimeWindow,
}

/// How columns that change by themselves are found, whose values are then not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// Not at all: every column is compared.
    None,
    /// By reading the compiled SQL.
    #[default]
    Sql,
    /// By reading the compiled SQL, and by building everything a second time and comparing the two builds.
    BuildTwice,
}

/// Columns whose values may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShowValues {
    /// Every column's.
    All,
    /// No column's.
    None,
    /// These columns', by name.
    Columns(Vec<String>),
}

impl<'de> Deserialize<'de> for ShowValues {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |what: &serde_json::Value| {
            serde::de::Error::custom(format!("policy.show_values is `all`, `none` or a list of columns, not {what}"))
        };
        let value = serde_json::Value::deserialize(deserializer)?;
        match &value {
            serde_json::Value::String(word) if word == "all" => Ok(Self::All),
            serde_json::Value::String(word) if word == "none" => Ok(Self::None),
            serde_json::Value::Array(items) => {
                let names: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                names.map(Self::Columns).ok_or_else(|| wrong(&value))
            }
            _ => Err(wrong(&value)),
        }
    }
}

/// What can be wrong with slimdiff.yml.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says something that makes no sense.
    #[error("{}{}: {message}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, when it is known.
        line: Option<u32>,
        /// The keys below which it stands, from the top of the file.
        keys: Vec<String>,
        /// What is wrong with it.
        message: String,
    },
}

impl Settings {
    /// Reads `slimdiff.yml` of a project; the defaults when there is none.
    ///
    /// # Errors
    /// When the file is not readable, not YAML, or has unknown keys or values out of range.
    pub fn load(
        project_dir: &Path,
        parse_yaml: impl Fn(&str) -> Result<serde_json::Value, String>,
    ) -> Result<Self, Error> {
        let path = project_dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let invalid = |(keys, message)| Error::Invalid { path: path.clone(), line: None, keys, message };
        let json = parse_yaml(&text).map_err(|message| invalid((Vec::new(), message)))?;
        if json.is_null() {
            return Ok(Self::default());
        }
        let settings: Self = rules::read(&json).map_err(invalid)?;
        settings.validate().map_err(invalid)?;
        Ok(settings)
    }

    fn validate(&self) -> Result<(), (Vec<String>, String)> {
        self.policy.validate().map_err(|(keys, message)| ([vec!["policy".to_owned()], keys].concat(), message))?;
        let named = schema_name(&self.schema, Some(0), Some("branch"));
        named.map(|_| ()).map_err(|message| (vec!["schema".to_owned()], message))
    }
}

/// Fills the template of the throw-away schema's name. Characters that a schema's name should not have become `_`.
/// Without a pull request `{number}` is the branch, and `local` where there is none either.
///
/// # Errors
/// When the template has an unknown placeholder.
pub fn schema_name(template: &str, number: Option<u64>, branch: Option<&str>) -> Result<String, String> {
    let mut name = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (placeholder, after) =
            after.split_once('}').ok_or_else(|| format!("schema: `{template}` has a `{{` without its `}}`"))?;
        name.push_str(before);
        match placeholder {
            "number" => match number {
                Some(number) => name.push_str(&number.to_string()),
                None => name.push_str(branch.unwrap_or("local")),
            },
            "branch" => name.push_str(branch.unwrap_or("local")),
            other => return Err(format!("schema: `{{{other}}}` is not a placeholder; use {{number}} or {{branch}}")),
        }
        rest = after;
    }
    name.push_str(rest);
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '_' })
        .collect();
    if name.is_empty() { Err("schema: the name is empty".to_owned()) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::{Error, Settings, ShowValues, schema_name};

    #[test]
    fn the_template_is_filled_and_made_safe() {
        assert_eq!(schema_name("pr_{number}", Some(42), None).unwrap(), "pr_42");
        assert_eq!(schema_name("ci_{branch}", None, Some("Feature/Ünï-1")).unwrap(), "ci_feature__n__1");
        assert_eq!(schema_name("pr_{number}", None, Some("fix/totals")).unwrap(), "pr_fix_totals");
        assert_eq!(schema_name("pr_{number}", None, None).unwrap(), "pr_local");
        assert!(schema_name("pr_{nmber}", Some(1), None).unwrap_err().contains("not a placeholder"));
        assert!(schema_name("pr_{number", Some(1), None).unwrap_err().contains("without its"));
    }

    #[test]
    fn unknown_keys_and_impossible_shares_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let load = |json: serde_json::Value| {
            std::fs::write(dir.path().join(super::FILE), "x").unwrap();
            Settings::load(dir.path(), |_| Ok(json.clone()))
        };
        assert!(load(serde_json::json!({"polcy": {}})).unwrap_err().to_string().contains("polcy"));
        assert!(load(serde_json::json!({"policy": {"null_rate_increase": 5}})).is_err());
        assert!(load(serde_json::json!({"policy": {"psi": -1}})).unwrap_err().to_string().contains("policy.psi"));
        assert!(load(serde_json::json!({"policy": {"ks": 2}})).is_err());
        assert_eq!(load(serde_json::json!({"policy": {"samples": 2}})).unwrap().policy.samples, 2);
        for (json, place) in [
            (serde_json::json!({"policy": {"samples": 1, "noise": "twice"}}), "policy/noise"),
            (serde_json::json!({"policy": {"models": {"a": {"psi": 1}, "b": {"psii": 1}}}}), "policy/models/b/psii"),
            (
                serde_json::json!({"policy": {"models": {"b": {"columns": {"c": {"ks": 2}}}}}}),
                "policy/models/b/columns/c/ks",
            ),
        ] {
            let Err(Error::Invalid { keys, message, .. }) = load(json) else { unreachable!() };
            assert_eq!(keys.join("/"), place, "{message}");
        }
    }

    #[test]
    fn values_are_shown_of_all_columns_of_none_or_of_those_named() {
        let dir = tempfile::tempdir().unwrap();
        let load = |value: serde_json::Value| {
            std::fs::write(dir.path().join(super::FILE), "x").unwrap();
            let settings =
                Settings::load(dir.path(), |_| Ok(serde_json::json!({"policy": {"show_values": value.clone()}})));
            settings.map(|settings| settings.policy.show_values)
        };
        assert_eq!(Settings::default().policy.show_values, None);
        assert_eq!(load("all".into()).unwrap(), Some(ShowValues::All));
        assert_eq!(load("none".into()).unwrap(), Some(ShowValues::None));
        assert_eq!(load(serde_json::json!(["id"])).unwrap(), Some(ShowValues::Columns(vec!["id".into()])));
        for wrong in [serde_json::json!("some"), serde_json::json!(true), serde_json::json!([1])] {
            assert!(load(wrong).unwrap_err().to_string().contains("a list of columns"));
        }
    }
}
