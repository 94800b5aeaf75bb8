//! Tags of resources (api-vpc section 13; limits section 3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::is_chinese;

/// Longest key, in characters.
const KEY_LENGTH: usize = 36;
/// Longest value, in characters.
const VALUE_LENGTH: usize = 43;

/// The tags of one object, by key. A key is there once; how many there may be is a limit of the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

/// A tag that is not well formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// A key or value of another length.
    #[error(
        "Tag length is invalid. The key length must be in range [1,{KEY_LENGTH}] and value in range [0,{VALUE_LENGTH}]"
    )]
    Length,
    /// A character that is not allowed.
    #[error("Tag {what} contains `{character}`; allowed are {allowed}.", character = character.escape_debug())]
    Character {
        /// `key` or `value`.
        what: &'static str,
        /// The first wrong character.
        character: char,
        /// The characters that are allowed, in words.
        allowed: &'static str,
    },
    /// A key more than once.
    #[error("Tag key is repeated.")]
    Repeated,
    /// More tags than the installation allows.
    #[error("number of tags exceeds max num of {limit}.")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
    /// A tag whose key is missing or empty.
    #[error("Tag key can not be null.")]
    NoKey,
}

/// Which characters tags may have: the families' documents differ (limits section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagCharacters {
    /// v1 and v2.0: letters, digits, Chinese characters, `_` and `-`; in values `.` too.
    Letters,
    /// v3: all but control characters and `*`, `<`, `>`, `,`, `=`.
    Text,
}

impl TagCharacters {
    fn forbids(self, c: char, in_value: bool) -> bool {
        match self {
            Self::Letters => {
                !(c.is_ascii_alphanumeric() || is_chinese(c) || matches!(c, '_' | '-') || (in_value && c == '.'))
            }
            Self::Text => c.is_control() || matches!(c, '*' | '<' | '>' | ',' | '='),
        }
    }

    const fn described(self, in_value: bool) -> &'static str {
        match (self, in_value) {
            (Self::Letters, false) => "letters, digits, Chinese characters, underscore and hyphen",
            (Self::Letters, true) => "letters, digits, Chinese characters, underscore, hyphen and period",
            (Self::Text, _) => "all but control characters, *, <, >, comma and =",
        }
    }

    fn check(self, what: &'static str, text: &str) -> Result<(), TagError> {
        let in_value = what == "value";
        match text.chars().find(|c| self.forbids(*c, in_value)) {
            Some(character) => Err(TagError::Character { what, character, allowed: self.described(in_value) }),
            None => Ok(()),
        }
    }
}

impl Tags {
    /// Reads keys with their values.
    ///
    /// # Errors
    /// [`TagError`] for a key twice, and for keys and values that are not well formed.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>, characters: TagCharacters) -> Result<Self, TagError> {
        let mut tags = BTreeMap::new();
        for (key, value) in pairs {
            if !(1..=KEY_LENGTH).contains(&key.chars().count()) || value.chars().count() > VALUE_LENGTH {
                return Err(TagError::Length);
            }
            characters.check("key", &key)?;
            characters.check("value", &value)?;
            if tags.insert(key, value).is_some() {
                return Err(TagError::Repeated);
            }
        }
        Ok(Self(tags))
    }

    /// Keys with their values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the others; a key that is there gets the other value.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Takes a key away, and says whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        self.0.remove(key).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str, characters: TagCharacters) -> Result<Tags, TagError> {
        Tags::new([(key.to_owned(), value.to_owned())], characters)
    }

    /// limits section 3.
    #[test]
    fn keys_and_values_have_a_length_counted_in_characters() {
        for characters in [TagCharacters::Letters, TagCharacters::Text] {
            assert!(read(&"键".repeat(36), &"值".repeat(43), characters).is_ok());
            assert!(read("k", "", characters).is_ok());
            for (key, value) in [("", "v".to_owned()), (&*"k".repeat(37), String::new()), ("k", "v".repeat(44))] {
                assert_eq!(read(key, &value, characters), Err(TagError::Length));
            }
        }
    }

    #[test]
    fn the_older_families_allow_fewer_characters() {
        use TagCharacters::{Letters, Text};
        assert!(read("Env_1-x环境", "1.2-b_环", Letters).is_ok());
        for (key, value) in [("a.b", ""), ("a b", ""), ("a:b", ""), ("k", "a/b"), ("k", "a b")] {
            assert!(matches!(read(key, value, Letters), Err(TagError::Character { .. })), "{key} {value}");
            assert!(read(key, value, Text).is_ok(), "{key} {value}");
        }
        for c in ['*', '<', '>', ',', '=', '\u{1f}', '\0'] {
            assert!(matches!(read(&format!("a{c}"), "", Text), Err(TagError::Character { what: "key", .. })));
            assert!(matches!(read("a", &format!("a{c}"), Text), Err(TagError::Character { what: "value", .. })));
        }
    }

    #[test]
    fn a_key_is_there_once() {
        let pair = |value: &str| ("k".to_owned(), value.to_owned());
        assert_eq!(Tags::new([pair("a"), pair("b")], TagCharacters::Letters), Err(TagError::Repeated));
        let mut tags = Tags::new([pair("a")], TagCharacters::Letters).unwrap_or_default();
        tags.extend(Tags::new([pair("b")], TagCharacters::Letters).unwrap_or_default());
        assert_eq!((tags.len(), tags.value("k")), (1, Some("b")));
        assert!(tags.remove("k") && !tags.remove("k") && tags.is_empty());
    }
}
