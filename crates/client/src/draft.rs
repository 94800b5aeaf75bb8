//! A request before it is sent: everything that takes part in its signature.

use reqwest::Method;
use signing::{Credentials, Request, Scheme};

use crate::Error;

/// A request without its signature.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    /// Percent-encoded.
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Draft {
    /// The query string in the form that is signed, so that there is but one reading of it.
    pub(crate) fn query_string(&self) -> String {
        signing::encode_query(self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Path and query as they go on the wire.
    pub(crate) fn target(&self) -> String {
        let query = self.query_string();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// The value of `Authorization`. Signs every header there is, `Host` and `X-Sdk-Date` included.
    pub(crate) fn authorization(&self, host: &str, credentials: &Credentials) -> Result<String, Error> {
        let query = self.query_string();
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str())).chain([("host", host)]);
        let request = Request::new(self.method.as_str(), &self.path, &query, headers, &self.body);
        let signed = signing::sign(&request, credentials, &Scheme::Plain);
        signed.map(|signed| signed.authorization).map_err(|error| Error::Invalid(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    const PROJECT: &str = "0605767a9980d5792f4fc00ce5a7a1f1";

    fn authorization(method: Method, query: &[(&str, &str)], headers: &[(&'static str, &str)], body: &str) -> String {
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        headers.push(("x-sdk-date", "20260102T030405Z".to_owned()));
        let draft = Draft {
            method,
            path: format!("/v1/{PROJECT}/vpcs"),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            headers,
            body: body.as_bytes().to_vec(),
        };
        let credentials = Credentials {
            access_key: "CAUSEWAYEXAMPLEAK001".to_owned(),
            secret_key: "cAuSeWaYeXaMpLeSeCrEtKeY0123456789abcdef".to_owned(),
        };
        draft.authorization("vpc.region-a.cloud.example", &credentials).unwrap()
    }

    /// IAM, section 3.6.
    #[test]
    fn a_post_is_signed_as_the_python_sdk_signs_it() {
        assert_eq!(
            authorization(
                Method::POST,
                &[],
                &[
                    ("user-agent", "huaweicloud-usdk-python/3.0"),
                    ("content-type", "application/json"),
                    ("x-project-id", PROJECT),
                ],
                r#"{"vpc": {"name": "demo", "cidr": "10.0.0.0/16"}}"#,
            ),
            "SDK-HMAC-SHA256 Access=CAUSEWAYEXAMPLEAK001, \
             SignedHeaders=content-type;host;user-agent;x-project-id;x-sdk-date, \
             Signature=7d6674dd0b8bcc0ae8b232ef1a6c5ffa26a473b83aa5f3bb9457464245fe3a14"
        );
    }

    /// IAM, section 3.7.
    #[test]
    fn a_query_is_signed_as_the_python_sdk_signs_it() {
        let query =
            [("limit", "10"), ("name", "dev net/A+B~é"), ("id", "b"), ("id", "a"), ("marker", ""), ("all", "true")];
        let headers =
            [("content-type", "application/json"), ("x-project-id", PROJECT), ("x-security-token", "tok-abc")];
        let authorization = authorization(Method::GET, &query, &headers, "");
        assert!(
            authorization.ends_with("Signature=9d54d6e49bfc11996d1fedeb7a8261d6f0c0c8b53cd94acb4236fce83892506e"),
            "{authorization}"
        );
    }
}
