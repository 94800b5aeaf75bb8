//! Checking a signature.

use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::authorization::{Authorization, Scheme};
use crate::canonical::{EMPTY_BODY_SHA256, Request, UNSIGNED_PAYLOAD};
use crate::sign::{signature, string_to_sign};
use crate::{X_SDK_CONTENT_SHA256, X_SDK_DATE};

/// Why a signature is refused. The text is the detail that stands in the answer (401 `APIGW.0301`).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// `X-Sdk-Date` is missing, repeated or outside the signature.
    #[error("X-Sdk-Date must be sent once and be signed")]
    NoDate,
    /// A header stands in `SignedHeaders` but not in the request.
    #[error("signed header {0} is not in the request")]
    MissingHeader(String),
    /// The day of a derived credential is not that of `X-Sdk-Date`.
    #[error("the date of the credential is not that of X-Sdk-Date")]
    ScopeDate,
    /// `X-Sdk-Content-Sha256` names a hash that the body does not have, or stands there more than once.
    #[error("X-Sdk-Content-Sha256 is not the hash of the body")]
    BodyHash,
    /// The signature is that of another request or of another key.
    #[error("verify aksk signature fail, canonicalRequest:{}", .canonical_request.replace('\n', "|"))]
    Mismatch {
        /// What the server derived from the request, with line feeds; the message shows them as vertical bars.
        canonical_request: String,
    },
}

/// Checks the signature of a request. The clock is [`crate::check_clock`]'s matter, whose key it is the caller's; scope
/// headers (`X-Project-Id`, ...) may be outside the signature, so the caller checks what they say.
///
/// # Errors
/// [`VerifyError`].
pub fn verify(request: &Request<'_>, authorization: &Authorization, secret_key: &str) -> Result<(), VerifyError> {
    let date = request.single(X_SDK_DATE).filter(|_| authorization.signs(X_SDK_DATE)).ok_or(VerifyError::NoDate)?;
    if let Some(absent) =
        authorization.signed_headers.split(';').find(|name| request.header_values(name).next().is_none())
    {
        return Err(VerifyError::MissingHeader(absent.to_owned()));
    }
    if let Scheme::Derived { info } = &authorization.scheme
        && info.split('/').next() != date.get(..8)
    {
        return Err(VerifyError::ScopeDate);
    }

    let matches = |hash: &str| {
        let canonical = request.canonical(&authorization.signed_headers, hash);
        let text = string_to_sign(&authorization.scheme, date, &canonical);
        let expected = signature(&authorization.scheme, &authorization.access_key, secret_key, &text);
        let equal: bool = expected.as_bytes().ct_eq(authorization.signature.as_bytes()).into();
        (equal, canonical)
    };
    let hash = payload_hash(request)?;
    let (mut equal, canonical) = matches(&hash);
    // The Python SDK announces UNSIGNED-PAYLOAD and yet hashes the body when it is empty.
    if !equal && hash == UNSIGNED_PAYLOAD && request.body.is_empty() {
        equal = matches(EMPTY_BODY_SHA256).0;
    }
    if equal {
        Ok(())
    } else {
        Err(VerifyError::Mismatch { canonical_request: String::from_utf8_lossy(&canonical).into_owned() })
    }
}

/// The last line of the canonical request. A hash that the request names itself must be that of the body: otherwise a
/// captured signature could be sent with another body.
fn payload_hash(request: &Request<'_>) -> Result<String, VerifyError> {
    if request.header_values(X_SDK_CONTENT_SHA256).next().is_none() {
        return Ok(request.body_hash());
    }
    let named = request.single(X_SDK_CONTENT_SHA256).ok_or(VerifyError::BodyHash)?;
    if named == UNSIGNED_PAYLOAD || named.eq_ignore_ascii_case(&request.body_hash()) {
        Ok(named.to_owned())
    } else {
        Err(VerifyError::BodyHash)
    }
}
