//! `seed`: a CSV file as a table.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::build::Failure;
use crate::model::{Column, Detail, JsonMap};
use crate::warehouse::{ColumnSpec, SeedType};

use super::seed_csv::{self, Csv};
use super::seed_types::{canonical, infer, is_null};
use super::{Job, columns};

/// How many rows go to the engine in one call.
const BATCH: usize = 10_000;

/// Loads the file. A table whose columns are the file's is emptied first, as dbt does; anything else is made anew.
pub(super) async fn run(job: &Job<'_>) -> Result<Option<u64>, Failure> {
    let seed = read(job).await?;
    let reusable = job.has_table() && !job.full_refresh && seed.fits(&job.columns(job.relation).await?);
    if reusable {
        job.execute(&job.dialect.truncate(job.relation)).await?;
    } else {
        job.drop_existing().await?;
        job.execute_main(&job.dialect.create_table(job.relation, &seed.columns, &[])).await?;
    }
    let stored = job.columns(job.relation).await?;
    for rows in seed.rows.chunks(BATCH) {
        job.connection.load(job.relation, &stored, rows).await?;
    }
    Ok(u64::try_from(seed.rows.len()).ok())
}

/// A file ready to be loaded.
struct Seed {
    columns: Vec<ColumnSpec>,
    rows: Vec<Vec<Option<String>>>,
}

impl Seed {
    /// Whether a table has the file's columns by name and in order.
    fn fits(&self, stored: &[Column]) -> bool {
        let stored = columns::names(stored);
        let same = |(column, name): (&ColumnSpec, &String)| column.name.eq_ignore_ascii_case(name);
        stored.len() == self.columns.len() && self.columns.iter().zip(&stored).all(same)
    }
}

/// Reads and types the file, away from the threads that wait for the warehouse.
async fn read(job: &Job<'_>) -> Result<Seed, Failure> {
    let path = path(job)?;
    let delimiter = delimiter(job)?;
    let copied = job.dialect.seeds_are_copied();
    let seed_types = SeedTypes {
        declared: job.node.config.get("column_types").and_then(Json::as_object).cloned().unwrap_or_default(),
        quote: job.node.config.get("quote_columns").and_then(Json::as_bool).unwrap_or(true),
        names: [
            SeedType::Integer,
            SeedType::Number,
            SeedType::Boolean,
            SeedType::Date,
            SeedType::DateTime,
            SeedType::Text,
        ]
        .map(|seed| (seed, job.dialect.seed_type(seed))),
        keeps_text: copied,
    };
    let work = move || {
        let text = read_text(&path)?;
        let csv = seed_csv::read(&text, delimiter, copied).map_err(|error| (path, error.to_string()))?;
        Ok(seed_types.apply(csv))
    };
    let unique_id = job.node.unique_id.to_string();
    let read = tokio::task::spawn_blocking(work).await.map_err(|_| Failure::Worker { unique_id })?;
    read.map_err(|(path, why): (PathBuf, String)| job.invalid(format!("cannot load {}: {why}", path.display())))
}

fn read_text(path: &Path) -> Result<String, (PathBuf, String)> {
    let bytes = std::fs::read(path).map_err(|error| (path.to_owned(), error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| (path.to_owned(), "it is not UTF-8".to_owned()))
}

fn path(job: &Job<'_>) -> Result<PathBuf, Failure> {
    match &job.node.detail {
        Detail::Seed { root_path } => Ok(Path::new(root_path).join(&job.node.original_file_path)),
        _ => Err(job.invalid("it is not a seed")),
    }
}

fn delimiter(job: &Job<'_>) -> Result<char, Failure> {
    let written = job.node.config_str("delimiter").unwrap_or(",");
    let mut chars = written.chars();
    match (chars.next(), chars.next()) {
        (Some(delimiter), None) => Ok(delimiter),
        _ => Err(job.invalid(format!("delimiter must be one character, not {written:?}"))),
    }
}

/// How columns get their types.
struct SeedTypes {
    /// `column_types`.
    declared: JsonMap,
    quote: bool,
    names: [(SeedType, &'static str); 6],
    /// Text columns keep `null` and blanks; otherwise those are NULL.
    keeps_text: bool,
}

impl SeedTypes {
    fn apply(&self, csv: Csv) -> Seed {
        let kinds: Vec<_> = (0..csv.names.len())
            .map(|i| {
                let is_declared = self.declared.contains_key(&csv.names[i]);
                if is_declared { SeedType::Text } else { infer(&csv.rows.iter().map(|row| row[i].as_str())) }
            })
            .collect();
        let columns = csv.names.iter().zip(&kinds).map(|(name, kind)| self.column(name, *kind)).collect();
        let rows = csv
            .rows
            .into_iter()
            .map(|row| row.into_iter().zip(&kinds).map(|(text, kind)| self.value(text, *kind)).collect());
        Seed { columns, rows: rows.collect() }
    }

    fn column(&self, name: &str, kind: SeedType) -> ColumnSpec {
        let declared = self.declared.get(name).and_then(Json::as_str);
        let inferred = self.names.iter().find(|(seed, _)| *seed == kind).map_or("text", |(_, name)| name);
        ColumnSpec {
            name: name.to_owned(),
            data_type: declared.unwrap_or(inferred).to_owned(),
            quote: self.quote,
            constraints: Vec::new(),
        }
    }

    fn value(&self, text: String, kind: SeedType) -> Option<String> {
        match kind {
            SeedType::Text if self.keeps_text => Some(text).filter(|text| !text.is_empty()),
            SeedType::Text => Some(text).filter(|text| !is_null(text)),
            kind => canonical(&text, kind),
        }
    }
}
