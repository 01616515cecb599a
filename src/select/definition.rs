//! Selectors of selectors.yml: a criterion as text, as a pair, or as a map; unions and intersections; exclusions;
//! references.

use serde_json::Value as Json;

use super::request::of_criterion;
use super::{Criterion, Error, Indirect, Method, Reach, ResolvedSelector, Wanted};
use crate::model::{JsonMap, nearest};

/// All selectors of a project, with what the command line says of tests.
pub(super) struct Definitions<'a> {
    selectors: &'a JsonMap,
    indirect: Indirect,
}

/// One definition being read: for messages, and against selectors that name themselves.
#[derive(Clone, Copy)]
struct Place<'p> {
    name: &'p str,
    outer: Option<&'p Place<'p>>,
}

impl Place<'_> {
    fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::InvalidDefinition { selector: self.name.to_owned(), reason: reason.into() }
    }

    fn is_inside(&self, name: &str) -> bool {
        self.name == name || self.outer.is_some_and(|outer| outer.is_inside(name))
    }
}

impl<'a> Definitions<'a> {
    pub(super) fn new(selectors: &'a JsonMap, indirect: Indirect) -> Self {
        Self { selectors, indirect }
    }

    /// The selector that is used when nothing is selected.
    pub(super) fn default_name(&self) -> Option<&'a str> {
        let is_default = |entry: &Json| entry.get("default").and_then(Json::as_bool) == Some(true);
        self.selectors.iter().find(|(_, entry)| is_default(entry)).map(|(name, _)| name.as_str())
    }

    /// Reads all selectors.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.selectors.keys().try_for_each(|name| self.named(name, None).map(drop))
    }

    /// Reads the selector called `name`.
    pub(super) fn resolve(&self, name: &str) -> Result<ResolvedSelector, Error> {
        self.named(name, None)
    }

    fn named(&self, name: &str, outer: Option<&Place<'_>>) -> Result<ResolvedSelector, Error> {
        let Some(entry) = self.selectors.get(name) else {
            let known = self.selectors.keys().cloned().collect();
            let nearest = nearest(name, self.selectors.keys().map(String::as_str)).map(str::to_owned);
            return Err(Error::UnknownSelector { name: name.to_owned(), known, nearest });
        };
        let place = Place { name, outer };
        // A manifest keeps the whole entry, with name and description; a bare definition is read as well.
        self.definition(entry.get("definition").unwrap_or(entry), &place)
    }

    fn definition(&self, definition: &Json, place: &Place<'_>) -> Result<ResolvedSelector, Error> {
        match definition {
            Json::String(text) => self.text(text),
            Json::Object(map) if map.contains_key("union") => self.group(map, "union", place),
            Json::Object(map) if map.contains_key("intersection") => self.group(map, "intersection", place),
            Json::Object(map) if map.contains_key("method") => self.criterion(map, place),
            Json::Object(map) if map.len() == 1 => {
                // Checked to have one entry.
                let (method, value) = map.iter().next().map_or(("", &Json::Null), |(key, value)| (key.as_str(), value));
                self.pair(method, value, place)
            }
            other => Err(place.wrong(format!(
                "{other} is no definition; write text such as \"tag:nightly\", a pair such as tag: nightly, or a map with method and value"
            ))),
        }
    }

    /// One criterion: spaces and commas do not separate in a file, as dbt has it.
    fn text(&self, text: &str) -> Result<ResolvedSelector, Error> {
        of_criterion(&Criterion::parse(text)?, self.indirect)
    }

    fn pair(&self, method: &str, value: &Json, place: &Place<'_>) -> Result<ResolvedSelector, Error> {
        let criterion = Criterion {
            childrens_parents: false,
            parents: None,
            method: Some(method.to_owned()),
            value: String::new(),
            children: None,
        };
        with_value(&criterion, value, self.indirect, place)
    }

    fn group(&self, map: &JsonMap, key: &str, place: &Place<'_>) -> Result<ResolvedSelector, Error> {
        if map.len() != 1 {
            return Err(place.wrong(format!("'{key}' must stand alone, without other keys beside it")));
        }
        let Some(Json::Array(items)) = map.get(key) else {
            return Err(place.wrong(format!("'{key}' must be a list of definitions")));
        };
        let mut parts = Vec::new();
        let mut excluded = None;
        for item in items {
            match item.get("exclude") {
                // Also where the item has a method beside it: dbt then reads the exclusion alone.
                Some(exclude) => {
                    if excluded.replace(self.list(exclude, place)?).is_some() {
                        return Err(place.wrong(format!("'{key}' has more than one 'exclude'; put them into one")));
                    }
                }
                None => parts.push(self.definition(item, place)?),
            }
        }
        let included = if key == "union" {
            ResolvedSelector::Union(parts, Indirect::Eager)
        } else {
            ResolvedSelector::Intersection(parts, Indirect::Eager)
        };
        Ok(without(included, excluded))
    }

    /// The union of a list of definitions.
    fn list(&self, list: &Json, place: &Place<'_>) -> Result<ResolvedSelector, Error> {
        let Json::Array(items) = list else {
            return Err(place.wrong("'exclude' must be a list of definitions"));
        };
        let parts = items.iter().map(|item| self.definition(item, place)).collect::<Result<_, _>>()?;
        Ok(ResolvedSelector::Union(parts, Indirect::Eager))
    }

    fn criterion(&self, map: &JsonMap, place: &Place<'_>) -> Result<ResolvedSelector, Error> {
        let method = map.get("method").and_then(Json::as_str).unwrap_or_default();
        let value = map.get("value").ok_or_else(|| place.wrong(format!("'method: {method}' needs a 'value'")))?;
        if method == "selector" {
            let name = value.as_str().ok_or_else(|| place.wrong(format!("{value} is not the name of a selector")))?;
            if place.is_inside(name) {
                return Err(place.wrong(format!("it refers to '{name}', which refers back to it")));
            }
            // What else is said beside the name is not looked at, as in dbt.
            return self.named(name, Some(place));
        }
        let excluded = map.get("exclude").map(|exclude| self.list(exclude, place)).transpose()?;
        let criterion = Criterion {
            childrens_parents: map.get("childrens_parents").is_some_and(is_truthy),
            parents: reach(map, "parents", place)?,
            method: Some(method.to_owned()),
            value: value.as_str().unwrap_or_default().to_owned(),
            children: reach(map, "children", place)?,
        };
        if criterion.childrens_parents && criterion.children.is_some() {
            return Err(Error::AtWithChildren { criterion: criterion.to_string() });
        }
        let indirect = match map.get("indirect_selection") {
            None => self.indirect,
            Some(word) => word.as_str().and_then(Indirect::parse).ok_or_else(|| {
                place.wrong(format!("indirect_selection {word} is none of eager, cautious, buildable, empty"))
            })?,
        };
        Ok(without(with_value(&criterion, value, indirect, place)?, excluded))
    }
}

