//! The report for a terminal: aligned tables, readable without colour.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::counts::{changed_words, figures, null_share};
use super::distributions::{HEADER, moved};
use super::document::{ModelReport, ModelState, Report, Verdict};
use super::impact;
use super::phrases::{
    ManyColumns, coverage, data_words, drift_words, evidence, finding_counts, gaps, headline, is_bad, knows_nulls,
    method, name, no_data_changes, order, reach_counts, result, summary, telling, told, unsaid_keys,
};
use super::values;
use super::words::{brief, duration, list, plural, size};
use crate::diff::{SampleKind, TableDiff};
use crate::impact::Impact;
use crate::model::{Change, NodeStatus, Severity, Value};

/// How many columns of a table's diff are shown.
const COLUMNS: usize = 15;

/// The longest value that is shown whole, in characters.
const VALUE: usize = 60;

/// How many reached nodes are shown.
const REACHED: usize = 20;

/// A rule above, one below the header and one at the end; nothing between rows.
const RULED: TableStyle = {
    let rule = LineStyle::none().fill('─').junction('─');
    TableStyle::new().top_border(rule).header_separator(rule).bottom_border(rule)
};

/// The report as text of at most `width` columns, with ANSI colours if asked for.
pub fn terminal(report: &Report, width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let mut parts = vec![page.verdict(report), page.findings(report), summary(report).join(" · ")];
    parts.extend(no_data_changes(report));
    parts.push(page.models(report));
    parts.extend(order(report).into_iter().filter_map(|model| page.details(model)));
    parts.push(page.tests(report));
    if let Some(impact) = &report.impact {
        parts.push(page.titled("What the changes do", &page.changes(impact)));
    }
    parts.push(page.downstream(report));
    parts.extend(report.impact.as_ref().map(|impact| page.titled("What they reach", &page.reached(impact, REACHED))));
    parts.push(last_lines(report));
    let mut text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

/// One comparison as text of at most `width` columns, with ANSI colours if asked for.
pub fn table_terminal(diff: &TableDiff, width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let mut text = page.table_diff(&name(diff), diff);
    text.push('\n');
    text
}

/// An aligned table of at most `width` columns; `numbers` are the columns that are set to the right.
pub fn aligned(header: &[&str], rows: Vec<Vec<String>>, numbers: &[usize], width: usize) -> String {
    Page::new(width, false).table(header, rows, numbers)
}

/// What is drawn on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    width: u16,
    color: bool,
}

/// Colours, where they are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ink {
    Red,
    Green,
    Yellow,
    Bold,
}

impl Page {
    /// At most `width` columns, within reason.
    pub(super) fn new(width: usize, color: bool) -> Self {
        Self { width: u16::try_from(width.clamp(40, 400)).unwrap_or(u16::MAX), color }
    }

