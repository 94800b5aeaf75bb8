//! Percent coding, as the canonical form has it: `A-Z a-z 0-9 - _ . ~` stay, every other byte becomes `%XX`.

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Percent-encodes `text`; of all bytes only the unreserved ones of RFC 3986 stay. Encodes `/` too, so it is what a client
/// needs for one segment of a path and for names and values of a query.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_encoded(&mut out, text.as_bytes(), false);
    out
}

/// A query string in canonical form from decoded pairs: sorted by name, then by value, always with `=`.
///
/// A client that sends this very string cannot disagree with the server about its meaning.
pub fn encode_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<(&[u8], &[u8])> = pairs.into_iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    pairs.sort_unstable();
    join_pairs(pairs)
}

/// Joins pairs, which must be sorted already, into a query string.
pub(crate) fn join_pairs<B: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (B, B)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        push_encoded(&mut out, name.as_ref(), false);
        out.push('=');
        push_encoded(&mut out, value.as_ref(), false);
    }
    out
}

/// Appends `bytes` percent-encoded; `keep_slash` leaves `/` as it is.
pub(crate) fn push_encoded(out: &mut String, bytes: &[u8], keep_slash: bool) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Percent-decodes `text`; a `%` without two hexadecimal digits after it stands for itself. `plus_is_space` holds in
/// queries only.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
    }
    out
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_bytes_stay() {
        assert_eq!(encode("aZ09-_.~"), "aZ09-_.~");
        assert_eq!(encode("a b/c+é%"), "a%20b%2Fc%2B%C3%A9%25");
    }

    #[test]
    fn a_lone_percent_sign_stands_for_itself() {
        assert_eq!(decode("100%", false), b"100%");
        assert_eq!(decode("%zz%4", false), b"%zz%4");
        assert_eq!(decode("%2f%2F", false), b"//");
    }

    #[test]
    fn plus_is_a_space_in_queries_only() {
        assert_eq!(decode("a+b", true), b"a b");
        assert_eq!(decode("a+b", false), b"a+b");
    }

    #[test]
    fn query_pairs_are_sorted_by_name_then_value() {
        assert_eq!(encode_query([("b", "1"), ("a", "2"), ("a", "1"), ("c", "")]), "a=1&a=2&b=1&c=");
    }
}
