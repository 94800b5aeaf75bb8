//! The verified vectors of the signing guide, and the property that a signature covers what it signs.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use crate::{
    Authorization, Credentials, Request, Scheme, UNSIGNED_PAYLOAD, VerifyError, canonical_query, derived_key, sign,
    verify,
};

const PROJECT: &str = "0605767a9980d5792f4fc00ce5a7a1f1";
const PATH: &str = "/v1/0605767a9980d5792f4fc00ce5a7a1f1/vpcs";
const HOST: (&str, &str) = ("Host", "vpc.region-a.cloud.example");
const DATE: (&str, &str) = ("X-Sdk-Date", "20260102T030405Z");
const SK: &str = "cAuSeWaYeXaMpLeSeCrEtKeY0123456789abcdef";

fn key() -> Credentials {
    Credentials { access_key: "CAUSEWAYEXAMPLEAK001".to_owned(), secret_key: SK.to_owned() }
}

fn signature(request: &Request<'_>) -> String {
    let signed = sign(request, &key(), &Scheme::Plain).unwrap();
    let parsed = Authorization::parse(&signed.authorization).unwrap();
    verify(request, &parsed, SK).unwrap();
    parsed.signature
}

/// Section 3.6.
#[test]
fn vector_1_post_with_body() {
    let body = br#"{"vpc": {"name": "demo", "cidr": "10.0.0.0/16"}}"#;
    let headers = [
        ("Content-Type", "application/json"),
        ("User-Agent", "huaweicloud-usdk-python/3.0"),
        ("X-Project-Id", PROJECT),
        HOST,
        DATE,
    ];
    let signed = sign(&Request::new("POST", PATH, "", headers, body), &key(), &Scheme::Plain).unwrap();
    assert_eq!(
        signed.canonical_request,
        "POST\n/v1/0605767a9980d5792f4fc00ce5a7a1f1/vpcs/\n\ncontent-type:application/json\n\
         host:vpc.region-a.cloud.example\nuser-agent:huaweicloud-usdk-python/3.0\n\
         x-project-id:0605767a9980d5792f4fc00ce5a7a1f1\nx-sdk-date:20260102T030405Z\n\n\
         content-type;host;user-agent;x-project-id;x-sdk-date\n\
         c746e7f7998422b2f93f5dd8bddde5d01490bb72f1fccc0109b9f81d13d6c27c"
    );
    assert_eq!(
        signed.string_to_sign,
        "SDK-HMAC-SHA256\n20260102T030405Z\nf96355632528da69433f6a4e0e5ad33f948fc33486ee93367c5cb4fddf7e1dce"
    );
    assert_eq!(
        signed.authorization,
        "SDK-HMAC-SHA256 Access=CAUSEWAYEXAMPLEAK001, \
         SignedHeaders=content-type;host;user-agent;x-project-id;x-sdk-date, \
         Signature=7d6674dd0b8bcc0ae8b232ef1a6c5ffa26a473b83aa5f3bb9457464245fe3a14"
    );
}

/// Section 3.7.
#[test]
fn vector_2_query_and_security_token() {
    let query = "limit=10&name=dev+net%2FA%2bB~%c3%a9&id=b&id=a&marker&all=true";
    let canonical = "all=true&id=a&id=b&limit=10&marker=&name=dev%20net%2FA%2BB~%C3%A9";
    assert_eq!(canonical_query(query), canonical);
    let headers =
        [("Content-Type", "application/json"), ("X-Project-Id", PROJECT), ("X-Security-Token", "tok-abc"), HOST, DATE];
    for query in [query, canonical] {
        let request = Request::new("GET", PATH, query, headers, b"");
        assert_eq!(signature(&request), "9d54d6e49bfc11996d1fedeb7a8261d6f0c0c8b53cd94acb4236fce83892506e");
        let signed = sign(&request, &key(), &Scheme::Plain).unwrap();
        assert!(
            signed.string_to_sign.ends_with("aab1d161363448892983b68156a413930cfa10b6d64d4acd1f5e197783b87b4a"),
            "{}",
            signed.canonical_request
        );
    }
}

