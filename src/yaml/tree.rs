//! From parser events to the tree: anchors, merge keys, tags, and guards against texts made to exhaust memory.

use std::collections::{BTreeSet, HashMap};

use indexmap::map::Entry as MapEntry;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::error::Error;
use super::node::{Entries, Entry, Mapping, Node, Value};
use super::scalar;

/// Nodes a text may have after its aliases are expanded.
const MAX_NODES: usize = 2_000_000;
/// How deep a text may nest.
const MAX_DEPTH: usize = 200;

/// A key that a mapping has twice; the later value counts, as in dbt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The key.
    pub key: String,
    /// Line of the later one, from 1.
    pub line: u32,
    /// Column of the later one, from 1.
    pub column: u32,
    /// Line of the earlier one, from 1.
    pub first_line: u32,
}

/// A whole text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// Its only document; null when the text is empty.
    pub root: Node,
    /// Keys given twice.
    pub duplicates: Vec<DuplicateKey>,
}

/// Reads a text with at most one document.
///
/// # Errors
/// The text is not YAML, has several documents, a key that is not a scalar, an unknown tag or anchor, nests deeper than
/// 200 levels, or grows past two million nodes by its aliases.
pub fn parse(text: &str) -> Result<Parsed, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(Parsed { root: Node::null(1, 1), duplicates: Vec::new() });
    }
    match Builder::new(text, BTreeSet::new()).document() {
        Err(error) if is_shallow(&error) => indented(text, error),
        outcome => outcome,
    }
}

/// What the parser says of lines inside of brackets or quotes that are indented less than what they belong to. `PyYAML`
/// does not mind them.
const SHALLOW: [&str; 3] =
    ["invalid indentation", "invalid indentation in flow construct", "invalid indentation in quoted scalar"];
/// How far such lines are moved; deeper than anything can nest.
const MARGIN: usize = 1_000;
/// How often a text is read again.
const MAX_MOVES: usize = 500;

fn is_shallow(error: &Error) -> bool {
    SHALLOW.contains(&error.original.as_str())
}

/// Reads a text again with the lines moved that the parser refuses for their indentation: inside of brackets and quotes
/// it means nothing.
fn indented(text: &str, first: Error) -> Result<Parsed, Error> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut moved: BTreeSet<u32> = BTreeSet::new();
    let mut error = first.clone();
    for _ in 0..MAX_MOVES {
        let wanted = shallow_lines(&lines, &error, &moved);
        if wanted.is_empty() {
            return Err(first);
        }
        for line in wanted {
            lines[line as usize - 1].insert_str(0, &" ".repeat(MARGIN));
            moved.insert(line);
        }
        match Builder::new(&lines.concat(), moved.clone()).document() {
            Err(next) if is_shallow(&next) => error = next,
            Err(next) => {
                return Err(Error { hint: next.hint, ..Error::new(text, next.original, next.line, next.column) });
            }
            Ok(parsed) => return Ok(parsed),
        }
    }
    Err(first)
}

/// The lines to move, from 1: the one that is refused, or those of a quoted text after its first.
fn shallow_lines(lines: &[String], error: &Error, moved: &BTreeSet<u32>) -> Vec<u32> {
    let last = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let unmoved = |line: &u32| *line <= last && !moved.contains(line);
    if error.original != SHALLOW[2] {
        return Some(error.line).filter(unmoved).into_iter().collect();
    }
    let margin = if moved.contains(&error.line) { MARGIN } else { 0 };
    let mut skip = margin + (error.column as usize).saturating_sub(1);
    let mut quote = None;
    for line in error.line..=last {
        let mut chars = lines[line as usize - 1].chars().skip(std::mem::take(&mut skip)).peekable();
        while let Some(c) = chars.next() {
            match quote {
                None => quote = Some(c),
                Some('"') if c == '\\' => drop(chars.next()),
                Some('\'') if c == '\'' && chars.peek() == Some(&'\'') => drop(chars.next()),
                Some(open) if c == open => return (error.line + 1..=line).filter(unmoved).collect(),
                Some(_) => {}
            }
        }
    }
    Vec::new()
}

