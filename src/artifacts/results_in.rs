//! What earlier runs left behind: `run_results.json` (versions 4 to 6) and `sources.json` (version 3), of which
//! selectors read who had which status, and how new each source was.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::model::NodeId;

#[derive(Deserialize)]
struct Head {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    dbt_schema_version: String,
}

#[derive(Deserialize)]
struct Results<R> {
    results: Vec<R>,
}

#[derive(Deserialize)]
struct RunResult {
    unique_id: NodeId,
    status: String,
}

#[derive(Deserialize)]
struct Freshness {
    unique_id: NodeId,
    /// Missing where the check itself failed.
    max_loaded_at: Option<String>,
}

/// The status of each node in the run whose `run_results.json` this is; none when there is no such file.
///
/// # Errors
/// The file cannot be read, or is something else.
pub fn read_run_results(path: &Path) -> Result<Option<HashMap<NodeId, String>>, Error> {
    let Some(results) = read::<RunResult>(path, "run-results", &["v4", "v5", "v6"])? else { return Ok(None) };
    Ok(Some(results.into_iter().map(|result| (result.unique_id, result.status)).collect()))
}

/// When the newest row of each source was loaded, of the sources that the check could read whose `sources.json` this
/// is; none when there is no such file.
///
/// # Errors
/// The file cannot be read, or is something else.
pub fn read_source_freshness(path: &Path) -> Result<Option<HashMap<NodeId, DateTime<Utc>>>, Error> {
    let Some(results) = read::<Freshness>(path, "sources", &["v3"])? else { return Ok(None) };
    let loaded = results.into_iter().filter_map(|result| Some((result.unique_id, result.max_loaded_at?)));
    let moments = loaded.map(|(id, text)| match moment(&text) {
        Some(moment) => Ok((id, moment)),
        None => Err(unusable(path, "sources", format!("max_loaded_at of {id} is no time: {text}"))),
    });
    moments.collect::<Result<_, _>>().map(Some)
}

/// A time as ISO 8601 has it; one without a zone is taken for UTC.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc());
    zoned.or_else(|_| text.parse::<NaiveDateTime>().map(|moment| moment.and_utc())).ok()
}

fn read<R: DeserializeOwned>(path: &Path, kind: &'static str, versions: &[&str]) -> Result<Option<Vec<R>>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    let wrong = |source: serde_json::Error| match source.classify() {
        serde_json::error::Category::Data => unusable(path, kind, source.to_string()),
        _ => Error::NotJson { name: path.display().to_string(), source },
    };
    let head: Head = serde_json::from_slice(&text).map_err(wrong)?;
    let schema = &head.metadata.dbt_schema_version;
    if !versions.iter().any(|version| schema.ends_with(&format!("/{kind}/{version}.json"))) {
        return Err(unusable(path, kind, format!("its schema version is {schema}")));
    }
    let whole: Results<R> = serde_json::from_slice(&text).map_err(wrong)?;
    Ok(Some(whole.results))
}

fn unusable(path: &Path, kind: &'static str, why: String) -> Error {
    Error::NotResults { name: path.display().to_string(), kind, why }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{read_run_results, read_source_freshness};

    fn file(dir: &tempfile::TempDir, text: &str) -> std::path::PathBuf {
        let path = dir.path().join("file.json");
        fs::write(&path, text).unwrap();
        path
    }

    fn artifact(kind: &str, results: &str) -> String {
        let schema = format!("https://schemas.getdbt.com/dbt/{kind}.json");
        format!(r#"{{"metadata": {{"dbt_schema_version": "{schema}", "env": {{}}}}, "results": {results}}}"#)
    }

    #[test]
    fn statuses_are_read_by_node() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_run_results(&dir.path().join("none.json")).unwrap(), None);
        let row = r#"[{"unique_id": "model.shop.a", "status": "no-op", "timing": []}]"#;
        let read = read_run_results(&file(&dir, &artifact("run-results/v5", row))).unwrap().unwrap();
        assert_eq!(read["model.shop.a"], "no-op");
    }

    #[test]
    fn files_of_another_kind_are_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("{", "is not JSON"),
            ("{}", "missing field `metadata`"),
            (
                artifact("run-results/v3", "[]").as_str(),
                "its schema version is https://schemas.getdbt.com/dbt/run-results/v3.json",
            ),
            (artifact("sources/v3", "[]").as_str(), "its schema version is"),
            (artifact("run-results/v6", "[{}]").as_str(), "missing field `unique_id`"),
        ] {
            let message = read_run_results(&file(&dir, text)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn sources_that_could_not_be_read_have_no_time_and_zones_are_equal() {
        let dir = tempfile::tempdir().unwrap();
        let rows = r#"[
            {"unique_id": "source.a", "max_loaded_at": "2024-01-01T02:00:00+02:00", "status": "pass"},
            {"unique_id": "source.b", "max_loaded_at": "2024-01-01T00:00:00Z", "status": "warn"},
            {"unique_id": "source.c", "max_loaded_at": "2024-01-01T00:00:00.5", "status": "warn"},
            {"unique_id": "source.d", "error": "no such table", "status": "runtime error"}
        ]"#;
        let read = read_source_freshness(&file(&dir, &artifact("sources/v3", rows))).unwrap().unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(read["source.a"], read["source.b"]);
        assert!(read["source.c"] > read["source.b"]);
    }
}
