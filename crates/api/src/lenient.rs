//! Numbers and flags that clients send as strings as well (clients §6, trap 28).

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A whole number, given as a JSON number or as a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = i64)]
pub struct Number(pub i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                i64::try_from(value).map(Number).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Number, E> {
                value.trim().parse().map(Number).map_err(|_| E::invalid_value(Unexpected::Str(value), &self))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A text, given as a JSON string or number: a protocol may come as `"6"` and as `6`.
#[derive(Clone, Debug, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a number")
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
    use super::*;

    /// clients §6, trap 28.
    #[test]
    fn numbers_may_be_strings_and_protocols_may_be_numbers() {
        let numbers: Vec<Number> = serde_json::from_str(r#"[80, "80", " 7 "]"#).unwrap();
        assert_eq!(numbers, [Number(80), Number(80), Number(7)]);
        assert!(serde_json::from_str::<Number>("\"eighty\"").is_err());
        assert!(serde_json::from_str::<Number>("8.5").is_err());
        let texts: Vec<Text> = serde_json::from_str(r#"["tcp", 6]"#).unwrap();
        assert_eq!(texts, [Text("tcp".to_owned()), Text("6".to_owned())]);
    }
}
