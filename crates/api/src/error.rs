//! Refusals: what a handler says, and how each family shows it.
//!
//! A handler answers a [`Problem`]; it knows neither the family it serves nor the request's id. [`crate::frame`] does,
//! and writes the body. So every refusal of one kind has one place where its status, code and text are chosen, whatever
//! the path it came by.

mod body;
mod control;

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

pub use body::{Answer, answer, render};

/// The header with Causeway's own code of a refusal, the same in every family.
pub const ERROR_HEADER: &str = "x-causeway-error";

/// Why a request is refused.
#[derive(Clone, Debug)]
pub struct Problem(Arc<Kind>);

#[derive(Debug)]
pub(crate) enum Kind {
    /// A use case refused.
    Control(::control::Error),
    /// A field or parameter that is wrong by itself.
    Invalid(Cow<'static, str>),
    /// Tags that are wrong by themselves.
    Tag(Cow<'static, str>),
    /// A body that is not JSON or has not the form of the request.
    Body(String),
    /// The path's or header's project is not the caller's.
    WrongProject,
    /// Nothing says which project is meant.
    NoProject(Cow<'static, str>),
    /// The gateway's refusals: authentication, routing, sizes.
    Gateway { status: StatusCode, code: &'static str, message: Cow<'static, str>, internal: &'static str },
    /// The identity service's refusals.
    Identity { status: StatusCode, message: Cow<'static, str>, internal: &'static str },
    /// A call of Causeway's own API that needs the operator's account, or a look into what is not the caller's.
    Forbidden(Cow<'static, str>),
    /// The caller's policies do not allow the action.
    Denied(&'static str),
    /// A refusal of the identity service that has a documented code of its own in `/v3.0`.
    Coded { status: StatusCode, code: &'static str, message: String, internal: &'static str },
    /// Something that only this API looks up is not there.
    NotFound(Cow<'static, str>),
    /// The data plane could not do what was asked.
    DataPlane { status: StatusCode, message: String, internal: &'static str },
    /// The server's own fault; the text is for the log only.
    Internal(String),
}

impl Problem {
    fn of(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Whether a use case refused because there is no such object.
    #[must_use]
    pub(crate) fn says_missing(&self, kind: model::Kind, id: &str) -> bool {
        matches!(self.kind(), Kind::Control(::control::Error::NotFound { kind: found, id: named })
            if *found == kind && named == id)
    }

    /// A wrong field or parameter: 400.
    #[must_use]
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Invalid(message.into()))
    }

    /// Tags that cannot be, whatever the path speaks of: 400 `VPC.1801` (api-errors §3.7).
    #[must_use]
    pub fn tag(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Tag(message.into()))
    }

    /// A body that cannot be read: 400.
    #[must_use]
    pub fn body(message: impl Into<String>) -> Self {
        Self::of(Kind::Body(message.into()))
    }

    /// The project of the path is not the credential's: 400 `VPC.0007`.
    #[must_use]
    pub fn wrong_project() -> Self {
        Self::of(Kind::WrongProject)
    }

    /// The request names no project.
    #[must_use]
    pub fn no_project(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::NoProject(message.into()))
    }

    /// 401 `APIGW.0301` with the detail that says what is wrong (api-iam §8.1).
    #[must_use]
    pub fn unauthenticated(detail: impl std::fmt::Display, internal: &'static str) -> Self {
        Self::of(Kind::Gateway {
            status: StatusCode::UNAUTHORIZED,
            code: "APIGW.0301",
            message: format!("Incorrect IAM authentication information: {detail}").into(),
            internal,
        })
    }

    /// 404 `APIGW.0101`: no such path, or not with this method.
    #[must_use]
    pub fn no_such_api(message: &'static str) -> Self {
        Self::of(Kind::Gateway {
            status: StatusCode::NOT_FOUND,
            code: "APIGW.0101",
            message: message.into(),
            internal: "unknown_api",
        })
    }

    /// 413 `APIGW.0201`: a body of more than 12 MiB.
    #[must_use]
    pub fn too_large() -> Self {
        Self::of(Kind::Gateway {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: "APIGW.0201",
            message: "Request entity too large.".into(),
            internal: "request_too_large",
        })
    }

    /// 400 `APIGW.0201`: a request that ended before its body did.
    #[must_use]
    pub fn broken_request() -> Self {
        Self::of(Kind::Gateway {
            status: StatusCode::BAD_REQUEST,
            code: "APIGW.0201",
            message: "API request error.".into(),
            internal: "broken_request",
        })
    }

    /// A refusal of the identity service.
    #[must_use]
    pub fn identity(status: StatusCode, message: impl Into<Cow<'static, str>>, internal: &'static str) -> Self {
        Self::of(Kind::Identity { status, message: message.into(), internal })
    }

    /// 403: the caller may not do this.
    #[must_use]
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Forbidden(message.into()))
    }

    /// 403: no policy of the caller allows the action, or one denies it.
    #[must_use]
    pub fn denied(action: &'static str) -> Self {
        Self::of(Kind::Denied(action))
    }

    /// A refusal of the identity service with its documented code (api-iam §8.3).
    #[must_use]
    pub fn coded(status: StatusCode, code: &'static str, message: impl Into<String>, internal: &'static str) -> Self {
        Self::of(Kind::Coded { status, code, message: message.into(), internal })
    }

    /// 404 for what is looked up here and not in a use case.
    #[must_use]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::NotFound(message.into()))
    }

    /// 409: the data plane has no room for more objects.
    #[must_use]
    pub fn no_room(reason: String) -> Self {
        Self::of(Kind::DataPlane { status: StatusCode::CONFLICT, message: reason, internal: "exhausted" })
    }

    /// 500; `cause` goes to the log, not to the client.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::of(Kind::Internal(cause.to_string()))
    }
}

impl From<::control::Error> for Problem {
    fn from(error: ::control::Error) -> Self {
        Self::of(Kind::Control(error))
    }
}

impl From<agent::AgentError> for Problem {
    fn from(error: agent::AgentError) -> Self {
        use agent::AgentError as E;
        let (status, internal) = match &error {
            E::NoPackets => (StatusCode::CONFLICT, "no_packets"),
            E::NoWorkload(_) => (StatusCode::CONFLICT, "no_workload"),
            E::NotSettled { .. } => (StatusCode::GATEWAY_TIMEOUT, "not_settled"),
            E::Machine(_) => (StatusCode::INTERNAL_SERVER_ERROR, "machine"),
        };
        Self::of(Kind::DataPlane { status, message: error.to_string(), internal })
    }
}

impl From<model::IdError> for Problem {
    fn from(error: model::IdError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl IntoResponse for Problem {
    /// An answer without a body: [`crate::frame`] writes it.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