fn without(included: ResolvedSelector, excluded: Option<ResolvedSelector>) -> ResolvedSelector {
    match excluded {
        None => included,
        Some(excluded) => ResolvedSelector::Difference(Box::new(included), Box::new(excluded), Indirect::Eager),
    }
}

/// The criterion, with the value as it was written.
fn with_value(
    criterion: &Criterion,
    value: &Json,
    indirect: Indirect,
    place: &Place<'_>,
) -> Result<ResolvedSelector, Error> {
    let mut resolved = of_criterion(criterion, indirect)?;
    if let ResolvedSelector::Criterion { method, value: wanted, .. } = &mut resolved {
        *wanted = match value {
            Json::String(text) => Wanted::Text(text.clone()),
            other if *method == Method::Config => Wanted::Other(other.clone()),
            other => {
                let method = criterion.method.as_deref().unwrap_or_default();
                return Err(place.wrong(format!("'{method}' needs a text as its value, not {other}; quote it")));
            }
        };
    }
    Ok(resolved)
}

fn reach(map: &JsonMap, key: &str, place: &Place<'_>) -> Result<Option<Reach>, Error> {
    if !map.get(key).is_some_and(is_truthy) {
        return Ok(None);
    }
    let depth_key = format!("{key}_depth");
    match map.get(&depth_key).filter(|depth| is_truthy(depth)) {
        None => Ok(Some(Reach::All)),
        Some(depth) => {
            let steps = whole_number(depth);
            let steps = steps.ok_or_else(|| place.wrong(format!("{depth_key} must be a whole number, not {depth}")))?;
            Ok(Some(Reach::Steps(usize::try_from(steps).unwrap_or(0))))
        }
    }
}

/// As Python's `int()`: fractions are cut off, and text may have blanks around it.
fn whole_number(value: &Json) -> Option<i64> {
    match value {
        Json::String(text) => text.trim().parse().ok(),
        Json::Bool(flag) => Some(i64::from(*flag)),
        #[expect(clippy::cast_possible_truncation, reason = "no graph is deeper than an i64")]
        Json::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|number| number as i64)),
        _ => None,
    }
}

/// What Python takes for true.
fn is_truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(flag) => *flag,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}
