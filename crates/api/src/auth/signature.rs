//! Verifying a signed request (api-iam §3).

use std::sync::Arc;

use axum::http::request::Parts;
use catalog::Catalog;
use model::{AccessKey, AccessKeyId, Timestamp};
use signing::Authorization;

use crate::error::Problem;
use crate::frame::Frame;

/// The key that signed the request.
///
/// # Errors
/// 401 `APIGW.0301` with the details of api-iam §8.1.
pub(super) fn verify(
    catalog: &Catalog,
    parts: &Parts,
    frame: &Frame,
    authorization: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Arc<AccessKey>, Problem> {
    let authorization =
        Authorization::parse(authorization).map_err(|error| Problem::unauthenticated(error, "bad_authorization"))?;
    // Permanent keys have no security token; one that comes with such a key belongs to another key (api-iam §3.2).
    if super::header(&parts.headers, "x-security-token")?.is_some() {
        return Err(Problem::unauthenticated("X-Security-Token is not one of this access key", "bad_security_token"));
    }
    let key = catalog.access_key(&AccessKeyId(authorization.access_key.clone())).ok_or_else(|| {
        Problem::unauthenticated(
            format_args!("ak {} not exist", shown(&authorization.access_key)),
            "unknown_access_key",
        )
    })?;
    super::claimed(catalog, key.user);
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let request = signing::Request::new(
        parts.method.as_str(),
        frame.received.path(),
        frame.received.query().unwrap_or_default(),
        headers,
        body,
    );
    let date = super::header(&parts.headers, signing::X_SDK_DATE)?
        .ok_or_else(|| Problem::unauthenticated("X-Sdk-Date is missing", "no_date"))?;
    // The signature goes first: only who has the secret learns how far the clocks are apart.
    signing::verify(&request, &authorization, &key.secret)
        .map_err(|error| Problem::unauthenticated(error, "wrong_signature"))?;
    let seconds = now.unix_seconds();
    let now = jiff::Timestamp::from_second(seconds).map_err(Problem::internal)?;
    signing::check_clock(date, now).map_err(|error| {
        Problem::unauthenticated(
            format_args!("{error}; the server's clock says {}", signing::format_date(now)),
            "expired_signature",
        )
    })?;
    Ok(Arc::clone(key))
}

/// What is repeated of an access key that nobody knows.
fn shown(access_key: &str) -> String {
    access_key.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}
