//! Random texts and how they are kept.

use sha2::{Digest, Sha256};

use crate::error::Problem;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The text of a new token: 64 letters and digits, 380 bits.
pub(crate) fn token() -> Result<String, Problem> {
    random(64)
}

/// A new password: 24 letters and digits.
pub(crate) fn password() -> Result<String, Problem> {
    random(24)
}

/// What is stored of a token: the SHA-256 of its text, hexadecimal.
pub(crate) fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

fn random(length: usize) -> Result<String, Problem> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    // Bytes at or above the largest multiple are dropped, or some letters would be likelier than others.
    let bound = 256 - 256 % ALPHABET.len();
    while text.len() < length {
        getrandom::fill(&mut bytes).map_err(Problem::internal)?;
        let drawn = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < bound);
        text.extend(drawn.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])).take(length - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a machine without randomness runs no tests")]
    use super::*;

    #[test]
    fn secrets_are_letters_and_digits_and_never_the_same() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert!(one.len() == 64 && one.bytes().all(|b| b.is_ascii_alphanumeric()), "{one}");
        assert_ne!(one, other);
        assert_eq!(password().unwrap().len(), 24);
        assert_eq!(hash("a"), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    }
}
