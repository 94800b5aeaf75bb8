//! Who calls: tokens and signatures (api-iam §3.11), and for which project.

mod actions;
mod authorize;
mod identity;
pub(crate) mod password;
pub(crate) mod secret;
mod signature;

use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request, State as AxumState};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use catalog::Catalog;
use model::UserId;

pub use identity::{Identity, Scope};

pub(crate) use actions::{NO_OBJECT, is_registered, last_object};
pub(crate) use authorize::{also, authorize};
pub(crate) use signature::WRONG_SIGNATURE;

use crate::audit;
use crate::error::Problem;
use crate::extract::{BODY_LIMIT, within_time};
use crate::frame::Frame;
use crate::state::State;

/// Lets only authenticated requests through, and tells the handler who calls.
pub(crate) async fn authenticate(
    AxumState(state): AxumState<State>,
    params: RawPathParams,
    frame: Frame,
    request: Request,
    next: Next,
) -> Response {
    match admit(&state, &params, &frame, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn admit(state: &State, params: &RawPathParams, frame: &Frame, request: Request) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    // The body takes part in the signature as it came; a handler reads it again.
    let body = within_time(axum::body::to_bytes(body, BODY_LIMIT)).await?.map_err(|error| {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            if error.to_string().contains("length limit exceeded") {
                return Problem::too_large();
            }
            cause = error.source();
        }
        Problem::broken_request()
    })?;
    let catalog = state.catalog();
    let now = state.now();
    let identity = match header(&parts.headers, "x-auth-token")? {
        Some(token) => identity::of_token(&catalog, token, now)?,
        None => match header(&parts.headers, "authorization")? {
            Some(authorization) => {
                let access_key = signature::verify(&catalog, state.vault(), &parts, frame, authorization, &body, now)?;
                identity::of_access_key(&catalog, &access_key)?
            }
            None => return Err(Problem::unauthenticated("x-auth-token not found", "no_credentials")),
        },
    };
    let path_project = params.iter().find(|(name, _)| *name == "project_id").map(|(_, value)| value);
    let attempt = audit::current();
    if let Some(attempt) = &attempt {
        attempt.proves(&identity.account, &identity.user);
    }
    let identity = identity.scoped(&catalog, path_project, frame, &parts.headers)?;
    if let Some(attempt) = &attempt {
        attempt.has(&identity);
    }
    parts.extensions.insert(identity);
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Tells the audit log who somebody says to be who has proved nothing yet.
pub(crate) fn claimed(catalog: &Catalog, user: UserId) {
    let user = catalog.user(user);
    let account = user.and_then(|user| catalog.account(user.account));
    if let (Some(attempt), Some(user), Some(account)) = (audit::current(), user, account) {
        attempt.claims(account, user);
    }
}

/// A header's value; empty counts as absent.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    match headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(Err(_)) => Err(Problem::unauthenticated(format_args!("{name} is not readable text"), "unreadable_header")),
    }
}

impl<S: Sync> FromRequestParts<S> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::internal("the route is not behind authentication"))
    }
}
