//! The body of a refusal in each family (api-errors §1).

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{ERROR_HEADER, Kind, Problem, control};
use crate::family::{Family, Resource};
use crate::frame::Frame;

/// What a family says of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status: what clients act on.
    pub status: StatusCode,
    /// `VPC.xxxx`, a Neutron type, `IAM.xxxx`, or Causeway's own code.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
    /// Causeway's own code, the same in every family.
    pub internal: &'static str,
}

/// Chooses status, code and text of a refusal for a family.
#[must_use]
pub fn answer(problem: &Problem, family: Family, resource: Resource) -> Answer {
    let mut answer = described(problem, family, resource);
    if family == Family::Enterprise {
        answer.code = enterprise_code(answer.status).into();
    }
    answer
}

fn described(problem: &Problem, family: Family, resource: Resource) -> Answer {
    let make = |status: StatusCode, code: &'static str, message: String, internal: &'static str| Answer {
        status,
        code: code.into(),
        message,
        internal,
    };
    match problem.kind() {
        Kind::Control(error) => {
            let (status, code) = control::status_and_code(error, family, resource);
            make(status, code, error.to_string(), error.code())
        }
        Kind::Invalid(message) => {
            let code = invalid_code(family, resource, "InvalidInput", "invalid_request");
            make(StatusCode::BAD_REQUEST, code, message.to_string(), "invalid_request")
        }
        Kind::Tag(message) => {
            let code = invalid_code(family, Resource::Tag, "InvalidInput", "invalid_tags");
            make(StatusCode::BAD_REQUEST, code, message.to_string(), "invalid_tags")
        }
        Kind::Body(message) => {
            let code = invalid_code(family, resource, "HTTPBadRequest", "invalid_body");
            make(StatusCode::BAD_REQUEST, code, message.clone(), "invalid_body")
        }
        Kind::WrongProject => {
            let code = by_family(family, "VPC.0007", "HTTPBadRequest", "IAM.0007", "wrong_project");
            // The documented text comes first: clients show it; what follows says what to do.
            let message = "urlTenantId is not equal tokenTenantId: the project of the request is not a project of the \
                           credentials it came with";
            make(StatusCode::BAD_REQUEST, code, message.to_owned(), "wrong_project")
        }
        Kind::NoProject(message) => {
            let code = by_family(family, "VPC.0007", "HTTPBadRequest", "IAM.0007", "no_project");
            make(StatusCode::BAD_REQUEST, code, message.to_string(), "no_project")
        }
        Kind::Gateway { status, code, message, internal } => make(*status, code, message.to_string(), internal),
        Kind::Identity { status, message, internal } => {
            let code = match *status {
                StatusCode::UNAUTHORIZED => "IAM.0001",
                StatusCode::FORBIDDEN => "IAM.0002",
                StatusCode::NOT_FOUND => "IAM.0004",
                StatusCode::CONFLICT => "IAM.0005",
                _ => "IAM.0007",
            };
            make(*status, by_family(family, code, code, code, internal), message.to_string(), internal)
        }
        Kind::Forbidden(message) => {
            let code = by_family(family, "VPC.2701", "PolicyNotAuthorized", "IAM.0002", "not_authorized");
            make(StatusCode::FORBIDDEN, code, message.to_string(), "not_authorized")
        }
        Kind::Denied(action) => {
            let code = by_family(family, "VPC.2201", "PolicyNotAuthorized", "IAM.0003", "policy_denied");
            let message = format!("Policy doesn't allow {action} to be performed");
            make(StatusCode::FORBIDDEN, code, message, "policy_denied")
        }
        Kind::Coded { status, code, message, internal } => {
            make(*status, by_family(family, code, code, code, internal), message.clone(), internal)
        }
        Kind::NotFound(message) => {
            let code = by_family(family, "VPC.2204", "HTTPNotFound", "IAM.0004", "not_found");
            make(StatusCode::NOT_FOUND, code, message.to_string(), "not_found")
        }
        Kind::DataPlane { status, message, internal } => {
            let code = by_family(family, "VPC.2502", "InternalServerError", "IAM.0006", internal);
            make(*status, code, message.clone(), internal)
        }
        Kind::Internal(_) => {
            let code = by_family(family, "VPC.2502", "InternalServerError", "IAM.0006", "internal");
            let message = "The system error. The server's log says more under this request id.".to_owned();
            make(StatusCode::INTERNAL_SERVER_ERROR, code, message, "internal")
        }
    }
}

