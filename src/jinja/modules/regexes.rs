//! `modules.re`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::engines::{Engine, Flags, Found};
use super::rewriting::{expand, pattern};
use crate::jinja::adapter::arguments::bind;
use crate::jinja::iterables::Iterator;
use crate::jinja::repr::to_repr;
use crate::jinja::values::{dict, fail, list, lock, record, tuple};

const IGNORECASE: i64 = 2;
const MULTILINE: i64 = 8;
const DOTALL: i64 = 16;
const VERBOSE: i64 = 64;
const ASCII: i64 = 256;

/// Functions that take a pattern first.
const FUNCTIONS: [&str; 9] = ["match", "fullmatch", "search", "findall", "finditer", "split", "sub", "subn", "compile"];

/// How many compiled patterns are kept: macros use the same few again and again.
const KEPT: usize = 256;

/// `modules.re`.
pub(super) fn module() -> Value {
    let functions = FUNCTIONS.into_iter().map(|name| (name, Value::from_object(Function(name))));
    let flags = [
        ("I", IGNORECASE),
        ("IGNORECASE", IGNORECASE),
        ("M", MULTILINE),
        ("MULTILINE", MULTILINE),
        ("S", DOTALL),
        ("DOTALL", DOTALL),
        ("X", VERBOSE),
        ("VERBOSE", VERBOSE),
        ("A", ASCII),
        ("ASCII", ASCII),
        ("U", 32),
        ("UNICODE", 32),
        ("NOFLAG", 0),
    ];
    let flags = flags.into_iter().map(|(name, flag)| (name, Value::from(flag)));
    record(functions.chain(flags).chain([("escape", Value::from_function(escape))]))
}

/// Python escapes these and nothing else.
fn escape(text: &str) -> String {
    let special = |c: char| "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// `re.match` and its like.
#[derive(Debug)]
struct Function(&'static str);

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let names: &[&str] = match self.0 {
            "sub" | "subn" => &["pattern", "repl", "string", "count", "flags"],
            "split" => &["pattern", "string", "maxsplit", "flags"],
            "compile" => &["pattern", "flags"],
            _ => &["pattern", "string", "flags"],
        };
        let bound = bind(self.0, names, args)?;
        let given = bound.required("pattern")?;
        let pattern = match given.downcast_object::<Pattern>() {
            Some(pattern) => pattern,
            None => Arc::new(Pattern { source: text_of(self.0, given)?, flags: bound.integer("flags")?.unwrap_or(0) }),
        };
        let number = |name: &str| -> Result<usize, Error> {
            if !names.contains(&name) {
                return Ok(0);
            }
            Ok(bound.integer(name)?.and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
        };
        if self.0 == "compile" {
            pattern.regex(Anchor::None)?;
            return Ok(Value::from_dyn_object(pattern));
        }
        let text = text_of(self.0, bound.required("string")?)?;
        match self.0 {
            "sub" | "subn" => {
                let (text, times) = pattern.replace(state, bound.required("repl")?, &text, number("count")?)?;
                Ok(if self.0 == "sub" { Value::from(text) } else { tuple(vec![Value::from(text), Value::from(times)]) })
            }
            "split" => pattern.split(&text, number("maxsplit")?),
            other => pattern.find(other, &text),
        }
    }
}

fn text_of(function: &str, value: &Value) -> Result<String, Error> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| fail(format!("re.{function} expected a string, got {}", to_repr(value))))
}

/// Where a match must begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Anchor {
    None,
    Start,
    Both,
}

/// A compiled pattern.
struct Pattern {
    source: String,
    flags: i64,
}

type Cache = Mutex<HashMap<(String, i64, Anchor), Engine>>;

impl Pattern {
    /// The pattern as the crate's, from the cache when it was used before.
    fn regex(&self, anchor: Anchor) -> Result<Engine, Error> {
        static CACHE: OnceLock<Cache> = OnceLock::new();
        let cache = CACHE.get_or_init(Cache::default);
        let key = (self.source.clone(), self.flags, anchor);
        if let Some(found) = lock(cache).get(&key) {
            return Ok(found.clone());
        }
        let regex = self.build(anchor)?;
        let mut kept = lock(cache);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, regex.clone());
        Ok(regex)
    }

    fn build(&self, anchor: Anchor) -> Result<Engine, Error> {
        let inner = pattern(&self.source);
        // In verbose mode the pattern may end in a comment, which the line break ends.
        let end = if self.flags & VERBOSE != 0 { "\n)" } else { ")" };
        let anchored = match anchor {
            Anchor::None => inner,
            Anchor::Start => format!("\\A(?:{inner}{end}"),
            Anchor::Both => format!("\\A(?:{inner}{end}\\z"),
        };
        let classes = if self.flags & ASCII != 0 { ascii_classes(&anchored) } else { anchored };
        let flags = Flags {
            ignore_case: self.flags & IGNORECASE != 0,
            multi_line: self.flags & MULTILINE != 0,
            dot_all: self.flags & DOTALL != 0,
            verbose: self.flags & VERBOSE != 0,
        };
        Engine::new(&classes, flags, &self.source)
    }

    fn find(&self, function: &str, text: &str) -> Result<Value, Error> {
        let anchor = match function {
            "match" => Anchor::Start,
            "fullmatch" => Anchor::Both,
            _ => Anchor::None,
        };
        let regex = self.regex(anchor)?;
        let matched = |found: &Found| Value::from_object(Match::new(self, text, found));
        Ok(match function {
            "findall" => list(regex.find(text, usize::MAX)?.iter().map(|found| all_groups(found, text)).collect()),
            "finditer" => {
                let found = regex.find(text, usize::MAX)?.iter().map(matched).collect();
                Iterator::value("callable_iterator object", found)
            }
            _ => regex.find(text, 1)?.first().map_or_else(|| Value::from(()), matched),
        })
    }

    /// The text with the first `count` matches replaced (all when it is 0), and how many were.
    fn replace(
        &self,
        state: &mut State<'_, '_>,
        with: &Value,
        text: &str,
        count: usize,
    ) -> Result<(String, usize), Error> {
        let regex = self.regex(Anchor::None)?;
        let (mut out, mut last, mut times) = (String::with_capacity(text.len()), 0, 0);
        for found in regex.find(text, if count > 0 { count } else { usize::MAX })? {
            let (start, end) = found.whole();
            out.push_str(&text[last..start]);
            if let Some(template) = with.as_str() {
                out.push_str(&expand(template, &found, text)?);
            } else {
                let found = Value::from_object(Match::new(self, text, &found));
                out.push_str(&with.call(state, &[found])?.to_string());
            }
            last = end;
            times += 1;
        }
        out.push_str(&text[last..]);
        Ok((out, times))
    }

    /// What is between matches, with the groups of each match in between.
    fn split(&self, text: &str, most: usize) -> Result<Value, Error> {
        let (mut parts, mut last) = (Vec::new(), 0);
        for found in self.regex(Anchor::None)?.find(text, if most > 0 { most } else { usize::MAX })? {
            let (start, end) = found.whole();
            parts.push(Value::from(&text[last..start]));
            parts.extend((1..found.groups.len()).map(|group| Value::from(found.text(group, text))));
            last = end;
        }
        parts.push(Value::from(&text[last..]));
        Ok(list(parts))
    }
}

