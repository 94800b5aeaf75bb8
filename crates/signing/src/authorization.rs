//! The `Authorization` header.

use std::fmt;

use thiserror::Error;

/// The prefix of the plain scheme; also the first line of its string to sign.
pub(crate) const PLAIN: &str = "SDK-HMAC-SHA256";
/// The prefix of the derived scheme; also the first line of its string to sign.
pub(crate) const DERIVED: &str = "V11-HMAC-SHA256";

/// How the key is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `SDK-HMAC-SHA256`: the secret key itself.
    Plain,
    /// `V11-HMAC-SHA256`: a key derived from the secret key for one day, region and service.
    Derived {
        /// `YYYYMMDD/region/service`; the day is that of `X-Sdk-Date`, the region `globe` for global credentials.
        info: String,
    },
}

/// A parsed `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// How the key is used.
    pub scheme: Scheme,
    /// The access key id; says which secret key [`crate::verify`] needs.
    pub access_key: String,
    /// The list of signed headers as received: it is part of the canonical request.
    pub signed_headers: String,
    /// 64 lower-case hexadecimal digits.
    pub signature: String,
}

/// Why an `Authorization` header is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthorizationError {
    /// A scheme of another kind: `Basic`, `SDK-HMAC-SM3`, ...
    #[error("unsupported signing algorithm {0:?}")]
    UnsupportedAlgorithm(String),
    /// A parameter is missing or empty.
    #[error("Authorization header has no {0}")]
    MissingParameter(&'static str),
    /// `Credential` of the derived scheme is not `AK/YYYYMMDD/region/service`.
    #[error("Credential of the Authorization header is not of the form AK/date/region/service")]
    MalformedCredential,
}

impl Authorization {
    /// Reads the header, tolerant of white space and of the order of parameters.
    ///
    /// # Errors
    /// [`AuthorizationError`]; a server answers 401 `APIGW.0301`.
    pub fn parse(header: &str) -> Result<Self, AuthorizationError> {
        let header = header.trim();
        let (algorithm, rest) = header.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((header, ""));
        let derived = match algorithm {
            PLAIN => false,
            DERIVED => true,
            other => return Err(AuthorizationError::UnsupportedAlgorithm(other.chars().take(64).collect())),
        };
        let parameter = |name: &'static str| {
            rest.split(',')
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
                .filter(|value| !value.is_empty())
                .ok_or(AuthorizationError::MissingParameter(name))
        };
        let (scheme, access_key) = if derived {
            let credential = parameter("Credential")?;
            let (access_key, info) = credential.split_once('/').ok_or(AuthorizationError::MalformedCredential)?;
            if access_key.is_empty() || info.split('/').count() != 3 || info.split('/').any(str::is_empty) {
                return Err(AuthorizationError::MalformedCredential);
            }
            (Scheme::Derived { info: info.to_owned() }, access_key.to_owned())
        } else {
            (Scheme::Plain, parameter("Access")?)
        };
        Ok(Self { scheme, access_key, signed_headers: parameter("SignedHeaders")?, signature: parameter("Signature")? })
    }

    /// Whether a header of this (lower-case) name is signed.
    #[must_use]
    pub fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Authorization {
    /// The header as the official SDKs write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Scheme::Plain => write!(f, "{PLAIN} Access={}", self.access_key)?,
            Scheme::Derived { info } => write!(f, "{DERIVED} Credential={}/{info}", self.access_key)?,
        }
        write!(f, ", SignedHeaders={}, Signature={}", self.signed_headers, self.signature)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn white_space_order_and_case_of_parameters_do_not_matter() {
        let expected = Authorization {
            scheme: Scheme::Plain,
            access_key: "AK".to_owned(),
            signed_headers: "host;x-sdk-date".to_owned(),
            signature: "ab".to_owned(),
        };
        for header in [
            "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=ab",
            "SDK-HMAC-SHA256 Access=AK,SignedHeaders=host;x-sdk-date,Signature=ab",
            "  SDK-HMAC-SHA256\t Signature=ab ,\t signedheaders= host;x-sdk-date ,  Access=AK ",
        ] {
            assert_eq!(Authorization::parse(header).unwrap(), expected, "{header}");
        }
        assert_eq!(Authorization::parse(&expected.to_string()).unwrap(), expected);
    }

    /// Section 3.9.
    #[test]
    fn derived_credential_carries_its_scope() {
        let header = "V11-HMAC-SHA256 Credential=AK/20260102/region-a/vpc, SignedHeaders=host;x-sdk-date, Signature=ab";
        let parsed = Authorization::parse(header).unwrap();
        assert_eq!(parsed.scheme, Scheme::Derived { info: "20260102/region-a/vpc".to_owned() });
        assert_eq!(parsed.to_string(), header);
        assert_eq!(
            Authorization::parse("V11-HMAC-SHA256 Credential=AK/x, SignedHeaders=a, Signature=b"),
            Err(AuthorizationError::MalformedCredential)
        );
    }

    /// Section 3.10.
    #[test]
    fn other_algorithms_are_refused_by_name() {
        for other in ["SDK-HMAC-SM3", "SDK-ECDSA-P256-SHA256", "Basic", ""] {
            assert_eq!(
                Authorization::parse(&format!("{other} Access=AK, SignedHeaders=a, Signature=b")),
                Err(AuthorizationError::UnsupportedAlgorithm(
                    if other.is_empty() { "Access=AK," } else { other }.into()
                ))
            );
        }
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let parse = |header: &str| Authorization::parse(header).unwrap_err();
        assert_eq!(parse("SDK-HMAC-SHA256"), AuthorizationError::MissingParameter("Access"));
        assert_eq!(
            parse("SDK-HMAC-SHA256 Access=AK, SignedHeaders=, Signature=b"),
            AuthorizationError::MissingParameter("SignedHeaders")
        );
    }
}
