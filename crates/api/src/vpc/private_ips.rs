//! Private IPs, v1 (api-vpc §7.1): the ports of a subnet by their addresses.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::NewPrivateIp;
use model::{Kind, PortId, SubnetId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, ipv4, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v1_page};
use crate::state::State;
use crate::wire::{PrivateIpBody, PrivateIpListBody, PrivateIpRequest, PrivateIpV1};

/// Apply for private IPs, all or none. The answer has the order of the request.
#[utoipa::path(post, path = "/v1/{project_id}/privateips", tag = "Private IPs", operation_id = "createPrivateips",
    request_body = PrivateIpRequest, responses((status = 200, body = PrivateIpListBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<PrivateIpRequest>,
) -> Result<Response, Problem> {
    let wanted = request.privateips.into_iter().map(|fields| {
        let subnet = required(fields.subnet_id, "privateips.subnet_id")?;
        let address = fields.ip_address.filter(|text| !text.is_empty());
        Ok(NewPrivateIp {
            subnet: id(&subnet, "privateips.subnet_id")?,
            address: address.map(|text| ipv4(&text, "privateips.ip_address")).transpose()?,
        })
    });
    let wanted = wanted.collect::<Result<Vec<_>, Problem>>()?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_private_ips(catalog, caller, ctx, &wanted)
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |ports, catalog| PrivateIpListBody {
        privateips: ports.iter().map(|port| PrivateIpV1::new(catalog, port)).collect(),
    }))
}

/// Show a private IP.
#[utoipa::path(get, path = "/v1/{project_id}/privateips/{privateip_id}", tag = "Private IPs",
    operation_id = "showPrivateip", responses((status = 200, body = PrivateIpBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<PrivateIpBody>, Problem> {
    let catalog = state.catalog();
    let id: PortId = path_id(&frame, Kind::Port, &port)?;
    let port = control::port(&catalog, &identity.project_caller()?, id)?;
    Ok(Json(PrivateIpBody { privateip: PrivateIpV1::new(&catalog, &port) }))
}

/// List the private IPs of a subnet: every address in use but the gateway's and DHCP's.
#[utoipa::path(get, path = "/v1/{project_id}/subnets/{subnet_id}/privateips", tag = "Private IPs",
    operation_id = "listPrivateips", responses((status = 200, body = PrivateIpListBody)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    Path((_, subnet)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<PrivateIpListBody>, Problem> {
    let catalog = state.catalog();
    let id: SubnetId = path_id(&frame, Kind::Subnet, &subnet)?;
    let network = control::network(&catalog, &identity.project_caller()?, id)?;
    let ports: Vec<_> = catalog.ports_in(network.id).collect();
    let ports = v1_page(&query, ports, |port| port.id.to_string())?;
    Ok(Json(PrivateIpListBody { privateips: ports.iter().map(|port| PrivateIpV1::new(&catalog, port)).collect() }))
}

/// Delete a private IP that nothing uses.
#[utoipa::path(delete, path = "/v1/{project_id}/privateips/{privateip_id}", tag = "Private IPs",
    operation_id = "deletePrivateip", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let id: PortId = path_id(&frame, Kind::Port, &port)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| control::delete_port(catalog, caller, ctx, id))
        .await?;
    Ok(done.gone())
}
