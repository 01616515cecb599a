//! Sources of dbt-duckdb that are files: `external_location` in their `meta` or configuration stands for the relation.

use serde_json::Value as Json;

use crate::model::{JsonMap, Quoting, Relation};

/// What stands for the table in SQL: a quoted path, or the call that reads it. `name` is the table's own.
pub(super) fn relation(name: &str, place: &Relation, meta: &JsonMap, config: &JsonMap) -> Option<Relation> {
    let setting = |key: &str| meta.get(key).or_else(|| config.get(key)).and_then(Json::as_str);
    let location = filled(setting("external_location")?, setting("formatter").unwrap_or("newstyle"), name, place);
    let is_complete = location.contains('(') || location.starts_with('\'');
    Some(Relation {
        database: None,
        schema: None,
        identifier: Some(if is_complete { location } else { format!("'{location}'") }),
        kind: None,
        quoting: Quoting { database: false, schema: false, identifier: false, ..place.quoting },
    })
}

/// The location with the table's name in it, in one of Python's three ways of writing a place for it.
fn filled(location: &str, formatter: &str, name: &str, place: &Relation) -> String {
    let database = place.database.as_deref().unwrap_or_default();
    let values =
        [("name", name), ("identifier", place.name()), ("schema", place.schema_name()), ("database", database)];
    values.iter().fold(location.to_owned(), |text, (key, value)| match formatter {
        "oldstyle" => text.replace(&format!("%({key})s"), value),
        "template" => text.replace(&format!("${{{key}}}"), value).replace(&format!("${key}"), value),
        _ => text.replace(&format!("{{{key}}}"), value),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::relation;
    use crate::model::Relation;

    // What dbt-duckdb 1.11 shows for the same sources.
    #[test]
    fn locations_are_filled_in_and_quoted_unless_they_are_calls() {
        let place = Relation::new(Some("db"), "s", "tt");
        let shown = |location: &str, formatter: &str| {
            let meta = json!({"external_location": location, "formatter": formatter});
            relation("t", &place, meta.as_object().unwrap(), &serde_json::Map::new()).unwrap().to_string()
        };
        assert_eq!(shown("data/{name}.parquet", "newstyle"), "'data/t.parquet'");
        assert_eq!(shown("read_csv('x/{identifier}_{schema}.csv')", "newstyle"), "read_csv('x/tt_s.csv')");
        assert_eq!(shown("'already'", "newstyle"), "'already'");
        assert_eq!(shown("data/%(name)s.parquet", "oldstyle"), "'data/t.parquet'");
        assert_eq!(shown("data/${name}.parquet", "template"), "'data/t.parquet'");
    }
}
