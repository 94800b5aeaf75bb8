//! The identity service: what a client needs before its first network call succeeds (api-iam).

mod catalog;
mod credentials;
mod directory;
mod roles;
mod tokens;
mod users;
mod version;

pub(crate) use credentials::reach_key;

use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::frame::Frame;
use crate::state::State;

/// Operations that need no credentials.
pub(crate) fn open() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(version::root))
        .routes(routes!(version::show))
        .routes(routes!(version::show_network))
        .routes(routes!(tokens::issue))
}

/// Operations that do.
pub(crate) fn closed() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(tokens::show))
        .routes(routes!(tokens::check))
        .routes(routes!(tokens::revoke))
        .routes(routes!(catalog::show))
        .routes(routes!(directory::projects))
        .routes(routes!(directory::project))
        .routes(routes!(directory::own_projects))
        .routes(routes!(directory::projects_of_user))
        .routes(routes!(directory::domains))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::show, users::update, users::delete))
        .routes(routes!(users::change_password))
        .routes(routes!(users::create_detailed))
        .routes(routes!(users::show_detailed, users::update_detailed))
        .routes(routes!(roles::list))
        .routes(routes!(roles::show))
        .routes(routes!(roles::list_custom, roles::create))
        .routes(routes!(roles::show_custom, roles::update, roles::delete))
        .routes(routes!(catalog::services))
        .routes(routes!(catalog::service))
        .routes(routes!(catalog::endpoints))
        .routes(routes!(catalog::endpoint))
        .routes(routes!(directory::caller_identity))
        .routes(routes!(credentials::create_temporary))
        .routes(routes!(directory::regions))
        .routes(routes!(credentials::list, credentials::create))
        .routes(routes!(credentials::show, credentials::update, credentials::delete))
}

/// The `X-IAM-Trace-Id` that SDKs quote in their errors: the request's id (api-iam §6).
fn traced(mut response: Response, frame: &Frame) -> Response {
    if let Ok(id) = frame.request_id.parse() {
        response.headers_mut().insert("x-iam-trace-id", id);
    }
    response
}
