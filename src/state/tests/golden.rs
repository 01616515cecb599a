//! Goldens among the fixtures, for the tests of this room and of the rooms that build on it.

use serde_json::Value as Json;

use crate::artifacts;
use crate::model::Manifest;

/// A file of the fixtures.
pub(crate) fn json(path: &str) -> Json {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The manifest that a golden's JSON is.
pub(crate) fn read(json: &Json) -> Manifest {
    artifacts::parse_manifest(json.to_string().as_bytes(), "golden").unwrap()
}
