//! dbt's JSON files: `manifest.json` out (version 12) and in (versions 7 to 12), `run_results.json` in and out,
//! `sources.json` in.
//!
//! The only room that knows their shapes.

mod error;
mod lenient;
mod manifest_in;
mod manifest_out;
mod node_in;
mod node_out;
mod relation_name;
mod results_in;
mod run_results;

pub use error::Error;
pub use manifest_in::{parse_manifest, read_manifest};
#[cfg(test)]
pub(crate) use manifest_out::manifest_json;
pub use manifest_out::{write_compiled_manifest, write_manifest};
pub use node_out::node_json;
pub use results_in::{read_run_results, read_source_freshness};
pub use run_results::{RunInfo, run_results_json, write_run_results};

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file beside its place and moves it there, so that no reader ever sees half of it.
fn write_whole(path: &Path, value: &impl serde::Serialize) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let unfinished = path.with_extension("json.part");
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(&unfinished)?);
    serde_json::to_writer(&mut file, value)?;
    file.flush()?;
    fs::rename(&unfinished, path)
}
