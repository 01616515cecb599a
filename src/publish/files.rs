//! The files by which a step talks to GitHub Actions: its summary and its outputs.

use std::io::Write;
use std::path::Path;

use super::Error;

/// GitHub takes no summary of a step above 1 MiB, and then shows none at all.
const SUMMARY_LIMIT: u64 = 1024 * 1024;

/// Appends Markdown to the job's summary. What would make it too long is left out as a whole, and that is said.
///
/// # Errors
/// When the file cannot be written.
pub fn step_summary(path: &Path, markdown: &str) -> Result<(), Error> {
    let before = std::fs::metadata(path).map_or(0, |file| file.len());
    if before + markdown.len() as u64 + 1 > SUMMARY_LIMIT {
        let note = "*slimdiff's report is too long for this summary; see the report file of this run.*\n";
        return if before + note.len() as u64 > SUMMARY_LIMIT { Ok(()) } else { append(path, note) };
    }
    append(path, &format!("{markdown}\n"))
}

/// Appends outputs of the step: names with their values, which may have several lines.
///
/// # Errors
/// When the file cannot be written.
pub fn outputs(path: &Path, outputs: &[(&str, String)]) -> Result<(), Error> {
    let blocks = outputs.iter().map(|(name, value)| {
        // A value cannot end its own block, since it cannot know the delimiter.
        let delimiter = format!("slimdiff_{}", uuid::Uuid::new_v4().simple());
        format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
    });
    append(path, &blocks.collect::<String>())
}

fn append(path: &Path, text: &str) -> Result<(), Error> {
    let error = |source| Error::Write { path: path.to_owned(), source };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(error)?;
    file.write_all(text.as_bytes()).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::{outputs, step_summary};

    #[test]
    fn a_summary_is_appended_unless_it_would_become_too_long() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("summary.md");
        step_summary(&path, "## one").unwrap();
        step_summary(&path, "## two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "## one\n## two\n");
        step_summary(&path, &"x".repeat(1024 * 1024)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("see the report file of this run.*\n") && text.len() < 200);
        let missing = dir.path().join("no/such/file");
        assert!(step_summary(&missing, "x").unwrap_err().to_string().contains("no/such/file"));
    }

    #[test]
    fn outputs_hold_any_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        outputs(&path, &[("verdict", "clean".into()), ("report", "a\nverdict=hacked\nEOF".into())]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let delimiter = lines[0].strip_prefix("verdict<<").unwrap();
        assert_eq!(&lines[1..3], ["clean", delimiter]);
        assert_eq!(lines[3].split("<<").next(), Some("report"));
        assert_eq!(lines.last(), lines[3].split("<<").nth(1).as_ref());
    }
}
