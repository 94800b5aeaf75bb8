//! Sentences that the server puts beside a success.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::header::HeaderMap;

/// A JSON array of sentences, percent-encoded: a header's value is ASCII.
const HEADER: &str = "x-causeway-warnings";

/// So many are kept when nobody asks for them.
const KEPT: usize = 64;

/// Shared by all clones of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings(Arc<Mutex<VecDeque<String>>>);

impl Warnings {
    /// Keeps what the headers of an answer carry. A header that cannot be read is no reason to fail: the operation was
    /// done.
    pub(crate) fn keep(&self, headers: &HeaderMap) {
        for value in headers.get_all(HEADER) {
            let decoded = percent_decode(value.as_bytes());
            let Ok(sentences) = serde_json::from_slice::<Vec<String>>(&decoded) else { continue };
            let mut kept = self.lock();
            kept.extend(sentences);
            let surplus = kept.len().saturating_sub(KEPT);
            kept.drain(..surplus);
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.lock().drain(..).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        // Nothing panics while the lock is held, and a list of sentences cannot be half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A `%` without two hexadecimal digits after it stands for itself.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match tail {
            [high, low, after @ ..] if *first == b'%' => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = after;
                }
                _ => decoded.push(*first),
            },
            _ => decoded.push(*first),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn sentences_are_decoded_and_taken_once() {
        let warnings = Warnings::default();
        let text = signing::encode(r#"["10.0.0.0/16 – overlaps","100% sure"]"#);
        warnings.clone().keep(&headers(&[&text]));
        assert_eq!(warnings.take(), ["10.0.0.0/16 – overlaps", "100% sure"]);
        assert!(warnings.take().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let warnings = Warnings::default();
        warnings.keep(&headers(&["%", "%zz", "not json", "%5B1%5D", "%5B%22kept%22%5D"]));
        assert_eq!(warnings.take(), ["kept"]);
    }

    #[test]
    fn only_the_last_ones_are_kept() {
        let warnings = Warnings::default();
        for number in 0..100 {
            warnings.keep(&headers(&[&format!("[\"{number}\"]")]));
        }
        let taken = warnings.take();
        assert_eq!((taken.len(), taken.first().map(String::as_str)), (KEPT, Some("36")));
    }
}
