//! Causeway's own API under `/causeway/v1`: what the cloud has no API for.

mod accounts;
mod doctor;
mod events;
mod explain;
mod nics;
mod peerings;
mod probe;
mod repair;
mod servers;
mod status;
mod trace;
mod users;
mod vips;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::State;

/// All operations; each needs credentials.
pub(crate) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(status::show))
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::delete))
        .routes(routes!(servers::list, servers::create))
        .routes(routes!(servers::show, servers::update, servers::delete))
        .routes(routes!(servers::action))
        .routes(routes!(nics::list, nics::attach))
        .routes(routes!(nics::detach))
        .routes(routes!(vips::list))
        .routes(routes!(vips::show))
        .routes(routes!(vips::bind))
        .routes(routes!(vips::unbind))
        .routes(routes!(vips::claim))
        .routes(routes!(trace::trace))
        .routes(routes!(trace::reach))
        .routes(routes!(probe::probe))
        .routes(routes!(peerings::expire))
        .routes(routes!(doctor::doctor))
        .routes(routes!(explain::peering_warnings))
        .routes(routes!(explain::route_states))
        .routes(routes!(events::list))
        .routes(routes!(events::show))
        .routes(routes!(accounts::rotate))
        .routes(routes!(users::list, users::attach))
        .routes(routes!(users::detach))
        .routes(routes!(users::rotate))
        .routes(routes!(users::rotate_key))
}
