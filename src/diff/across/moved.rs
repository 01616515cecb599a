//! How far distributions moved: bins from a sample of the baseline, counted by each engine in its own rows.

use super::super::drift::{self, Ends};
use super::super::outcome::{Method, TableDiff};
use super::{Failure, Work};
use crate::model::Change;

impl Work<'_, '_> {
    /// Measures it if that was asked for. `names` are those of the columns that both sides have.
    pub(super) async fn drift(&mut self, names: &[Change<String>], diff: &mut TableDiff) -> Result<(), Failure> {
        // Equal tables have equal distributions.
        if !self.options.drift || diff.method == Method::Checksum {
            return Ok(());
        }
        if self.recodes.baseline || self.recodes.current {
            let note = "how far distributions moved was not measured: a server keeps texts in another encoding than \
                        UTF-8, which may not have the characters of the other side's values";
            diff.notes.push(note.to_owned());
            return Ok(());
        }
        let sources = self.sources()?.map(|source| source.rows());
        let named = |name: &str| {
            let own = || Change { baseline: name.to_owned(), current: name.to_owned() };
            names.iter().find(|names| names.current == name).cloned().unwrap_or_else(own)
        };
        drift::add(&mut Ends::Two(&mut self.ends), &sources, named, &self.comparison.excluded, diff).await?;
        Ok(())
    }
}