/// Section 3.8: no `Host`, scope header and `Accept-Encoding` outside the signature.
#[test]
fn vector_3_terraform() {
    let agent = ("User-Agent", "terraform-provider-iac golangsdk/2.0.0");
    let accept = ("Accept", "application/json");
    let json = ("Content-Type", "application/json");
    let unsigned = [("X-Project-Id", PROJECT), ("Accept-Encoding", "gzip"), HOST];
    let check = |request: &Request<'_>, names: &str, expected: &str| {
        assert_eq!(signature(request), expected);
        let mut wire = request.clone();
        wire.headers.extend(unsigned.iter().map(|(name, value)| (*name, value.as_bytes())));
        let header = format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders={names}, Signature={expected}");
        verify(&wire, &Authorization::parse(&header).unwrap(), SK).unwrap();
    };
    check(
        &Request::new("GET", "/v3/projects", "name=region-a", [agent, accept, DATE], b""),
        "accept;user-agent;x-sdk-date",
        "a0a3117c87b334936bb84afb4f1efb4f823261a5101c28b458597db3f71b0fa0",
    );
    let body = b"{\"vpc\":{\"name\":\"demo\",\"cidr\":\"10.0.0.0/16\"}}\n";
    let request = Request::new("POST", PATH, "", [agent, accept, json, DATE], body);
    assert_eq!(request.body_hash(), "b3164616538b2e68966ec264a2c747259b359f1d47ec06a5761e6e0362af3ef9");
    check(
        &request,
        "accept;content-type;user-agent;x-sdk-date",
        "4973127261eb7cfeb1c8cf304c31b8729d32a0b5d28a0e36e51c7b89857853ff",
    );
}

/// Section 3.9.
#[test]
fn vector_4_derived_key() {
    let info = "20260102/region-a/vpc";
    assert_eq!(
        derived_key("CAUSEWAYEXAMPLEAK001", SK, info),
        "ec3e93c244278e1c0abdf8b6ede7f6d9d9f4a17b9727b471b5b0c1feb3ab5846"
    );
    let path = "/v3/0605767a9980d5792f4fc00ce5a7a1f1/vpc/vpcs";
    let request = Request::new("GET", path, "", [HOST, DATE], b"");
    let signed = sign(&request, &key(), &Scheme::Derived { info: info.to_owned() }).unwrap();
    assert_eq!(
        signed.string_to_sign,
        "V11-HMAC-SHA256\n20260102T030405Z\n20260102/region-a/vpc\n\
         21b7326a34467988f947f8c70f8282e0790c316299babdd022bd7bc0190187f7"
    );
    assert_eq!(
        signed.authorization,
        "V11-HMAC-SHA256 Credential=CAUSEWAYEXAMPLEAK001/20260102/region-a/vpc, SignedHeaders=host;x-sdk-date, \
         Signature=2caa45649731272b4b101002ce7e1a2189292982a4d4732488f6bbb37f4daca0"
    );
    let mut parsed = Authorization::parse(&signed.authorization).unwrap();
    verify(&request, &parsed, SK).unwrap();
    parsed.scheme = Scheme::Derived { info: "20260103/region-a/vpc".to_owned() };
    assert_eq!(verify(&request, &parsed, SK), Err(VerifyError::ScopeDate));
}