    pub(super) fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Red => "1;31",
            Ink::Green => "1;32",
            Ink::Yellow => "1;33",
            Ink::Bold => "1",
        };
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn titled(self, title: &str, text: &str) -> String {
        if text.is_empty() { String::new() } else { format!("{}\n{text}", self.paint(Ink::Bold, title)) }
    }

    fn verdict(self, report: &Report) -> String {
        let (ink, words) = match report.verdict {
            Verdict::Findings => (Ink::Red, finding_counts(report)),
            Verdict::Clean => (Ink::Green, finding_counts(report)),
            Verdict::Incomplete => (Ink::Yellow, format!("incomplete, {}", gaps(report))),
        };
        self.paint(ink, &plain(&format!("{}: {words}", report.project)))
    }

    fn findings(self, report: &Report) -> String {
        let told = told(&report.findings);
        let lines = told.iter().map(|told| {
            let (ink, word) = match told.first.severity {
                Severity::Error => (Ink::Red, "  finding  "),
                Severity::Warning => (Ink::Yellow, "  warning  "),
                Severity::Note => (Ink::Bold, "  note     "),
            };
            let text = if let Some(ManyColumns { model, said, columns }) = &told.columns {
                let listed: Vec<String> = columns.iter().map(|(name, alone)| format!("{name}{alone}")).collect();
                format!("{model}: {} columns, each of which {said}: {}", columns.len(), listed.join(", "))
            } else {
                let subject = told.first.subject.as_ref().map(|subject| format!("{subject} "));
                format!("{}{}", subject.unwrap_or_default(), told.first.text)
            };
            format!("{}{}", self.paint(ink, word), plain(&text))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// An aligned table; `numbers` are the columns that are set to the right.
    pub(super) fn table(
        self,
        header: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
        numbers: &[usize],
    ) -> String {
        let mut table = Table::new();
        table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic).set_width(self.width);
        table.set_header(header.iter().map(|cell| (*cell).to_owned()));
        for row in rows {
            table.add_row(row.iter().map(|cell| plain(cell)));
        }
        for column in
            table.column_iter_mut().enumerate().filter(|(at, _)| numbers.contains(at)).map(|(_, column)| column)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    fn models(self, report: &Report) -> String {
        if report.models.is_empty() && report.removed.is_empty() {
            return String::new();
        }
        let models = order(report).into_iter().map(|model| {
            let mut row = vec![
                model.name.clone(),
                why(model),
                result(model).replace(['❌', '⚠', '\u{fe0f}'], "").trim().to_owned(),
            ];
            row.extend(model.diff.as_ref().map(figures).unwrap_or_default());
            row
        });
        let removed = report.removed.iter().map(|id| {
            let mut row = vec![id.short().to_owned(), "removed in the pull request".to_owned(), "gone".to_owned()];
            row.resize(7, String::new());
            row
        });
        let header = ["Model", "Why", "Result", "Rows", "Added", "Removed", "Changed"];
        self.table(&header, models.chain(removed), &[3, 4, 5, 6])
    }

    fn details(self, model: &ModelReport) -> Option<String> {
        let failed = model.build.as_ref().filter(|build| build.status == NodeStatus::Error);
        if let Some(message) = failed.and_then(|build| build.message.as_deref()) {
            let title = self.paint(Ink::Bold, &plain(&format!("{} could not be built", model.name)));
            let message = message
                .trim()
                .lines()
                .map(|line| format!("  {}", plain(line)).trim_end().to_owned())
                .collect::<Vec<_>>();
            return Some(format!("{title}\n{}", message.join("\n")));
        }
        // What was left out of an equal table's comparison, and what else there is to know of it, must be seen.
        let is_plain = |diff: &TableDiff| diff.is_equal() && diff.notes.is_empty() && diff.excluded.is_empty();
        let diff = model.diff.as_ref().filter(|diff| !is_plain(diff))?;
        Some(self.table_diff(&model.name, diff))
    }

    fn table_diff(self, name: &str, diff: &TableDiff) -> String {
        let title = self.paint(Ink::Bold, &plain(&format!("{name}: {}", headline(diff))));
        let mut parts = vec![format!("{title}\n{}", plain(&method(diff)))];
        parts.extend(unsaid_keys(diff).map(|key| plain(&format!("Not used as a key: {}.", key.reason))));
        let excluded = diff.excluded.iter();
        parts.extend(excluded.map(|(column, why)| plain(&format!("Values of {column} not compared: {why}."))));
        parts.extend(diff.notes.iter().map(|note| plain(&format!("{note}."))));
        parts.extend(evidence(diff).iter().map(|said| plain(said)));
        parts.extend(self.columns(diff));
        parts.extend(self.distributions(diff));
        parts.extend(self.samples(diff));
        parts.join("\n")
    }

    fn columns(self, diff: &TableDiff) -> Option<String> {
        let telling = telling(diff);
        if telling.is_empty() {
            return None;
        }
        let rows = telling.iter().take(COLUMNS).map(|column| {
            let nulls = null_share(diff, column);
            let data_type = match (&column.data_type.baseline, &column.data_type.current) {
                (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
                (Some(before), None) if diff.is_compared() => format!("gone, {before}"),
                (None, Some(after)) if diff.is_compared() => format!("new, {after}"),
                (before, after) => after.clone().or_else(|| before.clone()).unwrap_or_default(),
            };
            let changed = changed_words(diff, column);
            if diff.is_compared() && !knows_nulls(diff) {
                vec![column.name.clone(), data_type, changed]
            } else if diff.is_compared() {
                vec![column.name.clone(), data_type, changed, nulls.baseline, nulls.current]
            } else {
                vec![column.name.clone(), data_type, nulls.baseline + &nulls.current]
            }
        });
        let header: &[&str] = if diff.is_compared() && !knows_nulls(diff) {
            &["Column", "Type", "Rows changed"]
        } else if diff.is_compared() {
            &["Column", "Type", "Rows changed", "NULL in production", "NULL here"]
        } else {
            &["Column", "Type", "NULL"]
        };
        let table = self.table(header, rows, &[2, 3, 4]);
        Some(match telling.len().saturating_sub(COLUMNS) {
            0 => table,
            more => format!("{table}\n… and {} more", plural(more as u64, "column")),
        })
    }

    fn distributions(self, diff: &TableDiff) -> Option<String> {
        let moved = moved(diff);
        if moved.is_empty() {
            return None;
        }
        let rows = moved.iter().take(COLUMNS).map(|moved| {
            let cells = moved.cells.iter().cloned();
            std::iter::once(moved.name.to_owned()).chain(cells).collect()
        });
        let table = self.table(&HEADER, rows, &[2, 3, 4, 5]);
        Some(match moved.len().saturating_sub(COLUMNS) {
            0 => table,
            more => format!("{table}\n… and {} more", plural(more as u64, "column")),
        })
    }

    fn samples(self, diff: &TableDiff) -> Option<String> {
        let rows: Vec<Vec<String>> = diff
            .samples
            .iter()
            .flat_map(|sample| {
                let key = sample.key.iter().take(6).map(|(name, value)| format!("{name} = {}", shown(value)));
                let more = (sample.key.len() > 6).then(|| format!("… {} more", size(sample.key.len() - 6)));
                let key = key.chain(more).collect::<Vec<_>>().join(", ");
                match sample.kind {
                    SampleKind::Added => vec![vec![key, String::new(), String::new(), "only here".to_owned()]],
                    SampleKind::Removed => {
                        vec![vec![key, String::new(), "only in production".to_owned(), String::new()]]
                    }
                    SampleKind::Changed => changed_row(&key, &sample.values),
                }
            })
            .collect();
        (!rows.is_empty()).then(|| self.table(&["Row", "Column", "Production", "Pull request"], rows, &[]))
    }

    fn tests(self, report: &Report) -> String {
        let mut parts: Vec<String> = coverage(report).into_iter().collect();
        let bad: Vec<_> = report.tests.iter().filter(|test| is_bad(test)).collect();
        if !bad.is_empty() {
            let rows = bad.iter().map(|test| {
                let cell = |value: &Option<String>| value.clone().unwrap_or_default();
                let message = test.message.as_deref().map(|message| brief(message, 200)).unwrap_or_default();
                vec![test.name.clone(), cell(&test.model), cell(&test.column), test.status.as_str().to_owned(), message]
            });
            parts.push(self.table(&["Test", "Model", "Column", "Result", "Message"], rows, &[]));
        }
        parts.join("\n")
    }

    /// The class of every change.
    pub(super) fn changes(self, impact: &Impact) -> String {
        let rows = impact::changes(impact, str::to_owned, str::to_owned);
        if rows.is_empty() {
            return String::new();
        }
        self.table(&["What", "Class", "What differs"], rows.into_iter().map(Vec::from), &[])
    }

    /// What the changes reach through which columns, at most `limit` nodes of it.
    pub(super) fn reached(self, impact: &Impact, limit: usize) -> String {
        let touched = impact::touched(impact);
        let rows =
            touched.iter().take(limit).map(|node| Vec::from(impact::row(impact, node, str::to_owned, str::to_owned)));
        let mut parts = Vec::new();
        if !touched.is_empty() {
            parts.push(self.table(&["What", "Steps", "Reads", "Because of"], rows, &[1]));
        }
        if let more @ 1.. = touched.len().saturating_sub(limit) {
            parts.push(format!("… and {more} more"));
        }
        parts.extend(impact::lines(impact, str::to_owned).iter().map(|line| plain(line)));
        parts.extend(impact::owners(impact, str::to_owned).iter().map(|line| plain(line)));
        parts.join("\n")
    }

    fn downstream(self, report: &Report) -> String {
        let reach = &report.reach;
        if reach.models.is_empty() && reach.exposures.is_empty() {
            return String::new();
        }
        let mut parts = vec![reach_counts(report)];
        if !reach.exposures.is_empty() {
            let rows = reach.exposures.iter().map(|exposure| {
                let owner = exposure.owner.clone().or_else(|| exposure.email.clone()).unwrap_or_default();
                let path = exposure.path.split_last().map_or(&[][..], |(_, path)| path).join(" → ");
                vec![exposure.name.clone(), exposure.kind.clone(), owner, path, data_words(exposure).to_owned()]
            });
            parts.push(self.table(&["Exposure", "Type", "Owner", "How it is reached", "Its data"], rows, &[]));
        }
        parts.join("\n")
    }
}

fn why(model: &ModelReport) -> String {
    match (model.state, model.reasons.as_slice()) {
        (ModelState::Added, _) => "new in the pull request".to_owned(),
        (ModelState::Modified, [first, more @ ..]) if !more.is_empty() => {
            format!("{} (+{})", brief(&first.summary, 80), more.len())
        }
        (ModelState::Modified, [first, ..]) => brief(&first.summary, 80),
        (ModelState::Modified, []) => "changed".to_owned(),
        (ModelState::Downstream, _) if model.because_of.is_empty() => "unchanged".to_owned(),
        (ModelState::Downstream, _) => format!("below {}", list(&model.because_of)),
    }
}

fn last_lines(report: &Report) -> String {
    let mut lines = vec![format!("Compared with {}.", report.baseline)];
    lines.extend(report.drift.as_ref().map(|drift| format!("{}.", drift_words(drift))));
    if let Some(schema) = &report.environment {
        lines.push(format!("The pull request's tables are in schema {schema}."));
    }
    lines.push(format!("slimdiff {} · {} · {}", report.tool_version, report.adapter, duration(report.elapsed_seconds)));
    lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n")
}

/// One line a changed column of a row, the first four.
fn changed_row(key: &str, changes: &[(String, Change<Value>)]) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for (at, (name, values)) in changes.iter().take(4).enumerate() {
        let told = values::told_apart(values, VALUE);
        let key = if at == 0 { key.to_owned() } else { String::new() };
        let sides = [quoted(&values.baseline, told.baseline), quoted(&values.current, told.current)];
        lines.push([key, name.clone()].into_iter().chain(sides).collect());
    }
    if changes.len() > 4 {
        let more = format!("… and {}", plural(changes.len() as u64 - 4, "more column"));
        lines.push(vec![String::new(), more, String::new(), String::new()]);
    }
    lines
}

/// A value; text in quotes, so that `''`, `'NULL'` and NULL are told apart.
fn shown(value: &Value) -> String {
    quoted(value, values::short(value, VALUE))
}

fn quoted(value: &Value, shown: String) -> String {
    if matches!(value, Value::Text(_)) { format!("'{shown}'") } else { shown }
}

/// Without control characters, which could move the cursor or change colours.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::terminal;
    use crate::config::Policy;
    use crate::diff::{Sample, SampleKind};
    use crate::model::{Change, Value};
    use crate::report::example;

    #[test]
    fn a_run_with_findings_reads_well_on_a_terminal() {
        insta::assert_snapshot!("terminal", terminal(&example::with_findings(), 120, false));
    }

    #[test]
    fn what_of_a_row_is_left_out_is_counted() {
        let values = |count: i128| (0..count).map(|at| (format!("c{at}"), Value::Int(at)));
        let changed = values(7).map(|(name, value)| (name, Change { baseline: value, current: Value::Null }));
        let samples = vec![
            Sample { kind: SampleKind::Changed, key: values(1).collect(), values: changed.collect() },
            Sample { kind: SampleKind::Added, key: values(9).collect(), values: Vec::new() },
        ];
        let report = example::with_diff(Policy::default(), |diff| {
            (diff.rows.changed, diff.rows.added, diff.samples) = (1, 1, samples);
        });
        let text = terminal(&report, 200, false);
        assert!(text.contains("… and 3 more columns"), "{text}");
        assert!(text.contains("c5 = 5, … 3 more "), "{text}");
    }

    #[test]
    fn colours_come_only_when_asked_for_and_control_characters_never() {
        let mut report = example::with_findings();
        report.findings[0].text = "x\u{1b}[2Jy".to_owned();
        assert!(!terminal(&report, 100, false).contains('\u{1b}'));
        let colored = terminal(&report, 100, true);
        assert!(colored.contains("\u{1b}[1;31m") && !colored.contains("\u{1b}[2J"));
    }

    #[test]
    fn lines_of_tables_keep_to_the_width() {
        for width in [60, 80, 200] {
            let text = terminal(&example::with_findings(), width, false);
            let longest = text.lines().filter(|line| line.contains('─')).map(|line| line.chars().count()).max();
            assert!(longest.unwrap() <= width, "{longest:?} at {width}");
        }
    }
}
