//! Networks, v2.0 (api-vpc §5.6): subnets of VPCs, and networks that are on no router yet; and their addresses (§7.2).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::NetworkView;
use model::{Kind, SubnetId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, path_id, supported};
use crate::frame::Frame;
use crate::query::{Query, v2_page};
use crate::state::State;
use crate::wire::{
    ACTIVE, NETWORK_TYPE, NetworkBody, NetworkFields, NetworkIpAvailability, NetworkIpAvailabilityBody,
    NetworkIpAvailabilityList, NetworkListV2, NetworkRequest, NetworkV2,
};

/// List networks.
#[utoipa::path(get, path = "/v2.0/networks", tag = "Networks", operation_id = "listNetworks",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("status" = Option<String>, Query),
        ("shared" = Option<String>, Query), ("router:external" = Option<String>, Query),
        ("admin_state_up" = Option<String>, Query), ("provider:network_type" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query), ("project_id" = Option<String>, Query)),
    responses((status = 200, body = NetworkListV2)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<NetworkListV2>, Problem> {
    let networks: Vec<NetworkView> = control::networks(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|network| query.is("id", network.id) && query.is("name", &network.name))
        .filter(|network| query.is("tenant_id", network.project))
        .filter(|network| query.is("project_id", network.project))
        .filter(|_| query.is("status", ACTIVE) && query.is("provider:network_type", NETWORK_TYPE))
        .filter(|_| query.flag("shared", false) && query.flag("router:external", false))
        .filter(|_| query.flag("admin_state_up", true))
        .collect();
    let (networks, networks_links) = v2_page(&query, &frame.url(), networks, |network| network.id.to_string())?;
    Ok(Json(NetworkListV2 { networks: networks.iter().map(NetworkV2::new).collect(), networks_links }))
}

/// Create a network. It is in no VPC, and carries nothing, until a router has an interface in its subnet.
#[utoipa::path(post, path = "/v2.0/networks", tag = "Networks", operation_id = "createNetwork",
    request_body = NetworkRequest, responses((status = 201, body = NetworkBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<NetworkRequest>,
) -> Result<Response, Problem> {
    only_what_is_kept(&request.network)?;
    let name = request.network.name.unwrap_or_default();
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_network(catalog, caller, ctx, name.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::CREATED, |network, _| NetworkBody { network: NetworkV2::new(network) }))
}

/// Show a network.
#[utoipa::path(get, path = "/v2.0/networks/{network_id}", tag = "Networks", operation_id = "showNetwork",
    responses((status = 200, body = NetworkBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(network): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<NetworkBody>, Problem> {
    let id: SubnetId = path_id(&frame, Kind::Network, &network)?;
    let network = control::network(&state.catalog(), &identity.project_caller()?, id)?;
    Ok(Json(NetworkBody { network: NetworkV2::new(&network) }))
}

/// Change a network's name: the subnet's in v1 and v3.
#[utoipa::path(put, path = "/v2.0/networks/{network_id}", tag = "Networks", operation_id = "updateNetwork",
    request_body = NetworkRequest, responses((status = 200, body = NetworkBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(network): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<NetworkRequest>,
) -> Result<Response, Problem> {
    let id: SubnetId = path_id(&frame, Kind::Network, &network)?;
    only_what_is_kept(&request.network)?;
    let name = request.network.name;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_network(catalog, caller, ctx, id, name.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |network, _| NetworkBody { network: NetworkV2::new(network) }))
}

/// Delete a network that is on no router, with its subnets.
#[utoipa::path(delete, path = "/v2.0/networks/{network_id}", tag = "Networks", operation_id = "deleteNetwork",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(network): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let id: SubnetId = path_id(&frame, Kind::Network, &network)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_network(catalog, caller, ctx, id)
        })
        .await?;
    Ok(done.gone())
}

/// List how many addresses networks have.
#[utoipa::path(get, path = "/v2.0/network-ip-availabilities", tag = "Networks",
    operation_id = "listNetworkIpAvailabilities",
    params(("network_id" = Option<String>, Query), ("network_name" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query), ("project_id" = Option<String>, Query),
        ("ip_version" = Option<String>, Query)),
    responses((status = 200, body = NetworkIpAvailabilityList)))]
pub(crate) async fn list_availabilities(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<NetworkIpAvailabilityList>, Problem> {
    let catalog = state.catalog();
    let networks: Vec<NetworkView> = control::networks(&catalog, &identity.project_caller()?)
        .into_iter()
        .filter(|network| query.is("network_id", network.id))
        .filter(|network| query.is("network_name", &network.name))
        .filter(|network| query.is("tenant_id", network.project))
        .filter(|network| query.is("project_id", network.project))
        .collect();
    let (networks, network_ip_availabilities_links) =
        v2_page(&query, &frame.url(), networks, |network| network.id.to_string())?;
    let of_version = |version: u8| query.is("ip_version", version);
    let network_ip_availabilities =
        networks.iter().map(|network| NetworkIpAvailability::new(&catalog, network, of_version)).collect();
    Ok(Json(NetworkIpAvailabilityList { network_ip_availabilities, network_ip_availabilities_links }))
}

/// Show how many addresses a network has, and how many are in use.
#[utoipa::path(get, path = "/v2.0/network-ip-availabilities/{network_id}", tag = "Networks",
    operation_id = "showNetworkIpAvailabilities", responses((status = 200, body = NetworkIpAvailabilityBody)))]
pub(crate) async fn show_availability(
    AxumState(state): AxumState<State>,
    Path(network): Path<String>,
    identity: Identity,
) -> Result<Json<NetworkIpAvailabilityBody>, Problem> {
    let catalog = state.catalog();
    let id: SubnetId = network.parse()?;
    let network = control::network(&catalog, &identity.project_caller()?, id)?;
    let network_ip_availability = NetworkIpAvailability::new(&catalog, &network, |_| true);
    Ok(Json(NetworkIpAvailabilityBody { network_ip_availability }))
}

/// Refuses what would be accepted elsewhere and have no effect here (api-vpc §5.6).
fn only_what_is_kept(fields: &NetworkFields) -> Result<(), Problem> {
    supported(fields.admin_state_up != Some(false), "network.admin_state_up can only be true")?;
    supported(fields.shared != Some(true), "network.shared can only be false")?;
    supported(fields.external != Some(true), "network.router:external can only be false")?;
    let kind = fields.network_type.as_deref().unwrap_or(NETWORK_TYPE);
    supported([NETWORK_TYPE, ""].contains(&kind), "network.provider:network_type can only be geneve")?;
    supported(
        fields.port_security_enabled != Some(false),
        "network.port_security_enabled can only be true; 1.1.1.1/0 in the allowed_address_pairs of a port turns its \
         source/destination check off",
    )
}
