//! Making a signature.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::authorization::{Authorization, DERIVED, PLAIN, Scheme};
use crate::canonical::Request;
use crate::{X_SDK_CONTENT_SHA256, X_SDK_DATE};

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id (AK).
    pub access_key: String,
    /// The secret key (SK).
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// What [`sign`] makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The value of the `Authorization` header.
    pub authorization: String,
    /// The text that was signed, for people who compare it with the server's.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignError {
    /// The request has no `X-Sdk-Date` header, or more than one.
    #[error("a request needs exactly one X-Sdk-Date header to be signed")]
    NoDate,
}

/// Signs every header of the request. A header that is to stay outside the signature is added after signing.
///
/// The hash of the body is the value of `X-Sdk-Content-Sha256` if the request has this header, else computed.
///
/// # Errors
/// [`SignError::NoDate`].
pub fn sign(request: &Request<'_>, credentials: &Credentials, scheme: &Scheme) -> Result<Signed, SignError> {
    let date = request.single(X_SDK_DATE).ok_or(SignError::NoDate)?;
    let signed_headers = request.header_names().join(";");
    let hash = request.single(X_SDK_CONTENT_SHA256).map_or_else(|| request.body_hash(), str::to_owned);
    let canonical = request.canonical(&signed_headers, &hash);
    let string_to_sign = string_to_sign(scheme, date, &canonical);
    let signature = signature(scheme, &credentials.access_key, &credentials.secret_key, &string_to_sign);
    let authorization =
        Authorization { scheme: scheme.clone(), access_key: credentials.access_key.clone(), signed_headers, signature };
    Ok(Signed {
        authorization: authorization.to_string(),
        canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
        string_to_sign,
    })
}

/// Algorithm, date, scope where the scheme has one, and the hash of the canonical request (section 3.4).
pub(crate) fn string_to_sign(scheme: &Scheme, date: &str, canonical: &[u8]) -> String {
    let hash = hex::encode(Sha256::digest(canonical));
    match scheme {
        Scheme::Plain => format!("{PLAIN}\n{date}\n{hash}"),
        Scheme::Derived { info } => format!("{DERIVED}\n{date}\n{info}\n{hash}"),
    }
}

/// Lower-case hexadecimal HMAC of the string to sign.
pub(crate) fn signature(scheme: &Scheme, access_key: &str, secret_key: &str, string_to_sign: &str) -> String {
    match scheme {
        Scheme::Plain => mac(secret_key, string_to_sign),
        Scheme::Derived { info } => mac(&derived_key(access_key, secret_key, info), string_to_sign),
    }
}

/// The key of the derived scheme: HKDF-SHA256 of the secret key, the access key as salt. The 64 hexadecimal digits
/// themselves are the key (section 3.9).
#[must_use]
pub fn derived_key(access_key: &str, secret_key: &str, info: &str) -> String {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(access_key.as_bytes()), secret_key.as_bytes())
        .expand(info.as_bytes(), &mut key)
        .expect("HKDF-SHA256 makes up to 8160 bytes");
    hex::encode(key)
}

fn mac(key: &str, data: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(data.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
