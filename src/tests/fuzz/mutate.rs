//! Mutations: of texts by their words, of JSON by its values. Edits are data, so that a failing case shrinks to few.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value as Json, json};

/// One change of a text.
#[derive(Debug, Clone)]
enum Edit {
    Delete { at: Index, words: usize },
    Replace { at: Index, with: Index },
    Insert { at: Index, what: Index, times: usize },
    Swap { at: Index, with: Index },
    Copy { from: Index, words: usize, to: Index },
    Splice { other: Index, from: Index, words: usize, to: Index },
    Truncate { at: Index },
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        3 => (index(), 1..8_usize).prop_map(|(at, words)| Edit::Delete { at, words }),
        4 => (index(), index()).prop_map(|(at, with)| Edit::Replace { at, with }),
        6 => (index(), index()).prop_map(|(at, what)| Edit::Insert { at, what, times: 1 }),
        1 => (index(), index(), prop_oneof![2..40_usize, 100..3000_usize])
            .prop_map(|(at, what, times)| Edit::Insert { at, what, times }),
        2 => (index(), index()).prop_map(|(at, with)| Edit::Swap { at, with }),
        2 => (index(), 1..30_usize, index()).prop_map(|(from, words, to)| Edit::Copy { from, words, to }),
        2 => (index(), index(), 1..40_usize, index())
            .prop_map(|(other, from, words, to)| Edit::Splice { other, from, words, to }),
        1 => index().prop_map(|at| Edit::Truncate { at }),
    ]
}

/// Texts made of `bases` by up to seven changes, with `words` for what is put in.
pub(crate) fn texts(bases: &[String], words: &'static [&'static str]) -> impl Strategy<Value = String> + use<> {
    let bases: Vec<Vec<String>> = bases.iter().map(|text| split(text)).collect();
    (any::<Index>(), vec(edit(), 0..8)).prop_map(move |(base, edits)| {
        let mut text = bases[base.index(bases.len())].clone();
        for edit in &edits {
            apply(edit, &mut text, &bases, words);
        }
        text.concat()
    })
}

/// Texts that are nothing but words.
pub(crate) fn soup(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(prop_oneof![8 => prop::sample::select(words).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)], 0..60)
        .prop_map(|words| words.concat())
}

/// Runs of letters and digits, runs of blanks, and single other characters.
fn split(text: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        ' ' => 2,
        _ => 0,
    };
    let mut words: Vec<String> = Vec::new();
    let mut last = 0;
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if kind(c) == last && last > 0 => word.push(c),
            _ => words.push(c.to_string()),
        }
        last = kind(c);
    }
    words
}

fn apply(edit: &Edit, text: &mut Vec<String>, bases: &[Vec<String>], words: &[&str]) {
    let range = |from: &Index, count: usize, len: usize| {
        let from = from.index(len + 1);
        from..(from + count).min(len)
    };
    let len = text.len();
    match edit {
        Edit::Delete { at, words } => drop(text.drain(range(at, *words, len))),
        Edit::Replace { at, with } if len > 0 => words[with.index(words.len())].clone_into(&mut text[at.index(len)]),
        Edit::Insert { at, what, times } => {
            text.insert(at.index(len + 1), words[what.index(words.len())].repeat(*times));
        }
        Edit::Swap { at, with } if len > 0 => text.swap(at.index(len), with.index(len)),
        Edit::Copy { from, words, to } => {
            let copied = text[range(from, *words, len)].to_vec();
            let to = to.index(len + 1);
            text.splice(to..to, copied);
        }
        Edit::Splice { other, from, words, to } => {
            let other = &bases[other.index(bases.len())];
            let copied = other[range(from, *words, other.len())].to_vec();
            let to = to.index(len + 1);
            text.splice(to..to, copied);
        }
        Edit::Truncate { at } => text.truncate(at.index(len + 1)),
        Edit::Replace { .. } | Edit::Swap { .. } => {}
    }
}

/// One change of a JSON value: the way down to it, and what happens there.
#[derive(Debug, Clone)]
struct JsonEdit {
    way: Vec<Index>,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Replace(Json),
    Remove,
    Nest(usize),
    Rename(String),
}

fn json_edit() -> impl Strategy<Value = JsonEdit> {
    let action = prop_oneof![
        6 => prop::sample::select(odd_values()).prop_map(Action::Replace),
        3 => Just(Action::Remove),
        1 => (1..400_usize).prop_map(Action::Nest),
        1 => ".{0,12}".prop_map(Action::Rename),
    ];
    (vec(any::<Index>(), 1..9), action).prop_map(|(way, action)| JsonEdit { way, action })
}

fn odd_values() -> Vec<Json> {
    vec![
        Json::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.1),
        json!(""),
        json!("x"),
        json!("model.zoo.feed"),
        json!("a\u{0}b\u{feff}🦆\r\n"),
        json!("x".repeat(70_000)),
        json!([]),
        json!([null]),
        json!(["a", 1, []]),
        json!({}),
        json!({"": {}}),
        json!({"name": 1, "enabled": "no"}),
    ]
}

/// Values made of `base` by up to seven changes.
pub(crate) fn json_values(base: Json) -> impl Strategy<Value = Json> {
    vec(json_edit(), 0..8).prop_map(move |edits| {
        let mut value = base.clone();
        for edit in &edits {
            change(&mut value, &edit.way, &edit.action);
        }
        value
    })
}

fn change(value: &mut Json, way: &[Index], action: &Action) {
    let Some((step, rest)) = way.split_first() else { return };
    let last = rest.is_empty();
    match value {
        Json::Array(items) if !items.is_empty() => {
            let at = step.index(items.len());
            match action {
                Action::Remove if last => drop(items.remove(at)),
                _ if last => replace(&mut items[at], action),
                _ => change(&mut items[at], rest, action),
            }
        }
        Json::Object(map) if !map.is_empty() => {
            let at = step.index(map.len());
            let Some(key) = map.keys().nth(at).cloned() else { return };
            match action {
                Action::Remove if last => drop(map.shift_remove(&key)),
                Action::Rename(name) if last => {
                    let taken = map.shift_remove(&key).unwrap_or_default();
                    map.insert(name.clone(), taken);
                }
                _ => {
                    if let Some(inner) = map.get_mut(&key) {
                        if last { replace(inner, action) } else { change(inner, rest, action) }
                    }
                }
            }
        }
        other => replace(other, action),
    }
}

fn replace(value: &mut Json, action: &Action) {
    match action {
        Action::Replace(with) => *value = with.clone(),
        Action::Nest(depth) => {
            for _ in 0..*depth {
                *value = Json::Array(vec![value.take()]);
            }
        }
        Action::Remove | Action::Rename(_) => *value = Json::Null,
    }
}
