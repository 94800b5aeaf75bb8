//! The client: signs, sends, reads answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Method, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use signing::Credentials;

use crate::config::{ClientConfig, Endpoint};
use crate::draft::Draft;
use crate::page::{Keyed, LIMIT, collect_pages, pairs};
use crate::warnings::Warnings;
use crate::{Error, Result, envelope};

const USER_AGENT: &str = concat!("causeway/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For operations that answer at once.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// For operations that measure: they wait for packets.
pub(crate) const LONG_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// A query that asks for nothing in particular.
pub(crate) const NO_QUERY: &[(String, String)] = &[];

/// A client of one server, one access key and at most one project. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Arc<Endpoint>,
    config: Arc<ClientConfig>,
    warnings: Warnings,
}

/// An answer with a good status.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    /// Without members that are `null`; `null` itself for an empty body.
    pub(crate) value: Value,
}

impl Client {
    /// Makes a client. Connects only when an operation needs it. Sets the process-wide cryptography provider of rustls
    /// to ring if nothing else has set one.
    ///
    /// # Errors
    /// [`Error::Endpoint`]; [`Error::CaFile`]; [`Error::Invalid`] if TLS cannot be set up, as on a machine without root certificates.
    pub fn new(config: ClientConfig) -> Result<Self> {
        let endpoint = Endpoint::parse(&config.endpoint)?;
        // An error only says that there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // HTTP/1.1 alone: HTTP/2 has no Host header, and we sign it. No redirects: a signature is for one path.
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        if endpoint.loopback {
            builder = builder.no_proxy();
        }
        if !endpoint.tls {
            // Plain HTTP must work where there are no root certificates to load.
            builder = builder.tls_certs_only([]);
        } else if let Some(path) = &config.ca_file {
            builder = builder.tls_certs_only(authorities(path)?);
        }
        let http = builder.build().map_err(|error| Error::from_reqwest(&config.endpoint, error))?;
        Ok(Self { http, endpoint: Arc::new(endpoint), config: Arc::new(config), warnings: Warnings::default() })
    }

