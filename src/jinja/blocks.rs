//! Finds the blocks of a file: macros, tests, materializations, snapshots, docs.

use super::lexer::{Lexer, Piece, SyntaxError, Tag};

/// A block of a Jinja file: `{% macro %}`, `{% test %}`, `{% materialization %}`, `{% snapshot %}`, `{% docs %}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// `macro`, `test`, `data_test`, `materialization`, `snapshot` or `docs`.
    pub kind: String,
    /// Its name as written.
    pub name: String,
    /// The whole block, tags included, as written.
    pub full: String,
    /// The whole block with the whitespace around it that its outer `-` marks remove, as dbt keeps a macro's text.
    pub kept: String,
    /// What stands between the tags, as written.
    pub contents: String,
    /// The line on which the opening tag begins, from 1.
    pub line: u32,
}

const KINDS: [&str; 6] = ["macro", "test", "data_test", "materialization", "snapshot", "docs"];

/// Finds the top-level blocks of `source`.
///
/// # Errors
/// A block that is never closed, a tag that does not parse.
pub(super) fn find(source: &str) -> Result<Vec<Block>, SyntaxError> {
    find_with(source, &mut |_, _| {})
}

/// The same, telling the keyword and the line of every tag outside of a block.
pub(super) fn find_with(source: &str, stray: &mut dyn FnMut(&str, u32)) -> Result<Vec<Block>, SyntaxError> {
    let mut found = Vec::new();
    if !source.contains("{%") {
        return Ok(found);
    }
    let mut lexer = Lexer::new(source);
    // The end of what earlier tags have, the whitespace that their `-` marks remove included.
    // Whitespace at the file's two ends belongs to no block: dbt strips it first.
    let mut taken = source.len() - source.trim_start().len();
    while let Some(piece) = lexer.next_piece()? {
        let Piece::Tag(tag) = piece else { continue };
        let Some(kind) = tag.keyword().filter(|keyword| KINDS.contains(keyword)) else {
            if let Some(keyword) = tag.keyword() {
                stray(keyword, tag.line);
            }
            taken = end_with_whitespace(source, tag.end);
            continue;
        };
        let start = start_with_whitespace(source, tag.start).max(taken);
        let (contents, end) = if kind == "docs" {
            let skipped = docs_end(&source[tag.end..]).ok_or_else(|| never_closed(kind, &tag))?;
            let (contents, end) = (tag.end + skipped.0, tag.end + skipped.1);
            lexer.skip_to(end);
            (contents, end)
        } else {
            block_end(&mut lexer, kind, &tag)?
        };
        found.push(Block {
            kind: kind.to_owned(),
            name: block_name(&tag)?,
            full: source[tag.start..end].to_owned(),
            kept: source[start..end_with_whitespace(source, end)].to_owned(),
            contents: source[tag.end..contents].to_owned(),
            line: tag.line,
        });
        taken = end_with_whitespace(source, end);
    }
    Ok(found)
}

/// Where a tag that begins at `start` begins with the whitespace that its `-` removes.
fn start_with_whitespace(source: &str, start: usize) -> usize {
    if source[start..].starts_with("{%-") { source[..start].trim_end().len() } else { start }
}

/// Where a tag that ends at `end` ends with the whitespace that its `-` removes.
fn end_with_whitespace(source: &str, end: usize) -> usize {
    let removes = source[..end].ends_with("-%}") && !source[end..].trim_end().is_empty();
    if removes { source.len() - source[end..].trim_start().len() } else { end }
}

fn never_closed(kind: &str, tag: &Tag<'_>) -> SyntaxError {
    SyntaxError::new(format!("'{{% {kind} %}}' is never closed with 'end{kind}'"), tag.line)
        .with_hint("add the closing tag where the block ends")
}

fn block_name(tag: &Tag<'_>) -> Result<String, SyntaxError> {
    match tag.tokens.get(1).map(|token| &token.kind) {
        Some(super::lexer::Kind::Name(name)) => Ok((*name).to_owned()),
        _ => Err(SyntaxError::new(format!("a {} needs a name", tag.keyword().unwrap_or("block")), tag.line)),
    }
}

/// Where the closing tag of a block begins and ends; blocks of the same kind may nest.
fn block_end(lexer: &mut Lexer<'_>, kind: &str, open: &Tag<'_>) -> Result<(usize, usize), SyntaxError> {
    let closing = format!("end{kind}");
    let mut depth = 0_usize;
    while let Some(piece) = lexer.next_piece()? {
        let Piece::Tag(tag) = piece else { continue };
        match tag.keyword() {
            Some(keyword) if keyword == kind => depth += 1,
            Some(keyword) if keyword == closing || (kind == "data_test" && keyword == "endtest") => {
                if depth == 0 {
                    return Ok((tag.start, tag.end));
                }
                depth -= 1;
            }
            _ => {}
        }
    }
    Err(never_closed(kind, open))
}

/// Where `{% enddocs %}` begins and ends in `text`, whose contents are not Jinja.
fn docs_end(text: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        at += text[at..].find("{%")?;
        if let Some(len) = super::lexer::simple_tag(&text[at..], "enddocs") {
            return Some((at, at + len));
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn blocks_are_found_with_their_lines_and_contents() {
        let source = "-- {% macro no() %}\n{# {% macro hidden() %} #}\n";
        assert!(find(source).is_err(), "the first one is open");
        let source =
            "{# {% macro hidden() %} #}\n{%- macro a(x) -%}\n x {% endmacro %}\n{% docs d %}{{ not jinja {% enddocs %}";
        let found = find(source).expect("the file is well formed");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].name.as_str(), found[0].line, found[0].contents.as_str()), ("a", 2, "\n x "));
        assert_eq!((found[1].kind.as_str(), found[1].contents.as_str()), ("docs", "{{ not jinja "));
    }

    #[test]
    fn whitespace_that_marks_remove_belongs_to_the_block() {
        let source = "{# c #} \n{%- macro a() -%} x {%- endmacro -%}\n\n{%- macro b() %}{% endmacro %}\n{% set x = 1 -%}  {%- macro c() %}{%- endmacro -%}\n";
        let kept: Vec<String> =
            find(source).expect("the file is well formed").into_iter().map(|block| block.kept).collect();
        assert_eq!(
            kept,
            [
                " \n{%- macro a() -%} x {%- endmacro -%}\n\n",
                "{%- macro b() %}{% endmacro %}",
                "{%- macro c() %}{%- endmacro -%}"
            ]
        );
    }

    #[test]
    fn macros_in_text_and_raw_blocks_are_not_found() {
        let source = "{% raw %}{% macro a() %}{% endraw %}{{ '{% macro b() %}' }}";
        assert_eq!(find(source).expect("the file is well formed"), []);
    }
}
