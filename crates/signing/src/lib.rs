//! SDK-HMAC-SHA256 and V11-HMAC-SHA256 request signatures: canonical form, signing, verification.
//!
//! Both ends use the same code: a server calls [`Authorization::parse`] and [`verify`], a client [`sign`]. The rules are
//! those of the public signing guide and of what the official SDKs and the Terraform provider really send
//! (API specification of IAM, section 3).
//!
//! What it guarantees: a signature made by [`sign`] verifies; a request that differs in any signed part does not, the
//! body included, unless the signer itself asked for `UNSIGNED-PAYLOAD`. Signatures are compared in constant time.
//!
//! What it does not do: it reads no clock (see [`check_clock`]), knows no keys, no accounts and no HTTP library, keeps no
//! nonces (a signature is good for the whole clock window) and does not support the SM3 and ECDSA algorithms.
//!
//! ```
//! use signing::{Authorization, Credentials, Request, Scheme, sign, verify};
//!
//! let headers = [("Host", "vpc.region-a.example"), ("X-Sdk-Date", "20260102T030405Z")];
//! let request = Request::new("GET", "/v1/p/vpcs", "limit=10", headers, b"");
//! let key = Credentials { access_key: "AK".to_owned(), secret_key: "SK".to_owned() };
//! let signed = sign(&request, &key, &Scheme::Plain)?;
//!
//! let authorization = Authorization::parse(&signed.authorization)?;
//! assert_eq!(authorization.access_key, "AK");
//! verify(&request, &authorization, "SK")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorization;
mod canonical;
mod clock;
mod encode;
mod sign;
mod verify;

pub use authorization::{Authorization, AuthorizationError, Scheme};
pub use canonical::{EMPTY_BODY_SHA256, Request, UNSIGNED_PAYLOAD, canonical_query, canonical_uri};
pub use clock::{ClockError, MAX_SKEW, check_clock, format_date, parse_date};
pub use encode::{encode, encode_query};
pub use sign::{Credentials, SignError, Signed, derived_key, sign};
pub use verify::{VerifyError, verify};

/// The header that carries the signature.
pub const AUTHORIZATION: &str = "authorization";
/// The header that carries the time of signing: `YYYYMMDDTHHMMSSZ` in UTC. It must be signed.
pub const X_SDK_DATE: &str = "x-sdk-date";
/// The header whose value replaces the hash of the body in the canonical request.
pub const X_SDK_CONTENT_SHA256: &str = "x-sdk-content-sha256";

#[cfg(test)]
mod tests;