    /// The same client in another project.
    #[must_use]
    pub fn with_project(&self, project_id: &str) -> Self {
        let config = ClientConfig { project_id: Some(project_id.to_owned()), ..(*self.config).clone() };
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// The same client with another access key. The project and the account are forgotten: they are the other key's.
    #[must_use]
    pub fn with_key(&self, access_key: &str, secret_key: &str) -> Self {
        let config = ClientConfig {
            endpoint: self.config.endpoint.clone(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            ca_file: self.config.ca_file.clone(),
            ..ClientConfig::default()
        };
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// What the client was made from.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// What the server said beside its successes since this was last asked, such as that the prefixes of a new peering
    /// overlap: sentences, oldest first. Clones of a client share them, clients made by [`Self::with_project`] and
    /// [`Self::with_key`] included. Only the last 64 are kept.
    #[must_use]
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// Sends any request, signed as all others, and returns the body (`null` when there is none). `path` is
    /// percent-encoded, `query` is not.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<Value> {
        Ok(self.send(method, path, query, body, TIMEOUT).await?.value)
    }

    /// `/v1/{project}{rest}`.
    pub(crate) fn v1(&self, rest: &str) -> Result<String> {
        Ok(format!("/v1/{}{rest}", signing::encode(self.project()?)))
    }

    /// `/v3/{project}/vpc{rest}`.
    pub(crate) fn v3(&self, rest: &str) -> Result<String> {
        Ok(format!("/v3/{}/vpc{rest}", signing::encode(self.project()?)))
    }

    /// `/{family}/{project}{rest}`, for the paths of a family that have the project and nothing else in front.
    pub(crate) fn in_project(&self, family: &str, rest: &str) -> Result<String> {
        Ok(format!("/{family}/{}{rest}", signing::encode(self.project()?)))
    }

    fn project(&self) -> Result<&str> {
        self.config.project_id.as_deref().filter(|id| !id.is_empty()).ok_or(Error::NoProject)
    }

    /// Reads one object, which stands in the answer under `root`.
    pub(crate) async fn show<T: DeserializeOwned>(&self, path: &str, root: &str) -> Result<T> {
        let answer = self.send(Method::GET, path, NO_QUERY, None, TIMEOUT).await?;
        member(answer.value, root, path)
    }

    /// Reads a list that comes in pages.
    pub(crate) async fn list<T>(&self, path: &str, root: &str, filter: &impl Serialize) -> Result<Vec<T>>
    where
        T: DeserializeOwned + Keyed,
    {
        let filter = pairs(filter)?;
        let filter = &filter;
        collect_pages(|marker| async move {
            let mut query = filter.clone();
            query.push(("limit".to_owned(), LIMIT.to_string()));
            query.extend(marker.map(|marker| ("marker".to_owned(), marker)));
            let answer = self.send(Method::GET, path, &query, None, TIMEOUT).await?;
            member(answer.value, root, path)
        })
        .await
    }

    /// Reads a list that comes whole.
    pub(crate) async fn list_whole<T>(&self, path: &str, root: &str, filter: &impl Serialize) -> Result<Vec<T>>
    where
        T: DeserializeOwned,
    {
        let answer = self.send(Method::GET, path, &pairs(filter)?, None, TIMEOUT).await?;
        member(answer.value, root, path)
    }

    /// Sends `{root: body}` and reads the object under `root` of the answer.
    pub(crate) async fn write<T>(&self, method: Method, path: &str, root: &str, body: &impl Serialize) -> Result<T>
    where
        T: DeserializeOwned,
    {
        let body = serde_json::json!({ root: json(body)? });
        let answer = self.send(method, path, NO_QUERY, Some(&body), TIMEOUT).await?;
        member(answer.value, root, path)
    }

    /// Sends a body and reads an object, both without a root.
    pub(crate) async fn exchange<T>(&self, path: &str, body: &impl Serialize, timeout: Duration) -> Result<T>
    where
        T: DeserializeOwned,
    {
        let answer = self.send(Method::POST, path, NO_QUERY, Some(&json(body)?), timeout).await?;
        decode(answer.value, path)
    }

    /// Deletes; an answer with a body is as good as one without.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, NO_QUERY, None, TIMEOUT).await.map(drop)
    }

    /// Signs and sends; an error status is an [`Error::Api`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Answer> {
        let draft = Draft {
            method,
            path: path.to_owned(),
            query: query.to_vec(),
            headers: self.headers(path, body.is_some()),
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        };
        let request = self.sign(&draft, timeout)?;
        let failed = |error| Error::from_reqwest(&self.config.endpoint, error);
        let response = self.http.execute(request).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.map_err(failed)?;
        if !status.is_success() {
            let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
            return Err(envelope::parse(status.as_u16(), text("x-request-id"), text("x-causeway-error"), &bytes));
        }
        self.warnings.keep(&headers);
        let mut value = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(|_| Error::Decode {
                request: format!("{} {path}", draft.method),
                why: format!("it is not JSON: {:.100}", String::from_utf8_lossy(&bytes)),
            })?
        };
        drop_nulls(&mut value);
        Ok(Answer { headers, value })
    }

    /// The headers of a request but for `Host` and `Authorization`. An operation of the account's scope carries the
    /// account, one of a project's scope the project; Causeway's own carry both.
    fn headers(&self, path: &str, has_body: bool) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("user-agent", USER_AGENT.to_owned()),
            ("accept", "application/json".to_owned()),
            ("x-sdk-date", signing::format_date(Timestamp::now())),
        ];
        if has_body {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let own = path.starts_with("/causeway/");
        let account = path.starts_with("/v3/auth/") || path.starts_with("/v3/projects");
        let set = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
        if !account {
            headers.extend(set(&self.config.project_id).map(|id| ("x-project-id", id)));
        }
        if account || own {
            headers.extend(set(&self.config.domain_id).map(|id| ("x-domain-id", id)));
        }
        headers
    }

    /// Makes the request that the HTTP library sends.
    fn sign(&self, draft: &Draft, timeout: Duration) -> Result<reqwest::Request> {
        let invalid = |what: &str| Error::Invalid(format!("{what} has characters that are not allowed there"));
        let url = Url::parse(&format!("{}{}", self.endpoint.base, draft.target())).map_err(|_| invalid("the path"))?;
        let mut request = reqwest::Request::new(draft.method.clone(), url);
        *request.timeout_mut() = Some(timeout);
        let headers = request.headers_mut();
        for (name, value) in &draft.headers {
            let value = HeaderValue::from_str(value).map_err(|_| invalid(name))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if !self.config.access_key.is_empty() {
            let credentials =
                Credentials { access_key: self.config.access_key.clone(), secret_key: self.config.secret_key.clone() };
            let authorization = draft.authorization(&self.endpoint.host, &credentials)?;
            let mut authorization = HeaderValue::from_str(&authorization).map_err(|_| invalid("the access key"))?;
            authorization.set_sensitive(true);
            headers.insert(reqwest::header::AUTHORIZATION, authorization);
        }
        if !draft.body.is_empty() {
            *request.body_mut() = Some(draft.body.clone().into());
        }
        Ok(request)
    }
}

/// The certificates of a file.
fn authorities(path: &Path) -> Result<Vec<Certificate>> {
    let refused = |why: String| Error::CaFile { path: path.display().to_string(), why };
    let pem = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(refused("it has no certificate in PEM form".to_owned())),
    }
}

/// A body as JSON.
pub(crate) fn json(body: &impl Serialize) -> Result<Value> {
    serde_json::to_value(body).map_err(|error| Error::Invalid(error.to_string()))
}

/// The object under `root`.
pub(crate) fn member<T: DeserializeOwned>(mut value: Value, root: &str, path: &str) -> Result<T> {
    match value.get_mut(root).map(Value::take) {
        Some(inner) => decode(inner, path),
        None => Err(Error::Decode { request: path.to_owned(), why: format!("it has no {root:?}") }),
    }
}

/// A typed object.
pub(crate) fn decode<T: DeserializeOwned>(value: Value, path: &str) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::Decode { request: path.to_owned(), why: error.to_string() })
}

/// Makes a member that is `null` one that is absent: the wire uses both for "not set".
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
