//! Names and descriptions.

/// A name or description that is not well formed; the message says which character or length is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Shorter or longer than allowed, counted in characters.
    #[error("{what} has {length} characters; {min} to {max} are allowed")]
    Length {
        /// `name` or `description`.
        what: &'static str,
        /// Characters given.
        length: usize,
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// A character that is not allowed.
    #[error("{what} contains `{character}`; allowed are {allowed}")]
    Character {
        /// `name` or `description`.
        what: &'static str,
        /// The first wrong character.
        character: char,
        /// The characters that are allowed, in words.
        allowed: &'static str,
    },
}

/// Checks a required name: 1 to 64 letters, digits, Chinese characters, `-`, `_` and `.`.
///
/// # Errors
/// [`NameError`] for a wrong length or character.
pub fn validate_name(name: &str) -> Result<(), NameError> {
    validate_name_of(name, 1)
}

/// Checks a name that may be empty: 0 to 64 characters as in [`validate_name`].
///
/// # Errors
/// [`NameError`] for a wrong length or character.
pub fn validate_optional_name(name: &str) -> Result<(), NameError> {
    validate_name_of(name, 0)
}

/// Checks a name of the v2.0 firewall objects: 0 to 255 characters without `<` and `>`.
///
/// # Errors
/// [`NameError`] for a wrong length or character.
pub fn validate_long_name(name: &str) -> Result<(), NameError> {
    validate_text("name", name)
}

fn validate_name_of(name: &str, min: usize) -> Result<(), NameError> {
    let length = name.chars().count();
    if length < min || length > 64 {
        return Err(NameError::Length { what: "name", length, min, max: 64 });
    }
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_.".contains(*c) || is_chinese(*c))) {
        Some(character) => Err(NameError::Character {
            what: "name",
            character,
            allowed: "letters, digits, Chinese characters, hyphen, underscore and period",
        }),
        None => Ok(()),
    }
}

/// Checks a description: 0 to 255 characters without `<` and `>`.
///
/// # Errors
/// [`NameError`] for a wrong length or character.
pub fn validate_description(description: &str) -> Result<(), NameError> {
    validate_text("description", description)
}

fn validate_text(what: &'static str, text: &str) -> Result<(), NameError> {
    let length = text.chars().count();
    if length > 255 {
        return Err(NameError::Length { what, length, min: 0, max: 255 });
    }
    match text.chars().find(|c| matches!(c, '<' | '>')) {
        Some(character) => Err(NameError::Character { what, character, allowed: "all characters but < and >" }),
        None => Ok(()),
    }
}

/// CJK unified ideographs, their extension A and the compatibility block: the documents' "Chinese characters".
pub(crate) fn is_chinese(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ebef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_in_characters_and_checked_by_character() {
        assert_eq!(validate_name("对等连接-A_1.b"), Ok(()));
        assert!(matches!(validate_name(""), Err(NameError::Length { length: 0, .. })));
        assert!(validate_optional_name("").is_ok());
        assert!(matches!(validate_name(&"a".repeat(65)), Err(NameError::Length { length: 65, .. })));
        assert!(matches!(validate_name("a b"), Err(NameError::Character { character: ' ', .. })));
        assert!(matches!(validate_description("a<b"), Err(NameError::Character { character: '<', .. })));
    }
}
