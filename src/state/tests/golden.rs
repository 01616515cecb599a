//! Goldens among the fixtures, for the tests of this room and of the rooms that build on it.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::artifacts;
use crate::model::Manifest;

/// A file of the fixtures.
pub(crate) fn json(path: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The manifest that a golden's JSON is.
pub(crate) fn read(json: &Json) -> Manifest {
    artifacts::parse_manifest(json.to_string().as_bytes(), "golden").unwrap()
}

/// Copies all files of a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file())
    {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(entry.path(), target).unwrap();
    }
}
