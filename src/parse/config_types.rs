//! What configurations hold, as a table: a value of another type is refused, as dbt refuses it; a name that is nearly
//! one of the table's is told.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::{FastHash, JsonMap, ResourceType, nearest};

/// What a configuration holds.
#[derive(Clone, Copy)]
enum Holds {
    Bool,
    /// `true`, `false` or nothing.
    MaybeBool,
    Text,
    /// Text or nothing.
    MaybeText,
    /// A whole number or nothing.
    MaybeNumber,
    Mapping,
    /// A text or a list of texts.
    Texts,
    /// A text, a list of texts, or nothing.
    MaybeTexts,
    OneOf(&'static [&'static str]),
    /// Whatever its engine says.
    Any,
}

use Holds::{Any, Bool, Mapping, MaybeBool, MaybeNumber, MaybeText, MaybeTexts, OneOf, Text, Texts};

const CONFIGS: [(&str, Holds); 80] = [
    ("enabled", Bool),
    ("materialized", Text),
    ("tags", Texts),
    ("meta", Mapping),
    ("alias", MaybeText),
    ("schema", MaybeText),
    ("database", MaybeText),
    ("group", MaybeText),
    ("access", OneOf(&["private", "protected", "public"])),
    ("docs", Mapping),
    ("contract", Mapping),
    ("full_refresh", MaybeBool),
    ("unique_key", MaybeTexts),
    ("incremental_strategy", MaybeText),
    ("incremental_predicates", Any),
    ("on_schema_change", MaybeText),
    ("on_configuration_change", OneOf(&["apply", "continue", "fail"])),
    ("grants", Mapping),
    ("packages", Any),
    ("persist_docs", Mapping),
    ("column_types", Mapping),
    ("quoting", Mapping),
    ("event_time", Any),
    ("batch_size", Any),
    ("lookback", Any),
    ("begin", Any),
    ("concurrent_batches", Any),
    ("pre-hook", Any),
    ("post-hook", Any),
    ("pre_hook", Any),
    ("post_hook", Any),
    ("sql_header", Any),
    ("freshness", Any),
    ("loaded_at_field", Any),
    ("loaded_at_query", Any),
    ("static_analysis", Any),
    ("severity", OneOf(&["error", "warn"])),
    ("where", MaybeText),
    ("limit", MaybeNumber),
    ("fail_calc", Text),
    ("warn_if", Text),
    ("error_if", Text),
    ("store_failures", MaybeBool),
    ("store_failures_as", MaybeText),
    ("strategy", MaybeText),
    ("updated_at", MaybeText),
    ("check_cols", MaybeTexts),
    ("target_schema", MaybeText),
    ("target_database", MaybeText),
    ("invalidate_hard_deletes", MaybeBool),
    ("hard_deletes", MaybeText),
    ("dbt_valid_to_current", Any),
    ("snapshot_meta_column_names", Mapping),
    ("delimiter", Text),
    ("quote_columns", MaybeBool),
    ("indexes", Any),
    ("unlogged", Any),
    ("partition_by", Any),
    ("cluster_by", Any),
    ("file_format", Any),
    ("location_root", Any),
    ("transient", Any),
    ("copy_grants", Any),
    ("query_tag", Any),
    ("snowflake_warehouse", Any),
    ("labels", Any),
    ("hours_to_expiration", Any),
    ("require_partition_filter", Any),
    ("dist", Any),
    ("sort", Any),
    ("sort_type", Any),
    ("bind", Any),
    ("tblproperties", Any),
    ("merge_update_columns", Any),
    ("merge_exclude_columns", Any),
    ("python_version", Any),
    ("submission_method", Any),
    ("location", Any),
    ("external_location", Any),
    ("options", Any),
];

/// Where each stands in the table: every node's configuration is looked at.
static PLACES: LazyLock<HashMap<&'static str, usize, FastHash>> =
    LazyLock::new(|| CONFIGS.iter().enumerate().map(|(place, (key, _))| (*key, place)).collect());

/// Whether it is a configuration that dbt or one of its engines reads.
pub(super) fn is_known(key: &str) -> bool {
    PLACES.contains_key(key)
}

/// The configuration that was probably meant by one that is not known.
pub(super) fn meant_by(key: &str) -> Option<&'static str> {
    // Short names of a project's own are too often near something.
    let near = || nearest(key, CONFIGS.iter().map(|(known, _)| *known));
    if is_known(key) || key.chars().count() < 5 { None } else { near() }
}

/// The first value that is not of its configuration's type, and why: `takes a mapping, not "x"`.
pub(super) fn wrong(config: &JsonMap, kind: ResourceType) -> Option<(&'static str, String)> {
    let known = config.iter().filter_map(|(key, value)| PLACES.get(key.as_str()).map(|place| (*place, value)));
    let refused = known.filter_map(|(place, value)| {
        let (key, holds) = CONFIGS[place];
        // Severities are written in any case; other kinds may use the word for something of their own.
        if key == "severity" && kind != ResourceType::Test {
            return None;
        }
        wanted(holds, value).map(|wanted| (place, wanted, value))
    });
    let (place, wanted, value) = refused.min_by_key(|(place, ..)| *place)?;
    Some((CONFIGS[place].0, format!("takes {wanted}, not {}", shown(value))))
}

/// What should stand in place of `value`; none when it fits.
fn wanted(holds: Holds, value: &Json) -> Option<String> {
    let texts = |value: &Json| match value {
        Json::String(_) => true,
        Json::Array(items) => items.iter().all(Json::is_string),
        _ => false,
    };
    let (fits, wanted) = match holds {
        Any => (true, ""),
        Bool => (value.is_boolean(), "`true` or `false`"),
        MaybeBool => (value.is_boolean() || value.is_null(), "`true` or `false`"),
        Text => (value.is_string(), "text"),
        MaybeText => (value.is_string() || value.is_null(), "text"),
        MaybeNumber => (value.is_i64() || value.is_u64() || value.is_null(), "a whole number"),
        Mapping => (value.is_object(), "a mapping"),
        Texts => (texts(value), "text or a list of texts"),
        MaybeTexts => (texts(value) || value.is_null(), "text or a list of texts"),
        OneOf(words) => {
            let fits = value.as_str().is_some_and(|text| words.contains(&text.to_ascii_lowercase().as_str()));
            return (!fits).then(|| format!("one of {}", words.join(", ")));
        }
    };
    (!fits).then(|| wanted.to_owned())
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => "nothing (an undefined name becomes nothing)".to_owned(),
        Json::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{meant_by, wrong};
    use crate::model::ResourceType;

    fn complaint(config: &Json) -> Option<String> {
        let Json::Object(config) = config else { panic!("a mapping") };
        wrong(config, ResourceType::Test).map(|(key, why)| format!("{key} {why}"))
    }

    #[test]
    fn a_value_of_another_type_is_told() {
        assert_eq!(complaint(&json!({"enabled": "maybe"})).unwrap(), "enabled takes `true` or `false`, not `maybe`");
        assert_eq!(
            complaint(&json!({"tags": {"a": 1}})).unwrap(),
            "tags takes text or a list of texts, not `{\"a\":1}`"
        );
        assert_eq!(complaint(&json!({"severity": "ERROR", "unique_key": ["a"], "limit": 3, "own": {}})), None);
    }

    #[test]
    fn names_of_a_projects_own_are_let_be_unless_they_are_nearly_known() {
        assert_eq!(meant_by("materialised"), Some("materialized"));
        assert_eq!(meant_by("feature_owner"), None);
    }
}
