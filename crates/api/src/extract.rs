//! Bodies of requests.

use std::future::Future;
use std::time::Duration;

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::Problem;
use crate::family::{Family, Resource};
use crate::frame::Frame;

/// Largest body that is read (api-vpc §0.2).
pub const BODY_LIMIT: usize = 12 * 1024 * 1024;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// A JSON body, whatever `Content-Type` says (api-vpc §0.2). A body of another form is refused in the family's words.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = within_time(Bytes::from_request(request, state)).await?.map_err(|error| rejected(&error))?;
        if body.trim_ascii().is_empty() {
            return Err(Problem::body("the request has no body; a JSON object is expected"));
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| Problem::body(describe(&error)))
    }
}

/// Lets a client take [`BODY_TIMEOUT`] to send its body.
pub(crate) async fn within_time<T>(body: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(BODY_TIMEOUT, body).await.map_err(|_| Problem::broken_request())
}

fn rejected(error: &BytesRejection) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
        _ => Problem::broken_request(),
    }
}

fn describe(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => format!("the body has not the form that is expected: {error}"),
        _ => format!("the body is not JSON: {error}"),
    }
}

/// A required field, or 400 with its name.
pub(crate) fn required<T>(value: Option<T>, name: &str) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::invalid(format!("{name} is required")))
}

/// An id in a body; its form is checked, the field named.
pub(crate) fn id<T: std::str::FromStr<Err = model::IdError>>(text: &str, name: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::invalid(format!("{name}: {error}")))
}

/// An id in a path. One that is none names no object; v1 of VPCs, subnets and groups says so with 400 (api-errors §3).
pub(crate) fn path_id<T: std::str::FromStr<Err = model::IdError>>(
    frame: &Frame,
    kind: model::Kind,
    text: &str,
) -> Result<T, Problem> {
    text.parse().map_err(|error: model::IdError| match (frame.family, frame.resource) {
        (Family::V1, Resource::Vpc | Resource::Subnet | Resource::SecurityGroup) => Problem::invalid(error.to_string()),
        _ => control::Error::NotFound { kind, id: error.text }.into(),
    })
}

/// Refuses a list that nothing here would keep: dropped silently, a client would take it for in force. An empty one is
/// nothing.
pub(crate) fn unavailable(list: Option<&Vec<serde_json::Value>>, name: &str) -> Result<(), Problem> {
    match list {
        Some(list) if !list.is_empty() => {
            let text = format!("{name} is not available in this installation; leave it out");
            Err(control::Error::NotSupported(text).into())
        }
        _ => Ok(()),
    }
}

/// Refuses what this installation cannot do, with a sentence that says so.
pub(crate) fn supported(is: bool, text: &str) -> Result<(), Problem> {
    if is { Ok(()) } else { Err(control::Error::NotSupported(text.to_owned()).into()) }
}

/// An IPv4 range in a body.
pub(crate) fn cidr(text: &str) -> Result<ipnet::Ipv4Net, Problem> {
    model::parse_cidr(text).map_err(|error| control::Error::InvalidCidr(error).into())
}

/// An IPv6 range in a body.
pub(crate) fn cidr_v6(text: &str) -> Result<ipnet::Ipv6Net, Problem> {
    match model::parse_destination(text) {
        Ok(ipnet::IpNet::V6(cidr)) => Ok(cidr),
        Ok(ipnet::IpNet::V4(_)) => Err(control::Error::InvalidCidr(model::CidrError::Syntax(text.to_owned())).into()),
        Err(error) => Err(control::Error::InvalidCidr(error).into()),
    }
}

/// A route's destination in a body. It comes back as it was sent, and clients compare it byte by byte (clients §6, trap
/// 16): an IPv6 range in another spelling than the one that answers show is refused with that one.
pub(crate) fn destination(text: &str) -> Result<ipnet::IpNet, Problem> {
    let destination = model::parse_destination(text).map_err(control::Error::InvalidCidr)?;
    let shown = destination.to_string();
    if matches!(destination, ipnet::IpNet::V6(_)) && shown != text {
        return Err(Problem::invalid(format!("route destination `{text}`: write it as `{shown}`")));
    }
    Ok(destination)
}

/// An IPv4 address in a body.
pub(crate) fn ipv4(text: &str, name: &str) -> Result<std::net::Ipv4Addr, Problem> {
    let shown: String = text.chars().take(64).collect();
    text.parse().map_err(|_| Problem::invalid(format!("{name}: `{shown}` is not an IPv4 address")))
}

/// An address of either family in a body.
pub(crate) fn ip(text: &str, name: &str) -> Result<std::net::IpAddr, Problem> {
    let shown: String = text.chars().take(64).collect();
    text.parse().map_err(|_| Problem::invalid(format!("{name}: `{shown}` is not an IP address")))
}

/// An IPv6 address in a body, or `auto` for one that the server chooses.
pub(crate) fn ipv6_or_auto(text: &str, name: &str) -> Result<control::PortIpv6, Problem> {
    if text == "auto" {
        return Ok(control::PortIpv6::Automatic);
    }
    match ip(text, name)? {
        std::net::IpAddr::V6(address) => Ok(control::PortIpv6::Address(address)),
        std::net::IpAddr::V4(address) => Err(Problem::invalid(format!("{name}: `{address}` is not an IPv6 address"))),
    }
}