/// `\d`, `\w` and `\s` for ASCII only; the crate's own switch for that would refuse other text.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('s') => out.push_str("[ \\t\\n\\r\\x0b\\x0c]"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// What `findall` gives for one match: the whole when there is no group, the group when there is one, else all groups.
fn all_groups(found: &Found, searched: &str) -> Value {
    let text = |index: usize| Value::from(found.text(index, searched).unwrap_or_default());
    match found.groups.len() {
        1 => text(0),
        2 => text(1),
        groups => tuple((1..groups).map(text).collect()),
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "re.compile({})", to_repr(&Value::from(self.source.as_str())))
    }
}

impl Object for Pattern {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "pattern" => Some(Value::from(self.source.as_str())),
            "flags" => Some(Value::from(self.flags)),
            "groups" => Some(Value::from(self.regex(Anchor::None).ok()?.groups())),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let function = FUNCTIONS.into_iter().find(|name| *name == method && *name != "compile");
        let function = function.ok_or_else(|| Error::from(ErrorKind::UnknownMethod))?;
        let mut all = vec![Value::from_dyn_object(Arc::clone(self))];
        all.extend_from_slice(args);
        Arc::new(Function(function)).call(state, &all)
    }
}

/// A match.
struct Match {
    text: String,
    pattern: String,
    /// Where each group is, in bytes; none for one that took no part.
    groups: Vec<Option<(usize, usize)>>,
    names: Arc<[Option<String>]>,
}

impl Match {
    fn new(pattern: &Pattern, text: &str, found: &Found) -> Self {
        Self {
            text: text.to_owned(),
            pattern: pattern.source.clone(),
            groups: found.groups.clone(),
            names: Arc::clone(&found.names),
        }
    }

    fn index(&self, key: &Value) -> Result<usize, Error> {
        let by_name = || self.names.iter().position(|name| name.is_some() && name.as_deref() == key.as_str());
        let index = key.as_usize().or_else(by_name).filter(|index| *index < self.groups.len());
        index.ok_or_else(|| fail(format!("the pattern '{}' has no group {key:?}", self.pattern)))
    }

    fn group(&self, index: usize, default: &Value) -> Value {
        self.groups[index].map_or_else(|| default.clone(), |(start, end)| Value::from(&self.text[start..end]))
    }

    /// Start and end of a group in characters, -1 when it took no part.
    fn span(&self, index: usize) -> (i64, i64) {
        let chars = |bytes: usize| i64::try_from(self.text[..bytes].chars().count()).unwrap_or(i64::MAX);
        self.groups[index].map_or((-1, -1), |(start, end)| (chars(start), chars(end)))
    }
}

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = self.span(0);
        let matched = to_repr(&self.group(0, &Value::from(())));
        write!(f, "<re.Match object; span=({start}, {end}), match={matched}>")
    }
}

impl Object for Match {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if key.as_str() == Some("string") {
            return Some(Value::from(self.text.as_str()));
        }
        Some(self.group(self.index(key).ok()?, &Value::from(())))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let none = Value::from(());
        let one = || args.first().map_or(Ok(0), |key| self.index(key));
        Ok(match method {
            "group" if args.len() > 1 => {
                let groups: Result<Vec<Value>, Error> =
                    args.iter().map(|key| Ok(self.group(self.index(key)?, &none))).collect();
                tuple(groups?)
            }
            "group" => self.group(one()?, &none),
            "groups" => {
                let args = bind(method, &["default"], args)?;
                let default = args.passed("default").unwrap_or(&none);
                tuple((1..self.groups.len()).map(|index| self.group(index, default)).collect())
            }
            "groupdict" => {
                let named = self.names.iter().enumerate().filter_map(|(at, name)| Some((at, name.as_deref()?)));
                dict(named.map(|(at, name)| (Value::from(name), self.group(at, &none))))
            }
            "start" => Value::from(self.span(one()?).0),
            "end" => Value::from(self.span(one()?).1),
            "span" => {
                let (start, end) = self.span(one()?);
                tuple(vec![Value::from(start), Value::from(end)])
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        })
    }
}
