//! The network API (api-vpc): each file one kind of object in every family that has it.

mod legacy_routes;
mod peerings;
mod ports;
mod quotas;
mod route_tables;
mod rules;
mod security_groups;
mod subnets;
mod vpcs;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::State;

/// All operations; each needs credentials.
pub(crate) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(vpcs::list, vpcs::create))
        .routes(routes!(vpcs::show, vpcs::update, vpcs::delete))
        .routes(routes!(vpcs::list_v3, vpcs::create_v3))
        .routes(routes!(vpcs::show_v3, vpcs::update_v3, vpcs::delete_v3))
        .routes(routes!(vpcs::add_cidr))
        .routes(routes!(vpcs::remove_cidr))
        .routes(routes!(subnets::list, subnets::create))
        .routes(routes!(subnets::show))
        .routes(routes!(subnets::update, subnets::delete))
        .routes(routes!(route_tables::list, route_tables::create))
        .routes(routes!(route_tables::show, route_tables::update, route_tables::delete))
        .routes(routes!(route_tables::action))
        .routes(routes!(peerings::list, peerings::create))
        .routes(routes!(peerings::show, peerings::update, peerings::delete))
        .routes(routes!(peerings::accept))
        .routes(routes!(peerings::reject))
        .routes(routes!(legacy_routes::list, legacy_routes::create))
        .routes(routes!(legacy_routes::show, legacy_routes::delete))
        .routes(routes!(ports::list, ports::create))
        .routes(routes!(ports::show, ports::update, ports::delete))
        .routes(routes!(ports::list_v2, ports::create_v2))
        .routes(routes!(ports::show_v2, ports::update_v2, ports::delete_v2))
        .routes(routes!(security_groups::list, security_groups::create))
        .routes(routes!(security_groups::show, security_groups::delete))
        .routes(routes!(security_groups::list_v2, security_groups::create_v2))
        .routes(routes!(security_groups::show_v2, security_groups::update_v2, security_groups::delete_v2))
        .routes(routes!(security_groups::list_v3, security_groups::create_v3))
        .routes(routes!(security_groups::show_v3, security_groups::update_v3, security_groups::delete_v3))
        .routes(routes!(rules::list, rules::create))
        .routes(routes!(rules::show, rules::delete))
        .routes(routes!(rules::list_v2, rules::create_v2))
        .routes(routes!(rules::show_v2, rules::delete_v2))
        .routes(routes!(rules::list_v3, rules::create_v3))
        .routes(routes!(rules::show_v3, rules::delete_v3))
        .routes(routes!(rules::create_batch))
        .routes(routes!(quotas::list))
}
