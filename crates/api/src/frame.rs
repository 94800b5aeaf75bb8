//! What happens to every request before it is routed and to every answer after it: request ids, doubled slashes, the
//! bodies of refusals.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::{Problem, render};
use crate::family::{Family, Resource};
use crate::names::{Named, Names};
use crate::serve::Connection;

/// The header that names the request, on every answer (api-vpc §0.3).
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before it is routed.
#[derive(Clone, Debug)]
pub struct Frame {
    /// 32 hexadecimal digits.
    pub request_id: String,
    /// The family of the path.
    pub family: Family,
    /// What the path speaks of.
    pub resource: Resource,
    /// Path and query as they came, doubled slashes included: what a signature covers.
    pub received: Uri,
    /// `http://host:port` or `https://host:port` as the client wrote it, for links in answers.
    pub base: String,
    /// The host names of the installation.
    pub names: Arc<Names>,
    /// The path that was routed.
    pub path: String,
}

impl Frame {
    /// The address of this request without its query.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.base, self.path)
    }

    /// What the host says that the client used; nothing when it is an address.
    #[must_use]
    pub fn named(&self) -> Option<Named<'_>> {
        self.names.read(self.base.split_once("://")?.1)
    }

    /// The base address of a service, for links in answers (see [`Names::base_of`]).
    #[must_use]
    pub fn base_of(&self, service: &str, region: Option<&str>) -> String {
        self.names.base_of(&self.base, service, region)
    }
}

impl<S: Sync> FromRequestParts<S> for Frame {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::internal("the request has no frame"))
    }
}

/// What frames are made of.
#[derive(Clone)]
pub(crate) struct Framing {
    /// Makes request ids.
    pub(crate) ids: Arc<dyn Fn() -> String + Send + Sync>,
    /// The host names of the installation.
    pub(crate) names: Arc<Names>,
}

/// The middleware.
pub(crate) async fn frame(State(framing): State<Framing>, mut request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let request_id = (framing.ids)();
    let received = request.uri().clone();
    if let Some(uri) = without_doubled_slashes(&received) {
        *request.uri_mut() = uri;
    }
    // HTTP/2 names the host in the request line only; a signature may cover it as the header that HTTP/1 sends.
    if !request.headers().contains_key(header::HOST)
        && let Some(host) = received.authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    let path = request.uri().path().to_owned();
    let frame = Frame {
        request_id,
        family: Family::of(&path),
        resource: Resource::of(&path),
        base: base(&request, &framing.names),
        names: framing.names,
        received,
        path,
    };
    request.extensions_mut().insert(frame.clone());
    let method = request.method().clone();

    let mut response = next.run(request).await;

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = render(&problem, &frame);
    } else if is_plain_refusal(&response) {
        response = render(&Problem::invalid("the address of the request is not percent-encoded UTF-8"), &frame);
    }
    if let Ok(id) = HeaderValue::from_str(&frame.request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, id);
    }
    tracing::debug!(
        request_id = frame.request_id,
        %method,
        path = frame.path,
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// The router refuses a path that cannot be decoded by itself, in plain text.
fn is_plain_refusal(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    response.status() == StatusCode::BAD_REQUEST && kind.is_some_and(|kind| kind.starts_with("text/plain"))
}

/// The same address with single slashes (api-iam §6); `None` when nothing changes.
fn without_doubled_slashes(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let trailing = path.len() > 1 && path.ends_with('/');
    if !path.contains("//") && !trailing {
        return None;
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut text = format!("/{}", segments.join("/"));
    if let Some(query) = uri.query() {
        text = format!("{text}?{query}");
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// Scheme and host as the client wrote them. Where TLS ends at a proxy, the proxy's word counts for the scheme, nobody
/// else's.
fn base(request: &Request, names: &Names) -> String {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let connection = request.extensions().get::<Connection>();
    let forwarded = || text("x-forwarded-proto").is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
    let tls = connection.is_some_and(|from| from.tls || (names.trusts(from.peer.ip()) && forwarded()));
    format!("{}://{}", if tls { "https" } else { "http" }, text("host").unwrap_or("localhost"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals")]
    use super::*;

    /// api-iam §6: a client whose `auth_url` ends in a slash asks for `/v3//projects`.
    #[test]
    fn doubled_and_trailing_slashes_vanish_and_the_query_stays() {
        let uri = |text: &str| without_doubled_slashes(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(uri("/v3//projects?name=a//b").as_deref(), Some("/v3/projects?name=a//b"));
        assert_eq!(uri("/v3/").as_deref(), Some("/v3"));
        assert_eq!(uri("//").as_deref(), Some("/"));
        assert_eq!(uri("/v3/projects"), None);
        assert_eq!(uri("/"), None);
    }
}
