//! Routers, v2.0 (api-vpc §5.6): VPCs, and the networks that are on them.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, Context, CreateVpc, Error, NetworkView, Outcome, UpdateVpc};
use model::{Kind, VpcId};
use uuid::Uuid;

use super::neutron_subnets::neutron_id;
use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, path_id, supported, unavailable};
use crate::frame::Frame;
use crate::query::{Query, v2_page};
use crate::state::State;
use crate::wire::{
    ACTIVE, RouterBody, RouterFields, RouterInterface, RouterInterfaceRequest, RouterListV2, RouterRequest, RouterV2,
    subnet_of_interface,
};

/// List routers.
#[utoipa::path(get, path = "/v2.0/routers", tag = "Routers", operation_id = "listRouters",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("status" = Option<String>, Query),
        ("admin_state_up" = Option<String>, Query), ("tenant_id" = Option<String>, Query),
        ("project_id" = Option<String>, Query)),
    responses((status = 200, body = RouterListV2)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<RouterListV2>, Problem> {
    let vpcs: Vec<_> = control::vpcs(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|vpc| query.is("id", vpc.id) && query.is("name", &vpc.name))
        .filter(|vpc| query.is("tenant_id", vpc.project))
        .filter(|vpc| query.is("project_id", vpc.project))
        .filter(|_| query.is("status", ACTIVE) && query.flag("admin_state_up", true))
        .collect();
    let (vpcs, routers_links) = v2_page(&query, &frame.url(), vpcs, |vpc| vpc.id.to_string())?;
    Ok(Json(RouterListV2 { routers: vpcs.iter().map(|vpc| RouterV2::new(vpc)).collect(), routers_links }))
}

/// Create a router: a VPC without CIDR block, which takes subnets of any private range.
#[utoipa::path(post, path = "/v2.0/routers", tag = "Routers", operation_id = "createRouter",
    request_body = RouterRequest, responses((status = 201, body = RouterBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<RouterRequest>,
) -> Result<Response, Problem> {
    only_what_is_kept(&request.router)?;
    let request = CreateVpc { name: request.router.name.unwrap_or_default(), ..CreateVpc::default() };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_vpc(catalog, caller, ctx, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::CREATED, |vpc, _| RouterBody { router: RouterV2::new(vpc) }))
}

/// Show a router.
#[utoipa::path(get, path = "/v2.0/routers/{router_id}", tag = "Routers", operation_id = "showRouter",
    responses((status = 200, body = RouterBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(router): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<RouterBody>, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &router)?;
    let vpc = control::vpc(&state.catalog(), &identity.project_caller()?, id)?;
    Ok(Json(RouterBody { router: RouterV2::new(&vpc) }))
}

/// Change a router's name.
#[utoipa::path(put, path = "/v2.0/routers/{router_id}", tag = "Routers", operation_id = "updateRouter",
    request_body = RouterRequest, responses((status = 200, body = RouterBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(router): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RouterRequest>,
) -> Result<Response, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &router)?;
    only_what_is_kept(&request.router)?;
    let request = UpdateVpc { name: request.router.name, ..UpdateVpc::default() };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_vpc(catalog, caller, ctx, id, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |vpc, _| RouterBody { router: RouterV2::new(vpc) }))
}

/// Delete a router, that is its VPC, when it is not in use.
#[utoipa::path(delete, path = "/v2.0/routers/{router_id}", tag = "Routers", operation_id = "deleteRouter",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(router): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &router)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| control::delete_vpc(catalog, caller, ctx, id))
        .await?;
    Ok(done.gone())
}

/// Put the network of a subnet on a router: it becomes a subnet of the VPC with the same ids.
#[utoipa::path(put, path = "/v2.0/routers/{router_id}/add_router_interface", tag = "Routers",
    operation_id = "addRouterInterface", request_body = RouterInterfaceRequest,
    responses((status = 200, body = RouterInterface)))]
pub(crate) async fn add_interface(
    AxumState(state): AxumState<State>,
    Path(router): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RouterInterfaceRequest>,
) -> Result<Response, Problem> {
    let router: VpcId = path_id(&frame, Kind::Vpc, &router)?;
    supported(
        request.port_id.as_deref().is_none_or(str::is_empty),
        "port_id: no port can be on a network before a router is; pass subnet_id",
    )?;
    let subnet = named_subnet(request.subnet_id.as_deref())?;
    change(&state, &identity, router, subnet, control::add_router_interface).await
}

/// Take the network of a subnet off a router. It must have no ports and no reservations; it keeps its ids.
#[utoipa::path(put, path = "/v2.0/routers/{router_id}/remove_router_interface", tag = "Routers",
    operation_id = "removeRouterInterface", request_body = RouterInterfaceRequest,
    responses((status = 200, body = RouterInterface)))]
pub(crate) async fn remove_interface(
    AxumState(state): AxumState<State>,
    Path(router): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RouterInterfaceRequest>,
) -> Result<Response, Problem> {
    let router: VpcId = path_id(&frame, Kind::Vpc, &router)?;
    let subnet = match request.port_id.as_deref().filter(|id| !id.is_empty()) {
        None => named_subnet(request.subnet_id.as_deref())?,
        Some(port) => {
            supported(request.subnet_id.is_none(), "subnet_id and port_id exclude each other")?;
            let missing = || Error::NotFound { kind: Kind::Port, id: port.chars().take(64).collect() };
            let id: model::PortId = port.parse().map_err(|_| missing())?;
            let caller = identity.project_caller()?;
            let subnet = control::subnet(&state.catalog(), &caller, subnet_of_interface(id.uuid()));
            subnet.map_err(|_| missing())?.neutron_subnet_id
        }
    };
    change(&state, &identity, router, subnet, control::remove_router_interface).await
}

type InterfaceCase = fn(&Catalog, &Caller, &mut Context<'_>, VpcId, Uuid) -> Result<Outcome<NetworkView>, Error>;

async fn change(
    state: &State,
    identity: &Identity,
    router: VpcId,
    subnet: Uuid,
    use_case: InterfaceCase,
) -> Result<Response, Problem> {
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| use_case(catalog, caller, ctx, router, subnet))
        .await?;
    Ok(done.reply(StatusCode::OK, |network, _| {
        RouterInterface::new(router.to_string(), network, subnet.hyphenated().to_string())
    }))
}

fn named_subnet(text: Option<&str>) -> Result<Uuid, Problem> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => neutron_id(text),
        None => Err(Problem::invalid("subnet_id is required")),
    }
}

/// Refuses what would be accepted elsewhere and have no effect here (api-vpc §5.6).
fn only_what_is_kept(fields: &RouterFields) -> Result<(), Problem> {
    supported(fields.admin_state_up != Some(false), "router.admin_state_up can only be true")?;
    let outside = fields.external_gateway_info.as_ref().is_some_and(|info| !info.is_empty());
    supported(!outside, "router.external_gateway_info is not available in this installation; leave it out")?;
    unavailable(fields.routes.as_ref(), "router.routes")
}
