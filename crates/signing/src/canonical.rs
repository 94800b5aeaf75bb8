//! The canonical request: the one text both ends derive from a request, whatever was done to it in between.

use sha2::{Digest, Sha256};

use crate::encode::{decode, join_pairs, push_encoded};

/// The value of `X-Sdk-Content-Sha256` that says that the body is not part of the signature.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// SHA-256 of nothing, in lower-case hexadecimal.
pub const EMPTY_BODY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What of a request takes part in a signature.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The method; its case does not matter.
    pub method: &'a str,
    /// The path as it is on the wire, percent-encoded, without the query.
    pub path: &'a str,
    /// The query as it is on the wire, without the question mark; empty when there is none.
    pub query: &'a str,
    /// The headers in the order of the wire, `Host` included.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// The raw body, before anything parsed it.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Collects the parts of a request. Values of headers are bytes because HTTP does not promise UTF-8.
    pub fn new<V: AsRef<[u8]> + ?Sized + 'a>(
        method: &'a str,
        path: &'a str,
        query: &'a str,
        headers: impl IntoIterator<Item = (&'a str, &'a V)>,
        body: &'a [u8],
    ) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name, value.as_ref())).collect();
        Self { method, path, query, headers, body }
    }

    /// All values of a header, its name compared without case.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|&(_, value)| value)
    }

    /// The value of a header that must occur exactly once and be ASCII.
    pub(crate) fn single(&self, name: &str) -> Option<&'a str> {
        let mut values = self.header_values(name);
        let value = values.next()?.trim_ascii();
        if values.next().is_some() { None } else { std::str::from_utf8(value).ok() }
    }

    /// The names of all headers, lower-case, each once, ascending: what a client signs that signs everything.
    pub(crate) fn header_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Lower-case hexadecimal SHA-256 of the body.
    #[must_use]
    pub fn body_hash(&self) -> String {
        hex::encode(Sha256::digest(self.body))
    }

    /// The canonical request: six parts joined by line feeds. `signed_headers` is the list as it stands in the
    /// `Authorization` header, `hash` the last line. Bytes that are not UTF-8 in a header stay what they are.
    pub(crate) fn canonical(&self, signed_headers: &str, hash: &str) -> Vec<u8> {
        let mut out = format!(
            "{}\n{}\n{}\n",
            self.method.to_ascii_uppercase(),
            canonical_uri(self.path),
            canonical_query(self.query)
        )
        .into_bytes();
        for name in signed_headers.split(';') {
            let mut values: Vec<&[u8]> = self.header_values(name).map(<[u8]>::trim_ascii).collect();
            values.sort_unstable();
            for value in values {
                out.extend_from_slice(name.to_ascii_lowercase().as_bytes());
                out.push(b':');
                out.extend_from_slice(value);
                out.push(b'\n');
            }
        }
        out.extend_from_slice(format!("\n{signed_headers}\n{hash}").as_bytes());
        out
    }
}

/// The path in canonical form: decoded, encoded again segment by segment, and with `/` at its end. An encoded slash inside
/// a segment becomes a separator; double slashes stay.
#[must_use]
pub fn canonical_uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 1);
    push_encoded(&mut out, &decode(path, false), true);
    if !out.ends_with('/') {
        out.push('/');
    }
    out
}

/// The query in canonical form: decoded (`+` is a space), sorted by name, then by value, encoded again, always with `=`.
#[must_use]
pub fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        })
        .collect();
    pairs.sort_unstable();
    join_pairs(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 3.3, CanonicalURI.
    #[test]
    fn path_is_decoded_and_encoded_again() {
        assert_eq!(canonical_uri(""), "/");
        assert_eq!(canonical_uri("/"), "/");
        assert_eq!(canonical_uri("/v1/a%20b"), "/v1/a%20b/");
        assert_eq!(canonical_uri("/v1/a%2Fb/%e9~"), "/v1/a/b/%E9~/");
        assert_eq!(canonical_uri("/v3//projects/"), "/v3//projects/");
        assert_eq!(canonical_uri("/a+b:c"), "/a%2Bb%3Ac/");
    }

    /// Section 3.3, CanonicalQueryString.
    #[test]
    fn query_is_sorted_after_decoding() {
        assert_eq!(canonical_query(""), "");
        assert_eq!(canonical_query("marker"), "marker=");
        assert_eq!(canonical_query("b=1&a=x+y&a=%2B&&c"), "a=%2B&a=x%20y&b=1&c=");
        assert_eq!(canonical_query("fixed_ips=ip_address=10.0.0.5"), "fixed_ips=ip_address%3D10.0.0.5");
    }

    #[test]
    fn repeated_headers_are_one_sorted_line_each() {
        let headers = [("X-Tag", "b"), ("x-tag", "  a "), ("X-Sdk-Date", "d")];
        let request = Request::new("get", "/", "", headers, b"");
        let text = String::from_utf8(request.canonical("x-sdk-date;x-tag", &request.body_hash())).unwrap_or_default();
        assert_eq!(text, format!("GET\n/\n\nx-sdk-date:d\nx-tag:a\nx-tag:b\n\nx-sdk-date;x-tag\n{EMPTY_BODY_SHA256}"));
    }
}