/// Section 8.1: the message shows line feeds as vertical bars.
#[test]
fn a_wrong_key_shows_the_canonical_request() {
    let request = Request::new("GET", "/", "a=1", [DATE], b"");
    let signed = sign(&request, &key(), &Scheme::Plain).unwrap();
    let error = verify(&request, &Authorization::parse(&signed.authorization).unwrap(), "other").unwrap_err();
    assert_eq!(
        error.to_string(),
        "verify aksk signature fail, canonicalRequest:GET|/|a=1|x-sdk-date:20260102T030405Z||x-sdk-date|\
         e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

/// Section 3.2, consequences 1 and 3.
#[test]
fn date_must_be_signed_and_signed_headers_must_be_there() {
    let request = Request::new("GET", "/", "", [HOST, DATE], b"");
    let with = |names: &str| {
        let header = format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders={names}, Signature=ab");
        verify(&request, &Authorization::parse(&header).unwrap(), SK).unwrap_err()
    };
    assert_eq!(with("host"), VerifyError::NoDate);
    assert_eq!(with("accept;x-sdk-date"), VerifyError::MissingHeader("accept".to_owned()));
    let twice = Request::new("GET", "/", "", [DATE, DATE], b"");
    let header = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature=ab";
    assert_eq!(verify(&twice, &Authorization::parse(header).unwrap(), SK), Err(VerifyError::NoDate));
}

/// Section 3.3, edge cases of `X-Sdk-Content-Sha256`.
#[test]
fn unsigned_payload_leaves_the_body_out() {
    let unsigned = [DATE, ("X-Sdk-Content-Sha256", UNSIGNED_PAYLOAD)];
    let signed = sign(&Request::new("PUT", "/o", "", unsigned, b"one"), &key(), &Scheme::Plain).unwrap();
    let parsed = Authorization::parse(&signed.authorization).unwrap();
    verify(&Request::new("PUT", "/o", "", unsigned, b"two"), &parsed, SK).unwrap();
    assert!(signed.canonical_request.ends_with("\nUNSIGNED-PAYLOAD"));
}

/// Section 3.3: the Python SDK hashes an empty body though it announces `UNSIGNED-PAYLOAD`.
#[test]
fn an_empty_body_may_be_hashed_in_spite_of_the_announcement() {
    let signed = sign(&Request::new("GET", "/o", "", [DATE], b""), &key(), &Scheme::Plain).unwrap();
    let parsed = Authorization::parse(&signed.authorization).unwrap();
    let announced = [DATE, ("X-Sdk-Content-Sha256", UNSIGNED_PAYLOAD)];
    verify(&Request::new("GET", "/o", "", announced, b""), &parsed, SK).unwrap();
    assert!(verify(&Request::new("GET", "/o", "", announced, b"x"), &parsed, SK).is_err());
}

/// Section 3.3: otherwise a captured signature could be replayed with another body.
#[test]
fn a_named_hash_must_be_that_of_the_body() {
    let first = Request::new("POST", "/o", "", [DATE], b"one");
    let hash = first.body_hash();
    let parsed = Authorization::parse(&sign(&first, &key(), &Scheme::Plain).unwrap().authorization).unwrap();
    let named = [DATE, ("X-Sdk-Content-Sha256", hash.as_str())];
    verify(&Request::new("POST", "/o", "", named, b"one"), &parsed, SK).unwrap();
    assert_eq!(verify(&Request::new("POST", "/o", "", named, b"two"), &parsed, SK), Err(VerifyError::BodyHash));
}

#[test]
fn the_secret_is_not_in_debug_output() {
    assert!(!format!("{:?}", key()).contains(SK));
}

/// A request of plain parts, so that every change below is one of meaning, not only of spelling.
#[derive(Debug, Clone, PartialEq)]
struct Parts {
    method: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Parts {
    fn with<T>(&self, use_request: impl FnOnce(&Request<'_>) -> T) -> T {
        let path: String = self.path.iter().map(|segment| format!("/{}", crate::encode(segment))).collect();
        let query = crate::encode_query(self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = headers.chain([("X-Sdk-Date", "20260102T030405Z")]);
        use_request(&Request::new(&self.method, &path, &query, headers, &self.body))
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    (
        "GET|POST|PUT|DELETE",
        prop::collection::vec("[^/%\u{0}]{1,8}", 1..4),
        prop::collection::vec((".{1,6}", ".{0,6}"), 0..4),
        prop::collection::vec(("x-[a-z]{1,5}", "[!-~]{1,8}"), 0..4),
        prop::collection::vec(any::<u8>(), 0..64),
    )
        .prop_map(|(method, path, query, headers, body)| Parts { method, path, query, headers, body })
}

proptest! {
    #[test]
    fn what_is_signed_verifies(parts in parts(), derived: bool) {
        let scheme = if derived { Scheme::Derived { info: "20260102/r/vpc".to_owned() } } else { Scheme::Plain };
        parts.with(|request| {
            let signed = sign(request, &key(), &scheme).unwrap();
            prop_assert_eq!(verify(request, &Authorization::parse(&signed.authorization).unwrap(), SK), Ok(()));
            Ok(())
        })?;
    }

    #[test]
    fn any_single_change_fails(parts in parts(), what in 0..8_usize, at: prop::sample::Index, bit in 0..8_u8) {
        let signed = parts.with(|request| sign(request, &key(), &Scheme::Plain).unwrap());
        let mut authorization = Authorization::parse(&signed.authorization).unwrap();
        let mut secret = SK.to_owned();
        let mut changed = parts.clone();
        match what {
            0 => changed.method = if parts.method == "GET" { "PUT" } else { "GET" }.to_owned(),
            1 => at.get_mut(&mut changed.path).push('x'),
            2 => changed.path.push("x".to_owned()),
            3 => changed.query.push(("limit".to_owned(), "1".to_owned())),
            4 if !changed.headers.is_empty() => at.get_mut(&mut changed.headers).1.push('x'),
            5 if !changed.body.is_empty() => *at.get_mut(&mut changed.body) ^= 1 << bit,
            6 => {
                let position = at.index(64);
                let digit = if &authorization.signature[position..=position] == "0" { "1" } else { "0" };
                authorization.signature.replace_range(position..=position, digit);
            }
            7 => secret.push('x'),
            _ => changed.body.push(bit),
        }
        changed.with(|request| {
            prop_assert!(verify(request, &authorization, &secret).is_err());
            Ok(())
        })?;
    }

    #[test]
    fn canonical_forms_are_stable(path in "/[ -~]{0,20}", query in "[ -~]{0,20}") {
        let once = canonical_query(&query);
        prop_assert_eq!(canonical_query(&once), once.clone());
        let uri = crate::canonical_uri(&path);
        // A literal per cent sign that looks like an escape only after decoding is decoded but once.
        if !uri.contains("%25") {
            prop_assert_eq!(crate::canonical_uri(&uri), uri);
        }
    }

    #[test]
    fn no_header_makes_the_parser_panic(header in ".{0,80}") {
        let _ = Authorization::parse(&header);
        let _ = Authorization::parse(&format!("V11-HMAC-SHA256 {header}"));
    }
}
