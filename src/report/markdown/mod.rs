//! The pull request's comment: GitHub's Markdown, verdict first, then why, then numbers, within a budget of bytes.

mod budget;
mod escape;
mod impact;
mod model;
mod sections;

pub use budget::Budget;
pub(super) use escape::{cell, code, html, text};
pub(super) use impact::{impact_changes, impact_reached};
pub(super) use model::fenced;

use self::budget::fit;
use super::document::Report;
use super::phrases::order;
use crate::diff::TableDiff;

/// The report as GitHub's Markdown. Whole parts give way to shorter ones when it is too long, and it says which.
pub fn markdown(report: &Report, budget: Budget) -> String {
    let mut blocks = vec![sections::title(report), sections::findings(report), sections::numbers(report)];
    blocks.extend(sections::models(report));
    blocks.extend(impact::changes_block(report));
    blocks.extend(sections::tests(report));
    blocks.extend(order(report).into_iter().filter_map(|model| model::details(report, model)));
    blocks.extend(sections::downstream(report));
    blocks.extend(impact::reached_block(report));
    blocks.extend(sections::other_changes(report));
    blocks.extend(sections::drift(report));
    blocks.push(sections::measured(report));
    blocks.push(sections::footer(report));
    fit(&blocks, budget, |left_out| {
        format!(
            "*Shortened to fit into a comment: {}. The whole is in the report file of this run.*",
            left_out.join(", ")
        )
    })
}

/// One comparison as Markdown.
pub fn table_markdown(diff: &TableDiff) -> String {
    model::table(diff)
}

#[cfg(test)]
mod tests {
    use super::{Budget, markdown};
    use crate::model::Value;
    use crate::report::example;

    #[test]
    fn a_comment_with_findings_reads_well() {
        insta::assert_snapshot!("findings", markdown(&example::with_findings(), Budget::default()));
    }

    #[test]
    fn a_comment_without_findings_reads_well() {
        insta::assert_snapshot!("clean", markdown(&example::clean(), Budget::default()));
    }

    #[test]
    fn a_comment_on_an_incomplete_run_reads_well() {
        insta::assert_snapshot!("incomplete", markdown(&example::incomplete(), Budget::default()));
    }

    #[test]
    fn a_comment_on_a_change_of_no_data_reads_well() {
        insta::assert_snapshot!("unchanged", markdown(&example::unchanged(), Budget::default()));
    }

    #[test]
    fn a_comment_fits_any_budget_and_is_never_cut_inside_a_table_row() {
        let mut report = example::with_findings();
        let model = report.models[1].clone();
        for number in 0..300 {
            let mut copy = model.clone();
            copy.name = format!("model_{number}");
            report.models.push(copy);
        }
        let whole = markdown(&report, Budget { bytes: usize::MAX });
        assert!(whole.len() > 200_000, "{}", whole.len());
        for bytes in [100_000, 60_000, 20_000, 5_000, 1_000, 200] {
            let text = markdown(&report, Budget { bytes });
            assert!(text.len() <= bytes, "{} of {bytes}", text.len());
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            assert_eq!(text.matches("```").count() % 2, 0);
            assert!(text.starts_with("## ❌"), "the verdict stays: {text}");
            if bytes >= 5_000 {
                assert!(text.contains("*Shortened to fit into a comment: "));
                assert!(text.contains("<sub>slimdiff"));
            }
        }
    }

    #[test]
    fn one_comparison_reads_well_on_its_own() {
        let report = example::with_findings();
        let diff = report.models.iter().find(|model| model.name == "orders").unwrap().diff.clone().unwrap();
        insta::assert_snapshot!("table", super::table_markdown(&diff));
    }

    #[test]
    fn hostile_names_and_values_stay_inert() {
        let mut report = example::with_findings();
        let hostile = "x|y`z\n# <img src=x> @octocat";
        report.project = hostile.to_owned();
        for finding in &mut report.findings {
            finding.text = hostile.to_owned();
            finding.subject = Some(hostile.to_owned());
        }
        for model in &mut report.models {
            model.name = hostile.to_owned();
            if let Some(diff) = &mut model.diff {
                diff.columns.iter_mut().for_each(|column| column.name = hostile.to_owned());
                for sample in &mut diff.samples {
                    sample.key.iter_mut().for_each(|(name, value)| {
                        *name = hostile.to_owned();
                        *value = Value::Text(hostile.to_owned());
                    });
                }
            }
        }
        let text = markdown(&report, Budget::default());
        let outside_code = regex::Regex::new(r"(``+) .*? (``+)").unwrap().replace_all(&text, "");
        assert!(!outside_code.contains("<img"), "{outside_code}");
        assert!(!outside_code.contains("@octocat"));
        assert!(!text.contains("\n# <img"));
    }
}