/// The code of a malformed request: it differs by object (api-errors §3 and §5).
pub(super) fn invalid_code(
    family: Family,
    resource: Resource,
    neutron: &'static str,
    internal: &'static str,
) -> &'static str {
    let vpc = match resource {
        Resource::Vpc => "VPC.0101",
        Resource::Subnet => "VPC.0201",
        Resource::SecurityGroup | Resource::SecurityGroupRule => "VPC.0601",
        Resource::RouteTable | Resource::Route => "VPC.2801",
        Resource::Quota => "VPC.1207",
        Resource::PrivateIp => "VPC.0702",
        Resource::IpAvailability => "VPC.2301",
        Resource::Tag => "VPC.1801",
        Resource::Peering | Resource::Port | Resource::Network | Resource::Router | Resource::Other => "VPC.2500",
    };
    // The availabilities are in v2.0 and have a code of v1 nevertheless.
    let neutron = if resource == Resource::IpAvailability { vpc } else { neutron };
    by_family(family, vpc, neutron, "IAM.0011", internal)
}

pub(super) fn by_family(
    family: Family,
    vpc: &'static str,
    neutron: &'static str,
    iam: &'static str,
    causeway: &'static str,
) -> &'static str {
    match family {
        Family::V1 | Family::V3 => vpc,
        Family::Neutron => neutron,
        Family::Keystone | Family::Iam => iam,
        Family::Enterprise | Family::Causeway | Family::Gateway => causeway,
    }
}

/// The enterprise project service's code for a status.
pub(super) fn enterprise_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "EPS.0002",
        403 => "EPS.0004",
        404 => "EPS.0005",
        409 | 503 => "EPS.0000",
        _ => "EPS.0001",
    }
}

/// Writes the refusal of a request.
#[must_use]
pub fn render(problem: &Problem, frame: &Frame) -> Response {
    if let Kind::Internal(cause) = problem.kind() {
        tracing::error!(request_id = frame.request_id, path = frame.path, cause, "request failed");
    }
    // Authentication, routing and sizes are the gateway's business: its envelope whatever the path (api-iam §8.1).
    let family = if matches!(problem.kind(), Kind::Gateway { .. }) { Family::Gateway } else { frame.family };
    let answer = answer(problem, family, frame.resource);
    let body = body(&answer, family, &frame.request_id);
    let mut response = (answer.status, Json(body)).into_response();
    response.headers_mut().insert(ERROR_HEADER, HeaderValue::from_static(answer.internal));
    response
}

fn body(answer: &Answer, family: Family, request_id: &str) -> Value {
    let (code, message) = (answer.code.as_ref(), answer.message.as_str());
    match family {
        Family::V1 => json!({"code": code, "message": message}),
        Family::Neutron => json!({"NeutronError": {"type": code, "message": message, "detail": ""}}),
        Family::V3 => json!({"request_id": request_id, "error_code": code, "error_msg": message}),
        Family::Keystone => json!({"error": {
            "code": answer.status.as_u16(),
            "message": message,
            "title": answer.status.canonical_reason().unwrap_or("Error"),
        }}),
        Family::Enterprise => json!({"error": {"error_code": code, "error_msg": message}}),
        Family::Iam => json!({"error_code": code, "error_msg": message}),
        Family::Causeway | Family::Gateway => {
            json!({"error_code": code, "error_msg": message, "request_id": request_id})
        }
    }
}
