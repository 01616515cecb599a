//! Rules for texts across databases: what of a text does not count.
//!
//! Engines do not agree on what is a lower case or a normal form of every character, and so neither is asked. What they
//! do agree on makes fewer rows differ for them (the formed text: of two that are one, the texts are equal), and puts
//! equal keys together (the coarse text: of equal texts, both are one). What is equal is decided here.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use crate::warehouse::Dialect;
use crate::warehouse::compare::TextRules;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
/// Characters beyond ASCII which by one of the rules are one with an ASCII character: the Kelvin sign, the Greek question
/// mark, the Greek varia, and the dotted capital I.
const OTHERS: &str = "\u{212a}\u{37e}\u{1fef}\u{130}";

impl TextRules {
    /// An expression of a text: those that have one value are equal by the rules.
    pub(super) fn formed(self, dialect: &dyn Dialect, sql: &str) -> String {
        let mut sql = sql.to_owned();
        if self.normalize {
            sql = match dialect.name() {
                "duckdb" => format!("nfc_normalize({sql})"),
                _ => format!("normalize({sql}, NFC)"),
            };
        }
        if self.ignore_case {
            sql = format!("translate({sql}, '{UPPER}', '{LOWER}')");
        }
        if self.trim {
            sql = format!("rtrim({sql}, ' ')");
        }
        sql
    }

    /// An expression of a text: those that are equal by the rules have one value. Of characters that have upper and lower
    /// cases or accents, only ASCII's are left; those of East Asia have none.
    pub(super) fn coarse(self, dialect: &dyn Dialect, sql: &str) -> String {
        let formed = self.formed(dialect, sql);
        if !self.normalize && !self.ignore_case {
            return formed;
        }
        let ascii = if self.ignore_case { "k;`i" } else { "K;`I" };
        let (others, all) = match dialect.name() {
            "duckdb" => (
                dialect.literal(r"[^\x01-\x7f\x{2e80}-\x{a48f}\x{ac00}-\x{d7a3}]"),
                format!("translate({formed}, '{OTHERS}', '{ascii}')"),
            ),
            _ => (
                dialect.literal(r"[^\u0001-\u007f\u2e80-\ua48f\uac00-\ud7a3]"),
                format!("translate({formed}, '{OTHERS}', '{ascii}')"),
            ),
        };
        format!("regexp_replace({all}, {others}, '', 'g')")
    }

    /// The text without what does not count.
    pub(super) fn fold(self, text: &str) -> Cow<'_, str> {
        let mut folded = Cow::Borrowed(text);
        if self.normalize && is_nfc_quick(text.chars()) != IsNormalized::Yes {
            folded = Cow::Owned(text.nfc().collect());
        }
        if self.ignore_case {
            // One character for one: of İ its dot is not kept as another.
            folded = Cow::Owned(folded.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect());
        }
        if self.trim {
            folded = match folded {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(' ')),
                Cow::Owned(mut text) => {
                    text.truncate(text.trim_end_matches(' ').len());
                    Cow::Owned(text)
                }
            };
        }
        folded
    }
}

#[cfg(test)]
mod tests {
    use super::TextRules;

    #[test]
    fn what_does_not_count_is_taken_away() {
        let all = TextRules { trim: true, ignore_case: true, normalize: true };
        assert_eq!(all.fold("A\u{308}B \u{a0} "), "äb \u{a0}", "a blank is a blank");
        assert_eq!(all.fold("ΑΣ"), all.fold("ας").replace('ς', "σ"));
        assert_eq!(all.fold("\u{130}\u{212a}"), "ik");
        let none = TextRules::default();
        assert_eq!(none.fold("A\u{308} "), "A\u{308} ");
        assert_eq!(TextRules { normalize: true, ..none }.fold("A\u{308} "), "Ä ");
        assert_eq!(TextRules { trim: true, ..none }.fold("A \t  "), "A \t");
    }
}
