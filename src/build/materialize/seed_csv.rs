//! Reads a seed's file the way dbt does. Not with a CSV library: a blank line is a row of NULLs in dbt, and libraries
//! skip it.

/// A file's column names and rows. Rows are as long as the names, absent fields being empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Csv {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Why a file cannot be a seed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CsvError {
    #[error("it has no line with column names")]
    NoHeader,
    #[error("the row on line {line} has {found} values, but there are {expected} columns")]
    TooLong { line: usize, found: usize, expected: usize },
    #[error("the quoted text that begins on line {line} does not end")]
    Unterminated { line: usize },
}

/// Reads a file's text. `skip_blank` leaves blank lines out where there is more than one column.
pub(super) fn read(text: &str, delimiter: char, skip_blank: bool) -> Result<Csv, CsvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Records { text: text.chars().peekable(), delimiter, line: 1 };
    let header = records.next_record()?.filter(|(_, fields)| !fields.is_empty());
    let names = column_names(&header.ok_or(CsvError::NoHeader)?.1);
    let mut rows = Vec::new();
    while let Some((line, mut fields)) = records.next_record()? {
        if fields.is_empty() && skip_blank && names.len() > 1 {
            continue;
        }
        if fields.len() > names.len() {
            return Err(CsvError::TooLong { line, found: fields.len(), expected: names.len() });
        }
        fields.resize(names.len(), String::new());
        rows.push(fields);
    }
    Ok(Csv { names, rows })
}

/// Names as dbt makes them: an empty one becomes a letter by its place, a repeated one gets a number.
fn column_names(header: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (place, written) in header.iter().enumerate() {
        let name = if written.is_empty() { letter_name(place) } else { written.clone() };
        let mut unique = name.clone();
        let mut number = 2;
        while names.contains(&unique) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        names.push(unique);
    }
    names
}

/// `a` to `z`, then `aa`, `bb` and so on.
fn letter_name(place: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(place % 26).unwrap_or(0));
    letter.to_string().repeat(place / 26 + 1)
}

struct Records<'a> {
    text: std::iter::Peekable<std::str::Chars<'a>>,
    delimiter: char,
    line: usize,
}

impl Records<'_> {
    /// The next record with the line on which it begins; no fields for a blank line, none at the end.
    fn next_record(&mut self) -> Result<Option<(usize, Vec<String>)>, CsvError> {
        if self.text.peek().is_none() {
            return Ok(None);
        }
        let line = self.line;
        if self.end_of_line() {
            return Ok(Some((line, Vec::new())));
        }
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            if self.text.next_if_eq(&self.delimiter).is_none() {
                self.end_of_line();
                return Ok(Some((line, fields)));
            }
        }
    }

    fn end_of_line(&mut self) -> bool {
        let returned = self.text.next_if_eq(&'\r').is_some();
        let fed = self.text.next_if_eq(&'\n').is_some();
        self.line += usize::from(returned || fed);
        returned || fed
    }

    /// One field, up to the delimiter or the end of the line. Only a quote at its beginning quotes.
    fn field(&mut self) -> Result<String, CsvError> {
        let mut field = String::new();
        if self.text.next_if_eq(&'"').is_some() {
            self.quoted(&mut field)?;
        }
        let delimiter = self.delimiter;
        while let Some(c) = self.text.next_if(|&c| c != delimiter && c != '\n' && c != '\r') {
            field.push(c);
        }
        Ok(field)
    }

    fn quoted(&mut self, field: &mut String) -> Result<(), CsvError> {
        let line = self.line;
        loop {
            match self.text.next() {
                Some('"') if self.text.next_if_eq(&'"').is_some() => field.push('"'),
                Some('"') => return Ok(()),
                Some(c) => {
                    self.line += usize::from(c == '\n');
                    field.push(c);
                }
                None => return Err(CsvError::Unterminated { line }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CsvError, read};

    fn rows(text: &str, skip_blank: bool) -> Vec<Vec<String>> {
        read(text, ',', skip_blank).unwrap().rows
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_doubled_quotes() {
        assert_eq!(
            rows("\u{feff}k,t\r\n1,\"a, \"\"b\"\"\n c\"\r\n2,x\"y\n", false),
            [["1", "a, \"b\"\n c"], ["2", "x\"y"]]
        );
    }

    #[test]
    fn a_blank_line_is_a_row_unless_blank_lines_are_skipped() {
        assert_eq!(rows("k,t\n1,a\n\n", false), [["1", "a"], ["", ""]]);
        assert_eq!(rows("k,t\n1,a\n\n", true), [["1", "a"]]);
        assert_eq!(rows("k\n1\n\n3", true), [["1"], [""], ["3"]]);
    }

    #[test]
    fn short_rows_are_filled_and_long_ones_refused() {
        assert_eq!(rows("a,b\n1\n", false), [["1", ""]]);
        assert_eq!(read("a\n\"x\ny\"\n1,2", ',', false), Err(CsvError::TooLong { line: 4, found: 2, expected: 1 }));
    }

    #[test]
    fn names_are_made_unique_as_dbt_does() {
        assert_eq!(read("a,a,,b\n", ',', false).unwrap().names, ["a", "a_2", "c", "b"]);
        assert_eq!(read("", ',', false), Err(CsvError::NoHeader));
        assert_eq!(read("a\n\"b", ',', false), Err(CsvError::Unterminated { line: 2 }));
    }
}