struct Builder<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    /// By anchor id: the node with how many nodes it has.
    anchors: HashMap<usize, (Node, usize)>,
    duplicates: Vec<DuplicateKey>,
    nodes: usize,
    depth: usize,
    /// Lines that stand [`MARGIN`] columns too far to the right.
    moved: BTreeSet<u32>,
}

type Step<'t> = (Event<'t>, Span);

impl<'t> Builder<'t> {
    fn new(text: &'t str, moved: BTreeSet<u32>) -> Self {
        Self {
            text,
            parser: Parser::new_from_str(text),
            anchors: HashMap::new(),
            duplicates: Vec::new(),
            nodes: 0,
            depth: 0,
            moved,
        }
    }

    fn place(&self, marker: &saphyr_parser::Marker) -> (u32, u32) {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let line = narrow(marker.line());
        let margin = if self.moved.contains(&line) { MARGIN } else { 0 };
        (line, narrow(marker.col().saturating_sub(margin)).saturating_add(1))
    }

    fn document(mut self) -> Result<Parsed, Error> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(self
                        .error("a second document begins here, and dbt reads only one", span)
                        .with_hint("remove the `---`, or split the file"));
                }
                Event::DocumentStart(_) => {
                    let step = self.next()?;
                    root = Some(self.node(step)?);
                }
                _ => return Err(self.error("content outside of a document", span)),
            }
        }
        Ok(Parsed { root: root.unwrap_or(Node::null(1, 1)), duplicates: self.duplicates })
    }

    fn next(&mut self) -> Result<Step<'t>, Error> {
        match self.parser.next_event() {
            Some(Ok(step)) => Ok(step),
            Some(Err(error)) => {
                let (line, column) = self.place(error.marker());
                Err(Error::new(self.text, error.info(), line, column))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn error(&self, message: &str, span: Span) -> Error {
        let (line, column) = self.place(&span.start);
        Error::new(self.text, message, line, column)
    }

    fn node(&mut self, (event, span): Step<'t>) -> Result<Node, Error> {
        let before = self.nodes;
        self.count(1, span)?;
        let (value, anchor) = match event {
            Event::Alias(id) => return self.alias(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.without_invented_break(&text, style, span);
                (self.scalar(text, style, tag.as_deref(), span)?, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.allow_tag(tag.as_deref(), "seq", span)?;
                (self.nested(span, Self::sequence)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.allow_tag(tag.as_deref(), "map", span)?;
                (self.nested(span, Self::mapping)?, anchor)
            }
            _ => return Err(self.error("unexpected end of the file", span)),
        };
        let (line, column) = self.place(&span.start);
        let node = Node { value, line, column };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    /// A block scalar at the very end of a text without a final line break has none either; the parser adds one.
    fn without_invented_break<'s>(&self, text: &'s str, style: ScalarStyle, span: Span) -> &'s str {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if !is_block || self.text.ends_with(['\n', '\r']) || span.end.index() < self.text.chars().count() {
            return text;
        }
        text.strip_suffix('\n').unwrap_or(text)
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Error> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(self.error("aliases make the file grow past two million values", span));
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Error> {
        let Some((node, size)) = self.anchors.get(&id) else {
            return Err(self.error("an alias inside of its own anchor", span));
        };
        let (node, size) = (node.clone(), *size);
        self.count(size, span)?;
        Ok(node)
    }

    fn nested(&mut self, span: Span, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested deeper than 200 levels", span));
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn sequence(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        loop {
            let step = self.next()?;
            if step.0 == Event::SequenceEnd {
                return Ok(Value::Sequence(items));
            }
            items.push(self.node(step)?);
        }
    }

    fn mapping(&mut self) -> Result<Value, Error> {
        let mut own = Entries::default();
        let mut merged: Vec<Mapping> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.key(event, span)?;
            let step = self.next()?;
            let value_span = step.1;
            let node = self.node(step)?;
            if is_merge {
                merged.extend(self.merge_sources(node, value_span)?);
                continue;
            }
            let (key_line, key_column) = self.place(&span.start);
            let entry = Entry { node, key_line, key_column };
            match own.entry(key) {
                MapEntry::Occupied(mut slot) => {
                    self.duplicates.push(DuplicateKey {
                        key: slot.key().clone(),
                        line: key_line,
                        column: key_column,
                        first_line: slot.get().key_line,
                    });
                    slot.insert(entry);
                }
                MapEntry::Vacant(slot) => {
                    slot.insert(entry);
                }
            }
        }
        Ok(Value::Mapping(Mapping(join(merged, own))))
    }

    fn key(&mut self, event: Event<'t>, span: Span) -> Result<String, Error> {
        let node = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                return Err(self.error("a mapping or list stands where a key is expected", span));
            }
            _ => self.node((event, span))?,
        };
        match node.value {
            Value::String(text) | Value::Date(text) | Value::Timestamp(text) => Ok(text),
            Value::Null => Ok("null".to_owned()),
            Value::Bool(value) => Ok(value.to_string()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Sequence(_) | Value::Mapping(_) => {
                Err(self.error("a mapping or list stands where a key is expected", span))
            }
        }
    }

    /// The mappings that `<<` names, the one that wins last.
    fn merge_sources(&self, node: Node, span: Span) -> Result<Vec<Mapping>, Error> {
        let wrong = || self.error("`<<` takes a mapping or a list of mappings", span);
        match node.value {
            Value::Mapping(mapping) => Ok(vec![mapping]),
            Value::Sequence(items) => items
                .into_iter()
                .rev()
                .map(|item| match item.value {
                    Value::Mapping(mapping) => Ok(mapping),
                    _ => Err(wrong()),
                })
                .collect(),
            _ => Err(wrong()),
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Value, Error> {
        let Some(tag) = tag else {
            return Ok(match style {
                ScalarStyle::Plain => scalar::resolve(text),
                _ => Value::String(text.to_owned()),
            });
        };
        let bad = |what: &str| self.error(&format!("`{text}` is not {what}"), span);
        match core_tag(tag) {
            Some("str") => Ok(Value::String(text.to_owned())),
            Some("null") => Ok(Value::Null),
            Some("bool") => scalar::boolean(text).map(Value::Bool).ok_or_else(|| bad("a boolean")),
            Some("int") => scalar::int(text).ok_or_else(|| bad("an integer")),
            Some("float") => {
                scalar::float(text).or_else(|| scalar::int(text)).ok_or_else(|| bad("a floating-point number"))
            }
            Some("timestamp") => Ok(scalar::resolve(text)),
            _ if tag.handle.is_empty() && tag.suffix == "!" => Ok(Value::String(text.to_owned())),
            _ => Err(self.unknown_tag(tag, span)),
        }
    }

    fn allow_tag(&self, tag: Option<&Tag>, wanted: &str, span: Span) -> Result<(), Error> {
        match tag {
            Some(tag) if core_tag(tag) != Some(wanted) => Err(self.unknown_tag(tag, span)),
            _ => Ok(()),
        }
    }

    fn unknown_tag(&self, tag: &Tag, span: Span) -> Error {
        self.error(&format!("dbt knows no YAML tag `{tag}`"), span).with_hint("quote the text if the `!` belongs to it")
    }
}

fn core_tag(tag: &Tag) -> Option<&str> {
    tag.is_yaml_core_schema().then_some(tag.suffix.as_str())
}

/// Merged keys come first and are overruled by the mapping's own, whose place in the order then stays the merged one's.
fn join(merged: Vec<Mapping>, own: Entries) -> Entries {
    if merged.is_empty() {
        return own;
    }
    let mut all = Entries::default();
    for Mapping(entries) in merged {
        all.extend(entries);
    }
    all.extend(own);
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    fn json(text: &str) -> serde_json::Value {
        parse(text).unwrap().root.to_json()
    }

    #[test]
    fn order_and_places_are_kept() {
        let parsed = parse("b: 1\na:\n  - x\n  - y: 2\n").unwrap();
        assert_eq!(parsed.root.to_json().to_string(), r#"{"b":1,"a":["x",{"y":2}]}"#);
        let item = &parsed.root.get("a").unwrap().as_sequence().unwrap()[1];
        assert_eq!((item.line, item.column), (4, 5));
    }

    #[test]
    fn quoted_scalars_are_text() {
        assert_eq!(json("a: 'yes'\nb: \"1\"\nc: |\n  2\n"), json!({"a": "yes", "b": "1", "c": "2\n"}));
    }

    #[test]
    fn a_block_scalar_at_the_end_has_a_line_break_only_if_the_text_has() {
        assert_eq!(json("a: |\n  x\nb: >\n  y\n  z"), json!({"a": "x\n", "b": "y z"}));
        assert_eq!(json("b: >\n  y\n  z\n"), json!({"b": "y z\n"}));
    }

    #[test]
    fn merge_keys_give_way_to_own_keys_and_earlier_sources_win() {
        let text = "x: &x {a: 1, b: 1}\ny: &y {a: 2, c: 2}\nz:\n  b: 3\n  <<: [*x, *y]\n";
        assert_eq!(json(text)["z"], json!({"a": 1, "c": 2, "b": 3}));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_and_is_reported() {
        let parsed = parse("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(parsed.root.to_json(), json!({"a": 3, "b": 2}));
        assert_eq!((parsed.duplicates[0].line, parsed.duplicates[0].first_line), (3, 1));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let previous = format!("*a{}", level - 1);
            let aliases = vec![previous; 10].join(", ");
            text.extend(["a", &level.to_string(), ": &a", &level.to_string(), " [", &aliases, "]\n"]);
        }
        assert!(parse(&text).unwrap_err().message.contains("two million"));
    }

    #[test]
    fn deep_nesting_is_refused_without_a_stack_overflow() {
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn unquoted_jinja_is_explained() {
        let error = parse("a: 1\nb: {{ var('x') }}\n").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.hint.unwrap().contains("quote the value"));
    }

    #[test]
    fn tabs_are_explained() {
        let error = parse("a:\n\tb: 1\n").unwrap_err();
        assert!(error.hint.unwrap().contains("tabs"), "{}", error.message);
    }

    #[test]
    fn two_documents_are_refused() {
        assert!(parse("a: 1\n---\nb: 2\n").unwrap_err().message.contains("second document"));
    }

    #[test]
    fn inside_of_brackets_and_quotes_indentation_means_nothing() {
        let text = "a:\n    - b: [\n        x,\n  y,\n {k: 'one\n two\nit''s three'}\n  ]\n    - c: \"p\nq\"\nd: 1\n";
        let parsed = parse(text).unwrap();
        let expected = json!({"a": [{"b": ["x", "y", {"k": "one two it's three"}]}, {"c": "p q"}], "d": 1});
        assert_eq!(parsed.root.to_json(), expected);
        let items = parsed.root.get("a").unwrap().as_sequence().unwrap()[0].get("b").unwrap().as_sequence().unwrap();
        assert_eq!((items[1].line, items[1].column), (4, 3));
        assert!(parse("a:\n    - b: [\n  x\nc: 1\n").is_err());
    }

    #[test]
    fn nothing_but_comments_is_null() {
        assert_eq!(json("# nothing\n"), json!(null));
        assert_eq!(json(""), json!(null));
    }
}
