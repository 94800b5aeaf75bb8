//! Legacy routes, v2.0: the peering routes of default route tables (api-vpc §2).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{CreateRoute, NextHopSpec};
use model::{Kind, NextHop, Route, RouteId};

use super::route_tables::next_hop_type;
use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, destination, id, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v2_page};
use crate::state::State;
use crate::wire::{LegacyRoute, LegacyRouteBody, LegacyRouteList, LegacyRouteRequest};

/// List the peering routes of default route tables.
#[utoipa::path(get, path = "/v2.0/vpc/routes", tag = "Routes", operation_id = "listVpcRoutes",
    params(("id" = Option<String>, Query), ("type" = Option<String>, Query), ("vpc_id" = Option<String>, Query),
        ("destination" = Option<String>, Query), ("tenant_id" = Option<String>, Query)),
    responses((status = 200, body = LegacyRouteList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<LegacyRouteList>, Problem> {
    let catalog = state.catalog();
    let routes: Vec<_> = control::routes(&catalog, &identity.project_caller()?)
        .into_iter()
        .map(|view| view.route)
        .filter(|route| is_legacy(&catalog, route))
        .filter(|route| query.is("id", route.id) && query.is("type", "peering"))
        .filter(|route| query.is("vpc_id", route.vpc))
        .filter(|route| query.is("tenant_id", route.project))
        .filter(|route| query.is("destination", route.destination))
        .collect();
    let (routes, routes_links) = v2_page(&query, &frame.url(), routes, |route| route.id.to_string())?;
    Ok(Json(LegacyRouteList { routes: routes.iter().map(|route| LegacyRoute::new(route)).collect(), routes_links }))
}

/// Add a peering route to a VPC's default route table.
#[utoipa::path(post, path = "/v2.0/vpc/routes", tag = "Routes", operation_id = "createVpcRoute",
    request_body = LegacyRouteRequest, responses((status = 201, body = LegacyRouteBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<LegacyRouteRequest>,
) -> Result<Response, Problem> {
    let fields = request.route;
    let kind = required(fields.kind, "route.type")?;
    let next_hop = required(fields.nexthop, "route.nexthop")?;
    let request = CreateRoute {
        vpc: id(&required(fields.vpc_id, "route.vpc_id")?, "route.vpc_id")?,
        destination: destination(&required(fields.destination, "route.destination")?)?,
        next_hop: NextHopSpec { kind: next_hop_type(&kind)?, id: next_hop },
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_route(catalog, caller, ctx, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::CREATED, |route, _| LegacyRouteBody { route: LegacyRoute::new(route) }))
}

/// Show a peering route.
#[utoipa::path(get, path = "/v2.0/vpc/routes/{route_id}", tag = "Routes", operation_id = "showVpcRoute",
    responses((status = 200, body = LegacyRouteBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(route): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<LegacyRouteBody>, Problem> {
    let id: RouteId = path_id(&frame, Kind::Route, &route)?;
    let catalog = state.catalog();
    let view = control::route(&catalog, &identity.project_caller()?, id)?;
    if !is_legacy(&catalog, &view.route) {
        return Err(control::Error::NotFound { kind: Kind::Route, id: route }.into());
    }
    Ok(Json(LegacyRouteBody { route: LegacyRoute::new(&view.route) }))
}

/// Delete a peering route.
#[utoipa::path(delete, path = "/v2.0/vpc/routes/{route_id}", tag = "Routes", operation_id = "deleteVpcRoute",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(route): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let id: RouteId = path_id(&frame, Kind::Route, &route)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            // A route that this family does not show does not exist in it.
            if catalog.route(id).is_some_and(|route| !is_legacy(catalog, route)) {
                return Err(control::Error::NotFound { kind: Kind::Route, id: id.to_string() });
            }
            control::delete_route(catalog, caller, ctx, id)
        })
        .await?;
    Ok(done.gone())
}

/// Whether the legacy API knows the route: a peering route of a default table.
fn is_legacy(catalog: &Catalog, route: &Route) -> bool {
    matches!(route.next_hop, NextHop::Peering(_)) && catalog.route_table(route.table).is_some_and(|table| table.default)
}
