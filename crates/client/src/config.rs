//! Where the server is and who the caller is.

use std::fmt;
use std::path::PathBuf;

use reqwest::Url;

use crate::Error;

/// What a [`crate::Client`] needs to know.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientConfig {
    /// `http://host[:port]` or `https://host[:port]`, without a path.
    pub endpoint: String,
    /// The access key id (AK). With an empty one requests are sent unsigned, which only few operations accept.
    pub access_key: String,
    /// The secret key (SK).
    pub secret_key: String,
    /// The project, and by it the region, of VPC operations. [`crate::Client::project_named`] finds it.
    pub project_id: Option<String>,
    /// The account; sent to operations of the account's scope. Not required: the access key tells it.
    pub domain_id: Option<String>,
    /// A PEM file with the certificate authorities to trust, in place of the machine's; for an `https` endpoint.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for ClientConfig {
    /// Leaves the secret key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("endpoint", &self.endpoint)
            .field("access_key", &self.access_key)
            .field("project_id", &self.project_id)
            .field("domain_id", &self.domain_id)
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

/// A checked endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Scheme and authority, without a slash at the end.
    pub(crate) base: String,
    /// The `Host` header: a port stands there unless it is the scheme's own.
    pub(crate) host: String,
    pub(crate) tls: bool,
    /// On this machine: no proxy can be meant.
    pub(crate) loopback: bool,
}

impl Endpoint {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::Endpoint { endpoint: text.to_owned(), why: why.to_owned() };
        let url = Url::parse(text.trim()).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("it must begin with http:// or https://"));
        }
        let host = url.host_str().ok_or_else(|| invalid("it names no host"))?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it must end after the host and the port"));
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { base: format!("{}://{host}", url.scheme()), host, tls: url.scheme() == "https", loopback })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn host_carries_a_port_unless_it_is_the_schemes_own() {
        for (text, base, host, loopback) in [
            ("http://127.0.0.1:9797/", "http://127.0.0.1:9797", "127.0.0.1:9797", true),
            ("http://localhost:80", "http://localhost", "localhost", true),
            ("https://vpc.region-a.example:443", "https://vpc.region-a.example", "vpc.region-a.example", false),
            ("http://[::1]:9797", "http://[::1]:9797", "[::1]:9797", true),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.base.as_str(), endpoint.host.as_str(), endpoint.loopback), (base, host, loopback));
        }
    }

    #[test]
    fn an_endpoint_has_a_scheme_a_host_and_no_path() {
        for text in ["", "127.0.0.1:9797", "localhost:9797", "ftp://host", "http://host/v1", "http://host?x"] {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(matches!(error, Error::Endpoint { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn the_secret_is_not_in_debug_output() {
        let config = ClientConfig { secret_key: "hush".to_owned(), ..ClientConfig::default() };
        assert!(!format!("{config:?}").contains("hush"));
    }
}
