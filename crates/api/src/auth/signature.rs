//! Verifying a signed request (api-iam §3).

use std::sync::Arc;

use axum::http::request::Parts;
use catalog::Catalog;
use control::Vault;
use model::{AccessKey, AccessKeyId, Timestamp};
use signing::Authorization;

use crate::error::Problem;
use crate::frame::Frame;

/// Causeway's own code of a signature that is not the one of the request.
pub(crate) const WRONG_SIGNATURE: &str = "wrong_signature";

/// The key that signed the request.
///
/// # Errors
/// 401 `APIGW.0301` with the details of api-iam §8.1.
pub(super) fn verify(
    catalog: &Catalog,
    vault: &Vault,
    parts: &Parts,
    frame: &Frame,
    authorization: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Arc<AccessKey>, Problem> {
    let authorization =
        Authorization::parse(authorization).map_err(|error| Problem::unauthenticated(error, "bad_authorization"))?;
    let key = catalog.access_key(&AccessKeyId(authorization.access_key.clone())).ok_or_else(|| {
        Problem::unauthenticated(
            format_args!("ak {} not exist", shown(&authorization.access_key)),
            "unknown_access_key",
        )
    })?;
    super::claimed(catalog, key.user);
    // Either signed or not: it must be the one that was given out with the key (api-iam §3.2).
    match (&key.temporary, super::header(&parts.headers, "x-security-token")?) {
        (None, None) => {}
        (Some(temporary), Some(token)) if super::secret::hash(token) == temporary.token_hash => {}
        (Some(_), None) => {
            let text = format_args!("ak {} is temporary and X-Security-Token is missing", key.id);
            return Err(Problem::unauthenticated(text, "no_security_token"));
        }
        (_, Some(_)) => {
            let text = "X-Security-Token is not the one of this access key";
            return Err(Problem::unauthenticated(text, "bad_security_token"));
        }
    }
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
    let secret = vault.open(&key.id, &key.secret).map_err(Problem::internal)?;
    signing::verify(&request, &authorization, &secret)
        .map_err(|error| Problem::unauthenticated(error, WRONG_SIGNATURE))?;
    if key.temporary.as_ref().is_some_and(|temporary| temporary.expires_at <= now) {
        let text = "calc ak sk signature fail:the temporary access key has expired";
        return Err(Problem::unauthenticated(text, "expired_access_key"));
    }
    let seconds = now.unix_seconds();
    let now = jiff::Timestamp::from_second(seconds).map_err(Problem::internal)?;
    signing::check_clock(date, now).map_err(|error| {
        Problem::unauthenticated(
            format_args!("{error}; the server's clock says {}", signing::format_date(now)),
            "expired_signature",
        )
    })?;
    if !key.enabled {
        return Err(Problem::unauthenticated(format_args!("ak {} is inactive", key.id), "inactive_access_key"));
    }
    Ok(Arc::clone(key))
}

/// What is repeated of an access key that nobody knows.
fn shown(access_key: &str) -> String {
    access_key.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}
