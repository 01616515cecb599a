//! Values of a manifest that may be of another type than expected: of versions that wrote them otherwise, or of tools
//! that write what they like. A value of the wrong type counts as missing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use crate::model::JsonMap;

/// Text, or nothing.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

impl Text {
    /// The text, or the empty text.
    pub(super) fn or_empty(self) -> String {
        self.0.unwrap_or_default()
    }
}

/// A list of texts, or one text; what is no text is left out.
#[derive(Debug, Default)]
pub(super) struct Texts(pub(super) Vec<String>);

/// An object, or an empty one.
#[derive(Debug, Default)]
pub(super) struct Object(pub(super) JsonMap);

/// A list, or an empty one.
#[derive(Debug, Default)]
pub(super) struct List(pub(super) Vec<Json>);

/// A key, copied only when it has escapes in it.
#[derive(Debug, serde::Deserialize, PartialEq, Eq, Hash)]
pub(super) struct Key<'m>(#[serde(borrow)] pub(super) Cow<'m, str>);

/// The entries of an object in their order; of null, nothing.
#[derive(Debug)]
pub(super) struct Entries<V>(pub(super) Vec<(String, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Values that are neither text nor a container.
macro_rules! nothing_of_scalars {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

macro_rules! nothing_of_objects {
    () => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

macro_rules! nothing_of_lists {
    () => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    nothing_of_scalars!();
    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(Some(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text(Some(text)))
    }

    nothing_of_lists!();
    nothing_of_objects!();
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    nothing_of_scalars!();
    nothing_of_objects!();

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = seq.next_element::<Text>()? {
            all.extend(item.0);
        }
        Ok(Texts(all))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct EntriesVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V> {
    type Value = Entries<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Entries<V>, E> {
        Ok(Entries::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<V>, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(Entries(all))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Json::deserialize(deserializer)? {
            Json::Object(map) => Self(map),
            _ => Self::default(),
        })
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Json::deserialize(deserializer)? {
            Json::Array(items) => Self(items),
            _ => Self::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{List, Object, Text, Texts};

    #[test]
    fn what_has_another_type_is_missing() {
        for odd in ["null", "true", "-1", "1", "1.5", "[[1], {}]", "{\"a\": [{}]}"] {
            assert_eq!(serde_json::from_str::<Text>(odd).unwrap().0, None, "{odd}");
            assert_eq!(serde_json::from_str::<Texts>(odd).unwrap().0, [""; 0], "{odd}");
        }
        assert_eq!(serde_json::from_str::<Text>("\"a\\n\"").unwrap().0.as_deref(), Some("a\n"));
        assert_eq!(serde_json::from_str::<Texts>("[\"a\", 1, null, \"b\"]").unwrap().0, ["a", "b"]);
        assert_eq!(serde_json::from_str::<Texts>("\"a\"").unwrap().0, ["a"]);
        assert!(serde_json::from_str::<Object>("[]").unwrap().0.is_empty());
        assert!(serde_json::from_str::<List>("{}").unwrap().0.is_empty());
    }
}
